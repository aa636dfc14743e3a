"""Judging by level of change: the same as changing the pictures by hand and judging them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from mien.data.labelled import Labelled
from mien.errors import DataError, SourceUnreadable, UnknownName, UsageError
from mien.evaluate.changes import KINDS, frame_of
from mien.evaluate.intervals import wilson
from mien.evaluate.road import face_of
from mien.evaluate.robustness import robustness, run_count
from mien.evaluate.run import evaluate
from mien.testing import DARKEST, STEP, FakeDetector, FakeRecogniser, planted_picture
from mien.types import Faces, Image

LABELS = ("anger", "happy", "sad")
BLIND = FakeDetector(Faces.none())


def of(pictures: list[Image], true: list[str], **more) -> Labelled:
    readers = tuple((lambda image=image: image) for image in pictures)
    return Labelled("set", LABELS, np.array([LABELS.index(name) for name in true]), tuple(map(str, range(len(true)))), readers, **more)


def photos() -> Labelled:
    shown = [("happy", 100), ("sad", 100), ("anger", 30), ("happy", 30), ("sad", 170), ("anger", 60)]
    pictures = [planted_picture([((40, 60, 40 + side, 60 + side), name)], size=(220, 240))[0] for name, side in shown]
    pictures.append(planted_picture([], size=(220, 240))[0])
    return of(pictures, ["happy", "sad", "anger", "sad", "sad", "anger", "happy"])


def crops(n: int = 12, side: int = 48) -> Labelled:
    greys = {"anger": DARKEST, "happy": DARKEST + 4 * STEP, "sad": DARKEST + 6 * STEP}
    true = [LABELS[i % 3] for i in range(n)]
    return of([np.full((side, side, 3), greys[name], np.uint8) for name in true], true)


@pytest.mark.parametrize(("data", "detector", "faces"), [(photos(), FakeDetector(), "detect"), (crops(), BLIND, "crop")])
def test_a_level_is_what_evaluate_says_of_pictures_changed_by_hand(data: Labelled, detector: FakeDetector, faces: str) -> None:
    model = FakeRecogniser()
    found = robustness(model, detector, data, labels="fer7", faces=faces, rounds=0)
    plain = evaluate(model, detector, data, labels="fer7", faces=faces, rounds=0)
    assert found.untouched.accuracy == plain.figures["accuracy"]
    compared = 0
    for name, levels in found.kinds.items():
        for level in levels[::2]:
            changed = []
            for i, image in enumerate(data.pictures()):
                frame = frame_of(image, face_of(image, detector, faces=faces), faces=faces)
                if (out := KINDS[name].change(image, level.level, frame)) is not None:
                    changed.append((i, out))
            rows = [i for i, _ in changed]
            by_hand = of([image for _, image in changed], [LABELS[k] for k in data.true[rows]])
            said = evaluate(model, detector, by_hand, labels="fer7", faces=faces, rounds=0)
            assert level.n == len(rows)
            assert level.accuracy == pytest.approx(said.figures["accuracy"])
            assert level.balanced_accuracy == pytest.approx(said.figures["balanced_accuracy"])
            assert level.faceless == pytest.approx(said.figures["unanswered"] / len(rows))
            assert level.untouched == pytest.approx(plain.judged.right[rows].mean())
            assert level.change == pytest.approx(level.accuracy - level.untouched)
            answers = np.where(said.judged.answered, said.judged.guess, -1)
            before = np.where(plain.judged.answered, plain.judged.guess, -1)[rows]
            assert level.same == pytest.approx((answers == before).mean())
            compared += 1
    assert compared >= 20


def test_small_faces_are_left_out_of_sizes_and_those_no_longer_found_are_wrong() -> None:
    size = {level.level: level for level in robustness(FakeRecogniser(), FakeDetector(), photos(), labels="fer7", rounds=0).kinds["size"]}
    # Faces of 100, 100, 30, 30, 170, 60 px; the picture without one stands for itself, with 240 px.
    assert {level: one.n for level, one in size.items()} == {224: 1, 160: 2, 112: 2, 80: 4, 64: 4, 48: 5, 32: 5, 24: 7, 16: 7}
    assert size[224].faceless == 1
    assert size[24].faceless == pytest.approx(1 / 7)
    tiny = of([planted_picture([((8, 8, 24, 24), "sad")], size=(64, 64))[0]], ["sad"])
    few = robustness(FakeRecogniser(), FakeDetector(), tiny, labels="fer7", kinds=["size", "roll"], rounds=0)
    assert [level.level for level in few.kinds["size"]] == [16]
    assert robustness(FakeRecogniser(), BLIND, crops(3, side=12), labels="fer7", faces="crop", kinds=["size"]).kinds == {"size": ()}


def test_the_light_decides_for_a_model_that_reads_brightness() -> None:
    found = robustness(FakeRecogniser(), BLIND, crops(), labels="fer7", faces="crop", kinds=["brightness"], rounds=50)
    levels = {level.level: level for level in found.kinds["brightness"]}
    assert list(levels) == [-3, -2, -1, 0, 1, 2, 3]
    assert (levels[0].accuracy, levels[0].interval, levels[0].change_interval) == (1, wilson(12, 12), (0, 0))
    assert levels[-3].accuracy == pytest.approx(1 / 3)  # all are taken for the darkest emotion
    assert levels[-3].change == pytest.approx(-2 / 3)
    assert (levels[0].same, levels[-3].same) == (1, pytest.approx(1 / 3))  # a wrong answer that stays would be the same too
    low, high = levels[-3].change_interval
    assert -1 <= low < -2 / 3 < high <= 0


def test_each_picture_is_read_once_and_broken_ones_are_told_once() -> None:
    read: list[int] = []
    data = crops(6)

    def reader(i: int):
        def picture() -> Image:
            read.append(i)
            if i == 2:
                raise SourceUnreadable("two.png: not a picture")
            return np.full((48, 48, 3), DARKEST, np.uint8)

        return picture

    done: list[int] = []
    data = replace(data, readers=tuple(reader(i) for i in range(6)))
    found = robustness(FakeRecogniser(), BLIND, data, labels="fer7", faces="crop", kinds=["jpeg", "size"], rounds=10, progress=done.append)
    assert sorted(read) == [0, 1, 2, 3, 4, 5]
    assert [failure.source for failure in found.failures] == ["2"]
    assert found.untouched.n == 5
    assert {level.n for levels in found.kinds.values() for level in levels} == {5}
    assert done[-1] == 6
    assert done == sorted(done)


def test_people_are_resampled() -> None:
    people = np.repeat([f"p{k}" for k in range(12)], 10).astype(object)
    shown = np.where(np.repeat(np.arange(12) % 2, 10), DARKEST + 4 * STEP, DARKEST)
    columns = {"subject": people, "source": np.full(120, "", object)}
    data = of([np.full((48, 48, 3), grey, np.uint8) for grey in shown], ["happy"] * 120, columns=columns)
    found = robustness(FakeRecogniser(), BLIND, data, labels="fer7", faces="crop", kinds=["jpeg"])
    assert (found.intervals_by["unit"], found.intervals_by["units"]) == ("subject", 12)
    for level in found.kinds["jpeg"]:
        # Twelve coins, not 120: the binomial of n = 12 has its 2.5 and 97.5 % at 3 and 9.
        assert level.interval == (pytest.approx(3 / 12), pytest.approx(9 / 12))
        assert level.change_interval == (0, 0)


def test_json_is_whole_and_says_what_is_simulated() -> None:
    found = robustness(FakeRecogniser(), BLIND, crops(3), labels="fer7", faces="crop", rounds=0)
    said = json.loads(json.dumps(found.to_json()))
    assert (said["model"], said["data"], said["labels"], said["faces"], said["head"]) == ("fake", "set", "fer7", "crop", "blend")
    assert list(said["kinds"]) == list(KINDS)
    assert [name for name, kind in said["kinds"].items() if kind["simulated"]] == ["yaw"]
    assert "does not say how a head that is really turned is read" in said["kinds"]["yaw"]["what"]
    assert math.isnan(said["untouched"]["interval"][0])
    assert set(said["kinds"]["size"]["levels"][0]) == {
        "level", "n", "accuracy", "interval", "balanced_accuracy", "faceless", "untouched", "change", "change_interval", "same",
    }  # fmt: skip
    assert run_count(["all"]) == 1 + sum(level["level"] != 0 for kind in said["kinds"].values() for level in kind["levels"]) + 5
    assert run_count(["jpeg"]) == 7


def test_what_makes_no_sense_is_refused_before_anything_is_read() -> None:
    def never() -> Image:
        raise AssertionError("read")

    data = replace(crops(3), readers=(never,) * 3)
    with pytest.raises(UnknownName, match="there are"):
        robustness(FakeRecogniser(), BLIND, data, labels="fer7", kinds=["fog"])
    with pytest.raises(UsageError, match="crop or detect"):
        robustness(FakeRecogniser(), BLIND, data, labels="fer7", faces="all")
    with pytest.raises(UnknownName, match="blend"):
        robustness(FakeRecogniser(), BLIND, data, labels="fer7", head="none")
    with pytest.raises(DataError, match="without labels"):
        robustness(FakeRecogniser(), BLIND, replace(data, true=np.full(3, -1)), labels="fer7")
