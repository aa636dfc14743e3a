"""Who is who: made scenes in which real faces move, cross and hide, and the rules of the numbers."""

import cv2
import numpy as np
import pytest

from mien.testing import Cutout, make_scene, noisy
from mien.track.assign import assign
from mien.track.tracker import Tracker
from mien.types import Faces
from mien.vision.boxes import overlap
from tests.track.scores import TrackScore, score_tracks

BLANK = np.zeros((360, 640, 3), np.uint8)
FAULTS = {"drop": 0.1, "jitter": 0.04, "false": 0.05}


def faces_at(*corners: tuple[float, float], side: float = 60.0) -> Faces:
    boxes = np.array([[x, y, x + side, y + side] for x, y in corners], np.float32).reshape(-1, 4)
    return Faces.without_points(boxes, np.full(len(boxes), 0.9))


class OverlapOnly:
    """What a tracker is without motion and looks: the box that overlaps most, kept for the same two seconds."""

    def __init__(self) -> None:
        self.boxes, self.seen, self.next = {}, {}, 0

    def update(self, image: object, time: float, faces: Faces) -> Faces:
        known = [i for i in self.boxes if time - self.seen[i] <= 2]
        ids = np.full(len(faces), -1)
        if known:
            shared = overlap(np.stack([self.boxes[i] for i in known]), faces.boxes)
            for row, column in zip(*assign(-shared), strict=True):
                if shared[row, column] > 0.3:
                    ids[column] = known[row]
        for j in np.flatnonzero(ids < 0):
            ids[j], self.next = self.next, self.next + 1
        for i, box in zip(ids.tolist(), faces.boxes, strict=True):
            self.boxes[i], self.seen[i] = box, time
        return Faces(faces.boxes, faces.scores, faces.points, ids)


def played(kind: str, heads, tracker, *, faults=None, **scene) -> TrackScore:
    made = make_scene(kind, heads, **scene)
    rng = np.random.default_rng(scene.get("seed", 0))

    def pairs():
        for frame, true in made:
            yield true, tracker.update(frame.image, frame.time, noisy(true, rng, size=made.size, **(faults or {})))

    return score_tracks(pairs())


@pytest.mark.parametrize(("kind", "people"), [("crossing", 4), ("board", 3), ("meeting", 2), ("meeting", 3), ("leaving", 4), ("crowd", 5)])
def test_everybody_keeps_the_number(heads, kind, people):
    score = played(kind, heads[:people], Tracker(), uneven=0.5, size=(400, 225), fps=15, seed=1)
    assert (score.idf1, score.switches, score.numbers) == (1.0, 0, people)
    assert score.faces > 100


def test_eight_people_and_a_bad_detector(heads):
    score = played("crowd", heads, Tracker(), faults=FAULTS, size=(400, 225), fps=15, seed=2)
    plain = played("crowd", heads, OverlapOnly(), faults=FAULTS, size=(400, 225), fps=15, seed=2)
    assert score.idf1 > 0.85  # no tracker can have more than .95: a tenth of the faces is not found
    assert score.switches <= 4
    assert plain.idf1 < 0.75
    assert plain.switches > 4 * max(1, score.switches)


def test_two_people_who_cross_and_a_bad_detector(heads):
    score = played("crossing", heads[:2], Tracker(), faults=FAULTS, size=(400, 225), fps=15)
    assert score.switches == 0
    assert score.idf1 > 0.9


def test_every_face_has_a_number_at_once():
    got = Tracker().update(BLANK, 0.0, faces_at((10, 10), (200, 10), (400, 10)))
    assert got.ids is not None
    assert got.ids.tolist() == [0, 1, 2]
    assert Tracker().update(BLANK, 0.0, Faces.none()).ids is not None


def test_the_order_of_the_detector_does_not_matter(heads):
    made = make_scene("crowd", heads[:4], size=(400, 225), fps=15, seconds=2)
    rng, tracker, numbers = np.random.default_rng(0), Tracker(), {}
    for frame, true in made:
        order = rng.permutation(len(true))
        got = tracker.update(frame.image, frame.time, true[order])
        assert got.boxes.tolist() == true.boxes[order].tolist()
        for person, number in zip(true.ids[order].tolist(), got.ids.tolist(), strict=True):
            assert numbers.setdefault(person, number) == number


def test_a_number_is_never_given_twice():
    tracker, given = Tracker(forget_seconds=1.0), []
    for i in range(120):
        faces = Faces.none() if i % 4 else faces_at((10 + 4 * i, 10))
        given += tracker.update(BLANK, i * 0.5, faces).ids.tolist()
    assert given == list(range(30))


@pytest.mark.parametrize("step", [2.5, 5.0, 20.0])
def test_who_stays_keeps_the_number_however_rare_the_frames(heads, step):
    """Samples further apart than `forget_seconds`, and one in which the face is not found."""
    tracker = Tracker(forget_seconds=2.0)
    made = make_scene("crowd", heads[:2], size=(480, 270), fps=10, seconds=0.2)
    frame, true = made.frame(0), made.truth(0)
    for i in range(8):
        faces = tracker.update(frame.image, i * step, true if i != 4 else Faces.none())
        assert faces.ids.tolist() == ([0, 1] if i != 4 else [])


def test_a_single_long_pause_is_an_absence():
    tracker = Tracker(forget_seconds=2.0)
    times = [0, 0.5, 1, 1.5, 2, 12, 12.5]
    assert [tracker.update(BLANK, time, faces_at((100, 100))).ids.tolist() for time in times] == [[0]] * 5 + [[1]] * 2


@pytest.mark.parametrize(("gap", "number"), [(1.5, 0), (2.5, 1)])
def test_out_of_sight_for_a_while_and_forgotten_after(gap, number):
    tracker = Tracker(forget_seconds=2.0)
    for time in (0.0, 0.1, 0.2):
        tracker.update(BLANK, time, faces_at((100, 100)))
    tracker.update(BLANK, 0.3, Faces.none())
    assert tracker.update(BLANK, 0.2 + gap, faces_at((105, 100))).ids.tolist() == [number]


@pytest.mark.parametrize(("seconds", "known"), [(0.0, False), (5.0, False), (60.0, True)])
def test_who_comes_back_is_known_by_looks_only_if_asked(heads, seconds, known):
    tracker = Tracker(forget_seconds=1.0, reentry_seconds=seconds)
    made = make_scene("leaving", heads[:3], size=(480, 270), fps=10, seconds=0.5)
    first = [tracker.update(frame.image, frame.time, true).ids.tolist() for frame, true in made]
    assert first[-1] == [0, 1, 2]
    again = make_scene("leaving", heads[:3], size=(480, 270), fps=10, seconds=0.5, seed=5)
    frame, true = again.frame(2), again.truth(2)
    got = tracker.update(frame.image, 10.0, true).ids.tolist()
    assert got == ([0, 1, 2] if known else [3, 4, 5])
    if known:
        stranger = make_scene("leaving", heads[5:6], size=(480, 270), fps=10, seconds=0.5, seed=5)
        assert tracker.update(stranger.frame(0).image, 20.0, stranger.truth(0)).ids.tolist() == [3]


def test_memory_stays_flat_while_people_come_and_go(heads):
    tracker = Tracker(forget_seconds=1.0, reentry_seconds=1e9)
    for i in range(200):
        tracker.update(BLANK, i * 1.5, faces_at(((i * 37) % 500, 50), ((i * 53) % 500, 250)))
        assert len(tracker._people) <= 4
    assert len(tracker._left) <= 64


def test_the_same_frames_give_the_same_numbers(heads):
    def run() -> list[list[int]]:
        made, rng, tracker = make_scene("crowd", heads[:4], size=(400, 225), fps=15, seconds=2), np.random.default_rng(0), Tracker()
        return [tracker.update(f.image, f.time, noisy(t, rng, size=made.size, **FAULTS)).ids.tolist() for f, t in made]

    assert run() == run()


def test_between_detections_faces_move_on():
    """A steady walk: boxes and landmarks of frames that were not searched lie where the walk has them."""
    tracker, points = Tracker(), np.arange(10, dtype=np.float32).reshape(1, 5, 2)
    for i in range(40):
        x = 20 + 4.0 * i
        true = Faces(np.array([[x, 100, x + 60, 170]]), [0.5 + i / 100], points + [x, 100])
        if i % 4 == 0:
            got = tracker.update(BLANK, i / 25, true)
        else:
            got = tracker.predict(BLANK, i / 25)
            assert got.scores == pytest.approx([0.5 + (i - i % 4) / 100])  # of the last detection, so that a doubtful one stays so
        assert got.ids.tolist() == [0]
        if i > 12:
            assert got.boxes == pytest.approx(true.boxes, abs=4)
            assert got.points - got.boxes[:, None, :2] == pytest.approx(true.points - true.boxes[:, None, :2], abs=1e-3)


def test_between_detections_only_who_was_found_last_in_that_order():
    tracker = Tracker()
    tracker.update(BLANK, 0.0, faces_at((10, 10), (300, 200), (500, 20)))
    assert tracker.predict(BLANK, 0.04).ids.tolist() == [0, 1, 2]
    tracker.update(BLANK, 0.08, faces_at((500, 20), (10, 10)))
    assert tracker.predict(BLANK, 0.12).ids.tolist() == [2, 0]
    tracker.update(BLANK, 0.16, Faces.none())
    empty = tracker.predict(BLANK, 0.2)
    assert (len(empty), empty.ids.tolist()) == (0, [])


def test_who_has_walked_out_is_not_predicted():
    tracker = Tracker()
    for i in range(10):
        tracker.update(BLANK, i / 10, faces_at((440 + 14 * i, 100)))
    assert len(tracker.predict(BLANK, 0.95)) == 1
    assert len(tracker.predict(BLANK, 1.7)) == 0


def test_what_it_was_given_stays_as_it_was():
    tracker, faces = Tracker(), faces_at((10, 10), (200, 10))
    before = faces.boxes.copy()
    tracker.update(BLANK, 0.0, faces)
    tracker.update(BLANK, 0.1, faces_at((14, 10), (204, 10)))
    assert faces.boxes.tolist() == before.tolist()


def test_boxes_outside_the_picture_and_without_size():
    tracker = Tracker()
    odd = Faces.without_points([[-50, -50, -10, -10], [700, 10, 760, 70], [100, 100, 100, 100], [630, 350, 690, 410]], [0.9] * 4)
    for i in range(5):
        assert tracker.update(BLANK, i / 10, odd).ids.tolist() == [0, 1, 2, 3]


def test_grey_and_tiny_pictures(heads):
    tracker = Tracker()
    assert tracker.update(np.zeros((2, 2, 3), np.uint8), 0.0, faces_at((0, 0), side=2)).ids.tolist() == [0]


def shot(head: Cutout, seed: int, *, corner: tuple[int, int] = (200, 100), dim: float = 1.0) -> tuple[np.ndarray, Faces]:
    """A frame of 640 x 360 with one head before something that differs from shot to shot, and where its face is."""
    colours = np.random.default_rng(seed).integers(20, 235, (5, 8, 3)).astype(np.uint8)
    image = cv2.resize(colours, (640, 360), interpolation=cv2.INTER_LINEAR)
    x, y = corner
    high, wide = head.image.shape[:2]
    image[y : y + high, x : x + wide] = head.image[..., :3]
    box = head.box + np.array([x, y, x, y])
    return (image * dim).astype(np.uint8), Faces.without_points([box], [0.9])


def small(head: Cutout) -> Cutout:
    scale = 120 / head.image.shape[0]
    return Cutout(cv2.resize(head.image, None, fx=scale, fy=scale), head.box * scale, head.points * scale)


def numbers(tracker: Tracker, shots) -> list[int]:
    """What the one face of each frame is called, 25 frames a second."""
    return [int(tracker.update(image, i / 25, faces).ids[0]) for i, (image, faces) in enumerate(shots)]


def test_behind_a_cut_another_face_in_the_same_place_is_somebody_else(heads):
    one, other = small(heads[0]), small(heads[3])
    assert numbers(Tracker(), [shot(one, 1)] * 5 + [shot(other, 2)] * 5) == [0] * 5 + [1] * 5
    assert numbers(Tracker(), [shot(one, 1)] * 5 + [shot(other, 2)] * 5 + [shot(one, 1)] * 5) == [0] * 5 + [1] * 5 + [0] * 5  # cut back


def test_behind_a_cut_the_same_person_is_known_elsewhere_in_the_picture(heads):
    one = small(heads[0])
    assert numbers(Tracker(), [shot(one, 1)] * 5 + [shot(one, 2, corner=(400, 200))] * 5) == [0] * 10


def test_light_that_changes_or_fails_is_no_cut(heads):
    one, dark = small(heads[0]), (np.zeros((360, 640, 3), np.uint8), Faces.none())
    tracker = Tracker()
    assert numbers(tracker, [shot(one, 1)] * 3 + [shot(one, 1, dim=0.4)] * 3) == [0] * 6
    tracker.update(dark[0], 6 / 25, dark[1])
    image, faces = shot(small(heads[3]), 1)  # the same place before the same background: nothing tells that it was cut
    assert tracker.update(image, 7 / 25, faces).ids.tolist() == [0]


def test_nobody_is_moved_on_across_a_cut(heads):
    tracker, one = Tracker(), small(heads[0])
    image, faces = shot(one, 1)
    tracker.update(image, 0.0, faces)
    assert len(tracker.predict(image, 0.04)) == 1
    assert len(tracker.predict(shot(one, 2)[0], 0.08)) == 0
    assert tracker.update(*[shot(one, 2)[0], 0.12, shot(one, 2)[1]]).ids.tolist() == [0]
