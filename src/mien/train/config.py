"""The settings of a training: one dataclass is the TOML file, the command line and the record of the run."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from mien.errors import MienError, SourceMissing, UnknownName, UsageError
from mien.train.ranges import FROM_0, FROM_1, POSITIVE, SHARE, Range, check_ranges
from mien.train.settings import FreezePlan, HeadSettings, NetSettings

TASKS = ("votes", "classes", "affect")
OPTIMISERS = ("sgd", "adam", "adamw")
SCHEDULES = ("onecycle", "cosine", "exponential", "plateau", "constant")
BALANCES = ("none", "weights", "sampler")
COLOURS = ("auto", "grey", "rgb")
DEVICES = ("auto", "cpu", "cuda", "mps")
AXES, AXIS_FIGURES = ("valence", "arousal"), ("ccc", "rmse", "mae")
FIGURES = (
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "val_balanced",
    "val_macro_f1",
    "val_votes_accuracy",
    *(f"val_{figure}_{name}" for name in AXES for figure in AXIS_FIGURES),
    "val_score",
)
"""What an epoch may be judged by; which of them there are depends on the tasks and the data (Judge.figures)."""
WORDS = {
    "optimiser": OPTIMISERS,
    "schedule": SCHEDULES,
    "balance": BALANCES,
    "colour": COLOURS,
    "device": DEVICES,
    "monitor": FIGURES,
}
"""The settings that are one of some words."""
RANGES = {
    **dict.fromkeys(("epochs", "devices", "machines", "threads", "clip_stride", "clip_spacing", "restarts"), FROM_1),
    **dict.fromkeys(("small_epochs", "calm_epochs", "patience", "plateau_patience", "decay_steps"), FROM_0),
    **dict.fromkeys(("teach", "smoothing", "adjust", "average", "blend", "held_out", "sharpness", "momentum"), SHARE),
    **dict.fromkeys(("votes_back", "classes_back", "blend_votes_back"), Range(-2, 2)),
    **dict.fromkeys(("rate", "decay_rate", "clip_every"), POSITIVE),
    **dict.fromkeys(("weight_decay", "mixup", "cutmix", "votes_weight", "classes_weight", "affect_weight", "restart_rate"), FROM_0),
    **dict.fromkeys(("augment", "calm", "layer_decay"), FROM_0),
    "plateau_factor": Range(0, 1, above=True),
    "batch": Range(2),
    "small_size": Range(8),
    "margin": Range(-0.4, 4, above=True, below=True),
    "seed": Range(0, 2**63, below=True),
}
"""What the numbers among them may be; those of their parts are in mien.train.settings."""
FOLDER_SIGNS = ("/", "\\", "\0")
PRESETS = "mien.train.presets"


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides what a training gives."""

    name: str = "model"
    """Name of the model and of its run folder."""
    net: str = "vgg8"
    """Architecture: vgg8, face_mobilenet, face_resnet, repvgg, r1_vgg, r3_cnn, r4_cnn, resnet50, vgg16, mobilenetv2, darknet53, vit_b8,
    conv_lstm or timm:NAME."""
    settings: NetSettings = field(default_factory=NetSettings)
    """Size, widths, pretrained weights and more of the architecture."""
    head: HeadSettings = field(default_factory=HeadSettings)
    """Layers between its features and the outputs."""
    freeze: FreezePlan = field(default_factory=FreezePlan)
    """Which of its layers learn, and when."""
    tasks: tuple[str, ...] = ("classes",)
    """What is learnt, each by an output of its own: classes (hard labels), votes (shares of raters' votes), affect (valence, arousal)."""
    margin: float = 0.0
    """Share of the face's frame added on each side of the crop; negative cuts."""
    colour: str = "auto"
    """Crops in grey, rgb, or auto: rgb when the network takes colour and the pictures have some."""
    small_size: int = 32
    """Side of the crops of the first epochs, in which speed matters more than detail (progressive resizing)."""
    small_epochs: int = 0
    """How many epochs see crops of `small_size`."""
    epochs: int = 40
    """Passes over the training rows, all in all."""
    batch: int = 128
    """Crops in a step, over all devices together."""
    optimiser: str = "sgd"
    """sgd (with Nesterov momentum), adam or adamw."""
    rate: float = 0.1
    """Learning rate, the highest of the schedule."""
    weight_decay: float = 5e-4
    """L2 penalty (adamw: decoupled) on convolution and linear weights."""
    momentum: float = 0.9
    """Momentum of sgd."""
    layer_decay: float = 1.0
    """Factor on the rate from each quarter of the backbone to the one before it, 0..1 (Howard & Ruder 2018); 1: one rate for all."""
    schedule: str = "onecycle"
    """Rate over time: onecycle (Smith & Topin 2019), cosine, exponential, plateau (falls when val_loss does not) or constant."""
    decay_rate: float = 0.9
    """Factor on the rate of exponential after each `decay_steps`."""
    decay_steps: int = 100
    """Steps (batches) in which exponential multiplies the rate by `decay_rate`, gradually."""
    plateau_factor: float = 0.2
    """Factor on the rate of plateau."""
    plateau_patience: int = 2
    """Epochs without a better val_loss before plateau lowers the rate."""
    restarts: tuple[int, ...] = ()
    """Lengths in epochs of further cycles at the end, at rates that fall from `restart_rate` (Loshchilov & Hutter 2017)."""
    restart_rate: float = 0.03
    """Learning rate at their beginnings."""
    monitor: str = "val_score"
    """Figure that tells the best epoch; higher is better unless its name has loss or rmse in it. val_score is the mean of the tasks'."""
    patience: int = 0
    """Epochs without a better `monitor` before the training stops; 0: it never does."""
    restore_best: bool = False
    """Ship the weights of the best epoch instead of the last one's."""
    average: float = 0.999
    """Decay a step of the moving average of the weights, which is what is judged and shipped; 0: the weights themselves."""
    smoothing: float = 0.0
    """Label smoothing of the classes, 0..1 (Szegedy et al. 2016)."""
    votes_weight: float = 1.0
    """Weight of the cross-entropy to the vote shares."""
    classes_weight: float = 1.0
    """Weight of the cross-entropy to the labels."""
    affect_weight: float = 1.0
    """Weight of the squared error of valence and arousal."""
    balance: str = "none"
    """Against classes of unequal size: weights in the loss, a sampler that shows every class equally often, or none."""
    adjust: float = 0.0
    """Logit adjustment by class frequency (Menon et al. 2021), 0..1: rare classes count for more. Deferred until crops have
    full size, since features are learnt better without it (Cao et al. 2019)."""
    mixup: float = 0.0
    """Mixes pairs of crops by a share drawn from Beta(mixup, mixup) (Zhang et al. 2018); 0: never."""
    cutmix: float = 0.0
    """The same with a rectangle of one crop in the other (Yun et al. 2019); with both, each takes half of the batches."""
    sharpness: float = 0.0
    """Radius of sharpness-aware minimisation (Foret et al. 2021), such as .05, in twice the time; 0: without."""
    teachers: tuple[str, ...] = ()
    """Cards of models whose calibrated answers are mixed into the targets (Hinton et al. 2015; Furlanello et al. 2018)."""
    teach: float = 0.5
    """Share of the teachers' mean answer in those targets, 0..1."""
    recipe: str = "mien"
    """Augmentation: mien (of crops as the user's road makes them), or r0, r0-r2, r3, r4 (mien data preview shows them), or none."""
    augment: float = 1.0
    """Strength of mien's augmentation, 0..1.5."""
    calm_epochs: int = 0
    """How many of the last epochs are augmented less, while the learning rate fades."""
    calm: float = 0.5
    """Share of `augment` that is left in them."""
    anchors: str = "crowd"
    """Anchor set that turns vote shares into valence and arousal where the data has none: crowd, adfes2011 or legacy. By which anchors a
    model of these two alone names emotions is not set here: where the data's come from says it."""
    held_out: float = 0.2
    """Share of the training rows to judge by where the data has no validation split."""
    clip_every: float = 0.1
    """Clips, for networks that read sequences: seconds from one frame that is looked at to the next."""
    clip_stride: int = 4
    """Frames from the beginning of one sequence to that of the next one."""
    clip_spacing: int = 1
    """Frames from one crop of a sequence to the next: 2 takes every second one."""
    start: str = ""
    """Run folder whose shipped weights the training begins with, instead of random ones; only its backbone where the head differs. A `vgg8`
    with narrower `widths` is widened so that it answers as before (Chen et al. 2016), a `face_mobilenet` with wider ones loses the channels
    that say least. Or a model that mien made, by name (`base`, with net = "face_mobilenet") or path: its 8-bit weights are taken up again.
    Where no `widths` are set they are those of the start."""
    mirror: bool = False
    """Ship a network that averages over the crop and its mirror picture: a little better, twice as slow."""
    soup: tuple[str, ...] = ()
    """Run folders of the same network, one of them the start of this training, whose weights are averaged with its own in the file
    that is shipped (Wortsman et al. 2022)."""
    partners: tuple[str, ...] = ()
    """Run folders of further networks, with the same margin and outputs, that are averaged with this one in the file that is shipped; they
    may read the crop in another size."""
    int8: bool = False
    """Ship convolutions in 8 bits (static, calibrated on validation rows): about three times as fast, half the size, and refused
    if it costs more than half a point of accuracy there."""
    blend: float = 0.5
    """Share of the classes in the probabilities that are reported when there are votes too; the votes have the rest."""
    votes_back: float = 0.0
    """Share of the votes' class frequencies that the card gives back to the logits after a training with `adjust`, 0..1."""
    classes_back: float = 0.0
    """The same for the classes."""
    blend_votes_back: float = 0.0
    """The same for the votes' part in the probabilities that are reported; below 0 it takes more away, and rare classes count for more."""
    weights_licence: str = "yours to choose"
    """Licence of the weights, for the card."""
    data_licence: str = "not stated"
    """Licences of the data, for the card."""
    note: str = "Reads the expression shown, not what a person feels."
    """What users should know, for the card."""
    seed: int = 0
    """Seed of everything random."""
    bf16: bool = False
    """Autocast to bfloat16: up to twice as fast on CPUs with AVX512-BF16 or AMX and on GPUs, slower on others."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""
    devices: int = 1
    """Devices of a machine; on cpu, processes."""
    machines: int = 1
    """Machines; start the same command on each as Lightning's documentation of its cluster environments says."""
    strategy: str = "auto"
    """How they share the work: auto (ddp where there are several), or a name of Lightning's strategies that keep whole networks."""
    threads: int = 2
    """CPU threads of each process."""

    def __post_init__(self) -> None:
        for name, there_are in WORDS.items():
            if (value := getattr(self, name)) not in there_are:
                raise UnknownName(name, value, there_are)
        if unknown := [task for task in self.tasks if task not in TASKS]:
            raise UnknownName("task", unknown[0], TASKS)
        check_ranges(self, RANGES)
        if self.schedule == "exponential" and not self.decay_steps:
            raise UsageError("decay_steps is 0; wanted 1 or more for the schedule exponential")
        if self.name in ("", ".", "..") or any(sign in self.name for sign in FOLDER_SIGNS):
            raise UsageError(f"name is {self.name!r}; wanted a word for a folder and a file, without {' '.join(FOLDER_SIGNS[:2])}")
        if not self.tasks or sum(self.restarts) >= self.epochs:
            raise UsageError(f"found tasks {self.tasks} and restarts of {sum(self.restarts)} epochs; wanted a task, "
                             f"and restarts shorter than the {self.epochs} epochs")  # fmt: skip


def read_config(where: str | Path, **changes: Any) -> TrainConfig:
    """Settings from a TOML file or a preset's name, changed by (dotted) names. Unknown names are refused with what comes near.

    Raises SourceMissing, UsageError.
    """
    path = Path(where)
    if path.suffix != ".toml" and path.name == str(where):
        text = preset_text(path.name)
    else:
        text = read_toml(path, f"a TOML file with the settings of a training, or one of: {', '.join(presets())}")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    try:
        return changed(from_values(values), changes)
    except MienError as error:
        raise type(error)(f"{path}: {error}") if type(error) is UsageError else error from None


def read_toml(path: Path, wanted: str) -> str:
    """The text of a file. wanted: what it should have been, for messages. Raises SourceMissing; UsageError for a folder, or no UTF-8."""
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; wanted {wanted}")
    if not path.exists():
        raise SourceMissing(f"{path}: no such file; wanted {wanted}")
    try:
        return path.read_text("utf-8-sig")  # some editors of Windows write a byte order mark, which TOML does not know
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (byte {error.start}), as TOML is; save it as UTF-8") from None


def presets() -> list[str]:
    """Names of the settings that come with mien."""
    return sorted(file.name.removesuffix(".toml") for file in resources.files(PRESETS).iterdir() if file.name.endswith(".toml"))


def preset_text(name: str) -> str:
    """The TOML of a preset. Raises UnknownName."""
    if name not in presets():
        raise UnknownName("preset", name, presets())
    return (resources.files(PRESETS) / f"{name}.toml").read_text("utf-8")


def from_values(values: Mapping[str, Any]) -> TrainConfig:
    """Settings from plain values, as a TOML file or a run's record has them. Raises UsageError for unknown names and wrong kinds."""
    return _built(TrainConfig, values, "")


def changed(config: TrainConfig, changes: Mapping[str, Any]) -> TrainConfig:
    """A copy with other values; names of nested settings are dotted, such as `head.units`. Raises UsageError."""
    values = dataclasses.asdict(config)
    for name, value in changes.items():
        at, _, last = name.rpartition(".")
        inner = values[at] if at in values and isinstance(values[at], dict) else None if at else values
        if inner is None or last not in inner:
            raise UsageError(_unknown(name, [entry.name for entry in entries()]))
        inner[last] = value
    return from_values(values)


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting."""

    name: str
    """Dotted where nested."""
    kind: Any
    """Its type."""
    default: Any
    says: str
    """The sentence under it."""


@cache
def entries() -> tuple[Entry, ...]:
    """Every setting with its default and its sentence, in order."""
    return tuple(_entries(TrainConfig, ""))


def _entries(cls: type[Any], before: str) -> Iterator[Entry]:
    said, kinds, plain = _sentences(cls), typing.get_type_hints(cls), cls()
    for one in dataclasses.fields(cls):
        if dataclasses.is_dataclass(kinds[one.name]):
            yield from _entries(kinds[one.name], f"{one.name}.")
        else:
            yield Entry(f"{before}{one.name}", kinds[one.name], getattr(plain, one.name), said[one.name])


def _sentences(cls: type[Any]) -> dict[str, str]:
    body = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(body, ast.ClassDef)
    said = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and isinstance(after, ast.Expr):
            said[before.target.id] = inspect.cleandoc(str(ast.literal_eval(after.value))).replace("\n", " ")
    return said


def _built(cls: type[Any], values: Mapping[str, Any], before: str) -> Any:
    kinds = typing.get_type_hints(cls)
    if strange := [name for name in values if name not in kinds]:
        raise UsageError(_unknown(f"{before}{strange[0]}", [f"{before}{name}" for name in kinds]))
    ready = {}
    for name, value in values.items():
        kind = kinds[name]
        if dataclasses.is_dataclass(kind):
            if not isinstance(value, Mapping):
                raise UsageError(f"setting {before}{name}: found {value!r}, wanted a table, [{name}]")
            ready[name] = _built(typing.cast(type[Any], kind), value, f"{name}.")
        else:
            ready[name] = _as(kind, value, f"{before}{name}")
    return cls(**ready)


def _as(kind: Any, value: Any, name: str) -> Any:
    """The value in the field's type; whole numbers do for numbers, and lists for tuples."""
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    for one in options:
        origin = typing.get_origin(one) or one
        if one is type(None) and value is None:
            return None
        if origin is tuple and isinstance(value, (list, tuple)):
            return tuple(_as(typing.get_args(one)[0], item, name) for item in value)
        if origin is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if origin is int and isinstance(value, int) and not isinstance(value, bool):
            return value
        if origin in (str, bool) and isinstance(value, origin):
            return value
        if origin is Mapping and isinstance(value, Mapping):
            return dict(value)
    raise UsageError(f"setting {name}: found {value!r}, wanted {kind if isinstance(kind, types.UnionType) else _word(kind)}")


def _word(kind: Any) -> str:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    return words.get(kind, "a list" if typing.get_origin(kind) is tuple else "a table")


def _unknown(name: str, there_are: list[str]) -> str:
    near = difflib.get_close_matches(name, there_are, 3, 0.5)
    return f"unknown setting {name!r}; " + (f"near it: {', '.join(near)}" if near else f"there are: {', '.join(there_are)}")
