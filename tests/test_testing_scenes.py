"""Made scenes and planted runs: what they say is what they show."""

import numpy as np
import pytest

from mien.errors import UnknownName, UsageError
from mien.labels import EMOTIONS
from mien.testing import SCENES, Cutout, cut_out, make_scene, noisy, planted_results, planted_timeline
from mien.types import Faces

COLOURS = [(230, 30, 30), (30, 230, 30), (30, 30, 230)]


def head_of(colour: tuple[int, int, int]) -> Cutout:
    """A head of one colour, 60 px high, with a face of 30 px in the middle."""
    points = np.array([[24, 24], [36, 24], [30, 30], [25, 38], [35, 38]], np.float32)
    return Cutout(np.full((60, 60, 3), colour, np.uint8), np.array([15, 15, 45, 45], np.float32), points)


HEADS = [head_of(colour) for colour in COLOURS]


def who_is_at(image: np.ndarray, x: float, y: float) -> int:
    """Whose colour a pixel has, whatever the light."""
    pixel = image[int(y), int(x)].astype(float)
    return int(np.argmin([np.abs(pixel / pixel.sum() - np.array(c) / sum(c)).sum() for c in COLOURS]))


@pytest.mark.parametrize("kind", SCENES)
def test_the_truth_lies_where_the_faces_are(kind):
    scene = make_scene(kind, HEADS, seconds=5, fps=8, size=(320, 180), seed=3)
    seen = 0
    for frame, true in scene:
        for person, box, share, points in zip(true.ids, true.boxes, true.scores, true.points, strict=True):
            if share == 1:
                assert who_is_at(frame.image, *((box[:2] + box[2:]) / 2)) == person
                assert ((points >= box[:2]) & (points <= box[2:])).all()
                seen += 1
    assert seen > 60
    assert {len(true) for _, true in scene} > {3}  # all are there at times, and not at others


def test_who_is_hidden_is_not_in_the_truth():
    crossing = make_scene("crossing", HEADS[:2], seconds=5, fps=20, size=(320, 180))
    counts = [len(crossing.truth(i)) for i in range(len(crossing))]
    assert counts[0] == counts[-1] == 2
    assert 3 <= counts.count(1) <= 20
    board = make_scene("board", HEADS[:1], seconds=5, fps=20, size=(320, 180))
    hidden = [i for i in range(len(board)) if not len(board.truth(i))]
    assert hidden == list(range(hidden[0], hidden[-1] + 1))
    assert len(hidden) > 10


def test_the_same_seed_gives_the_same_and_frames_come_in_any_order():
    one, two, other = (make_scene("crowd", HEADS, seed=seed, uneven=0.5, fps=5, size=(160, 90)) for seed in (1, 1, 2))
    assert (one.frame(7).image == two.frame(7).image).all()
    assert one.frame(3).time == two.frame(3).time
    assert (one.frame(7).image != other.frame(7).image).any()
    again = one.frame(7)
    assert (again.image == two.frame(7).image).all()
    assert (again.index, again.stream, again.size) == (7, True, (160, 90))
    steps = np.diff(one.times)
    assert (steps > 0).all()
    assert steps.std() > 0.01


def test_heads_at_the_border_of_a_picture_are_cut_out_whole():
    image = np.random.default_rng(0).integers(0, 255, (100, 120, 3)).astype(np.uint8)
    (head,) = cut_out(image, Faces.without_points([[2, 3, 42, 53]], [0.9]))
    assert head.box.tolist() == [16, 25, 56, 75]
    assert (head.image[25:75, 16:56] == image[3:53, 2:42]).all()
    (small,) = cut_out(np.zeros((900, 900, 3), np.uint8), Faces.without_points([[200, 200, 520, 520]], [0.9]))
    assert small.box[3] - small.box[1] == pytest.approx(160)


def test_faults_of_a_detector():
    true = Faces.without_points([[10, 10, 60, 60], [100, 100, 150, 150]], [1, 1])
    rng = np.random.default_rng(0)
    assert sorted(noisy(true, rng, size=(320, 180)).boxes.tolist()) == true.boxes.tolist()
    assert np.mean([len(noisy(true, rng, size=(320, 180), drop=0.25)) for _ in range(400)]) == pytest.approx(1.5, abs=0.12)
    assert np.mean([len(noisy(true, rng, size=(320, 180), false=0.5)) for _ in range(400)]) == pytest.approx(2.5, abs=0.12)
    moved = np.concatenate([np.sort(noisy(true, rng, size=(320, 180), jitter=0.1).boxes, axis=0) - true.boxes for _ in range(400)])
    assert moved.std() == pytest.approx(5, abs=0.5)
    assert noisy(true, rng, size=(320, 180)).ids is None


def test_unknown_scenes_are_named():
    with pytest.raises(UnknownName, match="there are: board, crossing, crowd, leaving, meeting"):
        make_scene("ballroom", HEADS)
    with pytest.raises(UsageError, match="wanted a share"):
        make_scene("crowd", HEADS, uneven=1.5)


def test_expressions_begin_when_planted():
    timeline = planted_timeline([[(0, "neutral"), (1, "happy")], [(0.5, "sad"), (1.5, "")]], seconds=2, fps=10)
    first, second = (timeline.where(timeline["person"] == i) for i in (0, 1))
    assert first["emotion"].tolist() == ["neutral"] * 10 + ["happy"] * 10
    assert second["emotion"].tolist() == ["sad"] * 10
    assert second["time_s"][[0, -1]].tolist() == [0.5, 1.4]
    assert set(first["emotion_p"]) == {0.75}


def test_noise_flicker_and_bias_are_as_large_as_they_say():
    calm, rough, odd, biased = (
        planted_results([[(0, "sad")]], seconds=40, **how) for how in ({}, {"noise": 0.4}, {"flicker": 0.2}, {"bias": [[0.1, -0.2]]})
    )
    assert np.std([r.emotions.probs[0] for r in calm], axis=0).max() < 1e-6
    logs = np.log([r.emotions.probs[0] for r in rough])
    ratio = logs[:, 0] - logs[:, 1]  # of two emotions that are not shown: the sum of the rest drops out
    assert ratio.std() == pytest.approx(0.4 * np.sqrt(2 / (1 - 0.25)), rel=0.1)
    assert np.mean([r.emotions.top != ["sad"] for r in odd]) == pytest.approx(0.2, abs=0.04)
    assert np.subtract(biased[0].emotions.affect, calm[0].emotions.affect) == pytest.approx(np.array([[0.1, -0.2]]), abs=1e-6)
    with pytest.raises(UsageError, match="emotion 'bored' is unknown"):
        planted_results([[(0, "bored")]])
    assert len(EMOTIONS) == calm[0].emotions.probs.shape[1]
