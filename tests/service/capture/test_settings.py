"""Settings of capture in pages of others: origins that may capture, and origins that may embed the service's page."""

from pathlib import Path

import pytest
from fakes import FakeVerifier, ask
from pydantic import ValidationError

from idproof.service.http.app import create_app
from idproof.service.operations.settings import Settings


@pytest.mark.parametrize(
    "origin",
    [
        "http://shop.example",
        "https://shop.example/",
        "https://shop.example/page",
        "https://*.shop.example",
        "https://user@shop.example",
        "https://shop.example:443",
        "https://shop.example; script-src *",
        "https://",
        "*",
        "null",
    ],
)
def test_what_is_no_origin_of_a_page_is_refused(tmp_path: Path, origin: str) -> None:
    for name in ("capture_origins", "capture_frame_ancestors"):
        with pytest.raises(ValidationError, match="without a path"):
            Settings(data_dir=tmp_path, **{name: origin})  # type: ignore[arg-type]


def test_several_origins_are_read_as_browsers_write_them(tmp_path: Path) -> None:
    written = " https://Shop.example , https://www.shop.example:8443,http://127.0.0.1:8080"
    expected = ("https://shop.example", "https://www.shop.example:8443", "http://127.0.0.1:8080")
    assert Settings(data_dir=tmp_path, capture_origins=written).capture_origin_list == expected


@pytest.mark.parametrize(
    ("ancestors", "policy"),
    [("", "'none'"), ("https://shop.example,https://b.example", "https://shop.example https://b.example")],
)
def test_pages_of_others_embed_the_page_only_if_the_operator_names_them(
    tmp_path: Path, ancestors: str, policy: str
) -> None:
    app = create_app(Settings(data_dir=tmp_path, capture_frame_ancestors=ancestors), FakeVerifier())
    answer = ask(app, "GET", "/capture")
    stated = [part.strip() for part in answer.headers["content-security-policy"].split(";")]
    assert [part for part in stated if part.startswith("frame-ancestors")] == [f"frame-ancestors {policy}"]
    assert answer.headers.get("x-frame-options") is None or not ancestors
