"""Ours: eight 3x3 convolutions."""

from __future__ import annotations

import torch
from torch import nn

from mien.train.nets.backbone import Backbone, conv_bn
from mien.train.settings import Input, NetSettings

HEADS = {"votes": 9, "fer7": 7, "affect": 2}
"""Outputs of a network of mien, in the order of their columns: logits of the FER+ votes over mien's nine emotions, logits of
FER-2013's seven labels, valence and arousal before tanh."""
WIDTHS = (32, 64, 192, 384)


class Vgg8(Backbone):
    """Four stages of two 3x3 convolutions, each followed by max pooling, then global average pooling.

    After Simonyan & Zisserman 2015 with batch normalisation. The second convolution of a stage carries an identity
    shortcut (He et al. 2016), which costs nothing and trains faster in the few epochs a CPU allows.
    """

    def __init__(self, wanted: Input, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__(wanted, widths[-1])
        self.widths = widths
        self.first = nn.ModuleList(conv_bn(a, b) for a, b in zip((wanted.channels, *widths[:-1]), widths, strict=True))
        self.second = nn.ModuleList(conv_bn(w, w) for w in widths)
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.ModuleList(nn.Dropout2d(p) for p in (0.0, 0.05, 0.1, 0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, widths[-1])."""
        last = len(self.first) - 1
        for i, (first, second, drop) in enumerate(zip(self.first, self.second, self.drop, strict=True)):
            x = first(x)
            x = drop(x + second(x))
            x = self.pool(x) if i < last else x.mean(dim=(2, 3))
        return x


def vgg8(settings: NetSettings) -> Vgg8:
    """`vgg8`: grey, 44 px, any size; feature width widths[-1]."""
    settings.refuse_unused("vgg8", "widths")
    return Vgg8(settings.input(channels=1, size=44), settings.widths or WIDTHS)
