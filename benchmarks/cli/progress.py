"""Progress on standard error: a bar on a terminal, else a line every half minute."""

import threading
import time

import typer
from rich.console import Console
from rich.progress import Progress

LINE_EVERY_S = 30.0
"""Seconds between two lines in a log: a reader sees that the run goes on, and the log of an hour stays short."""


class ProgressReport:
    """Reports progress as a function of (done, total), while its `with` block runs.

    Where standard error is not a terminal, a line is printed at even times even when nothing was finished meanwhile.

    Args:
        unit: the counted things, such as `registrations`.
        bar: show a bar on a terminal.
        console: to write to; default: standard error.
        line_every_s: seconds between two lines in a log.
    """

    def __init__(
        self, unit: str, *, bar: bool = True, console: Console | None = None, line_every_s: float = LINE_EVERY_S
    ) -> None:
        self._unit = unit
        self._console = console or Console(stderr=True)
        self._bar = Progress(console=self._console) if bar and self._console.is_terminal else None
        self._task = self._bar.add_task(unit) if self._bar is not None else None
        self._line_every_s = line_every_s
        self._done: tuple[int, int] | None = None
        self._ended = threading.Event()
        self._lines = threading.Thread(target=self._print_lines, daemon=True)
        self._started = 0.0

    def __enter__(self) -> "ProgressReport":
        self._started = time.monotonic()
        if self._bar is not None:
            self._bar.start()
        elif not self._console.is_terminal:
            self._lines.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.stop()
        elif self._lines.is_alive():
            self._lines.join()

    def __call__(self, done: int, total: int) -> None:
        """Moves the bar, or keeps the numbers for the next line."""
        self._done = done, total
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)

    def _print_lines(self) -> None:
        while not self._ended.wait(self._line_every_s):
            counted = "running" if self._done is None else "{:,} of {:,}".format(*self._done)
            seconds = time.monotonic() - self._started
            self._console.print(f"{self._unit}: {counted} after {seconds:,.0f} s", markup=False, highlight=False)


def report_line(line: str) -> None:
    """Prints one line to standard error."""
    typer.echo(line, err=True)
