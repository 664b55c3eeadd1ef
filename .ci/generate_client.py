"""Writes the synchronous client, `service/client/client.py`, from the asynchronous one.

    python .ci/generate_client.py             # write
    python .ci/generate_client.py --check     # exit 1 when the file is not what would be written

unasync removes `async` and `await`; ruff sorts the imports, simplifies and formats. Both are in the extra `dev`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "service" / "client" / "async_client.py"
TARGET = ROOT / "service" / "client" / "client.py"

NAMES = {"AsyncClient": "Client", "AsyncIterator": "Iterator", "aclose": "close", "anyio": "time"}
SENTENCES = {
    "The asynchronous client, and the source of the synchronous one.": "The synchronous client; change the other file.",
    "Use it in a `with` block, or call `aclose` at the end.": "Use it in a `with` block, or call `close` at the end.",
    "Awaits each answer, under asyncio or trio.": "Waits for each answer. Safe to use from several threads.",
}


def generate(source: Path) -> str:
    """Returns the text of the synchronous client; raises ValueError when a sentence to replace is not there."""
    text = source.read_text(encoding="utf-8")
    for old, new in SENTENCES.items():
        if text.count(old) != 1:
            raise ValueError(f"{source.name} must hold this text once: {old}")
        text = text.replace(old, new)
    with tempfile.TemporaryDirectory() as name:
        before, after = Path(name, "async", TARGET.name), Path(name, "sync", TARGET.name)
        before.parent.mkdir()
        before.write_text(text, encoding="utf-8")
        unasync.unasync_files([str(before)], [unasync.Rule("/async/", "/sync/", NAMES)])
        text = after.read_text(encoding="utf-8")
    for arguments in (["check", "--quiet", "--select", "I,UP028", "--fix", "--unsafe-fixes"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(TARGET), "-"]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return text


def main() -> int:
    """Writes or checks the file; returns the exit code."""
    parser = argparse.ArgumentParser(description="Generate the synchronous client from the asynchronous one.")
    parser.add_argument("--check", action="store_true", help="Compare instead of writing.")
    parser.add_argument("--source", type=Path, default=SOURCE, help="The asynchronous client.")
    parser.add_argument("--target", type=Path, default=TARGET, help="The synchronous client.")
    chosen = parser.parse_args()
    text = generate(chosen.source)
    if not chosen.check:
        chosen.target.write_text(text, encoding="utf-8")
        return 0
    if chosen.target.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{chosen.target.name} is not what {chosen.source.name} gives: run {Path(__file__).name}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
