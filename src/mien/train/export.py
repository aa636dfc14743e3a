"""A trained network as an ONNX file with its card and golden crops. Refuses to write what does not agree with torch."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
from torch import nn
from torch.fx import symbolic_trace
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from mien.errors import CardInvalid, UsageError
from mien.io.whole import whole
from mien.labels import EMOTIONS, anchors
from mien.models.card import Head, ModelCard
from mien.models.features import last_inputs
from mien.models.recogniser import OnnxRecogniser, blended, head_probs, softmax
from mien.train.calibrate import at_end, fitted_slopes, fitted_temperature
from mien.train.config import TrainConfig
from mien.train.fit import build, crop_spec
from mien.train.graph import halved, to_onnx
from mien.train.heads import Network
from mien.train.judge import Judge, first_place
from mien.train.nets import reparameterise
from mien.train.quantise import CALIBRATION, quantised
from mien.train.rows import Rows, TrainData
from mien.train.run_folder import RunFolder, State, averaged
from mien.train.targets import AFFECT, VOTES, head_name, outputs_of, priors, targets_of
from mien.types import Bools, Floats, Image, Ints

AGREEMENT = 1e-4
"""Largest difference between torch and the exported file that is let pass, in any probability and in valence and arousal. (Raw logits
have no scale of their own: those of a deep network that is very sure differ by more, and say the same.) Where torch itself says
something else in 64 bits than in 32, twice that is let pass: a network of many layers early in its training is that unsteady."""
MOST_LOSS = 0.005
"""Accuracy that 8 bits may cost."""
GOLDEN = 16


class Resize(nn.Module):
    """uint8 (n, S, S, C) crops to float (n, side, side, C): linear, over all pixels that come together in one."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Grey levels, not rounded."""
        planes = crops.float().permute(0, 3, 1, 2)
        smaller = functional.interpolate(planes, (self.side, self.side), mode="bilinear", align_corners=False, antialias=True)
        return smaller.permute(0, 2, 3, 1)


class Deployed(nn.Module):
    """Networks as they are shipped: uint8 (n, [T,] S, S, 1 or 3) crops in; logits of the heads, valence and arousal out.

    Their raw outputs are averaged. mirror: over the crop and its mirror picture too, at twice the cost. The crops are of the first
    one's size; others are shown them in their own.
    """

    def __init__(self, nets: Sequence[Network], *, mirror: bool) -> None:
        super().__init__()
        self.outputs = nets[0].outputs
        side = nets[0].input.size
        self.entrances = nn.ModuleList(
            net.entrance() if net.input.size == side else nn.Sequential(Resize(net.input.size), net.entrance()) for net in nets
        )
        self.nets, self.mirror = nn.ModuleList(nets), mirror

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """One tensor (n, columns) for each of `outputs`."""
        outs = []
        for enter, net in zip(self.entrances, self.nets, strict=True):
            x = enter(crops).to(next(net.parameters()).dtype)
            outs += [net(view) for view in ([x, torch.flip(x, dims=[x.ndim - 1])] if self.mirror else [x])]
        parts = (sum(outs) / len(outs)).split(list(self.outputs.values()), dim=1)
        return tuple(torch.tanh(part) if name == AFFECT else part for name, part in zip(self.outputs, parts, strict=True))


def deployed(config: TrainConfig, state: State, names: tuple[str, ...]) -> Deployed:
    """The network of a state (averaged with those of its soup) and its partners, as they are shipped.

    Batch normalisations are folded, RepVGG's branches fused, and large weights rounded to float16, which is how they are stored.
    """
    for run in map(RunFolder, map(Path, config.soup)):
        if (theirs := tuple(run.about()["names"])) != names:
            raise UsageError(f"soup: {run.path} has the classes {', '.join(theirs)}; wanted {', '.join(names)}")
    soup = [state, *(RunFolder(Path(folder)).shipped() for folder in config.soup)]
    nets = [_ready(config, averaged(soup), names), *(_partner(Path(folder), config, names) for folder in config.partners)]
    return Deployed(nets, mirror=config.mirror).eval()


def _ready(config: TrainConfig, state: State, names: tuple[str, ...]) -> Network:
    net = build(dataclasses.replace(config, settings=dataclasses.replace(config.settings, weights="")), names)
    net.load_state_dict(state)
    net.eval()
    reparameterise(net)
    fold(net)
    for name, part in net.backbone.named_children():
        if any(isinstance(module, nn.BatchNorm2d) for module in part.modules()):
            setattr(net.backbone, name, _traced(part))
    with torch.no_grad():
        for p in net.parameters():
            if p.numel() >= 1024:
                p.copy_(p.half().float())
    return net


def _traced(part: nn.Module) -> nn.Module:
    """A part of a backbone with the batch normalisations folded that `fold` does not see; as it is where it cannot be traced.

    The exporter would fold them itself, but after the weights were rounded: they would then be stored in full.
    """
    try:
        traced = symbolic_trace(part)
    except (TypeError, ValueError, RuntimeError):
        return part
    modules: dict[Any, nn.Module] = dict(traced.named_modules())
    calls = Counter(node.target for node in traced.graph.nodes)
    for node in list(traced.graph.nodes):
        before: Any = node.args[0] if node.args else None
        norm, conv = modules.get(node.target), modules.get(getattr(before, "target", None))
        if type(norm) is nn.BatchNorm2d and isinstance(conv, nn.Conv2d) and len(before.users) == calls[before.target] == 1:
            traced.set_submodule(before.target, fuse_conv_bn_eval(conv, norm))
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def _partner(folder: Path, config: TrainConfig, names: tuple[str, ...]) -> Network:
    """The network of a finished run, averaged with those of its soup. Raises UsageError when it does not fit."""
    run = RunFolder(folder)
    partner, theirs = run.config(), tuple(run.about()["names"])
    if outputs_of(partner, theirs) != outputs_of(config, names) or theirs != names:
        raise UsageError(
            f"partner {folder}: its outputs are {', '.join(outputs_of(partner, theirs))} for {', '.join(theirs)}; wanted the same"
        )
    net = _ready(partner, run.exported(), names)
    ours = build(config, names)
    alike = [("margin", partner.margin, config.margin), ("frames", net.input.frames, ours.input.frames)]
    if net.input.frames and ours.input.frames:  # single crops are scaled to each network's size
        alike.append(("size in px", net.input.size, ours.input.size))
    if differ := [entry for entry in alike if entry[1] != entry[2]]:
        found, wanted = (", ".join(f"{entry[0]} {entry[which]:g}" for entry in differ) for which in (1, 2))
        raise UsageError(f"partner {folder}: its crop has {found}; wanted {wanted}")
    return net


def fold(module: nn.Module) -> None:
    """Fold each batch normalisation into the convolution or dense layer before it, in place."""
    for child in module.children():
        if isinstance(child, nn.Sequential):
            for i in range(len(child) - 1):
                layer, norm = child[i], child[i + 1]
                if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    child[i], child[i + 1] = fuse_conv_bn_eval(layer, norm), nn.Identity()
                elif isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                    child[i], child[i + 1] = fuse_linear_bn_eval(layer, norm), nn.Identity()
        fold(child)


def export(
    config: TrainConfig, state: State, data: TrainData, folder: Path, *, frequencies: Mapping[str, Floats] | None = None,
    source: Mapping[str, Any] | None = None,
) -> ModelCard:  # fmt: skip
    """Write NAME.onnx, NAME.json and NAME.golden.npz to `folder`; temperatures are fitted on `data.judge`.

    data: of the training, or others in its colour and under its classes (see run_data). frequencies: of the classes of each output in the
    training (targets.priors), by default in `data.train`. source: how the model came about, for its card.

    Raises CardInvalid when onnxruntime and torch differ by more than AGREEMENT or in an answer, when an output is NaN or infinite, and when
    8 bits, if they are asked for, cost more than MOST_LOSS of accuracy.
    """
    net = deployed(config, state, data.names)
    spec = crop_spec(config, net.nets[0], colour=data.colour)
    crops = Judge.of(data.judge, targets_of(data.judge, config), spec).crops
    plain = to_onnx(net, crops[:1], list(net.outputs))
    path = folder / f"{config.name}.onnx"
    frequent = priors(data.train) if frequencies is None else frequencies
    classes, frames = head_name(data.names), net.nets[0].input.frames
    heads = {name: _head(name, data.names, frequent, config) for name in net.outputs}
    card = ModelCard(
        name=config.name, file=path.name, sha256="", bytes=0, crop=spec, outputs=heads,
        blend=_blend(config, net.outputs, classes), answers=_answers(net.outputs, classes),
        affect_from=data.origin.affect_from, anchors=data.origin.anchors,
        frames=frames, frame_seconds=round(config.clip_every * config.clip_spacing, 6) if frames else 0.0,
        licences={"code": "Apache-2.0", "weights": config.weights_licence, "data": config.data_licence},
        source={**(source or {}), "seed": config.seed, "data": data.hash, "data sets": list(data.sources)}, note=config.note,
    )  # fmt: skip
    with whole(path) as partial:
        raw = _raw(card, halved(plain), partial, crops, config.threads)
        _check(net, crops, raw)
        if config.int8:
            as_float = accuracies(card, raw, data.judge)
            few = quantised(plain, crops[: CALIBRATION // max(1, frames)], batch=max(1, 32 // max(1, frames)))
            raw = _raw(card, few, partial, crops, config.threads)
            loss = {name: round(as_float[name] - accuracy, 4) for name, accuracy in accuracies(card, raw, data.judge).items()}
            if (most := max(loss.values(), default=0.0)) > MOST_LOSS:
                raise CardInvalid(f"export: 8 bits cost {most:.3f} of accuracy (allowed {MOST_LOSS:g}); nothing was written")
            card = dataclasses.replace(card, source=card.source | {"int8": {"accuracy lost on the rows judged by": loss}})
        content = partial.read_bytes()
        features = () if frames else tuple(last_inputs(onnx.load_from_string(content), card.outputs))
        card = dataclasses.replace(card, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), features=features)
        card = calibrated(card, raw, data.judge)
    (folder / f"{config.name}.json").write_text(card.to_json(), "utf-8")
    _write_golden(card, path)
    return card


def _head(name: str, names: tuple[str, ...], frequent: Mapping[str, Floats], config: TrainConfig) -> Head:
    if name == AFFECT:
        return Head("affect")
    prior = frequent.get(name)
    if name != VOTES:
        return Head("logits", names, offsets=given_back(prior, config.classes_back))
    blended = config.blend_votes_back != config.votes_back and "classes" in config.tasks
    return Head(
        "logits", EMOTIONS, offsets=given_back(prior, config.votes_back),
        blend_offsets=given_back(prior, config.blend_votes_back) or (0.0,) * len(EMOTIONS) if blended else (),
    )  # fmt: skip


def _blend(config: TrainConfig, outputs: Mapping[str, int], classes: str) -> dict[str, float]:
    named = [name for name in outputs if name != AFFECT]
    if len(named) < 2:
        return dict.fromkeys(named, 1.0)
    return {VOTES: 1 - config.blend, classes: config.blend}


def _answers(outputs: Mapping[str, int], classes: str) -> dict[str, str]:
    """Which output answers for FER-2013's labels and for FER+'s, where there is a choice."""
    return {classes: classes, "ferplus8": VOTES} if VOTES in outputs and classes in outputs else {}


def _raw(card: ModelCard, model: onnx.ModelProto, path: Path, crops: Image, threads: int) -> dict[str, Floats]:
    """Raw outputs of a graph by the user's road, through a file at `path`. Raises CardInvalid where they are no numbers."""
    onnx.save(model, path)
    raw = OnnxRecogniser(card, path, threads=threads).outputs(crops)
    for name, out in raw.items():
        if lost := int((~np.isfinite(out)).any(axis=1).sum()):
            raise CardInvalid(
                f"export: output {name!r} is NaN or infinite for {lost} of the {len(out)} validation crops: wanted numbers; nothing was "
                f"written. Train anew with a lower `rate`"
            )
    return raw


def accuracies(card: ModelCard, raw: dict[str, Floats], judge: Rows) -> dict[str, float]:
    """Of each output on its own targets, as the card reads it: accuracy, or for valence and arousal 1 - mean RMSE."""
    found: dict[str, float] = {}
    for name, head in card.outputs.items():
        known, true = _true(name, judge)
        if not known.any():
            continue
        if name == AFFECT:
            found[name] = float(1 - np.sqrt(((raw[name] - judge.affect)[known] ** 2).mean()))
        else:
            found[name] = float((head_probs(head, raw[name]).argmax(axis=1)[known] == true[known]).mean())
    return found


def _true(name: str, judge: Rows) -> tuple[Bools, Ints]:
    """Rows that have the truth of an output, and it, as a position among its labels; of the votes, their single first place."""
    if name == VOTES:
        return first_place(judge.shares)
    if name == AFFECT:
        return np.asarray(np.isfinite(judge.affect).all(axis=1)), judge.labels
    return np.asarray(judge.labels >= 0), judge.labels


def golden_crops(shape: tuple[int, ...]) -> Image:
    """Soft random patterns, uint8 (GOLDEN, *shape): made, since pictures of people are not ours to ship."""
    rng = np.random.default_rng(0)
    size, rest = shape[-3], (*shape[:-3], shape[-1])
    coarse = rng.uniform(0, 255, (GOLDEN * int(np.prod(rest)), 6, 6)).astype(np.float32)
    smooth = np.stack([cv2.resize(c, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8) for c in coarse])
    return np.ascontiguousarray(np.moveaxis(smooth.reshape(GOLDEN, *rest, size, size), -3, -1))


def _write_golden(card: ModelCard, path: Path) -> None:
    model = OnnxRecogniser(card, path)
    frames = (card.frames,) if card.frames else ()
    crops = golden_crops((*frames, card.crop.size, card.crop.size, 1 if card.crop.colour == "grey" else 3))
    emotions = model.read(model.outputs(crops))
    golden: dict[str, Any] = {"crops": crops[..., 0] if crops.shape[-1] == 1 else crops, "probs": emotions.probs, **emotions.heads}
    if emotions.affect is not None:
        golden["affect"] = emotions.affect
    np.savez_compressed(path.with_suffix(".golden.npz"), **golden)


def given_back(frequency: Floats | None, share: float) -> tuple[float, ...]:
    """Offsets of logits that give back this share of log class frequency; none for 0."""
    return tuple(round(float(x), 4) for x in share * np.log(frequency)) if share and frequency is not None else ()


def _check(net: Deployed, crops: Image, raw: dict[str, Floats]) -> None:
    with torch.no_grad():
        batch = max(1, 256 // (crops.shape[1] if crops.ndim == 5 else 1))
        for start in range(0, len(crops), batch):
            for name, out in zip(net.outputs, net(torch.from_numpy(crops[start : start + batch])), strict=True):
                theirs, ours = out.numpy(), raw[name][start : start + batch]
                said = (theirs, ours) if name == AFFECT else (softmax(theirs), softmax(ours))
                gap = float(np.abs(said[0] - said[1]).max())
                allowed = AGREEMENT if gap <= AGREEMENT else max(AGREEMENT, 2 * _unsteady(net, crops[start : start + batch], name))
                if gap > allowed or (name != AFFECT and (theirs.argmax(1) != ours.argmax(1)).any()):
                    raise CardInvalid(
                        f"export: output {name!r} differs from torch by {gap:.2g} (allowed {allowed:.2g}); nothing was written"
                    )


def _unsteady(net: Deployed, crops: Image, name: str) -> float:
    """How much an output that is read differs between 32 and 64 bits in torch itself."""
    at = list(net.outputs).index(name)
    said = [both(torch.from_numpy(crops))[at].numpy() for both in (net, copy.deepcopy(net).double())]
    if name != AFFECT:
        said = [softmax(part) for part in said]
    return float(np.abs(said[0] - said[1]).max())


def calibrated(card: ModelCard, raw: dict[str, Floats], judge: Rows) -> ModelCard:
    """The card with temperatures fitted: each head on its own truth, or else as what is reported is; that on the crowd's or else on the
    labels (see `_reported_truth`). What no row says anything of keeps the temperature it has."""
    heads = dict(card.outputs)
    for name, head in heads.items():
        known, true = _fitted_on(name, head.labels, judge)
        if known.any():
            logits, true = raw[name][known] + np.array(head.offsets or 0, np.float32), true[known]
            found = fitted_temperature(logits, true)
            heads[name] = dataclasses.replace(head, temperature=found, temperature_slopes=fitted_slopes(logits, true, found))
    card = dataclasses.replace(card, outputs=heads, blend_temperature=1.0)
    if not card.blend:
        return _calibrated_nearness(card, raw[AFFECT], judge)
    if len(card.blend) == 1:
        return card
    known, true = _reported_truth(card.labels, judge)
    if not known.any():
        return card
    logits = np.log(np.maximum(blended(card, raw)[known], 1e-12))
    return dataclasses.replace(card, blend_temperature=fitted_temperature(logits, true[known]))


def _fitted_on(name: str, labels: tuple[str, ...], judge: Rows) -> tuple[Bools, Ints]:
    """Rows on which the temperature of an output with these labels is fitted, bool (n,), and the position of their truth, int64 (n,)."""
    if not labels:
        return np.zeros(len(judge), np.bool_), judge.labels
    known, true = _true(name, judge)
    return (known, true) if known.any() else _reported_truth(labels, judge)


def _reported_truth(labels: tuple[str, ...], judge: Rows) -> tuple[Bools, Ints]:
    """Rows whose truth is one of these labels, bool (n,), and its position, int64 (n,): the crowd's single first place, or of a row without
    votes its label."""
    single, best = first_place(judge.shares)
    voted = np.isfinite(judge.shares).all(axis=1)
    said = np.where(single, _places(EMOTIONS, labels)[best], -1)
    true = np.where(voted, said, _places(judge.names, labels)[judge.labels])
    return np.asarray(true >= 0), true


def _places(names: tuple[str, ...], labels: tuple[str, ...]) -> Ints:
    """Where each name is among the labels, int64 (len(names) + 1,), -1 for none; the last, for no name, is -1."""
    return np.array([labels.index(name) if name in labels else -1 for name in names] + [-1], np.int64)


def at_ends(card: ModelCard, judge: Rows) -> dict[str, tuple[float, int]]:
    """Temperatures that are at an end of what is tried, by output, with the number of rows that each was fitted on.

    That of the probabilities that are reported, where they are of several outputs, is called `reported`.
    """
    fitted = {name: (head.temperature, int(_fitted_on(name, head.labels, judge)[0].sum())) for name, head in card.outputs.items()}
    if len(card.blend) > 1:
        fitted["reported"] = card.blend_temperature, int(_reported_truth(card.labels, judge)[0].sum())
    return {name: (temperature, rows) for name, (temperature, rows) in fitted.items() if rows and at_end(temperature)}


def _calibrated_nearness(card: ModelCard, affect: Floats, judge: Rows) -> ModelCard:
    """How far apart the anchors seem to a model of valence and arousal alone, fitted where the rows have labels, or else votes."""
    true = _places(judge.names, card.labels)[judge.labels]
    known = np.asarray(true >= 0)
    if not known.any():
        known, true = _reported_truth(card.labels, judge)
    if not known.any():
        return card
    logits = np.log(np.maximum(anchors(card.anchors).nearness(affect[known]), 1e-12))
    return dataclasses.replace(card, blend_temperature=fitted_temperature(np.asarray(logits, np.float32), true[known]))
