"""Pictures that are accepted as captures, and those that are refused, with their codes."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from idproof.pipeline import BadInput, Limits, Role
from idproof.pipeline.capture import decode

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


def test_the_pixels_are_writable_memory_that_the_vault_can_overwrite() -> None:
    pixels = read(encoded(picture(), "JPEG"))
    assert pixels.flags.writeable
    assert pixels.flags.owndata


@settings(max_examples=300, deadline=None)
@given(
    cut=st.integers(0, 3000),
    position=st.integers(0, 3000),
    value=st.integers(0, 255),
    kind=st.sampled_from(["JPEG", "PNG"]),
)
def test_a_damaged_picture_gives_pixels_or_a_bad_input_and_nothing_else(
    cut: int, position: int, value: int, kind: str
) -> None:
    data = bytearray(encoded(picture(), kind))
    data[position % len(data)] = value
    try:
        pixels = read(bytes(data[: max(4, cut % len(data))]))
    except BadInput:
        return
    assert pixels.ndim == 3
