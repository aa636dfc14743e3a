"""What decides an architecture: its input, its layers, its head, and which of its layers learn. No torch is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mien.errors import UnknownName, UsageError
from mien.train.ranges import FROM_0, FROM_1, POSITIVE, SHARE, check_ranges

Scale = tuple[tuple[float, float, float], tuple[float, float, float]] | None
SCALES: dict[str, Scale] = {
    "crop": None,
    "half": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "vggface": ((129.1863, 104.7624, 93.5940), (1.0, 1.0, 1.0)),  # Parkhi et al. 2015, VGG16
    "vggface2": ((131.0912, 103.8827, 91.4953), (1.0, 1.0, 1.0)),  # Cao et al. 2018, ResNet-50
}
"""Mean and standard deviation of red, green and blue in grey levels 0..255; None: each crop by its own (see Standardise)."""

RANGES = {
    "settings": {
        "widths": FROM_1, "depths": FROM_0, "factor": POSITIVE, "squeeze": SHARE,
        "window": FROM_1,
    },
    "head": {"units": FROM_1, "layers": FROM_1, "dropout": SHARE},
    "freeze": {"frozen_epochs": FROM_0, "unfreeze_last": FROM_0},
}  # fmt: skip
"""What numbers the parts of a training's settings may have."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a backbone wants to see: float32 (n, channels, size, size), or (n, frames, channels, size, size)."""

    channels: int
    """1 grey, 3 RGB."""
    size: int
    """Side of the crop in pixels it was built for."""
    fixed: bool = False
    """Whether only that size will do (dense layers or position embeddings know it)."""
    scale: str = "crop"
    """A name in SCALES."""
    frames: int = 0
    """Length of a sequence; 0 for single pictures."""

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise UnknownName("input scale", self.scale, SCALES)
        if self.channels not in (1, 3) or self.size < 8 or self.frames < 0:
            raise UsageError(f"input: found {self.channels} channels, size {self.size}; wanted 1 or 3 channels and at least 8 px")

    @property
    def mean(self) -> tuple[float, ...] | None:
        """Of each channel in grey levels; one channel has the mean of the three. None: of the crop itself."""
        return self._of_channels(0)

    @property
    def std(self) -> tuple[float, ...] | None:
        """Of each channel in grey levels. None: of the crop itself."""
        return self._of_channels(1)

    def _of_channels(self, part: int) -> tuple[float, ...] | None:
        scale = SCALES[self.scale]
        if scale is None:
            return None
        return scale[part] if self.channels == 3 else (sum(scale[part]) / 3,)


@dataclass(frozen=True, slots=True)
class NetSettings:
    """Settings of any architecture; None, 0 or empty means the architecture's own. What it has no use for it refuses."""

    size: int | None = None
    """Side of the crop in pixels."""
    channels: int | None = None
    """Of its input: 1 grey, 3 RGB."""
    widths: tuple[int, ...] | None = None
    """Channels of the stages (vgg8, face_resnet, repvgg, r1_vgg, r3_cnn, r4_cnn, conv_lstm), of the stem and blocks (face_mobilenet)."""
    depths: tuple[int, ...] | None = None
    """Blocks of the stages (face_resnet, repvgg, resnet50, darknet53, vit_b8)."""
    factor: float = 1.0
    """Multiplies the channels of resnet50, vgg16, mobilenetv2, vit_b8 and darknet53."""
    squeeze: float = 0.0
    """Share of the channels that repvgg's squeeze-excite looks through; 0: none (Hu et al. 2018)."""
    window: int = 8
    """Frames of a sequence (conv_lstm)."""
    scale: str = ""
    """How colours are scaled: crop, half, imagenet, vggface or vggface2; use that of the pretrained weights."""
    weights: str = ""
    """Pretrained weights: the path of a .pth, .pt or .safetensors file, or the URL of one that was fetched."""
    sha256: str = ""
    """Their hash, checked before they are read; needed with a URL."""
    caffe: bool = False
    """Strides where Caffe's ResNet-50 has them, for VGGFace2's weights: with the usual places they fit and give nonsense."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of timm.create_model (timm:NAME and all from timm but vgg16)."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES["settings"], before="settings.")

    def refuse_unused(self, name: str, *used: str) -> None:
        """Raise UsageError when a setting is set of which the architecture `name` makes no use."""
        plain = NetSettings()
        optional = ("widths", "depths", "factor", "squeeze", "window", "caffe", "options")
        if strange := [field for field in optional if field not in used and getattr(self, field) != getattr(plain, field)]:
            raise UsageError(f"network {name}: has no setting {', '.join(strange)}; it has: {', '.join(used) or 'none of these'}")

    def input(self, *, channels: int, size: int, scale: str = "crop", fixed: bool = False, frames: int = 0) -> Input:
        """The input of an architecture with these values of its own."""
        return Input(self.channels or channels, self.size or size, fixed=fixed, scale=self.scale or scale, frames=frames)


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """Settings of a head."""

    kind: str = "linear"
    """linear, r0, r1 or r2."""
    units: int = 512
    """Outputs of the first dense layer."""
    activation: str = "relu"
    """relu or tanh (r0)."""
    layers: int = 1
    """Dense layers (r0): the second has units // 2, the third units // 4, the one after that units // 6."""
    dropout: float | None = None
    """Share of its inputs that are dropped; left out: .2 in r1, .25 in r0 and r2, .3 in linear."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES["head"], before="head.")


@dataclass(frozen=True, slots=True)
class FreezePlan:
    """Freeze first, thaw later. Epochs count from 0."""

    frozen_epochs: int = 0
    """How many epochs at the beginning only the head learns, so that its first, wild gradients do not spoil good features."""
    unfreeze_last: int | None = None
    """How many of the last layers of the backbone learn after them; left out: all."""

    def __post_init__(self) -> None:
        check_ranges(self, RANGES["freeze"], before="freeze.")
