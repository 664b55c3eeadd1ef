"""Pictures of one session, all of them in the vault, and the choice of which ones are kept.

Kept are the best stills of each role, and for each moment of the liveness challenge the frame nearest to it. A picture
that gives way to a better one is overwritten at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from idproof.pipeline import VaultSession
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.response import frame_name
from idproof.pipeline.vault.kinds import CROP
from idproof.service.stream.chain import Frame

MAX_STILLS = 2
"""Stills kept per role, at most. Chosen by hand on tuning data; no outside source."""
NEAREST_MS = 150.0
"""Distance from a moment of the challenge within which a frame may answer it: a rule of `docs/stream.md`."""
_PORTRAIT, _UNLIT = "turned_portrait", "unlit_card"
_EXAMINED = "looked_at"  # its name in the vault, which deletion receipts may show


class FrameKind(StrEnum):
    """Kind of a frame that waits for examination; also its name in the vault and in deletion receipts."""

    PREVIEW = "preview"
    STILL = "still"


@dataclass(frozen=True, slots=True)
class WaitingFrame:
    """A frame that waits for examination.

    Attributes:
        frame: its header; the picture itself is in the vault.
        arrived: seconds, by the clock of the scheduler.
    """

    frame: Frame
    arrived: float


@dataclass
class KeptStills:
    """The best stills of each role.

    Args:
        vault_session: holds the pictures.
        limit: stills per role.
    """

    vault_session: VaultSession
    limit: int = MAX_STILLS
    _kept: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    _count: int = 0

    def offer(self, role: str, name: str, score: float) -> bool:
        """Keep the picture that the vault holds under this name, or overwrite it; returns whether it was kept."""
        kept = self._kept.setdefault(role, [])
        if len(kept) >= self.limit and score <= kept[-1][0]:
            self.vault_session.discard(name)
            return False
        self._count += 1
        new_name = f"{role}_kept_{self._count}"
        self.vault_session.rename(name, new_name)
        kept.append((score, new_name))
        kept.sort(reverse=True)
        for _, worse in kept[self.limit :]:
            self.vault_session.discard(worse)
        del kept[self.limit :]
        return True

    def count(self, role: str) -> int:
        """Returns the number of stills kept for one role."""
        return len(self._kept.get(role, ()))

    def counts(self) -> dict[str, int]:
        """Returns the number of stills kept per role, without roles that have none."""
        return {role: len(kept) for role, kept in self._kept.items() if kept}

    def discard(self, role: str) -> None:
        """Overwrite all stills of one role."""
        for _, name in self._kept.pop(role, ()):
            self.vault_session.discard(name)

    def choose(self) -> None:
        """Give the best still of each role the role's own name, which the pipeline reads; overwrite the others."""
        for role, kept in self._kept.items():
            (score, name), worse = kept[0], kept[1:]
            for _, other in worse:
                self.vault_session.discard(other)
            if name != role:
                self.vault_session.rename(name, role)
            kept[:] = [(score, role)]


@dataclass
class ChallengeFrames:
    """Frames that answer one challenge: for each moment that it asks for, the nearest one."""

    vault_session: VaultSession
    challenge: Challenge
    _kept: dict[int, tuple[float, float, int]] = field(default_factory=dict)

    def offer(self, picture: memoryview, captured_ms: float, number: int) -> bool:
        """Keep a frame unless an earlier one is at least as near to its moment; returns whether it was kept."""
        moments = self.challenge.capture_ms()
        index = min(range(len(moments)), key=lambda each: abs(moments[each] - captured_ms))
        distance = abs(moments[index] - captured_ms)
        if distance > NEAREST_MS or (index in self._kept and self._kept[index][0] <= distance):
            return False
        self.vault_session.discard(frame_name(index))
        self.vault_session.receive(frame_name(index), len(picture)).write(picture)
        self._kept[index] = (distance, captured_ms, number)
        return True

    @property
    def complete(self) -> bool:
        """True once every moment has a frame."""
        return len(self._kept) == len(self.challenge.capture_ms())

    def timings(self) -> list[dict[str, float | int]]:
        """Returns the capture time and the number of each frame, in order."""
        return [{"captured_ms": ms, "number": number} for _, (_, ms, number) in sorted(self._kept.items())]

    def discard(self) -> None:
        """Overwrite all of them."""
        for index in self._kept:
            self.vault_session.discard(frame_name(index))
        self._kept.clear()


@dataclass
class SessionPictures:
    """All pictures that one session holds: frames that wait, the one under examination, and those that are kept.

    Of each kind at most one frame waits: a newer one replaces it.

    Args:
        vault_session: holds the pictures; open.
    """

    vault_session: VaultSession
    _waiting: dict[FrameKind, WaitingFrame] = field(default_factory=dict)
    _examined: WaitingFrame | None = None
    _answer: ChallengeFrames | None = None

    def __post_init__(self) -> None:
        self.stills = KeptStills(self.vault_session)

    @property
    def outstanding(self) -> int:
        """Number of pictures held."""
        return self.vault_session.outstanding

    @property
    def remaining_s(self) -> float:
        """Seconds until the vault overwrites everything; 0 once it did."""
        return self.vault_session.remaining_s

    @property
    def waiting(self) -> tuple[bool, float] | None:
        """Of the frame that is examined next: whether it is a still, and its time of arrival."""
        kind = self._next_kind()
        return None if kind is None else (kind is FrameKind.STILL, self._waiting[kind].arrived)

    def queue(self, kind: FrameKind, frame: Frame, arrived: float) -> int:
        """Let a frame wait for examination; returns the number of frames that it replaced, 0 or 1."""
        replaced = int(kind in self._waiting)
        if replaced:
            self.vault_session.discard(kind, FrameKind.PREVIEW)
        self.vault_session.receive(kind, len(frame.picture)).write(frame.picture)
        # Without the picture: a reference to the message would keep it in memory outside the vault.
        header = Frame(frame.shows, frame.still, frame.sequence, frame.number, frame.captured_us, memoryview(b""))
        self._waiting[kind] = WaitingFrame(header, arrived)
        return replaced

    def take_next(self) -> WaitingFrame | None:
        """Returns the newest frame that waits, stills first, and holds it as the one under examination."""
        kind = self._next_kind()
        if kind is None:
            return None
        self._examined = self._waiting.pop(kind)
        self.vault_session.rename(kind, _EXAMINED)
        return self._examined

    def examines(self, frame: WaitingFrame) -> bool:
        """Returns whether this frame's picture is held as the one under examination."""
        return self._examined is frame

    @contextmanager
    def borrow_examined(self) -> Iterator[memoryview]:
        """Lend the picture under examination; raises like `VaultSession.upload`."""
        with self.vault_session.upload(_EXAMINED) as data:
            yield data

    @contextmanager
    def borrow_portrait(self) -> Iterator[NDArray[np.uint8] | None]:
        """Lend the portrait of the card's first good still, or None; raises `SessionExpired`."""
        if not self.vault_session.holds(CROP, _PORTRAIT):
            yield None
            return
        with self.vault_session.borrow(CROP, _PORTRAIT) as portrait:
            yield portrait

    def put_portrait(self, portrait: NDArray[np.uint8] | None) -> None:
        """Keep the portrait of the card's first good still, which frames of the card are compared with."""
        if portrait is not None:
            self.vault_session.put(CROP, _PORTRAIT, portrait)

    def discard_portrait(self) -> None:
        """Overwrite that portrait, if it is held."""
        self.vault_session.discard_array(CROP, _PORTRAIT)

    @contextmanager
    def borrow_unlit(self) -> Iterator[NDArray[np.uint8] | None]:
        """Lend the card as it was before the screen lit it, or None; raises `SessionExpired`."""
        if not self.vault_session.holds(CROP, _UNLIT):
            yield None
            return
        with self.vault_session.borrow(CROP, _UNLIT) as card:
            yield card

    def put_unlit(self, card: NDArray[np.uint8] | None) -> None:
        """Keep the card as it is before the screen lights it, which frames in that light are compared with."""
        self.discard_unlit()
        if card is not None:
            self.vault_session.put(CROP, _UNLIT, card)

    def discard_unlit(self) -> None:
        """Overwrite it, if it is held."""
        self.vault_session.discard_array(CROP, _UNLIT)

    def keep_examined(self, role: str, score: float) -> None:
        """Offer the picture under examination to the stills of a role."""
        self._examined = None
        self.stills.offer(role, _EXAMINED, score)

    def discard_examined(self) -> None:
        """Overwrite the picture under examination."""
        self._examined = None
        self.vault_session.discard(_EXAMINED, FrameKind.PREVIEW)

    def discard_waiting(self) -> int:
        """Overwrite the frames that wait; returns their number."""
        count = len(self._waiting)
        for kind in self._waiting:
            self.vault_session.discard(kind, FrameKind.PREVIEW)
        self._waiting.clear()
        return count

    def begin_answer(self, challenge: Challenge) -> None:
        """Collect frames for a challenge; those for an earlier one are overwritten."""
        self.discard_answer()
        self._answer = ChallengeFrames(self.vault_session, challenge)

    @property
    def answer(self) -> ChallengeFrames | None:
        """Frames that answer the challenge; None while none is asked."""
        return self._answer

    def discard_answer(self) -> None:
        """Overwrite the frames that answer the challenge, if there are any."""
        if self._answer is not None:
            self._answer.discard()
            self._answer = None

    def prepare_verification(self) -> int:
        """Leave in the vault only what the pipeline examines; returns the number of waiting frames overwritten."""
        dropped = self.discard_waiting()
        self.discard_examined()
        self.discard_portrait()
        self.discard_unlit()
        self.stills.choose()
        return dropped

    def ensure_open(self) -> None:
        """Raises `SessionExpired` once everything was overwritten."""
        self.vault_session.ensure_open()

    def extend(self, seconds: float) -> None:
        """Let the vault overwrite everything that much later; raises `SessionExpired`."""
        self.vault_session.extend(seconds)

    def wipe(self) -> None:
        """Overwrite everything; nothing can be received afterwards."""
        self.vault_session.wipe()
        self._waiting.clear()

    def _next_kind(self) -> FrameKind | None:
        return next((kind for kind in (FrameKind.STILL, FrameKind.PREVIEW) if kind in self._waiting), None)
