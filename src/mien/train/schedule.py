"""Learning rate over time, the optimiser it goes to, and when to stop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mien.train.config import TrainConfig
from mien.train.curves import lower_is_better
from mien.train.freeze import parameter_groups

LARGEST_GRADIENT = 5.0
"""Norm to which the gradient of a step is cut."""


def learning_rate(epoch: float, steps: int, config: TrainConfig, val_losses: Sequence[float] = ()) -> float:
    """The rate at a time in epochs (2.5: the middle of the third), with `steps` batches in each.

    val_losses: of the epochs so far, for plateau. The restarts at the end are the same under every schedule.
    """
    first = begin = config.epochs - sum(config.restarts)
    for length in config.restarts:
        if begin <= epoch < begin + length:
            return _cosine(config.restart_rate, (epoch - begin) / length)
        begin += length
    if config.schedule == "constant":
        return config.rate
    if config.schedule == "exponential":
        return config.rate * config.decay_rate ** (epoch * steps / config.decay_steps)
    if config.schedule == "plateau":
        return config.rate * config.plateau_factor ** falls(val_losses, config.plateau_patience)
    if config.schedule == "cosine":
        return _cosine(config.rate, epoch / first)
    start, rise = config.rate / 25, 0.2 * first  # onecycle: up for a fifth of the time, then down to almost nothing
    if epoch < rise:
        return config.rate - _cosine(config.rate - start, epoch / rise)
    return _cosine(config.rate, (epoch - rise) / (first - rise))


def _cosine(rate: float, done: float) -> float:
    return rate * (1 + math.cos(math.pi * min(done, 1.0))) / 2


def falls(losses: Sequence[float], patience: int) -> int:
    """How often a rate falls that does so when the loss has not been better than its best for `patience` epochs."""
    best, waited, count = math.inf, 0, 0
    for loss in losses:
        if loss < best:
            best, waited = loss, 0
            continue
        waited += 1
        if waited >= patience:
            count, waited = count + 1, 0
    return count


def optimiser(net: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser of all parameters, weight decay on those with two or more dimensions, early layers slower by `layer_decay`."""
    return optimiser_of(parameter_groups(net, config.rate, decay=config.layer_decay, weight_decay=config.weight_decay), config)


def optimiser_of(groups: list[dict[str, Any]], config: TrainConfig) -> torch.optim.Optimizer:
    """The config's optimiser of these groups of parameters."""
    if config.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=config.rate, momentum=config.momentum, nesterov=config.momentum > 0)
    return (torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW)(groups, lr=config.rate)


def better(value: float, best: float | None, monitor: str) -> bool:
    """Whether a figure beats the best so far (`curves.lower_is_better`). NaN beats nothing."""
    if best is None or math.isnan(best):
        return not math.isnan(value)
    return value < best if lower_is_better(monitor) else value > best
