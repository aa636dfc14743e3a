"""The form of a competition's answers: `image_path,emotion`, or that of its example."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mien.data.codes import code_of, codes_of
from mien.data.readers.tables import LABEL_NAMES, opened
from mien.errors import DataError
from mien.labels import LABEL_SETS, canonical

WAYS = (str.capitalize, str.upper)
"""How names may be written, other than mien writes them."""


@dataclass(frozen=True, slots=True)
class Form:
    """Columns of the answers; the defaults are those of Kaggle's nine-class competition."""

    columns: tuple[str, ...] = ("image_path", "emotion")
    """One for the emotion, and at most one for the picture's name."""
    emotion: str = "emotion"
    """Which of them has the emotion."""
    codes: bool = False
    """Whether it is the code of a label set, not a name."""
    shown: Counter[int] = field(default_factory=Counter)
    """Codes that the example has, and in how many rows."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """How the example writes labels, where it has names: mien's name -> its."""
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
        shown = Counter(code for text in told if (code := code_of(text)) is not None)
        codes = bool(told) and shown.total() == len(told)
        decimals = "".join(told[0].partition(".")[1:]) if codes else ""
        spellings = {} if codes else _spellings(told, example)
        return cls(tuple(columns), emotion, codes, shown if codes else Counter(), spellings, decimals, names, len(rows) or None)

    def check_codes(self, labels: str, example: object) -> None:
        """Raise DataError where the example has codes that the set of labels has not: counted from another number, each answer would be
        its neighbour's. Codes below 0 stand for no answer yet.
        """
        codes = codes_of(labels)
        if strange := sorted(code for code in self.shown if code >= 0 and code not in codes):
            raise DataError(
                f"{example}: answer {strange[0]} in {self.shown[strange[0]]:,} of {self.shown.total():,} rows"
                f"{f', and {len(strange) - 1} others' if strange[1:] else ''}; {labels} has {codes[0]}..{codes[-1]}; wanted --labels with "
                "the set whose codes they are, or an example with codes of this one: counted from another number, each answer would be "
                "its neighbour's"
            )

    def spelt(self, label: str) -> str:
        """A label as the example writes it; one that it does not show is mien's name, in capitals where all that it shows are."""
        return self.spellings.get(label) or self._way(label)

    def guessed(self, labels: Iterable[str]) -> list[str]:
        """Those whose spelling the example does not show, where it writes others otherwise than mien."""
        own = all(label == spelling for label, spelling in self.spellings.items())
        return [] if own else [label for label in labels if label not in self.spellings]

    def answer(self, label: str, labels: str) -> str:
        """The cell of a label. labels: the set whose codes a form with codes has."""
        return f"{codes_of(labels)[LABEL_SETS[labels].index(label)]}{self.decimals}" if self.codes else self.spelt(label)

    def _way(self, label: str) -> str:
        found = (way for way in WAYS if self.spellings and all(way(spelling) == spelling for spelling in self.spellings.values()))
        return next(found, str)(label)

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


def _spellings(told: Sequence[str], example: object) -> dict[str, str]:
    """How each label is written that is among the answers of an example. Raises DataError for two spellings of one."""
    found: dict[str, str] = {}
    for text in dict.fromkeys(told):
        if (label := canonical(text)) and found.setdefault(label, text) != text:
            raise DataError(f"{example}: {label} is written {found[label]!r} and {text!r}; wanted one spelling of each label")
    return found


def _composed(name: str) -> str:
    """A name with each accent and its letter as one character, which macOS may part."""
    return unicodedata.normalize("NFC", name)
