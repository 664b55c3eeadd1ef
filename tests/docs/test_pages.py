"""Markdown pages keep their promises: links, anchors, paths, commands and options exist, and Python compiles."""

import re
from pathlib import Path

import pytest
from markdown_pages import (
    ROOT,
    Page,
    broken_links,
    cli,
    command_lines,
    fault_of_command,
    make_targets,
    missing_paths,
    module_exists,
    modules_run,
    options_of,
    pages,
    slug_of,
)

PAGES = pages()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path.relative_to(ROOT)))
OF_OTHER_PROGRAMS = {"--no-cache", "--node-ip-address", "--temp-dir"}  # of lint-imports and of `ray start`


@each_page
def test_links_and_anchors_exist(page: Page) -> None:
    assert broken_links(page) == []


@each_page
def test_paths_and_modules_exist(page: Page) -> None:
    if page.path.name == "CHANGELOG.md":
        pytest.skip("names paths that are gone")
    assert missing_paths(page) == []


@each_page
def test_commands_and_their_options_exist(page: Page) -> None:
    faults = {line: fault for line in command_lines(page) if (fault := fault_of_command(line))}
    assert faults == {}


@each_page
def test_options_named_alone_belong_to_some_command(page: Page) -> None:
    if page.path.name == "CHANGELOG.md":
        pytest.skip("names options that are gone")
    named = {word.partition("=")[0] for span in page.spans if span.startswith("--") for word in span.split()}
    unknown = {name for name in named if re.fullmatch(r"--[a-z][a-z-]+", name)} - options_of(cli()) - OF_OTHER_PROGRAMS
    assert unknown == set()


@each_page
def test_modules_and_make_targets_exist(page: Page) -> None:
    known = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [name for name in modules_run(page) if not module_exists(name)] == []
    assert set(make_targets(page)) <= known


@each_page
def test_python_blocks_compile(page: Page) -> None:
    for block in page.blocks("python"):
        compile(block, str(page.path), "exec")


def test_every_page_of_docs_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)", page.read_text(encoding="utf-8"))
        waiting += [file for link in links if (file := (page.parent / link).resolve()) not in reached and file.exists()]
    assert set((ROOT / "docs").glob("*.md")) - reached == set()


def test_the_pages_say_enough_for_these_tests_to_mean_something() -> None:
    assert len(PAGES) > 20
    assert sum(len(command_lines(page)) for page in PAGES) > 60
    assert sum(len(page.blocks("python")) for page in PAGES) >= 1


# The readers of pages themselves: they find each fault.


@pytest.fixture
def invented(tmp_path: Path) -> Page:
    return Page(tmp_path / "page.md")


@pytest.mark.parametrize(
    "text", ["[a](gone.md)", "[a](#gone)", "![a](gone.png)", "[a](other.md#gone)", '<img src="gone.png">']
)
def test_a_broken_link_is_found(invented: Page, text: str) -> None:
    (invented.path.parent / "other.md").write_text("# Here\n", encoding="utf-8")
    invented.path.write_text(f"# Top\n[ok](other.md#here) [ok](#top) {text}\n", encoding="utf-8")
    assert len(broken_links(invented)) == 1


@pytest.mark.parametrize(
    "span", ["pipeline/gone.py", "gone_entirely.py", "idproof.pipeline.gone", "docs/gone.md", "service/gone/"]
)
def test_a_path_that_is_gone_is_found(invented: Page, span: str) -> None:
    invented.path.write_text(f"`pipeline/decide.py` `decide.py` `idproof.pipeline.decide` `{span}`\n", encoding="utf-8")
    assert missing_paths(invented) == [span]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("bench gone --json", "no command 'gone'"),
        ("bench system --gone 3", "system has no option '--gone'"),
        ("specimen make --names gone", "'gone' is no choice of --names"),
        ("specimen make --out D --names covering", None),
        ("bench system --sets D --json", None),
        ("bench NAME … --json", None),
        ("serve --sandbox", None),
    ],
)
def test_a_fault_in_a_command_is_found(line: str, fault: str | None) -> None:
    assert fault_of_command(line) == fault


def test_commands_are_read_from_blocks_and_spans(invented: Page) -> None:
    invented.path.write_text(
        "`idproof kiosk enroll|list`, `bench card --sets TEST\n--json`\n\n```sh\nidproof verify \\\n  --json  # why\n"
        ".venv/bin/idproof models list && idproof demo\n```\n",
        encoding="utf-8",
    )
    assert sorted(command_lines(invented)) == sorted(
        ["kiosk enroll", "kiosk list", "bench card --sets TEST --json", "verify --json", "models list"]
    )


@pytest.mark.parametrize(
    ("heading", "slug"),
    [
        ("`scale` and `capacity`", "scale-and-capacity"),
        ("Records (`IDPROOF_RECORDS_URL`)", "records-idproof_records_url"),
        ("1. Say what is claimed", "1-say-what-is-claimed"),
        ("Streaming: `idproof.capture.v1`", "streaming-idproofcapturev1"),
        ("What is kept, and [for how long](x.md)", "what-is-kept-and-for-how-long"),
    ],
)
def test_anchors_follow_githubs_rules(heading: str, slug: str) -> None:
    assert slug_of(heading) == slug


def test_a_heading_that_comes_twice_gets_a_number(invented: Page) -> None:
    invented.path.write_text("# One\n## One\n```\n# no heading\n```\n", encoding="utf-8")
    assert invented.anchors == {"one", "one-1"}


def test_the_readme_fits_one_screen_before_its_first_picture() -> None:
    top, _, _ = (ROOT / "README.md").read_text(encoding="utf-8").partition("![")
    lines = top.splitlines()
    assert len(lines) <= 40
    assert {"make demo", "make test"} <= {line.partition("#")[0].strip() for line in lines}
