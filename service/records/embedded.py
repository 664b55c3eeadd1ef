"""Records in a SQLite file, for sandboxes and tests; never a copy of a department's records."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, fields, replace
from pathlib import Path

from idproof.pipeline.fields.card_data import CardData
from idproof.pipeline.fields.records import RecordAnswer, RecordStatus, Sink, compare

_COLUMNS = tuple(field.name for field in fields(CardData))
_CHUNK_BYTES = 16 * 1024  # any size works; chosen by hand


class EmbeddedRecords:
    """Looks cards up in a file that `make` wrote; a number that is not in it is lost or invalid."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def make(
        cls,
        path: Path,
        valid: Iterable[CardData],
        lost: Iterable[CardData] = (),
        portraits: Mapping[str, bytes] | None = None,
    ) -> "EmbeddedRecords":
        """Writes a file with these cards.

        Args:
            path: of the file, which must not exist yet.
            valid: data of valid cards.
            lost: data of cards that are lost or invalid.
            portraits: encoded pictures by card number; specimens, never of a real person.
        """
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(f"CREATE TABLE cards ({', '.join(_COLUMNS)}, valid, PRIMARY KEY (number))")
            placeholders = ", ".join("?" * (len(_COLUMNS) + 1))
            for is_valid, forms in ((1, valid), (0, lost)):
                rows = [(*asdict(form).values(), is_valid) for form in forms]
                database.executemany(f"INSERT INTO cards VALUES ({placeholders})", rows)  # noqa: S608 - placeholders only
            database.execute("CREATE TABLE portraits (number PRIMARY KEY, picture)")
            database.executemany("INSERT INTO portraits VALUES (?, ?)", (portraits or {}).items())
        return cls(path)

    def look_up(self, form: CardData) -> RecordAnswer:
        """Compares a card's fields with the file's; `unavailable` when the file cannot be read."""
        if form.number is None:
            return RecordAnswer(RecordStatus.UNAVAILABLE)
        try:
            with self._opened() as database:
                row = database.execute("SELECT * FROM cards WHERE number = ?", [form.number]).fetchone()
                known = database.execute("SELECT 1 FROM portraits WHERE number = ?", [form.number]).fetchone()
        except sqlite3.Error:
            return RecordAnswer(RecordStatus.UNAVAILABLE)
        if row is None or not row[-1]:
            return RecordAnswer(RecordStatus.LOST_OR_INVALID)
        return replace(compare(CardData(*row[:-1]), form), portrait=known is not None)

    def portrait(self, form: CardData, into: Sink) -> None:
        """Reads the holder's portrait; raises sqlite3.Error or LookupError."""
        with self._opened() as database:
            (row,) = database.execute("SELECT rowid FROM portraits WHERE number = ?", [form.number]).fetchall()
            with database.blobopen("portraits", "picture", row[0], readonly=True) as blob:
                while chunk := blob.read(_CHUNK_BYTES):
                    into.write(chunk)

    def _opened(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True))
