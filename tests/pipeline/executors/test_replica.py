"""A replica returns facts, keeps nothing, and reports no personal data."""

import asyncio
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from idproof.models.batched_embedder import BatchedEmbedder
from idproof.pipeline import Captures, CheckResult, Limits, Vault, Verdict, Verifier, assurance, capture
from idproof.pipeline.errors import GuardMissing
from idproof.pipeline.executors import replica as replicas
from idproof.pipeline.executors.in_process import InProcessExecutor
from idproof.pipeline.executors.replica import ExaminationReplica, ExaminationReply, ExaminationRequest, ReplicaConfig
from idproof.pipeline.findings import Findings, from_json
from idproof.pipeline.types import Role
from idproof.pipeline.vault.kinds import REGISTERED_PORTRAIT
from idproof.pipeline.vault.sealer import Sealer

Build = Callable[..., Captures]


@pytest.fixture(scope="module")
def replica() -> ExaminationReplica:
    return ExaminationReplica(ReplicaConfig(inspectable=True))


def sealed_by(sealer: Sealer, captures: Captures) -> dict[str, np.ndarray]:
    named = {f"upload/{role}": data for role, data in captures.items()}
    return {
        about: np.frombuffer(sealer.seal(np.frombuffer(data, np.uint8), about), np.uint8)
        for about, data in named.items()
    }


def ask(replica: ExaminationReplica, captures: Captures, lifetime_s: float = 60.0) -> tuple[ExaminationReply, Sealer]:
    sealer = Sealer()
    request = ExaminationRequest(lifetime_s, sealer.copy_key(), None)
    reply = asyncio.run(replica.examine(request, sealed_by(sealer, captures)))
    assert not any(request.key)
    return reply, sealer


def examined(verdict: Verdict) -> tuple[CheckResult, ...]:
    """The checks of the pictures: the level of capture is the last check, and no executor knows it."""
    assert verdict.checks[-1].name == assurance.NAME
    return verdict.checks[:-1]


def test_a_replica_finds_the_same_as_the_executor_in_this_process(
    replica: ExaminationReplica, verifier: Verifier, captures_of: Build
) -> None:
    reply, sealer = ask(replica, captures_of())
    assert reply.findings is not None
    found = from_json(sealer.open(reply.findings, "findings").tobytes())
    verdict = verifier.verify(captures_of())
    assert (found.checks, found.fields, found.weights) == (examined(verdict), verdict.fields, verdict.weights)
    assert reply.receipt.outstanding == 0
    assert {w.kind for w in reply.receipt.wiped} == {"upload", "decoded", "rectified", "crop", "template"}
    number = verdict.fields["number"].text.encode()
    assert number not in reply.findings
    assert number.decode() not in repr(reply)


def test_a_bad_input_is_reported_by_code_and_an_unexpected_error_without_its_text(
    replica: ExaminationReplica, captures_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply, _ = ask(replica, captures_of(selfie=b"no picture"))
    assert reply.refused is not None
    assert (reply.refused[0], reply.refused[2]) == ("capture_unreadable", "selfie")
    assert reply.receipt.outstanding == 0

    def stumble(*_: object) -> None:
        raise ValueError("A123456(3) is what the card says")

    monkeypatch.setattr(InProcessExecutor, "examine", stumble)
    reply, _ = ask(replica, captures_of())
    assert reply.crashed is not None
    assert reply.crashed.startswith("ValueError at ")
    assert "A123456" not in reply.crashed
    assert reply.receipt.outstanding == 0


def test_a_buffer_does_not_open_under_another_name(replica: ExaminationReplica, captures_of: Build) -> None:
    sealer = Sealer()
    sealed = sealed_by(sealer, captures_of())
    swapped = f"upload/{Role.CARD_TILT_LEFT}"
    sealed[swapped] = sealed[f"upload/{Role.SELFIE}"]
    reply = asyncio.run(replica.examine(ExaminationRequest(60.0, sealer.copy_key(), None), sealed))
    assert reply.crashed is not None
    assert reply.crashed.startswith("SealBroken")


def test_a_replica_compares_a_registered_portrait_with_the_templates_that_it_receives(
    replica: ExaminationReplica, verifier: Verifier, captures_of: Build
) -> None:
    captures, registered = captures_of(), f"upload/{REGISTERED_PORTRAIT}"
    reply, sealer = ask(replica, captures)
    assert reply.templates is not None
    assert reply.templates.keys() == {"portrait", "selfie", "selfie_colour", "second_portrait"}
    sent = {f"template/{name}": data for name, data in reply.templates.items()}
    sent[registered] = sealer.seal(np.frombuffer(captures.selfie, np.uint8), registered)
    sealed = {name: np.frombuffer(data, np.uint8) for name, data in sent.items()}
    compared = asyncio.run(replica.examine(ExaminationRequest(60.0, sealer.copy_key(), None), sealed))
    with verifier.vault.open() as session:
        for name, data in (*captures.items(), (REGISTERED_PORTRAIT, captures.selfie)):
            session.receive(name).write(data)
        verifier.executor.examine(session, None)
        expected = verifier.executor.compare_registered(session)
    assert compared.checks == expected
    assert len(expected) == 2
    assert compared.receipt.outstanding == 0


def test_a_cancelled_request_is_wiped_at_once(
    replica: ExaminationReplica, captures_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealer, sessions = Sealer(), []
    opened = replica._vault.open

    def noted(lifetime_s: float | None = None) -> object:
        sessions.append(opened(lifetime_s))
        return sessions[-1]

    monkeypatch.setattr(type(replica._vault), "open", lambda _, lifetime_s=None: noted(lifetime_s))

    async def cancel_soon() -> None:
        task = asyncio.create_task(
            replica.examine(ExaminationRequest(60.0, sealer.copy_key(), None), sealed_by(sealer, captures_of()))
        )
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel_soon())
    assert sessions[0].outstanding == 0
    deadline = time.monotonic() + 20
    while replica._deadlines and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not replica._deadlines  # the thread met the closed session and ended


def test_a_session_that_ends_during_decoding_makes_no_picture_unreadable(
    replica: ExaminationReplica, captures_of: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sessions = capture.decode, []
    opened = Vault.open
    monkeypatch.setattr(Vault, "open", lambda *args: sessions.append(opened(*args)) or sessions[-1])

    def decode_meanwhile(data: memoryview, role: str, limits: Limits) -> object:
        ending = threading.Thread(target=sessions[0].wipe)
        ending.start()
        ending.join(5)
        assert not any(data)
        return real(data, role, limits)

    monkeypatch.setattr(capture, "decode", decode_meanwhile)
    reply, _ = ask(replica, captures_of())
    assert reply.refused is not None
    assert reply.refused[0] == "session_expired"
    assert reply.receipt.outstanding == 0


def test_a_request_whose_session_has_ended_is_refused(replica: ExaminationReplica, captures_of: Build) -> None:
    reply, _ = ask(replica, captures_of(), lifetime_s=0.05)
    assert reply.refused is not None
    assert reply.refused[0] == "session_expired"


def test_a_replica_whose_examination_hangs_is_not_healthy(
    replica: ExaminationReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica.check_health()
    monkeypatch.setattr(replica, "_deadlines", {1: time.monotonic() - 11})
    with pytest.raises(RuntimeError, match="did not end"):
        replica.check_health()


def test_a_replica_that_examines_several_at_once_finds_the_same_in_each(verifier: Verifier, captures_of: Build) -> None:
    pair = ExaminationReplica(ReplicaConfig(at_once=2, inspectable=True))
    assert isinstance(pair._executor.tools.engines.embedder, BatchedEmbedder)

    async def both() -> list[Findings]:
        sealers = [Sealer(), Sealer()]
        found = await asyncio.gather(
            *(pair.examine(ExaminationRequest(60.0, s.copy_key(), None), sealed_by(s, captures_of())) for s in sealers)
        )
        opened = [s.open(r.findings or b"", "findings") for s, r in zip(sealers, found, strict=True)]
        return [from_json(data.tobytes()) for data in opened]

    expected = examined(verifier.verify(captures_of()))
    for findings in asyncio.run(both()):
        assert findings.checks == expected


def test_in_production_a_replica_without_its_guards_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas.guards, "missing", lambda: ("malloc_perturb",))
    with pytest.raises(GuardMissing, match="malloc_perturb"):
        ExaminationReplica(ReplicaConfig(production=True, inspectable=True))


def test_a_missing_provider_is_named() -> None:
    from idproof.models.errors import EngineUnavailable

    with pytest.raises(EngineUnavailable, match="TensorrtExecutionProvider"):
        ExaminationReplica(ReplicaConfig(provider="TensorrtExecutionProvider", inspectable=True))
