"""The plan of a study: small CSV files that say which recording is whose, and what the parts of the film are called."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mien.cells import CsvRows, is_empty, opened_csv, with_point
from mien.errors import SourceMissing, SourceUnreadable, UsageError
from mien.io.folders import matching
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.names import is_url, named_in
from mien.io.pixels import TURNS, check_turn
from mien.study.reaction_result import Part
from mien.study.read import without_password
from mien.timeline import READERS

SECONDS = ("start", "end")
"""Columns of numbers, which may have a decimal comma."""
NO_NAME = ("NA", "nan", "NaN", "N/A", "#N/A", "<NA>")
"""What programs write into an empty cell of names, spelled so: people are called Na and Nan, and a group that saw no advertisement none."""
Tell = Callable[[str], None]
"""Called with a line about what was not plain."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be read of one viewer."""

    file: str
    """A recording, or a table that mien wrote of it."""
    viewer: str
    start: float = 0.0
    """Second of the recording at which the film begins."""
    group: str = ""
    turn: int = 0
    """Degrees clockwise, 0, 90, 180 or 270, that make a recording upright."""
    line: int = field(default=0, compare=False)
    """Of the plan; 0 without one."""
    named: bool = field(default=False, compare=False)
    """Whether the plan says what the viewer is called."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.start):
            raise UsageError(f"{self.file}: start is {self.start}; wanted seconds, as 12.5")
        check_turn(self.turn)


@dataclass(frozen=True, slots=True)
class Visit:
    """What is to be read of some visitors."""

    file: str
    """A recording, or a table that mien wrote of it."""
    leaving: bool
    period: str = ""
    turn: int = 0
    """As of a Recording."""
    line: int = field(default=0, compare=False)
    """Of the plan; 0 without one."""

    def __post_init__(self) -> None:
        check_turn(self.turn)


def recordings_of(files: Sequence[str], *, start: float = 0.0, turn: int = 0) -> list[Recording]:
    """A viewer a file, called like it; of a pattern, as `viewers/*.mp4`, each that matches. Raises UsageError for two of one name."""
    found = [Recording(file, _like(file), start, turn=turn) for file in matching(files)]
    names = [one.viewer for one in found]
    if twice := [one for one in found if names.count(one.viewer) > 1]:
        raise UsageError(f"{twice[0].file} and {twice[1].file}: two viewers called {twice[0].viewer}; name them in a plan (--plan)")
    return found


def read_plan(path: str | Path, *, start: float = 0.0, turn: int = 0, tell: Tell = lambda line: None) -> list[Recording]:
    """A CSV with the column `file`, relative to its own folder, and where wanted `viewer`, `start` (seconds), `group` and `turn` (degrees
    clockwise). start, turn: of lines that say none.

    Groups whose names differ in case alone are one, called as it is first. A name of NA, as R writes it, is empty, which `tell` is told. A
    CSV from a pipe is relative to the current folder. Raises SourceMissing, SourceUnreadable, and UsageError for a line that does not fit
    and for two viewers of one name.
    """
    path = Path(path)
    found, spelled, empty = [], dict[str, str](), list[str]()
    for line, row in _rows(path, ("file",), ("viewer", "start", "group", "turn")):
        file = _beside(path, row["file"], line)
        begin = start if is_empty(row.get("start", "")) else _seconds(path, line, "start", row["start"])
        group = _as_first(_name(row, "group"), spelled)
        viewer = _name(row, "viewer")
        found.append(Recording(file, viewer or _like(file), begin, group, _turn(path, line, row, turn), line, named=bool(viewer)))
        empty += _no_names(row, ("viewer", "group"))
    _tell_empty(path, empty, tell)
    _refuse_twice(path, "viewer", [(one.line, one.viewer) for one in found])
    return found


def read_visits(path: str | Path, *, turn: int = 0, tell: Tell = lambda line: None) -> list[Visit]:
    """A CSV with the columns `file`, relative to its own folder, `side` (entering or leaving), and where wanted `period` and `turn`; see
    read_plan."""
    path = Path(path)
    found, spelled, empty = [], dict[str, str](), list[str]()
    for line, row in _rows(path, ("file", "side"), ("period", "turn")):
        side = row["side"].casefold()
        if side not in ("entering", "leaving"):
            raise UsageError(f"{path}, line {line}: side is {row['side']!r}; wanted entering or leaving")
        period = _as_first(_name(row, "period"), spelled)
        found.append(Visit(_beside(path, row["file"], line), side == "leaving", period, _turn(path, line, row, turn), line))
        empty += _no_names(row, ("period",))
    _tell_empty(path, empty, tell)
    return found


def read_parts(path: str | Path) -> list[Part]:
    """A CSV with the columns `part`, `start` and `end`: names and seconds of the film; see read_plan."""
    path = Path(path)
    found, named = [], list[tuple[int, str]]()
    for line, row in _rows(path, ("part", "start", "end"), ()):
        start, end = (_seconds(path, line, name, row[name]) for name in ("start", "end"))
        if not (part := _name(row, "part")):
            raise UsageError(f"{path}, line {line}: a part without a name")
        found.append(Part(part, start, end))
        named.append((line, part))
    _refuse_twice(path, "part", named)
    return found


def _rows(path: Path, needed: Sequence[str], more: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Lines with their numbers; cells are parted by commas, or by semicolons or tabs where the head has those, or by what a line `sep=`
    above the head says. Columns of other names are left alone."""
    if not path.exists() or path.is_dir():
        raise SourceMissing(f"{path}: no such file; wanted a CSV with the columns {', '.join((*needed, *more))}")
    try:
        with opened_csv(path) as file:
            table = CsvRows(file)
            rows = [(line, [cell.strip() for cell in row]) for line, row in table if any(cell.strip() for cell in row)]
    except (ValueError, csv.Error) as error:
        raise SourceUnreadable(f"{path}: cannot be read as CSV ({error})") from None
    head = [name.lower() for name in rows.pop(0)[1]] if rows else []
    if missing := [name for name in needed if name not in head]:
        raise UsageError(f"{path}: has no column {', '.join(missing)}; wanted {', '.join((*needed, *more))}")
    if not rows:
        raise UsageError(f"{path}: has no lines below its head")
    for number, cells in rows:
        if "\0" in "".join(cells):
            raise UsageError(f"{path}, line {number}: has a NUL character; save the table again as CSV UTF-8")
        if len(cells) != len(head):
            raise UsageError(f"{path}, line {number}: {len(cells)} cells under {len(head)} columns")
        row = dict(zip(head, cells, strict=True))
        yield number, row | {name: with_point(row[name]) for name in SECONDS if name in row and table.decimal_commas}


def _beside(path: Path, file: str, line: int) -> str:
    if not file:
        raise UsageError(f"{path}, line {line}: no file")
    given = path.is_file() and not path.is_relative_to("/dev") and not path.is_relative_to("/proc")  # /dev/stdin of a shell's `< plan.csv`
    return str(Path(named_in(str(path.parent) if given else "", file)))


def _like(file: str) -> str:
    """A viewer's name where none is given: the file's, without an ending that recordings or tables have, since sessions are called
    `Mr. Smith` or `Anna 2.1` too."""
    path = Path(without_password(file))
    return path.stem if is_url(file) or path.suffix.lower() in {*READERS, *SUFFIXES, *VIDEO_SUFFIXES} else path.name


def _name(row: Mapping[str, str], column: str) -> str:
    """A cell of a name; "" where it is empty or not there."""
    cell = row.get(column, "")
    return "" if cell in NO_NAME else cell


def _no_names(row: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    """Words of a line's names that stand for empty cells."""
    return [row[column] for column in columns if row.get(column) in NO_NAME]


def _tell_empty(path: Path, words: Sequence[str], tell: Tell) -> None:
    if words:
        cells = f"{len(words)} {'cell' if len(words) == 1 else 'cells'} of names"
        tell(f"{path}: {cells} ({', '.join(dict.fromkeys(words))}) taken as empty; spell a name otherwise that is one")


def _refuse_twice(path: Path, kind: str, named: Sequence[tuple[int, str]]) -> None:
    """Raise UsageError for two of one name, with their lines."""
    lines = dict[str, int]()
    for line, name in named:
        if (first := lines.setdefault(name, line)) != line:
            raise UsageError(f"{path}, lines {first} and {line}: two {kind}s called {name}; wanted names that differ")


def _as_first(name: str, spelled: dict[str, str]) -> str:
    """A name as it was first spelled, whatever its case."""
    return spelled.setdefault(name.casefold(), name)


def _turn(path: Path, line: int, row: Mapping[str, str], default: int) -> int:
    """Degrees of a line's column `turn`; the default where it is empty or not there."""
    if is_empty(cell := row.get("turn", "")):
        return default
    try:
        degrees = float(cell)
    except ValueError:
        degrees = math.nan
    if degrees not in TURNS:
        raise UsageError(f"{path}, line {line}: turn is {cell!r}; wanted 0, 90, 180 or 270, degrees clockwise")
    return int(degrees)


def _seconds(path: Path, line: int, name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise UsageError(f"{path}, line {line}: {name} is {value!r}; wanted seconds, as 12.5")
    return seconds
