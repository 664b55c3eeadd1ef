"""The embedded executor: the pictures are examined in this process, branch beside branch."""

from idproof.pipeline import flow
from idproof.pipeline.executors.branches import Branches
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.types import CheckResult
from idproof.pipeline.vault import VaultSession


class InProcess:
    """Examines where it is called, see `flow.Executor`. Safe to use from several threads.

    Args:
        parts: what examines, opened once.
        branches: threads that the branches of all registrations share.
    """

    def __init__(self, parts: flow.Parts, branches: int = 1) -> None:
        self.parts = parts
        self._branches = Branches(branches)

    @property
    def weights(self) -> dict[str, str]:
        """File name to full SHA-256 of every network in use."""
        return dict(self.parts.engines.weights)

    def examine(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        """Everything that the captures tell; raises `BadInput`."""
        return flow.examine(session, self.parts, answer, self._branches)

    def compare_registered(self, session: VaultSession) -> tuple[CheckResult, ...]:
        """The department's portrait against the templates of `examine`; raises `BadInput`."""
        return flow.compare_registered(session, self.parts)

    def close(self) -> None:
        """End the threads."""
        self._branches.close()
