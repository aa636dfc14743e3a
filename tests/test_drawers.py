"""Drawers in a style, and that no face stays to be seen in a video which was to be hidden."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

import mien
from mien.drawers import styled
from mien.errors import UsageError
from mien.hiding import refuse_half_hidden
from mien.options import AnalyzeOptions
from mien.sinks.inline import shrunk
from mien.testing import FakeRecogniser
from mien.track.options import TrackOptions
from mien.types import Faces, Frame, Image
from mien.vision.draw import anonymize
from mien.vision.style import Style

FACE = (200, 100, 280, 200)
MISSED = range(20, 32)


def picture() -> Image:
    """A grey room with a face full of detail, and nothing else to see."""
    image = np.full((360, 480, 3), 128, np.uint8)
    x1, y1, x2, y2 = FACE
    image[y1:y2, x1:x2] = np.random.default_rng(0).integers(0, 256, (y2 - y1, x2 - x1, 3))
    return image


def film(count: int = 40) -> Iterator[Frame]:
    for i in range(count):
        yield Frame(picture(), i, i / 25, "film", stream=True)


class Blinking:
    """Finds the face in each picture but some."""

    def __init__(self) -> None:
        self._calls = -1

    def __call__(self, image: Image, /) -> Faces:
        self._calls += 1
        return Faces.none() if self._calls in MISSED else Faces.without_points([FACE], [0.9])


def detail(image: Image) -> float:
    """Mean difference between neighbours in the middle of the face, where neither box nor caption is drawn."""
    x1, y1, x2, y2 = FACE
    return float(np.abs(np.diff(image[y1 + 20 : y2 - 20, x1 + 20 : x2 - 20].astype(float), axis=1)).mean())


def analyzer(**changes) -> mien.Analyzer:
    return mien.Analyzer(AnalyzeOptions(**changes), detector=Blinking(), recogniser=FakeRecogniser())


def test_a_face_that_is_missed_for_a_while_is_hidden_all_the_same():
    plain, hiding = styled(Style()), styled(Style(), anonymize=True)
    found = 0
    for pair in analyzer().run(film()):
        assert isinstance(pair, mien.Analyzed)
        found += len(pair.result)
        assert detail(plain(pair.frame.image, pair.result)) > 50
        assert detail(hiding(pair.frame.image, pair.result)) < 5
        assert not len(pair.result) or (pair.result.faces.boxes == FACE).all()  # the results are those of the detector
    assert found == 40 - len(MISSED)


def test_a_picture_shows_what_is_not_found_in_it():
    """Nobody is followed there: what the result says is all there is."""
    result = analyzer().image(picture())
    assert result.covers is None
    nothing = dataclasses.replace(result, faces=Faces.none(), emotions=result.emotions[[]])
    hiding = styled(Style(), anonymize=True)
    assert detail(hiding(picture(), result)) < 5
    assert detail(hiding(picture(), nothing)) > 50


def test_a_small_picture_is_hidden_in_the_same_places():
    for pair in analyzer().run(film(25)):
        assert isinstance(pair, mien.Analyzed)
    big = dataclasses.replace(pair.result, size=(960, 720), covers=pair.result.covers * 2)
    _, result = shrunk(np.zeros((720, 960, 3), np.uint8), big)
    assert result.covers == pytest.approx(pair.result.covers)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"track": TrackOptions(follow=False)}, "following"),
        ({"track": TrackOptions(detect_every=2)}, "detect_every 2"),
        ({"min_score": 0.5}, "min_score"),
    ],
)
def test_what_would_leave_faces_visible_is_refused(changes, why):
    refuse_half_hidden(analyzer(), "--anonymize", streams=True)
    with pytest.raises(UsageError, match=why):
        refuse_half_hidden(analyzer(**changes), "--anonymize", streams=True)


def test_in_pictures_nobody_is_followed_so_that_following_is_not_asked_for():
    for track in (TrackOptions(follow=False), TrackOptions(detect_every=2)):
        refuse_half_hidden(analyzer(track=track), "--anonymize", streams=False)
    with pytest.raises(UsageError, match="min_score"):
        refuse_half_hidden(analyzer(min_score=0.5), "--anonymize", streams=False)


def test_without_a_video_the_faces_alone_are_hidden():
    result = analyzer().image(picture())
    assert (styled(Style(), anonymize=True)(picture(), result) == mien.draw(anonymize(picture(), result.faces), result)).all()
