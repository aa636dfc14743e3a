"""Which pictures are for training and which are held out: every class in its share, nobody and no picture on two sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mien.data.duplicates import groups as joined
from mien.data.manifest import SPLITS, Column, Manifest
from mien.errors import UsageError
from mien.types import Bools, Floats, Ints

R1 = {"train": 0.8, "test": 0.2}
"""80 and 20 of 100, as R1 splits."""


def assign(labels: Ints, groups: Ints, shares: Floats, *, seed: int) -> Ints:
    """Part of each picture, int64 (n,), so that every part has its share of every class and no group lies in two parts.

    labels: int64 (n,), 0..K - 1; groups: int64 (n,), equal for pictures that stay together; shares: float (P,), they sum to 1.

    Groups of several pictures are dealt out first, the largest first, each to the part where it leaves the least imbalance: the sum over
    parts and classes of (count - share * dealt)^2 / size of the class. Dealt out at random it would grow by no more than the sum over
    groups of its counts squared (each by its class's size), so the best choice keeps it below that: a bound on how far any class may
    be off. Single pictures then fill what is missing, to within one picture where no part is over-full. Deterministic by seed.
    """
    n, classes, parts = len(labels), int(labels.max(initial=-1)) + 1, len(shares)
    rng = np.random.default_rng(seed)
    out = np.full(n, -1, np.int64)
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    counts = np.zeros((parts, classes))
    several = np.flatnonzero(size[group] > 1)
    weight = 1 / np.maximum(np.bincount(labels, minlength=classes), 1)
    if len(several):
        members = several[np.argsort(group[several], kind="stable")]
        blocks = np.split(members, np.flatnonzero(np.diff(group[members])) + 1)
        order = rng.permutation(len(blocks))
        dealt = np.zeros(classes)
        for k in order[np.argsort([-len(blocks[k]) for k in order], kind="stable")]:
            block = np.bincount(labels[blocks[k]], minlength=classes)
            dealt += block
            off = counts - shares[:, None] * dealt
            # Of (off + block)^2 - off^2 the part that depends on the choice.
            part = int(((2 * off + block) * block * weight).sum(axis=1).argmin())
            counts[part] += block
            out[blocks[k]] = part
    for label in range(classes):
        single = rng.permutation(np.flatnonzero((labels == label) & (out < 0)))
        wanted = shares * (counts[:, label].sum() + len(single)) - counts[:, label]
        out[single] = np.repeat(np.arange(parts), _whole(np.maximum(wanted, 0), len(single), rng))
    return out


def _whole(wanted: Floats, total: int, rng: np.random.Generator) -> Ints:
    """Whole numbers in proportion to `wanted` that sum to `total`; the largest remainders are rounded up, ties drawn by lot."""
    exact = wanted * (total / wanted.sum()) if wanted.sum() > 0 else wanted
    low: Ints = np.floor(exact + 1e-9).astype(np.int64)
    rest = exact - low
    order = rng.permutation(len(wanted))
    low[order[np.argsort(-rest[order], kind="stable")][: total - low.sum()]] += 1
    return low


def split(
    manifest: Manifest, parts: Mapping[str, float] = R1, *, seed: int = 0, again: bool = False, of: str = "", groups: Ints | None = None
) -> Manifest:
    """The manifest with the column `split` filled in: stratified by label, and nobody on two sides.

    Rows that have a split keep it; `again` makes it anew for all rows, `of="train"` for those of that split (to take val out of train).
    Pictures stay together that show one subject of one source, that descend from one another (`parent`), or that are in one of
    `groups`, int64 (n,), such as near duplicates (`duplicates.alike`). A row that is tied to one that keeps its split goes
    with it; with `of`, it stays where it was. parts: split -> share; shares are taken in proportion.

    Raises UsageError for parts or splits that there are not.
    """
    names, shares = _shares(parts)
    if of and of not in SPLITS:
        raise UsageError(f"of: found {of!r}, wanted one of {', '.join(SPLITS)}")
    splits = manifest["split"].copy()
    free = np.ones(len(manifest), np.bool_) if again else np.asarray(splits == of)
    tied = ties(manifest, groups)
    splits[free] = ""
    free &= ~_followed(splits, tied, free, instead=of)
    if free.any():
        _, labels = np.unique(manifest["label"][free].astype(str), return_inverse=True)
        splits[free] = np.array(names, object)[assign(labels, tied[free], shares, seed=seed)]
    return manifest.with_columns(split=splits)


def ties(manifest: Manifest, groups: Ints | None = None) -> Ints:
    """Group of each row, int64 (n,): the same for rows tied by subject (of one source), by descent, or by `groups`, also in a chain."""
    n = len(manifest)
    first: dict[object, int] = {}
    pairs: list[tuple[int, int]] = []

    def tie(row: int, name: object) -> None:
        if (other := first.setdefault(name, row)) != row:
            pairs.append((other, row))

    sources, subjects = manifest["source"].tolist(), manifest["subject"].tolist()
    for row, (source, subject) in enumerate(zip(sources, subjects, strict=True)):
        if subject:
            tie(row, ("subject", source, subject))
    parents = manifest["parent"].tolist()
    if any(parents):  # a parent is named by its id or by its path, and may not be in the manifest itself
        for column in ("id", "path", "parent"):
            for row, name in enumerate(manifest[column].tolist()):
                if name:
                    tie(row, ("picture", name))
    if groups is not None:
        if len(groups) != n:
            raise UsageError(f"groups: found {len(groups)} for {n} rows")
        for row, group in enumerate(groups.tolist()):
            tie(row, ("group", group))
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return joined(n, both[:, 0], both[:, 1])


def torn(manifest: Manifest, groups: Ints | None = None) -> Ints:
    """Rows, int64 positions, that are tied to a row of another split: where training and held-out pictures are not apart."""
    tied, splits = ties(manifest, groups), manifest["split"].astype(str)
    known = splits != ""
    _, code = np.unique(splits, return_inverse=True)
    low, high = np.full(len(manifest), len(splits) + 1), np.full(len(manifest), -1)
    np.minimum.at(low, tied[known], code[known])
    np.maximum.at(high, tied[known], code[known])
    return np.flatnonzero(known & (low[tied] < high[tied]))


def _followed(splits: Column, tied: Ints, free: Bools, *, instead: str) -> Bools:
    """Give free rows that are tied to a row with a split that split, or `instead`; which ones, bool (n,).

    Of several splits a held-out one stands.
    """
    has: dict[int, str] = {}
    for name in SPLITS:  # test last: it overrules
        has |= dict.fromkeys(tied[splits == name].tolist(), name)
    got = np.zeros(len(splits), np.bool_)
    for row in np.flatnonzero(free).tolist() if has else ():
        name = has.get(int(tied[row]), "")
        if name:
            splits[row], got[row] = instead or name, True
    return got


def _shares(parts: Mapping[str, float]) -> tuple[Sequence[str], Floats]:
    names = list(parts)
    values = np.array([parts[name] for name in names], np.float64)
    with np.errstate(over="ignore"):
        total = values.sum()
    if set(names) - set(SPLITS) or len(names) < 1 or not (values > 0).all() or not np.isfinite(total):
        found = ", ".join(f"{name}={share:g}" for name, share in parts.items()) or "nothing"
        raise UsageError(f"parts: found {found}; wanted shares above 0 of {', '.join(SPLITS)}, such as train=80,test=20")
    return names, np.asarray(values / total)
