"""Data sets that are a CSV of picture files: `image_path` with `emotion`, `valence`, `arousal` or all of them, and AffectNet's."""

from __future__ import annotations

import codecs
import csv
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mien.cells import CsvRows, with_point
from mien.data.affect_scale import AXES, NONE, on_scale
from mien.data.codes import Codes
from mien.data.manifest import absolute
from mien.data.readers.draft import Draft, split_of, strange_split, unlike
from mien.data.readers.report import BAD_ROW, UNKNOWN, Report
from mien.data.stores import InPhotos
from mien.errors import DataError, SourceMissing
from mien.io.names import named_in

PATH_NAMES = ("image_path", "path", "image", "filename", "file_name", "file", "pth")
LABEL_NAMES = ("emotion", "label", "expression", "class")
UNSAID = "neither an emotion nor valence or arousal"
"""Why a row without an emotion cannot be used."""
AFFECTNET = "affectnet"
"""What that data set is called, whatever its file."""
AFFECTNET_ROOTS = ("", "Manually_Annotated_Images", "Automatically_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images")
"""Where AffectNet's pictures lie beside its CSV files, as its archives unpack."""
AFFECTNET_OTHER = {"8": "none of the eight", "10": "no face"}
"""AffectNet's expression codes without an emotion; 9 is uncertain."""


class Head(NamedTuple):
    """The first row of a CSV."""

    columns: list[str]
    """Their names, without spaces around, in lower case."""
    mark: str
    """What parts cells."""
    lines: int
    """How many come before the first row of data."""


def head_of(path: Path) -> Head:
    """The head of a CSV. Raises SourceMissing, DataError."""
    with opened(path) as table:
        return Head(_columns(table), table.mark, table.rows.line_num)


def csv_draft(path: Path, *, root: Path | None = None, labels: str = "", source: str = "") -> Draft:
    """A CSV with the columns `image_path` and `emotion`; `split` (or `usage`), `subject`, `valence`, `arousal` are taken if there.

    A picture that has valence or arousal may lack an emotion, and where all do the table may lack the column. A row with an unknown word
    for its split is reported and left out. Valence and arousal of -2 mean "none"; a row with any other outside -1..1 is reported and left
    out, see affect_scale.
    root: folder that relative paths start from; default the CSV's own. labels: label set, where the emotions are its codes.
    Raises SourceMissing, DataError where a column is missing, valence and arousal are on another scale, or the codes are counted from
    another number than the set's, UnknownName.
    """
    draft = Draft(source or path.stem)
    codes = Codes(labels)
    folder = str(root or path.parent)
    rows = rows_of(path)
    head = next(rows, [])
    place = {name: i for i, name in enumerate(head)}
    where, what = _first(PATH_NAMES, place), _first(LABEL_NAMES, place)
    if where is None or (what is None and not {*AXES} & {*head}):
        wanted = "wanted image_path and emotion, or valence or arousal in its place"
        raise DataError(f"{path}: found columns {', '.join(head) or 'none'}; {wanted}")
    kept: list[tuple[str, dict[str, Any]]] = []
    for row in _full(rows, len(head), draft.report, path):
        emotion, affect = "" if what is None else row[what].strip(), _affect(row, place)
        label = codes.label(emotion) if emotion or not _is_rated(affect) else ""
        told = _cell(row, place, "split") or _cell(row, place, "usage")
        split = split_of(told) if told else ""
        if label is None:
            draft.report.add(UNKNOWN, row[where], codes.why_not(emotion) if emotion else UNSAID)
        elif split is None:
            draft.report.add(BAD_ROW, row[where], strange_split(told))
        else:
            cells = {"path": named_in(folder, row[where]), "label": label, "split": split, "subject": _cell(row, place, "subject")}
            kept.append((_short(row[where]), cells | affect))
            if label:
                draft.classes.add((split, label))
    if wrong := codes.wrong():
        raise DataError(f"{path}: {wrong}")
    _add(draft, kept, path, affect_from=draft.report.source)
    return draft


def is_affectnet(head: Iterable[str]) -> bool:
    """Whether these are the columns of AffectNet's CSV."""
    return {"subdirectory_filepath", "expression"} <= set(head)


def affectnet_draft(path: Path, *, root: Path | None = None, source: str = "") -> tuple[Draft, InPhotos]:
    """AffectNet's CSV: subDirectory_filePath, face_x, face_y, face_width, face_height, ..., expression, valence, arousal.

    The picture of a row is the photo inside the face's box, if there is one, as PNG; its parent is the photo. Valence and arousal of -2
    mean "none", others outside -1..1 are treated as in csv_draft. Rows of expression 8 (none of the eight) and 10 (no face) are reported.
    A file called training or validation gives the split.
    root: folder of the pictures; default the CSV's own or `Manually_Annotated_Images` in it.
    """
    draft = Draft(source or AFFECTNET)
    rows = rows_of(path)
    head = next(rows, [])
    place = {name: i for i, name in enumerate(head)}
    if missing := {"subdirectory_filepath", "expression"} - set(head):
        raise DataError(f"{path}: lacks the column {', '.join(sorted(missing))}; wanted AffectNet's CSV")
    split = split_of(path.stem.split("_")[-1]) or split_of(path.stem) or ""
    codes = Codes("affectnet8")
    photos: list[str] = []
    boxes: list[tuple[float, float, float, float] | None] = []
    folder = str(root) if root else None
    kept: list[tuple[str, dict[str, Any]]] = []
    for row in _full(rows, len(head), draft.report, path):
        name = row[place["subdirectory_filepath"]]
        code = row[place["expression"]].strip()
        label = "uncertain" if code == "9" else codes.label(code)
        if label is None:
            draft.report.add(UNKNOWN, name, f"expression {code}: {AFFECTNET_OTHER.get(code, 'no code of AffectNet')}")
            continue
        folder = folder or _affectnet_root(path.parent, name)
        photo = named_in(folder, name)
        draft.classes.add((split, label))
        box = _box(row, place)
        cells: dict[str, Any] = {"label": label, "split": split, "row": -1 if box is None else len(photos), **_affect(row, place)}
        cells |= {"path": "" if box else photo, "parent": absolute(photo) if box else ""}
        kept.append((name, cells))
        photos.append(photo)
        boxes.append(box)
    _add(draft, kept, path, affect_from=AFFECTNET)
    return draft, InPhotos(photos, boxes)


def _first(names: Iterable[str], place: dict[str, int]) -> int | None:
    """Where the first of these columns is that the table has."""
    return next((place[name] for name in names if name in place), None)


def _full(rows: Iterable[list[str]], width: int, report: Report, path: Path) -> Iterator[list[str]]:
    """The rows that have as many cells as the header; the others are reported."""
    for number, row in enumerate(rows, start=2):
        if len(row) == width:
            yield row
        else:
            report.add(BAD_ROW, f"{path.name}:{number}", f"{len(row)} cells, the header has {width}")


def _add(draft: Draft, rows: list[tuple[str, dict[str, Any]]], path: Path, *, affect_from: str) -> None:
    """Add rows, a name and cells each; those are reported whose valence or arousal lie outside of the scale. Raises DataError."""
    affect, strange = on_scale([(cells["valence"], cells["arousal"]) for _, cells in rows], str(path))
    for i, why in strange.items():
        draft.report.add(BAD_ROW, rows[i][0], why)
    kept = [i for i in range(len(rows)) if i not in strange]
    for i, name in zip(kept, unlike([rows[i][0] for i in kept]), strict=True):
        valence, arousal = affect[i].tolist()
        told = {"valence": valence, "arousal": arousal, "affect_from": "" if math.isnan(valence) and math.isnan(arousal) else affect_from}
        draft.add(name, **rows[i][1] | told)


def _affectnet_root(folder: Path, name: str) -> str:
    return str(next((folder / root for root in AFFECTNET_ROOTS if (folder / root / name).exists()), folder))


def _box(row: list[str], place: dict[str, int]) -> tuple[float, float, float, float] | None:
    x, y, width, height = (_number(_cell(row, place, f"face_{side}")) for side in ("x", "y", "width", "height"))
    return (x, y, x + width, y + height) if width > 0 and height > 0 and not math.isnan(x + y) else None


def rows_of(path: Path) -> Iterator[list[str]]:
    """Rows of a CSV, the header's names in lower case; lazily, so that a large file stays on the disk.

    Cells are parted by commas, semicolons or tabs, see CsvRows; where it is no comma, 0,5 is given as 0.5.
    """
    with opened(path) as table:
        yield _columns(table)
        rows = (row for _, row in table if row)
        yield from ([with_point(cell) for cell in row] for row in rows) if table.decimal_commas else rows


@contextmanager
def opened(path: Path) -> Iterator[CsvRows]:
    """A CSV as it is, its head too. Raises SourceMissing, and DataError for what cannot be read, also while it is read."""
    try:
        with path.open("rb") as file:
            begin = file.read(64)
        if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise DataError(f"{path}: a CSV in UTF-16, wanted one in UTF-8; save it again as that (spreadsheets call it CSV UTF-8)")
        if b"\0" in begin:
            raise DataError(f"{path}: binary data, wanted a CSV in UTF-8; save it again as that (spreadsheets call it CSV UTF-8)")
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as text:
            csv.field_size_limit(1 << 24)  # a picture may be written out in a cell
            yield CsvRows(text)
    except FileNotFoundError:
        raise SourceMissing(f"{path}: no such file") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})") from None


def _columns(table: CsvRows) -> list[str]:
    return [name.strip().lower() for name in next(table.rows, [])]


def _cell(row: list[str], place: dict[str, int], name: str) -> str:
    return row[place[name]].strip() if name in place else ""


def _affect(row: list[str], place: dict[str, int]) -> dict[str, float]:
    return {axis: _number(_cell(row, place, axis)) for axis in AXES}


def _is_rated(affect: dict[str, float]) -> bool:
    """Whether either axis has a value: a wrong one too, which is for on_scale to refuse."""
    return not all(math.isnan(value) or value == NONE for value in affect.values())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _short(path: str) -> str:
    return path.removeprefix("./").replace("\\", "/").lstrip("/")
