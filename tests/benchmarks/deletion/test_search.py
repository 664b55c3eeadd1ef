"""The search finds needles wherever and however they lie, and its figures count them."""

import inspect
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.benchmarks.deletion import search
from idproof.benchmarks.deletion.canaries import CanaryFactory, Needles
from idproof.benchmarks.deletion.forms import BIOMETRIC_FORMS, FORMS, crop_forms, pick_needles, row_forms
from idproof.benchmarks.deletion.measure import _unproven, figures
from idproof.benchmarks.deletion.scenarios import ScenarioResult
from idproof.benchmarks.deletion.search import Searcher
from idproof.benchmarks.deletion.search_client import SearchClient
from idproof.benchmarks.deletion.table import NEEDLE_BYTES, Table, searchable
from idproof.benchmarks.harness.processes import session_processes
from idproof.benchmarks.harness.server import Server

RNG = np.random.default_rng(5)
NEEDLES = RNG.integers(0, 256, (200, NEEDLE_BYTES), dtype=np.uint8)
TABLE = Table(NEEDLES)


@given(st.integers(0, 3000), st.integers(0, 199), st.integers(0, 7))
def test_a_needle_is_found_at_every_place(place: int, number: int, tail: int) -> None:
    block = np.zeros(place + NEEDLE_BYTES + tail, dtype=np.uint8)
    block[place : place + NEEDLE_BYTES] = NEEDLES[number]
    assert TABLE.scan(block).tolist() == [number]


@given(st.integers(0, 199), st.integers(0, NEEDLE_BYTES - 1))
def test_what_differs_in_one_byte_is_not_found(number: int, place: int) -> None:
    block = NEEDLES[number].copy()
    block[place] ^= 1
    assert TABLE.scan(block).tolist() == []


def test_needles_that_share_words_are_told_apart() -> None:
    pair = np.stack([NEEDLES[0], NEEDLES[0]])
    pair[1, -1] ^= 1
    assert Table(pair).scan(np.concatenate([pair[1], pair[0]])).tolist() == [0, 1]
    assert Table(pair).scan(np.concatenate([pair[1], np.zeros(5, np.uint8)])).tolist() == [1]


def test_plain_areas_are_no_needles() -> None:
    assert not searchable(np.full((1, NEEDLE_BYTES), 165, dtype=np.uint8)).any()
    assert searchable(NEEDLES).all()


def test_smooth_areas_and_repeated_numbers_are_no_needles() -> None:
    smooth = np.tile(np.array([[180, 150, 140, 181, 151, 141, 182, 150]], dtype=np.uint8), 4)
    repeated = np.full((1, 8), 170 / 255, dtype=np.float32).view(np.uint8)
    varied = (np.arange(8, dtype=np.float32)[None] / 255 + 0.5).view(np.uint8)
    assert not searchable(smooth).any()
    assert not searchable(repeated, numbers=True).any()
    assert searchable(varied, numbers=True).all()


def test_files_open_files_and_texts_are_searched(tmp_path: Path) -> None:
    """Also a needle over the edge of two blocks, and a file that has no name any more."""
    searcher = Searcher(TABLE, ["許俟吋".encode()])
    edge = search.BLOCK_BYTES - 10
    (tmp_path / "large").write_bytes(bytes(edge) + NEEDLES[3].tobytes())
    (tmp_path / "log").write_text("fields: 許俟吋")
    with tempfile.TemporaryFile() as nameless:
        nameless.write(NEEDLES[4].tobytes())
        nameless.flush()
        looked = searcher.search(None, [str(tmp_path)], None)
        assert (looked.found, looked.texts) == ({"files": {3}}, {"files": {0}})
        looked = search.SearchResult()
        searcher._open_files(os.getpid(), looked)
        assert looked.found == {"open_files": {4}}


def test_shared_memory_is_searched() -> None:
    planted = Path("/dev/shm") / f"idproof-test-{os.getpid()}"
    try:
        planted.write_bytes(NEEDLES[5].tobytes())
        assert Searcher(TABLE, []).search(None, [], None).found == {"shared_memory": {5}}
    finally:
        planted.unlink()


def test_the_memory_of_every_process_of_a_session_is_searched_from_another_process(tmp_path: Path) -> None:
    """A parent that holds one needle and a child that holds another; the parent's is gone once it is overwritten."""
    holds = "held = bytearray(bytes.fromhex(sys.stdin.readline()))"
    child = f"import sys; {holds}; print('ready', flush=True); sys.stdin.readline()"
    code = (
        f"import subprocess, sys; {holds}\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)\n"
        "child.stdin.write(sys.stdin.readline().encode()); child.stdin.flush()\n"
        "sys.stdin.readline(); held[:] = bytes(len(held)); print('wiped', flush=True); sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(NEEDLES[7].tobytes().hex() + "\n" + NEEDLES[8].tobytes().hex() + "\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == "ready\n"
        server = Server(parent, 0, tmp_path)  # type: ignore[arg-type]
        with SearchClient() as client:
            client.load(Needles(NEEDLES, np.zeros(200, dtype=np.int16)), ())
            looked = client.search(server)
            assert (looked["processes"], looked["found"]["memory"]) == (2, [7, 8])
            parent.stdin.write("\n")
            parent.stdin.flush()
            assert parent.stdout.readline() == "wiped\n"
            assert client.search(server)["found"]["memory"] == [8]
        for pid in session_processes(parent.pid):
            os.kill(pid, 9)


def test_files_changed_since_a_moment_are_found(tmp_path: Path) -> None:
    since = time.time()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "new").write_bytes(NEEDLES[9].tobytes())
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "new")
    root = str(tmp_path)  # the whole disk, the default, takes a minute
    assert set(search.changed_files(since - 1, root)) == {tmp_path / "folder" / "new"}
    assert set(search.changed_files(since + 3600, root)) == set()


def test_a_search_since_a_moment_covers_the_whole_disk() -> None:
    assert inspect.signature(search.changed_files).parameters["root"].default == "/"


def test_a_picture_has_needles_in_every_order_of_channels() -> None:
    image = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for form, layout in (*row_forms(image), *crop_forms(image)):
        picked = pick_needles(layout, 256)
        assert len(picked) > 8, form
        data = np.frombuffer(np.ascontiguousarray(layout).tobytes(), dtype=np.uint8)
        assert len(Table(picked).scan(data)) == len(np.unique(picked, axis=0))


def scenario(name: str, found: int, texts: int = 0) -> ScenarioResult:
    return ScenarioResult(
        name, dict.fromkeys(FORMS, 10), dict.fromkeys(FORMS, 0) | {"tensor": found}, 3, texts, {}, [2.0]
    )


def test_the_figures_count_what_was_found() -> None:
    controls = {"control": scenario("keeps", 9), "ordinary": scenario("ordinary", 5)}
    found = figures([scenario("one", 0), scenario("two", 4, texts=1)], controls, ([2.0], [1.0]))
    assert (found["deletion.found"]["value"], found["deletion.found"]["n"]) == (5, 2 * (10 * len(FORMS) + 3))
    assert (found["deletion.found.tensor"]["value"], found["deletion.found.text"]["value"]) == (4, 1)
    assert found["deletion.scenario.one"]["value"] == 0
    assert found["deletion.control_found"]["value"] == 9
    assert found["deletion.ordinary_found"]["value"] == 5
    assert found["deletion.cost_ratio"]["value"] == pytest.approx(2.0)
    assert found["deletion.wipe_ms.p99"]["n"] == 2


def control(missed: str | None = None, share: int = 0) -> ScenarioResult:
    found = dict.fromkeys(FORMS, 10) | ({} if missed is None else {missed: share})
    return ScenarioResult("control", dict.fromkeys(FORMS, 10), found, 3, 3)


def unproven(keeps: ScenarioResult, held: ScenarioResult, unfinished: ScenarioResult) -> list[str]:
    return _unproven({"control": keeps, "held": held, "unfinished": unfinished})


def test_a_form_that_a_control_misses_proves_nothing() -> None:
    assert unproven(control(), control(), control()) == []
    assert unproven(control("line"), control(), control()) == ["line"]
    assert unproven(control("line", 1), control("line"), control("line")) == []
    assert unproven(control(), control(), control("upload_tail")) == ["upload_tail"]
    for form in BIOMETRIC_FORMS:
        assert unproven(control(), control(form, 9), control()) == [form]
    silent = replace(control(), texts_found=0)
    assert unproven(silent, control(), control()) == ["text"]


def test_a_part_of_a_run_proves_nothing_without_its_controls() -> None:
    assert _unproven({}) == [*FORMS, "text"]
    assert _unproven({"control": control(), "unfinished": control()}) == list(BIOMETRIC_FORMS)
    assert figures([], {}, None) == {}
    assert "deletion.cost_ratio" not in figures([scenario("one", 0)], {}, None)


def test_what_every_picture_of_the_kind_holds_is_no_needle() -> None:
    """A JPEG's tables are the same in a stranger's picture: found there, they would be no trace of a canary."""
    factory = CanaryFactory("open", 5)
    canary = factory.canary(0)
    sought = {needle.tobytes() for needle in factory.needles(canary, whole=False).data}
    stranger = factory.canary(1).parts["card_front"]
    assert canary.parts["card_front"][:32] == stranger[:32]
    assert not any(needle in stranger for needle in sought if needle in canary.parts["card_front"][:1024])
    assert any(needle in canary.parts["card_front"] for needle in sought)
