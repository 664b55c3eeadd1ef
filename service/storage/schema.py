"""The tables after the newest migration; a test compares the two.

`schema_devices` has those of streaming devices and pages that capture, `schema_registrations` those of registrations.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()

FACTS = Table(
    "facts",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""Facts about the database itself: the fingerprint of the key that seals it."""

VERIFICATIONS = Table(
    "verifications",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("created_at", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("person", LargeBinary, nullable=True),
    Column("client", String(64), nullable=False, server_default="anonymous"),
    Index("ix_verifications_person", "person"),
    Index("ix_verifications_client_id", "client", "id"),
    Index("ix_verifications_created_at", "created_at"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", String(29), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("nonce", String(43), nullable=False),
    Column("challenge", Text, nullable=True),
    Column("created_at", String(32), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("operation", String(30), nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("device", LargeBinary, nullable=True),
    Column("registration", String(30), nullable=True),
    Column("guardian", Text, nullable=True),
    Index("ix_sessions_expires_ms", "expires_ms"),
)
"""Capture sessions; `operation` is the verification that uses or used the session, `device` a keyed hash."""

ASKED = Table(
    "asked",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("asker", LargeBinary, nullable=False),
    Column("kind", String(6), nullable=False),
    Column("session", String(29), nullable=False),
    Column("what", String(9), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_asked_asker", "asker", "what", "at_ms"),
    Index("ix_asked_session", "session"),
    Index("ix_asked_at_ms", "at_ms"),
)
"""Sessions, challenges and plans by those who asked for them, as keyed hashes (see `session_limits.py`)."""

FAILURES = Table(
    "failures",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("device", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_failures_device", "device", "at_ms"),
    Index("ix_failures_at_ms", "at_ms"),
)
"""Times of failed liveness per device; deleted when they no longer count towards a lock."""

STATE_RUNNING = "running"
"""State of a verification that has neither a verdict nor a recorded failure."""

OPERATIONS = Table(
    "operations",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    Column("owner", String(32), nullable=False),
    Column("lease_ms", BigInteger, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("code", String(64), nullable=True),
    Column("status", Integer, nullable=True),
    Column("sentence", Text, nullable=True),
    Column("capture", String(32), nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    Index("ix_operations_created_at", "created_at"),
    Index("ix_operations_owner", "owner", "state"),
)
"""Running, completed and failed verifications. The server that runs one renews its lease, or counts as dead.

`sealed` holds the caller's reference of a failed one.
"""

IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("mac", LargeBinary, primary_key=True),
    Column("operation", String(30), nullable=False),
    Column("fingerprint", LargeBinary, nullable=True),
    Column("created_at", String(32), nullable=False),
    Index("ix_idempotency_operation", "operation"),
    Index("ix_idempotency_created_at", "created_at"),
)
"""Idempotency keys and their verifications; key and body are keyed hashes (see `ledger.py`)."""

CLIENTS = Table(
    "clients",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("created_at", String(32), nullable=False),
    Index("ix_clients_name", "name"),
)
"""Clients that have API keys: the owners of sessions, verifications and verdicts (their columns `client`)."""

API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=True),
    Column("revoked_at", String(32), nullable=True),
    Column("client", String(64), nullable=False),
    Index("ix_api_keys_client", "client"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event", String(30), nullable=False, unique=True),
    Column("destination", String(8), nullable=False),
    Column("stream", LargeBinary, nullable=False),
    Column("verification", String(30), nullable=False),
    Column("state", String(9), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("lease_ms", BigInteger, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("error", String(64), nullable=True),
    Column("kind", String(8), nullable=False, server_default="verdict"),
    Column("passkey", String(29), nullable=True),
    Column("registration", String(30), nullable=True),
    Column("number", Integer, nullable=True),
    Column("review", String(30), nullable=True),
    Index("ix_outbox_due", "state", "due_ms"),
    Index("ix_outbox_stream", "destination", "stream", "seq"),
    Index("ix_outbox_verification", "verification"),
)
"""Deliveries of verdicts, erasures, passkeys and statuses (`kind`); the content is only in `verifications`, `passkeys`
and `registration_events`."""

USED_CAPTURES = Table(
    "used_captures",
    METADATA,
    Column("mac", LargeBinary, primary_key=True),
    Column("operation", String(30), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_used_captures_operation", "operation"),
    Index("ix_used_captures_expires_ms", "expires_ms"),
)
"""Keyed hashes of captures and frames that were used, and the verification that used them (see `used_captures.py`)."""

PERMITS = Table(
    "permits",
    METADATA,
    Column("mac", LargeBinary, primary_key=True),
    Column("id", String(20), nullable=False),
    Column("holder", String(80), nullable=False),
    Column("options", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=True),
    Index("ix_permits_expires_ms", "expires_ms"),
)
"""Permits of staff for reduced challenges, by the keyed hash of their codes; deleted when they have expired."""

CREDENTIAL_CLAIMS = Table(
    "credential_claims",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("offers", Integer, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_credential_claims_expires_ms", "expires_ms"),
)
"""Claims of accepted registrations that wait for a wallet, by the verdict's id; deleted after minutes."""

CREDENTIAL_OFFERS = Table(
    "credential_offers",
    METADATA,
    Column("code", LargeBinary, primary_key=True),
    Column("verification", String(30), nullable=False),
    Column("transaction_code", LargeBinary, nullable=False),
    Column("guesses", Integer, nullable=False),
    Column("token", LargeBinary, nullable=True),
    Column("issued", String(64), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_credential_offers_verification", "verification"),
    Index("ix_credential_offers_token", "token"),
    Index("ix_credential_offers_expires_ms", "expires_ms"),
)
"""Offers of credentials: keyed hashes of their codes and of the access token, and the formats issued."""

USED_NONCES = Table(
    "used_nonces",
    METADATA,
    Column("mac", LargeBinary, primary_key=True),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_used_nonces_expires_ms", "expires_ms"),
)
"""Keyed hashes of the nonces of proofs of possession that were used; deleted when they have expired."""

CREDENTIAL_STATUS = Table(
    "credential_status",
    METADATA,
    Column("list", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("verification", String(30), nullable=True),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_at", String(32), nullable=True),
    Index("ix_credential_status_verification", "verification"),
    Index("ix_credential_status_expires_ms", "expires_ms"),
)
"""Places in status lists that belong to a credential; `verification` is forgotten when the credential has expired."""

PASSKEYS = Table(
    "passkeys",
    METADATA,
    Column("id", String(29), primary_key=True),
    Column("verification", String(30), nullable=False),
    Column("client", String(64), nullable=False),
    Column("person", LargeBinary, nullable=True),
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("state", String(9), nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("backed_up", Integer, nullable=False),
    Column("reported", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("used_at", String(32), nullable=True),
    Column("counted_number", BigInteger, nullable=False, server_default="0"),
    Index("ix_passkeys_verification", "verification"),
    Index("ix_passkeys_person", "person"),
    Index("ix_passkeys_created_at", "created_at"),
    Index("ix_passkeys_counted_number", "counted_number"),
)
"""Passkeys that were bound to accepted registrations; they outlive the stored verdict. `credential` is a keyed hash of
the credential's id, `reported` whether the core was told; public key and binding statement are in `sealed`.
`counted_number` is the newest ceremony's when `sign_count` was stored."""

CEREMONIES = Table(
    "ceremonies",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("client", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    Column("challenge", LargeBinary, nullable=False),
    Column("origin", String(255), nullable=False),
    Column("verification", String(30), nullable=True),
    Column("passkey", String(29), nullable=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False, server_default="0"),
    Index("ix_ceremonies_client", "client", "kind", "state", "created_ms"),
    Index("ix_ceremonies_expires_ms", "expires_ms"),
    Index("ix_ceremonies_number", "number"),
)
"""Challenges of WebAuthn, each answered once. `verification` names the account where the caller named one; a greater
`number` is a challenge that was given out later."""

STEP_UPS = Table(
    "step_ups",
    METADATA,
    Column("id", String(29), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("verification", String(30), nullable=False),
    Column("passkey", String(29), nullable=False),
    Column("login", String(30), nullable=False),
    Column("state", String(8), nullable=False),
    Column("challenge", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Index("ix_step_ups_verification", "verification", "state", "created_ms"),
    Index("ix_step_ups_expires_ms", "expires_ms"),
)
"""Step-ups by face; `sealed` holds the transaction's text and the card's data until the decision."""

PRESENTATIONS = Table(
    "presentations",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("state", String(9), nullable=False),
    Column("code", String(32), nullable=True),
    Column("request", LargeBinary, nullable=False),
    Column("response", LargeBinary, nullable=True),
    Column("response_code", LargeBinary, nullable=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Index("ix_presentations_request", "request"),
    Index("ix_presentations_response", "response"),
    Index("ix_presentations_expires_ms", "expires_ms"),
)
"""Presentations that clients asked for: keyed hashes of the secrets in their addresses and of the response code, and
the code of a refusal; `sealed` holds the question and, until the client takes them, the claims."""

CONSENT_RECEIPTS = Table(
    "consent_receipts",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_consent_receipts_made_ms", "made_ms"),
)
"""Signed receipts of presentations, by their id, without the values of claims."""

FACE_TEMPLATES = Table(
    "face_templates",
    METADATA,
    Column("id", String(29), primary_key=True),
    Column("verification", String(30), nullable=False),
    Column("person", LargeBinary, nullable=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", String(25), nullable=False),
    Index("ix_face_templates_verification", "verification"),
    Index("ix_face_templates_person", "person"),
)
"""Face templates for step-ups, by passkey. What is in `sealed` opens with the passkey and the identity core only;
`person` is a keyed hash of the card's number."""
