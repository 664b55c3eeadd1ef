"""Registers somebody whose face template is kept for step-ups, and searches for the plain template at every stage.

It is searched for while it waits for a passkey, once it is kept, and after a step-up opened it. The control is the same
guarded server with a cipher that does not encrypt in the vault: there the search must find the template where it waits.
"""

import hmac
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np

from idproof.benchmarks.deletion.canaries import Canary, merge
from idproof.benchmarks.deletion.scenarios import ScenarioResult, ScenarioRunner, new_needles, result_of
from idproof.benchmarks.deletion.servers import deletion_server
from idproof.benchmarks.deletion.step_up import TEXT, holder_portrait, needles_of_step_up, pictures_of, step_up_body
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.server import ANSWER_S
from idproof.pipeline.vault.holder_layer import SECRET_BYTES
from idproof.service.face_templates.reference_core import ReferenceCore, serve_core
from idproof.service.sandbox.authenticator import SandboxAuthenticator

_ORIGIN = "http://localhost"
_PERSON = 400_000
"""Number of the canary: of the first invented person, whose registration is accepted in spite of the noise."""
_BECAUSE = "a search for what is left of pictures"


def run_kept_template(
    runner: ScenarioRunner, mode: str | None = None
) -> tuple[ScenarioResult, ScenarioResult, ScenarioResult]:
    """Returns the searches while the template waits, once it is kept, and after a step-up.

    Args:
        runner: searches.
        mode: of the altered server; None for the ordinary one.

    Raises:
        BenchmarkFailed: nothing was kept or decided, and so nothing was shown.
    """
    name = "template" if mode is None else f"control_template_{mode}"
    runner.report(name)
    canary = runner.factory.canary(_PERSON)
    texts = tuple(sorted(set(canary.texts)))
    folder = runner.root / f"template_{mode}" / "server"
    core = ReferenceCore(lambda: dict(httpx.get(f"{server.url}/.well-known/jwks.json", timeout=ANSWER_S).json()))
    key = runner.root / f"template_{mode}.jwk"
    key.write_text(json.dumps(core.public_jwk), encoding="utf-8")
    with (
        serve_core(core) as url,
        deletion_server(folder, mode, profile=runner.profile, settings=_settings(str(key), url)) as server,
        httpx.Client(base_url=server.url, timeout=ANSWER_S) as client,
    ):
        needles = new_needles(runner, server, runner.needles([canary]))
        holder = _Holder(client)
        verdict = _register(client, canary)
        runner.search.load(needles, texts)
        waiting = result_of(f"{name}_waiting", needles, texts, runner.search.search(server))
        holder.keep(verdict)
        kept = result_of(f"{name}_kept", needles, texts, runner.search.search(server))
        step_up, secret = holder.open()
        rng = np.random.default_rng([runner.factory.seed, len(name)])
        portrait = holder_portrait(rng)
        pictures = pictures_of(step_up["challenge"], portrait, rng)
        fresh = new_needles(runner, server, needles_of_step_up(runner.factory, pictures))
        body = step_up_body(pictures)
        body["files"].append(("holder_key", ("holder_key", secret, "application/octet-stream")))
        decided = _asked(client, "POST", f"/v1/step-ups/{step_up['id']}/captures", **body)
        _require_compared(decided, core)
        everything = merge([needles, fresh])
        runner.search.load(everything, texts)
        stepped_up = result_of(f"{name}_stepped_up", everything, texts, runner.search.search(server))
    stepped_up.answers[str(decided["decision"])] = 1
    if mode is None:
        runner.everything.append(everything)
    for result in (waiting, kept, stepped_up):
        runner.report(f"{result.name}: {sum(result.found.values())} of {sum(result.sought.values())} found")
    return waiting, kept, stepped_up


class _Holder:
    """An applicant with an authenticator in software that has the extension `prf`."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._authenticator = SandboxAuthenticator(_ORIGIN)
        self._prf = os.urandom(SECRET_BYTES)

    def keep(self, verdict: Mapping[str, Any]) -> None:
        """Makes a passkey and keeps the template under its key."""
        wanted = {"verification": verdict["id"], "nonce": verdict["session"]["nonce"], "face_template": True}
        begun = _asked(self._client, "POST", "/v1/passkey-registrations", json=wanted)
        made = self._authenticator.create(begun["public_key"])
        made["clientExtensionResults"]["prf"] = {"enabled": True}
        path = f"/v1/passkey-registrations/{begun['id']}"
        template = _asked(self._client, "POST", path, json={"response": made})["face_template"]
        if template is None:
            raise BenchmarkFailed("No template waited for the passkey.")
        response, _ = self._used(template["public_key"])
        _asked(self._client, "POST", f"/v1/face-templates/{template['id']}", json={"response": response})

    def open(self) -> tuple[dict[str, Any], bytes]:
        """Returns a step-up that was opened, and what the passkey gave."""
        begun = _asked(self._client, "POST", "/v1/passkey-logins", json={"face_template": True})
        response, secret = self._used(begun["public_key"])
        done = _asked(self._client, "POST", f"/v1/passkey-logins/{begun['id']}", json={"response": response})
        told = {"login": done["token"], "text": TEXT}
        return _asked(self._client, "POST", "/v1/step-ups", json=told), secret

    def _used(self, options: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        response, asked = self._authenticator.get(options), options["extensions"]["prf"]["eval"]["first"]
        secret = hmac.digest(self._prf, asked.encode(), "sha256")
        text = urlsafe_b64encode(secret).decode().rstrip("=")
        return response | {"clientExtensionResults": {"prf": {"results": {"first": text}}}}, secret


def _settings(key: str, url: str) -> dict[str, str]:
    return {
        "IDPROOF_FACE_TEMPLATE": "split_key",
        "IDPROOF_FACE_TEMPLATE_CORE_KEY": key,
        "IDPROOF_FACE_TEMPLATE_CORE_URL": url,
        "IDPROOF_PASSKEY_RP_ID": "localhost",
        "IDPROOF_PASSKEY_ORIGINS": _ORIGIN,
        "IDPROOF_PASSKEY_BIND_S": "3600",  # longer than the searches take
        "IDPROOF_ACCEPT_UPLOADS_BECAUSE": _BECAUSE,
        "IDPROOF_ACCEPT_WITHOUT_LIVENESS_BECAUSE": _BECAUSE,
    }


def _register(client: httpx.Client, canary: Canary) -> dict[str, Any]:
    session = _asked(client, "POST", "/v1/capture-sessions")["id"]
    files = {role: (f"{role}.jpg", data, "image/jpeg") for role, data in canary.parts.items()}
    verdict = _asked(client, "POST", "/v1/verifications", files=files, headers={"Capture-Session": session})
    if not verdict["deletion"]["protected_templates"]:
        raise BenchmarkFailed(f"No template was protected: {verdict['decision']}, {verdict['reasons']}.")
    return verdict


def _require_compared(decided: Mapping[str, Any], core: ReferenceCore) -> None:
    if len(core.releases) != 1 or "enrolled_face" not in {check["name"] for check in decided["checks"]}:
        raise BenchmarkFailed("The template was not compared.")


def _asked(client: httpx.Client, method: str, path: str, **more: Any) -> dict[str, Any]:
    answer = client.request(method, path, **more)
    if answer.is_error:
        raise BenchmarkFailed(f"{method} {path.split('/')[2]} was answered with {answer.status_code}.")
    found: dict[str, Any] = answer.json()
    return found
