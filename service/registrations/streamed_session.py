"""A device's session, as the intake of registrations sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from idproof.pipeline.origin import CaptureOrigin
from idproof.pipeline.types import CheckResult
from idproof.service.errors import ServiceProblem


class StreamedSession(Protocol):
    """A device's session, as far as its verification needs to know."""

    @property
    def ended(self) -> bool:
        """True once it was stopped or ended otherwise: nobody waits for a verdict."""
        ...

    def check_turning(self) -> CheckResult:
        """Returns the check of the frames between the captures of the card."""
        ...

    def check_light(self) -> CheckResult | None:
        """Returns the check of the card's answer to the screen's light; None in a session that has none."""
        ...

    async def begin_verification(self, verdict_id: str) -> None:
        """The verification has begun under this identifier."""
        ...

    def decide(self) -> None:
        """The verdict is about to be stored: the session can be stopped no more."""
        ...


@contextmanager
def ending_reported(session: StreamedSession | None) -> Iterator[None]:
    """Raises `stopped` at the end of the block, instead of any other error, once the session has ended."""
    try:
        yield
    except Exception:
        if session is not None and session.ended:
            raise _stopped() from None
        raise
    if session is not None and session.ended:
        raise _stopped()


def add_stream(origin: CaptureOrigin, session: StreamedSession | None) -> CaptureOrigin:
    """Returns an origin with the checks of a device's session; the same for files."""
    if session is None:
        return origin
    light = session.check_light()
    checks = (session.check_turning(), *(() if light is None else (light,)))
    return replace(origin, checks=(*origin.checks, *checks), streamed=True, lit=light is not None)


def _stopped() -> ServiceProblem:
    return ServiceProblem("stopped", "The session was ended before its verdict; every picture was deleted.")
