"""Records in a SQLite file, for sandboxes and tests: never a copy of a department's own."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, fields
from pathlib import Path

from idproof.pipeline.fields.records import RecordAnswer, RecordStatus, compare
from idproof.pipeline.fields.typed import Form

_COLUMNS = tuple(field.name for field in fields(Form))


class EmbeddedRecords:
    """Looks cards up in a file that `make` made; a number that is not in it is lost or invalid."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def make(cls, path: Path, valid: Iterable[Form], lost: Iterable[Form] = ()) -> "EmbeddedRecords":
        """Write a file with these cards."""
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(f"CREATE TABLE cards ({', '.join(_COLUMNS)}, valid, PRIMARY KEY (number))")
            marks = ", ".join("?" * (len(_COLUMNS) + 1))
            for valid_now, forms in ((1, valid), (0, lost)):
                rows = [(*asdict(form).values(), valid_now) for form in forms]
                database.executemany(f"INSERT INTO cards VALUES ({marks})", rows)  # noqa: S608 - marks only
        return cls(path)

    def look_up(self, form: Form) -> RecordAnswer:
        """Compare a card's fields with the file's; `unavailable` when the file cannot be read."""
        if form.number is None:
            return RecordAnswer(RecordStatus.UNAVAILABLE)
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as database:
                row = database.execute("SELECT * FROM cards WHERE number = ?", [form.number]).fetchone()
        except sqlite3.Error:
            return RecordAnswer(RecordStatus.UNAVAILABLE)
        if row is None or not row[-1]:
            return RecordAnswer(RecordStatus.LOST_OR_INVALID)
        return compare(Form(*row[:-1]), form)
