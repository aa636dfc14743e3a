"""Lines and runs for charts: few enough points to draw, each the mean of a span of time that is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mien.timeline import Timeline
from mien.timing import Clock, Numbers
from mien.types import Ints

MOST_POINTS = 600
"""Points of a line; more than a screen has pixels to tell apart."""
MOST_RUN_CELLS = 1200
"""Cells in time of one person's line."""
LEAST_SHARE = 1e-6
"""Share of a bin below which a frame is not in it: it ends at the bin's edge but for rounding."""

ABSENT, UNSURE = -2, -1
"""States of a person in a frame that are no emotion."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values over time."""

    times: Numbers
    """float64 (m,): seconds; of a frame, or the middle of a bin."""
    values: dict[str, Numbers]
    """Column -> float64 (m,): mean over the rows there, by their time; NaN where there are none, which is a gap in the line."""
    bin_seconds: float
    """Width of a bin, seconds; 0 where every frame has its own point."""

    def lone(self, name: str) -> Ints:
        """int64: the points of a column that have a gap on both sides, so that no line shows them."""
        on = np.concatenate([[False], np.isfinite(self.values[name]), [False]])
        return np.flatnonzero(on[1:-1] & ~on[:-2] & ~on[2:])


@dataclass(frozen=True, slots=True)
class Run:
    """A span in which a person keeps one label, or stays unsure."""

    state: str
    """The emotion; empty for unsure."""
    start: float
    end: float
    """Seconds."""


def series(timeline: Timeline, clock: Clock, rows: Ints, names: Sequence[str], *, most: int = MOST_POINTS) -> Series:
    """Means of some columns over time, at the frames of a source or, where these are too many, in bins of equal width.

    A row counts in a bin for as long as its frame lasts there, so that the means of bins are means over time as the page's numbers are.
    rows: int64, the rows that count; other frames of the source are gaps, and rows without a time have no place. names: columns of numbers,
    or `unsure`.
    """
    rows = rows[np.isin(rows, clock.rows)]
    frames = clock.position(timeline["frame"][rows])
    if len(clock.times) <= most:
        times, width = clock.times, 0.0
        row, cells, weights = np.arange(len(rows)), frames, np.ones(len(rows))
    else:
        width = clock.duration / most
        times = clock.times[0] + width * (np.arange(most) + 0.5)
        starts = clock.times[frames] - clock.times[0]
        row, cells, weights = _shared(starts, starts + clock.lasts[frames], width, most)
    values = {}
    for name in names:
        column = np.asarray(timeline[name][rows], np.float64)[row]
        here = np.isfinite(column)
        weight = np.bincount(cells[here], weights=weights[here], minlength=len(times))
        total = np.bincount(cells[here], weights=weights[here] * column[here], minlength=len(times))
        values[name] = np.divide(total, weight, out=np.full(len(times), np.nan), where=weight > 0)
    return Series(times, values, width)


def _shared(starts: Numbers, ends: Numbers, width: float, most: int) -> tuple[Ints, Ints, Numbers]:
    """Each bin that a span of time lies in: int64 the span, int64 the bin, float64 the seconds of the one that are in the other.

    starts, ends: float64 (n,), seconds from the beginning of the first of `most` bins of that width.
    """
    first, last = (np.minimum((times / width).astype(np.int64), most - 1) for times in (starts, ends))
    counts = last - first + 1
    span = np.repeat(np.arange(len(starts)), counts)
    bins = first[span] + np.arange(len(span)) - np.repeat(np.cumsum(counts) - counts, counts)
    inside = np.minimum(ends[span], (bins + 1) * width) - np.maximum(starts[span], bins * width)
    there = inside > LEAST_SHARE * width
    return span[there], bins[there], inside[there]


def runs(timeline: Timeline, clock: Clock, rows: Ints, labels: Sequence[str], *, most: int = MOST_RUN_CELLS) -> list[Run]:
    """What one person showed when, as spans in order. Where frames are too many, the state that lasts longest in a cell stands for it.

    rows: int64, the person's rows. labels: the emotions; a row with another label counts as unsure.
    """
    where = {name: k for k, name in enumerate(labels)}
    states = np.full(len(clock.times), ABSENT)
    part = timeline.where(rows)
    states[clock.position(part["frame"])] = [
        UNSURE if unsure else where.get(name, UNSURE)
        for name, unsure in zip(part["emotion"].tolist(), part["unsure"].tolist(), strict=True)
    ]
    starts, ends = clock.times, clock.times + clock.lasts
    if len(states) > most:
        first, width = clock.times[0], clock.duration / most
        cells = np.minimum(((clock.times - first) / width).astype(np.int64), most - 1)
        shown = np.zeros((most, len(labels) + 2))
        np.add.at(shown, (cells, states - ABSENT), clock.lasts)
        starts = first + width * np.arange(most)
        middles = starts + width / 2
        before = np.searchsorted(clock.times, middles, side="right") - 1
        # A cell in which no frame begins has the state of the one that still lasts, and else is a hole.
        lasting = np.where(middles < ends[before], states[before], ABSENT)
        states = np.where(np.bincount(cells, minlength=most) > 0, shown.argmax(axis=1) + ABSENT, lasting)
        ends = starts + width
    whole = starts[1:] - ends[:-1] <= 1e-6
    breaks = np.flatnonzero((states[1:] != states[:-1]) | ~whole) + 1
    edges = [0, *breaks.tolist(), len(states)]
    return [
        Run("" if states[a] == UNSURE else labels[states[a]], float(starts[a]), float(ends[b - 1]))
        for a, b in pairwise(edges)
        if states[a] != ABSENT
    ]
