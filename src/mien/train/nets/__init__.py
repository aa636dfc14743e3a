"""Architectures by name: crops in, features out. Heads are in mien.train.heads, docs/architectures.md has them all in a table."""

from mien.train.nets.backbone import Backbone
from mien.train.nets.cost import Cost, cost
from mien.train.nets.face_mobilenet import FaceMobilenet
from mien.train.nets.inputs import Entrance, Normalise, Standardise
from mien.train.nets.registry import BACKBONES, backbone, input_of
from mien.train.nets.repvgg import reparameterise
from mien.train.nets.vgg8 import HEADS, Vgg8
from mien.train.nets.weights import fetch_pretrained
from mien.train.nets.windows import cut_windows, window_starts
from mien.train.settings import SCALES, Input, NetSettings

__all__ = [
    "BACKBONES",
    "HEADS",
    "SCALES",
    "Backbone",
    "Cost",
    "Entrance",
    "FaceMobilenet",
    "Input",
    "NetSettings",
    "Normalise",
    "Standardise",
    "Vgg8",
    "backbone",
    "cost",
    "cut_windows",
    "fetch_pretrained",
    "input_of",
    "reparameterise",
    "window_starts",
]
