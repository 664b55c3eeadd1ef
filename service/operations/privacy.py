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
            "at_most_seconds_streaming": _longest_stream_s(settings),
            "proof": "each verdict's member `deletion`, signed with it",
            "sealed_for_reviewers_seconds": settings.review_pictures_s if settings.review_pictures == "sealed" else 0,
        },
        "templates": {
            "kept": settings.keeps_face_templates,
            "where": "memory only, overwritten before the answer leaves",
            "wait_for_passkeys_seconds": settings.passkey_bind_s if settings.keeps_face_templates else 0,
        },
        "kept": [
            {"what": "the verdict with what was read from the card", "how": "AES-256-GCM, key apart", "for": kept},
            {"what": "the card's number, to find and erase by", "how": "keyed hash (HMAC-SHA-256)", "for": kept},
            {
                "what": "capture session: id, nonce, times; the verdict of a guardian who joined",
                "how": "plain, nothing about a person",
                "for": kept,
            },
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
                "what": "streaming device: name, times, last report, counts of turns, decisions and hints, also daily",
                "how": "plain, nothing about a person",
                "for": "the operator",
            },
            {
                "what": "capture token of a page: client, origin, state, ids, times, the caller's reference",
                "how": "plain, nothing about a person unless the caller's reference is; the key of its page as keyed "
                "hash (HMAC-SHA-256)",
                "for": "a day after its time",
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
                "what": "claims of an accepted registration that wait for its applicant's wallet, where it is issued",
                "how": "AES-256-GCM, key apart; the codes of the offer as keyed hashes (HMAC-SHA-256)",
                "for": _claims_kept(settings),
            },
            {
                "what": "nonces that wallets used",
                "how": "keyed hash (HMAC-SHA-256), nothing about a person",
                "for": "5 minutes",
            },
            {
                "what": "places of issued credentials in status lists: id of the verdict, times",
                "how": "plain, nothing about a person",
                "for": "until the credential expires; then without the id, until its whole list has expired",
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
                "what": "passkey: public key, count, times, binding statement; without the identity core's key what "
                "the records need to find the card",
                "how": "AES-256-GCM, key apart; credential id and card's number as keyed hash (HMAC-SHA-256)",
                "for": f"{settings.passkey_days:g} days, or until its registration is erased",
            },
            {
                "what": "face template of an accepted registration whose applicant agreed, for later step-ups",
                "how": "AES-256-GCM twice, to the identity core (HPKE, RFC 9180) and to the holder's passkey; neither "
                "this service nor either of them can open it alone; card's number as keyed hash (HMAC-SHA-256)",
                "for": _templates_kept(settings),
            },
            {
                "what": "challenge of a passkey: who asked for it, for which page, times",
                "how": "plain, nothing about a person",
                "for": "an hour after its time",
            },
            {
                "what": "step-up: ids, times, its challenge; until the decision the transaction's text and the card's "
                "data that the records are asked with; then the decision, until the token is used",
                "how": "AES-256-GCM, key apart; ids, times and challenge plain",
                "for": "an hour after its time, or until its registration is erased",
            },
            {
                "what": "presentation that a client asked for: ids, times, state; the claims that a holder presented, "
                "until the client takes them",
                "how": "AES-256-GCM, key apart; secrets of its addresses as keyed hashes (HMAC-SHA-256)",
                "for": _presentations_kept(settings),
            },
            {
                "what": "consent receipt of a presentation: who asked for which claims, when and why; no value, "
                "nothing that names the holder",
                "how": "AES-256-GCM, key apart",
                "for": _receipts_kept(settings),
            },
            {
                "what": "registration: ids, status, attempts with their decisions and reason codes, history, times",
                "how": "plain; the caller's reference AES-256-GCM, key apart; card's number and reference as keyed "
                "hash (HMAC-SHA-256)",
                "for": f"{settings.retention_days:g} days after its end, or until erased",
            },
            {
                "what": "verdict of a registration that the records did not answer, while they are asked again",
                "how": "AES-256-GCM, key apart",
                "for": f"{settings.records_retry_s / 60:g} minutes, until they answer, or until erased",
            },
            {
                "what": "ticket for a counter: its registration, the counter that opened it, the officer's signed "
                "decision; wrong codes",
                "how": "plain, nothing about the applicant; codes and, of wrong ones, counters as keyed hash "
                "(HMAC-SHA-256)",
                "for": "until it expires, a decided one as its registration; an hour for wrong codes",
            },
            {
                "what": "card pictures and selfie of a referred registration, sealed to its reviewers' keys, where the "
                "operator asks for it",
                "how": "memory only, AES-256-GCM and HPKE (RFC 9180); the service cannot open them",
                "for": _sealed_pictures_kept(settings),
            },
            {
                "what": "review of a referred registration: ids, reason codes, times, which officer holds it, decision",
                "how": "plain; comments and signed statements AES-256-GCM, key apart",
                "for": f"{settings.retention_days:g} days after its end, or until erased",
            },
            {
                "what": "reviewing officer: number, client, state, public key of the browser, who confirmed it",
                "how": "number, client and state plain, the rest AES-256-GCM, key apart; nothing about applicants",
                "for": "the operator",
            },
            {
                "what": "audit log: ids, decisions, reason codes, and who did what",
                "how": "hash chain, signed head",
                "for": "the operator",
            },
        ],
        "retention_days": settings.retention_days,
        "erasure": [
            "DELETE /v1/verifications/{id}",
            "DELETE /v1/registrations/{id}",
            "POST /v1/erasures",
            "idproof verdict erase",
            "by itself after the retention period",
        ],
        "languages": ["en", "zh-Hant", "zh-Hans"],
    }


def _sealed_pictures_kept(settings: Settings) -> str:
    if settings.review_pictures != "sealed":
        return "not kept here"
    return f"{settings.review_pictures_s / 60:g} minutes, or until they were seen"


def _templates_kept(settings: Settings) -> str:
    if not settings.keeps_face_templates:
        return "not kept here"
    minutes = settings.passkey_bind_s / 60
    return f"in memory for {minutes:g} minutes until a passkey takes it; then as the passkey, or until it is destroyed"


def _claims_kept(settings: Settings) -> str:
    if settings.credential_issuer is None:
        return "not kept here"
    return f"{settings.credential_offer_s / 60:g} minutes, until they were issued, or until the verdict is erased"


def _presentations_kept(settings: Settings) -> str:
    if settings.presentation_verifier is None:
        return "not kept here"
    minutes = settings.presentation_s / 60
    return f"claims {minutes:g} minutes, or until they were given; the rest an hour longer"


def _receipts_kept(settings: Settings) -> str:
    if settings.presentation_verifier is None:
        return "not kept here"
    return f"{settings.presentation_receipt_days:g} days, or until erased"


def _capture_hashes_kept(settings: Settings) -> str:
    hours = settings.captures_remembered_hours
    return f"{hours:g} hours; their verification until it is erased" if hours else "not kept here"


def _longest_stream_s(settings: Settings) -> float:
    """Returns how long pictures of a streaming device can exist: an applicant may extend their time once."""
    return max(settings.stream_s, min(2 * settings.stream_s, settings.session_s))
