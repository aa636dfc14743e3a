"""Data sets that are arrays in an npz file: FER-2013 with votes, and pixels with labels, such as CK+ and JAFFE."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.cross_copies import Marks, marks_of
from mien.data.fer import FER7, SPLITS
from mien.data.manifest import Manifest
from mien.data.readers.draft import Draft, examined, split_of, unlike
from mien.data.readers.fer_csv import Crowd
from mien.data.readers.report import UNKNOWN, Progress, Report, silent
from mien.data.stores import InArray, InBlob, Store
from mien.errors import DataError, SourceMissing, UsageError
from mien.labels import canonical

FER_KEYS = {"webp", "offsets", "image_index", "emotion", "usage"}
PIXEL_KEYS = {"pixels", "label", "classes"}


def read_npz(path: Path, *, duplicates: Path | None = None, source: str = "", progress: Progress = silent) -> tuple[Manifest, Report]:
    """FER-2013 as arrays (webp, offsets, image_index, emotion, usage; ferplus_votes), or pixels (n, H, W), label, classes; subject, name.

    duplicates: npz with `duplicate` and `nearest_row` for FER-2013's rows; default the one beside called NAME_duplicates.npz. Rows with a
    copy in another split get a note that names it. Raises SourceMissing, DataError, UsageError where `duplicates` is of other rows.
    """
    draft, store = npz_draft(path, duplicates=duplicates, source=source)
    return examined(draft, store, progress=progress)


def npz_draft(path: Path, *, duplicates: Path | None = None, source: str = "") -> tuple[Draft, Store]:
    """See read_npz; no picture is decoded."""
    if not path.is_file():
        raise SourceMissing(f"{path}: no such file")
    draft = Draft(source or path.stem)
    try:
        with np.load(path) as file:
            keys = set(file.files)
            if keys >= FER_KEYS:
                marks = marks_of(path, duplicates)
                if marks is not None:
                    marks.fit(len(file["emotion"]), path)
                return draft, _fer(draft, file, marks)
            if keys >= PIXEL_KEYS:
                return draft, _pixels(draft, file)
    except UsageError:  # which is a ValueError, too
        raise
    except (OSError, EOFError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    raise DataError(f"{path}: found arrays {', '.join(sorted(keys)) or 'none'}; wanted pixels, label, classes, or FER-2013's")


def is_fer_npz(path: Path) -> bool:
    """Whether an npz holds FER-2013's arrays. Raises DataError where it cannot be read."""
    try:
        with np.load(path) as file:
            return set(file.files) >= FER_KEYS
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None


def _fer(draft: Draft, file: Any, marks: Marks | None) -> Store:
    emotion, usage, index = (file[key].tolist() for key in ("emotion", "usage", "image_index"))
    crowd = Crowd(file["ferplus_votes"].astype(np.int64)) if "ferplus_votes" in file.files else None
    draft.classes |= {(str(split_of(SPLITS[code])), label) for code in set(usage) for label in FER7}
    for row, code in enumerate(emotion):
        if code not in range(len(FER7)):
            draft.report.add(UNKNOWN, f"row {row}", f"emotion {code}; wanted 0..{len(FER7) - 1}")
            continue
        cells = {} if crowd is None else crowd.cells(row)
        said = marks.note(row, draft.report.source) if marks else ""
        cells["note"] = "; ".join(filter(None, (str(cells.get("note", "")), said)))
        draft.add(str(row), row=index[row], label=FER7[code], split=split_of(SPLITS[usage[row]]), **cells)
    return InBlob(file["webp"], file["offsets"])


def _pixels(draft: Draft, file: Any) -> Store:
    pixels, label, classes = file["pixels"], file["label"].tolist(), [str(name) for name in file["classes"]]
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or len(pixels) != len(label):
        raise ValueError(f"pixels {pixels.dtype} {pixels.shape} and {len(label)} labels; wanted uint8 (n, H, W) and n labels")
    names = unlike([str(name) for name in file["name"]]) if "name" in file.files else [str(i) for i in range(len(label))]
    subjects = [str(name) for name in file["subject"]] if "subject" in file.files else [""] * len(label)
    draft.classes |= {("", name) for spelled in classes if (name := canonical(spelled))}
    for row, code in enumerate(label):
        spelled = classes[code] if code in range(len(classes)) else str(code)
        name = canonical(spelled)
        if name is None:
            draft.report.add(UNKNOWN, names[row], f"labelled {spelled!r}, which is no emotion")
        else:
            draft.add(names[row], row=row, label=name, subject=subjects[row])
    return InArray(pixels)
