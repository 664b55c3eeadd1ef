"""Waiting requests lapse and ended ones are erased; crashes, outages and two answers at once leave none open."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from presentation_desk import RETURN, Counter, opened, published
from presenting_wallets import PresentingWallet

from idproof.service.errors import AuditBroken, StoreUnavailable
from idproof.service.operations.audit import AuditLog
from idproof.service.operations.settings import Settings
from idproof.service.presentations.store import PresentationStore, ReceiptStore
from idproof.service.storage import Database, VerdictStore
from idproof.service.storage.resealing import reseal_all
from idproof.service.storage.schema import CONSENT_RECEIPTS, PRESENTATIONS

SD_JWT = "identity_sd_jwt"


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets time pass for what is stored."""

    def pass_by(seconds: float) -> None:
        now = time.time() + seconds
        monkeypatch.setattr("idproof.service.presentations.store.time.time", lambda: now)

    return pass_by


def store_of(counter: Counter) -> PresentationStore:
    return PresentationStore(counter.store.database, counter.store.seal, counter.settings.presentation_s)


def test_a_question_lapses_and_is_forgotten(counter: Counter, wallet: PresentingWallet, late: Any) -> None:
    unfetched, asked = counter.ask(), counter.ask()
    request = wallet.open(asked["link"])
    late(301)
    assert wallet.fetch(unfetched["link"]).status_code == 404
    assert wallet.send(request, wallet.vp_token(request, SD_JWT)).status_code == 404
    assert counter.state(asked)["state"] == "lapsed"
    assert counter.take(asked).json()["code"] == "presentation_lapsed"
    store_of(counter).clean()
    assert [row.sealed for row in counter.rows(PRESENTATIONS)] == [None, None]
    assert counter.state(asked)["state"] == "lapsed"
    late(301 + 3601)
    store_of(counter).clean()
    assert counter.rows(PRESENTATIONS) == []
    assert counter.state(asked)["code"] == "not_found"


def test_claims_that_nobody_takes_are_erased(counter: Counter, wallet: PresentingWallet, late: Any) -> None:
    asked = counter.ask()
    assert wallet.answer(asked["link"]).status_code == 200
    late(301)
    assert counter.take(asked).json()["code"] == "presentation_lapsed"
    store_of(counter).clean()
    assert counter.take(asked).json()["code"] == "presentation_lapsed"
    (row,) = counter.rows(PRESENTATIONS)
    assert (row.state, row.sealed) == ("held", None)


def test_a_withdrawn_presentation_takes_no_response_and_gives_no_claims(
    counter: Counter, wallet: PresentingWallet
) -> None:
    first, second, third = counter.ask(), counter.ask(), counter.ask()
    request = wallet.open(first["link"])
    assert counter.http.delete(f"/v1/presentations/{first['id']}").status_code == 204
    answer = wallet.send(request, wallet.vp_token(request, SD_JWT))
    assert (answer.status_code, answer.json()["code"]) == (410, "presentation_lapsed")
    counter.http.delete(f"/v1/presentations/{second['id']}")
    assert wallet.fetch(second["link"]).json()["code"] == "presentation_lapsed"
    assert wallet.answer(third["link"]).status_code == 200
    assert counter.http.delete(f"/v1/presentations/{third['id']}").status_code == 204
    assert counter.take(third).json()["code"] == "presentation_lapsed"
    assert counter.rows(CONSENT_RECEIPTS) == []
    assert {row.sealed for row in counter.rows(PRESENTATIONS)} == {None}
    assert counter.http.delete("/v1/presentations/prs_06F8Z3Q0V5M8K2T9R4C7W1X6YB").status_code == 404


def test_a_presentation_withdrawn_while_it_is_checked_leaves_nothing(
    counter: Counter, wallet: PresentingWallet
) -> None:
    asked = counter.ask()
    request = wallet.open(asked["link"])

    def withdraw(url: str) -> httpx.Response:
        with counter.store.database.write() as connection:
            from idproof.service.presentations.states import PresentationEvent

            assert store_of(counter).move(connection, asked["id"], PresentationEvent.WITHDRAWN)
        return published(counter.issuer, url)

    counter.lists = withdraw
    answer = wallet.send(request, wallet.vp_token(request, SD_JWT))
    assert (answer.status_code, answer.json()["code"]) == (410, "presentation_lapsed")
    assert counter.rows(CONSENT_RECEIPTS) == []


def test_of_two_at_once_one_fetches_answers_and_takes(on_either: Settings, tmp_path: Path) -> None:
    with opened(tmp_path, database_url=on_either.database_url) as counter:
        wallet = counter.wallet()
        asked = counter.ask(flow="same_device", return_url=RETURN)
        barrier = threading.Barrier(4)

        def at_once(call: Any) -> list[Any]:
            def one(_: int) -> Any:
                barrier.wait(20)
                return call()

            with ThreadPoolExecutor(4) as pool:
                return list(pool.map(one, range(4)))

        fetched = at_once(lambda: wallet.fetch(asked["link"]))
        assert sorted(each.status_code for each in fetched) == [200, 410, 410, 410]
        from presenting_wallets import checked_request

        (token,) = [each.text for each in fetched if each.status_code == 200]
        request = checked_request(token, counter_client(asked))
        shown = wallet.vp_token(request, SD_JWT)
        answers = at_once(lambda: wallet.send(request, shown))
        assert sorted(each.status_code for each in answers) == [200, 410, 410, 410]
        (page,) = [each.json()["redirect_uri"] for each in answers if each.status_code == 200]
        given = at_once(lambda: counter.take(asked, response_code=page.partition("=")[2]))
        assert sorted(each.status_code for each in given) == [200, 410, 410, 410]
        assert len(counter.rows(CONSENT_RECEIPTS)) == 1


def counter_client(asked: dict[str, Any]) -> str:
    from urllib.parse import parse_qs, urlsplit

    return parse_qs(urlsplit(asked["link"]).query)["client_id"][0]


def test_a_server_that_dies_while_it_checks_leaves_no_second_try(
    counter: Counter, wallet: PresentingWallet, late: Any
) -> None:
    asked = counter.ask()
    request = wallet.open(asked["link"])

    def die(_: str) -> httpx.Response:
        raise KeyboardInterrupt

    counter.lists = die
    with pytest.raises(BaseException):  # noqa: B017, PT011 - however the test's server ends
        wallet.send(request, wallet.vp_token(request, SD_JWT))
    counter.lists = None
    assert counter.state(asked)["state"] == "checking"
    assert wallet.send(request, wallet.vp_token(request, SD_JWT)).json()["code"] == "presentation_lapsed"
    late(301)
    store_of(counter).clean()
    (row,) = counter.rows(PRESENTATIONS)
    assert row.sealed is None


@pytest.mark.parametrize("broken", ["receipt", "audit"])
def test_nothing_is_held_without_its_receipt_and_its_line(
    counter: Counter, wallet: PresentingWallet, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    asked = counter.ask()
    request = wallet.open(asked["link"])

    def fail(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("x") if broken == "receipt" else AuditBroken("x")

    owner: Any = ReceiptStore if broken == "receipt" else AuditLog
    monkeypatch.setattr(owner, "add" if broken == "receipt" else "append", fail)
    assert wallet.send(request, wallet.vp_token(request, SD_JWT)).status_code == 503
    monkeypatch.undo()
    assert counter.state(asked)["state"] == "checking"
    assert counter.rows(CONSENT_RECEIPTS) == []
    assert counter.take(asked).json()["code"] == "presentation_waiting"


def test_claims_reach_the_client_although_the_journal_is_not_overwritten_yet(
    counter: Counter, wallet: PresentingWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = counter.ask()
    assert wallet.answer(asked["link"]).status_code == 200

    def fail(_: Database) -> None:
        raise StoreUnavailable("x")

    monkeypatch.setattr(Database, "scrub", fail)
    assert counter.take(asked).json()["claims"]["over_18"] is True


def test_rows_are_sealed_anew_with_a_newer_key(counter: Counter, wallet: PresentingWallet) -> None:
    asked = counter.ask()
    assert wallet.answer(asked["link"]).status_code == 200
    newer = VerdictStore(counter.store.database, type(counter.store.seal)(counter.store.seal._key, lambda: [b"n" * 32]))
    assert reseal_all(newer) == 2  # the claims, and the receipt
    assert newer.seal.open(asked["id"], counter.rows(PRESENTATIONS)[0].sealed)["held"]["claims"]


def test_without_a_verifier_the_endpoints_say_so(tmp_path: Path) -> None:
    from fakes import FakeVerifier, ask

    from idproof.service.http.app import create_app

    app = create_app(Settings(data_dir=tmp_path / "data", anonymous=True), FakeVerifier())
    for method, path in (("GET", "/v1/presentation-requests/x"), ("GET", "/v1/presentations/prs_" + "0" * 26)):
        answer = ask(app, method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "presentations_off")


def test_a_verifier_without_trusted_issuers_does_not_start(tmp_path: Path) -> None:
    from idproof.service.errors import SettingsInvalid
    from idproof.service.presentations.app import create_presentation_app

    settings = Settings(data_dir=tmp_path / "data", only="presentations", presentation_verifier="https://v.example")
    for changed in ({}, {"presentation_issuers": "https://i.example"}):
        with pytest.raises(SettingsInvalid, match="IDPROOF_PRESENTATION_ISSUERS"):
            create_presentation_app(settings.model_copy(update=changed))
