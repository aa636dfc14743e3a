"""What every architecture is: a module from crops to features that knows its input and its width."""

from __future__ import annotations

from typing import Self

import torch
from torch import nn

from mien.train.settings import Input


class Backbone(nn.Module):
    """float32 (n, C, S, S), or (n, T, C, S, S) for sequences, to features float32 (n, width)."""

    def __init__(self, wanted: Input, width: int) -> None:
        super().__init__()
        self.input, self.width = wanted, width

    def example(self, n: int = 1) -> torch.Tensor:
        """Zeros in the shape of its input."""
        frames = (self.input.frames,) if self.input.frames else ()
        return torch.zeros(n, *frames, self.input.channels, self.input.size, self.input.size)

    def train(self, mode: bool = True) -> Self:
        """Training mode, in which frozen batch normalisations still use, and keep, the statistics they have."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and is_frozen(module):
                module.eval()
        return self


def is_frozen(module: nn.Module) -> bool:
    """Whether it has weights of its own and none of them is trained."""
    own = list(module.parameters(recurse=False))
    return bool(own) and not any(p.requires_grad for p in own)


def conv_bn(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, batch normalisation, ReLU: the shape that int8 kernels run fastest."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
