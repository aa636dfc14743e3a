"""Weights that a training begins with: those of another run, of the same network or of a narrower or wider one, or of a shipped model."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import onnx
import torch

from mien.errors import UnknownName, UsageError
from mien.labels import EMOTIONS, canonical
from mien.models.locate import sha256_of
from mien.models.recogniser import OnnxRecogniser
from mien.models.registry import recogniser
from mien.train.config import TrainConfig
from mien.train.heads import Network
from mien.train.narrow import narrowed
from mien.train.nets import FaceMobilenet, Vgg8
from mien.train.run_folder import RunFolder
from mien.train.targets import AFFECT, VOTES
from mien.train.telling import Say
from mien.train.unfold import Arrays, unfold, weights
from mien.train.widen import widened

CROPS = 512
"""Of which a shipped model's normalisations take their statistics: with 256 other ones its answers differ by less than chance."""


def begin(net: Network, start: str, names: tuple[str, ...], crops: Callable[[int], torch.Tensor], say: Say = lambda line: None) -> None:
    """Load what `start` has: a run folder, or a model by name or path (see begin_with, begin_with_model)."""
    if Path(start).is_dir():
        begin_with(net, Path(start), names, say)
    else:
        begin_with_model(net, start, names, crops(CROPS), say)


def hash_of_start(start: str) -> str:
    """sha256, hex, of the weights that a run folder exports, or of the file of a model by name or path."""
    if not Path(start).is_dir():
        return sha256_of(_shipped(start).path)
    digest = hashlib.sha256()
    for name, value in sorted(RunFolder(Path(start)).exported().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def as_started(config: TrainConfig) -> TrainConfig:
    """The settings with the `widths` of the run or the shipped model that the training begins with, where they name none."""
    if not config.start or config.settings.widths is not None:
        return config
    if Path(config.start).is_dir():
        theirs = RunFolder(Path(config.start)).config()
        widths = theirs.settings.widths if theirs.net == config.net else None
    else:
        widths = _widths(config.net, weights(onnx.load(_shipped(config.start).path)))
    return dataclasses.replace(config, settings=dataclasses.replace(config.settings, widths=widths))


def _widths(net: str, body: Arrays) -> tuple[int, ...] | None:
    """Channels of the layers that `widths` decides, of an architecture whose weights are in a file; None of one that has none there."""
    ends = {"vgg8": r"backbone\.second\.\d+\.0\.weight", "face_mobilenet": r"backbone\.(stem|blocks\.\d*[13579])\.conv\.weight"}
    end = re.compile(ends.get(net, "(?!)"))
    found = sorted((name for name in body if end.fullmatch(name)), key=lambda name: [int(n) for n in re.findall(r"\d+", name)])
    return tuple(len(body[name]) for name in found) or None


def _shipped(name: str) -> OnnxRecogniser:
    """An embedded model, or that of an .onnx file."""
    try:
        model = recogniser(name)
    except UnknownName as error:
        raise UsageError(f"start {name}: no run folder is there, and {error}") from None
    if not isinstance(model, OnnxRecogniser):
        raise UsageError(f"start {name}: is no ONNX file with a card; wanted a run folder, or a model that mien train made")
    return model


def begin_with_model(net: Network, name: str, names: tuple[str, ...], crops: torch.Tensor, say: Say = lambda line: None) -> None:
    """Load the weights of an embedded model or of an .onnx file of `mien export`, and of its head what is asked for here too.

    A class that it knows by the same name, or by another spelling of it, begins with what it knows; one of the votes will do. Others begin
    at random. crops: uint8 (n, S, S, C), training crops of which its normalisations take their statistics. Raises UsageError when its
    network is another one.
    """
    model = _shipped(name)
    theirs = _columns(model.card.outputs, {key: head.labels for key, head in model.card.outputs.items()})
    ours = _columns(net.outputs, {key: EMOTIONS if key == VOTES else names for key in net.outputs})
    try:
        taken = unfold(net, onnx.load(model.path), crops, [_same(column, theirs) for column in ours])
    except ValueError as error:
        raise UsageError(f"start {name}: has no weight {error} of that shape; wanted a model of the same `net` and `settings`") from None
    if new := [label for (_, label), known in zip(ours, taken, strict=True) if not known]:
        said = "the backbone only, so that the head begins at random" if len(new) == len(ours) else f"does not know {', '.join(new)}"
        say(f"start {name}: {said}")


Column = tuple[str, str]
"""Output and label of a column of the head."""


def _columns(outputs: Iterable[str], labels: Mapping[str, Sequence[str]]) -> list[Column]:
    return [(key, label) for key in outputs for label in (("valence", "arousal") if key == AFFECT else labels[key])]


def _same(column: Column, theirs: Sequence[Column]) -> int | None:
    """Where another head has a column: under the same output, or, for a class of one's own, under any; its classes before its votes."""
    if column in theirs:
        return theirs.index(column)
    key, label = column
    if key in (VOTES, AFFECT):
        return None
    known = [other for other in theirs if other[0] != AFFECT and _name(other[1]) == _name(label)]
    return theirs.index(min(known, key=lambda other: other[0] == VOTES)) if known else None


def _name(label: str) -> str:
    return canonical(label) or label


def begin_with(net: Network, folder: Path, names: tuple[str, ...], say: Say = lambda line: None) -> None:
    """Load what a run exports (its own weights, or the mean with those of its soup); where its head is of other classes or another kind,
    its backbone alone; a narrower `vgg8` is widened, a wider `face_mobilenet` narrowed.

    Raises UsageError when its backbone is another one.
    """
    run = RunFolder(folder)
    state, own = run.exported(), net.state_dict()
    body = {name: value for name, value in state.items() if name.startswith("backbone.")}
    if _shapes(body) != {name: shape for name, shape in _shapes(own).items() if name.startswith("backbone.")}:
        state, how = _refitted(state, net, run)
        body = {name: value for name, value in state.items() if name.startswith("backbone.")}
        say(f"start {folder}: {how}")
    if tuple(run.about()["names"]) == names and _shapes(state) == _shapes(own):
        net.load_state_dict(state)
        return
    say(f"start {folder}: the backbone only; its head is another one, so that this one begins at random")
    net.load_state_dict(body, strict=False)


def _refitted(state: dict[str, torch.Tensor], net: Network, run: RunFolder) -> tuple[dict[str, torch.Tensor], str]:
    """The weights of another width's network, and what was done to them."""
    config, body = run.config(), net.backbone
    try:
        if config.net == "vgg8" and isinstance(body, Vgg8) and config.head.kind == "linear":
            return widened(state, body.widths), "widened"
        if config.net == "face_mobilenet" and isinstance(body, FaceMobilenet) and config.head.kind == "linear":
            return narrowed(state, body.widths), "narrowed"
    except ValueError:
        pass
    raise UsageError(
        f"start {run.path}: its network is another one ({config.net}); wanted the same `net` and `settings`, a vgg8 that is narrower, "
        "or a face_mobilenet that is wider"
    )


def _shapes(state: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}
