"""The table: its columns are a promise."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from mien.labels import EMOTIONS
from mien.table import COLUMNS, SHOWN, clock, html, rows, shown
from mien.testing import make_result
from mien.types import Emotions, Faces, Result

PROMISED = """
source, frame, time_s, face, person, x1, y1, x2, y2, score, eye_r_x, eye_r_y, eye_l_x, eye_l_y, nose_x, nose_y,
mouth_r_x, mouth_r_y, mouth_l_x, mouth_l_y, emotion, emotion_p, second, second_p, p_anger, p_contempt, p_disgust,
p_fear, p_happy, p_neutral, p_sad, p_surprise, p_uncertain, valence, arousal, affect_from, unsure, reasons, model
"""


def test_columns_are_the_promised_ones():
    assert list(COLUMNS) == [name.strip() for name in PROMISED.replace("\n", " ").split(",")]
    assert set(SHOWN) <= set(COLUMNS)


def test_every_row_has_every_column_in_order_and_of_its_type():
    for result in (make_result(["happy", "sad"], unsure=["sad"]), make_result([])):
        for row in rows(result):
            assert list(row) == list(COLUMNS)
            for name, value in row.items():
                assert value is None or type(value) is COLUMNS[name]
            json.dumps(row, allow_nan=False)


def test_a_picture_without_a_face_has_one_row_with_an_empty_face():
    (row,) = rows(make_result([], source="empty.jpg"))
    filled = {name for name, value in row.items() if value is not None}
    assert filled == {"source", "frame", "time_s", "model"}
    assert row["source"] == "empty.jpg"


def test_a_row_says_what_the_result_says():
    result = make_result(["sad", "happy"], confidence=0.9, unsure=["sad"])
    sad, happy = rows(result)
    assert (sad["face"], happy["face"]) == (0, 1)
    assert (sad["emotion"], happy["emotion"]) == ("sad", "happy")
    assert sad["emotion_p"] == pytest.approx(0.9)
    assert sad["second"] == "anger"  # all others are equal, the first of them wins
    assert sad["second_p"] == pytest.approx(0.1 / 8, abs=1e-6)
    assert sum(sad[f"p_{name}"] for name in EMOTIONS) == pytest.approx(1, abs=1e-5)
    assert (sad["unsure"], happy["unsure"]) == (True, False)
    assert (sad["reasons"], happy["reasons"]) == ("blur", "")
    assert [sad["x1"], sad["y1"], sad["x2"], sad["y2"]] == pytest.approx(result.faces.boxes[0])
    assert [sad["eye_r_x"], sad["eye_r_y"]] == pytest.approx(result.faces.points[0, 0], abs=0.01)
    assert [sad["mouth_l_x"], sad["mouth_l_y"]] == pytest.approx(result.faces.points[0, 4], abs=0.01)
    assert sad["eye_r_x"] < sad["eye_l_x"]  # the subject's right eye is on the picture's left
    assert sad["valence"] < 0 < happy["valence"]
    assert sad["affect_from"] == "adfes2011"


def test_what_is_missing_is_empty_never_nan():
    faces = Faces.without_points([[0, 0, 10, math.nan]], [0.5])
    emotions = Emotions(("happy", "bored"), [[0.25, 0.75]], np.array([[0.5, np.nan]], np.float32), "mine")
    (row,) = rows(Result("a.jpg", 3, 1.23456789, (20, 20), faces, emotions, "m"))
    assert row["nose_x"] is None
    assert row["y2"] is None
    assert row["arousal"] is None
    assert row["valence"] == 0.5
    assert row["person"] is None
    assert row["emotion"] == "bored"  # a label that is not mien's has no p_ column
    assert row["p_happy"] == 0.25
    assert row["p_sad"] is None
    assert (row["frame"], row["time_s"]) == (3, 1.234568)


def test_what_rounds_to_nothing_has_no_sign():
    faces = Faces.without_points([[-1e-9, 0, 10, 10]], [0.5])
    (row,) = rows(Result("a.jpg", 0, 0.0, (20, 20), faces, Emotions(("happy",), [[1]], np.array([[-1e-9, 1e-9]], np.float32), "mine")))
    assert [repr(row[name]) for name in ("x1", "valence", "arousal")] == ["0.0"] * 3


@pytest.mark.parametrize(("value", "cell"), [(-0.004, "+0.00"), (-0.0, "+0.00"), (-0.005001, "-0.01"), (0.25, "+0.25"), (None, "")])
def test_what_rounds_to_nothing_is_not_below_nothing_for_human_eyes(value, cell):
    assert shown({"valence": value, "face": 0}, "valence") == cell


def test_one_label_has_no_second():
    faces = Faces.without_points([[0, 0, 10, 10]], [0.5])
    (row,) = rows(Result("a.jpg", 0, 0.0, (20, 20), faces, Emotions(("happy",), [[1]])))
    assert (row["emotion"], row["second"], row["second_p"]) == ("happy", None, None)


def test_person_is_the_trackers_number():
    result = make_result(["happy"])
    faces = Faces(result.faces.boxes, result.faces.scores, result.faces.points, np.array([42]))
    assert rows(Result("", 0, 0.0, result.size, faces, result.emotions))[0]["person"] == 42


def test_html_is_a_table_and_escapes_names():
    text = html(make_result(["happy"], source="<script>.jpg"), make_result([], source="none.jpg"))
    assert text.startswith("<table>")
    assert "<script>" not in text
    assert "&lt;script&gt;.jpg" in text
    assert "no face found" in text
    assert text.count("<tr>") == 3
    assert make_result(["happy"])._repr_html_() == html(make_result(["happy"]))


def test_rows_of_videos_have_time_and_person_for_human_eyes_and_those_of_pictures_neither():
    picture = make_result(["happy"], source="a.jpg")
    film = [replace(make_result(["sad"] * faces, source="clip.mp4"), index=n, time=n * 1.5) for n, faces in enumerate((0, 1))]
    ids = [replace(one, faces=replace(one.faces, ids=np.arange(len(one)) + 3)) for one in film]
    assert "time" not in html(picture)
    assert "person" not in html(picture)
    text = html(picture, *ids)
    assert "<th>source</th><th>time</th><th>person</th><th>face</th>" in text
    assert "<tr><td>a.jpg</td><td></td><td></td><td>0</td>" in text
    assert "<tr><td>clip.mp4</td><td>0:00.00</td><td></td><td></td><td>no face found</td>" in text
    assert "<tr><td>clip.mp4</td><td>0:01.50</td><td>3</td><td>0</td>" in text
    assert "<th>time</th><th>face</th>" in html(*film)  # nobody is followed


def test_the_clock():
    assert [clock(seconds) for seconds in (0, 0.004, 9.996, 59.999, 61.5, 3600, 7325.25)] == [
        "0:00.00",
        "0:00.00",
        "0:10.00",
        "1:00.00",
        "1:01.50",
        "1:00:00.00",
        "2:02:05.25",
    ]
