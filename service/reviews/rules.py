"""Limits and rules of reviews."""

from dataclasses import dataclass
from typing import Self

from idproof.service.operations.settings import Settings


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """Rules of reviews. The defaults are those of `Settings`, chosen by hand; no outside source.

    Attributes:
        officers: who must agree on a decision that ends a registration: 1 or 2.
        claim_s: seconds for which a claim holds unless it is renewed by another look.
        confirmed: a reviewer counts only after somebody else confirmed the enrolment.
    """

    officers: int = 2
    claim_s: float = 900.0
    confirmed: bool = True

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Returns the rules of an operator's settings."""
        return cls(settings.review_officers, settings.review_claim_s, settings.reviewers_confirmed)
