"""A sealed buffer opens unchanged, with its own key and name, while its session is open, and never otherwise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from idproof.pipeline.errors import SealBroken, SessionExpired
from idproof.pipeline.vault.sealer import KEY_BYTES, Sealer

ARRAYS = arrays.arrays(
    st.sampled_from([np.uint8, np.float32, np.int64]),
    arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
    elements={"allow_nan": False},
)
SECRET = np.frombuffer(bytes(range(256)) * 8, dtype=np.uint8).copy()


@given(ARRAYS, st.text(max_size=20))
def test_an_array_opens_unchanged(array: np.ndarray, about: str) -> None:
    with Sealer() as sealer:
        opened = sealer.open(sealer.seal(array, about), about)
    assert (opened.shape, opened.dtype) == (array.shape, array.dtype)
    assert np.array_equal(opened, array)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_breaks_the_seal(place: int, change: int) -> None:
    with Sealer() as sealer:
        sealed = bytearray(sealer.seal(SECRET, "crop"))
        sealed[place % len(sealed)] ^= change
        with pytest.raises(SealBroken):
            sealer.open(bytes(sealed), "crop")


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_broken_seal(data: bytes) -> None:
    with Sealer() as sealer, pytest.raises(SealBroken):
        sealer.open(data, "crop")


def test_another_key_and_another_name_do_not_open() -> None:
    with Sealer() as sealer, Sealer() as other:
        sealed = sealer.seal(SECRET, "crop/selfie")
        with pytest.raises(SealBroken):
            other.open(sealed, "crop/selfie")
        with pytest.raises(SealBroken):
            sealer.open(sealed, "crop/card_front")


def test_sealed_data_shows_nothing_of_the_array_and_differs_each_time() -> None:
    with Sealer() as sealer:
        one, other = sealer.seal(SECRET, "crop"), sealer.seal(SECRET, "crop")
    assert one != other
    assert not any(SECRET.tobytes()[i : i + 8] in one for i in range(0, 256, 8))


def test_a_worker_opens_with_a_copy_of_the_key() -> None:
    with Sealer() as sealer:
        sealed, key = sealer.seal(SECRET, "crop"), sealer.copy_key()
        with Sealer(key) as worker:
            assert np.array_equal(worker.open(sealed, "crop"), SECRET)
        assert key == bytes(KEY_BYTES)  # overwritten by the worker


def test_after_the_end_nothing_opens_and_the_key_is_overwritten() -> None:
    sealer = Sealer()
    sealed, memory = sealer.seal(SECRET, "crop"), sealer._key
    assert memory.any()
    sealer.destroy()
    assert not memory.any()
    for use in (lambda: sealer.open(sealed, "crop"), lambda: sealer.seal(SECRET, "crop"), sealer.copy_key):
        with pytest.raises(SessionExpired):
            use()
    assert "alive=False" in repr(sealer)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Sealer(bytearray(16))
