"""True SMOTE: new vectors of small classes, between neighbours of the same class (Chawla, Bowyer, Hall & Kegelmeyer 2002).

On vectors, not on pictures: on what a network sees in a face, or on any features. (What R0 called SMOTE makes pictures; that is
`mien.data.balance`.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mien.data.manifest import Manifest
from mien.errors import DataError, ExtraMissing, UsageError, install
from mien.io.events import Failure
from mien.models.features import Features
from mien.models.landmarks import find_in_crop
from mien.models.recogniser import OnnxRecogniser
from mien.types import Bools, Detector, Emotions, Floats, Image, Ints, Recogniser
from mien.vision.align import align, whole_frame_points

BATCH = 32


@dataclass(frozen=True, slots=True, eq=False)
class Oversampled:
    """Vectors with new ones behind them."""

    features: Floats
    """float32 (m, d): the n given, in their order, then the new ones."""
    labels: tuple[str, ...]
    """m names."""
    generated: Bools
    """bool (m,): which are new."""


def smote(
    features: Floats, labels: Sequence[str], *, size: int | dict[str, int] | None = None, neighbours: int = 5, seed: int = 0
) -> Oversampled:
    """Fill classes up with vectors drawn between a vector and one of its nearest neighbours of the same class.

    features: (n, d), finite. Give those of the training split alone: what is held out must not be a neighbour. labels: n names.
    size: a class's size afterwards, for all or by name; None fills up to the largest. A class that is larger stays as it is.
    neighbours: fewer are used in a class too small for them; a class of one has none and is refused.
    Raises DataError, UsageError, ExtraMissing.
    """
    try:
        from imblearn.over_sampling import SMOTE
    except ImportError:
        raise ExtraMissing(f"SMOTE on vectors needs imbalanced-learn: {install('data')}") from None
    rows = np.ascontiguousarray(features, np.float32)
    if rows.ndim != 2 or len(rows) != len(labels):
        raise UsageError(f"smote: found features {rows.shape} and {len(labels)} labels, wanted (n, d) and n")
    if not np.isfinite(rows).all():
        raise DataError("smote: some features are not finite; drop the pictures without a face first")
    counts = Counter(labels)
    wanted = _sizes(counts, size)
    if lonely := sorted(label for label in wanted if counts[label] < 2):
        raise DataError(f"smote: {', '.join(lonely)}: one picture only, so there is nothing to draw between; wanted two or more")
    parts, names = [rows], list(labels)
    for label in sorted(wanted):  # one class after the other, each with the neighbours it can have
        own = np.array([name == label for name in labels])
        maker = SMOTE(sampling_strategy={1: wanted[label]}, k_neighbors=min(neighbours, counts[label] - 1), random_state=seed)
        # The library wants a second class; it takes neighbours from the class it fills up alone, so what stands there does not matter.
        others = np.zeros((wanted[label] + 1, rows.shape[1]), np.float32)
        made, which = maker.fit_resample(np.concatenate([others, rows[own]]), np.repeat([0, 1], [len(others), counts[label]]))
        new = made[which == 1][counts[label] :]
        parts.append(np.asarray(new, np.float32))
        names += [label] * len(new)
    everything = np.concatenate(parts)
    return Oversampled(everything, tuple(names), np.arange(len(everything)) >= len(rows))


def _sizes(counts: Counter[str], size: int | dict[str, int] | None) -> dict[str, int]:
    """Label -> size afterwards, of the classes that grow."""
    if isinstance(size, dict):
        if unknown := sorted(set(size) - set(counts)):
            raise UsageError(f"smote: no pictures of {', '.join(unknown)}; there are: {', '.join(sorted(counts))}")
        targets = size
    else:
        largest = max(counts.values(), default=0) if size is None else size
        targets = dict.fromkeys(counts, largest)
    return {label: target for label, target in targets.items() if target > counts[label]}


def seen_by(recogniser: Recogniser) -> Callable[[Image], Floats]:
    """What gives the vectors of crops, float32 (n, d): the network's features, or of code that was registered its answers (see `answered`).

    Raises ExtraMissing, ModelError.
    """
    return Features(recogniser) if isinstance(recogniser, OnnxRecogniser) else lambda crops: answered(recogniser(crops))


def answered(emotions: Emotions) -> Floats:
    """What a recogniser gave for n faces as vectors, float32 (n, d): logarithms of the probabilities of every output, and valence, arousal.

    Logarithms, centred in each output, since between two probabilities near 0 and 1 there is no straight line.
    """
    parts = [np.log(np.clip(probs, 1e-6, 1)) for probs in (emotions.probs, *(emotions.heads[name] for name in sorted(emotions.heads)))]
    centred = [part - part.mean(axis=1, keepdims=True) for part in parts]
    return np.concatenate([*centred, *([] if emotions.affect is None else [emotions.affect])], axis=1).astype(np.float32)


def embed(
    manifest: Manifest, rows: Ints, recogniser: Recogniser, detector: Detector, *, progress: Callable[[int], None] = lambda done: None
) -> tuple[Floats, Ints]:
    """Vectors of the pictures of some rows (see `seen_by`), float32 (m, d), and the m rows that could be read, int64.

    The face nearest the middle is cut out as the recogniser wants it; a picture in which none is found is taken whole, as one that is
    itself a face.
    """
    see = seen_by(recogniser)
    parts: list[Floats] = []
    there: list[int] = []
    crops: list[Image] = []
    for number, (row, image) in enumerate(manifest.pictures(rows.tolist())):
        if not isinstance(image, Failure):
            points = find_in_crop(image, detector)
            if not np.isfinite(points).all():
                points = whole_frame_points(image.shape[1], image.shape[0])
            crops.append(align(image, points[None], recogniser.crop)[0])
            there.append(row)
        if crops and (len(crops) == BATCH or number + 1 == len(rows)):
            parts.append(see(np.stack(crops)))
            crops = []
        progress(number + 1)
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32), np.array(there, np.int64)
