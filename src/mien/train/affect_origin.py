"""Where the valence and arousal that a network learns come from, and so by which anchors a model of those alone names emotions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mien.data.affect import rated
from mien.data.manifest import Manifest
from mien.labels import ANCHORS, anchors
from mien.train.config import TrainConfig
from mien.types import Bools, Floats

MADE = ("votes", "jitter", "isomap")
"""What `mien data affect` makes valence and arousal by; `affect_from` of such rows is one of these, a colon and an anchor set."""
RATINGS = "ratings"
"""All other valence and arousal are what people rated."""
FOR_RATINGS = "crowd"
"""The anchors fitted to ratings, for those whose rows have no labels to choose by."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a network's valence and arousal come from."""

    shares: dict[str, float] = field(default_factory=dict)
    """Origin -> share of the training rows that have the two, the largest first: RATINGS, or as a manifest's `affect_from` says it, such as
    jitter:adfes2011. Empty where none is learnt."""
    anchors: str = FOR_RATINGS
    """The anchor set by which emotions are named: that of the largest share, or for ratings the one that fits them best."""

    @property
    def affect_from(self) -> str:
        """As a card says it: `model:` and the origins, votes by their anchor set alone, as mien's own models have it (model:crowd)."""
        return f"model:{'+'.join(one.removeprefix('votes:') for one in self.shares)}" if self.shares else ""


def origin_of(manifest: Manifest, affect: Floats, learnt: Bools, config: TrainConfig) -> Origin:
    """The origin of valence and arousal in the rows that are learnt.

    affect: float32 (n, 2), as row_targets.affect_of has it; learnt: bool (n,).
    """
    if "affect" not in config.tasks:
        return Origin()
    there = np.flatnonzero(learnt & np.isfinite(affect).all(axis=1))
    has = rated(manifest)
    said = [_origin(str(manifest["affect_from"][i])) if has[i] else f"votes:{config.anchors}" for i in there.tolist()]
    counts = sorted(Counter(said).items(), key=lambda one: (-one[1], one[0]))
    if not counts:
        return Origin()
    shares = {name: round(count / len(there), 4) for name, count in counts}
    largest = counts[0][0]
    if largest != RATINGS:
        return Origin(shares, largest.split(":")[1])
    rows = there[np.array([one == RATINGS for one in said])]
    return Origin(shares, fitting(affect[rows], manifest["label"][rows].tolist()))


def merged(origins: Sequence[Origin]) -> Origin:
    """The origin of several networks' mean: of each share the mean.

    Where ratings are the largest, the anchors are those of the network that learnt most from them, if ratings decided there.
    """
    sums: dict[str, float] = {}
    for one in origins:
        for name, share in one.shares.items():
            sums[name] = sums.get(name, 0.0) + share
    if not sums:
        return origins[0]
    means = {name: round(share / len(origins), 4) for name, share in sums.items()}
    shares = dict(sorted(means.items(), key=lambda one: (-one[1], one[0])))
    largest = next(iter(shares))
    if largest != RATINGS:
        return Origin(shares, largest.split(":")[1])
    rated = max(origins, key=lambda one: one.shares.get(RATINGS, 0.0))
    return Origin(shares, rated.anchors if next(iter(rated.shares)) == RATINGS else FOR_RATINGS)


def _origin(affect_from: str) -> str:
    kind, _, name = affect_from.partition(":")
    return affect_from if kind in MADE and name in ANCHORS else RATINGS


def fitting(affect: Floats, labels: list[str]) -> str:
    """The anchor set that names most labels from rated valence and arousal, by the mean of the classes; FOR_RATINGS without labels.

    affect: float32 (n, 2), finite. Labels that a set has no anchor for, as `uncertain` in most, take no part. Of equals it is
    FOR_RATINGS.
    """
    common = set.intersection(*(set(one.among()) for one in ANCHORS.values()))
    known = np.array([label in common for label in labels], np.bool_)
    if not known.any():
        return FOR_RATINGS
    true = np.array(labels, object)[known]

    def recall(name: str) -> float:
        right = np.array(anchors(name).nearest(affect[known]), object) == true
        return float(np.mean([right[true == label].mean() for label in sorted(set(true.tolist()))]))

    return max((FOR_RATINGS, *(name for name in ANCHORS if name != FOR_RATINGS)), key=recall)


def told(origin: Origin, config: TrainConfig) -> str:
    """A line about an origin that should be known: a mixture, or by what a model of valence and arousal alone names emotions; else ""."""
    named = f"emotions are named by the anchors {origin.anchors}" if config.tasks == ("affect",) else ""
    if len(origin.shares) > 1:
        mixed = ", ".join(f"{share:.1%} {name}" for name, share in origin.shares.items())
        return f"valence and arousal are of several origins, which mean different things: {mixed}" + (f"; {named}" if named else "")
    return f"valence and arousal: {next(iter(origin.shares))}; {named}" if named and origin.shares else ""
