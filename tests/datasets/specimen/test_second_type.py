"""A second type is drawn from its two data files: no code knows it."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from idproof.datasets.specimen import artwork, prints
from idproof.datasets.specimen.card import Card
from idproof.datasets.specimen.identity import fields_of
from idproof.datasets.specimen.make import make
from idproof.datasets.specimen.portraits import PortraitSource
from idproof.pipeline.documents import DocumentType, load, load_builtin
from idproof.pipeline.errors import InvalidSpecimen

PASS = prints.TYPES / "harbour_pass.toml"


@pytest.fixture(scope="module")
def harbour_pass() -> DocumentType:
    return load(PASS)


def test_it_has_another_layout_and_nothing_that_changes_with_the_angle(harbour_pass: DocumentType) -> None:
    assert [spec.name for spec in harbour_pass.fields] == ["holder", "pass_number", "valid_until"]
    assert (harbour_pass.ghost, harbour_pass.regions) == (None, ())
    assert harbour_pass.portrait != load_builtin().portrait


def test_no_code_knows_it() -> None:
    package = Path(prints.__file__).parent
    assert not [path.name for path in package.rglob("*.py") if "harbour" in path.read_text(encoding="utf-8").lower()]


def test_its_template_is_what_its_print_draws_and_not_the_other_types(harbour_pass: DocumentType) -> None:
    with Image.open(harbour_pass.template) as picture:
        template = np.array(picture).astype(int)
    assert np.abs(template - artwork.template(harbour_pass)).mean() < 0.5
    assert np.abs(template - artwork.template(load_builtin())).mean() > 3


def test_specimen_stands_across_every_type(harbour_pass: DocumentType) -> None:
    ink = artwork.static_print(harbour_pass)
    marked = (ink[..., 0] > 150) & (ink[..., 1] < 90) & (ink[..., 3] > 20) & (ink[..., 3] < 80)
    rows, columns = np.nonzero(marked)
    assert np.ptp(columns) > 0.7 * marked.shape[1]
    assert np.ptp(rows) > 0.5 * marked.shape[0]


def test_values_are_made_up_by_the_forms(harbour_pass: DocumentType) -> None:
    many = [fields_of(harbour_pass, np.random.default_rng(seed)) for seed in range(50)]
    for fields in many:
        assert set(fields) == {"holder", "pass_number", "valid_until"}
        assert all(re.fullmatch(harbour_pass.field(name).pattern, text) for name, text in fields.items())
    assert len({fields["pass_number"] for fields in many}) == 50


def test_a_long_text_is_printed_smaller_and_stays_in_its_box(harbour_pass: DocumentType) -> None:
    face = PortraitSource.open(None).person("bundled/astronaut").photographs[0]
    fields = fields_of(harbour_pass, np.random.default_rng(1)) | {"holder": "CHEUNG, " + "Cheung " * 9}
    card = Card(harbour_pass, 0, fields, face)
    changed = np.abs(card.printed(None).astype(int) - card.with_fields(holder="").printed(None)).max(axis=2) > 0
    left, top, right, bottom = harbour_pass.field("holder").box.pixels(artwork.SCALE)
    assert changed[top:bottom, left:right].mean() > 0.05
    assert changed.sum() == changed[top:bottom, left:right].sum()


def test_a_registration_of_it_is_made_like_any_other(harbour_pass: DocumentType) -> None:
    source = PortraitSource.open(None)
    one, again = make(31, 0, source, harbour_pass), make(31, 0, source, harbour_pass)
    assert one.pictures == again.pictures
    assert one.description["document"] == "harbour-pass"
    assert set(one.description["truth"]["fields"]) == {"holder", "pass_number", "valid_until"}


def test_an_attack_on_fields_that_it_lacks_is_refused(harbour_pass: DocumentType) -> None:
    with pytest.raises(InvalidSpecimen, match="field_edit cannot be made"):
        make(31, 0, PortraitSource.open(None), harbour_pass, "field_edit")


@pytest.fixture
def own_type(tmp_path: Path, harbour_pass: DocumentType) -> Path:
    (tmp_path / "mine.toml").write_bytes(PASS.read_bytes())
    (tmp_path / harbour_pass.template.name).write_bytes(harbour_pass.template.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ornament_seed = 1\n[fields.holder]\nform = 'name'\n", "does not say how each"),
        ("", "print.toml is not usable: 'ornament_seed'"),
        ("ornament_seed = 1\n[fields.holder]\ncolour = 'red'\n", "not usable"),
        ("ornament_seed = \n", "not usable"),
    ],
)
def test_a_print_file_beside_the_template_goes_first_and_its_faults_are_named(
    own_type: Path, text: str, said: str
) -> None:
    (own_type / "harbour_pass.print.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSpecimen, match=said):
        fields_of(load(own_type / "mine.toml"), np.random.default_rng(1))


def test_a_type_without_a_print_file_cannot_be_drawn(own_type: Path) -> None:
    text = PASS.read_text(encoding="utf-8").replace("harbour_pass.png", "ferry.png")
    (own_type / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSpecimen, match=r"ferry\.print\.toml cannot be read"):
        make(1, 0, PortraitSource.open(None), load(own_type / "mine.toml"))
