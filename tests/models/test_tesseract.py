"""Latin lines are read through pipes: in order, in one process, and never through a file."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytesseract
import pytest

from idproof.models.errors import EngineUnavailable
from idproof.models.tesseract import TesseractReader, TesserocrReader, _data_folder, open_reader
from idproof.models.types import RGBImage

LINES = ["A123456(3)", "CHAN, Tai Man", "7115 1129 2429", "01-01-1985", "(06-96)", "26-11-18", "M"]


@pytest.fixture(scope="module")
def reader() -> TesseractReader:
    open_reader()  # says what to install when it is not there
    return TesseractReader("tesseract")


@pytest.fixture
def pictures(render: Callable[[str], RGBImage]) -> list[RGBImage]:
    return [render(text) for text in LINES]


def test_lines_are_read_in_their_order_in_one_process(
    reader: TesseractReader, pictures: list[RGBImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    run = subprocess.run

    def counted(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        started.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    readings = reader.read(pictures)
    assert [reading.text for reading in readings] == LINES
    assert all(reading.confidence > 0.8 for reading in readings)
    assert len(started) == 1


def test_an_empty_line_between_others_stays_empty(reader: TesseractReader, pictures: list[RGBImage]) -> None:
    blank = np.full((48, 300, 3), 255, np.uint8)
    nothing = np.zeros((0, 10, 3), np.uint8)
    lines = [blank, pictures[0], nothing, blank, pictures[3], blank]
    assert [reading.text for reading in reader.read(lines)] == ["", LINES[0], "", "", LINES[3], ""]


def test_a_huge_line_does_not_spoil_the_others(reader: TesseractReader, pictures: list[RGBImage]) -> None:
    monster = np.full((2, 9000, 3), 255, np.uint8)
    assert [reading.text for reading in reader.read([monster, pictures[0]])] == ["", LINES[0]]


def test_no_file_is_written(
    reader: TesseractReader, pictures: list[RGBImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a temporary file was asked for")

    for name in ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    for name in ("TMPDIR", "TMP", "TEMP"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert reader.read(pictures)[0].text == LINES[0]
    assert list(tmp_path.iterdir()) == []


def test_pytesseract_itself_would_write_a_file(
    pictures: list[RGBImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above; when it fails, pytesseract could be used as it is."""
    asked: list[str] = []
    make = tempfile.NamedTemporaryFile

    def noted(*arguments: Any, **options: Any) -> Any:
        asked.append(str(options.get("prefix")))
        return make(*arguments, **options)

    monkeypatch.setattr(pytesseract.pytesseract, "NamedTemporaryFile", noted)
    pytesseract.image_to_string(pictures[0])
    assert asked == ["tess_"]


def test_one_thread_means_one_thread(
    reader: TesseractReader, pictures: list[RGBImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    run = subprocess.run

    def noted(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        seen.append(options["env"]["OMP_THREAD_LIMIT"])
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", noted)
    reader.read(pictures[:1])
    assert seen == ["1"]


def test_a_program_that_hangs_is_ended_and_gives_empty_readings(pictures: list[RGBImage], tmp_path: Path) -> None:
    program = tmp_path / "slow"
    program.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    program.chmod(0o755)
    began = time.monotonic()
    readings = TesseractReader(str(program), timeout_s=0.5).read(pictures[:2])
    assert [reading.text for reading in readings] == ["", ""]
    assert time.monotonic() - began < 10


def test_a_failing_or_missing_program_gives_empty_readings(pictures: list[RGBImage], tmp_path: Path) -> None:
    for program in ("false", str(tmp_path / "gone")):
        assert TesseractReader(program).read(pictures[:1])[0].text == ""


def test_the_error_names_the_missing_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no data for tlh; install it with `apt-get install"):
        open_reader("tlh")
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", str(tmp_path / "gone"))
    with pytest.raises(EngineUnavailable, match="Tesseract is not installed; install it with `apt-get install"):
        open_reader()


@pytest.fixture
def library_reader() -> TesserocrReader:
    """The reader of a registration where the extra `ocr-fast` is installed, as for these tests and in the container."""
    opened = open_reader()
    assert isinstance(opened, TesserocrReader)
    return opened


def test_the_library_reads_the_same_as_the_program(
    library_reader: TesserocrReader, reader: TesseractReader, pictures: list[RGBImage]
) -> None:
    assert [reading.text for reading in library_reader.read(pictures)] == LINES
    assert [reading.text for reading in reader.read(pictures)] == LINES
    assert library_reader.read([np.full((48, 300, 3), 255, np.uint8), np.zeros((0, 9, 3), np.uint8)])[0].text == ""


def test_the_library_starts_no_program(
    library_reader: TesserocrReader, pictures: list[RGBImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert library_reader.read(pictures)[0].text == LINES[0]


def test_the_library_reads_for_several_threads_at_once(
    library_reader: TesserocrReader, pictures: list[RGBImage]
) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: library_reader.read(pictures), range(12)))
    assert all([reading.text for reading in readings] == LINES for readings in found)


def test_the_library_uses_one_thread(library_reader: TesserocrReader, pictures: list[RGBImage]) -> None:
    """Tesseract's own four threads wait in loops: a page then costs several times the processor's time."""
    library_reader.read(pictures)
    wall, spent = time.perf_counter(), time.process_time()
    library_reader.read(pictures)
    assert time.process_time() - spent <= 1.2 * (time.perf_counter() - wall)


def test_the_library_stops_when_its_time_is_over(pictures: list[RGBImage]) -> None:
    data = _data_folder("tesseract")
    assert data is not None
    hasty = TesserocrReader(data, timeout_s=0.001)
    assert [reading.text for reading in hasty.read(pictures * 4)] == [""] * 4 * len(LINES)
    patient = TesserocrReader(data)
    patient._idle = hasty._idle  # an engine that was stopped reads on
    assert patient.read(pictures)[0].text == LINES[0]


def test_without_the_library_the_program_reads(pictures: list[RGBImage], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    opened = open_reader()
    assert isinstance(opened, TesseractReader)
    assert opened.read(pictures)[0].text == LINES[0]
