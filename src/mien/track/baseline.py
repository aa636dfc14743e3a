"""A person's own baseline: the median of a span of time in which they are neutral, taken off everything they show.

Unsure faces count for no baseline, as for no other mean; what they show has differences from it all the same.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mien.table import DELTA_COLUMNS
from mien.timeline import Timeline
from mien.track.options import check_baseline
from mien.types import Bools, Floats, Result

Values = NDArray[np.float64]


def median(values: Values) -> Values:
    """Median of each column, float64 (k,), of (n, k) values without those that are NaN; NaN where nothing is left."""
    out = np.full(values.shape[1], np.nan)
    some = np.isfinite(values).any(axis=0)
    if some.any():
        out[some] = np.nanmedian(values[:, some], axis=0)
    return out


def with_baseline(timeline: Timeline, span: tuple[float, float]) -> Timeline:
    """The table with DELTA_COLUMNS: each value minus the median of the same person's values from span[0] to span[1] seconds, both included.

    People are told apart by `source` and `person`; who has no sure face in the span, or no number, has NaN. Raises UsageError for a span
    that is none.
    """
    check_baseline(span)
    names = [name.removeprefix("delta_") for name in DELTA_COLUMNS]
    values = np.stack([timeline[name] for name in names], axis=1)
    deltas = np.full(values.shape, np.nan)
    rows = np.flatnonzero(timeline.has_face & (timeline["person"] >= 0))
    if len(rows):
        sources = np.unique(timeline["source"][rows].astype(str), return_inverse=True)[1]
        people = np.unique(np.stack([sources, timeline["person"][rows]]), axis=1, return_inverse=True)[1].ravel()
        order = np.argsort(people, kind="stable")
        inside = _inside(timeline, span)
        for own in np.split(rows[order], np.flatnonzero(np.diff(people[order])) + 1):
            deltas[own] = values[own] - median(values[own[inside[own]]])
    return Timeline(timeline.columns | {name: deltas[:, i] for i, name in enumerate(DELTA_COLUMNS)})


def _inside(timeline: Timeline, span: tuple[float, float]) -> Bools:
    """bool (n,): the rows of faces that count for a baseline."""
    times = timeline["time_s"]
    return np.asarray((times >= span[0]) & (times <= span[1]) & ~timeline["unsure"], np.bool_)


class BaselineCheck:
    """Who of the people seen has a baseline, so that those without can be told. span: seconds of each source, from and to."""

    def __init__(self, span: tuple[float, float]) -> None:
        self.span = span
        self._seen: dict[str, dict[int, bool]] = {}

    def see(self, result: Result) -> None:
        """Take one result."""
        if result.faces.ids is None:
            return
        inside = self.span[0] <= result.time <= self.span[1]
        for person, unsure in zip(result.faces.ids.tolist(), result.emotions.unsure.tolist(), strict=True):
            self._note(result.source, person, inside and not unsure)

    def see_table(self, timeline: Timeline) -> None:
        """Take a whole table."""
        faces = timeline.where(timeline.has_face)
        for source, person, inside in zip(faces["source"], faces["person"].tolist(), _inside(faces, self.span).tolist(), strict=True):
            self._note(source, person, inside)

    def people(self, source: str) -> int:
        """How many people a source has."""
        return len(self._seen.get(source, {}))

    def missing(self) -> dict[str, list[int]]:
        """Source -> numbers of those of its people who have no baseline, ascending; only sources that have such."""
        found = {source: sorted(person for person, has in people.items() if not has) for source, people in self._seen.items()}
        return {source: people for source, people in found.items() if people}

    def _note(self, source: str, person: int, counts: bool) -> None:
        if person >= 0:
            people = self._seen.setdefault(source, {})
            people[person] = people.get(person, False) or counts


class BaselineGate:
    """Holds Results back until the span of the baseline is over, then lets them through with `delta` filled in.

    span: seconds of each source, from and to. What it holds is bounded by the span; it never holds pictures. Raises UsageError for a span
    that is none.
    """

    def __init__(self, span: tuple[float, float]) -> None:
        check_baseline(span)
        self.span = span
        self._source: str | None = None
        self._index = -1
        self._held: deque[Result] = deque()
        self._seen: dict[int, list[Values]] = {}
        self._medians: dict[int, Values] | None = None

    def push(self, result: Result) -> list[Result]:
        """Results that can go on now, in order; a Result of people who are not followed goes on as it is."""
        released = []
        if result.source != self._source or result.index <= self._index:  # another of the same name, such as a second upload
            released = self.finish()
            self._source = result.source
        self._index = result.index
        if result.faces.ids is None:
            return [*released, *self.finish(), result]
        if result.time > self.span[1]:
            released += self._release()
            return [*released, self._with_delta(result)]
        if result.time >= self.span[0]:
            for person, values, unsure in zip(result.faces.ids, _values(result), result.emotions.unsure, strict=True):
                if not unsure:
                    self._seen.setdefault(int(person), []).append(values)
        self._held.append(result)
        return released

    def finish(self) -> list[Result]:
        """What is still held at the end of a source, with the baseline of as much of the span as there was."""
        released = self._release()
        self._source, self._medians = None, None
        return released

    def _release(self) -> list[Result]:
        if self._medians is None:
            self._medians = {person: median(np.stack(values)) for person, values in self._seen.items()}
            self._seen = {}
        return list(self._drain())

    def _drain(self) -> Iterator[Result]:
        while self._held:
            yield self._with_delta(self._held.popleft())

    def _with_delta(self, result: Result) -> Result:
        assert result.faces.ids is not None
        assert self._medians is not None
        values = _values(result)
        none = np.full(values.shape[1], np.nan)
        own = np.stack([self._medians.get(int(person), none) for person in result.faces.ids]) if len(values) else values
        return dataclasses.replace(result, delta=(values - own).astype(np.float32))


def _values(result: Result) -> Values:
    """Probabilities, valence and arousal of the faces, float64 (n, K + 2)."""
    emotions = result.emotions
    affect: Floats = np.full((len(emotions), 2), np.nan, np.float32) if emotions.affect is None else emotions.affect
    return np.concatenate([emotions.probs, affect], axis=1).astype(np.float64)
