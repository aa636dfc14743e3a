"""Captions of people who are followed."""

from dataclasses import replace

import numpy as np

from mien.labels import EMOTIONS, PALETTES
from mien.testing import make_result
from mien.types import Faces, Result
from mien.vision.colour import rgb
from mien.vision.draw import draw
from mien.vision.style import Style, box_colour, caption, shorter


def followed(result: Result, *ids: int) -> Result:
    faces = result.faces
    return replace(result, faces=Faces(faces.boxes, faces.scores, faces.points, np.array(ids)))


def test_the_number_comes_first():
    emotions = make_result(["happy"], confidence=0.92).emotions
    assert caption(emotions, 0, Style(), person=3) == ["#3 happy 92 %"]
    assert caption(emotions, 0, Style(language="ru", show_probability=False), person=0) == ["#0 радость"]
    unsure = make_result(["happy"], confidence=0.92, unsure=["happy"]).emotions
    assert caption(unsure, 0, Style(), person=12) == ["#12 unsure: happy 92 %"]
    assert shorter(unsure, 0, Style(), person=12) == ["#12 unsure: happy", "#12 happy?"]


def test_r2_captions_stay_exact():
    emotions = make_result(["happy"]).emotions
    assert caption(emotions, 0, Style(preset="r2"), person=3) == caption(emotions, 0, Style(preset="r2"))


def test_the_drawing_shows_who_is_who():
    result, image = make_result(["happy", "sad"]), np.full((480, 640, 3), 90, np.uint8)
    plain, one, two = (draw(image, r) for r in (result, followed(result, 0, 1), followed(result, 1, 0)))
    assert (plain != one).any()
    assert (one != two).any()
    changed = np.argwhere((one != two).any(axis=2))
    top, bottom = result.faces.boxes[0, 1], result.faces.boxes[0, 3]
    assert not ((changed[:, 0] > top + 5) & (changed[:, 0] < bottom - 5)).any()  # captions only


def test_caption_and_colour_are_of_the_label_that_stands():
    emotions = make_result(["happy"], confidence=0.6).emotions
    held = replace(emotions, held=np.array([EMOTIONS.index("sad")]))
    assert caption(held, 0, Style()) == ["sad 5 %"]
    assert box_colour(held, 0, Style()) == rgb(PALETTES["tol"]["sad"])
