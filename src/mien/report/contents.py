"""What the page after a run tells, worked out of the run's timeline: numbers, charts, people, episodes and rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from mien import __version__
from mien.report.charts import charts
from mien.report.colours import themes
from mien.report.embed import PackedRows, pack
from mien.report.numerals import Numerals
from mien.report.scopes import Scope, Scopes, names_without_folders, scopes
from mien.report.shell import PALETTE
from mien.report.summary import Person, Summary, people_of, summarise
from mien.timeline import Timeline
from mien.timing import Numbers, Rate, rate, row_seconds, sources
from mien.track.baseline import with_baseline
from mien.track.episodes import Episode, episodes

SHORT = (
    "source", "frame", "time_s", "person", "face", "emotion", "emotion_p", "second", "second_p", "valence", "arousal", "unsure", "reasons",
)  # fmt: skip
"""Columns of the rows that fit on a page; all are a click away."""
MOST_EPISODES = 400
IN_SCRIPT = ("rows_of", "no_rows", "too_old", "zoomed", "isolates")


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What is told of a run; for people to read by page.Sections, for the page's script by `data`."""

    timeline: Timeline
    """Its sources have their names alone: a page is passed on, and says nothing of where files lie."""
    write: Numerals
    """Language and scale in which it is told."""
    found: Scopes
    summaries: list[Summary]
    """Of each scope of `found`."""
    charts: list[dict[str, Any]]
    """Of each scope of `found`: name -> chart, of those that it has something for."""
    people: list[Person]
    rates: list[Rate]
    """Of each source that has a clock."""
    episodes: list[Episode]
    """The longest, at most MOST_EPISODES, in order of time."""
    of_episodes: int
    """How many there are in all."""
    packed: PackedRows

    @classmethod
    def of(cls, timeline: Timeline, write: Numerals, *, baseline: tuple[float, float] | None = None) -> Self:
        """baseline: seconds from and to in which people are neutral, for charts of the change from there."""
        timeline = _without_folders(timeline)
        found = scopes(timeline, write.words)
        known = list(found.clocks)
        seconds = row_seconds(timeline, known)
        summaries = [_summary(timeline, scope, found, seconds) for scope in found.every]
        changed = timeline if baseline is None else with_baseline(timeline, baseline)
        drawn = [
            {name: chart.plain() for name, chart in charts(changed, scope, summary, write, span=baseline).items()}
            for scope, summary in zip(found.every, summaries, strict=True)
        ]
        every = episodes(timeline)
        longest = sorted(every, key=lambda one: one.start - one.end)[:MOST_EPISODES]
        return cls(
            timeline,
            write,
            found,
            summaries,
            drawn,
            people_of(timeline, known),
            [rate(clock) for clock in known],
            sorted(longest, key=lambda one: (one.source, one.start, one.person)),
            len(every),
            pack(timeline),
        )

    @property
    def timed(self) -> bool:
        """Whether any source has a clock."""
        return bool(self.found.clocks)

    def drawn(self, name: str = "") -> bool:
        """Whether some part of the page has this chart, or any."""
        return any(name in own if name else own for own in self.charts)

    def data(self, title: str, file: str) -> dict[str, Any]:
        """What the page's script reads. file: stem of the CSV that it offers."""
        words, every = self.write.words, self.packed.every
        return {
            "mien": __version__,
            "title": title,
            "affect_scale": self.write.scale.name,
            "words": {key: words[key] for key in IN_SCRIPT},
            "themes": themes(PALETTE),
            "scopes": [
                {"name": scope.name, "source": scope.source, "person": scope.person, "summary": asdict(summary), "charts": own}
                for scope, summary, own in zip(self.found.every, self.summaries, self.charts, strict=True)
            ],
            "people": [asdict(person) for person in self.people],
            "rates": [asdict(one) for one in self.rates],
            "episodes": [asdict(one) for one in self.episodes],
            "table": {
                "rows": self.packed.rows,
                "of": len(self.timeline),
                "every": every,
                "file": f"{file}{f'-every-{every}' if every > 1 else ''}.csv",
                "short": self._short(),
            },
        }

    def _short(self) -> list[str]:
        """Columns to show first: without those that say the same in every row, or what a person's number says."""
        empty = {"source"} if len(self.found.labels) == 1 else set()
        empty |= set() if self.timed else {"frame", "time_s", "person"}
        faces = self.timeline.where(self.timeline.has_face)
        told = (self.timed and (faces["person"] >= 0).all()) or not faces["face"].any()
        return [name for name in SHORT if name not in empty | ({"face"} if told else set())]


def _without_folders(timeline: Timeline) -> Timeline:
    names = names_without_folders(sources(timeline))
    return Timeline({**timeline.columns, "source": np.array([names[one] for one in timeline["source"].tolist()], object)})


def _summary(timeline: Timeline, scope: Scope, found: Scopes, seconds: Numbers) -> Summary:
    """The numbers of a scope. seconds: how long each row of the timeline stands, as row_seconds gives it."""
    own = [clock for clock in found.clocks if scope.source in (None, clock.source)]
    duration = float(sum(clock.duration for clock in own)) if own else float("nan")
    return summarise(timeline.where(scope.rows), seconds=seconds[scope.rows], duration=duration)
