"""Fixtures of several rooms: real networks, opened once, and one rendered applicant."""

from collections.abc import Callable
from functools import lru_cache

import pytest
from hypothesis import settings

from idproof.datasets.specimen.make import Registration, make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Captures, Policy, Verifier
from idproof.pipeline.documents import DocumentType, load_builtin

SEED = 31

# How long an example takes depends on what else the machine does: no test fails by it.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@lru_cache(maxsize=32)
def rendered(attack: str | None = None, index: int = 0) -> Registration:
    """A registration with the bundled pictures."""
    return make(SEED, index, PortraitSource.open(None), load_builtin(), attack)


@pytest.fixture(scope="session")
def verifier() -> Verifier:
    """The real verifier with the profile `open`, whose operator accepts uploaded files without liveness."""
    return Verifier.open(profile="open", policy=Policy.for_uploads())


@pytest.fixture(scope="session")
def document() -> DocumentType:
    return load_builtin()


@pytest.fixture(scope="session")
def registration() -> Registration:
    """A bona fide applicant."""
    return rendered()


@pytest.fixture
def parts(registration: Registration) -> dict[str, bytes]:
    """The applicant's pictures by role; a copy that a test may change."""
    return registration.parts()


@pytest.fixture(scope="session")
def captures_of() -> Callable[..., Captures]:
    """Captures of a rendered registration, bona fide or an attack, with some parts replaced."""

    def build(attack: str | None = None, index: int = 0, **replaced: bytes) -> Captures:
        return Captures.from_parts(rendered(attack, index).parts() | replaced)

    return build


@pytest.fixture
def other_card() -> Callable[[int], Registration]:
    """Bona fide registrations with different cards."""
    return lambda index: rendered(index=index)
