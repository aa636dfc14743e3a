"""The table of a whole run as columns: what reports, stores and studies work on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.cells import CELLS, CsvRows, is_empty, opened_csv, with_point
from mien.errors import ExtraMissing, SourceMissing, SourceUnreadable, UsageError
from mien.table import COLUMNS, MOST_ROWS, columns, rows_html
from mien.types import Bools, Ints, Result, check_kind

if TYPE_CHECKING:
    import pandas

Column = NDArray[Any]

KINDS: dict[str, type] = columns(raw=True, delta=True)
MISSING: dict[type, Any] = {str: "", int: -1, float: np.nan, bool: False}
"""What stands for an empty cell in a column of each type; no picture or frame has a negative number."""
DTYPES: dict[type, Any] = {str: object, int: np.int64, float: np.float64, bool: np.bool_}
PANDAS: dict[type, str] = {str: "string", int: "Int64", float: "Float64", bool: "boolean"}
"""Types of pandas that have an NA of their own; its others write 3 as 3.0 beside an empty cell, and yes as an object."""
AS_THEY_ARE: dict[type, str] = {str: "", int: "i", float: "fiu", bool: "b"}
"""Kinds of NumPy's types that a column can be of without a look at its cells."""


class Timeline:
    """A table by columns, each an array of one value a row: float64 (NaN where empty), int64 (-1), bool (False) or str ("").

    The columns are those of mien.table; all of COLUMNS are there, the raw and delta ones where the run had them.

    cells: columns by name, others are left out. Arrays of these types are kept as they are, anything else is read cell by cell as a
    table is: None, NaN, pandas.NA and the like are empty, 3.0 is 3. Raises UsageError for a cell that says something else.
    """

    def __init__(self, cells: dict[str, Any]) -> None:
        if missing := [name for name in COLUMNS if name not in cells]:
            raise UsageError(f"timeline: has no column {', '.join(missing)}; wanted those of mien.table.COLUMNS")
        try:
            self.columns: dict[str, Column] = {name: _taken(values, name) for name, values in cells.items() if name in KINDS}
        except (ValueError, TypeError) as error:
            raise UsageError(f"timeline: {error}") from None
        lengths = {len(values) for values in self.columns.values()}
        if len(lengths) != 1:
            raise UsageError(f"timeline: columns of {sorted(lengths)} rows; wanted all of one length")

    @classmethod
    def from_rows(cls, rows: Iterable[dict[str, Any]]) -> Timeline:
        """From dicts as `Result.rows()` gives them."""
        kept = list(rows)
        names = [name for name in KINDS if name in COLUMNS or any(name in row for row in kept)]
        return cls({name: [row.get(name) for row in kept] for name in names})

    @classmethod
    def from_results(cls, results: Iterable[Result]) -> Timeline:
        """From Results."""
        return cls.from_rows(row for result in results for row in result.rows())

    @classmethod
    def from_pandas(cls, frame: pandas.DataFrame) -> Timeline:
        """From a DataFrame with the columns of a table, by the rules by which tables are read: what `to_pandas`, `pandas.read_csv` or
        `pandas.DataFrame(rows)` gave, with rows chosen and columns added; the added ones are left out.

        Raises UsageError for anything else, where a column is missing or there twice, and for a cell that says something else.
        """
        check_kind("from_pandas", frame, load_pandas().DataFrame, "a pandas.DataFrame")
        names = [name for name in frame.columns if name in KINDS]
        if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise UsageError(f"timeline: column {twice[0]} is there {names.count(twice[0])} times; wanted it once")
        return cls({name: frame[name] for name in names})

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

    def empty(self, name: str) -> Bools:
        """bool (n,): rows whose cell of a column has no value. A face has reasons, be there none."""
        values, kind = self[name], KINDS[name]
        if kind is bool or name == "reasons":
            return ~self.has_face
        return np.asarray(values == "" if kind is str else values < 0 if kind is int else np.isnan(values), np.bool_)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows as dicts, an empty cell as None: what the sinks write."""
        empty = {name: self.empty(name) for name in self.columns}
        for i in range(len(self)):
            yield {name: None if empty[name][i] else KINDS[name](values[i]) for name, values in self.columns.items()}

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a DataFrame: columns of string, Int64, Float64 and boolean, with pandas.NA where a cell has no value, as in a row
        without a face. Raises ExtraMissing without pandas.
        """
        made = load_pandas()
        cells = {name: made.array(values, dtype=PANDAS[KINDS[name]]) for name, values in self.columns.items()}
        for name, column in cells.items():
            column[self.empty(name)] = made.NA
        return made.DataFrame(cells)


def load_pandas() -> Any:
    """The module pandas, which mien itself does without. Raises ExtraMissing."""
    try:
        return import_module("pandas")
    except ImportError:
        raise ExtraMissing("a DataFrame needs pandas: pip install pandas") from None


def table_suffix(path: str | Path) -> str:
    """The extension that says what kind of table a file is, in lower case; `.csv.part`, which an interrupted run left, is `.csv`."""
    return Path(Path(path).name.removesuffix(".part")).suffix.lower()


def _taken(values: Any, name: str) -> Column:
    """A column in its type. Raises ValueError or TypeError where it cannot be."""
    kind = KINDS[name]
    if not hasattr(values, "dtype"):
        return _column(list(values), name)
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind in "mMV":
        raise ValueError(f"column {name}: found {array.dtype} {array.shape}, wanted one {kind.__name__} a row")
    if array.dtype.kind in AS_THEY_ARE[kind]:
        return array.astype(DTYPES[kind], copy=False)
    cells = array.tolist()
    return array.astype(object, copy=False) if kind is str and set(map(type, cells)) <= {str} else _column(cells, name)


def _column(values: Sequence[Any], name: str) -> Column:
    """Cells as an array; ValueError names column and row of one that cannot be read."""
    kind = KINDS[name]
    read = _name if name == "source" else CELLS[kind]
    cells: list[Any] = []
    try:
        for value in values:
            cells.append(read(value))
    except ValueError as error:
        raise ValueError(f"column {name}, row {len(cells) + 1}: {error}") from None
    try:
        return np.array(cells, DTYPES[kind])
    except OverflowError:
        raise ValueError(f"column {name}: found {max(cells, key=abs)}, wanted whole numbers below 2**63") from None


def _name(value: Any) -> str:
    """The cell of a file's name, which may be the word NA."""
    return value if isinstance(value, str) else "" if is_empty(value) else str(value)


UNFINISHED = ".unfinished"
"""What the name of a table is followed by in that of the note beside it that its run has not ended, see mien.sinks.unfinished."""


def _is_cut(path: Path) -> bool:
    """Whether a run that was killed may have left the last line without its end, and so with half of its last cell. Other programs leave
    the end of a whole line out, too, but not beside the note of a run, and not in a .part."""
    if path.suffix != ".part" and not path.with_name(path.name + UNFINISHED).exists():
        return False
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() != b"\n"


def _read_csv(path: Path) -> dict[str, list[Any]]:
    with opened_csv(path) as file:
        rows = CsvRows(file)
        numbered = [(line, row) for line, row in rows if row]
    if numbered and _is_cut(path):
        numbered.pop()
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
    if not rows:
        raise cut or ValueError("no rows")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


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
