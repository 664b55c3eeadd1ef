"""The fingerprint recognises the same part again, and keeps no byte of it, searched for by another process."""

import os
import subprocess
import sys
from hmac import compare_digest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.service.http.fingerprint import PartFingerprint
from idproof.service.operations import residue

KEY = bytes(range(32))
CHILD = """
import os, sys
from idproof.service.http.fingerprint import PartFingerprint
content = bytearray(os.urandom(1000 + int(sys.argv[2])))
print(bytes(byte ^ 0x5A for byte in content).hex(), flush=True)
part = PartFingerprint(bytes(32), "selfie")
with memoryview(content) as view:
    for start in range(0, len(content), 333):
        part.update(view[start : start + 333])
if sys.argv[1] == "finished":
    part.finish()
content[:] = bytes(len(content))
print("ready", flush=True)
sys.stdin.read(1)
"""


def digest(content: bytes, name: str = "selfie", pieces: int = 1) -> bytes:
    part = PartFingerprint(KEY, name)
    step = max(1, len(content) // pieces)
    for start in range(0, len(content), step):
        part.update(content[start : start + step])
    return part.digest()


@given(st.binary(max_size=300), st.integers(1, 7))
def test_the_pieces_in_which_it_arrives_do_not_matter(content: bytes, pieces: int) -> None:
    assert compare_digest(digest(content), digest(content, pieces=pieces))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_another_content_has_another_fingerprint(one: bytes, other: bytes) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@given(st.integers(0, 130), st.integers(0, 130))
def test_zeros_at_the_end_are_content(one: int, other: int) -> None:
    assert (digest(b"x" + bytes(one)) == digest(b"x" + bytes(other))) == (one == other)


def test_another_name_has_another_fingerprint() -> None:
    assert digest(b"picture", "selfie") != digest(b"picture", "card_front")


@pytest.mark.parametrize(("state", "left"), [("finished", 0), ("unfinished", 1)])
def test_no_byte_of_the_content_stays_in_memory(state: str, left: int) -> None:
    """Unfinished is the control: there the search must find the end of the content."""
    over = 40
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, state, str(over)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONSAFEPATH": "1"},
    )
    assert child.stdout is not None
    try:
        content = bytes(byte ^ 0x5A for byte in bytes.fromhex(child.stdout.readline().decode()))
        assert child.stdout.readline() == b"ready\n"
        open_block = (len(b"selfie\0") + len(content)) % 64
        assert open_block > 12
        assert residue.search_memory(child.pid, [content[-open_block:]]).found == left
    finally:
        child.communicate(b"x")
