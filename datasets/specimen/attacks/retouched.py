"""Alterations with today's editors: letters are inpainted away and set anew in the issuer's letters and a matched ink.

The names become those of another invented person, and stay consistent with each other and with everything that is left
on the card: portrait, number, dates and sex. Ranges are chosen by hand; no outside source.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from idproof.datasets.specimen import identity
from idproof.datasets.specimen.artwork import SCALE, region_mask
from idproof.datasets.specimen.attacks import copies
from idproof.datasets.specimen.attacks.flattening import flattened, laid_back
from idproof.datasets.specimen.attacks.kinds import Setting
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.draws import Draws
from idproof.datasets.specimen.formations.protocol import Shot
from idproof.datasets.specimen.lettering import AS_ISSUED
from idproof.datasets.specimen.material import Coat, Material
from idproof.datasets.specimen.prints import print_of
from idproof.datasets.specimen.view import View
from idproof.models.types import RGBImage
from idproof.pipeline.documents import Box
from idproof.pipeline.errors import InvalidSpecimen

NAMES = ("chinese_name", "english_name", "chinese_codes")
_WAS = "was_"
Mask = NDArray[np.float32]


def other_names(card: Card, _other: RGBImage, draws: Draws) -> Card:
    """Returns the card with another invented person's names; `Card.edited` says what stood there."""
    if not set(NAMES) <= card.fields.keys():
        raise InvalidSpecimen("Only a Hong Kong identity card's names can be retouched.")
    while True:
        invented = identity.invent(draws.rng)
        # A holder without a Chinese name has no codes either: both stay as many as they were.
        same_kind = bool(invented["chinese_name"]) is bool(card.fields["chinese_name"])
        if same_kind and invented["english_name"] != card.fields["english_name"]:
            break
    told = {"field": "english_name", "kind": "names", "by": "retouched", "print": "as_issued"}
    told |= {"was": card.fields["english_name"], **{_WAS + name: card.fields[name] for name in NAMES}}
    return replace(card.with_fields(**{name: invented[name] for name in NAMES}), edited=told)


def printed(setting: Setting) -> dict[str, Shot]:
    """Alters a flat picture of the genuine card, prints it on glossy paper and photographs the print."""
    draws, genuine = setting.draws, _before(setting.card)
    flat = replace(setting, card=genuine).scan(draws)
    picture, _ = _reset(flat, genuine, setting.card, draws)
    printer = copies.inkjet(draws)
    coats = (Coat(draws.uniform(0.03, 0.10), draws.uniform(0.03, 0.10)),)
    return setting.shoot(copies.sheet(printer(picture), setting.card, coats))


def injected(setting: Setting) -> dict[str, Shot]:
    """Alters each capture of the genuine card in an image editor, and sends the results in the camera's place."""
    draws, genuine = setting.draws, _before(setting.card)
    shots = setting.shoot(genuine.material)
    result = {}
    for name, shot in shots.items():
        picture, where = _reset(flattened(shot, genuine.document), genuine, setting.card, draws)
        result[name] = laid_back(shot, picture, where, genuine.document)
    return result


def on_the_card(setting: Setting) -> dict[str, Shot]:
    """Scrapes the names off the genuine card, paints the ground in and prints the others over it.

    The scraped laminate is a little duller; where forgers lacquer it again, hardly anything is left to be seen.
    """
    draws, genuine = setting.draws, _before(setting.card)
    areas = sum((region_mask(genuine.document, box) for box in _boxes(genuine)), np.zeros(1, np.uint8)) > 0
    soft = cv2.GaussianBlur(areas.astype(np.float32), (0, 0), 0.25 * SCALE)
    duller = draws.uniform(0.0, 1.0)
    seed = int(draws.rng.integers(2**31))

    def material(view: View) -> Material:
        below = genuine.material(view)
        own = Draws(np.random.default_rng(seed), draws.split)
        picture, _ = _reset(below.albedo, genuine, setting.card, own)
        coats = tuple(
            part
            for coat in below.coats
            for part in (
                replace(coat, mask=1 - soft * np.float32(duller)),
                Coat(0.4 * coat.reflectance, 2.5 * coat.roughness, soft * np.float32(duller)),
            )
        )
        return replace(below, albedo=picture, coats=coats)

    return setting.shoot(material)


def portraits(setting: Setting) -> dict[str, Shot]:
    """Replaces both portraits in each capture of the genuine card, matched in tone, light and noise."""
    card, draws = setting.card, setting.draws
    if card.second_portrait is None:
        raise ValueError("a swapped portrait needs the holder's own in the second portrait")
    genuine = replace(card, portrait=card.second_portrait, second_portrait=None)
    wanted = replace(card, second_portrait=None)
    boxes = [card.document.portrait, *(r.box for r in card.document.regions if r.kind == "second_portrait")]
    shots, feather = setting.shoot(genuine.material), draws.uniform(0.10, 0.35)
    result = {}
    for name, shot in shots.items():
        flat, view = flattened(shot, card.document), setting.views[name]
        old, new = genuine.printed(view), wanted.printed(view)
        where = np.zeros(flat.shape[:2], np.float32)
        picture = flat.astype(np.float32)
        for box in boxes:
            left, top, right, bottom = box.pixels(SCALE)
            area = (slice(top, bottom), slice(left, right))
            picture[area] = _matched(flat[area], old[area], new[area], draws)
            inner = region_mask(card.document, box).astype(np.float32) / 255
            where = np.maximum(where, cv2.GaussianBlur(inner, (0, 0), feather * SCALE))
        result[name] = laid_back(shot, np.asarray(picture.clip(0, 255), dtype=np.uint8), where, card.document)
    return result


def _before(card: Card) -> Card:
    if card.edited is None:
        raise ValueError("nothing was edited")
    told = card.edited
    return replace(card.with_fields(**{name: told[_WAS + name] for name in NAMES}), edited=None)


def _boxes(card: Card) -> list[Box]:
    return [card.document.field(name).box for name in NAMES if card.fields[name]]


def _reset(flat: RGBImage, genuine: Card, wanted: Card, draws: Draws) -> tuple[RGBImage, Mask]:
    """Returns the flat picture with the wanted names, and where it was changed (h, w), 0..1."""
    picture, where = flat.copy(), np.zeros(flat.shape[:2], np.float32)
    wanted_print = print_of(wanted.document)
    blur, depth = draws.uniform(0.7, 1.6), draws.uniform(0.92, 1.0)
    rng = draws.spawn().rng
    for name in NAMES:
        box = wanted.document.field(name).box
        left, top, right, bottom = box.pixels(SCALE, pad_mm=0.3)
        area = (slice(top, bottom), slice(left, right))
        letters = _letters(flat[area]) if genuine.fields[name] else np.zeros(flat[area].shape[:2], np.uint8)
        ink = np.percentile(flat[area][letters > 0], 20, axis=0) if letters.any() else np.array([30.0, 30.0, 36.0])
        wide = cv2.dilate(letters, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)))
        cleared = cv2.inpaint(np.ascontiguousarray(flat[area]), wide, 6, cv2.INPAINT_TELEA).astype(np.float32)
        grain = _grain(flat[area], letters)
        cleared += (wide > 0)[..., None] * rng.normal(0, grain, (*wide.shape, 1))
        sheet = Image.new("RGB", picture.shape[1::-1], "white")
        AS_ISSUED.write(ImageDraw.Draw(sheet), wanted.fields[name], box, wanted_print.of(name))
        cover = 1 - np.asarray(sheet.convert("L"), dtype=np.float32)[area] / 255
        cover = cv2.GaussianBlur((cover / max(float(cover.max()), 1e-3)), (0, 0), blur)[..., None] * np.float32(depth)
        set_anew = cleared * (1 - cover) + (ink + rng.normal(0, grain, (*wide.shape, 1))) * cover
        picture[area] = set_anew.clip(0, 255).astype(np.uint8)
        where[area] = np.maximum(where[area], 1.0)
    return picture, cv2.GaussianBlur(where, (0, 0), 0.08 * SCALE)


def _letters(area: RGBImage) -> NDArray[np.uint8]:
    """Returns where there are strokes of letters in a straightened field, 255 or 0."""
    grey = cv2.cvtColor(area, cv2.COLOR_RGB2GRAY)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (23, 23))
    strokes = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel)
    _, mask = cv2.threshold(strokes, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(mask, dtype=np.uint8)


def _grain(area: RGBImage, letters: NDArray[np.uint8]) -> float:
    """Returns the standard deviation of the noise beside the letters."""
    grey = cv2.cvtColor(area, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.5)
    beside = cv2.dilate(letters, np.ones((7, 7), np.uint8)) == 0
    return float(1.4826 * np.median(np.abs(fine[beside]))) if beside.any() else 1.0


def _matched(seen: RGBImage, old: RGBImage, new: RGBImage, draws: Draws) -> NDArray[np.float32]:
    """Returns the new print as it would look in the light and the sharpness in which the old one is seen."""
    seen_, old_, new_ = (picture.astype(np.float32) for picture in (seen, old, new))
    # Light changes slowly over a portrait: the ratio of what is seen to what is printed, smoothed.
    light = cv2.GaussianBlur(seen_ + 8, (0, 0), 3 * SCALE) / cv2.GaussianBlur(old_ + 8, (0, 0), 3 * SCALE)
    shown = (new_ + 8) * light - 8
    sharp = draws.uniform(1.0, 2.4)
    shown = cv2.GaussianBlur(shown, (0, 0), sharp)
    mean, spread = seen_.mean(axis=(0, 1)), seen_.std(axis=(0, 1))
    old_spread = cv2.GaussianBlur(old_, (0, 0), sharp).std(axis=(0, 1))
    scale = (spread / np.maximum(old_spread, 1)).clip(0.5, 1.5) / np.maximum(light.mean(axis=(0, 1)), 0.1)
    shown = (shown - shown.mean(axis=(0, 1))) * scale.clip(0.6, 1.6) + mean
    noise = float(1.4826 * np.median(np.abs(seen_ - cv2.GaussianBlur(seen_, (0, 0), 1.5))))
    return np.asarray(shown + draws.rng.normal(0, noise, (*shown.shape[:2], 1)), dtype=np.float32)
