"""Capture tokens in the database: one session of a token, however its page hands off and takes back."""

import threading
from collections.abc import Iterator

import pytest

from idproof.service.operations.settings import Settings
from idproof.service.storage import Database
from idproof.service.storage import capture_tokens as module
from idproof.service.storage.capture_tokens import CaptureToken, CaptureTokens, TokenRequest, TokenState
from idproof.service.storage.seal import Seal

SHOP, OWN = "https://shop.example", "https://register.example"


@pytest.fixture
def tokens(on_either: Settings) -> Iterator[CaptureTokens]:
    database = Database.open(on_either)
    yield CaptureTokens(database, Seal(bytes(32)), 10)
    database.close()


def page(tokens: CaptureTokens) -> str:
    """A token that a page has bound."""
    _, token = tokens.issue(TokenRequest("acme", SHOP, 600.0), lambda _: None)
    assert tokens.bind(token.id, bytes(32), lambda _: None) == bytes(32)
    return token.id


def handed_off(tokens: CaptureTokens, parent: str) -> str:
    """The telephone of a new hand-off, which has opened its link."""
    made = tokens.hand_off(parent, OWN, lambda *_: None)
    assert made is not None
    child = made[1].id
    assert tokens.bind(child, bytes(32), lambda _: None) == bytes(32)
    return child


def found(tokens: CaptureTokens, token: str) -> CaptureToken:
    read = tokens.find(token)
    assert read is not None
    return read


@pytest.mark.parametrize("verification", [None, "vr_1"])
def test_a_page_captures_no_second_time_after_its_telephones_session(
    tokens: CaptureTokens, verification: str | None
) -> None:
    parent = page(tokens)
    child = handed_off(tokens, parent)
    assert tokens.confirm(parent, child)
    assert tokens.begin(child)
    tokens.end(child, verification)
    assert tokens.hand_off(parent, OWN, lambda *_: None) is None
    assert not tokens.take_back(parent)
    assert not tokens.begin(parent)
    assert found(tokens, parent).state is TokenState.HANDED_OFF


def test_a_page_captures_itself_after_a_hand_off_that_began_nothing(tokens: CaptureTokens) -> None:
    parent = page(tokens)
    child = handed_off(tokens, parent)
    assert tokens.confirm(parent, child)
    assert tokens.take_back(parent)
    assert not tokens.begin(child)
    assert tokens.begin(parent)


def test_hand_offs_of_one_millisecond_are_all_taken_back(
    tokens: CaptureTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(["e" * 16, "0" * 16, "f" * 16])
    monkeypatch.setattr(module.secrets, "token_hex", lambda _: next(names))
    now = module._ms()
    monkeypatch.setattr(module, "_ms", lambda later_s=0.0: now + int(later_s * 1000))
    parent = page(tokens)
    handed_off(tokens, parent)
    child = handed_off(tokens, parent)
    shown = tokens.child(parent)
    assert shown is not None
    assert shown.id == child
    assert tokens.confirm(parent, child)
    assert tokens.begin(child)
    assert not tokens.take_back(parent)
    assert found(tokens, child).state is TokenState.REVOKED
    assert not tokens.begin(parent)


def test_what_is_handed_off_while_the_token_is_revoked_is_revoked_too(tokens: CaptureTokens) -> None:
    parent, began = page(tokens), threading.Event()
    revoking = threading.Thread(target=lambda: (began.set(), tokens.revoke(parent, "acme", lambda: None)))

    def meanwhile(*_: str) -> None:
        revoking.start()
        began.wait(10)
        revoking.join(0.5)  # it waits for the transaction that makes the hand-off

    made = tokens.hand_off(parent, OWN, meanwhile)
    revoking.join(20)
    assert made is not None
    states = {found(tokens, token).state for token in (parent, made[1].id)}
    assert states == {TokenState.REVOKED}


def test_a_telephone_cannot_compute_its_digits_before_it_connects(
    tokens: CaptureTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another sealing key they are others, even where the secret, which the link tells, is the same."""
    other = CaptureTokens(tokens._database, Seal(bytes([1]) * 32), 10)
    monkeypatch.setattr(other, "_keys", tokens._keys)
    assert other.secret("0" * 16) == tokens.secret("0" * 16)
    bindings = [bytes([number]) * 32 for number in range(50)]
    shown = [tokens.digits("0" * 16, binding) for binding in bindings]
    assert len(set(shown)) > 40
    assert shown[:5] != [other.digits("0" * 16, binding) for binding in bindings[:5]]
