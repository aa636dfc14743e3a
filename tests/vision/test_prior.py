"""Average landmarks, where a detector gives none."""

import numpy as np
import pytest

from mien.models.detectors.haar import CASCADES
from mien.vision import prior as pr


def test_points_are_shares_of_the_box():
    boxes = np.array([[10, 20, 110, 220], [-5, 0, 5, 10]], np.float32)
    points = pr.points_from_boxes(boxes, ((0, 0), (1, 0), (0.5, 0.5), (0, 1), (1, 1)))
    assert points.dtype == np.float32
    assert points.tolist() == [
        [[10, 20], [110, 20], [60, 120], [10, 220], [110, 220]],
        [[-5, 0], [5, 0], [0, 5], [-5, 10], [5, 10]],
    ]
    assert pr.points_from_boxes(boxes[:0]).shape == (0, 5, 2)
    assert pr.points_from_boxes(boxes).tolist() == pr.points_from_boxes(boxes, pr.TIGHT).tolist()


@pytest.mark.parametrize("prior", [pr.TIGHT, *(cascade.prior for cascade in CASCADES.values())])
def test_priors_look_like_faces(prior):
    (rx, ry), (lx, ly), (nx, ny), (mrx, mry), (mlx, mly) = prior
    assert rx < nx < lx
    assert mrx < nx < mlx
    assert max(ry, ly) < ny < min(mry, mly)


def test_haar_points_lie_on_the_face(examples):
    from PIL import Image

    from mien.models.detectors.registry import detector

    with Image.open(examples / "astronaut.jpg") as opened:
        image = np.asarray(opened.convert("RGB"))
    by_eye = np.array([[201, 102], [247, 103], [222, 127], [202, 143], [240, 144]])
    for name in ("haar", "haar:alt2"):
        detect = detector(name)
        points = pr.points_from_boxes(detect(image).boxes, detect.prior)[0]
        assert np.linalg.norm(points - by_eye, axis=1).max() < 0.25 * 46
