"""Weights that a training begins with: those of another run, of the same network or of a narrower one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from mien.errors import UsageError
from mien.train.heads import Network
from mien.train.nets import Vgg8
from mien.train.run_folder import RunFolder
from mien.train.telling import Say
from mien.train.widen import widened


def begin_with(net: Network, folder: Path, names: tuple[str, ...], say: Say = lambda line: None) -> None:
    """Load what a run ships; where its head is of other classes or another kind, its backbone alone; a narrower `vgg8` is widened.

    Raises UsageError when its backbone is another one.
    """
    run = RunFolder(folder)
    state, own = run.shipped(), net.state_dict()
    body = {name: value for name, value in state.items() if name.startswith("backbone.")}
    if _shapes(body) != {name: shape for name, shape in _shapes(own).items() if name.startswith("backbone.")}:
        state = _widened(state, net, run)
        body = {name: value for name, value in state.items() if name.startswith("backbone.")}
        say(f"start {folder}: widened")
    if tuple(run.about()["names"]) == names and _shapes(state) == _shapes(own):
        net.load_state_dict(state)
        return
    say(f"start {folder}: the backbone only; its head is another one, so that this one begins at random")
    net.load_state_dict(body, strict=False)


def _widened(state: dict[str, torch.Tensor], net: Network, run: RunFolder) -> dict[str, torch.Tensor]:
    config = run.config()
    try:
        if config.net == "vgg8" and isinstance(net.backbone, Vgg8) and config.head.kind == "linear":
            return widened(state, net.backbone.widths)
    except ValueError:
        pass
    raise UsageError(
        f"start {run.path}: its network is another one ({config.net}); wanted the same `net` and `settings`, or a vgg8 that is narrower"
    )


def _shapes(state: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}
