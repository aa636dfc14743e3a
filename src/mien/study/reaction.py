"""What many viewers showed while they watched the same film: their mean over time, the moments they shared, and its parts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mien.errors import DataError, UsageError
from mien.study.reach import Reach, reach
from mien.study.statistics import Estimate, check_draws, difference_of, difference_p, mean_of
from mien.study.synchrony import affordable, departures, parts_p, stretches, typical_levels
from mien.study.viewer import LEAST_SEEN, MEASURES, Curve, NotOneViewer, Reason, Viewer, curve
from mien.timing import Numbers, clocks
from mien.types import Bools

_LOW = np.array([-1.0 if name in ("valence", "arousal") else 0.0 for name in MEASURES])
BOUNDS = _LOW, np.ones(len(MEASURES))
"""Least and greatest value of each measure, float64 (len(MEASURES),) each."""
CHANGES = _LOW - 1, 1 - _LOW
"""The same of differences."""
MOST_STEPS = 100_000
GROUP_ROUNDS = 1000
"""Resamples, at most, of the intervals of groups' curves: they are drawn and not tested, and with 5,000 a study of four groups takes twice
as long."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the film with a name, in seconds of the film."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class ReactionSettings:
    """How a reaction study is worked out."""

    duration: float | None = None
    """Seconds of the film that are looked at; as long as half of the recordings last after their start if None."""
    step: float = 0.5
    """Seconds of a step, whose values are averaged."""
    baseline: tuple[float, float] | None = None
    """Seconds of the film (below 0: before it) in which a viewer is at rest: changes count from the mean there; from the mean over the
    whole film if None."""
    least_coverage: float = 0.5
    """Share of the film in which a viewer's face must be seen and sure; viewers with less are left out, and named."""
    rounds: int = 5000
    """Resamples of the intervals and tests."""
    seed: int = 0
    """Of the resamples: the same seed gives the same study."""
    reach_p: float = 0.5
    """Probability from which on an expression counts as shown: above a half none other is likelier."""
    reach_seconds: float = 1.0
    """Seconds of a part for which it must be shown to have reached a viewer."""

    def __post_init__(self) -> None:
        if not (self.step > 0 and (self.duration is None or self.duration >= self.step)):
            raise UsageError(
                f"step is {self.step:g} s and duration {self.duration} s; wanted a step above 0 and a duration of a step or more"
            )
        if self.baseline is not None and not self.baseline[0] < self.baseline[1]:
            raise UsageError(f"baseline is {self.baseline[0]:g}:{self.baseline[1]:g}; wanted an end after its beginning")
        if not 0 <= self.least_coverage <= 1:
            raise UsageError(f"least_coverage is {self.least_coverage}; wanted 0..1")
        if not (0 < self.reach_p <= 1 and 0 < self.reach_seconds < math.inf):
            raise UsageError(
                f"reach_p is {self.reach_p:g} and reach_seconds {self.reach_seconds:g}; wanted a probability above 0, up to 1, "
                "and seconds above 0"
            )
        check_draws(self.rounds, self.seed)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A viewer who could not be counted."""

    name: str
    reason: Reason
    group: str = ""
    curve: Curve | None = None
    """None where the table could not be read as a viewer's."""

    @property
    def why(self) -> str:
        """The reason in English."""
        return str(self.reason)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A stretch of the film in which the viewers changed together."""

    measure: str
    start: float
    end: float
    """Seconds of the film."""
    departure: float
    """What `p` is of: mean over viewers of how far they are, in the stretch, from what they typically show (synchrony.departures)."""
    change: float
    """Mean change over the stretch from the baseline, or from each viewer's own mean over the film, viewers weighted alike."""
    p: float
    """Of the departure; corrected for all measures and times."""


@dataclass(frozen=True, slots=True, eq=False)
class PartResult:
    """A part of the film over the viewers, or those of one group; each estimate has one column a measure."""

    part: Part
    group: str
    """Empty for all viewers."""
    level: Estimate
    spread: Numbers
    """float64 (len(MEASURES),): standard deviation of the level over viewers; NaN for fewer than two."""
    change: Estimate
    """From the baseline, or from each viewer's own mean over the film."""
    departure: Estimate
    """What `p` is of: how far viewers are, in the part, from what they, or those of the group, typically show (synchrony.departures)."""
    p: Numbers
    """float64 (len(MEASURES),): of the part being like the rest of the film (synchrony.parts_p), corrected for all measures and parts, and,
    of groups, for the number of groups (Bonferroni); NaN for the whole film, and with too few viewers."""
    reach: Reach
    """Who showed each expression in it."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupCurve:
    """What the viewers of a group showed over time."""

    name: str
    level: Estimate
    """Means over viewers, each array (len(MEASURES), k)."""
    change: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """Two groups compared in a part: first minus second."""

    part: Part
    first: str
    second: str
    difference: Estimate
    """Of the level."""
    p: Numbers
    """float64 (len(MEASURES),): corrected for all measures and parts of this pair, and for the number of pairs (Bonferroni)."""
    change: Estimate
    """Of the change: from the baseline, or from each viewer's own mean over the film."""
    change_p: Numbers
    """As `p`."""


@dataclass(frozen=True, slots=True, eq=False)
class Reaction:
    """The result of a reaction study."""

    settings: ReactionSettings
    edges: Numbers
    """float64 (k + 1,): where steps begin and end, seconds of the film."""
    curves: tuple[Curve, ...]
    """Of the viewers who count."""
    left_out: tuple[LeftOut, ...]
    level: Estimate
    """Means over viewers, each array (len(MEASURES), k)."""
    change: Estimate
    groups: tuple[GroupCurve, ...]
    """The same of each group, in order of the viewers."""
    turns: int
    """Rounds of the tests of moments and parts: fewer than settings.rounds for very many viewers of a long film, and 0 where nothing can be
    tested (synchrony.affordable)."""
    moments: tuple[Moment, ...]
    """In order of p and size; those above .05 too."""
    parts: tuple[PartResult, ...]
    contrasts: tuple[Contrast, ...]


def react(viewers: Sequence[Viewer], parts: Sequence[Part] = (), settings: ReactionSettings = ReactionSettings()) -> Reaction:
    """Work out a reaction study.

    Every figure is over viewers, each counting once, however many frames a recording has: first a viewer's own mean, then the mean of
    those. Intervals are for other viewers of the same kind (statistics.mean_of). Pointwise intervals over time are no test: that is what
    `moments` are for. parts: of the film; the whole film always comes first.

    Raises UsageError for viewers of one name, or parts outside of the film; DataError without a viewer who counts.
    """
    refuse_names([viewer.name for viewer in viewers], parts)
    failed: list[LeftOut] = []
    edges = _edges(viewers, settings)
    film = float(edges[-1])
    if outside := [part for part in parts if part.end > film + 1e-6]:
        one = outside[0]
        raise UsageError(f"part {one.name}: {one.start:g} to {one.end:g} s; wanted it within 0 to {film:g} s of the film")
    curves: list[Curve] = []
    rests: list[Numbers] = []
    for viewer in viewers:
        try:
            own = curve(viewer, edges)
        except NotOneViewer as error:
            failed.append(LeftOut(viewer.name, error.reason, viewer.group))
            continue
        rest = None if settings.baseline is None else curve(viewer, np.array(settings.baseline), person=own.person)
        if why := _why_not(own, rest, settings):
            failed.append(LeftOut(viewer.name, why, viewer.group, own))
            continue
        curves.append(own)
        rests.append(own.mean if rest is None else rest.values[:, 0])
    if not curves:
        raise DataError("no viewer counts: " + "; ".join(f"{one.name}: {one.why}" for one in failed[:3]))
    levels = np.stack([own.values for own in curves])
    changes = levels - np.stack(rests)[:, :, None]
    whole = Part("whole film", 0.0, film)
    members = {name: np.array([one.group == name for one in curves]) for name in dict.fromkeys(one.group for one in curves if one.group)}
    turns = affordable(levels, settings.rounds)
    typical = typical_levels(levels, rounds=turns, seed=settings.seed)
    results, contrasts = _parts([whole, *parts], members, levels, changes, edges, settings, typical)
    drawn = dataclasses.replace(settings, rounds=min(settings.rounds, GROUP_ROUNDS))
    groups = [
        GroupCurve(name, *(_over(values[which], drawn, _along(bounds)) for values, bounds in ((levels, BOUNDS), (changes, CHANGES))))
        for name, which in members.items()
    ]
    return Reaction(
        settings=dataclasses.replace(settings, duration=film),
        edges=edges,
        curves=tuple(curves),
        left_out=tuple(failed),
        level=_over(levels, settings, _along(BOUNDS)),
        change=_over(changes, settings, _along(CHANGES)),
        groups=tuple(groups),
        turns=turns,
        moments=tuple(_moments(levels, changes, edges, typical, settings.seed)),
        parts=tuple(results),
        contrasts=tuple(contrasts),
    )


def refuse_names(viewers: Sequence[str], parts: Sequence[Part]) -> None:
    """Raise UsageError for names of viewers and parts that no study can have, which is known before anything is read."""
    for kind, names in (("viewer", list(viewers)), ("part", [part.name for part in parts])):
        if twice := {name for name in names if names.count(name) > 1}:
            raise UsageError(f"{kind} {sorted(twice)[0]}: named twice; wanted names that differ")
    for part in parts:
        if not 0 <= part.start < part.end:
            raise UsageError(f"part {part.name}: {part.start:g} to {part.end:g} s; wanted an end after its start, from 0 s of the film on")
    if not viewers:
        raise UsageError("no viewers; wanted the recording or table of one at least")


def _edges(viewers: Sequence[Viewer], settings: ReactionSettings) -> Numbers:
    """Steps from the film's beginning; the last one may be shorter."""
    duration = settings.duration
    if duration is None:
        timed = [(clock.times[0] + clock.duration, one.start) for one in viewers for clock in clocks(one.timeline)[:1]]
        if not timed:
            raise DataError("no table has two frames at different times; wanted recordings, or what mien analyze wrote of them")
        ends, starts = np.array(timed, np.float64).T
        duration = float(np.median(ends - starts))
        if duration <= 0:
            raise UsageError(
                f"start: the film begins at {np.median(starts):g} s of the recordings, and half of them end by {np.median(ends):g} s; "
                "wanted a start before their end"
            )
    steps = math.ceil(duration / settings.step - 1e-6) if math.isfinite(duration) else 0
    if not 1 <= steps <= MOST_STEPS:
        raise UsageError(f"film: found {duration:g} s in steps of {settings.step:g} s; wanted 1 to {MOST_STEPS:,} steps")
    return np.append(np.arange(steps, dtype=np.float64) * settings.step, duration)


def _why_not(own: Curve, rest: Curve | None, settings: ReactionSettings) -> Reason | None:
    """rest: of the baseline, where one is asked for."""
    if not own.people and not np.isfinite(own.values).any():
        return Reason("no_face")
    if own.seen < settings.least_coverage:
        shares = {"found": f"{100 * own.seen:.0f}", "wanted": f"{100 * settings.least_coverage:.0f}"}
        return Reason("apart", shares | {"people": str(own.people)}) if own.apart else Reason("little", shares)
    if not np.isfinite(own.values).any():
        return Reason("never_sure")
    if rest is not None and not np.isfinite(rest.values).any():
        return Reason("no_rest", {"found": f"{math.floor(100 * rest.sure)}", "wanted": f"{100 * LEAST_SEEN:.0f}"})
    return None


def _along(bounds: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    return bounds[0][:, None], bounds[1][:, None]


def _over(values: Numbers, settings: ReactionSettings, bounds: tuple[Numbers, Numbers]) -> Estimate:
    """Means over viewers of (n, ...) as an estimate of (...) arrays. bounds: least and greatest values, of shapes that fit to those."""
    shape = values.shape[1:]
    low, high = (np.broadcast_to(end, shape).ravel() for end in bounds)
    found = mean_of(values.reshape(len(values), -1), span=(low, high), rounds=settings.rounds, seed=settings.seed)
    return found.shaped(*shape)


def _moments(levels: Numbers, changes: Numbers, edges: Numbers, typical: Numbers, seed: int) -> list[Moment]:
    """typical: synchrony.typical_levels of all viewers, as in `_parts`."""
    out, apart = [], departures(levels)
    for one in stretches(levels, rounds=len(typical), seed=seed, levels=typical):
        departure, change = (_viewers_mean(values[:, one.row, one.first : one.stop]) for values in (apart, changes))
        out.append(Moment(MEASURES[one.row], float(edges[one.first]), float(edges[one.stop]), departure, change, one.p))
    return sorted(out, key=lambda moment: moment.p)


def _viewers_mean(values: Numbers) -> float:
    """Of (n, k): the mean over viewers of their own means, without those who have no value."""
    return float(np.mean([np.nanmean(own) for own in values[np.isfinite(values).any(axis=1)]]))


def _parts(
    parts: Sequence[Part],
    members: Mapping[str, Bools],
    levels: Numbers,
    changes: Numbers,
    edges: Numbers,
    settings: ReactionSettings,
    typical: Numbers,
) -> tuple[list[PartResult], list[Contrast]]:
    """Each part over all viewers and over each group, and every pair of groups compared. members: of each group, bool (n,)."""

    def means(values: Numbers) -> Numbers:
        return np.stack([_mean_in(values, part, edges) for part in parts], axis=1)

    level, change = means(levels), means(changes)
    if settings.baseline is None:
        change[:, 0] = np.nan  # the mean over the whole film is what it counts from
    shares = np.stack([_share(part, edges) / np.diff(edges) for part in parts])
    results = []
    for group, which in {"": np.ones(len(levels), np.bool_), **members}.items():
        found_p = parts_p(levels[which], shares, rounds=len(typical), seed=settings.seed, levels=None if group else typical)
        p = np.minimum(found_p * (len(members) if group else 1), 1.0)
        apart = means(departures(levels[which]))
        apart[:, 0] = np.nan  # the whole film is not tested
        levels_of, changes_of, apart_of = (
            _over(values, settings, bounds) for values, bounds in ((level[which], BOUNDS), (change[which], CHANGES), (apart, CHANGES))
        )
        spread = _deviations(level[which])
        for i, part in enumerate(parts):
            shown = reach(levels[which], _share(part, edges), least_p=settings.reach_p, least_seconds=settings.reach_seconds)
            results.append(PartResult(part, group, levels_of.at(i), spread[i], changes_of.at(i), apart_of.at(i), p[i], shown))
    names = list(members)
    contrasts, pairs = [], list(combinations(names, 2))
    span = tuple(np.tile(end, len(parts)) for end in CHANGES)
    for first, second in pairs:
        found: list[tuple[Estimate, Numbers]] = []
        for values, ends in ((level, span), (change, tuple(2 * end for end in span))):
            a, b = (values[members[name]].reshape(int(members[name].sum()), -1) for name in (first, second))
            p = np.minimum(difference_p([(a, b)], rounds=settings.rounds, seed=settings.seed) * len(pairs), 1.0)
            found.append((difference_of([(a, b)], span=(ends[0], ends[1])).shaped(*level.shape[1:]), p.reshape(level.shape[1:])))
        (levels_of, level_p), (changes_of, change_p) = found
        contrasts += [
            Contrast(part, first, second, levels_of.at(i), level_p[i], changes_of.at(i), change_p[i]) for i, part in enumerate(parts)
        ]
    return results, contrasts


def _deviations(values: Numbers) -> Numbers:
    """Standard deviations over viewers, (...) of (n, ...), without NaN; NaN of fewer than two."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(known, values - np.nan_to_num(values).sum(axis=0) / count, 0.0)
        return np.asarray(np.sqrt(np.square(apart).sum(axis=0) / np.where(count > 1, count - 1, np.nan)))


def _share(part: Part, edges: Numbers) -> Numbers:
    """Seconds of a part in each step."""
    return np.asarray(np.maximum(np.minimum(edges[1:], part.end) - np.maximum(edges[:-1], part.start), 0.0))


def _mean_in(values: Numbers, part: Part, edges: Numbers) -> Numbers:
    """Each viewer's mean in a part, (n, measures), of steps by how far they lie in it; NaN where less than half of it has values."""
    share, known = _share(part, edges), np.isfinite(values)
    weight = known @ share
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight >= LEAST_SEEN * share.sum() - 1e-9, np.nan_to_num(values) @ share / weight, np.nan)
