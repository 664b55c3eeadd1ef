"""Opening of a profile's networks, all from checked bytes."""

from pathlib import Path

from idproof.models import manifest as manifests
from idproof.models import store, tflite_graphs
from idproof.models.arcface import ArcFaceEmbedder
from idproof.models.face_landmarks import LandmarkNetworks
from idproof.models.manifest import Weight
from idproof.models.minifasnet import MiniFASNet, PassiveNetwork
from idproof.models.onnx_graphs import fold_blocks
from idproof.models.ppocr import PPOCRReader
from idproof.models.session import CPU
from idproof.models.silent_face import to_onnx
from idproof.models.tesseract import open_reader
from idproof.models.types import Engines
from idproof.models.yunet import YuNetDetector


def load_engines(
    profile: str = "open",
    *,
    manifest: Path | None = None,
    cache: Path | None = None,
    threads: int = 1,
    provider: str = CPU,
) -> Engines:
    """Opens all engines of a verification; never fetches a file.

    Args:
        profile: name in the manifest.
        manifest: a user's own manifest, else the built-in one.
        cache: folder of the weights, else `IDPROOF_MODELS` or the user's cache.
        threads: processor threads for each network call.
        provider: execution provider of onnxruntime.

    Raises:
        ManifestInvalid: no such profile.
        ModelMissing, ModelCorrupt: a weight was not fetched, or is damaged.
        EngineUnavailable: the provider is not there, or Tesseract is not installed or has no English data.
    """
    chosen = manifests.load(manifest).profile(profile)

    def weight(entry: Weight) -> bytes:
        data = store.read(entry, chosen, cache)
        if chosen.landmarks and entry in chosen.landmarks:
            return tflite_graphs.to_onnx(data)
        if entry.checkpoint:
            return to_onnx(data)
        return fold_blocks(data) if entry.fold_blocks else data

    embedder = chosen.embedder
    return Engines(
        profile=profile,
        detector=YuNetDetector(weight(chosen.detector), threads=threads, provider=provider),
        embedder=ArcFaceEmbedder(
            weight(embedder), mean=embedder.mean, std=embedder.std, threads=threads, provider=provider
        ),
        reader=PPOCRReader(weight(chosen.reader), threads, provider),
        latin_reader=open_reader(threads=threads),
        weights={entry.file: entry.sha256 for entry in chosen.weights},
        passive=MiniFASNet(
            [PassiveNetwork(weight(entry), entry.scale, entry.side, entry.real) for entry in chosen.passive],
            threads,
            provider,
        )
        if chosen.passive
        else None,
        operating_points=chosen.operating_points,
        landmarker=LandmarkNetworks(weight(chosen.landmarks[0]), weight(chosen.landmarks[1]), threads, provider)
        if chosen.landmarks
        else None,
    )


def load_detector(profile: str = "open", *, manifest: Path | None = None, cache: Path | None = None) -> YuNetDetector:
    """Opens a profile's face detector alone, for processes that do not examine pictures; raises as `load_engines`."""
    chosen = manifests.load(manifest).profile(profile)
    data = store.read(chosen.detector, chosen, cache)
    return YuNetDetector(fold_blocks(data) if chosen.detector.fold_blocks else data)
