"""Architectures by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from mien.errors import UnknownName
from mien.train.nets.backbone import Backbone
from mien.train.nets.conv_lstm import conv_lstm
from mien.train.nets.face_mobilenet import face_mobilenet
from mien.train.nets.face_resnet import face_resnet
from mien.train.nets.library import darknet53, mobilenetv2, resnet50, timm_net, vgg16, vit_b8
from mien.train.nets.repvgg import repvgg
from mien.train.nets.students import r1_vgg, r3_cnn, r4_cnn
from mien.train.nets.vgg8 import vgg8
from mien.train.nets.weights import load_into, pretrained_path, read_state
from mien.train.settings import Input, NetSettings

BACKBONES: dict[str, Callable[[NetSettings], Backbone]] = {
    "conv_lstm": conv_lstm,
    "darknet53": darknet53,
    "face_mobilenet": face_mobilenet,
    "face_resnet": face_resnet,
    "mobilenetv2": mobilenetv2,
    "r1_vgg": r1_vgg,
    "r3_cnn": r3_cnn,
    "r4_cnn": r4_cnn,
    "repvgg": repvgg,
    "resnet50": resnet50,
    "vgg16": vgg16,
    "vgg8": vgg8,
    "vit_b8": vit_b8,
}
"""Name -> backbone of settings. Besides these, `timm:NAME` is any network of timm."""

LIBRARY = ("darknet53", "mobilenetv2", "resnet50", "vgg16", "vit_b8")
"""Those that come from timm and take its weights."""


def input_of(name: str, settings: NetSettings | None = None) -> Input:
    """What an architecture wants to see, without its weights. Raises what `backbone` raises for the name and the settings."""
    with torch.device("meta"):
        return backbone(name, dataclasses.replace(settings or NetSettings(), weights="")).input


def backbone(name: str, settings: NetSettings | None = None) -> Backbone:
    """An architecture, with random weights unless the settings name a file of pretrained ones.

    Raises UnknownName, UsageError for settings it has no use for, ExtraMissing without timm, and what pretrained_path and
    read_state raise for the weights.
    """
    settings = settings or NetSettings()
    if name.startswith("timm:"):
        return timm_net(name.removeprefix("timm:"), settings)
    if name not in BACKBONES:
        raise UnknownName("network", name, [*BACKBONES, "timm:NAME"])
    if name in LIBRARY:
        return BACKBONES[name](settings)
    net = BACKBONES[name](dataclasses.replace(settings, weights=""))
    if settings.weights:
        path = pretrained_path(settings.weights, settings.sha256)
        state = {key.removeprefix("backbone."): value for key, value in read_state(path).items()}
        load_into(net, state, str(path), spare=("head.",))
    return net
