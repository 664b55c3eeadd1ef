"""Pictures that are accepted as captures, and those that are refused, with their codes."""

import io
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from idproof.pipeline import BadInput, Limits, Role
from idproof.pipeline.capture import decode

HEIC = Path(__file__).parent / "heic"
FAIL = Path(os.environ.get("IDPROOF_DATA", Path(__file__).parents[4] / "shared" / "data")) / "fail"
LIMITS = Limits(min_side_px=16, max_pixels=1_000_000)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def png_announcing(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that its few bytes do not hold."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def read(data: bytes) -> np.ndarray:
    return decode(memoryview(data), Role.SELFIE, LIMITS)


def sixteen_bit_grey() -> bytes:
    return encoded(Image.fromarray(np.full((48, 64), 40_000, dtype=np.uint16)), "PNG")


def animated_gif() -> bytes:
    return encoded(picture(), "GIF", save_all=True, append_images=[picture().rotate(90)])


def animated_png() -> bytes:
    return encoded(picture(), "PNG", save_all=True, append_images=[picture().rotate(180)])


def half_transparent() -> bytes:
    image = picture(mode="RGBA")
    image.putalpha(128)
    return encoded(image, "PNG")


def heic(name: str) -> bytes:
    return (HEIC / f"{name}.heic").read_bytes()


def with_brand(data: bytes, brand: bytes) -> bytes:
    return data[:8] + brand + data[12:]


def gradient() -> np.ndarray:
    """The picture in `gradient.heic`."""
    rows, columns = np.mgrid[0:48, 0:64]
    return np.stack([columns * 255 // 63, rows * 255 // 47, np.full_like(rows, 90)], axis=-1)


def exif_segment(entries: list[tuple[int, int, int, bytes]], order: str = "<") -> bytes:
    """EXIF data with these entries (tag, type, number of values, four bytes) in its first directory."""
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(entries))
    body = b"".join(struct.pack(f"{order}HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0" + start + body + bytes(4)


def jpeg_with_exif(exif: bytes) -> bytes:
    data = encoded(picture(), "JPEG")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


REFUSED = {
    "not an image": (b"this is a text and no picture at all", "capture_unreadable"),
    "empty after header": (b"\xff\xd8\xff\xe0", "capture_unreadable"),
    "truncated JPEG": (encoded(picture(), "JPEG")[:-200], "capture_unreadable"),
    "truncated PNG": (encoded(picture(), "PNG")[:-900], "capture_unreadable"),
    "PNG bomb": (png_announcing(50_000, 50_000), "capture_too_many_pixels"),
    "just over the pixels": (encoded(Image.new("RGB", (1001, 1000)), "PNG"), "capture_too_many_pixels"),
    "thin strip": (encoded(picture(64, 8), "PNG"), "capture_too_small"),
    "animated GIF": (animated_gif(), "capture_format_unsupported"),
    "animated PNG": (animated_png(), "capture_format_unsupported"),
    "16-bit PNG": (sixteen_bit_grey(), "capture_format_unsupported"),
    "CMYK JPEG": (encoded(picture(mode="CMYK"), "JPEG"), "capture_format_unsupported"),
    "transparent PNG": (half_transparent(), "capture_format_unsupported"),
    "BMP": (encoded(picture(), "BMP"), "capture_format_unsupported"),
    "transparent HEIC": (heic("transparent"), "capture_format_unsupported"),
    "10-bit HEIC": (heic("ten_bits"), "capture_format_unsupported"),
    "HEIC sequence": (with_brand(heic("gradient"), b"msf1"), "capture_format_unsupported"),
    "HEIC over the pixels": (heic("many_pixels"), "capture_too_many_pixels"),
    "HEIC larger than it announces": (heic("larger_than_announced"), "capture_unreadable"),
    "truncated HEIC": (heic("gradient")[:-200], "capture_unreadable"),
    "AVIF": (encoded(picture(), "AVIF"), "capture_heif_unsupported"),
    "AVIF in a file of the general brand": (
        with_brand(encoded(picture(), "AVIF"), b"mif1"),
        "capture_heif_unsupported",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_code_and_without_a_cause(name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(BadInput) as caught:
        read(data)
    assert caught.value.code == code
    assert caught.value.capture == Role.SELFIE
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_rgb_png_is_taken_pixel_for_pixel() -> None:
    image = picture()
    assert np.array_equal(read(encoded(image, "PNG")), np.asarray(image))


@pytest.mark.parametrize("mode", ["L", "P", "1"])
def test_grey_and_palette_become_rgb(mode: str) -> None:
    image = picture(mode=mode)
    assert np.array_equal(read(encoded(image, "PNG")), np.asarray(image.convert("RGB")))


def test_an_opaque_alpha_channel_is_harmless() -> None:
    image = picture(mode="RGBA")
    assert np.array_equal(read(encoded(image, "PNG")), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_exif_orientation_turns_the_picture_upright(orientation: int, turns: int) -> None:
    image, exif = picture(), Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read(encoded(image, "PNG", exif=exif)), np.rot90(np.asarray(image), turns))


TURNED_RIGHT = (0x0112, 3, 1, struct.pack("<HH", 6, 0))
ODD_ENTRY = st.tuples(
    st.sampled_from([0x0100, 0x010F, 0x011A, 0x0128, 0x0132, 0x8769, 0x8825, 0x9C9B, 0xEA1C]),
    st.sampled_from([0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 16, 255]),
    st.sampled_from([0, 1, 2, 4, 5, 100, 2**31]),
    st.binary(min_size=4, max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(ODD_ENTRY, max_size=5))
@example([(0x011A, 2, 1, bytes(4)), (0x0128, 3, 1, b"\2\0\0\0")])  # a resolution that is an empty text
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # the decoder warns about tags that nothing reads
def test_the_orientation_is_read_whatever_the_other_tags_hold(odd: list[tuple[int, int, int, bytes]]) -> None:
    upright = np.rot90(read(encoded(picture(), "JPEG")), 3)
    assert np.array_equal(read(jpeg_with_exif(exif_segment([*odd, TURNED_RIGHT]))), upright)


@pytest.mark.parametrize(
    "exif",
    [
        exif_segment([(0x0112, 3, 1, struct.pack("<HH", 9, 0))]),
        exif_segment([(0x0112, 2, 1, b"6\0\0\0")]),
        exif_segment([TURNED_RIGHT])[:20],
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0nothing of the kind",
    ],
    ids=["no such orientation", "a text", "cut off", "offset outside", "no TIFF"],
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_an_orientation_that_means_nothing_leaves_the_picture_as_it_is(exif: bytes) -> None:
    assert np.array_equal(read(jpeg_with_exif(exif)), read(encoded(picture(), "JPEG")))


def test_the_orientation_is_read_in_the_byte_order_of_the_other_family_of_cameras() -> None:
    exif = exif_segment([(0x0112, 3, 1, struct.pack(">HH", 6, 0))], ">")
    assert np.array_equal(read(jpeg_with_exif(exif)), np.rot90(read(encoded(picture(), "JPEG")), 3))


@pytest.mark.skipif(not FAIL.is_dir(), reason="needs the folder fail/ of the development data (IDPROOF_DATA)")
def test_photographs_with_odd_tags_are_turned_by_their_orientation() -> None:
    files = sorted(FAIL.glob("exif_*.jpg"))
    assert files
    for file in files:
        turned = decode(memoryview(file.read_bytes()), Role.SELFIE, Limits())
        with Image.open(file) as image:
            assert turned.shape[:2] == image.size  # on its side, so width and height change places


def test_heic_is_decoded() -> None:
    assert np.abs(read(heic("gradient")).astype(int) - gradient()).max() < 10


def test_heic_of_the_general_brand_is_decoded() -> None:
    assert np.array_equal(read(with_brand(heic("gradient"), b"mif1")), read(heic("gradient")))


def test_heic_is_turned_once_though_its_exif_data_repeat_the_orientation() -> None:
    turned = read(heic("turned"))
    assert turned.shape == (64, 48, 3)
    assert np.abs(turned.astype(int) - np.rot90(gradient(), 3)).max() < 10


def test_heic_is_answered_with_a_request_for_jpeg_where_its_decoder_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(BadInput, match="send JPEG") as caught:
        read(heic("gradient"))
    assert caught.value.code == "capture_heif_unsupported"


@pytest.mark.parametrize("data", [encoded(picture(), "JPEG"), heic("gradient")], ids=["JPEG", "HEIC"])
def test_the_pixels_are_writable_memory_that_the_vault_can_overwrite(data: bytes) -> None:
    pixels = read(data)
    assert pixels.flags.writeable
    assert pixels.flags.owndata


@settings(max_examples=300, deadline=None)
@given(
    cut=st.integers(0, 3000),
    position=st.integers(0, 3000),
    value=st.integers(0, 255),
    kind=st.sampled_from(["JPEG", "PNG", "HEIC"]),
)
def test_a_damaged_picture_gives_pixels_or_a_bad_input_and_nothing_else(
    cut: int, position: int, value: int, kind: str
) -> None:
    data = bytearray(heic("gradient") if kind == "HEIC" else encoded(picture(), kind))
    data[position % len(data)] = value
    try:
        pixels = read(bytes(data[: max(4, cut % len(data))]))
    except BadInput:
        return
    assert pixels.ndim == 3


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "JPEG2000", "GIF", "BMP"])
def test_pictures_of_other_formats_are_named_and_not_opened(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(picture(), kind)
    opened: list[object] = []
    monkeypatch.setattr(Image, "open", lambda *given, **_: opened.append(given))
    with pytest.raises(BadInput) as refused:
        read(data)
    assert (refused.value.code, opened) == ("capture_format_unsupported", [])


def test_only_the_named_readers_of_pillow_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    whole = Image.open

    def recorded(*given: Any, **named: Any) -> Any:
        asked.append(named.get("formats"))
        return whole(*given, **named)

    monkeypatch.setattr(Image, "open", recorded)
    read(encoded(picture(), "PNG"))
    with pytest.raises(BadInput):
        read(encoded(picture(), "PPM"))
    assert asked == [("PNG",)] * 2  # its reader of JPEG is called by itself
