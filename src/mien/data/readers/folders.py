"""Data sets that are folders: one per emotion, with or without train and test above; CK+; JAFFE."""

from __future__ import annotations

import re
from pathlib import Path

from mien.data.manifest import Manifest
from mien.data.readers.draft import Draft, examined, split_of
from mien.data.readers.report import BAD_ROW, CORRUPT, OTHER, UNKNOWN, Progress, Report, silent
from mien.errors import DataError, SourceMissing, SourceUnreadable
from mien.io.events import Failure
from mien.io.folders import walk
from mien.io.formats import SUFFIXES
from mien.labels import canonical

CKPLUS_FRAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})")
CKPLUS_CODES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sad", "surprise")
"""Codes of CK+'s Emotion files (Lucey et al. 2010)."""
JAFFE_NAME = re.compile(r"([A-Z]{2})[.-]?(AN|DI|FE|HA|NE|SA|SU)\d?\.\d+")
JAFFE_CODES = {"AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise"}
"""Codes in JAFFE's file names, KA.HA1.29.tiff (Lyons et al. 1998)."""
TABLES = (".csv", ".npz", ".parquet")
"""Files that may be data sets themselves."""
BALANCED = ("manifest.parquet", "balance.json")
"""What lies in the folder that `mien data balance` made."""
CKPLUS_LAST = 3
"""Frames taken from the end of a CK+ sequence, where the expression is at its height; the first frame is taken as neutral."""


def read_folder(path: Path, *, source: str = "", progress: Progress = silent) -> tuple[Manifest, Report]:
    """A folder per emotion, or folders train, val, test with a folder per emotion in each, as FER-2013's 28,709 + 7,178 come.

    The label is the folder's name in any spelling that `labels.canonical` knows. Subjects are taken from file names of CK+ and JAFFE.
    Folders of other names are reported with each of their pictures. Raises DataError where no folder is named after an emotion, and for a
    folder of `mien data balance`,
    SourceMissing, and SourceUnreadable for a file.
    """
    return examined(folder_draft(path, source=source), progress=progress)


def is_ckplus(path: Path) -> bool:
    """Whether a folder is laid out as CK+ is distributed."""
    return (path / "Emotion").is_dir() and (path / "cohn-kanade-images").is_dir()


def is_jaffe(path: Path) -> bool:
    """Whether a folder holds files named as JAFFE's are."""
    return any(JAFFE_NAME.match(p.name) for p in _inside(path) if p.is_file())


def folder_draft(path: Path, *, source: str = "") -> Draft:
    """See read_folder; no picture is opened."""
    _refuse_balanced(path)
    draft = Draft(source or path.resolve().name)
    folders = _folders(path)
    splits = {p: name for p in folders if (name := split_of(p.name)) and canonical(p.name) is None and _folders(p)}
    for folder in folders:
        for class_folder in _folders(folder) if folder in splits else [folder]:
            _class(draft, path, class_folder, splits.get(folder, ""))
    if not draft.classes:
        names = ", ".join(p.name for p in folders[:12]) or "none"
        tables = [p.name for p in _inside(path) if p.suffix.lower() in TABLES and p.is_file()]
        hint = f"; if the data set is a file in it, give that: {', '.join(tables[:12])}" if tables else ""
        raise DataError(f"{path}: no pictures in folders named after emotions; found folders {names}{hint}")
    return draft


def _refuse_balanced(path: Path) -> None:
    """Raise DataError for what `mien data balance` made: which picture was made from which, only the manifest beside it says, and without
    that a picture and its copies would be trained on and judged by."""
    for folder in (path, path.resolve().parent):
        if all((folder / name).is_file() for name in BALANCED):
            raise DataError(
                f"{path}: made by mien data balance, with pictures that were generated from others; give {folder / BALANCED[0]}, which "
                "says from which, so that both stay on one side of a split"
            )


def jaffe_draft(path: Path, *, source: str = "") -> Draft:
    """JAFFE as it is distributed: one folder of files such as KA.HA1.29.tiff, which name subject and emotion."""
    draft = Draft(source or path.resolve().name)
    for file in _pictures(draft, path):
        found = JAFFE_NAME.match(file.name)
        if found is None:
            draft.report.add(UNKNOWN, file, "the file's name does not tell subject and emotion as JAFFE's do")
            continue
        label = JAFFE_CODES[found[2]]
        draft.classes.add(("", label))
        draft.add(file.relative_to(path).as_posix(), path=str(file), label=label, subject=found[1])
    return draft


def ckplus_draft(path: Path, *, source: str = "") -> Draft:
    """CK+ as it is distributed: cohn-kanade-images/S005/001/*.png and Emotion/S005/001/*_emotion.txt.

    Of each sequence with a label the last three frames are taken, and the first one as neutral; the others are left out.
    """
    draft = Draft(source or path.resolve().name)
    images = path / "cohn-kanade-images"
    for file in sorted((path / "Emotion").rglob("*_emotion.txt")):
        label = _ckplus_label(file)
        folder = images / file.parent.relative_to(path / "Emotion")
        frames = sorted(p for p in (folder.iterdir() if folder.is_dir() else ()) if CKPLUS_FRAME.fullmatch(p.stem) and _is_picture(p))
        if label is None or len(frames) <= CKPLUS_LAST:
            why = "no code 0..7 in it" if label is None else f"{len(frames)} frames in {folder}; wanted more than {CKPLUS_LAST}"
            draft.report.add(UNKNOWN if label is None else BAD_ROW, file, why)
            continue
        for frame, shown in [(frames[0], "neutral"), *((frame, label) for frame in frames[-CKPLUS_LAST:])]:
            draft.classes.add(("", shown))
            draft.add(frame.relative_to(images).as_posix(), path=str(frame), label=shown, subject=frame.stem[:4])
    return draft


def _ckplus_label(file: Path) -> str | None:
    try:
        code = float(file.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return CKPLUS_CODES[int(code)] if code in range(len(CKPLUS_CODES)) else None


def _class(draft: Draft, root: Path, folder: Path, split: str) -> None:
    label = canonical(folder.name)
    if label is not None:
        draft.classes.add((split, label))
    for file in _pictures(draft, folder):
        if label is None:
            draft.report.add(UNKNOWN, file, f"in the folder {folder.name!r}, which is not named after an emotion")
        else:
            subject = subject_of(file.name)
            draft.add(file.relative_to(root).as_posix(), path=str(file), label=label, split=split, subject=subject)


def subject_of(name: str) -> str:
    """The person that a file's name tells of, as CK+'s and JAFFE's do; else ""."""
    found = CKPLUS_FRAME.match(name) or JAFFE_NAME.match(name)
    return found[1] if found else ""


def _folders(path: Path) -> list[Path]:
    return [p for p in _inside(path) if p.is_dir() and not p.name.startswith(".")]


def _inside(folder: Path) -> list[Path]:
    """What lies in a folder, by name. Raises SourceMissing, and SourceUnreadable for a file or what may not be seen."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        raise SourceMissing(f"{folder}: no such folder") from None
    except NotADirectoryError:
        raise SourceUnreadable(f"{folder}: a file, wanted a folder that has a folder for each emotion") from None
    except OSError as error:
        raise SourceUnreadable(f"{folder}: the folder cannot be read ({error.strerror or error})") from None


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _pictures(draft: Draft, folder: Path) -> list[Path]:
    """Picture files of a folder and those below; the others are reported."""
    found: list[Path] = []
    for name in walk(str(folder), wanted=lambda _: True):
        if isinstance(name, Failure):
            draft.report.add(CORRUPT, name.source, str(name.error))
        elif _is_picture(Path(name)):
            found.append(Path(name))
        else:
            draft.report.add(OTHER, name, "its name does not end as a picture's")
    return found
