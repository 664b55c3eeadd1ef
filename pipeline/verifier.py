"""The public door: open once, verify many."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from idproof.models.profiles import load_engines
from idproof.models.reports import face_thresholds, portrait_calibration, portrait_thresholds
from idproof.models.spoof import TextureNetwork
from idproof.pipeline import flow
from idproof.pipeline.card.examine import CardExaminer
from idproof.pipeline.card.locate import CardLocator
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.documents import DocumentType, load, load_builtin
from idproof.pipeline.errors import FramesUnusable
from idproof.pipeline.fields import checks as field_checks
from idproof.pipeline.fields.records import RecordsAuthority
from idproof.pipeline.liveness.answer import LivenessAnswer
from idproof.pipeline.liveness.fuse import LivenessExaminer
from idproof.pipeline.types import Captures, Verdict
from idproof.pipeline.vault import Vault, VaultSession


class Verifier:
    """Verifies registrations with networks that are loaded once. Safe to use from several threads.

    Example:
        The captures are encoded pictures (bytes); nothing is read from or written to a file.

        >>> from idproof.pipeline import Captures, Verifier
        >>> verifier = Verifier.open(profile="open")
        >>> captures = Captures(card_front=front, card_tilt_left=left, card_tilt_right=right, selfie=selfie)
        >>> verdict = verifier.verify(captures)
        >>> verdict.decision, verdict.reasons
        (<Decision.ACCEPT: 'accept'>, ())
    """

    def __init__(self, parts: flow.Parts) -> None:
        self._parts = parts
        self.vault = Vault(parts.limits)

    @classmethod
    def open(
        cls,
        *,
        profile: str = "open",
        policy: Policy | None = None,
        limits: Limits | None = None,
        document: str | Path = "hkid-2018",
        records: RecordsAuthority | None = None,
        threads: int = 1,
    ) -> Self:
        """Load a profile's networks and a document type.

        Args:
            profile: of the weights' manifest; `open` has permissive licences throughout.
            policy: thresholds; the default policy when None.
            limits: bounds on what is taken in; the default limits when None.
            document: a built-in type's name, or the path of an operator's own type file.
            records: the issuing department's records; without it the verdict says that they were not asked.
            threads: processor threads for each network call.

        Raises:
            ModelError: a weight is missing, damaged, or has no measured operating points.
            DocumentTypeInvalid: the document type cannot be used.
        """
        kind = load(document) if isinstance(document, Path) else load_builtin(document)
        field_checks.known(kind.checks, kind.name)
        engines = load_engines(profile, threads=threads)
        parts = flow.Parts(
            engines=engines,
            locator=CardLocator.open(kind),
            examiner=CardExaminer.open(kind),
            policy=policy or Policy(),
            limits=limits or Limits(),
            face_thresholds=face_thresholds(profile),
            portrait_thresholds=portrait_thresholds(profile),
            portrait_calibration=portrait_calibration(profile),
            records=records,
            liveness=LivenessExaminer(engines.detector, engines.embedder, TextureNetwork.shipped(threads)),
        )
        return cls(parts)

    @property
    def document(self) -> DocumentType:
        """The document type that is expected."""
        return self._parts.locator.document

    @property
    def limits(self) -> Limits:
        """Bounds on what is taken in."""
        return self._parts.limits

    @property
    def policy(self) -> Policy:
        """The thresholds in force."""
        return self._parts.policy

    @property
    def profile(self) -> str:
        """The profile of the networks in use."""
        return self._parts.engines.profile

    @property
    def weights(self) -> dict[str, str]:
        """File name to full SHA-256 of every network in use."""
        return dict(self._parts.engines.weights)

    def verify(
        self, captures: Captures, answer: LivenessAnswer | None = None, frames: Sequence[bytes | bytearray] = ()
    ) -> Verdict:
        """One verdict for one registration.

        A `bytearray` among the captures or frames is overwritten with zeros when this returns or raises.

        Args:
            captures: the card from three angles, and the selfie.
            answer: to a liveness challenge; with it liveness is checked and required, without it the verdict says
                that it was not performed.
            frames: that give the answer: JPEG or PNG, one for each of its shots.

        Raises:
            BadInput: a capture or a frame cannot be used; nothing was decided about the applicant.
        """
        try:
            names = answer.names if answer is not None else []
            if len(names) != len(frames):
                raise FramesUnusable(f"The answer tells of {len(names)} frames, and {len(frames)} came.")
            with self.vault.open() as session:
                for name, data in (*captures.items(), *zip(names, frames, strict=True)):
                    session.receive(name).write(data)
                return self.verify_session(session, answer)
        finally:
            captures.wipe()
            for frame in frames:
                if isinstance(frame, bytearray):
                    frame[:] = bytes(len(frame))

    def verify_session(self, session: VaultSession, answer: LivenessAnswer | None = None) -> Verdict:
        """Verify captures that a session of `vault` received; the session is wiped when this returns or raises.

        Args:
            session: holds the four captures, and the answer's frames under its `names`.
            answer: as in `verify`; a service draws its challenge again from what it stored.
        """
        return flow.run(session, self._parts, answer)
