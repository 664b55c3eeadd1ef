"""Seeded mutations of presentations: of characters and bytes, of decoded members, of signatures and whole parts.

Each mutation yields a text that differs from the original and that nobody signed. Two changes of a mobile document are
left out, since its format does not sign them: leaving a whole item out, and the order of items. `test_mutations` has
both apart. Neither is `s` replaced by `n - s` in a signature of ECDSA, which then signs the same bytes.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
from joserfc.jwk import ECKey
from wallets import signed

from idproof.service.credentials.claims import DOCUMENT_TYPE
from idproof.service.credentials.encoding import (
    from_base64url,
    read_cbor,
    read_json,
    to_base64url,
    write_cbor,
    write_json,
)

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~.=+/ \n\0é"
Mutation = Callable[[random.Random, str], str]


def mutated(text: str, mutations: list[Mutation], count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yields the name of a mutation and a text that it made, `count` times."""
    drawn, made = random.Random(seed), 0
    while made < count:
        mutation = mutations[made % len(mutations)]
        changed = mutation(drawn, text)
        if changed != text:
            made += 1
            yield mutation.__name__, changed


def one_character(drawn: random.Random, text: str) -> str:
    place = drawn.randrange(len(text))
    return text[:place] + drawn.choice(_ALPHABET) + text[place + 1 :]


def inserted_or_deleted(drawn: random.Random, text: str) -> str:
    place = drawn.randrange(len(text) + 1)
    return drawn.choice([text[:place] + drawn.choice(_ALPHABET) + text[place:], text[:place] + text[place + 1 :]])


def cut_or_doubled(drawn: random.Random, text: str) -> str:
    begin, end = sorted(drawn.randrange(len(text) + 1) for _ in range(2))
    return drawn.choice([text[:begin], text[begin:], text[:end] + text[begin:], text[:begin] + text[end:]])


def member_of_a_part(drawn: random.Random, text: str) -> str:
    """A member of a header, payload or disclosure changed, the signatures as they were."""
    parts = text.split("~")
    number = drawn.randrange(len(parts))
    segments = parts[number].split(".")
    place = drawn.randrange(min(2, len(segments)))
    content = changed_value(drawn, read_json(from_base64url(segments[place])))
    try:
        segments[place] = to_base64url(write_json(content))
    except UnicodeEncodeError:
        return text
    parts[number] = ".".join(segments)
    return "~".join(parts)


def member_twice(drawn: random.Random, text: str) -> str:
    parts = text.split("~")
    number = drawn.choice([0, len(parts) - 1])
    segments = parts[number].split(".")
    place = drawn.randrange(2)
    content = from_base64url(segments[place])
    name = drawn.choice(list(read_json(content)))
    segments[place] = to_base64url(content[:-1] + b"," + write_json({name: drawn.choice([None, 0, "x"])})[1:])
    parts[number] = ".".join(segments)
    return "~".join(parts)


def bit_of_a_part(drawn: random.Random, text: str) -> str:
    parts = text.split("~")
    number = drawn.randrange(len(parts))
    segments = parts[number].split(".")
    place = drawn.randrange(len(segments))
    segments[place] = to_base64url(_bit_flipped(drawn, from_base64url(segments[place])))
    parts[number] = ".".join(segments)
    return "~".join(parts)


def disclosures(drawn: random.Random, text: str) -> str:
    """A disclosure left out, doubled, moved or made up."""
    issued, *shown, proof = text.split("~")
    made_up = to_base64url(write_json([to_base64url(drawn.randbytes(16)), drawn.choice(["over_18", "_sd", "x"]), True]))
    place = drawn.randrange(len(shown))
    doubled = [*shown, shown[place]]
    moved = drawn.sample(shown, len(shown))
    chosen = drawn.choice([shown[:place] + shown[place + 1 :], doubled, moved, [*shown, made_up], [made_up, *shown]])
    return "~".join([issued, *chosen, proof])


def proof_of_another_key(drawn: random.Random, text: str) -> str:
    """The holder's proof signed anew by somebody else, with its own or changed members."""
    *rest, proof = text.split("~")
    header, claims = (read_json(from_base64url(segment)) for segment in proof.split(".")[:2])
    if drawn.random() < 0.5:
        claims = claims | {drawn.choice(list(claims)): "x"}
    return "~".join([*rest, signed(ECKey.generate_key("P-256", private=True), header, claims)])


OF_SD_JWT: list[Mutation] = [
    one_character,
    inserted_or_deleted,
    cut_or_doubled,
    member_of_a_part,
    member_twice,
    bit_of_a_part,
    disclosures,
    proof_of_another_key,
]


def bit_of_the_document(drawn: random.Random, text: str) -> str:
    return to_base64url(_bit_flipped(drawn, from_base64url(text)))


def bytes_of_the_document(drawn: random.Random, text: str) -> str:
    data = from_base64url(text)
    begin, end = sorted(drawn.randrange(len(data) + 1) for _ in range(2))
    more = drawn.randbytes(drawn.randrange(4))
    return to_base64url(drawn.choice([data[:begin] + more, data[:begin] + more + data[end:], data + more]))


def node_of_the_document(drawn: random.Random, text: str) -> str:
    """A value anywhere in the document changed, also within encoded CBOR, the signatures as they were."""
    content = read_cbor(from_base64url(text))
    try:
        return to_base64url(write_cbor(_changed_node(drawn, content)))
    except (cbor2.CBORError, ValueError, TypeError):
        return text


def item_of_the_document(drawn: random.Random, text: str) -> str:
    """A disclosed item doubled, changed or made up."""
    content = read_cbor(from_base64url(text))
    items = content["documents"][0]["issuerSigned"]["nameSpaces"][DOCUMENT_TYPE]
    place = drawn.randrange(len(items))
    element = read_cbor(items[place].value)
    values = [True, False, 0, "x", None, [], {}, drawn.randbytes(3)]
    other = element | {drawn.choice(list(element)): drawn.choice(values)}
    if drawn.random() < 0.7:
        items[place] = cbor2.CBORTag(24, write_cbor(other))
    else:
        items.insert(place, items[place])
    return to_base64url(write_cbor(content))


OF_MDOC: list[Mutation] = [
    one_character,
    inserted_or_deleted,
    cut_or_doubled,
    bit_of_the_document,
    bytes_of_the_document,
    node_of_the_document,
    item_of_the_document,
]


def changed_value(drawn: random.Random, value: Any) -> Any:
    """A JSON value with one change somewhere in it."""
    if isinstance(value, dict) and value:
        name = drawn.choice(list(value))
        rest = {key: entry for key, entry in value.items() if key != name}
        return drawn.choice([rest, value | {name: changed_value(drawn, value[name])}, value | {"x": 1}])
    if isinstance(value, list) and value:
        place = drawn.randrange(len(value))
        within = [*value[:place], changed_value(drawn, value[place]), *value[place + 1 :]]
        return drawn.choice([value[:place] + value[place + 1 :], within, [*value, value[place]]])
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + drawn.choice([-1, 1, 86_400, -value])
    return one_character(drawn, value) if isinstance(value, str) and value else "x"


def _changed_node(drawn: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value:
        name = drawn.choice(list(value))
        if drawn.random() < 0.1:
            return {key: entry for key, entry in value.items() if key != name}
        return value | {name: _changed_node(drawn, value[name])}
    if isinstance(value, list) and value:
        place = drawn.randrange(len(value))
        return [*value[:place], _changed_node(drawn, value[place]), *value[place + 1 :]]
    if isinstance(value, cbor2.CBORTag):
        return cbor2.CBORTag(value.tag + (drawn.random() < 0.05), _changed_node(drawn, value.value))
    if isinstance(value, bytes):
        return _changed_bytes(drawn, value)
    return changed_value(drawn, value)


def _changed_bytes(drawn: random.Random, value: bytes) -> bytes:
    """Encoded CBOR is opened and changed within, other bytes lose or change a bit."""
    if len(value) > 8 and drawn.random() < 0.8:
        try:
            return write_cbor(_changed_node(drawn, cbor2.loads(value)))
        except (cbor2.CBORError, ValueError, TypeError):
            pass
    return _bit_flipped(drawn, value) if value else b"x"


def _bit_flipped(drawn: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    changed[drawn.randrange(len(changed))] ^= 1 << drawn.randrange(8)
    return bytes(changed)
