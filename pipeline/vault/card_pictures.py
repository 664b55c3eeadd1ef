"""The three pictures of one registration's card, as the vault holds them at each step."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from idproof.models.types import RGBImage
from idproof.pipeline.types import CARD_ROLES, Role
from idproof.pipeline.vault.session import VaultSession


@contextmanager
def borrow_card_pictures(session: VaultSession, kind: str, prefix: str = "") -> Iterator[dict[Role, RGBImage]]:
    """Lend the three card pictures of one kind; their names are the prefix and the role."""
    with ExitStack() as stack:
        yield {role: stack.enter_context(session.borrow(kind, f"{prefix}{role}")) for role in CARD_ROLES}
