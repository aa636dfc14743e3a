"""One viewer's recording on the clock of what was watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mien.errors import UsageError
from mien.labels import EMOTIONS
from mien.timeline import Timeline
from mien.timing import Numbers, clocks, row_seconds
from mien.types import Ints

MEASURES = ("valence", "arousal", *(f"p_{name}" for name in EMOTIONS))
"""What is averaged: valence and arousal, -1..1, and the probability of each expression, 0..1."""
LEAST_SEEN = 0.5
"""Share of a step in which the face must be seen and sure for the step to have a value."""

_WANTED = "wanted one video of one viewer"
REASONS: dict[str, str] = {
    "several": f"its table has several recordings; {_WANTED}",
    "no_times": f"its table has no times; {_WANTED}",
    "no_rows": f"its table has no rows; {_WANTED}",
    "no_persons": "several faces in a frame, and no numbers of persons; wanted a table of faces that were followed",
    "twice": "a person is twice in one frame; wanted a table with one row a person and frame",
    "no_film": "the recording covers 0 s of the film: start {start} s, recording from {first} to {last} s",
    "no_face": "no face was found during the film",
    "never_sure": "no step of the film has a sure face for half of its time",
    "little": "a sure face in {found} % of the film; wanted {wanted} %",
    "apart": "a sure face in {found} % of the film; wanted {wanted} %; its {people} persons were never in sight together and may be one "
    "who was lost and found again (see --reentry of mien analyze)",
    "no_rest": "a sure face in {found} % of the baseline; wanted {wanted} %",
    "copy": "the same faces at the same times as {of}; a recording counts once",
}
"""Why a viewer does not count; a page says it in its own language."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a viewer does not count."""

    key: str
    """Of REASONS."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """What stands in its sentence."""

    def __str__(self) -> str:
        return REASONS[self.key].format(**self.numbers)


class NotOneViewer(UsageError):
    """A table that is not one of one viewer."""

    def __init__(self, viewer: str, reason: Reason) -> None:
        super().__init__(viewer, reason)  # what a pickle makes it from again
        self.reason = reason

    def __str__(self) -> str:
        return "{}: {}".format(*self.args)


@dataclass(frozen=True, slots=True, eq=False)
class Viewer:
    """A viewer and what was read from the face."""

    name: str
    timeline: Timeline
    """Of one recording."""
    start: float = 0.0
    """Second of the recording at which the film begins."""
    group: str = ""
    faces: str = ""
    """Tells a recording under whatever name (copies.faces_hash); of viewers with the same one counts. Empty: not looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A viewer's values in steps of the film."""

    name: str
    group: str
    values: Numbers
    """float64 (len(MEASURES), k): means over the time of each step; NaN where the face was not seen, or unsure, for too much of it."""
    mean: Numbers
    """float64 (len(MEASURES),): over the time of the steps that have a value; NaN without any. A study replaces it, for viewers who
    count, by what it would be had they seen the film (additive.Additive)."""
    person: int
    """Number of the person who counts as the viewer; -1 for faces without numbers."""
    people: int
    """Persons in sight during the steps; the one in sight longest then counts as the viewer."""
    apart: bool
    """Whether there are several, no two of whom were in sight at once."""
    unsure: float
    """Share of the viewer's time in sight that is unsure; NaN without any."""
    seen: float
    """Share of the film's time whose steps have a value."""
    sure: float
    """Share of the film's time with a sure face of the viewer."""
    length: float
    """Seconds of the film that the recording covers."""


def curve(viewer: Viewer, edges: Numbers, *, person: int | None = None) -> Curve:
    """A viewer's means between `edges`, float64 (k + 1,), seconds of the film.

    Each frame counts for as long as it lasted and as far as it lies in a step. The values are the unsmoothed ones where the table has
    them, since smoothing comes late. Unsure faces are left out. person: who counts as the viewer; if None, who is in sight longest between
    the first edge and the last. Raises NotOneViewer for a table of several recordings, without times, of people without numbers, or with a
    person twice in a frame.
    """
    timeline = viewer.timeline
    known = clocks(timeline)
    if len(set(timeline["source"].tolist())) > 1 or len(known) != 1:
        raise NotOneViewer(viewer.name, Reason("several" if len(known) > 1 else "no_times" if len(timeline) else "no_rows"))
    clock = known[0]
    lasts = row_seconds(timeline, known)
    numbers = timeline["person"][timeline.has_face]
    if (numbers < 0).any() and len(np.unique(timeline["frame"][timeline.has_face])) < len(numbers):
        raise NotOneViewer(viewer.name, Reason("no_persons"))
    begin = timeline["time_s"] - viewer.start
    within = np.nan_to_num(np.minimum(begin + lasts, edges[-1]) - np.maximum(begin, edges[0])).clip(min=0.0)  # seconds of each row
    there = timeline.has_face & (within > 0)
    people, rows = np.unique(timeline["person"][there & (timeline["person"] >= 0)], return_counts=True)
    seconds = [within[there & (timeline["person"] == one)].sum() for one in people]
    who = person if person is not None else int(people[int(np.argmax(seconds))]) if len(people) else -1
    own = timeline.has_face & (timeline["person"] == who)
    if len(np.unique(timeline["frame"][own])) < int(own.sum()):
        raise NotOneViewer(viewer.name, Reason("twice"))
    sure = np.flatnonzero(own & ~timeline["unsure"] & np.isfinite(lasts))
    values = _steps(timeline, sure[np.argsort(begin[sure], kind="stable")], begin, lasts, edges)
    widths, has = np.diff(edges), np.isfinite(values)
    weight, in_sight, in_sure = has @ widths, float(within[own].sum()), float(within[sure].sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nan_to_num(values) @ widths / weight
    length = float(clock.times[-1] + clock.lasts[-1] - viewer.start)
    return Curve(
        name=viewer.name,
        group=viewer.group,
        values=values,
        mean=mean,
        person=who,
        people=len(people) or int(there.any()),
        apart=len(people) > 1 and len(np.unique(timeline["frame"][there])) == int(rows.sum()),
        unsure=1 - in_sure / in_sight if in_sight else np.nan,
        seen=float(has.any(axis=0) @ widths / widths.sum()),
        sure=in_sure / float(widths.sum()),
        length=max(min(length, float(edges[-1])) - max(float(clock.times[0]) - viewer.start, float(edges[0])), 0.0),
    )


def _steps(timeline: Timeline, rows: Ints, begin: Numbers, lasts: Numbers, edges: Numbers) -> Numbers:
    """Means of the measures over the time of rows (in order of time) in each step, float64 (len(MEASURES), k)."""
    values = np.full((len(MEASURES), len(edges) - 1), np.nan)
    for i, name in enumerate(MEASURES):
        column = unsmoothed(timeline, name)
        there = rows[np.isfinite(column[rows])]
        spans = begin[there], lasts[there]
        weight = _integral(*spans, np.ones(len(there)), edges)
        enough = weight >= LEAST_SEEN * np.diff(edges) - 1e-9
        values[i, enough] = _integral(*spans, column[there], edges)[enough] / weight[enough]
    return values


def unsmoothed(timeline: Timeline, name: str) -> Numbers:
    """A column, float64 (n,), as the frames gave it where the table has that, since smoothing comes late."""
    raw = f"raw_{name}"
    return np.asarray(timeline[raw] if raw in timeline and np.isfinite(timeline[raw]).any() else timeline[name], np.float64)


def _integral(begin: Numbers, lasts: Numbers, values: Numbers, edges: Numbers) -> Numbers:
    """Of values that each hold from `begin` (in order) for `lasts` seconds, over each step: float64 (k,)."""
    if not len(begin):
        return np.zeros(len(edges) - 1)
    points = np.stack([begin, begin + lasts], axis=1).ravel()
    sums = np.cumsum(np.stack([np.zeros(len(values)), values * lasts], axis=1).ravel())
    return np.diff(np.interp(edges, points, sums))
