"""Protected forms of one person are not linked, plain ones are, and a form that repeats its key would be seen."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import numpy as np
import pytest

from idproof.benchmarks.face import templates as face_templates
from idproof.benchmarks.harness.output import SCHEMA
from idproof.benchmarks.template import linkage, measure
from idproof.benchmarks.template.protection import Form, Holder, Service, opened, protect, rows
from idproof.datasets.lfw import LabelledFaces
from idproof.pipeline.errors import DatasetInvalid, SealBroken

NETWORK = "ab" * 32
PEOPLE = 60


def faces(people: int = PEOPLE) -> Any:
    """Two templates of each of many people, alike as two photographs of a face are."""
    rng = np.random.default_rng(4)
    base = rng.normal(size=(people, 1, 64))
    both = (base + 0.5 * rng.normal(size=(people, 2, 64))).reshape(-1, 64).astype(np.float32)
    both /= np.linalg.norm(both, axis=1, keepdims=True)
    return face_templates.Templates(np.arange(2 * people), np.repeat(np.arange(people), 2), {"unit": both})


def measured(monkeypatch: pytest.MonkeyPatch, people: int = PEOPLE) -> Any:
    monkeypatch.setattr(face_templates, "make", lambda *_: faces(people))
    monkeypatch.setattr(measure, "_DRAWS", 40)
    engines = SimpleNamespace(profile="open", weights={}, embedder_sha256=NETWORK)
    nobody = LabelledFaces(Path(), (), ())
    return measure.measure_template(nobody, engines, dataset="lfw-112", forms=4)  # type: ignore[arg-type]


def test_a_run_says_that_protected_templates_do_not_link(monkeypatch: pytest.MonkeyPatch) -> None:
    run = measured(monkeypatch)
    figures = run.figures
    for condition in ("", "elsewhere.", "renewed."):
        # Chance alone gives more than 0; the keys are not seeded, so a wide margin.
        chance = figures[f"template.{condition}dsys_by_chance"]
        assert figures[f"template.{condition}dsys"]["value"] < chance["high"] + 0.15
    assert figures["template.dsys_unprotected"]["value"] > 0.9
    assert (figures["template.changed"]["value"], figures["template.changed"]["n"]) == (0.0, PEOPLE)
    assert figures["template.lengths"]["value"] == 1
    assert run.counts == {"people": PEOPLE, "stored_forms": 16 * PEOPLE}
    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(run.to_json())


def test_a_protection_that_repeats_its_randomness_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure sees what it is there for: a person's own salt and key stream in every form."""

    def weak(template: Any, service: Service, holder: Holder, times: int = 1) -> Sequence[Form]:
        stream = np.frombuffer(holder.secret * 100, np.uint8)[: template.nbytes]
        made = next(iter(protect(template, service, holder)))
        hidden = (np.frombuffer(template.tobytes(), np.uint8) ^ stream).tobytes()
        return [Form(made.owner, hidden)] * times

    monkeypatch.setattr(measure, "protect", weak)
    monkeypatch.setattr(measure, "_changed", lambda *_: measure.rate(0, 1))
    figures = measured(monkeypatch).figures
    assert figures["template.dsys"]["value"] > 0.5
    assert figures["template.renewed.dsys"]["value"] > 0.9
    assert figures["template.elsewhere.dsys"]["value"] < 0.5, "another secret hides it even so"


def test_a_stored_form_opens_for_its_holder_alone() -> None:
    template = faces().in_force[:1]
    service, me, other = Service.new(NETWORK), Holder.new(), Holder.new()
    (form,) = protect(template, service, me)
    assert opened(form, service, me).tobytes() == template.tobytes()
    with pytest.raises(SealBroken):
        opened(form, service, other)


def test_a_learned_score_finds_a_bit_that_tells() -> None:
    rng = np.random.default_rng(5)
    one, other = (rng.integers(0, 256, (400, 40), dtype=np.uint8) for _ in range(2))
    mated = np.arange(400) % 2 == 0
    other[:, 7] = np.where(mated, one[:, 7], ~one[:, 7])
    training = np.arange(400) < 200
    score = linkage.learned(one, other, mated, training)(one[200:], other[200:])
    assert score[mated[200:]].min() > score[~mated[200:]].max()


def test_rows_have_one_length_and_few_people_are_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    forms = list(protect(faces().in_force[:1], Service.new(NETWORK), Holder.new(), 3))
    assert rows(forms).shape[0] == 3
    with pytest.raises(DatasetInvalid):
        measured(monkeypatch, people=5)


def test_only_the_first_two_pictures_of_a_person_are_used() -> None:
    names = ("a", "a", "a", "b", "c", "c")
    used = measure._two_each(LabelledFaces(Path(), tuple("123456"), names))
    assert (used.paths, used.names) == (tuple("1256"), ("a", "a", "c", "c"))
