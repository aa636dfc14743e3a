"""A trained network as an ONNX file with its card and golden crops. Refuses to write what does not agree with torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mien.data.fer import Fer, majority8, vote_shares
from mien.errors import CardInvalid, UsageError
from mien.labels import EMOTIONS, LABEL_SETS, convert
from mien.models.card import Head, ModelCard
from mien.models.recogniser import OnnxRecogniser, blended, head_probs
from mien.train.calibrate import fitted_power, fitted_temperature
from mien.train.config import TrainConfig
from mien.train.crops import find_points, plain_crops
from mien.train.fit import averaged_weights, build, crop_spec
from mien.train.nets import HEADS, Standardise
from mien.train.quantise import CALIBRATION, quantised
from mien.types import Detector, Floats, Image, Ints

AGREEMENT = 1e-4
"""Largest difference between torch and the exported file, in any output, that is let pass."""
MOST_LOSS = 0.005
"""Accuracy that 8 bits may cost."""
GOLDEN = 16
OPSET = 18
"""Old enough for onnxruntime 1.20."""


class Deployed(nn.Module):
    """Networks as they are shipped: uint8 (n, S, S, 1) crops in; logits of the heads, valence and arousal out.

    Their raw outputs are averaged. mirror: over the crop and its mirror picture too, at twice the cost.
    """

    def __init__(self, nets: Sequence[nn.Module], *, mirror: bool) -> None:
        super().__init__()
        self.standardise, self.nets, self.mirror = Standardise(), nn.ModuleList(nets), mirror

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Votes (n, 9), fer7 (n, 7), affect (n, 2)."""
        x = self.standardise(crops)
        outs = [net(view) for net in self.nets for view in ([x, torch.flip(x, dims=[3])] if self.mirror else [x])]
        votes, fer7, affect = (sum(outs) / len(outs)).split(list(HEADS.values()), dim=1)
        return votes, fer7, torch.tanh(affect)


def deployed(config: TrainConfig, state: dict[str, torch.Tensor]) -> Deployed:
    """The network of a state with its partners, batch normalisation folded, weights rounded to float16 (which is how they are stored)."""
    nets = [_ready(config, state), *(_ready(*_partner(Path(folder), config)) for folder in config.partners)]
    return Deployed(nets, mirror=config.mirror).eval()


def _ready(config: TrainConfig, state: dict[str, torch.Tensor]) -> nn.Module:
    net = build(config)
    net.load_state_dict(state)
    net.eval()
    fold(net)
    with torch.no_grad():
        for p in net.parameters():
            if p.numel() >= 1024:
                p.copy_(p.half().float())
    return net


def _partner(folder: Path, config: TrainConfig) -> tuple[TrainConfig, dict[str, torch.Tensor]]:
    """The settings and averaged weights of a finished run. Raises UsageError when they do not fit."""
    weights = averaged_weights(folder)
    record = json.loads((folder / "config.json").read_text())
    partner = TrainConfig(**{f.name: _tupled(record[f.name]) for f in dataclasses.fields(TrainConfig) if f.name in record})
    if (partner.size, partner.margin) != (config.size, config.margin):
        found, wanted = (f"{c.size} px with margin {c.margin:g}" for c in (partner, config))
        raise UsageError(f"partner {folder}: its crop is {found}; wanted {wanted}")
    return partner, weights


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def fold(module: nn.Module) -> None:
    """Fold each batch normalisation into the convolution before it, in place."""
    for child in module.children():
        if isinstance(child, nn.Sequential):
            for i in range(len(child) - 1):
                conv, norm = child[i], child[i + 1]
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    child[i], child[i + 1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
        fold(child)


def to_onnx(net: Deployed, size: int) -> onnx.ModelProto:
    """The float32 graph with a free batch size."""
    example = torch.zeros(2, size, size, 1, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of operators of libraries that are not used here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch 2.13 warns about its own use of its own tree functions
        program = torch.onnx.export(
            net, (example,), input_names=["crops"], output_names=list(HEADS), dynamo=True, verbose=False, opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        )  # fmt: skip
    assert program is not None
    return program.model_proto


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with large weights stored as float16 behind Casts, which onnxruntime folds when it loads."""
    out = onnx.ModelProto()
    out.CopyFrom(model)
    casts = []
    for tensor in list(out.graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size >= 1024:
            out.graph.initializer.remove(tensor)
            out.graph.initializer.append(numpy_helper.from_array(array.astype(np.float16), f"{tensor.name}_half"))
            casts.append(helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=TensorProto.FLOAT))
    nodes = list(out.graph.node)
    del out.graph.node[:]
    out.graph.node.extend(casts + nodes)
    onnx.checker.check_model(out)
    return out


def export(
    config: TrainConfig,
    state: dict[str, torch.Tensor],
    judge: Fer,
    detector: Detector,
    folder: Path,
    *,
    frequencies: tuple[Floats, Floats],
    source: dict[str, Any],
    licences: dict[str, str],
    note: str,
) -> ModelCard:
    """Write NAME.onnx, NAME.json and NAME.golden.npz to `folder`; temperatures are fitted on the rows of `judge` (PublicTest).

    frequencies: of the classes of the two heads in training, float32 (9,) and (7,), as mien.train.fit.priors gives them.
    Raises CardInvalid when onnxruntime and torch differ by more than AGREEMENT or in an answer, and when 8 bits, if they are
    asked for, cost more than MOST_LOSS of accuracy.
    """
    net, spec = deployed(config, state), crop_spec(config)
    crops = plain_crops(judge.pictures, find_points(judge.pictures, detector), spec, aligned=True)[..., None]
    plain = to_onnx(net, config.size)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{config.name}.onnx"
    partial = path.with_suffix(".part")
    card = ModelCard(
        name=config.name, file=path.name, sha256="", bytes=0, crop=spec,
        outputs={
            "votes": Head("logits", EMOTIONS, offsets=given_back(frequencies[0], config.votes_back)),
            "fer7": Head("logits", LABEL_SETS["fer7"], offsets=given_back(frequencies[1], config.fer_back)),
            "affect": Head("affect"),
        },
        blend={"votes": 1 - config.blend, "fer7": config.blend}, answers={"fer7": "fer7", "ferplus8": "votes"},
        affect_from=f"model:{config.anchors}", licences=licences, source=source, note=note,
    )  # fmt: skip
    raw = _raw(card, halved(plain), partial, crops, config.threads)
    _check(net, crops, raw)
    if config.int8:
        as_float = accuracies(card, raw, judge)
        raw = _raw(card, quantised(plain, crops[:CALIBRATION]), partial, crops, config.threads)
        loss = {name: round(as_float[name] - accuracy, 4) for name, accuracy in accuracies(card, raw, judge).items()}
        if max(loss.values()) > MOST_LOSS:
            raise CardInvalid(f"export: 8 bits cost {max(loss.values()):.3f} of accuracy (allowed {MOST_LOSS:g}); nothing was written")
        card = dataclasses.replace(card, source=card.source | {"int8": {"lost accuracy on PublicTest": loss}})
    content = partial.read_bytes()
    card = dataclasses.replace(card, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    card = calibrated(card, raw, judge)
    partial.replace(path)
    (folder / f"{config.name}.json").write_text(card.to_json(), "utf-8")
    crops = golden_crops(config.size)
    emotions = OnnxRecogniser(card, path)(np.repeat(crops[..., None], 3, axis=3))
    golden: dict[str, Any] = {"crops": crops, "probs": emotions.probs, "affect": emotions.affect, **emotions.heads}
    np.savez_compressed(folder / f"{config.name}.golden.npz", **golden)
    return card


def _raw(card: ModelCard, model: onnx.ModelProto, path: Path, crops: Image, threads: int) -> dict[str, Floats]:
    """Raw outputs of a graph by the user's road, through a file at `path`."""
    onnx.save(model, path)
    return OnnxRecogniser(card, path, threads=threads).outputs(np.repeat(crops, 3, axis=3))


def accuracies(card: ModelCard, raw: dict[str, Floats], judge: Fer) -> dict[str, float]:
    """Accuracy of the two heads, each on its own labels: FER-2013's, and the crowd's majority of eight."""
    majority = majority8(judge.votes)
    votes = convert(head_probs(card.outputs["votes"], raw["votes"]), EMOTIONS, LABEL_SETS["ferplus8"])
    clear = majority >= 0
    return {
        "fer7": float((head_probs(card.outputs["fer7"], raw["fer7"]).argmax(axis=1) == judge.emotion).mean()),
        "ferplus8": float((votes.argmax(axis=1) == majority)[clear].mean()),
    }


def golden_crops(size: int) -> Image:
    """Soft random patterns, uint8 (GOLDEN, size, size): made, since pictures of people are not ours to ship."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (GOLDEN, 6, 6)).astype(np.float32)
    return np.stack([cv2.resize(c, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8) for c in coarse])


def given_back(frequency: Floats, share: float) -> tuple[float, ...]:
    """Offsets of logits that give back this share of log class frequency; none for 0."""
    return tuple(round(float(x), 4) for x in share * np.log(frequency)) if share else ()


def _check(net: Deployed, crops: Image, raw: dict[str, Floats]) -> None:
    with torch.no_grad():
        for start in range(0, len(crops), 256):
            for name, out in zip(HEADS, net(torch.from_numpy(crops[start : start + 256])), strict=True):
                theirs, ours = out.numpy(), raw[name][start : start + 256]
                gap = float(np.abs(theirs - ours).max())
                if gap > AGREEMENT or (name != "affect" and (theirs.argmax(1) != ours.argmax(1)).any()):
                    raise CardInvalid(
                        f"export: output {name!r} differs from torch by {gap:.2g} (allowed {AGREEMENT:g}); nothing was written"
                    )


def calibrated(card: ModelCard, raw: dict[str, Floats], judge: Fer) -> ModelCard:
    """The card with temperatures fitted: each head on its own labels, the blend on the crowd's majority of all nine."""
    shares = vote_shares(judge.votes)
    clear = np.isfinite(shares[:, 0]) & ((shares == shares.max(axis=1, keepdims=True)).sum(axis=1) == 1)
    majority: Ints = np.nan_to_num(shares).argmax(axis=1)
    heads = dict(card.outputs)
    for name, rows, true in (("votes", clear, majority), ("fer7", np.ones(len(judge), np.bool_), judge.emotion)):
        logits = raw[name][rows] + np.array(heads[name].offsets or 0, np.float32)
        heads[name] = dataclasses.replace(heads[name], temperature=fitted_temperature(logits, true[rows]))
    card = dataclasses.replace(card, outputs=heads, blend_temperature=1.0)
    probs = {name: head_probs(heads[name], raw[name]) for name in ("votes", "fer7")}
    return dataclasses.replace(card, blend_temperature=fitted_power(blended(card, probs)[clear], majority[clear]))


def commit() -> str:
    """The commit of the tree this runs from, with `+` when it has changes; empty outside a checkout."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=True, cwd=Path(__file__).parent).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
