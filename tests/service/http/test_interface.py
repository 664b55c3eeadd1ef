"""The interface as a client sees it: a real server, real networks, hostile bodies."""

import io
import json
import signal
import socket
import struct
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from server_process import Server, start, stop

from idproof.datasets.specimen.make import Registration
from idproof.pipeline import Role
from idproof.pipeline.vault import guards
from idproof.pipeline.verdict import from_json
from idproof.service.operations import residue
from idproof.service.signing.jws import verify

MIB = 1024 * 1024


def session(server: Server) -> dict[str, str]:
    """The header of a new capture session."""
    return {"Capture-Session": httpx.post(f"{server.url}/v1/capture-sessions").json()["id"]}


def post(server: Server, parts: dict[str, bytes], **data: str) -> httpx.Response:
    files = {name: (name, body, "image/jpeg") for name, body in parts.items()}
    url = f"{server.url}/v1/verifications"
    return httpx.post(url, files=files, data=data, headers=session(server), timeout=60)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(150_001) * 100)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def accepted(server: Server, registration: Registration) -> dict[str, Any]:
    answer = post(server, registration.parts(), metadata=json.dumps({"reference": "ref-1"}))
    assert answer.status_code == 201, answer.text
    return answer.json() | {"location": answer.headers["location"]}


def test_a_bona_fide_registration_is_accepted_with_every_field_read(
    accepted: dict[str, Any], registration: Registration
) -> None:
    assert accepted["decision"] == "accept", accepted["reasons"]
    read = {name: entry["text"] for name, entry in accepted["fields"].items()}
    assert read == registration.description["truth"]["fields"]
    assert accepted["reference"] == "ref-1"
    assert accepted["deletion"]["outstanding"] == 0
    assert set(accepted["deletion"]["guards"]) >= set(guards.REQUIRED)


def test_the_verdict_is_signed_by_the_published_key(server: Server, accepted: dict[str, Any]) -> None:
    jwks = httpx.get(f"{server.url}/.well-known/jwks.json").json()
    assert "d" not in jwks["keys"][0]
    claims = verify(accepted["jws"], jwks)
    assert claims["jti"] == accepted["id"]
    body = {key: value for key, value in accepted.items() if key not in ("jws", "texts", "location")}
    assert claims["verdict"] == body
    assert body.pop("reference") == "ref-1"
    assert body.pop("session")["nonce"]
    assert body.pop("core_only") is None
    assert (body.pop("registration"), body.pop("guardian")) == (None, None)
    assert from_json(body).decision == "accept"


def test_the_verdict_can_be_read_again(server: Server, accepted: dict[str, Any]) -> None:
    again = httpx.get(server.url + accepted["location"])
    assert again.status_code == 200
    assert again.json() == {key: value for key, value in accepted.items() if key != "location"}


def test_an_erased_verdict_is_gone_and_the_audit_log_records_it(server: Server, registration: Registration) -> None:
    place = server.url + post(server, registration.parts()).headers["location"]
    assert httpx.get(place).status_code == 200
    assert httpx.delete(place).status_code == 204
    expect_problem(httpx.get(place), 404, "not_found")
    expect_problem(httpx.delete(place), 404, "not_found")
    last = json.loads((server.data_dir / "audit.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "erased"
    assert last["about"]["id"] == place.rsplit("/", 1)[1]


def test_no_field_value_and_no_picture_is_in_any_file_or_log(
    server: Server, accepted: dict[str, Any], registration: Registration
) -> None:
    values = [text for text in registration.description["truth"]["fields"].values() if len(text) > 4]
    wanted = [text.encode() for text in values] + [json.dumps(text)[1:-1].encode() for text in values]
    wanted += [piece for data in registration.pictures.values() for piece in residue.sample_fragments(data)]
    found = residue.search_files([server.data_dir.parent], wanted)
    assert found.searched_bytes > 10_000
    assert found.found == 0
    assert accepted["id"] in server.logged()


def test_no_part_of_a_picture_stays_in_the_servers_memory(
    server: Server, accepted: dict[str, Any], registration: Registration
) -> None:
    assert accepted
    wanted = [piece for data in registration.pictures.values() for piece in residue.sample_fragments(data)]
    found = residue.search_memory(server.pid, wanted)
    assert found.searched_bytes > 50 * MIB
    assert found.found == 0


NOISE = Image.fromarray(np.random.default_rng(5).integers(0, 255, (700, 900, 3), dtype=np.uint8))
JPEG = encoded(NOISE, "JPEG")
ANIMATED = encoded(NOISE, "GIF", save_all=True, append_images=[NOISE.rotate(180)])
DEEP = encoded(Image.fromarray(np.full((700, 900), 40_000, dtype=np.uint16)), "PNG")

REFUSED: dict[str, tuple[dict[str, bytes], int, str, str | None]] = {
    "not an image": ({"card_front": b"no picture at all"}, 422, "capture_unreadable", "card_front"),
    "truncated": ({"card_tilt_left": JPEG[: len(JPEG) // 2]}, 422, "capture_unreadable", "card_tilt_left"),
    "bomb": ({"selfie": bomb()}, 413, "capture_too_many_pixels", "selfie"),
    "zero bytes": ({"selfie": b""}, 422, "capture_empty", "selfie"),
    "too large": ({"card_front": bytes(13 * MIB)}, 413, "capture_too_large", "card_front"),
    "animated": ({"card_front": ANIMATED}, 415, "capture_format_unsupported", "card_front"),
    "16 bits": ({"card_front": DEEP}, 415, "capture_format_unsupported", "card_front"),
    "AVIF": ({"selfie": encoded(NOISE, "AVIF")}, 415, "capture_heif_unsupported", "selfie"),
    "CMYK": ({"card_front": encoded(NOISE.convert("CMYK"), "JPEG")}, 415, "capture_format_unsupported", "card_front"),
    "no card": ({"card_front": JPEG}, 422, "card_not_found", "card_front"),
    "no face": ({"selfie": JPEG}, 422, "face_not_found", "selfie"),
}


def expect_problem(answer: httpx.Response, status: int, code: str, capture: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["status"], body.get("capture")) == (code, status, capture)
    assert body["detail"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("name", REFUSED)
def test_a_capture_that_cannot_be_used_is_a_problem_with_its_code(
    server: Server, parts: dict[str, bytes], name: str
) -> None:
    replaced, status, code, capture = REFUSED[name]
    expect_problem(post(server, parts | replaced), status, code, capture)


def test_identical_captures_are_refused(server: Server, parts: dict[str, bytes]) -> None:
    front = parts["card_front"]
    answer = post(server, parts | {"card_tilt_left": front, "card_tilt_right": front})
    expect_problem(answer, 422, "captures_identical")


def test_unknown_missing_and_repeated_parts_are_refused(server: Server, parts: dict[str, bytes]) -> None:
    expect_problem(post(server, {"front": b"x"}), 422, "capture_missing")
    without = {name: data for name, data in parts.items() if name != "selfie"}
    expect_problem(post(server, without), 422, "capture_missing", "selfie")
    twice = [("selfie", ("s", b"x")), ("selfie", ("s", b"y"))]
    answer = httpx.post(f"{server.url}/v1/verifications", files=twice, headers=session(server))
    expect_problem(answer, 422, "capture_missing", "selfie")


def test_a_hundred_megabytes_are_refused_and_the_client_gets_the_response(server: Server) -> None:
    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="selfie"; filename="s"\r\n\r\n'
        for _ in range(100):
            yield bytes(MIB)
        yield b"\r\n--b--\r\n"

    headers = {"content-type": "multipart/form-data; boundary=b"} | session(server)
    answer = httpx.post(f"{server.url}/v1/verifications", content=body(), headers=headers, timeout=60)
    expect_problem(answer, 413, "capture_too_large", "selfie")


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{}", 415, "upload_not_multipart"),
        ("multipart/form-data", b"", 415, "upload_not_multipart"),
        ("multipart/form-data; boundary=b", b"nonsense", 400, "upload_malformed"),
        ("multipart/form-data; boundary=b", b"", 400, "upload_malformed"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data", 400, "upload_malformed"),
    ],
)
def test_a_body_that_is_no_form_is_refused(
    server: Server, content_type: str, body: bytes, status: int, code: str
) -> None:
    headers = {"content-type": content_type} | session(server)
    answer = httpx.post(f"{server.url}/v1/verifications", content=body, headers=headers)
    expect_problem(answer, status, code)


@pytest.mark.parametrize(
    "metadata",
    [
        "no json",
        "[1]",
        '{"unknown": 1}',
        '{"reference": "with spaces"}',
        '{"document": "passport"}',
        "x" * 5000,
        "[" * 4000,
    ],
)
def test_metadata_of_another_form_is_refused(server: Server, parts: dict[str, bytes], metadata: str) -> None:
    expect_problem(post(server, parts, metadata=metadata), 422, "metadata_invalid")


def test_unknown_paths_and_methods_are_problems(server: Server) -> None:
    expect_problem(httpx.get(f"{server.url}/nowhere"), 404, "not_found")
    expect_problem(httpx.get(f"{server.url}/v1/verifications/ver_none"), 404, "not_found")
    expect_problem(httpx.put(f"{server.url}/v1/verifications"), 405, "method_not_allowed")


def test_every_response_has_the_security_headers(server: Server) -> None:
    cached = {"/healthz": "no-store", "/nowhere": "no-store", "/.well-known/jwks.json": "public, max-age=300"}
    for path, expected in cached.items():
        headers = httpx.get(server.url + path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == expected
        assert "server" not in headers


def test_the_description_has_examples(server: Server) -> None:
    described = httpx.get(f"{server.url}/openapi.json").json()
    verify_ = described["paths"]["/v1/verifications"]["post"]
    form = verify_["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(form["required"]) == {role.value for role in Role}
    assert verify_["responses"]["201"]["content"]["application/json"]["example"]["decision"] == "accept"


def test_an_upload_that_is_cut_off_leaves_nothing(server: Server, registration: Registration) -> None:
    picture = registration.pictures["tilt_left.jpg"][::-1]  # bytes that no other test has sent
    head = b"POST /v1/verifications HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\n"
    head += f"Capture-Session: {session(server)['Capture-Session']}\r\n".encode()
    head += b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    head += b'--b\r\nContent-Disposition: form-data; name="selfie"; filename="s"\r\n\r\n'
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head + picture)
        time.sleep(0.5)
        assert residue.search_memory(server.pid, residue.sample_fragments(picture)).found > 0  # it had arrived
    time.sleep(0.5)
    assert residue.search_memory(server.pid, residue.sample_fragments(picture)).found == 0
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def names_seen(folder: Path, act: Callable[[], object]) -> set[str]:
    """Names that appear in a folder while something is done, by listing it every 5 ms."""
    watched = subprocess.Popen(
        ["sh", "-c", f"while :; do ls -A {folder}; echo .; sleep 0.005; done"], stdout=subprocess.PIPE, text=True
    )
    assert watched.stdout is not None
    watched.stdout.readline()  # it lists before anything is done
    try:
        act()
    finally:
        watched.terminate()
        seen, _ = watched.communicate()
    return set(seen.split()) - {"."}


def test_no_named_file_is_made_for_the_text_readers(server: Server, parts: dict[str, bytes]) -> None:
    """A spilled upload has no name and shows in no listing: registrations/test_intake.py watches for those."""

    def control() -> None:
        file = server.scratch / "control"
        file.touch()
        time.sleep(0.05)  # a reader takes longer over its file
        file.unlink()

    assert names_seen(server.scratch, control) == {"control"}
    assert names_seen(server.scratch, lambda: post(server, parts | {"selfie": JPEG})) == set()


def test_a_restart_keeps_the_verdict_and_the_key(tmp_path: Path, parts: dict[str, bytes]) -> None:
    first, process = start(tmp_path)
    try:
        given = post(first, parts)
        jwks = httpx.get(f"{first.url}/.well-known/jwks.json").json()
    finally:
        assert stop(process) in (0, -signal.SIGTERM)  # uvicorn ends, then passes the signal on
    second, process = start(tmp_path)
    try:
        assert httpx.get(second.url + given.headers["location"]).json() == given.json()
        assert httpx.get(f"{second.url}/.well-known/jwks.json").json() == jwks
    finally:
        stop(process)
