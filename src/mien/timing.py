"""When things happen in a table: which sources have a clock, how long each frame lasts, how many frames are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.timeline import Timeline
from mien.types import Ints

Numbers = NDArray[np.float64]

GAP = 5.0
"""A frame lasts until the next one, but no longer than this many usual intervals: what is longer is a hole in the recording."""
PAUSE = 2.0
"""Where no frame number is missing, a frame may last this many seconds though that is more than `GAP` allows: a recording of
variable frame rate is slow in parts, but seldom below a frame in two seconds. What is longer is taken for a pause of the recording."""
REGULAR = 0.9
"""Share of steps between frame numbers that must be alike for a source to count as sampled on purpose."""
IN_STEP = 0.2
"""Steps longer than 1 are from sampling where the spans between them vary less than this, by the variance that they have by chance."""
LEAST_SPANS = 6
"""Of such spans; fewer are too often alike by chance."""


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """The frames of one source that has times."""

    source: str
    rows: Ints
    """int64 (n,): positions of the source's rows in the timeline."""
    frames: Ints
    """int64 (m,): frame numbers, each once, in order of time."""
    times: Numbers
    """float64 (m,): seconds."""
    lasts: Numbers
    """float64 (m,): seconds that each frame lasts."""

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return float(self.times[-1] - self.times[0] + self.lasts[-1])

    def position(self, frames: Ints) -> Ints:
        """Positions of frame numbers in `frames`, int64 of the same shape."""
        order = np.argsort(self.frames)
        return order[np.searchsorted(self.frames, frames, sorter=order)]


@dataclass(frozen=True, slots=True)
class Rate:
    """How the frames of a source follow each other."""

    source: str
    frames: int
    """Frames in the table."""
    duration: float
    """Seconds from the first frame to the end of the last."""
    per_second: float
    """Frames in the table a second."""
    source_per_second: float
    """Frames of the source a second, by their numbers."""
    spanned: int
    """Frames that the source had from the first to the last in the table."""
    left_out: int
    """Of these, how many are not in the table."""
    step: float
    """Usual step from one frame number to the next: 1 when every frame is read, 2.4 for ten samples a second of 24 frames."""
    dropped: int
    """Samples missing beyond the usual step."""
    longest_gap: float
    """Longest time between two frames, seconds."""


def sources(timeline: Timeline) -> list[str]:
    """Names of the sources in the order in which they come."""
    return list(dict.fromkeys(timeline["source"].tolist()))


def clocks(timeline: Timeline) -> list[Clock]:
    """The clock of each source that has one: two frames or more at different times. Pictures have none."""
    return [clock for source, rows in _by_source(timeline) if (clock := _clock(timeline, source, rows)) is not None]


def _by_source(timeline: Timeline) -> Iterator[tuple[str, Ints]]:
    places: dict[str, list[int]] = {}
    for i, source in enumerate(timeline["source"].tolist()):
        places.setdefault(source, []).append(i)
    for source, rows in places.items():
        yield source, np.array(rows, np.int64)


def _clock(timeline: Timeline, source: str, rows: Ints) -> Clock | None:
    own = timeline["frame"][rows]
    if own.min() == own.max():  # a picture, of which there may be a million
        return None
    rows = rows[np.isfinite(timeline["time_s"][rows]) & (timeline["frame"][rows] >= 0)]
    frames, first = np.unique(timeline["frame"][rows], return_index=True)
    times = np.asarray(timeline["time_s"][rows][first], np.float64)
    order = np.argsort(times, kind="stable")
    frames, times = frames[order], times[order]
    if len(times) < 2 or times[0] == times[-1]:
        return None
    steps = np.diff(times)
    usual = float(np.median(steps[steps > 0]))
    whole = _missing(np.diff(frames), _usual_step(frames)) == 0
    most = np.where(whole, max(GAP * usual, PAUSE), GAP * usual)
    return Clock(source, rows, frames, times, np.append(np.minimum(steps, most), usual))


def _usual_step(frames: Ints) -> float:
    """The step from frame number to frame number that was asked for: the mean where nearly all are alike, or 1 where they differ.

    Sampling by the clock at a rate that does not divide the source's has steps of k and k + 1, whose mean is what was asked for.
    """
    steps = np.diff(np.sort(frames))
    usual = round(float(np.median(steps)))
    alike = np.abs(steps - usual) <= 1
    if np.mean(alike) < REGULAR or not (usual > 1 or _in_step(np.flatnonzero(steps > 1))):
        return 1.0
    # By the clock steps are of two lengths; where they are of three, something is slow now and then, and no mean was asked for.
    return float(np.mean(steps[alike])) if len(np.unique(steps[alike])) < 3 else float(usual)


def _in_step(places: Ints) -> bool:
    """Whether what lies at these places, int64 (n,), comes at even spans, as from sampling, rather than by chance, as what a camera loses.

    The longer of two steps of a sampling come after k or k + 1 others, as a line drawn in pixels has its longer runs; what is lost by
    chance after spans of any length, with the variance of a geometric distribution.
    """
    spans = np.diff(places)
    return len(spans) >= LEAST_SPANS and bool(spans.var() < IN_STEP * spans.mean() * (spans.mean() - 1))


def _missing(steps: Ints, usual: float) -> Ints:
    """int64 (n,): how many samples are missing in steps between frame numbers, beyond the usual one.

    None in a step of the next whole number: such are among the usual ones. So from a usual step below 2 a lost sample is only told where
    that leaves 3 frames or more.
    """
    return np.where(steps < usual + 1, 0, np.round(steps / usual).astype(np.int64) - 1)


def row_seconds(timeline: Timeline, known: list[Clock]) -> Numbers:
    """float64 (n,): how long the frame of each row lasted, seconds; NaN where its source has no clock."""
    seconds = np.full(len(timeline), np.nan)
    for clock in known:
        seconds[clock.rows] = clock.lasts[clock.position(timeline["frame"][clock.rows])]
    return seconds


def rate(clock: Clock) -> Rate:
    """Frame rate and missing frames of a source.

    Frame numbers are the source's own, so a frame that was skipped or dropped leaves a gap. Where nearly all steps are alike, or
    come in turn, they are taken for sampling that was asked for, and only what is missing beyond counts as dropped.
    """
    frames = np.sort(clock.frames)
    spanned = int(frames[-1] - frames[0]) + 1
    step = _usual_step(frames)
    span = float(clock.times[-1] - clock.times[0])
    return Rate(
        source=clock.source,
        frames=len(frames),
        duration=clock.duration,
        per_second=(len(frames) - 1) / span,
        source_per_second=(spanned - 1) / span,
        spanned=spanned,
        left_out=spanned - len(frames),
        step=step,
        dropped=int(_missing(np.diff(frames), step).sum()),
        longest_gap=float(np.diff(clock.times).max()),
    )


def people(timeline: Timeline, clock: Clock) -> dict[int, Ints]:
    """Rows of each person who has a number in a source, int64 positions in the timeline, by number."""
    rows = clock.rows[timeline["person"][clock.rows] >= 0]
    rows = rows[np.argsort(timeline["person"][rows], kind="stable")]
    who = timeline["person"][rows]
    parts = np.split(rows, np.flatnonzero(np.diff(who)) + 1) if len(rows) else []
    return {int(timeline["person"][own[0]]): own for own in parts}
