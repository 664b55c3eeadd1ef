"""Shared state of all streams of a server process."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import anyio

from idproof.pipeline.errors import IdproofError
from idproof.pipeline.guidance import Guide
from idproof.service.auth import AccessControl
from idproof.service.passkeys.registration import PasskeyRegistrations
from idproof.service.registrations.intake import RegistrationIntake
from idproof.service.step_up.intake import StepUpIntake
from idproof.service.storage.capture_tokens import CaptureTokens
from idproof.service.storage.engine import Conflict
from idproof.service.storage.kiosks import Kiosks
from idproof.service.stream.admission import Admission
from idproof.service.stream.scheduler import FrameScheduler
from idproof.service.stream.session import DeviceSession
from idproof.service.stream.suspended import SuspendedSessions

PAGE_DEVICE = "ct_"
"""Beginning of the ids of pages with a capture token, where devices are named."""


@dataclass
class StreamRuntime:
    """Tools and state of the streams; made once by the application."""

    intake: RegistrationIntake
    gate: AccessControl
    kiosks: Kiosks
    tokens: CaptureTokens
    open_guide: Callable[[], Guide]
    suspended: SuspendedSessions
    scheduler: FrameScheduler
    admission: Admission
    passkeys: PasskeyRegistrations | None = None
    step_ups: StepUpIntake | None = None
    _limiter: anyio.CapacityLimiter | None = None

    async def guide(self) -> Guide:
        """Returns the guide, which is opened for the first applicant; raises `ModelError` or `DocumentTypeInvalid`."""
        return await anyio.to_thread.run_sync(self.open_guide)

    @property
    def limiter(self) -> anyio.CapacityLimiter:
        """Limit of the threads that examine frames: as many as the scheduler has slots."""
        if self._limiter is None:  # it belongs to an event loop, so it cannot be made before that runs
            self._limiter = anyio.CapacityLimiter(self.scheduler.slots)
        return self._limiter

    async def end_stored(self, session: DeviceSession) -> None:
        """End a session in the database as well, once it has ended here: it then no longer counts as waiting.

        Raises nothing of the database's: the pictures are gone, and a database that is away must not hide that.
        """
        if session.ended:
            with suppress(IdproofError, Conflict):
                await anyio.to_thread.run_sync(self.intake.ledger.sessions.end, session.id)

    async def count(self, kiosk: str, session: DeviceSession | None, *names: str) -> None:
        """Add to a device's counts: these names, and the hints of its session since the last call.

        Step-ups are no registrations, and are not counted. Raises nothing of the database's: a count that is lost must
        not end a session.
        """
        if session is not None and session.step_up is not None:
            return
        counts = dict.fromkeys(names, 1)
        if session is not None:
            for hint, count in session.take_hints().items():
                counts |= {f"hint:{hint}:shown": count, f"hint:{hint}:sessions": 1}
        for name in names:
            if ":" not in name:  # a step of durations is no end of a turn
                self.intake.metrics.count_turn(name)
        if kiosk.startswith(PAGE_DEVICE):  # it is no device of the operators' page
            return
        with suppress(IdproofError, Conflict):
            await anyio.to_thread.run_sync(self.kiosks.count, kiosk, counts)
