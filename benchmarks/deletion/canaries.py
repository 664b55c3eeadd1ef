"""Makes pictures that cannot be mistaken for anything else, and the needles to search for after they were deleted.

A canary is a specimen registration with noise over every pixel, so that no run of its bytes occurs twice anywhere. Its
forms are not guessed: the same pipeline examines it here, and every array in its vault and every input of its networks
is recorded, each in the channel orders and types that libraries are known to convert it to.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idproof.benchmarks.deletion.record import record_engines
from idproof.benchmarks.deletion.table import NEEDLE_BYTES, Bytes, Table, searchable
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.types import RGBImage
from idproof.pipeline import BadInput, Limits, Role, VaultSession, Verifier, capture
from idproof.pipeline.documents import load_builtin

NOISE = 5  # grey levels in either direction: unique bytes, yet verified as usual. Chosen by hand; no outside source.
QUALITY = 95  # of JPEG. Chosen by hand; no outside source.
FORMS = (
    "compressed",
    "rows_rgb",
    "rows_bgr",
    "rows_rgbx",
    "rows_planar",
    "rows_grey",
    "crop_uint8",
    "crop_float",
    "line",
    "tensor",
    "embedding",
)
FINE, COARSE = 2048, 16_384  # bytes between two needles; a shorter residue may be missed. Chosen by hand.
_OPAQUE = 255
_MIN_STEP = 64  # bytes between two needles of a small array. Chosen by hand.
# Eighths of the step: uploads are cut into many small pieces on their way; floats are four times as many bytes for the
# same picture, in several layouts.
_STEPS = {"compressed": 1, "crop_float": 64}


@dataclass(frozen=True)
class Canary:
    """One registration to post.

    Attributes:
        parts: role to encoded picture.
        texts: the printed fields, as a log could hold them.
    """

    parts: Mapping[str, bytes]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Needles:
    """Runs of 32 bytes, and the form of each (an index into `FORMS`)."""

    data: Bytes
    form: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.form)

    def counts(self) -> dict[str, int]:
        """Returns the number of needles per form."""
        return {name: int((self.form == number).sum()) for number, name in enumerate(FORMS)}

    def only(self, chosen: NDArray[Any]) -> "Needles":
        """Returns the chosen needles."""
        return Needles(self.data[chosen], self.form[chosen])


class CanaryFactory:
    """Makes canaries and their needles; the same seed gives the same canaries.

    Args:
        profile: of the networks that the server under test uses.
        seed: of the canaries.
    """

    def __init__(self, profile: str, seed: int) -> None:
        # As in the server: with another number of threads the forms of a picture would differ.
        cv2.setNumThreads(1)
        self._seed = seed
        self._verifier = Verifier.open(profile=profile)
        self._unrelated_pictures = [_encoded(_unrelated(), png=png) for png in (False, True)]
        self._bases: dict[int, tuple[dict[str, bytes], tuple[str, ...]]] = {}

    @property
    def weights(self) -> dict[str, str]:
        """File name to SHA-256 of the networks."""
        return self._verifier.weights

    def canary(self, number: int, *, people: int = 4) -> Canary:
        """Returns canary `number`: one of a few invented people, with noise of its own."""
        base, texts = self._base(number % people)
        rng = np.random.default_rng([self._seed, number])
        parts = {role: _noisy(data, rng, png=role == Role.SELFIE) for role, data in base.items()}
        return Canary(parts, texts)

    def needles(self, canary: Canary, step: int = FINE, *, whole: bool = True) -> Needles:
        """Returns the needles of a canary.

        Args:
            canary: to search for.
            step: bytes between two needles of one array.
            whole: also run the pipeline, for crops, tensors and templates; otherwise only decode.
        """
        found: list[tuple[int, Bytes]] = []
        for form, array in self._forms(canary, whole=whole):
            found.append((FORMS.index(form), pick_needles(array, step * _STEPS.get(form, 8) // 8)))
        data = np.concatenate([picked for _, picked in found])
        forms = np.concatenate([np.full(len(picked), number, dtype=np.int16) for number, picked in found])
        data, first = np.unique(data, axis=0, return_index=True)
        return Needles(data, forms[first]).only(~self._in_unrelated_pictures(data))

    def _in_unrelated_pictures(self, data: Bytes) -> NDArray[np.bool_]:
        """Returns which needles an unrelated picture of the same encoding holds too, such as the tables of a JPEG."""
        table, common = Table(data), np.zeros(len(data), dtype=np.bool_)
        for picture in self._unrelated_pictures:
            common[table.scan(np.frombuffer(picture, dtype=np.uint8))] = True
        return common

    def _forms(self, canary: Canary, *, whole: bool) -> Iterator[tuple[str, NDArray[Any]]]:
        for data in canary.parts.values():
            yield "compressed", np.frombuffer(data, dtype=np.uint8)
        limits = self._verifier.limits
        for role, data in canary.parts.items():
            yield from row_forms(capture.decode(memoryview(data), Role(role), limits))
        for kind, array in self._recorded(canary) if whole else []:
            yield from _forms_of(kind, array)

    def _recorded(self, canary: Canary) -> list[tuple[str, NDArray[Any]]]:
        """Returns every array that the vault held or that a network received."""
        held: list[tuple[str, NDArray[Any]]] = []

        class Session(VaultSession):
            def put(self, kind: str, name: str, array: NDArray[Any]) -> None:
                held.append((kind, array.copy()))
                super().put(kind, name, array)

        def record(kind: str, array: NDArray[Any]) -> None:
            held.append((kind, array.copy()))

        with record_engines(self._verifier, record), Session(Limits()) as session:
            for role, data in canary.parts.items():
                session.receive(Role(role)).write(data)
            try:
                self._verifier.verify_session(session)
            except BadInput as error:  # every stage must run, or forms of the canary would be missing
                raise RuntimeError(f"the canary was refused: {error.code}") from None
        return held

    def _base(self, person: int) -> tuple[dict[str, bytes], tuple[str, ...]]:
        if person not in self._bases:
            made = make(self._seed, person, PortraitSource.open(None), load_builtin())
            fields = made.description["truth"]["fields"]
            self._bases[person] = (made.parts(), _spellings(fields))
        return self._bases[person]


def _spellings(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the holder's fields as printed and as JSON escapes them, and the number without brackets."""
    printed = [fields[name] for name in ("chinese_name", "english_name", "number", "chinese_codes") if fields[name]]
    escaped = [json.dumps(text)[1:-1] for text in printed]
    return tuple(dict.fromkeys([*printed, *escaped, fields["number"].replace("(", "").replace(")", "")]))


def merge(many: list[Needles]) -> Needles:
    """Returns one set of all needles."""
    return Needles(np.concatenate([one.data for one in many]), np.concatenate([one.form for one in many]))


def cut(canary: Canary, role: str, share: float) -> Canary:
    """Returns the canary with one picture cut off after this share of its bytes."""
    data = canary.parts[role]
    return replace(canary, parts={**canary.parts, role: data[: int(len(data) * share)]})


def _noisy(data: bytes, rng: np.random.Generator, *, png: bool) -> bytes:
    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.int16)
    pixels += rng.integers(-NOISE, NOISE + 1, pixels.shape, dtype=np.int16)
    return _encoded(np.clip(pixels, 0, 255).astype(np.uint8), png=png)


def _unrelated() -> RGBImage:
    return np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)


def _encoded(pixels: RGBImage, *, png: bool) -> bytes:
    picture, out = Image.fromarray(pixels), io.BytesIO()
    if png:
        picture.save(out, "PNG", compress_level=1)
    else:
        picture.save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


def row_forms(image: RGBImage) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields a decoded picture in the layouts of common libraries; Pillow itself keeps four bytes per pixel."""
    yield "rows_rgb", image
    yield "rows_bgr", image[..., ::-1]
    yield "rows_rgbx", np.dstack([image, np.full(image.shape[:2], _OPAQUE, dtype=np.uint8)])
    yield "rows_planar", image.transpose(2, 0, 1)
    yield "rows_grey", cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _forms_of(kind: str, array: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields a recorded array in the forms to search for; decoded pictures are searched for by their rows."""
    if kind in ("tensor", "embedding"):
        yield kind, array
    elif kind == "template":
        yield "embedding", array
    elif kind == "line":
        yield from ((kind, layout) for layout in _layouts(array))
    elif kind != "decoded":
        yield from crop_forms(array)


def _layouts(image: NDArray[Any]) -> list[NDArray[Any]]:
    if image.ndim == 2:
        return [image]
    return [image, image[..., ::-1], image.transpose(2, 0, 1), cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)]


def crop_forms(image: RGBImage) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields a crop as networks take it: each channel order, as bytes and in the three usual float ranges."""
    for layout in _layouts(image):
        yield "crop_uint8", layout
        values = layout.astype(np.float32)
        for floats in (values, values / np.float32(255), values / np.float32(127.5) - np.float32(1)):
            yield "crop_float", floats


def pick_needles(array: NDArray[Any], step: int) -> Bytes:
    """Returns needles from all over an array, one every `step` bytes; small arrays are covered densely."""
    data = np.ascontiguousarray(array).view(np.uint8).reshape(-1)
    step = max(_MIN_STEP, min(step, len(data) // 8))
    # Four times as many starts as needles: plain areas give none, and the neighbour of a plain place may be usable.
    starts = np.arange(0, max(0, len(data) - NEEDLE_BYTES), max(NEEDLE_BYTES, step // 4))
    if not len(starts):
        return np.empty((0, NEEDLE_BYTES), dtype=np.uint8)
    picked = data[starts[:, None] + np.arange(NEEDLE_BYTES)]
    good = searchable(picked)
    _, first = np.unique(starts[good] // step, return_index=True)
    return np.asarray(picked[good][first])
