"""Verifies one card with many selfies and examines the card once.

The result of the card's examination does not depend on the selfie. This executor stores the findings and the rectified
frames of the last card and reuses them for every further selfie; everything else, including the decision, runs as
usual. A test compares its verdicts with those of the ordinary executor, check by check. Only benchmarks may use it:
between two registrations it holds the frames of a card.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from idproof.models.types import FaceDetector, RGBImage
from idproof.pipeline import examine
from idproof.pipeline.errors import BadInput
from idproof.pipeline.executors.branches import Branches
from idproof.pipeline.findings import CardFindings, Findings
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.timing import StageTimer
from idproof.pipeline.types import CARD_ROLES, CheckResult, Role
from idproof.pipeline.vault import VaultSession
from idproof.pipeline.vault.kinds import RECTIFIED

CARD, FIELDS, FACE = "card", "fields", "face"
STAGES = (CARD, FIELDS, FACE)


@dataclass(frozen=True, repr=False)
class _Card:
    """Findings and frames of one card, or the error of its captures."""

    key: bytes
    found: CardFindings | BadInput
    rectified: Mapping[Role, RGBImage] = field(default_factory=dict)


class CachedCardExecutor:
    """Examines in the calling process (see `verify.Executor`), and a card only when it differs from the last one.

    Args:
        tools: networks and checks, opened once.

    Attributes:
        stage_of: check to its stage, for the last registration.
    """

    def __init__(self, tools: examine.ExaminationTools) -> None:
        self.tools = tools
        self.stage_of: dict[str, str] = {}
        self._branches = Branches(1)
        self._last: _Card | None = None

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
        """Examines the captures; raises `BadInput` in the same order as the ordinary executor."""
        watch = StageTimer()
        with watch.stage("capture"):
            examine.decode_captures(session, self.tools.limits)
        card = self._card(session, watch)
        if isinstance(card.found, BadInput):
            raise card.found
        for role, frame in card.rectified.items():
            session.put(RECTIFIED, role, frame.copy())
        people = examine.examine_people(session, self.tools, answer, watch)
        by_stage = {CARD: card.found.checks, FIELDS: card.found.field_checks, FACE: people}
        self.stage_of = {check.name: stage for stage, checks in by_stage.items() for check in checks}
        checks = tuple(check for found in by_stage.values() for check in found)
        return Findings(checks, card.found.fields, watch.timings_ms, self.weights, card.found.poses)

    def compare_registered(self, session: VaultSession) -> tuple[CheckResult, ...]:
        """Compares the department's portrait with the templates of `examine`; raises `BadInput`."""
        return examine.compare_registered(session, self.tools)

    def examine_person(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compares selfie and frames with the registered portrait alone; raises `BadInput`."""
        return examine.examine_person(session, self.tools, answer)

    def examine_enrolled(self, session: VaultSession, answer: LivenessResponse) -> Findings:
        """Compares selfie and frames with the template of an earlier registration; raises `BadInput`."""
        return examine.examine_enrolled(session, self.tools, answer)

    def close(self) -> None:
        """Drops the stored card."""
        self._last = None
        self._branches.close()

    def _card(self, session: VaultSession, watch: StageTimer) -> _Card:
        key = _key(session)
        if self._last is None or self._last.key != key:
            self._last = self._examined(key, session, watch)
        return self._last

    def _examined(self, key: bytes, session: VaultSession, watch: StageTimer) -> _Card:
        try:
            with watch.stage("location"):
                views = examine.find_card(session, self.tools, self._branches)
            found = examine.examine_card(session, self.tools, views, watch)
        except BadInput as error:
            return _Card(key, error)
        return _Card(key, found, {role: _copied(session, role) for role in CARD_ROLES})


def _key(session: VaultSession) -> bytes:
    digest = hashlib.sha256()
    for role in CARD_ROLES:
        with session.upload(role) as data:
            digest.update(hashlib.sha256(data).digest())
    return digest.digest()


def _copied(session: VaultSession, role: Role) -> RGBImage:
    with session.borrow(RECTIFIED, role) as frame:
        return frame.copy()
