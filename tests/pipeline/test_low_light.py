"""A registration in low light is referred with a word about light, and never called forged."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from idproof.pipeline import Captures, Decision, Verifier
from idproof.pipeline.config import Policy
from idproof.pipeline.face import second_portrait
from idproof.pipeline.fields import checks as field_checks
from idproof.pipeline.types import CheckResult, Outcome


def darkened(data: bytes, exposure: float, noise: float, seed: int) -> bytes:
    """Returns the picture with this share of its grey levels, by a sensor with this noise in grey levels."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    dark = picture * exposure + np.random.default_rng(seed).normal(0, noise, picture.shape)
    return cv2.imencode(".jpg", dark.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


@pytest.mark.parametrize("exposure", [0.4, 0.28])
def test_low_light_is_named_and_never_called_forged(
    verifier: Verifier, captures_of: Callable[..., Captures], exposure: float
) -> None:
    captures = {role.value: darkened(data, exposure, 9.0, i) for i, (role, data) in enumerate(captures_of().items())}
    verdict = verifier.verify(Captures.from_parts(captures))
    assert verdict.decision is Decision.REFER
    assert not [check.name for check in verdict.checks if check.outcome is Outcome.FAIL]
    unread = {check.reason for check in verdict.checks if (check.reason or "").endswith("_unread")}
    assert set(verdict.reasons) - unread == {"capture_too_dark"}
    contrast = verdict.check("quality_dynamic_range")
    assert (contrast.value or 9) < (contrast.limit or 0), "or the selfie is not dark"


def test_a_dark_selfie_that_is_not_certain_is_called_dark(
    verifier: Verifier, captures_of: Callable[..., Captures]
) -> None:
    somebody = darkened(captures_of(index=1).selfie, 0.28, 9.0, 3)
    verdict = verifier.verify(captures_of(selfie=somebody))
    assert "selfie_too_dark" in verdict.reasons
    assert not {"selfie_badly_exposed", "selfie_without_contrast", "face_not_found"} & set(verdict.reasons)


def test_a_second_portrait_in_the_dark_is_said_to_be_dark(verifier: Verifier) -> None:
    light = np.full((120, 90, 3), 200, np.uint8)
    assert (second_portrait.is_dark(light // 4), second_portrait.is_dark(light)) == (True, False)
    portrait = np.array([[1.0, 0.0]], np.float32)
    tools = verifier.executor.tools  # type: ignore[attr-defined]
    for dark, reason in ((True, "capture_too_dark"), (False, "second_portrait_without_face")):
        judged_by = tools.portrait_thresholds, tools.portrait_calibration, Policy()
        assert second_portrait.check(portrait, None, *judged_by, dark=dark).reason == reason


def test_fields_unread_in_the_dark_blame_the_light_and_nothing_else_changes() -> None:
    unread = CheckResult.not_assessed(field_checks.READABLE, "field_unreadable")
    other = CheckResult.not_assessed("symbols_form", "symbols_form_unread")
    blamed = field_checks.blame_darkness([unread, other])
    assert (blamed[0].status, blamed[0].reason) == (unread.status, "capture_too_dark")
    assert blamed[1] is other
