"""Makes pictures that cannot be mistaken for anything else, and the needles to search for after they were deleted.

A canary is a specimen registration with noise over every pixel, so that no run of its bytes occurs twice anywhere. Its
forms are not guessed: the same pipeline examines it here, and every array in its vault and every input of its networks
is recorded, each in the channel orders and types that libraries are known to convert it to.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from idproof.benchmarks.deletion.forms import FINE, FORMS, forms_of, needles_of, row_forms, upload_forms
from idproof.benchmarks.deletion.record import record_engines
from idproof.benchmarks.deletion.table import Bytes, Table
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.types import RGBImage
from idproof.pipeline import BadInput, Limits, Role, VaultSession, Verifier, capture
from idproof.pipeline.documents import load_builtin
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus, Sink
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.vault.kinds import DECODED, REGISTERED_PORTRAIT

NOISE = 5  # grey levels in either direction: unique bytes, yet verified as usual. Chosen by hand; no outside source.
QUALITY = 95  # of JPEG. Chosen by hand; no outside source.


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
        self.seed = seed
        self.verifier = Verifier.open(profile=profile)
        self._unrelated_pictures = [_encoded(_unrelated(), png=png) for png in (False, True)]
        self._bases: dict[int, tuple[dict[str, bytes], tuple[str, ...]]] = {}

    @property
    def weights(self) -> dict[str, str]:
        """File name to SHA-256 of the networks."""
        return self.verifier.weights

    def canary(self, number: int, *, people: int = 4) -> Canary:
        """Returns canary `number`: one of a few invented people, with noise of its own."""
        base, texts = self._base(number % people)
        rng = np.random.default_rng([self.seed, number])
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
            found.append((FORMS.index(form), needles_of(form, array, step)))
        return self.unique(found)

    def unique(self, found: Sequence[tuple[int, Bytes]]) -> Needles:
        """Returns each needle once, by form; none that any picture of the same encoding holds."""
        data = np.concatenate([picked for _, picked in found])
        forms = np.concatenate([np.full(len(picked), number, dtype=np.int16) for number, picked in found])
        data, first = np.unique(data, axis=0, return_index=True)
        return Needles(data, forms[first]).only(~self._in_unrelated_pictures(data))

    def record_step_up(
        self, parts: Mapping[str, bytes], card: CardData, answer: LivenessResponse
    ) -> list[tuple[str, NDArray[Any]]]:
        """Returns every array that the vault holds, or that a network receives, while a step-up is checked.

        Args:
            parts: name within the vault to encoded picture; `REGISTERED_PORTRAIT` is the portrait of the records.
            card: of the holder.
            answer: to the challenge.
        """
        records = _OnePortrait(parts[REGISTERED_PORTRAIT])
        verifier = Verifier(replace(self.verifier.rules, records=records), self.verifier.executor)

        def check(session: VaultSession) -> None:
            for name, data in parts.items():
                if name != REGISTERED_PORTRAIT:
                    session.receive(name).write(data)
            verifier.check_holder(session, card, answer)

        return self._record(check)

    def _in_unrelated_pictures(self, data: Bytes) -> NDArray[np.bool_]:
        """Returns which needles an unrelated picture of the same encoding holds too, such as the tables of a JPEG."""
        table, common = Table(data), np.zeros(len(data), dtype=np.bool_)
        for picture in self._unrelated_pictures:
            common[table.scan(np.frombuffer(picture, dtype=np.uint8))] = True
        return common

    def _forms(self, canary: Canary, *, whole: bool) -> Iterator[tuple[str, NDArray[Any]]]:
        for data in canary.parts.values():
            yield from upload_forms(data)
        limits = self.verifier.limits
        for role, data in canary.parts.items():
            yield from row_forms(capture.decode(memoryview(data), Role(role), limits))
        for kind, array in self._recorded(canary) if whole else []:
            if kind != DECODED:  # its rows are there already
                yield from forms_of(kind, array)

    def _recorded(self, canary: Canary) -> list[tuple[str, NDArray[Any]]]:
        """Returns every array that the vault held or that a network received."""

        def verify(session: VaultSession) -> None:
            for role, data in canary.parts.items():
                session.receive(Role(role)).write(data)
            self.verifier.verify_session(session)

        return self._record(verify)

    def _record(self, work: Callable[[VaultSession], None]) -> list[tuple[str, NDArray[Any]]]:
        """Returns every array that a session holds, or that a network receives, during some work."""
        held: list[tuple[str, NDArray[Any]]] = []

        class Session(VaultSession):
            def put(self, kind: str, name: str, array: NDArray[Any]) -> None:
                held.append((kind, array.copy()))
                super().put(kind, name, array)

        def record(kind: str, array: NDArray[Any]) -> None:
            held.append((kind, array.copy()))

        with record_engines(self.verifier, record), Session(Limits()) as session:
            try:
                work(session)
            except BadInput as error:  # every stage must run, or forms of the canary would be missing
                raise RuntimeError(f"the canary was refused: {error.code}") from None
        return held

    def _base(self, person: int) -> tuple[dict[str, bytes], tuple[str, ...]]:
        if person not in self._bases:
            made = make(self.seed, person, PortraitSource.open(None), load_builtin())
            fields = made.description["truth"]["fields"]
            self._bases[person] = (made.parts(), _spellings(fields))
        return self._bases[person]


@dataclass(frozen=True)
class _OnePortrait:
    """Records that know every card, and have one portrait."""

    picture: bytes

    def look_up(self, form: CardData) -> RecordAnswer:
        """Says that the card is known, and that there is a portrait."""
        del form
        return RecordAnswer(RecordStatus.MATCH, portrait=True)

    def portrait(self, form: CardData, into: Sink) -> None:
        """Writes the portrait into the vault."""
        del form
        into.write(self.picture)


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
