"""How an annotated picture looks: one frozen dataclass, and the rules of the earlier projects as presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np

from mien.errors import UnknownName, UsageError
from mien.labels import CAPTIONS, PALETTES, UNSURE_COLOUR, to_seven
from mien.types import Emotions, check_kind
from mien.vision.colour import DIVERGING, RGB, VIRIDIS, ramp, rgb

COLOURS = ("emotion", "valence", "confidence")
PRESETS = ("r0", "r1", "r2", "r3")
SCALES = ("unit", "seven")
RED, GREY, GREEN = "#ff0000", "#808080", "#00ff00"
NO_VALENCE = "#BBBBBB"


@dataclass(frozen=True, slots=True)
class Style:
    """What is drawn and in which colours. Raises UnknownName for a name that is not in its table."""

    language: str = "en"
    """`en` or `ru`."""
    colour: str = "emotion"
    """What the colour of a box says: `emotion`, `valence` (orange below 0, grey, blue above) or `confidence` (viridis, 0..1)."""
    palette: str = "tol"
    """Colours of the emotions: `tol`, safe for colour-blind viewers, or `tableau` (R1)."""
    preset: str | None = None
    """An earlier project's rules: `r0` line thickness and text size; `r1` tableau colours; `r2` a green box with the emotion's
    name, and with show_affect boxes red, grey or green by valence on 1..7 with the caption `anger; V. =1.5; A. =6.72`; `r3` red
    boxes for unsure faces, as is the default here."""
    show_affect: bool = False
    """Valence and arousal in a second line of the caption."""
    affect_scale: str = "unit"
    """Scale of that line: `unit` -1..1 or `seven` 1..7."""
    show_points: bool = False
    """Dots on the five landmarks."""
    show_probability: bool = True
    """The top emotion's probability in the caption."""
    thickness: int | None = None
    """Width of the lines in pixels; None follows the size of the picture and of its faces."""

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("language", self.language, CAPTIONS),
            ("colour mode", self.colour, COLOURS),
            ("palette", self.palette, PALETTES),
            ("preset", self.preset, (*PRESETS, None)),
            ("affect scale", self.affect_scale, SCALES),
        ):
            if name not in tuple(known):
                raise UnknownName(kind, str(name), (entry for entry in known if entry))
        if self.thickness is not None:
            check_kind("thickness", self.thickness, Integral, "a whole number of pixels, or None")
            if self.thickness < 1:
                raise UsageError(f"thickness is {self.thickness}; wanted at least 1 pixel, or None")
        if self.preset == "r1":
            object.__setattr__(self, "palette", "tableau")
            object.__setattr__(self, "colour", "emotion")


def r0_thickness(width: int, height: int) -> float:
    """R0's width of lines in pixels for a picture of this size: its area / 87320.25, at most 4 and never under 1."""
    return max(1.0, min(4.0, width * height / 87320.25))


def r0_text(width: int, height: int) -> float:
    """R0's size of text for a picture of this size: half the thickness, at most 1.5. 1.0 is cv2.putText's, capitals 22 px high."""
    return min(r0_thickness(width, height) / 2, 1.5)


def _affect(emotions: Emotions, face: int) -> tuple[float, float] | None:
    """Valence and arousal of a face, None where they are not known."""
    if emotions.affect is None or not np.isfinite(emotions.affect[face]).all():
        return None
    return float(emotions.affect[face, 0]), float(emotions.affect[face, 1])


def unsure(emotions: Emotions, face: int) -> bool:
    """Whether mien is not sure about a face."""
    return bool(emotions.unsure[face])


def box_colour(emotions: Emotions, face: int, style: Style) -> RGB:
    """The colour of one face's box."""
    affect = _affect(emotions, face)
    if style.preset == "r2":
        if affect is None or not style.show_affect:
            return rgb(GREEN)
        valence = round(to_seven(affect[0]), 2)
        return rgb(RED if valence < 4 else GREEN if valence > 4 else GREY)
    if unsure(emotions, face):
        return rgb(UNSURE_COLOUR)
    if style.colour == "valence":
        return rgb(NO_VALENCE) if affect is None else ramp(DIVERGING, (affect[0] + 1) / 2)
    top = int(emotions.probs[face].argmax() if emotions.held is None else emotions.held[face])
    if style.colour == "confidence":
        return ramp(VIRIDIS, float(emotions.probs[face, top]))
    palette = PALETTES[style.palette]
    # Labels of a stranger's model have no colour of their own: they take the palette's in order.
    return rgb(palette.get(emotions.labels[top], list(palette.values())[top % len(palette)]))


def caption(emotions: Emotions, face: int, style: Style, *, person: int | None = None) -> list[str]:
    """The lines of one face's caption: one, or two with valence and arousal. It begins with the person's number where there is one."""
    names = CAPTIONS[style.language]
    label, probability = emotions.ranked(face)[0]
    text = names.get(label, label)
    affect = _affect(emotions, face)
    if style.preset == "r2":
        if affect is None or not style.show_affect:
            return [text]
        return [f"{text}; V. ={round(to_seven(affect[0]), 2)}; A. ={round(to_seven(affect[1]), 2)}"]
    if style.show_probability:
        text = f"{text} {probability * 100:.0f} %"
    if unsure(emotions, face):
        text = f"{names['unsure']}: {text}"
    if person is not None:
        text = f"#{person} {text}"
    if not style.show_affect or affect is None:
        return [text]
    if style.affect_scale == "seven":
        valence, arousal = map(to_seven, affect)
        return [text, f"V {valence:.1f}  A {arousal:.1f}"]
    valence, arousal = (round(value, 2) + 0.0 for value in affect)  # + 0.0: no -0.00
    return [text, f"V {valence:+.2f}  A {arousal:+.2f}".replace("-", "\u2212")]


def shorter(emotions: Emotions, face: int, style: Style, *, person: int | None = None) -> list[str]:
    """Ever shorter texts for a caption that has no room: without the probability, then only `happy?` for an unsure face."""
    plain = replace(style, show_affect=False, show_probability=False, preset=None)
    texts = [caption(emotions, face, plain, person=person)[0]]
    if unsure(emotions, face):
        label = emotions.ranked(face)[0][0]
        texts.append(("" if person is None else f"#{person} ") + CAPTIONS[style.language].get(label, label) + "?")
    return texts
