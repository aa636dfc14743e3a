"""Line charts in braille characters: eight dots a character, so that a curve fits into a few lines of a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mien.types import Bools

BLANK = 0x2800
BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Unicode's number for each dot of a character, rows by columns."""


def dots(parts: Sequence[tuple[float, float]], *, columns: int, rows: int, dotted: bool = False) -> Bools:
    """A line through points as dots, bool (4 rows, 2 columns).

    parts: (across, up) of each point, both 0..1; NaN breaks the line. dotted: shows two dots of four across.
    """
    wide, high = 2 * columns, 4 * rows
    found = np.zeros((high, wide), np.bool_)
    before: tuple[int, int] | None = None
    for across, up in parts:
        if not (math.isfinite(across) and math.isfinite(up)):
            before = None
            continue
        spot = round(across * (wide - 1)), round((1 - up) * (high - 1))
        (x0, y0), (x1, y1) = before or spot, spot
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        xs = np.rint(np.linspace(x0, x1, steps + 1)).astype(int)
        ys = np.rint(np.linspace(y0, y1, steps + 1)).astype(int)
        found[ys.clip(0, high - 1), xs.clip(0, wide - 1)] = True
        before = spot
    if dotted and len(parts) > 1:
        found[:, np.arange(wide) % 4 >= 2] = False
    return found


def characters(found: Bools) -> list[str]:
    """Dots, bool (4 rows, 2 columns), as lines of braille characters."""
    high, wide = found.shape
    cells = found.reshape(high // 4, 4, wide // 2, 2).transpose(0, 2, 1, 3)
    return ["".join(chr(BLANK + int(code)) for code in line) for line in (cells * BITS).sum(axis=(2, 3))]
