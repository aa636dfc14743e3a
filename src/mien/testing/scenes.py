"""Made scenes: heads cut from pictures walk about, cross, hide behind each other and behind boards, leave and come back.

Who is who is known in every frame, so trackers can be judged. Frames are painted when asked for; the same seed gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import UnknownName, UsageError
from mien.types import Faces, Floats, Frame, Image

Array = NDArray[np.float64]
Path: TypeAlias = Callable[[Array], Array]
"""Times (n,) -> x and y of the middle of the face in pixels, and its height: (n, 3)."""

HEAD = (-0.4, -0.5, 1.4, 1.45)
"""What is cut out around a face, as shares of its box from the upper left corner: left, top, right, bottom."""
LARGEST = 160
"""Height in pixels that faces are kept at."""
VISIBLE = 0.5
"""Share of a face that has to be in sight for it to count."""
GRID = 12
"""Points along a side of a face at which it is tested for being in sight."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A head cut from a picture."""

    image: Image
    """uint8 (h, w, 3) RGB."""
    box: Floats
    """float32 (4,): the face in it."""
    points: Floats
    """float32 (5, 2): its landmarks."""


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A head and its way."""

    cutout: Cutout
    path: Path
    near: float
    """Whoever is nearer hides others."""


def cut_out(image: Image, faces: Faces) -> list[Cutout]:
    """The heads of the faces in a picture, in their order. image: uint8 (H, W, 3) RGB."""
    import cv2

    out = []
    for box, points in zip(faces.boxes, faces.points, strict=True):
        side = np.tile(box[2:] - box[:2], 2)
        x1, y1, x2, y2 = (round(float(v)) for v in np.tile(box[:2], 2) + np.array(HEAD, np.float32) * side)
        left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, image.shape[1]), min(y2, image.shape[0])
        head = cv2.copyMakeBorder(image[top:bottom, left:right], top - y1, y2 - bottom, left - x1, x2 - right, cv2.BORDER_REPLICATE)
        scale = min(1.0, LARGEST / float(side[1]))
        head = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        corner = np.array([x1, y1], np.float32)
        out.append(Cutout(head, (box - np.tile(corner, 2)) * np.float32(scale), (points - corner) * np.float32(scale)))
    return out


class Scene:
    """A made video: `len`, `frame(i)`, `truth(i)`, and iteration over pairs of both.

    times: seconds of the frames. boards: boxes of what stands in front of everybody. The truth of a frame are the faces of which
    at least half is in sight: their boxes as a detector would frame them, `ids`, and as `scores` the share in sight.
    """

    def __init__(
        self,
        actors: Sequence[Actor],
        times: Array,
        *,
        size: tuple[int, int] = (640, 360),
        boards: Sequence[Sequence[float]] = (),
        seed: int = 0,
    ) -> None:
        self.size, self.times = size, np.asarray(times, np.float64)
        self.boards = np.array(boards, np.float64).reshape(-1, 4)
        self._actors = list(actors)
        self._order = sorted(range(len(actors)), key=lambda i: actors[i].near)
        rng = np.random.default_rng(seed)
        width, height = size
        rough = rng.integers(60, 180, (height // 40 + 2, width // 40 + 2, 3)).astype(np.uint8)
        import cv2

        self._background = cv2.resize(rough, size, interpolation=cv2.INTER_CUBIC)
        for x1, y1, x2, y2 in self.boards.astype(int):
            self._background[max(y1, 0) : y2, max(x1, 0) : x2] = (92, 74, 60)
        # Heads nod and the light on them changes, each in its own rhythm.
        self._sway = rng.uniform([0.5, 0.5, 0.1], [1.2, 1.2, 0.3], (len(actors), 3)) * 2 * np.pi
        self._phase = rng.uniform(0, 2 * np.pi, (len(actors), 3))
        self._ways = [self._way(i) for i in range(len(actors))]
        self._heads = [np.dstack([actor.cutout.image, _oval(*actor.cutout.image.shape[:2])]) for actor in actors]

    def __len__(self) -> int:
        return len(self.times)

    def __iter__(self) -> Iterator[tuple[Frame, Faces]]:
        return ((self.frame(i), self.truth(i)) for i in range(len(self)))

    def frame(self, i: int) -> Frame:
        """One frame."""
        import cv2

        image = self._background.copy()
        width, height = self.size
        for actor in self._order:
            x, y, scale, light = self._ways[actor][i]
            h, w = self._heads[actor].shape[:2]
            left, top = max(int(x) - 1, 0), max(int(y) - 1, 0)
            right, bottom = min(int(x + scale * w) + 2, width), min(int(y + scale * h) + 2, height)
            if right - left < 2 or bottom - top < 2:
                continue
            move = np.array([[scale, 0, x - left], [0, scale, y - top]])
            head = cv2.warpAffine(self._heads[actor], move, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
            share = head[..., 3:].astype(np.uint16)
            lit = cv2.convertScaleAbs(head[..., :3], alpha=float(light)).astype(np.uint16)
            under = image[top:bottom, left:right]
            under[:] = (lit * share + under * (255 - share)) // 255
        for x1, y1, x2, y2 in self.boards.astype(int):
            image[max(y1, 0) : y2, max(x1, 0) : x2] = self._background[max(y1, 0) : y2, max(x1, 0) : x2]
        return Frame(image, i, float(self.times[i]), "scene", True)

    def truth(self, i: int) -> Faces:
        """Who is in sight in one frame, and where."""
        boxes, points, seen = [], [], []
        for actor in range(len(self._actors)):
            cutout = self._actors[actor].cutout
            x, y, scale, _ = self._ways[actor][i]
            boxes.append(cutout.box * scale + np.tile([x, y], 2))
            points.append(cutout.points * scale + [x, y])
            seen.append(self._in_sight(actor, boxes[-1], i))
        which = np.array([k for k, share in enumerate(seen) if share >= VISIBLE], np.int64)
        if not len(which):
            none = Faces.none()
            return Faces(none.boxes, none.scores, none.points, which)
        return Faces(np.stack(boxes), np.array(seen), np.stack(points), np.arange(len(boxes)))[which]

    def _way(self, actor: int) -> Array:
        """Corner of the cutout, its scale, and the light: (frames, 4)."""
        cutout = self._actors[actor].cutout
        box = cutout.box.astype(np.float64)
        way = np.asarray(self._actors[actor].path(self.times), np.float64)
        wave = np.sin(self.times[:, None] * self._sway[actor] + self._phase[actor])
        scale = way[:, 2] / (box[3] - box[1])
        middle = way[:, :2] + 0.04 * way[:, 2:] * wave[:, :2]
        corner = middle - scale[:, None] * (box[:2] + box[2:]) / 2
        return np.column_stack([corner, scale, 1 + 0.12 * wave[:, 2]])

    def _in_sight(self, actor: int, box: Floats, i: int) -> float:
        """Share of a face that is in the picture and behind nothing."""
        steps = (np.arange(GRID) + 0.5) / GRID
        x, y = np.meshgrid(box[0] + steps * (box[2] - box[0]), box[1] + steps * (box[3] - box[1]))
        free = (x >= 0) & (y >= 0) & (x < self.size[0]) & (y < self.size[1])
        for x1, y1, x2, y2 in self.boards:
            free &= (x < x1) | (x > x2) | (y < y1) | (y > y2)
        for other in self._order[self._order.index(actor) + 1 :]:
            left, top, scale, _ = self._ways[other][i]
            h, w = self._actors[other].cutout.image.shape[:2]
            if left > box[2] or top > box[3] or left + scale * w < box[0] or top + scale * h < box[1]:
                continue
            free &= _ellipse(x, y, left, top, scale * w, scale * h) > 1
        return float(free.mean())


def _oval(height: int, width: int) -> Image:
    """How opaque a head is, uint8 (height, width): an ellipse with a soft edge."""
    down, across = np.mgrid[:height, :width] + 0.5
    inside = 1 - _ellipse(across, down, 0, 0, width, height)
    return np.asarray(np.clip(inside * 8, 0, 1) * 255, np.uint8)


def _ellipse(x: Array, y: Array, left: float, top: float, width: float, height: float) -> Array:
    """Where points lie in the ellipse that fills a box: 0 in the middle, 1 on its edge."""
    return np.asarray(((x - left) / width * 2 - 1) ** 2 + ((y - top) / height * 2 - 1) ** 2, np.float64)


def _through(*stops: tuple[float, float, float, float]) -> Path:
    """The way through stops of time, x, y, height in even pace."""
    table = np.array(stops, np.float64)
    return lambda times: np.column_stack([np.interp(times, table[:, 0], table[:, k]) for k in (1, 2, 3)])


def _crossing(heads: list[Cutout], size: tuple[int, int], rng: np.random.Generator) -> tuple[list[Actor], list[list[float]]]:
    """Pairs walk past each other, the nearer one hides the other."""
    w, h = size
    actors = []
    for i, head in enumerate(heads):
        y, side = h * rng.uniform(0.45, 0.55), h * rng.uniform(0.2, 0.26)
        ends = (0.1 * w, 0.9 * w) if i % 2 else (0.9 * w, 0.1 * w)
        late = 0.8 * (i // 2)
        actors.append(Actor(head, _through((late, ends[0], y, side), (late + 4.5, ends[1], y, side)), float(i)))
    return actors, []


def _board(heads: list[Cutout], size: tuple[int, int], rng: np.random.Generator) -> tuple[list[Actor], list[list[float]]]:
    """All walk behind a board and out on its other side."""
    w, h = size
    actors = []
    for i, head in enumerate(heads):
        y, side = h * (0.25 + 0.5 * i / max(1, len(heads) - 1)), h * rng.uniform(0.18, 0.22)
        ends = (0.05 * w, 0.95 * w) if i % 2 else (0.95 * w, 0.05 * w)
        actors.append(Actor(head, _through((0.2 * i, ends[0], y, side), (0.2 * i + 4.5, ends[1], y, side)), float(i)))
    return actors, [[0.4 * w, 0, 0.6 * w, h]]


def _meeting(heads: list[Cutout], size: tuple[int, int], rng: np.random.Generator) -> tuple[list[Actor], list[list[float]]]:
    """From both sides they go behind a board, wait there and turn round: only looks can tell that nobody went on."""
    w, h = size
    actors = []
    for i, head in enumerate(heads):
        y, side = h * rng.uniform(0.48, 0.52), h * 0.2
        start, turn = ((0.1 * w, 0.46 * w) if i % 2 else (0.9 * w, 0.54 * w)) if i < 2 else (0.2 * w, 0.2 * w)
        y = y if i < 2 else h * (0.15 + 0.7 * (i - 2) / max(1, len(heads) - 3))
        actors.append(Actor(head, _through((0, start, y, side), (2, turn, y, side), (2.6, turn, y, side), (4.6, start, y, side)), float(i)))
    return actors, [[0.38 * w, 0, 0.62 * w, h]]


def _leaving(heads: list[Cutout], size: tuple[int, int], rng: np.random.Generator) -> tuple[list[Actor], list[list[float]]]:
    """One after the other leaves the picture and comes back after a second, the first stays."""
    w, h = size
    actors = []
    for i, head in enumerate(heads):
        y, side = h * (0.3 + 0.4 * (i % 2)), h * rng.uniform(0.2, 0.25)
        home = w * (i + 0.5) / len(heads)
        out = -0.3 * side if home < w / 2 else w + 0.3 * side
        late = 0.5 + 0.4 * i
        stops = [(0, home, y, side), (late, home, y, side), (late + 1, out, y, side), (late + 2, out, y, side), (late + 3, home, y, side)]
        actors.append(Actor(head, _through(*(stops if i else stops[:1])), float(i)))
    return actors, []


def _crowd(heads: list[Cutout], size: tuple[int, int], rng: np.random.Generator) -> tuple[list[Actor], list[list[float]]]:
    """All stroll about, in front of and behind each other."""
    w, h = size
    actors = []
    for head in heads:
        rate, phase = rng.uniform([0.4, 0.5], [0.9, 1.1]), rng.uniform(0, 2 * np.pi, 2)
        side = h * rng.uniform(0.15, 0.24)

        def path(times: Array, rate: Array = rate, phase: Array = phase, side: float = side) -> Array:
            wave = np.sin(times[:, None] * rate + phase)
            return np.column_stack([w * (0.5 + 0.42 * wave[:, 0]), h * (0.5 + 0.3 * wave[:, 1]), np.full(len(times), side)])

        actors.append(Actor(head, path, side))
    return actors, []


SCENES: dict[str, Callable[[list[Cutout], tuple[int, int], np.random.Generator], tuple[list[Actor], list[list[float]]]]] = {
    "crossing": _crossing, "board": _board, "meeting": _meeting, "leaving": _leaving, "crowd": _crowd,
}  # fmt: skip
"""Kinds of scene by name; each function says what happens."""


def make_scene(
    kind: str,
    heads: Sequence[Cutout],
    *,
    seconds: float = 6.0,
    fps: float = 25.0,
    uneven: float = 0.0,
    size: tuple[int, int] = (640, 360),
    seed: int = 0,
) -> Scene:
    """A scene of one kind, with an actor for each head; see SCENES.

    uneven: how much the time between frames varies, as a share of it, 0..0.9. size: width, height in pixels. Raises UnknownName.
    """
    if kind not in SCENES:
        raise UnknownName("scene", kind, SCENES)
    if not 0 <= uneven <= 0.9:
        raise UsageError(f"uneven is {uneven}; wanted a share from 0 to 0.9")
    rng = np.random.default_rng(seed)
    actors, boards = SCENES[kind](list(heads), size, rng)
    times = (np.arange(round(seconds * fps)) + rng.uniform(-uneven / 2, uneven / 2, round(seconds * fps))) / fps
    return Scene(actors, np.maximum(times, 0), size=size, boards=boards, seed=seed)


def noisy(
    faces: Faces, rng: np.random.Generator, *, size: tuple[int, int], drop: float = 0.0, jitter: float = 0.0, false: float = 0.0
) -> Faces:
    """The faces as a detector with faults would find them: without numbers, shuffled.

    drop: share that is missed. jitter: standard deviation of the edges of a box, as a share of its height. false: chance of one
    box somewhere in the picture, `size` (width, height), that is no face.
    """
    kept = np.flatnonzero(rng.random(len(faces)) >= drop)
    rng.shuffle(kept)
    boxes = faces.boxes[kept]
    boxes = boxes + (rng.normal(size=boxes.shape) * jitter * (boxes[:, 3:] - boxes[:, 1:2])).astype(np.float32)
    points = faces.points[kept]
    if rng.random() < false:
        side = size[1] * rng.uniform(0.1, 0.2)
        corner = rng.uniform(0, np.array(size) - side)
        boxes = np.concatenate([boxes, [[*corner, *(corner + side)]]]).astype(np.float32)
        points = np.concatenate([points, np.full((1, 5, 2), np.nan, np.float32)])
    return Faces(boxes, np.full(len(boxes), 0.9), points)
