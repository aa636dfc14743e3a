"""The settings of a training: one dataclass is the TOML file, the command line and the record of the run."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.errors import SourceMissing, UsageError


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides what a training gives."""

    name: str = "base"
    """Name of the model and of its run folder."""
    net: str = "vgg8"
    """Architecture, a name in mien.train.nets.NETS."""
    widths: tuple[int, ...] = (32, 64, 192, 384)
    """Channels of its stages."""
    dropout: float = 0.3
    """Dropout before the heads."""
    size: int = 44
    """Side of the crop in pixels."""
    margin: float = -1 / 24
    """Share of the FER-2013 frame added on each side of the crop; negative cuts."""
    small_size: int = 32
    """Side of the crops of the first epochs, in which speed matters more than detail (progressive resizing)."""
    small_epochs: int = 16
    """How many epochs see crops of `small_size`."""
    restarts: tuple[int, ...] = ()
    """Lengths in epochs of further cycles at the end, at rates that fall from `restart_rate` (Loshchilov & Hutter 2017)."""
    restart_rate: float = 0.03
    """Learning rate at their beginnings."""
    epochs: int = 40
    """Passes over the training rows, all in all."""
    batch: int = 128
    """Crops in a step."""
    peak_rate: float = 0.1
    """Highest learning rate of the first, one-cycle schedule (Smith & Topin 2019)."""
    weight_decay: float = 5e-4
    """L2 penalty on convolution and linear weights."""
    momentum: float = 0.9
    """Nesterov momentum."""
    average: float = 0.999
    """Decay a step of the exponential moving average of the weights, which is what is exported."""
    smoothing: float = 0.1
    """Label smoothing of the FER-2013 head."""
    votes_weight: float = 1.0
    """Weight of the cross-entropy to the FER+ vote shares."""
    fer_weight: float = 1.0
    """Weight of the cross-entropy to the FER-2013 labels."""
    affect_weight: float = 1.0
    """Weight of the squared error of valence and arousal."""
    teachers: tuple[str, ...] = ()
    """Cards of models whose calibrated answers are mixed into both heads' targets (Hinton et al. 2015; Furlanello et al. 2018)."""
    teach: float = 0.5
    """Share of the teachers' mean answer in those targets, 0..1."""
    adjust: float = 0.5
    """Logit adjustment by class frequency (Menon et al. 2021), 0..1: rare classes count for more. Deferred until crops have
    full size, since features are learnt better without it (Cao et al. 2019)."""
    augment: float = 1.0
    """Strength of the augmentation, 0..1.5."""
    calm_epochs: int = 8
    """How many of the last epochs are augmented less, while the learning rate fades."""
    calm: float = 0.5
    """Share of `augment` that is left in them."""
    anchors: str = "crowd"
    """Anchor set that turns vote shares into valence and arousal."""
    mirror: bool = False
    """Ship a network that averages over the crop and its mirror picture: a little better, twice as slow."""
    start: str = ""
    """Run folder whose averaged weights the training begins with, instead of random ones."""
    partners: tuple[str, ...] = ()
    """Run folders of further networks, with the same crop, whose outputs are averaged with this one's in the file that is shipped."""
    int8: bool = False
    """Ship convolutions in 8 bits (static, calibrated on PublicTest): three times as fast, half the size, and refused if it costs
    more than half a point of accuracy there."""
    blend: float = 0.5
    """Share of the FER-2013 head in the probabilities that are reported; the vote head has the rest."""
    votes_back: float = 0.0
    """Share of the vote head's class frequencies that its card gives back to the logits after a training with `adjust`, 0..1."""
    fer_back: float = 0.0
    """The same for the FER-2013 head."""
    seed: int = 0
    """Seed of everything random."""
    bf16: bool = False
    """Autocast to bfloat16: twice as fast on CPUs with AMX and on GPUs, slower on others."""
    threads: int = 2
    """CPU threads."""


def read_config(path: Path, **changes: Any) -> TrainConfig:
    """Settings from a TOML file, changed by keyword. Unknown names are refused with the names there are."""
    if not path.exists():
        raise SourceMissing(f"{path}: no such file; wanted a TOML file with the settings of a training, as in configs/")
    try:
        values = tomllib.loads(path.read_text("utf-8")) | changes
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    known = {f.name for f in dataclasses.fields(TrainConfig)}
    if strange := sorted(set(values) - known):
        raise UsageError(f"{path}: unknown settings {', '.join(strange)}; there are: {', '.join(sorted(known))}")
    for name in ("widths", "restarts", "teachers", "partners"):
        if name in values:
            values[name] = tuple(values[name])
    return TrainConfig(**values)
