"""The bound on the scans of a JPEG: what cameras and encoders write passes, and nothing hides a scan from the count."""

import io
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from idproof.pipeline import Limits
from idproof.pipeline.capture import decode
from idproof.pipeline.capture.jpeg_scans import MAX_SCANS, count_scans
from idproof.pipeline.errors import BadInput
from idproof.pipeline.guidance import downscaled_jpeg

SCAN = b"\xff\xda"


def picture(width: int = 640, height: int = 480) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8))


def jpeg(image: Image.Image | None = None, **options: object) -> bytes:
    target = io.BytesIO()
    (image or picture()).save(target, "JPEG", **options)
    return target.getvalue()


def with_scans(data: bytes, copies: int, between: bytes = b"") -> bytes:
    """Repeats the last scan of a progressive JPEG; libjpeg decodes each copy."""
    last = data.rindex(SCAN)
    return data[:last] + (data[last:-2] + between) * copies + data[-2:]


def progressive(width: int = 640, height: int = 480) -> bytes:
    """Progressive, of one colour, so that its scans have few bytes."""
    return jpeg(Image.new("RGB", (width, height), (120, 130, 140)), progressive=True)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 2}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_encoders_write_passes(options: dict[str, object], mode: str) -> None:
    data = jpeg(picture().convert(mode), **options)
    assert decode(memoryview(data), "selfie", Limits()).shape == (480, 640, 3)
    expected = 1 if "progressive" not in options else {"RGB": 10, "L": 6}[mode]
    assert count_scans(memoryview(data)) == expected


def test_pictures_within_and_behind_the_picture_do_not_count() -> None:
    thumbnail = with_scans(progressive(64, 48), 60)
    exif = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    data = jpeg()
    data = data[:2] + exif + data[2:] + thumbnail
    assert count_scans(memoryview(data)) == 1
    assert decode(memoryview(data), "selfie", Limits()).shape == (480, 640, 3)


@pytest.mark.parametrize(
    "decoder", [lambda data: decode(data, "selfie", Limits()), lambda data: downscaled_jpeg.decode(data, 640)]
)
def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded(decoder: Callable[[memoryview], object]) -> None:
    within = with_scans(progressive(6000, 4000), MAX_SCANS - 9)
    assert count_scans(memoryview(within)) == MAX_SCANS
    decoder(memoryview(within))
    hostile = memoryview(with_scans(progressive(6000, 4000), 4400))
    start = time.perf_counter()
    with pytest.raises(BadInput) as refused:
        decoder(hostile)
    assert refused.value.code == "capture_format_unsupported"
    assert time.perf_counter() - start < 0.5  # decoding it takes many seconds


@pytest.mark.parametrize(
    "between",
    [b"\xff\xff\xff", b"\x00\x01", b"\xff\x00", b"\xff\xd0", b"\xff\xfe\x00\x02", b"\xff\xe5\x00\x04\xff\xd9"],
)
def test_nothing_between_two_scans_hides_the_next(between: bytes) -> None:
    data = memoryview(with_scans(progressive(), 60, between))
    assert count_scans(data) == MAX_SCANS + 1


def test_a_reserved_marker_has_no_length_to_hide_scans_in() -> None:
    """Within a scan with restart intervals, libjpeg goes on right behind such a marker."""
    data = memoryview(with_scans(progressive(), 60, b"\xff\x02\xff\xff"))
    assert count_scans(data) == MAX_SCANS + 1


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA, 0xCB, 0xCF])
def test_lossless_hierarchical_and_arithmetic_pictures_are_refused(marker: int) -> None:
    data = jpeg()
    start = data.index(b"\xff\xc0")
    with pytest.raises(BadInput) as refused:
        decode(memoryview(data[: start + 1] + bytes([marker]) + data[start + 2 :]), "selfie", Limits())
    assert refused.value.code in ("capture_format_unsupported", "capture_unreadable")
    assert count_scans(memoryview(data[: start + 1] + bytes([marker]) + data[start + 2 :])) is None


@given(st.binary(max_size=400), st.integers(0, 600))
def test_the_count_ends_on_any_bytes(noise: bytes, at: int) -> None:
    data = jpeg(picture(16, 16))
    count_scans(memoryview(data[:at] + noise + data[at:]))
    count_scans(memoryview(noise))
