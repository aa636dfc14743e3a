"""Sharpness-aware minimisation (SAM; Foret et al. 2021): steps by the gradient at the worst weights nearby, towards flat minima."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def worst_nearby(net: nn.Module, radius: float) -> Iterator[None]:
    """Within it the weights are where the loss rises steepest, `radius` away along the gradients that they have; behind it where they were.

    Gradients are cleared on the way in, so that those of the loss in there are left for the step. Batch normalisations keep their
    statistics meanwhile. radius: norm of the move over all weights that learn.
    """
    learning = [p for p in net.parameters() if p.grad is not None]
    norms = [module for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    with torch.no_grad():
        gradients = [p.grad for p in learning if p.grad is not None]
        scale = radius / (torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients])) + 1e-12)
        moves = [g * scale for g in gradients]
        before = [p.clone() for p in learning]  # adding and taking away again would leave rounding errors behind
        for p, move in zip(learning, moves, strict=True):
            p.add_(move)
            p.grad = None
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        with torch.no_grad():
            for p, old in zip(learning, before, strict=True):
                p.copy_(old)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
