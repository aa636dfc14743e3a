"""FER-2013 as the CSV `emotion,pixels,Usage`, with FER+'s votes where they are given."""

from __future__ import annotations

import csv
import math
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.codes import Codes
from mien.data.cross_copies import Marks, marks_of
from mien.data.fer import vote_shares
from mien.data.readers.draft import Draft, split_of, strange_split
from mien.data.readers.report import BAD_ROW, UNKNOWN
from mien.data.readers.tables import Head, head_of, rows_of
from mien.data.stores import png
from mien.errors import DataError, SourceUnreadable
from mien.labels import label_set
from mien.types import Image, Ints

FER = "fer2013"
"""What the data set is called, whatever its file."""
VOTES_FILE = "fer2013new.csv"
"""What FER+'s repository calls the votes."""
VOTE_COLUMNS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "nf")


class InLines:
    """Pictures written out as numbers in a column of a CSV, found by the byte at which each row's line begins; given as PNG."""

    def __init__(self, path: Path, starts: Ints, head: Head) -> None:
        self._path, self._starts, self._mark, self._column = path, starts, head.mark, head.columns.index("pixels")
        self._lock = threading.Lock()
        self._file = path.open("rb")
        weakref.finalize(self, self._file.close)

    def __call__(self, row: int, /) -> bytes:
        """The picture of one row."""
        with self._lock:
            self._file.seek(int(self._starts[row]))
            line = self._file.readline()
        cells = _cells(line, self._mark)
        return png(pixels(cells[self._column], name=f"{self._path}, row {row}"))


def is_fer_csv(head: Iterable[str]) -> bool:
    """Whether these are the columns of FER-2013's CSV."""
    return {"emotion", "pixels"} <= set(head)


def fer_csv_draft(
    path: Path, *, votes: Path | None = None, duplicates: Path | None = None, labels: str = "fer7", source: str = FER
) -> tuple[Draft, InLines]:
    """FER-2013's CSV: `emotion` 0..6 or its name, `pixels` of a square grey picture, and `Usage`.

    Usage gives the split: Training is train, PublicTest val, PrivateTest test; a row with another word is reported and left out. Kaggle's
    train.csv and icml_face_data.csv are read too.
    votes: FER+'s fer2013new.csv, which has the same rows in the same order; default the one beside. They become `shares`; `label` stays
    FER-2013's. duplicates: npz with `duplicate` and `nearest_row` for the file's rows; default the one beside called
    NAME_duplicates.npz. Rows with a copy in another split get a note that names it. labels: the set of the codes, of other data in this
    form.
    Raises SourceMissing, DataError where columns are missing, codes are counted from 1 or votes are of other rows, UsageError where
    `duplicates` is.
    """
    draft = Draft(source)
    head = head_of(path)
    place = {name: i for i, name in enumerate(head.columns)}
    if missing := {"emotion", "pixels"} - set(head.columns):
        raise DataError(f"{path}: lacks the column {', '.join(sorted(missing))}; wanted emotion, pixels and Usage")
    beside = path.with_name(VOTES_FILE)
    crowd = Crowd(*read_votes(votes or beside)) if votes or beside.exists() else None
    marks = marks_of(path, duplicates)
    codes = Codes(labels)
    starts: list[int] = []
    for row, (start, cells) in enumerate(_rows(path, head)):
        starts.append(start)
        _add(draft, row, cells, place, codes, crowd, marks)
    if wrong := codes.wrong():
        raise DataError(f"{path}: {wrong}")
    if crowd is not None and len(crowd) != len(starts):
        raise DataError(
            f"{votes or beside}: {len(crowd)} rows of votes for {len(starts)} rows of {path.name}; wanted the same rows in the same order"
        )
    if marks is not None:
        marks.fit(len(starts), path)
    draft.classes |= {(split, label) for split, _ in draft.classes for label in label_set(labels)}
    return draft, InLines(path, np.array(starts, np.int64), head)


def is_unlabelled(head: Iterable[str]) -> bool:
    """Whether these are columns of pictures that nobody labelled, as a competition's test.csv has them."""
    return "pixels" in set(head) and not is_fer_csv(head)


def pictures_of(path: Path) -> tuple[int, InLines]:
    """How many pictures a CSV with the column `pixels` has, whatever else is in it, and where they are. Raises SourceMissing, DataError."""
    head = head_of(path)
    if "pixels" not in head.columns:
        raise DataError(f"{path}: found columns {', '.join(head.columns) or 'none'}; wanted pixels")
    starts = [start for start, _ in _rows(path, head)]
    return len(starts), InLines(path, np.array(starts, np.int64), head)


def _rows(path: Path, head: Head) -> Iterator[tuple[int, list[str]]]:
    """Of each row of data the byte at which its line begins, and its cells."""
    with path.open("rb") as file:
        at = sum(len(file.readline()) for _ in range(head.lines))
        for line in file:
            if line.strip():
                yield at, _cells(line, head.mark)
            at += len(line)


def read_votes(path: Path) -> tuple[Ints, list[str]]:
    """FER+'s votes, int64 (n, 10) in the order of fer.VOTES_TO_MIEN, and the Usage of each row. Raises SourceMissing, DataError."""
    rows = rows_of(path)
    head = next(rows, [])
    if missing := [name for name in VOTE_COLUMNS if name not in head]:
        raise DataError(f"{path}: lacks the column {', '.join(missing)}; wanted FER+'s {VOTES_FILE}")
    columns = [head.index(name) for name in VOTE_COLUMNS]
    usage = head.index("usage") if "usage" in head else None
    votes, usages = [], []
    for number, row in enumerate(rows, start=2):
        try:
            votes.append([int(row[column]) for column in columns])
        except (ValueError, IndexError):
            raise DataError(f"{path}:{number}: found {','.join(row)[:80]}; wanted {len(columns)} whole numbers of votes") from None
        usages.append("" if usage is None else row[usage])
    return np.array(votes, np.int64).reshape(-1, len(VOTE_COLUMNS)), usages


class Crowd:
    """What FER+'s votes, int64 (n, 10), say of each picture."""

    def __init__(self, votes: Ints, usages: Sequence[str] = ()) -> None:
        self.usages = usages
        """The Usage of each row, where it is told."""
        self._shares = vote_shares(votes)
        self._no_face = votes[:, 9] * 2 > np.maximum(votes.sum(axis=1), 1)

    def __len__(self) -> int:
        return len(self._shares)

    def cells(self, row: int) -> dict[str, Any]:
        """Cells of a manifest's row: `shares`, and a note where most say that it is no face."""
        return {"shares": self._shares[row], "note": "the crowd: not a face" if self._no_face[row] else ""}


def pixels(text: str, *, name: str) -> Image:
    """Numbers 0..255 parted by spaces as a square grey picture, uint8 (S, S). Raises SourceUnreadable."""
    try:
        values = bytes(map(int, text.split()))
    except ValueError:
        raise SourceUnreadable(f"{name}: pixels that are no whole numbers 0..255") from None
    side = math.isqrt(len(values))
    if not values or side * side != len(values):
        raise SourceUnreadable(f"{name}: {len(values)} pixels, which is not the square of a side")
    return np.frombuffer(values, np.uint8).reshape(side, side)


def _add(draft: Draft, row: int, cells: list[str], place: dict[str, int], codes: Codes, crowd: Crowd | None, marks: Marks | None) -> None:
    if len(cells) != len(place):
        draft.report.add(BAD_ROW, f"row {row}", f"{len(cells)} cells, the header has {len(place)}")
        return
    told = cells[place["emotion"]].strip()
    label = codes.label(told)
    if label is None:
        draft.report.add(UNKNOWN, f"row {row}", codes.why_not(told))
        return
    usage = cells[place["usage"]].strip() if "usage" in place else ""
    split = split_of(usage) if usage else ""
    if split is None:
        draft.report.add(BAD_ROW, f"row {row}", strange_split(usage))
        return
    draft.classes.add((split, label))
    more: dict[str, Any] = {}
    if crowd is not None and row < len(crowd):
        if crowd.usages[row].strip() not in ("", usage):
            raise DataError(
                f"row {row}: Usage is {usage!r} in FER-2013's file and {crowd.usages[row]!r} in FER+'s; "
                "wanted the same rows in the same order"
            )
        more = crowd.cells(row)
    if marks is not None:
        more["note"] = "; ".join(filter(None, (str(more.get("note", "")), marks.note(row, draft.report.source))))
    draft.add(str(row), row=row, label=label, split=split, **more)


def _cells(line: bytes, mark: str) -> list[str]:
    return next(csv.reader([line.decode("utf-8", "replace").rstrip("\r\n")], delimiter=mark), [])
