"""Fit a network to FER-2013 with its votes: labels, vote shares, valence and arousal at once."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mien.data.fer import FER7, Fer, majority8, trainable, vote_shares
from mien.errors import DataError, UnknownName, UsageError
from mien.labels import EMOTIONS, LABEL_SETS, anchors, convert
from mien.train.config import TrainConfig
from mien.train.crops import augmented_crops, find_points, plain_crops
from mien.train.nets import HEADS, NETS, Standardise
from mien.train.teach import Targets, cached_answers, taught
from mien.types import Detector, Floats, Image, Ints
from mien.vision.align import CropSpec

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def build(config: TrainConfig) -> nn.Module:
    """A network with random weights."""
    if config.net not in NETS:
        raise UnknownName("network", config.net, NETS)
    return NETS[config.net](widths=config.widths, dropout=config.dropout)


def crop_spec(config: TrainConfig, *, epoch: int | None = None) -> CropSpec:
    """The crop of a training, which goes into its card; smaller in its first epochs."""
    small = epoch is not None and epoch < config.small_epochs
    return CropSpec(size=config.small_size if small else config.size, margin=config.margin, colour="grey")


def fit(config: TrainConfig, fer: Fer, detector: Detector, folder: Path, *, say: Callable[[str], None] = lambda line: None) -> nn.Module:
    """Train on the Training rows without test copies; judge each epoch on PublicTest; return the averaged network.

    `folder` gets config.json, metrics.jsonl (a line an epoch), last.pt (resumes by itself when the settings are the
    same) and best.pt. PrivateTest is never read. Raises DataError when no row is fit for training.
    """
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    folder.mkdir(parents=True, exist_ok=True)
    record = json.dumps(dataclasses.asdict(config), indent=1)
    train, judge = fer.where(trainable(fer)), fer.split("PublicTest")
    if not len(train) or not len(judge):
        raise DataError(f"{len(train)} rows to train on and {len(judge)} PublicTest rows; wanted some of each")
    say(f"{len(train)} rows to train on, {len(judge)} to judge by")
    points = _cached_points(folder, train, detector, "train")
    judge_points = _cached_points(folder, judge, detector, "judge")
    net = build(config).to(memory_format=torch.channels_last)
    if config.start:
        net.load_state_dict(averaged_weights(Path(config.start)))
    ema = copy.deepcopy(net).eval()
    decay = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    optimiser = torch.optim.SGD(
        [{"params": decay, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.peak_rate, momentum=config.momentum, nesterov=True,
    )  # fmt: skip
    steps = len(train) // config.batch
    first, best = 0, -1.0
    last = folder / "last.pt"
    if last.exists() and (folder / "config.json").read_text() == record:
        state = torch.load(last, weights_only=True)
        for part, name in ((net, "net"), (ema, "ema"), (optimiser, "optimiser")):
            part.load_state_dict(state[name])
        first, best = state["epoch"] + 1, state["best"]
        torch.set_rng_state(state["rng"])
        say(f"resumed after epoch {first}")
    (folder / "config.json").write_text(record)
    log_priors = [torch.from_numpy(np.log(prior)) for prior in priors(vote_shares(train.votes), train.emotion)]
    targets = _targets(train, config)
    if config.teachers:
        say(f"asking {len(config.teachers)} teachers")
        targets = taught(targets, cached_answers(folder, config.teachers, train, points, threads=config.threads), config.teach)
    for epoch in range(first, config.epochs):
        began, total = time.monotonic(), 0.0
        net.train()
        spec = crop_spec(config, epoch=epoch)
        adjust = config.adjust if epoch >= config.small_epochs else 0.0
        for step, (crops, votes, labels, affect) in enumerate(_batches(train, points, targets, spec, config, epoch)):
            with torch.autocast("cpu", torch.bfloat16, enabled=config.bf16):
                out = net(crops).float()
                loss = _loss(out, votes, labels, affect, config, [adjust * prior for prior in log_priors])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            done = epoch * steps + step
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(done / steps, config)
            optimiser.step()
            _average(ema, net, min(config.average, (1 + done) / (10 + done)))
            total += loss.item()
        metrics = {"epoch": epoch, "loss": total / steps, "seconds": time.monotonic() - began}
        for aligned in (False, True):
            metrics |= judged(ema, judge, judge_points, spec, aligned=aligned)
        score = metrics["aligned_fer7"] + metrics["aligned_ferplus8"]
        best = max(best, score)
        with (folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(metrics) + "\n")
        say(json.dumps({k: round(v, 4) for k, v in metrics.items()}))
        state = {"net": net.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser.state_dict()}
        partial = folder / "last.part"
        torch.save(state | {"epoch": epoch, "best": best, "rng": torch.get_rng_state()}, partial)
        partial.replace(last)
        if score == best:
            torch.save(ema.state_dict(), folder / "best.pt")
    return ema


def learning_rate(epoch: float, config: TrainConfig) -> float:
    """The rate at a time in epochs: up for a fifth of the first cycle, down to almost nothing along a cosine, and the other cycles."""
    first = begin = config.epochs - sum(config.restarts)
    for length in config.restarts:
        if begin <= epoch < begin + length:
            return config.restart_rate * (1 + math.cos(math.pi * (epoch - begin) / length)) / 2
        begin += length
    start, rise = config.peak_rate / 25, 0.2 * first
    if epoch < rise:
        return start + (config.peak_rate - start) * (1 - math.cos(math.pi * epoch / rise)) / 2
    return config.peak_rate * (1 + math.cos(math.pi * (epoch - rise) / (first - rise))) / 2


def averaged_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of a run. Raises UsageError when there are none."""
    if not (folder / "last.pt").exists():
        raise UsageError(f"{folder}: no last.pt there; wanted the run folder of a training")
    state: dict[str, torch.Tensor] = torch.load(folder / "last.pt", weights_only=True)["ema"]
    return state


def _cached_points(folder: Path, fer: Fer, detector: Detector, kind: str) -> Floats:
    """Landmarks of the rows, looked for once a run folder."""
    path = folder / f"points_{kind}.npz"
    if path.exists():
        with np.load(path) as file:
            if np.array_equal(file["row"], fer.row):
                return np.asarray(file["points"], np.float32)
    points = find_points(fer.pictures, detector)
    np.savez(path, row=fer.row, points=points)
    return points


def _targets(fer: Fer, config: TrainConfig) -> Targets:
    """Vote shares (n, 9; NaN without votes), smoothed labels (n, 7), valence and arousal (n, 2; NaN where votes say nothing)."""
    shares = vote_shares(fer.votes)
    labels = np.eye(len(FER7), dtype=np.float32)[fer.emotion] * (1 - config.smoothing) + config.smoothing / len(FER7)
    return shares, np.asarray(labels, np.float32), anchors(config.anchors).expected(shares, EMOTIONS)


def priors(shares: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """How frequent the classes of the two heads are: float32 (9,) of the votes and (7,) of the labels; each sums to 1."""
    votes = np.nanmean(shares, axis=0)
    counts = np.bincount(labels, minlength=len(FER7)) + 1.0
    return np.maximum(votes, 1e-4).astype(np.float32), (counts / counts.sum()).astype(np.float32)


def _batches(fer: Fer, points: Floats, targets: Targets, spec: CropSpec, config: TrainConfig, epoch: int) -> Iterator[Batch]:
    """Shuffled, augmented batches of one epoch, made in a thread while the last one trains."""
    ready: queue.Queue[Batch | Exception | None] = queue.Queue(8)
    rng = np.random.default_rng((config.seed, epoch))
    standardise = Standardise()
    strength = config.augment * (config.calm if epoch >= config.epochs - config.calm_epochs else 1.0)

    def make() -> None:
        try:
            order = rng.permutation(len(fer))
            for start in range(0, len(order) - config.batch + 1, config.batch):
                rows = order[start : start + config.batch]
                crops = augmented_crops(fer.pictures[rows], points[rows], spec, rng, strength=strength)
                x = standardise(torch.from_numpy(crops[..., None])).contiguous(memory_format=torch.channels_last)
                votes, labels, affect = (torch.from_numpy(np.ascontiguousarray(part[rows])) for part in targets)
                ready.put((x, votes, labels, affect))
            ready.put(None)
        except Exception as error:  # handed to the training loop, which raises it
            ready.put(error)

    threading.Thread(target=make, daemon=True).start()
    while (item := ready.get()) is not None:
        if isinstance(item, Exception):
            raise item
        yield item


def _loss(
    out: torch.Tensor, votes: torch.Tensor, labels: torch.Tensor, affect: torch.Tensor, config: TrainConfig, offsets: list[torch.Tensor]
) -> torch.Tensor:
    vote_logits, fer_logits, affect_raw = out.split(list(HEADS.values()), dim=1)
    vote_logits, fer_logits = vote_logits + offsets[0], fer_logits + offsets[1]
    voted = torch.isfinite(votes[:, 0]).float()
    vote_loss = -(torch.nan_to_num(votes) * F.log_softmax(vote_logits, 1)).sum(1)
    rated = torch.isfinite(affect).float()
    affect_loss = ((torch.tanh(affect_raw) - torch.nan_to_num(affect)).square() * rated).sum(1)
    fer_loss = F.cross_entropy(fer_logits, labels)
    return config.votes_weight * (vote_loss * voted).mean() + config.fer_weight * fer_loss + config.affect_weight * affect_loss.mean()


@torch.no_grad()
def _average(ema: nn.Module, net: nn.Module, decay: float) -> None:
    for a, b in zip(ema.state_dict().values(), net.state_dict().values(), strict=True):
        if a.dtype.is_floating_point:
            a.lerp_(b, 1 - decay)
        else:
            a.copy_(b)


@torch.no_grad()
def outputs(net: nn.Module, crops: Image, *, batch: int = 256) -> Floats:
    """Raw outputs, float32 (n, 18), of uint8 crops (n, S, S)."""
    net.eval()
    parts = [net(Standardise()(torch.from_numpy(crops[i : i + batch, ..., None]))) for i in range(0, len(crops), batch)]
    return np.concatenate([part.numpy() for part in parts])


def judged(net: nn.Module, fer: Fer, points: Floats, spec: CropSpec, *, aligned: bool) -> dict[str, float]:
    """Accuracy of the heads on FER-2013's labels and on the crowd's majority, and valence's and arousal's RMSE."""
    out = outputs(net, plain_crops(fer.pictures, points, spec, aligned=aligned))
    votes, fer7 = out[:, :9], out[:, 9:16]
    majority = majority8(fer.votes)
    clear = majority >= 0
    plus = convert(np.exp(votes - votes.max(axis=1, keepdims=True)), EMOTIONS, LABEL_SETS["ferplus8"]).argmax(axis=1)
    guess = fer7.argmax(axis=1)
    kind = "aligned" if aligned else "whole"
    return {
        f"{kind}_fer7": float((guess == fer.emotion).mean()),
        f"{kind}_balanced": float(np.mean([(guess == k)[fer.emotion == k].mean() for k in range(len(FER7)) if (fer.emotion == k).any()])),
        f"{kind}_ferplus8": float((plus == majority)[clear].mean()),
    }
