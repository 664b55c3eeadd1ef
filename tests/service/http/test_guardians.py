"""A guardian joins the session of an applicant of 11 to 17: the honest way, and every way of going without one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_keys import bearer, key
from fakes import FILES, FakeVerifier, serving
from family import CHILD, PARENT, THIS_YEAR, family_verdict
from sqlalchemy import update

from idproof.pipeline import VaultSession, Verdict
from idproof.pipeline.assurance import CaptureLevel
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.service.auth import Scope
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import verify
from idproof.service.storage import Database
from idproof.service.storage.schema_registrations import REGISTRATION_ATTEMPTS

YOUNG = CardData(number="C123456(9)", birth_date=f"{THIS_YEAR - 10}-12-31")
TEENAGER = CardData(number="B111111(1)", birth_date=f"{THIS_YEAR - 16}-01-01")


class Family(FakeVerifier):
    """Reads the card that stands before it, and decides by the guardian's check as the pipeline does."""

    card = PARENT
    level = CaptureLevel.UPLOAD

    def verify_session(
        self, session: VaultSession, answer: LivenessResponse | None = None, origin: CaptureOrigin = UPLOADED
    ) -> Verdict:
        super().verify_session(session, answer, origin)
        return family_verdict(self.card, origin, capture_level=self.level)


class Home:
    def __init__(self, url: str, verifier: Family, headers: dict[str, str] | None = None) -> None:
        self.url, self.verifier, self.headers = url, verifier, headers or {}

    def post(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}{path}", json=body, headers=self.headers)

    def session(self) -> tuple[str, str]:
        """A new registration, and a session of it."""
        registration = self.post("/registrations").json()["id"]
        return registration, self.post("/capture-sessions", registration=registration).json()["id"]

    def capture(self, session: str, card: CardData) -> Any:
        self.verifier.card = card
        headers = self.headers | {"Capture-Session": session}
        return httpx.post(f"{self.url}/verifications", files=FILES, headers=headers).json()

    def register(self, card: CardData) -> Any:
        return self.capture(self.session()[1], card)

    def consent(self, language: str = "en") -> Any:
        return httpx.get(f"{self.url}/guardian-consent", headers=self.headers | {"Accept-Language": language}).json()

    def join(self, session: str, verdict: Any, **changed: Any) -> httpx.Response:
        body = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"]}
        return self.post(
            f"/capture-sessions/{session}/guardian", **(body | {"consent_sha256": self.consent()["sha256"]} | changed)
        )

    def status(self, registration: str) -> Any:
        return httpx.get(f"{self.url}/registrations/{registration}", headers=self.headers).json()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", guardians=True)


@pytest.fixture
def home(settings: Settings) -> Iterator[Home]:
    verifier = Family()
    with serving(settings, verifier) as (host, port):
        yield Home(f"http://{host}:{port}/v1", verifier)


def refused(answer: httpx.Response) -> str:
    assert answer.is_client_error, answer.text
    return str(answer.json()["code"])


def test_a_child_is_accepted_with_a_guardian_whom_the_verdict_names(home: Home) -> None:
    parent = home.register(PARENT)
    assert (parent["decision"], parent["guardian"]) == ("accept", None)
    registration, session = home.session()
    shown = home.consent("zh-HK")
    assert "監護人" in shown["text"]
    joined = home.join(session, parent, consent_sha256=shown["sha256"])
    assert joined.status_code == 201, joined.text
    child = home.capture(session, CHILD)
    assert (child["decision"], child["guardian"]) == ("accept", joined.json())
    assert child["guardian"]["verification"] == parent["id"]
    jwks = httpx.get(home.url.removesuffix("/v1") + "/.well-known/jwks.json").json()
    assert verify(child["jws"], jwks)["verdict"]["guardian"] == child["guardian"]
    assert home.status(registration)["status"] == "accepted"


def test_without_a_guardian_a_child_is_told_to_bring_one_and_may_then_be_accepted(home: Home) -> None:
    registration, session = home.session()
    assert home.capture(session, CHILD)["reasons"] == ["guardian_missing"]
    shown = home.status(registration)
    assert (shown["status"], shown["next"]["advice"]) == ("needs_new_capture", ["bring_guardian"])
    again = home.post("/capture-sessions", registration=registration).json()["id"]
    assert home.join(again, home.register(PARENT)).status_code == 201
    assert home.capture(again, CHILD)["decision"] == "accept"
    assert home.status(registration)["status"] == "accepted"


def test_nobody_below_eleven_is_registered_with_whomever(home: Home) -> None:
    registration, session = home.session()
    home.join(session, home.register(PARENT))
    assert home.capture(session, YOUNG)["decision"] == "reject"
    assert home.status(registration)["status"] == "refused"


def test_a_guardian_is_an_adult_and_somebody_else(home: Home) -> None:
    teenager = home.session()[1]
    home.join(teenager, home.register(PARENT))
    accepted = home.capture(teenager, TEENAGER)
    assert accepted["decision"] == "accept"
    assert refused(home.join(home.session()[1], accepted)) == "guardian_refused"
    # A card whose number is the guardian's own, as a copy of it with another birth date.
    session = home.session()[1]
    home.join(session, home.register(PARENT))
    assert home.capture(session, replace(CHILD, number=PARENT.number))["reasons"] == ["guardian_is_applicant"]


def test_an_id_alone_lets_nobody_join(home: Home) -> None:
    parent, other = home.register(PARENT), home.register(PARENT)
    session = home.session()[1]
    assert refused(home.join(session, parent, nonce="A" * 43)) == "guardian_refused"
    assert refused(home.join(session, parent, nonce=other["session"]["nonce"])) == "guardian_refused"
    assert refused(home.join(session, parent, nonce="")) == "request_invalid"
    assert refused(home.join(session, parent | {"id": "ver_" + "0" * 26})) == "guardian_refused"
    assert home.capture(session, CHILD)["reasons"] == ["guardian_missing"]


def test_a_stale_proof_does_not_count(home: Home, settings: Settings) -> None:
    parent = home.register(PARENT)
    with Database.open(settings).write() as connection:
        connection.execute(update(REGISTRATION_ATTEMPTS).values(at_ms=REGISTRATION_ATTEMPTS.c.at_ms - 901_000))
    assert refused(home.join(home.session()[1], parent)) == "guardian_refused"


def test_a_guardian_needs_an_accepted_registration_of_their_own(home: Home) -> None:
    alone = home.post("/capture-sessions").json()["id"]  # accepted, but of no registration
    assert refused(home.join(home.session()[1], home.capture(alone, PARENT))) == "guardian_refused"
    unread = home.register(replace(PARENT, birth_date=None))
    assert refused(home.join(home.session()[1], unread)) == "guardian_refused"


def test_a_guardian_whose_registration_was_erased_meanwhile_did_not_join(home: Home) -> None:
    parent = home.register(PARENT)
    session = home.session()[1]
    assert home.join(session, parent).status_code == 201
    assert httpx.delete(f"{home.url}/registrations/{parent['registration']}").status_code == 204
    assert home.capture(session, CHILD)["reasons"] == ["guardian_missing"]


def test_consent_is_to_a_text_that_was_shown(home: Home) -> None:
    parent = home.register(PARENT)
    session = home.session()[1]
    assert refused(home.join(session, parent, consent_sha256="0" * 64)) == "guardian_consent_missing"
    texts = {home.consent(language)["sha256"] for language in ("en", "zh-HK", "zh-CN")}
    assert len(texts) == 3
    assert all(home.join(session, parent, consent_sha256=shown).status_code == 201 for shown in texts)


def test_a_used_session_takes_no_guardian(home: Home) -> None:
    parent = home.register(PARENT)
    session = home.session()[1]
    home.capture(session, CHILD)
    assert refused(home.join(session, parent)) == "session_used"


def test_another_clients_guardian_cannot_join(settings: Settings) -> None:
    scopes = (Scope.SESSION_WRITE, Scope.VERIFY_WRITE, Scope.REGISTRATION_WRITE, Scope.REGISTRATION_READ)
    verifier = Family()
    one, two = (bearer(key(settings, *scopes)) for _ in range(2))
    with serving(settings, verifier) as (host, port):
        url = f"http://{host}:{port}/v1"
        parent = Home(url, verifier, one).register(PARENT)
        other = Home(url, verifier, two)
        assert refused(other.join(other.session()[1], parent)) == "guardian_refused"


def test_no_officer_at_a_counter_accepts_a_child_without_a_guardian_who_may_join_there(settings: Settings) -> None:
    scopes = (Scope.SESSION_WRITE, Scope.VERIFY_WRITE, Scope.REGISTRATION_WRITE, Scope.REGISTRATION_READ)
    app = bearer(key(settings, *scopes))
    counter = bearer(key(settings, *scopes, Scope.COUNTER_WRITE, client="counter"))
    verifier = Family()
    with serving(settings, verifier) as (host, port):
        url = f"http://{host}:{port}/v1"
        home, desk = Home(url, verifier, app), Home(url, verifier, counter)
        registration, session = home.session()
        home.capture(session, CHILD)
        code = home.post(f"/registrations/{registration}/counter-ticket").json()["code"]
        shown = home.status(registration)["next"]
        assert (shown["step"], shown["advice"]) == ("counter", ["bring_guardian"])
        assert "parent or guardian" in shown["text"]
        desk.post(f"/counter/{code}")
        verifier.level = CaptureLevel.DEVICE
        alone = desk.post("/capture-sessions", registration=registration).json()["id"]
        assert desk.capture(alone, CHILD)["reasons"] == ["guardian_missing"]
        assert not desk.post(f"/counter/{code}").json()["capture"]["acceptable"]
        choice = {"decision": "accept", "officer": "officer-7"}
        assert refused(desk.post(f"/counter/{code}/decision", **choice)) == "counter_verdict_unsuitable"
        together = desk.post("/capture-sessions", registration=registration).json()["id"]
        assert desk.join(together, desk.register(PARENT)).status_code == 201
        assert desk.capture(together, CHILD)["decision"] == "accept"
        assert desk.post(f"/counter/{code}/decision", **choice).json()["status"] == "accepted"


def test_switched_off_nothing_is_asked(tmp_path: Path) -> None:
    verifier = Family()
    with serving(Settings(data_dir=tmp_path / "off"), verifier) as (host, port):
        off = Home(f"http://{host}:{port}/v1", verifier)
        assert off.register(CHILD)["decision"] == "accept"
        assert off.consent()["code"] == "guardians_off"
        assert verifier.origins[-1].guardianship is None
