"""Which pictures of a turn are kept: for each role the best few, for each moment of the challenge the nearest.

They lie in the vault; one that gives way to a better one is overwritten at once.
"""

from dataclasses import dataclass, field

from idproof.pipeline import VaultSession
from idproof.pipeline.liveness.challenge import Challenge
from idproof.pipeline.liveness.response import frame_name

MOST = 2
"""Stills of a role that are kept at most."""
NEAR_MS = 150.0


@dataclass
class Stills:
    """The best stills of each role.

    Args:
        pictures: the vault's session that holds them.
        most: of a role.
    """

    pictures: VaultSession
    most: int = MOST
    _kept: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    _count: int = 0

    def offer(self, role: str, name: str, score: float) -> bool:
        """Take what the vault holds under this name, or overwrite it; says whether it was taken."""
        kept = self._kept.setdefault(role, [])
        if len(kept) >= self.most and score <= kept[-1][0]:
            self.pictures.discard(name)
            return False
        self._count += 1
        mine = f"{role}_kept_{self._count}"
        self.pictures.rename(name, mine)
        kept.append((score, mine))
        kept.sort(reverse=True)
        for _, worse in kept[self.most :]:
            self.pictures.discard(worse)
        del kept[self.most :]
        return True

    def count(self, role: str) -> int:
        """How many of a role are kept."""
        return len(self._kept.get(role, ()))

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {role: len(kept) for role, kept in self._kept.items() if kept}

    def forget(self, role: str) -> None:
        """Overwrite all of a role."""
        for _, name in self._kept.pop(role, ()):
            self.pictures.discard(name)

    def choose(self) -> None:
        """The best of each role takes the role's own name, as the pipeline knows it; the others are overwritten."""
        for role, kept in self._kept.items():
            (score, name), worse = kept[0], kept[1:]
            for _, other in worse:
                self.pictures.discard(other)
            if name != role:
                self.pictures.rename(name, role)
            kept[:] = [(score, role)]


@dataclass
class Shots:
    """Frames that answer one challenge: the nearest to each moment that it asks for."""

    pictures: VaultSession
    challenge: Challenge
    _taken: dict[int, tuple[float, float, int]] = field(default_factory=dict)

    def offer(self, picture: memoryview, captured_ms: float, number: int) -> bool:
        """Keep a frame if none nearer to its moment came before."""
        wanted = self.challenge.capture_ms()
        place = min(range(len(wanted)), key=lambda each: abs(wanted[each] - captured_ms))
        away = abs(wanted[place] - captured_ms)
        if away > NEAR_MS or (place in self._taken and self._taken[place][0] <= away):
            return False
        self.pictures.discard(frame_name(place))
        self.pictures.receive(frame_name(place), len(picture)).write(picture)
        self._taken[place] = (away, captured_ms, number)
        return True

    @property
    def complete(self) -> bool:
        """Whether there is one for each moment."""
        return len(self._taken) == len(self.challenge.capture_ms())

    def said(self) -> list[dict[str, float | int]]:
        """When each was taken and its number, in order."""
        return [{"captured_ms": ms, "number": number} for _, (_, ms, number) in sorted(self._taken.items())]

    def forget(self) -> None:
        """Overwrite them."""
        for place in self._taken:
            self.pictures.discard(frame_name(place))
        self._taken.clear()
