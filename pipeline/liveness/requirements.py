"""Requirements of a liveness challenge: the checks that must have passed, and whether it asked for enough.

A check that was not asked for is not passed. An applicant who cannot turn the head or bear changing light is asked for
less; then the checks of what was not asked are missing, and a person decides. Staff can grant the reduction beforehand,
and then the checks of what was asked suffice, if that is still hard enough to guess and a turn or nod shows that the
head is solid.
"""

from datetime import UTC, datetime

from idproof.pipeline.liveness import examiner, eyes_mouth, injection, motion, screen_light, selfie_scene
from idproof.pipeline.liveness.challenge import FEATURE_ACTIONS, Action, Challenge, Options, draw
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.nonce_stream import MIN_NONCE_BYTES
from idproof.pipeline.types import CheckResult, Outcome, Status

CHALLENGE = "liveness_challenge"
MIN_BITS = 10.0
"""A recording made beforehand fits at most one challenge in 1,024. Chosen by hand: no standard states a figure."""

_ALWAYS = (examiner.NAME, CHALLENGE, injection.FRESH, motion.SELFIE, selfie_scene.NAME, injection.PORTRAIT)
_OF_STEPS = (motion.ACTIONS, motion.RIGID)
_OF_LIGHTS = (screen_light.FOLLOWS, screen_light.STRENGTH, screen_light.FALLS_OFF)


def required(response: LivenessResponse | None, *, portrait: bool = True) -> tuple[str, ...]:
    """Returns the names of the checks that must all have passed for an accept.

    Args:
        response: to a challenge; None when no frames came.
        portrait: whether there is a portrait, as a picture, that somebody could show to the camera as a copy.
    """
    if response is None:
        return (examiner.NAME,)
    challenge = response.challenge
    features = (eyes_mouth.NAME,) if challenge.options.eyelids or challenge.options.lips else ()
    always = tuple(name for name in _ALWAYS if portrait or name != injection.PORTRAIT)
    if not response.reduction_permitted:
        return (*always, *_OF_STEPS, *features, *_OF_LIGHTS)
    asked = features if any(step.action in FEATURE_ACTIONS for step in challenge.steps) else ()
    return (*always, *_OF_STEPS, *asked, *(_OF_LIGHTS if challenge.lights else ()))


def can_pass(options: Options) -> bool:
    """Returns whether an answer can be accepted with these options once staff granted them.

    It cannot where a guess would be too easy, nor without a turn or a nod, which alone show that the head is solid.
    """
    challenge = draw(bytes(MIN_NONCE_BYTES), issued_at=datetime.now(UTC), options=options)
    still = (Action.COME_CLOSER, *FEATURE_ACTIONS)
    turns = any(step.action not in still for step in challenge.steps)
    return challenge.strength_bits >= MIN_BITS and turns


def check(challenge: Challenge, *, reduction_permitted: bool) -> CheckResult:
    """`liveness_challenge`: strength of what was asked, in bits.

    In doubt, with `challenge_reduced`, when less was asked than of other people without a grant by staff, and when it
    could be guessed more often than once in 1,024 tries whoever granted it.
    """
    bits = challenge.strength_bits
    enough = bits >= MIN_BITS and (reduction_permitted or not challenge.options.reduces)
    return CheckResult(
        name=CHALLENGE,
        status=Status.ASSESSED,
        outcome=Outcome.PASS if enough else Outcome.DOUBT,
        value=round(bits, 1),
        unit="bits",
        score=min(1.0, bits / MIN_BITS) if enough else 0.0,
        reason=None if enough else "challenge_reduced",
        limit=MIN_BITS,
    )
