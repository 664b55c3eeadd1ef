"""The executor that examines pictures in this process, on threads side by side."""

from idproof.models.types import FaceDetector
from idproof.pipeline import examine
from idproof.pipeline.examine import ExaminationTools
from idproof.pipeline.executors.branches import Branches
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.types import CheckResult
from idproof.pipeline.vault import VaultSession


class InProcessExecutor:
    """Examines in the calling process, see `verify.Executor`. Safe to use from several threads.

    Args:
        tools: opened once.
        branches: threads that examine at once, over all registrations (`Branches`). With 1, every registration is
            examined in its caller's thread alone, and the caller bounds how many there are.
    """

    def __init__(self, tools: ExaminationTools, branches: int = 1) -> None:
        self.tools = tools
        self._branches = Branches(branches)

    @property
    def weights(self) -> dict[str, str]:
        """File name to full SHA-256 of every network in use."""
        return dict(self.tools.engines.weights)

    @property
    def template_network(self) -> str:
        """Full SHA-256 of the network that computes face templates."""
        return self.tools.engines.embedder_sha256

    @property
    def face_detector(self) -> FaceDetector:
        """The loaded face detector."""
        return self.tools.engines.detector

    def examine(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        """Examine every capture; raises `BadInput`."""
        return examine.examine(session, self.tools, answer, self._branches)

    def compare_registered(self, session: VaultSession) -> tuple[CheckResult, ...]:
        """Compare the department's portrait with the templates of `examine`; raises `BadInput`."""
        with self._branches.thread():
            return examine.compare_registered(session, self.tools)

    def examine_person(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compare selfie and frames with the registered portrait alone; raises `BadInput`."""
        with self._branches.thread():
            return examine.examine_person(session, self.tools, answer)

    def examine_enrolled(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compare selfie and frames with the template of an earlier registration; raises `BadInput`."""
        with self._branches.thread():
            return examine.examine_enrolled(session, self.tools, answer)

    def close(self) -> None:
        """End the threads."""
        self._branches.close()
