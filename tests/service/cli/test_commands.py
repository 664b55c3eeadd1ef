"""The command line: exit codes, one line for an error, no large library for help."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import commands
import pytest
from fakes import VERDICT_FILE

from idproof.datasets.specimen.make import Registration
from idproof.models import manifest, prepared, store
from idproof.models.errors import EngineUnavailable
from idproof.service.cli.main import main
from idproof.service.cli.output import print_verdict
from idproof.service.errors import SettingsInvalid
from idproof.service.operations import server
from idproof.service.operations.settings import Settings
from idproof.service.signing.jws import sign
from idproof.service.signing.keys import Keys


def idproof(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "idproof.service", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONSAFEPATH": "1", "COLUMNS": "200"} | environment,
    )


@pytest.fixture
def files(tmp_path: Path, registration: Registration) -> Path:
    registration.write(tmp_path)
    return tmp_path


def arguments(folder: Path, front: str = "front.jpg", selfie: str = "selfie.jpg") -> list[object]:
    cards = [("--card", folder / name) for name in (front, "tilt_left.jpg", "tilt_right.jpg")]
    return ["verify", *(item for pair in cards for item in pair), "--selfie", folder / selfie]


def test_verify_accepts_with_0_and_prints_json(files: Path) -> None:
    done = idproof(*arguments(files), "--accept-uploads", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["decision"] == "accept"


def test_verify_refers_files_unless_the_operator_accepts_uploads(files: Path) -> None:
    done = idproof(*arguments(files), "--json")
    assert done.returncode == 10, done.stderr
    assert json.loads(done.stdout)["reasons"] == ["captures_injectable", "liveness_missing"]


def test_verify_refers_with_10_and_rejects_with_20(files: Path, tmp_path: Path) -> None:
    idproof = commands.idproof
    swapped = ["verify", "--card", files / "front.jpg", "--card", files / "tilt_right.jpg"]
    done = idproof(*swapped, "--card", files / "tilt_left.jpg", "--selfie", files / "selfie.jpg")
    assert (done.returncode, "angles_not_as_instructed" in done.stdout) == (10, True)
    made = idproof("specimen", "make", "--out", tmp_path / "x", "--attack", "photocopy_grey", "--seed", 3)
    assert made.returncode == 0, made.stderr
    done = idproof(*arguments(tmp_path / "x" / "00000"))
    assert (done.returncode, "REJECT" in done.stdout) == (20, True)


def test_bad_input_ends_with_2_and_one_line(files: Path) -> None:
    (files / "text.jpg").write_text("no picture")
    done = commands.idproof(*arguments(files, front="text.jpg"))
    assert done.returncode == 2
    assert done.stderr.strip() == "capture_unreadable: The capture card_front is not a readable picture."
    assert done.stdout == ""


@pytest.mark.parametrize(
    "wrong",
    [
        ["verify", "--card", "a", "--selfie", "b"],
        ["verify", "--card", "a", "--card", "b", "--card", "c", "--selfie", "nowhere"],
        ["specimen", "make", "--out", "x", "--attack", "unheard_of"],
        ["specimen", "make", "--out", "x", "--portraits", "nowhere.zip"],
        ["models", "check", "--profile", "none"],
        ["bench", "system", "--sets", "nowhere"],
        ["no-such-command"],
    ],
)
def test_wrong_use_ends_with_2_and_no_traceback(wrong: list[str], tmp_path: Path) -> None:
    done = idproof(*wrong)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    done = idproof("serve", "--data-dir", tmp_path, IDPROOF_THREADS="many")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [done.stderr.strip()]
    assert done.stderr.startswith("settings_invalid: These settings cannot be used: IDPROOF_THREADS")


def test_serve_imports_no_module_from_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "pydantic_settings.py").write_text("raise SystemExit('taken from the current folder')")
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONSAFEPATH", "MALLOC_PERTURB_")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "idproof.service", "serve", "--data-dir", str(tmp_path / "data")],
        cwd=tmp_path,
        env=clean | {"IDPROOF_THREADS": "many"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr.split(":")[0]) == (2, "settings_invalid")


def test_text_of_a_card_is_printed_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = json.loads(VERDICT_FILE.read_text(encoding="utf-8"))
    for text in ("A[/b]", "[bold]B", ":smile:"):
        verdict["fields"]["number"]["text"] = text
        print_verdict(verdict)
        assert text in capsys.readouterr().out


def test_an_unknown_error_is_one_line_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> None:
        raise ZeroDivisionError("A123456(3)")

    monkeypatch.setattr("idproof.service.signing.check.check_verdict", run)
    with pytest.raises(SystemExit) as ended:
        main(["verdict", "check", __file__])
    printed = capsys.readouterr().err
    assert ended.value.code == 70
    assert printed.startswith(f"internal: unexpected ZeroDivisionError at {Path(__file__).name}:")
    assert "A123456" not in printed


def test_help_names_every_command() -> None:
    done = idproof("--help")
    for name in ("verify", "serve", "health", "demo", "verdict", "models", "specimen", "bench"):
        assert f" {name} " in done.stdout
    assert "system" in idproof("bench", "--help").stdout


def test_an_error_about_missing_weights_names_the_command_that_fetches_them(files: Path, tmp_path: Path) -> None:
    done = idproof(*arguments(files), IDPROOF_MODELS=str(tmp_path / "empty"))
    assert done.returncode == 2
    assert "idproof models fetch --profile open" in done.stderr


def test_models_list_and_check() -> None:
    idproof = commands.idproof
    listed = idproof("models", "list")
    assert "Apache-2.0" in listed.stdout
    assert "non-commercial" in listed.stdout
    checked = idproof("models", "check")
    assert checked.returncode == 0
    assert checked.stdout.count("ready") == 5


def test_help_imports_no_large_library() -> None:
    large = ("cv2", "onnxruntime", "insightface", "fastapi", "scipy")
    code = f"import sys, idproof.service.cli.main; print(*set({large}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_verdict_check(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    keys = Keys.open(settings)
    verdict = json.loads(VERDICT_FILE.read_text(encoding="utf-8"))
    verdict["deletion"]["wiped"][0]["roles"] = ["card_front", "selfie"]
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    signed = verdict | {"jws": sign(verdict, keys, "someone")}
    good.write_text(json.dumps(signed))
    bad.write_text(json.dumps(signed | {"decision": "accept"}))
    done = idproof("verdict", "check", good, "--jwks", settings.jwks_file)
    assert done.returncode == 0, done.stderr
    assert "The signature holds" in done.stdout
    assert "REFER" in done.stdout
    assert "overwritten with zeros" in done.stdout
    first = verdict["deletion"]["wiped"][0]
    for expected in ("card_front, selfie", first["kind"], str(first["bytes"]), first["wiped_at"], "malloc_perturb"):
        assert expected in done.stdout, expected
    forged = idproof("verdict", "check", bad, "--jwks", settings.jwks_file)
    assert (forged.returncode, "signature_invalid" in forged.stderr) == (1, True)


def test_specimen_art_and_sheet(tmp_path: Path, files: Path) -> None:
    assert idproof("specimen", "art", "--seed", 2, "--out", tmp_path / "art").returncode == 0
    names = {path.name for path in (tmp_path / "art").iterdir()}
    assert {"artwork.png", "template.png", "layout.json", "mask_hologram.png"} <= names
    assert idproof("specimen", "sheet", "--sets", files, "--out", tmp_path / "sheet.png").returncode == 0
    assert (tmp_path / "sheet.png").stat().st_size > 10_000


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_utf8_shows_escapes_and_json_stays_json(encoding: str) -> None:
    code = """if True:
        from idproof.service.cli import main, output
        @main.audit.app.command("say")
        def say() -> None:
            output.print_json({"name": "CHAN, Tai Man 陳大文 \N{CJK UNIFIED IDEOGRAPH-282E2}"})
            output.plain_console().print("陳 é")
            output.print_error("陳")
        main.main(["audit", "say"])
    """
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    document, _, line = done.stdout.decode(encoding).rstrip().rpartition("\n")
    assert json.loads(document)["name"] == "CHAN, Tai Man 陳大文 \N{CJK UNIFIED IDEOGRAPH-282E2}"
    assert line == ("\\u9673 \\u00e9" if encoding == "ascii" else "\\u9673 é")
    assert done.stderr.decode(encoding) == "\\u9673\n"


@pytest.mark.parametrize(
    ("module", "extra", "command"),
    [
        ("skimage", "specimen", ["specimen", "make", "--out", "unused", "--count", "1"]),
        ("simpy", "bench", ["capacity", "--registrations-per-hour", "1"]),
        ("scipy", "bench", ["bench", "load", "--sandbox"]),
    ],
)
def test_a_missing_extra_is_named_in_one_sentence(module: str, extra: str, command: list[str], tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from idproof.service.cli.main import main; main({command})"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"extra_missing: This needs idproof with the extra {extra}.\n"


def test_a_sandbox_without_specimens_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    with pytest.raises(SettingsInvalid, match="the extra specimen"):
        server.run(Settings(data_dir=tmp_path, sandbox=True, anonymous=True), "127.0.0.1", 0)


def test_help_brings_no_large_library() -> None:
    code = (
        "import sys; from idproof.service.cli.main import assemble; import typer; "
        "typer.main.get_command(assemble(benchmarks=False)).main(['--help'], standalone_mode=False); "
        "print(sorted({'numpy', 'cv2', 'structlog', 'pydantic', 'fastapi', 'onnxruntime'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_server_restarts_itself_before_it_imports_anything_large() -> None:
    code = (
        "import os, sys; from idproof.service.cli.main import main; "
        "os.execv = lambda *_: os._exit(3 * bool({'numpy', 'fastapi', 'sqlalchemy'} & sys.modules.keys())); "
        "main(['serve', '--anonymous'])"
    )
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False, timeout=60).returncode == 0


def test_a_network_that_is_not_prepared_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = manifest.load().profile("open")
    shutil.copy(store.default_cache() / chosen.detector.file, tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "idproof.models.onnx_graphs", raising=False)
    monkeypatch.delattr(sys.modules["idproof.models"], "onnx_graphs", raising=False)
    with pytest.raises(EngineUnavailable, match="the extra prepare"):
        prepared.read(chosen.detector, chosen, tmp_path)
