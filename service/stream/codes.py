"""Error codes of a stream, all of them stable, and the close codes of those that end the connection."""

from collections.abc import Mapping

PROTOCOL = "idproof.capture.v1"

CLOSES: Mapping[str, int] = {
    "subprotocol_missing": 4400,
    "stream_slow": 4408,
    "device_unauthenticated": 4401,
    "device_revoked": 4403,
    "device_connected": 4409,
    "message_invalid": 4400,
    "frame_malformed": 4400,
    "frame_too_large": 4413,
    "frame_unexpected": 4400,
    "frame_foreign": 4400,
    "frame_replayed": 4400,
    "frame_out_of_order": 4400,
    "frame_forged": 4400,
    "internal": 4500,
}
"""Codes that end the connection, and the close code that follows."""

STAYS = frozenset(
    {
        "message_unexpected",
        "consent_missing",
        "stage_incomplete",
        "attestation_invalid",
        "frame_unreadable",
        "session_unknown",
        "session_lapsed",
        "session_expired",
        "session_used",
        "challenges_used",
        "device_locked",
        "too_many_sessions",
        "permit_invalid",
        "permit_exceeded",
        "registration_missing",
        "registration_unknown",
        "registration_closed",
        "guardians_off",
        "guardian_refused",
        "guardian_consent_missing",
        "busy",
        "store_unavailable",
        "audit_broken",
        "rate_limited",
        "too_many_at_once",
        "request_in_progress",
        "passkeys_off",
        "passkey_refused",
        "passkey_verdict_unsuitable",
        "passkeys_enough",
        "ceremony_lapsed",
        "too_many_ceremonies",
        "origin_unknown",
        "challenge_missing",
        "challenge_lapsed",
        "step_up_lapsed",
        "step_ups_refused",
        "records_unavailable",
        "portrait_unavailable",
        "face_template_unavailable",
        "face_template_key_missing",
        "face_template_refused",
        "face_template_core_unavailable",
        "credentials_off",
        "credential_unavailable",
    }
)
"""Codes after which the connection goes on."""
