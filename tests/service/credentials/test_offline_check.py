"""`idproof credential check`: exit codes, and one sentence for each fault."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from commands import Ended, idproof
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey
from wallets import ISSUER, STATUS, new_key, present, present_document

from idproof.service.credentials import mdoc, sd_jwt, status_list
from idproof.service.credentials.credential import Audience, Validity
from idproof.service.credentials.identity import Identity
from idproof.service.credentials.status_download import require_address
from idproof.service.errors import CredentialRefused
from idproof.service.storage.credential_status import CAPACITY


@pytest.fixture
def roots(issuer: Identity, tmp_path: Path) -> Path:
    assert issuer.root is not None
    path = tmp_path / "roots.pem"
    path.write_bytes(issuer.root.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def credential(claims: dict[str, Any], issuer: Identity, holder: ECKey, validity: Validity) -> str:
    return sd_jwt.issue(claims, issuer, holder, validity, STATUS)


@pytest.fixture
def status(issuer: Identity, now: datetime, tmp_path: Path) -> Path:
    path = tmp_path / "status.jwt"
    path.write_text(status_list.make_token(issuer, STATUS.uri, [1], CAPACITY, now), encoding="ascii")
    return path


def check(folder: Path, text: str, *more: object) -> Ended:
    file = folder / "shown.txt"
    file.write_text(text + "\n", encoding="utf-8")
    return idproof("credential", "check", file, *more)


def test_a_credential_that_holds(credential: str, roots: Path, status: Path, tmp_path: Path) -> None:
    done = check(tmp_path, credential, "--root", roots, "--status", status)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"The credential is valid (dc+sd-jwt). Issued by {ISSUER}.")
    assert "It is not revoked." in done.stdout
    assert "over_18" in done.stdout
    assert "CHAN" not in done.stdout
    body = json.loads(check(tmp_path, credential, "--root", roots, "--without-status", "--json").stdout)
    assert (body["claims"]["family_name"], body["bound"], body["status"]) == ("CHAN", False, "not checked")


def test_presentations_of_both_formats(
    credential: str,
    claims: dict[str, Any],
    issuer: Identity,
    holder: ECKey,
    validity: Validity,
    audience: Audience,
    roots: Path,
    status: Path,
    tmp_path: Path,
) -> None:
    asked = ["--root", roots, "--status", status, "--nonce", audience.nonce, "--audience", audience.client_id]
    done = check(tmp_path, present(credential, holder, audience, ["over_18"]), *asked)
    assert (done.returncode, done.stdout[:26]) == (0, "The presentation is valid ")
    document = present_document(mdoc.issue(claims, issuer, holder, validity, STATUS), holder, audience, ["over_18"])
    done = check(tmp_path, document, *asked, "--response-uri", audience.response_uri)
    assert (done.returncode, "mso_mdoc" in done.stdout) == (0, True), done.stderr
    # Sealed to no key, so that one named by mistake is another request.
    more = ["--response-uri", audience.response_uri, "--key-thumbprint", "A" * 43]
    assert check(tmp_path, document, *asked, *more).stderr.startswith("holder_proof_invalid: ")


def test_each_fault_has_its_code_and_one_line(
    credential: str,
    claims: dict[str, Any],
    issuer: Identity,
    holder: ECKey,
    stranger: Identity,
    validity: Validity,
    audience: Audience,
    now: datetime,
    roots: Path,
    tmp_path: Path,
) -> None:
    revoked = tmp_path / "revoked.jwt"
    revoked.write_text(status_list.make_token(issuer, STATUS.uri, [STATUS.index], CAPACITY, now), encoding="ascii")
    asked = ["--nonce", audience.nonce, "--audience", audience.client_id]
    free = ["--without-status"]
    of_yesterday = Validity(validity.begin, now)
    faults: dict[str, tuple[str, list[Any]]] = {
        "credential_malformed": ("not a credential", free),
        "credential_issuer_untrusted": (sd_jwt.issue(claims, stranger, holder, validity, STATUS), free),
        "credential_signature_invalid": (credential.replace(credential.split("~")[0][-9:], "AAAAAAAAA"), free),
        "credential_expired": (sd_jwt.issue(claims, issuer, holder, of_yesterday, STATUS), free),
        "credential_revoked": (credential, ["--status", revoked]),
        "status_unavailable": (credential, ["--status", tmp_path / "missing"]),
        "holder_proof_missing": (credential, [*free, *asked]),
        "holder_proof_invalid": (present(credential, new_key(), audience, ["over_18"]), [*free, *asked]),
        "nonce_wrong": (present(credential, holder, audience, []), [*free, "--nonce", "x", *asked[2:]]),
        "audience_wrong": (present(credential, holder, audience, []), [*free, *asked[:2], "--audience", "x"]),
    }
    for code, (text, more) in faults.items():
        done = check(tmp_path, text, "--root", roots, *more)
        assert (done.returncode, done.stdout) == (1, ""), code
        assert done.stderr.startswith(f"{code}: "), (code, done.stderr)
        assert done.stderr.count("\n") == 1
        assert "CHAN" not in done.stderr


def test_wrong_use_is_no_finding(credential: str, roots: Path, status: Path, tmp_path: Path) -> None:
    for more in (
        [],
        ["--status", status, "--without-status"],
        ["--without-status", "--nonce", "x"],
        ["--without-status", "--nonce", "x", "--audience", "y", "--key-thumbprint", "short"],
    ):
        assert check(tmp_path, credential, "--root", roots, *more).returncode == 2, more
    assert check(tmp_path, credential, "--root", tmp_path / "none.pem", "--without-status").returncode == 2


Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def answering(answers: dict[str, Answer]) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            code, headers, body = answers[self.path]
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_list_is_fetched_from_the_named_address_only(
    credential: str, roots: Path, status: Path, tmp_path: Path
) -> None:
    kind = {"Content-Type": "application/statuslist+jwt"}
    token = status.read_bytes()
    answers: dict[str, Answer] = {
        "/list": (200, kind, token),
        "/moved": (302, kind | {"Location": "/list"}, b""),
        "/html": (200, {"Content-Type": "text/html"}, token),
        "/packed": (200, kind | {"Content-Encoding": "gzip"}, token),
        "/endless": (200, kind, b"x" * 300_000),
        "/error": (500, kind, token),
    }
    with answering(answers) as (base, asked):
        codes = {
            path: check(tmp_path, credential, "--root", roots, "--status", base + path).returncode for path in answers
        }
        assert codes == {path: 0 if path == "/list" else 1 for path in answers}
        assert asked == list(answers)


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/1",
        "ftp://issuer.example/1",
        "file:///etc/passwd",
        "https://user@issuer.example/1",
        "https://issuer.example/1#x",
        "https://[::1/1",
        "https:///1",
        "https://issuer.example:x/1",
    ],
)
def test_other_addresses_are_never_asked(url: str) -> None:
    with pytest.raises(CredentialRefused) as caught:
        require_address(url)
    assert caught.value.code == "status_unavailable"
