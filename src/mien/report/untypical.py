"""What a page says of measures for which what viewers typically show can hardly be told from the film."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.report.sections import listed
from mien.report.shared import Shared
from mien.report.writing import Writing
from mien.study.reaction_result import Moment, Reaction
from mien.study.synchrony import UNTYPICAL, untypical
from mien.study.viewer import MEASURES


def untypical_measures(found: Reaction, shared: Sequence[Shared], write: Writing) -> str:
    """Which of the measures with a moment are away from what is typical for UNTYPICAL of the film or more; empty for none."""
    with_moment = {moment.measure for one in shared for moment in one.moments}
    shares = untypical(np.stack([one.values for one in found.curves]))
    told = [k for k, name in enumerate(MEASURES) if name in with_moment and shares[k] >= UNTYPICAL - 1e-9]
    if not told:
        return ""
    named = listed([f"{write.title(k)} ({write.whole_percent(float(shares[k]))})" for k in told], write.words)
    advice = write.words["moments_untypical_rest" if found.settings.baseline else "moments_untypical_no_rest"]
    return f"{write.words['moments_untypical'].format(names=named)} {advice}"


def other_way(moment: Moment) -> bool:
    """Whether the viewers departed to one side, and changed, on average, to the other."""
    return moment.departure * moment.change < 0
