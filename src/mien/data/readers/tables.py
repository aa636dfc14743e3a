"""Data sets that are a CSV of picture files: `image_path,emotion`, and AffectNet's."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mien.data.manifest import Manifest, absolute
from mien.data.readers.draft import Draft, examined, split_of, strange_split, unlike
from mien.data.readers.report import BAD_ROW, UNKNOWN, Progress, Report, silent
from mien.data.stores import InPhotos
from mien.errors import DataError, SourceMissing
from mien.labels import LABEL_SETS, canonical, label_set

PATH_NAMES = ("image_path", "path", "image", "filename", "file_name", "file", "pth")
LABEL_NAMES = ("emotion", "label", "expression", "class")
AFFECTNET_ROOTS = ("", "Manually_Annotated_Images", "Automatically_Annotated_Images", "Manually_Annotated/Manually_Annotated_Images")
"""Where AffectNet's pictures lie beside its CSV files, as its archives unpack."""
AFFECTNET_OTHER = {"8": "none of the eight", "10": "no face"}
"""AffectNet's expression codes without an emotion; 9 is uncertain."""


def read_csv(
    path: Path, *, root: Path | None = None, labels: str = "", source: str = "", progress: Progress = silent
) -> tuple[Manifest, Report]:
    """A CSV with the columns `image_path` and `emotion`; `split` (or `usage`), `subject`, `valence`, `arousal` are taken if there.

    A row with an unknown word for its split is reported and left out.
    root: folder that relative paths start from; default the CSV's own. labels: label set, where the emotions are its codes 0, 1, ...
    Raises SourceMissing, DataError where a column is missing, UnknownName.
    """
    return examined(csv_draft(path, root=root, labels=labels, source=source), progress=progress)


def read_affectnet(path: Path, *, root: Path | None = None, source: str = "", progress: Progress = silent) -> tuple[Manifest, Report]:
    """AffectNet's CSV: subDirectory_filePath, face_x, face_y, face_width, face_height, ..., expression, valence, arousal.

    The picture of a row is the photo inside the face's box, if there is one, as PNG; its parent is the photo. Valence and arousal of -2
    mean "none". Rows of expression 8 (none of the eight) and 10 (no face) are reported. A file called training or validation gives the
    split.
    root: folder of the pictures; default the CSV's own or `Manually_Annotated_Images` in it.
    """
    draft, store = affectnet_draft(path, root=root, source=source)
    return examined(draft, store, progress=progress)


def header(path: Path) -> list[str]:
    """Names of the columns of a CSV, without spaces around, in lower case. Raises SourceMissing, DataError."""
    return next(rows_of(path), [])


def csv_draft(path: Path, *, root: Path | None = None, labels: str = "", source: str = "") -> Draft:
    """See read_csv; no picture is opened."""
    draft = Draft(source or path.stem)
    codes = label_set(labels) if labels else ()
    folder = str(root or path.parent)
    rows = rows_of(path)
    head = next(rows, [])
    place = {name: i for i, name in enumerate(head)}
    where = next((place[name] for name in PATH_NAMES if name in place), None)
    what = next((place[name] for name in LABEL_NAMES if name in place), None)
    if where is None or what is None:
        raise DataError(f"{path}: found columns {', '.join(head) or 'none'}; wanted image_path and emotion")
    kept: list[tuple[str, dict[str, Any]]] = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(head):
            draft.report.add(BAD_ROW, f"{path.name}:{number}", f"{len(row)} cells, the header has {len(head)}")
            continue
        label = _label(row[what], codes)
        if label is None:
            draft.report.add(UNKNOWN, row[where], f"labelled {row[what]!r}{'' if codes else ', which is no emotion'}")
            continue
        told = _cell(row, place, "split") or _cell(row, place, "usage")
        split = split_of(told) if told else ""
        if split is None:
            draft.report.add(BAD_ROW, row[where], strange_split(told))
            continue
        valence, arousal = (_number(_cell(row, place, axis)) for axis in ("valence", "arousal"))
        cells: dict[str, Any] = {"path": _joined(folder, row[where]), "label": label, "split": split}
        cells["subject"] = _cell(row, place, "subject")
        cells |= {"valence": valence, "arousal": arousal, "affect_from": "" if math.isnan(valence + arousal) else draft.report.source}
        draft.classes.add((split, label))
        kept.append((_short(row[where]), cells))
    for name, (_, cells) in zip(unlike([name for name, _ in kept]), kept, strict=True):
        draft.add(name, **cells)
    return draft


def affectnet_draft(path: Path, *, root: Path | None = None, source: str = "") -> tuple[Draft, InPhotos]:
    """See read_affectnet; no picture is opened."""
    draft = Draft(source or "affectnet")
    rows = rows_of(path)
    head = next(rows, [])
    place = {name: i for i, name in enumerate(head)}
    if missing := {"subdirectory_filepath", "expression"} - set(head):
        raise DataError(f"{path}: lacks the column {', '.join(sorted(missing))}; wanted AffectNet's CSV")
    split = split_of(path.stem.split("_")[-1]) or split_of(path.stem) or ""
    codes = LABEL_SETS["affectnet8"]
    photos: list[str] = []
    boxes: list[tuple[float, float, float, float] | None] = []
    folder = str(root) if root else None
    names: list[str] = []
    found: list[dict[str, Any]] = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(head):
            draft.report.add(BAD_ROW, f"{path.name}:{number}", f"{len(row)} cells, the header has {len(head)}")
            continue
        name = row[place["subdirectory_filepath"]]
        code = row[place["expression"]].strip()
        label = "uncertain" if code == "9" else _label(code, codes)
        if label is None:
            draft.report.add(UNKNOWN, name, f"expression {code}: {AFFECTNET_OTHER.get(code, 'no code of AffectNet')}")
            continue
        folder = folder or _affectnet_root(path.parent, name)
        photo = _joined(folder, name)
        draft.classes.add((split, label))
        valence, arousal = (_number(_cell(row, place, axis)) for axis in ("valence", "arousal"))
        if not (abs(valence) <= 1 and abs(arousal) <= 1):
            valence = arousal = math.nan
        box = _box(row, place)
        cells: dict[str, Any] = {"label": label, "split": split, "valence": valence, "arousal": arousal}
        cells |= {
            "affect_from": "" if math.isnan(valence) else "affectnet",
            "path": "" if box else photo,
            "parent": absolute(photo) if box else "",
        }
        names.append(name)
        found.append(cells)
        photos.append(photo)
        boxes.append(box)
    for i, (name, cells) in enumerate(zip(unlike(names), found, strict=True)):
        draft.add(name, row=-1 if boxes[i] is None else i, **cells)
    return draft, InPhotos(photos, boxes)


def _affectnet_root(folder: Path, name: str) -> str:
    return str(next((folder / root for root in AFFECTNET_ROOTS if (folder / root / name).exists()), folder))


def _box(row: list[str], place: dict[str, int]) -> tuple[float, float, float, float] | None:
    x, y, width, height = (_number(_cell(row, place, f"face_{side}")) for side in ("x", "y", "width", "height"))
    return (x, y, x + width, y + height) if width > 0 and height > 0 and not math.isnan(x + y) else None


def rows_of(path: Path) -> Iterator[list[str]]:
    """Rows of a CSV, the header's names in lower case; lazily, so that a large file stays on the disk."""
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            csv.field_size_limit(1 << 24)  # a picture may be written out in a cell
            rows = csv.reader(file)
            yield [name.strip().lower() for name in next(rows, [])]
            yield from (row for row in rows if row)
    except FileNotFoundError:
        raise SourceMissing(f"{path}: no such file") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})") from None


def _label(text: str, codes: tuple[str, ...]) -> str | None:
    if not codes:
        return canonical(text)
    try:
        code = float(text)
    except ValueError:
        return canonical(text)
    return codes[int(code)] if code in range(len(codes)) else None


def _cell(row: list[str], place: dict[str, int], name: str) -> str:
    return row[place[name]].strip() if name in place else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _joined(folder: str, name: str) -> str:
    return os.path.join(folder, name)  # noqa: PTH118  a million Paths cost seconds


def _short(path: str) -> str:
    return path.removeprefix("./").replace("\\", "/").lstrip("/")
