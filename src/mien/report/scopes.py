"""What the page can show: everyone, the people of one recording, one person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mien.timeline import Timeline
from mien.timing import Clock, clocks, people, sources
from mien.types import Ints

MOST_SCOPES = 24
"""Persons, and recordings, that can be chosen one by one; each has charts of its own in the file."""

LONGEST_NAME = 30
"""Characters of a name beside a chart."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The rows of one person."""

    name: str
    clock: Clock
    person: int
    rows: Ints
    """int64 (n,): positions in the timeline."""

    @property
    def key(self) -> tuple[str, int]:
        """Source and number."""
        return self.clock.source, self.person


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """A part of the timeline that the page can show on its own."""

    name: str
    rows: Ints
    """int64 (n,): positions in the timeline, of frames without a face too."""
    clock: Clock | None
    """Whose time the charts have; None where there is no time, or more than one clock."""
    tracks: tuple[Track, ...]
    """The people in it, longest seen first."""
    source: str | None = None
    person: int | None = None

    def holds(self, source: str, person: int) -> bool:
        """Whether a person of a source belongs to it."""
        return self.source in (None, source) and self.person in (None, person)


@dataclass(frozen=True, slots=True, eq=False)
class Scopes:
    """All that can be chosen, everyone first."""

    every: tuple[Scope, ...]
    clocks: tuple[Clock, ...]
    tracks: tuple[Track, ...]
    """Everyone who has a number, longest seen first."""
    labels: dict[str, str]
    """Source -> short name."""


def scopes(timeline: Timeline, words: dict[str, str]) -> Scopes:
    """The parts of a timeline, each with its rows."""
    known = clocks(timeline)
    labels = short_names(sources(timeline))
    tracks = _tracks(timeline, known, labels, words)
    everything = Scope(words["everyone"], np.arange(len(timeline)), known[0] if len(known) == 1 else None, tuple(tracks))
    found = [everything]
    if len(labels) > 1:
        for clock in known[:MOST_SCOPES]:
            own = tuple(track for track in tracks if track.clock is clock)
            found.append(
                Scope(words["all_of"].format(source=labels[clock.source]), _rows_of(timeline, clock), clock, own, source=clock.source)
            )
    if len(tracks) == 1 and len(tracks[0].rows) == int(timeline.has_face.sum()):
        return Scopes(tuple(found), tuple(known), tuple(tracks), labels)  # one person is everyone
    chosen = sorted(tracks[:MOST_SCOPES], key=lambda track: (list(labels).index(track.clock.source), track.person))
    found += [Scope(track.name, track.rows, track.clock, (track,), source=track.clock.source, person=track.person) for track in chosen]
    return Scopes(tuple(found), tuple(known), tuple(tracks), labels)


def _rows_of(timeline: Timeline, clock: Clock) -> Ints:
    return np.flatnonzero(timeline["source"] == clock.source)


def _tracks(timeline: Timeline, known: list[Clock], labels: dict[str, str], words: dict[str, str]) -> list[Track]:
    found = []
    for clock in known:
        for person, rows in people(timeline, clock).items():
            key = "person_of" if len(labels) > 1 else "person"
            found.append(Track(words[key].format(n=person, source=labels[clock.source]), clock, person, rows))
    return sorted(found, key=lambda track: -float(track.clock.lasts[track.clock.position(timeline["frame"][track.rows])].sum()))


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Source -> its name without folders, and without its middle if it is long and no other is alike then."""
    own = names_without_folders(names)
    uses = Counter(map(_fitted, own.values()))
    return {source: _fitted(name) if uses[_fitted(name)] == 1 else name for source, name in own.items()}


def names_without_folders(names: Iterable[str]) -> dict[str, str]:
    """Source -> the last part of its path; with the folders before it that it takes where several would be alike.

    >>> names_without_folders(["/home/me/1/x.mp4", "/home/me/2/x.mp4", "/home/me/2/y.mp4"]).values()
    dict_values(['1/x.mp4', '2/x.mp4', 'y.mp4'])
    """
    parts = {name: [part for part in re.split(r"[/\\]", name) if part] for name in names}
    found, left, most = {name: name for name in parts}, list(parts), max(map(len, parts.values()), default=0)
    for depth in range(1, most + 1):
        found |= {name: "/".join(parts[name][-depth:]) or name for name in left}
        uses = Counter(found[name] for name in left)
        left = [name for name in left if uses[found[name]] > 1]
    return found | {name: name for name in left}  # alike but for their separators


def _fitted(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 + 1 :]}"
