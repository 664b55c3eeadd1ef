"""Two verifiers who compare whole responses of one person find what was disclosed, and what everybody has, and no more.

A response is what a wallet posts: the encrypted envelope, and the content that the verifier decrypts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from credential_desk import opened as opened_issuer
from joserfc import jwe
from linkable_values import values
from presentation_desk import PURPOSE
from presenting_wallets import PresentingWallet, checked_request, encrypted
from wallets import ISSUER, Wallet

from idproof.service.credentials.credential import Format
from idproof.service.credentials.encoding import read_json
from idproof.service.operations.settings import Settings
from idproof.service.presentations.asked import Asked, Flow
from idproof.service.presentations.request_objects import Party, Transaction, request_object

OTHERS = 12
BOTH = pytest.mark.parametrize("query", ["identity_sd_jwt", "identity_mdoc"])


@dataclass
class Venue:
    """A verifier, which asks each visitor anew."""

    party: Party
    asked: Asked

    def visited(self, wallet: PresentingWallet, query: str, copy: int) -> set[Any]:
        """Every value that the verifier sees of one visit: as it was posted, and decrypted."""
        transaction, now = Transaction.draw("direct_post.jwt"), datetime.now(UTC)
        token = request_object(self.party, self.asked, transaction, now, now + timedelta(minutes=5))
        request = checked_request(token, self.party.client_id)
        body = {"vp_token": wallet.vp_token(request, query, copy), "state": transaction.state}
        assert request.key is not None
        posted = encrypted(body, request.key)
        assert transaction.key is not None
        registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A256GCM"])
        content = read_json(jwe.decrypt_compact(posted, transaction.key, registry=registry).plaintext or b"")
        return set(values({"response": posted})) | set(values(content))


@pytest.fixture(scope="module")
def venues(tmp_path_factory: pytest.TempPathFactory) -> list[Venue]:
    found = []
    for number in range(2):
        folder, address = tmp_path_factory.mktemp("venue"), f"https://venue{number}.example"
        settings = Settings(data_dir=folder, presentation_verifier=address)
        settings.keys_dir.mkdir()
        asked = Asked(("over_18", "family_name"), PURPOSE, 0, (Format.SD_JWT, Format.MDOC), Flow.CROSS_DEVICE)
        found.append(Venue(Party.open(settings, address), asked))
    return found


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[PresentingWallet]:
    """The holder, and others who were registered on the same day; each with two copies."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("people"), credential_issuer=ISSUER)
    desk, wallets = next(opened_issuer(settings)), []
    for number in range(1 + OTHERS):
        name = "ver_06F8Z3Q0V5M8K2T9R4C7W1X6" + f"{number:02}"
        form = {"surname": f"NAME{number}", "number": f"B{100000 + number}7", "birth_date": f"19{70 + number}-05-06"}
        desk.accept(name, form=form)
        offer = desk.issuance.offer(name, "backend")
        wallet = Wallet(desk.http)
        wallet.redeem(offer.link, offer.transaction_code)
        wallets.append(PresentingWallet(None, wallet))
    return wallets


def of_everybody(people: list[PresentingWallet], venues: list[Venue], query: str) -> set[Any]:
    return set.union(*(venue.visited(other, query, n) for other in people[1:] for n, venue in enumerate(venues)))


@BOTH
def test_responses_with_two_copies_share_only_what_was_disclosed(
    people: list[PresentingWallet], venues: list[Venue], query: str
) -> None:
    first, second = (venue.visited(people[0], query, n) for n, venue in enumerate(venues))
    assert (first & second) - of_everybody(people, venues, query) == {"NAME0"}
    assert len(first & second) > 20, "the responses were read"


@BOTH
def test_one_copy_shown_at_two_places_is_recognised(
    people: list[PresentingWallet], venues: list[Venue], query: str
) -> None:
    """The control: the search finds what links."""
    first, second = (venue.visited(people[0], query, 0) for venue in venues)
    assert len((first & second) - of_everybody(people, venues, query)) > 15


@BOTH
def test_two_visits_at_one_place_share_no_more(people: list[PresentingWallet], venues: list[Venue], query: str) -> None:
    first, second = (venues[0].visited(people[0], query, copy) for copy in range(2))
    others = set.union(*(venues[0].visited(other, query, copy) for other in people[1:] for copy in range(2)))
    assert (first & second) - others == {"NAME0"}
