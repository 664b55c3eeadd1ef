"""A service that keeps face templates, its identity core, and a holder whose passkey has the extension `prf`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from access_keys import bearer, key
from fakes import FILES, ask
from passkey_bench import CARD, PasskeyBench, passkey_settings
from soft_passkeys import ORIGIN, Authenticator, unb64
from step_up_party import HolderVerifier

from idproof.pipeline import Decision, VaultSession, Verdict
from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.liveness.frames import MIN_FRAMES
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.step_up import HolderCheck
from idproof.pipeline.vault.face_templates import FaceTemplates, put_templates
from idproof.pipeline.vault.kinds import ENROLLED_TEMPLATE, TEMPLATE
from idproof.service.auth.clients import Scope
from idproof.service.face_templates.opening import open_face_templates
from idproof.service.face_templates.reference_core import ReferenceCore, serve_core
from idproof.service.http import app
from idproof.service.operations.settings import Settings
from idproof.service.registrations.intake import RegistrationIntake

TEXT = "Change the address of record."
NETWORK = "ab" * 32
FACES = np.random.default_rng(11).standard_normal((8, 1, 128)).astype(np.float32)


class TemplateVerifier(HolderVerifier):
    """Accepts everybody with a face of the test's choice; notes each template that a step-up opened."""

    template_network = NETWORK

    def __init__(self) -> None:
        super().__init__()
        self.face = 0
        self.number = CARD["number"]
        self.opened: list[bytes] = []
        self.accepts = True

    def verify_session(
        self, session: VaultSession, answer: LivenessResponse | None = None, origin: CaptureOrigin = UPLOADED
    ) -> Verdict:
        others = np.ones((1, 128), np.float32)
        put_templates(session, FaceTemplates(others.copy(), others.copy(), FACES[self.face].copy()))
        if self.accepts:
            session.protect_template()
        found = replace(super().verify_session(session, answer, origin), deletion=session.wipe())
        decided = (Decision.ACCEPT, ()) if self.accepts else (Decision.REFER, ("selfie_blurred",))
        return replace(found, decision=decided[0], reasons=decided[1], form=dict(_card(self.number)))

    def check_enrolled(
        self, session: VaultSession, answer: LivenessResponse, origin: CaptureOrigin = UPLOADED
    ) -> HolderCheck:
        with session.borrow(TEMPLATE, ENROLLED_TEMPLATE) as template:
            self.opened.append(template.tobytes())
        return super().check_holder(session, CardData(), answer, origin)


def _card(number: str) -> dict[str, str | None]:
    return dict.fromkeys(CardData.__slots__) | CARD | {"number": number}


def template_settings(folder: Path, core: ReferenceCore, url: str, **more: Any) -> Settings:
    folder.mkdir(exist_ok=True)
    file = folder / "core.jwk"
    file.write_text(json.dumps(core.public_jwk), encoding="utf-8")
    told = {"face_template": "split_key", "face_template_core_key": file, "face_template_core_url": url}
    return passkey_settings(Settings(data_dir=folder / "data", anonymous=False), **(told | more))


class TemplateParty:
    """The application; one client registers and logs in."""

    def __init__(self, folder: Path, core: ReferenceCore, url: str, **more: Any) -> None:
        self.settings = template_settings(folder, core, url, **more)
        self.core, self.verifier = core, TemplateVerifier()
        self.bench = PasskeyBench(self.settings)
        core._jwks = lambda: self.bench.ring.current.public()
        with patch.object(app, "open_face_templates", self._opened):
            self.app = app.create_app(self.settings, self.verifier)  # type: ignore[arg-type]
        registers = (Scope.SESSION_WRITE, Scope.VERIFY_WRITE, Scope.PASSKEY_WRITE, Scope.ADMIN)
        self.client = bearer(key(self.settings, *registers, Scope.PASSKEY_LOGIN, Scope.STEP_UP_WRITE))

    def _opened(self, intake: RegistrationIntake) -> Any:
        self.intake = intake
        self.templates = open_face_templates(intake)
        return self.templates

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        headers = self.client | more.pop("headers", {})
        return ask(self.app, method, path, headers=headers, **({} if body is None else {"json": body}), **more)

    def post(self, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        answer = self.ask("POST", path, body, **more)
        assert answer.is_success, answer.text
        return dict(answer.json())

    def verdict(self, face: int = 0, number: str = "A123456(3)") -> dict[str, Any]:
        """An accepted registration of somebody."""
        self.verifier.face, self.verifier.number = face, number
        session = self.post("/v1/capture-sessions")["id"]
        files = {name: (name, os.urandom(50), "image/jpeg") for name in FILES}
        return self.post("/v1/verifications", files=files, headers={"Capture-Session": session})

    def made(self, authenticator: Authenticator, verdict: dict[str, Any], *, agreed: bool = True) -> dict[str, Any]:
        """Makes a passkey inside the accepted session."""
        wanted = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"], "origin": ORIGIN}
        begun = self.post("/v1/passkey-registrations", wanted | {"face_template": agreed})
        response = authenticator.create(begun["public_key"])
        return self.post(f"/v1/passkey-registrations/{begun['id']}", {"response": response})

    def bound(self, authenticator: Authenticator, verdict: dict[str, Any] | None = None) -> dict[str, Any]:
        """Makes a passkey and keeps the template under its key."""
        made = self.made(authenticator, verdict or self.verdict())
        begun = made["face_template"]
        self.post(f"/v1/face-templates/{begun['id']}", {"response": authenticator.get(begun["public_key"])})
        return made

    def login(self, authenticator: Authenticator) -> tuple[str, bytes | None]:
        """Returns the login's token, and what the passkey gave."""
        begun = self.post("/v1/passkey-logins", {"origin": ORIGIN, "face_template": True})
        response = authenticator.get(begun["public_key"])
        given = response["clientExtensionResults"].get("prf", {}).get("results", {}).get("first")
        done = self.post(f"/v1/passkey-logins/{begun['id']}", {"response": response})
        return done["token"], None if given is None else unb64(given)

    def open(self, authenticator: Authenticator) -> tuple[str, bytes | None]:
        token, secret = self.login(authenticator)
        return self.post("/v1/step-ups", {"login": token, "text": TEXT})["id"], secret

    def captures(self, step_up: str, secret: bytes | None) -> Any:
        parts = [("selfie", ("selfie", os.urandom(50), "image/jpeg"))]
        parts += [("frames", (f"{i}", os.urandom(50), "image/jpeg")) for i in range(MIN_FRAMES)]
        parts += [] if secret is None else [("holder_key", ("holder_key", secret, "application/octet-stream"))]
        told = {"liveness": {"frames": [{"captured_ms": 33.0 * i, "number": i} for i in range(MIN_FRAMES)]}}
        path = f"/v1/step-ups/{step_up}/captures"
        return self.ask("POST", path, files=parts, data={"metadata": json.dumps(told)})

    def stepped_up(self, authenticator: Authenticator) -> Any:
        return self.captures(*self.open(authenticator))


@contextmanager
def template_party(folder: Path, **more: Any) -> Iterator[TemplateParty]:
    core = ReferenceCore(dict)
    with serve_core(core) as url:
        yield TemplateParty(folder, core, url, **more)
