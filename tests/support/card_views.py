"""Exact views of a turned card, without pictures."""

from idproof.datasets.specimen.view import Lens, Pose, View
from idproof.pipeline.card.view import CardView
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CARD_ROLES, Role


def card_views(document: DocumentType, focal: float, *turns: float) -> dict[Role, CardView]:
    """Exact views of a card turned by these angles."""
    poses = [Pose(turn, 4.0, -3.0, (0.01, 0.02), 0.55) for turn in turns]
    return {
        role: CardView(View(document, Lens(focal), pose).homography, (1920, 1080), 100, 0.5, 12.0)
        for role, pose in zip(CARD_ROLES, poses, strict=True)
    }
