"""How good a face is to read: size, sharpness, pose, and whether all of it is in the picture."""

from __future__ import annotations

import numpy as np

from mien.types import Floats, Image
from mien.vision.align import FER_TEMPLATE, CropSpec, similarity

# A rigid face in millimetres, x to the picture's right, y down, z towards the camera. x and y are FER_TEMPLATE's
# proportions at an interocular distance of 63 mm, so that the median face of FER-2013 is frontal by construction, and the
# mean with its mirror image, so that turns to both sides read alike; z (nose tip 30 mm and mouth corners 5 mm before the
# eyes) is ordinary anthropometry.
_CENTRED = (np.array(FER_TEMPLATE) - np.mean(FER_TEMPLATE, axis=0)) * 63 / (FER_TEMPLATE[1][0] - FER_TEMPLATE[0][0])
_XY = (_CENTRED + _CENTRED[[1, 0, 2, 4, 3]] * (-1, 1)) / 2
_Z = np.array([0.0, 0.0, 30.0, 5.0, 5.0])
HEAD = np.column_stack([_XY[:, 0], _XY[:, 1], _Z - _Z.mean()])
_SOLVE = np.linalg.pinv(HEAD)


def pose(points: Floats) -> Floats:
    """Yaw, pitch and roll in degrees, float32 (n, 3), from five landmarks (n, 5, 2); NaN without landmarks.

    A rigid head is fitted under scaled orthographic projection (the first step of POSIT, DeMenthon & Davis 1995). Yaw
    is positive when the subject looks to the picture's right, pitch when they look down, roll when the head is turned clockwise.
    Enough to know a profile from a frontal face, and no better than the landmarks. Of 72 faces rolled by 15, 30 and 45 degrees (photos of
    up to 1,300 px) the median roll by MTCNN's was 14-15, 29-30 and 43-47; by YuNet's it was 3-7, 5-16 and 10-27: they follow a small face
    that is rolled by half of it or less. Crops cut by them are rolled by the rest, as those that the recognisers learnt from.
    """
    out = np.full((len(points), 3), np.nan, np.float32)
    finite = np.isfinite(points).all(axis=(1, 2))
    if not finite.any():
        return out
    centred = points[finite].astype(np.float64)
    centred -= centred.mean(axis=1, keepdims=True)
    # centred = HEAD @ camera.T with camera the first two rows of scale * rotation
    camera = np.einsum("kp,npj->njk", _SOLVE, centred)
    u, _, vt = np.linalg.svd(camera, full_matrices=False)
    rotation = u @ vt  # nearest pair of orthonormal rows
    third = np.cross(rotation[:, 0], rotation[:, 1])
    # rotation = roll in the picture's plane @ pitch @ yaw: the third row does not know the roll, so a tilted head keeps its yaw
    yaw = np.degrees(np.arctan2(-third[:, 0], third[:, 2]))
    pitch = np.degrees(np.arctan2(-third[:, 1], np.hypot(third[:, 0], third[:, 2])))
    roll = np.degrees(np.arctan2(-rotation[:, 0, 1], rotation[:, 1, 1]))
    out[finite] = np.stack([yaw, pitch, roll], 1)
    return out


ROUNDING = 20 / 12
"""Variance of the Laplacian (squared weights sum to 20) of rounding to whole grey values (variance 1/12): all that is left
in a flat or very blurred crop, where it would pass for detail."""


LOOKED_AT = 44
"""Side in pixels at which fine detail is looked for, so that it does not depend on what size a recogniser wants: of larger crops of the
same faces a smaller share is fine, since most faces have no more pixels than this."""


def sharpness(crops: Image) -> Floats:
    """Share of fine detail in each crop, float32 (n,): variance of the Laplacian over the variance of the crop.

    Measured on the crop that the recogniser sees, larger ones shrunk to LOOKED_AT, so a slightly soft face of 500 px is sharp and an
    enlarged one of 12 px is not.
    """
    import cv2

    out = np.zeros(len(crops), np.float32)
    for i, crop in enumerate(crops):
        if max(crop.shape[:2]) > LOOKED_AT:
            crop = cv2.resize(crop, (LOOKED_AT, LOOKED_AT), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
        spread = float(grey.std()) ** 2
        detail = max(0.0, float(cv2.Laplacian(grey, cv2.CV_32F).var()) - ROUNDING)
        out[i] = detail / spread if spread > 0 else 0.0
    return out


_BELOW_EYES, _ABOVE_MOUTH = 0.3, 0.8
"""Where the skin that is looked at begins and ends, as shares of the way from the eyes to the mouth."""


def skin_lightness(image: Image, points: Floats) -> float:
    """CIE L* (0 black to 100 white) of the skin between eyes and mouth: the median over cheeks and nose; NaN without landmarks.

    image: uint8 (h, w, 3) sRGB. points: five landmarks (5, 2) in its pixels. Light and shadow count as much as the tone of the skin: it
    tells how light a face is in the picture, not which skin a person has.
    """
    import cv2

    if not np.isfinite(points).all():
        return float("nan")
    eyes, mouth = points[:2].astype(np.float64), points[3:].astype(np.float64)
    upper, lower = eyes + _BELOW_EYES * (mouth - eyes), eyes + _ABOVE_MOUTH * (mouth - eyes)
    corners = np.stack([upper[0], upper[1], lower[1], lower[0]])
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0)) + 1
    x0, y0 = np.maximum(low, 0).astype(int)
    x1, y1 = np.minimum(high, image.shape[1::-1]).astype(int)
    if x0 >= x1 or y0 >= y1:
        return float("nan")
    mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners - (x0, y0)).astype(np.int32), 1)
    if not mask.any():
        return float("nan")
    lab = cv2.cvtColor(np.ascontiguousarray(image[y0:y1, x0:x1]).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return float(np.median(lab[..., 0][mask > 0]))


_CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
_STEPS = (np.arange(64) + 0.5) / 64
_GRID = np.stack(np.meshgrid(_STEPS, _STEPS), axis=-1).reshape(-1, 2)
"""Places of a crop, as shares of its side, that are counted: a share to two hundredths."""


def cut_off(points: Floats, spec: CropSpec, size: tuple[int, int]) -> Floats:
    """How much of each face the picture's edge cuts off, float32 (n,): the share of its crop that lies outside, 1 with a landmark outside.

    points: landmarks that the crops are cut by, float32 (n, 5, 2) pixels, finite. size: width, height of the picture.
    """
    import cv2

    out = np.array(((points < 0) | (points > np.array(size))).any(axis=(1, 2)), np.float32)
    for i in np.flatnonzero(out == 0):
        back = cv2.invertAffineTransform(similarity(points[i : i + 1], spec.target)[0])
        for places in (_CORNERS, _GRID):  # most crops lie in the picture whole
            at = places * spec.size @ back[:, :2].T + back[:, 2]
            out[i] = ((at < 0) | (at > np.array(size))).any(axis=1).mean()
            if not out[i]:
                break
    return out


def face_size(boxes: Floats) -> Floats:
    """Shorter side of each box in pixels, float32 (n,)."""
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).min(axis=1), np.float32)
