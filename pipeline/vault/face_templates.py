"""The face templates of one registration, each held by the vault under its own name."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields

from idproof.models.types import Embeddings
from idproof.pipeline.vault.kinds import TEMPLATE
from idproof.pipeline.vault.session import VaultSession


@dataclass(frozen=True, slots=True, repr=False)
class FaceTemplates:
    """Templates of the faces of one registration, each (1, dimensions) and of unit length.

    Attributes:
        portrait: of the card's main portrait, fused from the captures in which its face was found.
        selfie: of the selfie, fused from the picture in colour and the picture in grey.
        selfie_colour: of the selfie in colour alone, for comparisons with photographs that are not on a card.
        second_portrait: of the card's second portrait; None where the type has none, or no face was found in it.
    """

    portrait: Embeddings
    selfie: Embeddings
    selfie_colour: Embeddings
    second_portrait: Embeddings | None = None


NAMES = tuple(field.name for field in fields(FaceTemplates))


def put_templates(session: VaultSession, templates: FaceTemplates) -> None:
    """Move the templates into the vault; the caller's arrays are overwritten with zeros."""
    for name in NAMES:
        template = getattr(templates, name)
        if template is not None:
            session.put(TEMPLATE, name, template)


def held_templates(session: VaultSession) -> tuple[str, ...]:
    """Names of the templates that the session holds, for another process that needs the same ones."""
    return tuple(name for name in NAMES if session.holds(TEMPLATE, name))


@contextmanager
def borrow_templates(session: VaultSession) -> Iterator[FaceTemplates]:
    """Lend the templates, read-only, for the length of the block.

    Raises:
        KeyError: `put_templates` was not called for this session.
        SessionExpired: they were overwritten, before the block or within it.
    """
    with ExitStack() as stack:
        held = {name: stack.enter_context(session.borrow(TEMPLATE, name)) for name in held_templates(session)}
        if missing := {"portrait", "selfie", "selfie_colour"} - held.keys():
            session.ensure_open()
            raise KeyError(f"the session holds no template {min(missing)}")
        yield FaceTemplates(**held)
