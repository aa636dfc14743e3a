"""Valence and arousal as a data set gives them: those on -1..1 are taken, those on another scale are refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.errors import DataError
from mien.types import Bools, Floats

AXES = ("valence", "arousal")
NONE = -2.0
"""What AffectNet gives for both where there are none."""
STRAY = 0.05
"""Share of a column that may lie outside and be taken for slips. Of ratings on 1..7 or 0..100 nearly all lie outside, of some on -5..5
most; one slip among few rows looks the same, and is refused as well rather than trained on."""
ROUNDING = 1e-3
"""How far outside of -1..1 a number may lie by how a program computed or wrote it."""
WANTED = "wanted -1..1; values on 1..7 are (x - 4) / 3, on 1..9 (x - 5) / 4"


def without_none(affect: Floats) -> Floats:
    """Valence and arousal, float32 (n, 2), NaN in place of NONE on both axes, or on one where the other has nothing."""
    none = affect == NONE
    return np.where(none & (none | np.isnan(affect)).all(axis=1, keepdims=True), np.float32(np.nan), affect)


def without_rounding(affect: Floats) -> Floats:
    """Valence and arousal, float32, with -1 or 1 for what lies outside by no more than ROUNDING."""
    edge = np.clip(affect, -1, 1)
    return np.where(np.abs(affect - edge) <= np.float32(ROUNDING), edge, affect)


def outside(affect: Floats) -> Bools:
    """bool (n, 2): numbers outside -1..1, infinite ones too; NaN stands for none and is not."""
    return np.asarray(np.abs(affect) > 1)


def on_scale(affect: Sequence[tuple[float, float]] | Floats, name: str) -> tuple[Floats, dict[int, str]]:
    """Valence and arousal of a table's rows, float32 (n, 2) with NaN for none, and of the rows that have another number why not.

    affect: a row each, NaN where a cell is none; NONE stands for none, see without_none. name: of the table, for the message.
    Raises DataError where more than STRAY of a column lies outside -1..1: it is on another scale.
    """
    with np.errstate(over="ignore"):  # 1e40 is infinite then, and outside as well
        given = without_rounding(without_none(np.array(affect, np.float64).reshape(-1, 2).astype(np.float32)))
    wrong = outside(given)
    for axis, values, out in zip(AXES, given.T, wrong.T, strict=True):
        known = int((~np.isnan(values)).sum())
        if out.sum() > STRAY * known:
            raise DataError(f"{name}: {axis} {values[out][0]:g} ({out.sum():,} of {known:,} values outside); {WANTED}")
    return given, {row: f"{told(given[row])}; wanted -1..1" for row in np.flatnonzero(wrong.any(axis=1)).tolist()}


def told(values: Floats) -> str:
    """Of one row's valence and arousal, float32 (2,), that or those which lie outside."""
    return ", ".join(f"{axis} {value:g}" for axis, value in zip(AXES, values.tolist(), strict=True) if abs(value) > 1)
