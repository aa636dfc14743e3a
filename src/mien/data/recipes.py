"""Augmentation recipes by name, as data: those of the earlier projects R0..R4, and the one mien's own model is trained with.

A recipe is a list of steps; a step is an operation, the range its value is drawn from and the chance that it happens. Steps
that only move pixels are put together and applied as one warp, so that a picture is resampled once.

>>> import numpy as np
>>> from mien.data.recipes import apply
>>> apply("r3", np.full((48, 48, 3), 90, np.uint8), np.random.default_rng(0)).shape
(48, 48, 3)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import UnknownName, UsageError
from mien.types import Floats, Image, check_image

Matrix = NDArray[np.float64]
Augment = Callable[[Image, np.random.Generator], Image]
"""Anything called with a picture and a source of chance that gives a picture; all chance comes from that source."""

OPERATIONS: dict[str, str] = {
    "mirror": "left and right changed",
    "rotate": "degrees",
    "zoom": "factor of the size",
    "zoom_x": "factor of the width",
    "zoom_y": "factor of the height",
    "shift_x": "share of the width",
    "shift_y": "share of the height",
    "shear": "sideways, share of the height",
    "brighten": "added, share of the full range",
    "light": "factor of the brightness",
    "contrast": "factor around each channel's mean",
    "blur": "Gaussian, standard deviation in pixels",
    "blur_share": "Gaussian, standard deviation as a share of the side",
    "coarsen": "resolution, share of the side",
    "compress": "JPEG quality",
    "gamma": "exponent of the brightness",
    "slope": "light falling from one side, grey levels",
    "noise": "standard deviation, grey levels",
    "cover": "a flat rectangle, share of the side",
}
"""Every operation, and what its value is."""
MOVES = ("mirror", "rotate", "zoom", "zoom_x", "zoom_y", "shift_x", "shift_y", "shear")
BORDERS = ("replicate", "reflect")


@dataclass(frozen=True, slots=True)
class Step:
    """One operation and how its value is drawn."""

    operation: str
    low: float = 0.0
    high: float = 0.0
    chance: float = 1.0
    """How often it happens at all."""
    spread: float = 0.0
    """0: uniform between low and high. Else normal with this standard deviation, around 0 and cut off at low and high; around 1 and in the
    logarithm for the operations that are factors."""

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise UnknownName("augmentation", self.operation, OPERATIONS)
        if self.low > self.high or not 0 <= self.chance <= 1 or self.spread < 0:
            raise UsageError(f"{self}: wanted low <= high, chance in 0..1 and a spread of 0 or more")

    def draw(self, rng: np.random.Generator) -> float | None:
        """The value for one picture, or None when it does not happen. Always takes the same number of draws."""
        happens = rng.random() < self.chance
        if self.spread and OPERATIONS[self.operation].startswith(("factor", "exponent")):
            value = float(np.exp(np.clip(rng.normal(0, self.spread), np.log(self.low), np.log(self.high))))
        elif self.spread:
            value = float(np.clip(rng.normal(0, self.spread), self.low, self.high))
        else:
            value = float(rng.uniform(self.low, self.high))
        return value if happens else None

    def __str__(self) -> str:
        span = "" if self.operation == "mirror" else f" {self.low:.3g}..{self.high:.3g}"
        often = f" in {self.chance:.0%}" if self.chance < 1 else ""
        return f"{self.operation}{span}{often}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps in their order, and where they come from."""

    name: str
    source: str
    steps: tuple[Step, ...]
    border: str = "replicate"
    """What is seen where a moved picture leaves room: `replicate` its edge or `reflect` it."""

    def __post_init__(self) -> None:
        if self.border not in BORDERS:
            raise UnknownName("border", self.border, BORDERS)

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """One augmented picture, as `apply`."""
        return apply(self, image, rng)


MIRROR = Step("mirror", chance=0.5)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "r0",
            "R0: brightness .3, contrast .3, flip, rotation .15, zoom -.2...2, as Keras's layers take them: rotation in turns",
            (
                Step("brighten", -0.3, 0.3),
                Step("contrast", 0.7, 1.3),
                MIRROR,
                Step("rotate", -0.15 * 360, 0.15 * 360),
                Step("zoom", 1 / 1.2, 1 / 0.8),  # Keras's RandomZoom shows 1 + z times as much of the picture
            ),
            border="reflect",
        ),
        Recipe(
            "r0-r2",
            "R0 and R2: rotation 15 degrees, horizontal flip, brightness .5-1.5, shear .1 (as a share; Keras took it for degrees), zoom .1",
            (
                Step("rotate", -15, 15),
                MIRROR,
                Step("light", 0.5, 1.5),
                Step("shear", -0.1, 0.1),
                Step("zoom", 0.9, 1.1),
            ),
        ),
        Recipe(
            "r3",
            "R3: rotation 10 degrees, zoom .2, shifts .1, horizontal flip",
            (
                Step("rotate", -10, 10),
                Step("zoom", 0.8, 1.2),
                Step("shift_x", -0.1, 0.1),
                Step("shift_y", -0.1, 0.1),
                MIRROR,
            ),
        ),
        Recipe(
            "r4",
            "R4: flip, rotation 25 degrees, blur up to 3",
            (MIRROR, Step("rotate", -25, 25), Step("blur", 0, 3)),
        ),
        Recipe(
            "mien",
            "what mien's own model is trained with: pose, light, resolution, compression, noise and covering, after real pictures",
            (
                Step("zoom_x", float(np.exp(-0.15)), float(np.exp(0.15)), spread=0.05),  # a turned head looks narrower
                MIRROR,
                Step("rotate", -25, 25, spread=8),
                Step("zoom", float(np.exp(-0.25)), float(np.exp(0.25)), spread=0.08),
                Step("shift_x", -0.1, 0.1, spread=0.04),
                Step("shift_y", -0.1, 0.1, spread=0.04),
                Step("coarsen", 1 / 3, 1, chance=0.2),
                Step("blur_share", 0.4 / 48, 1.3 / 48, chance=0.1),
                Step("compress", 20, 90, chance=0.1),
                Step("gamma", 0.3, 3, chance=0.5, spread=0.25),
                Step("slope", -60, 60, chance=0.5, spread=15),
                Step("noise", 2, 10, chance=0.1),
                Step("cover", 1 / 6, 1 / 3, chance=0.25),
            ),
        ),
    )
}


def recipe(name: str | Recipe) -> Recipe:
    """A recipe by name; UnknownName lists the names there are."""
    if isinstance(name, Recipe):
        return name
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]


def apply(which: str | Recipe, image: Image, rng: np.random.Generator) -> Image:
    """One augmented picture of the same size.

    which: a name of RECIPES, or a Recipe. image: uint8 (H, W, 3) RGB; it is not changed. rng: the only source of chance, so
    that the same state gives the same pixels. Raises UnknownName, UsageError.
    """
    chosen = recipe(which)
    out = check_image(image)
    height, width = out.shape[:2]
    waiting = np.eye(3)
    for step in chosen.steps:
        value = step.draw(rng)
        if step.operation in MOVES:
            if value is not None:
                waiting = move(step.operation, value, width, height) @ waiting
            continue
        out, waiting = moved(out, waiting, border=chosen.border), np.eye(3)
        own = np.random.default_rng(rng.integers(2**63))  # so that rng moves on alike, whether it happens or not
        if value is not None:
            out = _PIXELS[step.operation](out, value, own)
    out = moved(out, waiting, border=chosen.border)
    return out.copy() if out is image else out


def move(operation: str, value: float, width: int, height: int) -> Matrix:
    """A move as float64 (3, 3), from pixel edges (0, 0 is the corner) to pixel edges, around the middle of the picture.

    Angles run as seen: a positive rotation turns the picture counter-clockwise.
    """
    matrix = np.eye(3)
    if operation == "mirror":
        matrix[0, 0] = -1
    elif operation == "rotate":
        cos, sin = np.cos(np.radians(value)), np.sin(np.radians(value))
        matrix[:2, :2] = (cos, sin), (-sin, cos)  # y runs down
    elif operation in ("zoom", "zoom_x", "zoom_y"):
        matrix[0, 0] = value if operation != "zoom_y" else 1
        matrix[1, 1] = value if operation != "zoom_x" else 1
    elif operation == "shift_x":
        matrix[0, 2] = value * width
    elif operation == "shift_y":
        matrix[1, 2] = value * height
    elif operation == "shear":
        matrix[0, 1] = value
    else:
        raise UnknownName("move", operation, MOVES)
    centre = np.eye(3)
    centre[:2, 2] = width / 2, height / 2
    back = np.eye(3)
    back[:2, 2] = -width / 2, -height / 2
    return np.asarray(centre @ matrix @ back)


def moved(image: Image, matrix: Matrix, *, border: str = "replicate") -> Image:
    """A picture under a (3, 3) transform of pixel edges, in a frame of the same size; bilinear."""
    import cv2

    if np.array_equal(matrix, np.eye(3)):
        return image
    half = np.eye(3)
    half[:2, 2] = 0.5  # OpenCV counts pixels at their centres
    centres = np.linalg.inv(half) @ matrix @ half
    mode = cv2.BORDER_REPLICATE if border == "replicate" else cv2.BORDER_REFLECT
    out = cv2.warpAffine(image, centres[:2], image.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=mode)
    return np.asarray(out, np.uint8)


def _rounded(values: Floats | NDArray[np.float64]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _contrast(image: Image, value: float, rng: np.random.Generator) -> Image:
    mean = image.mean(axis=(0, 1), keepdims=True)
    return _rounded((image - mean) * value + mean)


def _blur(image: Image, value: float, rng: np.random.Generator) -> Image:
    import cv2

    return image if value < 1e-3 else np.asarray(cv2.GaussianBlur(image, (0, 0), value, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _coarsen(image: Image, value: float, rng: np.random.Generator) -> Image:
    import cv2

    height, width = image.shape[:2]
    small = max(1, round(width * value)), max(1, round(height * value))
    coarse = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _compress(image: Image, value: float, rng: np.random.Generator) -> Image:
    import cv2

    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, round(value)])
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def _slope(image: Image, value: float, rng: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    ramp = np.linspace(-1, 1, width)[None, :, None] if rng.random() < 0.5 else np.linspace(-1, 1, height)[:, None, None]
    return _rounded(image + value * ramp)


def _cover(image: Image, value: float, rng: np.random.Generator) -> Image:
    """A hand, a cup, a microphone."""
    height, width = image.shape[:2]
    h, w = max(1, round(height * value)), max(1, round(width * value))
    y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    out = image.copy()
    out[y : y + h, x : x + w] = round(rng.uniform(0, 255))
    return out


_PIXELS: dict[str, Callable[[Image, float, np.random.Generator], Image]] = {
    "brighten": lambda image, value, rng: _rounded(image + 255 * value),
    "light": lambda image, value, rng: _rounded(image * np.float64(value)),
    "contrast": _contrast,
    "blur": _blur,
    "blur_share": lambda image, value, rng: _blur(image, value * max(image.shape[:2]), rng),
    "coarsen": _coarsen,
    "compress": _compress,
    "gamma": lambda image, value, rng: _rounded(255 * (image / 255) ** value),
    "slope": _slope,
    "noise": lambda image, value, rng: _rounded(image + rng.normal(0, value, (*image.shape[:2], 1))),
    "cover": _cover,
}
