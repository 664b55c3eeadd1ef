"""Offers of credentials to the applicant who was just accepted at a device.

The link is told first, as a QR code too. The transaction code, without which the link is worth nothing, is told on a
second message, which the page sends once it has taken the QR code off its screen: no picture has both.
"""

import anyio

from idproof.service.credentials import qr
from idproof.service.credentials.issuance import Issuance, OfferLink
from idproof.service.errors import ServiceProblem, StreamProblem
from idproof.service.stream import messages
from idproof.service.stream.accepted import AcceptedApplicant
from idproof.service.stream.replies import Message


class WalletOffers:
    """Offers made over one connection.

    Args:
        issuance: of credentials; None where there is none.
    """

    def __init__(self, issuance: Issuance | None) -> None:
        self._issuance = issuance
        self._code: tuple[str, str] | None = None

    async def answer(self, client: str, applicant: AcceptedApplicant, message: messages.ForWallet) -> Message:
        """Returns a new offer's link, or the transaction code of the offer made last.

        Args:
            client: of the device.
            applicant: who was just accepted.
            message: that asks for either.

        Raises:
            ServiceProblem: `credentials_off` or `credential_unavailable`.
            StreamProblem: `message_unexpected`: the code of an offer that was not made.
            StoreUnavailable, AuditBroken: nothing was offered.
        """
        if self._issuance is None:
            raise ServiceProblem("credentials_off", "This service issues no credentials.")
        if isinstance(message, messages.OfferCredential):
            made, rows = await anyio.to_thread.run_sync(_offer, self._issuance, client, applicant.verdict)
            self._code = (applicant.session, made.transaction_code)
            return {"type": "credential_offer", "link": made.link, "qr": rows, "expires_at": made.expires_at}
        if self._code is None or self._code[0] != applicant.session:
            raise StreamProblem("message_unexpected", "No offer was made in this session.")
        return {"type": "transaction_code", "code": self._code[1]}

    def forget(self) -> None:
        """Forgets the code, since the next applicant may be before the screen."""
        self._code = None


def _offer(issuance: Issuance, client: str, verdict: str) -> tuple[OfferLink, list[str]]:
    try:
        made = issuance.offer(verdict, client)
    except ServiceProblem as problem:
        if problem.code != "not_found":
            raise
        raise ServiceProblem("credential_unavailable", "The verdict was erased or has another client.") from None
    return made, qr.modules(made.link)
