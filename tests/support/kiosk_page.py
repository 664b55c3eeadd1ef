"""The kiosk's page in Debian's Chromium, before the real server, with rendered people and cards before its camera."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from idproof.datasets.rendered_people.clips import SPECIES, Sitting, bona_fide
from idproof.datasets.specimen.draws import Draws
from idproof.pipeline.liveness import frames as liveness_frames
from idproof.pipeline.liveness.challenge import NEUTRAL_MS, STEP_MS, Action, Challenge, Light, Step
from idproof.pipeline.shown_colours import LIGHT_MS, PALETTE
from idproof.service.stream.simulator.player import SetCamera

CAMERA = (Path(__file__).parent / "kiosk_camera.js").read_text(encoding="utf-8")
# Where the page's elements are: in the component's shadow, or on a page without one in the document.
HELPERS = """
  window.shown = () => document.querySelector("idproof-capture")?.shadowRoot ?? document;
  window.page = () => shown().getElementById("page") ?? document.body;
  window.part = (id) => shown().getElementById(id);
"""
KIOSK, PHONE, DESK = (1080, 1920), (390, 844), (1440, 900)
ACTIONS = tuple(Action)


def texts(language: str) -> dict[str, str]:
    """Returns the component's sentences by their keys."""
    module = (files("idproof.service.capture") / "static" / "texts" / f"{language}.js").read_text("utf-8")
    table: dict[str, str] = json.loads(
        module[module.index("export default ") :].removeprefix("export default ").rstrip(";\n")
    )
    return table


def chromium() -> str | None:
    return shutil.which("chromium")


@contextmanager
def browser(*flags: str) -> Iterator[Browser]:
    program = chromium()
    assert program is not None, "the tests of the kiosk's page need Debian's package chromium"
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    arguments = [*sandbox, "--disable-gpu", "--autoplay-policy=no-user-gesture-required", *flags]
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=program, args=arguments)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def beside(opened: Browser, *flags: str) -> Iterator[Browser]:
    """Another browser of the same driver, with these flags more."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    arguments = [*sandbox, "--disable-gpu", *flags]
    second = opened.browser_type.launch(executable_path=chromium(), args=arguments)
    try:
        yield second
    finally:
        second.close()


@contextmanager
def page(
    opened: Browser, size: tuple[int, int] = KIOSK, locale: str = "en-GB", camera: bool = True, **more: Any
) -> Iterator[Page]:
    """A page of a browser that keeps nothing; whatever it says against the policy or throws is a failure."""
    context = opened.new_context(viewport={"width": size[0], "height": size[1]}, locale=locale, **more)
    context.add_init_script(HELPERS)
    if camera:
        context.add_init_script(CAMERA)
    made = context.new_page()
    said: list[str] = []
    made.on("pageerror", lambda error: said.append(str(error)))
    made.on("console", lambda message: said.append(message.text) if _of_ours(message.text) else None)
    try:
        yield made
        assert not said, said
    finally:
        context.close()


def _of_ours(message: str) -> bool:
    return "Content Security" in message or "attribute" in message


def enrol(data_dir: Path, name: str = "Test") -> str:
    """The key of a new device, as an operator makes it."""
    command = [sys.executable, "-m", "idproof.service", "kiosk", "enroll", "--name", name, "--data-dir", str(data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def connect(made: Page, url: str, key: str) -> None:
    made.goto(f"{url}/kiosk")
    view(made, "setup")
    made.fill("#device-key", key)
    made.click("#setup button")
    view(made, "welcome")


def view(made: Page, *names: str, timeout_s: float = 30) -> str:
    """Wait for one of these views."""
    wait(made, "names => names.includes(page().dataset.view)", names, timeout_s)
    return str(made.evaluate("page().dataset.view"))


def wait(made: Page, question: str, told: Any = None, timeout_s: float = 60) -> None:
    """Until the page answers with something true. Asked from outside: the page's policy lets no string be run in it."""
    deadline = time.monotonic() + timeout_s
    while not made.evaluate(question, told):
        if time.monotonic() > deadline:
            raise AssertionError(f"never: {question} {told}; the page says: {made.inner_text('main')[:300]}")
        time.sleep(0.05)


def grave(made: Page) -> list[str]:
    """Returns the findings of axe-core that are serious or critical."""
    found = Axe().run(made).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def rehearsal(camera: SetCamera, species: str | None = None) -> dict[str, list[str]]:
    """Everything that a person may be asked to show, each picture fresh: base64 JPEG by what the page asks."""
    sitting = Sitting.draw(camera.photograph, Draws(np.random.default_rng(camera.seed)))
    asked = _everything(sitting.challenge)
    act = SPECIES[species] if species else bona_fide
    with patch.object(liveness_frames, "MAX_FRAMES", 1000):  # all that may be asked for is more than any answer
        frames = act(replace(sitting, challenge=asked)).frames
    coded = [_coded(frame.pixels[..., ::-1]) for frame in frames]
    shown = {role: [base64.b64encode(data).decode()] for role, data in camera.stills.items()}
    ahead = act(replace(sitting, challenge=replace(asked, steps=(), lights=()))).frames
    shown["neutral"], rest = [_coded(frame.pixels[..., ::-1]) for frame in ahead], coded[2:]
    for step in asked.steps:
        count = sum(step.start_ms <= at < step.end_ms for at in asked.capture_ms())
        first = (count - 3) // 2  # of more than three the middle ones, in which the eyes are closed
        shown.setdefault(step.action.value, []).extend(rest[first : first + 3])
        rest = rest[count:]
    for light, picture in zip(asked.lights, rest, strict=True):
        shown.setdefault(",".join(map(str, light.colour)), []).append(picture)
    return shown


def _everything(like: Challenge) -> Challenge:
    """Every action twice and every colour three times: no answer needs one picture for two moments."""
    begins = [NEUTRAL_MS + i * STEP_MS for i in range(2 * len(ACTIONS) + 1)]
    steps = tuple(Step(action, at, at + STEP_MS) for action, at in zip(ACTIONS * 2, begins, strict=False))
    lights = tuple(
        Light(colour, begins[-1] + i * LIGHT_MS, begins[-1] + (i + 1) * LIGHT_MS)
        for i, colour in enumerate(PALETTE * 3)
    )
    now = datetime.now(UTC)
    return replace(like, steps=steps, lights=lights, issued_at=now, expires_at=now + timedelta(seconds=120))


def _coded(bgr: np.ndarray[Any, Any]) -> str:
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(bgr), [cv2.IMWRITE_JPEG_QUALITY, 97])
    return base64.b64encode(data.tobytes()).decode()


def rehearse(made: Page, shown: Mapping[str, list[str]]) -> None:
    made.evaluate("all => window.rehearse(all)", shown)


def hold_as_asked(made: Page, camera: SetCamera) -> Callable[[], None]:
    """Listen for the session's plan; the returned call waits for it and shows the card in its poses from then on."""
    nonces: list[str] = []

    def received(data: object) -> None:
        if isinstance(data, str) and (message := json.loads(data))["type"] == "session":
            nonces.append(message["nonce"])

    made.on("websocket", lambda socket: socket.on("framereceived", received))

    def hold() -> None:
        deadline = time.monotonic() + 60
        while not nonces:
            assert time.monotonic() < deadline, "no session began"
            made.wait_for_timeout(50)
        camera.begin({"nonce": nonces[-1]})
        shown = {role: [base64.b64encode(data).decode()] for role, data in camera.stills.items()}
        ways = {f"way_{role}": [base64.b64encode(data).decode() for data in way] for role, way in camera.ways.items()}
        rehearse(made, shown | ways)

    return hold


def agree(made: Page) -> None:
    """From the first screen past the notice."""
    made.click('[data-of="welcome"] .go')
    view(made, "notice")
    wait(made, "!part('agree').disabled")
    made.click("#agree")


def stored(made: Page) -> str:
    """All that the browser keeps of the page, as text: it must be the device's id and nothing of a picture."""
    return json.dumps(
        made.evaluate(
            """async () => ({
              local: {...localStorage}, session: {...sessionStorage}, caches: await caches.keys(),
              history: history.length, state: history.state, cookies: document.cookie,
              databases: (await indexedDB.databases()).map(({name}) => name),
            })"""
        )
    )


@dataclass
class Cable:
    """A line between browser and server that can be cut: a port that passes everything on."""

    port: int
    target: int
    _open: list[socket.socket]
    _listener: socket.socket
    whole: bool = True

    @classmethod
    def laid(cls, target: int) -> "Cable":
        listener = socket.create_server(("127.0.0.1", 0))
        cable = cls(listener.getsockname()[1], target, [], listener)
        threading.Thread(target=cable._accept, daemon=True).start()
        return cable

    def cut(self) -> None:
        self.whole = False
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._open.clear()

    def mend(self) -> None:
        self.whole = True

    def remove(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self.whole:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.target))
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
