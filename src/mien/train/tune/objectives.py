"""What a trial does: a full training, or that of a head on frozen features. Both can go to another process."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from mien.train.batches import order_of, steps_of
from mien.train.config import TrainConfig
from mien.train.diverged import check_loss
from mien.train.fit import fit, moving_average
from mien.train.heads import Network
from mien.train.judge import Judge
from mien.train.nets import Backbone
from mien.train.rows import TrainData
from mien.train.schedule import LARGEST_GRADIENT, learning_rate, optimiser_of
from mien.train.settings import Input
from mien.train.targets import Loss, outputs_of, targets_of
from mien.train.tune.features import Features, read_features
from mien.train.tune.process import Watch
from mien.types import Image


class Training:
    """A full training, by `mien.train.fit.fit`. Its run folder is the trial's, without the checkpoint that only resuming needs."""

    def __init__(self, data: TrainData) -> None:
        self.data = data

    def __call__(self, config: TrainConfig, folder: Path, watch: Watch) -> None:
        """Train, telling the watch of each epoch."""
        fit(config, self.data, folder, watch=watch)
        (folder / "last.pt").unlink(missing_ok=True)

    def __getstate__(self) -> dict[str, Any]:
        parts = [dataclasses.replace(rows, pictures=_as_file(rows.pictures)) for rows in (self.data.train, self.data.judge)]
        return {"data": dataclasses.replace(self.data, train=parts[0], judge=parts[1])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        data = state["data"]
        parts = [dataclasses.replace(rows, pictures=_as_array(rows.pictures)) for rows in (data.train, data.judge)]
        self.data = dataclasses.replace(data, train=parts[0], judge=parts[1])


def _as_file(pictures: Image) -> Any:
    """The path of pictures that are mapped from a file as a whole, which would be copied otherwise; other pictures as they are."""
    name = getattr(pictures, "filename", None)
    if isinstance(pictures, np.memmap) and str(name).endswith(".npy") and np.load(str(name), mmap_mode="r").shape == pictures.shape:
        return Path(str(name))
    return pictures


def _as_array(pictures: Any) -> Image:
    return np.load(pictures, mmap_mode="r") if isinstance(pictures, Path) else pictures


class HeadTraining:
    """The training of a head on the features of a file (`cached_features`), each row at random plain or mirrored.

    It has the config's optimiser, schedule, loss, batches and moving average; augmentation, mixing and teachers belong to full trainings.
    """

    def __init__(self, features: Path) -> None:
        self.features = features

    def __call__(self, config: TrainConfig, folder: Path, watch: Watch) -> None:
        """Train, telling the watch of each epoch."""
        train, judge = read_features(self.features)
        train_head(config, train, judge, watch)


class HeadNetwork(Network):
    """A head alone, which takes features for crops, so that it is judged as a whole network is."""

    def __init__(self, config: TrainConfig, width: int, outputs: Mapping[str, int]) -> None:
        super().__init__(Backbone(Input(channels=1, size=8), width), config.head, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Raw outputs (n, sum of outputs) of features (n, width)."""
        return self.head(x)

    def entrance(self) -> nn.Module:
        """Features go in as they are."""
        return nn.Identity()


def train_head(config: TrainConfig, train: Features, judge: Features, watch: Watch) -> HeadNetwork:
    """Train a head on features; its moving average is judged and given. The watch is told of each epoch as in a full training, and ends
    it by True.

    Raises UnknownName and UsageError for the head's settings, Diverged when the loss is no number any more.
    """
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    device = torch.device("cpu")
    net = HeadNetwork(config, train.plain.shape[1], outputs_of(config, train.rows.names))
    average = copy.deepcopy(net).eval()
    weights, others = ([p for p in net.parameters() if (p.ndim > 1) == many] for many in (True, False))
    groups = [{"params": weights, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimiser, loss = optimiser_of(groups, config), Loss.of(config, train.rows, device)
    smooth = targets_of(train.rows, config, smoothing=config.smoothing)
    targets = {name: torch.from_numpy(np.ascontiguousarray(target)) for name, target in smooth.items()}
    judging = Judge(cast(Image, judge.plain), judge.rows, targets_of(judge.rows, config))
    views = torch.from_numpy(np.stack([train.plain, train.mirrored]))
    steps = steps_of(train.rows, config)
    val_losses: list[float] = []
    for epoch in range(config.epochs):
        net.train()
        order = torch.from_numpy(order_of(train.rows, config, epoch))
        view = torch.from_numpy(np.random.default_rng((config.seed, epoch, 1)).integers(0, 2, len(train.rows)))
        total = 0.0
        for step in range(steps):
            at = order[step * config.batch : (step + 1) * config.batch]
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(epoch + step / steps, steps, config, val_losses)
            value = loss(net.split(net(views[view[at], at])), {name: target[at] for name, target in targets.items()})
            optimiser.zero_grad(set_to_none=True)
            value.backward()
            nn.utils.clip_grad_norm_(net.parameters(), LARGEST_GRADIENT)
            optimiser.step()
            done = epoch * steps + step
            moving_average(average, net, min(config.average, (1 + done) / (10 + done)))
            total += value.item()
        check_loss(total, "the loss", f"epoch {epoch + 1}")
        metrics = {"epoch": float(epoch), "train_loss": total / steps} | judging.metrics(average, loss, device)
        check_loss(metrics["val_loss"], "the validation loss", f"epoch {epoch + 1}")
        val_losses.append(metrics["val_loss"])
        if watch(metrics):
            break
    return average
