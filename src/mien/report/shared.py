"""Which moments a reader counts: one laugh moves valence and nine probabilities, which sum to one, and is one moment all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mien.report.writing import ALPHA
from mien.study.reaction_result import Moment, Reaction
from mien.study.statistics import LEAST

OVERLAP = 0.5
"""Of the shorter of two moments, from which on they are one. Any overlap would do to chain what follows upon each other to one."""


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """A stretch of the film with the moments of all measures in it."""

    moments: tuple[Moment, ...]
    beside: tuple[Moment, ...] = ()
    """Of measures that are less sure, in the same stretch: they are listed with it, and neither its times nor its p are theirs."""

    @property
    def start(self) -> float:
        """Seconds of the film, as is its end."""
        return min(one.start for one in self.moments)

    @property
    def end(self) -> float:
        """Of the moment that lasts longest."""
        return max(one.end for one in self.moments)

    @property
    def p(self) -> float:
        """Of the surest moment."""
        return min(one.p for one in self.moments)


def sure(found: Reaction) -> list[Shared]:
    """The shared moments of a study: those with a p up to ALPHA, put together."""
    return together(one for one in found.moments if one.p <= ALPHA)


def together(moments: Iterable[Moment]) -> list[Shared]:
    """Moments as stretches of time, the surest first, and of those alike in order of time."""
    groups = list[list[Moment]]()
    for one in moments:
        near = [group for group in groups if any(_overlap(one, other) for other in group)]
        groups = [group for group in groups if group not in near] + [[moment for group in near for moment in group] + [one]]
    return sorted((Shared(tuple(group)) for group in groups), key=lambda group: (group.p, group.start))


def with_beside(shared: Sequence[Shared], moments: Iterable[Moment]) -> list[Shared]:
    """Stretches with what is less sure in each of them, in the first that fits; then what lies in none, put together."""
    beside, others = [list[Moment]() for _ in shared], list[Moment]()
    for one in moments:
        fits = (own for own, group in zip(beside, shared, strict=True) if any(_overlap(one, other) for other in group.moments))
        next(fits, others).append(one)
    return [Shared(group.moments, tuple(own)) for group, own in zip(shared, beside, strict=True)] + together(others)


def why_untested(found: Reaction) -> str:
    """The key in study_words of why no moment could be found; empty where they were looked for."""
    return "untested_few" if len(found.curves) < LEAST else "untested_short" if len(found.edges) < 3 else ""


def _overlap(one: Moment, other: Moment) -> bool:
    shorter = min(one.end - one.start, other.end - other.start)
    return min(one.end, other.end) - max(one.start, other.start) >= OVERLAP * shorter - 1e-9
