"""The numbers of a whole run, each from the table alone, so that anyone can count them again from the CSV."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mien.labels import EMOTIONS
from mien.table import REASON_SEPARATOR
from mien.timeline import Timeline
from mien.timing import Clock, Numbers, clocks, people, row_seconds
from mien.types import Bools


@dataclass(frozen=True, slots=True)
class Spread:
    """Where some values lie; all NaN where there are none."""

    mean: float
    median: float
    low: float
    """5th percentile."""
    high: float
    """95th percentile."""

    @classmethod
    def of(cls, values: Numbers, weights: Numbers) -> Spread:
        """The spread of the finite ones among float64 (n,), each as heavy as its weight, float64 (n,) from 0 up.

        Percentiles lie between the middles of the weights laid end to end; with weights all alike these are numpy's by `hazen`.
        """
        counts = np.isfinite(values) & (weights > 0)
        order = np.argsort(values[counts], kind="stable")
        values, weights = values[counts][order], weights[counts][order]
        if not len(values):
            return cls(np.nan, np.nan, np.nan, np.nan)
        whole = weights.sum()
        low, median, high = np.interp((0.05, 0.5, 0.95), (np.cumsum(weights) - weights / 2) / whole, values)
        return cls(float(values @ weights / whole), float(median), float(low), float(high))


@dataclass(frozen=True, slots=True)
class EmotionCount:
    """How often an emotion is the label of a face."""

    emotion: str
    faces: int
    """Face rows with this label."""
    share: float
    """Of all face rows, 0..1."""
    unsure: int
    """Of `faces`, how many are unsure."""
    time_share: float
    """Of the time of all faces in sources with a clock, 0..1: rows weighted by how long their frame lasted; NaN without a clock."""
    mean_p: float
    """Mean probability of this emotion over the sure faces, whatever their label, weighted as in `Summary`."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a run, or of one person in it. Shares are 0..1, NaN where there is nothing to divide by.

    Means, medians and percentiles are over time where there is a clock, see `weights_of`.
    """

    rows: int
    frames: int
    """Frames and pictures in the table, each counted once."""
    faces: int
    """Rows that are about a face."""
    faceless: int
    """Frames without a face."""
    faceless_share: float
    people: int
    """Persons with a number."""
    duration: float
    """Seconds of all sources that have a clock together; NaN without one."""
    emotions: tuple[EmotionCount, ...]
    """Every emotion of mien's, and others that the table has."""
    over_time: bool
    """Whether means, and the top label's share, are over time: each face as heavy as its frame lasted. Else all faces are alike."""
    untimed: int
    """Faces that weigh nothing there, since they are in pictures, which have no time."""
    top: str
    """The label with the largest share in `ranking`; empty without a face."""
    top_share: float
    valence: Spread
    """Over the sure faces, -1..1."""
    arousal: Spread
    unsure: int
    unsure_share: float
    """Of face rows."""
    reasons: dict[str, int]
    """Reason code -> face rows that have it; one row may have several."""
    score: Spread
    """Detection score of the faces, 0..1."""
    size: Spread
    """Shorter side of the box, pixels."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person of one source."""

    source: str
    person: int
    faces: int
    first: float
    """Seconds: when first seen."""
    last: float
    seconds: float
    """Seconds in sight."""
    top: str
    valence: float
    """Mean over sure faces, each as heavy as its frame lasted."""
    arousal: float
    unsure_share: float


def summarise(timeline: Timeline, *, seconds: Numbers | None = None, duration: float | None = None) -> Summary:
    """The numbers of a timeline.

    seconds: float64 (n,) how long the frame of each row lasted (mien.timing.row_seconds), duration: seconds in all; both are
    worked out from the timeline where they are not given, as they must be for a part of one.
    """
    if seconds is None or duration is None:
        known = clocks(timeline)
        seconds = row_seconds(timeline, known) if seconds is None else seconds
        duration = float(sum(clock.duration for clock in known)) if known else np.nan
    has_face, unsure = timeline.has_face, timeline["unsure"]
    sure = has_face & ~unsure
    weights, over_time = weights_of(timeline, seconds)
    top, top_share = _first(ranking(timeline, weights))
    frames = len(set(zip(timeline["source"].tolist(), timeline["frame"].tolist(), strict=True)))
    faces, faceless = int(has_face.sum()), int((~has_face).sum())
    numbered = has_face & (timeline["person"] >= 0)
    sides = np.minimum(timeline["x2"] - timeline["x1"], timeline["y2"] - timeline["y1"])
    reasons = Counter(code for text in timeline["reasons"][has_face & unsure].tolist() for code in text.split(REASON_SEPARATOR) if code)
    return Summary(
        rows=len(timeline),
        frames=frames,
        faces=faces,
        faceless=faceless,
        faceless_share=_share(faceless, frames),
        people=len(set(zip(timeline["source"][numbered].tolist(), timeline["person"][numbered].tolist(), strict=True))),
        duration=duration,
        emotions=tuple(_emotions(timeline, sure, seconds, weights)),
        over_time=over_time,
        untimed=int((has_face & ~np.isfinite(seconds)).sum()) if over_time else 0,
        top=top,
        top_share=top_share,
        valence=Spread.of(timeline["valence"][sure], weights[sure]),
        arousal=Spread.of(timeline["arousal"][sure], weights[sure]),
        unsure=int((has_face & unsure).sum()),
        unsure_share=_share(int((has_face & unsure).sum()), faces),
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        score=Spread.of(timeline["score"][has_face], weights[has_face]),
        size=Spread.of(sides[has_face], weights[has_face]),
    )


def weights_of(timeline: Timeline, seconds: Numbers) -> tuple[Numbers, bool]:
    """How much each row counts in a mean, float64 (n,), and whether that is over time.

    seconds: float64 (n,), how long the frame of each row lasted. These are the weights, with 0 for rows without a clock; but where no
    sure face has a time (no face at all, if none is sure) every row counts alike, as those of pictures do.
    """
    weights = np.nan_to_num(seconds, nan=0.0)
    over_time = bool((weights[_ranked(timeline)] > 0).any())
    return (weights if over_time else np.ones(len(timeline))), over_time


def ranking(timeline: Timeline, weights: Numbers) -> dict[str, float]:
    """Label -> its share among the sure faces, or among all where none is sure, the largest first. weights: as of `weights_of`."""
    which = _ranked(timeline) & (timeline["emotion"] != "")
    names, places = np.unique(timeline["emotion"][which].astype(str), return_inverse=True)
    sums = np.bincount(places, weights=weights[which], minlength=len(names))
    order = np.argsort(-np.round(sums, 9), kind="stable")  # sums that differ by their rounding only are alike, and go by the name
    return {str(names[k]): _share(float(sums[k]), float(sums.sum())) for k in order}


def people_of(timeline: Timeline, known: list[Clock]) -> list[Person]:
    """Every person with a number, in the order of sources and numbers."""
    found = []
    for clock in known:
        for person, rows in people(timeline, clock).items():
            part = timeline.where(rows)
            sure, times = ~part["unsure"], part["time_s"]
            seconds = clock.lasts[clock.position(part["frame"])]
            weights, _ = weights_of(part, seconds)
            found.append(
                Person(
                    source=clock.source,
                    person=person,
                    faces=len(rows),
                    first=float(times.min()),
                    last=float(times.max()),
                    seconds=float(seconds.sum()),
                    top=_first(ranking(part, weights))[0],
                    valence=Spread.of(part["valence"][sure], weights[sure]).mean,
                    arousal=Spread.of(part["arousal"][sure], weights[sure]).mean,
                    unsure_share=float(np.mean(part["unsure"])),
                )
            )
    return found


def _emotions(timeline: Timeline, sure: Bools, seconds: Numbers, weights: Numbers) -> list[EmotionCount]:
    has_face, labels = timeline.has_face, timeline["emotion"]
    names = [*EMOTIONS, *sorted(set(labels[has_face].tolist()) - {*EMOTIONS, ""})]
    faces, timed = int(has_face.sum()), has_face & np.isfinite(seconds)
    whole = float(seconds[timed].sum())
    counts = []
    for name in names:
        its = has_face & (labels == name)
        probs = timeline[f"p_{name}"] if f"p_{name}" in timeline else np.full(len(timeline), np.nan)
        counts.append(
            EmotionCount(
                emotion=name,
                faces=int(its.sum()),
                share=_share(int(its.sum()), faces),
                unsure=int((its & ~sure).sum()),
                time_share=_share(float(seconds[timed & its].sum()), whole),
                mean_p=Spread.of(probs[sure], weights[sure]).mean,
            )
        )
    return counts


def _ranked(timeline: Timeline) -> Bools:
    """bool (n,): the sure faces, or all where none is sure."""
    sure = timeline.has_face & ~timeline["unsure"]
    return sure if sure.any() else timeline.has_face


def _first(shares: dict[str, float]) -> tuple[str, float]:
    return next(iter(shares.items()), ("", np.nan))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan
