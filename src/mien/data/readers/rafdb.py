"""RAF-DB's basic emotions as distributed: EmoLabel/list_patition_label.txt, and the pictures in Image/aligned or Image/original."""

from __future__ import annotations

from pathlib import Path

from mien.data.codes import Codes
from mien.data.readers.draft import Draft, split_of, strange_split
from mien.data.readers.report import BAD_ROW, UNKNOWN
from mien.errors import DataError

LIST = Path("EmoLabel", "list_patition_label.txt")  # spelled so by its makers
FORMS = (("aligned", "_aligned"), ("original", ""))
"""Folders of Image, and what is added there to the names of the list. The first that is there is taken."""


def is_rafdb(path: Path) -> bool:
    """Whether a folder is laid out as RAF-DB is distributed."""
    return _root(path) is not None


def rafdb_draft(path: Path, *, source: str = "") -> Draft:
    """RAF-DB's basic emotions (Li, Deng & Du 2017): a line `train_00001.jpg 5` a picture, codes of the label set `rafdb7`.

    The aligned faces are taken where they are there, else the photos. The split is told by the name: train or test. path: the folder of
    EmoLabel and Image, which is called `basic` in the archive, or the one above. Raises DataError.
    """
    draft = Draft(source or path.resolve().name)
    root = _root(path)
    if root is None:
        raise DataError(f"{path}: no {LIST.as_posix()} in it; wanted RAF-DB as distributed")
    there = [(root / "Image" / folder, ending) for folder, ending in FORMS if (root / "Image" / folder).is_dir()]
    if not there:
        raise DataError(f"{root}: no folder Image/aligned or Image/original beside {LIST.as_posix()}; unpack one of them")
    folder, ending = there[0]
    codes = Codes("rafdb7")
    try:
        lines = (root / LIST).read_text("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{root / LIST}: cannot be read ({error})") from None
    for number, line in enumerate(lines, start=1):
        name, _, told = line.strip().partition(" ")
        if not name:
            continue
        label, split = codes.label(told.strip()), split_of(name.partition("_")[0])
        if label is None:
            draft.report.add(UNKNOWN, f"{LIST.name}:{number}", codes.why_not(told.strip()))
        elif split is None:
            draft.report.add(BAD_ROW, f"{LIST.name}:{number}", strange_split(name.partition("_")[0]))
        else:
            stem, dot, suffix = name.rpartition(".")
            draft.classes.add((split, label))
            draft.add(name, path=str(folder / f"{stem}{ending}{dot}{suffix}"), label=label, split=split)
    if wrong := codes.wrong():
        raise DataError(f"{root / LIST}: {wrong}")
    return draft


def _root(path: Path) -> Path | None:
    return next((root for root in (path, path / "basic") if (root / LIST).is_file()), None)
