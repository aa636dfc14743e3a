"""Episodes: when each expression of each person begins, peaks and ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.timeline import Timeline
from mien.timing import Numbers, clocks, people, row_seconds


@dataclass(frozen=True, slots=True)
class Episode:
    """One expression of one person from beginning to end. Times are seconds of the source."""

    source: str
    person: int
    emotion: str
    start: float
    peak_time: float
    """When the emotion was most probable."""
    end: float
    peak_p: float
    """The probability then."""
    mean_p: float
    """Mean over the frames that show it."""
    mean_valence: float
    """Mean over these, -1..1; NaN where they have none."""
    mean_arousal: float


@dataclass(slots=True)
class _Run:
    """Rows of one person with one label: positions from `first` up to, not with, `stop`."""

    first: int
    stop: int
    emotion: str
    start: float
    end: float
    short: bool


def episodes(timeline: Timeline, *, min_seconds: float = 0.3, gap_seconds: float = 0.3) -> list[Episode]:
    """The runs of the label that stands in the column `emotion`, for each person of each source, by source, start and person.

    A row stands for its frame as long as that lasts (mien.timing). An unsure face belongs to no episode: it is as if the person were
    away. Runs of the same emotion that are at most gap_seconds apart are one episode, what is shorter than min_seconds is none, and a
    person's episodes never overlap. Rows without a person's number, and sources without a clock, as pictures, have no episodes.
    Takes time in proportion to the rows, beyond sorting them.
    """
    if not (min_seconds >= 0 and gap_seconds >= 0):
        raise UsageError(f"min_seconds is {min_seconds} and gap_seconds {gap_seconds}; wanted numbers from 0 up")
    shown = timeline.has_face & ~timeline["unsure"] & (timeline["emotion"] != "")
    known = sorted(clocks(timeline), key=lambda clock: clock.source)
    seconds = row_seconds(timeline, known)
    out: list[Episode] = []
    for clock in known:
        of_source = []
        for person, rows in people(timeline, clock).items():
            own = rows[shown[rows]]
            own = own[np.argsort(timeline["time_s"][own], kind="stable")]
            times, labels, probs = timeline["time_s"][own], timeline["emotion"][own], timeline["emotion_p"][own]
            for run in _merged(_runs(times, labels, seconds[own], min_seconds, gap_seconds), gap_seconds, min_seconds):
                if run.short:
                    continue
                which = np.arange(run.first, run.stop)[labels[run.first : run.stop] == run.emotion]
                peak = which[np.where(np.isfinite(probs[which]), probs[which], -np.inf).argmax()]
                of_source.append(
                    Episode(
                        source=clock.source,
                        person=person,
                        emotion=run.emotion,
                        start=run.start,
                        peak_time=float(times[peak]),
                        end=run.end,
                        peak_p=float(probs[peak]),
                        mean_p=_mean(probs[which]),
                        mean_valence=_mean(timeline["valence"][own[which]]),
                        mean_arousal=_mean(timeline["arousal"][own[which]]),
                    )
                )
        out += sorted(of_source, key=lambda one: (one.start, one.person))
    return out


def _mean(values: Numbers) -> float:
    """Mean of the finite ones; NaN where there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _runs(times: Numbers, labels: NDArray[np.object_], lasts: Numbers, min_seconds: float, gap_seconds: float) -> list[_Run]:
    """One person's rows, each lasting so many seconds, cut where the label changes or the person is away for longer than a gap."""
    if not len(times):
        return []
    until = np.minimum(times + lasts, np.append(times[1:], np.inf))  # a person may be in a frame twice, in a table of a stranger's
    away = times[1:] - until[:-1] > gap_seconds + 1e-9
    firsts = np.concatenate([[0], np.flatnonzero(away | (labels[1:] != labels[:-1])) + 1])
    stops = np.append(firsts[1:], len(times))
    return [
        _Run(int(a), int(b), str(labels[a]), float(times[a]), float(until[b - 1]), bool(until[b - 1] - times[a] < min_seconds - 1e-9))
        for a, b in zip(firsts, stops, strict=True)
    ]


def _merged(runs: list[_Run], gap_seconds: float, min_seconds: float) -> list[_Run]:
    """Runs of the same emotion over gaps joined into one; short runs of other emotions between them are swallowed."""
    out: list[_Run] = []
    for run in runs:
        k = len(out) - 1
        while k >= 0 and run.start - out[k].end <= gap_seconds + 1e-9:
            if out[k].emotion == run.emotion:
                first = out[k]
                run = _Run(first.first, run.stop, run.emotion, first.start, run.end, run.end - first.start < min_seconds - 1e-9)
                del out[k:]
                break
            if not out[k].short:
                break
            k -= 1
        out.append(run)
    return out
