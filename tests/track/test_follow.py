"""The whole of following: numbers, smoothing, labels, and frames between detections."""

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest

from mien.errors import UsageError
from mien.labels import EMOTIONS
from mien.testing import FakeDetector, FakeRecogniser, make_result, planted_picture, planted_results
from mien.track.follow import Follower
from mien.track.options import TrackOptions
from mien.types import Emotions, Faces, Frame, Result

BLANK = np.zeros((360, 640, 3), np.uint8)
STEP = [[(0, "neutral"), (2, "happy")]]


def smoothed(results: list[Result], **options) -> list[Result]:
    follower = Follower(TrackOptions(**options))
    return [follower.smooth(result) for result in results]


def labels(results: list[Result], face: int = 0) -> list[str]:
    return [result.emotions.top[face] for result in results]


def flips(names: list[str]) -> int:
    return sum(a != b for a, b in itertools.pairwise(names))


@pytest.mark.parametrize("fps", [25, 30, 60])
@pytest.mark.parametrize("confidence", [0.6, 0.75, 0.9])
def test_an_onset_shows_within_200_ms(fps, confidence):
    for seed in range(5):
        results = smoothed(planted_results(STEP, seconds=3, fps=fps, confidence=confidence, noise=0.4, seed=seed))
        names = labels(results)
        assert results[names.index("happy")].time - 2 <= 0.2
        assert flips(names) == 1


def test_flicker_is_gone():
    planted = planted_results([[(0, "neutral"), (4, "happy")]], seconds=8, noise=0.8, confidence=0.5, flicker=0.05, seed=1)
    raw = flips(labels(planted))
    assert raw > 20
    assert flips(labels(smoothed(planted))) <= 0.3 * raw


@pytest.mark.shared_data
def test_labels_flip_70_percent_less_on_an_expressive_face(shared_data):
    av = pytest.importorskip("av")
    import mien

    analyzer, frames = mien.Analyzer(model="tiny", threads=1), []  # the one that flickers most
    with av.open(str(shared_data / "media" / "pyfeat_WolfgangLanger_Pexels.mp4")) as container:
        stream = container.streams.video[0]
        for i, picture in enumerate(container.decode(stream)):
            if 130 <= i < 260:  # the part in which the plain label flickers
                frames.append(Frame(picture.to_ndarray(format="rgb24"), i, float(picture.pts * stream.time_base), "clip", stream=True))
    follower = Follower()
    plain = [replace(r, faces=follower.track(f, r.faces)) for f, r in zip(frames, analyzer.frames(frames), strict=True)]
    assert {i for result in plain for i in result.faces.ids.tolist()} == {0}
    assert flips(labels(plain)) >= 10
    assert flips(labels([follower.smooth(result) for result in plain])) <= 0.3 * flips(labels(plain))


def test_raw_stays_and_only_the_values_are_smoothed():
    planted = planted_results(STEP, noise=0.5)
    doubted = [replace(r, emotions=replace(r.emotions, unsure=np.array([i % 2 == 0]), reasons=(("blur",) * (i % 2 == 0),)))
               for i, r in enumerate(planted)]  # fmt: skip
    for before, after in zip(doubted, smoothed(doubted), strict=True):
        assert after.raw is before.emotions
        assert after.emotions.unsure.tolist() == before.emotions.unsure.tolist()
        assert after.emotions.reasons == before.emotions.reasons
        assert after.emotions.held is not None
        assert after.emotions.probs.sum() == pytest.approx(1, abs=1e-5)
    rough = np.abs(np.diff([r.raw.probs[0] for r in smoothed(planted)], axis=0)).mean()
    even = np.abs(np.diff([r.emotions.probs[0] for r in smoothed(planted)], axis=0)).mean()
    assert even < rough / 2
    affect = np.array([r.emotions.affect[0] for r in smoothed(planted)])
    assert np.abs(np.diff(affect, axis=0)).mean() < np.abs(np.diff([r.raw.affect[0] for r in smoothed(planted)], axis=0)).mean() / 2


def with_doubt(results: list[Result], from_s: float, to_s: float) -> list[Result]:
    """The results with every face unsure, from one time to before another."""
    return [replace(r, emotions=replace(r.emotions, unsure=np.full(len(r), from_s <= r.time < to_s))) for r in results]


@pytest.mark.parametrize("kind", ["euro", "ema"])
def test_sure_faces_come_from_sure_faces_alone(kind):
    """Neutral, then 1.2 s in which an unsure face shows disgust, then neutral again: the first sure frame after it is neutral as before."""
    planted = planted_results([[(0, "neutral"), (2, "disgust"), (3.2, "neutral")]], seconds=4.2, confidence=0.95)
    results = smoothed(with_doubt(planted, 2, 3.2), smooth=kind)
    sure = [r for r in results if not r.emotions.unsure.any()]
    assert set(labels(sure)) == {"neutral"}
    assert np.stack([r.emotions.probs[0] for r in sure]) == pytest.approx(np.stack([r.raw.probs[0] for r in sure]), abs=1e-5)
    assert np.stack([r.emotions.affect[0] for r in sure]) == pytest.approx(np.stack([r.raw.affect[0] for r in sure]), abs=1e-5)
    assert "disgust" in labels([r for r in results if r.emotions.unsure.any()])  # what is unsure is shown all the same, as calmly as ever


def test_what_unsure_faces_show_changes_no_sure_one():
    """Of noisy results: values, labels, and so episodes and means over sure faces, are those of a film whose unsure frames show others."""
    planted = planted_results([[(0, "neutral"), (2, "happy")]], noise=0.8, confidence=0.5, flicker=0.1, seed=4)
    rng = np.random.default_rng(0)
    doubted = [replace(r, emotions=replace(r.emotions, unsure=rng.random(1) < 0.4)) for r in planted]
    others = [replace(r, emotions=replace(r.emotions, probs=np.roll(r.emotions.probs, 3, axis=1), affect=-r.emotions.affect))
              if r.emotions.unsure.any() else r for r in doubted]  # fmt: skip
    one, other = ([r for r in smoothed(rows) if not r.emotions.unsure.any()] for rows in (doubted, others))
    assert [r.emotions.probs.tolist() for r in one] == [r.emotions.probs.tolist() for r in other]
    assert [r.emotions.affect.tolist() for r in one] == [r.emotions.affect.tolist() for r in other]
    assert labels(one) == labels(other)


def test_who_is_always_unsure_is_shown_as_who_never_is():
    planted = planted_results(STEP, noise=0.5, flicker=0.05)
    sure, unsure = smoothed(planted), smoothed(with_doubt(planted, 0, np.inf))
    assert [r.emotions.probs.tolist() for r in sure] == [r.emotions.probs.tolist() for r in unsure]
    assert labels(sure) == labels(unsure)


def test_people_are_not_mixed():
    """What somebody shows does not depend on who else is there."""
    two = [[(0, "happy"), (2, "sad")], [(0, ""), (0.5, "fear"), (1.5, "anger")]]
    both, alone = (smoothed(planted_results(people, noise=0.3)) for people in (two, two[:1]))
    assert len(both[20]) == 2
    for one, many in zip(alone, both, strict=True):
        assert one.emotions.probs[0].tolist() == many.emotions.probs[0].tolist()


def test_without_smoothing_each_frame_stands_alone():
    """Where labels are held, some are not the most probable ones; without smoothing all are."""
    planted = planted_results(STEP, noise=0.8, confidence=0.5, flicker=0.05, seed=1)
    most_probable = [EMOTIONS[int(np.argmax(result.emotions.probs[0]))] for result in planted]
    alone = smoothed(planted, smooth="none")
    assert labels(alone) == most_probable
    assert all(after is before for before, after in zip(planted, alone, strict=True))
    assert not TrackOptions(smooth="none").smooths


def test_labels_can_be_held_without_smoothing():
    planted = planted_results(STEP, noise=0.8, confidence=0.5, flicker=0.05, seed=1)
    held = smoothed(planted, smooth="ema", smooth_seconds=0)
    np.testing.assert_allclose([r.emotions.probs[0] for r in held], [r.emotions.probs[0] for r in planted], atol=1e-6)
    assert flips(labels(held)) < flips(labels(planted)) / 2


def test_models_without_valence_and_missing_numbers():
    probs = np.full((1, len(EMOTIONS)), np.nan, np.float32)
    base = planted_results(STEP)[:3]
    bare = [replace(r, emotions=Emotions(EMOTIONS, r.emotions.probs)) for r in base[:2]]
    out = smoothed([*bare, replace(base[2], emotions=Emotions(EMOTIONS, probs))])
    assert all(r.emotions.affect is None for r in out)
    assert out[-1].emotions.top == ["neutral"]
    assert np.isnan(out[-1].emotions.probs).all()


def test_pictures_pass_unchanged():
    follower, result = Follower(), make_result(["happy"])
    assert follower.smooth(result) is result
    frame, faces = Frame(BLANK), result.faces
    assert follower.due(frame)
    assert follower.track(frame, faces) is faces


def test_following_can_be_off():
    follower = Follower(TrackOptions(follow=False))
    frame, result = Frame(BLANK, stream=True), make_result(["happy"])
    assert follower.track(frame, result.faces) is result.faces
    assert follower.smooth(result) is result
    for broken in ({"detect_every": 2}, {"baseline": (0, 1)}):
        with pytest.raises(UsageError, match="follow=True"):
            TrackOptions(follow=False, **broken)


def test_every_nth_frame_is_searched():
    follower = Follower(TrackOptions(detect_every=3))
    frames = [Frame(BLANK, 2 * i, i / 25, source, stream=True) for source in ("a", "b") for i in range(8)]
    assert [follower.due(frame) for frame in frames] == [True, False, False, True, False, False, True, False] * 2
    assert [Follower().due(frame) for frame in frames] == [True] * 16
    assert follower.due(Frame(BLANK))


def moving(n: int, source: str = "clip") -> list[Frame]:
    return [Frame(planted_picture([((40 + 4 * i, 60, 100 + 4 * i, 120), "happy")])[0], i, i / 25, source, stream=True) for i in range(n)]


@pytest.mark.parametrize("ahead", [1, 8])
def test_frames_between_detections_are_read_where_the_face_has_gone(ahead):
    """The face walks 4 px a frame; it is looked for in every fourth. The stages may run ahead of each other."""
    import mien

    frames, options = moving(32), TrackOptions(detect_every=4)
    follower, analyzer = Follower(options), mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
    out = []
    for start in range(0, len(frames), ahead):
        part = frames[start : start + ahead]
        tracked = [follower.track(frame, FakeDetector()(frame.image) if follower.due(frame) else None) for frame in part]
        for frame, faces in zip(part, tracked, strict=True):
            read = replace(analyzer.frames([frame])[0], faces=faces)
            out.append(follower.smooth(read))
    assert all(result.faces.ids.tolist() == [0] for result in out)
    for i, result in enumerate(out[8:], 8):
        assert result.faces.boxes[0] == pytest.approx([40 + 4 * i, 60, 100 + 4 * i, 120], abs=3)


def test_another_source_or_the_same_again_begins_anew():
    follower = Follower()
    for source in ("a", "b", "b"):
        for frame in moving(3, source):
            faces = follower.track(frame, FakeDetector()(frame.image))
            assert faces.ids.tolist() == [0]
    first, second = planted_results([[(0, "happy")]], source="a"), planted_results([[(0, "sad")]], source="b")
    out = [follower.smooth(result) for result in (*first, *second, *first)]
    for k in (0, len(first), 2 * len(first)):
        assert out[k].emotions.probs.tolist() == out[k].raw.probs.tolist()
        assert out[k].emotions.top == out[k].raw.top


def test_memory_is_flat_over_hours():
    """Somebody new comes every 15 s: no more is kept in the second half of an hour than in the first quarter."""
    follower, sizes = Follower(), []
    for i in range(1200):
        x = (i // 5 * 97) % 560
        frame = Frame(BLANK, i, i * 1.0 + 10 * (i // 5), "camera", stream=True)
        faces = follower.track(frame, Faces.without_points([[x, 50, x + 60, 120]], [0.9]))
        emotions = Emotions(EMOTIONS, np.full((1, len(EMOTIONS)), 1 / len(EMOTIONS)))
        follower.smooth(Result("camera", i, frame.time, (640, 360), faces, emotions))
        if i % 7 == 0:
            sizes.append(len(pickle.dumps(follower)))
    assert faces.ids[0] == 239
    assert max(sizes[86:]) <= 1.05 * max(sizes[:43])


@pytest.mark.parametrize("broken", [{"smooth": "kalman"}, {"smooth_speed": -1}, {"hold_seconds": float("nan")}, {"baseline": (3, 2)}])
def test_options_that_make_no_sense(broken):
    with pytest.raises(UsageError):
        TrackOptions(**broken)
