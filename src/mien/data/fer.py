"""FER-2013 with the FER+ votes, as one array file, and what a training needs from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from mien.data.cross_copies import Marks
from mien.errors import DataError, SourceMissing
from mien.labels import EMOTIONS, LABEL_SETS
from mien.types import Bools, Floats, Image, Ints

SPLITS = ("Training", "PublicTest", "PrivateTest")
FER7 = LABEL_SETS["fer7"]
VOTES_TO_MIEN: tuple[str, ...] = (
    "neutral", "happy", "surprise", "sad", "anger", "disgust", "fear", "contempt", "uncertain", "uncertain",
)  # fmt: skip
"""FER+'s ten columns (Barsoum et al. 2016): the last two are "unknown" and "not a face"."""


@dataclass(frozen=True, slots=True, eq=False)
class Fer:
    """Rows of FER-2013; all arrays have the same length n."""

    pictures: Image
    """uint8 (n, 48, 48) grey."""
    emotion: Ints
    """int64 (n,): code in `fer7` order."""
    votes: Ints
    """int64 (n, 10): FER+ votes, columns as VOTES_TO_MIEN; all zero where none are given."""
    usage: Ints
    """int64 (n,): position in SPLITS."""
    duplicate: Bools
    """bool (n,): has a copy on the other side of train and test (exact or near)."""
    row: Ints
    """int64 (n,): row in the original file."""

    def __len__(self) -> int:
        return len(self.emotion)

    def where(self, mask: Bools) -> Fer:
        """The rows of a mask."""
        return Fer(*(getattr(self, name)[mask] for name in ("pictures", "emotion", "votes", "usage", "duplicate", "row")))

    def split(self, name: str) -> Fer:
        """The rows of `Training`, `PublicTest` or `PrivateTest`."""
        return self.where(self.usage == SPLITS.index(name))


def read_fer(path: Path, duplicates: Path | None = None) -> Fer:
    """Read the npz form of FER-2013 (lossless WebP pictures, FER+ votes joined by row).

    Keys: webp, offsets, image_index, emotion, usage, ferplus_votes; duplicates: see cross_copies.Marks.
    Raises SourceMissing, DataError, UsageError where `duplicates` is not there or of other rows.
    """
    import cv2

    if not path.exists():
        raise SourceMissing(f"{path}: no such file; wanted FER-2013 as npz (pictures, labels and FER+ votes)")
    with np.load(path) as file:
        missing = {"webp", "offsets", "image_index", "emotion", "usage", "ferplus_votes"} - set(file.files)
        if missing:
            raise DataError(f"{path}: lacks {', '.join(sorted(missing))}; wanted FER-2013 as npz")
        blob, offsets = file["webp"], file["offsets"]
        unique = np.stack([cv2.imdecode(blob[a:b], cv2.IMREAD_GRAYSCALE) for a, b in pairwise(offsets)])
        index = file["image_index"]
        emotion, usage, votes = (file[key].astype(np.int64) for key in ("emotion", "usage", "ferplus_votes"))
    twin = np.zeros(len(index), np.bool_)
    if duplicates is not None:
        marks = Marks(duplicates)
        marks.fit(len(index), path)
        twin = marks.duplicate
    return Fer(unique[index], emotion, votes, usage, twin, np.arange(len(index)))


def vote_shares(votes: Ints, *, drop_single: bool = True) -> Floats:
    """Vote shares over mien's nine emotions, float32 (n, 9); NaN rows where there are no votes.

    drop_single: single votes are taken for slips and dropped where others remain (Barsoum et al. 2016, section 3).
    """
    kept = votes.astype(np.float64)
    if drop_single:
        solid = np.where(kept > 1, kept, 0.0)
        kept = np.where(solid.sum(axis=1, keepdims=True) > 0, solid, kept)
    shares = np.zeros((len(votes), len(EMOTIONS)))
    for column, name in enumerate(VOTES_TO_MIEN):
        shares[:, EMOTIONS.index(name)] += kept[:, column]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)


def majority8(votes: Ints) -> Ints:
    """The crowd's choice among FER+'s eight emotions, int64 (n,) in `ferplus8` order; -1 where it chose none of them.

    -1: no votes, a tie for the first place, or "unknown" or "not a face" has the most votes.
    """
    best = votes.argmax(axis=1)
    tie = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return np.where(tie | (best >= 8) | (votes.sum(axis=1) == 0), -1, best)
