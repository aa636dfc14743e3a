"""The plan of a study: small CSV files that say which recording is whose, and what the parts of the film are called."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.cells import CsvRows, with_point
from mien.errors import SourceMissing, SourceUnreadable, UsageError
from mien.study.reaction import Part

SECONDS = ("start", "end")
"""Columns of numbers, which may have a decimal comma."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is to be read of one viewer."""

    file: str
    """A recording, or a table that mien wrote of it."""
    viewer: str
    start: float = 0.0
    """Second of the recording at which the film begins."""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """What is to be read of some visitors."""

    file: str
    """A recording, or a table that mien wrote of it."""
    leaving: bool
    period: str = ""


def recordings_of(files: Sequence[str], *, start: float = 0.0) -> list[Recording]:
    """A viewer a file, called like it. Raises UsageError for two of one name."""
    found = [Recording(file, Path(file).stem, start) for file in files]
    names = [one.viewer for one in found]
    if twice := [one for one in found if names.count(one.viewer) > 1]:
        raise UsageError(f"{twice[0].file} and {twice[1].file}: two viewers called {twice[0].viewer}; name them in a plan (--plan)")
    return found


def read_plan(path: str | Path, *, start: float = 0.0) -> list[Recording]:
    """A CSV with the column `file`, relative to its own folder, and where wanted `viewer`, `start` (seconds) and `group`.

    Groups whose names differ in case alone are one, called as it is first. A CSV from a pipe is relative to the current folder.
    Raises SourceMissing, SourceUnreadable, and UsageError for a line that does not fit.
    """
    path = Path(path)
    found, spelled = [], dict[str, str]()
    for line, row in _rows(path, ("file",), ("viewer", "start", "group")):
        file = _beside(path, row["file"], line)
        begin = _seconds(path, line, "start", row["start"]) if row.get("start") else start
        found.append(Recording(file, row.get("viewer") or Path(file).stem, begin, _as_first(row.get("group", ""), spelled)))
    return found


def read_visits(path: str | Path) -> list[Visit]:
    """A CSV with the columns `file`, relative to its own folder, `side` (entering or leaving), and where wanted `period`; see read_plan."""
    path = Path(path)
    found, spelled = [], dict[str, str]()
    for line, row in _rows(path, ("file", "side"), ("period",)):
        side = row["side"].casefold()
        if side not in ("entering", "leaving"):
            raise UsageError(f"{path}, line {line}: side is {row['side']!r}; wanted entering or leaving")
        found.append(Visit(_beside(path, row["file"], line), side == "leaving", _as_first(row.get("period", ""), spelled)))
    return found


def read_parts(path: str | Path) -> list[Part]:
    """A CSV with the columns `part`, `start` and `end`: names and seconds of the film; see read_plan."""
    path = Path(path)
    found = []
    for line, row in _rows(path, ("part", "start", "end"), ()):
        start, end = (_seconds(path, line, name, row[name]) for name in ("start", "end"))
        if not row["part"]:
            raise UsageError(f"{path}, line {line}: a part without a name")
        found.append(Part(row["part"], start, end))
    return found


def _rows(path: Path, needed: Sequence[str], more: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Lines with their numbers; cells are parted by commas, or by semicolons or tabs where the head has those, or by what a line `sep=`
    above the head says. Columns of other names are left alone."""
    if not path.exists() or path.is_dir():
        raise SourceMissing(f"{path}: no such file; wanted a CSV with the columns {', '.join((*needed, *more))}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = CsvRows(file)
            rows = [(line, [cell.strip() for cell in row]) for line, row in table if any(cell.strip() for cell in row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceUnreadable(f"{path}: is no CSV in UTF-8 ({error})") from None
    head = [name.lower() for name in rows.pop(0)[1]] if rows else []
    if missing := [name for name in needed if name not in head]:
        raise UsageError(f"{path}: has no column {', '.join(missing)}; wanted {', '.join((*needed, *more))}")
    if not rows:
        raise UsageError(f"{path}: has no lines below its head")
    for number, cells in rows:
        if len(cells) != len(head):
            raise UsageError(f"{path}, line {number}: {len(cells)} cells under {len(head)} columns")
        row = dict(zip(head, cells, strict=True))
        yield number, row | {name: with_point(row[name]) for name in SECONDS if name in row and table.decimal_commas}


def _beside(path: Path, file: str, line: int) -> str:
    if not file:
        raise UsageError(f"{path}, line {line}: no file")
    given = path.is_file() and not path.is_relative_to("/dev") and not path.is_relative_to("/proc")  # /dev/stdin of a shell's `< plan.csv`
    return str((path.parent if given else Path()) / file)


def _as_first(name: str, spelled: dict[str, str]) -> str:
    """A name as it was first spelled, whatever its case."""
    return spelled.setdefault(name.casefold(), name)


def _seconds(path: Path, line: int, name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise UsageError(f"{path}, line {line}: {name} is {value!r}; wanted seconds, as 12.5")
    return seconds
