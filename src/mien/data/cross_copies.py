"""FER-2013's rows with a copy in another split: the npz that marks them, and the note that a marked row has in a manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.data.manifest import Column
from mien.data.npz import UNREADABLE
from mien.errors import UsageError
from mien.types import Bools

NOTE = "copy in another split"
WANTED = "an npz that marks FER-2013's rows with a copy in another split: duplicate, bool (n,), and nearest_row, int (n,)"


class Marks:
    """Which of FER-2013's rows have a copy in another split, as an npz says.

    path: npz of `duplicate`, bool (n,), and, if known, `nearest_row`, int (n,), the row of the copy. Raises UsageError for anything else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise UsageError(f"duplicates: {path}: no such file; wanted {WANTED}")
        try:
            with path.open("rb") as whole, np.load(whole) as file:  # np.load(path) leaves one open that it cannot read
                self.duplicate: Bools = file["duplicate"]
                nearest = file["nearest_row"] if "nearest_row" in file.files else np.full(len(self.duplicate), -1)
        except UNREADABLE:
            raise UsageError(f"duplicates: {path}: not such a file; wanted {WANTED}") from None
        shape = self.duplicate.shape
        if self.duplicate.dtype != np.bool_ or len(shape) != 1 or nearest.shape != shape or nearest.dtype.kind not in "iu":
            found = f"duplicate {self.duplicate.dtype} {shape}, nearest_row {nearest.dtype} {nearest.shape}"
            raise UsageError(f"duplicates: {path}: found {found}; wanted {WANTED}")
        self._nearest: list[int] = nearest.tolist()

    def fit(self, rows: int, of: Path) -> None:
        """Raise UsageError unless the data at `of` have as many rows: those of another file would be marked at random."""
        if len(self.duplicate) != rows:
            raise UsageError(
                f"duplicates: {self._path} marks {len(self.duplicate)} rows, {of} has {rows}; wanted the same rows in the same order"
            )

    def note(self, row: int, source: str) -> str:
        """What a manifest notes of a row of that source; "" for one without a copy, or beyond the last."""
        if row >= len(self.duplicate) or not self.duplicate[row]:
            return ""
        return NOTE if self._nearest[row] < 0 else f"{NOTE}: {source}/{self._nearest[row]}"


def marks_of(data: Path, given: Path | None) -> Marks | None:
    """The marks for FER-2013 at `data`: those given, else of NAME_duplicates.npz beside it, else None. Raises UsageError."""
    beside = data.with_name(f"{data.stem}_duplicates.npz")
    if given is None and not beside.is_file():
        return None
    return Marks(given or beside)


def noted(notes: Column) -> Bools:
    """bool (n,): the rows of a manifest whose note says that they have a copy in another split. notes: its column, (n,)."""
    return np.asarray(np.char.find(notes.astype(str), NOTE) >= 0, np.bool_)
