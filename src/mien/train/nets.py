"""Networks by name. Input float (n, 1, S, S) standardised crops; the output is one tensor (n, 9 + 7 + 2).

The columns: logits of the FER+ votes over mien's nine emotions, logits of FER-2013's seven labels, and valence and
arousal before tanh.
"""

from __future__ import annotations

import torch
from torch import nn

HEADS = {"votes": 9, "fer7": 7, "affect": 2}


class Standardise(nn.Module):
    """uint8 (n, S, S, 1) crops to float (n, 1, S, S) with mean 0 and standard deviation 1 within each crop.

    Part of the exported graph, so that light and contrast are taken out the same way everywhere. The floor of 8 grey
    levels keeps an almost flat crop from becoming amplified noise.
    """

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Standardised crops."""
        x = crops.float().permute(0, 3, 1, 2)
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        spread = (x - mean).pow(2).mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return (x - mean) / torch.clamp(spread, min=8.0)


def conv_bn(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU: the shape that int8 kernels run fastest."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Vgg8(nn.Module):
    """Four stages of two 3x3 convolutions, each followed by max pooling, then global average pooling.

    After Simonyan & Zisserman 2015 with batch normalisation. The second convolution of a stage carries an identity
    shortcut (He et al. 2016), which costs nothing and trains faster in the few epochs a CPU allows.
    """

    def __init__(self, widths: tuple[int, ...] = (32, 64, 192, 384), dropout: float = 0.3) -> None:
        super().__init__()
        self.first = nn.ModuleList(conv_bn(a, b) for a, b in zip((1, *widths[:-1]), widths, strict=True))
        self.second = nn.ModuleList(conv_bn(w, w) for w in widths)
        self.pool = nn.MaxPool2d(2)
        self.drop = nn.ModuleList(nn.Dropout2d(p) for p in (0.0, 0.05, 0.1, 0.1))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(widths[-1], sum(HEADS.values())))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Raw outputs of all heads, (n, 18)."""
        last = len(self.first) - 1
        for i, (first, second, drop) in enumerate(zip(self.first, self.second, self.drop, strict=True)):
            x = first(x)
            x = drop(x + second(x))
            x = self.pool(x) if i < last else x.mean(dim=(2, 3), keepdim=True)
        out: torch.Tensor = self.head(x)
        return out


NETS = {"vgg8": Vgg8}
