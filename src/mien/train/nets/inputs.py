"""From crops as they are cut to what a backbone sees. Part of the exported graph, so that it is the same everywhere."""

from __future__ import annotations

import torch
from torch import nn

from mien.errors import UsageError
from mien.train.settings import Input


class Standardise(nn.Module):
    """uint8 (n, S, S, 1) crops to float (n, 1, S, S) with mean 0 and standard deviation 1 within each crop.

    Part of the exported graph, so that light and contrast are taken out the same way everywhere. The floor of 8 grey
    levels keeps an almost flat crop from becoming amplified noise.
    """

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Standardised crops."""
        x = crops.float().permute(0, 3, 1, 2)
        x = x - x.mean(dim=(1, 2, 3), keepdim=True)
        spread = (x * x).mean(dim=(1, 2, 3), keepdim=True).sqrt()  # not pow(2): in onnxruntime that was a tenth of `tiny`'s time
        return x / torch.clamp(spread, min=8.0)


class Normalise(nn.Module):
    """uint8 (n, S, S, C) crops to float (n, C, S, S) with a data set's mean and standard deviation of each channel."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values).reshape(1, -1, 1, 1), persistent=False)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Normalised crops."""
        return (crops.float().permute(0, 3, 1, 2) - self.mean) / self.std


class Entrance(nn.Module):
    """uint8 crops (n, S, S, c) to the input of a backbone, float (n, C, S, S); c is 1 or C, and grey serves as all three colours.

    A backbone of sequences takes (n, T, S, S, c) and gets (n, T, C, S, S); each frame is scaled by itself.
    """

    def __init__(self, wanted: Input) -> None:
        super().__init__()
        self.channels, self.frames = wanted.channels, wanted.frames
        mean, std = wanted.mean, wanted.std
        self.scale = Standardise() if mean is None or std is None else Normalise(mean, std)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """What the backbone takes. Raises UsageError for colour crops when it is a grey one."""
        if crops.shape[-1] not in (1, self.channels):
            raise UsageError(f"crops: found {crops.shape[-1]} channels, wanted {self.channels} or 1; cut them in that colour")
        if not self.frames:
            x = self.scale(crops)
            return x if x.shape[1] == self.channels else x.expand(-1, self.channels, -1, -1)
        x = self.scale(crops.flatten(0, 1))
        return x.expand(-1, self.channels, -1, -1).unflatten(0, (-1, self.frames))
