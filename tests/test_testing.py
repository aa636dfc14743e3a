"""The public fakes, and with them the whole road from pixels to rows."""

import io
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

import mien
from mien.errors import UsageError
from mien.labels import EMOTIONS, LABEL_SETS
from mien.testing import FakeDetector, FakeRecogniser, make_result, planted_picture
from mien.types import Emotions, Faces

emotion = st.sampled_from(EMOTIONS)


@st.composite
def scenes(draw) -> tuple[list[tuple[list[int], str]], tuple[int, int]]:
    """Faces on a grid so that none touches another, and the size of the picture."""
    cell, columns, rows = draw(st.integers(20, 80)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    faces = []
    for place in draw(st.lists(st.integers(0, columns * rows - 1), unique=True, max_size=5)):
        side = draw(st.integers(12, cell - 4))
        x, y = place % columns * cell + 2, place // columns * cell + 2
        faces.append(([x, y, x + side, y + side], draw(emotion)))
    return faces, (columns * cell, rows * cell)


@settings(max_examples=40, deadline=None)
@given(scenes())
def test_what_was_planted_is_found_and_read(scene):
    faces, size = scene
    image, planted = planted_picture(faces, size)
    found = FakeDetector()(image)
    assert found.boxes.tolist() == planted.boxes.tolist()
    assert np.allclose(found.points, planted.points)
    result = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser()).image(image)
    by_place = [name for box, name in sorted(faces, key=lambda face: (face[0][1], face[0][0]))]
    assert result.emotions.top == by_place
    assert len(result) == len(faces)
    assert len(result.rows()) == max(1, len(faces))


@pytest.mark.parametrize("name", EMOTIONS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_emotion_survives_a_file(kind, name):
    image, _ = planted_picture([((40, 30, 100, 90), name), ((200, 100, 240, 140), "sad")])
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, kind, quality=75)
    again = np.asarray(Pillow.open(file).convert("RGB"))
    analyzer = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
    assert analyzer.image(again).emotions.top == [name, "sad"]


@pytest.mark.parametrize(
    "crop", [mien.CropSpec(size=16), mien.CropSpec(size=112, colour="rgb", margin=0.1), mien.CropSpec(size=40, margin=-0.1)]
)
def test_the_fake_recogniser_reads_any_crop(crop):
    image, _ = planted_picture([((40, 30, 140, 130), "fear")])
    assert mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser(crop)).image(image).emotions.top == ["fear"]


def test_a_planted_face_is_a_sure_one():
    image, _ = planted_picture([((40, 30, 140, 130), "fear")])
    (row,) = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser()).image(image).rows()
    assert (row["unsure"], row["reasons"], row["model"]) == (False, "", "fake")


@pytest.mark.parametrize(
    ("faces", "says"),
    [
        ([((0, 0, 20, 20), "bored")], "emotion 'bored' is unknown"),
        ([((0, 0, 20, 30), "sad")], "wanted a square"),
        ([((0, 0, 4, 4), "sad")], "wanted a square of at least 8 px"),
        ([((600, 0, 660, 60), "sad")], "inside 640x480"),
    ],
)
def test_what_cannot_be_planted_is_refused(faces, says):
    with pytest.raises(UsageError, match=says):
        planted_picture(faces)


def test_a_detector_that_was_told_what_to_find():
    image = np.zeros((50, 60, 3), np.uint8)
    given_faces = Faces.without_points([[1, 2, 30, 40]], [0.7])
    assert FakeDetector(given_faces)(image) is given_faces
    assert len(FakeDetector(lambda picture: Faces.without_points([[0, 0, picture.shape[1], 9]], [1]))(image)) == 1
    assert len(FakeDetector(Faces.none())(image)) == 0
    with pytest.raises(UsageError):
        FakeDetector()(image[..., 0])


def test_no_crops_no_emotions():
    assert len(FakeRecogniser()(np.zeros((0, 48, 48, 3), np.uint8))) == 0


@given(st.lists(emotion, max_size=5), st.floats(0.5, 1))
def test_made_results_say_what_they_were_told(names, confidence):
    result = make_result(names, confidence=confidence, unsure=["sad"])
    assert result.emotions.top == names
    assert result.emotions.probs.sum(axis=1).tolist() == pytest.approx([1] * len(names), abs=1e-5)
    assert result.emotions.unsure.tolist() == [name == "sad" for name in names]
    assert (result.faces.boxes >= 0).all()
    assert (result.faces.boxes[:, 2:] <= result.size).all()


def analyzer_of(**options) -> mien.Analyzer:
    return mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser(), **options)


def pictures(n: int) -> list[np.ndarray]:
    return [planted_picture([((10 + i, 10, 60 + i, 60), EMOTIONS[i % 9])] * (i % 3 > 0), (100, 80))[0] for i in range(n)]


def test_one_by_one_in_batches_and_in_threads_is_the_same():
    images = pictures(20)
    one_by_one = [analyzer_of().image(image) for image in images]
    batched = analyzer_of(batch=7).analyze(images).results
    shared, threaded = analyzer_of(), [None] * len(images)

    def work(start: int) -> None:
        for i in range(start, len(images), 8):
            threaded[i] = shared.image(images[i])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, two, three in zip(one_by_one, batched, threaded, strict=True):
        assert three is not None
        assert one.emotions.probs == pytest.approx(two.emotions.probs, abs=1e-5)
        assert one.emotions.probs == pytest.approx(three.emotions.probs, abs=1e-5)
        assert one.faces.boxes.tolist() == two.faces.boxes.tolist() == three.faces.boxes.tolist()


@pytest.mark.parametrize("affect", ["none", "adfes2011", "legacy", "crowd"])
def test_affect_comes_from_where_it_was_asked(affect):
    image, _ = planted_picture([((40, 30, 140, 130), "happy")])
    emotions = analyzer_of(affect=affect).image(image).emotions
    if affect == "none":
        assert emotions.affect is None
        assert emotions.affect_from == ""
    else:
        assert emotions.affect_from == affect
        assert emotions.affect == pytest.approx(mien.ANCHORS[affect].expected(emotions.probs))


def test_a_model_with_its_own_labels_goes_all_the_way():
    class Seven:
        crop = mien.CropSpec(size=32, colour="rgb")
        name = "seven"

        def __call__(self, crops):
            return Emotions(LABEL_SETS["fer7"], np.tile(np.eye(7)[3], (len(crops), 1)))

    image, _ = planted_picture([((40, 30, 140, 130), "fear")])
    (row,) = mien.Analyzer(detector=FakeDetector(), recogniser=Seven()).image(image).rows()
    assert (row["emotion"], row["p_happy"], row["p_contempt"], row["model"]) == ("happy", 1.0, None, "seven")


def test_low_scores_are_left_out_on_request():
    image = np.zeros((50, 60, 3), np.uint8)
    two = Faces.without_points([[1, 2, 30, 40], [5, 5, 20, 20]], [0.9, 0.4])
    analyzer = mien.Analyzer(detector=FakeDetector(two), recogniser=FakeRecogniser(), min_score=0.5)
    assert analyzer.image(image).faces.scores.tolist() == pytest.approx([0.9])


def test_unknown_options_answer_with_those_there_are():
    with pytest.raises(UsageError, match="there are: affect, batch, detector"):
        analyzer_of(detektor="haar")
