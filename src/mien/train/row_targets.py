"""What a data set's rows say: their classes, valence and arousal, which tasks they have a target of."""

from __future__ import annotations

import hashlib

import numpy as np

from mien.data.affect import rated
from mien.data.fer import FER7
from mien.data.manifest import Manifest
from mien.errors import DataError, UsageError
from mien.labels import EMOTIONS, LABEL_SETS, anchors
from mien.train.config import TrainConfig
from mien.types import Bools, Floats, Ints


def classes_of(manifest: Manifest, config: TrainConfig) -> tuple[Ints, tuple[str, ...]]:
    """Position of each row's label among the classes there are, and their names, in the order of the label set that they make."""
    found = {name for name in manifest["label"].astype(str).tolist() if name}
    if "classes" in config.tasks and len(found) < 2:
        raise DataError(f"found the labels {', '.join(sorted(found)) or 'none'}; wanted two classes or more, or tasks without classes")
    names = next((order for order in (FER7, *LABEL_SETS.values()) if set(order) == found), tuple(e for e in EMOTIONS if e in found))
    place = {name: i for i, name in enumerate(names)}
    return np.array([place.get(str(name), -1) for name in manifest["label"]], np.int64), names


def affect_of(manifest: Manifest, config: TrainConfig) -> Floats:
    """Valence and arousal as rated, or what the votes say under the anchors where nobody rated either, float32 (n, 2).

    NaN in both where there is none, and where one alone is rated: the loss learns pairs, and a guess from votes is no rating's other half.
    """
    given = np.stack([manifest["valence"], manifest["arousal"]], axis=1).astype(np.float32)
    expected = anchors(config.anchors).expected(np.asarray(manifest["shares"], np.float32), EMOTIONS)
    pair = np.asarray(np.isfinite(given).all(axis=1))
    affect = np.where(pair[:, None], given, expected)
    affect[rated(manifest) & ~pair] = np.nan
    return affect.astype(np.float32)


def tasks_with_target(manifest: Manifest, labels: Ints, affect: Floats) -> dict[str, Bools]:
    """Task -> rows that have a target of it."""
    return {
        "classes": labels >= 0,
        "votes": np.asarray(np.isfinite(np.asarray(manifest["shares"], np.float32)).all(axis=1)),
        "affect": np.asarray(np.isfinite(affect).all(axis=1)),
    }


def has_target(manifest: Manifest, labels: Ints, affect: Floats, config: TrainConfig) -> Bools:
    """Rows that have a target of any of the config's tasks, bool (n,). Raises UsageError for a task that no row has a target of."""
    found = tasks_with_target(manifest, labels, affect)
    for task in config.tasks:
        if not found[task].any():
            wanted = {"classes": "labels", "votes": "shares of votes", "affect": "both valence and arousal, or neither and votes"}
            there = ", ".join(name for name in found if found[name].any())
            raise UsageError(f"task {task}: no row has {wanted[task]}; tasks this data has: {there}")

    return np.asarray(np.any([found[task] for task in config.tasks], axis=0))


def hash_of(manifest: Manifest, labels: Ints, affect: Floats) -> str:
    """sha256 over ids, pictures, labels and splits, hex: the same data give the same hash on any machine."""
    digest = hashlib.sha256()
    for name in ("id", "sha256", "label", "split"):
        digest.update("\n".join(manifest[name].astype(str).tolist()).encode())
    for array in (labels, affect, np.asarray(manifest["shares"], np.float32)):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
