"""The form of a competition's answers: `image_path,emotion`, or that of its example."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from mien.data.codes import code_of
from mien.data.readers.tables import LABEL_NAMES, opened
from mien.errors import DataError


@dataclass(frozen=True, slots=True)
class Form:
    """Columns of the answers; the defaults are those of Kaggle's nine-class competition."""

    columns: tuple[str, ...] = ("image_path", "emotion")
    """One for the emotion, and at most one for the picture's name."""
    emotion: str = "emotion"
    """Which of them has the emotion."""
    codes: bool = False
    """Whether it is the code of a label set, not a name."""
    decimals: str = ""
    """What follows each code, such as `.0` where a program wrote them as floats."""
    names: tuple[str, ...] | None = None
    """The pictures in the order of the rows; None where no column names them, or any will do."""
    rows: int | None = None
    """How many rows there are to be; None for any number."""

    @classmethod
    def read(cls, example: Path) -> Form:
        """The form of a competition's example, such as Kaggle's example_submission.csv. Raises SourceMissing, DataError."""
        with opened(example) as table:
            columns = [name.strip() for name in next(table.rows, [])]
            rows = [row for _, row in table if row]
        emotion = next((name for name in columns if name.lower() in LABEL_NAMES), "")
        if not emotion or not len({*columns}) == len(columns) <= 2:
            raise DataError(
                f"{example}: found columns {', '.join(columns) or 'none'}; wanted one of {', '.join(LABEL_NAMES)}, and at most one for the "
                "picture's name"
            )
        if wrong := [number for number, row in enumerate(rows, start=2) if len(row) != len(columns)]:
            raise DataError(f"{example}:{wrong[0]}: {len(rows[wrong[0] - 2])} cells, the header has {len(columns)}")
        told = [row[columns.index(emotion)].strip() for row in rows]
        other = next((i for i, name in enumerate(columns) if name != emotion), None)
        names = None if other is None or not rows else tuple(row[other] for row in rows)
        codes = bool(told) and all(code_of(text) is not None for text in told)
        decimals = "".join(told[0].partition(".")[1:]) if codes else ""
        return cls(tuple(columns), emotion, codes, decimals, names, len(rows) or None)

    def order(self, there: list[str], example: object) -> list[int]:
        """Which of the names there are belong to the rows, in their order, though accents be written otherwise. Raises DataError where they
        are not the same pictures.
        """
        if self.names is None:
            if self.rows not in (None, len(there)):
                raise DataError(f"{example}: {self.rows} rows for {len(there)} pictures; wanted one for each")
            return list(range(len(there)))
        for spelt in (str, _composed):
            place = {spelt(name): i for i, name in enumerate(there)}
            wanted = [spelt(name) for name in self.names]
            if len(place) == len(there) and sorted(wanted) == sorted(place):
                return [place[name] for name in wanted]
        strange = next((name for name in self.names if _composed(name) not in place), None)
        told = f"{len(self.names)} rows for {len(there)} pictures" if strange is None else f"a row for {strange!r}, which is no picture"
        raise DataError(f"{example}: {told}; wanted one for each of the pictures, called as they are, such as {there[0]!r} (--prefix)")


def _composed(name: str) -> str:
    """A name with each accent and its letter as one character, which macOS may part."""
    return unicodedata.normalize("NFC", name)
