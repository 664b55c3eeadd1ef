"""A real Ray cluster on this machine gives the same verdicts, exposes no picture on the way, and loses no request."""

import contextlib
import hashlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from ray.serve.exceptions import BackPressureError

from idproof.models import manifest as manifests
from idproof.models.store import default_cache
from idproof.pipeline import Captures, Decision, Verdict, Verifier
from idproof.pipeline.errors import BadInput, ClusterBusy, SessionExpired
from idproof.pipeline.executors import ray_cluster
from idproof.pipeline.executors.ray_cluster import RayExecutor, ReplicaPool
from idproof.pipeline.executors.ray_folder import own_folder
from idproof.pipeline.executors.replica import ReplicaConfig
from idproof.pipeline.types import Role
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.verdict import to_json
from idproof.service.http.problems import STATUS_BY_CODE

Build = Callable[..., Captures]

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray leaves its pipes and logs to the collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayExecutor]:
    ray_cluster.start(cpus=3)
    yield ray_cluster.deploy(ReplicaConfig(inspectable=True), ReplicaPool(1, 1))
    ray_cluster.stop()


@pytest.fixture
def away(cluster: RayExecutor, verifier: Verifier) -> Verifier:
    return Verifier(verifier.rules, cluster)


def replicas() -> list[int]:
    """Processes of this cluster that examine; Ray names each by its deployment."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit()
        and command(entry).startswith(b"ray::ServeReplica:idproof:examination")
        and is_ours(int(entry.name))
    ]


def is_ours(process: int) -> bool:
    while process > 1 and process != os.getpid():
        try:
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
    return process == os.getpid()


def listening() -> set[str]:
    """Local addresses, as `/proc/net/tcp` writes them, on which processes of this cluster listen (proc_net(5))."""
    sockets: set[str] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_ours(int(entry.name)):
            for descriptor in (entry / "fd").iterdir():
                with contextlib.suppress(OSError):
                    sockets.add(str(descriptor.readlink()).removeprefix("socket:[").rstrip("]"))
    rows = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
    ]
    return {row[1].rpartition(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets}


def test_the_cluster_listens_on_this_machine_only_and_its_folder_is_its_owners(cluster: RayExecutor) -> None:
    loopback = "0100007F"
    found = listening()
    assert found
    assert found <= {loopback, f"{'0' * 16}FFFF0000{loopback}"}
    folder = own_folder()
    assert (folder.stat().st_mode & 0o777, folder.stat().st_uid) == (0o700, os.getuid())
    assert any(folder.glob("session_*"))


def test_the_verdict_is_the_same_field_by_field(away: Verifier, verifier: Verifier, captures_of: Build) -> None:
    for attack in (None, "field_edit"):
        here, there = (to_json(one.verify(captures_of(attack))) for one in (verifier, away))
        own = {"id", "started_at", "timings_ms", "deletion"}
        assert {name: here[name] for name in here if name not in own} == {
            name: there[name] for name in there if name not in own
        }
        assert there["deletion"]["outstanding"] == 0
        held = {entry["kind"]: entry["count"] for entry in there["deletion"]["wiped"]}
        assert held["upload"] == 2 * len(Role)  # here and on the replica
        assert held["decoded"] == len(Role)


def test_a_bad_input_comes_back_as_the_same_error(away: Verifier, captures_of: Build) -> None:
    with pytest.raises(BadInput) as caught:
        away.verify(captures_of(selfie=b"\xff\xd8 no picture"))
    assert (caught.value.code, caught.value.capture) == ("capture_unreadable", "selfie")


def pieces(captures: Captures) -> list[bytes]:
    return [data[at : at + 48] for _, data in captures.items() for at in range(2000, len(data) - 48, 20_000)]


def places() -> Iterator[Path]:
    """Ray's files, and what its processes hold open without a name, which its object store does."""
    for folder in ("/dev/shm", own_folder()):
        yield from (path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink())
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and b"raylet" in command(entry):
            yield from (path for path in (entry / "fd").iterdir() if path.is_file())


def command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return b""


def found(needles: list[bytes]) -> set[bytes]:
    there: set[bytes] = set()
    for path in places():
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            there |= {needle for needle in needles if needle in data}
    return there


def test_nothing_of_a_picture_is_in_shared_memory_or_files_while_it_is_examined(
    away: Verifier, captures_of: Build
) -> None:
    needles = pieces(captures_of())
    assert len(needles) >= 20
    seen: set[bytes] = set()
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(away.verify, captures_of())
        while not under_way.done():
            seen |= found(needles)
        assert under_way.result().decision is Decision.ACCEPT
    assert seen == set()
    control = [os.urandom(200_000) for _ in range(2)]
    kept = [ray_cluster.ray.put(np.frombuffer(data, np.uint8)) for data in control]
    assert len(found([data[1000:1048] for data in control])) == len(kept)  # unsealed data is found there


def test_the_end_of_a_session_cancels_its_request(cluster: RayExecutor, verifier: Verifier, captures_of: Build) -> None:
    away = Verifier(verifier.rules, cluster)
    with away.vault.open() as session:
        for name, data in captures_of().items():
            session.receive(name).write(data)
        threading.Timer(0.7, session.wipe).start()
        start = time.monotonic()
        with pytest.raises(SessionExpired):
            away.verify_session(session)
    assert time.monotonic() - start < 3  # no answer was waited for
    assert away.verify(captures_of()).decision is Decision.ACCEPT


def test_a_registration_whose_replica_is_killed_is_examined_again(away: Verifier, captures_of: Build) -> None:
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(away.verify, captures_of())
        time.sleep(1)
        for process in replicas():
            os.kill(process, signal.SIGKILL)
        verdict = under_way.result(timeout=90)
    assert verdict.decision is Decision.ACCEPT


def test_after_a_second_lost_replica_a_person_decides(
    cluster: RayExecutor, verifier: Verifier, captures_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    tried: list[VaultSession] = []

    def dies(_: RayExecutor, session: VaultSession, *__: object) -> None:
        tried.append(session)
        raise ray.exceptions.ActorDiedError

    monkeypatch.setattr(RayExecutor, "_ask_once", dies)
    verdict = Verifier(verifier.rules, cluster).verify(captures_of())
    assert len(tried) == 2
    assert verdict.decision is Decision.REFER
    assert verdict.reasons[0] == "examination_interrupted"
    assert verdict.deletion.outstanding == 0
    assert verdict.fields == {}


def test_a_full_queue_is_reported_as_busy(cluster: RayExecutor, verifier: Verifier, captures_of: Build) -> None:
    class Full:
        class examine:  # noqa: N801 - a method's name
            @staticmethod
            def remote(*_: object) -> None:
                raise BackPressureError(num_queued_requests=64, max_queued_requests=64)

    full = Verifier(verifier.rules, replace(cluster, handle=Full()))  # type: ignore[arg-type]
    with pytest.raises(ClusterBusy) as caught:
        full.verify(captures_of())
    assert STATUS_BY_CODE[caught.value.code] == 503


def other_weights(folder: Path) -> tuple[Path, Path, str]:
    """A manifest and a cache with another file of the recogniser: the same numbers under another SHA-256."""
    manifest = manifests.load(None)
    weight = manifest.profile("open").embedder
    shutil.copytree(default_cache(), folder / "cache")
    network = onnx.load(folder / "cache" / weight.file)
    network.doc_string = "the next version"
    data = network.SerializeToString()
    (folder / "cache" / weight.file).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    text = (Path(manifests.__file__).parent / "manifest.toml").read_text()
    (folder / "manifest.toml").write_text(text.replace(weight.sha256, digest))
    return folder / "manifest.toml", folder / "cache", digest


def test_weights_are_upgraded_under_load_without_a_failed_request(
    away: Verifier, captures_of: Build, tmp_path: Path
) -> None:
    manifest, cache, digest = other_weights(tmp_path)
    stop = threading.Event()
    verdicts: list[Verdict] = []

    def send() -> None:
        while not stop.is_set():
            verdicts.append(away.verify(captures_of()))

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        while not verdicts and not sending.done():  # the first one is made with the weights before
            time.sleep(0.05)
        before = set(replicas())
        ray_cluster.deploy(ReplicaConfig(manifest=manifest, cache=cache, inspectable=True), ReplicaPool(1, 1))
        deadline = time.monotonic() + 60
        while not (verdicts and digest in verdicts[-1].weights.values()) and time.monotonic() < deadline:
            time.sleep(0.1)
        stop.set()
        sending.result(timeout=120)
    assert set(replicas()).isdisjoint(before)
    assert {verdict.decision for verdict in verdicts} == {Decision.ACCEPT}
    assert digest not in verdicts[0].weights.values()  # each verdict names what it was made with
    assert digest in verdicts[-1].weights.values()
    assert digest in away.weights.values()
