"""What people who use mien write, in types: checked by tests/test_users_types.py as their type checkers would, and not run."""

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import mien
from mien.report.tables import episode_table, person_table
from mien.testing import FakeDetector, FakeRecogniser
from mien.vision.draw import note
from mien.vision.quality import pose


def a_photo_of_opencv() -> None:
    bgr = cv2.imread("photo.jpg")
    assert bgr is not None
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    result: mien.Result = mien.Analyzer(threads=1).image(bgr[..., ::-1])
    for each in mien.analyze([rgb, "photo.jpg", Path("holiday")]):
        print(each.emotions.top[0], each.rows()[0]["emotion"])
    drawn = mien.draw(rgb, result, mien.Style(preset="r2"))
    cv2.imwrite("drawn.jpg", cv2.cvtColor(note(drawn, "30 fps"), cv2.COLOR_RGB2BGR))
    cv2.imwrite("hidden.jpg", mien.anonymize(bgr[..., ::-1], result.faces)[..., ::-1])
    print(mien.face_crops(rgb, result.faces, size=96).shape, repr(mien.Frame(rgb)))


def frames_of(capture: cv2.VideoCapture) -> Iterator[mien.Frame]:
    index = 0
    while (read := capture.read())[0]:
        yield mien.Frame(read[1][..., ::-1], index, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, "clip", stream=True)
        index += 1


def frame_at(rgb: NDArray[np.uint8], pts: int, time_base: Fraction, capture: cv2.VideoCapture) -> mien.Frame:
    return mien.Frame(rgb, capture.get(cv2.CAP_PROP_POS_FRAMES), pts * time_base, Path("clip.mp4"))


def a_video_of_opencv() -> None:
    for item in mien.Analyzer().run(frames_of(cv2.VideoCapture("clip.mp4"))):
        if isinstance(item, mien.Analyzed):
            ids = item.result.faces.ids
            print(item.frame.size, [] if ids is None else [int(person) for person in ids])
        elif isinstance(item, mien.Failure):
            print(item.error)
        else:
            print(item.message)


def a_camera() -> None:
    with mien.open_live(0) as live:
        for item in mien.Analyzer().run(live, batch=1):
            print(item.source if isinstance(item, mien.Notice) else type(item))


def each_face(result: mien.Result) -> None:
    for box, emotion, unsure in zip(result.faces.boxes, result.emotions.top, result.emotions.unsure, strict=True):
        x1, y1, x2, y2 = box.astype(int)
        print(x1, y1, x2, y2, emotion, bool(unsure))
    for face, emotions in zip(result.faces, result.emotions, strict=True):
        print(float(face.scores[0]), emotions.ranked(0)[0], pose(face.points))
    best, last = result.faces[result.faces.scores.argmax()], result.emotions[-1]
    clear = result.faces[result.faces.scores > 0.5]
    if result.emotions.affect is not None:
        valence, arousal = result.emotions.affect[0]
        print(valence, arousal)
    print(len(best), last.top, len(clear), len(result.faces[[0]]), len(result.faces[:2]), result.emotions.unsure.sum())


def values_of_ones_own() -> None:
    faces = mien.Faces([[0, 0, 9, 9]], [0.9], [[[0.0, 0.0]] * 5], ids=[3])
    faces = mien.Faces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))
    emotions = mien.Emotions(["happy", "sad"], [[0.5, 0.5]], np.zeros((1, 2)), unsure=[True], held=[0])
    print(len(faces), emotions.probs.dtype, mien.ANCHORS["crowd"].expected([[0.5, 0.5]], emotions.labels))


class Middle:
    def __call__(self, image: NDArray[np.uint8], /) -> mien.Faces:
        return mien.Faces.without_points([[0, 0, image.shape[1], image.shape[0]]], [1.0])


class Coin:
    crop = mien.CropSpec(size=48, colour="grey")

    def __call__(self, crops: NDArray[np.uint8], /) -> mien.Emotions:
        return mien.Emotions(("happy", "sad"), np.full((len(crops), 2), 0.5))


def upside_down(image: NDArray[np.uint8], result: mien.Result) -> NDArray[np.uint8]:
    return mien.draw(image, result)[::-1]


def parts_of_ones_own() -> None:
    mien.register_drawer("upside down", upside_down)
    for analyzer in (
        mien.Analyzer(detector=Middle(), recogniser=Coin()),
        mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser()),
    ):
        print(analyzer.image(np.zeros((9, 9, 3), np.uint8)).emotions.top)


def tables_and_outputs() -> None:
    analysis = mien.analyze("clip.mp4", span=mien.VideoSpan(every=0.5), track=mien.TrackOptions(baseline=(0, 3)))
    drawer = partial(mien.draw, style=mien.Style(language="ru"))
    with mien.open_sink("seen.mp4", drawer=drawer, inputs=["clip.mp4"]) as video, mien.open_sink("seen.parquet") as table:
        for pair in analysis.pairs():
            video.write(pair.frame, pair.result)
            table.write(pair.frame, pair.result)
    timeline = mien.Timeline.from_results(analysis)
    timeline = mien.Timeline.read("seen.parquet")
    happy = timeline.where(timeline.has_face & (timeline["emotion"] == "happy"))
    rows: list[dict[str, Any]] = person_table(happy, baseline=(0, 3)).rows
    print(rows, episode_table(timeline).rows, mien.Timeline.from_rows(analysis.rows()), timeline.to_pandas().describe())


def what_is_wrong_is_told() -> None:
    """An ignore without an error is an error, too."""
    mien.analyze("photo.jpg", detecter="yunet")  # type: ignore[call-arg]
    mien.Frame("photo.jpg")  # type: ignore[arg-type]
    mien.TrackOptions(baseline=3)  # type: ignore[arg-type]
    mien.draw(np.zeros((9, 9, 3), np.uint8), mien.Faces.none())  # type: ignore[arg-type]
    mien.Style(colour=3)  # type: ignore[arg-type]
