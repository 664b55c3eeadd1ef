"""Line reading with Tesseract; the only importer of pytesseract and tesserocr.

Smith, "An Overview of the Tesseract OCR Engine" (2007).
"""

import csv
import io
import os
import queue
import re
import subprocess
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytesseract
from numpy.typing import NDArray

from idproof.models.errors import EngineUnavailable
from idproof.models.types import LineReader, LineReading, RGBImage

if TYPE_CHECKING:
    import tesserocr

# Sizes and thresholds were chosen by hand on rendered lines; no outside source.
_HEIGHT = 48
_MAX_WIDTH = 2048
_GAP = 40  # pixels of white between stacked lines, enough for Tesseract to keep them apart
_TIMEOUT_S = 20.0
_SINGLE_BLOCK = 6  # of Tesseract's page segmentation modes
_COLUMNS = ("level", "page", "block", "paragraph", "line", "word", "left", "top", "width", "height", "conf", "text")
_BACKGROUND_PX = 21  # at the strip's height; wider than any stroke
_INK_PERCENTILE = 2
_PAPER = 0.5  # of the way from ink to background: lighter pixels are paper
_WORD_LEVEL = "5"
_INSTALL = "install it with `apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-chi-tra`"

GreyImage = NDArray[np.uint8]
"""Shape (height, width), 0..255."""


class TesseractReader:
    """Reads lines with the `tesseract` program, all in one process; safe to call from several threads.

    pytesseract finds the program and its languages. The picture and the text go through pipes: pytesseract would write
    them to temporary files, and neither may ever reach a file.

    Args:
        program: name or path of the program.
        language: of Tesseract's data, such as `eng` or `chi_tra`.
        threads: processor threads of a run. More than one makes lines slower, because Tesseract's threads wait in
        loops.
        timeout_s: seconds after which a run is ended; its lines become empty readings.
    """

    name = "tesseract"

    def __init__(self, program: str, language: str = "eng", threads: int = 1, timeout_s: float = _TIMEOUT_S) -> None:
        self._command = [program, "stdin", "stdout", "-l", language, "--psm", str(_SINGLE_BLOCK), "tsv"]
        self._threads = threads
        self._timeout_s = timeout_s

    def read(self, lines: Sequence[RGBImage]) -> list[LineReading]:
        """Returns one reading per line, in order; an unreadable line, or a run that fails, gives empty readings."""
        return _read(lines, self._run)

    def _run(self, page: GreyImage) -> str:
        picture = cv2.imencode(".png", page)[1].tobytes()
        environment = os.environ | {"OMP_THREAD_LIMIT": str(self._threads)}
        try:
            run = subprocess.run(
                self._command,
                input=picture,
                capture_output=True,
                check=True,
                timeout=self._timeout_s,
                env=environment,
            )
        except (subprocess.SubprocessError, OSError):
            return ""
        return run.stdout.decode(errors="replace")


class TesserocrReader:
    """Reads lines with Tesseract's library in this process, which saves the start of another for each call.

    Safe to call from several threads: each call has an engine of its own, which is kept for the next one. A picture and
    what was read in it are freed after each call, where the guard `malloc_perturb` overwrites them.

    Args:
        data: folder of Tesseract's language data.
        language: of that data.
        timeout_s: seconds after which a reading is ended; its lines become empty readings.

    Raises:
        RuntimeError: the language data cannot be opened.
    """

    name = "tesseract"

    def __init__(self, data: str, language: str = "eng", timeout_s: float = _TIMEOUT_S) -> None:
        self._data, self._language = data, language
        self._timeout_ms = int(timeout_s * 1000)
        self._idle: queue.SimpleQueue[tesserocr.PyTessBaseAPI] = queue.SimpleQueue()
        self._idle.put(self._open())

    def read(self, lines: Sequence[RGBImage]) -> list[LineReading]:
        """Returns one reading per line, in order; an unreadable line, or a run that fails, gives empty readings."""
        try:
            return _read(lines, self._run)
        except RuntimeError:  # no engine more can be opened, for lack of memory
            return [LineReading("", ())] * len(lines)

    def _open(self) -> "tesserocr.PyTessBaseAPI":
        import tesserocr  # an optional extra, `ocr-fast`

        return tesserocr.PyTessBaseAPI(path=self._data, lang=self._language, psm=_SINGLE_BLOCK)

    def _run(self, page: GreyImage) -> str:
        try:
            engine = self._idle.get_nowait()
        except queue.Empty:  # as many engines as there are calls at one time
            engine = self._open()
        height, width = page.shape
        try:
            engine.SetImageBytes(page.tobytes(), width, height, 1, width)
            return str(engine.GetTSVText(0)) if engine.Recognize(self._timeout_ms) else ""
        finally:
            engine.Clear()
            self._idle.put(engine)


def open_reader(language: str = "eng", threads: int = 1) -> LineReader:
    """Opens the fastest Tesseract that is installed for a language.

    Raises:
        EngineUnavailable: the program, or its data for the language, is not installed.
    """
    try:
        languages = pytesseract.get_languages(config="")
    except (pytesseract.TesseractNotFoundError, OSError):
        raise EngineUnavailable(f"Tesseract is not installed; {_INSTALL}.") from None
    if language not in languages:
        raise EngineUnavailable(f"Tesseract has no data for {language}; {_INSTALL}.")
    program = pytesseract.pytesseract.tesseract_cmd
    data = _data_folder(program)
    if data and language in _library_languages(data):
        return TesserocrReader(data, language)
    return TesseractReader(program, language, threads)


def _data_folder(program: str) -> str | None:
    """Returns the program's folder of language data; a tesserocr from the package index has none of its own."""
    run = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False)
    found = re.search(r'"(.+)"', run.stdout)
    return found[1] if found else None


def _library_languages(data: str) -> list[str]:
    try:
        import tesserocr
    except ImportError:
        return []
    return list(tesserocr.get_languages(data)[1])


def _read(lines: Sequence[RGBImage], run: Callable[[GreyImage], str]) -> list[LineReading]:
    """Reads all lines as one page; assigns each word of Tesseract's table to its line."""
    readings = [LineReading("", ())] * len(lines)
    usable = [i for i, line in enumerate(lines) if min(line.shape[:2]) > 1]
    if not usable:
        return readings
    words: dict[int, list[tuple[str, float]]] = {}
    table = io.StringIO(run(_stack([lines[i] for i in usable])))
    for row in csv.DictReader(table, _COLUMNS, delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == _WORD_LEVEL and row["text"].strip():
            middle = int(row["top"]) + int(row["height"]) / 2
            place = min(int(max(middle - _GAP / 2, 0) // (_HEIGHT + _GAP)), len(usable) - 1)
            words.setdefault(usable[place], []).append((row["text"], max(0.0, float(row["conf"])) / 100))
    for i, found in words.items():
        readings[i] = _join(found)
    return readings


def _stack(lines: Sequence[RGBImage]) -> GreyImage:
    """Returns all lines below each other on white: a gap, a line, a gap, a line, …, a gap."""
    strips = [_strip(line) for line in lines]
    width = max(strip.shape[1] for strip in strips) + 2 * _GAP
    page = np.full((len(strips) * (_HEIGHT + _GAP) + _GAP, width), 255, dtype=np.uint8)
    for i, strip in enumerate(strips):
        top = _GAP + i * (_HEIGHT + _GAP)
        page[top : top + _HEIGHT, _GAP : _GAP + strip.shape[1]] = strip
    return page


def _strip(line: RGBImage) -> GreyImage:
    height, width = line.shape[:2]
    size = (int(np.clip(round(width * _HEIGHT / height), 1, _MAX_WIDTH)), _HEIGHT)
    interpolation = cv2.INTER_AREA if height > _HEIGHT else cv2.INTER_CUBIC
    resized = cv2.resize(cv2.cvtColor(line, cv2.COLOR_RGB2GRAY), size, interpolation=interpolation)
    return _darken_print(np.asarray(resized, dtype=np.uint8))


def _darken_print(grey: GreyImage) -> GreyImage:
    """Returns dark print on white paper; tints, shades and light print behind the text become white.

    Tesseract's layout analysis takes a strip with a coloured background on a white page for a picture, and reads
    nothing in it.
    """
    kernel = np.ones((_BACKGROUND_PX, _BACKGROUND_PX), dtype=np.uint8)
    background = cv2.GaussianBlur(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, kernel), (0, 0), _BACKGROUND_PX / 2)
    share = grey.astype(np.float32) / np.maximum(background, 1)
    ink = float(np.percentile(share, _INK_PERCENTILE))
    paper = ink + _PAPER * (1.0 - ink)
    spread = (share - ink) / max(paper - ink, 0.1)
    return np.asarray((spread * 255).clip(0, 255), dtype=np.uint8)


def _join(words: Sequence[tuple[str, float]]) -> LineReading:
    """Joins words and their confidences to one line; a space is as certain as the word after it."""
    text, confidences = "", []
    for word, confidence in words:
        spaced = f" {word}" if text else word
        text += spaced
        confidences += [confidence] * len(spaced)
    return LineReading(text, tuple(confidences))
