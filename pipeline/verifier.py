"""The public interface: opened once, it verifies many registrations."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from idproof.models.batched_embedder import BatchedEmbedder
from idproof.models.session import CPU
from idproof.models.types import FaceDetector
from idproof.pipeline import step_up, verify
from idproof.pipeline.config import Limits, Policy
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.errors import FramesUnusable
from idproof.pipeline.executors.in_process import InProcessExecutor
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordsAuthority
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.opening import open_tools, rules_for_tools
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.types import Captures, Verdict
from idproof.pipeline.vault import Vault, VaultSession


class Verifier:
    """Verifies registrations with networks that are loaded once. Safe to use from several threads.

    Example:
        The captures are encoded pictures (bytes); nothing is read from or written to a file. These came as files,
        without frames of a living person, so they are referred.

        >>> from idproof.pipeline import Captures, Verifier
        >>> verifier = Verifier.open(profile="open")
        >>> captures = Captures(card_front=front, card_tilt_left=left, card_tilt_right=right, selfie=selfie)
        >>> verdict = verifier.verify(captures)
        >>> verdict.decision, verdict.reasons
        (<Decision.REFER: 'refer'>, ('captures_injectable', 'liveness_missing'))
    """

    def __init__(self, rules: verify.Rules, executor: verify.Executor) -> None:
        self.rules = rules
        self.executor = executor
        self.vault = Vault(rules.limits)

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
        branches: int = 1,
        provider: str = CPU,
    ) -> Self:
        """Load a profile's networks and a document type, to verify in this process.

        Args:
            profile: name in the weights' manifest; every network of `open` has a permissive licence.
            policy: thresholds; the default policy when None.
            limits: bounds on what is taken in; the default limits when None.
            document: a built-in type's name, or the path of an operator's own type file.
            records: the issuing department's records; without them the verdict lists their check as not performed.
            threads: processor threads per network call.
            branches: threads that examine at once, over all registrations: independent steps of a registration run
                side by side on those that are free. With 1, each registration is examined in its caller's thread.
            provider: onnxruntime's name of the hardware that the networks run on, or `AUTO`. On another than the
                processor, registrations that are examined at once share batches of faces.

        Raises:
            ModelError: a weight is missing, damaged, or has no measured operating points.
            DocumentTypeInvalid: the document type cannot be used.
        """
        tools = open_tools(profile, document, policy or Policy(), limits or Limits(), threads, provider=provider)
        if tools.engines.provider != CPU and branches > 1:
            tools = replace(tools, engines=replace(tools.engines, embedder=BatchedEmbedder(tools.engines.embedder)))
        return cls(rules_for_tools(tools, records), InProcessExecutor(tools, branches))

    @property
    def document(self) -> DocumentType:
        """The document type that is expected."""
        return self.rules.document

    @property
    def limits(self) -> Limits:
        """Bounds on what is taken in."""
        return self.rules.limits

    @property
    def policy(self) -> Policy:
        """The thresholds in force."""
        return self.rules.policy

    @property
    def profile(self) -> str:
        """The profile of the networks in use."""
        return self.rules.profile

    @property
    def weights(self) -> dict[str, str]:
        """File name to full SHA-256 of every network in use."""
        return self.executor.weights

    @property
    def provider(self) -> str | None:
        """Hardware that the networks run on, by onnxruntime's name; None where pictures are examined elsewhere."""
        tools = getattr(self.executor, "tools", None)
        return None if tools is None else tools.engines.provider

    @property
    def face_detector(self) -> FaceDetector | None:
        """The face detector that is loaded here, for guidance to share; None where pictures are examined elsewhere."""
        return self.executor.face_detector

    def close(self) -> None:
        """Wipe every session that is still open, and release threads and connections."""
        self.vault.close()
        self.executor.close()

    def verify(
        self,
        captures: Captures,
        answer: LivenessResponse | None = None,
        frames: Sequence[bytes | bytearray] = (),
        origin: CaptureOrigin = UPLOADED,
    ) -> Verdict:
        """Verify one registration.

        A `bytearray` among the captures or frames is overwritten with zeros when this returns or raises.

        Args:
            captures: the card from three angles, and the selfie.
            answer: to a liveness challenge. Without it the verdict lists liveness as not performed, and the decision
                is `refer` at best unless the policy does not require liveness.
            frames: of the answer, JPEG or PNG, one per shot.
            origin: of the pictures: their level, below the policy's `accept_from` the decision is `refer` at best, and
                the capture plan that they were asked by.

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
                return self.verify_session(session, answer, origin)
        finally:
            captures.wipe()
            for frame in frames:
                if isinstance(frame, bytearray):
                    frame[:] = bytes(len(frame))

    def verify_session(
        self,
        session: VaultSession,
        answer: LivenessResponse | None = None,
        origin: CaptureOrigin = UPLOADED,
    ) -> Verdict:
        """Verify the captures that a session of `vault` received; the session is wiped when this returns or raises.

        Args:
            session: holds the four captures, and the answer's frames under its `names`.
            answer: as in `verify`; a service draws its challenge again from the nonce that it stored.
            origin: as in `verify`.
        """
        return verify.verify(session, self.rules, self.executor, answer, origin)

    def ask_records_again(self, earlier: Verdict) -> Verdict:
        """Ask the records again for a verdict that they did not answer; without pictures nothing else is examined.

        Args:
            earlier: a verdict whose check `records` could not be assessed.
        """
        return verify.ask_records_again(earlier, self.rules)

    def check_holder(
        self,
        session: VaultSession,
        card: CardData,
        answer: LivenessResponse,
        origin: CaptureOrigin = UPLOADED,
    ) -> step_up.HolderCheck:
        """Check that the person before the camera is the card's holder, by the portrait that the records give now.

        Args:
            session: holds a selfie and the answer's frames; it is wiped when this returns or raises.
            card: by which the records find the holder.
            answer: to a challenge that was drawn for this occasion.
            origin: of the pictures.

        Raises:
            RecordsUnavailable, PortraitUnavailable: there is nothing to compare with.
            BadInput: a picture cannot be used.
        """
        return step_up.check_holder(session, self.rules, self.executor, card, answer, origin)

    @property
    def template_network(self) -> str:
        """Full SHA-256 of the network that computes face templates here; empty where another process computes them."""
        return self.executor.template_network

    def check_enrolled(
        self, session: VaultSession, answer: LivenessResponse, origin: CaptureOrigin = UPLOADED
    ) -> step_up.HolderCheck:
        """Check that the person before the camera is the one of an earlier registration, by that one's own template.

        Args:
            session: holds the opened template, a selfie and the answer's frames; it is wiped when this returns or
                raises.
            answer: to a challenge that was drawn for this occasion.
            origin: of the pictures.

        Raises:
            BadInput: a picture cannot be used.
        """
        return step_up.check_enrolled(session, self.rules, self.executor, answer, origin)
