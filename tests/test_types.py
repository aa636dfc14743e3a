"""The values that walk through the stages."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mien
from mien import errors
from mien.errors import UnknownName, UsageError
from mien.testing import FakeDetector, FakeRecogniser
from mien.types import Emotions, Faces, Frame, check_image


def some_faces(n: int, *, ids: bool = False) -> Faces:
    boxes = np.arange(n * 4, dtype=np.float64).reshape(n, 4)
    return Faces(boxes, np.linspace(0.9, 0.1, n), np.arange(n * 10).reshape(n, 5, 2), np.arange(n) + 7 if ids else None)


@pytest.mark.parametrize("faces", [Faces.none(), Faces.without_points([], []), some_faces(0)])
def test_no_face_is_length_0(faces):
    assert len(faces) == 0
    assert (faces.boxes.shape, faces.scores.shape, faces.points.shape) == ((0, 4), (0,), (0, 5, 2))


def test_arrays_become_float32():
    faces = some_faces(3)
    assert {faces.boxes.dtype, faces.scores.dtype, faces.points.dtype} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("boxes", "scores", "points", "says"),
    [
        ((2, 5), (2,), (2, 5, 2), r"boxes: found shape \(2, 5\), wanted \(n, 4\)"),
        ((2, 4), (3,), (2, 5, 2), r"scores: found shape \(3,\), wanted \(2\)"),
        ((2, 4), (2,), (2, 6, 2), r"points: found shape \(2, 6, 2\), wanted \(2, 5, 2\)"),
    ],
)
def test_shapes_that_contradict_each_other_are_refused(boxes, scores, points, says):
    with pytest.raises(UsageError, match=says):
        Faces(np.zeros(boxes), np.zeros(scores), np.zeros(points))


def test_ids_go_with_their_faces():
    with pytest.raises(UsageError, match="ids"):
        Faces(np.zeros((2, 4)), np.zeros(2), np.zeros((2, 5, 2)), np.zeros(3, np.int64))
    faces = some_faces(3, ids=True)[[2, 0]]
    assert faces.ids is not None
    assert faces.ids.tolist() == [9, 7]
    assert faces.ids.dtype == np.int64


@given(st.integers(0, 6), st.data())
def test_indexing_takes_the_same_of_everything(n, data):
    faces = some_faces(n, ids=True)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), np.bool_)
    positions = np.flatnonzero(mask)
    for which in (mask, positions, positions.tolist()):
        part = faces[which]
        assert len(part) == mask.sum()
        for name in ("boxes", "scores", "points", "ids"):
            assert getattr(part, name).tolist() == getattr(faces, name)[positions].tolist()
    assert faces[1:].boxes.tolist() == faces.boxes[1:].tolist()


def test_faces_of_a_detector_without_landmarks():
    faces = Faces.without_points([[1, 2, 3, 4]], [0.5])
    assert np.isnan(faces.points).all()
    assert faces.points.shape == (1, 5, 2)


def test_values_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Faces.none().boxes = np.zeros((1, 4))  # type: ignore[misc]


@pytest.mark.parametrize(
    "image",
    [None, [[1]], np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
    ids=["nothing", "list", "two dimensions", "four channels", "floats", "no rows"],
)
def test_what_is_no_image_is_refused(image):
    for take in (check_image, Frame):
        with pytest.raises(UsageError, match=r"wanted a uint8 array of shape .*; mien\.from_array makes one"):
            take(image)


def test_size_is_width_then_height():
    image = np.zeros((3, 5, 3), np.uint8)
    assert check_image(image) is image
    assert Frame(image).size == (5, 3)


def test_emotions_fill_in_what_is_not_given():
    emotions = Emotions(("happy", "sad"), [[0.25, 0.75], [0.5, 0.5]])
    assert emotions.top == ["sad", "happy"]  # ties go to the first
    assert emotions.ranked(0) == [("sad", 0.75), ("happy", 0.25)]
    assert [name for name, _ in emotions.ranked(1)] == ["happy", "sad"]
    assert emotions.unsure.tolist() == [False, False]
    assert emotions.reasons == ((), ())


@pytest.mark.parametrize("given", [list, tuple, np.array])
def test_what_may_be_a_list_becomes_an_array(given):
    emotions = Emotions(("happy", "sad"), [[0.25, 0.75], [0.5, 0.5]], unsure=given([True, False]), held=given([0, 1]))
    assert emotions.held is not None
    assert (emotions.unsure.dtype, emotions.held.dtype) == (np.bool_, np.int64)
    assert emotions.top == ["happy", "sad"]
    assert emotions[[1]].unsure.tolist() == [False]
    assert Faces.without_points([[0, 0, 1, 1]], [1]).ids is None
    assert Faces([[0, 0, 1, 1]], [1], np.zeros((1, 5, 2)), given([3.0])).ids.tolist() == [3]  # type: ignore[union-attr]  # SORT's are floats


def test_emotions_of_nobody():
    emotions = Emotions(("happy", "sad"), np.zeros((0, 2)))
    assert len(emotions) == 0
    assert emotions.top == []
    assert emotions.reasons == ()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"probs": np.zeros((2, 3))}, "probs"),
        ({"probs": np.zeros((2, 2)), "affect": np.zeros((1, 2))}, "affect"),
        ({"probs": np.zeros((2, 2)), "unsure": np.zeros(1, np.bool_)}, "unsure"),
        ({"probs": np.zeros((2, 2)), "reasons": (("blur",),)}, "reasons"),
        ({"probs": np.zeros((2, 2)), "unsure": [True]}, r"unsure: found shape \(1,\), wanted \(2,\)"),
        ({"probs": np.zeros((2, 2)), "unsure": ["no", "yes"]}, r"unsure: found <U3 \['no', 'yes'\], wanted True or False"),
        ({"probs": np.zeros((2, 2)), "held": [0]}, r"held: found shape \(1,\), wanted \(2,\)"),
        ({"probs": np.zeros((2, 2)), "held": [0, 0.5]}, r"held: found float64 \[0\.0, 0\.5\], wanted positions in labels"),
        ({"probs": np.zeros((2, 2)), "held": [0, 2]}, "held: found 0 to 2, wanted positions in labels, 0 to 1"),
        ({"probs": np.zeros((2, 2)), "held": [-1, 0]}, "held: found -1 to 0"),
    ],
)
def test_emotions_that_contradict_themselves_are_refused(fields, says):
    with pytest.raises(UsageError, match=says):
        Emotions(("happy", "sad"), **fields)


def test_errors_are_also_what_python_programmers_expect():
    assert issubclass(UsageError, ValueError)
    assert issubclass(UnknownName, KeyError)
    assert issubclass(errors.ExtraMissing, ImportError)
    assert str(UnknownName("model", "bass", ["big", "base"])) == "unknown model 'bass'; there are: base, big"


PICTURE = np.zeros((480, 640, 3), np.uint8)


def _face_of(ids: list[float]) -> Faces:
    return Faces([[0, 0, 1, 1]], [1], np.zeros((1, 5, 2)), ids)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: mien.VideoSpan(every="x"), "every: found str 'x', wanted a number"),
        (lambda: mien.TrackOptions(smooth_seconds="x"), "smooth_seconds: found str 'x', wanted a number"),
        (lambda: mien.TrackOptions(baseline=3), "baseline: found 3; wanted two numbers of seconds"),
        (lambda: mien.TrackOptions(baseline=("a", "b")), "wanted two numbers of seconds"),
        (lambda: mien.UnsureRules(min_size="x"), "min_size: found str 'x', wanted a number"),
        (lambda: mien.ImageLimits(max_side="x"), "max_side: found str 'x', wanted a number"),
        (lambda: mien.CropSpec(size="a"), "size: found str 'a', wanted a whole number"),
        (lambda: mien.CropSpec(size=48.5), r"size: found float 48\.5, wanted a whole number"),
        (lambda: mien.CropSpec(margin=None), "margin: found NoneType None, wanted a number"),
        (lambda: mien.TrackOptions(detect_every=2.5), r"detect_every: found float 2\.5, wanted a whole number"),
        (lambda: mien.TrackOptions(smooth_seconds=None), "smooth_seconds: found NoneType None, wanted a number"),
        (lambda: mien.VideoSpan(stride=2.5), r"stride: found float 2\.5, wanted a whole number"),
        (lambda: mien.VideoSpan(stride=None), "stride: found NoneType None, wanted a whole number"),
        (lambda: mien.UnsureRules(min_score=None), "min_score: found NoneType None, wanted a number"),
        (lambda: mien.ImageLimits(max_side=None), "max_side: found NoneType None, wanted a number"),
        (lambda: mien.Style(thickness="x"), "thickness: found str 'x', wanted a whole number of pixels, or None"),
        (lambda: mien.Style(language=[]), r"unknown language '\[\]'; there are: en, ru"),
        (lambda: mien.open_live(0, give_up="x"), "give_up: found str 'x', wanted a number of seconds, or None"),
        (lambda: mien.open_live(0, read_seconds=None), "read_seconds: found NoneType None, wanted a number"),
        (lambda: mien.open_live(0, every="x"), "every: found str 'x', wanted a number, or None"),
        (lambda: _face_of([np.nan]), "ids: found nan, wanted whole numbers"),
        (lambda: _face_of([np.inf]), "ids: found inf, wanted whole numbers"),
        (lambda: _face_of([1.5]), r"ids: found 1\.5, wanted whole numbers"),
        (lambda: _face_of([1e30]), r"ids: found 1e\+30, wanted whole numbers"),
        (lambda: _face_of([True]), r"ids: found bool \[True\], wanted whole numbers"),
        (lambda: mien.Emotions(("sad", "sad"), np.full((1, 2), 0.5)), "labels: found sad, sad; wanted names that differ"),
        (lambda: mien.Emotions("ab", [[0.5, 0.5]]), r"labels: found str 'ab', wanted names of emotions, such as \('happy', 'sad'\)"),
        (lambda: mien.Emotions(None, [[1.0]]), "labels: found NoneType None, wanted names"),
        (lambda: mien.Emotions((1, 2), [[0.5, 0.5]]), r"labels: found tuple \(1, 2\), wanted names"),
        (lambda: mien.Faces("abc", [1], np.zeros((1, 5, 2))), r"boxes: found str 'abc', wanted numbers of shape \(n, 4\)"),
        (lambda: mien.Faces([[1, 2, 3, 4], [5, 6]], [1, 1], np.zeros((2, 5, 2))), r"boxes: found list \[.*\], wanted numbers of shape"),
        (lambda: mien.Faces([[0, 0, 1, 1]], None, np.zeros((1, 5, 2))), r"scores: found shape \(\), wanted \(1\)"),
        (lambda: mien.Frame(PICTURE, "x"), "index: found str 'x', wanted a whole number"),
        (lambda: mien.Frame(PICTURE, 0, "y"), "time: found str 'y', wanted a number"),
        (lambda: mien.Frame(PICTURE, 2.5), r"index: found float 2\.5, wanted a whole number"),
        (lambda: mien.Frame(PICTURE, float("nan")), "index: found float nan, wanted a whole number"),
        (lambda: mien.Frame(PICTURE, 0, 0.0, None), "source: found NoneType None, wanted a name or a path"),
        (lambda: several()[0][True], "faces: found a single True; wanted a mask of 3, positions, or a slice"),
        (lambda: several()[0][several()[0].scores[0] > 0.95], "faces: found a single False; wanted a mask of 3"),
        (lambda: several()[1][np.True_], "faces: found a single True; wanted a mask of 3"),
        (lambda: mien.TrackOptions(baseline=(3, 1)), "baseline is from 3 to 1 s; wanted an end after its beginning, not before 0"),
    ],
)
def test_values_of_another_kind_are_refused_in_one_line(make, says: str) -> None:
    with pytest.raises((UsageError, UnknownName), match=says):
        make()


def test_numbers_of_numpy_are_numbers() -> None:
    assert mien.TrackOptions(detect_every=np.int64(3), smooth_seconds=np.float32(0.5)).detect_every == 3
    assert mien.VideoSpan(stride=np.int32(2), stop=np.float64(3)).stride == 2


@pytest.mark.parametrize("which", [slice(1, 3), np.array([False, True, True]), [False, True, True], np.array([1, 2]), [1, 2]], ids=str)
def test_emotions_are_picked_as_faces_are(which) -> None:
    probs = np.array([[0.25, 0.75], [0.5, 0.5], [1, 0]])
    unsure, reasons = np.array([True, False, True]), (("blur",), (), ("size",))
    emotions = Emotions(("happy", "sad"), probs, probs, "model", unsure, reasons, {"x": probs[:, :1]}, np.array([1, 0, 0]))
    part = emotions[which]
    assert part.probs.tolist() == part.affect.tolist() == probs[1:].tolist()
    assert part.unsure.tolist() == [False, True]
    assert part.reasons == ((), ("size",))
    assert part.heads["x"].tolist() == probs[1:, :1].tolist()
    assert part.held.tolist() == [0, 0]
    assert len(emotions[[]]) == 0
    assert some_faces(3, ids=True)[which].ids.tolist() == some_faces(3, ids=True).ids[1:].tolist()


def several() -> tuple[Faces, Emotions]:
    """Three people, each with numbers of their own."""
    probs = [[0.25, 0.75], [0.5, 0.5], [1, 0]]
    return some_faces(3, ids=True), Emotions(["happy", "sad"], probs, probs, "model", [True, False, True], held=[1, 0, 0])


def test_a_loop_gives_one_face_after_the_other() -> None:
    faces, emotions = several()
    assert [len(face) for face in faces] == [len(one) for one in emotions] == [1, 1, 1]
    assert np.concatenate([face.boxes for face in faces]).tolist() == faces.boxes.tolist()
    assert [face.ids.tolist() for face in faces] == [[7], [8], [9]]
    assert [one.top for one in emotions] == [["sad"], ["happy"], ["happy"]]
    assert [one.unsure.tolist() for one in emotions] == [[True], [False], [True]]
    assert list(Faces.none()) == list(emotions[:0]) == []


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8])
def test_one_face_is_taken_by_its_position(kind) -> None:
    faces, emotions = several()
    for i in range(3):
        assert faces[kind(i)].boxes.tolist() == faces.boxes[i : i + 1].tolist()
        assert emotions[kind(i)].probs.tolist() == emotions.probs[i : i + 1].tolist()
    assert faces[-1].ids.tolist() == [9]
    assert faces[faces.scores.argmax()].ids.tolist() == [7]
    for value in (faces, emotions):
        with pytest.raises(IndexError, match=r"^face 3 of 3; the first is 0$"):
            value[kind(3)]
        with pytest.raises(IndexError, match=r"^face -4 of 3"):
            value[-4]


def test_a_frame_has_plain_numbers_whatever_it_was_given() -> None:
    """As PyAV's `frame.pts * stream.time_base` and OpenCV's `capture.get(cv2.CAP_PROP_POS_FRAMES)` give them."""
    frame = Frame(PICTURE, 3.0, Fraction(3, 25), Path("folder", "a.mp4"), stream=True)
    assert (type(frame.index), type(frame.time), type(frame.source)) == (int, float, str)
    assert (frame.index, frame.time, Path(frame.source)) == (3, 0.12, Path("folder", "a.mp4"))
    assert repr(Frame(PICTURE, np.int64(3), Fraction(3, 25), "clip.mp4", stream=True)) == "<Frame 3 of clip.mp4, 0.12 s, 640x480>"
    numpy = Frame(PICTURE, np.float32(2), np.float32(0.5))
    assert (type(numpy.index), type(numpy.time), numpy.index, numpy.time) == (int, float, 2, 0.5)


def test_a_recording_is_read_whose_times_are_fractions() -> None:
    analyzer = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
    frames = [mien.Frame(PICTURE, i, Fraction(i, 25), "c", stream=True) for i in range(3)]
    assert [analyzed.result.time for analyzed in analyzer.run(frames)] == [0.0, 0.04, 0.08]


def test_a_frame_does_not_show_its_pixels() -> None:
    assert repr(Frame(PICTURE, 3, 0.12, "clip.mp4", stream=True)) == "<Frame 3 of clip.mp4, 0.12 s, 640x480>"
    assert repr(Frame(PICTURE, 0, 0.0, "clip.mp4", stream=True)) == "<Frame 0 of clip.mp4, 0 s, 640x480>"
    assert repr(Frame(PICTURE, source="a.jpg")) == "<Frame 0 of a.jpg, 640x480>"
    assert repr([Frame(PICTURE)]) == "[<Frame 0, 640x480>]"
