"""A wider network that answers as a narrower one does, to go on from there: Net2WiderNet (Chen, Goodfellow & Shlens 2016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

NOISE = 0.1
"""On the weights of copies, as a share of their layer's standard deviation, lest a copy learns what its original learns."""


def widened(state: Mapping[str, torch.Tensor], widths: Sequence[int], *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights of a `vgg8` network with the plain `linear` head in the shapes of one whose stages have these widths.

    Each added channel is a copy of an old one; what reads a channel reads its copies in random shares that sum to what it
    read before. But for the noise on the copies the answers are the same.

    Raises ValueError where a stage would become narrower, or their number differs.
    """
    chance = torch.Generator().manual_seed(seed)
    old = [value.shape[0] for name, value in state.items() if name.startswith("backbone.second.") and name.endswith(".0.weight")]
    if len(old) != len(widths) or any(wide < narrow for wide, narrow in zip(widths, old, strict=True)):
        raise ValueError(f"found stages of {old}; wanted {list(widths)}, none of them narrower")
    new = dict(state)
    first = next(value.shape[1] for name, value in state.items() if name == "backbone.first.0.0.weight")
    before = torch.arange(first)
    for stage, (narrow, wide) in enumerate(zip(old, widths, strict=True)):
        # one map for both convolutions of a stage, because the shortcut adds channel to channel
        copies = torch.cat([torch.arange(narrow), torch.randint(narrow, (wide - narrow,), generator=chance)])
        for name, reads in ((f"backbone.first.{stage}", before), (f"backbone.second.{stage}", copies)):
            weight = _read(state[f"{name}.0.weight"], reads, chance)[copies]
            weight[narrow:] += NOISE * weight.std() * torch.randn(weight[narrow:].shape, generator=chance)
            new[f"{name}.0.weight"] = weight
            new |= {key: state[key][copies] for key in state if key.startswith(f"{name}.1.") and state[key].ndim}
        before = copies
    reader = next(name for name in state if name.startswith("head.") and state[name].ndim == 2)
    new[reader] = _read(state[reader], before, chance)
    return new


def _read(weight: torch.Tensor, copies: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Weights (outputs, old inputs, ...) for copies of those inputs: (outputs, len(copies), ...)."""
    shares = 0.5 + torch.rand(len(copies), generator=chance)
    sums = torch.zeros(weight.shape[1]).index_add_(0, copies, shares)
    shares = shares / sums[copies]
    return weight[:, copies] * shares.reshape(1, -1, *[1] * (weight.ndim - 2))
