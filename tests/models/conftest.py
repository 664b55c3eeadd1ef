"""The real weights, fetched once and opened once; a picture that may be shown; rendered lines of text."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pylopdf_fonts_zh_tw
import pytest
import skimage.data
from PIL import Image, ImageDraw, ImageFont

from idproof.models import manifest, store
from idproof.models.manifest import Profile
from idproof.models.onnx_graphs import fold_blocks
from idproof.models.profiles import load_engines
from idproof.models.types import Engines, RGBImage

FONT = Path(pylopdf_fonts_zh_tw.__file__).parent / "NotoSansTC-Regular.otf"
Render = Callable[[str], RGBImage]


@pytest.fixture(scope="session")
def profile() -> Profile:
    opened = manifest.load().profile("open")
    store.fetch(opened)
    return opened


@pytest.fixture(scope="session")
def engines(profile: Profile) -> Engines:
    return load_engines(profile.name)


@pytest.fixture(scope="session")
def sface(profile: Profile) -> bytes:
    return fold_blocks(store.read(profile.embedder, profile))


@pytest.fixture(scope="session")
def yunet(profile: Profile) -> bytes:
    return fold_blocks(store.read(profile.detector, profile))


@pytest.fixture(scope="session")
def astronaut() -> RGBImage:
    """512 × 512, one face; NASA, public domain."""
    return np.asarray(skimage.data.astronaut(), dtype=np.uint8)


@pytest.fixture(scope="session")
def render() -> Render:
    """Dark text on a light ground, about 60 pixels in height."""
    font = ImageFont.truetype(str(FONT), 40)

    def draw(text: str) -> RGBImage:
        left, top, right, bottom = (round(v) for v in font.getbbox(text))
        picture = Image.new("RGB", (right - left + 20, bottom - top + 20), (235, 240, 238))
        ImageDraw.Draw(picture).text((10 - left, 10 - top), text, font=font, fill=(20, 20, 60))
        return np.array(picture, dtype=np.uint8)

    return draw
