"""Look-alikes and copies: one scene with another expression, a stranger in the same light, a copy cropped, saved or marked anew."""

import cv2
import numpy as np
import pytest

from mien.data import detail
from mien.data import duplicates as d
from mien.data.detail import SAME_LABEL, detail_correlation, near_duplicates
from mien.data.measures import face48

NONE, HAPPY, SAD = -1, 0, 1


def scene(seed: int = 0, *, skin: int = 0, mouth: int = 0) -> np.ndarray:
    """A head before a backdrop, uint8 (96, 96). seed: of light and shapes; skin: of the fine detail; mouth: how far its corners are up."""
    light, fine = np.random.default_rng(seed), np.random.default_rng((seed, skin))
    plane = cv2.resize(light.uniform(0, 255, (5, 5)).astype(np.float32), (96, 96), interpolation=cv2.INTER_CUBIC)
    plane += cv2.resize(fine.normal(0, 20, (32, 32)).astype(np.float32), (96, 96), interpolation=cv2.INTER_CUBIC)
    for x in (34, 62):
        cv2.circle(plane, (x, 40), 4, 60, -1)
        cv2.line(plane, (x - 8, 30), (x + 8, 30), 100, 2)
    cv2.polylines(
        plane, [np.array([[32, 70 - mouth], [40, 70], [56, 70], [64, 70 - mouth]], np.int32)], isClosed=False, color=20, thickness=3
    )
    return np.clip(plane, 0, 255).astype(np.uint8)


def cropped(picture: np.ndarray) -> np.ndarray:
    return picture[3:93, 5:95]


def saved(picture: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)


def marked(picture: np.ndarray) -> np.ndarray:
    return cv2.putText(picture.copy(), "mark", (6, 88), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)


def brighter(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture * 0.7 + 60, 0, 255).astype(np.uint8)


def tiny(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (20, 20), interpolation=cv2.INTER_AREA)


def alike(pictures: list[np.ndarray]) -> d.Copies:
    return d.copies([d.pixel_hash(p) for p in pictures], np.stack([d.small(p) for p in pictures]))


def found(pictures: list[np.ndarray], labels: list[int]) -> d.Copies:
    """Of pictures that look alike the near duplicates."""
    faces = np.stack([face48(np.repeat(p[..., None], 3, axis=2)) for p in pictures])
    return near_duplicates(alike(pictures), faces, np.array([min(p.shape) for p in pictures]), np.array(labels), threads=1)


def test_another_expression_with_another_label_is_another_picture() -> None:
    neutral, smile = scene(), scene(mouth=9)
    assert len(alike([neutral, smile]).near) == 1
    assert not len(found([neutral, smile], [SAD, HAPPY]).near)


@pytest.mark.parametrize("labels", [[SAD, SAD], [SAD, NONE], [NONE, NONE]])
def test_a_stranger_in_the_same_light_is_another_picture_whatever_the_labels(labels: list[int]) -> None:
    pictures = [scene(), scene(skin=1)]
    assert len(alike(pictures).near) == 1
    assert not len(found(pictures, labels).near)


@pytest.mark.parametrize("change", [cropped, saved, marked, brighter, tiny])
@pytest.mark.parametrize("labels", [[SAD, SAD], [SAD, NONE], [NONE, NONE]])
@pytest.mark.parametrize("seed", range(3))
def test_a_changed_copy_is_a_duplicate(change, labels: list[int], seed: int) -> None:  # type: ignore[no-untyped-def]
    copy = found([scene(seed), change(scene(seed))], labels).near
    assert (copy.first.tolist(), copy.second.tolist(), copy.mirrored.tolist()) == ([0], [1], [False])


def test_a_copy_is_one_with_another_label_too_when_nearly_all_of_it_agrees() -> None:
    assert len(found([scene(), brighter(scene())], [SAD, HAPPY]).near) == 1
    assert not len(found([scene(), tiny(scene())[1:, 1:]], [SAD, HAPPY]).near)


def test_the_same_pixels_are_duplicates_whatever_their_labels() -> None:
    copies = found([scene(), scene(), scene(mouth=9)], [SAD, HAPPY, NONE])
    assert copies.same.tolist() == [0, 0, 2]


def test_of_the_same_pixels_all_labels_count() -> None:
    """0 and 1 have the same pixels; 2 is the same scene with another expression, labelled as one of the two."""
    pictures = [scene(), scene(), scene(mouth=9)]
    assert found(pictures, [SAD, SAD, SAD]).near.second.tolist() == [2]
    assert not len(found(pictures, [SAD, HAPPY, SAD]).near)
    assert found(pictures, [NONE, SAD, SAD]).near.second.tolist() == [2]
    assert not len(found(pictures, [NONE, SAD, HAPPY]).near)


def test_mirrored_copies_are_laid_over_each_other_mirrored() -> None:
    pictures = [scene(1), np.ascontiguousarray(cropped(scene(1))[:, ::-1])]
    copies = found(pictures, [SAD, SAD])
    assert copies.near.mirrored.tolist() == [True]
    look = alike(pictures)
    plain = d.Copies(look.same, d.Pairs(look.near.first, look.near.second, look.near.similarity, ~look.near.mirrored))
    faces = np.stack([face48(np.repeat(p[..., None], 3, axis=2)) for p in pictures])
    assert not len(near_duplicates(plain, faces, np.array([96, 90]), np.array([SAD, SAD]), threads=1).near)


def plane(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA).astype(np.float32)


def test_the_correlation_is_that_of_numpy_where_the_pictures_lie() -> None:
    one, other = plane(scene()), plane(marked(scene()))
    sharp = [(p - cv2.GaussianBlur(p, (0, 0), 1.5))[2:-2, 2:-2].ravel().astype(np.float64) for p in (one, other)]
    assert detail_correlation(one, other, enough=-1) == pytest.approx(np.corrcoef(*sharp)[0, 1], abs=1e-4)


def test_a_known_shift_turn_and_zoom_is_taken_back() -> None:
    turn = cv2.getRotationMatrix2D((48, 48), 3, 1.07) + np.array([[0, 0, 2], [0, 0, -1.5]])
    one, other = plane(scene()), plane(cv2.warpAffine(scene(), turn, (96, 96), borderMode=cv2.BORDER_REPLICATE))
    assert detail_correlation(one, other, enough=-1) < 0.5
    assert detail_correlation(one, other) > 0.75  # not 1: the zoom is sampled twice


def test_what_cannot_be_aligned_is_compared_as_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = plane(scene()), plane(saved(scene()))
    wanted = detail_correlation(one, other, enough=-1)

    def stuck(*_: object) -> None:
        raise cv2.error("the algorithm stopped before its convergence")

    monkeypatch.setattr(cv2, "findTransformECC", stuck)
    assert detail_correlation(one, other) == wanted > SAME_LABEL
    assert detail_correlation(one, plane(scene(skin=1))) < SAME_LABEL
    monkeypatch.setattr(cv2, "findTransformECC", lambda *_: (1.0, np.array([[9, 0, 0], [0, 9, 0]], np.float32)))  # most of it outside
    assert detail_correlation(one, other) == wanted


def test_pictures_without_detail_are_like_none() -> None:
    flat = np.full((48, 48), 90, np.float32)
    assert detail_correlation(flat, flat) == detail_correlation(flat, plane(scene())) == 0


def test_pictures_that_agree_as_they_lie_are_not_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(cv2, "findTransformECC", never)
    assert len(found([scene(), brighter(scene())], [SAD, HAPPY]).near) == 1


def test_many_pairs_in_chunks_by_threads_are_as_one_by_one_and_progress_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [change(scene(seed, mouth=mouth)) for seed in (0, 2, 3) for mouth in (0, 9) for change in (brighter, saved, cropped)]
    labels = [i // 3 % 2 for i in range(18)]
    look = alike(pictures)
    faces = np.stack([face48(np.repeat(p[..., None], 3, axis=2)) for p in pictures])
    sides, codes = np.array([min(p.shape) for p in pictures]), np.array(labels)
    whole = near_duplicates(look, faces, sides, codes, threads=1)
    assert 6 <= len(whole.near) < len(look.near)
    assert all(labels[a] == labels[b] for a, b in zip(whole.near.first, whole.near.second, strict=True))
    monkeypatch.setattr(detail, "CHUNK", 3)
    done: list[int] = []
    parts = near_duplicates(look, faces, sides, codes, threads=2, progress=done.append)
    assert np.array_equal(parts.near.first, whole.near.first)
    assert np.array_equal(parts.near.second, whole.near.second)
    assert np.array_equal(parts.near.similarity, whole.near.similarity)
    assert done == sorted(done)
    assert len(done) > 3
    assert done[-1] <= 18


def test_no_pictures_and_no_look_alikes() -> None:
    none = d.copies([], np.zeros((0, 576), np.float32))
    empty = near_duplicates(none, np.zeros((0, 48, 48), np.uint8), np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert (len(empty.same), len(empty.near)) == (0, 0)
    assert not len(found([scene(0), scene(1)], [SAD, SAD]).near)
