"""Profiles are made by hand, and what they mean is computed by hand."""

import io

import numpy as np
import pytest
from pictures import encoded, scene
from PIL import Image as Pil
from profiles import ADOBE, ADOBE_GAMMA, D50, SRGB, gamma_curve, grey_profile, ink_profile, matrix_profile, table_curve

from mien.io.images import decode, from_array
from mien.io.profiles import NEAR, to_srgb

ADOBE_RGB = matrix_profile(ADOBE, gamma_curve(ADOBE_GAMMA))


def srgb_encoded(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def as_seen(image: np.ndarray) -> np.ndarray:
    """A picture in Adobe RGB, in sRGB."""
    return srgb_encoded((image / 255) ** ADOBE_GAMMA @ ADOBE @ np.linalg.inv(SRGB))


def of_lab(light: float, a: float, b: float) -> np.ndarray:
    y = (light + 16) / 116
    f = np.array([y + a / 500, y, y - b / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * D50
    return srgb_encoded(xyz @ np.linalg.inv(SRGB))


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 95}), ("AVIF", {"quality": 95})]
)
def test_colours_are_those_that_are_seen(kind: str, options: dict[str, object]) -> None:
    picture = Pil.fromarray(scene(64, 48) // 2 + 60)
    stored = decode(encoded(picture, kind, **options), name="x").image
    wanted = as_seen(stored)
    assert np.abs(wanted - stored).max() > 20
    assert np.abs(decode(encoded(picture, kind, icc_profile=ADOBE_RGB, **options), name="x").image - wanted).max() <= 2


def test_a_photo_in_adobe_rgb_is_upright_too() -> None:
    exif = Pil.Exif()
    exif[0x0112] = 6
    picture = Pil.fromarray(scene(64, 48) // 2 + 60)
    stored = decode(encoded(picture, "JPEG", quality=95, exif=exif), name="x").image
    got = decode(encoded(picture, "JPEG", quality=95, exif=exif, icc_profile=ADOBE_RGB), name="x").image
    assert got.shape == (64, 48, 3)
    assert np.abs(got - as_seen(stored)).max() <= 2


def test_a_pil_image_is_converted_and_left_as_it_is() -> None:
    image = scene(64, 48) // 2 + 60
    picture = Pil.open(io.BytesIO(encoded(Pil.fromarray(image), "PNG", icc_profile=ADOBE_RGB)))
    assert np.abs(from_array(picture) - as_seen(image)).max() <= 2
    assert np.array_equal(np.asarray(picture), image)


def test_large_pictures_are_converted_in_parts() -> None:
    image = np.random.default_rng(0).integers(80, 180, (1500, 1500, 3), np.uint8)
    converted = to_srgb(image, ADOBE_RGB, "RGB")
    assert converted is not None
    assert np.abs(converted - as_seen(image)).max() <= 2


def test_what_is_transparent_stays_white() -> None:
    image = np.dstack([scene(), np.zeros((64, 96), np.uint8)])
    assert (decode(encoded(Pil.fromarray(image), "PNG", icc_profile=ADOBE_RGB), name="x").image == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "LA"])
def test_greys(kind: str, mode: str) -> None:
    if (kind, mode) == ("JPEG", "LA"):
        pytest.skip("there is none")
    ramp = np.tile(np.arange(256, dtype=np.uint8), (16, 1))
    data = encoded(Pil.fromarray(ramp).convert(mode), kind, icc_profile=grey_profile(1.5), **({"quality": 100} if kind == "JPEG" else {}))
    got, wanted = decode(data, name="x").image, srgb_encoded((ramp / 255) ** 1.5)
    assert np.abs(wanted - ramp).max() > 20
    assert np.abs(got - wanted[..., None]).max() <= 3


def test_a_grey_picture_may_have_a_profile_of_colours() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (16, 1))
    data = encoded(Pil.fromarray(ramp), "PNG", icc_profile=ADOBE_RGB)
    assert np.abs(decode(data, name="x").image - as_seen(ramp[..., None].repeat(3, 2))).max() <= 2


@pytest.mark.parametrize(("kind", "within"), [("TIFF", 3), ("JPEG", 5)])
def test_inks(kind: str, within: float) -> None:
    labs = [(100 - 5 * node, 0.0, 0.0) for node in range(16)]
    labs[0b1000] = (60, 40, 30)  # a cyan that is a red
    labs[0b1111] = (0, 0, 0)
    sheet = np.zeros((16, 48, 4), np.uint8)
    sheet[:, 16:, 0] = sheet[:, 32:, 1:] = 255
    data = encoded(Pil.fromarray(sheet, "CMYK"), kind, icc_profile=ink_profile(labs))
    got = decode(data, name="x").image
    assert np.abs(got[8, 4] - of_lab(100, 0, 0)).max() <= within
    assert np.abs(got[8, 24] - of_lab(60, 40, 30)).max() <= within
    assert got[8, 40].max() <= within


def test_the_darkest_inks_are_black() -> None:
    labs = [(100 - 5 * node, 0.0, 0.0) for node in range(16)]  # down to 25
    data = encoded(Pil.fromarray(np.full((8, 8, 4), 255, np.uint8), "CMYK"), "TIFF", icc_profile=ink_profile(labs))
    assert decode(data, name="x").image.max() <= 3


def test_srgb_by_any_name_costs_nothing() -> None:
    levels = np.arange(1024) / 1023
    own = matrix_profile(SRGB, table_curve(np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)))
    assert to_srgb(scene(), own, "RGB") is None
    assert NEAR < 5
    data = encoded(Pil.fromarray(scene()), "PNG", icc_profile=own)
    assert np.array_equal(decode(data, name="x").image, scene())


@pytest.mark.parametrize(
    "profile",
    [
        b"",
        b"not a profile",
        ADOBE_RGB[:200],
        ADOBE_RGB[:36] + b"xxxx" + ADOBE_RGB[40:],
        ADOBE_RGB[:16] + b"GRAY" + ADOBE_RGB[20:],
        ADOBE_RGB[:16] + b"CMYK" + ADOBE_RGB[20:],
        grey_profile(1),
        ink_profile([(50, 0, 0)] * 16),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_profile_that_is_broken_or_for_other_values_counts_as_none(kind: str, profile: bytes) -> None:
    plain = decode(encoded(Pil.fromarray(scene()), kind), name="x")
    got = decode(encoded(Pil.fromarray(scene()), kind, icc_profile=profile), name="x")
    assert np.array_equal(got.image, plain.image)
    assert got.note == ""


def test_a_huge_profile_counts_as_broken() -> None:
    assert to_srgb(scene(), ADOBE_RGB + bytes(9_000_000), "RGB") is None


def test_inks_without_their_profile_are_as_before() -> None:
    sheet = Pil.fromarray(np.full((8, 8, 4), 100, np.uint8), "CMYK")
    for profile in (b"broken", ADOBE_RGB):
        assert np.array_equal(decode(encoded(sheet, "TIFF", icc_profile=profile), name="x").image, np.asarray(sheet.convert("RGB")))
