import pytest

from mien.labels import EMOTIONS, PALETTES
from mien.report.colours import CONTRAST, THEMES, contrast, ink, luminance, readable, themes
from mien.report.figures import themed


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the best-known pair just under 4.5


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("theme", THEMES)
def test_every_emotion_stands_out_on_every_page(palette, theme):
    colours = themes(palette)[theme]
    for name in EMOTIONS:
        assert contrast(colours[name], colours["surface"]) >= CONTRAST
    assert contrast(colours["text"], colours["surface"]) >= 7
    assert contrast(colours["muted"], colours["surface"]) >= 4.5


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("theme", THEMES)
def test_words_on_every_emotion_can_be_read(palette, theme):
    colours = themes(palette)[theme]
    for name in EMOTIONS:
        assert contrast(colours[f"on_{name}"], colours[name]) >= 4.5
    assert min(contrast(ink(f"#{k:02x}{k:02x}{k:02x}"), f"#{k:02x}{k:02x}{k:02x}") for k in range(256)) >= 4.5


def test_a_colour_that_stands_out_already_stays():
    assert readable("#102030", "#ffffff") == "#102030"
    assert luminance(readable("#d4dad4", "#ffffff")) < luminance("#d4dad4")


def test_a_theme_replaces_the_names_of_colours_and_nothing_else():
    figure = {"text": "$happy", "line": {"color": "$happy"}, "marker": {"colors": ["$sad", "#123456", "$nobody"]}, "zerolinecolor": "$grid"}
    colours = {"happy": "#1", "sad": "#2", "other": "#3", "grid": "#4"}
    assert themed(figure, colours) == {
        "text": "$happy", "line": {"color": "#1"}, "marker": {"colors": ["#2", "#123456", "#3"]}, "zerolinecolor": "#4",
    }  # fmt: skip
