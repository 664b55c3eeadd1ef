"""Line reading with a PP-OCR recogniser.

PaddleOCR's recognisers take lines of 48 pixels in height and return class probabilities per time step, decoded greedily
(connectionist temporal classification, Graves et al., 2006). The characters are in the ONNX file's metadata.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.errors import ModelCorrupt
from idproof.models.onnx_marks import LOGITS, OUTPUT
from idproof.models.session import CPU, open_session
from idproof.models.types import LineReading, RGBImage

_HEIGHT = 48  # of the network's input
_BLANK = 0  # class of connectionist temporal classification
# Chosen by hand on rendered lines; no outside source.
_MIN_WIDTH = 160  # short lines read better with grey to their right
_MAX_WIDTH = 2048
_MAX_BATCH = 3  # larger ones leave the processor's cache and take half as long again per line
_ALTERNATIVES = 6  # likeliest classes per time step
_MIN_ALTERNATIVE = 0.003  # probability


class PPOCRReader:
    """Reads Chinese and Latin lines; safe to call from several threads.

    Args:
        model: serialised ONNX with a `character` list in its metadata.
        threads: of the session.
        provider: execution provider of onnxruntime.

    Raises:
        ModelCorrupt: the weights are not such a network.
    """

    name = "pp-ocr"

    def __init__(self, model: bytes, threads: int = 1, provider: str = CPU) -> None:
        self._session = open_session(model, threads, provider)
        texts = self._session.get_modelmeta().custom_metadata_map
        listed = texts.get("character")
        if not listed:
            raise ModelCorrupt("The PP-OCR weights carry no list of characters.")
        if texts.get(OUTPUT) != LOGITS:
            raise ModelCorrupt("The PP-OCR weights give probabilities; they are to be rewritten first.")
        self._characters = ["", *listed.split("\n"), " "]
        if self._session.get_outputs()[0].shape[-1] != len(self._characters):
            raise ModelCorrupt("The PP-OCR weights list another number of characters than they tell apart.")
        self._input = self._session.get_inputs()[0].name

    def read(self, lines: Sequence[RGBImage]) -> list[LineReading]:
        """Returns one reading per line, in order; lines of one width, as of a field in all captures, share a batch."""
        readings = [LineReading("", ())] * len(lines)
        for chosen in _batches([_width(line) for line in lines]):
            for i, logits in zip(chosen, self._run([lines[i] for i in chosen]), strict=True):
                readings[i] = self._decode(logits)
        return readings

    def _run(self, lines: Sequence[RGBImage]) -> NDArray[np.float32]:
        """Returns (n, steps, classes): logits."""
        width = max(_MIN_WIDTH, *(_width(line) for line in lines))
        batch = np.zeros((len(lines), 3, _HEIGHT, width), dtype=np.float32)
        for row, line in zip(batch, lines, strict=True):
            resized = cv2.resize(line, (_width(line), _HEIGHT), interpolation=cv2.INTER_LINEAR)
            # BGR, -1..1, as the network was trained; the rest of the row stays at the middle grey of padding.
            row[:, :, : resized.shape[1]] = resized[..., ::-1].transpose(2, 0, 1) / 127.5 - 1.0
        logits = np.asarray(self._session.run(None, {self._input: batch})[0], dtype=np.float32)
        return logits.reshape(len(lines), -1, logits.shape[-1])

    def _decode(self, logits: NDArray[np.float32]) -> LineReading:
        best = logits.argmax(axis=1)
        repeated = np.concatenate([[False], best[1:] == best[:-1]])
        text, confidences, alternatives = "", [], []
        for step in np.flatnonzero((best != _BLANK) & ~repeated):
            # Only these steps are worth probabilities: four in five are blank or repeat a character.
            probabilities = np.exp(logits[step] - logits[step, best[step]])
            probabilities /= probabilities.sum()
            others = self._others(probabilities, int(best[step]))
            # A class may stand for more than one code point; its confidence stands for each.
            for character in self._characters[best[step]]:
                text += character
                confidences.append(min(1.0, float(probabilities[best[step]])))
                alternatives.append(others)
        return LineReading(text, tuple(confidences), tuple(alternatives))

    def _others(self, step: NDArray[np.float32], best: int) -> tuple[tuple[str, float], ...]:
        """Returns the next likely characters of one time step."""
        likely = np.flatnonzero(step >= _MIN_ALTERNATIVE)
        return tuple(
            (self._characters[i], float(step[i]))
            for i in sorted(likely, key=lambda i: -step[i])[:_ALTERNATIVES]
            if i not in (best, _BLANK) and len(self._characters[i]) == 1
        )


def _batches(widths: Sequence[int]) -> Iterator[list[int]]:
    """Yields batches of indices of lines with one width; leaves out width 0, which marks an empty picture."""
    order = sorted((i for i, width in enumerate(widths) if width), key=lambda i: widths[i])
    for _, group in groupby(order, key=lambda i: widths[i]):
        same = list(group)
        yield from (same[start : start + _MAX_BATCH] for start in range(0, len(same), _MAX_BATCH))


def _width(line: RGBImage) -> int:
    """Returns the width at the network's height, 0 for an empty picture."""
    height, width = line.shape[:2]
    if min(height, width) < 2:
        return 0
    return int(np.clip(round(width * _HEIGHT / height), 8, _MAX_WIDTH))
