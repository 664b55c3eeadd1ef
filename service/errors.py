"""The service's errors, in the project's one tree.

    IdproofError
    ├── SettingsInvalid        a setting has a value that it may not have
    ├── KeysUnusable           a signing or sealing key is damaged, missing, or readable by other users
    ├── CoreKeyUnusable        nothing can be encrypted to the identity core's public key
    ├── StoreUnavailable       the database cannot be read or written
    ├── AuditBroken            the audit log was changed, or cannot be written
    ├── AttestationRefused     a device's attestation statement or signature does not hold, or none can be checked
    ├── IssuerUnavailable      the token issuer's keys cannot be read
    ├── SignatureInvalid       a token is not signed by any of the keys
    │   └── SigningKeyRevoked  its key was revoked, since somebody else may have it
    ├── CredentialRefused      a credential, a proof or a presentation does not hold; its code is one of
    │                          `CREDENTIAL_CODES`
    ├── IssuanceRefused        a wallet's request for credentials cannot be served; its code is one of `ISSUANCE_CODES`
    ├── DemoFailed             the demonstration's service did not start or answer
    ├── ServiceProblem         a request that cannot be served; its code is one of `SERVICE_CODES`
    │   └── PasskeyRefused     an answer of a passkey's ceremony was not accepted; operators see the cause
    └── StreamProblem          a breach of the stream protocol; its code is one of `STREAM_CODES`

Every error carries its code in `error.code` and its English sentence in `error.sentence`. The HTTP status of each code
is in `idproof.service.http.problems`; the close code of a stream is in `idproof.service.stream.codes`. The rest of the
tree is drawn in `idproof.models.errors` and `idproof.pipeline.errors`.
"""

from typing import Literal, get_args

from idproof.pipeline.errors import BadInput, IdproofError
from idproof.service.request_faults import RequestFault

ServiceCode = Literal[
    "busy",
    "upload_malformed",
    "upload_too_large",
    "upload_not_multipart",
    "metadata_invalid",
    "sandbox_captures",
    "unauthenticated",
    "forbidden",
    "rate_limited",
    "too_many_at_once",
    "session_missing",
    "session_unknown",
    "session_used",
    "session_lapsed",
    "registration_missing",
    "registration_unknown",
    "registration_closed",
    "guardians_off",
    "guardian_refused",
    "guardian_consent_missing",
    "counter_code_invalid",
    "counter_locked",
    "counter_verdict_unsuitable",
    "challenge_missing",
    "challenge_lapsed",
    "challenges_used",
    "frames_missing",
    "device_locked",
    "too_many_sessions",
    "permit_invalid",
    "permit_exceeded",
    "permit_too_weak",
    "credentials_off",
    "credential_unavailable",
    "request_in_progress",
    "idempotency_key_reused",
    "verification_lost",
    "stopped",
    "not_found",
    "method_not_allowed",
    "request_invalid",
    "request_slow",
    "host_unknown",
    "origin_foreign",
    "content_type_unsupported",
    "passkeys_off",
    "passkey_refused",
    "passkey_verdict_unsuitable",
    "passkeys_enough",
    "ceremony_lapsed",
    "too_many_ceremonies",
    "origin_unknown",
    "login_invalid",
    "step_up_lapsed",
    "step_up_card_needed",
    "step_ups_refused",
    "step_up_token_invalid",
    "face_templates_off",
    "face_template_unavailable",
    "face_template_key_missing",
    "face_template_refused",
    "face_template_core_unavailable",
    "presentations_off",
    "presentation_waiting",
    "presentation_refused",
    "presentation_lapsed",
    "response_code_wrong",
    "return_url_unknown",
    "reviews_off",
    "reviewer_unconfirmed",
    "reviewer_taken",
    "public_key_invalid",
    "fingerprint_differs",
    "officer_differs",
    "reason_unsuitable",
    "review_unavailable",
    "review_not_claimed",
    "second_officer_needed",
    "pictures_gone",
]
SERVICE_CODES: frozenset[str] = frozenset(get_args(ServiceCode))
"""Codes of `ServiceProblem`."""

StreamCode = Literal[
    "subprotocol_missing",
    "stream_slow",
    "device_unauthenticated",
    "device_revoked",
    "device_connected",
    "message_invalid",
    "message_unexpected",
    "consent_missing",
    "stage_incomplete",
    "attestation_invalid",
    "session_unknown",
    "session_lapsed",
    "frame_malformed",
    "frame_too_large",
    "frame_unexpected",
    "frame_foreign",
    "frame_replayed",
    "frame_out_of_order",
    "frame_forged",
    "frame_unreadable",
]
STREAM_CODES: frozenset[str] = frozenset(get_args(StreamCode))
"""Codes of `StreamProblem`."""

CredentialCode = Literal[
    "credential_malformed",
    "credential_type_wrong",
    "credential_issuer_untrusted",
    "credential_signature_invalid",
    "credential_changed",
    "credential_expired",
    "credential_not_yet_valid",
    "credential_claim_missing",
    "credential_revoked",
    "status_unavailable",
    "holder_proof_missing",
    "holder_proof_invalid",
    "nonce_wrong",
    "audience_wrong",
]
CREDENTIAL_CODES: frozenset[str] = frozenset(get_args(CredentialCode))
"""Codes of `CredentialRefused`."""

IssuanceCode = Literal[
    "invalid_request",
    "invalid_grant",
    "unsupported_grant_type",
    "invalid_token",
    "invalid_credential_request",
    "unknown_credential_configuration",
    "invalid_proof",
    "invalid_nonce",
    "credential_request_denied",
]
ISSUANCE_CODES: frozenset[str] = frozenset(get_args(IssuanceCode))
"""Codes of `IssuanceRefused`: those of OAuth 2.0 (RFC 6749, RFC 6750) and OpenID4VCI 1.0."""


class SettingsInvalid(IdproofError):
    """A setting has a value that it may not have. The sentence names the setting, never the value."""

    code = "settings_invalid"


class KeysUnusable(IdproofError):
    """A key file is damaged, readable by other users, or missing while data sealed with it exists."""

    code = "keys_unusable"


class CoreKeyUnusable(IdproofError):
    """The identity core's public key cannot be read, or is of a kind that nothing can be encrypted to."""

    code = "core_key_unusable"


class StoreUnavailable(IdproofError):
    """The database cannot be read or written, or a row does not open with the sealing key."""

    code = "store_unavailable"


class AuditBroken(IdproofError):
    """The audit log was changed, has a gap, was cut off, or cannot be written."""

    code = "audit_broken"


class AttestationRefused(IdproofError):
    """A device's attestation statement or signature does not hold, or no root to hold it to is configured."""

    code = "attestation_refused"


class IssuerUnavailable(IdproofError):
    """The token issuer's keys cannot be read, so no token can be checked."""

    code = "issuer_unavailable"


class SignatureInvalid(IdproofError):
    """A token is not signed by any of the keys, or is no token."""

    code = "signature_invalid"


class SigningKeyRevoked(SignatureInvalid):
    """A token is signed with a key that was revoked: whoever has the key may have signed it."""

    code = "signing_key_revoked"


class CredentialRefused(IdproofError):
    """A credential, a holder's proof or a presentation does not hold.

    Args:
        code: one of `CREDENTIAL_CODES`.
        sentence: for whoever checks; it repeats nothing of the credential.
    """

    def __init__(self, code: CredentialCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class IssuanceRefused(IdproofError):
    """A wallet's request for credentials cannot be served; it is answered in the form of OAuth 2.0.

    Args:
        code: one of `ISSUANCE_CODES`.
        sentence: in ASCII, for the wallet's developer; it repeats nothing that was sent.
    """

    def __init__(self, code: IssuanceCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class DemoFailed(IdproofError):
    """The demonstration's service did not start, or did not answer as it must."""

    code = "demo_failed"


class ServiceProblem(IdproofError):
    """A request that cannot be served.

    Args:
        code: one of `SERVICE_CODES`.
        sentence: for the client. It may be stored, so it repeats nothing that the client sent.
        retry_after: seconds after which the same request may succeed, or None.
        errors: the parts of the request that are not as documented; for the response only.
    """

    def __init__(
        self,
        code: ServiceCode,
        sentence: str,
        *,
        retry_after: int | None = None,
        errors: tuple[RequestFault, ...] = (),
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.retry_after = retry_after
        self.errors = errors


class PasskeyRefused(ServiceProblem):
    """An answer of a passkey's ceremony was not accepted. The caller learns no more than that.

    Args:
        cause: code for operators (`idproof.service.passkeys.states.Cause`).
    """

    code = "passkey_refused"

    def __init__(self, cause: str) -> None:
        super().__init__("passkey_refused", "The passkey was not accepted; begin again with new options.")
        self.cause = cause


class StreamProblem(IdproofError):
    """A breach of the stream protocol.

    Args:
        code: one of `STREAM_CODES`.
        sentence: for the developer of the device's software.
    """

    def __init__(self, code: StreamCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def log_error(error: Exception) -> None:
    """Log one error without anything about a person: its code, or only its type if it was not foreseen."""
    import structlog  # here, because the command line's help needs the errors and no log

    log = structlog.get_logger("idproof")
    if isinstance(error, BadInput):
        log.info("refused", code=error.code, capture=error.capture)
    elif isinstance(error, PasskeyRefused):
        log.info("refused", code=error.code, cause=error.cause)
    elif isinstance(error, (ServiceProblem, CredentialRefused, IssuanceRefused)):
        log.info("refused", code=error.code)
    elif isinstance(error, IdproofError):
        # An operator must act; the client's answer may say less.
        log.error("unavailable", code=error.code, sentence=error.sentence)
    else:
        log.error("unexpected", kind=type(error).__name__)
