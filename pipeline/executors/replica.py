"""What examines registrations elsewhere: opened once from a specification, with a vault of its own.

Knows nothing of Ray: `distribute` runs it as a replica, a test calls it as it is.
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
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.in_process import InProcess
from idproof.pipeline.findings import packed
from idproof.pipeline.flow import REGISTERED, TEMPLATE, TEMPLATES
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.parts import open_parts
from idproof.pipeline.types import CheckResult, DeletionReceipt
from idproof.pipeline.vault import Vault, VaultSession, guards, hardening
from idproof.pipeline.vault.sealer import Sealer

_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Spec:
    """What a replica is opened from; holds names and numbers, no networks.

    Attributes:
        profile: of the weights' manifest.
        document: a built-in type's name, or the path of an operator's own on every node.
        policy: thresholds of the checks.
        limits: bounds on what is taken in.
        threads: processor threads for each network call.
        branches: threads on which independent parts of a registration go side by side.
        at_once: registrations that one replica examines at once.
        manifest: an operator's own manifest of weights on every node, else the built-in one.
        cache: folder of the weights on every node, else `IDPROOF_MODELS` or the user's cache there.
        provider: onnxruntime's name of what the networks run on.
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
class Description:
    """What a replica examines with: whoever gives verdicts must go by the same.

    Attributes:
        profile: of the networks.
        document: type's name.
        policy: version.
        weights: file name to full SHA-256.
    """

    profile: str
    document: str
    policy: str
    weights: dict[str, str]


@dataclass(slots=True, repr=False)
class Errand:
    """One registration to examine.

    Attributes:
        lifetime_s: what is left of the session's.
        key: of the session, for what is sealed; overwritten by whoever takes it.
        answer: to a liveness challenge, if there is one.
    """

    lifetime_s: float
    key: bytearray
    answer: LivenessResponse | None

    def wipe(self) -> None:
        """Overwrite the key."""
        self.key[:] = bytes(len(self.key))

    def __repr__(self) -> str:
        """Never the key."""
        return f"Errand(lifetime_s={self.lifetime_s:.0f})"


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What came of an errand: nothing in it is a picture, and what is personal is sealed.

    Attributes:
        receipt: what was held here and is wiped.
        busy_ms: how long it took here.
        findings: of the captures, sealed JSON.
        templates: of portrait and selfie, sealed.
        checks: of a department's portrait.
        refused: code, sentence and capture of a bad input.
        crashed: kind and place of an error that nobody foresaw; never its text.
    """

    receipt: DeletionReceipt
    busy_ms: float
    findings: bytes | None = None
    templates: bytes | None = None
    checks: tuple[CheckResult, ...] | None = None
    refused: tuple[str, str, str | None] | None = None
    crashed: str | None = None

    def __repr__(self) -> str:
        """How long it took only."""
        return f"Reply(busy_ms={self.busy_ms:.0f})"


class Examination:
    """A replica: checks its guards, opens its networks, and examines one registration after the other.

    Raises:
        GuardMissing: in production, when a required guard does not hold.
        ModelError: a weight is missing or damaged, or the provider is not there or did not start.
    """

    def __init__(self, spec: Spec) -> None:
        hardening.no_core_dumps()
        hardening.hush()
        if not spec.inspectable:
            hardening.not_dumpable()
        if spec.production:
            guards.demand()
        # OpenCV would take every core for itself; one budget holds for it and the networks.
        cv2.setNumThreads(spec.threads)
        parts = open_parts(
            spec.profile,
            spec.document,
            spec.policy,
            spec.limits,
            spec.threads,
            manifest=spec.manifest,
            cache=spec.cache,
            provider=spec.provider,
        )
        if spec.at_once > 1:
            parts = replace(parts, engines=replace(parts.engines, embedder=BatchedEmbedder(parts.engines.embedder)))
        self._spec = spec
        self._executor = InProcess(parts, spec.branches)
        self._vault = Vault(spec.limits)
        self._threads = ThreadPoolExecutor(spec.at_once, thread_name_prefix="examination")
        self._until: dict[int, float] = {}

    def describe(self) -> Description:
        """What it examines with."""
        spec, document = self._spec, self._executor.parts.locator.document.name
        return Description(spec.profile, document, spec.policy.version, self._executor.weights)

    def check_health(self) -> None:
        """Raise when a guard no longer holds, or when a registration is examined beyond its lifetime: a hung thread."""
        if self._spec.production:
            guards.demand()
        if any(time.monotonic() > until + _GRACE_S for until in list(self._until.values())):
            raise RuntimeError("a registration did not end with its session")

    async def examine(self, errand: Errand, sealed: dict[str, NDArray[np.uint8]]) -> Reply:
        """Open what is sealed into a session of this process's vault, and examine it there.

        When the request is cancelled the session is wiped at once, and whatever computes ends at its next step.
        """
        session = self._vault.open(errand.lifetime_s)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, errand, sealed, session)
        except asyncio.CancelledError:
            session.wipe()
            raise
        finally:
            errand.wipe()

    def _work(self, errand: Errand, sealed: dict[str, NDArray[np.uint8]], session: VaultSession) -> Reply:
        start, name = time.perf_counter(), id(session)
        self._until[name] = time.monotonic() + errand.lifetime_s
        found: dict[str, object] = {}
        try:
            with session, Sealer(errand.key) as sealer:
                _unseal(session, sealer, sealed)
                found = self._found(session, sealer, errand, REGISTERED in {_name(about) for about in sealed})
                session.ensure_open()
        except BadInput as error:
            found = {"refused": (error.code, error.sentence, error.capture)}
        except Exception as error:  # noqa: BLE001 - Ray would pass its text on, which may quote what it stumbled over
            found = {"crashed": f"{type(error).__name__} at {hardening.place(error.__traceback__)}"}
        finally:
            self._until.pop(name, None)
        return Reply(session.wipe(), (time.perf_counter() - start) * 1000, **found)  # type: ignore[arg-type]

    def _found(self, session: VaultSession, sealer: Sealer, errand: Errand, department: bool) -> dict[str, object]:
        if department:
            return {"checks": self._executor.compare_registered(session)}
        told = np.frombuffer(packed(self._executor.examine(session, errand.answer)), dtype=np.uint8)
        try:
            with session.borrow(TEMPLATE, TEMPLATES) as rows:
                templates = sealer.seal(rows, f"{TEMPLATE}/{TEMPLATES}")
            return {"findings": sealer.seal(told, "findings"), "templates": templates}
        finally:
            told.fill(0)


def _unseal(session: VaultSession, sealer: Sealer, sealed: dict[str, NDArray[np.uint8]]) -> None:
    """Everything under the name that it was sealed as; nothing opens as something else."""
    for about, data in sealed.items():
        opened = sealer.open(data.data, about)
        if about == f"{TEMPLATE}/{TEMPLATES}":
            session.put(TEMPLATE, TEMPLATES, opened)
            continue
        try:
            session.receive(_name(about)).write(opened.data)
        finally:
            opened.fill(0)


def _name(about: str) -> str:
    return about.partition("/")[2]
