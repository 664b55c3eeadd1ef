"""Runs the real server with one deliberate change.

`python -m idproof.benchmarks.deletion.altered_server MODE PORT FOLDER`

Modes:
    raises: every guard is on, and the face comparison raises when everything else is in memory.
    ordinary: every guard is off, as in a service without them: memory is freed and not overwritten.
    reads: every guard is on, and Tesseract reads as a program of its own, as without the extra `ocr-fast`.
    holds: every guard is on; before each verdict the server plants faces and templates and waits (`planting.py`).
    unsealed: every guard is on, and what is sealed for reviewers is not encrypted.
    unfinished: every guard is on, and the hashes that recognise a repeated upload stay in memory unfinished.
    keeps: every guard is off, nothing is freed, pictures go to files and fields to the log. The search must find every
        form of picture here; a form that it misses here proves nothing elsewhere.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

import numpy as np
import structlog

from idproof.benchmarks.deletion.forms import forms_of
from idproof.benchmarks.deletion.planting import plant_before_verdicts
from idproof.benchmarks.deletion.record import record_engines
from idproof.models import session as sessions
from idproof.models import tesseract
from idproof.pipeline import Vault, VaultSession, Verdict, Verifier
from idproof.pipeline.vault import sealed_copies, split_templates
from idproof.service.http.fingerprint import PartFingerprint
from idproof.service.operations import process, server
from idproof.service.operations.settings import Settings
from idproof.service.storage import seal

MODES = ("raises", "reads", "holds", "unfinished", "unsealed", "ordinary", "keeps")
_GUARDED = ("raises", "reads", "holds", "unfinished", "unsealed")
_leaked: list[Any] = []
_open_files: list[IO[bytes]] = []


def main(mode: str, port: int, folder: Path) -> None:
    """Serves until a signal stops it."""
    with contextlib.ExitStack() as stack:
        if mode in _GUARDED:
            process.restart_hardened(sys.argv[1:], program="idproof.benchmarks.deletion.altered_server")
        else:
            _unguard(stack)
        if mode == "reads":
            stack.enter_context(patch.object(tesseract, "_library_languages", lambda _: []))
        open_verifier = Verifier.open
        stack.enter_context(
            patch.object(Verifier, "open", lambda **chosen: _altered(mode, open_verifier(**chosen), stack))
        )
        settings = Settings.load(data_dir=folder)
        if mode in _GUARDED:
            process.enforce_guards(settings)
        server.run(settings, "127.0.0.1", port)


def _unguard(stack: contextlib.ExitStack) -> None:
    options = sessions._options

    def with_arena(threads: int) -> Any:
        changed = options(threads)
        changed.enable_cpu_mem_arena = True
        changed.enable_mem_pattern = True
        return changed

    stack.enter_context(patch.object(sessions, "_options", with_arena))


def _altered(mode: str, verifier: Verifier, stack: contextlib.ExitStack) -> Verifier:
    if mode == "reads":
        return verifier
    if mode == "raises":
        executor: Any = verifier.executor
        stack.enter_context(patch.object(executor.tools.engines.embedder, "embed", _raise))
        return verifier
    if mode == "holds":
        stack.enter_context(plant_before_verdicts(verifier, Path(os.environ["IDPROOF_BENCH_SIGNALS"])))
        return verifier
    if mode == "unsealed":
        stack.enter_context(patch.object(sealed_copies, "AESGCM", Unsealed))
        stack.enter_context(patch.object(split_templates, "AESGCM", Unsealed))
        return verifier
    if mode == "unfinished":
        finish = PartFingerprint.finish
        stack.enter_context(patch.object(PartFingerprint, "finish", lambda part: _keep_unfinished(part, finish)))
        return verifier
    verifier.vault = CarelessVault(verifier.limits)
    if mode == "keeps":
        stack.enter_context(record_engines(verifier, lambda _, array: _leaked.append(array.copy())))
        stack.enter_context(patch.object(seal, "AESGCM", Unsealed))
        verify = verifier.verify_session
        stack.enter_context(patch.object(verifier, "verify_session", lambda held, *_: _leak_everything(held, verify)))
        check = verifier.check_holder
        stack.enter_context(patch.object(verifier, "check_holder", lambda *given: _leak_step_up(check, *given)))
    return verifier


def _keep_unfinished(part: PartFingerprint, finish: Callable[[PartFingerprint], None]) -> None:
    _leaked.append(part._mac.copy())
    finish(part)


def _raise(*_: object) -> None:
    raise RuntimeError("on purpose")


def _leak_everything(session: VaultSession, verify: Any) -> Verdict:
    """Does everything that the service promises not to do."""
    _leak_uploads(session)
    verdict: Verdict = verify(session)
    fields = {name: reading.text for name, reading in verdict.fields.items()}
    structlog.get_logger("idproof").info("read", fields=fields)
    return verdict


def _leak_step_up(check: Any, session: VaultSession, card: Any, *more: Any) -> Any:
    _leak_uploads(session)
    structlog.get_logger("idproof").info("read", fields=asdict(card))
    return check(session, card, *more)


def _leak_uploads(session: VaultSession) -> None:
    for role, sink in session._sinks.items():
        data = bytes(memoryview(sink._memory)[: sink.size])
        _leaked.append(data)
        Path(os.environ["IDPROOF_BENCH_PLANT"]).write_bytes(data)
        (Path(tempfile.gettempdir()) / f"{role}.part").write_bytes(data)
        # A file without a name, as form parsers make them.
        _open_files.append(tempfile.TemporaryFile())  # noqa: SIM115 - kept open on purpose
        _open_files[-1].write(data)
        _open_files[-1].flush()


class Unsealed:
    """A cipher that does not encrypt."""

    def __init__(self, key: bytes) -> None:
        del key

    def encrypt(self, nonce: bytes, data: bytes, about: bytes | None) -> bytes:
        """Returns the data."""
        del nonce, about
        return data

    decrypt = encrypt

    def encrypt_into(self, nonce: bytes, data: memoryview, about: bytes | None, buffer: memoryview) -> int:
        """Copies the data, and leaves the place of the tag empty."""
        del nonce, about
        buffer[: len(data)] = data
        return len(buffer)

    def decrypt_into(self, nonce: bytes, data: bytes, about: bytes | None, buffer: memoryview) -> int:
        """Copies what `encrypt_into` copied."""
        del nonce, about
        buffer[:] = data[: len(buffer)]
        return len(buffer)


class CarelessVault(Vault):
    """Opens sessions that free without overwriting."""

    def open(self, lifetime_s: float | None = None) -> VaultSession:
        """Opens a careless session."""
        del lifetime_s
        return _CarelessSession(self.limits)


class _CarelessSession(VaultSession):
    """Frees without overwriting; in the mode `keeps` it frees nothing."""

    def put(self, kind: str, name: str, array: Any) -> None:
        if sys.argv[1] == "keeps":
            _leaked.extend(np.ascontiguousarray(form).copy() for _, form in forms_of(kind, array))
        self._plain[kind, name] = array.copy()  # the stages overwrite their own array after it was put

    @property
    def _plain(self) -> dict[tuple[str, str], Any]:
        held: dict[tuple[str, str], Any] = self.__dict__.setdefault("_careless", {})
        return held

    def holds(self, kind: str, name: str) -> bool:
        return (kind, name) in self._plain

    @contextlib.contextmanager
    def borrow(self, kind: str, name: str) -> Any:
        yield self._plain[kind, name]

    def wipe(self) -> Any:
        with self._lock:
            self._open = False
            if self._timer is not None:
                self._timer.cancel()
            self._plain.clear()
            self._sinks.clear()
            return self._receipt()


if __name__ == "__main__":
    assert sys.argv[1] in MODES, "a mode"  # noqa: S101 - started by the benchmark only
    assert os.environ.get("IDPROOF_BENCH_DELETION") == "1", "started by the benchmark only"  # noqa: S101
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
