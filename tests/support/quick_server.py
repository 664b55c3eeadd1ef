"""The real server process with a verifier that decides at once from the bytes that it gets.

For runs with many registrations: all but the networks, and the overwriting on free, is the service's own.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from idproof.pipeline import Limits, Role, Vault, VaultSession, Verdict
from idproof.pipeline.liveness.response import LivenessResponse
from idproof.pipeline.origin import UPLOADED, CaptureOrigin
from idproof.pipeline.verdict import from_json, new_id
from idproof.service.operations import process, server
from idproof.service.operations.settings import Settings

VERDICT = json.loads(Path(__file__).with_name("verdict.json").read_text(encoding="utf-8"))
VERDICT.pop("reference")


class QuickVerifier:
    """Decides by a hash of the selfie after `QUICK_TAKES_S` seconds."""

    document = type("Document", (), {"name": "hkid-2018", "issuer_country": "HKG"})
    weights = {"none": "0"}  # noqa: RUF012

    def __init__(self) -> None:
        self.vault = Vault(Limits())
        self._takes_s = float(os.environ.get("QUICK_TAKES_S", "0.02"))

    def close(self) -> None:
        self.vault.close()

    def verify_session(
        self,
        session: VaultSession,
        answer: LivenessResponse | None = None,
        origin: CaptureOrigin = UPLOADED,
    ) -> Verdict:
        with session.upload(Role.SELFIE) as data:
            mark = hashlib.sha256(bytes(data)).digest()[0]
        time.sleep(self._takes_s)
        receipt = session.wipe()
        decision = ("accept", "refer", "reject")[mark % 3]
        verdict = from_json(VERDICT | {"id": new_id(), "form": {}, "decision": decision})
        object.__setattr__(verdict, "deletion", receipt)
        return verdict


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    quick: Any = QuickVerifier
    server.Verifier = type("Quick", (), {"open": staticmethod(lambda **_: quick())})  # type: ignore[misc,assignment]
    settings = Settings.load(data_dir=folder)
    process.enforce_guards(settings)
    server.run(settings, "127.0.0.1", port)


if __name__ == "__main__":
    main()
