import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mien.drawers import styled
from mien.errors import UnknownName, UsageError
from mien.labels import EMOTIONS, PALETTES, UNSURE_COLOUR
from mien.types import Emotions, Faces, Result
from mien.vision.colour import rgb
from mien.vision.draw import Style, anonymize, draw, face_crops, note, r0_text, r0_thickness
from mien.vision.style import box_colour, caption


def picture(width=400, height=300, seed=0):
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3)).astype(np.uint8)


def probs_for(label, p):
    out = np.full(9, (1 - p) / 8, np.float32)
    out[EMOTIONS.index(label)] = p
    return out


def result(image, boxes, labels=None, p=0.93, affect=None, unsure=None):
    n = len(boxes)
    labels = labels or [EMOTIONS[i % 9] for i in range(n)]
    probs = np.array([probs_for(label, p) for label in labels]).reshape(n, 9)
    faces = Faces.without_points(np.reshape(boxes, (n, 4)), np.full(n, 0.9))
    emotions = Emotions(EMOTIONS, probs, affect, unsure=unsure)
    return Result("x", 0, 0.0, (image.shape[1], image.shape[0]), faces, emotions)


def share_of(image, colour):
    return float((image == np.array(rgb(colour) if isinstance(colour, str) else colour)).all(axis=2).mean())


BOX = [[100, 120, 180, 220]]


@pytest.mark.parametrize("preset", [None, "r0", "r1", "r2", "r3"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_gives_a_new_picture_and_leaves_the_old(preset, language):
    image = picture()
    before = image.copy()
    out = draw(image, result(image, BOX), Style(preset=preset, language=language))
    assert out.shape == image.shape
    assert out.dtype == np.uint8
    assert (image == before).all()
    assert (out != image).any()


def test_box_lies_on_the_face_and_nothing_else_changes():
    image = picture()
    out = draw(image, result(image, BOX, ["happy"]))
    colour = np.array(rgb(PALETTES["tol"]["happy"]))
    assert (out[170, [100, 180]] == colour).all()  # on the vertical edges, half way
    assert (out[220, 140] == colour).all()
    changed = np.argwhere((out != image).any(axis=2))
    assert (changed.min(axis=0) >= (80, 90)).all()
    assert (changed.max(axis=0) <= (226, 330)).all()
    assert (out[135:210, 110:170] == image[135:210, 110:170]).all()


def test_emotion_colours_by_palette():
    image = picture()
    for palette, preset in (("tol", None), ("tableau", None), ("tableau", "r1")):
        for label in EMOTIONS:
            emotions = result(image, BOX, [label]).emotions
            style = Style(preset=preset) if preset else Style(palette=palette)
            assert box_colour(emotions, 0, style) == rgb(PALETTES[palette][label])


def test_tableau_is_the_one_written_down():
    assert [PALETTES["tableau"][name] for name in EMOTIONS] == [
        "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("valence", "colour"),
    [(-0.5, (255, 0, 0)), (-0.002, (255, 0, 0)), (0.0, (128, 128, 128)), (0.001, (128, 128, 128)), (0.002, (0, 255, 0))],
)
def test_r2_colours_by_valence_rounded_on_one_to_seven(valence, colour):
    image = picture()
    r = result(image, BOX, affect=[[valence, 0]])
    style = Style(preset="r2", show_affect=True)
    assert box_colour(r.emotions, 0, style) == colour
    assert share_of(draw(image, r, style), colour) > 0


def test_r2_caption_is_exact():
    image = picture()
    r = result(image, BOX, ["anger"], affect=[[(1.5 - 4) / 3, (6.72 - 4) / 3]], unsure=[True])
    assert caption(r.emotions, 0, Style(preset="r2", show_affect=True)) == ["anger; V. =1.5; A. =6.72"]
    assert caption(r.emotions, 0, Style(preset="r2", show_affect=True, language="ru")) == ["гнев; V. =1.5; A. =6.72"]


@pytest.mark.parametrize(
    ("affect", "show_affect"), [(None, True), ([[np.nan, np.nan]], True), ([[-0.5, 0.1]], False)], ids=["none", "unknown", "unasked"]
)
def test_r2_without_valence_is_green_with_the_plain_label(affect, show_affect):
    image = picture()
    r = result(image, BOX, ["sad"], affect=affect)
    style = Style(preset="r2", show_affect=show_affect)
    assert box_colour(r.emotions, 0, style) == (0, 255, 0)
    assert caption(r.emotions, 0, style) == ["sad"]
    drawn = draw(image, r, style)
    assert share_of(drawn, (0, 255, 0)) > share_of(drawn, (255, 0, 0)) == 0


def test_captions():
    r = result(picture(), BOX, ["happy"], affect=[[0.5, -0.25]])
    assert caption(r.emotions, 0, Style()) == ["happy 93 %"]
    assert caption(r.emotions, 0, Style(language="ru")) == ["радость 93 %"]
    assert caption(r.emotions, 0, Style(show_probability=False)) == ["happy"]
    assert caption(r.emotions, 0, Style(show_affect=True)) == ["happy 93 %", "V +0.50  A \u22120.25"]
    assert caption(r.emotions, 0, Style(show_affect=True, affect_scale="seven")) == ["happy 93 %", "V 5.5  A 3.2"]
    nearly = replace(r.emotions, affect=np.array([[-0.004, -0.0]], np.float32))
    assert caption(nearly, 0, Style(show_affect=True)) == ["happy 93 %", "V +0.00  A +0.00"]  # as pages have it
    unsure = result(picture(), BOX, ["happy"], p=0.41, unsure=[True])
    assert caption(unsure.emotions, 0, Style()) == ["unsure: happy 41 %"]
    assert caption(unsure.emotions, 0, Style(language="ru")) == ["ненадёжно: радость 41 %"]


@pytest.mark.parametrize("style", [Style(), Style(preset="r3"), Style(colour="valence"), Style(colour="confidence")])
def test_unsure_is_red_and_does_not_depend_on_colour_alone(style):
    image = np.full((300, 400, 3), 120, np.uint8)
    sure = draw(image, result(image, BOX), style)
    unsure = draw(image, result(image, BOX, unsure=[True]), style)
    assert share_of(sure, UNSURE_COLOUR) == 0
    assert share_of(unsure, UNSURE_COLOUR) > 0
    # Along the left edge of the box a solid line has one brightness, a dashed one alternates several times.
    flips = [int((np.abs(np.diff(out[130:210, 100].astype(int).sum(axis=1))) > 100).sum()) for out in (sure, unsure)]
    assert flips[0] == 0
    assert flips[1] >= 6


def test_valence_and_confidence_modes_follow_their_number():
    valence = [box_colour(result(picture(), BOX, affect=[[v, 0]]).emotions, 0, Style(colour="valence")) for v in (-1, 0, 1)]
    assert valence[0][0] > valence[0][2]
    assert max(valence[1]) - min(valence[1]) < 10
    assert valence[2][2] > valence[2][0]
    confidence = [sum(box_colour(result(picture(), BOX, p=p).emotions, 0, Style(colour="confidence"))) for p in (0.2, 0.5, 0.8, 1)]
    assert confidence == sorted(confidence)


def test_a_strangers_labels_have_a_colour_and_a_caption():
    faces = Faces.without_points(BOX, [0.9])
    image = picture()
    r = Result("x", 0, 0.0, (400, 300), faces, Emotions(("yawn", "wink"), np.array([[0.2, 0.8]])))
    assert caption(r.emotions, 0, Style(language="ru")) == ["wink 80 %"]
    assert (draw(image, r) != image).any()


@pytest.mark.parametrize(
    ("size", "thickness", "text"),
    [((10, 10), 1, 0.5), ((640, 480), 3.51808, 1.5), ((6000, 4000), 4, 1.5), ((591, 295), 1.99662, 0.99831)],
)
def test_r0_rule(size, thickness, text):
    assert r0_thickness(*size) == pytest.approx(thickness, rel=1e-4)
    assert r0_text(*size) == pytest.approx(text, rel=1e-4)


@pytest.mark.parametrize("width", [300, 1000, 6000])
def test_captions_grow_with_the_picture(width):
    height = width * 2 // 3
    image = np.full((height, width, 3), 128, np.uint8)
    out = draw(image, result(image, [[0.4 * width, 0.4 * height, 0.5 * width, 0.55 * height]]))
    rows = np.flatnonzero((out != image).any(axis=(1, 2)))
    caption_height = 0.4 * height - rows.min()
    assert caption_height >= 13  # at least 11 px an em
    assert 0.015 <= caption_height / height <= 0.12


def test_no_face_is_said_in_both_languages():
    image = picture()
    none = Result("x", 0, 0.0, (400, 300), Faces.none(), Emotions(EMOTIONS, np.zeros((0, 9))))
    english, russian = draw(image, none), draw(image, none, Style(language="ru"))
    assert (english != image).any()
    assert (english != russian).any()
    assert (english == note(image, "No face found")).all()
    assert (russian == note(image, "Лицо не найдено")).all()


def test_note_goes_where_it_is_asked():
    image = np.full((300, 400, 3), 128, np.uint8)
    for corner in ("top left", "top right", "bottom left", "bottom right"):
        ys, xs = np.nonzero((note(image, "24.9 fps", corner=corner) != image).any(axis=2))
        assert (ys.mean() < 150) == corner.startswith("top")
        assert (xs.mean() < 200) == corner.endswith("left")
    with pytest.raises(UsageError, match="corner"):
        note(image, "x", corner="middle")


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (12, 9), (30, 8), (8, 60), (64, 48)])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_pictures_smaller_than_their_caption(size, language):
    image = picture(*size)
    boxes = [[-2, -2, size[0] + 3, size[1] + 1], [0, 0, size[0] / 2, size[1] / 2]]
    style = Style(language=language, show_affect=True, show_points=True)
    out = draw(image, result(image, boxes, affect=np.zeros((2, 2)), unsure=[True, False]), style)
    assert out.shape == image.shape
    none = Result("x", 0, 0.0, size, Faces.none(), Emotions(EMOTIONS, np.zeros((0, 9))))
    assert draw(image, none, style).shape == image.shape


def test_odd_boxes_do_no_harm():
    image = picture()
    odd = [[-50, -50, 30, 40], [380, 280, 450, 390], [900, 900, 950, 950], [50, 50, 50, 50], [60, 60, 40, 40]]
    odd += [[np.nan, 0, 10, 10], [5, 5, 6, 6]]
    out = draw(image, result(image, odd, unsure=[True] * 7), Style(show_points=True))
    assert (out[:35, :25] != image[:35, :25]).any()


def test_a_face_at_the_border_keeps_four_sides():
    image = np.full((300, 400, 3), 128, np.uint8)
    out = draw(image, result(image, [[-40, 100, 60, 400]], ["sad"]))
    colour = np.array(rgb(PALETTES["tol"]["sad"]))
    assert (out[200, 0] == colour).all()
    assert (out[299, 30] == colour).all()


def test_points_are_drawn_and_missing_ones_skipped():
    image = np.full((300, 400, 3), 128, np.uint8)
    r = result(image, BOX, ["sad"])
    points = np.array([[[120, 150], [160, 150], [140, 175], [np.nan, np.nan], [158, 195]]], np.float32)
    r = Result("x", 0, 0.0, r.size, Faces(r.faces.boxes, r.faces.scores, points), r.emotions)
    plain, dotted = draw(image, r), draw(image, r, Style(show_points=True))
    changed = (plain != dotted).any(axis=2)
    assert all(changed[round(y), round(x)] for x, y in points[0] if np.isfinite(x))


def test_refuses_what_does_not_fit_together():
    image = picture()
    with pytest.raises(UsageError, match=r"400x300 pixels.*80x60"):
        draw(image, result(picture(80, 60), [[1, 1, 20, 20]]))
    r = result(image, BOX)
    with pytest.raises(UsageError, match="1 faces but emotions for 0"):
        draw(image, Result("x", 0, 0.0, (400, 300), r.faces, Emotions(EMOTIONS, np.zeros((0, 9)))))
    with pytest.raises(UsageError, match="thickness"):
        Style(thickness=0)
    for field in ("language", "colour", "palette", "preset", "affect_scale"):
        with pytest.raises(UnknownName, match="there are"):
            Style(**{field: "nonsense"})


def test_three_hundred_faces_take_no_time_and_do_not_collide():
    rng = np.random.default_rng(1)
    image = np.full((800, 1200, 3), 128, np.uint8)
    xy, side = rng.uniform(0, 1, (300, 2)) * (1160, 760), rng.uniform(6, 40, (300, 1))
    r = result(image, np.concatenate([xy, xy + side], axis=1))
    start = time.perf_counter()
    out = draw(image, r)
    assert time.perf_counter() - start < 5  # 0.25 s where nothing else runs
    assert (out != image).any()


def test_a_large_picture_is_not_converted_as_a_whole():
    image = np.full((4000, 6000, 3), 128, np.uint8)
    boxes = [[500 + 1000 * i, 1500, 900 + 1000 * i, 2000] for i in range(5)]
    start = time.perf_counter()
    draw(image, result(image, boxes))
    assert time.perf_counter() - start < 3  # 0.1 s where nothing else runs


def test_same_picture_from_many_threads():
    image = picture()
    r = result(image, [[40 * i, 100, 40 * i + 30, 140] for i in range(9)])
    with ThreadPoolExecutor(8) as pool:
        digests = {hashlib.sha256(out.tobytes()).hexdigest() for out in pool.map(lambda _: draw(image, r, Style(language="ru")), range(16))}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda image, found: draw(image, found.faces),
            r"^result: found Faces .*, wanted a Result, as mien.analyze and Analyzer.image give$",
        ),
        (lambda image, found: draw(found, image), "^image: found Result, wanted a uint8 array"),
        (
            lambda image, found: draw(image, found, "r2"),
            r"^style: found str 'r2', wanted a mien\.Style, such as mien\.Style\(preset=\"r2\"\)$",
        ),
        (lambda image, found: styled("r2"), r"^style: found str 'r2', wanted a mien\.Style"),
        (lambda image, found: styled(3), r"^style: found int 3, wanted a mien\.Style"),
        (lambda image, found: anonymize(image, found), "^faces: found Result .*, wanted Faces, as result.faces are$"),
        (lambda image, found: anonymize(image, found.faces.boxes), "^faces: found ndarray .*, wanted Faces, as result.faces are$"),
        (lambda image, found: anonymize(image, found.faces, strength="x"), "^strength: found str 'x', wanted a number"),
        (lambda image, found: face_crops(image, found), "^faces: found Result .*, wanted Faces, as result.faces are$"),
        (lambda image, found: face_crops(image, found.faces, size=64.0), r"^size: found float 64\.0, wanted a whole number of pixels$"),
        (lambda image, found: note(image, 30), "^text: found int 30, wanted a line of text$"),
        (lambda image, found: note(image, "30 fps", corner=None), "^corner: found NoneType None, wanted such as 'bottom left'$"),
    ],
)
def test_arguments_of_another_kind_are_told_what_to_give(call, says):
    image = picture()
    with pytest.raises(UsageError, match=says):
        call(image, result(image, BOX))
