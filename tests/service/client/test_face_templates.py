"""Both clients with face templates, against the real application and an identity core."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import serving_app
from soft_passkeys import ORIGIN, Authenticator, unb64
from template_party import FACES, TEXT, TemplateParty, template_party

from idproof.client import Answer, AsyncClient, Client, Frame, Problem
from idproof.pipeline.liveness.frames import MIN_FRAMES

ANSWER = Answer([Frame(b"frame %d" % i, 33.0 * i, i) for i in range(MIN_FRAMES)])
HOLDER = bytes(range(32))


@pytest.fixture
def party(tmp_path: Path) -> Iterator[TemplateParty]:
    with template_party(tmp_path) as party:
        yield party


def connection(party: TemplateParty, address: tuple[str, int]) -> dict[str, Any]:
    token = party.client["Authorization"].removeprefix("Bearer ")
    return {"url": "http://{}:{}".format(*address), "token": token, "first_wait_s": 0.01}


def answered(authenticator: Authenticator, options: Any) -> tuple[dict[str, Any], bytes]:
    """Returns a login's answer as the page sends it on, and what the passkey gave."""
    answer = authenticator.get(dict(options))
    return answer, unb64(answer["clientExtensionResults"].pop("prf")["results"]["first"])


def test_a_template_is_kept_used_for_a_step_up_and_destroyed(party: TemplateParty) -> None:
    authenticator, verdict = Authenticator(prf=HOLDER), party.verdict()
    with serving_app(party.app) as address, Client(**connection(party, address)) as client:
        begun = client.begin_passkey(verdict["id"], verdict["session"]["nonce"], origin=ORIGIN, face_template=True)
        made = client.complete_passkey(begun.id, authenticator.create(dict(begun.public_key)))
        assert made.face_template is not None
        kept = client.keep_face_template(made.face_template.id, authenticator.get(dict(made.face_template.public_key)))
        assert kept == {"passkey": made.id, "verification": verdict["id"]}
        for given in (True, False):
            asked = client.begin_login(origin=ORIGIN, face_template=True)
            answer, secret = answered(authenticator, asked.public_key)
            step_up = client.open_step_up(client.complete_login(asked.id, answer).token, TEXT)
            if given:
                assert client.check_step_up(step_up.id, b"selfie 1", ANSWER, holder_key=secret).decision == "accept"
            else:
                with pytest.raises(Problem, match="face_template_key_missing"):
                    client.check_step_up(step_up.id, b"selfie 2", ANSWER)
        assert party.verifier.opened == [FACES[0].tobytes()]
        client.destroy_face_template(made.id)
        with pytest.raises(Problem, match="not_found"):
            client.destroy_face_template(made.id)
        assert [entry["state"] for entry in client.passkeys(verdict["id"])] == ["active"]


def test_a_template_is_kept_and_destroyed_with_await(party: TemplateParty) -> None:
    authenticator, verdict = Authenticator(prf=HOLDER), party.verdict()

    async def run(address: tuple[str, int]) -> None:
        nonce = verdict["session"]["nonce"]
        async with AsyncClient(**connection(party, address)) as client:
            begun = await client.begin_passkey(verdict["id"], nonce, origin=ORIGIN, face_template=True)
            made = await client.complete_passkey(begun.id, authenticator.create(dict(begun.public_key)))
            assert made.face_template is not None
            answer = authenticator.get(dict(made.face_template.public_key))
            await client.keep_face_template(made.face_template.id, answer)
            with pytest.raises(Problem, match="ceremony"):
                await client.keep_face_template(made.face_template.id, answer)
            await client.destroy_face_template(made.id)

    with serving_app(party.app) as address:
        asyncio.run(run(address))


def test_nothing_is_said_of_templates_unless_one_is_asked_for() -> None:
    """A service of an earlier version refuses members that it does not know."""
    bodies: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        members = ("id", "verification", "subject", "binding", "expires_at")
        return httpx.Response(201, json=dict.fromkeys(members, "x") | {"public_key": {}})

    with Client("http://idproof.example", transport=httpx.MockTransport(answer)) as client:
        client.begin_passkey("ver_1", "nonce")
        client.begin_login()
        assert client.complete_passkey("pkc_1", {}).face_template is None
        assert not any("face_template" in body for body in bodies)
        client.begin_passkey("ver_1", "nonce", face_template=True)
        client.begin_login(face_template=True)
    assert [body["face_template"] for body in bodies[3:]] == [True, True]
