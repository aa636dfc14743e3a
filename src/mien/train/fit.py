"""Fit a network to rows: labels, vote shares, valence and arousal, each alone or at once."""

from __future__ import annotations

import copy
import dataclasses
import gc
import math
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mien.errors import ExtraMissing, UsageError, install
from mien.interrupt import held
from mien.train import freeze
from mien.train.batches import batches, steps_of
from mien.train.config import TrainConfig
from mien.train.crops import are_sequences, plain_crops, with_channel
from mien.train.diverged import check_loss
from mien.train.heads import Network, network
from mien.train.judge import Judge
from mien.train.mix import mixed
from mien.train.rows import TrainData
from mien.train.run_data import recorded
from mien.train.run_folder import RunFolder
from mien.train.schedule import LARGEST_GRADIENT, better, learning_rate, optimiser
from mien.train.sharpness import worst_nearby
from mien.train.start import as_started, begin
from mien.train.targets import AFFECT, VOTES, Loss, Tensors, outputs_of, targets_of
from mien.train.teach import cached_answers, taught
from mien.train.telling import Say
from mien.vision.align import CropSpec

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Watch = Callable[[Mapping[str, float]], bool]
Metrics = dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What a training gave."""

    state: dict[str, torch.Tensor]
    """Weights that are shipped, on the CPU."""
    metrics: Metrics
    """Of the epoch they are from."""
    epochs: list[Metrics] = field(default_factory=list)
    """Of all epochs."""
    leader: bool = True
    """Whether this process is the first of those that train together: only that one has files to write."""


def build(config: TrainConfig, names: tuple[str, ...]) -> Network:
    """The network of these settings for these classes, with random weights unless its settings name pretrained ones."""
    return network(config.net, config.settings, config.head, outputs_of(config, names))


def started(config: TrainConfig, data: TrainData, say: Say = lambda line: None) -> Network:
    """The network that a training on these data begins with: with random weights, pretrained ones or those of its `start`.

    Raises UsageError for data it does not read, or a start that is of another network.
    """
    config = as_started(config)
    net = build(config, data.names)
    found = data.train.pictures.shape[1] if are_sequences(data.train.pictures) else 0
    if found != net.input.frames:
        wanted, there = (f"sequences of {n} crops" if n else "single crops" for n in (net.input.frames, found))
        raise UsageError(f"network {config.net} reads {wanted}, the data are {there}; read them with the same settings (read_data)")
    if config.start:
        begin(net, config.start, data.names, partial(_some_crops, data, crop_spec(config, net, colour=data.colour)), say)
    return net


def crop_spec(config: TrainConfig, net: Network, *, colour: bool, epoch: int | None = None) -> CropSpec:
    """The crop of a training, which goes into its card; smaller in its first epochs, where the network takes other sizes.

    colour: whether the pictures are RGB.
    """
    small = epoch is not None and epoch < config.small_epochs and not net.input.fixed
    rgb = colour and net.input.channels == 3
    return CropSpec(size=config.small_size if small else net.input.size, margin=config.margin, colour="rgb" if rgb else "grey")


def fit(
    config: TrainConfig, data: TrainData, folder: Path, *, resume: bool = False, say: Say = lambda line: None,
    watch: Watch = lambda metrics: False,
) -> Fitted:  # fmt: skip
    """Train on `data.train`, judge each epoch on `data.judge`, and give the weights to ship: the moving average of the last or best epoch.

    `folder` gets config.json, run.json (seed, hash of the data, class frequencies, commit, versions), metrics.jsonl (a line an epoch),
    last.pt and best.pt.
    With `resume` a run that was stopped goes on there and ends as if it had not been. Ctrl-C saves before it raises KeyboardInterrupt.
    watch: called with the metrics of each epoch; a training that it answers with True ends there.

    Raises UsageError for settings that do not fit the network or the data, before it begins; Diverged in the first epoch in which the loss
    or an output of the network is no number any more: of that epoch nothing is kept.
    """
    theirs = _together()  # the caller's own connection stays open
    try:
        return _fit(config, data, folder, resume=resume, say=say, watch=watch)
    except BaseException as error:
        if _together():
            traceback.clear_frames(error.__traceback__)  # they hold the network, and that holds the connection
        raise
    finally:
        if _together() and not theirs:
            _part()


def _fit(config: TrainConfig, data: TrainData, folder: Path, *, resume: bool, say: Say, watch: Watch) -> Fitted:
    fabric = _fabric(config)
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    run, config = RunFolder(folder), as_started(config)
    _check_monitor(config, data)
    net = started(config, data, say)
    training = _Training(config, data, net, fabric, run, say)
    about = {"data": data.hash, "sources": list(data.sources), "names": list(data.names), "colour": data.colour, "detector": data.detector}
    about |= {"rows": [len(data.train), len(data.judge)], "priors": recorded(data.train), "affect": dataclasses.asdict(data.origin)}
    about |= {"held_out": data.held_out}
    state, problem = None, ""
    if fabric.is_global_zero:
        try:
            state = run.begin(config, about, resume=resume)
        except UsageError as error:
            problem = str(error)
    if problem := fabric.broadcast(problem):  # all processes end, or all go on
        raise UsageError(problem)
    if resume and not fabric.is_global_zero and run.last.exists():
        state = torch.load(run.last, map_location="cpu", weights_only=True)
    if state is not None:
        training.restore(state)
        say(f"has ended already, after epoch {training.epoch}" if training.ended else f"goes on in epoch {training.epoch + 1}")
    return training.run(watch)


def _check_monitor(config: TrainConfig, data: TrainData) -> None:
    """Raise UsageError for a `monitor` that no epoch of this training will have: before the first one, which would be lost."""
    own = ["train_loss", *(["train_accuracy"] if {VOTES, "classes"} & {*config.tasks} else [])]
    there_are = [*own, *Judge.figures(outputs_of(config, data.names), data.judge)]
    if config.monitor not in there_are:
        raise UsageError(f"monitor {config.monitor!r} is no figure of this training; there are: {', '.join(there_are)}")


def _together() -> bool:
    """Whether this process is connected to others that train with it."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _part() -> None:
    """End the connection between processes that trained together, once nothing of the training holds it any more.

    A connection that goes with the network that holds it takes Python's lock with it while it waits for its own threads, which may
    want that lock: now and then a process never ended. One still open when Python ends may abort it, and Lightning then kills the
    first process in the middle of what it writes.
    """
    gc.collect()
    torch.distributed.destroy_process_group()


def _some_crops(data: TrainData, spec: CropSpec, count: int) -> torch.Tensor:
    """Plain crops of some training rows from first to last, since folders come class by class: uint8 (count, [T,] S, S, C)."""
    some = data.train.where(np.unique(np.linspace(0, len(data.train) - 1, count).astype(np.int64)))
    return torch.from_numpy(with_channel(plain_crops(some.pictures, some.points, some.frames, spec)))


def _fabric(config: TrainConfig) -> Fabric:
    try:
        from lightning_fabric import Fabric
    except ModuleNotFoundError as error:
        if error.name not in ("lightning_fabric", "lightning_utilities"):
            raise
        raise ExtraMissing(f"training needs PyTorch and Lightning: {install('train')}") from None
    plan = config.freeze
    strategy = config.strategy
    if strategy in ("auto", "ddp") and config.devices * config.machines > 1:
        moving = plan.frozen_epochs or plan.unfreeze_last is not None  # layers without a gradient, which plain DDP would wait for
        strategy = "ddp_find_unused_parameters_true" if moving else "ddp"
    try:
        fabric = Fabric(
            accelerator=config.device, devices=config.devices, num_nodes=config.machines, strategy=strategy,
            precision="bf16-mixed" if config.bf16 else "32-true",
        )  # fmt: skip
    except (RuntimeError, ValueError) as error:  # no such device here, or no such strategy
        asked = f"device {config.device}, devices {config.devices}, strategy {config.strategy}"
        raise UsageError(f"{asked}: cannot be used here ({str(error).split('. ')[0]})") from None
    fabric.launch()
    return fabric


class _Training:
    """One run: what changes from step to step, and how."""

    def __init__(self, config: TrainConfig, data: TrainData, net: Network, fabric: Fabric, run: RunFolder, say: Say) -> None:
        self.config, self.data, self.fabric, self.folder, self.say = config, data, fabric, run, say
        self.plain = net.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.plain).to(fabric.device).eval()
        self.net, self.optimiser = fabric.setup(self.plain, optimiser(self.plain, config))
        torch.manual_seed(config.seed + fabric.global_rank)  # each process drops out others
        self.enter = net.entrance().to(fabric.device)
        self.targets = targets_of(data.train, config, smoothing=config.smoothing)
        if config.teachers:
            say(f"asking {len(config.teachers)} teachers")
            with fabric.rank_zero_first():  # the others read what the first one wrote
                answers = cached_answers(run.path, config.teachers, data.train, threads=config.threads)
            self.targets = taught(self.targets, answers, config.teach)
        self.loss = Loss.of(config, data.train, fabric.device)
        self.steps = steps_of(data.train, config)
        self.epoch, self.step, self.sums = 0, 0, torch.zeros(3, dtype=torch.float64)
        self.history: list[Metrics] = []
        self.best: float | None = None
        self.waited = 0
        self.judges: dict[CropSpec, Judge] = {}
        self.together = False  # whether the processes have stopped after the same step

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.plain.load_state_dict(state["net"])
        self.average.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.step, self.best, self.waited = (state[name] for name in ("epoch", "step", "best", "waited"))
        self.sums, self.history = state["sums"], state["history"]
        own = state["rng"][self.fabric.global_rank % len(state["rng"])]
        torch.set_rng_state(own.clone())  # torch reads a part of a larger tensor from that one's beginning, and crashes
        if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda"])

    def state(self, rngs: list[torch.Tensor] | None = None) -> dict[str, Any]:
        """Everything it takes to go on. rngs: the states of chance of all processes."""
        return {
            "net": self.plain.state_dict(), "ema": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
            "epoch": self.epoch, "step": self.step, "best": self.best, "waited": self.waited, "sums": self.sums,
            "history": self.history, "rng": rngs or [torch.get_rng_state()], "cuda": torch.cuda.get_rng_state_all(),
        }  # fmt: skip

    @property
    def ended(self) -> bool:
        """Whether the last epoch is over, or `patience`."""
        return self.epoch >= self.config.epochs or bool(self.config.patience and self.waited >= self.config.patience)

    def run(self, watch: Watch) -> Fitted:
        """Epochs until the last one, or until `patience` or `watch` ends it."""
        try:
            with held() as asked:
                while not self.ended:
                    if self._epoch(watch, asked):
                        break
        except KeyboardInterrupt:
            rngs = self._rngs() if self.together else None
            if self.fabric.is_global_zero:
                self.folder.save(self.folder.last, self.state(rngs))
                where = f"after epoch {self.epoch}" if self.epoch and not self.step else f"in epoch {self.epoch + 1}"
                self.say(f"stopped {where} and saved; --resume goes on from there")
            raise
        if self.fabric.is_global_zero:
            shipped = self.folder.shipped()
        self.fabric.barrier()
        if not self.fabric.is_global_zero:
            shipped = self.average.state_dict()
        monitored = [m.get(self.config.monitor, math.nan) for m in self.history]
        at = len(monitored) - 1
        if self.config.restore_best and self.best in monitored:
            at = monitored.index(self.best)
        return Fitted(shipped, self.history[at] if self.history else {}, self.history, self.fabric.is_global_zero)

    def _check(self, asked: Callable[[], bool]) -> None:
        """Raise KeyboardInterrupt if any of the processes that train together was asked to stop: all stop after the same step."""
        stop = asked()
        if self.fabric.world_size > 1:
            of_all: Any = self.fabric.all_reduce(torch.tensor(float(stop), device=self.fabric.device), reduce_op="sum")
            self.together = stop = bool(of_all > 0)
        if stop:
            raise KeyboardInterrupt

    def _rngs(self) -> list[torch.Tensor]:
        """The states of chance of all processes, asked for by all of them."""
        gathered: Any = self.fabric.all_gather(torch.get_rng_state())
        return [one.cpu().to(torch.uint8) for one in gathered.reshape(self.fabric.world_size, -1)]

    def _epoch(self, watch: Watch, asked: Callable[[], bool]) -> bool:
        config, began = self.config, time.monotonic()
        freeze.apply(config.freeze, self.plain, self.epoch)
        self.net.train()
        spec = crop_spec(config, self.plain, colour=self.data.colour, epoch=self.epoch)
        adjusted = self.epoch >= config.small_epochs
        val_losses = [m["val_loss"] for m in self.history]
        rate = learning_rate(self.epoch + self.step / self.steps, self.steps, config, val_losses)
        share = {"rank": self.fabric.global_rank, "world": self.fabric.world_size}
        for batch in batches(self.data.train, self.targets, spec, config, self.epoch, first=self.step, **share):
            rate = learning_rate(self.epoch + batch.index / self.steps, self.steps, config, val_losses)
            for group in self.optimiser.param_groups:
                group["lr"] = rate * group.get("scale", 1.0)
            targets = {name: target.to(self.fabric.device) for name, target in batch.targets.items()}
            x, targets = mixed(self.enter(batch.crops.to(self.fabric.device)), targets, config, batch.rng)
            x = x if self.plain.input.frames else x.contiguous(memory_format=torch.channels_last)
            self.optimiser.zero_grad(set_to_none=True)
            outs, loss = self._backward(x, targets, adjusted)
            if config.sharpness:
                with worst_nearby(self.plain, config.sharpness):
                    self._backward(x, targets, adjusted)
            nn.utils.clip_grad_norm_(self.plain.parameters(), LARGEST_GRADIENT)
            self.optimiser.step()
            done = self.epoch * self.steps + batch.index
            moving_average(self.average, self.plain, min(config.average, (1 + done) / (10 + done)))
            self.step = batch.index + 1
            now = torch.stack([loss.detach(), *_right(outs, targets)]).cpu()  # one wait for the device a step
            self.sums += now
            where = f"epoch {self.epoch + 1}, batch {batch.index + 1}"
            check_loss(float(now[0]), "the loss", where, leader=self.fabric.is_global_zero)
            self._check(asked)
        over = self._judge(rate, time.monotonic() - began, watch)
        self._check(asked)
        return over

    def _backward(self, x: torch.Tensor, targets: Tensors, adjusted: bool) -> tuple[Tensors, torch.Tensor]:
        """Outputs and loss of a batch, with the gradients in the weights."""
        outs = self.plain.split(self.net(x).float())
        loss = self.loss(outs, targets, adjusted=adjusted)
        self.fabric.backward(loss)
        return outs, loss

    def _judge(self, rate: float, seconds: float, watch: Watch) -> bool:
        config = self.config
        metrics: Metrics = {"epoch": self.epoch, "rate": rate, "seconds": round(seconds, 3), "train_loss": float(self.sums[0]) / self.steps}
        if self.sums[2]:
            metrics["train_accuracy"] = float(self.sums[1] / self.sums[2])
        if self.fabric.is_global_zero:
            spec = crop_spec(config, self.plain, colour=self.data.colour, epoch=self.epoch)
            if spec not in self.judges:  # cut once for each size of the crops
                self.judges[spec] = Judge.of(self.data.judge, targets_of(self.data.judge, config), spec)
            metrics |= self.judges[spec].metrics(self.average, self.loss, self.fabric.device)
        metrics = self.fabric.broadcast(metrics)
        # Before anything is saved: what is on the disk stays that of the last epoch that was good.
        check_loss(metrics["val_loss"], "the validation loss", f"epoch {self.epoch + 1}", leader=self.fabric.is_global_zero)
        value = metrics.get(config.monitor, math.nan)
        improved = better(value, self.best, config.monitor)
        if improved and self.fabric.is_global_zero:  # before the state says so, lest one is without the other when the power goes
            self.folder.save(self.folder.best, {"ema": self.average.state_dict(), "epoch": metrics["epoch"]})
        rngs = self._rngs()
        self.best = value if improved else self.best
        self.waited = 0 if improved else self.waited + 1
        self.epoch, self.step, self.sums = self.epoch + 1, 0, torch.zeros(3, dtype=torch.float64)
        self.history.append(metrics)
        over = False
        if self.fabric.is_global_zero:
            self.folder.save(self.folder.last, self.state(rngs))
            self.folder.add(metrics)
            over = watch(metrics)
        return bool(self.fabric.broadcast(over))


def _right(outs: Mapping[str, torch.Tensor], targets: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """How many answers were the target's first, and how many rows have one, over the classes or else the votes; on their device."""
    name = next((name for name in outs if name not in (VOTES, AFFECT)), VOTES)
    if name not in outs:
        none = next(iter(outs.values())).new_zeros(())
        return none, none
    known = torch.isfinite(targets[name]).all(1)
    right = (outs[name].argmax(1) == targets[name].argmax(1)) & known
    return right.sum().float(), known.sum().float()


@torch.no_grad()
def moving_average(into: nn.Module, net: nn.Module, decay: float) -> None:
    """Move one network's weights and statistics towards another's."""
    for a, b in zip(into.state_dict().values(), net.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - decay)
        else:
            a.copy_(b)
