"""Two copies of one batch share what two credentials of different people share, what is disclosed, and no more."""

from typing import Any

import pytest
from credential_desk import VERDICT
from credential_desk import opened as opened_desk
from linkable_values import values
from wallets import ISSUER, Wallet, present, present_document

from idproof.service.credentials.credential import Audience
from idproof.service.credentials.encoding import from_base64url, read_cbor, read_json
from idproof.service.operations.settings import Settings

VENUES = [Audience(f"x509_hash:venue{n}", f"nonce {n}", f"https://venue{n}.example/response") for n in range(2)]
OTHERS = 12


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[Wallet]:
    """The holder, and others who were registered on the same day."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("people"), credential_issuer=ISSUER)
    desk, wallets = next(opened_desk(settings)), []
    for number in range(1 + OTHERS):
        name = VERDICT[:-2] + f"{number:02}"
        form = {"surname": f"NAME{number}", "number": f"B{100000 + number}7", "birth_date": f"19{70 + number}-05-06"}
        desk.accept(name, form=form)
        offer = desk.issuance.offer(name, "backend")
        wallet = Wallet(desk.http)
        wallet.redeem(offer.link, offer.transaction_code)
        wallets.append(wallet)
    return wallets


def shown(wallet: Wallet, query: str, copy: int, claims: list[str]) -> set[Any]:
    credential, key = wallet.copies[query][copy]
    if query == "identity_mdoc":
        return set(values(present_document(credential, key, VENUES[copy], claims)))
    return set(values(present(credential, key, VENUES[copy], claims, issued_at=1_795_000_000 + 77 * copy)))


@pytest.mark.parametrize("query", ["identity_sd_jwt", "identity_mdoc"])
def test_copies_share_only_what_was_disclosed_and_what_everybody_has(people: list[Wallet], query: str) -> None:
    holder, *others = people
    claims = ["over_18", "family_name"]
    common = shown(holder, query, 0, claims) & shown(holder, query, 1, claims)
    everybody = set.union(*(shown(other, query, copy, claims) for other in others for copy in range(2)))
    assert common - everybody == {"NAME0"}
    assert len(common) > 20, "the presentations were read"


@pytest.mark.parametrize("query", ["identity_sd_jwt", "identity_mdoc"])
def test_one_copy_shown_twice_is_recognised(people: list[Wallet], query: str) -> None:
    """The control: the search finds what links."""
    holder, *others = people
    wallet = Wallet(holder.http)
    wallet.copies[query] = [holder.copies[query][0]] * 2
    common = shown(wallet, query, 0, ["over_18"]) & shown(wallet, query, 1, ["over_18"])
    everybody = set.union(*(shown(other, query, copy, ["over_18"]) for other in others for copy in range(2)))
    assert len(common - everybody) > 15


def test_nothing_about_time_is_finer_than_a_day(people: list[Wallet]) -> None:
    holder, *_ = people
    payload = read_json(from_base64url(holder.copies["identity_sd_jwt"][0][0].split(".")[1]))
    assert (payload["iat"] % 86_400, payload["exp"] % 86_400) == (0, 0)
    security = read_cbor(
        read_cbor(read_cbor(from_base64url(holder.copies["identity_mdoc"][0][0]))["issuerAuth"][2]).value
    )
    assert all(time.value.endswith("T00:00:00Z") for time in security["validityInfo"].values())
