"""Verdict for the applicant's screen: causes that the applicant can correct, and nothing that instructs an attacker."""

from collections.abc import Mapping
from typing import Any

from idproof.service.applicant_messages import texts

CARD, PERSON, RECORDS, HOLDER = "card_doubtful", "person_doubtful", "records_doubtful", "holder_doubtful"
CORRECTABLE = (
    "selfie_blurred",
    "selfie_too_dark",
    "selfie_badly_exposed",
    "selfie_without_contrast",
    "selfie_unevenly_lit",
    "selfie_turned_away",
    "selfie_cut_off",
    "angles_not_distinct",
    "angles_not_as_instructed",
    "capture_plan_not_followed",
    "card_turn_not_seen",
    "card_turn_unclear",
    "card_light_not_seen",
    "field_unreadable",
    "card_overexposed",
    "capture_too_dark",
    "card_covered",
    "hologram_not_seen",
    "outline_not_seen",
    "guardian_missing",
)
"""Reasons that are shown as they are, since an applicant can do something about them."""
SUBSTITUTES: Mapping[str, Mapping[str, str]] = {
    CARD: {
        texts.ENGLISH: "The card could not be confirmed here. A member of staff will help you.",
        texts.CHINESE: "未能在此確認身份證，職員會協助你。",
        texts.SIMPLIFIED: "未能在此确认身份证，工作人员会协助你。",
    },
    PERSON: {
        texts.ENGLISH: "It could not be confirmed here that you hold this card. A member of staff will help you.",
        texts.CHINESE: "未能在此確認你是持證人，職員會協助你。",
        texts.SIMPLIFIED: "未能在此确认你是持证人，工作人员会协助你。",
    },
    HOLDER: {
        texts.ENGLISH: "It could not be confirmed here that this is your account. A member of staff will help you.",
        texts.CHINESE: "未能在此確認這是你的帳戶，職員會協助你。",
    },
    RECORDS: {
        texts.ENGLISH: "The records could not be compared here. A member of staff will help you.",
        texts.CHINESE: "未能在此核對記錄，職員會協助你。",
        texts.SIMPLIFIED: "未能在此核对记录，工作人员会协助你。",
    },
}
"""Sentences of the codes that replace all other reasons."""
_PERSON_CHECKS = ("face_", "liveness", "registered_portrait")
_RECORDS_CHECKS = ("records",)


def reasons(answer: Mapping[str, Any]) -> list[str]:
    """Returns codes for the screen, worst first, each once.

    Args:
        answer: the verdict, with its `reasons`, and `checks` with `name` and `reason`.
    """
    check_of = {check["reason"]: check["name"] for check in answer["checks"] if check["reason"]}
    return list(dict.fromkeys(_shown(code, check_of.get(code, code)) for code in answer["reasons"]))


def verdict(answer: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Returns the message `verdict` of `docs/stream.md`."""
    return _message("verdict", answer, reasons(answer), language)


def step_up(answer: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Returns the message `step_up_decided` of `docs/stream.md`, which never blames the card: none is captured."""
    codes = [HOLDER if code in (CARD, PERSON) else code for code in reasons(answer)]
    return _message("step_up_decided", answer, list(dict.fromkeys(codes)), language)


def _message(kind: str, answer: Mapping[str, Any], codes: list[str], language: str) -> dict[str, Any]:
    return {
        "type": kind,
        "id": answer["id"],
        "decision": answer["decision"],
        "reasons": codes,
        "texts": {
            code: SUBSTITUTES[code][language] if code in SUBSTITUTES else texts.sentence(code, language)
            for code in codes
        },
    }


def _shown(code: str, check: str) -> str:
    if code in CORRECTABLE:
        return code
    if check.startswith(_RECORDS_CHECKS) or code == "card_lost_or_invalid":
        return RECORDS
    return PERSON if check.startswith(_PERSON_CHECKS) else CARD
