"""Attacks are counted as found at a chosen share of refused originals, by thresholds without a part of them."""

import json
from pathlib import Path

import numpy as np
import public_layouts
import pytest
from commands import idproof
from hypothesis import given
from hypothesis import strategies as st

from idproof.benchmarks.card import public_sets
from idproof.benchmarks.card.refused_share import PUBLISHED_FOUND, judge_at_refused_share, threshold_refusing
from idproof.datasets.public import Clip, midv_dynattack
from idproof.pipeline.errors import DatasetInvalid


def clip(document: int, kind: str, split: str | None = None) -> Clip:
    attack = None if kind == "origins" else "an attack"
    return Clip(f"{kind}/ID/{document}", "id", f"id{document:03}", kind, attack, lambda: iter(()), split=split)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0, 1))
def test_no_more_originals_than_the_share_are_refused(scores: list[float], share: float) -> None:
    originals = np.array(scores)
    refused = float((originals < threshold_refusing(originals, share)).mean())
    assert refused <= share + 1e-5


def test_a_whole_number_of_originals_is_not_lost_to_rounding() -> None:
    assert (np.arange(100) < threshold_refusing(np.arange(100.0), 0.07)).sum() == 7
    assert (np.arange(300) < threshold_refusing(np.arange(300.0), 0.074)).sum() == 22
    for wrong in (-0.1, 1.1):
        with pytest.raises(ValueError, match="share of 0 to 1"):
            threshold_refusing(np.ones(3), wrong)
    with pytest.raises(ValueError, match="needs originals"):
        threshold_refusing(np.empty(0), 0.1)


def test_the_threshold_is_that_of_other_documents_and_matched_that_of_the_tested_ones() -> None:
    """Originals of fold k1 score lower, so that k0's threshold refuses them all, and its own one refuses 10 %."""
    clips = [clip(n, "origins", f"k{n % 2}") for n in range(20)]
    scores = [np.array([0.6 + n / 1000 if n % 2 == 0 else 0.4 + n / 1000]) for n in range(20)]
    clips += [clip(n, "swap", f"k{n % 2}") for n in range(20)]
    scores += [np.array([0.5])] * 20
    figures, protocol = judge_at_refused_share(clips, {"x": list(scores)}, seed=0, share=0.1)
    assert "2 folds published" in protocol
    assert figures["card.public.x.refused_originals"]["value"] == 0.5
    assert figures["card.public.x.found.swap"]["value"] == 0.5
    assert figures["card.public.x.matched.refused_originals"]["value"] == 0.1
    assert figures["card.public.x.matched.found.swap"]["value"] == 0.0


def test_only_static_copies_choose_the_setting() -> None:
    """By the second setting the swaps would be found, by the first the copies: the copies count."""
    clips = [clip(n, kind, f"k{n % 2}") for n in range(8) for kind in ("origins", "pseudo_holo_copy", "swap")]
    values = {"origins": (0.9, 0.9), "pseudo_holo_copy": (0.1, 0.95), "swap": (0.95, 0.1)}
    scores = [np.array(values[c.published_class]) for c in clips]
    figures, _ = judge_at_refused_share(clips, {"x": list(scores)}, seed=0, usual=1)
    assert figures["card.public.x.found.pseudo_holo_copy"]["value"] == 1
    assert figures["card.public.x.found.swap"]["value"] == 0
    without = [i for i, c in enumerate(clips) if c.published_class != "pseudo_holo_copy"]
    kept = [clips[i] for i in without]
    figures, _ = judge_at_refused_share(kept, {"x": [scores[i] for i in without]}, seed=0, usual=1)
    assert figures["card.public.x.found.swap"]["value"] == 1


def test_a_clip_without_a_score_is_refused_and_a_set_without_other_originals_is_told() -> None:
    clips = [clip(n, "origins", f"k{n % 2}") for n in range(4)]
    figures, _ = judge_at_refused_share(clips, {"x": [None, *[np.array([0.5])] * 3]}, seed=0)
    assert figures["card.public.x.refused_originals"]["value"] == 0.25
    with pytest.raises(DatasetInvalid, match="too few originals"):
        judge_at_refused_share([clip(0, "origins", "k0"), clip(1, "swap", "k1")], {"x": [None, None]}, seed=0)


def test_the_published_row_stands_beside_ours(tmp_path: Path) -> None:
    public_layouts.midv_dynattack(tmp_path, documents=2)
    done = idproof("bench", "card", "--dataset", "midv-dynattack", "--root", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert run["dataset"] == "midv-dynattack"
    assert "2 folds published" in run["protocol"]
    assert "at most 7.4%" in run["protocol"]
    assert run["attacks"]["swap_three"] == "replay_prints"
    figures = run["figures"]
    for kind in PUBLISHED_FOUND:
        assert figures[f"card.public.published.found.{kind}"]["value"] is not None
        assert f"card.public.baseline.found.{kind}" in figures
        assert f"card.public.baseline.matched.found.{kind}" in figures
    assert figures["card.public.published.found.swap"]["n"] == 150
    assert figures["card.public.published.found.swap"]["value"] == pytest.approx(104 / 150)
    assert {f"card.public.baseline.found.{kind}" for kind in midv_dynattack.ATTACKS} <= figures.keys()
    # What changes by itself passes a look for change, what is flat does not.
    assert figures["card.public.baseline.matched.refused_originals"]["value"] == 0
    assert figures["card.public.baseline.matched.found.no_holo"]["value"] == 1
    assert figures["card.public.baseline.matched.found.plain_holo"]["value"] == 0
    assert figures["card.public.baseline.found.hand_cut"]["n"] == 4


def test_our_own_score_is_judged_at_the_same_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public_layouts.midv_dynattack(tmp_path, documents=2)
    nothing = np.zeros((270, 428), dtype=np.float32)
    monkeypatch.setattr(public_sets.baseline, "chromatic_change", lambda frames: nothing)  # takes most of the time
    run = public_sets.measure_public_set("midv-dynattack", tmp_path, scorer=lambda frames: float(len(frames)))
    assert run.figures["card.public.ours.found.swap"]["value"] == 0
    assert run.counts["clips"]["swap"] == 2
    assert not any("score of our own" in note for note in run.extra["notes"])


def test_a_missing_folder_ends_the_command_with_its_code(tmp_path: Path) -> None:
    done = idproof("bench", "card", "--dataset", "midv-dynattack", "--root", tmp_path)
    assert done.returncode != 0
    assert "dataset_invalid: " in done.stderr
    assert "lacks the folder cropped/" in done.stderr
