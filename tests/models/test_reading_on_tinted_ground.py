"""Tesseract reads print on a tinted, patterned background, as on cards."""

from importlib.resources import as_file, files

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from idproof.models.tesseract import open_reader


def on_waves(text: str) -> np.ndarray:
    with as_file(files("pylopdf_fonts_zh_tw") / "NotoSansTC-Regular.otf") as path:
        font = ImageFont.truetype(str(path), 30)
    width, height = int(font.getlength(text)) + 40, 52
    y, x = np.mgrid[0:height, 0:width]
    waves = (np.cos(y * 0.7 + 2 * np.sin(x * 0.03)) > 0.6)[..., None] * np.array([40, 10, 50])
    ground = (np.array([205, 222, 196]) - waves).astype(np.uint8)
    picture = Image.fromarray(ground)
    ImageDraw.Draw(picture).text((20, 26), text, font=font, fill=(40, 40, 46), anchor="lm")
    return np.array(picture)


def test_a_page_of_tinted_lines_is_read() -> None:
    texts = ["CHAN, Tai Man", "7115 1129 2429", "29-02-1996", "26-11-18"]
    assert [reading.text for reading in open_reader().read([on_waves(text) for text in texts])] == texts
