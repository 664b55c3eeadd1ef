"""The policy that a service verifies by, from its settings."""

from idproof.pipeline import Policy
from idproof.pipeline.liveness.examiner import standing_calibration
from idproof.service.operations.settings import Settings


def build_policy(settings: Settings) -> Policy:
    """The default policy; at a kiosk's distance with the limits of people who stand there, and named after it."""
    if settings.liveness_distance == "arm":
        return Policy()
    return Policy(version=f"{Policy().version}-standing", liveness_calibration=standing_calibration())
