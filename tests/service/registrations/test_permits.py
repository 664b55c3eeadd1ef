"""Permits: granted by staff, used once, within a quarter of an hour, at one place, for what they name."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeVerifier, ask
from typer.testing import CliRunner

from idproof.pipeline.liveness import requirements
from idproof.pipeline.liveness.challenge import GRANTABLE, REDUCING, REDUCING_TOGETHER, Options, draw
from idproof.service.auth import Scope
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.cli.main import assemble
from idproof.service.errors import AuditBroken, ServiceProblem
from idproof.service.http.app import create_app
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.registrations import permits as granting
from idproof.service.signing.keys import Keys
from idproof.service.storage import Ledger, VerdictStore
from idproof.service.storage.kiosks import Kiosks
from idproof.service.storage.permits import client_holder, device_holder

HERE = device_holder("0123456789abcdef")
TURN = Options(cannot_turn=True)


class Place:
    """A ledger and an audit log of one data folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        keys = Keys.open(settings)
        self.store = VerdictStore.open(settings, keys.sealing)
        self.ledger = Ledger(self.store)
        self.audit = AuditLog.open(settings, keys)

    def grant(self, *options: str, holder: str = HERE, lifetime_s: float = 900.0) -> str:
        permits, audit = self.ledger.permits, self.audit
        return granting.grant(permits, audit, holder, options, by="operator", lifetime_s=lifetime_s)[0]

    def open(self, code: str | None, options: Options = TURN, holder: str = HERE) -> Any:
        return self.ledger.sessions.open("key:1", options, permit=granting.use_of(self.audit, code, holder))

    def lines(self) -> list[dict[str, Any]]:
        text = self.settings.audit_log.read_text() if self.settings.audit_log.exists() else ""
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def place(on_either: Settings) -> Place:
    return Place(on_either)


@pytest.fixture
def here(tmp_path: Path) -> Place:
    return Place(Settings(data_dir=tmp_path / "data"))


def refused(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(ServiceProblem) as problem:
        call(*arguments, **more)
    return str(problem.value.code)


def test_a_permit_works_once_and_each_grant_and_use_is_one_audit_line(place: Place) -> None:
    code = place.grant("cannot_turn")
    opened = place.open(code)
    assert opened.reduction_permitted
    assert refused(place.open, code) == "permit_invalid"
    granted, used = place.lines()
    assert (granted["event"], used["event"]) == ("permit_granted", "permit_used")
    assert granted["about"]["permit"] == used["about"]["permit"]
    assert used["about"]["session"] == opened.id
    text = json.dumps([granted, used])
    assert not [word for word in (*GRANTABLE, code, code.replace("-", "")) if word in text], "health, or the code"


def test_a_code_may_be_typed_as_people_type(here: Place) -> None:
    code = here.grant("cannot_turn")
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert here.open(typed).reduction_permitted


def test_a_permit_that_expired_is_invalid_and_deleted(here: Place) -> None:
    code = here.grant("cannot_turn", lifetime_s=0.0)
    assert refused(here.open, code) == "permit_invalid"
    valid = here.grant("cannot_turn")
    here.ledger.clean(30, 24)
    with here.store.database.read() as connection:
        from sqlalchemy import text

        assert connection.scalar(text("SELECT count(*) FROM permits")) == 1
    assert here.open(valid).reduction_permitted


def test_a_permit_of_another_device_or_client_is_invalid_and_stays_usable_where_it_belongs(here: Place) -> None:
    code = here.grant("cannot_turn")
    for holder in (device_holder("f" * 16), client_holder("0123456789abcdef")):
        assert refused(here.open, code, holder=holder) == "permit_invalid"
    assert here.open(code).reduction_permitted


def test_options_beyond_the_permit_are_refused_and_use_nothing_up(place: Place) -> None:
    code = place.grant("cannot_turn")
    assert refused(place.open, code, Options(cannot_turn=True, photosensitive=True)) == "permit_exceeded"
    assert place.open(code, Options(cannot_turn=True, more_time=True)).reduction_permitted
    assert [line["event"] for line in place.lines()] == ["permit_granted", "permit_used"]


def test_a_permit_covers_every_further_challenge_of_its_session_and_no_other_option(here: Place) -> None:
    opened = here.open(here.grant("cannot_turn"))
    for options, permitted in (
        (TURN, True),
        (Options(cannot_turn=True, photosensitive=True), False),
        (TURN, True),
        (Options(), True),
    ):
        here.ledger.ask_again("key:1", opened.id, options)
        with here.store.database.read() as connection:
            session = here.ledger.sessions.of(here.ledger.sessions.row(connection, opened.id, "key:1"))
        assert session.reduction_permitted is permitted


def test_a_session_without_a_permit_is_not_permitted_anything(here: Place) -> None:
    assert not here.open(None).reduction_permitted
    assert not here.open(None, Options()).reduction_permitted


def test_a_permit_can_be_used_within_an_open_session(here: Place) -> None:
    opened, code = here.open(None, Options()), here.grant("cannot_turn")
    use = granting.use_of(here.audit, code, HERE)
    assert use is not None
    assert refused(here.ledger.use_permit, "key:2", opened.id, use, TURN) == "session_unknown"
    here.ledger.use_permit("key:1", opened.id, use, TURN)
    assert refused(here.ledger.use_permit, "key:1", opened.id, use, TURN) == "permit_invalid"


def test_only_combinations_that_are_hard_to_guess_are_granted(here: Place) -> None:
    granted = set()
    for count in range(1, len(REDUCING) + 1):
        for names in combinations(REDUCING, count):
            with suppress(ServiceProblem):
                here.grant(*names)
                granted.add(names)
    one_direction = {("cannot_turn", "cannot_approach"), ("cannot_nod", "cannot_approach")}
    assert granted == {(name,) for name in REDUCING} | one_direction | {("cannot_approach", "photosensitive")}
    here.grant(*REDUCING_TOGETHER)
    assert refused(here.grant, *REDUCING_TOGETHER, "cannot_turn", "cannot_approach") == "permit_too_weak"


def test_nothing_is_granted_or_used_without_its_audit_line(here: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    code = here.grant("cannot_turn")

    def fail(*_: Any, **__: Any) -> None:
        raise AuditBroken("…")

    with monkeypatch.context() as broken:
        broken.setattr(AuditLog, "append", fail)
        with pytest.raises(AuditBroken):
            here.open(code)
        with pytest.raises(AuditBroken):
            here.grant("cannot_nod")
    assert here.open(code).reduction_permitted


def test_the_database_holds_no_code(here: Place) -> None:
    code = here.grant("cannot_turn")
    here.open(code)
    for file in here.settings.data_dir.rglob("*"):
        if file.is_file():
            assert not [form for form in (code, code.replace("-", "")) if form.encode() in file.read_bytes()]


def client(settings: Settings, *scopes: Scope) -> tuple[dict[str, str], str]:
    """Headers and id of a new client."""
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    keys = ApiKeys(store.database)
    made = keys.create(f"client {len(keys.entries())}", scopes)
    found = keys.find(made)
    assert found is not None
    return {"Authorization": f"Bearer {made}"}, found.id


def test_a_reviewer_grants_over_http_and_the_client_of_the_registration_uses_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    app = create_app(settings, FakeVerifier())  # type: ignore[arg-type]
    reviewer, _ = client(settings, Scope.PERMIT_WRITE)
    backend, owner = client(settings, Scope.SESSION_WRITE)
    wanted = {"options": ["cannot_turn"], "client": owner}
    assert ask(app, "POST", "/v1/permits", json=wanted).json()["code"] == "unauthenticated"
    assert ask(app, "POST", "/v1/permits", json=wanted, headers=backend).json()["code"] == "forbidden"
    answer = ask(app, "POST", "/v1/permits", json=wanted, headers=reviewer)
    assert answer.status_code == 201
    permit = answer.json()
    assert permit["options"] == ["cannot_turn"]
    session = {"options": {"cannot_turn": True}, "permit": permit["permit"]}
    stranger, _ = client(settings, Scope.SESSION_WRITE)
    for headers, code in ((stranger, "permit_invalid"), (backend, None), (backend, "permit_invalid")):
        answer = ask(app, "POST", "/v1/capture-sessions", json=session, headers=headers)
        assert (answer.status_code, answer.json().get("code")) == ((403, code) if code else (201, None))
    more = {"options": {"photosensitive": True}}
    fresh = ask(app, "POST", "/v1/permits", json=wanted, headers=reviewer).json()["permit"]
    answer = ask(app, "POST", "/v1/capture-sessions", json=more | {"permit": fresh}, headers=backend)
    assert (answer.status_code, answer.json()["code"]) == (403, "permit_exceeded")


def test_callers_without_a_key_grant_nothing(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path / "data"), FakeVerifier())  # type: ignore[arg-type]
    assert ask(app, "GET", "/v1/verifications").status_code == 200
    wanted = {"options": ["cannot_turn"], "client": "anybody"}
    assert ask(app, "POST", "/v1/permits", json=wanted).json()["code"] == "forbidden"


def test_no_client_grants_a_permit_to_itself(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    app = create_app(settings, FakeVerifier())  # type: ignore[arg-type]
    both, own = client(settings, Scope.PERMIT_WRITE, Scope.SESSION_WRITE)
    reviewer, _ = client(settings, Scope.PERMIT_WRITE)
    store = VerdictStore.open(settings, Keys.open(settings).sealing)
    device = Kiosks(store.database, store.seal).enroll("Counter 3", own).split("_")[1]
    for wanted in ({"client": own}, {"device": device}):
        body = {"options": ["cannot_turn"], **wanted}
        answer = ask(app, "POST", "/v1/permits", json=body, headers=both)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert ask(app, "POST", "/v1/permits", json=body, headers=reviewer).status_code == 201


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"options": ["cannot_turn"]}, 422, "request_invalid"),
        ({"options": ["cannot_turn"], "client": "one", "device": "0" * 16}, 422, "request_invalid"),
        ({"options": [], "client": "one"}, 422, "request_invalid"),
        ({"options": ["more_time"], "client": "one"}, 422, "request_invalid"),
        ({"options": ["cannot_turn"], "device": "0" * 16}, 404, "not_found"),
        ({"options": list(GRANTABLE), "client": "one"}, 422, "permit_too_weak"),
    ],
)
def test_a_grant_of_another_form_is_refused(tmp_path: Path, wanted: dict[str, Any], status: int, code: str) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    app = create_app(settings, FakeVerifier())  # type: ignore[arg-type]
    reviewer, _ = client(settings, Scope.PERMIT_WRITE)
    answer = ask(app, "POST", "/v1/permits", json=wanted, headers=reviewer)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_operator_grants_on_the_command_line(here: Place) -> None:
    device = Kiosks(here.store.database, here.store.seal).enroll("Counter 3").split("_")[1]
    folder = ["--data-dir", str(here.settings.data_dir)]

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(assemble(benchmarks=False), ["kiosk", "permit", *arguments, *folder])

    made = run("--device", device, "--options", "cannot_turn")
    assert made.exit_code == 0, made.output
    assert here.open(made.stdout.strip(), TURN, device_holder(device)).reduction_permitted
    assert run("--device", "0" * 16, "--options", "cannot_turn").exit_code == 1
    assert run("--device", device, "--options", "more_time").exit_code == 2
    assert run("--device", device, "--options", ",".join(GRANTABLE)).exit_code != 0


_HEAD = "| options | steps, colours | bits | with a permit | neither eyes nor mouth | bits | with a permit |"


def test_the_documentation_states_the_strength_of_every_combination() -> None:
    page = (Path(__file__).parents[3] / "docs" / "liveness.md").read_text(encoding="utf-8")
    rows = page.split(_HEAD)[1].split("\n\n")[0].splitlines()[2:]
    documented = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    expected = []
    for names in (names for count in range(len(REDUCING) + 1) for names in combinations(REDUCING, count)):
        row = [", ".join(f"`{name}`" for name in names) or "none"]
        for together in ((), REDUCING_TOGETHER):
            options = Options(**dict.fromkeys((*names, *together), True))
            challenge = draw(bytes(16), issued_at=datetime.now(UTC), options=options)
            weak = "refused: below 10 bits" if challenge.strength_bits < requirements.MIN_BITS else "refused: no turn"
            word = "can be accepted" if requirements.can_pass(options) else weak
            row += [
                f"{len(challenge.steps)}, {len(challenge.lights)}",
                f"{challenge.strength_bits:.1f}",
                word if options.reduces else "needs none",
            ]
        expected.append(row)
    assert documented == expected
