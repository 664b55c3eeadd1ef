"""An issuer with its chain, and the claims of an invented person."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from credential_desk import Desk, opened
from joserfc.jwk import ECKey
from wallets import ISSUER, new_key, verdict

from idproof.service.credentials.certificates import DOCUMENT_SIGNER, Trust
from idproof.service.credentials.claims import credential_claims
from idproof.service.credentials.credential import Audience, Validity
from idproof.service.credentials.identity import Identity
from idproof.service.operations.settings import Settings


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Identity.own(tmp_path_factory.mktemp("issuer"), "credential-issuer", ISSUER, DOCUMENT_SIGNER)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Somebody else, who names the same issuer in a certificate of a root of their own."""
    return Identity.own(tmp_path_factory.mktemp("stranger"), "credential-issuer", ISSUER, DOCUMENT_SIGNER)


@pytest.fixture(scope="session")
def trust(issuer: Identity) -> Trust:
    assert issuer.root is not None
    return Trust([issuer.root])


@pytest.fixture(scope="session")
def holder() -> ECKey:
    return new_key()


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def validity(now: datetime) -> Validity:
    return Validity.of_day(now, 30)


@pytest.fixture
def audience() -> Audience:
    return Audience("x509_hash:counter", "nonce-of-this-request", "https://counter.example/response")


@pytest.fixture
def claims() -> dict[str, Any]:
    found = credential_claims(verdict(), date(2026, 11, 23), trust_framework="hk", issuer_country="HK")
    assert found is not None
    return found


@pytest.fixture
def desk(on_either: Settings) -> Iterator[Desk]:
    settings = on_either.model_copy(update={"credential_issuer": ISSUER})
    yield from opened(settings)


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Desk]:
    yield from opened(Settings(data_dir=tmp_path / "data", credential_issuer=ISSUER))
