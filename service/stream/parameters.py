"""Facts and tools of one session."""

from dataclasses import dataclass, field
from enum import StrEnum

from idproof.pipeline import Vault
from idproof.pipeline.config import Policy
from idproof.pipeline.guidance import Guide
from idproof.service.storage import CaptureSession
from idproof.service.storage.capture_tokens import CaptureToken


class CardLightUse(StrEnum):
    """Use of the screen's light on the card in one session."""

    OFF = "off"
    REQUIRED = "required"
    NOT_SHOWN = "not shown"
    """Required, but the applicant is sensitive to changing light."""


@dataclass(frozen=True, slots=True)
class StepUpText:
    """The transaction of a step-up, as its holder is shown it.

    Attributes:
        text: of the transaction.
        holder_key: what the holder's passkey gave at the login, where face templates are kept; else empty. The
            session's end overwrites it.
    """

    text: str = field(repr=False)
    holder_key: bytearray = field(default_factory=bytearray, repr=False)

    def overwrite_key(self) -> None:
        """Overwrites the key: no check of the session needs it any more."""
        self.holder_key[:] = bytes(len(self.holder_key))


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
        card_light: whether the screen lights the card.
        step_up: what the session decides about; None for a registration.
        token: of the page that captures; None for an enrolled device.
    """

    opened: CaptureSession
    secret: bytes = field(repr=False)
    guide: Guide
    vault: Vault
    lifetime_s: float
    policy: Policy
    reference: str | None = None
    card_light: CardLightUse = CardLightUse.OFF
    step_up: StepUpText | None = None
    token: CaptureToken | None = None
