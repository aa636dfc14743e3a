"""A narrower `face_mobilenet` that answers nearly as a wider one does, to go on from there.

Which channels go is told without data, from what the normalisations remember: behind one with offset b and factor g a channel is taken
for normal with mean b and spread |g|, clipped to 0..6 by its ReLU6 (as in Nagel et al. 2019, "Data-free quantization through weight
equalization and bias correction"). A channel counts by the variance that it brings to what reads it; one that goes leaves its mean
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

State = Mapping[str, torch.Tensor]


def narrowed(state: State, widths: Sequence[int], *, eps: float = 1e-3) -> dict[str, torch.Tensor]:
    """Weights of a `face_mobilenet` network with the plain `linear` head in the shapes of one with these widths (stem, then blocks).

    eps: of its normalisations. Raises ValueError where a layer would become wider, or their number differs.
    """
    new = dict(state)
    blocks = sum(name.startswith("backbone.blocks.") and name.endswith(".conv.weight") for name in state)
    writers = ["backbone.stem", *(f"backbone.blocks.{i}" for i in range(1, blocks, 2))]
    old = [len(state[f"{writer}.conv.weight"]) for writer in writers]
    if len(old) != len(widths) or any(wanted > found for wanted, found in zip(widths, old, strict=True)):
        raise ValueError(f"found widths of {old}; wanted {list(widths)}, none of them wider")
    for place, (writer, width) in enumerate(zip(writers, widths, strict=True)):
        last = place == len(writers) - 1
        depthwise, reader = f"backbone.blocks.{2 * place}", f"backbone.blocks.{2 * place + 1}"
        mean, variance = _clipped(new, writer if last else depthwise)
        weight = new["head.1.weight"] if last else new[f"{reader}.conv.weight"].flatten(1)
        scale = torch.ones(len(weight)) if last else new[f"{reader}.bn.weight"] / (new[f"{reader}.bn.running_var"] + eps).sqrt()
        brings = variance * (weight * scale[:, None]).square().sum(0)
        kept, gone = brings.topk(width).indices.sort().values, brings.topk(len(mean) - width, largest=False).indices
        left = weight[:, gone] @ mean[gone]
        if last:
            new["head.1.weight"], new["head.1.bias"] = weight[:, kept], new["head.1.bias"] + left
        else:
            new[f"{reader}.conv.weight"] = new[f"{reader}.conv.weight"][:, kept]
            new[f"{reader}.bn.running_mean"] = new[f"{reader}.bn.running_mean"] - left
        for layer in (writer,) if last else (writer, depthwise):
            new |= {name: new[name][kept] for name in new if name.startswith(f"{layer}.") and new[name].ndim}
    return new


def _clipped(state: State, layer: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of a layer's channels behind its ReLU6, float32 (channels,) each."""
    offset, spread = state[f"{layer}.bn.bias"].double(), state[f"{layer}.bn.weight"].double().abs().clamp(min=1e-6)
    normal = torch.distributions.Normal(0.0, 1.0)
    low, high = -offset / spread, (6 - offset) / spread
    inside, above = normal.cdf(high) - normal.cdf(low), 1 - normal.cdf(high)
    at_low, at_high = normal.log_prob(low).exp(), normal.log_prob(high).exp()
    mean = offset * inside + spread * (at_low - at_high) + 6 * above
    square = (offset**2 + spread**2) * inside + spread * (offset * at_low - (offset + 6) * at_high) + 36 * above
    return mean.float(), (square - mean**2).clamp(min=0).float()
