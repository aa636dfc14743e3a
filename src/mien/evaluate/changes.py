"""One picture made worse by a kind and a level: smaller, blurred, compressed, darker or brighter, rolled, turned.

A level of 0, where a kind has one, is the picture as it is. Nothing is drawn by chance. What goes by the size or the place of the
face goes by its `Frame`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.data.encode import encoded
from mien.errors import UnknownName, UsageError
from mien.evaluate.road import Face
from mien.types import Image
from mien.vision.align import FER_TEMPLATE, similarity
from mien.vision.light import relit

ALL = "all"
TURN = 60.0
"""Degrees: a flat picture turned further hardly has a width."""
NEAR, WHOLE = 4.0, 2.0
"""The camera that looks at a turned picture stands so many sides of the face away, and at least so many sides of the picture."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The square around a face that FER-2013's pictures show: its side is 2.65 times the distance between the eyes."""

    x: float
    """Of its middle, in pixels."""
    y: float
    side: float
    """Pixels; the longer side of a picture that is itself the frame."""
    whole: bool
    """Whether the picture is itself the frame: a ready-made crop, or a photo in which no face is found."""


def frame_of(image: Image, face: Face | None, *, faces: str) -> Frame:
    """The frame of the face that road.face_of found in a picture, uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    if faces == "crop" or face is None:
        return Frame(width / 2, height / 2, float(max(height, width)), whole=True)
    matrix = similarity(face.points[None], np.array(FER_TEMPLATE, np.float32))[0].astype(np.float64)
    x, y = np.linalg.solve(matrix[:, :2], 0.5 - matrix[:, 2])
    return Frame(float(x), float(y), 1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-9), whole=False)


def shrunk(image: Image, side: float, frame: Frame) -> Image | None:
    """The picture shrunk, by the mean of areas, until the side of the face's frame is so many pixels.

    None where that would enlarge it: detail cannot be added.
    """
    import cv2

    if side > frame.side:
        return None
    width, height = (max(1, round(pixels * side / frame.side)) for pixels in image.shape[1::-1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def blurred(image: Image, percent: float, frame: Frame) -> Image:
    """The picture under a Gaussian whose standard deviation is `percent` of the side of the face's frame.

    So it is in pixels for a face of 100 pixels, and 0.48 times that for one of 48.
    """
    import cv2

    sigma = percent / 100 * frame.side
    return image if sigma <= 0 else np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)


def compressed(image: Image, quality: float, frame: Frame) -> Image:
    """The picture after a JPEG of a quality of 1..100 by libjpeg's scale, with the colours at half the resolution.

    The blocks of 8 x 8 pixels are as they are: a small face suffers more than a large one.
    """
    import cv2

    data = np.frombuffer(encoded(image, ".jpg", quality=round(quality)), np.uint8)
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def lit(image: Image, stops: float, frame: Frame) -> Image:
    """The picture with 2 ** stops times the light (vision.light)."""
    return relit(image, stops)


def rolled(image: Image, degrees: float, frame: Frame) -> Image:
    """The picture rolled clockwise about its middle; the border is repeated where nothing is.

    A photo's canvas grows until all of it is there; a picture that is itself the frame keeps its size, and loses its corners.
    """
    import cv2

    if not degrees:
        return image
    height, width = image.shape[:2]
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    size = (width, height) if frame.whole else (round(abs(width * c) + abs(height * s)), round(abs(width * s) + abs(height * c)))
    matrix = np.array([[c, -s, size[0] / 2], [s, c, size[1] / 2], [0, 0, 1]]) @ _shift(-width / 2, -height / 2)
    centres = (_shift(-0.5, -0.5) @ matrix @ _shift(0.5, 0.5))[:2]
    return np.asarray(cv2.warpAffine(image, centres, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def turned(image: Image, degrees: float, frame: Frame) -> Image:
    """A face seen from the side, SIMULATED: the flat picture is turned about the upright line through the face and seen in perspective.

    Positive turns to the picture's right, as `quality.pose` has it. A turned print is not a turned head: no side comes into sight that
    was hidden, none disappears, the nose does not stand out, the light stays, and a print grows narrower than a head does. It shows what
    foreshortening does; how a head that is really turned is read has to be measured on pictures of such heads. The canvas stays, the
    border is repeated. Raises UsageError beyond TURN degrees.
    """
    import cv2

    if abs(degrees) > TURN:
        raise UsageError(f"yaw: found {degrees:g} degrees, wanted {-TURN:g} to {TURN:g}")
    if not degrees:
        return image
    height, width = image.shape[:2]
    far = max(NEAR * frame.side, WHOLE * max(height, width))
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    seen = np.array([[far * c, 0, 0], [0, far, 0], [s, 0, far]])
    matrix = _shift(frame.x - 0.5, frame.y - 0.5) @ seen @ _shift(0.5 - frame.x, 0.5 - frame.y)
    out = cv2.warpPerspective(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to make a picture worse."""

    levels: tuple[float, ...]
    """What is measured; 0 is the picture as it is."""
    unit: str
    what: str
    """What is changed, and how."""
    change: Callable[[Image, float, Frame], Image | None]
    """Takes a picture, uint8 (H, W, 3), a level and the frame of its face; None where the level cannot be made of this picture."""
    simulated: bool = False


KINDS: dict[str, Kind] = {
    "size": Kind(
        (224, 160, 112, 80, 64, 48, 32, 24, 16), "px",
        "Side of the square around the face that FER-2013's pictures show: 2.65 times the distance between the eyes; of a ready-made crop "
        "its longer side. The picture is shrunk, never enlarged: smaller faces are left out of a level.", shrunk,
    ),
    "blur": Kind(
        (0, 1, 2, 3, 4, 6, 8), "% of the face",
        "Standard deviation of a Gaussian blur, in percent of the side of the square around the face.", blurred,
    ),
    "jpeg": Kind((90, 70, 50, 30, 20, 10), "quality", "Quality of a JPEG of the picture at its own size (libjpeg's scale).", compressed),
    "brightness": Kind((-3, -2, -1, 0, 1, 2, 3), "stops", "Light times 2 to the power of the stops, in linear light, clipped.", lit),
    "roll": Kind((-60, -45, -30, -15, 0, 15, 30, 45, 60), "°", "The picture rolled in its plane, clockwise.", rolled),
    "yaw": Kind(
        (-60, -45, -30, -15, 0, 15, 30, 45, 60), "°",
        "Simulated: the flat picture is turned to its right and seen in perspective. That is foreshortening alone: no hidden side of the "
        "face comes into sight and none disappears, so it does not say how a head that is really turned is read.", turned, simulated=True,
    ),
}  # fmt: skip


def kinds_of(words: Iterable[str]) -> tuple[str, ...]:
    """Names of KINDS, each once and in their order; `all` stands for all of them. Raises UnknownName."""
    wanted = set(words)
    for word in sorted(wanted - {ALL, *KINDS}):
        raise UnknownName("kind of change", word, [ALL, *KINDS])
    return tuple(name for name in KINDS if name in wanted or ALL in wanted)


def _shift(x: float, y: float) -> NDArray[np.float64]:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)
