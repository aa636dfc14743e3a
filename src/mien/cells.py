"""What the cells of a table say: as mien writes them, and as pandas, R and spreadsheets do that opened the table and saved it again."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

EMPTY = ("", "na", "nan", "none", "null", "n/a", "#n/a", "<na>")
"""Words for a cell without a value, in lower case; R writes NA."""
TRUTHS: dict[Any, bool] = {
    True: True,  # and 1 and 1.0, which are equal to it
    False: False,
    None: False,
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0", *EMPTY), False),
    # Spreadsheets say it in their own language.
    **dict.fromkeys(("истина", "wahr", "vrai", "verdadero", "vero", "verdadeiro", "waar", "prawda"), True),
    **dict.fromkeys(("ложь", "falsch", "faux", "falso", "onwaar", "fałsz"), False),
}
SEPARATOR = re.compile(r"sep=([,;\t|])\r?\n?", re.IGNORECASE)
"""A line above the head, by which spreadsheets tell each other what parts cells."""
DECIMAL_COMMA = re.compile(r"-?\d*,\d+(?:[eE][-+]?\d+)?")
"""A number as spreadsheets write it in countries where a comma parts whole from fraction, and semicolons part cells."""


@contextmanager
def opened_csv(path: Path) -> Iterator[TextIO]:
    """A CSV, or a pipe of one, as text: in UTF-8, or in UTF-16 where its mark says so, as of what spreadsheets save as Unicode text.

    Raises OSError, and ValueError, also while it is read, for text of another encoding.
    """
    with path.open("rb") as file:
        try:
            yield io.TextIOWrapper(file, encoding="utf-16" if is_utf16(file) else "utf-8-sig", newline="")
        except UnicodeDecodeError:
            raise ValueError("no text in UTF-8; save it again as that (spreadsheets call it CSV UTF-8)") from None


def is_utf16(file: io.BufferedReader) -> bool:
    """Whether a file that is read from its beginning has the mark of UTF-16, as what PowerShell 5 writes by `>`."""
    return file.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class CsvRows:
    """Rows of a CSV with its head first; what parts cells is told by a line `sep=` above the head, or seen in the head: commas, semicolons
    or tabs."""

    def __init__(self, file: TextIO) -> None:
        first = file.readline()
        told = SEPARATOR.fullmatch(first)
        mark = told[1] if told else next((mark for mark in ",;\t" if mark in first), ",")
        self.rows = csv.reader(chain([first], file), delimiter=mark)
        self.mark = mark
        """What parts cells."""
        self.decimal_commas = mark != ","
        """Whether 0,5 may be there for 0.5."""
        if told:
            next(self.rows)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Rows with the number of their (last) line."""
        for row in self.rows:
            yield self.rows.line_num, row


def truth(value: Any) -> bool:
    """A cell of true or false; false where it is empty, as in rows without a face. Raises ValueError."""
    found = TRUTHS.get(value)
    if found is None:
        found = TRUTHS.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"found {value!r}, wanted true or false")
    return found


def whole(value: Any) -> int:
    """A cell of a whole number, which pandas writes as 3.0 where others of the column are empty; -1 where it is. Raises ValueError."""
    try:
        return -1 if value is None or value == "" else _exactly(value)
    except (ValueError, TypeError):  # the latter of pandas.NA too, of which nothing can be asked
        if is_empty(value):
            return -1
        raise ValueError(f"found {value!r}, wanted a whole number") from None


def number(value: Any) -> float:
    """A cell of a number; NaN where it is empty. Raises ValueError."""
    try:
        return math.nan if value is None or value == "" else float(value)
    except (ValueError, TypeError):
        if is_empty(value):
            return math.nan
        raise ValueError(f"found {value!r}, wanted a number") from None


def text(value: Any) -> str:
    """A cell of words; "" where it is empty."""
    return "" if value is None or is_empty(value) else str(value)


def is_empty(value: Any) -> bool:
    """Whether a cell has no value."""
    return str(value).strip().lower() in EMPTY


def with_point(value: str) -> str:
    """A number with a decimal comma with a decimal point; anything else as it is."""
    return value.replace(",", ".") if DECIMAL_COMMA.fullmatch(value) else value


def _exactly(value: Any) -> int:
    if isinstance(value, int) or (isinstance(value, str) and "." not in value):
        return int(value)
    found = float(value)
    if not found.is_integer():  # of NaN too
        raise ValueError
    return int(found)


CELLS: dict[type, Callable[[Any], Any]] = {str: text, int: whole, float: number, bool: truth}
"""Kind of a column -> what reads a cell of it."""
