"""Starts the searching process and asks it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Self

from idproof.benchmarks.deletion.canaries import Needles
from idproof.benchmarks.errors import BenchmarkFailed
from idproof.benchmarks.harness.server import Server


class SearchClient:
    """The searching process (`search.py`), seen from this process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "idproof.benchmarks.deletion.search"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONSAFEPATH": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def load(self, needles: Needles, texts: tuple[str, ...]) -> None:
        """Sets what every later search looks for."""
        self._ask({"load": len(needles), "texts": list(texts)}, needles.data.tobytes())

    def search(
        self, server: Server, *, since: float | None = None, marker: str | None = None, folders: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Searches all living processes of a server and everything that it wrote.

        Args:
            server: to search.
            since: seconds since the epoch; files anywhere on disk that changed later are searched too.
            marker: processes with this in their environment are searched too.
            folders: further folders to search.

        Raises:
            BenchmarkFailed: the memory may not be read, or the searching process ended.
        """
        request = {"session": server.process.pid, "folders": [str(server.folder), *folders], "since": since}
        request |= {"marker": marker}
        answer = self._ask({"search": request})
        if "refused" in answer:
            raise BenchmarkFailed(
                f"The server's memory may not be searched ({answer['refused']}); run this benchmark as root, since the "
                "server does not let its own user look (PR_SET_DUMPABLE)."
            )
        return answer

    def _ask(self, request: dict[str, Any], data: bytes = b"") -> dict[str, Any]:
        source, answers = self._process.stdin, self._process.stdout
        assert source is not None  # noqa: S101 - it was opened with both
        assert answers is not None  # noqa: S101
        source.write(json.dumps(request).encode() + b"\n" + data)
        source.flush()
        line = answers.readline()
        if not line:
            raise BenchmarkFailed("The searching process ended.")
        answer: dict[str, Any] = json.loads(line)
        return answer
