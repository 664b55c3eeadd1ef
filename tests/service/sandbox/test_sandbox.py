"""Each persona of the sandbox gets its promised outcome through the Python client, and each reason has a persona."""

import io
import json
import re
import ssl
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from attested_hardware import Maker
from certificates import certificate
from commands import idproof
from fakes import ask, serving_app
from markdown_pages import Page
from postgres import Cluster
from server_process import Server, start, stop
from sqlalchemy import func, select

from idproof.client import Client, Problem
from idproof.pipeline import Role, Verdict
from idproof.pipeline.verdict import from_json
from idproof.service.cli.main import assemble
from idproof.service.credentials.issuance import GRANT
from idproof.service.errors import SettingsInvalid
from idproof.service.operations import server
from idproof.service.operations.settings import Settings
from idproof.service.sandbox import personas
from idproof.service.sandbox.core import CORE_PATH
from idproof.service.signing.jws import verify
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore
from idproof.service.storage.schema import SESSIONS

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running, process = start(tmp_path_factory.mktemp("sandbox"), more=("--sandbox",))
    yield running
    stop(process)


@pytest.fixture(scope="module")
def all_personas(sandbox: Server) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{sandbox.url}/sandbox/personas").json()["personas"]
    return found


def captures(sandbox: Server, persona: dict[str, Any]) -> dict[str, bytes]:
    answer = httpx.get(sandbox.url + persona["captures"], timeout=120)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name.removesuffix(".jpg"): archive.read(name) for name in archive.namelist()}


def test_every_persona_gets_its_promised_outcome(sandbox: Server, all_personas: list[dict[str, Any]]) -> None:
    with Client(sandbox.url) as client:
        for persona in all_personas:
            sent = captures(sandbox, persona)
            session = client.open_session().id
            if persona["problem"] is not None:
                with pytest.raises(Problem) as caught:
                    client.verify(sent, session=session)
                assert caught.value.code == persona["problem"]
                continue
            verdict = client.verify(sent, session=session, reference=persona["name"])
            assert (verdict.decision, list(verdict.reasons)) == (persona["decision"], persona["reasons"])
            assert verdict.document["profile"] == "sandbox"
            plain = {key: value for key, value in verdict.document.items() if key in Verdict.__dataclass_fields__}
            assert from_json(plain).decision == persona["decision"]


def test_a_sandbox_does_not_use_the_database_of_the_service(tmp_path: Path, postgresql: Cluster) -> None:
    settings = Settings.load(data_dir=tmp_path, sandbox=True, database_url=postgresql.database())
    app = server._sandbox(settings)
    opened = ask(app, "POST", "/v1/capture-sessions")
    assert opened.status_code == 201
    real = settings.model_copy(update={"sandbox": False})
    store = VerdictStore.open(real, Keys.open(real).sealing)  # refused if the sandbox had sealed it
    with store.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(SESSIONS)) == 0


def test_keys_of_the_sandbox_are_made_with_its_own_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def create(*more: str) -> str:
        scope = ("--scope", "session:write", "--data-dir", tmp_path)
        return idproof("key", "create", "--name", "backend", *scope, *more).stdout.strip()

    def status(app: Any, key: str) -> int:
        return ask(app, "POST", "/v1/capture-sessions", headers={"X-API-Key": key}).status_code

    app = server._sandbox(Settings.load(data_dir=tmp_path, sandbox=True, anonymous=False))
    real, own = create(), create("--sandbox")
    monkeypatch.setenv("IDPROOF_SANDBOX", "1")
    by_environment = create()
    assert [status(app, key) for key in (real, own, by_environment)] == [401, 201, 201]
    monkeypatch.delenv("IDPROOF_SANDBOX")
    listed = idproof("client", "list", "--sandbox", "--data-dir", tmp_path).stdout
    assert "backend  2 keys" in listed
    for command in (("kiosk", "enroll", "--name", "Counter"), ("kiosk", "list"), ("outbox", "list"), ("key", "list")):
        assert idproof(*command, "--sandbox", "--data-dir", tmp_path).returncode == 0
    assert "Counter" not in idproof("kiosk", "list", "--data-dir", tmp_path).stdout


def test_every_command_with_a_data_folder_takes_the_sandboxs_option() -> None:
    def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], set[str]]]:
        for name, command in getattr(group, "commands", {}).items():
            yield (*path, name), {option for parameter in command.params for option in parameter.opts}
            yield from commands(command, *path, name)

    found = dict(commands(typer.main.get_command(assemble(benchmarks=False))))
    assert "--data-dir" in found["keys", "rotate"]
    assert [path for path, options in found.items() if "--data-dir" in options and "--sandbox" not in options] == []


def test_signing_keys_and_verdicts_of_the_sandbox_are_changed_with_its_own_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, own = Settings(data_dir=tmp_path), Settings(data_dir=tmp_path, sandbox=True).for_sandbox()
    before = {settings.data_dir: Keys.open(settings) for settings in (real, own)}
    where = ("--sandbox", "--data-dir", tmp_path)
    listed = idproof("keys", "list", *where).stdout
    assert listed.split()[0] == before[own.data_dir].signing.kid
    for command in (("rotate",), ("rotate-sealing",), ("reseal",), ("revoke", before[own.data_dir].signing.kid)):
        ended = idproof("keys", *command, *where)
        assert ended.returncode == 0, ended.stderr
    changed, same = Keys.open(own), Keys.open(real)
    assert list(changed.revoked) == [before[own.data_dir].signing.kid]
    assert changed.newer_sealing
    assert (same.signing.kid, same.newer_sealing) == (before[real.data_dir].signing.kid, ())
    shown = idproof("audit", "show", *where).stdout
    for event in ("signing_key_rotated", "sealing_key_rotated", "rows_resealed", "key_revoked"):
        assert event in shown
    assert not real.audit_log.exists()

    app = server._sandbox(Settings.load(data_dir=tmp_path, sandbox=True))
    with serving_app(app) as (host, port), Client(f"http://{host}:{port}") as client:
        sent = dict.fromkeys(Role, personas.mark(b"\xff\xd8", "accept"))
        verdicts = [client.verify(sent, session=client.open_session().id).id for _ in range(2)]
        monkeypatch.setenv("IDPROOF_RETENTION_DAYS", "1e-9")
        time.sleep(1.1)  # a verdict's age is counted in whole seconds
        for command in (("erase", "--id", verdicts[0]), ("expire",)):
            for there, erased in ((where[1:], "0 erased"), (where, "1 erased")):
                assert idproof("verdict", *command, *there).stdout.endswith(f"{erased}\n"), (command, there)
        assert list(client.summaries()) == []


def test_a_device_of_the_sandbox_is_attested_and_permitted_with_its_own_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = ("--data-dir", tmp_path / "data")
    monkeypatch.setenv("IDPROOF_ATTESTATION_ROOTS", str(Maker().roots(tmp_path / "roots", "android-key")))
    monkeypatch.setenv("IDPROOF_ATTESTATION_ORIGIN", "https://kiosk.example")
    assert idproof("kiosk", "enroll", "--name", "K", "--sandbox", *where).returncode == 0
    device = idproof("kiosk", "list", "--sandbox", *where).stdout.split()[0]
    for command in (("attest", device), ("permit", "--device", device, "--options", "cannot_turn")):
        assert idproof("kiosk", *command, *where).returncode == 1, "the service knows no such device"
        ended = idproof("kiosk", *command, "--sandbox", *where)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.strip()


def test_every_decision_reason_and_problem_has_a_persona(all_personas: list[dict[str, Any]]) -> None:
    assert {persona["decision"] for persona in all_personas} == {"accept", "refer", "reject", None}
    table = (DOCS / "reasons.md").read_text(encoding="utf-8")
    codes = {code for row in re.findall(r"^\|(.*?)\|", table, re.MULTILINE) for code in re.findall(r"`(\w+)`", row)}
    reachable = {reason for persona in all_personas for reason in persona["reasons"]}
    for code in codes:
        pattern = code.replace("CHECK", r"\w+").replace("FIELD", r"\w+")
        assert any(re.fullmatch(pattern, reason) for reason in reachable), code
    assert {persona["problem"] for persona in all_personas} - {None} == set(personas.problems())


EVENT = {"Content-Type": "application/jwt"}


def test_the_mocked_core_lists_the_events_that_it_received(sandbox: Server, all_personas: list[dict[str, Any]]) -> None:
    accepted = next(persona for persona in all_personas if persona["decision"] == "accept")
    with Client(sandbox.url) as client:
        verdict = client.verify(captures(sandbox, accepted), session=client.open_session().id, reference="to-the-core")
    deadline = time.monotonic() + 20
    seen: list[Any] = []
    while not seen and time.monotonic() < deadline:
        received = httpx.get(f"{sandbox.url}{CORE_PATH}").json()["received"]
        seen = [entry for entry in received if entry["claims"]["reference"] == "to-the-core"]
        time.sleep(0.1)
    assert seen[0]["claims"]["verdict"] == verdict.jws
    claims = verify(verdict.jws, httpx.get(f"{sandbox.url}/.well-known/jwks.json").json())
    assert claims["iss"] == "idproof-sandbox"
    assert httpx.post(f"{sandbox.url}{CORE_PATH}", content=b"nonsense", headers=EVENT).status_code == 422


def test_a_persona_makes_a_passkey_logs_in_and_steps_up(sandbox: Server, all_personas: list[dict[str, Any]]) -> None:
    """As `docs/sandbox.md` says, without a browser: register, accept, passkey, login, step-up, transaction."""

    def post(path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        answer = httpx.post(sandbox.url + path, json=body, timeout=60, **more)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def ceremony(path: str, wanted: dict[str, Any], act: str) -> dict[str, Any]:
        begun = post(path, wanted)
        signed = post(f"/sandbox/authenticator/{act}", {"public_key": begun["public_key"]})
        return post(f"{path}/{begun['id']}", signed)

    by_name = {persona["name"]: persona for persona in all_personas}
    text = "Change the address of record."
    with Client(sandbox.url) as client:
        opened = client.open_session()
        verdict = client.verify(captures(sandbox, by_name["accept"]), session=opened.id).document
    wanted = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"]}
    made = ceremony("/v1/passkey-registrations", wanted, "create")
    decided = {}
    for name in ("accept", "not_live"):
        login = ceremony("/v1/passkey-logins", {}, "get")
        assert login["sub"] == made["subject"]
        step_up = post("/v1/step-ups", {"login": login["token"], "text": text})
        selfie = captures(sandbox, by_name[name])["selfie"]
        files = [("selfie", ("selfie", selfie, "image/jpeg"))]
        files += [("frames", (f"{i}", selfie, "image/jpeg")) for i in range(8)]
        frames = [{"captured_ms": 100.0 * i, "number": i} for i in range(8)]
        data = {"metadata": json.dumps({"liveness": {"frames": frames}})}
        decided[name] = post(f"/v1/step-ups/{step_up['id']}/captures", files=files, data=data)
    assert [decided[name]["decision"] for name in decided] == ["accept", "reject"]
    assert decided["not_live"]["reasons"] == ["not_live"]
    assert post("/v1/step-up-tokens", {"token": decided["accept"]["token"], "text": text})["sub"] == made["subject"]


def test_a_persona_shows_one_claim_to_somebody(
    sandbox: Server, all_personas: list[dict[str, Any]], tmp_path: Path
) -> None:
    """As `docs/sandbox.md` says: offer, wallet, presentation, and a check offline, which a revocation ends."""
    wallet, shown = f"{sandbox.url}/sandbox/wallet", tmp_path / "shown.txt"
    root = sandbox.data_dir / "sandbox" / "keys" / "credential-issuer-root.pem"

    def check(nonce: str, *more: object) -> Any:
        asked = ("--nonce", nonce, "--audience", "x509_hash:counter-3", "--json")
        return idproof("credential", "check", shown, "--root", root, *asked, *(more or ("--without-status",)))

    with Client(sandbox.url) as client:
        sent = captures(sandbox, next(each for each in all_personas if each["name"] == "accept"))
        verdict = client.verify(sent, session=client.open_session().id)
        offer = client.offer_credential(verdict.id)
        code = {"link": offer.link, "transaction_code": offer.transaction_code}
        got = httpx.post(f"{wallet}/credentials", json=code, timeout=60).json()
        assert got["copies"] == 5
        assert {"over_18", "family_name", "document_number"} <= set(got["claims"])
        again = httpx.post(f"{wallet}/credentials", json=code, timeout=60)
        assert again.json()["code"] == "credential_unavailable"
        asked = {"claims": ["over_18"], "audience": "x509_hash:counter-3", "nonce": "n-0001"}
        seen = set()
        for _ in range(5):
            shown.write_text(httpx.post(f"{wallet}/presentations", json=asked).json()["presentation"])
            done = check("n-0001")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["claims"] == {"over_18": True}
            seen.add(shown.read_text().split("~")[0])
        assert len(seen) == 5, "no copy is shown twice"
        assert check("n-0002").returncode == 1
        empty = httpx.post(f"{wallet}/presentations", json=asked).json()
        assert empty["code"] == "credential_unavailable"
        assert check("n-0001", "--status", f"{sandbox.url}/v1/credential-status/1").returncode == 0
        assert client.revoke_credentials(verdict.id) == 5


def test_a_persona_answers_a_verifier_with_the_claim_that_it_asks_for(
    sandbox: Server, all_personas: list[dict[str, Any]]
) -> None:
    """As `docs/sandbox.md` says, whose lines are run: registration, wallet, question, answer, claims."""
    page = Page(DOCS / "sandbox.md")
    scope: dict[str, Any] = {}
    for block in page.blocks("python"):
        exec(block.replace("http://127.0.0.1:8000", sandbox.url), scope)
    asked = httpx.post(f"{sandbox.url}/v1/presentations", json=scope["wanted"]).json()
    answered = httpx.post(f"{sandbox.url}/sandbox/wallet/answers", json={"link": asked["link"]}, timeout=30).json()
    assert answered["disclosed"] == ["over_18"]
    assert httpx.get(f"{sandbox.url}/v1/presentations/{asked['id']}").json()["state"] == "held"
    given = httpx.post(f"{sandbox.url}/v1/presentations/{asked['id']}/claims", json={}).json()
    assert given["claims"] == {"over_18": True}
    again = httpx.post(f"{sandbox.url}/sandbox/wallet/answers", json={"link": asked["link"]}, timeout=30)
    assert (again.status_code, again.json()["code"]) == (422, "request_invalid")
    foreign = "openid4vp://?client_id=x&request_uri=https://evil.example/v1/presentation-requests/1"
    refused = httpx.post(f"{sandbox.url}/sandbox/wallet/answers", json={"link": foreign})
    assert refused.json()["code"] == "request_invalid"


def test_the_wallet_takes_no_link_of_another_issuer(sandbox: Server) -> None:
    content = {"credential_issuer": "https://evil.example", "grants": {GRANT: {"pre-authorized_code": "c"}}}
    for link in ("", "openid-credential-offer://?credential_offer=1", f"x://?credential_offer={json.dumps(content)}"):
        answer = httpx.post(
            f"{sandbox.url}/sandbox/wallet/credentials", json={"link": link, "transaction_code": "1"}, timeout=30
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


def test_other_captures_and_mixed_sets_are_refused(sandbox: Server, all_personas: list[dict[str, Any]]) -> None:
    one, two = captures(sandbox, all_personas[0]), captures(sandbox, all_personas[1])
    foreign = dict.fromkeys(one, b"\xff\xd8\xff\xe0 no mark")
    with Client(sandbox.url) as client:
        for sent in (one | {"selfie": two["selfie"]}, foreign):
            with pytest.raises(Problem) as caught:
                client.verify(sent, session=client.open_session().id)
            assert caught.value.code == "sandbox_captures"


def test_a_device_streams_to_the_sandbox_and_is_accepted(sandbox: Server, tmp_path: Path) -> None:
    sets, keys = tmp_path / "D", tmp_path / "key"
    assert idproof("specimen", "make", "--out", sets, "--count", "1").returncode == 0
    key = idproof("kiosk", "enroll", "--name", "K", "--sandbox", "--data-dir", sandbox.data_dir).stdout
    keys.write_text(key, encoding="utf-8")
    told = idproof("kiosk", "replay", "--sets", sets, "--url", sandbox.url, "--keys", keys)
    assert "  accept" in told.stdout, told.stderr


def test_a_sandbox_is_refused_in_production_and_writes_only_to_its_own_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="sandbox"):
        Settings.load(sandbox=True, production=True)
    server._sandbox(Settings(data_dir=tmp_path, sandbox=True))
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox"]


def test_the_mocked_core_receives_verdicts_where_the_sandbox_has_tls_and_client_certificates(tmp_path: Path) -> None:
    certificate(tmp_path, "server", certificate(tmp_path, "ca"))
    files = {"tls_cert": tmp_path / "server.pem", "tls_key": tmp_path / "server.key"}
    settings = Settings(data_dir=tmp_path, sandbox=True, tls_client_ca=tmp_path / "ca.pem", **files)
    trust = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    trust.load_cert_chain(*files.values())
    sent = dict.fromkeys(Role, personas.mark(b"\xff\xd8", "accept"))
    with (
        serving_app(server._sandbox(settings), **server._tls(settings)) as (host, port),
        Client(f"https://{host}:{port}", verify=trust) as client,
    ):
        verdict = client.verify(sent, session=client.open_session().id)
        received: list[Any] = []
        deadline = time.monotonic() + 20
        while not received and time.monotonic() < deadline:
            received = httpx.get(f"https://{host}:{port}{CORE_PATH}", verify=trust).json()["received"]
            time.sleep(0.05)
    assert [event["claims"]["verdict"] for event in received] == [verdict.jws]
