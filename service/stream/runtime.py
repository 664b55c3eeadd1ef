"""What all streams of a server process share."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio

from idproof.pipeline.errors import IdproofError
from idproof.pipeline.guidance import Guide
from idproof.service.auth import Gate
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream.scheduler import Line
from idproof.service.stream.session import Turn
from idproof.service.stream.suspended import Rooms


@dataclass
class Floor:
    """Opened once by the application."""

    intake: RegistrationIntake
    gate: Gate
    kiosks: Kiosks
    open_guide: Callable[[], Guide]
    rooms: Rooms
    line: Line
    looking: anyio.CapacityLimiter | None = None

    async def guide(self) -> Guide:
        """Looks at frames; opened when the first applicant comes. Raises `ModelError` or `DocumentTypeInvalid`."""
        return await anyio.to_thread.run_sync(self.open_guide)

    @property
    def limiter(self) -> anyio.CapacityLimiter:
        """Threads that frames are looked at on: as many as the line has places."""
        if self.looking is None:
            self.looking = anyio.CapacityLimiter(self.line.places)
        return self.looking

    async def count(self, kiosk: str, turn: Turn | None, *names: str) -> None:
        """Count what happened on a device, and the hints of its turn since the last time."""
        counts = dict.fromkeys(names, 1)
        if turn is not None:
            for hint, count in turn.hints.items():
                counts |= {f"hint:{hint}:shown": count, f"hint:{hint}:sessions": 1}
            turn.hints.clear()
        for name in names:
            self.intake.metrics.count_turn(name)
        with suppress(IdproofError):  # counting is no reason to stop
            await anyio.to_thread.run_sync(self.kiosks.count, kiosk, counts)
