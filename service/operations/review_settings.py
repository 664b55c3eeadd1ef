"""Settings of reviews by officers; part of `Settings`."""

from typing import Literal

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings


class ReviewSettings(BaseSettings):
    """Settings of reviews.

    Attributes:
        review_referred: a referred registration that new captures cannot settle waits for a reviewer, before it goes
            to a counter.
        review_officers: officers who must agree on a decision that ends a registration: 1 or 2.
        review_claim_s: seconds for which an officer holds a review.
        reviewers_confirmed: an officer reviews only after somebody else confirmed the enrolment.
        review_pictures: `sealed` keeps the captures of a referred registration for its reviewers, encrypted to keys in
            their browsers (`docs/reviews.md`); `none` keeps none.
        review_pictures_s: seconds after which sealed pictures are destroyed unseen.
        review_pictures_mib: MiB of sealed pictures that a server process holds at most; further ones are not kept.
    """

    review_referred: bool = False
    review_officers: int = Field(default=2, ge=1, le=2)
    review_claim_s: float = Field(default=900.0, ge=60, le=86_400)
    reviewers_confirmed: bool = True
    review_pictures: Literal["none", "sealed"] = "none"
    review_pictures_s: float = Field(default=900.0, gt=0, le=3600)
    review_pictures_mib: int = Field(default=256, ge=1)

    @model_validator(mode="after")
    def _pictures_have_reviewers(self) -> "ReviewSettings":
        if self.review_pictures == "sealed" and not self.review_referred:
            raise ValueError("review_pictures=sealed needs review_referred")
        return self
