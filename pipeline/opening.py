"""Opens the tools that examine pictures, and makes the rules by which a verdict is given on their findings."""

from dataclasses import replace
from pathlib import Path

from idproof.models.profiles import load_engines
from idproof.models.score_reports import face_thresholds, portrait_calibration, portrait_thresholds
from idproof.models.session import CPU
from idproof.pipeline.calibration import Calibration, shipped_calibration
from idproof.pipeline.card.examiner import CardExaminer
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.documents import DocumentType, load, load_builtin
from idproof.pipeline.examine import ExaminationTools
from idproof.pipeline.fields import checks as field_checks
from idproof.pipeline.fields.records import RecordsAuthority
from idproof.pipeline.liveness import examiner, gaze
from idproof.pipeline.liveness.examiner import LivenessExaminer
from idproof.pipeline.verify import Rules


def open_tools(
    profile: str,
    document: str | Path,
    policy: Policy,
    limits: Limits,
    threads: int,
    *,
    manifest: Path | None = None,
    cache: Path | None = None,
    provider: str = CPU,
) -> ExaminationTools:
    """Load a profile's networks and a document type.

    Args:
        profile: name in the manifest.
        document: a built-in type's name, or the path of an operator's own type file.
        policy: thresholds of the checks.
        limits: bounds on what is taken in.
        threads: processor threads per network call.
        manifest: a user's own manifest of weights, else the built-in one.
        cache: folder of the weights, else `IDPROOF_MODELS` or the user's cache.
        provider: onnxruntime's name of the hardware that the networks run on, or `AUTO`.

    Raises:
        ModelError: a weight is missing, damaged, or has no measured operating points; or the provider is missing.
        DocumentTypeInvalid: the document type cannot be used.
        CalibrationInvalid: the document type's calibration cannot be used.
    """
    kind = open_document(document)
    card_examiner = CardExaminer.open(kind)
    policy = with_own_limits(policy, card_examiner)
    engines = load_engines(profile, manifest=manifest, cache=cache, threads=threads, provider=provider)
    return ExaminationTools(
        engines=engines,
        locator=CardLocator.open(kind),
        examiner=card_examiner,
        policy=policy,
        limits=limits,
        face_thresholds=face_thresholds(engines.operating_points),
        portrait_thresholds=portrait_thresholds(engines.operating_points),
        portrait_calibration=portrait_calibration(engines.operating_points),
        liveness=LivenessExaminer(
            engines.detector,
            engines.embedder,
            calibration=policy.liveness_calibration or examiner.shipped_calibration(),
            ensemble=engines.passive,
            landmarker=engines.landmarker,
            gaze_required=gaze.NAME in policy.required,
        ),
    )


def open_document(document: str | Path) -> DocumentType:
    """Load a document type.

    Args:
        document: name of a built-in type; or path of an operator's own, as a `Path` or as a text that ends in `.toml`.

    Raises:
        DocumentTypeInvalid: the file is missing or contradicts itself, or a check that it names can never be assessed.
    """
    own = isinstance(document, Path) or document.endswith(".toml")
    kind = load(Path(document)) if own else load_builtin(str(document))
    field_checks.require_assessable(kind)
    return kind


def with_own_limits(policy: Policy, card_examiner: CardExaminer) -> Policy:
    """Return the policy with the limits of the examiner's document type, or unchanged when the type has none.

    Raises:
        CalibrationInvalid: the type's calibration cannot be used.
        DocumentTypeInvalid: it cannot judge a quantity that is measured, or the policy's own calibration cannot
            (`CardExaminer.require_limits`).
    """
    own = card_examiner.document.calibration
    if own is not None:
        policy = replace(policy, calibration=Calibration.load(own))
    if policy.calibration != shipped_calibration():
        card_examiner.require_limits(policy.calibration)
    return policy


def rules_for_tools(tools: ExaminationTools, records: RecordsAuthority | None) -> Rules:
    """Make the rules for the findings of these tools."""
    return make_rules(
        tools.locator.document, tools.examiner, tools.policy, tools.limits, tools.engines.profile, records
    )


def make_rules(
    document: DocumentType,
    examiner: CardExaminer,
    policy: Policy,
    limits: Limits,
    profile: str,
    records: RecordsAuthority | None,
) -> Rules:
    """Make the rules in a process that loads no networks, because the pictures are examined elsewhere."""
    return Rules(
        document,
        policy,
        limits,
        profile,
        examiner.required,
        examiner.optically_variable,
        records,
        examiner.left_out,
    )
