"""R1's ConvLSTM as a temporal model: it reads real sequences, frame by frame, and keeps what it saw (Shi et al. 2015)."""

from __future__ import annotations

import torch
from torch import nn

from mien.errors import UsageError
from mien.train.nets.backbone import Backbone
from mien.train.settings import Input, NetSettings

WIDTHS = (32, 64, 128)


class ConvLstmLayer(nn.Module):
    """float (n, T, C, S, S) to its hidden states (n, T, width, S, S). Gates are 3x3 convolutions of the frame and the last state."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.seen = nn.Conv2d(inputs, 4 * width, 3, padding=1)
        self.kept = nn.Conv2d(width, 4 * width, 3, padding=1, bias=False)
        with torch.no_grad():
            self.seen.bias[width : 2 * width] = 1.0  # at first it forgets nothing (Jozefowicz et al. 2015)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Hidden states of all frames."""
        frames = x.shape[1]
        seen = self.seen(x.flatten(0, 1)).unflatten(0, (-1, frames))  # of all frames at once; only `kept` has to wait
        state, cell = None, None
        states = []
        for t in range(frames):
            gates = seen[:, t] if state is None else seen[:, t] + self.kept(state)
            enter, forget, new, show = gates.chunk(4, dim=1)
            fresh = torch.sigmoid(enter) * torch.tanh(new)
            cell = fresh if cell is None else torch.sigmoid(forget) * cell + fresh
            state = torch.sigmoid(show) * torch.tanh(cell)
            states.append(state)
        return torch.stack(states, dim=1)


class ConvLstm(Backbone):
    """A convolution with pooling for each frame, two ConvLSTM layers with pooling between them, the mean of the last state."""

    def __init__(self, wanted: Input, widths: tuple[int, ...]) -> None:
        if len(widths) != 3 or wanted.frames < 2:
            raise UsageError(
                f"network conv_lstm: found {len(widths)} widths and a window of {wanted.frames}; wanted 3, and 2 or more frames"
            )
        super().__init__(wanted, widths[-1])
        stem, middle, last = widths
        self.stem = nn.Sequential(
            nn.Conv2d(wanted.channels, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem), nn.ELU(inplace=True), nn.MaxPool2d(2)
        )
        self.early = ConvLstmLayer(stem, middle)
        self.between = nn.Sequential(nn.BatchNorm2d(middle), nn.MaxPool2d(2), nn.Dropout(0.2))
        self.late = ConvLstmLayer(middle, last)
        self.end = nn.BatchNorm2d(last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, widths[-1]) of sequences (n, T, C, S, S)."""
        frames = self.input.frames
        maps = self.stem(x.flatten(0, 1)).unflatten(0, (-1, frames))
        maps = self.between(self.early(maps).flatten(0, 1)).unflatten(0, (-1, frames))
        return self.end(self.late(maps)[:, -1]).mean(dim=(2, 3))


def conv_lstm(settings: NetSettings) -> ConvLstm:
    """`conv_lstm`: sequences of `window` grey crops, 48 px, any size; feature width widths[-1]."""
    settings.refuse_unused("conv_lstm", "widths", "window")
    return ConvLstm(settings.input(channels=1, size=48, frames=settings.window), settings.widths or WIDTHS)
