"""The rows that a training holds out itself to judge by, where its data have none for that."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mien.data.manifest import CUT_OUT, GENERATED, Manifest
from mien.data.split import split, ties
from mien.train.telling import Say
from mien.types import Bools, Ints

MADE = (GENERATED, CUT_OUT)
"""How notes of made rows begin."""


def hold_out(manifest: Manifest, share: float, *, seed: int, alike: Ints | None = None, say: Say = lambda line: None) -> Manifest:
    """The manifest with that share of its rows in the split val and the rest in train, whatever their split was.

    Every class has its share; people, descendants, equal files and what is `alike`, int64 (n,), stay together (see data.split). A class of
    which too few would be held out so has one group more there, the nearest to what is lacking; and one that is hardly more than a single
    group is dealt out by its files instead. Both are told through `say`, with numbers.
    Rows that were made from others, which have a `parent` among them or a note that says so, only train; those tied to a held-out row are
    left out, which is told. Where there are no real ones, or too few, all are dealt out.
    """
    made, files = _made(manifest), _same_files(manifest)
    if made.all():
        made[:] = False
    groups = files if alike is None else _parted(manifest, share, files, alike, ~made, say)
    tied = ties(manifest, groups)
    val = _dealt(manifest, share, tied, seed, ~made)
    if not val.any():  # too few real ones
        made[:] = False
        val = _dealt(manifest, share, tied, seed, ~made)
    classes = _classes(manifest, ~made)
    if alike is not None:
        val = _filled(val, share, tied, classes)
    if far := [name for name, own in classes.items() if _far(int((val & own).sum()), share * int(own.sum()))]:
        found = ", ".join(f"{name} ({(val & classes[name]).sum()} of {classes[name].sum()})" for name in far)
        say(f"held out: {found}, where {share:.0%} were wanted: what belongs together stays on one side")
    gone = made & np.isin(tied, tied[val])
    if gone.any():
        say(f"left out: {gone.sum()} rows made from pictures that are held out, or of people who are, or look-alikes of such")
    return manifest.with_columns(split=np.where(val, "val", "train").astype(object)).where(np.asarray(~gone))


def _parted(manifest: Manifest, share: float, files: Ints, alike: Ints, real: Bools, say: Say) -> Ints:
    """Groups to deal out, int64 (n,): what is alike; equal files in classes that would have too few outside their largest group of such."""
    by_alike, by_file = ties(manifest, alike), ties(manifest, files)
    parted, told = np.zeros(len(manifest), np.bool_), []
    for name, own in _classes(manifest, real).items():
        n = int(own.sum())
        largest, same = (int(np.bincount(tied[own]).max()) for tied in (by_alike, by_file))
        if _few(n - largest, share * n) and not _few(n - same, share * n):
            parted |= own
            told.append(f"{name} ({largest} of {n})")
    if told:
        say(f"{', '.join(told)}: look alike, as in one sitting, and are parted nevertheless; how well they are told is flattered")
    return np.where(parted, files, alike + len(manifest))  # so that no file's number is that of a group


def _dealt(manifest: Manifest, share: float, tied: Ints, seed: int, real: Bools) -> Bools:
    """Which rows are held out, bool (n,): a share of the real ones, those of one group on one side."""
    free = manifest.with_columns(split=np.array([""] * len(manifest), object)).where(real)
    val = np.zeros(len(manifest), np.bool_)
    val[real] = split(free, {"train": 1 - share, "val": share}, seed=seed, groups=tied[real])["split"] == "val"
    return val


def _filled(val: Bools, share: float, tied: Ints, classes: Mapping[str, Bools]) -> Bools:
    """The rows held out, bool (n,), with one group more for each class that has too few there, as far as every class is left to learn."""
    for own in classes.values():
        lacking = share * int(own.sum()) - int((val & own).sum())
        if not _few(int((val & own).sum()), share * int(own.sum())):
            continue
        groups, sizes = np.unique(tied[own & ~val], return_counts=True)
        for group in groups[np.argsort(np.abs(sizes - lacking), kind="stable")].tolist():
            more = val | (tied == group)
            if all((other & ~more).any() for other in classes.values() if (other & ~val).any()):
                val = more
                break
    return val


def _classes(manifest: Manifest, real: Bools) -> dict[str, Bools]:
    """The real rows of each class, bool (n,), by its name."""
    labels = manifest["label"].astype(str)
    return {name or "rows without a label": np.asarray(real & (labels == name)) for name in sorted(set(labels[real].tolist()))}


def _few(count: int, wanted: float) -> bool:
    """Whether that is less than half of what is wanted, which is rounded: of two rows a fifth is none."""
    return count < round(wanted) / 2


def _far(count: int, wanted: float) -> bool:
    """Whether that is under half or over one and a half of what is wanted, by more than a row."""
    return abs(count - wanted) > max(1, wanted / 2)


def _made(manifest: Manifest) -> Bools:
    """bool (n,): rows that were made from another picture, not such as a data set comes with, whose parent is the photo of a face."""
    names = set(manifest["id"].astype(str)) | set(manifest["path"].astype(str)) - {""}
    parents, notes = manifest["parent"].astype(str).tolist(), manifest["note"].astype(str).tolist()
    told = [note.startswith(MADE) for note in notes]
    return np.array([bool(parent) and (parent in names or one) for parent, one in zip(parents, told, strict=True)], np.bool_)


def _same_files(manifest: Manifest) -> Ints:
    """Group of each row, int64 (n,): one for rows whose files are the same byte for byte."""
    hashes = [sha or f"row {i}" for i, sha in enumerate(manifest["sha256"].astype(str).tolist())]
    return np.asarray(np.unique(hashes, return_inverse=True)[1], np.int64)
