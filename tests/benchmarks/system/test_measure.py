"""The whole verification, attempt by attempt: attempts, counts, and an executor that changes no verdict."""

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import samples
from PIL import Image
from runs import published

from idproof.benchmarks.errors import RunNotResumable
from idproof.benchmarks.system import attempts, causes
from idproof.benchmarks.system.cached_card import STAGES, CachedCardExecutor
from idproof.benchmarks.system.causes import AttemptResult
from idproof.benchmarks.system.groups import labels_of
from idproof.benchmarks.system.measure import figures, measure_system, resume_file
from idproof.datasets.sets import RegistrationSet, Truth, read_set, read_sets
from idproof.pipeline import BadInput, Captures, Limits, Policy, Verdict, Verifier, assurance, examine
from idproof.pipeline.errors import CardNotFound, InvalidSpecimen
from idproof.pipeline.opening import open_tools, rules_for_tools
from idproof.pipeline.types import CheckResult, Outcome, Status

KEYS = {"bench", "version", "profile", "weights", "machine", "seed", "counts", "figures"}


def holder(person: str, **fields: str) -> RegistrationSet:
    truth = Truth(True, None, True, fields, {}, person)
    return RegistrationSet(Path(person), "hkid-2018", {}, "selfie.jpg", (), truth, specimen=True)


def test_figures_come_from_counts() -> None:
    outcomes = {
        "bona_fide": Counter(accept=18, refer=1, bad_input=1),
        "impostor_selfie": Counter(reject=20),
        "photocopy_grey": Counter(accept=1, reject=3),
    }
    found = figures(outcomes)
    assert found["system.frr"]["value"] == pytest.approx(0.1)
    assert found["system.frr"]["n"] == 20
    assert found["system.fta"]["value"] == pytest.approx(0.05)
    assert found["system.far.impostor_selfie"]["value"] == 0
    assert found["system.far.impostor_selfie"]["high"] == pytest.approx(0.1391, abs=1e-4)
    assert found["system.far.photocopy_grey"]["value"] == 0.25
    assert found["system.far"]["n"] == 24
    assert found["system.accept"]["value"] == 0.9


def test_impostors_are_other_people() -> None:
    """Two registrations of one person lend each other nothing, and nobody tries twice with one card."""
    people = [holder("a"), holder("a"), holder("b"), holder("c")]
    found = attempts.trials(people, others=2)
    tried = [[each.selfie.truth.person for each in trial.attempts if each.selfie] for trial in found]
    assert tried == [["b", "c"], ["b", "c"], ["c", "a"], ["a", "b"]]
    assert {each.kind for trial in found for each in trial.attempts[1:]} == {"impostor_selfie"}
    assert [len(trial.attempts) for trial in attempts.trials([people[0], people[1]], others=2)] == [1, 1]


def test_lookalikes_are_the_nearest_other_people_by_the_comparison() -> None:
    people = [holder(name) for name in ("a", "a", "b", "c", "d")]
    turns = np.deg2rad([0, 2, 30, 10, 80])
    selfies = [np.array([[np.cos(turn), np.sin(turn)]], dtype=np.float32) for turn in turns]
    found = attempts.trials(people, others=0, lookalikes=2, selfies=selfies)
    assert [[each.selfie.truth.person for each in trial.attempts if each.selfie] for trial in found] == [
        ["c", "b"],
        ["c", "b"],
        ["c", "a"],
        ["a", "b"],
        ["b", "c"],
    ]
    assert {each.kind for trial in found for each in trial.attempts[1:]} == {"lookalike_selfie"}
    unusable = [*selfies[:3], None, selfies[4]]
    found = attempts.trials(people, others=0, lookalikes=1, selfies=unusable)
    assert [[each.selfie.truth.person for each in trial.attempts if each.selfie] for trial in found] == [
        ["b"],
        ["b"],
        ["a"],
        [],
        ["b"],
    ]


def test_an_attack_lends_nothing_and_is_tried_once() -> None:
    attack = replace(holder("x"), truth=Truth(False, "field_edit", True, {}, {}, "x"))
    found = attempts.trials([holder("a"), attack, holder("b")], others=3)
    assert [[each.kind for each in trial.attempts] for trial in found] == [
        ["bona_fide", "impostor_selfie"],
        ["field_edit"],
        ["bona_fide", "impostor_selfie"],
    ]


@pytest.fixture(scope="module")
def cached() -> tuple[Verifier, CachedCardExecutor]:
    tools = open_tools("open", "hkid-2018", Policy.for_uploads(), Limits(), 1)
    executor = CachedCardExecutor(tools)
    return Verifier(rules_for_tools(tools, None), executor), executor


def verified(verifier: Verifier, parts: dict[str, bytes]) -> Verdict | BadInput:
    try:
        return verifier.verify(Captures.from_parts(parts))
    except BadInput as error:
        return error


def same(one: Verdict | BadInput, other: Verdict | BadInput) -> None:
    if isinstance(one, BadInput) or isinstance(other, BadInput):
        assert (type(one), str(one)) == (type(other), str(other))
        return
    assert (one.decision, one.reasons, one.form) == (other.decision, other.reasons, other.form)
    assert one.fields == other.fields
    assert one.checks == other.checks
    assert (one.document_type, one.policy, one.profile) == (other.document_type, other.policy, other.profile)
    assert (one.weights, one.not_performed) == (other.weights, other.not_performed)


def test_the_cached_card_changes_no_verdict(
    tmp_path: Path, verifier: Verifier, cached: tuple[Verifier, CachedCardExecutor]
) -> None:
    """Field by field and check by check, on real registrations: first selfie, second selfie, another card, bad ones."""
    samples.make(tmp_path / "bona", 2, 31)
    samples.make(tmp_path / "attack", 1, 31, attack="field_edit")
    first, second, edited = (entry.parts() for entry in reversed(read_sets(tmp_path)))
    blank = {**first, "selfie": _jpeg(np.full((600, 600, 3), 90, dtype=np.uint8))}
    no_card = {**second, "card_front": _jpeg(np.full((1080, 1920, 3), 90, dtype=np.uint8))}
    shortened = {**no_card, "selfie": second["selfie"][:500]}
    tries = [
        first,
        {**first, "selfie": second["selfie"]},
        blank,
        no_card,
        shortened,
        edited,
    ]
    examined: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examine, "find_card", counted_finds(examined))
        quick = [verified(cached[0], parts) for parts in tries]
    assert len(examined) == 3  # three cards among six registrations
    for parts, found in zip(tries, quick, strict=True):
        same(found, verified(verifier, parts))
    assert isinstance(quick[3], CardNotFound)
    decisions = [found.decision.value for found in quick if not isinstance(found, BadInput)]
    assert len(set(decisions)) > 1


def counted_finds(examined: list[int]) -> object:
    real = examine.find_card

    def find(*arguments: object) -> object:
        examined.append(1)
        return real(*arguments)  # type: ignore[arg-type]

    return find


def _jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="JPEG")
    return out.getvalue()


def test_stages_come_from_where_the_checks_were_made(
    cached: tuple[Verifier, CachedCardExecutor], parts: dict[str, bytes]
) -> None:
    verdict = cached[0].verify(Captures.from_parts(parts))
    stage_of = cached[1].stage_of
    # The level of capture is no finding of a stage: the rules add it.
    assert set(stage_of) == {check.name for check in verdict.checks} - {assurance.NAME}
    assert set(stage_of.values()) == set(STAGES)
    assert stage_of["face_comparison"] == "face"
    assert stage_of["fields_readable"] == "fields"


def test_causes_are_counted_by_stage_alone_and_together() -> None:
    results = [
        AttemptResult("bona_fide", "1", "accept", ()),
        AttemptResult("bona_fide", "2", "refer", ("dim",), {"face": ("dim",)}),
        AttemptResult("bona_fide", "3", "reject", ("flat", "dim"), {"card": ("flat",), "face": ("dim",)}),
        AttemptResult("bona_fide", "4", "bad_input", ("card_not_found",), {"capture": ("card_not_found",)}),
        AttemptResult("lookalike_selfie", "5", "accept", ()),
        AttemptResult("lookalike_selfie", "6", "refer", ("flat",), {"card": ("flat",)}),
        AttemptResult("lookalike_selfie", "7", "bad_input", ("card_not_found",), {"capture": ("card_not_found",)}),
    ]
    table = causes.table(results)["bona_fide"]
    assert table["attempts"] == 4
    assert table["objected"] == {"face": 2, "card": 1, "capture": 1}
    assert table["alone"] == {"face": 1, "capture": 1}
    assert table["checks"] == {"dim": 2, "flat": 1, "card_not_found": 1}
    by_stage = causes.figures(results)
    assert by_stage["system.frr.face"]["value"] == 0.5
    assert by_stage["system.frr.fields"]["value"] == 0.0
    assert (
        by_stage["system.far.lookalike_selfie.face"]["value"],
        by_stage["system.far.lookalike_selfie.face"]["n"],
    ) == (
        1.0,
        2,
    )
    assert by_stage["system.far.lookalike_selfie.card"]["value"] == 0.5
    assert causes.reasons(results)["bona_fide"] == {"dim": 2, "flat": 1, "card_not_found": 1}


def test_several_impostors_at_one_card_count_as_one_card() -> None:
    results = [
        AttemptResult("impostor_selfie", f"{card}+{selfie}", "accept" if card == "a" else "reject", ())
        for card in "abcd"
        for selfie in "xyz"
    ]
    figure = causes.figures(results)["system.cards.impostor_selfie"]
    assert (figure["value"], figure["n"]) == (0.25, 4)


def test_a_required_check_that_is_not_there_is_a_cause_of_its_own() -> None:
    checks = [CheckResult("a", Status.ASSESSED, Outcome.PASS), CheckResult.not_assessed("b", "b_hidden")]
    found = causes.objections(checks, ("b_hidden", "c_missing"), {"a": "card", "b": "fields"})
    assert found == {"fields": ("b",), "missing": ("c_missing",)}


def test_groups_are_what_is_labelled_and_what_is_printed() -> None:
    entry = holder("a", sex="男 M", chinese_name="", date_of_birth="06-04-1941", issue_date="13-08-24")
    assert labels_of(entry) == ("printed sex: M", "Chinese name: none", "age at issue: 60 and over")
    labelled = replace(entry, truth=replace(entry.truth, labels={"skin": "dark"}, fields={"date_of_birth": "unknown"}))
    assert labels_of(labelled) == ("skin: dark",)


def test_a_group_is_held_apart_and_a_group_of_everybody_is_none() -> None:
    results = [
        AttemptResult("bona_fide", str(i), "accept" if i else "refer", (), {}, ("all", "a" if i < 2 else "b"))
        for i in range(5)
    ]
    groups = causes.groups(results)["system.frr"]
    assert {name: (entry["value"], entry["n"]) for name, entry in groups.items()} == {"a": (0.5, 2), "b": (0.0, 3)}


def test_labels_that_are_no_text_are_refused(tmp_path: Path) -> None:
    samples.make(tmp_path, 1, 3)
    file = tmp_path / "00000" / "set.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    data["truth"]["labels"] = {"age": "30 to 44"}
    file.write_text(json.dumps(data), encoding="utf-8")
    assert read_set(file.parent).truth.labels == {"age": "30 to 44"}
    data["truth"]["labels"] = {"age": 31}
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InvalidSpecimen, match=r"truth\.labels\.age"):
        read_set(file.parent)


def test_a_stopped_run_is_resumed_and_a_file_of_another_run_is_refused(tmp_path: Path) -> None:
    samples.make(tmp_path / "sets", 2, 3)
    tasks = attempts.trials(read_sets(tmp_path / "sets"))
    file = tmp_path / "resume"
    refused = AttemptResult("bona_fide", "a", "refer", ("dim",), {"face": ("dim",)}, ("sex: F",))
    results = [refused, AttemptResult("impostor_selfie", "a+b", "accept", ())]
    weights = {"net.onnx": "0"}
    resume_file(file, tasks, weights).add(1, results)
    assert resume_file(file, tasks, weights).done == {1: results}
    file.write_text(file.read_text() + '{"place": 0, "en')  # the machine failed while it wrote
    again = resume_file(file, tasks, weights)
    assert again.done == {1: results}
    again.add(0, results[:1])
    assert resume_file(file, tasks, weights).done == {0: results[:1], 1: results}
    for other_tasks, other_weights in ((tasks[:1], weights), (tasks, {"net.onnx": "1"})):
        with pytest.raises(RunNotResumable, match="of other registrations"):
            resume_file(file, other_tasks, other_weights)
    assert resume_file(None, tasks, {}).done == {}


def test_a_system_run_has_the_published_form(tmp_path: Path) -> None:
    samples.make(tmp_path / "bona", 2, 31)
    samples.make(tmp_path / "edit", 1, 31, attack="field_edit")
    told: list[tuple[int, int]] = []
    sets, file = read_sets(tmp_path), tmp_path / "resume"
    measured = measure_system(sets, resume=file, progress=lambda done, total: told.append((done, total)))
    assert measure_system(sets, resume=file).to_json() == measured.to_json()
    run = published(measured)
    assert set(run) >= KEYS
    assert json.loads(json.dumps(run)) == run
    assert run["counts"]["bona_fide"] == {"accept": 2, "refer": 0, "reject": 0, "bad_input": 0}
    assert run["counts"]["field_edit"] == {"accept": 0, "refer": 0, "reject": 1, "bad_input": 0}
    for kind in ("impostor_selfie", "lookalike_selfie"):
        assert run["counts"][kind] == {"accept": 0, "refer": 0, "reject": 2, "bad_input": 0}
        assert run["figures"][f"system.far.{kind}.face"]["value"] == 0.0
        assert run["figures"][f"system.far.{kind}.card"]["value"] == 1.0
        assert run["causes"][kind]["alone"] == {"face": 2}
    assert run["counts"]["bona_fide_people"] == 2
    assert run["reasons"]["field_edit"] == {"sex_scripts_differ": 1}
    assert run["causes"]["field_edit"]["alone"] == {"fields": 1}
    assert set(run["outcomes"]["bona_fide"]) != set(run["outcomes"]["impostor_selfie"])
    assert told[-1] == (7, 7)
