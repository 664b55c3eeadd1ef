"""The choice of hardware, with an invented list of providers: no test machine has a GPU."""

from types import SimpleNamespace

import onnxruntime
import pytest

from idproof.models import session
from idproof.models.batched_embedder import BatchedEmbedder
from idproof.models.errors import EngineUnavailable
from idproof.models.profiles import load_engines
from idproof.models.session import AUTO, CPU, CUDA, choose_provider
from idproof.pipeline import Verifier


def pretend(monkeypatch: pytest.MonkeyPatch, *, cuda: str) -> list[str]:
    """Offers CUDA that `starts`, `falls back` to the processor as onnxruntime does, or `fails`; returns what opens."""
    real, opened = onnxruntime.InferenceSession, list[str]()

    def open_one(model: bytes, options: object, providers: list[str]) -> object:
        opened.append(providers[0])
        if providers == [CUDA] and cuda == "fails":
            raise RuntimeError("CUDA failure 35: driver version is insufficient")
        found = real(model, options, providers=[CPU])
        if providers == [CPU] or cuda == "falls back":
            return found
        names = ("run", "get_inputs", "get_outputs", "get_modelmeta")
        return SimpleNamespace(get_providers=lambda: [CUDA, CPU], **{name: getattr(found, name) for name in names})

    monkeypatch.setattr(session.onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(session.onnxruntime, "InferenceSession", open_one)
    return opened


def test_without_cuda_the_networks_run_on_the_processor(yunet: bytes) -> None:
    assert choose_provider(AUTO, yunet) == CPU
    with pytest.raises(EngineUnavailable, match="does not offer the CUDAExecutionProvider"):
        load_engines(provider=CUDA)


@pytest.mark.parametrize(("cuda", "chosen"), [("starts", CUDA), ("falls back", CPU), ("fails", CPU)])
def test_auto_takes_cuda_where_it_starts(monkeypatch: pytest.MonkeyPatch, cuda: str, chosen: str) -> None:
    opened = pretend(monkeypatch, cuda=cuda)
    assert load_engines(provider=AUTO).provider == chosen
    assert set(opened[1:]) == {chosen}, "all networks run on one kind of hardware"


@pytest.mark.parametrize("cuda", ["falls back", "fails"])
def test_a_wanted_gpu_is_never_replaced_in_silence(monkeypatch: pytest.MonkeyPatch, cuda: str) -> None:
    pretend(monkeypatch, cuda=cuda)
    with pytest.raises((EngineUnavailable, session.ModelCorrupt)):
        load_engines(provider=CUDA)


def test_registrations_on_a_gpu_share_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, cuda="starts")
    for branches, batched in ((1, False), (2, True)):
        verifier = Verifier.open(provider=AUTO, branches=branches)
        assert verifier.provider == CUDA
        assert isinstance(verifier.executor.tools.engines.embedder, BatchedEmbedder) is batched  # type: ignore[attr-defined]
        verifier.close()
