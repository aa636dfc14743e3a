"""Architectures from timm (Wightman 2019), imported when one is built."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import torch
from torch import nn

from mien.errors import UnknownName, UsageError
from mien.train.nets.backbone import Backbone
from mien.train.nets.weights import State, load_into, pretrained_path, read_state
from mien.train.settings import SCALES, Input, NetSettings
from mien.train.torchvision_shim import import_timm

CLASSIFIERS = ("fc.", "classifier.", "head.", "head_dist.", "pre_logits.", "feat_extract", "last_linear.")
"""What the names of a classifier's parameters begin with: another task's, so it is left behind."""


class Library(Backbone):
    """A network of timm without its classifier, pooled to one vector a crop."""

    def __init__(self, wanted: Input, body: nn.Module, width: int) -> None:
        super().__init__(wanted, width)
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, width)."""
        return self.body(x)


class Pooled(nn.Module):
    """Convolutions and the mean over what they leave."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features (n, channels)."""
        return self.features(x).mean(dim=(2, 3))


def resnet50(settings: NetSettings) -> Library:
    """`resnet50`: RGB, 224 px, any size; feature width 2048. ImageNet weights, or VGGFace2's with `caffe` (He et al. 2016)."""
    settings.refuse_unused("resnet50", "depths", "factor", "caffe", "options")
    channels = tuple(round(c * settings.factor) for c in (64, 128, 256, 512))
    extra = {"layers": settings.depths or (3, 4, 6, 3), "channels": channels, "stem_width": channels[0]}
    body = _created("resnet50", settings, extra)
    if settings.caffe:
        body.maxpool = nn.MaxPool2d(3, 2, ceil_mode=True)
        for stage in (body.layer2, body.layer3, body.layer4):
            stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    scale = "vggface2" if settings.caffe else "imagenet"
    return _finished(body, settings.input(channels=3, size=224, scale=scale), settings, first="conv1")


def vgg16(settings: NetSettings) -> Library:
    """`vgg16`: its convolutions; RGB, 224 px, any size from 32; feature width 512. ImageNet or VGGFace weights (Simonyan 2015)."""
    settings.refuse_unused("vgg16", "factor")
    vgg = import_timm().models.vgg
    layers = [part if part == "M" else round(part * settings.factor) for part in vgg.cfgs["vgg16"]]
    # its dense layers, 90 % of its parameters, are made as small as they can be and then left away
    whole = vgg.VGG(layers, num_classes=0, in_chans=settings.channels or 3, mlp_ratio=1 / 4096)
    return _finished(Pooled(whole.features), settings.input(channels=3, size=224, scale="imagenet"), settings, first="features.0")


def mobilenetv2(settings: NetSettings) -> Library:
    """`mobilenetv2`: RGB, 224 px, any size; feature width 1280; factor .35, .5, .75, 1 or 1.4 (Sandler et al. 2018)."""
    settings.refuse_unused("mobilenetv2", "factor", "options")
    name = f"mobilenetv2_{round(settings.factor * 100):03d}"
    if not import_timm().is_model(name):
        raise UsageError(f"network mobilenetv2: found the factor {settings.factor:g}, wanted 0.35, 0.5, 0.75, 1 or 1.4")
    body = _created(name, settings, {})
    return _finished(body, settings.input(channels=3, size=224, scale="imagenet"), settings, first="conv_stem")


def vit_b8(settings: NetSettings) -> Library:
    """`vit_b8`: ViT-B with patches of 8; RGB, 224 px, fixed, a multiple of 8; feature width 768 (Dosovitskiy et al. 2021).

    Position embeddings of weights for another size are resampled. 224 px are 785 tokens; 64 px are 65 and cost a thirteenth.
    """
    settings.refuse_unused("vit_b8", "depths", "factor", "options")
    wanted = settings.input(channels=3, size=224, scale="half", fixed=True)
    if wanted.size % 8:
        raise UsageError(f"network vit_b8: found size {wanted.size}, wanted a multiple of 8")
    heads = max(1, round(12 * settings.factor))
    extra = {"img_size": wanted.size, "embed_dim": 64 * heads, "num_heads": heads, "depth": sum(settings.depths or (12,))}
    return _finished(_created("vit_base_patch8_224", settings, extra), wanted, settings, first="patch_embed.proj")


def darknet53(settings: NetSettings) -> Library:
    """`darknet53`: YOLOv3's backbone; RGB, 224 px, any size; feature width 1024 (Redmon & Farhadi 2018)."""
    settings.refuse_unused("darknet53", "depths", "factor", "options")
    usual = import_timm().models.cspnet.model_cfgs["darknet53"]
    stem = dataclasses.replace(usual.stem, out_chs=round(32 * settings.factor))
    widths = tuple(round(c * settings.factor) for c in (64, 128, 256, 512, 1024))
    stages = dataclasses.replace(usual.stages, out_chs=widths, depth=settings.depths or (1, 2, 8, 8, 4))
    body = _created("darknet53", settings, {"stem": stem, "stages": stages})
    return _finished(body, settings.input(channels=3, size=224, scale="imagenet"), settings, first="stem.conv1.conv")


def timm_net(name: str, settings: NetSettings) -> Library:
    """`timm:NAME`: any network of timm, with its own size and scale; `options` go to timm.create_model.

    Raises UnknownName for a name timm does not have, with those that resemble it.
    """
    settings.refuse_unused(f"timm:{name}", "options")
    timm = import_timm()
    if not timm.is_model(name):
        raise UnknownName("network of timm", name, timm.list_models(f"*{name[:5]}*") or timm.list_modules())
    about = timm.get_pretrained_cfg(name)
    size = settings.size or about.input_size[1]
    extra = {"img_size": size} if about.fixed_input_size and settings.size else {}
    body = _created(name, settings, extra)
    mean = tuple(round(255 * value, 3) for value in about.mean)
    known = [scale for scale, values in SCALES.items() if values and all(abs(a - b) < 1 for a, b in zip(values[0], mean, strict=True))]
    wanted = settings.input(channels=3, size=size, scale=known[0] if known else "half", fixed=about.fixed_input_size)
    firsts = about.first_conv if isinstance(about.first_conv, str) else ""
    return _finished(body, wanted, settings, first=firsts)


def _created(name: str, settings: NetSettings, extra: dict[str, Any]) -> nn.Module:
    return import_timm().create_model(
        name, pretrained=False, num_classes=0, in_chans=settings.channels or 3, **extra | dict(settings.options)
    )


def _finished(body: nn.Module, wanted: Input, settings: NetSettings, *, first: str) -> Library:
    """With its width, which a pass of zeros tells, and its pretrained weights."""
    if settings.weights:
        path = pretrained_path(settings.weights, settings.sha256)
        load_into(body, _adapted(read_state(path), body, wanted.channels, first), str(path), spare=CLASSIFIERS)
    training = body.training
    with torch.no_grad():
        width = body.eval()(torch.zeros(1, wanted.channels, wanted.size, wanted.size)).shape[1]
    body.train(training)
    return Library(wanted, body, width)


def _adapted(state: State, body: nn.Module, channels: int, first: str) -> State:
    """As timm adapts weights: its own conversions of that family, and the first convolution summed for grey crops."""
    family = sys.modules[type(body).__module__]
    if convert := getattr(family, "checkpoint_filter_fn", None):
        state = convert(state, body)
    weight = state.get(f"{first}.weight")
    if weight is not None and weight.ndim == 4 and weight.shape[1] == 3 != channels:
        state = dict(state) | {f"{first}.weight": import_timm().models.adapt_input_conv(channels, weight)}
    return state
