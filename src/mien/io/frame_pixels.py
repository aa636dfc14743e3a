"""Decoded frames of a video -> uint8 (H, W, 3) RGB, upright, with square pixels."""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.io import hdr
from mien.io.images import ImageLimits
from mien.io.pixels import upright
from mien.types import Image

if TYPE_CHECKING:
    import av

UNSPECIFIED = (2, 3)
"""AVColorSpace: not told, reserved."""
HD = 720
"""Lines from which a video that does not tell its colour matrix is taken as BT.709, below as BT.601, as browsers do."""

_ORIENTATION = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
"""Signs of a display matrix's a, b, c, d -> EXIF orientation."""


class FramePixels:
    """Converts the frames of one stream; the matrix and range of its colours are those that each frame tells.

    Pixels that are not square are made so by stretching their shorter side, as browsers do, so that no detail is lost. HDR
    becomes ordinary brightness and colours, interlaced frames are not taken apart.

    aspect: width of a stored pixel by its height; None or something impossible counts as square.
    """

    def __init__(self, aspect: Fraction | None, limits: ImageLimits, name: str) -> None:
        self._aspect = aspect if aspect is not None and Fraction(1, 10) <= aspect <= 10 else Fraction(1)
        self._limits, self._name = limits, name
        self._orientation: int | None = None
        self._converter: av.video.reformatter.VideoReformatter | None = None
        self._checked: tuple[int, int] | None = None

    def __call__(self, frame: av.VideoFrame) -> Image:
        """uint8 (H, W, 3), contiguous. Raises SourceTooLarge."""
        if self._converter is None:
            from av.video.reformatter import VideoReformatter

            # One for all frames: each frame's own reformat() would build its tables anew.
            self._converter = VideoReformatter()
        width, height = self._stored_size(frame)
        if self._checked != (width, height):
            self._limits.check(width, height, name=self._name)
            self._checked = width, height
        matrix = None
        if int(frame.colorspace) in UNSPECIFIED:
            matrix = "ITU709" if frame.height >= HD else "ITU601"
        # One thread: the conversion is quicker than waking others, which decode meanwhile.
        rgb = self._converter.reformat(frame, width, height, "rgb24", src_colorspace=matrix, threads=1)  # type: ignore[arg-type]
        plane = rgb.planes[0]
        image = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height, : 3 * width].reshape(height, width, 3)
        if int(frame.color_trc) in hdr.TRANSFERS:
            image = hdr.to_sdr(image, int(frame.color_trc))
        return np.ascontiguousarray(upright(image, self._orientation_of(frame)))

    def size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """Width and height that this frame has once it is upright."""
        width, height = self._stored_size(frame)
        return (height, width) if self._orientation_of(frame) >= 5 else (width, height)

    def _stored_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        aspect = self._aspect
        if aspect >= 1:
            return round(frame.width * aspect), frame.height
        return frame.width, round(frame.height / aspect)

    def _orientation_of(self, frame: av.VideoFrame) -> int:
        """The first frame's: a display matrix belongs to the stream."""
        if self._orientation is None:
            self._orientation = orientation_of(frame)
        return self._orientation


def orientation_of(frame: av.VideoFrame) -> int:
    """EXIF orientation 1..8 that a frame's display matrix stands for; turns by other than right angles count as the nearest."""
    try:
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # side data of a kind that PyAV has no name for
        return {90: 8, 180: 3, -180: 3, -90: 6}.get(round(frame.rotation / 90) * 90, 1)
    if matrix is None or len(bytes(matrix)) < 36:
        return 1
    a, b, _, c, d = struct.unpack_from("=5i", bytes(matrix))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        b = c = 0
    else:
        a = d = 0
    return _ORIENTATION.get((_sign(a), _sign(b), _sign(c), _sign(d)), 1)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
