"""Colours are made HDR here by the formulas of BT.2100, and come back as those they were."""

from pathlib import Path

import av
import numpy as np
import pytest

from mien.io.hdr import HLG, PEAK, PQ, WHITE, to_sdr
from mien.io.video import read_video
from mien.types import Frame

TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def pq(light: np.ndarray) -> np.ndarray:
    """cd/m2 (..., 3) -> 0..1."""
    power = (light / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light: np.ndarray) -> np.ndarray:
    """cd/m2 (..., 3) of a screen of 1000 cd/m2 -> 0..1."""
    luminance = np.maximum(light @ [0.2627, 0.6780, 0.0593], 1e-9)[..., None] / 1000
    scene = light / 1000 * luminance ** (1 / 1.2 - 1)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-6)) + 0.55991073)


def light_of(image: np.ndarray) -> np.ndarray:
    """sRGB -> light in BT.2020, cd/m2."""
    values = image / 255
    return WHITE * np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) @ TO_BT2020.T


def faces() -> np.ndarray:
    """Colours of skin and hair, of clothes, and greys: none brighter than 92 cd/m2, from where on it is dimmed. uint8 (2, 6, 3)."""
    skins = [(60, 40, 32), (92, 62, 48), (120, 84, 68), (150, 110, 92), (168, 132, 116), (30, 24, 22)]
    others = [(40, 60, 110), (120, 60, 60), (60, 110, 70), (90, 90, 90), (160, 160, 160), (8, 8, 8)]
    return np.array([skins, others], np.uint8)


TRANSFERS = [(PQ, pq), (HLG, hlg)]


@pytest.mark.parametrize(("transfer", "encode"), TRANSFERS)
def test_what_is_as_bright_as_in_an_ordinary_film_comes_back(transfer: int, encode) -> None:
    image = faces()
    stored = np.rint(255 * encode(light_of(image))).astype(np.uint8)
    assert np.abs(stored.astype(int) - image).max() > 20
    off = np.abs(to_sdr(stored, transfer).astype(int) - image)
    assert off.max() <= 9
    assert off.mean() <= 3


@pytest.mark.parametrize(("transfer", "encode"), TRANSFERS)
def test_what_is_brighter_is_dimmed_and_not_cut_off(transfer: int, encode) -> None:
    light = np.array([50, 92, 150, 203, 300, 400, 600, PEAK])
    stored = np.rint(255 * encode(np.repeat(light[:, None], 3, axis=1))).astype(np.uint8)[None]
    got = to_sdr(stored, transfer)[0].astype(int)
    assert (got == got[:, :1]).all()  # grey stays grey
    assert (np.diff(got[:, 0]) > 0).all()
    # By the formula of BT.2390 for 1000 -> 203 cd/m2, worked out apart.
    assert np.abs(got[:, 0] - [136, 179, 213, 229, 243, 250, 254, 255]).max() <= 2


def film(path: Path, transfer: int, image: np.ndarray) -> Path:
    """image: uint16 (h, w, 3), R'G'B' in BT.2020."""
    height, width = image.shape[:2]
    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=25)
        video.width, video.height, video.pix_fmt = width, height, "yuv444p10le"
        context = video.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = 9, 9, transfer, 1
        frame = av.VideoFrame.from_ndarray(image, "rgb48le").reformat(format="yuv444p10le", dst_colorspace=9, dst_color_range=1)
        frame.pts = 0
        out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


@pytest.mark.parametrize(("transfer", "encode"), TRANSFERS)
def test_hdr_films_have_ordinary_colours(tmp_path: Path, transfer: int, encode) -> None:
    image = np.kron(faces(), np.ones((8, 8, 1), np.uint8))
    path = film(tmp_path / "a.mkv", transfer, np.rint(65535 * encode(light_of(image))).astype(np.uint16))
    [frame] = read_video(path, source="a")
    assert isinstance(frame, Frame)
    assert np.abs(frame.image.astype(int) - image).max() <= 12


def test_a_film_that_is_no_hdr_is_left_alone(tmp_path: Path) -> None:
    image = np.kron(faces(), np.ones((8, 8, 1), np.uint8))
    [frame] = read_video(film(tmp_path / "a.mkv", 14, image.astype(np.uint16) * 257), source="a")
    assert isinstance(frame, Frame)
    assert np.abs(frame.image.astype(int) - image).max() <= 3
