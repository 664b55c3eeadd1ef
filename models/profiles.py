"""Opening of a profile's networks, all from checked bytes."""

from pathlib import Path
from typing import NamedTuple

from idproof.models import manifest as manifests
from idproof.models import prepared
from idproof.models.arcface import ArcFaceEmbedder
from idproof.models.errors import ModelMissing
from idproof.models.face_landmarks import LandmarkNetworks
from idproof.models.manifest import Weight
from idproof.models.minifasnet import MiniFASNet, PassiveNetwork
from idproof.models.ppocr import PPOCRReader
from idproof.models.session import CPU, choose_provider
from idproof.models.tesseract import open_reader
from idproof.models.types import Engines, FaceDetector, FaceLandmarker
from idproof.models.yunet import YuNetDetector


class Landmarks(NamedTuple):
    """Networks that find a face and its landmarks."""

    detector: FaceDetector
    landmarker: FaceLandmarker


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
        provider: execution provider of onnxruntime, or `AUTO`.

    Raises:
        ManifestInvalid: no such profile.
        ModelMissing, ModelCorrupt: a weight was not fetched, or is damaged.
        EngineUnavailable: the provider is not there, or Tesseract is not installed or has no English data.
    """
    chosen = manifests.load(manifest).profile(profile)

    def weight(entry: Weight) -> bytes:
        return prepared.read(entry, chosen, cache)

    embedder, of_detector = chosen.embedder, weight(chosen.detector)
    if provider != CPU:
        provider = choose_provider(provider, of_detector)
    return Engines(
        profile=profile,
        detector=YuNetDetector(of_detector, threads=threads, provider=provider),
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
        embedder_sha256=embedder.sha256,
        provider=provider,
    )


def load_landmarker(profile: str = "open", *, manifest: Path | None = None, cache: Path | None = None) -> Landmarks:
    """Opens a profile's detector and networks of landmarks alone; raises as `load_engines`, and `ModelMissing`."""
    chosen = manifests.load(manifest).profile(profile)
    if chosen.landmarks is None:
        raise ModelMissing(f"The profile {profile} names no networks of landmarks.")
    mesh, iris = (prepared.read(entry, chosen, cache) for entry in chosen.landmarks)
    return Landmarks(load_detector(profile, manifest=manifest, cache=cache), LandmarkNetworks(mesh, iris))


def load_detector(profile: str = "open", *, manifest: Path | None = None, cache: Path | None = None) -> YuNetDetector:
    """Opens a profile's face detector alone, for processes that do not examine pictures; raises as `load_engines`."""
    chosen = manifests.load(manifest).profile(profile)
    return YuNetDetector(prepared.read(chosen.detector, chosen, cache))
