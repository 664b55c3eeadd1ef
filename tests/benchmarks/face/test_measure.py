"""The face benchmark compares the right pictures with each other, and answers in the published form."""

from pathlib import Path

import numpy as np
import pytest
import samples
from PIL import Image
from runs import published

from idproof.benchmarks.face import lookalikes, portrait
from idproof.benchmarks.face import templates as face_templates
from idproof.benchmarks.face.measure import measure_face
from idproof.benchmarks.face.pairs import all_pairs
from idproof.benchmarks.scores import files
from idproof.benchmarks.scores.measure import measure_scores
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.sets import read_sets
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.models.profiles import load_engines
from idproof.pipeline.errors import DatasetInvalid


def test_all_pairs_agree_with_two_loops() -> None:
    rng = np.random.default_rng(2)
    templates = rng.standard_normal((23, 8)).astype(np.float32)
    people = rng.integers(0, 5, 23)
    found = all_pairs(templates, people, block=7)
    expected: dict[bool, list[tuple[float, int, int]]] = {True: [], False: []}
    for i in range(23):
        for j in range(i + 1, 23):
            same = bool(people[i] == people[j])
            expected[same].append((float(templates[i] @ templates[j]), int(people[i]), int(people[j])))
    for pairs, truth in ((found.tail, expected[False]), (found.genuines, expected[True])):
        order, truth = np.argsort(pairs.scores), sorted(truth)
        assert pairs.scores[order] == pytest.approx([score for score, _, _ in truth], abs=1e-5)
        assert list(zip(pairs.first[order], pairs.second[order], strict=True)) == [(a, b) for _, a, b in truth]
    assert sorted(found.impostors) == pytest.approx(sorted(found.tail.scores), abs=1e-6)


def test_a_run_on_aligned_pictures_in_the_published_layout(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for person in ("A_B", "C_D", "E_F"):
        (tmp_path / person).mkdir()
        base = rng.integers(0, 255, (112, 112, 3))
        for i in range(2):
            noisy = (base + rng.integers(-9, 9, base.shape)).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(tmp_path / person / f"{person}_{i + 1:04d}.jpg")
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("file_a,file_b,same\nA_B/A_B_0001.jpg,A_B/A_B_0002.jpg,1\nA_B/A_B_0001.jpg,C_D/C_D_0001.jpg,0\n")
    faces = LabelledFaces.open(tmp_path)
    scores = tmp_path / "scores.csv"
    run = published(measure_face(faces, load_engines(), dataset="lfw-112", pairs=pairs, scores=scores))
    own = measure_scores(files.read(scores), rates=[0.1])
    assert (own.counts["scores"]["impostor"], own.counts["scores"]["genuine"]) == (12, 3)
    assert own.counts["scores"]["people"] == 3
    templates = face_templates.make(faces, "lfw-112", load_engines(), lambda done, total: None)
    found = all_pairs(templates.in_force, templates.people)
    assert files.read(scores)[0].scores.max() == pytest.approx(found.genuines.scores.max(), abs=1e-5)
    assert (run["counts"]["impostor_comparisons"], run["counts"]["genuine_comparisons"]) == (12, 3)
    assert run["figures"]["face.pairs.accuracy"]["n"] == 2
    assert {"face.fnmr@fmr1e-3", "face.fnmr@fmr1e-4"} <= set(run["figures"])
    assert {"face.step.one_crop.fnmr@fmr1e-4", "face.step.flip_averaged.fnmr@fmr1e-4"} <= set(run["figures"])
    assert [point["fmr"] for point in run["operating_points"]] == [1e-2, 1e-3, 1e-4, 1e-5]
    assert set(faces.some(2, seed=1).names) < set(faces.names)
    pairs.write_text("file_a,file_b,same\nX/X_0001.jpg,A_B/A_B_0001.jpg,1\n")
    with pytest.raises(DatasetInvalid):
        list(faces.read_pairs(pairs))


def test_original_pictures_are_detected_and_aligned_and_those_without_a_face_are_told(tmp_path: Path) -> None:
    source, engines = PortraitSource.open(None), load_engines()
    for label in ("bundled/astronaut", "bundled/office-holder"):
        name = label.removeprefix("bundled/")
        (tmp_path / name).mkdir()
        Image.fromarray(source.person(label).photographs[0]).save(tmp_path / name / f"{name}_0001.jpg")
    Image.fromarray(np.full((250, 250, 3), 90, np.uint8)).save(tmp_path / "astronaut" / "astronaut_0002.jpg")
    faces = LabelledFaces.open(tmp_path)
    templates = face_templates.make(faces, "lfw", engines, lambda done, total: None)
    assert templates.places.tolist() == [0, 2]
    photograph = faces.pictures(0, 1)[0]
    aligned = engines.embedder.align(photograph, engines.detector.detect(photograph)[0].landmarks)
    np.testing.assert_allclose(templates.in_force[0], engines.embedder.embed([aligned])[0], atol=1e-4)
    run = published(measure_face(faces, engines, dataset="lfw"))
    assert run["figures"]["face.not_found"]["value"] == pytest.approx(1 / 3)
    with pytest.raises(DatasetInvalid, match="No face"):
        face_templates.make(
            LabelledFaces(tmp_path, faces.paths[1:2], faces.names[1:2]), "lfw", engines, lambda done, total: None
        )


def test_a_selfie_as_a_kiosk_takes_it_has_a_face_of_that_width() -> None:
    detector = load_engines().detector
    picture = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    selfie = np.asarray(Image.fromarray(picture).resize((1000, 1000)))
    for width in portrait.STANDING_PX:
        far = portrait.as_standing(selfie, detector.detect(selfie)[0], width)
        assert detector.detect(far)[0].box[2] == pytest.approx(width, rel=0.1)


def test_portraits_are_compared_with_every_selfie_and_each_way_is_shown(tmp_path: Path) -> None:
    samples.make(tmp_path / "bona_fide", 2, 31)
    samples.make(tmp_path / "attack", 1, 31, attack="selfie_other")
    scores = tmp_path / "scores.csv"
    run = published(portrait.measure_portraits(read_sets(tmp_path), load_engines(), scores=scores))
    (written,) = files.read(scores)
    assert (written.positive.sum(), (~written.positive).sum()) == (2, 2)
    assert written.scores[written.positive].min() > written.scores[~written.positive].max()
    assert run["counts"] == {"portrait_registrations": 2, "portrait_unusable": 0}
    assert run["figures"]["face.portrait.standing.not_found"]["value"] == 0
    for way in ("", "coloured.", "standing.", "front.", *(f"{name}." for name in portrait.ENHANCEMENTS)):
        assert run["figures"][f"face.portrait.{way}fnmr@fmr1e-4"]["n"] == 2
        assert run["figures"][f"face.portrait.{way}measured_fmr@fmr1e-4"]["n"] == 2
    for measured in ("fmr", "fnmr"):
        assert run["figures"][f"face.portrait.poor.blurred.{measured}"]["n"] == 2
        assert run["figures"][f"face.portrait.poor.blurred.certain_{measured}"]["n"] == 2
    assert run["figures"]["face.portrait.fnmr@fmr1e-4"]["value"] == 0
    assert run["figures"]["face.calibration.cllr"]["value"] < 0.5


def test_two_registrations_of_one_person_are_no_impostors() -> None:
    one, other = np.eye(2, dtype=np.float32)
    entries = [portrait.RegistrationTemplates(person, {"front": one}, other) for person in ("a", "a", "b")]
    pairs = portrait.compare_all(entries, "front")
    assert (pairs.impostors.scores.size, pairs.genuines.scores.size) == (4, 3)


def test_look_alikes_leave_out_what_chose_them_and_compare_the_rest() -> None:
    rng = np.random.default_rng(6)
    people = np.array([0, 0, 1, 1, 1, 2])
    base = np.eye(3, 8)[people] + 0.5 * (people == 1)[:, None] * np.eye(1, 8)  # 1 resembles 0; 2 resembles nobody much
    templates = (base + rng.normal(0, 0.01, base.shape)).astype(np.float32)
    templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    cosine = templates @ templates.T
    nearest_to_2 = int(np.argmax([cosine[5, 0], cosine[5, 2]]))
    expected = [cosine[i, j] for i in (0, 1) for j in (2, 3, 4) if (i, j) != (0, 2)]
    expected += [cosine[5, j] for j in ((1,), (3, 4))[nearest_to_2]]
    assert sorted(lookalikes.scores(templates, people)) == pytest.approx(sorted(expected), abs=1e-6)
