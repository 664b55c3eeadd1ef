"""`idproof bench report`."""

from pathlib import Path
from typing import Annotated

import typer

from idproof.benchmarks.cli.progress import report_line
from idproof.datasets.sets import read_sets
from idproof.pipeline import IdproofError

app = typer.Typer()


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Files that other benchmarks wrote with --out.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("report.html"),
    pdf: Annotated[Path | None, typer.Option(help="Also print the page to this file, with Chromium.")] = None,
    sets: Annotated[Path | None, typer.Option(help="Specimens of the runs; those that failed are shown.")] = None,
) -> None:
    """Write one page about one or more runs: what was measured, and what the counts allow to be claimed."""
    from idproof.benchmarks.report import page, read  # matplotlib takes a second to import
    from idproof.benchmarks.report.pdf import print_page

    text = page.build([read.read(file) for file in runs], read_sets(sets) if sets else ())
    try:
        out.write_text(text, encoding="utf-8")
    except OSError:
        raise IdproofError(f"The report {out.name} cannot be written.") from None
    report_line(f"{out} ({len(text) / 1024:,.0f} KiB)")
    if pdf is not None:
        print_page(out, pdf)
        report_line(str(pdf))
