"""Peers are measured on the same inputs as we are, and one that cannot be used says why."""

from pathlib import Path

import numpy as np
import pytest
import samples
from PIL import Image
from runs import published

from idproof.benchmarks import peers
from idproof.benchmarks.peers import insight, rapid, resnet, tesseract, verify
from idproof.benchmarks.peers.measure import OURS, Pairs, compare_pairs, measure_peers
from idproof.benchmarks.peers.peer import FacePeer
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.sets import read_sets
from idproof.datasets.specimen.portraits import PortraitSource


def pairs() -> Pairs:
    source = PortraitSource.open(None)
    holder, astronaut, other = (source.person(label).photographs for label in source.labels()[:3])
    grey = np.full((250, 250, 3), 128, dtype=np.uint8)
    pictures = [*holder, astronaut[0], other[0], grey]
    return Pairs(pictures, [(0, 1), (1, 2), (0, 3), (1, 3), (2, 4), (0, 5)], [True, True, False, False, False, False])


def test_every_face_peer_is_measured_or_says_why_not() -> None:
    run = published(measure_peers(pairs=pairs()))
    assert run["counts"]["pairs"] == 6
    for name in (OURS, *(peer.name for peer in peers.FACES)):
        measured = f"peers.face.{name}.accuracy" in run["figures"]
        assert measured is (name not in run["peers_unavailable"])
        if measured:
            assert run["figures"][f"peers.face.{name}.no_template"]["value"] == pytest.approx(1 / 6)
            assert run["figures"][f"peers.face.{name}.accuracy"]["value"] == 1.0
            assert run["figures"][f"peers.face.{name}.template_ms"]["value"] > 0
    assert set(run["peers"]) == {peer.name for peer in peers.FACES} - set(run["peers_unavailable"])


def test_a_peer_that_cannot_be_imported_is_named_with_the_reason() -> None:
    absent = FacePeer("absent", "absent", "no_such_module_anywhere")
    run = measure_peers(pairs=pairs(), faces=(absent,))
    assert run.extra["peers_unavailable"] == {"absent": "ModuleNotFoundError on import; install the extra `peers`"}
    assert not any(name.startswith("peers.face.absent") for name in run.figures)


def test_insightface_downloads_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "buffalo_l" in (insight.PEER.why_not() or "")
    folder = tmp_path / ".insightface" / "models" / "buffalo_l"
    folder.mkdir(parents=True)
    (folder / "w600k_r50.onnx").write_bytes(b"")
    assert insight.PEER.why_not() is None


def test_a_missing_template_counts_against_a_system() -> None:
    """Of two genuine pairs one has no template: half are refused at any threshold, however lenient."""
    pictures = [np.full((4, 4, 3), shade, dtype=np.uint8) for shade in (10, 10, 0, 200)]
    few = Pairs(pictures, [(0, 1), (0, 2), (0, 3)], [True, True, False])

    def template(picture: np.ndarray) -> np.ndarray | None:
        return None if picture.max() == 0 else np.array([1.0, picture.max() / 255])

    found = compare_pairs("x", few, template, lambda one, other: -float(np.abs(one - other).sum()))
    assert found["peers.face.x.fnmr@fmr1e-2"]["value"] == 0.5
    assert found["peers.face.x.no_template"]["value"] == 0.25
    assert found["peers.face.x.accuracy"]["value"] == pytest.approx(2 / 3)


def test_readers_are_measured_on_the_same_cards(tmp_path: Path) -> None:
    samples.make(tmp_path, 1, 31)
    run = published(measure_peers(sets=read_sets(tmp_path)))
    assert run["counts"]["cards"] == 1
    figures = run["figures"]
    assert figures["peers.fields.idproof.exact"]["n"] == 10
    assert figures["peers.fields.idproof.exact"]["value"] >= 0.9
    for peer in (rapid.PEER, tesseract.PEER):
        if peer.name not in run["peers_unavailable"]:
            assert figures[f"peers.fields.{peer.name}.exact.number"]["n"] == 1
            assert 0 < figures[f"peers.fields.{peer.name}.exact"]["value"] <= 1
            assert figures[f"peers.fields.{peer.name}.card_ms"]["value"] > 0


def test_pairs_come_from_the_file_half_of_each_kind(tmp_path: Path) -> None:
    for name in ("Ann_A", "Bob_B"):
        (tmp_path / name).mkdir()
        for number in (1, 2):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / name / f"{name}_{number:04d}.jpg")
    rows = ["file_a,file_b,same", "Ann_A/Ann_A_0001.jpg,Ann_A/Ann_A_0002.jpg,1"]
    rows += [f"Ann_A/Ann_A_000{i}.jpg,Bob_B/Bob_B_000{j}.jpg,0" for i in (1, 2) for j in (1, 2)]
    (tmp_path / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    found = Pairs.read(LabelledFaces.open(tmp_path), tmp_path / "pairs.csv", 4)
    assert found.same == [True, False, False]
    assert len(found.pictures) == 4
    assert found.pairs[0] == (0, 1)


def test_the_names_of_the_peers_are_told_apart() -> None:
    names = [peer.name for peer in (*peers.FACES, *peers.SCORES, rapid.PEER, tesseract.PEER)]
    assert len(set(names)) == len(names) == 7
    assert {verify.PEER.name, resnet.PEER.name} < set(names)
