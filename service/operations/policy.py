"""Builds the policy of a service from its settings."""

from idproof.pipeline import Policy
from idproof.pipeline.liveness.examiner import standing_calibration
from idproof.service.operations.settings import Settings


def build_policy(settings: Settings) -> Policy:
    """Returns the default policy; at a kiosk's distance, one with the limits of standing people and its own name."""
    if settings.liveness_distance == "arm":
        return Policy()
    return Policy(version=f"{Policy().version}-standing", liveness_calibration=standing_calibration())
