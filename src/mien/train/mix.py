"""Mixing pairs of crops, and their targets in the same shares: mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019)."""

from __future__ import annotations

import numpy as np
import torch

from mien.train.config import TrainConfig
from mien.train.targets import Tensors


def mixed(x: torch.Tensor, targets: Tensors, config: TrainConfig, rng: np.random.Generator) -> tuple[torch.Tensor, Tensors]:
    """A batch, float (n, ..., S, S), mixed with itself in another order; as it is when neither is asked for.

    A row that is mixed with one without a target has none either.
    """
    if not (config.mixup or config.cutmix):
        return x, targets
    cut = bool(config.cutmix) and (not config.mixup or rng.random() < 0.5)
    alpha = config.cutmix if cut else config.mixup
    share = float(rng.beta(alpha, alpha))
    order = torch.from_numpy(rng.permutation(len(x))).to(x.device)
    if cut:
        top, left, h, w = rectangle(x.shape[-2], x.shape[-1], 1 - share, rng)
        x = x.clone()
        x[..., top : top + h, left : left + w] = x[order][..., top : top + h, left : left + w]
        share = 1 - h * w / (x.shape[-2] * x.shape[-1])
    else:
        x = share * x + (1 - share) * x[order]
    return x, {name: share * target + (1 - share) * target[order] for name, target in targets.items()}


def rectangle(height: int, width: int, area: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, left, height and width of a rectangle of about that share of the area, around a random middle, cut off at the border."""
    h, w = round(height * area**0.5), round(width * area**0.5)
    y, x = int(rng.integers(height)), int(rng.integers(width))
    top, left = max(0, y - h // 2), max(0, x - w // 2)
    return top, left, min(height, y - h // 2 + h) - top, min(width, x - w // 2 + w) - left
