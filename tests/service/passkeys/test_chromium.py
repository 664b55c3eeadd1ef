"""Ceremonies in Debian's Chromium with its virtual authenticator (WebAuthn Level 3, section 11), on our own page."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import FakeVerifier
from held_faces import Authority, registered, sat, selfie_of
from passkey_bench import PasskeyBench
from passkey_pages import TEXT, captures_of, log_in, page_with_authenticator, post, register, send, service
from playwright.sync_api import Browser

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Verifier
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus
from idproof.service.passkeys.login import TYPE
from idproof.service.signing.jws import verify
from idproof.service.step_up import store as step_up_store
from idproof.service.storage import sessions


def test_a_passkey_is_made_and_used_in_a_browser(chromium: Browser, tmp_path: Path) -> None:
    with service(tmp_path, FakeVerifier()) as (url, settings):
        bench = PasskeyBench(settings)
        with page_with_authenticator(chromium, url) as page:
            made = register(page, url, bench.verdict("anonymous"))
            logins = [log_in(page, url), log_in(page, url, subject=made["subject"])]
    assert (made["discoverable"], made["attested"]) == (True, False)
    assert [login["sub"] for login in logins] == [made["subject"]] * 2
    claims = verify(logins[0]["token"], bench.ring.current.public(), TYPE)
    assert (claims["passkey"], claims["origin"], claims["user_verified"]) == (made["id"], url, True)


def test_a_key_without_memory_is_found_by_its_subject(chromium: Browser, tmp_path: Path) -> None:
    with service(tmp_path, FakeVerifier()) as (url, settings):
        bench = PasskeyBench(settings)
        with page_with_authenticator(chromium, url, hasResidentKey=False, transport="usb") as page:
            made = register(page, url, bench.verdict("anonymous"), resident="discouraged")
            assert made["discoverable"] is False
            assert log_in(page, url, subject=made["subject"])["sub"] == made["subject"]


def test_an_authenticator_that_does_not_verify_its_user_makes_none(chromium: Browser, tmp_path: Path) -> None:
    with service(tmp_path, FakeVerifier()) as (url, settings):
        bench = PasskeyBench(settings)
        with (
            page_with_authenticator(chromium, url, isUserVerified=False) as page,
            pytest.raises(Exception, match="NotAllowedError"),
        ):
            register(page, url, bench.verdict("anonymous"))
    assert bench.passkeys.entries() == []


@pytest.mark.long
def test_register_accept_passkey_login_and_step_up(
    chromium: Browser,
    tmp_path: Path,
    verifier: Verifier,
    other_card: Callable[[int], Registration],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """**Rendered**: the holder is accepted at registration and step-up, and a print of the holder is not."""
    records = Authority(registered())
    asking = Verifier(replace(verifier.rules, records=records), verifier.executor)
    nonces = [bytes([place]) * 32 for place in (5, 9, 7)]  # what is asked is random, and a test is not
    for module in (sessions, step_up_store):
        monkeypatch.setattr(module, "secrets", SimpleNamespace(token_bytes=lambda _: nonces.pop(0)))
    with service(tmp_path, asking, records_file=tmp_path / "unread") as (url, settings):
        bench = PasskeyBench(settings)
        session = post(url, "/v1/capture-sessions")
        challenge = session["challenge"] | {"session": session["id"]}
        verdict = send(url, "/v1/verifications", captures_of(other_card), challenge)
        assert (verdict["decision"], verdict["reasons"]) == ("accept", [])
        with page_with_authenticator(chromium, url) as page:
            made = register(page, url, verdict)
            assert made["verification"] == verdict["id"]
            found = {}
            for species in (None, "print_flat"):
                opened = post(url, "/v1/step-ups", {"login": log_in(page, url)["token"], "text": TEXT})
                path = f"/v1/step-ups/{opened['id']}/captures"
                selfie = {"selfie": selfie_of(sat()) + b"\0" * (len(found) + 1)}  # other bytes: each is used once
                found[species] = send(url, path, selfie, opened["challenge"], species)
            living, printed = found[None], found["print_flat"]
            assert (living["decision"], living["reasons"]) == ("accept", [])
            assert printed["decision"] == "reject"
            assert printed["token"] is None
            used = post(url, "/v1/step-up-tokens", {"token": living["token"], "text": TEXT})
            assert used["sub"] == made["subject"]
            assert living["deletion"]["outstanding"] == printed["deletion"]["outstanding"] == 0
            records.answer = RecordAnswer(RecordStatus.UNAVAILABLE)
            nonces.append(bytes([3]) * 32)
            opened = post(url, "/v1/step-ups", {"login": log_in(page, url)["token"], "text": TEXT})
            with pytest.raises(AssertionError, match="records_unavailable"):
                send(url, f"/v1/step-ups/{opened['id']}/captures", {"selfie": b"\xff\xd8"}, opened["challenge"])
        bench.audit.check()
