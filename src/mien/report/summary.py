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
    def of(cls, values: Numbers) -> Spread:
        """The spread of the finite ones among float64 (n,)."""
        values = values[np.isfinite(values)]
        if not len(values):
            return cls(np.nan, np.nan, np.nan, np.nan)
        low, median, high = np.percentile(values, (5, 50, 95))
        return cls(float(values.mean()), float(median), float(low), float(high))


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
    """Mean probability of this emotion over the sure faces, whatever their label."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of a run, or of one person in it. Shares are 0..1, NaN where there is nothing to divide by."""

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
    top: str
    """The most frequent label of sure faces, of all where none is sure; empty without a face."""
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
    """Mean over sure faces."""
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
        emotions=tuple(_emotions(timeline, has_face, sure, seconds)),
        top=_top(timeline, has_face, sure),
        valence=Spread.of(timeline["valence"][sure]),
        arousal=Spread.of(timeline["arousal"][sure]),
        unsure=int((has_face & unsure).sum()),
        unsure_share=_share(int((has_face & unsure).sum()), faces),
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        score=Spread.of(timeline["score"][has_face]),
        size=Spread.of(sides[has_face]),
    )


def people_of(timeline: Timeline, known: list[Clock]) -> list[Person]:
    """Every person with a number, in the order of sources and numbers."""
    found = []
    for clock in known:
        for person, rows in people(timeline, clock).items():
            part = timeline.where(rows)
            sure = ~part["unsure"]
            times = part["time_s"]
            found.append(
                Person(
                    source=clock.source,
                    person=person,
                    faces=len(rows),
                    first=float(times.min()),
                    last=float(times.max()),
                    seconds=float(clock.lasts[clock.position(part["frame"])].sum()),
                    top=_top(part, part.has_face, sure),
                    valence=Spread.of(part["valence"][sure]).mean,
                    arousal=Spread.of(part["arousal"][sure]).mean,
                    unsure_share=float(np.mean(part["unsure"])),
                )
            )
    return found


def _emotions(timeline: Timeline, has_face: Bools, sure: Bools, seconds: Numbers) -> list[EmotionCount]:
    labels = timeline["emotion"]
    names = [*EMOTIONS, *sorted(set(labels[has_face].tolist()) - {*EMOTIONS, ""})]
    faces, timed = int(has_face.sum()), has_face & np.isfinite(seconds)
    whole = float(seconds[timed].sum())
    counts = []
    for name in names:
        its = has_face & (labels == name)
        probs = timeline[f"p_{name}"][sure] if f"p_{name}" in timeline else np.zeros(0)
        counts.append(
            EmotionCount(
                emotion=name,
                faces=int(its.sum()),
                share=_share(int(its.sum()), faces),
                unsure=int((its & ~sure).sum()),
                time_share=_share(float(seconds[timed & its].sum()), whole),
                mean_p=Spread.of(probs).mean,
            )
        )
    return counts


def _top(timeline: Timeline, has_face: Bools, sure: Bools) -> str:
    labels = timeline["emotion"][sure if sure.any() else has_face].tolist()
    counts = Counter(name for name in labels if name)
    return min(counts, key=lambda name: (-counts[name], name)) if counts else ""


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan
