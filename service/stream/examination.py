"""Examination of one frame: measurement of the picture, and rules about what it is good for. Decides no verdict."""

from idproof.pipeline import BadInput, Role
from idproof.pipeline.card.plan import CapturePlan, CardPose
from idproof.pipeline.config import Policy
from idproof.pipeline.errors import SessionExpired
from idproof.pipeline.guidance import Guidance, GuidanceMemory, Guide, Hint
from idproof.service.errors import StreamProblem
from idproof.service.stream.chain import Frame, Shows
from idproof.service.stream.pictures import SessionPictures

_RESOLUTION_MARGIN = 1.03
"""Of the policy's minimum resolution, since verification measures the card anew. Chosen by hand on tuning data; no
outside source."""
_SEEN, _WELL_PLACED, _FIRST_STILL = 0.3, 0.6, 0.8
"""Progress of a stage, shown to the applicant only. Chosen by hand; no outside source."""


def measure(
    frame: Frame,
    pictures: SessionPictures,
    guide: Guide,
    memory: GuidanceMemory,
    plan: CapturePlan,
    lit: Role | None = None,
) -> Guidance | None:
    """Measures the picture under examination, on a thread.

    Args:
        frame: its header.
        pictures: of the session.
        guide: measures.
        memory: of the session; changed.
        plan: poses that the session asks for.
        lit: capture before whose stills the screen lights the card, or None.

    Returns:
        None if the picture was overwritten meanwhile, or if no challenge is asked any more.

    Raises:
        StreamProblem: `frame_unreadable`.
    """
    try:
        with pictures.borrow_examined() as data:
            if frame.shows is Shows.LIVENESS:
                if (answer := pictures.answer) is None:
                    return None
                return guide.action(data, answer.challenge, frame.captured_us / 1000, memory)
            if frame.shows is Shows.SELFIE:
                return guide.face(data, memory, frame.captured_us / 1e6)
            return _measure_card(frame, data, pictures, guide, memory, plan.poses[Role(frame.shows)], lit)
    except SessionExpired:
        return None
    except BadInput as error:
        if error.code == "capture_missing":
            return None
        raise StreamProblem("frame_unreadable", "The frame is not a JPEG that can be decoded.") from None


def _measure_card(
    frame: Frame,
    data: memoryview,
    pictures: SessionPictures,
    guide: Guide,
    memory: GuidanceMemory,
    wanted: CardPose,
    lit: Role | None,
) -> Guidance:
    at_s, in_light = frame.captured_us / 1e6, Role(frame.shows) is lit
    with pictures.borrow_portrait() as portrait, pictures.borrow_unlit() as unlit:
        found = guide.card(data, wanted, memory, at_s, portrait, unlit, lit=in_light, still=frame.still)
        first = frame.still and found.good and portrait is None
    if first:
        pictures.put_portrait(guide.portrait(data, memory))
    if found.hint is Hint.HOLD_FOR_COLOURS and not memory.light.running:
        pictures.put_unlit(guide.straightened(data, memory))
    return found


def require_resolution(found: Guidance, policy: Policy) -> Guidance:
    """Returns the guidance of a still, or `move_closer` if the card has too few pixels for the verification."""
    minimum = policy.min_px_per_mm * _RESOLUTION_MARGIN
    if found.px_per_mm is None or found.px_per_mm >= minimum:
        return found
    return Guidance(Hint.MOVE_CLOSER, 0.0, found.corners, None, found.pose, found.wanted, found.quality)


def progress(found: Guidance, good_stills: int) -> float:
    """Returns the progress of a card or selfie stage that is not complete, 0..1."""
    if good_stills:
        return _FIRST_STILL
    return _WELL_PLACED if found.good else _SEEN if found.corners or found.box else 0.0
