"""Everything that an accepted applicant can do, in one Chromium with its virtual authenticator, at one kiosk.

Registration, passkey, credentials in a wallet, login, and a step-up at the kiosk. The networks are left out here:
`tests/service/passkeys/test_chromium.py` has the rendered person who is accepted, and the print that is refused.
"""

import socket
from dataclasses import replace
from pathlib import Path

import httpx
import kiosk_page as kiosk
import pytest
import qr_codes
from fakes import a_verdict
from playwright.sync_api import Browser, Page
from step_up_party import TEXT, HolderVerifier, Party
from stream_server import show_blank, stream_server
from wallets import Wallet

from idproof.pipeline import Decision
from idproof.pipeline.documents import load_builtin
from idproof.service.operations.settings import Settings

AUTHENTICATOR = {"protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True}
AUTHENTICATOR |= {"isUserVerified": True, "automaticPresenceSimulation": True}
GET = """async (options) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
    return (await navigator.credentials.get({publicKey})).toJSON();
}"""


class AcceptingVerifier(HolderVerifier):
    document = load_builtin()  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        form = {"number": "A1234563", "surname": "CHAN", "given_names": "Tai Man"}
        accepted = replace(a_verdict(), decision=Decision.ACCEPT, reasons=(), document_type=self.document.name)
        self.verdict = replace(accepted, form=form)


def registered(made: Page) -> None:
    """From the first screen to the result."""
    show_blank(made)
    kiosk.agree(made)
    if kiosk.view(made, "intro", "result", timeout_s=40) == "intro":
        made.click('[data-of="intro"] .go')
        kiosk.view(made, "result", timeout_s=40)


def made_a_passkey(made: Page) -> None:
    made.click("#passkey-make")
    kiosk.wait(made, "part('passkey-said').textContent === 'Your passkey is ready.'")


def filled(made: Page, url: str) -> Wallet:
    """A wallet that scanned the screen, and whose holder typed the code."""
    made.click("#wallet-make")
    made.wait_for_selector("#wallet-qr path")
    link = qr_codes.read(made.screenshot(full_page=True))
    made.click("#wallet-code-show")
    made.wait_for_selector("#wallet-code:not([hidden])")
    with httpx.Client(base_url=url) as http:
        wallet = Wallet(http)
        wallet.redeem(link, made.inner_text("#wallet-code").replace(" ", ""))
    return wallet


def logged_in(made: Page, party: Party) -> dict[str, str]:
    begun = party.ask("POST", "/v1/passkey-logins", {}).json()
    answer = {"response": made.evaluate(GET, begun["public_key"])}
    return dict(party.ask("POST", f"/v1/passkey-logins/{begun['id']}", answer).json())


def stepped_up(made: Page, step_up: str) -> None:
    made.evaluate("id => { location.hash = id; }", step_up)
    kiosk.view(made, "confirm")
    made.click('[data-of="confirm"] .go')
    kiosk.view(made, "notice")
    kiosk.wait(made, "!part('agree').disabled")
    made.click("#agree")
    kiosk.view(made, "transaction")
    made.click('[data-of="transaction"] .go')
    if kiosk.view(made, "intro", "result", timeout_s=40) == "intro":
        made.click('[data-of="intro"] .go')
        kiosk.view(made, "result", timeout_s=60)


def test_from_the_first_screen_to_a_transaction(
    tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"
    told = {"passkey_rp_id": "localhost", "passkey_origins": url, "credential_issuer": "https://issuer.example"}
    told |= {"records_url": "http://127.0.0.1:9/records"}
    settings, verifier = Settings(data_dir=tmp_path, anonymous=False, **told), AcceptingVerifier()
    with (
        stream_server(settings, verifier, monkeypatch, port=port),
        kiosk.page(chromium, kiosk.KIOSK) as made,
    ):
        party = Party(url, settings, verifier, holder=False)
        devtools = made.context.new_cdp_session(made)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        kiosk.connect(made, url, party.device_key)
        registered(made)
        made_a_passkey(made)
        wallet = filled(made, url)
        assert wallet.copies.keys() == {"identity_sd_jwt", "identity_mdoc"}
        made.click("#result-finish")
        kiosk.view(made, "welcome")
        login = logged_in(made, party)
        opened = party.ask("POST", "/v1/step-ups", {"login": login["token"], "text": TEXT}).json()
        stepped_up(made, opened["id"])
        decided = party.state(opened["id"])["decision"]
        used = party.ask("POST", "/v1/step-up-tokens", {"token": decided["token"], "text": TEXT}).json()
    assert (used["sub"], used["capture_level"]) == (login["sub"], "device")
    assert verifier.cards[0].number == "A1234563"
    party.bench.audit.check()
