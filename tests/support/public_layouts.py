"""Small samples of public sets in their published layouts: drawn pictures, real folders, JSON, TIFF and JPEG."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

QUAD = [[40, 30], [280, 44], [272, 196], [30, 184]]
SIZE = (320, 240)


def card(seed: int, width: int = 214, height: int = 135) -> NDArray[np.uint8]:
    """A flat card with coloured print of its own."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    wave = np.sin(x / random.uniform(5, 9) + 2 * np.sin(y / random.uniform(7, 11)))
    drawn = np.stack([190 + 20 * wave, 200 - 12 * wave, 205 + 8 * np.cos(y / 5)], axis=2).clip(0, 255).astype(np.uint8)
    drawn[40:105, 12:60] = random.integers(90, 170)
    return drawn


def with_hologram(drawn: NDArray[np.uint8], phase: float) -> NDArray[np.uint8]:
    """The card under a film whose hue moves with `phase` (0..1)."""
    height, width = drawn.shape[:2]
    y, x = np.mgrid[:height, :width]
    hsv = np.stack([(x / 40 + y / 50 + phase) % 1 * 360, np.full(x.shape, 0.9), np.full(x.shape, 0.85)], axis=2)
    film = cv2.cvtColor(hsv.astype(np.float32), cv2.COLOR_HSV2RGB) * 255
    result = drawn.astype(np.float32)
    result[30:110, 90:200] = 0.5 * result[30:110, 90:200] + 0.5 * film[30:110, 90:200]
    return result.astype(np.uint8)


def photograph(drawn: NDArray[np.uint8], seed: int, quad: Sequence[Sequence[float]] = QUAD) -> Image.Image:
    """The card on a desk, its corners at `quad`."""
    height, width = drawn.shape[:2]
    flat = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], dtype=np.float32)
    warp = cv2.getPerspectiveTransform(flat, np.array(quad, dtype=np.float32))
    seen = cv2.warpPerspective(drawn, warp, SIZE, borderValue=(90, 80, 70)).astype(float)
    noise = np.random.default_rng(seed).normal(0, 2, seen.shape)
    return Image.fromarray((seen + noise).clip(0, 255).astype(np.uint8))


def save(image: Image.Image, path: Path) -> None:
    """Write a picture in the format of its name, as those sets are published."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))


def write_json(path: Path, data: object) -> None:
    """Write an annotation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")


def via(names: Iterable[str], quad: Sequence[Sequence[float]] | None = QUAD) -> dict[str, object]:
    """A VGG Image Annotator 2 project; with a field box, and the document's outline unless `quad` is None."""
    box = {"name": "rect", "x": 3, "y": 3, "width": 9, "height": 4}
    regions: list[dict[str, object]] = [{"shape_attributes": box, "region_attributes": {"field_name": "name"}}]
    if quad is not None:
        outline = {
            "name": "polygon",
            "all_points_x": [x for x, _ in quad],
            "all_points_y": [y for _, y in quad],
        }
        regions.append({"shape_attributes": outline, "region_attributes": {"field_name": "doc_quad"}})
    pictures = {
        f"{name}-1": {"filename": name, "size": -1, "regions": regions, "file_attributes": {}} for name in names
    }
    return {"_via_settings": {}, "_via_img_metadata": pictures, "_via_image_id_list": list(pictures)}


def midv500(root: Path) -> None:
    """Two documents, two clips each, one of which leaves the picture."""
    for kind in ("01_alb_id", "05_aze_passport"):
        number = kind[:2]
        save(Image.fromarray(card(int(number))), root / kind / "images" / f"{kind}.tif")
        write_json(root / kind / "ground_truth" / f"{kind}.json", {"field01": {"value": "x", "quad": QUAD}})
        for clip, shift in (("HA", 0), ("PS", 120)):
            quad = [[x + shift, y] for x, y in QUAD]
            for i in (1, 2, 3):
                name = f"{clip}{number}_{i:02}"
                save(photograph(card(int(number)), i, quad), root / kind / "images" / clip / f"{name}.tif")
                write_json(root / kind / "ground_truth" / clip / f"{name}.json", {"quad": quad})


def midv2020(root: Path) -> None:
    """Two documents of one type as template, photograph and clip."""
    for number in ("00", "71"):
        for part in ("templates", "photo"):
            save(photograph(card(int(number)), 1), root / part / "images" / "alb_id" / f"{number}.jpg")
        names = ["000001.jpg", "000007.jpg"]
        for i, name in enumerate(names):
            save(photograph(card(int(number)), i), root / "clips" / "images" / "alb_id" / number / name)
        write_json(root / "clips" / "annotations" / "alb_id" / f"{number}.json", via(names))
    write_json(root / "templates" / "annotations" / "alb_id.json", via(["00.jpg", "71.jpg"], None))
    write_json(root / "photo" / "annotations" / "alb_id.json", via(["00.jpg", "71.jpg"]))


def dlc2021(root: Path, templates: Sequence[str] = ("00", "01")) -> None:
    """Documents of one type as original and as each of three copies."""
    rows = []
    for number in templates:
        for kind in ("or", "cc", "cg", "re"):
            name, frames = f"{number}.{kind}0001", ["000001.jpg", "000007.jpg"]
            for i, frame in enumerate(frames):
                save(photograph(card(int(number)), i), root / "clips" / "images" / "alb_id" / name / frame)
            write_json(root / "clips" / "annotations" / "alb_id" / f"{name}.json", via(frames))
            rows.append(f"alb_id/{name};iPhone XR;table")
    (root / "dlc-2021.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def midv_holo(root: Path, documents: int = 4, frames: int = 3) -> None:
    """For each class clips of ID cards and passports; only originals and replaced portraits change with angle."""
    for n in range(documents):
        kind, name = (("ID", f"id{n + 1:02}_01_01"), ("passport", f"psp{n + 1:02}_01_01"))[n % 2]
        for group in ("origins", *(f"fraud/{c}" for c in FORGERIES)):
            folder = root / "images" / group / kind / name
            names = [f"img_{i + 1:04}.jpg" for i in range(frames)]
            for i, frame in enumerate(names):
                phase = i / frames if group in {"origins", "fraud/photo_replacement"} else 0.3
                flat = card(n) if group.endswith("without_holo") else with_hologram(card(n), phase)
                save(photograph(flat, 10 * n + i), folder / frame)
                markup = root / "markup" / group / kind / name / f"{frame}.json"
                write_json(markup, {"document": {"templates": {f"{kind}_{n}": {"template_quad": QUAD}}}})
            (folder / "list.lst").write_text("\n".join(names) + "\n", encoding="utf-8")
    clip = "images/origins/ID/id01_01_01"
    write_json(root / "metadata" / "origins.json", {"D": {"iphone12": [clip]}, "A": {"samsung_s10": []}})
    mask = np.zeros((135, 214), dtype=np.uint8)
    mask[30:110, 90:200] = 255
    for kind in ("id", "passport"):
        save(Image.fromarray(mask), root / "templates" / "hologram_masks" / f"{kind}_hologram_mask.png")


FORGERIES = ("copy_without_holo", "pseudo_holo_copy", "photo_holo_copy", "photo_replacement")


def midv_dynattack(root: Path, documents: int = 4, pictures: int = 12, part: str = "cropped") -> None:
    """For each class clips of ID cards and passports, put straight, with published folds.

    Originals, replaced portraits and foils change with angle; prints do not, and exchanged prints change once.
    """
    names = [(("ID", f"id{n + 1:02}_01_01"), ("passport", f"psp{n + 1:02}_01_01"))[n % 2] for n in range(documents)]
    for n, (kind, name) in enumerate(names):
        for group in ("origins", *(f"fraud/{c}" for c in (*FORGERIES, *DYNATTACKS))):
            for i in range(pictures):
                flat = _dynattack_picture(group.split("/")[-1], n, i, pictures)
                save(Image.fromarray(flat), root / part / group / kind / name / f"img_{i + 1:04}.jpg")
            write_json(root / part / group / kind / name / "video_infos.json", {"valid_frames": [0, 1]})
        fold = root / "splits_kfold_s0" / f"k{n % 2}" / "simple" / "test.txt"
        fold.parent.mkdir(parents=True, exist_ok=True)
        with fold.open("a", encoding="utf-8") as lines:
            lines.write(f"{kind}/{name}\n")


def _dynattack_picture(name: str, n: int, i: int, pictures: int) -> NDArray[np.uint8]:
    if name in {"no_holo", "copy_without_holo", "plastified_lowreflect", "plastified_noholo", "laser"}:
        return card(n)[:, 20:]
    drawn = card(n)
    if name in {"swap", "swap_three"}:
        return with_hologram(drawn, 0.3 if i < pictures / 2 else 0.6)[:, 20:]
    moves = name in {"origins", "photo_replacement", "plain_holo", "leaf_holo", "double_sticker"}
    return with_hologram(drawn, i / pictures if moves else 0.3)[:, 20:]


DYNATTACKS = (
    "no_holo",
    "plastified_lowreflect",
    "plastified_noholo",
    "laser",
    "plastified_led",
    "swap",
    "swap_three",
    "plain_holo",
    "leaf_holo",
    "double_sticker",
    "holo_star_world",
    "holo_completemask",
)
