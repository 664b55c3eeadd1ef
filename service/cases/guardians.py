"""Guardians who join the capture session of an applicant of 11 to 17.

A guardian proves their presence by a verdict of the last minutes that was accepted in a registration of their own, and
by the nonce of its capture session, which only whoever took those captures has. An id alone proves nothing.
"""

import hashlib
import hmac
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, select

from idproof.pipeline import Outcome, guardian
from idproof.pipeline.guardian import Guardianship
from idproof.service.applicant_messages import texts
from idproof.service.cases.states import RegistrationStatus
from idproof.service.errors import ServiceProblem
from idproof.service.operations.settings import Settings
from idproof.service.storage.schema import VERIFICATIONS
from idproof.service.storage.schema_registrations import REGISTRATION_ATTEMPTS, REGISTRATIONS
from idproof.service.storage.sessions import CaptureSession
from idproof.service.storage.verdicts import VerdictStore


def lacks_guardian(verdict: Mapping[str, Any]) -> bool:
    """Returns whether a verdict's applicant needs a guardian and has none, or is too young, by the birth date read.

    No officer can settle that: a guardian's consent is no doubt about a capture.
    """
    mine = [check for check in verdict.get("checks", ()) if check["name"] == guardian.NAME]
    return any(check["outcome"] in {Outcome.DOUBT, Outcome.FAIL} for check in mine)


@dataclass(frozen=True, slots=True)
class GuardianProof:
    """A guardian's proof of an own accepted registration and of the consent, with which the guardian joins a session.

    Attributes:
        verification: id of the guardian's own verdict.
        nonce: of that verdict's capture session.
        consent_sha256: of the text that the guardian was shown, in hexadecimal.
    """

    verification: str
    nonce: str = field(repr=False)
    consent_sha256: str


class Guardians:
    """Finds guardians, and what the pipeline must know of one; every method may raise `StoreUnavailable`.

    Args:
        settings: whether guardians are asked for, and how old their verdict may be.
        verdicts: the database, and its seal.
    """

    def __init__(self, settings: Settings, verdicts: VerdictStore) -> None:
        self.asked = settings.guardians
        self._lifetime_s = settings.guardian_s
        self._retention_days = settings.retention_days
        self._verdicts = verdicts

    def consent(self, language: str) -> tuple[str, str]:
        """Returns the text that a guardian consents to, and its SHA-256 in hexadecimal.

        Raises:
            ServiceProblem: `guardians_off`.
        """
        self.require_asked()
        text = _consent()[language].format(days=f"{self._retention_days:g}")
        return text, hashlib.sha256(text.encode()).hexdigest()

    def find(self, connection: Connection, client: str, proof: GuardianProof) -> dict[str, str]:
        """Returns the verdict's statement about the guardian who joins with a proof.

        Args:
            connection: of the transaction that lets the guardian join.
            client: that owns both registrations.
            proof: of the guardian.

        Raises:
            ServiceProblem: `guardian_consent_missing` or `guardian_refused`, whatever the cause.
        """
        self.require_asked()
        if proof.consent_sha256 not in {self.consent(language)[1] for language in texts.LANGUAGES}:
            raise ServiceProblem("guardian_consent_missing", "The consent is to none of the texts that are shown.")
        if not self._is_suitable(connection, client, proof):
            raise ServiceProblem("guardian_refused", "No guardian can join with this verdict.")
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {"verification": proof.verification, "consent_sha256": proof.consent_sha256, "joined_at": now}

    def is_guardian(self, verification: str, client: str) -> bool:
        """Returns whether the holder of a verdict may join as a guardian: an adult, accepted in their registration."""
        with self._verdicts.database.read() as connection:
            return self._accepted(connection, verification, client) is not None

    def of(self, session: CaptureSession | None) -> Guardianship | None:
        """Returns what the pipeline must know of a session's guardian; None where none is asked for.

        A guardian whose registration was erased or ended otherwise since did not join.
        """
        if not self.asked:
            return None
        joined = None if session is None else session.guardian
        if joined is None:
            return Guardianship(joined=False)
        with self._verdicts.database.read() as connection:
            row = self._accepted(connection, joined["verification"], None)
        if row is None:
            return Guardianship(joined=False)
        person = row.person
        return Guardianship(joined=True, is_holder=lambda number: self._verdicts.seal.person(number) == person)

    def require_asked(self) -> None:
        """Raises `ServiceProblem` `guardians_off` where no guardian is asked for."""
        if not self.asked:
            raise ServiceProblem("guardians_off", "This service registers without guardians.")

    def _is_suitable(self, connection: Connection, client: str, proof: GuardianProof) -> bool:
        row = self._accepted(connection, proof.verification, client)
        if row is None or row.at_ms < (time.time() - self._lifetime_s) * 1000:
            return False
        session = self._verdicts.seal.open(proof.verification, row.sealed).get("session")
        return session is not None and hmac.compare_digest(str(session["nonce"]).encode(), proof.nonce.encode())

    @staticmethod
    def _accepted(connection: Connection, verification: str, client: str | None) -> Any:
        """Returns the accepted registration of an adult whose last verdict this is, with that verdict; or None."""
        columns = (REGISTRATIONS.c.person, REGISTRATION_ATTEMPTS.c.at_ms, VERIFICATIONS.c.sealed)
        same = (
            REGISTRATIONS.c.verification == verification,
            REGISTRATION_ATTEMPTS.c.verification == REGISTRATIONS.c.verification,
            VERIFICATIONS.c.id == REGISTRATIONS.c.verification,
        )
        fit = [
            REGISTRATIONS.c.status == RegistrationStatus.ACCEPTED,
            REGISTRATIONS.c.adult == 1,
            REGISTRATIONS.c.person.is_not(None),
        ]
        if client is not None:
            fit.append(REGISTRATIONS.c.client == client)
        return connection.execute(select(*columns).where(*same, *fit)).first()


@cache
def _consent() -> Mapping[str, str]:
    stored = tomllib.loads((files(texts.__package__) / "guardian_consent.toml").read_text(encoding="utf-8"))
    found: Mapping[str, str] = stored["consent"]
    return found
