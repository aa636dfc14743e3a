"""Features of a frozen backbone, computed once: on them a head trains in seconds, so that a search takes minutes on a CPU."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.errors import UsageError
from mien.io.whole import whole
from mien.models.locate import sha256_of
from mien.train.config import TrainConfig
from mien.train.crops import plain_crops
from mien.train.fit import started
from mien.train.nets import Backbone, Entrance, input_of
from mien.train.nets.weights import pretrained_path
from mien.train.rows import Rows, TrainData
from mien.train.start import hash_of_start
from mien.train.telling import Counter, Say, silent
from mien.train.tune.space import Space
from mien.types import Floats, Image
from mien.vision.align import CropSpec, grey

BATCH = 64
"""Crops, and as many mirrored ones, that go through the backbone at a time."""
HEAD_ONLY = (
    "head.", "rate", "batch", "epochs", "optimiser", "momentum", "weight_decay", "schedule", "decay_rate", "decay_steps", "plateau_factor",
    "plateau_patience", "restarts", "restart_rate", "smoothing", "votes_weight", "classes_weight", "affect_weight", "balance", "adjust",
    "average", "seed",
)  # fmt: skip
"""Settings that a head on frozen features knows; the others shape the backbone or its crops."""
ARRAYS = ("labels", "shares", "affect")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What a frozen backbone sees in some rows."""

    plain: Floats
    """float32 (n, width): of the plain crops."""
    mirrored: Floats
    """float32 (n, width): of the same crops mirrored."""
    rows: Rows
    """Their targets; its pictures are empty."""


def head_only(space: Space) -> None:
    """Raise UsageError when a space varies what frozen features cannot follow."""
    if strange := [name for name in (*space.dimensions, *space.fixed) if not name.startswith("head.") and name not in HEAD_ONLY]:
        raise UsageError(
            f"{space.name}: {', '.join(strange)} make no difference to a head on frozen features; search by full trainings, "
            f"or vary only head.* and {', '.join(HEAD_ONLY[1:])}"
        )


def cached_features(
    config: TrainConfig, data: TrainData, folder: Path, *, say: Say = lambda line: None, progress: Counter = silent
) -> Path:
    """Compute the features of all rows, unless the folder has them: an npz named for the backbone's settings and the data.

    progress: as in `mien.train.rows.read_data`. Raises what `mien.train.nets.backbone` raises, UsageError for a network of sequences.
    """
    path = folder / f"features-{key_of(config, data)[:16]}.npz"
    if path.exists():
        say(f"{path}: features from an earlier run")
        return path
    if not (config.settings.weights or config.start):
        say(f"{config.net} has no pretrained weights (settings.weights or start): the features are those of random ones, which say little")
    net = frozen(config, data)
    arrays: dict[str, Any] = {}
    parts = {"train": data.train, "judge": data.judge}
    total = sum(map(len, parts.values()))
    with progress(total, "pictures through the network") as done:
        before = 0
        for kind, rows in parts.items():
            plain, mirrored = outputs(net, rows, config, done=lambda n, before=before: done(before + n))  # type: ignore[misc]
            before += len(rows)
            arrays |= {f"{kind}_plain": plain, f"{kind}_mirrored": mirrored}
            arrays |= {f"{kind}_{name}": getattr(rows, name) for name in ARRAYS}
    with whole(path) as part, part.open("wb") as file:
        np.savez(file, names=np.array(data.names, np.str_), **arrays)
    read_features.cache_clear()
    say(f"{path}: features of {total:,} rows, {net.width} numbers each")
    return path


def frozen(config: TrainConfig, data: TrainData) -> Backbone:
    """The backbone that a training on these data would begin with, its weights not learning. Random ones are those of the config's seed."""
    torch.manual_seed(config.seed)
    if input_of(config.net, config.settings).frames:
        raise UsageError(f"network {config.net}: takes sequences, of which there are no cached features; search by full trainings")
    return started(config, data).backbone.eval().requires_grad_(False)


def outputs(net: Backbone, rows: Rows, config: TrainConfig, *, done: Callable[[int], None] = lambda n: None) -> tuple[Floats, Floats]:
    """Features of the plain crops of some rows and of their mirror pictures, float32 (n, width) each."""
    spec = CropSpec(size=net.input.size, margin=config.margin)
    entrance = Entrance(net.input).eval()
    plain, mirrored = [], []
    for start in range(0, len(rows), BATCH):
        at = slice(start, start + BATCH)
        crops = plain_crops(np.asarray(rows.pictures[at]), rows.points[at], rows.frames[at], spec)
        with torch.inference_mode():
            x = entrance(torch.from_numpy(_coloured(crops, grey_only=net.input.channels == 1 or config.colour == "grey")))
            both = net(torch.cat([x, torch.flip(x, dims=[3])])).float().numpy()
        plain.append(both[: len(crops)])
        mirrored.append(both[len(crops) :])
        done(start + len(crops))
    return np.concatenate(plain), np.concatenate(mirrored)


def _coloured(crops: Image, *, grey_only: bool) -> Image:
    """uint8 (n, S, S, 1 or 3) of crops (n, S, S) or (n, S, S, 3)."""
    if crops.ndim == 3:
        return crops[..., None]
    return np.stack([grey(crop) for crop in crops])[..., None] if grey_only else crops


@lru_cache(maxsize=2)
def read_features(path: Path) -> tuple[Features, Features]:
    """Features to learn from and to judge by, from the file of `cached_features`."""
    with np.load(path) as file:
        names = tuple(file["names"].tolist())
        return _features(file, "train", names), _features(file, "judge", names)


def _features(file: np.lib.npyio.NpzFile, kind: str, names: tuple[str, ...]) -> Features:
    labels, shares, affect = (file[f"{kind}_{name}"] for name in ARRAYS)
    n = len(labels)
    nowhere = np.full((n, 5, 2), np.nan, np.float32)
    rows = Rows(np.empty((n, 0, 0), np.uint8), nowhere, nowhere, labels, shares, affect, names)
    return Features(file[f"{kind}_plain"], file[f"{kind}_mirrored"], rows)


def key_of(config: TrainConfig, data: TrainData) -> str:
    """sha256, hex, over all that decides the features and their targets."""
    settings = dataclasses.asdict(config.settings)
    if config.settings.weights:
        settings["weights"] = sha256_of(pretrained_path(config.settings.weights, config.settings.sha256))
    record = {
        "net": config.net, "settings": settings, "margin": config.margin, "colour": config.colour,
        "seed": None if config.settings.weights else config.seed, "start": hash_of_start(config.start) if config.start else "",
        "data": data.hash or hash_of_rows(data), "detector": data.detector, "names": data.names, "torch": torch.__version__,
    }  # fmt: skip
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def hash_of_rows(data: TrainData) -> str:
    """sha256, hex, over the arrays of data that come without a hash."""
    digest = hashlib.sha256()
    for rows in (data.train, data.judge):
        for name in ("pictures", "points", "frames", *ARRAYS):
            array = getattr(rows, name)
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            for start in range(0, len(array), 1024):  # a mapped file need not fit into memory
                digest.update(np.ascontiguousarray(array[start : start + 1024]).tobytes())
    return digest.hexdigest()
