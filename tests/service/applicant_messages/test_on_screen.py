"""A verdict on a screen: reasons that an applicant can correct, and nothing about the checks of an attack."""

import pytest

from idproof.service.applicant_messages import on_screen


@pytest.mark.parametrize("language", ["en", "zh-Hant", "zh-Hans"])
def test_a_screen_shows_reasons_that_can_be_corrected_and_hides_the_checks_of_an_attack(language: str) -> None:
    names = {
        "selfie_blurred": "quality_sharpness",
        "hologram_static": "hologram_response",
        "face_flat": "liveness_depth",
        "face_mismatch": "face_comparison",
        "records_unavailable": "records",
    }
    checks = [{"name": name, "reason": reason} for reason, name in names.items()]
    message = on_screen.verdict(
        {"id": "ver_1", "decision": "reject", "checks": checks, "reasons": list(names)}, language
    )
    assert message["reasons"] == ["selfie_blurred", "card_doubtful", "person_doubtful", "records_doubtful"]
    assert len(set(message["texts"].values())) == 4
