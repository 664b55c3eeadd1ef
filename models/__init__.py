"""Networks and readers: manifest, store, sessions, and one file per outside engine, its only importer.

The rest of the project uses the types and errors exported here and never an engine's own:

- `idproof.models.profiles.load_engines` opens a profile's networks from checked files and never fetches any;
- `idproof.models.store` lists, checks and fetches those files (`list_weights`, `check`, `fetch`).

Both are imported by their own names, so that code that needs only the types does not import the engines.
"""

import os
from typing import TYPE_CHECKING, Any

TELEMETRY_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/",
}
"""Environment that keeps onnxruntime (since 1.32) and Ray from reporting usage to their makers.

A cluster that `ray start` started reports once that its statistics are off; the address, where nothing listens, keeps
that report on the machine.

onnxruntime reads its switch when it is imported, and Ray when a cluster starts, so both are set here: Python runs this
file before any file that imports either. Child processes inherit them.
"""
os.environ.update(TELEMETRY_OFF)

from idproof.models.errors import (  # noqa: E402 - not before the environment is set
    CacheUnwritable,
    EngineUnavailable,
    IdproofError,
    ManifestInvalid,
    ModelCorrupt,
    ModelError,
    ModelFetchFailed,
    ModelMissing,
)

if TYPE_CHECKING:
    from idproof.models.types import (
        DetectedFace,
        Embeddings,
        Engines,
        EyeContour,
        FaceDetector,
        FaceEmbedder,
        FaceLandmarker,
        FaceMesh,
        LineReader,
        LineReading,
        RGBImage,
    )

__all__ = [
    "TELEMETRY_OFF",
    "CacheUnwritable",
    "DetectedFace",
    "Embeddings",
    "EngineUnavailable",
    "Engines",
    "EyeContour",
    "FaceDetector",
    "FaceEmbedder",
    "FaceLandmarker",
    "FaceMesh",
    "IdproofError",
    "LineReader",
    "LineReading",
    "ManifestInvalid",
    "ModelCorrupt",
    "ModelError",
    "ModelFetchFailed",
    "ModelMissing",
    "RGBImage",
]


def __getattr__(name: str) -> Any:
    """Import the types on first use: they need numpy, which errors and the command line's help do not."""
    if name in __all__:
        from idproof.models import types

        return getattr(types, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
