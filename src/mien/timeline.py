"""The table of a whole run as columns: what reports, stores and studies work on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.cells import CELLS, CsvRows, with_point
from mien.errors import SourceMissing, SourceUnreadable, UsageError
from mien.table import COLUMNS, MOST_ROWS, columns, rows_html
from mien.types import Bools, Ints, Result

Column = NDArray[Any]

KINDS: dict[str, type] = columns(raw=True, delta=True)
MISSING: dict[type, Any] = {str: "", int: -1, float: np.nan, bool: False}
"""What stands for an empty cell in a column of each type; no picture or frame has a negative number."""
DTYPES: dict[type, Any] = {str: object, int: np.int64, float: np.float64, bool: np.bool_}


class Timeline:
    """A table by columns, each an array of one value a row: float64 (NaN where empty), int64 (-1), bool (False) or str ("").

    The columns are those of mien.table; all of COLUMNS are there, the raw and delta ones where the run had them.
    """

    def __init__(self, cells: dict[str, Column]) -> None:
        if missing := [name for name in COLUMNS if name not in cells]:
            raise UsageError(f"timeline: has no column {', '.join(missing)}; wanted those of mien.table.COLUMNS")
        self.columns: dict[str, Column] = {name: np.asarray(values, DTYPES[KINDS[name]]) for name, values in cells.items() if name in KINDS}
        lengths = {len(values) for values in self.columns.values()}
        if len(lengths) != 1:
            raise UsageError(f"timeline: columns of {sorted(lengths)} rows; wanted all of one length")

    @classmethod
    def from_rows(cls, rows: Iterable[dict[str, Any]]) -> Timeline:
        """From dicts as `Result.rows()` gives them."""
        kept = list(rows)
        names = [name for name in KINDS if name in COLUMNS or any(name in row for row in kept)]
        return cls({name: _column([row.get(name) for row in kept], name) for name in names})

    @classmethod
    def from_results(cls, results: Iterable[Result]) -> Timeline:
        """From Results."""
        return cls.from_rows(row for result in results for row in result.rows())

    @classmethod
    def joined(cls, parts: Sequence[Timeline]) -> Timeline:
        """Timelines one after another, at least one; a column that only some have is empty in the others."""
        names = [name for name in KINDS if any(name in part for part in parts)]

        def column(part: Timeline, name: str) -> Column:
            return part[name] if name in part else np.full(len(part), MISSING[KINDS[name]], DTYPES[KINDS[name]])

        return cls({name: np.concatenate([column(part, name) for part in parts]) for name in names})

    @classmethod
    def read(cls, path: str | Path) -> Timeline:
        """From a table that mien wrote: .csv, .jsonl or .parquet, or what an interrupted run left of it (.csv.part).

        Raises SourceMissing where there is no such file, SourceUnreadable where it is no such table.
        """
        path = Path(path)
        suffix = table_suffix(path)
        if not path.is_file():
            raise SourceMissing(f"{path}: no such file; wanted a table that mien wrote ({' '.join(READERS)})")
        if suffix not in READERS:
            raise SourceUnreadable(f"{path}: cannot be read as a table; wanted a file that ends in {', '.join(READERS)}")
        try:
            raw = READERS[suffix](path)
            if missing := [name for name in COLUMNS if name not in raw]:
                more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
                raise SourceUnreadable(f"{path}: has no column {', '.join(missing[:3])}{more}; wanted a table that mien analyze wrote")
            return cls({name: _column(values, name) for name, values in raw.items() if name in KINDS})
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError, csv.Error, OSError) as error:
            raise SourceUnreadable(f"{path}: is no table of mien's ({error})") from None

    def __len__(self) -> int:
        return len(self.columns["source"])

    def __getitem__(self, name: str) -> Column:
        """A column by name; UsageError names those there are."""
        if name not in self.columns:
            raise UsageError(f"timeline: no column {name!r}; there are: {', '.join(self.columns)}")
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __repr__(self) -> str:
        sources, times = len(set(self.columns["source"])), self.columns["time_s"]
        parts = [f"{len(self)} row{'' if len(self) == 1 else 's'}", f"{sources} source{'' if sources == 1 else 's'}"]
        if times.size and np.nanmax(times, initial=0) > 0:  # not of pictures
            parts.append(f"{np.nanmin(times):.4g}-{np.nanmax(times):.4g} s")
        return f"<Timeline of {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        return rows_html(list(self.where(slice(MOST_ROWS)).rows()), of=len(self))

    def where(self, which: Bools | Ints | slice) -> Timeline:
        """The rows at a mask, positions or slice."""
        return Timeline({name: values[which] for name, values in self.columns.items()})

    @property
    def has_face(self) -> Bools:
        """bool (n,): rows that are about a face."""
        return np.asarray(self.columns["face"] >= 0)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows as dicts, an empty cell as None: what the sinks write."""
        for i in range(len(self)):
            bare = self.columns["face"][i] < 0
            row = {name: _cell(values[i], KINDS[name], bare=bare) for name, values in self.columns.items()}
            if not bare:
                row["reasons"] = row["reasons"] or ""  # a face has reasons, be there none
            yield row


def table_suffix(path: str | Path) -> str:
    """The extension that says what kind of table a file is, in lower case; `.csv.part`, which an interrupted run left, is `.csv`."""
    return Path(Path(path).name.removesuffix(".part")).suffix.lower()


def _cell(value: Any, kind: type, *, bare: bool) -> Any:
    if kind is bool:
        return None if bare else bool(value)
    if kind is str:
        return str(value) or None
    if kind is int:
        return None if value < 0 else int(value)
    return None if np.isnan(value) else float(value)


def _column(values: Sequence[Any], name: str) -> Column:
    """Cells as an array; ValueError names column and row of one that cannot be read."""
    kind = KINDS[name]
    read = _name if name == "source" else CELLS[kind]
    cells = []
    try:
        for value in values:
            cells.append(read(value))
    except ValueError as error:
        raise ValueError(f"column {name}, row {len(cells) + 1}: {error}") from None
    return np.array(cells, DTYPES[kind])


def _name(value: Any) -> str:
    """The cell of a file's name, which may be NA."""
    return "" if value is None else str(value)


def _read_csv(path: Path) -> dict[str, list[Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = CsvRows(file)
        numbered = [(line, row) for line, row in rows if row]
    head = numbered.pop(0)[1] if numbered else []
    if torn := [(line, row) for line, row in numbered[:-1] if len(row) != len(head)]:
        line, row = torn[0]
        raise ValueError(f"line {line}: {len(row)} cells under {len(head)} columns")
    whole = [row for _, row in numbered if len(row) == len(head)]  # the last line of a run that was killed may be cut
    table = {name: [row[i] for row in whole] for i, name in enumerate(head)}
    if rows.decimal_commas:
        table |= {name: [with_point(cell) for cell in cells] for name, cells in table.items() if KINDS.get(name) in (int, float)}
    return table


def _read_jsonl(path: Path) -> dict[str, list[Any]]:
    rows: list[dict[str, Any]] = []
    cut: ValueError | None = None
    with path.open("rb") as file:  # as bytes: str.splitlines would end a line at U+2028 and the like, which a name may hold
        for line in file:
            if cut is not None:
                raise cut
            try:
                rows.append(_json_row(line))
            except ValueError as error:  # the last line of a run that was killed may be cut
                cut = error
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names or COLUMNS}


def _json_row(line: bytes) -> dict[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError(f"found a line of {type(row).__name__}, wanted a JSON object")
    return row


def _refuse_no_parquet(path: Path) -> None:
    """Raise ValueError for a file that ends as no Parquet does: arro3 would panic, with a page of its own on stderr."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 8))
        tail = file.read()
    if size < 12 or tail[4:] != b"PAR1" or int.from_bytes(tail[:4], "little") > size - 12:
        raise ValueError("no Parquet file, or one that is cut")


def _read_parquet(path: Path) -> dict[str, list[Any]]:
    from arro3.io import read_parquet

    _refuse_no_parquet(path)
    read: Any = read_parquet
    try:
        table = read(str(path)).read_all()
    except BaseException as error:  # not Exception only: the library's panics are none
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("a damaged Parquet file") from None
    names: list[str] = table.schema.names
    return {name: [value.as_py() for value in table[name]] for name in names}


READERS: dict[str, Callable[[Path], dict[str, list[Any]]]] = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
"""Extension -> reader of the table by columns."""
