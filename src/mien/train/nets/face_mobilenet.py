"""A MobileNet whose weights were learnt on faces, as a beginning for reading expressions."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from mien.errors import UsageError
from mien.train.nets.backbone import Backbone
from mien.train.settings import Input, NetSettings

WIDTHS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
"""Channels of the first convolution and of each block."""
STRIDES = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
"""Of the same."""


class ConvBn(nn.Module):
    """Convolution, batch normalisation and ReLU6 on a map of `side` px, padded as TensorFlow's SAME: where stride 2 meets an even side,
    at the end alone."""

    def __init__(self, inputs: int, outputs: int, side: int, *, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        uneven = stride == 2 and side % 2 == 0
        self.pad = nn.ZeroPad2d((0, 1, 0, 1)) if uneven else nn.Identity()
        padding = 0 if uneven else kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)
        self.act = nn.ReLU6(inplace=True)
        self.side = -(-side // stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, outputs, side, side), or half the side, rounded up."""
        return cast(torch.Tensor, self.act(self.bn(self.conv(self.pad(x)))))


class FaceMobilenet(Backbone):
    """MobileNet (Howard et al. 2017) with the weights' places of Savchenko's network for identity, age and sex (2019), for grey crops."""

    def __init__(self, wanted: Input, widths: tuple[int, ...] = WIDTHS) -> None:
        if len(widths) != len(WIDTHS):
            raise UsageError(f"network face_mobilenet: found {len(widths)} widths; wanted {len(WIDTHS)}, of the stem and of each block")
        super().__init__(wanted, widths[-1])
        self.widths = widths
        self.stem = ConvBn(wanted.channels, widths[0], wanted.size, stride=STRIDES[0])
        layers = [self.stem]
        for outputs, stride in zip(widths[1:], STRIDES[1:], strict=True):
            width = layers[-1].conv.out_channels
            layers.append(ConvBn(width, width, layers[-1].side, stride=stride, groups=width))
            layers.append(ConvBn(width, outputs, layers[-1].side, kernel=1))
        self.blocks = nn.Sequential(*layers[1:])

    def layers(self) -> list[ConvBn]:
        """Its 27 convolutions, in order."""
        return [self.stem, *(cast(ConvBn, block) for block in self.blocks)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, widths[-1])."""
        return cast(torch.Tensor, self.blocks(self.stem(x)).mean(dim=(2, 3)))


def face_mobilenet(settings: NetSettings) -> FaceMobilenet:
    """`face_mobilenet`: grey, 112 px, any size; feature width widths[-1]. Weights by tools/face_weights.py (Savchenko 2019)."""
    settings.refuse_unused("face_mobilenet", "widths")
    return FaceMobilenet(settings.input(channels=1, size=112), settings.widths or WIDTHS)
