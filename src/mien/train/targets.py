"""What the outputs of a network are to say: targets of rows, and how far an answer is from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from mien.data.weights import class_weights
from mien.labels import EMOTIONS, LABEL_SETS
from mien.train.config import TrainConfig
from mien.train.rows import Rows
from mien.types import Floats

VOTES, AFFECT = "votes", "affect"
Tensors = dict[str, torch.Tensor]


def head_name(names: tuple[str, ...]) -> str:
    """What the output for these classes is called: their label set, or `classes`."""
    return next((name for name, labels in LABEL_SETS.items() if labels == names), "classes")


def outputs_of(config: TrainConfig, names: tuple[str, ...]) -> dict[str, int]:
    """Outputs of a network and their columns, in order: votes, classes under the name of their label set, affect."""
    there_are = {VOTES: (VOTES, len(EMOTIONS)), "classes": (head_name(names), len(names)), AFFECT: (AFFECT, 2)}
    return dict(there_are[task] for task in there_are if task in config.tasks)


def targets_of(rows: Rows, config: TrainConfig, *, smoothing: float = 0.0) -> dict[str, Floats]:
    """Output -> target, float32 (n, columns): shares, (smoothed) labels, valence and arousal; a row of NaN where there is none."""
    k = len(rows.names)
    labels = np.full((len(rows), k), np.nan, np.float32)
    known = rows.labels >= 0
    labels[known] = np.eye(k, dtype=np.float32)[rows.labels[known]] * (1 - smoothing) + smoothing / max(k, 1)
    every = {VOTES: rows.shares, head_name(rows.names): labels, AFFECT: rows.affect}
    return {name: every[name] for name in outputs_of(config, rows.names)}


def priors(rows: Rows) -> dict[str, Floats]:
    """How frequent the classes of each output are, float32 (columns,), each summing to 1; none is 0."""
    found = {}
    if np.isfinite(rows.shares).any():
        found[VOTES] = np.maximum(np.nanmean(rows.shares, axis=0), 1e-4).astype(np.float32)
    counts = np.bincount(rows.labels[rows.labels >= 0], minlength=len(rows.names)) + 1.0
    found[head_name(rows.names)] = (counts / counts.sum()).astype(np.float32)
    return found


@dataclass(frozen=True, slots=True)
class Loss:
    """How far raw outputs are from their targets: cross-entropies, and the squared error of valence and arousal after tanh."""

    weights: Mapping[str, float]
    """Weight of each output."""
    offsets: Mapping[str, torch.Tensor]
    """Added to logits while learning (logit adjustment)."""
    classes: Mapping[str, torch.Tensor]
    """Weight of each class."""

    @classmethod
    def of(cls, config: TrainConfig, rows: Rows, device: torch.device) -> Loss:
        """The loss of a training on these rows. Without adjustment its offsets are zero."""
        named = {VOTES: config.votes_weight, head_name(rows.names): config.classes_weight, AFFECT: config.affect_weight}
        frequent = priors(rows)
        offsets = {name: torch.from_numpy(config.adjust * np.log(prior)).float().to(device) for name, prior in frequent.items()}
        classes = {}
        if config.balance == "weights":
            counts = dict(zip(rows.names, np.bincount(rows.labels[rows.labels >= 0], minlength=len(rows.names)).tolist(), strict=True))
            found = class_weights(counts)
            classes[head_name(rows.names)] = torch.tensor([found.get(name, 0.0) for name in rows.names], device=device)
        return cls(named, offsets, classes)

    def __call__(self, outs: Tensors, targets: Tensors, *, adjusted: bool = True) -> torch.Tensor:
        """Mean over the batch; rows without a target of an output count nothing for it."""
        total = next(iter(outs.values())).new_zeros(())
        for name, out in outs.items():
            target = targets[name]
            known = torch.isfinite(target).all(1).float()
            target = torch.nan_to_num(target)
            if name == AFFECT:
                each = (torch.tanh(out) - target).square().sum(1)
            else:
                logits = out + self.offsets[name] if adjusted and name in self.offsets else out
                weighted = target * self.classes[name] if name in self.classes else target
                each = -(weighted * F.log_softmax(logits, 1)).sum(1)
            total = total + self.weights[name] * (each * known).mean()
        return total
