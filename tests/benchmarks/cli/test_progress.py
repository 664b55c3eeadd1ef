"""A log shows that a benchmark goes on, a terminal shows a bar."""

import io
import time

from rich.console import Console

from idproof.benchmarks.cli.progress import LINE_EVERY_S, ProgressReport


def lines_of(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_log_gets_a_line_at_even_times_even_when_nothing_is_finished() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    with ProgressReport("registrations", console=console, line_every_s=0.05) as progress:
        wait_for(console, 1)
        progress(3, 1200)
        wait_for(console, len(lines_of(console)) + 2)
    lines = lines_of(console)
    assert lines[0] == "registrations: running after 0 s"
    assert lines[-1] == "registrations: 3 of 1,200 after 0 s"
    time.sleep(0.15)
    assert lines_of(console) == lines, "no line after the end"


def test_a_short_run_leaves_the_log_empty() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    with ProgressReport("registrations", console=console) as progress:
        progress(1, 1)
    assert lines_of(console) == []
    assert LINE_EVERY_S == 30.0


def test_a_terminal_gets_a_bar_and_no_lines() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with ProgressReport("registrations", console=console, line_every_s=0.01) as progress:
        progress(1, 2)
        time.sleep(0.1)
    assert "50%" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "registrations: " not in console.file.getvalue()  # type: ignore[attr-defined]


def wait_for(console: Console, count: int) -> None:
    deadline = time.monotonic() + 10
    while len(lines_of(console)) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(lines_of(console)) >= count
