"""FER-2013 with the FER+ votes, as one array file, and what a training needs from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.codes import shifted
from mien.data.cross_copies import Marks
from mien.data.npz import opened
from mien.data.readers.report import BAD_ROW, UNKNOWN
from mien.data.stores import InBlob
from mien.errors import DataError
from mien.labels import EMOTIONS, LABEL_SETS
from mien.types import Bools, Floats, Ints

FER_KEYS = ("webp", "offsets", "image_index", "emotion", "usage")
"""Arrays of the npz: encoded pictures one behind the other, where each begins and the last ends, and of each row its picture and codes."""
SPLITS = ("Training", "PublicTest", "PrivateTest")
FER7 = LABEL_SETS["fer7"]
VOTES_TO_MIEN: tuple[str, ...] = (
    "neutral", "happy", "surprise", "sad", "anger", "disgust", "fear", "contempt", "uncertain", "uncertain",
)  # fmt: skip
"""FER+'s ten columns (Barsoum et al. 2016): the last two are "unknown" and "not a face"."""


@dataclass(frozen=True, slots=True, eq=False)
class Fer:
    """Rows of FER-2013; all arrays have the same length n."""

    pictures: InBlob = field(repr=False)
    """Encoded, 48x48 grey; whether one can be decoded is seen when it is."""
    place: Ints
    """int64 (n,): row of `pictures`."""
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
        return Fer(self.pictures, *(getattr(self, name)[mask] for name in ("place", "emotion", "votes", "usage", "duplicate", "row")))

    def split(self, name: str) -> Fer:
        """The rows of `Training`, `PublicTest` or `PrivateTest`."""
        return self.where(self.usage == SPLITS.index(name))


def read_fer(path: Path, duplicates: Path | None = None) -> Fer:
    """Read the npz form of FER-2013 (lossless WebP pictures, FER+ votes joined by row). No picture is decoded.

    Keys: FER_KEYS and ferplus_votes; duplicates: see cross_copies.Marks. Codes are as in the file, see `unusable`.
    Raises SourceMissing, DataError, UsageError where `duplicates` is not there or of other rows.
    """
    with opened(path) as file:
        if missing := {*FER_KEYS, "ferplus_votes"} - set(file.files):
            raise DataError(f"{path}: lacks {', '.join(sorted(missing))}; wanted FER-2013 as npz")
        fer = fer_of(file)
    if duplicates is None:
        return fer
    marks = Marks(duplicates)
    marks.fit(len(fer), path)
    return replace(fer, duplicate=marks.duplicate)


def fer_of(file: Any) -> Fer:
    """FER-2013 from its arrays (FER_KEYS, and ferplus_votes where there are any). Raises ValueError where they do not fit each other."""
    names = ("image_index", "emotion", "usage", *(["ferplus_votes"] if "ferplus_votes" in file.files else []))
    blob, offsets, arrays = file["webp"], file["offsets"], {name: file[name] for name in names}
    n = len(np.atleast_1d(arrays["emotion"]))
    for name, values in (arrays | {"offsets": offsets}).items():
        wanted = {"ferplus_votes": (n, len(VOTES_TO_MIEN)), "offsets": offsets.shape[:1]}.get(name, (n,))
        if values.dtype.kind not in "iu" or values.shape != wanted:
            raise ValueError(f"{name} is {values.dtype} {values.shape}; wanted whole numbers {wanted}")
    ends = np.concatenate([[0], offsets, [blob.size]]).astype(np.int64)
    if blob.dtype != np.uint8 or blob.ndim != 1 or (np.diff(ends) < 0).any():
        raise ValueError(f"webp is {blob.dtype} {blob.shape}; wanted uint8 (bytes,) and offsets that rise from 0 to {blob.size}")
    place, emotion, usage = (arrays[name].astype(np.int64) for name in names[:3])
    if wrong := shifted(Counter(emotion.tolist()), "fer7"):
        raise ValueError(wrong)
    if ((place < 0) | (place >= len(offsets) - 1)).any():
        raise ValueError(f"image_index runs from {place.min()} to {place.max()}; wanted 0..{len(offsets) - 2}, as there are offsets")
    votes = arrays["ferplus_votes"].astype(np.int64) if len(names) > 3 else np.zeros((n, len(VOTES_TO_MIEN)), np.int64)
    return Fer(InBlob(blob, offsets), place, emotion, votes, usage, np.zeros(n, np.bool_), np.arange(n))


def unusable(emotion: int, usage: int) -> tuple[str, str] | None:
    """Kind of problem and why, of a row whose codes FER-2013 does not have; None for any other."""
    if emotion not in range(len(FER7)):
        return UNKNOWN, f"emotion {emotion}; wanted 0..{len(FER7) - 1}"
    if usage not in range(len(SPLITS)):
        return BAD_ROW, f"usage {usage}; wanted {', '.join(f'{code} ({name})' for code, name in enumerate(SPLITS))}"
    return None


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
