"""Runs as files, made of counts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idproof.benchmarks.harness.output import BONA_FIDE, Run, figure
from idproof.benchmarks.metrics import rate
from idproof.benchmarks.report.read import ReadRun, read

WriteRun = Callable[..., ReadRun]


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """A run of a benchmark whose figures are counts: `write_run("a", "card", {"card.apcer.print": (1, 20)})`."""

    def write(name: str, bench: str, counted: dict[str, tuple[int, int]], **extra: Any) -> ReadRun:
        figures = {figure_name: figure(rate(*events)) for figure_name, events in counted.items()}
        run = Run(bench, "open", {"net.onnx": "0" * 64}, 7, {BONA_FIDE: {"sets": 20, "objections": {}}}, figures, extra)
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(run.to_json()), encoding="utf-8")
        return read(file)

    return write
