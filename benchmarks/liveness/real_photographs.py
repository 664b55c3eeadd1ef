"""Asks the texture network about real photographs of faces, prints and screens."""

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from idproof.datasets.rendered_people.camera import decoded
from idproof.models.liveness_texture import TextureNetwork
from idproof.models.profiles import load_engines
from idproof.pipeline.liveness import crops


def texture_logits(archive: Path, profile: str = "open") -> Iterator[tuple[str, float | None]]:
    """Yields the network's logit per photograph of a zip archive, None where no face is found."""
    engines, network = load_engines(profile), TextureNetwork.shipped()
    with ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            image = decoded(np.frombuffer(opened.read(name), dtype=np.uint8))
            faces = engines.detector.detect(image)
            if not faces:
                yield name, None
                continue
            crop = ([crops.skin(image, faces[0])], [crops.context(image, faces[0])])
            yield name, float(network.logits(*crop)[0])
