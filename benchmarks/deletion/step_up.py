"""Sends a step-up by face to a server, and searches for its selfie, frames and portrait afterwards."""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import httpx
import numpy as np
from numpy.typing import NDArray

from idproof.benchmarks.deletion.canaries import NOISE, QUALITY, CanaryFactory, Needles
from idproof.benchmarks.deletion.forms import COARSE, FORMS, forms_of, needles_of, row_forms, upload_forms
from idproof.benchmarks.deletion.scenarios import CREATED, ScenarioResult, ScenarioRunner, new_needles, result_of
from idproof.benchmarks.deletion.servers import deletion_server
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.server import ANSWER_S, Server
from idproof.datasets.rendered_people.clips import Sitting, bona_fide, selfie
from idproof.datasets.specimen.draws import Draws, Split
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Role, capture
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.challenge import draw
from idproof.pipeline.liveness.response import FrameTiming, LivenessResponse
from idproof.pipeline.vault.kinds import DECODED, REGISTERED_PORTRAIT
from idproof.service.operations.data_folder import load_settings, open_verdicts_and_audit
from idproof.service.passkeys import login
from idproof.service.passkeys.ceremony_store import Ceremonies
from idproof.service.passkeys.rules import PasskeyRules
from idproof.service.passkeys.states import CeremonyEvent, Kind, PasskeyState
from idproof.service.passkeys.store import Passkey, Passkeys, new_passkey_id
from idproof.service.records import EmbeddedRecords
from idproof.service.signing.jws import sign_claims
from idproof.service.signing.keys import Keys
from idproof.service.storage import seal
from idproof.service.storage.verdicts import ANONYMOUS

HOLDER = "bundled/office-holder"
"""Of whom there are several photographs: one for the records, another before the camera."""
CARD = CardData(number="A1234563", surname="CHAN", given_names="Tai Man", chinese_name="陳大文")
TEXT = "Change the address of record to 17 Canary Street."
TEXTS = ("A1234563", "CHAN", "Tai Man", "陳大文", json.dumps("陳大文")[1:-1], TEXT)
_ORIGIN = "http://localhost"
_SIDE = 250  # pixels of a rendered person's photograph, as in the benchmark of liveness


@dataclass(frozen=True)
class Pictures:
    """The pictures of one step-up.

    Attributes:
        answer: to the challenge.
        parts: name within the vault to encoded picture; the portrait of the records is one of them.
    """

    answer: LivenessResponse
    parts: Mapping[str, bytes]


def run_step_up(runner: ScenarioRunner, mode: str | None = None) -> ScenarioResult:
    """Opens a step-up on a new server, answers its challenge with a rendered person, and searches.

    Args:
        runner: searches.
        mode: of the altered server; None for the ordinary one.

    Raises:
        BenchmarkFailed: nothing was decided, and so nothing was shown.
    """
    name = "step_up" if mode is None else f"control_step_up_{mode}"
    runner.report(name)
    rng = np.random.default_rng([runner.factory.seed, len(name)])
    portrait = holder_portrait(rng)
    with step_up_server(runner, mode, portrait) as (server, token):
        opened = post(server, "/v1/step-ups", json={"login": token, "text": TEXT})
        pictures = pictures_of(opened["challenge"], portrait, rng)
        needles = new_needles(runner, server, needles_of_step_up(runner.factory, pictures))
        client = httpx.Client()  # stays open, so that what its connection holds can still be found
        answer = client.post(
            f"{server.url}/v1/step-ups/{opened['id']}/captures", timeout=ANSWER_S, **step_up_body(pictures)
        )
        if answer.status_code != CREATED:
            raise BenchmarkFailed(f"The step-up was answered with {answer.status_code}.")
        runner.search.load(needles, TEXTS)
        result = result_of(name, needles, TEXTS, runner.search.search(server))
        client.close()
    result.answers[str(answer.status_code)] = 1
    if mode is None:
        runner.everything.append(needles)
    runner.report(f"{name}: {sum(result.found.values())} of {len(needles)} found")
    return result


@contextmanager
def step_up_server(runner: ScenarioRunner, mode: str | None, portrait: bytes) -> Iterator[tuple[Server, str]]:
    """Runs a server with records that hold the portrait; yields it, and the token of a login."""
    folder = Path(tempfile.mkdtemp(dir=runner.root))
    records = folder / "records.sqlite"
    EmbeddedRecords.make(records, [CARD], portraits={CARD.number or "": portrait})
    settings = {"IDPROOF_PASSKEY_RP_ID": "localhost", "IDPROOF_PASSKEY_ORIGINS": _ORIGIN}
    settings |= {"IDPROOF_RECORDS_FILE": str(records)}
    with deletion_server(folder / "server", mode, profile=runner.profile, settings=settings) as server:
        yield server, _logged_in(server.data_folder, unsealed=mode == "keeps")


def _logged_in(data_folder: Path, *, unsealed: bool) -> str:
    """Stores a passkey and a login that holds, as a ceremony would leave them; returns the login's token."""
    from idproof.benchmarks.deletion.altered_server import Unsealed

    settings = load_settings(data_folder)
    with patch.object(seal, "AESGCM", Unsealed) if unsealed else nullcontext():
        store, _ = open_verdicts_and_audit(data_folder)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        card = {name: getattr(CARD, name) for name in CardData.__slots__}
        about = (PasskeyState.ACTIVE, 0, False, False, now, None, {"id": "AA", "transports": []}, "", card)
        passkey = Passkey(new_passkey_id(), "ver_" + "0" * 26, ANONYMOUS, *about)
        ceremonies = Ceremonies(store.database, PasskeyRules("localhost", (_ORIGIN,)))
        opened = ceremonies.open(Kind.LOGIN, ANONYMOUS, _ORIGIN, None)
        ceremonies.take(opened.id, Kind.LOGIN, ANONYMOUS)
        with store.database.write() as connection:
            Passkeys(store.database, store.seal).insert(connection, passkey, b"canary", None)
            ceremonies.settle(connection, opened, CeremonyEvent.VERIFIED, passkey.id)
        store.close()
    claims = {"jti": opened.id, "aud": ANONYMOUS, "exp": int(time.time()) + ANSWER_S}
    return sign_claims(claims, Keys.open(settings), settings.issuer, login.TYPE)


def holder_portrait(rng: np.random.Generator) -> bytes:
    """Returns the portrait that the records hold."""
    return _encoded(PortraitSource.open(None).person(HOLDER).photographs[0], rng)


def pictures_of(
    challenge: Mapping[str, Any], portrait: bytes, rng: np.random.Generator, taken: bytes | None = None
) -> Pictures:
    """Returns the pictures of a rendered person who answers a challenge.

    Args:
        challenge: as JSON.
        portrait: of the records.
        rng: of the noise.
        taken: the selfie, if it was taken before.
    """
    photograph = PortraitSource.open(None).person(HOLDER).photographs[1]
    sitting = Sitting.draw(cv2.resize(photograph, (_SIDE, _SIDE)), Draws(np.random.default_rng(3), Split.TEST))
    asked = draw(bytes.fromhex(challenge["nonce"]), issued_at=datetime.fromisoformat(challenge["issued_at"]))
    frames = bona_fide(replace(sitting, challenge=asked)).frames
    timings = [FrameTiming(frame.captured_ms, frame.number) for frame in frames]
    answer = LivenessResponse(asked, timings, datetime.now(UTC))
    own = _encoded(selfie(sitting), rng) if taken is None else taken
    parts = {str(Role.SELFIE): own, REGISTERED_PORTRAIT: portrait}
    parts |= {name: _encoded(frame.pixels, rng) for name, frame in zip(answer.names, frames, strict=True)}
    return Pictures(answer, parts)


def needles_of_step_up(factory: CanaryFactory, pictures: Pictures) -> Needles:
    """Returns the needles of uploads, decoded pictures, and all that the same pipeline makes of them here."""
    found: list[tuple[str, NDArray[Any]]] = []
    limits = replace(factory.verifier.limits, min_side_px=1)
    for name, data in pictures.parts.items():
        found += upload_forms(data)
        found += row_forms(capture.decode(memoryview(data), name, limits))
    for kind, array in factory.record_step_up(pictures.parts, CARD, pictures.answer):
        found += [] if kind == DECODED else forms_of(kind, array)
    picked = [(FORMS.index(form), needles_of(form, array, COARSE)) for form, array in found]
    return factory.unique(picked)


def step_up_body(pictures: Pictures) -> dict[str, Any]:
    """Returns the arguments of a request that sends the pictures of a step-up."""
    files = [("selfie", ("selfie", pictures.parts[Role.SELFIE], "image/jpeg"))]
    files += [("frames", (name, pictures.parts[name], "image/jpeg")) for name in pictures.answer.names]
    frames = [{"captured_ms": each.captured_ms, "number": each.number} for each in pictures.answer.timings]
    return {"files": files, "data": {"metadata": json.dumps({"liveness": {"frames": frames}})}}


def post(server: Server, path: str, **more: Any) -> dict[str, Any]:
    """Returns the body of an answer with 201; raises `BenchmarkFailed` for any other."""
    answer = httpx.post(server.url + path, timeout=ANSWER_S, **more)
    if answer.status_code != CREATED:
        raise BenchmarkFailed(f"{path} was answered with {answer.status_code}.")
    found: dict[str, Any] = answer.json()
    return found


def _encoded(pixels: Sequence[Any] | NDArray[Any], rng: np.random.Generator) -> bytes:
    """Returns a JPEG with noise over every pixel, so that no run of its bytes occurs twice anywhere."""
    noisy = np.asarray(pixels, dtype=np.int16)
    noisy += rng.integers(-NOISE, NOISE + 1, noisy.shape, dtype=np.int16)
    bgr = np.clip(noisy, 0, 255).astype(np.uint8)[..., ::-1]
    data: bytes = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
    return data
