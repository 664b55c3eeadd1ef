"""The chain of frames: replayed, reordered, forged, foreign and malformed ones are refused and leave it unchanged."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.pipeline.card.plan import draw, order_of
from idproof.pipeline.types import CARD_ROLES
from idproof.service.errors import StreamProblem
from idproof.service.stream import chain
from idproof.service.stream.chain import HEAD_BYTES, Chain, Shows
from idproof.service.stream.codes import CLOSES, STAYS
from idproof.service.stream.messages import base64, parse, unbase64

DOCS = Path(__file__).parents[3] / "docs"
VECTORS = json.loads((DOCS / "stream-vectors.json").read_text(encoding="utf-8"))
SECRET, NONCE = bytes(range(32)), bytes(range(96, 128))
ATTACKS = 12_000
SHOWS = tuple(Shows)


def test_the_published_vectors_hold() -> None:
    secret = bytes.fromhex(VECTORS["device"]["secret_hex"])
    shake, session = VECTORS["handshake"], VECTORS["session"]
    challenge, nonce = unbase64(shake["challenge"]), unbase64(shake["nonce"])
    assert base64(chain.device_proof(secret, challenge, nonce)) == shake["device_proof"]
    assert base64(chain.server_proof(secret, challenge, nonce)) == shake["server_proof"]
    own = unbase64(session["nonce"])
    assert chain.mark_of(own).hex() == session["mark_hex"]
    assert chain.frame_key(secret, own).hex() == session["frame_key_hex"]
    assert list(order_of(own)) == session["order"]
    assert draw(own).to_json()["poses"] == session["poses"]
    device, server = Chain(secret, own), Chain(secret, own)
    assert base64(device.tag) == session["chain_0"]
    for frame in VECTORS["frames"]:
        picture = bytes.fromhex(frame["jpeg_hex"])
        packed = device.pack(
            Shows(frame["role"]), frame["kind"] == "still", frame["number"], frame["captured_us"], picture
        )
        assert packed == bytes.fromhex(frame["header_hex"]) + bytes.fromhex(frame["tag_hex"]) + picture
        taken = server.accept(packed)
        assert (taken.sequence, taken.shows, bytes(taken.picture)) == (frame["sequence"], frame["role"], picture)


def test_the_order_of_the_angles_follows_from_the_nonce_alone() -> None:
    for entry in VECTORS["orders"]:
        assert list(order_of(unbase64(entry["nonce"]))) == entry["order"]
    dice = random.Random(1)
    counts = Counter(order_of(dice.randbytes(32)) for _ in range(6000))
    assert len(counts) == 6
    assert all(sorted(order) == sorted(CARD_ROLES) for order in counts)
    assert max(counts.values()) < 1.2 * min(counts.values())


def mutated(  # noqa: C901 - one branch per attack
    dice: random.Random, good: bytes, sent: list[bytes], foreign: Chain
) -> bytes:
    """One attack on a stream whose next frame would be `good`."""
    kind = dice.randrange(9)
    if kind == 0:  # a bit flipped anywhere
        place = dice.randrange(len(good) * 8)
        return good[: place // 8] + bytes([good[place // 8] ^ 1 << place % 8]) + good[place // 8 + 1 :]
    if kind == 1:  # cut off, or grown
        return (
            good[: dice.randrange(len(good))] if dice.random() < 0.5 else good + dice.randbytes(1 + dice.randrange(9))
        )
    if kind == 2 and sent:  # replayed
        return dice.choice(sent)
    if kind == 3 and sent:  # an earlier picture under this header
        return good[:HEAD_BYTES] + dice.choice(sent)[HEAD_BYTES:] + b"\0"
    if kind == 4:  # of another device or session
        return foreign.pack(dice.choice(SHOWS), dice.random() < 0.5, 1, 1, b"\xff\xd8" + dice.randbytes(20))
    if kind == 5:  # any other value in any header field, with the old tag
        head = list(chain.HEADER.unpack(good[: chain.HEADER.size]))
        place = dice.choice([2, 3, 4, 6, 7, 8])
        other = dice.randrange(256) if place < 5 else dice.randrange(2**32)
        head[place] = other if other != head[place] else (other + 1) % 256
        return chain.HEADER.pack(*head) + good[chain.HEADER.size :]
    if kind == 6:  # reordered: skipped ahead, with a valid tag for that place
        ahead = Chain(SECRET, NONCE, foreign.next + 1000, dice.randbytes(32))
        return ahead.pack(dice.choice(SHOWS), True, 1, 1, b"\xff\xd8early")
    if kind == 7:  # a new tag
        return good[: chain.HEADER.size] + dice.randbytes(32) + good[HEAD_BYTES:]
    return dice.randbytes(dice.randrange(200))  # noise


def test_twelve_thousand_attacks_are_refused_with_a_code_and_leave_the_chain_unchanged() -> None:
    dice = random.Random(20261126)
    device, server = Chain(SECRET, NONCE), Chain(SECRET, NONCE)
    sent: list[bytes] = []
    codes: Counter[str] = Counter()
    for _ in range(ATTACKS):
        ahead = Chain(SECRET, NONCE, device.next, device.tag)
        good = ahead.pack(dice.choice(SHOWS), dice.random() < 0.3, 1, dice.randrange(2**40), dice.randbytes(30))
        foreign = dice.choice([Chain(dice.randbytes(32), NONCE), Chain(SECRET, dice.randbytes(32))])
        attack = mutated(dice, good, sent, foreign)
        if attack == good:
            continue
        before = (server.next, server.tag)
        with pytest.raises(StreamProblem) as refused:
            server.accept(attack)
        assert (server.next, server.tag) == before
        codes[refused.value.code] += 1
        if dice.random() < 0.1:  # the genuine stream goes on as before
            assert server.accept(good).sequence == device.next
            device = ahead
            sent.append(good)
    assert sum(codes.values()) >= 10_000
    assert set(codes) == {
        "frame_malformed", "frame_foreign", "frame_replayed", "frame_out_of_order", "frame_forged"
    }  # fmt: skip
    print(dict(codes))  # noqa: T201 - shown with -s


def test_a_frame_that_is_too_large_is_refused_before_it_is_hashed() -> None:
    device, server = Chain(SECRET, NONCE), Chain(SECRET, NONCE)
    for shows, still, most in (
        (Shows.SELFIE, False, chain.PREVIEW_BYTES),
        (Shows.LIVENESS, True, chain.LIVENESS_BYTES),
        (Shows.CARD_FRONT, True, chain.STILL_BYTES),
    ):
        packed = Chain(SECRET, NONCE).pack(shows, still, 1, 1, bytes(most + 1))
        with pytest.raises(StreamProblem) as refused:
            server.accept(packed)
        assert refused.value.code == "frame_too_large"
    assert server.accept(device.pack(Shows.SELFIE, False, 1, 1, bytes(chain.PREVIEW_BYTES))).sequence == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda e: st.lists(e) | st.dictionaries(st.text(), e)
    )
)
def test_undocumented_json_is_no_message(value: object) -> None:
    with pytest.raises(StreamProblem) as refused:
        parse(json.dumps(value))
    assert refused.value.code == "message_invalid"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 9000,
        '{"type": "start"}',
        '{"type": "start", "consent": true, "name": "x"}',
        '{"type": "finish", "a": 1}',
    ],
)
def test_a_message_with_missing_or_additional_members_is_invalid(text: str) -> None:
    with pytest.raises(StreamProblem) as refused:
        parse(text)
    assert refused.value.code == "message_invalid"


def test_every_code_is_documented_and_every_documented_code_is_known() -> None:
    page = (DOCS / "stream.md").read_text(encoding="utf-8")
    table = page.split("## Errors")[1].split("\n## ")[0]
    documented = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert documented <= set(CLOSES) | STAYS
    assert all(f"`{code}`" in table for code in set(CLOSES) | STAYS)
    closes = {code for code in documented if any(f"| `{code}` | {n} |" in table for n in set(CLOSES.values()))}
    assert closes == documented & set(CLOSES)
