"""What an architecture costs, counted and not timed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mien.errors import UsageError


@dataclass(frozen=True, slots=True)
class Cost:
    """Size and work of a network."""

    parameters: int
    """Numbers that training changes, batch normalisation's scales and shifts among them, its statistics not."""
    mflops: float
    """Millions of multiply-adds for one crop (one sequence): convolutions, matrix products and attention. A product and its
    sum count as one, as papers count them; activations, poolings and normalisations are left out."""


def cost(model: nn.Module, size: int | None = None) -> Cost:
    """Parameters and multiply-adds of a network as it answers for one crop of `size` pixels (default: the size it was built for).

    model: a Network or a Backbone, on any device. Nothing is computed: the operations are counted on tensors without content,
    at the level at which torch runs them, so that what no layer object does (attention's products) is counted too.
    Raises UsageError for a size it was not built for.
    """
    wanted = model.input
    if size not in (None, wanted.size) and wanted.fixed:
        raise UsageError(f"cost: found size {size}, but this network only takes {wanted.size} px")
    side = size or wanted.size
    frames = (wanted.frames,) if wanted.frames else ()
    crops = torch.empty(1, *frames, wanted.channels, side, side, device="meta")
    empty = {name: torch.empty_like(value, device="meta") for name, value in (*model.named_parameters(), *model.named_buffers())}
    training = model.training
    model.eval()
    counter = FlopCounterMode(display=False)
    try:
        # plain attention, because the counter does not know the CPU's fused kernel and would count nothing for it
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
            functional_call(model, empty, (crops,))
    finally:
        model.train(training)
    return Cost(sum(p.numel() for p in model.parameters()), counter.get_total_flops() / 2 / 1e6)
