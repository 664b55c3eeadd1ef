"""Valid manifests are read; others are refused with one sentence."""

from pathlib import Path

import pytest

from idproof.models import manifest
from idproof.models.errors import ManifestInvalid

DIGEST = "0" * 64
OWN = """
[profiles.mine]
detector = "yunet"
embedder = "mine"
reader = "pp-ocrv6-rec-small"
latin_reader = "tesseract"

[weights.mine]
engine = "arcface"
file = "mine.onnx"
sha256 = "{digest}"
licence = "MIT"
origin = "made here"
path = "mine.onnx"
mean = 127.5
std = 127.5
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "own manifest.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_sface_scales_by_itself_and_the_arcface_pack_does_not() -> None:
    profiles = manifest.load().profiles
    assert (profiles["open"].embedder.mean, profiles["open"].embedder.std) == (0.0, 1.0)
    assert (profiles["buffalo_l"].embedder.mean, profiles["buffalo_l"].embedder.std) == (127.5, 127.5)


def test_the_default_profile_is_permissive_and_the_pack_is_marked_as_not() -> None:
    profiles = manifest.load().profiles
    assert {weight.licence for weight in profiles["open"].weights} == {"MIT", "Apache-2.0"}
    assert "on-commercial" in profiles["buffalo_l"].about
    assert "on-commercial" in profiles["buffalo_l"].embedder.terms


def test_every_built_in_weight_states_its_terms_and_its_home() -> None:
    for profile in manifest.load().profiles.values():
        for weight in profile.weights:
            assert weight.terms.endswith(".")
            assert weight.home.startswith("https://")


def test_the_readme_lists_every_weight_with_its_full_sha256() -> None:
    readme = (manifest.BUILTIN.parent / "README.md").read_text(encoding="utf-8")
    for profile in manifest.load().profiles.values():
        for weight in profile.weights:
            assert weight.file in readme
            assert weight.sha256 in readme


def test_a_users_manifest_adds_a_recogniser_to_the_built_in_weights(tmp_path: Path) -> None:
    path = written(tmp_path, OWN.format(digest=DIGEST))
    mine = manifest.load(path).profile("mine")
    assert mine.embedder.source == manifest.PathSource(tmp_path / "mine.onnx")
    assert mine.detector == manifest.load().profile("open").detector
    assert mine.fetch_command == f"idproof models fetch --profile mine --manifest '{path}'"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (DIGEST, "abc"),
        ('"mine.onnx"\nsha', '"../mine.onnx"\nsha'),
        ('"mine.onnx"\nsha', '".."\nsha'),
        ('"arcface"', '"telepathy"'),
        ('embedder = "mine"', 'embedder = "nobody"'),
        ('embedder = "mine"', 'embedder = "yunet"'),
        ('"tesseract"', '"crystal ball"'),
        ("std = 127.5", "std = 0"),
        ('path = "mine.onnx"', ""),
        ('path = "mine.onnx"', f'archive = {{url = "http://a/b", member = "c", sha256 = "{DIGEST}"}}'),
        ('path = "mine.onnx"', 'archive = {url = "https://a/b", member = "c", sha256 = "d"}'),
        ('"mine.onnx"\nsha', '"PP-OCRv6_rec_small.onnx"\nsha'),
        ("[profiles.mine]", "[profiles"),
    ],
)
def test_an_impossible_manifest_is_refused_with_one_sentence(tmp_path: Path, was: str, becomes: str) -> None:
    good = OWN.format(digest=DIGEST)
    assert was in good
    with pytest.raises(ManifestInvalid) as caught:
        manifest.load(written(tmp_path, good.replace(was, becomes, 1)))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_the_error_for_an_unknown_profile_lists_the_known_ones() -> None:
    with pytest.raises(ManifestInvalid, match="buffalo_l, open"):
        manifest.load().profile("closed")
