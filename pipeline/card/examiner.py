"""Every question that is asked of the card itself, in one place: which, when, and what each needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from idproof.models.types import RGBImage
from idproof.pipeline.card.checks import (
    angles,
    display_frame,
    halftone,
    hologram,
    letters,
    moving_light,
    noise,
    outline,
    recapture,
    resampling,
    same_card,
    second_portrait,
)
from idproof.pipeline.card.checks.fine_print import NAME as FINE_PRINT
from idproof.pipeline.card.checks.fine_print import FinePrint
from idproof.pipeline.card.checks.print_continuity import NAME as CONTINUITY
from idproof.pipeline.card.checks.print_continuity import Continuity
from idproof.pipeline.card.view import CardView
from idproof.pipeline.config import Policy
from idproof.pipeline.documents import DocumentType, Region
from idproof.pipeline.types import CheckResult, Role

ALWAYS = (
    angles.NAME,
    angles.RIGID,
    same_card.NAME,
    moving_light.NAME,
    recapture.SCREEN,
    recapture.COPY,
    CONTINUITY,
    halftone.NAME,
    FINE_PRINT,
    outline.CORNERS,
    outline.ASPECT,
    noise.PORTRAIT,
    noise.FIELDS,
    resampling.NAME,
    display_frame.NAME,
)
"""Checks of every document type."""


@dataclass(frozen=True)
class CardExaminer:
    """The checks that a document type's card goes through. Made once, used from any thread.

    Attributes:
        document: the type.
        pattern: its hologram's zones, or None when it has none.
        second: its second portrait, or None.
        continuity, fine_print: its static print, made ready for these two questions.
    """

    document: DocumentType
    pattern: hologram.Pattern | None
    second: Region | None
    continuity: Continuity
    fine_print: FinePrint

    @classmethod
    def open(cls, document: DocumentType) -> Self:
        """Read what the checks need; raises `DocumentTypeInvalid`."""
        pattern, second = hologram.Pattern.of(document), second_portrait.region_of(document)
        return cls(document, pattern, second, Continuity.of(document), FinePrint.of(document))

    @property
    def required(self) -> tuple[str, ...]:
        """Names of all checks that a card of this type must pass."""
        of_hologram = (hologram.RESPONSE, hologram.SHAPE) if self.pattern is not None else ()
        return (*ALWAYS, *letters.names(self.document), *of_hologram, *self._of_second)

    @property
    def _of_second(self) -> tuple[str, ...]:
        if self.second is None:
            return ()
        slides = self.second.slide_mm_per_deg != 0
        return (second_portrait.SAME_FACE, second_portrait.MOVES) if slides else (second_portrait.SAME_FACE,)

    @property
    def optically_variable(self) -> bool:
        """Whether the type has any region that must answer the angle."""
        return self.pattern is not None or second_portrait.MOVES in self._of_second

    def examine(
        self,
        images: Mapping[Role, RGBImage],
        rectified: Mapping[Role, RGBImage],
        views: Mapping[Role, CardView],
        policy: Policy,
    ) -> list[CheckResult]:
        """All checks on the three captures of one card.

        Args:
            images: the captures.
            rectified: the card in its canonical frame, from each.
            views: where the card is in each.
            policy: limits.
        """
        document = self.document
        results = [
            angles.check(views, policy),
            angles.rigid(views, policy),
            same_card.check(rectified, document, policy),
            moving_light.check(rectified, document, policy),
            recapture.screen(images, views, document, policy),
            recapture.copy(rectified, policy),
            display_frame.check(images, views, self.document, policy),
            *self._copied_or_altered(images, rectified, views, policy),
        ]
        if self.pattern is not None:
            results += hologram.check(rectified, self.pattern, document, policy)
        if self.second is not None:
            turns = angles.turns_deg(views)
            results += second_portrait.check(rectified, turns, self.second, document, policy)
        return results

    def examine_one(self, image: RGBImage, rectified: RGBImage, view: CardView, policy: Policy) -> list[CheckResult]:
        """What a single flat capture tells: copies, alterations, and the portrait against the second one.

        It never replaces `examine`: nothing here saw the card from another angle.
        """
        role = Role.CARD_FRONT
        results = [
            recapture.screen({role: image}, {role: view}, self.document, policy),
            recapture.copy({role: rectified}, policy),
            *self._copied_or_altered({role: image}, {role: rectified}, {role: view}, policy),
        ]
        if self.second is not None:
            _, correlation = second_portrait.locate(rectified, self.second, self.document)
            results.append(second_portrait.same_face([correlation], policy))
        return results

    def _copied_or_altered(
        self,
        images: Mapping[Role, RGBImage],
        rectified: Mapping[Role, RGBImage],
        views: Mapping[Role, CardView],
        policy: Policy,
    ) -> list[CheckResult]:
        """What each capture tells by itself; `card_front` is the one least turned."""
        front = Role.CARD_FRONT
        return [
            halftone.check(rectified[front], views[front], self.document, policy),
            self.fine_print.check(rectified, views, policy),
            resampling.check(images, views, self.document, policy),
            self.continuity.check(rectified, policy),
            *outline.check(images, views, self.document, policy),
            *noise.check(rectified, self.document, policy),
            *letters.check(rectified, self.document, policy),
        ]
