"""Examines a registration once for several verdicts, and no further than its first stage that a check fails in."""

import hashlib

from idproof.models.types import FaceDetector
from idproof.pipeline import examine
from idproof.pipeline.card.turns import measure_poses
from idproof.pipeline.errors import BadInput
from idproof.pipeline.examine import ExaminationTools
from idproof.pipeline.executors.branches import Branches
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.timing import StageTimer
from idproof.pipeline.types import CheckResult, Outcome, Role
from idproof.pipeline.vault import VaultSession


class StoppingExecutor:
    """Examines in the calling process (see `verify.Executor`), stage by stage.

    A failed check rejects whatever the later stages find, so they are left out; the decision is that of the complete
    examination, and its reasons are the first of those that it would have. The findings of the last registration are
    kept for a further verdict at another level. For benchmarks alone.

    Args:
        tools: networks and checks, opened once.

    Attributes:
        complete: examine every stage, whatever fails.
    """

    def __init__(self, tools: ExaminationTools) -> None:
        self.tools = tools
        self.complete = False
        self._branches = Branches(1)
        self._last: tuple[bytes, Findings | BadInput] | None = None

    @property
    def weights(self) -> dict[str, str]:
        """File name to full SHA-256 of every network in use."""
        return dict(self.tools.engines.weights)

    @property
    def face_detector(self) -> FaceDetector:
        """The loaded face detector."""
        return self.tools.engines.detector

    def examine(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        """Examines the captures, or returns what it found in the same ones before; raises `BadInput`."""
        key = _key(session, answer) + bytes([self.complete])
        if self._last is None or self._last[0] != key:
            try:
                self._last = key, self._examined(session, answer)
            except BadInput as error:
                self._last = key, error
        found = self._last[1]
        if isinstance(found, BadInput):
            raise found
        return found

    def compare_registered(self, session: VaultSession) -> tuple[CheckResult, ...]:
        """Compares the department's portrait; no records are asked in this benchmark."""
        return examine.compare_registered(session, self.tools)

    def close(self) -> None:
        """Drops what was found, and ends the threads."""
        self._last = None
        self._branches.close()

    def _examined(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        timer, weights = StageTimer(), self.tools.engines.weights
        examine.decode_captures(session, self.tools.limits)
        views = examine.find_card(session, self.tools, self._branches)
        poses = measure_poses(views, self.tools.locator.document)
        checks = examine.check_card(session, self.tools, views)
        if self._decided(checks):
            return Findings(tuple(checks), {}, timer.timings_ms, weights, poses)
        fields, of_fields = examine.read_fields(session, self.tools)
        checks = [*checks, *of_fields]
        if not self._decided(checks):
            checks = [*checks, *examine.examine_people(session, self.tools, answer, timer)]
        return Findings(tuple(checks), fields, timer.timings_ms, weights, poses)

    def _decided(self, checks: list[CheckResult]) -> bool:
        return not self.complete and any(check.outcome is Outcome.FAIL for check in checks)


def _key(session: VaultSession, answer: LivenessResponse | None) -> bytes:
    digest = hashlib.sha256()
    for name in (*Role, *(answer.names if answer is not None else ())):
        with session.upload(name) as data:
            digest.update(hashlib.sha256(data).digest())
    return digest.digest()
