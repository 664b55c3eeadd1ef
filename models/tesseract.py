"""Line reading with Tesseract; the only importer of pytesseract and tesserocr.

Smith, "An Overview of the Tesseract OCR Engine" (2007).
"""

import csv
import io
import subprocess
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
import pytesseract
from PIL import Image

from idproof.models.errors import EngineUnavailable
from idproof.models.types import LineReader, LineReading, RGBImage

_HEIGHT = 48
_GAP = 40  # pixels of white between stacked lines, enough for Tesseract to keep them apart
_TIMEOUT_S = 20
_LANGUAGE = "eng"
_SINGLE_BLOCK, _SINGLE_LINE = 6, 7  # Tesseract's page segmentation modes
_WORD_LEVEL = "5"


class TesseractReader:
    """Reads Latin lines with the `tesseract` program, all of them in one process.

    pytesseract finds the program and its languages. The run itself goes through pipes: pytesseract would write
    the picture and the text it read to temporary files, and neither may ever reach a file.
    """

    name = "tesseract"

    def __init__(self, program: str) -> None:
        self._program = program

    def read(self, lines: Sequence[RGBImage]) -> list[LineReading]:
        """One reading a line, in order; an unreadable line, or a run that fails, gives empty readings."""
        readings = [LineReading("", ())] * len(lines)
        usable = [i for i, line in enumerate(lines) if min(line.shape[:2]) > 1]
        if not usable:
            return readings
        page, tops = _stack([lines[i] for i in usable])
        words: dict[int, list[tuple[str, float]]] = {}
        for row in self._words(page):
            middle = int(row["top"]) + int(row["height"]) / 2
            line = max((n for n, top in enumerate(tops) if top <= middle), default=0)
            words.setdefault(line, []).append((row["text"], max(0.0, float(row["conf"])) / 100))
        for line, found in words.items():
            readings[usable[line]] = _join(found)
        return readings

    def _words(self, page: RGBImage) -> list[dict[str, str]]:
        """Rows of Tesseract's TSV that are words."""
        encoded, picture = cv2.imencode(".png", page)
        command = [self._program, "stdin", "stdout", "-l", _LANGUAGE, "--psm", str(_SINGLE_BLOCK), "tsv"]
        try:
            run = subprocess.run(
                command, input=picture.tobytes() if encoded else b"", capture_output=True, timeout=_TIMEOUT_S
            )
        except (subprocess.TimeoutExpired, OSError):
            return []
        if run.returncode != 0:
            return []
        rows = csv.DictReader(io.StringIO(run.stdout.decode(errors="replace")), delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row for row in rows if row["level"] == _WORD_LEVEL and row["text"].strip()]


class _TesserOCR(Protocol):
    def SetImage(self, image: Image.Image) -> None: ...  # noqa: N802
    def AllWords(self) -> list[str]: ...  # noqa: N802
    def AllWordConfidences(self) -> list[int]: ...  # noqa: N802
    def Recognize(self) -> bool: ...  # noqa: N802
    def Clear(self) -> None: ...  # noqa: N802


class TesserocrReader:
    """Reads Latin lines with Tesseract's library in this process, much faster; used when tesserocr is installed."""

    name = "tesseract"

    def read(self, lines: Sequence[RGBImage]) -> list[LineReading]:
        """One reading a line, in order."""
        import tesserocr  # noqa: PLC0415 - an optional extra, `ocr-fast`

        with tesserocr.PyTessBaseAPI(lang=_LANGUAGE, psm=_SINGLE_LINE) as engine:
            return [_read_line(engine, line) for line in lines]


def open_reader() -> LineReader:
    """The fastest Tesseract there is.

    Raises:
        EngineUnavailable: neither the library nor the program with English data is installed.
    """
    try:
        import tesserocr  # noqa: PLC0415 - an optional extra, `ocr-fast`

        if _LANGUAGE in tesserocr.get_languages()[1]:
            return TesserocrReader()
    except ImportError:
        pass
    wanted = "install it with `apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-chi-tra`"
    try:
        languages = pytesseract.get_languages(config="")
    except (pytesseract.TesseractNotFoundError, OSError):
        raise EngineUnavailable(f"Tesseract is not installed; {wanted}.") from None
    if _LANGUAGE not in languages:
        raise EngineUnavailable(f"Tesseract has no data for {_LANGUAGE}; {wanted}.")
    return TesseractReader(pytesseract.pytesseract.tesseract_cmd)


def _stack(lines: Sequence[RGBImage]) -> tuple[RGBImage, list[int]]:
    """All lines below each other on white, and the top of each line's strip."""
    resized = [
        cv2.resize(line, (max(1, round(line.shape[1] * _HEIGHT / line.shape[0])), _HEIGHT), interpolation=cv2.INTER_CUBIC)
        for line in lines
    ]
    width = max(line.shape[1] for line in resized) + 2 * _GAP
    page = np.full((len(lines) * (_HEIGHT + _GAP) + _GAP, width, 3), 255, dtype=np.uint8)
    tops = []
    for i, line in enumerate(resized):
        top = _GAP + i * (_HEIGHT + _GAP)
        page[top : top + _HEIGHT, _GAP : _GAP + line.shape[1]] = line
        tops.append(top - _GAP // 2)
    return page, tops


def _read_line(engine: _TesserOCR, line: RGBImage) -> LineReading:
    if min(line.shape[:2]) <= 1:
        return LineReading("", ())
    page, _ = _stack([line])
    engine.SetImage(Image.fromarray(page))
    engine.Recognize()
    words = list(zip(engine.AllWords(), (c / 100 for c in engine.AllWordConfidences()), strict=False))
    engine.Clear()
    return _join(words)


def _join(words: Sequence[tuple[str, float]]) -> LineReading:
    """Words with their confidences as one line; a space is as certain as the word after it."""
    text, confidences = "", []
    for word, confidence in words:
        spaced = f" {word}" if text else word
        text += spaced
        confidences += [confidence] * len(spaced)
    return LineReading(text, tuple(confidences))
