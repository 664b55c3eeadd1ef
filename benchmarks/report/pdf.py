"""Prints the page to PDF with Chromium, which Debian and Ubuntu package."""

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from idproof.models.errors import IdproofError

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 120


def print_page(page: Path, out: Path) -> None:
    """Prints an HTML file; raises `IdproofError` when there is no Chromium or it does not print."""
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise IdproofError(
            "A PDF needs Chromium (`apt-get install chromium`); the HTML page can be printed by any browser."
        )
    with TemporaryDirectory() as profile:
        command = [
            program,
            "--headless",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-pdf-header-footer",
            f"--user-data-dir={profile}",
            f"--print-to-pdf={out.resolve()}",
            page.resolve().as_uri(),
        ]
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses its own as root; the page is ours and runs no script
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            raise IdproofError("Chromium did not print the page.") from None
    if done.returncode != 0 or not out.exists():
        raise IdproofError(f"Chromium did not print the page (it ended with {done.returncode}).")
