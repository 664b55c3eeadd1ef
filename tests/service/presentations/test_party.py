"""The verifier's key and certificates: an operator's own, which must be of a reader and name the verifier."""

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idproof.service.credentials.certificates import DOCUMENT_SIGNER, READER, make_chain
from idproof.service.errors import KeysUnusable
from idproof.service.operations.settings import Settings
from idproof.service.presentations.request_objects import Party

ADDRESS = "https://library.example"


def party(folder: Path, identifier: str, purpose: x509.ObjectIdentifier, **changed: Any) -> Party:
    key, leaf, _ = make_chain("own", identifier, purpose)
    private, chain = folder / "key.pem", folder / "chain.pem"
    private.touch(0o600)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    chain.write_bytes(leaf.public_bytes(Encoding.PEM))
    files = {"presentation_key": private, "presentation_chain": chain}
    return Party.open(Settings(data_dir=folder, **files, **changed), ADDRESS)


def test_an_operator_s_key_signs(tmp_path: Path) -> None:
    found = party(tmp_path, ADDRESS, READER)
    assert found.client_id == f"x509_hash:{found.identity.hash}"
    named = party(tmp_path, ADDRESS, READER, presentation_client_id="x509_san_dns")
    assert named.client_id == "x509_san_dns:library.example"


def test_a_key_of_another_purpose_or_verifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeysUnusable, match="purpose of readers"):
        party(tmp_path, ADDRESS, DOCUMENT_SIGNER)
    with pytest.raises(KeysUnusable, match="alternative names"):
        party(tmp_path, "https://another.example", READER)


def test_an_address_without_a_name_has_no_client_id_of_the_dns(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, presentation_client_id="x509_san_dns")
    settings.keys_dir.mkdir()
    with pytest.raises(KeysUnusable, match="x509_san_dns"):
        Party.open(settings, "http://127.0.0.1:8000")
