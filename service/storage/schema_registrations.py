"""The tables of registrations above verifications, and of their reviews; see `schema`."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from idproof.service.storage.schema import METADATA

REGISTRATIONS = Table(
    "registrations",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("status", String(17), nullable=False),
    Column("reference", LargeBinary, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    Column("person", LargeBinary, nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("most_attempts", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("operation", String(30), nullable=True),
    Column("verification", String(30), nullable=True),
    Column("decision", String(6), nullable=True),
    Column("adult", Integer, nullable=True),
    Column("opened_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_registrations_client_id", "client", "id"),
    Index("ix_registrations_reference", "reference"),
    Index("ix_registrations_person", "person"),
    Index("ix_registrations_status", "status", "expires_ms"),
)
"""Registrations above their verifications. `reference` and `person` are keyed hashes, the caller's reference is in
`sealed`; `number` counts the events, `operation` is the verification that runs or ran last, `verification` and
`decision` are those of the last verdict; `adult` says whether the card's holder was one at that verdict."""

REGISTRATION_ATTEMPTS = Table(
    "registration_attempts",
    METADATA,
    Column("verification", String(30), primary_key=True),
    Column("registration", String(30), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("decision", String(6), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("step", String(8), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_registration_attempts_registration", "registration", "attempt"),
)
"""Verdicts of a registration, with their reason codes and what came next."""

REGISTRATION_EVENTS = Table(
    "registration_events",
    METADATA,
    Column("registration", String(30), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", String(24), nullable=False),
    Column("status", String(17), nullable=False),
    Column("verification", String(30), nullable=True),
    Column("statement", String(64), nullable=True),
    Column("at_ms", BigInteger, nullable=False),
)
"""Transitions of registrations, numbered from 1; `statement` is the SHA-256 of a person's signed statement."""

RECORD_RETRIES = Table(
    "record_retries",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("registration", String(30), nullable=False),
    Column("client", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_record_retries_registration", "registration"),
    Index("ix_record_retries_due_ms", "due_ms"),
)
"""Verdicts that the records did not answer, by id, with what is needed to ask again; deleted after minutes."""

TICKET_OPENED = "opened"
"""State of a ticket whose registration is open at a counter."""

COUNTER_TICKETS = Table(
    "counter_tickets",
    METADATA,
    Column("registration", String(30), primary_key=True),
    Column("mac", LargeBinary, nullable=False, unique=True),
    Column("state", String(8), nullable=False),
    Column("client", String(64), nullable=True),
    Column("verification", String(30), nullable=True),
    Column("statement", Text, nullable=True),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_counter_tickets_expires_ms", "expires_ms"),
)
"""Tickets for a counter, by registration: the keyed hash of the code, the counter's client that opened it, the verdict
of the captures that it took, and the officer's signed statement."""

COUNTER_GUESSES = Table(
    "counter_guesses",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("device", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_counter_guesses_device", "device", "at_ms"),
    Index("ix_counter_guesses_at_ms", "at_ms"),
)
"""Times of wrong codes by counter, a keyed hash; deleted when they no longer count towards a lock."""

REVIEWERS = Table(
    "reviewers",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("client", String(64), nullable=False),
    Column("officer", String(64), nullable=False),
    Column("state", String(7), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_reviewers_client", "client", "state"),
    Index("ix_reviewers_officer", "officer", "state"),
)
"""Enrolments of officers who review. The key that pictures are sealed to, and who confirmed it, are in `sealed`, so
that an attacker who can write to the database cannot exchange them."""

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", String(30), primary_key=True),
    Column("registration", String(30), nullable=False),
    Column("verification", String(30), nullable=False),
    Column("state", String(14), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("claimed_by", String(30), nullable=True),
    Column("claim_ends_ms", BigInteger, nullable=False),
    Column("first_by", String(30), nullable=True),
    Column("seen_by", String(30), nullable=True),
    Column("decision", String(11), nullable=True),
    Column("decided_ms", BigInteger, nullable=True),
    Column("sealed", LargeBinary, nullable=True),
    Index("ix_reviews_state", "state", "id"),
    Index("ix_reviews_registration", "registration"),
)
"""Reviews of referred registrations; `claimed_by`, `first_by` and `seen_by` are enrolments, `sealed` holds the opinions
with their comments and signed statements."""

OF_REGISTRATIONS = (REGISTRATION_ATTEMPTS, REGISTRATION_EVENTS, RECORD_RETRIES, COUNTER_TICKETS, REVIEWS)
"""Tables whose column `registration` names the registration that their rows are erased with."""
