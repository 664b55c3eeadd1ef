"""Reads and writes tables of scores as CSV, npy or Parquet, by the ending of the file."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from idproof.benchmarks.errors import ScoresInvalid
from idproof.benchmarks.scores.table import Column, SystemScores, systems_of

_Found = TypeVar("_Found")
_ROWS = 100_000  # written at once. Chosen by hand.
_INSTALL = "Parquet files need the extra `parquet`: pip install 'idproof[parquet]'."


def read(file: Path) -> list[SystemScores]:
    """Reads the systems of one file; a file without a column `system` holds one system, named like the file.

    Raises:
        ScoresInvalid: it cannot be read, or its columns cannot be used.
    """
    readers: dict[str, Callable[[Path], Mapping[str, Column]]] = {
        ".csv": _read_csv,
        ".npy": _read_npy,
        ".parquet": _read_parquet,
    }
    reader = _by_ending(file, readers)
    try:
        columns = reader(file)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ScoresInvalid(f"The scores {file.name} cannot be read.") from None
    found = list(systems_of(columns, file.stem))
    if not found:
        raise ScoresInvalid(f"The file {file.name} holds no score.")
    return found


def write(file: Path, columns: Mapping[str, Column]) -> None:
    """Writes columns of one length; raises `ScoresInvalid` when the file cannot be written."""
    writer = _by_ending(file, {".csv": _write_csv, ".npy": _write_npy, ".parquet": _write_parquet})
    try:
        writer(file, columns)
    except OSError:
        raise ScoresInvalid(f"The scores {file.name} cannot be written.") from None


def check_name(file: Path | None) -> None:
    """Raises `ScoresInvalid` when a file's ending is none that can be written: before hours of measuring."""
    if file is not None:
        _by_ending(file, dict.fromkeys((".csv", ".npy", ".parquet"), None))
        if file.suffix == ".parquet":
            _parquet()


def _by_ending(file: Path, known: Mapping[str, _Found]) -> _Found:
    if file.suffix.lower() not in known:
        raise ScoresInvalid(f"The scores {file.name} end in none of {', '.join(known)}.")
    return known[file.suffix.lower()]


def _read_csv(file: Path) -> Mapping[str, Column]:
    with file.open(newline="", encoding="utf-8-sig") as opened:
        rows = csv.reader(opened)
        names = [name.strip().lower() for name in next(rows, [])]
        values = [row for row in rows if row]
    if any(len(row) != len(names) for row in values):
        raise ScoresInvalid(f"{file.name}: a row has another number of columns than the first line names.")
    if not values:
        return {name: np.array([], dtype=np.str_) for name in names}
    return {name: np.array(column) for name, column in zip(names, zip(*values, strict=True), strict=True)}


def _read_npy(file: Path) -> Mapping[str, Column]:
    """Reads an array with named fields, or a table of two columns: score, and label (1 genuine, 0 impostor)."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError:
        raise ScoresInvalid(f"{file.name} is no array of numbers and texts, or holds Python objects.") from None
    if array.dtype.names:
        return {name: np.asarray(array[name]) for name in array.dtype.names}
    if array.ndim == 2 and array.shape[1] == 2:
        return {"score": np.asarray(array[:, 0]), "label": np.asarray(array[:, 1])}
    raise ScoresInvalid(f"{file.name} has neither named fields nor two columns, score and label.")


def _read_parquet(file: Path) -> Mapping[str, Column]:
    parquet = _parquet()
    try:
        table = parquet.read_table(file)
    except ValueError:  # pyarrow.ArrowInvalid
        raise ScoresInvalid(f"{file.name} is no Parquet file.") from None
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}


def _write_csv(file: Path, columns: Mapping[str, Column]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(columns)
        rows = len(next(iter(columns.values())))
        for start in range(0, rows, _ROWS):  # lists of all rows would take many times the memory of the arrays
            texts = (_without_nan(column[start : start + _ROWS]) for column in columns.values())
            writer.writerows(zip(*texts, strict=True))


def _write_npy(file: Path, columns: Mapping[str, Column]) -> None:
    first = next(iter(columns.values()))
    table = np.empty(first.size, dtype=[(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        table[name] = column
    np.save(file, table, allow_pickle=False)


def _write_parquet(file: Path, columns: Mapping[str, Column]) -> None:
    import pyarrow

    _parquet().write_table(pyarrow.table(dict(columns)), file)


def _without_nan(column: Column) -> list[Any]:
    values = column.tolist()
    return ["" if value != value else value for value in values] if column.dtype.kind == "f" else values


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ScoresInvalid(_INSTALL) from None
    return parquet
