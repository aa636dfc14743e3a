"""What turns features into answers: the heads of R0, R1 and R2 and a plain one, for any outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from mien.errors import UnknownName, UsageError
from mien.train.nets import HEADS, Backbone, Entrance, backbone
from mien.train.settings import HeadSettings, Input, NetSettings

AFFECT = {"affect": 2}
"""Outputs of a network for valence and arousal alone."""


def classes(count: int) -> dict[str, int]:
    """Outputs of a network for classes of the user's own."""
    return {"classes": count}


def linear(settings: HeadSettings, width: int) -> tuple[list[nn.Module], int]:
    """`linear`: dropout before the outputs."""
    return [nn.Dropout(_dropout(settings, 0.3))], width


def r0(settings: HeadSettings, width: int) -> tuple[list[nn.Module], int]:
    """`r0`: dense, BN, activation, dropout .25; then layers of units // (2 (i + 1)), i from 0."""
    if settings.activation not in ("relu", "tanh"):
        raise UnknownName("head.activation", settings.activation, ("relu", "tanh"))
    layers: list[nn.Module] = []
    for units in (settings.units, *(settings.units // (2 * (i + 1)) for i in range(settings.layers - 1))):
        act = nn.ReLU() if settings.activation == "relu" else nn.Tanh()
        layers += [nn.Linear(width, units), nn.BatchNorm1d(units), act, nn.Dropout(_dropout(settings, 0.25))]
        width = units
    return layers, width


def r1(settings: HeadSettings, width: int) -> tuple[list[nn.Module], int]:
    """`r1`: dense 512, ReLU, dropout .2."""
    return [nn.Linear(width, settings.units), nn.ReLU(), nn.Dropout(_dropout(settings, 0.2))], settings.units


def r2(settings: HeadSettings, width: int) -> tuple[list[nn.Module], int]:
    """`r2`: dense 512, ReLU, dropout .25."""
    return [nn.Linear(width, settings.units), nn.ReLU(), nn.Dropout(_dropout(settings, 0.25))], settings.units


def _dropout(settings: HeadSettings, usual: float) -> float:
    return usual if settings.dropout is None else settings.dropout


HEAD_KINDS: dict[str, Callable[[HeadSettings, int], tuple[list[nn.Module], int]]] = {"linear": linear, "r0": r0, "r1": r1, "r2": r2}
"""Name -> layers before the outputs, and how wide the last of them is."""


def head(settings: HeadSettings, width: int, outputs: Mapping[str, int]) -> nn.Sequential:
    """Features float (n, width) to raw outputs (n, sum of outputs). Raises UnknownName and UsageError."""
    if settings.kind not in HEAD_KINDS:
        raise UnknownName("head", settings.kind, HEAD_KINDS)
    if not outputs or min(outputs.values()) < 1:
        raise UsageError(f"head: found outputs {dict(outputs)}; wanted one or more, of one column or more")
    layers, last = HEAD_KINDS[settings.kind](settings, width)
    return nn.Sequential(*layers, nn.Linear(last, sum(outputs.values())))


class Network(nn.Module):
    """A backbone and a head. float (n, C, S, S), or (n, T, C, S, S), to raw outputs (n, sum of outputs), in their order.

    Attributes: `backbone`, `head`, `outputs` (name -> columns), `input` (what the backbone wants).
    """

    def __init__(self, backbone: Backbone, settings: HeadSettings, outputs: Mapping[str, int]) -> None:
        super().__init__()
        self.backbone, self.outputs = backbone, dict(outputs)
        self.head = head(settings, backbone.width, outputs)

    @property
    def input(self) -> Input:
        """What it takes."""
        return self.backbone.input

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Raw outputs: logits, and valence and arousal before tanh."""
        return self.head(self.backbone(x))

    def split(self, out: torch.Tensor) -> dict[str, torch.Tensor]:
        """Raw outputs (n, sum) by name."""
        return dict(zip(self.outputs, out.split(list(self.outputs.values()), dim=1), strict=True))

    def entrance(self) -> Entrance:
        """From uint8 crops to what it takes, to go before it in training and in the exported graph."""
        return Entrance(self.input)


def network(
    name: str,
    settings: NetSettings | None = None,
    head: HeadSettings | None = None,
    outputs: Mapping[str, int] = HEADS,
) -> Network:
    """Any architecture of mien.train.nets with any head and any outputs: HEADS, AFFECT, classes(K) or others.

    Example:
        >>> net = network("r3_cnn", outputs=classes(7))
        >>> net(net.backbone.example(2)).shape
        torch.Size([2, 7])
    """
    return Network(backbone(name, settings), head or HeadSettings(), outputs)
