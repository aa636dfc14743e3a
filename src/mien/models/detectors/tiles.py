"""Small faces in large pictures: any detector on overlapping tiles at full size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mien.errors import UsageError
from mien.types import Bools, Detector, Faces, Floats, Image
from mien.vision import boxes as bx
from mien.vision.prior import Prior

SHRINK = 4
"""Between two levels of tiles: a level finds faces from about 10 px to its tiles' overlap (160 px), so that two levels meet."""
EDGE = 2.0
"""A box that comes this near to an edge of its tile, in pixels, is cut by it."""


class Tiled:
    """A detector that runs another one on the whole picture and on its tiles, and joins what they find.

    tile: side of a tile in pixels; overlap: share of it that neighbours have in common, 0..0.9: faces up to that size lie whole
    in some tile. A picture no larger than a tile is handed on as it is. Time grows with the area: about 50 tiles for 12
    megapixels; memory does not. A photo 4,000 px wide with faces of 40 px needs it.
    """

    def __init__(self, detector: Detector, *, tile: int = 640, overlap: float = 0.25) -> None:
        if tile < 64 or not 0 <= overlap <= 0.9:
            raise UsageError(f"tile is {tile} and overlap {overlap}; wanted at least 64 px and a share from 0 to 0.9")
        self.detector, self.tile, self.overlap = detector, tile, overlap

    @property
    def prior(self) -> Prior | None:
        """Where landmarks lie in the boxes of the detector inside."""
        return getattr(self.detector, "prior", None)

    def __call__(self, image: Image) -> Faces:
        """Faces of one uint8 (H, W, 3) RGB picture, best first."""
        import cv2

        found = [self.detector(image)]
        cut = [np.zeros(len(found[0]), np.bool_)]
        height, width = image.shape[:2]
        level, back = image, np.ones(2, np.float32)
        while max(level.shape[:2]) > self.tile:
            for faces, edges in self._on_tiles(level):
                found.append(Faces(faces.boxes * np.tile(back, 2), faces.scores, faces.points * back))
                cut.append(edges)
            if max(level.shape[:2]) <= SHRINK**2 * self.tile:
                break
            size = max(1, round(level.shape[1] / SHRINK)), max(1, round(level.shape[0] / SHRINK))
            level = cv2.resize(level, size, interpolation=cv2.INTER_AREA)
            back = np.array([width / size[0], height / size[1]], np.float32)
        return together(found, cut=cut) if len(found) > 1 else found[0]

    def _on_tiles(self, image: Image) -> Iterator[tuple[Faces, Bools]]:
        """Faces of each tile in pixels of `image`, and which of them the tile cuts; those that another tile has whole are left out."""
        height, width = image.shape[:2]
        common = self.tile * self.overlap
        for y in starts(height, self.tile, self.overlap):
            for x in starts(width, self.tile, self.overlap):
                part = np.ascontiguousarray(image[y : y + self.tile, x : x + self.tile])
                faces = self.detector(part)
                edges = _cut(faces.boxes, (x, y), part.shape, (width, height))
                whole_elsewhere = edges & ((faces.boxes[:, 2:] - faces.boxes[:, :2]).max(axis=1, initial=0) < common - 2 * EDGE)
                faces, edges = faces[~whole_elsewhere], edges[~whole_elsewhere]
                shift = np.array([x, y], np.float32)
                yield Faces(faces.boxes + np.tile(shift, 2), faces.scores, faces.points + shift), edges


def starts(length: int, tile: int, overlap: float) -> list[int]:
    """First pixels of the tiles that cover `length` pixels, evenly spread, neighbours sharing at least `overlap` of a tile."""
    if length <= tile:
        return [0]
    count = 1 + int(np.ceil((length - tile) / max(1, int(tile * (1 - overlap)))))
    return [int(start) for start in np.linspace(0, length - tile, count).round()]


def together(found: Sequence[Faces], *, most: float = 0.3, cut: Sequence[Bools] | None = None) -> Faces:
    """One Faces from several looks at a picture, best first: of boxes that overlap (IoU above `most`, or the smaller nearly
    inside the other) the best stays; a box that a tile `cut` gives way to any whole one."""
    boxes = np.concatenate([faces.boxes for faces in found])
    scores = np.concatenate([faces.scores for faces in found])
    points = np.concatenate([faces.points for faces in found])
    rank = scores - np.concatenate(cut) if cut is not None else scores
    kept = bx.suppress(boxes, rank.astype(np.float32), most=most)
    kept = kept[bx.suppress(boxes[kept], rank[kept].astype(np.float32), most=0.7, over="smaller")]
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    return Faces(boxes[kept], scores[kept], points[kept])


def _cut(boxes: Floats, origin: tuple[int, int], tile: tuple[int, ...], picture: tuple[int, int]) -> Bools:
    """Which boxes (n, 4), in pixels of the tile, an edge of the tile cuts that is not an edge of the picture too."""
    (x, y), (height, width) = origin, tile[:2]
    cut = np.zeros(len(boxes), np.bool_)
    if x > 0:
        cut |= boxes[:, 0] < EDGE
    if y > 0:
        cut |= boxes[:, 1] < EDGE
    if x + width < picture[0]:
        cut |= boxes[:, 2] > width - EDGE
    if y + height < picture[1]:
        cut |= boxes[:, 3] > height - EDGE
    return cut
