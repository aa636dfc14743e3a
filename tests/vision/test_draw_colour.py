"""The palette and the font do what they promise. The colour science here is written from the papers, not shared with mien."""

import itertools
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.labels import CAPTIONS, EMOTIONS, PALETTES
from mien.vision.colour import BLACK, DIVERGING, VIRIDIS, WHITE, contrast, legible_on, luminance, ramp, rgb
from mien.vision.fonts import text_mask

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])


def lab(colour, sight):
    c = np.array(colour) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(sight @ linear, 0, 1) / (0.95047, 1, 1.08883)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(one, two):
    """Sharma, Wu & Dalal 2005."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25.0**7)))
    c1, c2 = np.hypot(a1 * (1 + g), b1), np.hypot(a2 * (1 + g), b2)
    h1, h2 = (np.degrees(np.arctan2(b, a * (1 + g))) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = 0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    big_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = 1 - 0.17 * np.cos(np.radians(hm - 30)) + 0.24 * np.cos(np.radians(2 * hm))
    t += 0.32 * np.cos(np.radians(3 * hm + 6)) - 0.2 * np.cos(np.radians(4 * hm - 63))
    rotation = -np.sin(np.radians(60 * np.exp(-(((hm - 275) / 25) ** 2)))) * 2 * np.sqrt(cm**7 / (cm**7 + 25.0**7))
    dl = (l2 - l1) / (1 + 0.015 * (lm - 50) ** 2 / np.sqrt(20 + (lm - 50) ** 2))
    dc, dh = (c2 - c1) / (1 + 0.045 * cm), big_h / (1 + 0.015 * cm * t)
    return float(np.sqrt(dl**2 + dc**2 + dh**2 + rotation * dc * dh))


def test_the_yardstick_itself():
    # Pairs 1, 7 and 17 of the test data of Sharma, Wu & Dalal 2005.
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert ciede2000((50, 0, 0), (50, -1, 2)) == pytest.approx(2.3669, abs=1e-4)
    assert ciede2000((50, 2.5, 0), (73, 25, -18)) == pytest.approx(27.1492, abs=1e-4)


@pytest.mark.parametrize("sight", SIGHT)
def test_default_palette_is_safe_for_colour_blind_viewers(sight):
    colours = {name: lab(rgb(PALETTES["tol"][name]), SIGHT[sight]) for name in EMOTIONS}
    nearest = min((ciede2000(colours[a], colours[b]), a, b) for a, b in itertools.combinations(EMOTIONS, 2))
    assert nearest[0] > 17.5, nearest


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_text_is_legible_on_any_plate(plate):
    assert contrast(legible_on(plate), plate) >= 4.5


def test_contrast_of_known_pairs():
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(WHITE, WHITE) == 1
    assert contrast(WHITE, (118, 118, 118)) == pytest.approx(4.54, abs=0.01)  # #767676, the known AA limit on white
    assert legible_on(BLACK) == WHITE
    assert legible_on(WHITE) == BLACK


def test_ramps():
    assert ramp(VIRIDIS, -1) == ramp(VIRIDIS, 0) == rgb("#440154")
    assert ramp(VIRIDIS, 2) == rgb("#FDE725")
    light = [luminance(ramp(VIRIDIS, x)) for x in np.linspace(0, 1, 50)]
    assert light == sorted(light)
    for sight in SIGHT.values():
        assert ciede2000(lab(ramp(DIVERGING, 0.1), sight), lab(ramp(DIVERGING, 0.9), sight)) > 30


@pytest.mark.parametrize("wrong", ["red", "#12345", "123456#", "#12345g"])
def test_bad_colour_codes(wrong):
    with pytest.raises(ValueError, match=r"#RRGGBB|invalid literal"):
        rgb(wrong)


def test_font_has_every_letter_of_every_caption():
    missing = text_mask((("\u4e00", 40),))  # not in the font: the box it draws for what it does not know
    texts = "".join(text for names in CAPTIONS.values() for text in names.values())
    letters = set(texts + texts.upper() + "0123456789 %?:;.,=+-\u2212\u2026#VAёЁÄéß")
    for letter in letters - {" "}:
        mask = text_mask(((letter, 40),))
        assert mask.any(), letter
        assert mask.shape != missing.shape or (mask != missing).any(), letter


def test_font_is_small_and_has_its_licence():
    fonts = resources.files("mien.vision").joinpath("fonts")
    assert len(fonts.joinpath("DejaVuSans-subset.ttf").read_bytes()) < 150_000
    licence = fonts.joinpath("LICENSE_DEJAVU.txt").read_text(encoding="utf-8")
    assert "Bitstream Vera Fonts Copyright" in licence
    assert "Permission is hereby granted" in licence
