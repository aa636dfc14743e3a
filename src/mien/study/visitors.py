"""What visitors showed when they left, against what they showed when they came. Nothing about one of them is kept or told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import DataError, UsageError
from mien.study.reaction import BOUNDS, CHANGES
from mien.study.statistics import Estimate, check_draws, difference_of, difference_p, mean_of
from mien.study.viewer import MEASURES, unsmoothed
from mien.timeline import Timeline
from mien.timing import Clock, Numbers, clocks, row_seconds
from mien.types import Bools

MOST_STEP = 1.0
"""Seconds from one frame of a recording to the next above which nobody who passes can be followed: one person would count as several."""
NO_PERIOD = "no period"
"""What recordings without a period are called where others have one."""


@dataclass(frozen=True, slots=True)
class VisitorSettings:
    """How a visitor study is worked out."""

    least_seconds: float = 0.4
    """Seconds of sure face for a person to count; of pictures, which have no clock, each face counts."""
    least_people: int = 5
    """People on a side of a period below which nothing of it is told, so that nobody can be recognised in it."""
    rounds: int = 5000
    """Resamples of the intervals and tests."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.least_seconds >= 0:
            raise UsageError(f"least_seconds is {self.least_seconds:g}; wanted 0 or more")
        if self.least_people < 3:
            raise UsageError(f"least_people is {self.least_people}; wanted at least 3, so that nobody can be recognised in the figures")
        check_draws(self.rounds, self.seed)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Means of the people of one recording, without names, places or times."""

    leaving: bool
    period: str
    values: Numbers
    """float64 (n, len(MEASURES))."""
    passed: int
    """People who were too short in sight, or unsure, to count."""


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """Both sides of a period; each estimate has one column a measure."""

    name: str
    """Empty for all periods together."""
    entering: Estimate
    leaving: Estimate
    difference: Estimate
    """Leaving minus entering; of all periods together the mean of the periods' differences, see `compare`."""
    p: Numbers
    """float64 (len(MEASURES),): of no difference; of valence, which a study of visitors asks for, as it is, of the others corrected for
    all of them. Those of single periods are corrected for the number of periods too (Bonferroni)."""
    counts: tuple[int, int]
    """People who came and who left."""


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """The result of a visitor study."""

    settings: VisitorSettings
    periods: tuple[Period, ...]
    """All together first."""
    withheld: tuple[str, ...]
    """Periods with too few people on a side; their people are in no figure."""
    passed: int
    """People who did not count."""
    within: bool
    """Whether the difference of all is the mean of those within periods, told or not."""


def people_in(timeline: Timeline, *, leaving: bool, period: str = "", settings: VisitorSettings = VisitorSettings()) -> People:
    """The means of the people of a table, each over the time of sure face; what else the table has is not looked at again.

    Raises DataError for a recording whose people were not followed, or not often enough: it would have more people than passed.
    """
    known = clocks(timeline)
    _refuse_strangers(timeline, known)
    seconds = row_seconds(timeline, known)
    faces, sure = _by_person(timeline, timeline.has_face), _by_person(timeline, timeline.has_face & ~timeline["unsure"])
    table = np.stack([unsmoothed(timeline, name) for name in MEASURES], axis=1)
    means = []
    for rows in sure.values():
        timed = np.isfinite(seconds[rows]).all()  # a picture has no clock, and its faces count at once
        if not timed or seconds[rows].sum() >= settings.least_seconds:
            means.append(_means(table[rows], seconds[rows] if timed else np.ones(len(rows))))
    values = np.stack(means) if means else np.zeros((0, len(MEASURES)))
    return People(leaving, period, values, len(faces) - len(values))


def _means(values: Numbers, weights: Numbers) -> Numbers:
    """Of the columns of (n, k), each of the rows that have it; NaN of none."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(weights @ np.nan_to_num(values) / (weights @ known))


def _refuse_strangers(timeline: Timeline, known: list[Clock]) -> None:
    """Raise DataError where each frame of a recording would count its people anew."""
    for clock in known:
        if (step := float(np.median(np.diff(clock.times)))) > 1.1 * MOST_STEP:  # a second is 1.001 s at 29.97 frames a second
            raise DataError(
                f"{clock.source}: its frames are {step:g} s apart; wanted {MOST_STEP:g} s at most, or one person may count as several"
            )
        if np.any(timeline.has_face[clock.rows] & (timeline["person"][clock.rows] < 0)):
            raise DataError(
                f"{clock.source}: its people have no numbers, so each face would count as somebody; analyse it without --no-follow"
            )


def _by_person(timeline: Timeline, which: Bools) -> dict[tuple[str, int, int], list[int]]:
    """Rows of each person; faces without a number, as of pictures, are each somebody."""
    found: dict[tuple[str, int, int], list[int]] = {}
    for i in np.flatnonzero(which).tolist():
        person = int(timeline["person"][i])
        key = (person, -1) if person >= 0 else (-1 - int(timeline["frame"][i]), int(timeline["face"][i]))
        found.setdefault((timeline["source"][i], *key), []).append(i)
    return found


def compare(parts: Iterable[People], settings: VisitorSettings = VisitorSettings()) -> Visits:
    """Work out a visitor study of what people_in gave.

    Who comes is not matched with who leaves, so the two sides are compared as independent groups, and somebody who passes twice counts
    twice. Every figure is over people, each counting once however long they were in sight. Where periods are told, the difference of all
    together is the weighted mean of their differences (statistics.difference_of): more people come in the morning and more leave in the
    evening, so that sides put together would differ by the time of day alone. So it is where no period has enough people to be told.
    Raises DataError with too few people.
    """
    every = list(parts)
    names = list(dict.fromkeys(part.period for part in every))  # that of no name, too
    sides = {name: _sides([part for part in every if part.period == name]) for name in (names if len(names) > 1 else [])}
    told = [name for name, both in sides.items() if min(map(len, both)) >= settings.least_people]
    # A period that is left out could be had as the difference of the whole and the others, were it in the whole.
    withheld = [name for name in sides if name not in told] if told else []
    whole = _sides([part for part in every if part.period not in withheld])
    if min(map(len, whole)) < settings.least_people:
        raise DataError(
            f"found {len(whole[0])} entering and {len(whole[1])} leaving; wanted at least {settings.least_people} people on each side, "
            "so that nobody can be recognised in the figures (least_people)"
        )
    shown = told if len(told) > 1 else []
    # A measure that few people of a period have is in no figure, or theirs could be had as the difference of the whole and the others.
    strata = [_told(sides[name], settings) for name in shown] or ([whole] if told or not sides else list(sides.values()))
    if len(strata) > 1 and not any(min(map(len, both)) > 1 for both in strata):
        raise DataError("no period has two people on both sides, so that nothing can be compared within periods; leave the periods out")
    periods = [_period("", strata, settings)]
    periods += [_period(name or NO_PERIOD, [both], settings, of=len(shown)) for name, both in zip(shown, strata, strict=False)]
    passed = sum(part.passed for part in every if part.period not in withheld)  # of those, not even how many
    return Visits(settings, tuple(periods), tuple(name or NO_PERIOD for name in withheld), passed, len(strata) > 1)


def _sides(parts: Sequence[People]) -> tuple[Numbers, Numbers]:
    """Values of those who enter and of those who leave."""
    nobody = np.zeros((0, len(MEASURES)))
    entering, leaving = (np.concatenate([nobody, *(part.values for part in parts if part.leaving is side)]) for side in (False, True))
    return entering, leaving


def _told(both: tuple[Numbers, Numbers], settings: VisitorSettings) -> tuple[Numbers, Numbers]:
    """Both sides without the measures that too few people of one of them have."""
    few = np.logical_or(*(np.isfinite(side).sum(axis=0) < settings.least_people for side in both))
    entering, leaving = (np.where(few, np.nan, side) for side in both)
    return entering, leaving


def _period(name: str, strata: Sequence[tuple[Numbers, Numbers]], settings: VisitorSettings, *, of: int = 1) -> Period:
    """strata: those who enter and those who leave, of each period that is compared within. of: periods that are tested beside this one."""
    sides = [np.concatenate(side) for side in zip(*strata, strict=True)]
    few = np.logical_or(*(np.isfinite(side).sum(axis=0) < settings.least_people for side in sides))  # of tables that lack a measure
    sides = [np.where(few, np.nan, side) for side in sides]
    pairs = [(np.where(few, np.nan, leaving), np.where(few, np.nan, entering)) for entering, leaving in strata]
    how: dict[str, int] = {"rounds": settings.rounds, "seed": settings.seed}
    means = [mean_of(side, span=BOUNDS, **how) for side in sides]
    p = [difference_p([(one[:, part], two[:, part]) for one, two in pairs], **how) for part in (slice(0, 1), slice(1, None))]
    apart = difference_of(pairs, span=CHANGES)
    return Period(name, means[0], means[1], apart, np.minimum(np.concatenate(p) * of, 1.0), (len(sides[0]), len(sides[1])))
