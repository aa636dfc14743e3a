"""dlib's network for telling faces apart, as a beginning for reading expressions."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from mien.errors import UsageError
from mien.train.nets.backbone import Backbone
from mien.train.settings import Input, NetSettings

WIDTHS = (32, 64, 128, 256, 256)
DEPTHS = (3, 4, 3, 3, 1)
"""Channels and blocks of each stage; every stage but the first begins with a block that halves the side."""


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016); where it halves the side, an average and zeros for the new channels.

    dlib's strided convolutions begin at the first pixel, so that they are padded at the end alone: 2n and 2n + 1 px become n.
    """

    def __init__(self, inputs: int, outputs: int, *, down: bool) -> None:
        super().__init__()
        self.down, self.new = down, outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=2 if down else 1, padding=0 if down else 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, outputs, h, w), or h // 2 and w // 2."""
        inner = functional.pad(x, (0, 1, 0, 1)) if self.down else x
        inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(inner)))))
        if self.down:
            x = functional.avg_pool2d(x, 2)
        if self.new:
            x = functional.pad(x, (0, 0, 0, 0, 0, self.new))
        return functional.relu(x + inner)


class FaceResnet(Backbone):
    """29 convolutions with the weights' places of dlib's `dlib_face_recognition_resnet_model_v1` (King 2017), for grey crops half its size.

    dlib's first convolution, 7x7 with stride 2 on 150 px, is 4x4 with stride 1 here: what it is on a picture enlarged twice by
    repeating each pixel. So a crop of 75 px costs and shows what one of 150 px does there.
    """

    def __init__(self, wanted: Input, widths: tuple[int, ...] = WIDTHS, depths: tuple[int, ...] = DEPTHS) -> None:
        super().__init__(wanted, widths[-1])
        if len(widths) != len(depths) or min(depths) < 1:
            raise UsageError(f"network face_resnet: found widths {widths} and depths {depths}; wanted one of each for every stage")
        if wanted.size < (least := 2 * 2 ** (len(widths) - 1) + 4):
            raise UsageError(f"network face_resnet: found size {wanted.size}, wanted {least} or more, so that something is left at its end")
        width = widths[0]
        self.stem = nn.Sequential(nn.Conv2d(wanted.channels, width, 4, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(3, 2)
        blocks = []
        for stage, (outputs, count) in enumerate(zip(widths, depths, strict=True)):
            for i in range(count):
                blocks.append(Block(width, outputs, down=stage > 0 and i == 0))
                width = outputs
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, widths[-1])."""
        return self.blocks(self.pool(self.stem(x))).mean(dim=(2, 3))


def face_resnet(settings: NetSettings) -> FaceResnet:
    """`face_resnet`: grey, 68 px, any size from 36; feature width widths[-1]. dlib's weights by tools/face_weights.py (King 2017)."""
    settings.refuse_unused("face_resnet", "widths", "depths")
    return FaceResnet(settings.input(channels=1, size=68), settings.widths or WIDTHS, settings.depths or DEPTHS)
