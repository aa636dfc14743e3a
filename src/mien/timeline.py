"""The table of a whole run as columns: what reports, stores and studies work on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.cells import CELLS, CsvRows, is_empty, is_utf16, opened_csv, with_point
from mien.errors import ExtraMissing, SourceMissing, SourceUnreadable, UsageError
from mien.table import COLUMNS, MOST_ROWS, columns, rows_html
from mien.types import Bools, Ints, Result, check_kind

if TYPE_CHECKING:
    import pandas

Column = NDArray[Any]
Block = tuple[int, dict[str, Sequence[Any]]]
"""Some rows of a file: how many, and their cells by the name of their column. Columns that are none of a table's are left out."""
T = TypeVar("T")

KINDS: dict[str, type] = columns(raw=True, delta=True)
MISSING: dict[type, Any] = {str: "", int: -1, float: np.nan, bool: False}
"""What stands for an empty cell in a column of each type; no picture or frame has a negative number."""
DTYPES: dict[type, Any] = {str: object, int: np.int64, float: np.float64, bool: np.bool_}
PANDAS: dict[type, str] = {str: "string", int: "Int64", float: "float64", bool: "boolean"}
"""Types of pandas. Those in capitals and for words have an NA of their own; the plain ones would write 3 as 3.0 beside an empty cell, and
yes as an object. Measured values are plain float64, NaN where empty: NumPy, SciPy and PyTorch take Float64 for objects."""
AS_THEY_ARE: dict[type, str] = {str: "", int: "i", float: "fiu", bool: "b"}
"""Kinds of NumPy's types that a column can be of without a look at its cells."""
BLOCK = 2000
"""Rows of a file that are Python objects at a time: some 10 MB, while their arrays take half a kB a row."""


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
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Timeline:
        """From dicts as `Result.rows()` gives them: with all of COLUMNS; added ones are left out. Raises UsageError for anything else."""
        check_kind("from_rows", rows, Iterable, "dicts, as result.rows() gives them")
        kept = list(rows)
        for number, row in enumerate(kept, 1):
            check_kind(f"from_rows, row {number}", row, Mapping, "a dict, as result.rows() gives them")
            if not COLUMNS.keys() <= row.keys():
                missing = [name for name in COLUMNS if name not in row]
                more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
                raise UsageError(f"from_rows, row {number}: has no {', '.join(missing[:3])}{more}; wanted all of mien.table.COLUMNS")
        names = [name for name in KINDS if name in COLUMNS or any(name in row for row in kept)]
        return cls({name: [row.get(name) for row in kept] for name in names})

    @classmethod
    def from_results(cls, results: Iterable[Result]) -> Timeline:
        """From Results, as `mien.analyze` gives them. Raises UsageError for anything else."""
        if isinstance(results, Result):
            raise UsageError("from_results: found one Result, wanted several, or a list of it: [result]")
        check_kind("from_results", results, Iterable, "Results, as mien.analyze gives them")
        return cls.from_rows(row for result in results for row in _rows_of(result))

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
            found, wrong = _gathered(READERS[suffix](path))
            if missing := [name for name in COLUMNS if name not in found]:
                more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
                raise SourceUnreadable(f"{path}: has no column {', '.join(missing[:3])}{more}; wanted a table that mien analyze wrote")
            if wrong is not None:
                raise wrong
            return cls(found)
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
        """The table as a DataFrame: columns of float64, with NaN where a cell has no value, as in a row without a face, and of string,
        Int64 and boolean, with pandas.NA there. Raises ExtraMissing without pandas.
        """
        made = load_pandas()
        cells = {name: made.array(values, dtype=PANDAS[KINDS[name]]) for name, values in self.columns.items()}
        for name, column in cells.items():
            if KINDS[name] is not float:  # those have NaN
                column[self.empty(name)] = made.NA
        return made.DataFrame(cells)


def _rows_of(result: Result) -> list[dict[str, Any]]:
    check_kind("from_results", result, Result, "Results, as mien.analyze gives them")
    return result.rows()


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


def _column(values: Sequence[Any], name: str, *, above: int = 0) -> Column:
    """Cells as an array; ValueError names column and row of one that cannot be read. above: rows before these."""
    kind = KINDS[name]
    if kind is float and (numbers := _numbers(values)) is not None:
        return numbers
    read = _name if name == "source" else CELLS[kind]
    cells: list[Any] = []
    try:
        for value in values:
            cells.append(read(value))
    except ValueError as error:
        raise ValueError(f"column {name}, row {above + len(cells) + 1}: {error}") from None
    try:
        return np.array(cells, DTYPES[kind])
    except OverflowError:
        raise ValueError(f"column {name}: found {max(cells, key=abs)}, wanted whole numbers below 2**63") from None


def _numbers(values: Sequence[Any]) -> Column | None:
    """Cells as mien itself writes them as an array, without a call a cell; None where there are others, or one that cannot be read."""
    kinds = set(map(type, values))
    if kinds <= {float, type(None)}:
        return np.array(values, np.float64)  # None becomes NaN
    try:
        return np.array([float(value) if value else np.nan for value in values], np.float64) if kinds == {str} else None
    except ValueError:
        return None


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


def _gathered(blocks: Iterable[Block]) -> tuple[dict[str, Column], ValueError | None]:
    """Blocks one under another, empty where a first one has no such column, and what is wrong with the first cell that cannot be read.

    That one is not raised: what is wrong with the file as a whole says more, and shows only when all of it was read.
    """
    parts: dict[str, list[Column]] = {}
    words: dict[str, str] = {}  # the same few in most rows; each cell of a file is a string of its own
    wrong: ValueError | None = None
    above = 0
    for count, block in blocks:
        for name, cells in block.items():
            kind = KINDS[name]
            if name not in parts:
                parts[name] = [np.full(above, MISSING[kind], DTYPES[kind])]
            if wrong is not None:
                continue
            try:
                read = _column(cells, name, above=above)
            except ValueError as error:
                wrong = error
                continue
            parts[name].append(np.array([words.setdefault(word, word) for word in read], object) if kind is str else read)
        above += count
    return {name: np.concatenate(parts.pop(name)) for name in list(parts)}, wrong


def _blocks(rows: Iterable[T]) -> Iterator[list[T]]:
    """Rows in lists of BLOCK."""
    rest = iter(rows)
    while block := list(islice(rest, BLOCK)):
        yield block


def _read_csv(path: Path) -> Iterator[Block]:
    with opened_csv(path) as file:
        rows = CsvRows(file)
        numbered = _ended(((line, row) for line, row in rows if row), path)
        _, head = next(numbered, (0, []))
        at = {name: i for i, name in enumerate(head) if name in KINDS}
        numbers = [name for name in at if KINDS[name] in (int, float)] if rows.decimal_commas else []
        yield 0, {name: [] for name in at}  # of a table without rows too
        for block in _blocks(_even(numbered, len(head))):
            cells: dict[str, Sequence[Any]] = {name: [row[i] for row in block] for name, i in at.items()}
            yield len(block), cells | {name: [with_point(cell) for cell in cells[name]] for name in numbers}


def _ended(rows: Iterator[tuple[int, list[str]]], path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows, without a last one that lacks its end."""
    last = next(rows, None)
    while last is not None:
        row, last = last, next(rows, None)
        if last is not None or not _is_cut(path):
            yield row


def _even(rows: Iterable[tuple[int, list[str]]], cells: int) -> Iterator[list[str]]:
    """Rows of so many cells. Raises ValueError for another one, unless it is the last: of a run that was killed it may be cut."""
    cut: ValueError | None = None
    for line, row in rows:
        if cut is not None:
            raise cut
        if len(row) == cells:
            yield row
        else:
            cut = ValueError(f"line {line}: {len(row)} cells under {cells} columns")


def _read_jsonl(path: Path) -> Iterator[Block]:
    names: dict[str, None] = {}
    for block in _blocks(_json_rows(path)):
        names |= dict.fromkeys(name for row in block for name in row if name in KINDS)
        yield len(block), {name: [row.get(name) for row in block] for name in names}


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Its lines. Raises ValueError where there is none, and for one that is no row, unless it is the last: of a run that was killed it may
    be cut."""
    found = False
    cut: ValueError | None = None
    with path.open("rb") as file:  # as bytes: str.splitlines would end a line at U+2028 and the like, which a name may hold
        lines = io.TextIOWrapper(file, encoding="utf-16", errors="replace", newline="\n") if is_utf16(file) else file
        for line in lines:
            if cut is not None:
                raise cut
            try:
                row = _json_row(line)
            except ValueError as error:
                cut = error
                continue
            found = True
            yield row
    if not found:
        raise cut or ValueError("no rows")


def _json_row(line: str | bytes) -> dict[str, Any]:
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


def _read_parquet(path: Path) -> Iterator[Block]:
    from arro3.io import read_parquet

    _refuse_no_parquet(path)
    read: Any = read_parquet
    try:
        batches = read(str(path), batch_size=BLOCK)
        names = [name for name in batches.schema.names if name in KINDS]
        yield 0, {name: [] for name in names}  # of a table without rows too
        for batch in batches:
            yield batch.num_rows, {name: batch[name].to_pylist() for name in names}
    except BaseException as error:  # not Exception only: the library's panics are none, and all else it raises is a bare one
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        raise ValueError("a damaged Parquet file") from None


READERS: dict[str, Callable[[Path], Iterator[Block]]] = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": _read_parquet}
"""Extension -> reader of the table in blocks."""
