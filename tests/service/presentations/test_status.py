"""Status lists: fetched from the issuer's own host, once within their time, and after all else held; else refused."""

import time
from typing import Any

import httpx
import pytest
from presentation_desk import Counter, counter_cache, forged, listed, opened, refused
from presenting_wallets import PresentingWallet, Request
from wallets import ISSUER, present

from idproof.service.credentials.certificates import DOCUMENT_SIGNER
from idproof.service.credentials.encoding import from_base64url, read_json
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.jose import sign
from idproof.service.storage.schema import CONSENT_RECEIPTS

SD_JWT, MDOC = "identity_sd_jwt", "identity_mdoc"


@pytest.mark.parametrize("query", [SD_JWT, MDOC])
def test_revoked_credentials_and_lists_that_cannot_be_had_are_refused(tmp_path: Any, query: str) -> None:
    with opened(tmp_path) as counter:
        wallet = counter.wallet()

        def shown(wallet: PresentingWallet, request: Request) -> httpx.Response:
            return wallet.send(request, wallet.vp_token(request, query))

        for lists in (
            lambda _: listed("", 500),
            lambda _: listed("no token"),
            lambda _: httpx.Response(302, headers={"location": f"{ISSUER}/elsewhere"}),
        ):
            counter.lists = lists
            counter_cache(counter).clear()
            assert refused(counter, wallet, shown) == "status_unavailable"
        assert set(counter.fetched) == {f"{ISSUER}/v1/credential-status/1"}, "no redirect was followed"
        counter.lists = None
        counter_cache(counter).clear()
        assert counter.issuer.issuance.revoke(counter.issuer_name(), "backend") == 4
        assert refused(counter, wallet, shown) == "credential_revoked"
        assert counter.rows(CONSENT_RECEIPTS) == []


def test_a_list_is_fetched_once_within_its_time(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as counter:
        wallet = counter.wallet()
        for query in (SD_JWT, MDOC):
            assert wallet.answer(counter.ask()["link"], query).status_code == 200
        assert len(counter.fetched) == 1
        later = time.monotonic() + 301
        monkeypatch.setattr("idproof.service.presentations.status_lists.time.monotonic", lambda: later)
        counter.lists = lambda _: listed("", 503)
        assert refused(counter, wallet, lambda w, r: w.send(r, w.vp_token(r, SD_JWT))) == "status_unavailable"
        assert len(counter.fetched) == 2
        # For some seconds an issuer that does not answer is not asked again.
        assert refused(counter, wallet, lambda w, r: w.send(r, w.vp_token(r, SD_JWT))) == "status_unavailable"
        assert len(counter.fetched) == 2


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/v1/credential-status/1",
        "http://issuer.example/v1/credential-status/1",
        "https://issuer.example:8443/v1/credential-status/1",
        "https://issuer.example@evil.example/1",
        "https://issuer.example\\@evil.example/1",
        "https://user@issuer.example/1",
        "https://issuer.example/1?next=https://evil.example",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https://issuer.example/" + "x" * 600,
        "",
    ],
)
def test_a_list_elsewhere_is_never_asked_for(shared: Counter, holder: PresentingWallet, uri: str) -> None:
    before = list(shared.fetched)
    status = {"status_list": {"idx": 1, "uri": uri}}
    assert refused(shared, holder, forged(shared, holder, status=status)) == "status_unavailable"
    assert shared.fetched == before


def test_nothing_is_fetched_for_a_credential_that_does_not_hold(
    shared: Counter, holder: PresentingWallet, tmp_path: Any
) -> None:
    """A stranger's credential names a list of the trusted issuer, or of their own."""
    stranger = Identity.own(tmp_path, "stranger", ISSUER, DOCUMENT_SIGNER)
    credential, key = holder.wallet.copies[SD_JWT][0]
    payload = read_json(from_base64url(credential.split(".")[1]))
    _, *rest = credential.split("~")
    anew = "~".join([sign(stranger, "dc+sd-jwt", payload), *rest])
    before = list(shared.fetched)
    counter_cache(shared).clear()

    def answer(wallet: PresentingWallet, request: Request) -> httpx.Response:
        return wallet.send(request, {SD_JWT: [present(anew, key, request.audience, request.asked(SD_JWT))]})

    assert refused(shared, holder, answer) == "credential_issuer_untrusted"
    assert shared.fetched == before


def test_an_issuer_of_a_trusted_root_that_is_not_named_is_refused(tmp_path: Any) -> None:
    with opened(tmp_path, presentation_issuers="https://another.example") as counter:
        wallet = counter.wallet()
        code = refused(counter, wallet, lambda w, r: w.send(r, w.vp_token(r, SD_JWT)))
        assert (code, counter.fetched) == ("credential_issuer_untrusted", [])
