"""Ours: 3x3 convolutions in pairs, after Simonyan & Zisserman 2015 with batch normalisation."""

from __future__ import annotations

import torch
from torch import nn

from mien.train.nets.backbone import Backbone, conv_bn
from mien.train.settings import Input, NetSettings

HEADS = {"votes": 9, "fer7": 7, "affect": 2}
"""Outputs of a network of mien, in the order of their columns: logits of the FER+ votes over mien's nine emotions, logits of
FER-2013's seven labels, valence and arousal before tanh."""
WIDTHS = (32, 64, 192, 384)
STEMMED_WIDTHS = (32, 40, 112, 256)
DROPS = (0.0, 0.05, 0.1, 0.1)
"""Share of the channels that is dropped at crops' full size, at a half, a quarter and an eighth."""


class Stages(Backbone):
    """Stages of two 3x3 convolutions with max pooling between them, then global average pooling.

    The second convolution of a stage carries an identity shortcut (He et al. 2016), which costs nothing and trains faster in the
    few epochs a CPU allows.
    """

    def __init__(self, wanted: Input, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__(wanted, widths[-1])
        self.first = nn.ModuleList(conv_bn(a, b) for a, b in zip((channels, *widths[:-1]), widths, strict=True))
        self.second = nn.ModuleList(conv_bn(w, w) for w in widths)
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.ModuleList(nn.Dropout2d(p) for p in DROPS[-len(widths) :])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, width)."""
        last = len(self.first) - 1
        for i, (first, second, drop) in enumerate(zip(self.first, self.second, self.drop, strict=True)):
            x = first(x)
            x = drop(x + second(x))
            x = self.pool(x) if i < last else x.mean(dim=(2, 3))
        return x


class Vgg8(Stages):
    """Four stages."""

    def __init__(self, wanted: Input, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__(wanted, wanted.channels, widths)
        self.widths = widths


class Vgg7(Stages):
    """One 5x5 convolution of stride 2 and three stages.

    In 8 bits a quarter of a small `vgg8`'s time goes into its first stage, where channels are few and pixels many.
    """

    def __init__(self, wanted: Input, widths: tuple[int, ...] = STEMMED_WIDTHS) -> None:
        super().__init__(wanted, widths[0], widths[1:])
        self.stem = conv_bn(wanted.channels, widths[0], kernel=5, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, width)."""
        return super().forward(self.stem(x))


def vgg8(settings: NetSettings) -> Vgg8:
    """`vgg8`: grey, 44 px, any size; feature width widths[-1]."""
    settings.refuse_unused("vgg8", "widths")
    return Vgg8(settings.input(channels=1, size=44), settings.widths or WIDTHS)


def vgg7(settings: NetSettings) -> Vgg7:
    """`vgg7`: grey, 36 px, any size; feature width widths[-1]."""
    settings.refuse_unused("vgg7", "widths")
    return Vgg7(settings.input(channels=1, size=36), settings.widths or STEMMED_WIDTHS)
