"""Faces and templates that are planted are found in every form, and after the verdict in none."""

import os
from pathlib import Path

import numpy as np
import pytest

from idproof.benchmarks.deletion.canaries import CanaryFactory
from idproof.benchmarks.deletion.forms import BIOMETRIC_FORMS, TENSOR, forms_of, needles_of, serialise
from idproof.benchmarks.deletion.held import run_held
from idproof.benchmarks.deletion.planting import copies, copies_of_session
from idproof.benchmarks.deletion.scenarios import ScenarioRunner
from idproof.benchmarks.deletion.search_client import SearchClient
from idproof.benchmarks.deletion.table import NEEDLE_BYTES, Table
from idproof.pipeline import VaultSession
from idproof.pipeline.config import Limits
from idproof.pipeline.vault.face_templates import FaceTemplates, put_templates
from idproof.pipeline.vault.kinds import CROP, TEMPLATE

RNG = np.random.default_rng(7)
FACE = RNG.integers(0, 256, (112, 112, 3), dtype=np.uint8)
TEMPLATES = RNG.normal(size=(3, 128)).astype(np.float32)


def held_session() -> VaultSession:
    session = VaultSession(Limits())
    put_templates(session, FaceTemplates(*(row[None].copy() for row in TEMPLATES)))
    session.put(CROP, "selfie_face", FACE.copy())
    session.put(CROP, "second_portrait", FACE[:50].copy())  # no aligned face
    return session


def test_every_form_of_a_planted_face_and_template_is_found() -> None:
    planted = b"".join(b"-" + bytes(memoryview(one).cast("B")) for one in copies_of_session(held_session()))
    sought = {form: [] for form in BIOMETRIC_FORMS if form != "template_raw"}
    for kind, array in ((CROP, FACE), (TEMPLATE, TEMPLATES)):
        for form, layout in forms_of(kind, array):
            sought[form].append(needles_of(form, layout, 2048))
    for form, needles in sought.items():
        table = Table(np.unique(np.concatenate(needles), axis=0))
        assert len(table) >= 3, form
        assert len(table.scan(np.frombuffer(planted, dtype=np.uint8))) == len(table), form


def test_only_aligned_faces_and_templates_are_planted() -> None:
    session = VaultSession(Limits())
    session.put(CROP, "second_portrait", FACE[:50].copy())
    assert list(copies_of_session(session)) == []


def test_a_serialised_template_is_told_from_its_numbers() -> None:
    """One needle holds the end of the header: it is in the serialised form alone."""
    ((_, edge),) = [found for found in forms_of(TEMPLATE, TEMPLATES[:1]) if found[0] == "template_serialised"]
    assert len(edge) == NEEDLE_BYTES
    table = Table(edge[None])
    assert table.scan(np.frombuffer(serialise(TEMPLATES[:1]), dtype=np.uint8)).tolist() == [0]
    assert table.scan(TEMPLATES[0].view(np.uint8)).tolist() == []


def test_a_mirrored_face_is_told_from_the_face() -> None:
    needles = [needles_of(form, layout, 2048) for form, layout in forms_of(CROP, FACE) if form == "face_mirrored"]
    plain = [np.array(layout, order="C") for form, layout in forms_of(CROP, FACE) if form == "face_uint8"]
    table = Table(np.unique(np.concatenate(needles), axis=0))
    assert not any(len(table.scan(one.view(np.uint8).reshape(-1))) for one in plain)


def test_other_arrays_have_one_form_alone() -> None:
    assert [form for form, _ in forms_of(TENSOR, TEMPLATES)] == ["tensor"]
    assert len(list(copies(TENSOR, TEMPLATES))) == 1


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may search the memory of the guarded server")
def test_what_a_guarded_server_holds_is_gone_after_its_verdict(tmp_path: Path) -> None:
    with SearchClient() as search:
        runner = ScenarioRunner(CanaryFactory("open", 5), search, tmp_path, "open", lambda _: None)
        with runner.server("holds") as server:
            held, after = run_held(runner, server)
    assert after.answers == {"201": 1}
    for form in BIOMETRIC_FORMS:
        assert held.found[form] == held.sought[form] > 0, form
    assert sum(after.found.values()) == after.texts_found == 0
