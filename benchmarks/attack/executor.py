"""Examines a registration once for several verdicts, and no further than its first stage that a check fails in."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from idproof.models.types import FaceDetector
from idproof.pipeline import examine
from idproof.pipeline.card.plan.types import CardPose
from idproof.pipeline.card.turns import measure_poses
from idproof.pipeline.card.view import CardView
from idproof.pipeline.errors import BadInput
from idproof.pipeline.examine import ExaminationTools
from idproof.pipeline.executors.branches import Branches
from idproof.pipeline.findings import Findings
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.timing import StageTimer
from idproof.pipeline.types import CARD_ROLES, CheckResult, FieldReading, Outcome, Role
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.kinds import DECODED, RECTIFIED


@dataclass(frozen=True)
class _Card:
    """The facts of one card: the same captures give the same ones in every registration.

    Attributes:
        views: of the captures.
        poses: of the captures.
        checks: of the card, and of its fields if no check of the card failed.
        fields: as read.
    """

    views: dict[Role, CardView]
    poses: dict[Role, CardPose]
    checks: tuple[CheckResult, ...]
    fields: dict[str, FieldReading]


class StoppingExecutor:
    """Examines in the calling process (see `verify.Executor`), stage by stage.

    A failed check rejects whatever the later stages find, so they are left out; the decision is that of the complete
    examination, and its reasons are the first of those that it would have. The findings of the last registration are
    kept for a further verdict at another level, and those of the last card for a further registration with exactly the
    same captures. For benchmarks alone.

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
        self._last_card: tuple[bytes, _Card] | None = None

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
        """Examines the captures, or returns what it found in the same ones before; raises `BadInput`."""
        key = _hashed(session, [*Role, *(answer.names if answer is not None else ())]) + bytes([self.complete])
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

    def examine_person(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compares selfie and frames with the registered portrait alone; raises `BadInput`."""
        return examine.examine_person(session, self.tools, answer)

    def examine_enrolled(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compares selfie and frames with the template of an earlier registration; raises `BadInput`."""
        return examine.examine_enrolled(session, self.tools, answer)

    def close(self) -> None:
        """Drops what was found, and ends the threads."""
        self._last = self._last_card = None
        self._branches.close()

    def _examined(self, session: VaultSession, answer: LivenessResponse | None) -> Findings:
        timer, weights = StageTimer(), self.tools.engines.weights
        examine.decode_captures(session, self.tools.limits)
        card = self._card(session)
        checks = [*card.checks]
        if not self._decided(checks):
            checks += examine.examine_people(session, self.tools, answer, timer)
        return Findings(tuple(checks), card.fields, timer.timings_ms, weights, card.poses)

    def _card(self, session: VaultSession) -> _Card:
        key = _hashed(session, CARD_ROLES) + bytes([self.complete])
        if self._last_card is not None and self._last_card[0] == key:
            card, locator = self._last_card[1], self.tools.locator
            for role, view in card.views.items():
                with session.borrow(DECODED, role) as image:
                    session.put(RECTIFIED, role, locator.rectify(image, view))
            return card
        views = examine.find_card(session, self.tools, self._branches)
        checks = examine.check_card(session, self.tools, views)
        fields: dict[str, FieldReading] = {}
        if not self._decided(checks):
            fields, of_fields = examine.read_fields(session, self.tools)
            checks = [*checks, *of_fields]
        card = _Card(views, measure_poses(views, self.tools.locator.document), tuple(checks), fields)
        self._last_card = key, card
        return card

    def _decided(self, checks: list[CheckResult]) -> bool:
        return not self.complete and any(check.outcome is Outcome.FAIL for check in checks)


def _hashed(session: VaultSession, names: Iterable[str]) -> bytes:
    digest = hashlib.sha256()
    for name in names:
        with session.upload(name) as data:
            digest.update(hashlib.sha256(data).digest())
    return digest.digest()
