"""Messages of the server, as `docs/stream.md` specifies them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from idproof.pipeline.card.plan import GUIDED, CapturePlan
from idproof.pipeline.card.screen_light import CardLight
from idproof.pipeline.guidance import Guidance
from idproof.service.storage import CaptureSession
from idproof.service.stream.chain import LIVENESS, Chain
from idproof.service.stream.messages import base64
from idproof.service.stream.pictures import FrameKind, WaitingFrame

Message = dict[str, Any]
"""A JSON object with a member `type`."""


def session(
    opened: CaptureSession,
    plan: CapturePlan | None,
    stages: Sequence[str],
    stage: str,
    chain: Chain,
    *,
    pictures_s: float,
    resumed: bool,
) -> Message:
    """Returns the message `session`.

    Args:
        opened: the session.
        plan: poses that it asks for, or None where no card is captured.
        stages: all of them, in order.
        stage: the current one.
        chain: of its frames.
        pictures_s: seconds for which pictures may still be held.
        resumed: whether the session existed before.
    """
    return {
        "type": "session",
        "id": opened.id,
        "nonce": opened.nonce,
        "expires_at": opened.expires_at,
        "capture_plan": None if plan is None else plan.to_json(),
        "stages": list(stages),
        "stage": stage,
        "next": chain.next,
        "chain": base64(chain.tag),
        "pictures_s": round(pictures_s, 1),
        "resumed": resumed,
    }


def stage(
    stages: Sequence[str], place: int, kept: Mapping[str, int], again: str | None, *, pictures_s: float
) -> Message:
    """Returns the message `stage`.

    Args:
        stages: all of them, in order.
        place: index of the current one.
        kept: number of stills per role.
        again: code for which the stage has to be repeated, or None.
        pictures_s: seconds for which pictures may still be held.
    """
    return {
        "type": "stage",
        "stage": stages[place],
        "place": place + 1,
        "of": len(stages),
        "kept": dict(kept),
        "again": again,
        "pictures_s": round(pictures_s, 1),
    }


def guidance(
    waiting: WaitingFrame, found: Guidance, stage: str, progress: float, dropped: int, *, complete: bool
) -> Message:
    """Returns the message `guidance`.

    Args:
        waiting: the frame that it is about.
        found: measured on it.
        stage: the current one.
        progress: of the stage, 0..1.
        dropped: number of frames dropped in the session.
        complete: whether the stage has its pictures.
    """
    want = "none" if complete else str(FrameKind.STILL if stage == LIVENESS or found.good else FrameKind.PREVIEW)
    return {
        "type": "guidance",
        "seq": waiting.frame.sequence,
        "stage": stage,
        "hint": found.hint.value,
        "want": want,
        "corners": found.corners and [[round(x, 4), round(y, 4)] for x, y in found.corners],
        "box": found.box and [round(value, 4) for value in found.box],
        **_pose(found),
        "quality": {name: round(value, 3) for name, value in found.quality.items()},
        "glare": [[round(value, 4) for value in spot] for spot in found.glare],
        "progress": 1.0 if complete else round(progress, 3),
        "done": found.done,
        "dropped": dropped,
        "waited_ms": round((time.monotonic() - waiting.arrived) * 1000, 1),
    }


def light(drawn: CardLight, left: int) -> Message:
    """Returns the message `light`.

    Args:
        drawn: colours of the two halves of the screen.
        left: number of times that the device may be asked again.
    """
    return {"type": "light", "light": drawn.to_json(), "left": left}


def _pose(found: Guidance) -> Message:
    pose, wanted = found.pose, found.wanted
    return {
        "turn_deg": pose and round(pose.turn_deg, 1),
        "pitch_deg": pose and round(pose.pitch_deg, 1),
        "share": pose and round(pose.share, 3),
        "turn_target": wanted and _range(wanted.turn_deg, GUIDED.turn_deg),
        "pitch_target": wanted and _range(wanted.pitch_deg, GUIDED.pitch_deg),
        "share_target": wanted and _range(wanted.share, GUIDED.share),
    }


def _range(middle: float, half: float) -> list[float]:
    return [round(middle - half, 3), round(middle + half, 3)]


def error(
    code: str, sentence: str, *, fatal: bool, sequence: int | None = None, retry_after: int | None = None
) -> Message:
    """Returns the message `error`.

    Args:
        code: of `codes`.
        sentence: for the developer of the device.
        fatal: whether the connection ends.
        sequence: of the frame that it is about, if it is about one.
        retry_after: seconds, if waiting helps.
    """
    return {
        "type": "error",
        "code": code,
        "sentence": sentence,
        "fatal": fatal,
        "seq": sequence,
        "retry_after": retry_after,
    }
