"""The measures of a hologram's look answer to what they are named after; no real photograph is needed."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from idproof.benchmarks.card.hologram_appearance import (
    NAMES,
    SIDE_PX,
    Appearance,
    main,
    measure,
    real_regions,
    table,
)
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.documents import load_builtin


def paper() -> np.ndarray:
    return np.full((SIDE_PX, SIDE_PX, 3), 120, np.uint8)


def lines(thickness: int, colour: tuple[int, int, int] = (235, 235, 235)) -> np.ndarray:
    picture = paper()
    for place in range(15, SIDE_PX, 30):
        cv2.line(picture, (place, 0), (place, SIDE_PX), colour, thickness)
    return picture


def test_plain_print_answers_nothing() -> None:
    assert measure(paper()) == Appearance(0.0, 0.0, 0.0, 0.0, 0.0)


def test_broader_lines_answer_more_and_are_measured_broader() -> None:
    thin, broad = measure(lines(3)), measure(lines(9))
    assert broad.share > 1.5 * thin.share
    # A line's soft edge counts as answering too, about 2.5 pixels on each side.
    assert thin.line_width == pytest.approx((3 + 5) / SIDE_PX, abs=1.5 / SIDE_PX)
    assert broad.line_width == pytest.approx((9 + 5) / SIDE_PX, abs=1.5 / SIDE_PX)


def test_contrast_and_saturation_follow_the_light() -> None:
    white, faint, green = measure(lines(5)), measure(lines(5, (160, 160, 160))), measure(lines(5, (60, 220, 60)))
    assert white.contrast > 2 * faint.contrast > 0
    assert green.saturation > 40
    assert white.saturation < 5


def test_many_hues_are_told_from_one() -> None:
    many = lines(5, (220, 60, 60))
    cv2.line(many, (45, 0), (45, SIDE_PX), (60, 220, 60), 5)
    cv2.line(many, (75, 0), (75, SIDE_PX), (60, 60, 230), 5)
    assert measure(many).hue_spread > 1
    assert measure(lines(5, (220, 60, 60))).hue_spread < 0.1


def test_what_is_as_broad_as_glare_is_no_line() -> None:
    glare = paper()
    cv2.circle(glare, (60, 60), 45, (250, 250, 250), -1)
    assert measure(glare).share < 0.5 * np.pi * 45**2 / SIDE_PX**2


def test_two_figures_of_one_photograph_count_once(tmp_path: Path) -> None:
    for name in ("wsl_img_0011", "imagenet_img_0011", "wsl_3"):
        Image.fromarray(np.zeros((600, 800, 3), np.uint8)).save(tmp_path / f"{name}.jpg")
    assert len(list(real_regions(tmp_path))) == 2


def test_the_table_says_how_much_of_reality_a_formation_encloses() -> None:
    real = [Appearance(0.2, 10, 1, 0.1, 5), Appearance(0.6, 30, 1, 0.1, 15)]
    printed = table(real, {"narrow": [Appearance(0.1, 5, 1, 0.1, 4), Appearance(0.4, 40, 1, 0.1, 20)]})
    rows = {line.split(" | ")[0].strip("| "): line for line in printed.splitlines()[2:]}
    assert set(rows) == {name.replace("_", " ") for name in NAMES}
    assert "0.10 to 0.40; encloses 50%" in rows["share"]
    assert "encloses 100%" in rows["contrast"]


def test_the_command_measures_sets_and_writes_the_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(31, 0, PortraitSource.open(None), load_builtin()).write(tmp_path / "sets" / "0")
    (tmp_path / "real").mkdir()
    noise = np.random.default_rng(1).integers(0, 255, (600, 800, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "real" / "wsl_1.jpg")
    out = tmp_path / "look.png"
    main(["--real", str(tmp_path / "real"), "--sets", f"analytic={tmp_path / 'sets'}", "--out", str(out)])
    assert "| `analytic` (3) |" in capsys.readouterr().out
    with Image.open(out) as picture:
        assert picture.size[0] > 800
