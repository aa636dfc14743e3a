"""What many viewers showed while they watched the same film: their mean over time, the moments they shared, and its parts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mien.errors import DataError, UsageError
from mien.labels import EMOTIONS
from mien.study.additive import Additive
from mien.study.frames import Frames
from mien.study.reach import Showed, at_rest, reach
from mien.study.reaction_result import Contrast, GroupCurve, LeftOut, Moment, Part, PartResult, Reaction, ReactionSettings
from mien.study.statistics import Estimate, difference_of, difference_p, mean_of
from mien.study.synchrony import affordable, departures, parts_p, stretches, typical_levels
from mien.study.viewer import LEAST_SEEN, MEASURES, Curve, NotOneViewer, Reason, Viewer, curve
from mien.timing import Numbers, clocks
from mien.types import Bools

__all__ = ["Part", "Reaction", "ReactionSettings", "film_steps", "react", "refuse_names"]

Seen = tuple[Viewer, Curve, Curve | None]
"""A viewer, what was shown over the film, and in the baseline where one is asked for."""
_LOW = np.array([-1.0 if name in ("valence", "arousal") else 0.0 for name in MEASURES])
BOUNDS = _LOW, np.ones(len(MEASURES))
"""Least and greatest value of each measure, float64 (len(MEASURES),) each."""
CHANGES = _LOW - 1, 1 - _LOW
"""The same of differences."""
MOST_STEPS = 100_000
GROUP_ROUNDS = 1000
"""Resamples, at most, of the intervals of groups' curves: they are drawn and not tested, and with 5,000 a study of four groups takes twice
as long."""


def react(viewers: Sequence[Viewer], parts: Sequence[Part] = (), settings: ReactionSettings = ReactionSettings()) -> Reaction:
    """Work out a reaction study.

    Every figure is over viewers, each counting once, however many frames a recording has: first a viewer's own mean, then the mean of
    those. Means over the film and its parts are as if each viewer had seen all of it (additive.Additive): else whoever left before its
    lively end would pass for calm. Intervals are for other viewers of the same kind (statistics.mean_of). Pointwise intervals over time
    are no test: that is what `moments` are for. parts: of the film; the whole film always comes first. Viewers in another order give the
    same figures; so of those with the same `faces` who could count the one does whose name is first.

    Raises UsageError for viewers of one name, or parts outside of the film; DataError without a viewer who counts.
    """
    refuse_names([viewer.name for viewer in viewers], parts)
    edges = _edges(viewers, settings)
    film = float(edges[-1])
    _refuse_outside(parts, film)
    counting, left_out = _who_counts(viewers, edges, settings)
    study, curves = _studied(counting, edges, settings)
    turns = affordable(study.levels, settings.rounds)
    typical = typical_levels(study.levels, rounds=turns, seed=settings.seed)
    results, contrasts = _parts([Part("whole film", 0.0, film), *parts], study, typical)
    drawn = dataclasses.replace(settings, rounds=min(settings.rounds, GROUP_ROUNDS))
    level, change = study.over_time(np.ones(len(study.levels), np.bool_), settings)
    return Reaction(
        settings=dataclasses.replace(settings, duration=film),
        edges=edges,
        curves=tuple(curves),
        left_out=tuple(left_out),
        level=level,
        change=change,
        groups=tuple(GroupCurve(name, *study.over_time(which, drawn)) for name, which in study.members.items()),
        turns=turns,
        moments=tuple(_moments(study, typical)),
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


def film_steps(duration: float, step: float) -> Numbers:
    """Where the steps of a film begin and end, float64 (k + 1,), seconds; the last one may be shorter. Raises UsageError for too many."""
    steps = math.ceil(duration / step - 1e-6) if math.isfinite(duration) else 0
    if not 1 <= steps <= MOST_STEPS:
        raise UsageError(f"film: found {duration:g} s in steps of {step:g} s; wanted 1 to {MOST_STEPS:,} steps")
    return np.append(np.arange(steps, dtype=np.float64) * step, duration)


def _edges(viewers: Sequence[Viewer], settings: ReactionSettings) -> Numbers:
    """Steps of the film, as long as half of the recordings last, where its duration is not given."""
    duration = settings.duration
    if duration is None:
        recordings = {(one.faces or one.name, one.start): one for one in viewers}.values()
        timed = [(clock.times[0] + clock.duration, one.start) for one in recordings for clock in clocks(one.timeline)[:1]]
        if not timed:
            raise DataError("no table has two frames at different times; wanted recordings, or what mien analyze wrote of them")
        ends, starts = np.array(timed, np.float64).T
        duration = float(np.median(ends - starts))
        if duration <= 0:
            raise UsageError(
                f"start: the film begins at {np.median(starts):g} s of the recordings, and half of them end by {np.median(ends):g} s; "
                "wanted a start before their end"
            )
    return film_steps(duration, settings.step)


def _refuse_outside(parts: Sequence[Part], film: float) -> None:
    """Raise UsageError for a part that ends after the film. film: its length in seconds."""
    for one in parts:
        if one.end > film + 1e-6:
            raise UsageError(f"part {one.name}: {one.start:g} to {one.end:g} s; wanted it within 0 to {film:g} s of the film")


def _who_counts(viewers: Sequence[Viewer], edges: Numbers, settings: ReactionSettings) -> tuple[list[Seen], list[LeftOut]]:
    """The viewers who count, in their order, and the others. Raises DataError where nobody does."""
    able, left_out = list[Seen](), list[LeftOut]()
    for viewer in viewers:
        try:
            own = curve(viewer, edges)
        except NotOneViewer as error:
            left_out.append(LeftOut(viewer.name, error.reason, viewer.group))
            continue
        rest = None if settings.baseline is None else curve(viewer, np.array(settings.baseline), person=own.person)
        if why := _why_not(viewer, own, rest, settings):
            left_out.append(LeftOut(viewer.name, why, viewer.group, own))
        else:
            able.append((viewer, own, rest))
    counting, copies = _once(able)
    left_out += copies
    if not counting:
        raise DataError("no viewer counts: " + "; ".join(f"{one.name}: {one.why}" for one in left_out[:3]))
    return counting, left_out


def _studied(counting: Sequence[Seen], edges: Numbers, settings: ReactionSettings) -> tuple[_Study, list[Curve]]:
    """What parts are worked out from, and the viewers' curves in their order, with means as if each had seen the whole film."""
    ordered = sorted(counting, key=lambda one: one[1].name)  # or the resamples would be others for viewers in another order
    levels = np.stack([own.values for _, own, _ in ordered])
    whole = _fitted(levels, np.diff(edges))
    rests = [rest.values[:, 0] for _, _, rest in ordered if rest is not None]
    frames = [Frames.of(viewer, own.person) for viewer, own, _ in ordered]
    groups = dict.fromkeys(own.group for _, own, _ in counting if own.group)
    members = {name: np.array([own.group == name for _, own, _ in ordered]) for name in groups}
    means = {own.name: mean for (_, own, _), mean in zip(ordered, whole.levels, strict=True)}
    curves = [dataclasses.replace(own, mean=means[own.name]) for _, own, _ in counting]
    return _Study(settings, edges, levels, whole, np.stack(rests) if rests else whole.levels, frames, members), curves


def _once(able: Sequence[Seen]) -> tuple[list[Seen], list[LeftOut]]:
    """Those who count, each recording once, in their order; and the copies. Which one does must not depend on that order."""
    first = dict[str, str]()
    for name, faces in sorted((viewer.name, viewer.faces) for viewer, _, _ in able if viewer.faces):
        first.setdefault(faces, name)
    counting, copies = [], []
    for viewer, own, rest in able:
        if (name := first.get(viewer.faces, viewer.name)) == viewer.name:
            counting.append((viewer, own, rest))
        else:
            copies.append(LeftOut(viewer.name, Reason("copy", {"of": name}), viewer.group, own))
    return counting, copies


def _why_not(viewer: Viewer, own: Curve, rest: Curve | None, settings: ReactionSettings) -> Reason | None:
    """own: the viewer's over the film. rest: of the baseline, where one is asked for."""
    if own.length <= 0:
        clock = clocks(viewer.timeline)[0]
        first, last = float(clock.times[0]), float(clock.times[-1] + clock.lasts[-1])
        return Reason("no_film", {"start": f"{viewer.start:g}", "first": f"{first:g}", "last": f"{last:g}"})
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


def _moments(study: _Study, typical: Numbers) -> list[Moment]:
    """typical: synchrony.typical_levels of all viewers, as in `_parts`."""
    levels, edges = study.levels, study.edges
    out, apart, changes = [], departures(levels), levels - study.rests[:, :, None]
    for one in stretches(levels, rounds=len(typical), seed=study.settings.seed, levels=typical):
        departure, change = (_viewers_mean(values[:, one.row, one.first : one.stop]) for values in (apart, changes))
        out.append(Moment(MEASURES[one.row], float(edges[one.first]), float(edges[one.stop]), departure, change, one.p))
    return sorted(out, key=lambda moment: moment.p)


def _viewers_mean(values: Numbers) -> float:
    """Of (n, k): the mean over viewers of their own means, without those who have no value."""
    return float(np.mean([np.nanmean(own) for own in values[np.isfinite(values).any(axis=1)]]))


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """What parts are worked out from; viewers in order of their names."""

    settings: ReactionSettings
    edges: Numbers
    levels: Numbers
    """float64 (n, len(MEASURES), k)."""
    whole: Additive
    """Of the levels, over the film."""
    rests: Numbers
    """float64 (n, len(MEASURES)): what changes count from."""
    frames: Sequence[Frames]
    members: Mapping[str, Bools]
    """Of each group, bool (n,)."""

    def showed(self, start: float, end: float) -> Showed:
        """Who showed what between two times of the film."""
        return Showed.of(self.frames, start, end, least_p=self.settings.reach_p, least_seconds=self.settings.reach_seconds)

    def stand_ins(self, parts: Sequence[Additive], of: Bools, less: Bools | None = None) -> tuple[Numbers, Numbers]:
        """What stands for viewers in means over parts, and in those of their changes: float64 (n, parts, len(MEASURES)) each.

        parts: the whole film first. of, less: bool (n,), as of Additive.stand_ins.
        """
        level, change = [], []
        for i, part in enumerate(parts):
            there = np.isfinite(part.levels)
            sides = of[:, None] & there, None if less is None else less[:, None] & there
            level.append(part.stand_ins(*sides))
            if self.settings.baseline:
                change.append(level[i] - self.rests)
            else:
                change.append(part.stand_ins(*sides, since=self.whole) if i else np.full_like(level[i], np.nan))  # from itself: none
        return np.stack(level, axis=1), np.stack(change, axis=1)

    def over_time(self, of: Bools, settings: ReactionSettings) -> tuple[Estimate, Estimate]:
        """Means over some viewers in each step, of what they show and of its change: arrays (len(MEASURES), k). of: bool (n,)."""
        return _over(self.levels[of], settings, _along(BOUNDS)), _over(self.curves_of_change(of), settings, _along(CHANGES))

    def curves_of_change(self, of: Bools) -> Numbers:
        """What stands for some viewers in means of the changes in each step: float64 (their number, len(MEASURES), k). of: bool (n,)."""
        if self.settings.baseline:
            return self.levels[of] - self.rests[of][..., None]
        return self.whole.changes(self.levels, of)[of]


def _parts(parts: Sequence[Part], study: _Study, typical: Numbers) -> tuple[list[PartResult], list[Contrast]]:
    """Each part over all viewers and over each group, and every pair of groups compared. parts: the whole film first."""
    settings, levels, edges, members = study.settings, study.levels, study.edges, study.members
    seconds = [_share(part, edges) for part in parts]
    fitted = [_fitted(np.where(_enough(levels, one)[..., None], levels, np.nan), one) for one in seconds]
    level = np.stack([one.levels for one in fitted], axis=1)
    showed = [study.showed(part.start, part.end) for part in parts]
    rest = at_rest(study.showed(*settings.baseline)) if settings.baseline else np.zeros_like(showed[0].what)
    results = []
    for group, which in {"": np.ones(len(levels), np.bool_), **members}.items():
        found_p = parts_p(
            levels[which], np.stack(seconds) / np.diff(edges), rounds=len(typical), seed=settings.seed, levels=None if group else typical
        )
        p = np.minimum(found_p * (len(members) if group else 1), 1.0)
        apart = np.stack([_mean_in(departures(levels[which]), one) for one in seconds], axis=1)
        apart[:, 0] = np.nan  # the whole film is not tested
        stand_ins = (values[which] for values in study.stand_ins(fitted, which))
        levels_of, changes_of, apart_of = (
            _over(values, settings, bounds) for values, bounds in zip((*stand_ins, apart), (BOUNDS, CHANGES, CHANGES), strict=True)
        )
        spread = _deviations(level[which])
        for i, part in enumerate(parts):
            shown = reach(showed[i].of_viewers(which), rest[which])
            results.append(PartResult(part, group, levels_of.at(i), spread[i], changes_of.at(i), apart_of.at(i), p[i], shown))
    pairs = list(combinations(members, 2))
    return results, [contrast for first, second in pairs for contrast in _contrasts(parts, study, fitted, first, second, len(pairs))]


def _contrasts(parts: Sequence[Part], study: _Study, fitted: Sequence[Additive], first: str, second: str, pairs: int) -> Iterator[Contrast]:
    """Two groups compared in each part. pairs: how many there are, for the correction of p."""
    one, two = (study.members[name] for name in (first, second))
    (low, high), settings = (np.tile(end, len(parts)) for end in CHANGES), study.settings
    found = list[tuple[Estimate, Numbers]]()
    for values, times in zip(study.stand_ins(fitted, one, two), (1, 2), strict=True):
        a, b = (values[which].reshape(int(which.sum()), -1) for which in (one, two))
        sides = (a, b) if first < second else (b, a)  # or p would be another with the groups in another order
        p = np.minimum(difference_p([sides], rounds=settings.rounds, seed=settings.seed) * pairs, 1.0).reshape(values.shape[1:])
        found.append((difference_of([(a, b)], span=(times * low, times * high)).shaped(*values.shape[1:]), p))
    (levels, level_p), (changes, change_p) = found
    for i, part in enumerate(parts):
        yield Contrast(part, first, second, levels.at(i), level_p[i], changes.at(i), change_p[i])


def _fitted(levels: Numbers, seconds: Numbers) -> Additive:
    """The model of (n, len(MEASURES), k) with levels that can be: what is put in for what a viewer missed may lead beyond BOUNDS.

    Expressions sum to what they did.
    """
    found, first = Additive.of(levels, seconds), len(MEASURES) - len(EMOTIONS)
    cut = np.clip(found.levels, *BOUNDS)
    beyond = np.isfinite(found.levels) & (cut != found.levels)
    for i in np.flatnonzero(beyond[:, first:].any(axis=1)).tolist():
        own = found.levels[i, first:]
        cut[i, first:][np.isfinite(own)] = _nearest_shares(own[np.isfinite(own)])
    return dataclasses.replace(found, levels=cut)


def _nearest_shares(values: Numbers) -> Numbers:
    """The nearest numbers of 0 or more with the same sum, float64 (k,): all less one number, or 0 (Held, Wolfe & Crowder 1974)."""
    ordered = np.sort(values)[::-1]
    beyond = (np.cumsum(ordered) - max(float(values.sum()), 0.0)) / np.arange(1, len(values) + 1)
    return np.maximum(values - beyond[ordered > beyond][-1], 0.0) if (ordered > beyond).any() else np.zeros_like(values)


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


def _enough(values: Numbers, seconds: Numbers) -> Bools:
    """Whose values are known in half of a part or more, bool (n, measures). seconds: of the part in each step."""
    return np.asarray(np.isfinite(values) @ seconds >= LEAST_SEEN * seconds.sum() - 1e-9)


def _mean_in(values: Numbers, seconds: Numbers) -> Numbers:
    """Each viewer's mean in a part over what is known of it, (n, measures); NaN where that is less than half."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(_enough(values, seconds), np.nan_to_num(values) @ seconds / (np.isfinite(values) @ seconds), np.nan)
