"""Registrations over HTTP: opened, named by sessions and captures, searched, erased, and delivered again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from access_keys import bearer, key
from counter_page import ReferringVerifier, enroll_for
from fakes import FILES, FakeVerifier, serving
from outbox_bench import Bench
from peers import IdentityCore
from stream_server import capture_everything, stream_server, with_device

from idproof.pipeline import Verdict
from idproof.service.auth import Scope
from idproof.service.operations.settings import Settings
from idproof.service.stream.simulator.device import Device

NUMBER = "A123456(3)"


@pytest.fixture
def settings(tmp_path: Path, core: IdentityCore) -> Settings:
    return Settings(data_dir=tmp_path / "data", session_required=False, core_url=core.url)


@contextmanager
def reading(settings: Settings) -> Iterator[str]:
    """A service that reads the card's number, and its address."""

    class Reading(FakeVerifier):
        """Reads the card's number with certainty."""

        def verify_session(self, *arguments: Any, **named: Any) -> Verdict:
            return replace(super().verify_session(*arguments, **named), form={"number": NUMBER})

    with serving(settings, Reading()) as (host, port):
        yield f"http://{host}:{port}/v1"


@pytest.fixture
def url(settings: Settings) -> Iterator[str]:
    with reading(settings) as address:
        yield address


def opened(url: str, **body: Any) -> str:
    answer = httpx.post(f"{url}/registrations", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(answer.json()["id"])
    return str(answer.json()["id"])


def verify(url: str, registration: str) -> httpx.Response:
    return httpx.post(f"{url}/verifications", files=FILES, headers={"Registration": registration})


def until(condition: Any) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_an_attempt_moves_its_registration_and_says_what_is_next(url: str) -> None:
    registration = opened(url, reference="r-1")
    first = httpx.get(f"{url}/registrations/{registration}").json()
    assert (first["status"], first["next"]["step"], first["attempts_left"]) == ("open", "capture", 3)
    assert first["next"]["captures"] == ["card", "selfie", "liveness"]
    assert " new " not in first["next"]["text"]  # nothing was taken yet
    verdict = verify(url, registration).json()
    assert verdict["registration"] == registration
    chinese = httpx.get(f"{url}/registrations/{registration}", headers={"Accept-Language": "zh-CN"})
    found = chinese.json()
    assert chinese.headers["content-language"] == "zh-Hans"
    assert (found["status"], found["verification"], found["reference"]) == ("needs_new_capture", verdict["id"], "r-1")
    assert [attempt["reasons"] for attempt in found["attempts"]] == [["face_similarity_low"]]
    assert found["next"]["captures"] == ["selfie", "liveness"]
    assert found["next"]["text"].startswith("请重新拍摄")
    assert [entry["event"] for entry in found["history"]] == ["opened", "verdict_to_capture"]


def test_a_session_carries_its_registration_into_the_verdict(url: str) -> None:
    registration, other = opened(url), opened(url)
    session = httpx.post(f"{url}/capture-sessions", json={"registration": registration}).json()["id"]
    headers = {"Capture-Session": session}
    mixed = httpx.post(f"{url}/verifications", files=FILES, headers=headers | {"Registration": other})
    assert (mixed.status_code, mixed.json()["code"]) == (409, "registration_closed")
    assert httpx.post(f"{url}/verifications", files=FILES, headers=headers).json()["registration"] == registration


def test_unknown_and_closed_registrations_are_told_apart_before_anything_is_examined(url: str) -> None:
    unknown = "reg_" + "0" * 26
    assert verify(url, unknown).json()["code"] == "registration_unknown"
    assert httpx.post(f"{url}/capture-sessions", json={"registration": unknown}).status_code == 422
    assert httpx.get(f"{url}/registrations/{unknown}").status_code == 404
    registration = opened(url)
    for _ in range(3):
        assert verify(url, registration).status_code == 201
    closed = verify(url, registration)
    assert (closed.status_code, closed.json()["code"]) == (409, "registration_closed")
    assert httpx.get(f"{url}/registrations/{registration}").json()["status"] == "at_counter"


def test_every_condition_of_a_search_narrows_it_and_pages_do_not_overlap(url: str) -> None:
    ids = [opened(url, reference=f"r-{n % 2}") for n in range(5)]
    verify(url, ids[0])

    def found(**conditions: Any) -> list[str]:
        answer = httpx.get(f"{url}/registrations", params=conditions)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert found() == ids[::-1]
    assert found(reference="r-0") == [ids[4], ids[2], ids[0]]
    assert found(reference="r-") == []
    assert (
        found(status="needs_new_capture") == found(decision="refer") == found(reason="face_similarity_low") == ids[:1]
    )
    assert found(reason="face_similarity") == found(reason="face_mismatch") == []
    assert found(reference="r-1", status="needs_new_capture") == []
    at = httpx.get(f"{url}/registrations/{ids[0]}").json()["opened_at"]
    assert found(since=at) == ids[::-1]
    assert found(until=at) == []
    assert found(since="2999-01-01T00:00:00Z") == []
    first = httpx.get(f"{url}/registrations", params={"limit": 3}).json()
    rest = httpx.get(f"{url}/registrations", params={"limit": 3, "cursor": first["next"]}).json()
    assert [item["id"] for item in [*first["items"], *rest["items"]]] == ids[::-1]
    assert rest["next"] is None
    for wrong in (
        {"status": "lost"},
        {"reason": "%"},
        {"since": "yesterday"},
        {"cursor": "ver_1"},
        {"reference": "a b"},
    ):
        assert httpx.get(f"{url}/registrations", params=wrong).status_code == 422, wrong


def test_a_time_of_a_search_needs_its_zone_and_the_problem_says_how_to_write_it(url: str) -> None:
    opened(url)
    search = f"{url}/registrations"
    for zoned in ("2020-01-01T00:00:00Z", "2020-01-01T08:00:00%2B08:00"):
        assert len(httpx.get(f"{search}?since={zoned}").json()["items"]) == 1, zoned
    for bound in ("since", "until"):
        for wrong in ("2020-01-01T00:00:00", "2020-01-01", "2020-01-01T08:00:00+08:00", "yesterday"):
            answer = httpx.get(f"{search}?{bound}={wrong}")
            (error,) = answer.json()["errors"]
            assert (answer.status_code, error["where"], error["name"]) == (422, "query", bound), wrong
            assert "with its time zone (RFC 3339)" in error["detail"]
            assert "%2B" in error["detail"]
            assert wrong not in answer.text


def test_erasure_by_person_reaches_registrations_and_the_core(url: str, core: IdentityCore) -> None:
    registration = opened(url)
    verdict = verify(url, registration).json()["id"]
    assert until(lambda: len(core.order) == 3)
    assert httpx.post(f"{url}/erasures", json={"number": "a123456(3)"}).json() == {"verdicts": 1}
    assert httpx.get(f"{url}/registrations/{registration}").status_code == 404
    assert httpx.get(f"{url}/verifications/{verdict}").status_code == 404
    assert until(lambda: len(core.order) == 5)
    assert {event.get("registration") or event["verification"] for event in core.order[3:]} == {registration, verdict}
    assert httpx.post(f"{url}/erasures", json={"number": "a123456(3)"}).json() == {"verdicts": 0}
    assert httpx.post(f"{url}/erasures", json={"number": ""}).status_code == 422


def test_a_registration_is_erased_by_its_id(url: str) -> None:
    registration = opened(url)
    assert httpx.delete(f"{url}/registrations/{registration}").status_code == 204
    assert httpx.delete(f"{url}/registrations/{registration}").status_code == 404


def test_delivered_events_are_sent_again_with_the_same_ids_and_in_order(
    url: str, core: IdentityCore, settings: Settings
) -> None:
    registration = opened(url)
    verify(url, registration)
    assert until(lambda: len(core.order) == 3)
    before = [(event["jti"], event["sequence"]) for event in core.order]
    outbox = Bench(settings).outbox
    assert until(lambda: not outbox.counts()["pending"])  # the core's answers are written down
    assert httpx.post(f"{url}/deliveries/{registration}").json() == {"deliveries": 3}
    assert until(lambda: core.attempts == 6)
    assert [(event["jti"], event["sequence"]) for event in core.order] == before  # the core knew each of them
    assert core.changed == 0
    assert httpx.post(f"{url}/deliveries/reg_{'0' * 26}").status_code == 404
    assert httpx.post(f"{url}/deliveries/evt_1").status_code == 422


def test_a_client_sees_its_own_and_an_operator_every_registration(settings: Settings) -> None:
    own = (Scope.REGISTRATION_WRITE, Scope.REGISTRATION_READ)
    mine, theirs = (bearer(key(settings, *own)) for _ in range(2))
    operator = bearer(key(settings, Scope.REGISTRATION_READ, Scope.ADMIN))
    with serving(settings, FakeVerifier()) as (host, port):
        url = f"http://{host}:{port}/v1/registrations"
        registration = httpx.post(url, headers=mine).json()["id"]
        assert httpx.get(f"{url}/{registration}", headers=theirs).status_code == 404
        assert httpx.get(url, headers=theirs).json()["items"] == []
        assert httpx.get(f"{url}/{registration}", headers=operator).status_code == 200
        assert [item["id"] for item in httpx.get(url, headers=operator).json()["items"]] == [registration]
        assert httpx.delete(f"{url}/{registration}", headers=mine).status_code == 403


async def streamed(device: Device, registration: str) -> str:
    """Card and face, taken by a streaming device; returns the verdict's id."""
    await device.start(registration=registration)
    await capture_everything(device)
    await device.send({"type": "finish"})
    return str((await device.receive("verdict"))["id"])


def test_a_ticket_leads_from_a_refer_to_an_officers_accept(
    settings: Settings, core: IdentityCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = bearer(key(settings, Scope.REGISTRATION_WRITE, Scope.REGISTRATION_READ, Scope.VERIFY_WRITE))
    officer = bearer(key(settings, Scope.COUNTER_WRITE, Scope.VERIFY_WRITE, client="counter"))
    with stream_server(settings, ReferringVerifier(), monkeypatch) as address:
        url = f"{address}/v1"
        registration = httpx.post(f"{url}/registrations", headers=app).json()["id"]
        place = f"{url}/registrations/{registration}"
        sent = {"files": FILES, "headers": app | {"Registration": registration}}
        assert httpx.post(f"{url}/verifications", **sent).status_code == 201
        ticket = httpx.post(f"{place}/counter-ticket", headers=app)
        assert (ticket.status_code, ticket.headers["cache-control"]) == (201, "no-store")
        code = ticket.json()["code"]
        assert set("".join(ticket.json()["qr"])) == {"0", "1"}
        assert httpx.post(f"{url}/counter/{code}", headers=app).status_code == 403  # no counter's key
        assert httpx.get(place, headers=app).json()["next"]["step"] == "counter"
        visit = httpx.post(f"{url}/counter/{code}", headers=officer).json()
        assert (visit["registration"], visit["status"], visit["captured"]) == (registration, "at_counter", None)
        injected = httpx.post(f"{url}/verifications", files=FILES, headers=officer | {"Registration": registration})
        assert injected.status_code == 201, injected.text
        choice = {"decision": "accept", "officer": "officer-7"}
        refused = httpx.post(f"{url}/counter/{code}/decision", json=choice, headers=officer)
        assert (refused.status_code, refused.json()["code"]) == (409, "counter_verdict_unsuitable")
        taken = with_device(address, enroll_for(settings, "counter"), lambda device: streamed(device, registration))
        assert httpx.post(f"{url}/counter/{code}", headers=officer).json()["capture"]["acceptable"]
        assert httpx.post(f"{url}/counter/{code}/decision", json=choice | {"officer": "a b"}, headers=officer).is_error
        decided = httpx.post(f"{url}/counter/{code}/decision", json=choice, headers=officer)
        assert (decided.status_code, decided.json()["status"]) == (201, "accepted"), decided.text
        assert httpx.get(place, headers=app).json()["verification"] == taken
        assert until(lambda: core.order and core.order[-1]["event"] == "counter_accepted")
        assert httpx.delete(f"{place}/counter-ticket", headers=app).status_code == 404
        wrong = [httpx.post(f"{url}/counter/00000-0000{n}", headers=officer) for n in range(6)]
    assert [answer.status_code for answer in wrong] == [403] * 5 + [429]
    assert int(wrong[-1].headers["retry-after"]) > 3000
