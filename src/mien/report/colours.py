"""Colours of the page: those of the palettes, moved until they can be seen on a light and on a dark page."""

from __future__ import annotations

from mien.labels import PALETTES

THEMES: dict[str, dict[str, str]] = {
    "light": {"text": "#1c2126", "muted": "#5b6570", "grid": "#e3e7eb", "surface": "#ffffff", "other": "#7a5c99", "accent": "#2f6f8f"},
    "dark": {"text": "#e8ebee", "muted": "#9aa5b0", "grid": "#333a42", "surface": "#1b1f24", "other": "#b9a0d6", "accent": "#7fc0dd"},
}
"""Theme -> what its colours are for. page.css has the same ones."""
CONTRAST = 2.6
"""Least ratio of luminance between a line and the page, by WCAG 2's formula. At its 3 the nine hues grow too alike."""

_STEPS = 50


def themes(palette: str) -> dict[str, dict[str, str]]:
    """Theme -> name -> colour: the emotions of a palette, `on_` each of them what words on it have, and the colours of the page."""
    found = {}
    for theme, colours in THEMES.items():
        own = {name: readable(colour, colours["surface"]) for name, colour in PALETTES[palette].items()}
        found[theme] = colours | own | {f"on_{name}": ink(colour) for name, colour in own.items()}
    return found


def ink(colour: str) -> str:
    """Black or white, whichever stands out more on a colour: by at least 4.5, whatever the colour."""
    return max(("#000000", "#ffffff"), key=lambda one: contrast(one, colour))


def readable(colour: str, surface: str, *, least: float = CONTRAST) -> str:
    """A colour mixed with black, or on a dark surface with white, just as far as it needs to stand out. All as `#rrggbb`."""
    towards = 0 if luminance(surface) > 0.5 else 255
    red, green, blue = _channels(colour)
    for step in range(_STEPS + 1):
        part = step / _STEPS
        mixed = "#" + "".join(f"{round(value + (towards - value) * part):02x}" for value in (red, green, blue))
        if contrast(mixed, surface) >= least:
            return mixed
    return mixed


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio of two colours, 1..21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance, 0..1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in _channels(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
