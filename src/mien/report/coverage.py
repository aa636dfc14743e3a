"""What is told where the viewers of a film, or its groups, saw unlike much of it, or nothing in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.report.writing import Writing
from mien.study.additive import least_viewers, linked, steps_that_count
from mien.study.viewer import Curve

GROUPS_APART = 0.1
"""Share of the film by which the means of two groups differ, from which on it is told."""
LITTLE, MANY = 0.8, 0.2
"""Share of the film below which a viewer saw little of it, and share of such viewers from which on it is told."""


def uneven_coverage(curves: Sequence[Curve], write: Writing) -> str:
    """A plain text; empty where all saw the same share, and of one viewer alone. curves: of the viewers who count."""
    counts = steps_that_count(np.stack([np.isfinite(one.values).any(axis=0) for one in curves]))
    sets, least = np.unique(linked(counts)), least_viewers(len(curves))
    told, means = _unlike(curves, write), "only_seen" if counts[:, counts.any(axis=0)].all() else "as_if_seen"
    if len(sets) > 1 or sets[0] < 0:
        means = "sets_apart"
    elif not told:
        return ""
    return f"{told} {write.words[means].format(least=least)}".strip() if len(curves) > 1 else ""


def _unlike(curves: Sequence[Curve], write: Writing) -> str:
    """Of which groups, or of how many viewers, little could be seen; empty where all saw the same share."""
    groups = dict.fromkeys(one.group for one in curves if one.group)
    seen = {name: float(np.mean([one.seen for one in curves if one.group == name])) for name in groups}
    little = sum(one.seen < LITTLE for one in curves)
    if seen and max(seen.values()) - min(seen.values()) >= GROUPS_APART - 1e-9:
        ends = min(seen, key=seen.__getitem__), max(seen, key=seen.__getitem__)
        low, high = (f"{name} {write.whole_percent(seen[name])}" for name in ends)
        return write.words["uneven_groups"].format(low=low, high=high)
    if little >= MANY * len(curves):
        return write.words["uneven_viewers"].format(n=little, of=len(curves), share=write.whole_percent(LITTLE))
    return ""
