"""What a verdict tells the applicant on a screen: what can be mended, and nothing that teaches an attacker."""

from collections.abc import Mapping
from typing import Any

from idproof.service.applicant_messages import texts

CARD, PERSON, RECORDS = "card_doubtful", "person_doubtful", "records_doubtful"
MENDABLE = (
    "selfie_blurred",
    "selfie_badly_exposed",
    "selfie_without_contrast",
    "selfie_unevenly_lit",
    "selfie_turned_away",
    "selfie_cut_off",
    "angles_not_distinct",
    "angles_not_as_instructed",
    "field_unreadable",
    "card_overexposed",
)
TEXTS: Mapping[str, Mapping[str, str]] = {
    CARD: {
        texts.ENGLISH: "The card could not be confirmed here. A member of staff will help you.",
        texts.CHINESE: "未能在此確認身份證，職員會協助你。",
    },
    PERSON: {
        texts.ENGLISH: "It could not be confirmed here that you hold this card. A member of staff will help you.",
        texts.CHINESE: "未能在此確認你是持證人，職員會協助你。",
    },
    RECORDS: {
        texts.ENGLISH: "The records could not be compared here. A member of staff will help you.",
        texts.CHINESE: "未能在此核對記錄，職員會協助你。",
    },
}
"""What stands for reasons that are not told."""
_OF_PERSON = ("face_", "liveness", "registered_portrait")
_OF_RECORDS = ("records",)


def reasons(answer: Mapping[str, Any]) -> list[str]:
    """Codes for the screen, worst first, each once.

    Args:
        answer: the verdict: its `reasons`, and `checks` with name and reason.
    """
    of = {check["reason"]: check["name"] for check in answer["checks"] if check["reason"]}
    return list(dict.fromkeys(_told(code, of.get(code, code)) for code in answer["reasons"]))


def verdict(answer: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The message `verdict`."""
    codes = reasons(answer)
    told = {code: TEXTS[code][language] if code in TEXTS else texts.text(code, language) for code in codes}
    return {
        "type": "verdict",
        "id": answer["id"],
        "decision": answer["decision"],
        "reasons": codes,
        "texts": told,
    }


def _told(code: str, check: str) -> str:
    if code in MENDABLE:
        return code
    if check.startswith(_OF_RECORDS) or code == "card_lost_or_invalid":
        return RECORDS
    return PERSON if check.startswith(_OF_PERSON) else CARD
