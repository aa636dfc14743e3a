"""What a study of reactions is asked for, and what comes out."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mien.errors import UsageError
from mien.study.reach import Reach
from mien.study.statistics import Estimate, check_draws
from mien.study.viewer import Curve, Reason
from mien.timing import Numbers
from mien.track.options import check_baseline


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
    whole film, as if the viewer had seen all of it, if None."""
    least_coverage: float = 0.5
    """Share of the film in which a viewer's face must be seen and sure; viewers with less are left out, and named."""
    rounds: int = 5000
    """Resamples of the intervals and tests."""
    seed: int = 0
    """Of the resamples: the same seed gives the same study."""
    reach_p: float = 0.5
    """Probability from which on an expression counts as shown: above a half none other is likelier."""
    reach_seconds: float = 1.0
    """Seconds of a part for which it must be shown to have reached a viewer; who shows it for as long in the baseline does not count."""

    def __post_init__(self) -> None:
        if not (0 < self.step < math.inf and (self.duration is None or self.step <= self.duration < math.inf)):
            raise UsageError(
                f"step is {self.step:g} s and duration {self.duration} s; wanted a step above 0 and a duration of a step or more"
            )
        if self.baseline is not None:
            check_baseline(self.baseline, before=True)
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
    """Of what viewers show in it, each as if the viewer had seen all of it (additive.Additive)."""
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
    """Two groups compared in a part: first minus second, of the viewers whom steps link (additive.Additive.stand_ins).

    NaN where no such viewers are in both, who saw nothing in common with each other or through others.
    """

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
    """Of the viewers who count, in the order in which they came; `mean` is as if each had seen the whole film (additive.Additive)."""
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
