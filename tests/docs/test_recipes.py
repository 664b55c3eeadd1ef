"""The recipe of a document type is followed as the page gives it."""

import json
from pathlib import Path

import pytest
from commands import idproof
from markdown_pages import ROOT, Page


def test_a_card_of_the_pages_document_type_is_read_and_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(ROOT / "docs" / "document-types.md")
    kind, _, chosen, print_ = page.blocks("toml")
    (tmp_path / "my_type.toml").write_text(kind, encoding="utf-8")
    (tmp_path / "my_type.print.toml").write_text(print_, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec("".join(page.blocks("python")), scope)
    verdict, specimen = scope["verdict"], scope["specimen"]
    read = {name: reading.text for name, reading in verdict.fields.items()}  # type: ignore[attr-defined]
    assert read == specimen.description["truth"]["fields"]  # type: ignore[attr-defined]
    assert verdict.document_type == "my-type"  # type: ignore[attr-defined]

    specimen.write(tmp_path / "applicant")  # type: ignore[attr-defined]
    names = [f"applicant/{name}.jpg" for name in ("front", "tilt_left", "tilt_right", "selfie")]
    captures = ["--card", names[0], "--card", names[1], "--card", names[2], "--selfie", names[3]]
    (card_checks,) = (line for line in chosen.splitlines() if line.startswith("card_checks"))
    for head, checked in (("", True), (card_checks, False)):
        (tmp_path / "my_type.toml").write_text(f"{head}\n{kind}", encoding="utf-8")
        done = idproof("verify", "--document", "my_type.toml", *captures, "--accept-uploads", "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        made = json.loads(done.stdout)
        assert ("light_moves" in {check["name"] for check in made["checks"]}) is checked
        assert ("light_moves" not in made["not_performed"]) is checked
        assert made["form"]["birth_date"] == made["fields"]["date_of_birth"]["text"].replace(".", "-")
