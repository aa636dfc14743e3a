"""Single rules of the tracker, each where it alone decides."""

import cv2
import numpy as np
import pytest

from mien.track import tracker as module
from mien.track.tracker import Tracker
from mien.types import Faces, Image

SIDE = 60
BLANK: Image = np.zeros((360, 640, 3), np.uint8)


def faces_at(*corners: tuple[float, float], side: float = SIDE) -> Faces:
    boxes = np.array([[x, y, x + side, y + side] for x, y in corners], np.float32).reshape(-1, 4)
    return Faces.without_points(boxes, np.full(len(boxes), 0.9))


def shot(background: int, *heads: tuple[int, tuple[int, int]]) -> tuple[Image, Faces]:
    """A frame with heads of a look each, (seed, corner of the face), the last in front; behind a cut where the background differs."""
    image = cv2.resize(np.random.default_rng(1000 + background).integers(0, 256, (5, 8, 3)).astype(np.uint8), (640, 360))
    for seed, (x, y) in heads:
        look = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
        image[y - SIDE // 2 : y + SIDE * 3 // 2, x - SIDE // 2 : x + SIDE * 3 // 2] = cv2.resize(look, (2 * SIDE, 2 * SIDE))
    return image, faces_at(*(corner for _, corner in heads))


def test_who_walked_out_stands_at_the_edge_until_found_there():
    """Nobody knows where they went: the walk goes on neither behind the edge nor, once they are back, in front of it."""
    tracker = Tracker()
    for i in range(12):
        tracker.update(BLANK, i / 25, faces_at((360 + 22 * i, 100)))  # nine faces a second
    for i in range(12, 25):
        assert len(tracker.update(BLANK, i / 25, Faces.none())) == 0
    back = faces_at((606, 100))
    assert tracker.update(BLANK, 1.0, back).ids.tolist() == [0]
    assert tracker.predict(BLANK, 1.04).boxes == pytest.approx(back.boxes, abs=2)


def test_new_people_stand_in_their_place_among_those_known():
    tracker = Tracker()
    tracker.update(BLANK, 0.0, faces_at((300, 100)))
    found = tracker.update(BLANK, 0.04, faces_at((20, 100), (300, 100), (560, 100)))
    assert found.ids.tolist() == [1, 0, 2]
    assert tracker.predict(BLANK, 0.08).ids.tolist() == [1, 0, 2]


def test_a_face_of_a_strange_size_in_the_right_place_is_still_the_person():
    tracker = Tracker()
    for i in range(5):
        tracker.update(BLANK, i / 25, faces_at((280, 160), side=40))
    assert tracker.update(BLANK, 0.2, faces_at((140, 20), side=320)).ids.tolist() == [0]


def test_a_look_is_not_learned_while_another_face_is_in_the_way():
    tracker = Tracker()
    beside = [(200 - 6 * i, 100) for i in range(16)]
    for i, place in enumerate([*beside, *[beside[-1]] * 40]):  # the other comes in front, and stays for 1.6 s
        image, faces = shot(0, (1, (100, 100)), (2, place))
        assert tracker.update(image, i / 25, faces).ids.tolist() == [0, 1]
    image, faces = shot(1, (1, (400, 200)))
    assert tracker.update(image, 3.0, faces).ids.tolist() == [0]  # known by the look from before


def test_of_those_who_left_only_the_last_are_remembered(monkeypatch):
    monkeypatch.setattr(module, "MOST_LEFT", 3)
    tracker = Tracker(reentry_seconds=1e9)
    for person in range(5):  # a cut between each and the next
        image, faces = shot(person, (person, (200, 100)))
        assert tracker.update(image, person / 25, faces).ids.tolist() == [person]
    image, faces = shot(5, *((person, (80 + 130 * i, 200)) for i, person in enumerate((0, 2, 3, 4))))
    assert tracker.update(image, 0.2, faces).ids.tolist() == [5, 2, 3, 4]
