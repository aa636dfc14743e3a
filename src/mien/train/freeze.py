"""Which layers learn, and how fast: unfreezing the last ones, freezing first and thawing later, slower rates for early layers.

A layer is what Keras calls a layer with weights: a convolution, a dense layer, a normalisation each count as one. Activations,
poolings, dropout and additions have no weights and do not count (in R0's and R2's `model.layers[-15:]` they did, so that the same
number reaches a little deeper here). Parameters that a module holds itself beside its layers (a transformer's class token and
position embeddings) count as one layer. Layers are in the order in which a crop passes them, which a pass of zeros tells.
A frozen batch normalisation keeps its statistics (see Backbone.train).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mien.errors import UsageError
from mien.train.nets import Backbone
from mien.train.settings import FreezePlan


def layers(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Layers with weights of a Backbone, or of a Network's backbone, by their full names, in the order of a crop's way."""
    prefix, body = _body(model)
    modules = dict(body.named_modules())
    order: dict[str, int] = {}

    def note(name: str) -> Callable[..., None]:
        def called(*_: object) -> None:
            order.setdefault(name, len(order))

        return called

    hooks = [module.register_forward_pre_hook(note(name)) for name, module in modules.items()]
    training = body.training
    device = next(body.parameters()).device
    try:
        with torch.no_grad():
            body.eval()(body.example().to(device))
    finally:
        body.train(training)
        for hook in hooks:
            hook.remove()

    def place(name: str) -> int:
        """When it was called; a module that another one runs without calling it (attention's projections) is there with that one."""
        while name not in order:
            name = name.rpartition(".")[0]
        return order[name]

    own = [name for name, module in modules.items() if next(module.parameters(recurse=False), None) is not None]
    return [(f"{prefix}{name}", modules[name]) for name in sorted(own, key=place)]


def _body(model: nn.Module) -> tuple[str, Backbone]:
    if isinstance(model, Backbone):
        return "", model
    if isinstance(body := getattr(model, "backbone", None), Backbone):
        return "backbone.", body
    raise UsageError(f"freeze: found a {type(model).__name__}, wanted a Backbone or a Network")


def freeze(model: nn.Module) -> tuple[str, ...]:
    """Freeze every layer of the backbone; a Network's head still learns. Names of the parameters that learn."""
    return unfreeze_last(model, 0)


def thaw(model: nn.Module) -> tuple[str, ...]:
    """Let everything learn. Names of the parameters that learn."""
    for p in model.parameters():
        p.requires_grad_(True)
    return _learning(model)


def unfreeze_last(model: nn.Module, n: int) -> tuple[str, ...]:
    """Let the last n layers with weights of the backbone learn, and a Network's head; freeze the others.

    Returns the names of the parameters that learn. Raises UsageError when there are not that many layers.
    """
    body, all_layers = _body(model)[1], layers(model)
    if not 0 <= n <= len(all_layers):
        raise UsageError(f"unfreeze_last: found {n}, but this network has {len(all_layers)} layers with weights")
    for p in model.parameters():
        p.requires_grad_(True)
    for _, layer in all_layers[: len(all_layers) - n]:
        for p in layer.parameters(recurse=False):
            p.requires_grad_(False)
    body.train(body.training)  # so that frozen normalisations stop at once, not from the next epoch on
    return _learning(model)


def _learning(model: nn.Module) -> tuple[str, ...]:
    return tuple(name for name, p in model.named_parameters() if p.requires_grad)


def apply(plan: FreezePlan, model: nn.Module, epoch: int) -> tuple[str, ...]:
    """Set what learns in this epoch; to be called at the beginning of each. Names of the parameters that learn.

    Give the optimiser all parameters: it passes over those that have no gradient.
    """
    if epoch < plan.frozen_epochs:
        return freeze(model)
    return thaw(model) if plan.unfreeze_last is None else unfreeze_last(model, plan.unfreeze_last)


def parameter_groups(
    model: nn.Module, rate: float, *, decay: float = 1.0, groups: int = 4, weight_decay: float = 0.0
) -> list[dict[str, Any]]:
    """All parameters for an optimiser, early layers with smaller rates (Howard & Ruder 2018).

    Args:
        model: a Network or a Backbone.
        rate: learning rate of the head.
        decay: factor from each group of layers to the one before it, 0..1; 1: the same rate everywhere.
        groups: the backbone's layers fall into that many groups of equal size along the crop's way.
        weight_decay: of weights with two or more dimensions; biases and normalisations have none.

    Returns:
        Dictionaries with params, lr, weight_decay and `scale`, the share of the rate, by which a schedule multiplies what it
        sets. The head's first, then the backbone's groups from the last to the first.
    """
    if not 0 < decay <= 1 or groups < 1:
        raise UsageError(f"parameter groups: found decay {decay:g} and {groups} groups; wanted 0 < decay <= 1 and 1 or more groups")
    found = layers(model)
    depth = {id(p): i * groups // len(found) for i, (_, layer) in enumerate(found) for p in layer.parameters(recurse=False)}
    scales: dict[tuple[int, bool], list[Any]] = {}
    for p in model.parameters():
        scales.setdefault((groups - depth.get(id(p), groups), p.ndim > 1), []).append(p)
    return [
        {"params": params, "lr": rate * decay**back, "scale": decay**back, "weight_decay": weight_decay if decays else 0.0}
        for (back, decays), params in sorted(scales.items(), key=lambda item: (item[0][0], not item[0][1]))
    ]
