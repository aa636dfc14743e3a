"""Shuffled, augmented batches, made in a thread while the last one trains."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch

from mien.data.recipes import Recipe, recipe
from mien.data.weights import balanced_indices
from mien.io.frames_ahead import in_background
from mien.train.config import TrainConfig
from mien.train.crops import are_colour, are_sequences, augmented_crops, plain_crops, same_for_all, with_channel
from mien.train.rows import Rows
from mien.train.targets import Tensors
from mien.types import Floats, Image, Ints
from mien.vision.align import CropSpec

AHEAD = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops and what they are to be."""

    index: int
    crops: torch.Tensor
    """uint8 (n, [T,] S, S, 1 or 3)."""
    targets: Tensors
    rng: np.random.Generator
    """Chance that belongs to this batch, for what is done to it later."""


def order_of(rows: Rows, config: TrainConfig, epoch: int) -> Ints:
    """Positions of the rows in the order of one epoch, int64 (n,)."""
    if config.balance == "sampler":
        names = [rows.names[k] if k >= 0 else "" for k in rows.labels.tolist()]
        return balanced_indices(names, seed=hash_of(config.seed, epoch))
    return np.random.default_rng((config.seed, epoch)).permutation(len(rows))


def hash_of(*numbers: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def steps_of(rows: Rows, config: TrainConfig) -> int:
    """Batches in an epoch. The rows that do not fill a last one are left out of that epoch; fewer rows than a batch are one."""
    return max(1, len(rows) // config.batch)


def batches(
    rows: Rows,
    targets: dict[str, Floats],
    spec: CropSpec,
    config: TrainConfig,
    epoch: int,
    *,
    first: int = 0,
    rank: int = 0,
    world: int = 1,
) -> Generator[Batch, None, None]:
    """The batches of one epoch from number `first` on.

    All chance in a batch comes from the seed, the epoch and its number, so that a run that was stopped within an epoch goes on with
    what would have come. rank, world: this process gets its share of every batch.
    """
    order, mine = order_of(rows, config, epoch), slice(rank, None, world)
    calm = epoch >= config.epochs - config.calm_epochs
    strength = config.augment * (config.calm if calm else 1.0)
    named = recipe(config.recipe) if config.recipe not in ("mien", "none") else None

    def make() -> Generator[Batch, None, None]:
        for index in range(first, steps_of(rows, config)):
            at = np.sort(order[index * config.batch : (index + 1) * config.batch][mine])  # a mapped file is read in one direction
            rng = np.random.default_rng((config.seed, epoch, index, rank))
            crops = _crops(rows, at, spec, rng, config, strength, named)
            parts = {name: torch.from_numpy(np.ascontiguousarray(part[at])) for name, part in targets.items()}
            yield Batch(index, torch.from_numpy(with_channel(crops)), parts, rng)

    return in_background(make, ahead=AHEAD, name="mien-batches")


def _crops(
    rows: Rows, at: Ints, spec: CropSpec, rng: np.random.Generator, config: TrainConfig, strength: float, named: Recipe | None
) -> Image:
    parts = np.asarray(rows.pictures[at]), rows.points[at], rows.frames[at]
    if config.recipe == "mien":
        return augmented_crops(*parts, spec, rng, strength=strength)
    crops = plain_crops(*parts, spec)
    if named is None:
        return crops
    rgb = crops if are_colour(crops) else np.repeat(crops[..., None], 3, axis=-1)
    out = np.stack([same_for_all(named, crop, rng) if are_sequences(rgb) else named(crop, rng) for crop in rgb])
    return out if are_colour(crops) else out[..., 0]
