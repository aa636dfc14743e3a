"""Emotions that a data set gives by name, or as codes of a label set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from mien.labels import FIRST_CODES, LABEL_SETS, canonical, label_set

SLIPS = 0.05
"""Share of rows with a code that the set does not have, up to which it may be a slip."""
OTHER_CODES = {"affectnet8": (8, 9, 10)}
"""Codes behind the last that a data set has for what is no emotion of its set: none of the eight, uncertain, no face."""


class Codes:
    """What the cells of one table say of emotions. labels: the set whose codes may be there; "" for names alone. Raises UnknownName."""

    def __init__(self, labels: str = "") -> None:
        self._set, self._labels = labels, label_set(labels) if labels else ()
        self.seen: Counter[int] = Counter()
        """How often each code was met, also those that the set does not have."""

    def label(self, text: str) -> str | None:
        """mien's name for a cell, such as `3`, `3.0` or `happy`; None where it is no emotion."""
        code = code_of(text) if self._labels else None
        if code is None:
            return canonical(text)
        self.seen[code] += 1
        return self._labels[code - codes_of(self._set).start] if code in codes_of(self._set) else None

    def why_not(self, text: str) -> str:
        """Why a cell is no emotion."""
        if self._labels:
            codes = codes_of(self._set)
            return f"emotion {text!r}; wanted {codes[0]}..{codes[-1]}, or a name"
        more = f"; mien data import --labels says what codes mean: {', '.join(LABEL_SETS)}" if code_of(text) is not None else ""
        return f"labelled {text!r}, which is no emotion{more}"

    def wrong(self) -> str:
        """Why the codes cannot be those of the set, see `shifted`."""
        why = shifted(self.seen, self._set) if self._labels else ""
        return why and f"{why}, or give the set whose codes they are (--labels)"


def codes_of(labels: str) -> range:
    """The codes of a label set, in its order."""
    first = FIRST_CODES.get(labels, 0)
    return range(first, first + len(LABEL_SETS[labels]))


def shifted(seen: Mapping[int, int], labels: str) -> str:
    """A line where codes are counted from another number than those of the set, so that each would get its neighbour's label; else "".

    seen: code -> rows. That is so where the one behind the last is the highest of them and the first is missing; or the other way round.
    A few slips look the same in a table without the first class: they count where most of the codes were met, or in more than SLIPS of
    the rows.
    """
    codes = codes_of(labels)
    if not seen:
        return ""
    low, high = min(seen), max(seen)
    if low > codes[0] and high == codes[-1] + 1 and high not in OTHER_CODES.get(labels, ()):
        odd, by, mend = high, 1, "Take 1 from"
    elif 0 < codes[0] == low + 1 and high < codes[-1]:
        odd, by, mend = low, -1, "Add 1 to"
    else:
        return ""
    rows = sum(seen.values())
    if 2 * len(seen) <= len(codes) and seen[odd] <= SLIPS * rows:
        return ""
    return (
        f"codes {low}..{high} found, {odd} in {seen[odd]:,} of {rows:,} rows; {labels} has {codes[0]}..{codes[-1]}; counted from "
        f"{codes[0] + by}? {mend} each; if not, mend these rows"
    )


def code_of(text: str) -> int | None:
    """The code that a cell is, such as `3` or `3.0`; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None
