"""Writes `service/capture/static/protocol.js`, the facts that web component and server share, from the server's code.

python .ci/generate_protocol.py             # write
python .ci/generate_protocol.py --check     # exit 1 when the file is not what would be written
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from idproof.pipeline.guidance import Hint
from idproof.service.stream.chain import Shows
from idproof.service.stream.codes import CLOSES, PROTOCOL, STAYS
from idproof.service.stream.states import CAPTURING, FINISH, TRANSITIONS, VERIFYING, Event, State

TARGET = Path(__file__).resolve().parents[1] / "service" / "capture" / "static" / "protocol.js"


def generate() -> str:
    """Returns the text of the module."""
    roles = {shows.value: number for number, shows in enumerate(Shows, 1)}
    transitions = {
        state: {event: sorted(following) for event, following in of.items()} for state, of in TRANSITIONS.items()
    }
    parts = [
        "// Written by .ci/generate_protocol.py from the server's code: change that, and write this file anew.",
        "",
        f"export const PROTOCOL = {json.dumps(PROTOCOL)};",
        *_table("Stages whose frames are sent, with the number that a frame's header has.", "ROLES", roles),
        *_list("All stages of a session, as messages name them.", "STAGES", [*roles, FINISH, VERIFYING]),
        *_list("States of a session.", "STATES", list(State)),
        *_list("States in which frames and messages of the device may change the session.", "CAPTURING", CAPTURING),
        *_list("Causes of transitions.", "EVENTS", list(Event)),
        *_table("States that may follow, by state and event.", "TRANSITIONS", transitions),
        *_list("Hints of guidance.", "HINTS", list(Hint)),
        *_table("Close codes by the code of the error that ends the connection.", "CLOSES", dict(CLOSES)),
        *_list("Codes of errors after which the connection goes on.", "STAYS", STAYS),
    ]
    return "\n".join(parts) + "\n"


def _list(comment: str, name: str, values: Iterable[str]) -> list[str]:
    ordered = sorted(values) if isinstance(values, frozenset) else values
    return [
        "",
        f"/** {comment} */",
        f"export const {name} = {json.dumps([str(value) for value in ordered], indent=2)};",
    ]


def _table(comment: str, name: str, values: Mapping[str, object]) -> list[str]:
    return ["", f"/** {comment} */", f"export const {name} = {json.dumps(values, indent=2)};"]


def main() -> int:
    """Writes or checks the module; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = generate()
    if not parser.parse_args().check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.read_text(encoding="utf-8") == text:
        return 0
    print(f"{TARGET.name} is not what the server's code says: python .ci/generate_protocol.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
