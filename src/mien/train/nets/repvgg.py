"""RepVGG: three branches while it learns, one plain 3x3 convolution when it is shipped (Ding et al. 2021)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mien.train.nets.backbone import Backbone
from mien.train.settings import Input, NetSettings

WIDTHS = (32, 64, 192, 384)
DEPTHS = (1, 2, 4, 1)


class SqueezeExcite(nn.Module):
    """Each channel times a weight 0..1 that its mean and those of the others decide (Hu et al. 2018)."""

    def __init__(self, channels: int, share: float) -> None:
        super().__init__()
        narrow = max(4, round(channels * share))
        self.down, self.up = nn.Conv2d(channels, narrow, 1), nn.Conv2d(narrow, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps as they came in, weighted."""
        return x * torch.sigmoid(self.up(F.relu(self.down(x.mean(dim=(2, 3), keepdim=True)))))


class RepBlock(nn.Module):
    """3x3, 1x1 and identity, each with batch normalisation, added, then ReLU. `fuse` makes them one convolution."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, squeeze: float) -> None:
        super().__init__()
        self.wide = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs))
        self.point = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.same = nn.BatchNorm2d(outputs) if inputs == outputs and stride == 1 else None
        self.squeeze = SqueezeExcite(outputs, squeeze) if squeeze else nn.Identity()
        self.plain: nn.Conv2d | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps of the next block."""
        return F.relu(self.squeeze(self.plain(x) if self.plain is not None else self.branches(x)))

    def branches(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of the branches."""
        total = self.wide(x) + self.point(x)
        return total if self.same is None else total + self.same(x)

    def fuse(self) -> None:
        """Replace the branches by one convolution that gives the same in evaluation mode; nothing when that was done."""
        if self.plain is not None:
            return
        wide = fuse_conv_bn_eval(self.wide[0].eval(), self.wide[1].eval())
        point = fuse_conv_bn_eval(self.point[0].eval(), self.point[1].eval())
        with torch.no_grad():
            wide.weight += F.pad(point.weight, (1, 1, 1, 1))
            wide.bias += point.bias
            if (same := self.same) is not None:
                gain = same.weight / torch.sqrt(same.running_var + same.eps)
                channels = torch.arange(len(gain))
                wide.weight[channels, channels, 1, 1] += gain
                wide.bias += same.bias - same.running_mean * gain
        self.plain = wide
        del self.wide, self.point, self.same


class RepVgg(Backbone):
    """Stages of RepBlocks, each but the first beginning with a stride of 2, then global average pooling."""

    def __init__(self, wanted: Input, widths: tuple[int, ...], depths: tuple[int, ...], squeeze: float) -> None:
        super().__init__(wanted, widths[-1])
        blocks, inputs = [], wanted.channels
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            for i in range(depth):
                blocks.append(RepBlock(inputs, width, stride=2 if i == 0 and stage else 1, squeeze=squeeze))
                inputs = width
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, widths[-1])."""
        return self.blocks(x).mean(dim=(2, 3))


def reparameterise(net: nn.Module) -> None:
    """Fuse every RepBlock in it, in place; other networks stay as they are. For export: a fused network learns no more."""
    for module in net.modules():
        if isinstance(module, RepBlock):
            module.fuse()


def repvgg(settings: NetSettings) -> RepVgg:
    """`repvgg`: grey, 44 px, any size; feature width widths[-1]."""
    settings.refuse_unused("repvgg", "widths", "depths", "squeeze")
    wanted = settings.input(channels=1, size=44)
    return RepVgg(wanted, settings.widths or WIDTHS, settings.depths or DEPTHS, settings.squeeze)
