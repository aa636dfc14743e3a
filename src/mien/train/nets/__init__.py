"""Architectures by name: crops in, features out. Heads are in mien.train.heads, docs/architectures.md has them all in a table.

The network that mien ships, Vgg8, has its head built in. Input float (n, 1, S, S) standardised crops; the output is one tensor
(n, 9 + 7 + 2), the columns of HEADS one after the other.
"""

from mien.train.nets.backbone import Backbone
from mien.train.nets.cost import Cost, cost
from mien.train.nets.inputs import Entrance, Normalise, Standardise
from mien.train.nets.registry import BACKBONES, backbone
from mien.train.nets.repvgg import reparameterise
from mien.train.nets.settings import SCALES, Input, NetSettings
from mien.train.nets.vgg8 import HEADS, Vgg8
from mien.train.nets.weights import fetch_pretrained
from mien.train.nets.windows import cut_windows, window_starts

NETS = {"vgg8": Vgg8}
"""Networks with all outputs of HEADS built in, by name."""

__all__ = [
    "BACKBONES",
    "HEADS",
    "NETS",
    "SCALES",
    "Backbone",
    "Cost",
    "Entrance",
    "Input",
    "NetSettings",
    "Normalise",
    "Standardise",
    "Vgg8",
    "backbone",
    "cost",
    "cut_windows",
    "fetch_pretrained",
    "reparameterise",
    "window_starts",
]
