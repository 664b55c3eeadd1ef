"""Reads the promises of Markdown pages: links, anchors, paths of the repository, command lines and Python."""

import importlib.util
import inspect
import pkgutil
import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import unquote

import typer
from typer.core import TyperGroup

ROOT = Path(__file__).parents[2]
ROOMS = ("models", "pipeline", "datasets", "benchmarks", "service", "client")
FOLDERS = (*ROOMS[:5], "tests", "docs", ".ci")
_FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)|<(?:img|a)[^>]*(?:src|href)=\"([^\"]+)\"")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]+")


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """Inline code, each span on one line."""
        return [" ".join(span.split()) for span in _SPAN.findall(self.prose)]

    def blocks(self, *languages: str) -> list[str]:
        """Fenced blocks of these languages."""
        return [block for language, block in _FENCE.findall(self.text) if language in languages]

    @property
    def anchors(self) -> set[str]:
        """Anchors of the headings, by GitHub's rules."""
        found: set[str] = set()
        for heading in re.findall(r"^#{1,6} +(.+?) *#*$", self.prose, re.MULTILINE):
            slug = base = slug_of(heading)
            number = 0
            while slug in found:
                number += 1
                slug = f"{base}-{number}"
            found.add(slug)
        return found


def pages() -> list[Page]:
    """Every Markdown file of the repository."""
    top = [*ROOT.glob("*.md")]
    below = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md") if "node_modules" not in path.parts]
    return [Page(path) for path in sorted([*top, *below])]


def slug_of(heading: str) -> str:
    """The anchor of a heading: lower case, no punctuation but hyphens and underscores, hyphens for spaces."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def broken_links(page: Page) -> list[str]:
    """Relative links whose file or anchor does not exist."""
    prose = _SPAN.sub("code", page.prose)
    return [target for pair in _LINK.findall(prose) if (target := pair[0] or pair[1]) and not _leads(page, target)]


def _leads(page: Page, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    name, _, anchor = unquote(target).partition("#")
    file = page.path.parent / name if name else page.path
    if not file.exists():
        return False
    return not anchor or (file.suffix == ".md" and anchor in Page(file).anchors)


def missing_paths(page: Page) -> list[str]:
    """Paths, Python files and modules in inline code that do not exist.

    A word in capitals (`PROFILE_face.json`) stands for any name.
    """
    words = [word.rstrip(",;:") for span in page.spans for word in span.split()]
    return sorted({word for word in words if not _exists(word, page)})


def _exists(word: str, page: Page) -> bool:
    if re.fullmatch(rf"idproof\.(?:{'|'.join(ROOMS)})(?:\.\w+)*", word):
        return _resolves(word) or any(_PLACEHOLDER.fullmatch(part) for part in word.split("."))
    first, _, rest = word.partition("/")
    if first in FOLDERS and re.fullmatch(r"[\w.*/-]*", rest):
        return _matches(word, ROOT) or _matches(word, page.path.parent)
    if re.fullmatch(r"[\w/.-]*\w\.py", word):
        return any(f"/{path}".endswith(f"/{word}") for path in _python_files())
    return True


def _matches(word: str, folder: Path) -> bool:
    plain = word.rstrip("/")
    return (folder / plain).exists() or any(folder.glob(_PLACEHOLDER.sub("*", plain)))


@cache
def _python_files() -> tuple[str, ...]:
    return tuple(str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def _resolves(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def command_lines(page: Page) -> list[str]:
    """`idproof …` lines of shell blocks and inline code.

    Inline code may leave the program's name out: `bench system --sets DIR`.
    """
    shell = "\n".join(page.blocks("sh", "bash", "console", "")).replace("\\\n", " ")
    lines = re.findall(r"(?:^|[\s/(])idproof +([^\n]*)", shell)
    for span in page.spans:
        lines += re.findall(r"(?:^|[\s/])idproof +(.*)", span)
        lines += [span] if re.match(r"(?:bench|specimen) ", span) else []
    return [part.strip() for line in lines for part in _alternatives(re.split(r" && | \| |; | #", line)[0])]


def _alternatives(line: str) -> list[str]:
    """`kiosk enroll|list` as two lines."""
    words = line.split()
    line = " ".join(words)
    at = next((i for i, word in enumerate(words[:3]) if re.fullmatch(r"[\w-]+(?:\|[\w-]+)+", word)), None)
    if at is None:
        return [line]
    return [" ".join([*words[:at], each, *words[at + 1 :]]) for each in words[at].split("|")]


def fault_of_command(line: str) -> str | None:
    """Returns the first unknown command, option or choice of a command line as a sentence; None when all are known."""
    command: Any = cli()
    words = shlex.split(re.sub(r"[…\[\]]", " ", line))
    while words and isinstance(command, TyperGroup) and not words[0].startswith("-"):
        name = words.pop(0)
        if _PLACEHOLDER.fullmatch(name):
            return None
        if name not in command.commands:
            return f"no command {name!r}"
        command = command.commands[name]
    return next(
        (fault for at, word in enumerate(words) if (fault := _fault_of_option(command, word, words[at + 1 :]))), None
    )


def _fault_of_option(command: Any, word: str, following: list[str]) -> str | None:
    if not word.startswith("--") or word == "--help":
        return None
    name, _, value = word.partition("=")
    options = {option: each for each in command.params for option in (*each.opts, *each.secondary_opts)}
    if name not in options:
        return f"{command.name} has no option {name!r}"
    choices = _choices(command, options[name].name)
    value = value or (following[0] if following else "")
    if choices and not _PLACEHOLDER.fullmatch(value) and value not in choices:
        return f"{value!r} is no choice of {name}"
    return None


def _choices(command: Any, parameter: str) -> tuple[str, ...]:
    """Texts that an option takes, when its annotation is a `Literal`."""
    hint = get_type_hints(inspect.unwrap(command.callback)).get(parameter)
    literals = [hint, *get_args(hint)]
    return tuple(value for each in literals if get_origin(each) is Literal for value in get_args(each))


def options_of(command: Any) -> set[str]:
    """Every option of a command and of those below it."""
    own = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
    below = command.commands.values() if isinstance(command, TyperGroup) else ()
    return own.union(*(options_of(each) for each in below))


@cache
def cli() -> TyperGroup:
    """The whole command line, with the benchmarks."""
    from idproof.service.cli.main import assemble

    group = typer.main.get_command(assemble(benchmarks=True))
    assert isinstance(group, TyperGroup)
    return group


def modules_run(page: Page) -> list[str]:
    """Modules that a page runs with `python -m`."""
    text = "\n".join([*page.spans, *page.blocks("sh", "bash", "")])
    return re.findall(r"python3? -m (idproof[\w.]*)", text)


def module_exists(name: str) -> bool:
    """Returns whether Python finds the module."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def make_targets(page: Page) -> list[str]:
    """Targets that a page makes."""
    return [target for line in [*page.spans, *"\n".join(page.blocks("sh")).split("\n")] for target in _targets(line)]


def _targets(line: str) -> list[str]:
    found = re.match(r"make((?: [a-z][\w-]*)+)", line)
    return found[1].split() if found else []
