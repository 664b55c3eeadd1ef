"""The applicant who was just accepted at a device, and may get a passkey and offers of credentials."""

import time
from typing import NamedTuple

from idproof.service.errors import StreamProblem
from idproof.service.stream.session import DeviceSession

OFFER_S = 300.0
"""Seconds after the verdict within which something may be asked for: the page shows a result for 60 s, waits for a
passkey for 110 s more, and shows an offer of credentials for 120 s. Chosen by hand; no outside source."""


class AcceptedApplicant(NamedTuple):
    """An applicant who was just accepted.

    Attributes:
        session: id of the session that ended with the accept.
        nonce: of that session.
        verdict: id of the accept.
    """

    session: str
    nonce: str
    verdict: str


def require_accepted(session: DeviceSession | None, addressed: str | None) -> AcceptedApplicant:
    """Returns the applicant whom the device's last session has brought to an accept.

    The device proved its key, and neither the next applicant's session nor one that another device holds is meant.

    Args:
        session: the one that the device had last.
        addressed: id of the session that a message names, or None.

    Raises:
        StreamProblem: `message_unexpected`: no session was accepted here within `OFFER_S` seconds.
    """
    verdict = None if session is None else session.verdict
    late = verdict is None or not verdict.accepted or time.monotonic() - verdict.at > OFFER_S
    if session is None or verdict is None or late or addressed not in (None, session.id):
        raise StreamProblem("message_unexpected", "This message is not taken in this state.")
    return AcceptedApplicant(session.id, session.nonce, verdict.id)
