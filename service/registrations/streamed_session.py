"""A device's session, as the intake of registrations sees it."""

from typing import Protocol

from idproof.pipeline.types import CheckResult


class StreamedSession(Protocol):
    """A device's session, as far as its verification needs to know."""

    @property
    def ended(self) -> bool:
        """True once it was stopped or ended otherwise: nobody waits for a verdict."""
        ...

    def check_turning(self) -> CheckResult:
        """Returns the check of the frames between the captures of the card."""
        ...

    async def begin_verification(self, verdict_id: str) -> None:
        """The verification has begun under this identifier."""
        ...

    def decide(self) -> None:
        """The verdict is about to be stored: the session can be stopped no more."""
        ...
