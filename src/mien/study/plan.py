"""The plan of a study: small CSV files that say which recording is whose, and what the parts of the film are called."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import SourceMissing, SourceUnreadable, UsageError
from mien.study.reaction import Part

DECIMAL = re.compile(r"-?\d+,\d+")


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

    Raises SourceMissing, SourceUnreadable, and UsageError for a line that does not fit.
    """
    path = Path(path)
    found = []
    for line, row in _rows(path, ("file",), ("viewer", "start", "group")):
        file = _beside(path, row["file"], line)
        begin = _seconds(path, line, "start", row["start"]) if row.get("start") else start
        found.append(Recording(file, row.get("viewer") or Path(file).stem, begin, row.get("group", "")))
    return found


def read_visits(path: str | Path) -> list[Visit]:
    """A CSV with the columns `file`, relative to its own folder, `side` (entering or leaving), and where wanted `period`; see read_plan."""
    path = Path(path)
    found = []
    for line, row in _rows(path, ("file", "side"), ("period",)):
        if row["side"] not in ("entering", "leaving"):
            raise UsageError(f"{path}, line {line}: side is {row['side']!r}; wanted entering or leaving")
        found.append(Visit(_beside(path, row["file"], line), row["side"] == "leaving", row.get("period", "")))
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
    """Lines with their numbers; cells are parted by commas, or by semicolons where the head has those. Columns of other names are left
    alone."""
    if not path.is_file():
        raise SourceMissing(f"{path}: no such file; wanted a CSV with the columns {', '.join((*needed, *more))}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            countries = ";" in first and "," not in first  # where spreadsheets write 2,5 for 2.5, and part cells by semicolons
            lines = csv.reader(file, delimiter=";" if countries else ",")
            head = [name.strip().lower() for name in next(lines, [])]
            if missing := [name for name in needed if name not in head]:
                raise UsageError(f"{path}: has no column {', '.join(missing)}; wanted {', '.join((*needed, *more))}")
            rows = [(lines.line_num, [cell.strip() for cell in row]) for row in lines if any(cell.strip() for cell in row)]
            if countries:
                rows = [(line, [cell.replace(",", ".") if DECIMAL.fullmatch(cell) else cell for cell in row]) for line, row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceUnreadable(f"{path}: is no CSV in UTF-8 ({error})") from None
    if not rows:
        raise UsageError(f"{path}: has no lines below its head")
    for number, row in rows:
        if len(row) != len(head):
            raise UsageError(f"{path}, line {number}: {len(row)} cells under {len(head)} columns")
        yield number, dict(zip(head, row, strict=True))


def _beside(path: Path, file: str, line: int) -> str:
    if not file:
        raise UsageError(f"{path}, line {line}: no file")
    return str(path.parent / file)


def _seconds(path: Path, line: int, name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise UsageError(f"{path}, line {line}: {name} is {value!r}; wanted seconds, as 12.5")
    return seconds
