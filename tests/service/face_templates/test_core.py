"""Releases of the identity core: each for one request, bounded in time, and believed only where the template opens."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from soft_passkeys import Authenticator
from template_party import TemplateParty, template_party

from idproof.pipeline.vault.split_templates import TemplateOwner, core_public_key
from idproof.service.errors import ServiceProblem
from idproof.service.face_templates import core as core_module
from idproof.service.face_templates.core import SUITE, KeyReleases, KeyRequest, from_text, release_info, to_text

WANTED = KeyRequest("su_1.a", "su_1", "one", "ab" * 32, "pk_1", TemplateOwner("ver_1", None, "cd" * 32), b"key")


@pytest.fixture
def party(tmp_path: Path) -> Iterator[TemplateParty]:
    with template_party(tmp_path) as made:
        yield made


def answered(party: TemplateParty, answer: Callable[[httpx.Request], httpx.Response]) -> KeyReleases:
    """Exchanges the connection to the core for a function."""
    releases = party.templates._releases
    releases._client = httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=False)
    return releases


def stepped_up(party: TemplateParty, me: Authenticator) -> tuple[int, str]:
    answer = party.stepped_up(me)
    return answer.status_code, answer.json().get("code", answer.json().get("decision"))


def claims_of(request: str) -> dict[str, Any]:
    return dict(json.loads(from_text(request.split(".")[1])))


def test_a_request_that_is_sent_again_is_not_answered(party: TemplateParty) -> None:
    me, sent = Authenticator(prf=os.urandom(32)), []
    party.bound(me)

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content.decode())
        status, body = party.core.release(sent[-1])
        return httpx.Response(status, json=body)

    answered(party, answer)
    assert stepped_up(party, me) == (201, "accept")
    assert party.core.release(sent[0]) == (403, {})
    assert len(party.core.releases) == 1


def test_the_answer_to_one_request_opens_nothing_for_another(party: TemplateParty) -> None:
    """Answers in the core's place with a release that was recorded."""
    me, kept = Authenticator(prf=os.urandom(32)), []
    party.bound(me)

    def answer(request: httpx.Request) -> httpx.Response:
        if not kept:
            kept.append(party.core.release(request.content.decode())[1])
        return httpx.Response(200, json=kept[0])

    answered(party, answer)
    assert stepped_up(party, me) == (201, "accept")
    assert stepped_up(party, me) == (403, "face_template_refused")
    assert len(party.verifier.opened) == 1


def test_a_template_that_was_destroyed_while_the_core_was_asked_is_not_opened(party: TemplateParty) -> None:
    me = Authenticator(prf=os.urandom(32))
    made = party.bound(me)

    def answer(request: httpx.Request) -> httpx.Response:
        assert party.ask("DELETE", f"/v1/passkeys/{made['id']}/face-template").status_code == 204
        return httpx.Response(200, json=party.core.release(request.content.decode())[1])

    answered(party, answer)
    assert stepped_up(party, me) == (409, "face_template_unavailable")
    assert (len(party.core.releases), party.verifier.opened) == (1, [])


@pytest.mark.parametrize("size", [0, 16, 32, 33])
def test_another_core_with_a_key_of_its_own_opens_nothing(party: TemplateParty, size: int) -> None:
    me = Authenticator(prf=os.urandom(32))
    party.bound(me)

    def answer(request: httpx.Request) -> httpx.Response:
        claims = claims_of(request.content.decode())
        recipient = from_text(claims["recipient"])
        key = SUITE.encrypt(os.urandom(size), core_public_key(recipient), info=release_info(claims["jti"], recipient))
        return httpx.Response(200, json={"key": to_text(key)})

    answered(party, answer)
    assert stepped_up(party, me) == (403, "face_template_refused")
    assert party.verifier.opened == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(403), "face_template_refused"),
        (httpx.Response(302, headers={"Location": "http://127.0.0.1:9/"}), "face_template_core_unavailable"),
        (httpx.Response(200, json={}), "face_template_core_unavailable"),
        (httpx.Response(200, json={"key": 5}), "face_template_core_unavailable"),
        (httpx.Response(200, json={"key": "AAAA"}), "face_template_refused"),
        (httpx.Response(200, content=b"{" * 20_000), "face_template_core_unavailable"),
        (httpx.Response(500), "face_template_core_unavailable"),
    ],
)
def test_whatever_else_it_answers_opens_nothing(party: TemplateParty, answer: httpx.Response, code: str) -> None:
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return answer

    releases = answered(party, respond)
    with pytest.raises(ServiceProblem) as caught:
        releases.ask(WANTED)
    assert (caught.value.code, len(asked)) == (code, 1)


@contextmanager
def dripping() -> Iterator[str]:
    """A core that sends a byte of its answer every 50 ms, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b" ")
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/keys"
        thread.join(timeout=10)


@pytest.mark.timeout(30)
def test_an_answer_that_never_ends_is_none(party: TemplateParty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_module, "_ANSWER_S", 0.5)
    releases, started = party.templates._releases, time.monotonic()
    with dripping() as url:
        releases._url = url
        with pytest.raises(ServiceProblem) as caught:
            releases.ask(WANTED)
    assert caught.value.code == "face_template_core_unavailable"
    assert time.monotonic() - started < 5


def test_a_request_of_another_step_up_or_for_another_key_is_refused(party: TemplateParty) -> None:
    me, sent = Authenticator(prf=os.urandom(32)), []
    party.bound(me)
    releases = party.templates._releases

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(claims_of(request.content.decode()))
        return httpx.Response(500)

    answered(party, answer)
    stepped_up(party, me)
    (told,) = sent
    owner = TemplateOwner(told["verification"], told["registration"], told["network"])
    right = KeyRequest(
        told["jti"],
        told["step_up"],
        told["client"],
        told["text_sha256"],
        told["passkey"],
        owner,
        from_text(told["key"]),
    )
    wrong = (
        replace(right, step_up="su_2"),
        replace(right, owner=replace(owner, verification="ver_2")),
        replace(right, owner=replace(owner, network="ef" * 32)),
        replace(right, key=right.key[:-1] + bytes([right.key[-1] ^ 1])),
    )
    for number, each in enumerate(wrong):
        fresh = replace(each, id=f"{told['step_up']}.{number}")
        assert party.core.release(releases._signed(fresh, recipient())) == (403, {})
    assert party.core.release(releases._signed(right, recipient()))[0] == 200


def recipient() -> bytes:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
