"""What is in a data set, in numbers: classes, sizes, duplicates, contradictions, labels and pictures to be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.affect import rated
from mien.data.detail import near_duplicates
from mien.data.duplicates import THRESHOLD, Copies, copies, exact
from mien.data.manifest import SPLITS, Manifest
from mien.data.measures import Measures, label_codes, measure
from mien.data.readers.report import Problem, Progress, Report, silent
from mien.data.suspicious import FOLDS, Suspicious, cross_validated, suspicious
from mien.errors import MienError, UsageError
from mien.io.events import Failure
from mien.labels import EMOTIONS
from mien.types import Bools, Floats, Image, Ints, Recogniser

TINY, BLURRED = 24, 0.02
"""Defaults: a picture whose shorter side has fewer pixels is tiny; one with a lower share of fine detail is blurred. The latter is
the bound below which mien is unsure of a face."""
SHOWN, SAMPLES, POINTS, THUMB = 50, 10, 4000, 96
"""Pictures or pairs of a kind on the page, samples of a class, points of the scatter, longest side of a picture on the page."""
NOTES = 20
"""Notes of one kind that are told one by one."""
NO_LABEL = "no label"


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What was found in n pictures. Positions are those in the manifest; `thumbs` has the pictures that the page shows."""

    name: str
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    """Names of the classes there are, in the order of EMOTIONS; "no label" at the end if some have none."""
    label: Ints
    """int64 (n,): position in `labels`."""
    splits: tuple[str, ...]
    """Names of the splits there are; "" is no split."""
    split: Ints
    """int64 (n,): position in `splits`."""
    notes: dict[str, int]
    """What the manifest notes about pictures -> how many; notes that differ in what comes after a colon are taken together."""
    problems: tuple[Problem, ...]
    """What the reader of the data set could not take: unknown labels, corrupt pictures, empty classes."""
    failures: tuple[Failure, ...]
    """Pictures that cannot be read."""
    sizes: tuple[tuple[int, int, int], ...]
    """Width, height and how many, the most frequent first."""
    means: Image
    """uint8 (labels, 48, 48): the mean picture of each class, grey."""
    same_bytes: Ints
    """int64 (n,): position of the first picture with the same encoded bytes."""
    copies: Copies
    """Pictures with the same pixels, and near duplicates (mien.data.detail)."""
    across: Ints
    """int64 (splits, splits): pictures of a split (row) that have a duplicate in a split (column)."""
    elsewhere: Ints
    """int64 (splits,): pictures of a split that have a duplicate in any other."""
    conflicting: Bools
    """bool (n,): has a duplicate with another label."""
    suspicious: Suspicious | None
    """Labels that a model contradicts; classes are positions in `labels`. None where it was not asked for or cannot be told."""
    unjudged: str
    """Why there is no `suspicious`."""
    affect: Floats
    """float32 (m, 3): valence, arousal and position of the label, of at most 4,000 pictures that have them."""
    affect_from: dict[str, int]
    """Where valence and arousal come from -> pictures that have either."""
    constant: Ints
    """Positions of pictures of one grey value."""
    tiny: Ints
    """Positions, the smallest first."""
    blurred: Ints
    """Positions, the most blurred first."""
    samples: dict[str, tuple[int, ...]]
    """Label -> positions of pictures drawn at random."""
    pairs: tuple[tuple[int, int, float, bool], ...]
    """Near duplicates to show: two positions, correlation, whether mirrored; from the least alike to the most."""
    conflicts: tuple[tuple[int, int], ...]
    """Pairs of duplicates with different labels, to show."""
    thumbs: dict[int, bytes]
    """Position -> encoded picture, long side at most 96 pixels."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def counts(self) -> Ints:
        """int64 (splits, labels): pictures of each."""
        out = np.zeros((len(self.splits), len(self.labels)), np.int64)
        np.add.at(out, (self.split, self.label), 1)
        return out

    def to_json(self) -> dict[str, Any]:
        """All numbers and lists, with the ids of pictures; for JSON."""
        from mien.data.inspect_json import as_json

        return as_json(self)


def inspect(
    manifest: Manifest,
    *,
    report: Report | None = None,
    recogniser: Recogniser | None = None,
    threshold: float = THRESHOLD,
    tiny: int = TINY,
    blurred: float = BLURRED,
    seed: int = 0,
    threads: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Inspection:
    """Look at a data set.

    report: what the reader said of it. recogniser: judges labels (see mien.data.suspicious); a model that was trained on these very
    labels agrees with more of them than it should. None leaves that out, which is most of the time. threshold: correlation from which
    two pictures look alike, and may be near duplicates. tiny: pixels; blurred: share of fine detail. seed: of the pictures drawn as
    samples. threads: 0 takes all cores. cache: a folder where measures are kept, so that an interrupted call goes on. progress: see
    readers.report.
    Raises UsageError for limits that make no sense, SinkError where the cache cannot be written.
    """
    if tiny < 0 or not 0 <= blurred < 1:
        raise UsageError(f"tiny is {tiny} and blurred {blurred}; wanted pixels of 0 or more, and a share from 0 to 1")
    with progress(len(manifest)) as done:
        measures = measure(manifest, recogniser=recogniser, threads=threads, cache=cache, progress=done)
    rng = np.random.default_rng(seed)
    codes = label_codes(manifest)
    labels, label = _present((*EMOTIONS, NO_LABEL), np.where(codes < 0, len(EMOTIONS), codes))
    splits, split = _present((*SPLITS, ""), np.array([(*SPLITS, "").index(s) for s in manifest["split"].tolist()], np.int64))
    with progress(len(manifest)) as done:
        alike = copies(measures.pixels, measures.small, threshold, progress=done)
    short = measures.size.min(axis=1)
    with progress(len(manifest)) as done:
        found = near_duplicates(alike, measures.faces, short, codes, threads=threads, progress=done)
    beside = found.beside(split, len(splits))
    known = np.where(codes < 0, -1, label)
    conflicting = _others(found.beside(known, len(labels)), label) & (known >= 0)
    doubtful, why = _judged(measures, known, len(labels), alike)
    usable = measures.readable
    constant = np.flatnonzero(usable & (measures.span == 0))
    small = _lowest(short, usable & (short < tiny))
    soft = _lowest(measures.sharpness, usable & (measures.span > 0) & (np.nan_to_num(measures.sharpness, nan=1) < blurred))
    samples = {
        name: tuple(sorted(rng.permutation(np.flatnonzero((label == k) & usable))[:SAMPLES].tolist())) for k, name in enumerate(labels)
    }
    pairs = _pairs_to_show(found, split)
    conflicts = _conflicts_to_show(found, np.where(measures.span > 0, known, -1))
    shown = {i for row in samples.values() for i in row} | {i for a, b, *_ in pairs for i in (a, b)} | {i for two in conflicts for i in two}
    shown |= {int(i) for some in (constant, small, soft, doubtful.where if doubtful else constant[:0]) for i in some[:SHOWN]}
    return Inspection(
        name=report.source if report and report.source else "data",
        ids=tuple(map(str, manifest["id"].tolist())),
        labels=labels,
        label=label,
        splits=splits,
        split=split,
        notes=_notes(manifest["note"].tolist()),
        problems=tuple(report.problems) if report else (),
        failures=measures.failures,
        sizes=_sizes(measures.size[usable]),
        means=_means(measures, codes, labels),
        same_bytes=exact(value or f"#{i}" for i, value in enumerate(measures.bytes)),
        copies=found,
        across=np.stack([beside[split == k].sum(axis=0) for k in range(len(splits))]) if splits else np.zeros((0, 0), np.int64),
        elsewhere=np.bincount(split[_others(beside, split)], minlength=len(splits)),
        conflicting=conflicting,
        suspicious=doubtful,
        unjudged=why,
        affect=_affect(manifest, label, rng),
        affect_from=dict(Counter(map(str, manifest["affect_from"][rated(manifest)].tolist()))),
        constant=constant,
        tiny=small,
        blurred=soft,
        samples=samples,
        pairs=pairs,
        conflicts=conflicts,
        thumbs=thumbs(manifest, shown),
    )


def thumbs(manifest: Manifest, positions: Iterable[int], side: int = THUMB) -> dict[int, bytes]:
    """Position -> the picture as JPEG, its long side at most `side` pixels. What cannot be read is left out."""
    import cv2

    out: dict[int, bytes] = {}
    for position, image in manifest.pictures(sorted(positions)):
        if isinstance(image, Failure):
            continue
        scale = side / max(image.shape[:2])
        if scale < 1:
            width, height = (max(1, round(length * scale)) for length in image.shape[1::-1])
            image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
        if not done:
            raise MienError(f"{manifest['id'][position]}: {image.shape[1]} x {image.shape[0]} pixels cannot be encoded as JPEG")
        out[position] = bytes(data)
    return out


def _present(names: tuple[str, ...], code: Ints) -> tuple[tuple[str, ...], Ints]:
    """The names that occur, and the codes as positions among them."""
    there = np.unique(code)
    return tuple(names[k] for k in there), np.asarray(np.searchsorted(there, code), np.int64)


def _others(beside: Bools, own: Ints) -> Bools:
    """Pictures with a duplicate of another kind than their own, bool (n,)."""
    other = beside.copy()
    other[np.arange(len(own)), own] = False
    return np.asarray(other.any(axis=1))


def _judged(measures: Measures, label: Ints, classes: int, alike: Copies) -> tuple[Suspicious | None, str]:
    if measures.features is None:
        return None, "not asked for"
    good = np.flatnonzero(measures.readable & (measures.span > 0))
    enough = np.bincount(label[good][label[good] >= 0], minlength=classes) >= FOLDS
    if enough.sum() < 2:
        return None, f"fewer than two classes have {FOLDS} pictures"
    good = good[(label[good] >= 0) & enough[label[good]]]
    groups = alike.groups()[good]  # all look-alikes: nobody is to be judged by other takes of the same sitting
    if len(np.unique(groups)) < FOLDS:
        return None, f"fewer than {FOLDS} pictures that do not look alike"
    probs = cross_validated(measures.features[good], label[good], classes, groups=groups)
    judged = suspicious(probs, label[good])
    return Suspicious(good[judged.where], judged.given, judged.suggested, judged.margin, judged.joint), ""


def _lowest(values: Any, mask: Bools) -> Ints:
    at = np.flatnonzero(mask)
    return at[np.argsort(values[at], kind="stable")]


def _notes(notes: list[str]) -> dict[str, int]:
    parts = Counter(part for note in notes if note for part in note.split("; "))
    kinds = Counter(part.partition(":")[0] for part in parts)
    out: Counter[str] = Counter()
    for part, count in parts.items():
        kind = part.partition(":")[0]
        out[kind if kinds[kind] > NOTES else part] += count
    return dict(out.most_common())


def _sizes(size: Ints) -> tuple[tuple[int, int, int], ...]:
    pairs, numbers = np.unique(size, axis=0, return_counts=True)
    order = np.argsort(-numbers, kind="stable")
    return tuple((int(pairs[k, 0]), int(pairs[k, 1]), int(numbers[k])) for k in order)


def _means(measures: Measures, codes: Ints, labels: tuple[str, ...]) -> Image:
    rows = [len(EMOTIONS) if name == NO_LABEL else EMOTIONS.index(name) for name in labels]
    counts = np.bincount(np.where(codes < 0, len(EMOTIONS), codes)[measures.readable], minlength=len(EMOTIONS) + 1)[rows]
    return np.rint(measures.sums[rows] / np.maximum(counts, 1)[:, None, None]).astype(np.uint8)


def _pairs_to_show(found: Copies, split: Ints) -> tuple[tuple[int, int, float, bool], ...]:
    """Half of them across splits if there are such; spread evenly over the correlations."""
    near = found.near
    apart = split[near.first] != split[near.second]
    out: list[tuple[int, int, float, bool]] = []
    for mask in (apart, ~apart):
        at = np.flatnonzero(mask)
        at = at[np.argsort(near.similarity[at], kind="stable")]
        at = at[np.unique(np.linspace(0, len(at) - 1, min(SHOWN // 2, len(at))).round().astype(int))] if len(at) else at
        out += [(int(near.first[k]), int(near.second[k]), float(near.similarity[k]), bool(near.mirrored[k])) for k in at]
    return tuple(out)


def _conflicts_to_show(found: Copies, label: Ints) -> tuple[tuple[int, int], ...]:
    """Pairs whose labels differ: those with the same pixels first, then the most alike."""
    first = found.same
    exact = np.flatnonzero((first != np.arange(len(first))) & (label != label[first]) & (label >= 0) & (label[first] >= 0))
    near = found.near
    at = np.flatnonzero((label[near.first] != label[near.second]) & (label[near.first] >= 0) & (label[near.second] >= 0))
    at = at[np.argsort(-near.similarity[at], kind="stable")]
    pairs = [(int(first[i]), int(i)) for i in exact[:SHOWN]] + [(int(near.first[k]), int(near.second[k])) for k in at[:SHOWN]]
    return tuple(pairs[:SHOWN])


def _affect(manifest: Manifest, label: Ints, rng: np.random.Generator) -> Floats:
    both = np.column_stack([manifest["valence"], manifest["arousal"], label]).astype(np.float32)
    at = np.flatnonzero(np.isfinite(both).all(axis=1))
    return np.asarray(both[np.sort(rng.permutation(at)[:POINTS])])
