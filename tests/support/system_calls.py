"""Runs a command under strace and reports the connections, look-ups and written files of all its processes."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_CALLS = "connect,sendto,sendmsg,sendmmsg,open,openat,openat2,creat,mkdir,mkdirat,truncate,"
_CALLS += "rename,renameat,renameat2,link,linkat,symlink,symlinkat"
_REMOTE = re.compile(r"\b(connect|sendto|sendmsg|sendmmsg)\(.*sa_family=(AF_INET6?)\b")
_WITHIN = re.compile(r'"(127\.[\d.]+|::ffff:127\.[\d.]+|::1)"')
_RESOLVER = re.compile(r'\bopen\w*\(.*"(/etc/resolv\.conf|/etc/hosts)"')
_PATH = r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?"(?P<name>[^"]*)"'
_OPENED = re.compile(rf"\b(?:open|openat|openat2|creat)\({_PATH}(?P<rest>.*)")
_MADE = re.compile(r"\b(?:mkdir|rename|link|symlink|truncate)(?:at2?)?\((?P<rest>.*)")
_NAME = re.compile(_PATH)


@dataclass(frozen=True, slots=True)
class Trace:
    """Record of what a command and its children did.

    Attributes:
        returncode, stdout, stderr: of the command.
        remote: strace's lines on connections and packets to internet addresses, and on the resolver's files.
        written: files and folders that were opened for writing, made, linked or renamed; failed tries count too.
    """

    returncode: int
    stdout: str
    stderr: str
    remote: list[str]
    written: set[Path]

    def beyond_the_machine(self) -> list[str]:
        """Returns the lines on connections and packets to addresses that are not the machine's own.

        Files of the resolver are left out: programs read them also when they resolve an address that is no name.
        """
        return [line for line in self.remote if _REMOTE.search(line) and not _WITHIN.search(line)]

    def written_outside(self, *allowed: Path) -> set[Path]:
        """Returns the written paths that are not below any of these."""
        return {path for path in self.written if not any(path.is_relative_to(folder) for folder in allowed)}


def trace(command: Sequence[str], environment: Mapping[str, str], log: Path, timeout_s: float = 280) -> Trace:
    """Runs a command to its end under strace; `environment` replaces or adds variables."""
    options = ["--follow-forks", "--seccomp-bpf", "--decode-fds=path", "--string-limit=4096", "--quiet=all"]
    done = subprocess.run(
        ["strace", *options, f"--output={log}", f"--trace={_CALLS}", *command],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    lines = log.read_text(errors="replace").splitlines()
    remote = [line for line in lines if _REMOTE.search(line) or _RESOLVER.search(line)]
    written = {path for line in lines for path in _written(line)}
    return Trace(done.returncode, done.stdout, done.stderr, remote, written)


def _written(line: str) -> list[Path]:
    if opened := _OPENED.search(line):
        writes = "creat(" in line or re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE)", opened["rest"])
        return [Path(opened["folder"] or "/", opened["name"])] if writes else []
    if made := _MADE.search(line):
        return [Path(found["folder"] or "/", found["name"]) for found in _NAME.finditer(made["rest"])]
    return []
