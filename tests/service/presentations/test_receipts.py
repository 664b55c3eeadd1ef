"""Consent receipts say who asked for what, when and why; they hold no value, are signed, kept a time, and erased."""

import json
import time
from pathlib import Path

import pytest
from commands import idproof
from cryptography.hazmat.primitives.serialization import Encoding
from linkable_values import values
from presentation_desk import PURPOSE, VERIFIER, Counter, opened
from presenting_wallets import PresentingWallet
from wallets import ISSUER

from idproof.service.credentials.certificates import DOCUMENT_SIGNER
from idproof.service.credentials.encoding import from_base64url, read_json, to_base64url, write_json
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.jose import sign
from idproof.service.operations.actors import operator
from idproof.service.presentations.receipts import KIND, read_receipt
from idproof.service.storage.schema import CONSENT_RECEIPTS


def presented(counter: Counter, wallet: PresentingWallet, query: str = "identity_sd_jwt", copy: int = 0) -> str:
    asked = counter.ask(["family_name", "document_number"])
    assert wallet.answer(asked["link"], query, copy).status_code == 200
    receipt = counter.http.get(f"/v1/presentations/{asked['id']}/receipt").json()
    assert counter.take(asked).json()["receipt"] == receipt["receipt"]
    assert receipt["id"].startswith("rcp_")
    return str(receipt["receipt"])


def test_a_receipt_says_who_asked_for_what_and_why_and_holds_no_value(
    shared: Counter, holder: PresentingWallet
) -> None:
    said = read_receipt(presented(shared, holder))
    assert said["verifier"]["names"]["zh-Hant"] == "範例圖書館"
    assert (said["iss"], said["client"], said["purpose"]) == (VERIFIER, "anonymous", PURPOSE)
    assert (said["claims"], said["keeps_days"]) == (["family_name", "document_number"], 30)
    assert said["credential"] == {"format": "dc+sd-jwt", "issuer": ISSUER}
    assert "CHAN" not in json.dumps(said)
    assert "A1234563" not in json.dumps(said)


@pytest.mark.parametrize("query", ["identity_sd_jwt", "identity_mdoc"])
def test_a_receipt_holds_nothing_of_a_credential_but_what_everybody_s_receipt_holds(
    shared: Counter, holder: PresentingWallet, query: str
) -> None:
    form = {"surname": "LEE", "number": "B7654321", "birth_date": "1971-02-03"}
    other = shared.wallet(f"ver_06F8Z3Q0V5M8K2T9R4C7W1X6{len(query):02}", form=form)
    of_holder, of_other = (set(values(presented(shared, wallet, query))) for wallet in (holder, other))
    credential, _ = holder.wallet.copies[query][0]
    assert set(values(credential)) & of_holder <= of_other
    assert len(of_holder) > 15, "the receipt was read"


def test_a_question_that_nobody_answered_leaves_no_receipt(shared: Counter, holder: PresentingWallet) -> None:
    before = len(shared.rows(CONSENT_RECEIPTS))
    asked = shared.ask()
    request = holder.open(asked["link"])
    assert holder.post(request, {"error": "access_denied", "state": request.claims["state"]}).status_code == 200
    assert shared.http.get(f"/v1/presentations/{asked['id']}/receipt").status_code == 404
    assert len(shared.rows(CONSENT_RECEIPTS)) == before


def test_operators_list_show_check_and_erase_receipts(tmp_path: Path) -> None:
    with opened(tmp_path) as counter:
        wallet = counter.wallet()
        token = presented(counter, wallet)
        folder = ("--data-dir", counter.settings.data_dir)
        (line,) = idproof("presentation", "receipts", *folder).stdout.splitlines()
        name = line.split()[0]
        assert "anonymous  family_name, document_number  To open an account." in line
        listed = json.loads(idproof("presentation", "receipts", "--json", *folder).stdout)
        assert listed["receipts"][0]["claims"] == read_receipt(token)
        assert idproof("presentation", "receipt", name, *folder).stdout.strip() == token
        file, root = tmp_path / "receipt.jwt", counter.settings.keys_dir / "presentation-verifier-root.pem"
        file.write_text(token, encoding="ascii")
        done = idproof("presentation", "check-receipt", file, "--root", root)
        assert (done.returncode, json.loads(done.stdout)["claims"]) == (0, ["family_name", "document_number"])
        erased = [idproof("presentation", "erase", name, *folder).returncode for _ in range(2)]
        assert erased == [0, 1]
        assert idproof("presentation", "receipt", name, *folder).returncode == 1
        last = json.loads(counter.log.splitlines()[-1])
        assert (last["event"], last["about"]["by"]) == ("presentation_erased", operator())


def test_a_forged_receipt_does_not_hold(shared: Counter, holder: PresentingWallet, tmp_path: Path) -> None:
    token = presented(shared, holder)
    root = shared.settings.keys_dir / "presentation-verifier-root.pem"
    head, payload, signature = token.split(".")
    said = read_json(from_base64url(payload)) | {"claims": ["over_18"]}
    changed = ".".join([head, to_base64url(write_json(said)), signature])
    # An issuer of the same root is no verifier.
    signer = Identity.own(tmp_path, "signer", VERIFIER, DOCUMENT_SIGNER)
    assert signer.root is not None
    own_root = tmp_path / "own.pem"
    own_root.write_bytes(signer.root.public_bytes(Encoding.PEM))
    for text, roots in (
        (changed, root),
        (sign(signer, KIND, said), root),
        (sign(signer, KIND, said), own_root),
        (sign(signer, "JWT", said), own_root),
        ("x", root),
    ):
        file = tmp_path / "receipt.jwt"
        file.write_text(text, encoding="ascii")
        done = idproof("presentation", "check-receipt", file, "--root", roots)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_receipts_are_erased_by_their_client_and_after_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from idproof.service.presentations.store import ReceiptStore

    with opened(tmp_path) as counter:
        wallet = counter.wallet()
        presented(counter, wallet)
        (row,) = counter.rows(CONSENT_RECEIPTS)
        place = "/v1/presentations/" + row.id.replace("rcp_", "prs_")
        assert counter.http.delete(place).status_code == 204
        assert counter.rows(CONSENT_RECEIPTS) == []
        presented(counter, wallet, copy=1)
        receipts = ReceiptStore(counter.store.database, counter.store.seal)
        assert receipts.expire(365) == 0
        later = time.time() + 366 * 86_400
        monkeypatch.setattr("idproof.service.presentations.store.time.time", lambda: later)
        assert receipts.expire(365) == 1
        assert counter.rows(CONSENT_RECEIPTS) == []
