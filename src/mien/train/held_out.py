"""The rows that a training holds out itself to judge by, where its data have none for that."""

from __future__ import annotations

import numpy as np

from mien.data.manifest import CUT_OUT, GENERATED, Manifest
from mien.data.split import split, ties
from mien.train.telling import Say
from mien.types import Bools, Ints

MADE = (GENERATED, CUT_OUT)
"""How notes of made rows begin."""


def hold_out(manifest: Manifest, share: float, *, seed: int, say: Say = lambda line: None) -> Manifest:
    """The manifest with that share of its rows in the split val and the rest in train, whatever their split was.

    Every class has its share; people, descendants and equal files stay together (see data.split). Rows that were made from others, which
    have a `parent` among them or a note that says so, only train; those tied to a held-out row are left out, told through `say`. Where
    there are no real ones, or too few, all are dealt out.
    """
    free = manifest.with_columns(split=np.array([""] * len(manifest), object))
    made, files, parts = _made(manifest), _same_files(manifest), {"train": 1 - share, "val": share}
    if made.all() or not made.any():
        return split(free, parts, seed=seed, groups=files)
    tied = ties(manifest, files)
    splits = np.full(len(manifest), "train", object)
    splits[~made] = split(free.where(~made), parts, seed=seed, groups=tied[~made])["split"]
    if not (splits == "val").any():  # too few real ones
        return split(free, parts, seed=seed, groups=files)
    lost = made & np.isin(tied, tied[splits == "val"])
    if lost.any():
        say(f"left out: {lost.sum()} rows made from pictures that are held out, or of people who are")
    return free.with_columns(split=splits).where(np.asarray(~lost))


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
