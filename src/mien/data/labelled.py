"""Labelled pictures to judge a model by: a folder per emotion, or arrays in an npz file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from mien.data.fer import SPLITS, Fer, majority8, read_fer, vote_shares
from mien.errors import DataError, SourceMissing, UsageError
from mien.io.images import read_image
from mien.labels import LABEL_SETS, anchors, canonical
from mien.types import Floats, Image, Ints

Read: TypeAlias = Callable[[], Image]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Pictures with labels of one set. Pictures are read one at a time."""

    name: str
    labels: tuple[str, ...]
    true: Ints
    """int64 (n,): positions in `labels`."""
    sources: tuple[str, ...]
    """n names to show."""
    readers: tuple[Read, ...] = field(repr=False)
    """n callables that give uint8 (H, W, 3) RGB, or raise SourceError."""
    affect: Floats | None = None
    """float32 (n, 2): valence and arousal where known, NaN elsewhere."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Why pictures of the data are not among these: reason -> count."""

    def __len__(self) -> int:
        return len(self.true)

    def pictures(self) -> Iterator[Image]:
        """The pictures in order."""
        return (read() for read in self.readers)


def read_labelled(path: Path, labels: str, *, split: str | None = None, duplicates: Path | None = None) -> Labelled:
    """Open a data set by its path: a folder with a folder per emotion, or an npz file.

    npz: FER-2013 (`split` chooses Training, PublicTest or PrivateTest; with `duplicates`, rows that have a copy in another
    split are left out) or `pixels` (n, H, W), `label`, `classes`. Pictures whose label is not in the set are counted in `left_out`.
    Raises SourceMissing, DataError, UnknownName.
    """
    from mien.labels import label_set

    wanted = label_set(labels)
    if path.is_dir():
        return _folder(path, wanted)
    if not path.exists():
        raise SourceMissing(f"{path}: no such file or folder; wanted a folder with a folder per emotion, or an .npz file")
    if path.suffix != ".npz":
        raise DataError(f"{path}: wanted a folder with a folder per emotion, or an .npz file")
    with np.load(path) as file:
        keys = set(file.files)
        if {"pixels", "label", "classes"} <= keys:
            return _arrays(path, wanted, file["pixels"], file["label"], [str(c) for c in file["classes"]])
    if "ferplus_votes" in keys:
        return _fer(path, labels, read_fer(path, duplicates), split)
    raise DataError(f"{path}: found arrays {', '.join(sorted(keys))}; wanted pixels, label, classes, or FER-2013's")


def _read_file(path: Path) -> Read:
    return lambda: read_image(path).image


def _from_grey(picture: Image) -> Read:
    return lambda: np.ascontiguousarray(np.repeat(picture[..., None], 3, axis=2)) if picture.ndim == 2 else picture


def _folder(path: Path, wanted: tuple[str, ...]) -> Labelled:
    from mien.io.formats import SUFFIXES

    files: list[tuple[Path, int]] = []
    left_out: Counter[str] = Counter()
    folders = sorted(p for p in path.iterdir() if p.is_dir())
    for folder in folders:
        name = canonical(folder.name)
        inside = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        if name is None or name not in wanted:
            left_out[f"folder {folder.name!r}: {'not an emotion' if name is None else 'not in the label set'}"] += len(inside)
        else:
            files += [(p, wanted.index(name)) for p in inside]
    if not files:
        raise DataError(
            f"{path}: no pictures in folders named after emotions; found folders {', '.join(p.name for p in folders) or 'none'}"
        )
    return Labelled(
        path.name,
        wanted,
        np.array([k for _, k in files], np.int64),
        tuple(str(p.relative_to(path)) for p, _ in files),
        tuple(_read_file(p) for p, _ in files),
        left_out=dict(left_out),
    )


def _arrays(path: Path, wanted: tuple[str, ...], pixels: Image, label: Ints, classes: list[str]) -> Labelled:
    names = [canonical(classes[int(k)]) for k in label]
    kept = [i for i, name in enumerate(names) if name in wanted]
    gone = Counter(f"label {classes[int(label[i])]!r}: not in the label set" for i, name in enumerate(names) if name not in wanted)
    return Labelled(
        path.stem,
        wanted,
        np.array([wanted.index(str(names[i])) for i in kept], np.int64),
        tuple(f"{path.name}[{i}]" for i in kept),
        tuple(_from_grey(pixels[i]) for i in kept),
        left_out=dict(gone),
    )


def _fer(path: Path, labels: str, fer: Fer, split: str | None) -> Labelled:
    if split not in SPLITS:
        raise UsageError(f"{path}: FER-2013 needs a split; wanted --split {', '.join(SPLITS)}; found {split}")
    fer = fer.split(split)
    left_out: dict[str, int] = {}
    if fer.duplicate.any():
        left_out["has a copy in another split"] = int(fer.duplicate.sum())
        fer = fer.where(~fer.duplicate)
    if labels == "fer7":
        true = fer.emotion
    elif labels == "ferplus8":
        true = majority8(fer.votes)
        if (true < 0).any():
            left_out["the crowd chose none of the eight"] = int((true < 0).sum())
            fer, true = fer.where(true >= 0), true[true >= 0]
    else:
        raise UsageError(f"{path}: FER-2013 has labels fer7 and ferplus8; found {labels}")
    affect = anchors("crowd").expected(vote_shares(fer.votes))
    sources = tuple(f"{path.name}[{row}]" for row in fer.row)
    return Labelled(f"{path.stem} {split}", LABEL_SETS[labels], true, sources, tuple(_from_grey(p) for p in fer.pictures), affect, left_out)
