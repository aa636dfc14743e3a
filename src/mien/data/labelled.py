"""Labelled pictures to judge a model by, from data of any layout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

from mien.data.affect import rated
from mien.data.cross_copies import noted
from mien.data.fer import SPLITS, Fer, majority8, read_fer, unusable, vote_shares
from mien.data.manifest import SPLITS as SPLIT_NAMES
from mien.data.manifest import Column, Manifest
from mien.data.npz import opened
from mien.data.readers.draft import split_of
from mien.data.readers.report import EMPTY
from mien.data.stores import InBlob
from mien.errors import DataError, UsageError
from mien.labels import EMOTIONS, LABEL_SETS, anchors, label_set
from mien.types import Bools, Floats, Image, Ints

Read: TypeAlias = Callable[[], Image]
COPIED = "has a copy in another split"
"""Why a picture is left out, where the duplicates are to be."""
AGREEMENT = "agreement"
"""Column: the share of the raters who chose the picture's label, float32, NaN where nobody knows. Its mean is the accuracy that one of
them alone would have, who is then among those who made the label. Every vote counts: the raters whose single votes `shares` drops as
slips saw something else. So it is not told of a manifest, which has these shares alone."""
AFFECT_FROM = "affect_from"
"""Column: where a picture's valence and arousal come from, as in a manifest; text, "" where nobody noted it."""
BY_VOTES = "votes:crowd"
"""What that column says where they are what the votes lead one to expect, as `mien data affect votes` has it."""
NO_LABEL = "no label"
"""Why a picture is left out; the next is said of one that is rated where others have labels, the third where no picture has one."""
RATED_ALONE = "no label, so that its valence or arousal is not judged either"
NOTHING = "neither a label nor valence or arousal"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Pictures with labels of one set. Pictures are read one at a time."""

    name: str
    labels: tuple[str, ...]
    true: Ints
    """int64 (n,): positions in `labels`; all -1 where the data have valence and arousal but no labels."""
    sources: tuple[str, ...]
    """n names to show."""
    readers: tuple[Read, ...] = field(repr=False)
    """n callables that give uint8 (H, W, 3) RGB, or raise SourceError."""
    affect: Floats | None = None
    """float32 (n, 2): valence and arousal, each where it is known, NaN elsewhere; None where neither is of any picture."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Why pictures of the data, or valence and arousal of them, are not among these: reason -> count."""
    columns: dict[str, Column] = field(default_factory=dict, repr=False)
    """What else is known of each picture, (n,) each: columns of the manifest that hold text or one number."""

    def __len__(self) -> int:
        return len(self.true)

    def where(self, rows: Bools | Ints | Sequence[int]) -> Labelled:
        """The pictures at a mask or positions, in that order."""
        at = np.arange(len(self))[rows]
        return replace(
            self,
            true=self.true[at],
            sources=tuple(self.sources[i] for i in at),
            readers=tuple(self.readers[i] for i in at),
            affect=None if self.affect is None else self.affect[at],
            columns={name: values[at] for name, values in self.columns.items()},
        )

    def pictures(self) -> Iterator[Image]:
        """The pictures in order."""
        return (read() for read in self.readers)


def read_labelled(path: Path, labels: str, *, split: str | None = None, duplicates: Path | None = None) -> Labelled:
    """Open a data set by its path, in any layout that `mien data import` reads, manifests too. Pictures are not opened.

    split: of data that come with splits, the one to take: train, val, test, or FER-2013's Training, PublicTest, PrivateTest.
    duplicates: npz that marks FER-2013's rows with a copy in another split (cross_copies.Marks), which are then left out; of a manifest
    those whose note says so.

    Pictures whose label is not in the set are counted in `left_out`, and those without one; of data without any label the pictures are
    taken that are rated. One may be rated in valence, in arousal or in both, and what people rated stays as it is. Votes stand in for a
    picture that is rated in neither, with what is expected under the anchors `crowd`; never beside a rating, since two sources of truth
    in one picture would be two measurements. The column `affect_from` says which.

    Raises SourceMissing, DataError, UnknownName, UsageError, also where `duplicates` is no such file or the data have no such rows.
    """
    from mien.data.readers.recognise import drafted

    wanted = label_set(labels)
    if path.suffix == ".npz" and path.is_file() and _has_votes(path):
        return _fer(path, labels, read_fer(path, duplicates), split)
    manifest, report = drafted(path, duplicates=duplicates)
    left_out = Counter(f"{problem.kind}: {problem.why}" for problem in report.problems if problem.kind != EMPTY)
    manifest = _part(path, manifest, split)
    if duplicates is not None and (copied := noted(manifest["note"])).any():
        left_out[COPIED] = int(copied.sum())
        manifest = manifest.where(~copied)
    return _rows(path, labels, wanted, manifest, left_out, split)


def _has_votes(path: Path) -> bool:
    with opened(path) as file:
        return "ferplus_votes" in file.files


def _part(path: Path, manifest: Manifest, split: str | None) -> Manifest:
    """The rows of a split, where the data have splits."""
    there = [name for name in SPLIT_NAMES if (manifest["split"] == name).any()]
    if not there:
        return manifest
    chosen = split_of(split or "")
    if chosen not in there:
        raise UsageError(f"{path}: its pictures have splits; wanted --split {', '.join(there)}; found {split}")
    return manifest.where(manifest["split"] == chosen)


def _rows(path: Path, labels: str, wanted: tuple[str, ...], manifest: Manifest, left_out: Counter[str], split: str | None) -> Labelled:
    names, has = _names(labels, manifest), rated(manifest)
    kept = [i for i, name in enumerate(names) if name in wanted]
    if bare := not any(names):  # valence and arousal can be judged without labels
        kept = np.flatnonzero(has).tolist()
    unread = left_out.copy()
    for i in np.delete(np.arange(len(names)), kept).tolist():
        none = NOTHING if bare else RATED_ALONE if has[i] else NO_LABEL
        left_out[f"label {names[i]!r}: not in the label set" if names[i] else none] += 1
    if not kept:
        raise DataError(f"{path}: {_why_none(labels, names, unread)}")
    rows = manifest.where(kept)
    affect, origin = _affect(rows)
    return Labelled(
        f"{path.stem if path.is_file() else path.name}{f' {split}' if split else ''}",
        wanted,
        np.array([wanted.index(names[i]) if names[i] else -1 for i in kept], np.int64),
        tuple(str(name).removeprefix(f"{source}/") for name, source in zip(rows["id"], rows["source"], strict=True)),
        tuple(partial(rows.picture, i) for i in range(len(rows))),
        affect if np.isfinite(affect).any() else None,
        left_out=dict(left_out),
        columns={name: values for name, values in rows.columns.items() if values.ndim == 1} | {AFFECT_FROM: origin},
    )


def _names(labels: str, manifest: Manifest) -> list[str]:
    """Label of each row; for FER+'s set what most of those chose who voted on it, where it has votes."""
    names: list[str] = manifest["label"].tolist()
    if labels != "ferplus8":
        return names
    voted: Bools = np.asarray(np.isfinite(manifest["shares"]).all(axis=1))
    return [_chosen(shares) if has else name for shares, has, name in zip(manifest["shares"], voted, names, strict=True)]


def _affect(rows: Manifest) -> tuple[Floats, Column]:
    """Valence and arousal, float32 (n, 2), and where they come from, (n,): votes stand in for a picture that is rated in neither."""
    affect = np.stack([rows["valence"], rows["arousal"]], axis=1)
    expected, origin = anchors("crowd").expected(rows["shares"]), rows[AFFECT_FROM].copy()
    by_votes = ~rated(rows) & np.isfinite(expected).all(axis=1)
    affect[by_votes], origin[by_votes] = expected[by_votes], BY_VOTES
    return affect, origin


def _why_none(labels: str, names: Sequence[str], unread: Counter[str]) -> str:
    """Why no picture of the data can be judged: what they have in place of a label. unread: reasons why rows or files are none of them."""
    others = sum(map(bool, names))
    counted = {"have others": others, "have none": len(names) - others}
    counted |= {f"cannot be used ({why})": count for why, count in unread.most_common(1)}
    found = ", ".join(f"{count:,} {what}" for what, count in counted.items() if count) or "there is none at all"
    wanted = "" if others else "; wanted labels, or valence or arousal from -1 to 1, which are judged without labels"
    return f"no picture has a label of the set {labels}; {found}{wanted}"


def _chosen(shares: Floats) -> str:
    """The emotion with most votes; "" where two have equally many."""
    best = np.flatnonzero(shares == shares.max())
    return EMOTIONS[best[0]] if len(best) == 1 else ""


def _fer(path: Path, labels: str, fer: Fer, split: str | None) -> Labelled:
    named = {split_of(name): name for name in SPLITS}
    if split_of(split or "") not in named:
        raise UsageError(f"{path}: FER-2013 needs a split; wanted --split {', '.join(SPLITS)}; found {split}")
    split = named[split_of(split or "")]
    fer, left_out = _usable(fer.where((fer.usage == SPLITS.index(split)) | ~np.isin(fer.usage, range(len(SPLITS)))))
    if fer.duplicate.any():
        left_out[COPIED] = int(fer.duplicate.sum())
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
    if not len(true):
        raise DataError(f"{path}: no picture of {split} has a label of the set {labels}; {sum(left_out.values())} are left out")
    affect = anchors("crowd").expected(vote_shares(fer.votes))
    sources = tuple(f"{path.name}[{row}]" for row in fer.row)
    told: dict[str, Column] = {"source": np.full(len(true), path.stem, object), "split": np.full(len(true), split, object)}
    told[AFFECT_FROM] = np.where(np.isfinite(affect).all(axis=1), BY_VOTES, "").astype(object)
    every = vote_shares(fer.votes, drop_single=False)
    if np.isfinite(every).any():
        told[AGREEMENT] = every[np.arange(len(true)), [EMOTIONS.index(LABEL_SETS[labels][k]) for k in true]]
    pictures = tuple(partial(_decoded, fer.pictures, place, name) for place, name in zip(fer.place.tolist(), sources, strict=True))
    return Labelled(f"{path.stem} {split}", LABEL_SETS[labels], true, sources, pictures, affect, dict(left_out), told)


def _usable(fer: Fer) -> tuple[Fer, Counter[str]]:
    """The rows whose codes FER-2013 has, and why the others are left out."""
    wrong = [unusable(emotion, usage) for emotion, usage in zip(fer.emotion.tolist(), fer.usage.tolist(), strict=True)]
    left_out = Counter(f"{kind}: {why}" for kind, why in filter(None, wrong))
    return fer.where(np.array([one is None for one in wrong], np.bool_)), left_out


def _decoded(pictures: InBlob, place: int, name: str) -> Image:
    from mien.io.images import decode_whole

    return decode_whole(pictures(place), name=name).image
