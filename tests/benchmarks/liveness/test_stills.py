"""`bench liveness --stills`: passes, AUC and intervals by kind, and what real pictures give."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from runs import published

from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.liveness import stills
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models import store
from idproof.models.profiles import load_engines
from idproof.models.types import DetectedFace, Engines, RGBImage

REAL = Path(os.environ.get("IDPROOF_DATA", "../shared/data")) / "pad-real-dev.zip"


class ByBlue:
    """Calls pictures with little blue real."""

    def classify(self, image: RGBImage, face: DetectedFace) -> tuple[float, bool]:
        """Returns a probability by the colour of the corner."""
        share = 1 - float(image[0, 0, 2]) / 255
        return share, share > 0.5


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Faces whose blue corner says how real they are, and one picture without a face."""
    face = cv2.resize(PortraitSource.open(None).person("bundled/office-holder").photographs[0], (250, 250))
    rows = ["label,kind,source,file"]
    for name, label, kind, blue in (
        ("p0", "bonafide", "webcam", 10),
        ("p1", "bonafide", "webcam", 20),
        ("a0", "attack", "display", 250),
        ("a1", "attack", "print_held", 15),
        ("a2", "attack", "mask_worn", 5),
        ("none", "attack", "display", None),
    ):
        picture = face.copy() if blue is not None else np.full((250, 250, 3), 127, np.uint8)
        picture[:9, :9, 2] = blue or 0
        cv2.imwrite(str(tmp_path / f"{name}.png"), picture[..., ::-1])
        rows.append(f"{label},{kind},made,{name}.png")
    (tmp_path / "pad.csv").write_text("\n".join(rows))
    engines = load_engines()

    def load(profile: str) -> Engines:
        return Engines(
            profile, engines.detector, engines.embedder, engines.reader, engines.latin_reader, {"n": "0" * 64}, ByBlue()
        )

    monkeypatch.setattr(stills, "load_engines", load)
    return tmp_path / "pad.csv"


def test_rates_and_areas_by_kind(table: Path) -> None:
    run = published(stills.measure_stills(table))
    figures = {name: (entry["value"], entry["n"]) for name, entry in run["figures"].items()}
    assert figures["stills.referred.bona_fide"] == (0.0, 2)
    assert figures["stills.passed.display"] == (0.0, 1)
    assert figures["stills.passed.print_held"] == (1.0, 1)
    assert figures["stills.passed.flat"] == (0.5, 2)
    assert figures["stills.passed.all"] == (pytest.approx(2 / 3), 3)
    assert figures["stills.auc.display"] == (1.0, 3)
    assert figures["stills.auc.print_held"] == (0.5, 3)
    assert figures["stills.auc.mask_worn"] == (0.0, 3)
    assert run["counts"]["by_label"]["attack"] == {"passed": 2, "referred": 1, "no_face": 1}
    assert run["counts"]["by_source"] == {
        "made": {"bona_fide.passed": 2, "attack.passed": 2, "attack.referred": 1, "attack.no_face": 1}
    }


def test_a_profile_without_networks_is_refused(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stills, "load_engines", load_engines)
    with pytest.raises(BenchmarkFailed, match="no networks"):
        stills.measure_stills(table, profile="open")


def test_real_pictures_flat_attacks_and_people() -> None:
    """The counts that docs/liveness.md states; masks and a generated face pass, which it states as well."""
    ready = all(status.state is store.WeightState.READY for status in store.list_weights(stills.PROFILE))
    if not REAL.is_file() or not ready:
        pytest.skip(f"pad-real-dev.zip (IDPROOF_DATA) or the weights of {stills.PROFILE} are not here")
    run = published(stills.measure_stills(REAL))
    passed = {
        kind: round(run["figures"][f"stills.passed.{kind}"]["value"] * run["figures"][f"stills.passed.{kind}"]["n"])
        for kind in ("flat", "resin_mask_worn", "generated_face")
    }
    assert passed == {"flat": 2, "resin_mask_worn": 1, "generated_face": 1}
    assert run["figures"]["stills.referred.bona_fide"]["value"] == 0.0
    assert run["figures"]["stills.auc.flat"]["value"] > 0.95
    assert run["counts"]["by_label"]["bona_fide"] == {"passed": 10, "no_face": 5}
