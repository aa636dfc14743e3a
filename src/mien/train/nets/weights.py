"""Pretrained weights: found by path or URL, their hash checked, then read without running anything that is in them."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from mien.errors import CardInvalid, UsageError, WeightsMissing
from mien.models.locate import Source, fetch_source, locate, weights_folders

State = dict[str, torch.Tensor]


def pretrained_path(where: str, sha256: str = "") -> Path:
    """The file of pretrained weights. Nothing is downloaded: a URL means the file that fetch_pretrained put into the cache.

    Raises UsageError for a URL without a hash, WeightsMissing when it is not here, ModelError for another hash.
    """
    if not where.startswith(("http://", "https://")):
        return locate(Path(where).absolute(), sha256=sha256.lower() or None)
    source = pretrained_source(where, sha256)
    here = next((path for folder in weights_folders() if (path := folder / source.file).is_file()), None)
    if here is None:
        raise WeightsMissing(
            f"{where}: not fetched yet, and nothing is downloaded unasked; fetch it with mien.train.nets.fetch_pretrained(url, sha256), "
            f"or put it at {weights_folders()[-1] / source.file}"
        )
    return locate(here.absolute(), sha256=source.sha256)


def fetch_pretrained(url: str, sha256: str, folder: Path | None = None) -> Path:
    """Download pretrained weights into `folder` (default: the user's cache), where pretrained_path finds them.

    Raises UsageError without a hash, ModelError when the address does not answer or answers with another file.
    """
    return fetch_source(pretrained_source(url, sha256), folder)


def pretrained_source(url: str, sha256: str) -> Source:
    """Where the weights come from and what they are called here; their hash is part of the name, as many are `model.pth`."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UsageError(f"{url}: found the sha256 {sha256!r}, wanted 64 hexadecimal digits; weights from the network need their hash")
    name = re.sub(r"[^A-Za-z0-9._-]", "_", url.split("?")[0].rstrip("/").rsplit("/", 1)[-1])
    return Source(f"{sha256[:12].lower()}-{name}", url, sha256.lower(), "see its source")


def read_state(path: Path) -> State:
    """Parameters by name. Raises CardInvalid for a file that holds something else, or something that would have to be run."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # "please file an issue" about every pickle that is not torch's
                found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        why = str(error).splitlines()[0][:150]
        raise CardInvalid(f"{path}: not a file of parameters ({why}); wanted a state dict saved by torch, or .safetensors") from error
    for key in ("state_dict", "model", "ema"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not found or not all(isinstance(value, torch.Tensor) for value in found.values()):
        raise CardInvalid(f"{path}: found a {type(found).__name__} without parameters, wanted a state dict")
    return usual_names({key.removeprefix("module."): value for key, value in found.items()})


_CAFFE_PARTS = {
    "1x1_reduce": "conv1", "1x1_reduce_bn": "bn1", "3x3": "conv2", "3x3_bn": "bn2", "1x1_increase": "conv3", "1x1_increase_bn": "bn3",
    "1x1_proj": "downsample.0", "1x1_proj_bn": "downsample.1",
}  # fmt: skip
_VGG16_PAIRS = (2, 2, 3, 3, 3)


def usual_names(state: State) -> State:
    """Names as torchvision and timm have them, from those of VGGFace's converted Caffe models (VGG16 and ResNet-50)."""
    if "conv1_1.weight" in state:
        table = {f"conv{stage}_{i}": f"features.{place}" for stage, i, place in _vgg16_places()}
    elif "conv1_7x7_s2.weight" in state:
        table = {"conv1_7x7_s2": "conv1", "conv1_7x7_s2_bn": "bn1"}
        for name in {key.rsplit(".", 1)[0] for key in state}:
            if match := re.fullmatch(r"conv(\d)_(\d)_(\w+)", name):
                stage, block, part = match.groups()
                if part in _CAFFE_PARTS:
                    table[name] = f"layer{int(stage) - 1}.{int(block) - 1}.{_CAFFE_PARTS[part]}"
    else:
        return state
    split = {key: key.rsplit(".", 1) for key in state}
    return {f"{table[module]}.{kind}" if module in table else f"classifier.{key}": state[key] for key, (module, kind) in split.items()}


def _vgg16_places() -> Iterable[tuple[int, int, int]]:
    """Stage, convolution and its place among convolutions, activations and poolings."""
    place = 0
    for stage, count in enumerate(_VGG16_PAIRS, start=1):
        for i in range(1, count + 1):
            yield stage, i, place
            place += 2
        place += 1


def load_into(net: nn.Module, state: State, origin: str, *, spare: tuple[str, ...] = ()) -> None:
    """Load all parameters of `net`. Raises CardInvalid unless each is there in its shape; only names that begin with one of `spare`
    may be left over (the classifier of another task)."""
    own = net.state_dict()
    missing = sorted(key for key in own if key not in state and not key.endswith("num_batches_tracked"))
    strange = sorted(key for key in state if key not in own and not key.startswith(spare))
    shapes = [
        f"{key} {tuple(state[key].shape)}, wanted {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    for kind, names in (("lacks", missing), ("has besides", strange), ("has other shapes:", shapes)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise CardInvalid(f"{origin}: {kind} {', '.join(names[:3])}{more}; these weights are of another architecture")
    net.load_state_dict({key: value for key, value in state.items() if key in own}, strict=False)
