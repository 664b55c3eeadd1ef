"""The search finds what is there, wherever and however it lies, and its figures say so."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idproof.benchmarks.deletion import run as deletion_bench
from idproof.benchmarks.deletion import search
from idproof.benchmarks.deletion.canaries import FORMS, Mint, Needles, _pick, crop_forms, row_forms
from idproof.benchmarks.deletion.scenarios import Outcome
from idproof.benchmarks.deletion.search import Searcher
from idproof.benchmarks.deletion.table import NEEDLE_BYTES, Table, searchable
from idproof.benchmarks.harness.server import Search, Server

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


def test_files_open_files_and_texts_are_searched(tmp_path: Path) -> None:
    """Also a needle over the edge of two blocks, and a file that has no name any more."""
    searcher = Searcher(TABLE, ["許俟吋".encode()])
    edge = search._BLOCK - 10
    (tmp_path / "large").write_bytes(bytes(edge) + NEEDLES[3].tobytes())
    (tmp_path / "log").write_text("fields: 許俟吋")
    with tempfile.TemporaryFile() as nameless:
        nameless.write(NEEDLES[4].tobytes())
        nameless.flush()
        looked = searcher.search(None, [str(tmp_path)], None)
        assert (looked.found, looked.texts) == ({"files": {3}}, {"files": {0}})
        looked = search.Looked()
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
        with Search() as search:
            search.load(Needles(NEEDLES, np.zeros(200, dtype=np.int16)), ())
            looked = search.look(server)
            assert (looked["processes"], looked["found"]["memory"]) == (2, [7, 8])
            parent.stdin.write("\n")
            parent.stdin.flush()
            assert parent.stdout.readline() == "wiped\n"
            assert search.look(server)["found"]["memory"] == [8]
        for pid in search.processes(parent.pid):
            os.kill(pid, 9)


def test_files_changed_since_a_moment_are_found_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    since, walked, real = time.time(), [], os.walk

    def walk(top: str) -> Iterator[tuple[str, list[str], list[str]]]:
        walked.append(top)
        return real(tmp_path)  # a whole disk takes a minute of every run

    monkeypatch.setattr(search.os, "walk", walk)
    (tmp_path / "new").write_bytes(NEEDLES[9].tobytes())
    assert tmp_path / "new" in set(search.changed(since - 1))
    assert tmp_path / "new" not in set(search.changed(since + 3600))
    assert set(walked) == {"/"}


def test_a_picture_has_needles_in_every_order_of_channels() -> None:
    image = RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for form, layout in (*row_forms(image), *crop_forms(image)):
        picked = _pick(layout, 256)
        assert len(picked) > 8, form
        data = np.frombuffer(np.ascontiguousarray(layout).tobytes(), dtype=np.uint8)
        assert len(Table(picked).scan(data)) == len(np.unique(picked, axis=0))


def outcome(name: str, found: int, texts: int = 0) -> Outcome:
    return Outcome(name, dict.fromkeys(FORMS, 10), dict.fromkeys(FORMS, 0) | {"tensor": found}, 3, texts, {}, [2.0])


def test_the_figures_count_what_was_found() -> None:
    figures = deletion_bench._figures(
        [outcome("one", 0), outcome("two", 4, texts=1)], outcome("keeps", 9), outcome("ordinary", 5), ([2.0], [1.0])
    )
    assert (figures["deletion.found"]["value"], figures["deletion.found"]["n"]) == (5, 2 * (10 * len(FORMS) + 3))
    assert (figures["deletion.found.tensor"]["value"], figures["deletion.found.text"]["value"]) == (4, 1)
    assert figures["deletion.scenario.one"]["value"] == 0
    assert figures["deletion.control_found"]["value"] == 9
    assert figures["deletion.cost_ratio"]["value"] == pytest.approx(2.0)
    assert figures["deletion.wipe_ms.p99"]["n"] == 2


def test_what_every_picture_of_the_kind_holds_is_no_needle() -> None:
    """A JPEG's tables are the same in a stranger's picture: found there, they would be no trace of a canary."""
    mint = Mint("open", 5)
    canary = mint.canary(0)
    sought = {needle.tobytes() for needle in mint.needles(canary, whole=False).data}
    stranger = mint.canary(1).parts["card_front"]
    assert canary.parts["card_front"][:32] == stranger[:32]
    assert not any(needle in stranger for needle in sought if needle in canary.parts["card_front"][:1024])
    assert any(needle in canary.parts["card_front"] for needle in sought)
