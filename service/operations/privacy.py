"""The published statement on retention and deletion, made from the current settings."""

from typing import Any

from idproof.pipeline.config import Limits
from idproof.pipeline.liveness.lockout import Lockout
from idproof.service.operations.settings import Settings
from idproof.service.storage.session_limits import HOUR_S


def privacy_statement(settings: Settings, limits: Limits) -> dict[str, Any]:
    """Returns what is stored, how, for how long, and how it is erased; published at `/v1/privacy`."""
    kept = f"{settings.retention_days:g} days, or until erased"
    hours = min(settings.idempotency_hours, settings.retention_days * 24)
    return {
        "pictures": {
            "kept": False,
            "what": "captures of the card, selfies, frames of a liveness challenge",
            "where": "memory only, overwritten before the answer leaves",
            "at_most_seconds": limits.lifetime_s,
            "at_most_seconds_streaming": settings.stream_s,
            "proof": "each verdict's member `deletion`, signed with it",
        },
        "templates": {"kept": False, "where": "memory only, overwritten before the answer leaves"},
        "kept": [
            {"what": "the verdict with what was read from the card", "how": "AES-256-GCM, key apart", "for": kept},
            {"what": "the card's number, to find and erase by", "how": "keyed hash (HMAC-SHA-256)", "for": kept},
            {"what": "capture session: id, nonce, times", "how": "plain, nothing about a person", "for": kept},
            {
                "what": "device of a session, if the caller names one, and when liveness failed on it",
                "how": "keyed hash (HMAC-SHA-256)",
                "for": f"{Lockout().memory_s / 60:g} minutes for failures; the session's for the device",
            },
            {
                "what": "who opened which session and asked for which challenge",
                "how": "keyed hash (HMAC-SHA-256) of the client or device",
                "for": f"{max(HOUR_S, settings.session_s) / 60:g} minutes",
            },
            {
                "what": "streaming device: name, times, counts of turns, decisions and hints",
                "how": "plain, nothing about a person",
                "for": "the operator",
            },
            {
                "what": "public key of a streaming device that its hardware attested, and its last count",
                "how": "plain, nothing about a person",
                "for": "the operator",
            },
            {
                "what": "permit of staff for a reduced challenge: what it grants, its device or client, times",
                "how": "plain, nothing about a person; its code as keyed hash (HMAC-SHA-256)",
                "for": "until it expires",
            },
            {
                "what": "the caller's reference of a failed verification",
                "how": "AES-256-GCM, key apart",
                "for": kept,
            },
            {"what": "delivery to the identity core: ids, times", "how": "plain, nothing about a person", "for": kept},
            {
                "what": "idempotency key and fingerprint of its request",
                "how": "HMAC-SHA-256 under keys that also need the caller's key, which is not kept",
                "for": f"{hours:g} hours, or until the verdict is erased",
            },
            {
                "what": "keyed hashes of the bytes of captures and frames, so that the same bytes answer once",
                "how": "HMAC-SHA-256 under a key of the day, derived from the sealing key; no hash of what they show",
                "for": _capture_hashes_kept(settings),
            },
            {
                "what": "audit log: ids, decisions, reason codes",
                "how": "hash chain, signed head",
                "for": "the operator",
            },
        ],
        "retention_days": settings.retention_days,
        "erasure": ["DELETE /v1/verifications/{id}", "idproof verdict erase", "by itself after the retention period"],
        "languages": ["en", "zh-Hant"],
    }


def _capture_hashes_kept(settings: Settings) -> str:
    hours = settings.captures_remembered_hours
    return f"{hours:g} hours; their verification until it is erased" if hours else "not kept here"
