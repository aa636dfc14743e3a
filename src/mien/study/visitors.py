"""What visitors showed when they left, against what they showed when they came. Nothing about one of them is kept or told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mien.errors import DataError, UsageError
from mien.study.reaction import BOUNDS, CHANGES
from mien.study.statistics import Estimate, check_draws, difference_of, difference_p, mean_of
from mien.study.viewer import MEASURES, unsmoothed
from mien.timeline import Timeline
from mien.timing import Clock, Numbers, clocks, row_seconds
from mien.types import Bools, Ints

MOST_STEP = 1.0
"""Seconds from one frame of a recording to the next above which nobody who passes can be followed: one person would count as several."""
LEAST_FRAMES = 2
"""Frames with a sure face for a person to count. Half a face at the edge of the picture is often taken for somebody else, who is then seen
in that one frame: of a film in which 21 people walk past on a plain ground, each in sight for 3 s, 22 to 30 numbers last for a frame or
more at steps of .1 to 1 s, 21 to 23 for two or more."""
SHARE = 8
"""Values are told to a step of at most the width of their interval over this, about half of a standard error, which adds 1 % to the
variance. What one person showed, had from all figures of a total of n people and of one with that person too, is then off by .5 to .9
standard deviations of people with n from 5 to 22, 1.5 with 100 and 1.9 with 400; to three decimals it would be off by .01, .04, .2 and .7.
That holds because `published` tells no mean twice with another rounding: the average of three would be off by .5 to .9 with 100. Valence
alone can be had from its p too, off by 1.5 with 5 people, .9 with 22 and 1.1 with 100; of a p to two digits it would be .2 (simulated)."""
FINEST = 0.001
"""The least such step."""
NO_PERIOD = "no period"
"""What recordings without a period are called where others have one."""


@dataclass(frozen=True, slots=True)
class VisitorSettings:
    """How a visitor study is worked out."""

    least_seconds: float = 0.4
    """Seconds of sure face, in LEAST_FRAMES frames at least, for a person to count."""
    least_people: int = 5
    """People on a side of a period below which nothing of it is told, so that nobody can be recognised in it."""
    rounds: int = 5000
    """Resamples of the intervals and tests."""
    seed: int = 0
    pictures_are_people: bool = False
    """Whether each sure face of a picture counts as a person, which is so only where no two pictures show the same one; else none counts,
    since nobody is followed from one to the next."""

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
    pictures: int = 0
    """How many of those who count are faces of pictures."""
    pictures_left_out: int = 0
    """Faces of pictures that do not count, and are in no other number; see VisitorSettings.pictures_are_people."""


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
    pictures: tuple[int, int] = (0, 0)
    """How many of those who came and of those who left, all together, are faces of pictures; see VisitorSettings.pictures_are_people."""


def people_in(timeline: Timeline, *, leaving: bool, period: str = "", settings: VisitorSettings = VisitorSettings()) -> People:
    """The means of the people of a table, each over the time of sure face; what else the table has is not looked at again.

    Of what has no clock, numbered people pass and do not count, and faces of pictures count only where the settings say so. Raises
    DataError where the table has nobody else, for recordings whose people were not followed, or not often enough, which would have more
    people than passed, and for several recordings under one name, which would have fewer.
    """
    known = clocks(timeline)
    _refuse_merged(timeline)
    _refuse_strangers(timeline, known)
    seconds = row_seconds(timeline, known)
    table = np.stack([unsmoothed(timeline, name) for name in MEASURES], axis=1)
    pictures = _of_pictures(timeline, known)
    told = pictures & settings.pictures_are_people
    means = list(table[told & ~timeline["unsure"]])
    alone, counts = len(means), ~timeline["unsure"] & np.isfinite(seconds)
    people = _by_person(timeline, timeline.has_face & ~pictures)
    for rows in people:
        own = rows[counts[rows]]
        if len(own) >= LEAST_FRAMES and seconds[own].sum() >= settings.least_seconds:
            means.append(_means(table[own], seconds[own]))
    if not means:
        _refuse_without_clock(timeline, known, pictures & ~told)
    values = np.stack(means) if means else np.zeros((0, len(MEASURES)))
    passed = len(people) + int(told.sum()) - len(values)
    return People(leaving, period, values, passed, alone, int((pictures & ~told).sum()))


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


def _of_pictures(timeline: Timeline, known: list[Clock]) -> Bools:
    """bool (n,): faces without a number of what has no clock."""
    return _without_clock(timeline, known) & (timeline["person"] < 0)


def _without_clock(timeline: Timeline, known: list[Clock]) -> Bools:
    """bool (n,): faces of pictures, and of recordings of one frame, or without times."""
    timed = {clock.source for clock in known}
    return np.asarray(timeline.has_face & np.array([source not in timed for source in timeline["source"].tolist()], np.bool_))


def _refuse_without_clock(timeline: Timeline, known: list[Clock], left_out: Bools) -> None:
    """Raise DataError for faces of what has no clock, of a table in which nobody counts. left_out: bool (n,), those of pictures."""
    if (numbered := _without_clock(timeline, known) & (timeline["person"] >= 0)).any():
        raise DataError(
            f"{timeline['source'][numbered][0]}: people have numbers in it, but its frames no times that differ; wanted a recording of two "
            "frames or more, with their times"
        )
    if left_out.any():
        raise DataError(
            f"{timeline['source'][left_out][0]}: a picture; nobody is followed from one to the next, so that a person in several would "
            "count as several. Where they are the frames of a recording, name the table that `mien analyze FOLDER --as-video FPS -o "
            "x.parquet` writes of them; where no two show the same person, say so with --pictures-are-people"
        )


def _refuse_merged(timeline: Timeline) -> None:
    """Raise DataError where a frame is there twice: of two recordings under one name, people with the same number would be one."""
    numbers: dict[str, int] = {}
    source = np.array([numbers.setdefault(name, len(numbers)) for name in timeline["source"].tolist()], np.int64)
    frame, times = timeline["frame"], timeline["time_s"]
    for column in ("face", "person"):
        own = timeline[column]
        order = np.lexsort((own, frame, source))
        one, two = order[:-1], order[1:]
        twice = (own[one] == own[two]) & (own[one] >= 0)
        if column == "face":  # of a frame without faces there is one row alone
            twice |= (own[one] < 0) | (np.abs(times[one] - times[two]) > 1e-6)
        twice &= (source[one] == source[two]) & (frame[one] == frame[two])
        if twice.any():
            i = one[np.argmax(twice)]
            raise DataError(
                f"{timeline['source'][i]}: frame {frame[i]} is there twice, as where tables of several recordings were put together under "
                "one name, so that people of the same number would count as one; name the tables one by one"
            )


def _by_person(timeline: Timeline, which: Bools) -> list[Ints]:
    """Rows of each person, int64 positions."""
    found: dict[tuple[str, int], list[int]] = {}
    for i in np.flatnonzero(which).tolist():
        found.setdefault((timeline["source"][i], int(timeline["person"][i])), []).append(i)
    return [np.array(rows, np.int64) for rows in found.values()]


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
            "so that nobody can be recognised in the figures"
            + ("; --least-people (in Python least_people) may be 3 or more" if settings.least_people > 3 else "")
        )
    shown = told if len(told) > 1 else []
    # A measure that few people of a period have is in no figure, or theirs could be had as the difference of the whole and the others.
    strata = [_told(sides[name], settings) for name in shown] or ([whole] if told or not sides else list(sides.values()))
    if len(strata) > 1 and not any(min(map(len, both)) > 1 for both in strata):
        raise DataError("no period has two people on both sides, so that nothing can be compared within periods; leave the periods out")
    periods = [_period("", strata, settings)]
    periods += [_period(name or NO_PERIOD, [both], settings, of=len(shown)) for name, both in zip(shown, strata, strict=False)]
    counted = [part for part in every if part.period not in withheld]
    passed = sum(part.passed for part in counted)  # of those, not even how many
    came, left = (sum(part.pictures for part in counted if part.leaving is side) for side in (False, True))
    return Visits(settings, tuple(periods), tuple(name or NO_PERIOD for name in withheld), passed, len(strata) > 1, (came, left))


def published(found: Visits) -> Visits:
    """The result as pages and files may tell it: its values to what the number of people supports (SHARE), each p upwards.

    To more digits than that, a page beside one of the same people and another would tell what that one showed. No mean is told twice, each
    time with another rounding: differences are those of the rounded sides, intervals are as wide as they are around the rounded mean, and
    means of all are those of the periods that are told. Only a difference within periods that are not told is rounded by itself.
    """
    whole, *periods = found.periods
    apart = [_told_period(one) for one in periods]
    if apart:
        came, left = (np.stack([side.n for side in sides]) for sides in ([one.entering for one in apart], [one.leaving for one in apart]))
        entering = _weighted([one.entering.mean for one in apart], came)
        leaving = _weighted([one.leaving.mean for one in apart], left)
        within = _weighted([one.difference.mean for one in apart], came * left / np.maximum(came + left, 1))  # as difference_of has them
        told = _told_as(whole, _on_steps(entering, whole.entering), _on_steps(leaving, whole.leaving), _on_steps(within, whole.difference))
    else:
        told = _told_period(whole, within=found.within)
    return replace(found, periods=(told, *apart))


def _told_period(one: Period, *, within: bool = False) -> Period:
    """within: whether the difference is not that of the sides."""
    entering, leaving = (_on_steps(side.mean, side) for side in (one.entering, one.leaving))
    return _told_as(one, entering, leaving, _on_steps(one.difference.mean, one.difference) if within else leaving - entering)


def _told_as(one: Period, entering: Numbers, leaving: Numbers, difference: Numbers) -> Period:
    """The period with these means, float64 (len(MEASURES),) each."""
    return replace(
        one,
        entering=_around(entering, one.entering, BOUNDS),
        leaving=_around(leaving, one.leaving, BOUNDS),
        difference=_around(difference, one.difference, CHANGES),
        p=_upwards(one.p),
    )


def _around(mean: Numbers, of: Estimate, span: tuple[Numbers, Numbers]) -> Estimate:
    """An estimate's interval around a mean that is told in place of its own. span: what cut the interval, whose ends stay there."""
    low, high = mean - _on_steps(of.mean - of.low, of), mean + _on_steps(of.high - of.mean, of)
    low = np.where(of.low <= span[0], span[0], np.maximum(low, span[0]))
    high = np.where(of.high >= span[1], span[1], np.minimum(high, span[1]))
    return Estimate(mean, low, high, of.n)


def _on_steps(values: Numbers, of: Estimate) -> Numbers:
    """Values to steps of 1, 2 or 5 times a power of ten, by an estimate's interval; NaN of what has none, which is of hardly anybody."""
    step = _round_number(np.maximum((of.high - of.low) / SHARE, FINEST))
    return np.asarray(np.round(values / step) * step + 0.0)


def _round_number(values: Numbers) -> Numbers:
    """The greatest numbers that are no greater, of 1, 2 and 5 times powers of ten."""
    ten = 10.0 ** np.floor(np.log10(values) + 1e-9)
    return np.asarray(ten * np.select([values >= 5 * ten * (1 - 1e-9), values >= 2 * ten * (1 - 1e-9)], [5.0, 2.0], 1.0))


def _upwards(p: Numbers) -> Numbers:
    """The least of 1, 2 and 5 times powers of ten that are no less: so none falls to a limit from above. With more digits a p says how many
    errors the difference is from 0, and so the difference, better than its own steps do."""
    return np.asarray(1 / _round_number(1 / np.maximum(p, 1e-12)))


def _weighted(means: Sequence[Numbers], weights: Numbers | Ints) -> Numbers:
    """Mean over periods of each measure, of those that have it: float64 (len(MEASURES),). weights: (periods, len(MEASURES))."""
    values = np.stack(means)
    known = np.where(np.isfinite(values), weights, 0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.nan_to_num(values) * known).sum(axis=0) / known.sum(axis=0))


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
