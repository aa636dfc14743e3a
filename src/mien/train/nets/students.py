"""The networks of R1, R3 and R4: convolutions in pairs, then dense layers. Their dense layers belong to the backbone.

Where a source leaves the order within a layer open, it is convolution or dense layer, batch normalisation, activation, which
folds into one operation on export.
"""

from __future__ import annotations

import torch
from torch import nn

from mien.errors import UsageError
from mien.train.nets.backbone import Backbone, conv_bn
from mien.train.settings import Input, NetSettings


class Paired(Backbone):
    """Pairs of 3x3 convolutions, 2x2 max pooling and dropout after each, then dense layers; float (n, C, S, S) of one size.

    Args:
        wanted: its input.
        convs: modules of each pair.
        drops: dropout after each pair.
        dense: modules of the dense layers from their inputs.
        width: outputs of the last dense layer.
    """

    def __init__(self, wanted: Input, convs: list[list[nn.Module]], drops: tuple[float, ...], dense: list[nn.Module], width: int) -> None:
        super().__init__(wanted, width)
        pairs = zip(convs, drops, strict=True)
        self.convs = nn.Sequential(*(nn.Sequential(*pair, nn.MaxPool2d(2), nn.Dropout(drop)) for pair, drop in pairs))
        self.dense = nn.Sequential(*dense)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, width)."""
        return self.dense(self.convs(x).flatten(1))


def flat(wanted: Input, channels: int, pools: int, name: str) -> int:
    """How many numbers are left after that many poolings. Raises UsageError when nothing is."""
    side = wanted.size >> pools
    if not side:
        raise UsageError(f"network {name}: size {wanted.size} is too small; wanted at least {1 << pools} px")
    return channels * side * side


def dense_layers(inputs: int, widths: tuple[int, ...], dropout: float) -> list[nn.Module]:
    """Linear, batch normalisation, ReLU, dropout; for each width."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Dropout(dropout)]
        inputs = width
    return layers


def elu_bn(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, ELU, batch normalisation: R1's order."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ELU(inplace=True), nn.BatchNorm2d(outputs))


def r1_vgg(settings: NetSettings) -> Paired:
    """`r1_vgg`: grey, 48 px, fixed; pairs of 32, 64, 128 with ELU, BN and dropout .2, dense 512 with ELU, BN and dropout .5."""
    settings.refuse_unused("r1_vgg", "widths")
    wanted = settings.input(channels=1, size=48, fixed=True)
    *widths, units = settings.widths or (32, 64, 128, 512)
    convs = [[elu_bn(a, b), elu_bn(b, b)] for a, b in zip((wanted.channels, *widths[:-1]), widths, strict=True)]
    inputs = flat(wanted, widths[-1], len(widths), "r1_vgg")
    dense = [nn.Linear(inputs, units), nn.ELU(inplace=True), nn.BatchNorm1d(units), nn.Dropout(0.5)]
    return Paired(wanted, convs, (0.2,) * len(widths), dense, units)


def r3_cnn(settings: NetSettings) -> Paired:
    """`r3_cnn`: grey, 48 px, fixed; 32,64 / 64,128 / 128,256, dropout .25; dense 1024 halved down to 32, BN, dropout .25."""
    settings.refuse_unused("r3_cnn", "widths")
    wanted = settings.input(channels=1, size=48, fixed=True)
    *widths, units = settings.widths or (32, 64, 64, 128, 128, 256, 1024)
    if len(widths) % 2:
        raise UsageError(f"network r3_cnn: found {len(widths) + 1} widths; wanted two for each pair and one for the first dense layer")
    layers = [conv_bn(a, b) for a, b in zip((wanted.channels, *widths[:-1]), widths, strict=True)]
    convs = [[layers[i], layers[i + 1]] for i in range(0, len(layers), 2)]
    dense = tuple(units >> i for i in range(6))
    inputs = flat(wanted, widths[-1], len(convs), "r3_cnn")
    return Paired(wanted, convs, (0.25,) * len(convs), dense_layers(inputs, dense, 0.25), dense[-1])


def r4_cnn(settings: NetSettings) -> Paired:
    """`r4_cnn`: grey, 48 px, fixed; pairs of 64, 128, 256, 512, dropout 0, .2, .25, .25; dense 1024 twice, BN, dropout .45."""
    settings.refuse_unused("r4_cnn", "widths")
    wanted = settings.input(channels=1, size=48, fixed=True)
    *widths, units = settings.widths or (64, 128, 256, 512, 1024)
    if len(widths) != 4:
        raise UsageError(f"network r4_cnn: found {len(widths) + 1} widths; wanted four for the pairs and one for the dense layers")
    convs = [[conv_bn(a, b), conv_bn(b, b)] for a, b in zip((wanted.channels, *widths[:-1]), widths, strict=True)]
    inputs = flat(wanted, widths[-1], len(widths), "r4_cnn")
    return Paired(wanted, convs, (0.0, 0.2, 0.25, 0.25), dense_layers(inputs, (units, units), 0.45), units)
