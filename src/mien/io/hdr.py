"""Frames of HDR videos (PQ, HLG), in the wide colours of BT.2020 -> the brightness and colours of ordinary ones.

FFmpeg's own conversion (swscale) cuts off what is brighter than white, faces in the sun too, and takes some 50 to 100 ms for a frame of
1920 x 1080, where this takes 5. It is a curve for each channel, then a matrix that puts the colours right. Exactly, the light would have to
be mixed, not its root; on photos made HDR and back that makes 1.3 of 255 on average.
"""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.types import Image

PQ, HLG = 16, 18
"""AVColorTransferCharacteristic: SMPTE ST 2084, ARIB STD-B67."""
TRANSFERS = (PQ, HLG)
WHITE = 203.0
"""cd/m2 of paper in an HDR film (BT.2408), which is what an ordinary one has as its brightest."""
PEAK = 1000.0
"""cd/m2: the brightest that HLG has on the screen it is made for, and most PQ films too."""
SYSTEM_GAMMA = {PQ: 1.0, HLG: 1.2}
"""HLG holds the light of the scene; the screen shows it with this exponent on its luminance (BT.2100)."""

_TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
"""Light in the primaries of BT.709 -> BT.2020 (BT.2087)."""
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593])
"""Of light in BT.2020."""
_STRENGTH = 0.5
"""The matrix is fitted to colours of this share of the full strength: faces are no neon signs."""

Floats: TypeAlias = NDArray[np.float64]


def to_sdr(image: Image, transfer: int) -> Image:
    """uint8 (H, W, 3) R'G'B' as a film of the TRANSFERS stores it -> sRGB. Its primaries are taken for those of BT.2020."""
    import cv2

    table, matrix = _conversion(transfer)
    return np.asarray(cv2.transform(cv2.LUT(image, table), matrix), np.uint8)


@functools.cache
def _conversion(transfer: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The curve, uint8 (256,), and the matrix, (3, 3)."""
    codes = np.arange(256) / 255
    light = _from_pq(codes) if transfer == PQ else PEAK * _from_hlg(codes) ** SYSTEM_GAMMA[HLG]
    table = np.rint(255 * _encoded(_dimmed(light) / WHITE))
    return table.astype(np.uint8), _matrix(SYSTEM_GAMMA[transfer]).astype(np.float32)


def _matrix(gamma: float) -> Floats:
    """What makes encoded BT.2020 channels encoded BT.709 ones, by least squares over a grid of colours; grey stays grey.

    gamma: what was done to the luminance is done to each channel here.
    """
    grid = np.stack(np.meshgrid(*[np.linspace(0.05, 1, 9)] * 3), axis=-1).reshape(-1, 3)
    wanted = grid * _STRENGTH + grid.mean(axis=1, keepdims=True) * (1 - _STRENGTH)
    light = _decoded(wanted) @ _TO_BT2020.T
    given = _encoded(light**gamma * (light @ _LUMINANCE)[:, None] ** (1 - gamma))
    rows = np.eye(3)
    for channel in range(3):
        others = [other for other in range(3) if other != channel]
        own = given[:, [channel]]
        shares = np.linalg.lstsq(given[:, others] - own, wanted[:, channel] - own[:, 0], rcond=None)[0]
        rows[channel, others] = shares
        rows[channel, channel] -= shares.sum()
    return rows


def _dimmed(light: Floats) -> Floats:
    """cd/m2 up to PEAK -> up to WHITE: as it is below 92, above that more and more gently (the EETF of BT.2390-11, section 5.4.1)."""
    top = float(_to_pq(PEAK))
    given = np.minimum(_to_pq(light) / top, 1)
    most = float(_to_pq(WHITE)) / top
    knee = 1.5 * most - 0.5
    t = np.clip((given - knee) / (1 - knee), 0, 1)
    rolled = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return _from_pq(np.where(given < knee, given, rolled) * top)


# SMPTE ST 2084
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _from_pq(codes: Floats) -> Floats:
    """0..1 -> cd/m2."""
    power = codes ** (1 / _M2)
    return 10_000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)


def _to_pq(light: Any) -> Floats:
    """cd/m2 -> 0..1."""
    power = (np.asarray(light, np.float64) / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _from_hlg(codes: Floats) -> Floats:
    """0..1 -> light of the scene, 0..1 (BT.2100)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)


def _encoded(light: Floats) -> Floats:
    """Light 0..1 -> sRGB 0..1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _decoded(values: Floats) -> Floats:
    """sRGB 0..1 -> light."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
