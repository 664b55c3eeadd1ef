"""Referred registrations, their reviews and their reviewers, without a server."""

import json
from pathlib import Path
from typing import Any

import pytest
from case_bench import CLIENT, CaseBench
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from idproof.pipeline import Limits, Role, Vault
from idproof.service.cases.next_steps import NextStep
from idproof.service.cases.rules import RegistrationRules
from idproof.service.cases.states import RegistrationStatus
from idproof.service.errors import ServiceProblem
from idproof.service.operations.settings import Settings
from idproof.service.outbox import Destination
from idproof.service.outbox.queue import registration_stream
from idproof.service.reviews.decisions import ReviewDecision, ReviewReason
from idproof.service.reviews.pictures import HeldPictures, PictureRules
from idproof.service.reviews.reviewers import Reviewer, Reviewers
from idproof.service.reviews.reviews import Reviews, WantedDecision
from idproof.service.reviews.rules import ReviewRules
from idproof.service.reviews.store import QueueQuery
from idproof.service.signing.jws import sign

ADMIN, ANNA, BEN, CARA = "client:admin", "client:anna", "client:ben", "client:cara"
OFFICERS = {ANNA: "HK-0421", BEN: "HK-0422", CARA: "HK-0423"}
COMMENT = "Glare on the portrait of Chan Tai Man"
NUMBER = "A123456(3)"
PICTURES = {role.value: b"\xff\xd8\xff" + role.value.encode() * 300 for role in Role}


class ReviewBench(CaseBench):
    """One service's reviews; the members are its parts."""

    def __init__(
        self, settings: Settings, rules: ReviewRules | None = None, limits: PictureRules | None = None
    ) -> None:
        super().__init__(settings, RegistrationRules(reviewed=True))
        rules = rules or ReviewRules()
        self.reviewers = Reviewers(self.store.database, self.store.seal, self.audit, rules)
        self.pictures = None if limits is None else HeldPictures(self.audit, self.reviewers.recipients, limits)
        parts = (self.store, self.cases, self.reviewers, self.audit, self.outbox, self.ring, settings.issuer)
        self.reviews = Reviews(*parts, rules, self.pictures)
        self.private: dict[str, ec.EllipticCurvePrivateKey] = {}

    def enrolled(self, *clients: str) -> list[Reviewer]:
        """Officers with keys, enrolled by themselves and confirmed by somebody else."""
        return [self._enrolled(client) for client in clients]

    def _enrolled(self, client: str) -> Reviewer:
        key = self.private[client] = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        made = self.reviewers.enrol(client, OFFICERS[client], point)
        return self.reviewers.confirm(made.id, made.fingerprint, ADMIN)

    def referred(self, *reasons: str, step: NextStep = NextStep.COUNTER) -> tuple[str, str]:
        """A registration that is in review, and the id of its review."""
        registration = self.cases.open(CLIENT, "r").id
        self.refer(registration, *reasons, step=step)
        found = [
            entry for entry in self.reviews.store.queue(QueueQuery(limit=100)) if entry.registration == registration
        ]
        return registration, found[-1].id

    def refer(self, registration: str, *reasons: str, step: NextStep = NextStep.COUNTER) -> RegistrationStatus:
        """A verdict that refers; its captures are sealed where pictures are on."""
        ticket = self.begin(registration)
        document = self._document(ticket.id, list(reasons) or ["face_similarity_low"])
        moved: list[RegistrationStatus] = []

        def also(connection: Any) -> None:
            self.outbox.add(connection, Destination.CORE, ticket.id, registration_stream(registration))
            moved.append(self.cases.conclude(connection, ticket, document, step, NUMBER))
            if moved[0] is RegistrationStatus.IN_REVIEW:
                self.reviews.open(connection, registration, ticket.id, document["reasons"])

        with Vault(Limits()).open() as session:
            for role, data in PICTURES.items():
                session.receive(role).write(data)
            with self.reviews.offer_copies(ticket.id, session):
                session.make_copies()
                document["deletion"] = {"sealed_copies": session.wipe().sealed_copies}
                self.ledger.finish(ticket, document, None, also, NUMBER)
        return moved[0]

    def _document(self, verification: str, reasons: list[str]) -> dict[str, Any]:
        path = Path(__file__).with_name("verdict.json")
        body = json.loads(path.read_text("utf-8")) | {"id": verification, "decision": "refer", "reasons": reasons}
        body |= {"reference": None, "core_only": None, "form": {"number": NUMBER}, "required": ["face_comparison"]}
        body["fields"] |= {
            "english_name": {"text": "CHAN, Tai Man", "confidence": 0.98, "certain": True},
            "chinese_name": {"text": "陳大文", "confidence": 0.71, "certain": False},
        }
        body["checks"] += [
            _check("hologram_response", "pass", 0.62, 0.31, "share"),
            _check("card_corners", "pass", 3.18, 3.55, "millimetres"),
            _check("liveness", "pass", None, None, ""),
        ]
        if "guardian_missing" in reasons:
            body["checks"].append(_check("guardian", "doubt", None, None, ""))
        return body | {"jws": sign(body, self.ring.current, self.settings.issuer)}

    def decide(
        self,
        client: str,
        registration: str,
        decision: ReviewDecision = ReviewDecision.ACCEPT,
        reason: ReviewReason = ReviewReason.RECORDS_CONFIRM,
        comment: str | None = COMMENT,
    ) -> dict[str, Any]:
        wanted = WantedDecision(OFFICERS.get(client, "HK-9999"), decision, reason, comment)
        return self.reviews.decide(client, registration, wanted)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Lines of the audit log, by event."""
        return [entry["about"] for entry in self.audit.entries() if entry["event"] == name]


def _check(name: str, outcome: str, value: float | None, limit: float | None, unit: str) -> dict[str, Any]:
    told = {"name": name, "status": "assessed", "outcome": outcome, "value": value, "unit": unit}
    return told | {"score": None, "reason": None, "limit": limit}


def refusal_code(call: object, *given: object) -> str:
    """Returns the code with which a call is refused."""
    with pytest.raises(ServiceProblem) as caught:
        call(*given)  # type: ignore[operator]
    return caught.value.code
