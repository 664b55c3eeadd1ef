"""The interface matches its description for any input: schemathesis, and more fuzzing behind `long`."""

import asyncio
import gc
import io
import json
import random
import resource
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fakes import FILES, FakeVerifier, ask
from hypothesis import HealthCheck, given, settings
from PIL import Image
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from structlog.testing import capture_logs

from idproof.pipeline import Limits, Role, Vault
from idproof.pipeline.capture import decode
from idproof.pipeline.errors import BadInput
from idproof.service.auth import Scope
from idproof.service.auth.api_keys import ApiKeys
from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings
from idproof.service.signing.keys import Keys
from idproof.service.storage import VerdictStore


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Nobody without a key: the description names the scope of every route."""
    folder = tmp_path_factory.mktemp("contract")
    unbounded: dict[str, Any] = {"client_unused_sessions": 1_000_000, "client_unanswered_challenges": 1_000_000}
    unbounded |= {"passkey_rp_id": "localhost", "passkey_origins": "http://localhost"}
    unbounded |= {"records_url": "http://127.0.0.1:9/records", "review_referred": True}
    unbounded |= {"credential_issuer": "http://localhost", "presentation_verifier": "http://localhost"}
    return Settings(data_dir=folder, anonymous=False, rate_per_minute=1_000_000, queue=1000, **unbounded)


@pytest.fixture(scope="module")
def application(closed: Settings) -> Any:
    return create_app(closed, FakeVerifier())


@pytest.fixture(scope="module")
def every_scope(application: Any, closed: Settings) -> dict[str, str]:
    """The header of a key with every scope."""
    assert application
    store = VerdictStore.open(closed, Keys.open(closed).sealing)
    return {"Authorization": f"Bearer {ApiKeys(store.database).create('contract', tuple(Scope))}"}


@pytest.fixture(scope="module")
def described(application: Any) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", application)


def test_the_interface_matches_its_description(described: Any, every_scope: dict[str, str]) -> None:
    """Not by schemathesis's own pytest plugin, which does not know the newest pytest yet.

    Left out: that whatever fits the schema is accepted. It cannot say what a picture shows, or that a session is open.
    And that nobody comes in without a key, which `test_every_route_admits_its_scope_and_no_other` shows for every
    route: so many refusals would meet the limit of their address.
    """
    tried = []
    for result in described.get_all_operations():
        operation = result.ok()

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(case=operation.as_strategy())
        def conforms(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=every_scope, excluded_checks=[positive_data_acceptance, ignored_auth])

        conforms()
        tried.append(operation.label)
    assert "POST /v1/verifications" in tried
    assert len(tried) >= 10


BOUNDARY = b"b"


def body(parts: list[tuple[bytes, bytes]]) -> bytes:
    made = b"".join(b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return made + b"--b--\r\n"


def mutated(rng: random.Random, data: bytes) -> bytes:
    """A few bytes changed, cut out, doubled, or moved."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randrange(len(out) + 1), rng.randint(1, 24)
        match rng.randrange(5):
            case 0:
                out[at : at + length] = rng.randbytes(min(length, len(out) - at))
            case 1:
                del out[at : at + length]
            case 2:
                out[at:at] = out[at : at + length]
            case 3:
                out[at:at] = rng.choice([b"\r\n", b"--b", b"--b--", b"\0", b'"', b"\xff", b"name=", b";"])
            case _:
                del out[at:]
        if not out:
            return b""
    return bytes(out)


def resident_mib() -> float:
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fuzz_bodies(application: Any, cases: int, seed: int) -> dict[int, int]:
    good = [(f'Content-Disposition: form-data; name="{name}"; filename="x"'.encode(), b"picture" * 8) for name in FILES]
    plain = [*good, (b'Content-Disposition: form-data; name="metadata"', b'{"reference": "r-1"}')]
    shots = json.dumps({"liveness": {"frames": [{"captured_ms": 33.3 * n, "number": n} for n in range(8)]}}).encode()
    frames = [(b'Content-Disposition: form-data; name="frames"; filename="x"', b"picture" * 4)] * 8
    filmed = [*good, *frames, (b'Content-Disposition: form-data; name="metadata"', shots)]
    rng = random.Random(seed)
    seen: dict[int, int] = {}

    async def run() -> None:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            headers = {"content-type": "multipart/form-data; boundary=b"}
            for _ in range(cases):
                parts = rng.choice((plain, filmed))
                sent = mutated(rng, body(rng.sample(parts, len(parts))))
                answer = await client.post("/v1/verifications", content=sent, headers=headers)
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
                assert answer.status_code < 500, (answer.text, sent)

    asyncio.run(run())
    return seen


@pytest.fixture
def open_application(tmp_path: Path) -> Iterator[Any]:
    """In memory where there is such a folder: thousands of commits would wait for the disk, which is not asked here."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder, capture_logs():
        loose = Settings(data_dir=Path(folder), session_required=False, rate_per_minute=10_000_000)
        forgetful = FakeVerifier()
        forgetful.vault = Vault(Limits())  # the recording one keeps a little of every session, for other tests
        forgetful.answers = deque(maxlen=1)
        yield create_app(loose, forgetful)


def test_mutated_bodies_are_answered_with_problems(open_application: Any) -> None:
    seen = fuzz_bodies(open_application, 300, seed=1)
    assert set(seen) <= {201, 400, 413, 415, 422}


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_twenty_thousand_mutated_bodies_are_answered_with_problems_and_memory_does_not_grow(
    open_application: Any,
) -> None:
    fuzz_bodies(open_application, 500, seed=2)
    before = resident_mib()
    seen = fuzz_bodies(open_application, 20_000, seed=3)
    grown = resident_mib() - before
    print(seen, f"grown by {grown:.1f} MiB")  # noqa: T201
    assert grown < 40


def fuzz_pictures(cases: int, seed: int) -> dict[str, int]:
    rng = random.Random(seed)
    picture = Image.effect_noise((400, 400), 60).convert("RGB")
    originals = []
    for kind, options in (("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("PNG", {"compress_level": 1})):
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        originals.append(buffer.getvalue())
    seen = {"decoded": 0, "refused": 0}
    for _ in range(cases):
        data = mutated(rng, rng.choice(originals))
        try:
            decode(memoryview(data), Role.SELFIE, Limits())
        except BadInput:
            seen["refused"] += 1
        else:
            seen["decoded"] += 1
    return seen


def test_mutated_pictures_decode_or_are_refused() -> None:
    seen = fuzz_pictures(150, seed=1)
    assert min(seen.values()) > 0


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_five_thousand_mutated_pictures_decode_or_are_refused_and_memory_does_not_grow() -> None:
    fuzz_pictures(300, seed=2)
    before = resident_mib()
    seen = fuzz_pictures(5_000, seed=3)
    grown = resident_mib() - before
    print(seen, f"grown by {grown:.1f} MiB")  # noqa: T201
    assert sum(seen.values()) == 5_000
    assert grown < 40


def test_the_description_names_every_header_that_a_client_needs(application: Any) -> None:
    paths = ask(application, "GET", "/openapi.json").json()["paths"]
    names = {entry["name"] for entry in paths["/v1/verifications"]["post"]["parameters"]}
    assert names >= {"Capture-Session", "Idempotency-Key", "prefer"}
