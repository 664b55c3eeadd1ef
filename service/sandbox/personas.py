"""Personas of the sandbox: one for an accept, one per reason, and one per problem of a capture."""

import io
import tomllib
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from idproof.pipeline.errors import BadInput

MARK = b"idproof-persona="
ACCEPTED = "accept"
_SEED = 2  # of the specimen; any seed works


@dataclass(frozen=True, slots=True)
class Persona:
    """An invented applicant.

    Attributes:
        name: also a comment in the JPEG files of its capture set, by which the sandbox recognises it.
        decision: `accept`, `refer` or `reject`; None when a capture cannot be used.
        reason: reason code of a verdict that is not an accept.
        check: name of the check that gives the reason.
        outcome: of that check: `fail`, `doubt`, `could_not_assess`, or `missing`.
        problem: code of the problem when there is no verdict.
    """

    name: str
    decision: str | None
    reason: str | None = None
    check: str | None = None
    outcome: str | None = None
    problem: str | None = None

    @property
    def about(self) -> str:
        """One sentence for the list of personas."""
        if self.problem is not None:
            return f"No verdict: the problem {self.problem}."
        return f"The decision {self.decision}" + (f", because of {self.reason}." if self.reason else ".")


@cache
def personas() -> dict[str, Persona]:
    """Returns all personas by name."""
    text = (files("idproof.service.sandbox") / "personas.toml").read_text(encoding="utf-8")
    found = [Persona(ACCEPTED, "accept")]
    for reason, entry in tomllib.loads(text).items():
        decision = "reject" if entry["outcome"] == "fail" else "refer"
        found.append(Persona(reason, decision, reason, entry["check"], entry["outcome"]))
    found += [Persona(kind.code, None, problem=kind.code) for kind in problems().values()]
    return {persona.name: persona for persona in found}


@cache
def problems() -> dict[str, type[BadInput]]:
    """Returns every problem of a capture by code."""

    def subclasses(kind: type[BadInput]) -> list[type[BadInput]]:
        return [each for child in kind.__subclasses__() for each in (child, *subclasses(child))]

    return {kind.code: kind for kind in subclasses(BadInput)}


@cache
def specimen() -> tuple[dict[str, bytes], dict[str, str]]:
    """Returns the applicant of all personas: captures by part name, and what is printed on the card."""
    from idproof.datasets.specimen.make import make
    from idproof.datasets.specimen.portraits import PortraitSource
    from idproof.pipeline.documents import load_builtin

    registration = make(_SEED, 0, PortraitSource.open(None), load_builtin())
    return registration.parts(), dict(registration.description["truth"]["fields"])


def mark(picture: bytes, name: str) -> bytes:
    """Returns a JPEG with a persona's name as its first comment (segment COM)."""
    comment = MARK + name.encode()
    return picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture[2:]


def name_in(picture: memoryview) -> str | None:
    """Returns the name of the persona that a capture belongs to, or None if the sandbox did not make it."""
    head = bytes(picture[:256])
    if not head.startswith(b"\xff\xd8\xff\xfe") or head[6 : 6 + len(MARK)] != MARK:
        return None
    length = int.from_bytes(head[4:6], "big") - 2
    return head[6 + len(MARK) : 6 + length].decode(errors="replace")


def capture_set(name: str) -> bytes:
    """Returns a persona's captures as a zip archive with one file per part of the upload."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for part, picture in specimen()[0].items():
            entry = zipfile.ZipInfo(f"{part}.jpg", (2026, 1, 1, 0, 0, 0))
            file.writestr(entry, mark(picture, name))
    return archive.getvalue()
