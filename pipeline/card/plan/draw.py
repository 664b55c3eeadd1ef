"""Draws the capture plan of a session from its nonce."""

import hashlib
from itertools import permutations

from idproof.pipeline.card.plan.types import PITCHES_DEG, SHARES, TURNS_DEG, CapturePlan, CardPose
from idproof.pipeline.nonce_stream import NonceStream
from idproof.pipeline.types import CARD_ROLES, Role

_DOMAIN, _ORDER_DOMAIN = b"idproof capture plan 1\0", b"idproof capture order 1\0"


def draw(nonce: bytes) -> CapturePlan:
    """Draws the plan of a nonce: the same for the same nonce, one of 864 sets of poses in one of 6 orders.

    Args:
        nonce: 16 random bytes or more, from `secrets.token_bytes`.

    Raises:
        ValueError: the nonce is too short.

    Example:
        >>> plan = draw(bytes(32))
        >>> plan.poses[Role.CARD_TILT_LEFT]
        CardPose(turn_deg=19.0, pitch_deg=0.0, share=0.64)
        >>> round(plan.strength_bits, 1)
        9.8
    """
    stream = NonceStream(_DOMAIN, nonce)
    poses = {
        role: CardPose(stream.choose(TURNS_DEG[role]), stream.choose(PITCHES_DEG), stream.choose(SHARES))
        for role in CARD_ROLES
    }
    return CapturePlan(poses, order_of(nonce))


def order_of(nonce: bytes) -> tuple[Role, ...]:
    """Returns the card's three captures in the order that a session's nonce chooses.

    Example:
        >>> [role.value for role in order_of(bytes(32))]
        ['card_front', 'card_tilt_left', 'card_tilt_right']
    """
    orders = list(permutations(CARD_ROLES))
    digest = hashlib.sha256(_ORDER_DOMAIN + nonce).digest()
    fair = 256 - 256 % len(orders)
    # Without a byte below 252, which happens once in 10^58 sessions, the first order is taken.
    return orders[next((byte for byte in digest if byte < fair), 0) % len(orders)]
