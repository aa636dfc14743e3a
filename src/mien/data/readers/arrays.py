"""Data sets that are arrays in an npz file: FER-2013 with votes, and pixels with labels, such as CK+ and JAFFE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mien.data.cross_copies import Marks, marks_of
from mien.data.fer import FER7, FER_KEYS, SPLITS, fer_of, unusable
from mien.data.npz import opened
from mien.data.readers.draft import Draft, split_of, unlike
from mien.data.readers.fer_csv import Crowd
from mien.data.readers.report import UNKNOWN
from mien.data.stores import InArray, Store
from mien.errors import DataError
from mien.labels import canonical

PIXEL_KEYS = {"pixels", "label", "classes"}


def npz_draft(path: Path, *, duplicates: Path | None = None, source: str = "") -> tuple[Draft, Store]:
    """FER-2013 as arrays (webp, offsets, image_index, emotion, usage; ferplus_votes), or pixels (n, H, W), label, classes; subject, name.

    duplicates: npz with `duplicate` and `nearest_row` for FER-2013's rows; default the one beside called NAME_duplicates.npz. Rows with a
    copy in another split get a note that names it. Raises SourceMissing, DataError, UsageError where `duplicates` is of other rows.
    """
    draft = Draft(source or path.stem)
    with opened(path) as file:
        keys = set(file.files)
        if keys >= {*FER_KEYS}:
            marks = marks_of(path, duplicates)
            if marks is not None:
                marks.fit(len(file["emotion"]), path)
            return draft, _fer(draft, file, marks)
        if keys >= PIXEL_KEYS:
            return draft, _pixels(draft, file)
    raise DataError(f"{path}: found arrays {', '.join(sorted(keys)) or 'none'}; wanted pixels, label, classes, or FER-2013's")


def is_fer_npz(path: Path) -> bool:
    """Whether an npz holds FER-2013's arrays. Raises SourceMissing, DataError where it cannot be read."""
    with opened(path) as file:
        return set(file.files) >= {*FER_KEYS}


def _fer(draft: Draft, file: Any, marks: Marks | None) -> Store:
    fer = fer_of(file)
    crowd = Crowd(fer.votes) if "ferplus_votes" in file.files else None
    codes = list(zip(fer.emotion.tolist(), fer.usage.tolist(), fer.place.tolist(), strict=True))
    used = [name for code, name in enumerate(SPLITS) if (fer.usage == code).any()]
    draft.classes |= {(str(split_of(name)), label) for name in used for label in FER7}
    for row, (emotion, usage, place) in enumerate(codes):
        if (wrong := unusable(emotion, usage)) is not None:
            draft.report.add(wrong[0], f"row {row}", wrong[1])
            continue
        cells = {} if crowd is None else crowd.cells(row)
        said = marks.note(row, draft.report.source) if marks else ""
        cells["note"] = "; ".join(filter(None, (str(cells.get("note", "")), said)))
        draft.add(str(row), row=place, label=FER7[emotion], split=split_of(SPLITS[usage]), **cells)
    return fer.pictures


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
