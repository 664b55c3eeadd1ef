"""Tesseract's own library in this process, by its C interface; a program per call costs four times its reading.

The system's library is used, with the system's language data, so that it reads exactly as the program does. The
interface is that of `tesseract/capi.h`, which has been stable since Tesseract 4.
"""

import ctypes
import ctypes.util
import os
import threading
import weakref
from typing import Self

import numpy as np
from numpy.typing import NDArray

_THREADS = "OMP_THREAD_LIMIT"
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "TessBaseAPICreate": (ctypes.c_void_p, []),
    "TessBaseAPIInit3": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p]),
    "TessBaseAPISetPageSegMode": (None, [ctypes.c_void_p, ctypes.c_int]),
    "TessBaseAPISetImage": (None, [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int] * 4]),
    "TessBaseAPIRecognize": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p]),
    "TessBaseAPIGetTsvText": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
    "TessBaseAPIClear": (None, [ctypes.c_void_p]),
    "TessBaseAPIDelete": (None, [ctypes.c_void_p]),
    "TessDeleteText": (None, [ctypes.c_void_p]),
    "TessMonitorCreate": (ctypes.c_void_p, []),
    "TessMonitorSetDeadlineMSecs": (None, [ctypes.c_void_p, ctypes.c_int]),
    "TessMonitorDelete": (None, [ctypes.c_void_p]),
}


class TesseractLibrary:
    """Open engines of one language, kept for the next call; safe to call from several threads.

    A picture and what was read in it are freed after each call (`TessBaseAPIClear`), where the guard `malloc_perturb`
    overwrites them.

    Args:
        library: with Tesseract's C interface.
        data: folder of the language data.
        language: of that data.
        mode: of page segmentation.
        timeout_s: seconds after which a reading is ended; it is empty then.
    """

    def __init__(self, library: ctypes.CDLL, data: str, language: str, mode: int, timeout_s: float) -> None:
        self._library = library
        self._data, self._language, self._mode = data.encode(), language.encode(), mode
        self._timeout_ms = int(timeout_s * 1000)
        self._idle: list[int] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close, library, self._idle)  # at the latest when the process ends

    @classmethod
    def open(cls, data: str, language: str, *, mode: int, threads: int, timeout_s: float) -> Self | None:
        """Opens the system's library; None where it, or the number of threads, cannot be had."""
        library = _load(threads)
        if library is None:
            return None
        opened = cls(library, data, language, mode, timeout_s)
        try:
            opened._idle.append(opened._engine())
        except OSError:
            return None
        return opened

    def read(self, page: NDArray[np.uint8]) -> str:
        """Returns the words of a grey page as a table (TSV without a header); empty when the time is over.

        Raises:
            OSError: the language data cannot be opened any more.
        """
        with self._lock:
            engine = self._idle.pop() if self._idle else None
        engine = engine or self._engine()
        page = np.ascontiguousarray(page)
        height, width = page.shape
        monitor = self._library.TessMonitorCreate()
        try:
            self._library.TessMonitorSetDeadlineMSecs(monitor, self._timeout_ms)
            self._library.TessBaseAPISetImage(engine, page.ctypes.data, width, height, 1, width)
            if self._library.TessBaseAPIRecognize(engine, monitor) != 0:
                return ""
            table = self._library.TessBaseAPIGetTsvText(engine, 0)
            try:
                return ctypes.string_at(table).decode(errors="replace")
            finally:
                self._library.TessDeleteText(table)
        finally:
            self._library.TessMonitorDelete(monitor)
            self._library.TessBaseAPIClear(engine)
            with self._lock:
                self._idle.append(engine)

    def _engine(self) -> int:
        """Opens one more engine: as many as there were calls at one time."""
        engine = int(self._library.TessBaseAPICreate())
        if self._library.TessBaseAPIInit3(engine, self._data, self._language) != 0:
            self._library.TessBaseAPIDelete(engine)
            raise OSError("Tesseract cannot open its language data")
        self._library.TessBaseAPISetPageSegMode(engine, self._mode)
        return engine


def _close(library: ctypes.CDLL, engines: list[int]) -> None:
    while engines:
        library.TessBaseAPIDelete(engines.pop())


def _load(threads: int) -> ctypes.CDLL | None:
    """Loads the library so that each reading uses at most so many threads.

    More than one make lines slower, because Tesseract's threads wait in loops. OpenMP reads its limit from the
    environment when it is loaded, and only then.
    """
    name = ctypes.util.find_library("tesseract")
    if name is None:
        return None
    former = os.environ.get(_THREADS)
    os.environ[_THREADS] = str(threads)
    try:
        library = ctypes.CDLL(name)
        for function, (result, arguments) in _SIGNATURES.items():
            found = getattr(library, function)
            found.restype, found.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    finally:
        if former is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = former
    return library if _thread_limit(library) <= threads else None


def _thread_limit(library: ctypes.CDLL) -> int:
    """Returns the limit in force: another library may have loaded OpenMP before; 1 where Tesseract does without it."""
    try:
        return int(library.omp_get_thread_limit())  # of the library's own OpenMP, which it is linked with
    except AttributeError:
        return 1
