"""Sequences cut from the crops of a clip. A still that is repeated is not a sequence, so nothing is padded or repeated."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mien.errors import DataError, UsageError
from mien.types import Image, Ints


def window_starts(
    times: ArrayLike, *, window: int = 8, stride: int = 4, spacing: int = 1, most_gap: float = 0.5, persons: ArrayLike | None = None
) -> Ints:
    """Where the windows begin that hold one person without a break.

    Args:
        times: of the crops in seconds, (m,), rising within each person.
        window: crops in a sequence, 2 or more.
        stride: crops from one window's beginning to the next one's.
        spacing: crops from one of a window to the next: 2 takes every second one.
        most_gap: seconds; a window with a longer pause between two neighbouring crops is left out (a cut, or a face lost).
        persons: of the crops, (m,); windows with two persons are left out. Sort the crops by person first.

    Returns:
        int64 (k,), indices of the first crops; none for a clip that is too short. Raises UsageError for settings that make no
        sense and DataError for times and persons of different lengths.
    """
    if window < 2 or stride < 1 or spacing < 1:
        raise UsageError(f"windows: found window {window}, stride {stride}, spacing {spacing}; wanted 2 or more, and 1 or more")
    seconds = np.asarray(times, np.float64)
    who = np.zeros(len(seconds), np.int64) if persons is None else np.asarray(persons)
    if seconds.ndim != 1 or who.shape != seconds.shape:
        raise DataError(f"windows: found times {seconds.shape} and persons {who.shape}; wanted one of each for each crop")
    span = (window - 1) * spacing
    starts = np.arange(0, len(seconds) - span, stride)
    steps = np.diff(seconds)
    broken = ~((steps > 0) & (steps <= most_gap)) | (who[1:] != who[:-1])
    before = np.concatenate([[0], np.cumsum(broken)])
    return np.asarray(starts[before[starts + span] == before[starts]], np.int64)


def cut_windows(crops: Image, starts: Ints, *, window: int = 8, spacing: int = 1) -> Image:
    """Sequences uint8 (k, window, S, S, c) of crops uint8 (m, S, S, c), one from each start; label them by `starts`' last crops."""
    return crops[np.asarray(starts)[:, None] + np.arange(window) * spacing]
