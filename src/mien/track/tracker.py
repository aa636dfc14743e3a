"""Who is who from one frame to the next: motion in seconds, the look of the box, and the best assignment of all together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from mien.track.assign import assign
from mien.track.covers import covers, whole_size
from mien.track.cuts import Cuts
from mien.track.looks import LENGTH, blend, looks, unlike
from mien.track.motion import Array, Motion
from mien.types import Faces, Floats, Image, Ints
from mien.vision.boxes import overlap

# The price of taking a face for a known person is a log likelihood ratio, in nats: that they have moved there, grown or shrunk
# so, and look so, against that somebody new has come. The numbers were set on made scenes (mien.testing.make_scene, 37 heads) with
# clean and faulty detections, where faces come out from behind something by halves.
SLACK = 0.1
"""Standard deviation of a face's place around where it should be, in faces, on top of the filter's."""
TAILS = 2.0
"""Degrees of freedom of Student's t for the place: people start suddenly, cameras jerk."""
GROWTH = 0.25
"""Standard deviation of the logarithm of a face's size against that when it was last seen."""
COLOUR_PRICE, PATTERN_PRICE, LOOK_FREE = 20.0, 3.0, 2.7
MOST_LOOK = 8.0
"""Most that a strange look costs: light changes, hands cover faces."""
NEW = 7.0
"""Price above which a face is rather somebody new."""
LEARN_SECONDS = 0.7
"""Time constant with which a look follows the person's."""
CROWDED = 0.1
"""Overlap (IoU) with another face above which a look is not learned: it may be the other's."""
KNOWN_AGAIN = 1.8
"""Most of the look's price, without LOOK_FREE, at which somebody who left is known again."""
MOST_LEFT = 64
"""People who left and are remembered."""
MISSED, USUAL = 2.5, 5
"""Steps from search to search that somebody may be out of sight, so that one search may miss them; how many steps tell the usual one."""


@dataclass(slots=True, eq=False)
class _People:
    """n people in view or lately so."""

    ids: Ints
    motion: Motion
    boxes: Floats
    """float32 (n, 4): where the detector last saw them."""
    sizes: Array
    """(n, 2): width and height of their whole boxes; larger than those of `boxes` where half a face was seen."""
    scores: Floats
    """float32 (n,): how sure it was then."""
    points: Floats
    """float32 (n, 5, 2): their landmarks then."""
    origin: Array
    """(n, 2): where the filter had them then."""
    looks: Floats
    """float32 (n, LENGTH)"""
    seen: Array
    """(n,): seconds, when that was."""
    rank: Ints
    """(n,): place among the faces of the last frame that was searched; -1 for who was not found there."""

    @classmethod
    def new(cls, ids: Ints, faces: Faces, look: Floats, time: float, rank: Ints) -> _People:
        """People who have just appeared."""
        at = _centres(faces.boxes)
        sizes = _widths(faces.boxes)
        return cls(ids, Motion.start(at), faces.boxes, sizes, faces.scores, faces.points, at, look, np.full(len(ids), time), rank)

    def __len__(self) -> int:
        return len(self.ids)

    def pick(self, which: NDArray[np.bool_]) -> _People:
        """Some of them."""
        return _People(
            self.ids[which], self.motion.pick(which), self.boxes[which], self.sizes[which], self.scores[which], self.points[which],
            self.origin[which], self.looks[which], self.seen[which], self.rank[which],
        )  # fmt: skip

    def join(self, other: _People) -> _People:
        """These and others."""
        return _People(
            np.concatenate([self.ids, other.ids]), self.motion.join(other.motion), np.concatenate([self.boxes, other.boxes]),
            np.concatenate([self.sizes, other.sizes]), np.concatenate([self.scores, other.scores]),
            np.concatenate([self.points, other.points]), np.concatenate([self.origin, other.origin]),
            np.concatenate([self.looks, other.looks]), np.concatenate([self.seen, other.seen]), np.concatenate([self.rank, other.rank]),
        )  # fmt: skip


class Tracker:
    """Gives the people of one source numbers from 0, in the order they appear; no number is given twice.

    forget_seconds: how long somebody out of sight keeps the number; where frames come so rarely that it is less, as long as MISSED of
    the usual steps from one search to the next. reentry_seconds: how long somebody who is out of sight for longer, or left, is known
    again by looks; 0 never. After a cut in a film everybody is told by looks alone, as after an absence:
    who stands in somebody's place there is not them for that. Memory is bounded by who was in view in that time. The same faces
    and pictures give the same numbers.
    """

    def __init__(self, *, forget_seconds: float = 2.0, reentry_seconds: float = 0.0) -> None:
        self.forget_seconds, self.reentry_seconds = forget_seconds, reentry_seconds
        self._people = _nobody()
        self._cuts = Cuts()
        self._left: dict[int, tuple[float, Floats]] = {}
        self._time = 0.0
        self._searched = np.nan
        self._steps: deque[float] = deque(maxlen=USUAL)
        self._forget = forget_seconds
        self._next = 0

    def update(self, image: Image, time: float, faces: Faces) -> Faces:
        """The faces found in a frame, in their order, with their numbers as `ids`.

        image: uint8 (H, W, 3) RGB. time: seconds, not before that of the last call.
        """
        if self._searched < time:
            self._steps.append(time - self._searched)
            self._forget = max(self.forget_seconds, MISSED * median(self._steps))
        self._searched = time
        people = self._moved(image, time)
        look = looks(image, faces.boxes)
        ids = np.full(len(faces), -1, np.int64)
        cost = _cost(people, faces.boxes, look)
        known, found = assign(np.minimum(cost, NEW))
        sure = cost[known, found] < NEW
        known, found = known[sure], found[sure]
        ids[found] = people.ids[known]
        self._see(known, found, faces, look, time)
        people.rank[:] = -1
        people.rank[known] = found
        fresh = np.flatnonzero(ids < 0)
        if len(fresh):
            ids[fresh] = self._numbers(look[fresh])
            self._people = people.join(_People.new(ids[fresh], faces[fresh], look[fresh], time, fresh))
        return Faces(faces.boxes, faces.scores, faces.points, ids)

    def predict(self, image: Image, time: float) -> Faces:
        """Where the faces of the last frame that was searched should be by now, in the same order, with the scores of then.

        Who has left the picture by then is left out.
        """
        people = self._moved(image, time)
        shown = np.flatnonzero(people.rank >= 0)
        shown = shown[np.argsort(people.rank[shown], kind="stable")]
        shift = (people.motion.at - people.origin)[shown].astype(np.float32)
        boxes = people.boxes[shown] + np.tile(shift, 2)
        middle = _centres(boxes)
        inside = np.asarray(((middle >= 0) & (middle < [image.shape[1], image.shape[0]])).all(axis=1))
        points = people.points[shown] + shift[:, None]
        return Faces(boxes, people.scores[shown], points, people.ids[shown])[inside]

    def covers(self) -> Floats:
        """Boxes that hold the heads of all who are followed, float32 (n, 4), at the time of the last call: of the faces of the last frame
        that was searched first, in their order, then of those who were not found there.
        """
        people = self._people
        shift = people.motion.at - people.origin
        boxes = covers(people.boxes, people.sizes, shift, self._time - people.seen)
        return boxes[np.argsort(np.where(people.rank < 0, len(people), people.rank), kind="stable")]

    def _moved(self, image: Image, time: float) -> _People:
        """The people at a time, without those to be forgotten; nobody behind a cut."""
        if self._cuts.before(image):
            self._remember(self._people, np.ones(len(self._people), np.bool_))
            self._people = _nobody()
        people = self._people
        people.motion.move(time - self._time)
        self._time = max(time, self._time)
        # Who walked out of the picture waits at its edge.
        size = np.array([image.shape[1], image.shape[0]], np.float64)
        outside = ((people.motion.at < 0) | (people.motion.at > size)) & (people.rank < 0)[:, None]
        people.motion.at = np.where(outside, np.clip(people.motion.at, 0, size), people.motion.at)
        people.motion.speed[outside] = 0.0
        stay = time - people.seen <= self._forget
        if not stay.all():
            if self.reentry_seconds:
                self._remember(people, ~stay)
            self._people = people = people.pick(stay)
        return people

    def _see(self, known: Ints, found: Ints, faces: Faces, look: Floats, time: float) -> None:
        people = self._people
        people.motion.see(known, _centres(faces.boxes[found]))
        people.boxes[known], people.points[known], people.scores[known] = faces.boxes[found], faces.points[found], faces.scores[found]
        people.origin[known] = people.motion.at[known]
        people.sizes[known] = whole_size(people.sizes[known], _widths(faces.boxes[found]), time - people.seen[known])
        shared = overlap(faces.boxes, faces.boxes)
        np.fill_diagonal(shared, 0)
        clear = shared.max(axis=1, initial=0)[found] < CROWDED
        share = -np.expm1(-(time - people.seen[known]) / LEARN_SECONDS)
        people.looks[known[clear]] = blend(people.looks[known[clear]], look[found[clear]], share[clear].astype(np.float32))
        people.seen[known] = time

    def _numbers(self, look: Floats) -> Ints:
        """Numbers of people who were not in view: their own where they are known again, else new ones."""
        ids = np.full(len(look), -1, np.int64)
        known = max(self.reentry_seconds, self._forget)
        self._left = {i: kept for i, kept in self._left.items() if self._time - kept[0] <= known}
        if self._left:
            left = list(self._left)
            price = _look_price(np.stack([kept for _, kept in self._left.values()]), look)
            price = np.nan_to_num(price, nan=np.inf)
            rows, columns = assign(np.minimum(price, KNOWN_AGAIN))
            for row, column in zip(rows, columns, strict=True):
                if price[row, column] < KNOWN_AGAIN:
                    ids[column] = left[row]
                    del self._left[left[row]]
        for i in np.flatnonzero(ids < 0):
            ids[i] = self._next
            self._next += 1
        return ids

    def _remember(self, people: _People, gone: NDArray[np.bool_]) -> None:
        for i in np.flatnonzero(gone):
            self._left[int(people.ids[i])] = (float(people.seen[i]), people.looks[i].copy())
        while len(self._left) > MOST_LEFT:
            del self._left[next(iter(self._left))]


def _nobody() -> _People:
    none = np.zeros(0, np.int64)
    return _People.new(none, Faces.none(), np.zeros((0, LENGTH), np.float32), 0.0, none)


def _cost(people: _People, boxes: Floats, look: Floats) -> Array:
    """Price of each face for each person, float64 (n, m)."""
    if not len(people) or not len(boxes):
        return np.zeros((len(people), len(boxes)))
    then, now = _sides(people.boxes)[:, None], _sides(boxes)[None]
    apart = np.square(people.motion.at[:, None] - _centres(boxes)[None]).sum(axis=2) / (then * now)
    spread = people.motion.spread[:, :1] + SLACK**2
    place = (TAILS + 2) / 2 * np.log1p(apart / (TAILS * spread)) + np.log(spread)
    size = np.minimum((np.log(now / then) / GROWTH) ** 2 / 2, MOST_LOOK)
    return np.asarray(place + size + np.nan_to_num(_look_price(people.looks, look) - LOOK_FREE, nan=0.0), np.float64)


def _look_price(a: Floats, b: Floats) -> Array:
    colours, pattern = unlike(a, b)
    return np.asarray(np.minimum(COLOUR_PRICE * colours + PATTERN_PRICE * pattern, MOST_LOOK), np.float64)


def _centres(boxes: Floats) -> Array:
    return (boxes[:, :2].astype(np.float64) + boxes[:, 2:]) / 2


def _widths(boxes: Floats) -> Array:
    """Width and height, float64 (n, 2): at least 1 px."""
    return np.asarray(np.maximum(boxes[:, 2:].astype(np.float64) - boxes[:, :2], 1.0))


def _sides(boxes: Floats) -> Array:
    """Mean sides, float64 (n,): square roots of the areas, at least 1 px."""
    return np.asarray(np.sqrt(np.prod(_widths(boxes), axis=1)))
