"""One tree of errors, one code for each, and documentation that matches."""

import ast
import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import pytest

import idproof.models
import idproof.pipeline
import idproof.service
from idproof.pipeline.errors import BadInput, IdproofError, rebuild_bad_input
from idproof.service.errors import (
    CREDENTIAL_CODES,
    ISSUANCE_CODES,
    SERVICE_CODES,
    STREAM_CODES,
    CredentialRefused,
    IssuanceRefused,
    ServiceProblem,
    StreamProblem,
    log_error,
)
from idproof.service.http.problems import STATUS_BY_CODE, describe_error
from idproof.service.stream.codes import CLOSES, STAYS

ROOT = Path(__file__).parents[2]
ROOMS = ("models", "pipeline", "datasets", "benchmarks", "service")
SEVERAL_CODES = {
    ServiceProblem: SERVICE_CODES,
    StreamProblem: STREAM_CODES,
    CredentialRefused: CREDENTIAL_CODES,
    IssuanceRefused: ISSUANCE_CODES,
}
SHARED = {"busy"}  # a full cluster and a full server are one thing to a client
TREE_ONLY = {IdproofError, BadInput}  # never raised themselves


def subclasses(kind: type[IdproofError]) -> list[type[IdproofError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in subclasses(child))]


def import_all(package: ModuleType) -> None:
    for found in walk_packages(package.__path__, package.__name__ + "."):
        # These two run when they are imported: the command line, and Alembic's own file.
        if not found.name.endswith((".__main__", ".migrations.env")):
            import_module(found.name)


@pytest.fixture(scope="module")
def errors() -> list[type[IdproofError]]:
    """Every error class of the project, after everything that can be imported was imported."""
    for package in (idproof.models, idproof.pipeline, idproof.service):
        import_all(package)
    import_module("idproof.benchmarks.errors")
    return [kind for kind in dict.fromkeys(subclasses(IdproofError)) if kind.__module__.startswith("idproof.")]


@pytest.fixture(scope="module")
def raised(errors: list[type[IdproofError]]) -> Counter[str]:
    """Counts the classes per code."""
    counts: Counter[str] = Counter()
    for kind in errors:
        if kind not in TREE_ONLY:
            counts.update(SEVERAL_CODES.get(kind, {kind.code}))
    return counts


@pytest.fixture(scope="module")
def documented() -> dict[str, tuple[int | None, str]]:
    """Code to HTTP status and sentence, from docs/errors.md; the sentences of stream codes are in docs/stream.md."""
    found: dict[str, tuple[int | None, str]] = {}
    for line in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8").splitlines():
        row = re.fullmatch(r"\| `(\w+)` \| (?:(\d{3}) \| )?(.+) \|", line)
        if row is not None:
            assert row[1] not in found, f"{row[1]} is documented twice"
            found[row[1]] = (None if row[2] is None else int(row[2]), row[3].strip())
    return found


def stream_documented() -> set[str]:
    text = (ROOT / "docs" / "stream.md").read_text(encoding="utf-8")
    return set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", text[text.index("## Errors") :]))


def test_every_error_class_stands_in_an_errors_file() -> None:
    """By the source, so that files that are imported late, or need an optional library, count as well."""
    known = {"IdproofError"}
    classes = [
        (path, node.name, {base.id for base in node.bases if isinstance(base, ast.Name)})
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    while True:
        more = {name for _, name, bases in classes if bases & known} - known
        if not more:
            break
        known |= more
    elsewhere = {str(path.relative_to(ROOT)) for path, name, _ in classes if name in known and path.name != "errors.py"}
    assert len(known) > 40
    assert elsewhere == set()


def test_the_tree_holds_every_class_that_the_source_has(errors: list[type[IdproofError]]) -> None:
    in_source = {
        node.name
        for path in ROOT.glob("*/errors.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    } - {"IdproofError"}
    assert {kind.__name__ for kind in errors} - {"IdproofError"} == in_source


def test_the_docstring_of_each_errors_file_draws_its_classes(errors: list[type[IdproofError]]) -> None:
    for kind in errors:
        drawing = import_module(kind.__module__).__doc__ or ""
        assert re.search(rf"\b{kind.__name__}\b", drawing), kind


def test_no_two_errors_share_a_code_by_accident(errors: list[type[IdproofError]]) -> None:
    codes = Counter(kind.code for kind in errors if kind not in SEVERAL_CODES)
    assert {code for code, count in codes.items() if count > 1} == set()


def test_every_code_is_documented_and_no_other(
    raised: Counter[str], documented: dict[str, tuple[int | None, str]]
) -> None:
    own_of_streams = STREAM_CODES - SERVICE_CODES
    assert raised.keys() - documented.keys() - own_of_streams == set()
    assert documented.keys() - raised.keys() == {"internal"}
    assert own_of_streams - stream_documented() == set()


def test_every_documented_code_has_a_sentence(documented: dict[str, tuple[int | None, str]]) -> None:
    for code, (_, sentence) in documented.items():
        assert len(sentence.split()) > 1, code
        assert sentence.endswith((".", ")")), code


def test_the_documented_status_is_the_one_that_is_sent(documented: dict[str, tuple[int | None, str]]) -> None:
    assert {code: status for code, (status, _) in documented.items() if status is not None} == dict(STATUS_BY_CODE)


def test_every_code_for_clients_has_a_status(errors: list[type[IdproofError]]) -> None:
    of_captures = {kind.code for kind in errors if issubclass(kind, BadInput)} - {BadInput.code}
    assert of_captures | SERVICE_CODES <= STATUS_BY_CODE.keys()


def test_every_stream_code_ends_the_connection_or_leaves_it_open() -> None:
    assert CLOSES.keys() | STAYS >= STREAM_CODES
    assert not CLOSES.keys() & STAYS


@pytest.mark.parametrize("kind", [ServiceProblem, StreamProblem])
def test_only_declared_codes_are_raised(kind: type[IdproofError]) -> None:
    used = set()
    for path in (ROOT / "service").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == kind.__name__:
                assert isinstance(node.args[0], ast.Constant), f"{path}: the code is not written out"
                used.add(node.args[0].value)
    assert used
    assert used <= SEVERAL_CODES[kind]


def test_a_code_reaches_the_client_by_the_errors_code() -> None:
    described = describe_error(ServiceProblem("session_used", "Open another one."))
    assert (described.code, described.status, described.sentence) == ("session_used", 409, "Open another one.")


def test_an_error_that_is_not_for_clients_is_described_as_internal() -> None:
    for error in (RuntimeError("A123456(3)"), StreamProblem("frame_forged", "secret"), BadInput("secret")):
        described = describe_error(error)
        assert (described.code, described.status) == ("internal", 500)
        assert "secret" not in described.sentence
        assert "A123456" not in described.sentence


def test_the_log_names_an_unexpected_error_by_its_type_alone(capsys: pytest.CaptureFixture[str]) -> None:
    log_error(RuntimeError("A123456(3)"))
    logged = capsys.readouterr()
    assert "RuntimeError" in logged.out + logged.err
    assert "A123456" not in logged.out + logged.err


def test_a_bad_input_of_another_process_keeps_its_class() -> None:
    for kind in subclasses(BadInput):
        error = rebuild_bad_input(kind.code, "Again.", "selfie")
        assert (type(error), error.sentence, error.capture) == (kind, "Again.", "selfie")
    with pytest.raises(KeyError):
        rebuild_bad_input("store_unavailable", "Again.", None)
