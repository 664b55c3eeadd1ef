"""States of ceremonies and of passkeys, and the tables of transitions between them.

A ceremony is one challenge of WebAuthn. It is taken before its answer is verified, so it is answered once, whatever the
answer is. `docs/passkeys.md` prints both tables; a test compares them.
"""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """Purpose of a ceremony."""

    REGISTRATION = "registration"
    LOGIN = "login"
    TEMPLATE = "template"


class CeremonyState(StrEnum):
    """State of a ceremony."""

    OPEN = "open"
    TAKEN = "taken"
    DONE = "done"
    REFUSED = "refused"
    SPENT = "spent"


class CeremonyEvent(StrEnum):
    """Cause of a transition of a ceremony."""

    ANSWERED = "answered"
    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    USED_FOR_STEP_UP = "used for a step-up"


class PasskeyState(StrEnum):
    """State of a passkey."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class PasskeyEvent(StrEnum):
    """Cause of a transition of a passkey."""

    COUNT_WENT_BACK = "count went back"
    REVOKED = "revoked"


class Cause(StrEnum):
    """Cause of a refusal, for operators: the caller is told only that the passkey was not accepted."""

    RESPONSE_INVALID = "response_invalid"
    ORIGIN_OTHER = "origin_other"
    ATTESTATION_UNTRUSTED = "attestation_untrusted"
    CREDENTIAL_KNOWN = "credential_known"
    CREDENTIAL_UNKNOWN = "credential_unknown"
    CREDENTIAL_OTHER = "credential_other"
    NOT_ACTIVE = "not_active"
    BACKUP_CHANGED = "backup_changed"
    COUNT_WENT_BACK = "count_went_back"
    ANSWERED_LATE = "answered_late"


CEREMONY_TRANSITIONS: Mapping[CeremonyState, Mapping[CeremonyEvent, CeremonyState]] = {
    CeremonyState.OPEN: {CeremonyEvent.ANSWERED: CeremonyState.TAKEN},
    CeremonyState.TAKEN: {
        CeremonyEvent.VERIFIED: CeremonyState.DONE,
        CeremonyEvent.NOT_VERIFIED: CeremonyState.REFUSED,
    },
    CeremonyState.DONE: {CeremonyEvent.USED_FOR_STEP_UP: CeremonyState.SPENT},
    CeremonyState.REFUSED: {},
    CeremonyState.SPENT: {},
}
PASSKEY_TRANSITIONS: Mapping[PasskeyState, Mapping[PasskeyEvent, PasskeyState]] = {
    PasskeyState.ACTIVE: {
        PasskeyEvent.COUNT_WENT_BACK: PasskeyState.SUSPENDED,
        PasskeyEvent.REVOKED: PasskeyState.REVOKED,
    },
    PasskeyState.SUSPENDED: {PasskeyEvent.REVOKED: PasskeyState.REVOKED},
    PasskeyState.REVOKED: {},
}


def ceremony_sources(event: CeremonyEvent) -> tuple[CeremonyState, CeremonyState]:
    """Returns the one state that takes an event, and the state that follows.

    Example:
        >>> ceremony_sources(CeremonyEvent.ANSWERED)
        (<CeremonyState.OPEN: 'open'>, <CeremonyState.TAKEN: 'taken'>)
    """
    ((source, target),) = (
        (state, targets[event]) for state, targets in CEREMONY_TRANSITIONS.items() if event in targets
    )
    return source, target


def passkey_sources(event: PasskeyEvent) -> tuple[tuple[PasskeyState, ...], PasskeyState]:
    """Returns the states that take an event, and the state that follows."""
    sources = tuple(state for state, targets in PASSKEY_TRANSITIONS.items() if event in targets)
    return sources, PASSKEY_TRANSITIONS[sources[0]][event]
