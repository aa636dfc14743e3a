"""The weights of a shipped model back in a network that can be trained: what 8 bits and folded normalisations left of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from mien.train.heads import Network

Arrays = dict[str, NDArray[np.float32]]
PREFIX = "nets.0."
"""Of the names of the first network's weights in a file that `mien export` wrote."""


def unfold(net: Network, model: onnx.ModelProto, crops: torch.Tensor, columns: Sequence[int | None]) -> tuple[bool, ...]:
    """Give a network the weights of an exported file, and its normalisations the statistics of `crops`: it answers as the file does.

    A normalisation that export folded into its convolution gets the mean and the spread of what it is shown, and takes both out again
    behind itself: it changes nothing at first, and can learn on. Weights of 8 bits come back as they were rounded.

    crops: uint8 (n, S, S, C), some hundred of those that will be trained on. columns: of each column of its head, the one of the file's
    head that it begins with; None for one that stays as it is.

    Returns which columns the file gave: none where either head is more than one layer. Raises ValueError, with the name of a weight, when
    the file has none of that name and shape: it is of another network.
    """
    found, norms = weights(model), _folded(net.backbone, "backbone.")
    wanted = {name: value for name, value in net.state_dict().items() if name.startswith("backbone.")}
    modules = dict(net.named_modules())
    for conv, norm in norms.items():
        layer = cast(nn.BatchNorm2d, modules[norm])
        found |= {f"{norm}.weight": np.ones(layer.num_features, np.float32)}
        found |= {f"{norm}.bias": found.get(f"{conv}.bias", np.empty(0, np.float32))}
        found |= {f"{norm}.running_mean": np.zeros(layer.num_features, np.float32)}
        found |= {f"{norm}.running_var": np.full(layer.num_features, 1 - layer.eps, np.float32)}
        found |= {f"{norm}.num_batches_tracked": np.zeros((), np.float32)}
    for name, value in wanted.items():
        if name not in found or found[name].shape != tuple(value.shape):
            raise ValueError(name)
    net.load_state_dict({name: torch.from_numpy(found[name]) for name in wanted}, strict=False)
    _settle(net, [cast(nn.BatchNorm2d, modules[norm]) for norm in norms.values()], crops)
    linear = {"head.1.weight", "head.1.bias"}
    plain = all({name for name in of if name.startswith("head.")} == linear for of in (found, net.state_dict()))
    taken = tuple(plain and column is not None for column in columns)
    here = [mine for mine, given in enumerate(taken) if given]
    there = [column for column in columns if column is not None]
    for name in linear if here else ():
        net.state_dict()[name][here] = torch.from_numpy(found[name][there])
    return taken


@torch.no_grad()
def _settle(net: Network, norms: list[nn.BatchNorm2d], crops: torch.Tensor) -> None:
    """Statistics for normalisations that do nothing yet, of what reaches them, and weights that undo them."""

    def settle(norm: nn.Module, given: tuple[torch.Tensor], out: torch.Tensor) -> None:
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        variance, mean = torch.var_mean(given[0], dim=(0, 2, 3), correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)

    hooks = [norm.register_forward_hook(settle) for norm in norms]
    training = net.training
    try:
        net.eval()(net.entrance()(crops))
    finally:
        net.train(training)
        for hook in hooks:
            hook.remove()


def weights(model: onnx.ModelProto) -> Arrays:
    """The first network's weights by their names in torch, float32, whatever they are stored as."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name.startswith(PREFIX)}
    plain = {name.removeprefix(PREFIX).removesuffix("_half").removesuffix("_quantized"): _plain(name, stored) for name in stored}
    whole = {name: array for name, array in plain.items() if "_part" not in name}
    for name in {name.partition("_part")[0] for name in plain if "_part" in name}:  # a large convolution, see parts.py
        numbered = itertools.takewhile(plain.__contains__, (f"{name}_part{i}" for i in itertools.count()))
        whole[name] = np.concatenate([plain[part] for part in numbered])
    return whole


def _plain(name: str, stored: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
    array = stored[name]
    scale = stored.get(f"{name}_scale", stored.get(f"{name.removesuffix('_quantized')}_scale")) if name.endswith("_quantized") else None
    values = np.array(array, np.float32)  # the file's own cannot be written to
    return values if scale is None else values * np.reshape(np.asarray(scale, np.float32), (-1, *[1] * (array.ndim - 1)))


def _folded(module: nn.Module, prefix: str) -> dict[str, str]:
    """Convolution -> the normalisation behind it, by their names."""
    found = {}
    for (before, conv), (after, norm) in itertools.pairwise(module.named_children()):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            found[f"{prefix}{before}"] = f"{prefix}{after}"
    for name, child in module.named_children():
        found |= _folded(child, f"{prefix}{name}.")
    return found
