"""When mien is not sure, and why."""

import dataclasses

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

import mien
from mien.errors import UnknownName, UsageError
from mien.labels import EMOTIONS
from mien.types import Emotions, Faces, Image
from mien.unsure import REASONS, RULES, UnsureRules, judged, rules
from mien.vision.align import whole_frame_points


def crop() -> Image:
    coarse = np.random.default_rng(0).integers(0, 255, (12, 12, 3)).astype(np.uint8)
    return cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_NEAREST)


def judge(
    by: UnsureRules, *, score=0.95, side=100.0, blur=0.0, stretch=1.0, confidence=0.9, points=True, cut=0.0
) -> tuple[bool, tuple[str, ...]]:
    """One good face with one thing changed. stretch: width of the face in the picture; narrow is a profile."""
    where = whole_frame_points(round(side), round(side))
    if stretch != 1.0:
        where[:, 0] = where[:, 0] * stretch
        where[2, 0] += side * (1 - stretch) / 2  # the nose comes out at the side
    faces = Faces([[0, 0, side, side]], [score], where[None] if points else np.full((1, 5, 2), np.nan))
    probs = np.full((1, 9), (1 - confidence) / 8)
    probs[0, 4] = confidence
    pixels = cv2.GaussianBlur(crop(), (0, 0), blur) if blur else crop()
    out = judged(Emotions(EMOTIONS, probs), faces, pixels[None], by, cut=np.float32([cut]))
    return bool(out.unsure[0]), out.reasons[0]


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, ()),
        ({"score": 0.3}, ("detection",)),
        ({"side": 12}, ("size",)),
        ({"cut": 0.3}, ("cut",)),
        ({"cut": 0.2}, ()),
        ({"blur": 12}, ("blur",)),
        ({"stretch": 0.3}, ("pose",)),
        ({"confidence": 0.4}, ("confidence",)),
        ({"points": False}, ()),  # a detector without landmarks: nobody can tell the pose
        ({"score": 0.3, "side": 12, "cut": 1, "blur": 12, "stretch": 0.3, "confidence": 0.4}, REASONS),
    ],
)
def test_each_reason_by_itself_and_all_together(change, reasons):
    assert judge(RULES["default"], **change) == (bool(reasons), reasons)


@pytest.mark.parametrize(
    ("field", "strict", "change", "reason"),
    [
        ("min_score", 0.99, {}, "detection"),
        ("min_size", 101, {}, "size"),
        ("max_cut", 0.01, {"cut": 0.02}, "cut"),
        ("min_sharpness", 1e6, {}, "blur"),
        ("max_yaw", 5, {"stretch": 0.8}, "pose"),
        ("min_confidence", 0.95, {}, "confidence"),
    ],
)
def test_every_threshold_is_an_option(field, strict, change, reason):
    assert judge(dataclasses.replace(RULES["never"], **{field: strict}), **change) == (True, (reason,))
    assert judge(RULES["never"], **change) == (False, ())


@pytest.mark.parametrize(("score", "unsure"), [(0.991, False), (0.99, True), (0.98, True)])
def test_r3_doubts_only_detections_up_to_99(score, unsure):
    assert judge(rules("r3"), score=score, side=12, cut=1, blur=12, stretch=0.3, confidence=0.2) == (
        unsure,
        ("detection",) if unsure else (),
    )


def test_nothing_is_ever_doubted_by_never():
    assert judge(rules("never"), score=0.0, side=1, cut=1, blur=12, stretch=0.1, confidence=0.12) == (False, ())


def test_nobody_to_judge():
    nobody = Emotions(EMOTIONS, np.zeros((0, 9)))
    assert judged(nobody, Faces.none(), np.zeros((0, 48, 48, 3), np.uint8), UnsureRules(), cut=np.zeros(0, np.float32)) is nobody


def test_judging_keeps_everything_else():
    faces = Faces([[0, 0, 50, 50]], [0.9], whole_frame_points(50, 50)[None])
    before = Emotions(EMOTIONS, np.eye(9)[:1], np.array([[0.1, 0.2]]), "mine", heads={"fer7": np.zeros((1, 7), np.float32)})
    after = judged(before, faces, crop()[None], UnsureRules(), cut=np.zeros(1, np.float32))
    assert after.affect is before.affect
    assert (after.affect_from, after.heads) == ("mine", before.heads)


def test_names():
    assert {"default", "r3", "never"} <= set(RULES)
    assert rules("default") == UnsureRules()
    assert UnsureRules(0.9, 30, 0.1, 60, 50, 0.4) == UnsureRules(  # by position as ever; what came later comes last
        min_score=0.9, min_size=30, min_sharpness=0.1, max_yaw=60, max_pitch=50, min_confidence=0.4
    )
    with pytest.raises(UnknownName, match="default, never, r3"):
        rules("r4")


@pytest.mark.parametrize(
    "fields", [{"min_score": 1.1}, {"min_confidence": -0.1}, {"max_yaw": 200}, {"min_size": -1}, {"min_sharpness": -1}, {"max_cut": 1.5}]
)
def test_thresholds_that_make_no_sense_are_refused(fields):
    with pytest.raises(UsageError, match=next(iter(fields))):
        UnsureRules(**fields)


def test_half_a_face_at_the_edge_is_unsure_and_the_whole_one_is_not(examples):
    """YuNet finds it though its mouth is not in the picture, and the model answers as ever."""
    image = np.asarray(Pillow.open(examples / "astronaut.jpg").convert("RGB"))
    analyzer = mien.Analyzer(model="tiny", threads=1)
    whole = analyzer.image(image)
    assert whole.emotions.reasons == ((),)
    mouth = int(whole.faces.points[0, 3:, 1].min())
    half = analyzer.image(np.ascontiguousarray(image[: mouth - 2]))
    assert len(half) == 1
    assert "cut" in half.emotions.reasons[0]
    never = mien.Analyzer(model="tiny", threads=1, unsure=UnsureRules(max_cut=1)).image(np.ascontiguousarray(image[: mouth - 2]))
    assert "cut" not in never.emotions.reasons[0]
