"""Facts and tools of one session."""

from dataclasses import dataclass, field

from idproof.pipeline import Vault
from idproof.pipeline.config import Policy
from idproof.pipeline.guidance import Guide
from idproof.service.storage import CaptureSession


@dataclass(frozen=True, slots=True)
class SessionParameters:
    """Facts and tools that stay the same for the whole session.

    Attributes:
        opened: the session as the database knows it.
        secret: of the device.
        guide: measures frames.
        vault: holds the pictures.
        lifetime_s: seconds for which pictures may be held.
        policy: of the verification that follows.
        reference: of the client, for the verdict.
    """

    opened: CaptureSession
    secret: bytes = field(repr=False)
    guide: Guide
    vault: Vault
    lifetime_s: float
    policy: Policy
    reference: str | None = None
