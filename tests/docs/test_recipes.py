"""The recipe of a document type is followed as the page gives it."""

from pathlib import Path

import pytest
from markdown_pages import ROOT, Page


def test_the_document_type_of_the_page_is_found_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(ROOT / "docs" / "document-types.md")
    kind, _, print_ = page.blocks("toml")
    (tmp_path / "my_type.toml").write_text(kind, encoding="utf-8")
    (tmp_path / "my_type.print.toml").write_text(print_, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec("".join(page.blocks("python")), scope)
    verdict, specimen = scope["verdict"], scope["specimen"]
    read = {name: reading.text for name, reading in verdict.fields.items()}  # type: ignore[attr-defined]
    assert read == specimen.description["truth"]["fields"]  # type: ignore[attr-defined]
    assert verdict.document_type == "my-type"  # type: ignore[attr-defined]
