"""Builds the policy of a service from its settings."""

from dataclasses import replace

from idproof.pipeline import Policy, captures_fresh, guardian
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.liveness import gaze
from idproof.pipeline.liveness.examiner import standing_calibration
from idproof.service.operations.settings import Settings


def build_policy(settings: Settings) -> Policy:
    """Return the default policy, changed by the operator's distance and exceptions, and named after them."""
    policy = Policy(
        accept_from=_lowest_level(settings),
        liveness_required=settings.accept_without_liveness_because is None,
    )
    if settings.liveness_distance == "standing":
        policy = replace(policy, version=f"{policy.version}-standing", liveness_calibration=standing_calibration())
    policy = policy.named_by_exceptions()
    if settings.accept_unattested_because is not None:
        policy = replace(policy, version=f"{policy.version}+unattested")
    if settings.accept_without_records_because is not None:
        policy = replace(policy, version=f"{policy.version}+without-records")
    if settings.gaze_required:
        policy = replace(policy, version=f"{policy.version}+gaze", required=(*policy.required, gaze.NAME))
    if settings.card_light_required:
        policy = replace(policy, version=f"{policy.version}+card-light")
    if settings.guardians:
        policy = replace(policy, version=f"{policy.version}+guardians", required=(*policy.required, guardian.NAME))
    if settings.captures_remembered_hours == 0:
        return replace(policy, version=f"{policy.version}+repeats")
    return replace(policy, required=(*policy.required, captures_fresh.NAME))


def _lowest_level(settings: Settings) -> CaptureLevel:
    return CaptureLevel(settings.accept_from) if settings.accept_uploads_because is None else CaptureLevel.UPLOAD
