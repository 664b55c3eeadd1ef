"""Spoken sentences of the web component: which texts are spoken, their recordings, and the program that makes these.

`python -m idproof.service.capture.voices` records each sentence whose text has changed. It needs the programs espeak-ng
(Debian's package, GPL-3; its licence does not cover what it says) and lame, and the package pypinyin. The service needs
none of them: the recordings are files in `static/voices/`, and `docs/kiosk.md` says what they are.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh-Hant", "zh-Hans")
LISTED = "voices.json"
_SPOKEN = re.compile(
    r"hint\..*|spoken\..*|intro\.(title|colours|nocolours|again\..*)|count\.title|resumed|restarted"
    r"|welcome\.(title|lead|(card|face|move)\.text)|(notice|confirm|transaction|guardian|retry|help|stop|idle)\.title"
    r"|extend\.(title|done|last)|expired\.(title|text|cut)|staff\.coming"
    r"|(camera|refused|missing|lost|verifying|offline|counter|visit|(step_up\.)?(accept|refer|reject))\.(title|text)"
    r"|(again|records|stopping|guardian\.alone|ended|closed)\.title|refused\.how|check\.(title|ok)|staff\.(called|failed)"
    r"|ended\.(session_lapsed|challenges_used|device_locked|cancelled|idle|declined|busy)"
)
_VOICES = {
    "en": ("en-gb", 150),
    "zh-Hant": ("yue", 150),
    "zh-Hans": ("cmn-latn-pinyin", 150),
}
"""Voice of espeak-ng and words per minute: a little slower than its own 175. Chosen by hand."""
_ENCODER = ("lame", "--quiet", "-t", "-m", "m", "--abr", "12", "--resample", "16")
"""MPEG-2 Layer III, which every browser decodes; 12 kbit/s on average are enough for one synthesised voice."""


def is_spoken(key: str, text: str) -> bool:
    """Returns whether a text is spoken: it is an instruction or a heading, and the same each time.

    Example:
        >>> is_spoken("hint.good", "Good. Stay like that"), is_spoken("stop.yes", "Stop")
        (True, False)
    """
    return _SPOKEN.fullmatch(key) is not None and "{" not in text


def file_name(language: str, key: str) -> str:
    """Returns the name of a recording within `static/voices/`.

    Example:
        >>> file_name("en", "hint.good")
        'en/hint.good.mp3'
    """
    return f"{language}/{key}.mp3"


def digest(data: bytes) -> str:
    """Returns the SHA-256 of a text or a recording, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sentences(module: str) -> dict[str, str]:
    """Returns the table of a module of sentences: JSON after `export default`, but for the last semicolon.

    Example:
        >>> sentences('export default {"stop": "Stop"};')
        {'stop': 'Stop'}
    """
    table: dict[str, str] = json.loads(module.partition("export default ")[2].rstrip().removesuffix(";"))
    return table


def wanted(texts: Path) -> dict[str, dict[str, str]]:
    """Returns by language the texts that are spoken, by key; `texts` is the folder of the tables."""
    tables = {name: sentences((texts / f"{name}.js").read_text("utf-8")) for name in LANGUAGES}
    return {name: {key: text for key, text in table.items() if is_spoken(key, text)} for name, table in tables.items()}


def record(texts: Path, voices: Path) -> int:
    """Records what is missing or says another text now, removes what is not spoken any more, and writes the list.

    Returns:
        Number of sentences recorded.
    """
    listed: dict[str, Any] = json.loads((voices / LISTED).read_text("utf-8")) if (voices / LISTED).exists() else {}
    made: dict[str, dict[str, dict[str, str]]] = {}
    count = 0
    for language, spoken in wanted(texts).items():
        (voices / language).mkdir(parents=True, exist_ok=True)
        before, made[language] = listed.get(language, {}), {}
        for key, text in sorted(spoken.items()):
            path, entry = voices / file_name(language, key), before.get(key)
            if entry is None or entry["text"] != digest(text.encode())[:16] or not path.exists():
                path.write_bytes(_say(language, text))
                count += 1
            made[language][key] = {"text": digest(text.encode())[:16], "file": digest(path.read_bytes())}
        for path in (voices / language).glob("*.mp3"):
            if path.name.removesuffix(".mp3") not in made[language]:
                path.unlink()
    (voices / LISTED).write_text(_lines(made), "utf-8")
    return count


def _say(language: str, text: str) -> bytes:
    voice, speed = _VOICES[language]
    said = _pinyin(text) if language == "zh-Hans" else text
    with tempfile.TemporaryDirectory() as folder:
        wave, coded = Path(folder) / "said.wav", Path(folder) / "said.mp3"
        command = ["espeak-ng", "-v", voice, "-s", str(speed), "-g", "2", "-w", str(wave), said]
        heard = subprocess.run([*command, "-x"], check=True, capture_output=True, text=True).stdout
        if language != "en" and "(en)" in heard:
            raise ValueError(f"the voice {voice} cannot read: {text}")
        subprocess.run([*_ENCODER, str(wave), str(coded)], check=True, capture_output=True)
        return coded.read_bytes()


def _pinyin(text: str) -> str:
    """Returns the syllables with their tones: the voice reads few characters by itself."""
    from pypinyin import Style, lazy_pinyin

    return " ".join(lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True))


def _lines(made: Mapping[str, Mapping[str, Mapping[str, str]]]) -> str:
    """Returns JSON with a line per recording, so that a change of one sentence is a change of one line."""
    parts = []
    for language, entries in made.items():
        rows = ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in entries.items())
        parts.append(f"{json.dumps(language)}: {{\n{rows}\n}}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Records the voices of the source tree that this module lies in."""
    static = Path(__file__).parent / "static"
    count = record(static / "texts", static / "voices")
    size = sum(path.stat().st_size for path in (static / "voices").rglob("*.mp3"))
    sys.stdout.write(f"{count} sentences recorded; all are {size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main()
