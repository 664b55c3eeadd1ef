"""A family at streaming devices."""

from fakes import captured_by
from family import PARENT, family_verdict
from stream_server import StreamVerifier

from idproof.pipeline import VaultSession, Verdict
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin


class Family(StreamVerifier):
    """Reads the card that stands before it, and decides by the guardian's check as the pipeline does."""

    card = PARENT

    def verify_session(
        self, session: VaultSession, answer: LivenessResponse | None = None, origin: CaptureOrigin = UPLOADED
    ) -> Verdict:
        super().verify_session(session, answer, origin)
        return captured_by(origin, family_verdict(self.card, origin))
