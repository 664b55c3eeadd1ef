"""Captures of a step-up over HTTP: received into the vault, decided on, and gone, whatever happens."""

import json
from pathlib import Path
from typing import Any

import pytest
from access_keys import bearer, key
from fakes import FakeVerifier, ask
from passkey_bench import CARD, PasskeyBench, passkey_settings
from soft_passkeys import ORIGIN, Authenticator

from idproof.pipeline import Decision
from idproof.pipeline.errors import CaptureUnreadable, PortraitUnavailable, RecordsUnavailable
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.frames import MIN_FRAMES
from idproof.service.auth.clients import Scope
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings

TEXT = "Change the address of record."


class Service:
    """The application, one holder's passkey, and a relying party."""

    def __init__(self, folder: Path, **more: Any) -> None:
        told = {"records_url": "http://127.0.0.1:9/records"} | more
        settings = passkey_settings(Settings(data_dir=folder, anonymous=False), **told)
        self.bench, self.verifier = PasskeyBench(settings), FakeVerifier()
        self.app = create_app(settings, self.verifier)  # type: ignore[arg-type]
        self.authenticator = Authenticator()
        self.made = self.bench.bound(self.authenticator)
        self.party = bearer(key(settings, Scope.PASSKEY_LOGIN, Scope.STEP_UP_WRITE))

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return ask(self.app, "POST", path, headers=self.party, **({} if body is None else {"json": body}), **more)

    def login(self) -> str:
        begun = self.post("/v1/passkey-logins", {"origin": ORIGIN}).json()
        answer = {"response": self.authenticator.get(begun["public_key"])}
        done = self.post(f"/v1/passkey-logins/{begun['id']}", answer).json()
        self.subject = done["sub"]
        return str(done["token"])

    def open(self) -> dict[str, Any]:
        answer = self.post("/v1/step-ups", {"login": self.login(), "text": TEXT})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def captures(self, step_up: str, mark: bytes = b"1", selfie: bool = True, frames: int = MIN_FRAMES) -> Any:
        parts = [("selfie", ("selfie", b"selfie" + mark, "image/jpeg"))] if selfie else []
        parts += [("frames", (f"{i}", b"frame %d" % i + mark, "image/jpeg")) for i in range(frames)]
        told = {"liveness": {"frames": [{"captured_ms": 33.0 * i, "number": i} for i in range(frames)]}}
        data = {"metadata": json.dumps(told if frames else {})}
        return self.post(f"/v1/step-ups/{step_up}/captures", files=parts, data=data)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_a_step_up_from_login_to_transaction(service: Service) -> None:
    opened = service.open()
    decided = service.captures(opened["id"])
    assert (decided.status_code, decided.json()["decision"]) == (201, "accept"), decided.text
    assert service.verifier.cards == [CardData(**CARD)]
    assert service.verifier.answers[-1].challenge.to_json() == opened["challenge"]  # type: ignore[union-attr]
    assert [session.outstanding for session in service.verifier.sessions] == [0]
    used = service.post("/v1/step-up-tokens", {"token": decided.json()["token"], "text": TEXT})
    assert (used.status_code, used.json()["jti"], used.json()["sub"]) == (200, opened["id"], service.subject)
    again = service.post("/v1/step-up-tokens", {"token": decided.json()["token"], "text": TEXT})
    assert (again.status_code, again.json()["code"]) == (403, "step_up_token_invalid")
    assert service.captures(opened["id"], b"2").json()["code"] == "step_up_lapsed"


def test_files_are_of_the_level_upload(service: Service) -> None:
    service.captures(service.open()["id"])
    assert [origin.level for origin in service.verifier.origins] == ["upload"]


def test_pictures_of_one_step_up_answer_in_no_other(service: Service) -> None:
    service.captures(service.open()["id"])
    service.captures(service.open()["id"])
    checks = [check for origin in service.verifier.origins for check in origin.checks]
    assert [(check.name, check.reason) for check in checks] == [
        ("captures_fresh", None),
        ("captures_fresh", "captures_used_before"),
    ]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RecordsUnavailable("The records do not answer."), 503, "records_unavailable"),
        (PortraitUnavailable("The records hold no portrait."), 409, "portrait_unavailable"),
        (CaptureUnreadable("Not a picture.", capture="selfie"), 422, "capture_unreadable"),
    ],
)
def test_where_nothing_is_decided_the_code_says_why_and_the_step_up_goes_on(
    service: Service, error: Exception, status: int, code: str
) -> None:
    def fail() -> None:
        raise error

    opened = service.open()
    service.verifier.act = fail
    answer = service.captures(opened["id"])
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "Retry-After" in answer.headers or status != 503
    assert [session.outstanding for session in service.verifier.sessions] == [0]
    service.verifier.act = lambda: None
    assert service.captures(opened["id"], b"2").json()["code"] == "challenge_missing"
    asked = service.post(f"/v1/step-ups/{opened['id']}/challenges")
    assert (asked.status_code, asked.json()["nonce"] != opened["challenge"]["nonce"]) == (201, True)
    assert service.captures(opened["id"], b"2").json()["decision"] == "accept"


def test_an_outage_of_the_records_costs_no_attempt(tmp_path: Path) -> None:
    service = Service(tmp_path, session_attempts=1)

    def fail() -> None:
        raise RecordsUnavailable("The records do not answer.")

    opened = service.open()
    service.verifier.act = fail
    service.captures(opened["id"])
    service.post(f"/v1/step-ups/{opened['id']}/challenges")
    service.verifier.act = lambda: None
    assert service.captures(opened["id"], b"2").json()["decision"] == "accept"


def test_bodies_that_are_no_step_up_are_refused(service: Service) -> None:
    for told, code in (({"frames": 0}, "frames_missing"), ({"selfie": False}, "capture_missing")):
        assert service.captures(service.open()["id"], **told).json()["code"] == code  # type: ignore[arg-type]
    opened = service.open()["id"]
    part = [("card_front", ("card_front", b"x", "image/jpeg"))]
    assert service.post(f"/v1/step-ups/{opened}/captures", files=part).json()["code"] == "capture_missing"
    text = ask(service.app, "POST", f"/v1/step-ups/{opened}/captures", headers=service.party, content=b"{}")
    assert text.json()["code"] in ("upload_not_multipart", "challenge_missing")
    assert all(session.outstanding == 0 for session in service.verifier.sessions)


def test_a_refusal_gives_no_token(service: Service) -> None:
    service.verifier.decision = Decision.REJECT
    decided = service.captures(service.open()["id"]).json()
    assert (decided["decision"], decided["token"], decided["expires_in"]) == ("reject", None, None)


def test_without_records_no_step_up_is_opened(tmp_path: Path) -> None:
    service = Service(tmp_path, records_url=None)
    answer = service.post("/v1/step-ups", {"login": service.login(), "text": TEXT})
    assert (answer.status_code, answer.json()["code"]) == (409, "portrait_unavailable")
