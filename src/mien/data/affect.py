"""Valence and arousal for pictures that have only an emotion, or a crowd's votes: `jitter`, `isomap` and `votes`.

None of the three measures anything in the picture. `votes` is the one that agrees with people who rated valence and arousal
(docs/affect.md has the figures); `jitter` is the anchor with noise, and `isomap` is geometry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.data.manifest import Manifest
from mien.errors import DataError, ExtraMissing, UsageError, install
from mien.io.events import Failure
from mien.labels import EMOTIONS, Anchors, anchors
from mien.types import Bools, Floats, Image, Ints
from mien.vision.align import grey

Points = NDArray[np.float64]
"""float64 (n, 2): valence, arousal; the docstring says on which scale."""
Pictures = Callable[[Ints], Image]
"""Gives the pictures of some rows, uint8 (m, 48, 48) grey."""

JITTER = 0.22
"""Half the width of R2's noise, on the 1..7 scale its anchors have."""
SIDE = 48
STEPS, PULL = 6, 0.25
SHOWN = (1, 4, 6)
"""Steps of `isomap` after which R0 drew a picture."""
BATCH = 1000
WARNING = "geometry, not measured affect: where a face lies says how its pixels resemble others, pulled towards its class's anchor"
"""Goes with everything that `isomap` makes."""


def where(labels: Sequence[str], anchor_set: str | Anchors) -> Points:
    """The anchor of each label, on -1..1; NaN for a label that has none, or for none at all."""
    points = (anchors(anchor_set) if isinstance(anchor_set, str) else anchor_set).points
    nowhere = (np.nan, np.nan)
    return np.array([points.get(label, nowhere) for label in labels], np.float64).reshape(-1, 2)


def jitter(labels: Sequence[str], *, anchor_set: str = "adfes2011", width: float = JITTER, seed: int = 0) -> Floats:
    """Anchor plus U(-width, width) on both axes (R2), float32 (n, 2) on -1..1; NaN for labels without an anchor.

    width is on the 1..7 scale on which R2 had its anchors, so it is 0.0733 of -1..1. What leaves -1..1 is put on its edge.
    Raises UnknownName for an anchor set there is not.
    """
    if not width >= 0:
        raise UsageError(f"jitter width {width}: wanted 0 or more, on the 1..7 scale")
    noise = np.random.default_rng(seed).uniform(-width, width, (len(labels), 2))
    return np.asarray(np.clip(where(labels, anchor_set) + noise / 3, -1, 1), np.float32)


def votes(shares: Floats, labels: Sequence[str] = EMOTIONS, *, anchor_set: str = "crowd") -> Floats:
    """Expected anchor under the crowd's vote shares (n, K), float32 (n, 2) on -1..1; NaN where nobody voted for an emotion with an anchor.

    With the anchor set `crowd` this is the linear map from shares to ratings, fitted on rated data (`mien.data.ratings`).
    Shares of labels without an anchor (uncertain) are spread over the others in proportion.
    """
    return np.asarray(np.clip(anchors(anchor_set).expected(np.nan_to_num(shares), labels), -1, 1), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class IsomapLabels:
    """What `isomap` gives. It is geometry, not measured affect (see WARNING)."""

    affect: Floats
    """float32 (n, 2): valence, arousal on -1..1, what lay outside put on the edge; NaN for labels without an anchor."""
    stages: dict[int, Points]
    """Step -> float64 (n, 2) on the 1..7 scale, not cut off: 0 is after shift and scale, 1..6 after each pull."""
    labels: tuple[str, ...]
    anchor_set: str
    fitted: Ints
    """Rows that the embedding was fitted on."""
    notes: tuple[str, ...] = field(default=())
    """What scikit-learn had to say, such as a neighbourhood graph in several parts."""


def isomap(
    pictures: Image | Pictures,
    labels: Sequence[str],
    *,
    anchor_set: str = "adfes2011",
    per_class: int = 1000,
    neighbours: int = 5,
    seed: int = 0,
    progress: Callable[[int], None] = lambda done: None,
) -> IsomapLabels:
    """R0's labels by Isomap (Tenenbaum, de Silva & Langford 2000): geometry, not measured affect.

    Grey 48x48 pictures / 255, flattened; Isomap into two dimensions fitted on `per_class` pictures of each label; all pictures
    transformed; each axis shifted by its minimum to >= 0 and scaled so that its mean is 4; then six pulls towards the anchor of the
    picture's label (`pulled`).

    pictures: uint8 (n, 48, 48), or a function that gives those of some rows, so that they need not all be in memory. labels: n names.
    per_class: memory and time grow with the square of all that is fitted: 9,000 pictures are 81 million distances.
    progress: called with the number done.
    Raises DataError for too few pictures, ExtraMissing without scikit-learn.
    """
    read: Pictures = pictures.__getitem__ if isinstance(pictures, np.ndarray) else pictures
    n = len(labels)
    centres = 4 + 3 * where(labels, anchor_set)  # on 1..7
    chosen = fit_rows(labels, per_class=per_class, seed=seed)
    if len(chosen) <= neighbours:
        raise DataError(f"isomap: found {len(chosen)} pictures to fit on, wanted more than the {neighbours} neighbours")
    model, notes = _fitted(flat(read(chosen)), neighbours=neighbours, seed=seed)
    embedded = np.empty((n, 2))
    for start in range(0, n, BATCH):
        rows = np.arange(start, min(start + BATCH, n))
        embedded[rows] = model.transform(flat(read(rows)))
        progress(int(rows[-1]) + 1)
    stages = {0: scaled(shifted(embedded))}
    classes = np.unique(np.asarray(labels), return_inverse=True)[1]
    for step in range(1, STEPS + 1):
        stages[step] = pulled(stages[step - 1], centres, classes)
    affect = np.clip((stages[STEPS] - 4) / 3, -1, 1)
    return IsomapLabels(np.asarray(affect, np.float32), stages, tuple(labels), anchor_set, chosen, notes)


def fit_rows(labels: Sequence[str], *, per_class: int, seed: int) -> Ints:
    """Rows to fit on, int64, ascending: up to `per_class` of each label, drawn by seed."""
    rng = np.random.default_rng(seed)
    array = np.asarray(labels)
    rows = [np.flatnonzero(array == label) for label in sorted(set(labels))]
    drawn = [rng.choice(found, per_class, replace=False) if len(found) > per_class else found for found in rows]
    return np.sort(np.concatenate(drawn)).astype(np.int64) if drawn else np.zeros(0, np.int64)


def flat(pictures: Image) -> Floats:
    """Grey pictures (m, 48, 48) as rows, float32 (m, 2304) in 0..1."""
    if pictures.shape[1:] != (SIDE, SIDE) or pictures.dtype != np.uint8:
        raise UsageError(f"isomap: found pictures {pictures.dtype} {pictures.shape}, wanted uint8 (n, {SIDE}, {SIDE}) grey")
    return pictures.reshape(len(pictures), -1).astype(np.float32) / np.float32(255)


def shifted(points: Points) -> Points:
    """Points (n, 2) moved so that the smallest value of each axis is 0."""
    return np.asarray(points - points.min(axis=0))


def scaled(points: Points) -> Points:
    """Points (n, 2) >= 0 scaled so that each axis has the mean 4, the middle of 1..7."""
    means = points.mean(axis=0)
    if not (means > 0).all():
        raise DataError("isomap: all pictures lie on one point of an axis, so that it cannot be scaled; wanted pictures that differ")
    return np.asarray(points * (4 / means))


def pulled(points: Points, centres: Points, classes: Ints) -> Points:
    """One pull: x + (centre - x) * 0.25 * d / mean of d over the class, d the distance of x to its centre.

    points, centres: (n, 2), a row's own centre; NaN for a class without one, whose points become NaN. classes: int64 (n,) from 0.
    """
    gap = centres - points
    distance = np.linalg.norm(gap, axis=1)
    mean = (np.bincount(classes, weights=distance) / np.maximum(np.bincount(classes), 1))[classes]
    share = np.divide(distance, mean, out=np.where(np.isnan(distance), np.nan, 0.0), where=mean > 0)
    return np.asarray(points + gap * PULL * share[:, None])


def _fitted(rows: Floats, *, neighbours: int, seed: int) -> tuple[Any, tuple[str, ...]]:
    """A fitted Isomap, and what scikit-learn said."""
    import warnings

    try:
        from sklearn.manifold import Isomap
    except ImportError:
        raise ExtraMissing(f"labels by Isomap need scikit-learn: {install('data')}") from None
    # Isomap offers no seed, but its eigenvalue solver starts from NumPy's global source of chance.
    state = np.random.get_state()
    np.random.seed(seed % 2**32)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model = Isomap(n_components=2, n_neighbors=neighbours).fit(rows)
    finally:
        np.random.set_state(state)
    return model, tuple(dict.fromkeys(" ".join(str(line.message).split()) for line in said if issubclass(line.category, UserWarning)))


def rated(manifest: Manifest) -> Bools:
    """Rows that have valence, arousal or both, bool (n,). Nothing is made up beside one of them: it would be another measurement."""
    return np.asarray(np.isfinite(manifest["valence"]) | np.isfinite(manifest["arousal"]))


def open_rows(manifest: Manifest, *, replace: bool = False) -> Ints:
    """Rows that may get valence and arousal, int64: those that have neither. What a data set has, such as real ratings, stays.

    replace: all rows.
    """
    return np.flatnonzero(~rated(manifest) | replace)


def fill(manifest: Manifest, rows: Ints, affect: Floats, name: str) -> tuple[Manifest, int]:
    """The manifest with valence and arousal in some rows and `affect_from` saying so; and how many rows got them.

    rows: int64 (m,); affect: float32 (m, 2), NaN leaves a row as it was.
    """
    there = np.isfinite(affect).all(axis=1)
    columns = {key: manifest[key].copy() for key in ("valence", "arousal", "affect_from")}
    columns["valence"][rows[there]], columns["arousal"][rows[there]] = affect[there].T
    columns["affect_from"][rows[there]] = name
    return manifest.with_columns(**columns), int(there.sum())


def grey48(manifest: Manifest, rows: Ints) -> Image:
    """Pictures of some rows as Isomap wants them, uint8 (m, 48, 48) grey. Raises what reading raises."""
    import cv2

    out = np.empty((len(rows), SIDE, SIDE), np.uint8)
    for place, (_, image) in enumerate(manifest.pictures(rows.tolist())):
        if isinstance(image, Failure):
            raise image.error
        small = image if image.shape[:2] == (SIDE, SIDE) else cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        out[place] = grey(np.asarray(small, np.uint8))
    return out
