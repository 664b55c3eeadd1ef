"""The control servers verify as the real one does; a control that fails would find nothing and prove nothing."""

import sys
from collections import Counter

import pytest

from idproof.benchmarks.deletion.altered_server import CarelessVault
from idproof.benchmarks.deletion.forms import FEATURES, LINE, TENSOR
from idproof.benchmarks.deletion.record import record_engines
from idproof.pipeline import Captures, Verifier
from idproof.pipeline.vault.kinds import TEMPLATE


@pytest.mark.parametrize("mode", ["ordinary", "keeps"])
def test_a_careless_vault_changes_no_verdict(
    mode: str, verifier: Verifier, parts: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = verifier.verify(Captures.from_parts(parts))
    monkeypatch.setattr(sys, "argv", ["altered_server", mode])  # the session reads the mode there
    monkeypatch.setattr(verifier, "vault", CarelessVault(verifier.limits))
    found = verifier.verify(Captures.from_parts(parts))
    assert (found.decision, found.checks) == (expected.decision, expected.checks)


def test_every_engine_is_recorded(verifier: Verifier, parts: dict[str, bytes]) -> None:
    kinds: Counter[str] = Counter()
    with record_engines(verifier, lambda kind, _: kinds.update([kind])):
        verifier.verify(Captures.from_parts(parts))
    assert set(kinds) == {LINE, TENSOR, FEATURES, TEMPLATE}
