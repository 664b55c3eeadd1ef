"""Builds the policy of a service from its settings."""

from dataclasses import replace

from idproof.pipeline import Policy
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.liveness.examiner import standing_calibration
from idproof.service.operations.settings import Settings


def build_policy(settings: Settings) -> Policy:
    """Return the default policy, changed by the operator's distance and written exceptions, and named after them."""
    policy = Policy(
        accept_from=CaptureLevel.DEVICE if settings.accept_uploads_because is None else CaptureLevel.UPLOAD,
        liveness_required=settings.accept_without_liveness_because is None,
    )
    if settings.liveness_distance == "standing":
        policy = replace(policy, version=f"{policy.version}-standing", liveness_calibration=standing_calibration())
    return policy.named_by_exceptions()
