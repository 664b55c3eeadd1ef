"""No engine keeps a picture after its call; the deletion promise depends on it.

A child process gives each engine a picture of noise, overwrites its own copy, and waits; this process then searches
the child's memory for runs of each picture as bytes and as floats, in the forms that the engines are known to use.
"""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from idproof.models import tesseract
from idproof.models.manifest import Profile
from idproof.models.types import Embeddings, Engines, RGBImage

SHAPES = {
    "detector": (480, 640, 3),
    "embedder": (112, 112, 3),
    "reader": (48, 400, 3),
    "latin_reader": (48, 400, 3),
    "landmarker": (480, 640, 3),
}
CONTROL = (60, 64, 3)
RUN = 16

CHILD = f"""
import gc, sys
import numpy as np
from idproof.models.profiles import load_engines
from idproof.models.types import DetectedFace
engines = load_engines("open")
def noise(seed, shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
def landmarks(picture):
    points = np.float32([[260, 200], [380, 200], [320, 260], [270, 320], [370, 320]])
    face = DetectedFace((200, 100, 240, 280), points, 1)
    engines.landmarker.eyes(picture, engines.landmarker.mesh(picture, face))
control = noise(99, {CONTROL})
calls = [engines.detector.detect, lambda p: engines.embedder.embed([p]), lambda p: engines.reader.read([p]),
         lambda p: engines.latin_reader.read([p]), landmarks]
for seed, (call, shape) in enumerate(zip(calls, {list(SHAPES.values())})):
    picture = noise(seed, shape)
    call(picture)
    picture[:] = 0
del picture
kept = engines.embedder.embed([control[:, :56].repeat(2, axis=1)[:56].repeat(2, axis=0)])
face = noise({len(SHAPES)}, {SHAPES["embedder"]})
template = engines.embedder.embed([face])
template.fill(0)
gc.collect()
print("waiting", flush=True)
sys.stdin.readline()
"""


def noise(seed: int, shape: tuple[int, ...]) -> RGBImage:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def forms(picture: RGBImage) -> dict[str, bytes]:
    """Returns a run of one row, in every form that an engine converts it to."""
    run = picture[picture.shape[0] // 2, 8 : 8 + RUN]
    found = {"rgb": run.tobytes(), "bgr": run[:, ::-1].tobytes()}
    for channel, name in enumerate("rgb"):
        plane = run[:, channel].astype(np.float32)
        found[f"{name} as floats"] = plane.tobytes()
        found[f"{name} as floats of -1..1"] = (plane / 127.5 - 1.0).astype(np.float32).tobytes()
    return found


def pages(picture: RGBImage) -> dict[str, bytes]:
    """Returns a run of the page that Tesseract gets, as bytes and as Leptonica's words of four bytes."""
    page = tesseract._stack([picture])
    run = page[page.shape[0] // 2, 48 : 48 + 4 * RUN]
    assert len(set(run.tolist())) > RUN, "not found by chance"
    return {"page": run.tobytes(), "words": run.reshape(-1, 4)[:, ::-1].tobytes()}


def memory(process: int) -> list[bytes]:
    """Yields every writable range of a process's memory, where a picture could be."""
    ranges = []
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as file:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if match is None:
                continue
            start, end = (int(value, 16) for value in match.groups())
            file.seek(start)
            ranges.append(file.read(end - start))
    return ranges


@pytest.fixture(scope="module")
def ranges(profile: Profile) -> list[bytes]:
    """Yields the memory of a child process that used every engine and overwrote its own copies."""
    environment = os.environ | {"MALLOC_PERTURB_": "165"}
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == b"waiting\n"
        try:
            return memory(child.pid)
        except PermissionError:
            pytest.skip("this system does not let a process read its child's memory")
        finally:
            child.stdin.close()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="overwriting on free is glibc's MALLOC_PERTURB_")
def test_no_engine_keeps_a_picture(ranges: list[bytes]) -> None:
    control = forms(noise(99, CONTROL))["rgb"]
    assert any(control in piece for piece in ranges), "the search finds a picture that is kept"
    left = [
        (engine, form)
        for seed, (engine, shape) in enumerate(SHAPES.items())
        for form, needle in forms(noise(seed, shape)).items()
        if any(needle in piece for piece in ranges)
    ]
    assert left == []
    latin = list(SHAPES).index("latin_reader")
    page = pages(noise(latin, SHAPES["latin_reader"]))
    assert [form for form, needle in page.items() if any(needle in piece for piece in ranges)] == []


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="overwriting on free is glibc's MALLOC_PERTURB_")
def test_the_embedder_keeps_neither_templates_nor_intermediate_values(ranges: list[bytes], engines: Engines) -> None:
    """numpy caches freed arrays as small as a template, where no guard of the allocator reaches them."""
    control = noise(99, CONTROL)[:, :56].repeat(2, axis=1)[:56].repeat(2, axis=0)
    assert any(run(engines.embedder.embed([control])) in piece for piece in ranges), "the search finds what is kept"
    face = noise(len(SHAPES), SHAPES["embedder"])
    upright, mirrored = engines.embedder.raw_features([face])
    made = {
        "template": engines.embedder.embed([face]),
        "upright": upright,
        "mirrored": mirrored,
        "sum": upright + mirrored,
    }
    assert [name for name, row in made.items() if any(run(row) in piece for piece in ranges)] == []


def run(row: Embeddings) -> bytes:
    """Returns enough numbers of a template that they cannot be found by chance."""
    return row[0, 8:24].tobytes()
