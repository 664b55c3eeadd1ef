"""Public sets answer in the published form, with errors counted on documents that were not calibrated on."""

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import public_layouts
import pytest
from numpy.typing import NDArray
from PIL import Image
from runs import published

from idproof.benchmarks.card import public_sets
from idproof.benchmarks.card.public_protocol import best_threshold, judge
from idproof.datasets.public import Clip, midv_holo
from idproof.datasets.specimen.make import Registration
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import DatasetInvalid

COPIES = ("copy_without_holo", "pseudo_holo_copy", "photo_holo_copy")


def clip(document: int, kind: str = "origins", split: str | None = None) -> Clip:
    attack = midv_holo.ATTACKS[kind]
    return Clip(
        f"{kind}/ID/id{document:02}_01_01", "id", f"id{document:02}", kind, attack, lambda: iter(()), split=split
    )


def test_the_baseline_is_judged_on_midv_holo(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path)
    run = published(public_sets.measure_public_set("midv-holo", tmp_path, seed=3))
    assert json.loads(json.dumps(run)) == run
    assert run["bench"] == "card"
    assert run["dataset"] == "midv-holo"
    assert run["counts"]["clips"] == dict.fromkeys(midv_holo.ATTACKS, 4)
    assert run["counts"]["frames"] == {"all": 60, "without_quadrangle": 0}
    assert run["attacks"]["pseudo_holo_copy"] == "hologram_flat"
    assert "4 folds of documents" in run["protocol"]
    for name in ("baseline", "baseline_masked"):
        found = {key.removeprefix(f"card.public.{name}."): entry for key, entry in run["figures"].items()}
        assert found["f_score"]["value"] == found["recall"]["value"] == found["precision"]["value"] == 1
        assert found["bpcer"]["value"] == 0
        assert [found[f"apcer.{kind}"]["value"] for kind in COPIES] == [0, 0, 0]
        # The portrait was replaced and the hologram is real: a look for change cannot tell.
        assert found["apcer.photo_replacement"]["value"] == 1
        assert found["apcer.photo_replacement"]["n"] == 4


def test_our_own_score_is_judged_beside_it(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path)

    def blind(frames: Sequence[NDArray[np.uint8]]) -> float:
        assert {frame.shape for frame in frames} == {(270, 428, 3)}
        return 0.5

    figures = public_sets.measure_public_set("midv-holo", tmp_path, scorer=blind).figures
    assert figures["card.public.ours.f_score_unsplit"]["value"] == pytest.approx(2 * 4 / (16 + 4))
    assert figures["card.public.ours.apcer.photo_holo_copy"]["value"] == 1
    assert figures["card.public.baseline.f_score"]["value"] == 1


def test_a_clip_that_cannot_be_scored_is_not_genuine(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path)
    for path in (tmp_path / "markup/origins/ID/id01_01_01").glob("*.json"):
        path.unlink()
    run = public_sets.measure_public_set("midv-holo", tmp_path)
    assert run.counts["clips_not_scored"] == 1
    assert run.counts["frames"]["without_quadrangle"] == 3
    assert run.figures["card.public.baseline.bpcer"]["value"] == 0.25


def test_the_threshold_comes_from_other_documents() -> None:
    """A document whose copies score above every original is found out only when it is not calibrated on."""
    clips = [clip(n, kind) for n in range(4) for kind in ("origins", "pseudo_holo_copy")]
    scores = [np.array([0.8 if c.attack is None else 0.2]) for c in clips]
    scores[0], scores[1] = np.array([0.45]), np.array([0.9])
    figures, _ = judge(clips, {"x": scores}, seed=0)
    assert figures["card.public.x.bpcer"]["value"] == 0.25
    assert figures["card.public.x.apcer.pseudo_holo_copy"]["value"] == 0.25


def test_published_folds_are_used_when_they_are_there() -> None:
    clips = [clip(n, kind, f"k{n}") for n in range(2) for kind in ("origins", "photo_holo_copy")]
    clips.append(clip(7, "photo_replacement"))  # in no fold
    scores = [np.array([0.9 if c.attack is None else 0.1]) for c in clips]
    figures, protocol = judge(clips, {"x": scores}, seed=0)
    assert protocol.startswith("2 folds published")
    assert figures["card.public.x.f_score"]["value"] == 1
    assert "card.public.x.apcer.photo_replacement" not in figures


def test_the_best_of_several_settings_is_calibrated() -> None:
    clips = [clip(n, kind) for n in range(4) for kind in ("origins", "pseudo_holo_copy")]
    scores = [np.array([0.5, 0.9 if c.attack is None else 0.1]) for c in clips]
    assert judge(clips, {"x": scores}, seed=0)[0]["card.public.x.f_score"]["value"] == 1


def test_best_threshold() -> None:
    scores = np.array([0.9, 0.7, 0.3, -np.inf])
    assert best_threshold(scores, np.array([True, False, False, False])) == (pytest.approx(0.8), 1.0)
    assert best_threshold(scores, np.array([True, True, True, False])) == (pytest.approx(0.3), 1.0)
    with pytest.raises(ValueError, match="genuine and other"):
        best_threshold(scores, np.ones(4, dtype=bool))


def test_too_small_a_set_is_told(tmp_path: Path) -> None:
    public_layouts.midv_holo(tmp_path, documents=1)
    with pytest.raises(DatasetInvalid, match="one document only"):
        public_sets.measure_public_set("midv-holo", tmp_path)
    with pytest.raises(DatasetInvalid, match="too few documents"):
        judge([clip(0), clip(1)], {"x": [np.array([0.1]), np.array([0.2])]}, seed=0)


@pytest.mark.parametrize(
    ("name", "make", "figures"),
    [
        ("midv-500", public_layouts.midv500, {"clip": 4}),
        ("midv-2020", public_layouts.midv2020, {"clips": 2}),
        ("dlc-2021", public_layouts.dlc2021, dict.fromkeys(("or", "cc", "cg", "re"), 2)),
    ],
)
def test_sets_without_holograms(
    name: str, make: Callable[[Path], None], figures: dict[str, int], tmp_path: Path
) -> None:
    make(tmp_path)
    run = public_sets.measure_public_set(name, tmp_path)
    assert {key: entry["n"] for key, entry in run.figures.items()} == {
        f"card.public.baseline.false_hologram.{kind}": n for kind, n in figures.items()
    }
    assert all(entry["value"] == 0 for entry in run.figures.values())
    assert any("no document type of ours is in" in note for note in run.extra["notes"])
    assert any("judged" in note for note in run.extra["notes"])


def test_copies_of_dlc_2021_are_judged_by_our_own_score(tmp_path: Path) -> None:
    public_layouts.dlc2021(tmp_path, ("00", "01", "02"))
    run = public_sets.measure_public_set("dlc-2021", tmp_path, scorer=lambda frames: float(frames[0].mean()))
    assert {f"card.public.ours.apcer.{kind}" for kind in ("cc", "cg", "re")} <= run.figures.keys()
    assert run.figures["card.public.ours.bpcer"]["n"] == 3
    assert run.extra["attacks"] == {"or": None, "cc": "print_colour", "cg": "photocopy_grey", "re": "screen_monitor"}


def test_where_the_document_is_is_measured_with_a_locator(tmp_path: Path) -> None:
    public_layouts.midv500(tmp_path)
    answers = iter([np.array(public_layouts.QUAD, dtype=float), np.array(public_layouts.QUAD, dtype=float) + 30, None])
    localiser = public_sets.Localiser("alb_id", lambda picture: next(answers))
    figures = public_sets.measure_public_set("midv-500", tmp_path, localiser=localiser).figures
    # Frames whose document leaves the picture are not asked for: three of the type's six are.
    assert figures["card.iou.at_least_0.9"]["n"] == 3
    assert figures["card.iou.at_least_0.9"]["value"] == pytest.approx(1 / 3)
    assert figures["card.not_found"]["value"] == pytest.approx(1 / 3)
    assert 1 / 3 < figures["card.iou.mean"]["value"] < 2 / 3


def test_the_pipelines_own_locator_fits_in(registration: Registration, document: DocumentType) -> None:
    localiser = public_sets.Localiser.of(document)
    picture = np.array(Image.open(BytesIO(registration.pictures["front.jpg"])).convert("RGB"))
    found = localiser.locate(picture)
    assert localiser.document_class == document.name
    assert found is not None
    assert public_sets.overlap(found, np.array(registration.description["truth"]["corners"]["front"])) > 0.97
    assert localiser.locate(np.full_like(picture, 128)) is None


def test_an_unknown_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match="midv-500, midv-2020, midv-holo, midv-dynattack, dlc-2021"):
        public_sets.measure_public_set("midv-1000", tmp_path)
