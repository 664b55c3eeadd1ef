"""What a network is: manifest, store, sessions, one file an outside engine.

The rest of the project is written against the types and errors exported here, and never sees an engine's own:

- `idproof.models.profiles.load_engines` opens a profile's networks from checked files; nothing is ever fetched there;
- `idproof.models.store` lists, checks and fetches those files (`list_weights`, `check`, `fetch`).

Both are imported by their own names, so that whoever wants only the types does not pay for the engines.
"""

from idproof.models.errors import (
    CacheUnwritable,
    EngineUnavailable,
    IdproofError,
    ManifestInvalid,
    ModelCorrupt,
    ModelError,
    ModelFetchFailed,
    ModelMissing,
)
from idproof.models.types import (
    DetectedFace,
    Embeddings,
    Engines,
    FaceDetector,
    FaceEmbedder,
    LineReader,
    LineReading,
    RGBImage,
)

__all__ = [
    "CacheUnwritable",
    "DetectedFace",
    "Embeddings",
    "EngineUnavailable",
    "Engines",
    "FaceDetector",
    "FaceEmbedder",
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
