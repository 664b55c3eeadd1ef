"""Work on a cluster gives the same results as in one process, and can be resumed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from idproof.benchmarks.engine import all_pairs, fixed_point
from idproof.benchmarks.face import templates
from idproof.datasets.lfw import LabelledFaces
from idproof.datasets.specimen import make_sets
from idproof.models.profiles import load_engines
from idproof.pipeline.executors import ray_cluster
from idproof.pipeline.executors.task_runner import TaskRunner

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray leaves its pipes and logs to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[TaskRunner]:
    ray_cluster.start(cpus=2)
    yield TaskRunner(executor="ray")
    ray_cluster.stop()


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_specimens_are_the_same_bytes_and_a_stopped_run_goes_on(cluster: TaskRunner, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    make_sets(here, 3, 7)
    make_sets(there, 2, 7, runner=cluster)
    kept = {path: path.stat().st_mtime_ns for path in there.rglob("set.json")}
    (there / "00001" / "set.json").unlink()  # as if it had been stopped in the middle of the second
    told: list[int] = []
    make_sets(there, 3, 7, None, None, lambda done, total: told.append(done), runner=cluster, resume=True)
    assert files(here) == files(there)
    assert told == [1, 2, 3]
    assert (there / "00000" / "set.json").stat().st_mtime_ns == kept[there / "00000" / "set.json"]


def test_comparisons_count_the_same_on_a_cluster_and_resume(cluster: TaskRunner, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(300, 16)).astype(np.float32)
    templates = fixed_point(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    subjects = np.arange(300) // 3
    here = all_pairs(templates, subjects, block=64)
    file = tmp_path / "checkpoint.npz"
    seen: list[int] = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        all_pairs(templates, subjects, block=64, runner=cluster, checkpoint=file, progress=stop)
    assert file.exists()
    there = all_pairs(templates, subjects, block=64, runner=cluster, checkpoint=file)
    for one, other in ((here.impostor(), there.impostor()), (here.genuine(), there.genuine())):
        assert one.total == other.total
        assert np.array_equal(one.bins, other.bins)
        assert all(np.array_equal(a, b) for a, b in zip(one.highest(), other.highest(), strict=True))


def test_templates_are_the_same(cluster: TaskRunner, tmp_path: Path) -> None:
    from PIL import Image

    for number, shade in enumerate((60, 120, 180)):
        folder = tmp_path / f"Person_{number}"
        folder.mkdir()
        pixels = np.random.default_rng(number).integers(0, shade, (112, 112, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"Person_{number}_0001.jpg")
    faces, engines = LabelledFaces.open(tmp_path), load_engines("open")
    here = templates.make(faces, templates.ALIGNED, engines, lambda *_: None)
    there = templates.make(faces, templates.ALIGNED, engines, lambda *_: None, cluster)
    assert np.array_equal(here.places, there.places)
    np.testing.assert_allclose(here.in_force, there.in_force, atol=1e-6)
