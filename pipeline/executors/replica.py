"""Examines registrations for another process: opened once from a configuration, with a vault of its own.

Does not know Ray: `ray_cluster` runs it as a replica, and a test calls it directly.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from idproof.models.batched_embedder import BatchedEmbedder
from idproof.models.session import CPU
from idproof.pipeline import findings
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.in_process import InProcessExecutor
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.opening import open_tools
from idproof.pipeline.types import CheckResult, DeletionReceipt
from idproof.pipeline.vault import Vault, VaultSession, guards, hardening
from idproof.pipeline.vault.face_templates import held_templates
from idproof.pipeline.vault.kinds import REGISTERED_PORTRAIT, TEMPLATE, UPLOAD
from idproof.pipeline.vault.sealer import Sealer

FINDINGS = "findings"
"""Name under which findings are sealed."""

_GRACE_S = 10.0
"""Seconds after its session's end in which an examination may still come to its next step; after them the replica
counts as hung. Chosen by hand; no outside source."""


@dataclass(frozen=True, slots=True)
class ReplicaConfig:
    """The configuration that a replica is opened from: names and numbers, no networks.

    Attributes:
        profile: of the weights' manifest.
        document: a built-in type's name, or the path of an operator's own type file on every node.
        policy: thresholds of the checks.
        limits: bounds on what is taken in.
        threads: processor threads per network call.
        branches: threads that examine at once, over all registrations of the replica.
        at_once: registrations that one replica examines at once.
        manifest: an operator's own manifest of weights on every node, else the built-in one.
        cache: folder of the weights on every node, else `IDPROOF_MODELS` or the user's cache there.
        provider: onnxruntime's name of the hardware that the networks run on.
        production: refuse to start when a guard is missing.
        inspectable: let other processes of the same user read the replica's memory, to search it for traces.
    """

    profile: str = "open"
    document: str | Path = "hkid-2018"
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    threads: int = 1
    branches: int = 1
    at_once: int = 1
    manifest: Path | None = None
    cache: Path | None = None
    provider: str = CPU
    production: bool = False
    inspectable: bool = False


@dataclass(frozen=True, slots=True)
class ReplicaDescription:
    """The tools that a replica examines with; a process that gives verdicts on its findings must use the same.

    Attributes:
        profile: of the networks.
        document: the type's name.
        policy: its version.
        weights: file name to full SHA-256.
    """

    profile: str
    document: str
    policy: str
    weights: dict[str, str]


@dataclass(slots=True, repr=False)
class ExaminationRequest:
    """A request to examine one registration.

    Attributes:
        lifetime_s: seconds that are left of the session's lifetime.
        key: of the session, opens what is sealed; the process that takes it overwrites it.
        answer: to a liveness challenge, or None.
    """

    lifetime_s: float
    key: bytearray
    answer: LivenessResponse | None

    def wipe(self) -> None:
        """Overwrite the key."""
        self.key[:] = bytes(len(self.key))

    def __repr__(self) -> str:
        """Leaves the key out."""
        return f"ExaminationRequest(lifetime_s={self.lifetime_s:.0f})"


@dataclass(frozen=True, slots=True, repr=False)
class ExaminationReply:
    """A replica's reply: holds no picture, and personal data only sealed.

    Attributes:
        receipt: of the buffers that the replica held and wiped.
        busy_ms: milliseconds that the replica worked.
        findings: of the captures, sealed JSON.
        templates: name to sealed template, see `FaceTemplates`.
        checks: of a department's portrait.
        refused: code, sentence and capture of a bad input.
        crashed: kind and place of an unexpected error; never its text.
    """

    receipt: DeletionReceipt
    busy_ms: float
    findings: bytes | None = None
    templates: dict[str, bytes] | None = None
    checks: tuple[CheckResult, ...] | None = None
    refused: tuple[str, str, str | None] | None = None
    crashed: str | None = None

    def __repr__(self) -> str:
        """Shows the duration only."""
        return f"ExaminationReply(busy_ms={self.busy_ms:.0f})"


class ExaminationReplica:
    """A replica: checks its guards, opens its networks, and examines registrations.

    Raises:
        GuardMissing: in production, when a required guard does not hold.
        ModelError: a weight is missing or damaged, or the provider is missing or did not start.
    """

    def __init__(self, config: ReplicaConfig) -> None:
        hardening.disable_core_dumps()
        hardening.silence_crashes()
        if not config.inspectable:
            hardening.disable_dumping()
        if config.production:
            guards.require_all()
        # OpenCV would take every core for itself; one budget holds for it and the networks.
        cv2.setNumThreads(config.threads)
        tools = open_tools(
            config.profile,
            config.document,
            config.policy,
            config.limits,
            config.threads,
            manifest=config.manifest,
            cache=config.cache,
            provider=config.provider,
        )
        if config.at_once > 1:
            tools = replace(tools, engines=replace(tools.engines, embedder=BatchedEmbedder(tools.engines.embedder)))
        self._config = config
        self._executor = InProcessExecutor(tools, config.branches)
        self._vault = Vault(config.limits)
        self._threads = ThreadPoolExecutor(config.at_once, thread_name_prefix="examination")
        self._deadlines: dict[int, float] = {}

    def describe(self) -> ReplicaDescription:
        """Return the tools that this replica examines with."""
        config, document = self._config, self._executor.tools.locator.document.name
        return ReplicaDescription(config.profile, document, config.policy.version, self._executor.weights)

    def check_health(self) -> None:
        """Raise when a guard no longer holds, or when an examination outlives its session: its thread hangs."""
        if self._config.production:
            guards.require_all()
        if any(time.monotonic() > deadline + _GRACE_S for deadline in list(self._deadlines.values())):
            raise RuntimeError("a registration did not end with its session")

    async def examine(self, request: ExaminationRequest, sealed: dict[str, NDArray[np.uint8]]) -> ExaminationReply:
        """Open the sealed buffers into a session of this process's vault, and examine it.

        When the request is cancelled, the session is wiped at once, and the computing thread ends at its next step.

        Args:
            request: of the registration.
            sealed: name to sealed buffer; a name is its kind, a slash, and its name within the kind.
        """
        session = self._vault.open(request.lifetime_s)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._reply, request, sealed, session
            )
        except asyncio.CancelledError:
            session.wipe()
            raise
        finally:
            request.wipe()

    def _reply(
        self, request: ExaminationRequest, sealed: dict[str, NDArray[np.uint8]], session: VaultSession
    ) -> ExaminationReply:
        start, number = time.perf_counter(), id(session)
        self._deadlines[number] = time.monotonic() + request.lifetime_s
        result: dict[str, object] = {}
        try:
            with session, Sealer(request.key) as sealer:
                _open_into(session, sealer, sealed)
                if f"{UPLOAD}/{REGISTERED_PORTRAIT}" not in sealed:
                    result = self._examined(session, sealer, request.answer)
                elif request.answer is not None:
                    result = self._sealed_findings(sealer, self._executor.examine_person(session, request.answer))
                else:
                    result = {"checks": self._executor.compare_registered(session)}
                session.ensure_open()
        except BadInput as error:
            result = {"refused": (error.code, error.sentence, error.capture)}
        except Exception as error:  # noqa: BLE001 - Ray would pass its text on, which may quote personal data
            result = {"crashed": f"{type(error).__name__} at {hardening.error_location(error.__traceback__)}"}
        finally:
            self._deadlines.pop(number, None)
        return ExaminationReply(session.wipe(), (time.perf_counter() - start) * 1000, **result)  # type: ignore[arg-type]

    def _examined(self, session: VaultSession, sealer: Sealer, answer: LivenessResponse | None) -> dict[str, object]:
        found = self._sealed_findings(sealer, self._executor.examine(session, answer))
        return found | {"templates": seal_templates(session, sealer)}

    @staticmethod
    def _sealed_findings(sealer: Sealer, found: findings.Findings) -> dict[str, object]:
        encoded = np.frombuffer(findings.to_json(found), dtype=np.uint8)
        try:
            return {"findings": sealer.seal(encoded, FINDINGS)}
        finally:
            encoded.fill(0)


def seal_templates(session: VaultSession, sealer: Sealer) -> dict[str, bytes]:
    """Seal every face template of a session, by its name."""
    sealed = {}
    for name in held_templates(session):
        with session.borrow(TEMPLATE, name) as template:
            sealed[name] = sealer.seal(template, f"{TEMPLATE}/{name}")
    return sealed


def _open_into(session: VaultSession, sealer: Sealer, sealed: dict[str, NDArray[np.uint8]]) -> None:
    """Open each buffer into the session, under the name that it was sealed as; it opens under no other."""
    for full_name, data in sealed.items():
        kind, _, name = full_name.partition("/")
        opened = sealer.open(data.data, full_name)
        if kind == TEMPLATE:
            session.put(TEMPLATE, name, opened)
            continue
        try:
            session.receive(name).write(opened.data)
        finally:
            opened.fill(0)
