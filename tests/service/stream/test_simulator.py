"""The simulated device stays outside the service, and its camera shows what a session asks for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import jpeg, pixels

from idproof.datasets.sets import read_sets
from idproof.datasets.specimen.make import make_sets
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline import Policy
from idproof.pipeline.card.locating.locator import CardLocator
from idproof.pipeline.card.plan import GUIDED, TOLERANCE, check, draw, possible_poses
from idproof.pipeline.card.turns import measure_poses
from idproof.pipeline.documents import DocumentType
from idproof.pipeline.types import CARD_ROLES, Outcome, Role
from idproof.service.stream.messages import base64
from idproof.service.stream.simulator.player import SetCamera, cameras, marked
from idproof.service.stream.simulator.posed_cards import WarpedCard, still_of

ROOT = Path(__file__).parents[3]
USERS = {"service/cli/kiosk.py", "benchmarks/deletion/device.py", "benchmarks/deletion/streamed_step_up.py"}
"""`idproof kiosk replay`, and the search for what a device's pictures left."""


def test_the_service_does_not_import_the_simulated_device() -> None:
    rooms = ("models", "pipeline", "datasets", "benchmarks", "service")
    files = {path.relative_to(ROOT).as_posix(): path for room in rooms for path in (ROOT / room).rglob("*.py")}
    users = {name for name, path in files.items() if "stream.simulator" in path.read_text(encoding="utf-8")}
    assert {name for name in users if not name.startswith("service/stream/simulator/")} == USERS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sets")
    make_sets(made, 1, 8)
    return made


def test_the_card_of_a_set_is_shown_in_the_poses_of_each_session(folder: Path, document: DocumentType) -> None:
    (camera,), locator = cameras(folder, None, None), CardLocator.open(document)
    earlier: dict[str, bytes] = {}
    for nonce in (bytes(32), b"\x01" * 32):
        camera.begin({"nonce": base64(nonce)})
        views = {role: locator.locate(pixels(camera.still(role)), role, Policy()) for role in CARD_ROLES}
        assert check(draw(nonce), measure_poses(views, document)).outcome is Outcome.PASS
        assert not set(camera.stills.values()) & set(earlier.values())
        earlier = dict(camera.stills)


def test_a_warped_card_is_where_guidance_takes_it(folder: Path, document: DocumentType) -> None:
    (entry,), locator = read_sets(folder), CardLocator.open(document)
    warped = WarpedCard(entry.parts()["card_front"], entry.truth.corners["front"])
    poses = {role: possible_poses(role)[-1] for role in CARD_ROLES}
    views = {
        role: locator.locate(pixels(still_of(warped.picture(pose))), role, Policy()) for role, pose in poses.items()
    }
    for role, found in measure_poses(views, document).items():
        assert GUIDED.distance(found, poses[role]) < 0.5 < TOLERANCE.distance(found, possible_poses(role)[0])


def test_a_set_of_another_origin_is_shown_as_it_is(folder: Path) -> None:
    (entry,) = read_sets(folder)
    camera = SetCamera.of(entry, PortraitSource.open(None))
    camera.posed = None
    before: Any = {role: pixels(data) for role, data in camera.stills.items()}
    camera.begin({"nonce": base64(bytes(32))})
    assert all((pixels(camera.still(role)) == before[role]).all() for role in Role)


def test_a_mark_changes_the_bytes_and_not_the_picture() -> None:
    plain = jpeg(np.random.default_rng(1).integers(0, 255, (32, 32, 3), dtype=np.uint8))
    one, other = marked(plain, b"1" * 32), marked(marked(plain, b"2" * 32), b"3" * 32)
    assert len({plain, one, other}) == 3
    assert len(one) == len(other) == len(plain) + 36
    assert (pixels(one) == pixels(plain)).all()
    assert (pixels(other) == pixels(plain)).all()
