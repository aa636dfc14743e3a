"""Annotated pictures: boxes, captions, notes. A new picture each time; the one given is never changed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.labels import CAPTIONS
from mien.types import Floats, Image, Result, check_image, check_kind
from mien.vision import paint
from mien.vision.captions import CROWD, gap, hidden, place
from mien.vision.colour import RGB, WHITE, legible_on, rgb
from mien.vision.cutouts import anonymize, crop_name, face_crops
from mien.vision.fonts import Line, text_mask
from mien.vision.style import Style, box_colour, caption, r0_text, r0_thickness, shorter, unsure

__all__ = ["Style", "anonymize", "crop_name", "draw", "face_crops", "note", "r0_text", "r0_thickness"]

Lines: TypeAlias = tuple[Line, ...]

SMALLEST_TEXT = 8
"""Pixels of an em below which letters are not legible any more."""
SECOND_LINE = 0.85
"""Size of the line with valence and arousal as a share of the first."""
SHRINK = (1.0, 0.86, 0.73)
TIDY = 0.04
"""Mean share of the faces hidden by captions, plus half the share of captions far from their face, that calls for no smaller setting."""
MOST_CAPTIONS = 250
"""Captions on one picture; in a larger crowd only the largest faces have one."""
NOTE_COLOUR = rgb("#222222")
HERSHEY_EM = 22 / 0.729
"""Em of DejaVu Sans in pixels whose capitals are as high as cv2.putText's at scale 1."""


def draw(image: NDArray[Any], result: Result, style: Style = Style()) -> Image:
    """The picture with a box and a caption for each face, or with a note if there is no face.

    image: uint8 (H, W, 3) RGB, the one that `result` is about. Returns a new array of the same shape. An unsure face has a
    dashed box and its caption begins with `unsure:`. Captions stay inside the picture and do not overlap; on a crowded picture
    the smallest faces go without. Raises UsageError when picture and result do not belong together, and for arguments of another kind.
    """
    check_image(image)
    check_kind("result", result, Result, "a Result, as mien.analyze and Analyzer.image give")
    check_kind("style", style, Style, 'a mien.Style, such as mien.Style(preset="r2")')
    height, width = image.shape[:2]
    if tuple(result.size) != (width, height):
        raise UsageError(f"draw: the picture has {width}x{height} pixels, the result is about one of {result.size[0]}x{result.size[1]}")
    faces, emotions = result.faces, result.emotions
    if len(faces) != len(emotions):
        raise UsageError(f"draw: the result has {len(faces)} faces but emotions for {len(emotions)}")
    if not len(faces):
        return note(image, CAPTIONS[style.language]["no face"])
    out = image.copy()
    text, thickness = _sizes(faces.boxes, width, height, style)
    widths = _line_widths(faces.boxes, thickness, fixed=style.thickness is not None or style.preset == "r0")
    frames = _frames(faces.boxes, widths, width, height)
    colours = [box_colour(emotions, i, style) for i in range(len(faces))]
    for i in np.argsort(-np.prod(frames[:, 2:] - frames[:, :2], axis=1), kind="stable"):  # small faces over large ones
        _box(out, frames[i], float(widths[i]), colours[i], dashed=unsure(emotions, int(i)))
    if style.show_points:
        for i, points in enumerate(faces.points):
            _dots(out, points, faces.boxes[i], colours[i])
    captions, rects = _layout(result, style, text, thickness, frames, width, height)
    plain = [unsure(emotions, i) and style.preset != "r2" for i in range(len(faces))]
    _write(out, captions, rects, frames, colours, thickness, plain)
    return out


def note(image: NDArray[Any], text: str, *, corner: str = "bottom left") -> Image:
    """The picture with a line of text in a corner: `No face found`, a frame rate.

    corner: `top` or `bottom`, `left` or `right`. The text shrinks to fit; where it cannot, the picture comes back unchanged.
    """
    check_image(image)
    check_kind("text", text, str, "a line of text")
    check_kind("corner", corner, str, "such as 'bottom left'")
    words = corner.split()
    if len(words) != 2 or words[0] not in ("top", "bottom") or words[1] not in ("left", "right"):
        raise UsageError(f"corner is {corner!r}; wanted 'top' or 'bottom', then 'left' or 'right'")
    out = image.copy()
    height, width = image.shape[:2]
    size = max(11, round(0.028 * float(np.sqrt(width * height))))
    margin = round(size * 0.6)
    lines = _fitted([(text,)], size, width, height)
    mask = text_mask(lines)
    h, w = mask.shape
    if not h:
        return out
    x = min(margin, width - w) if words[1] == "left" else max(width - w - margin, 0)
    y = min(margin, height - h) if words[0] == "top" else max(height - h - margin, 0)
    paint.lay(out, x, y, _plate(lines, NOTE_COLOUR))
    return out


def _sizes(boxes: Floats, width: int, height: int, style: Style) -> tuple[int, float]:
    """Size of the text and width of the lines in pixels: one for the whole picture, by its size and its faces'."""
    if style.preset == "r0":
        return round(HERSHEY_EM * r0_text(width, height)), float(style.thickness or r0_thickness(width, height))
    base = 0.0185 * float(np.sqrt(width * height))
    sides = np.clip(np.nan_to_num(boxes[:, 2:] - boxes[:, :2]), 0, max(width, height)).max(axis=1)
    text = max(11, round(float(np.clip(0.15 * np.median(sides), 0.75 * base, 1.5 * base))))
    return text, float(style.thickness or max(2, round(0.15 * text)))


def _line_widths(boxes: Floats, thickness: float, *, fixed: bool) -> Floats:
    """Width of each face's line, float32 (n,): `thickness`, but thinner around tiny faces so that it does not cover them."""
    if fixed:
        return np.full(len(boxes), thickness, np.float32)
    sides = np.nan_to_num(boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    return np.asarray(np.clip(np.rint(sides * 0.08), 1, thickness), np.float32)


def _frames(boxes: Floats, widths: Floats, width: int, height: int) -> Floats:
    """Outer edges of the drawn boxes, float32 (n, 4) on whole pixels, cut to the picture: a face at the border keeps four sides."""
    half = widths[:, None] / 2
    grown = np.concatenate([boxes[:, :2] - half, boxes[:, 2:] + half], axis=1)
    return np.asarray(np.rint(np.clip(grown, 0, np.array([width, height, width, height]))), np.float32)


def _box(image: Image, frame: Floats, thickness: float, colour: RGB, *, dashed: bool) -> None:
    if not np.isfinite(frame).all() or (frame[2:] <= frame[:2]).any():
        return
    x1, y1, x2, y2 = (float(v) for v in frame)
    side = min(x2 - x1, y2 - y1)
    paint.frame(
        image,
        (x1, y1, x2, y2),
        thickness=thickness,
        radius=min(2.5 * thickness, 0.12 * side),
        colour=colour,
        edge=WHITE if dashed else legible_on(colour),
        edge_width=max(0.8, thickness / 3.5),
        dashes=max(2.5 * thickness, min(4 * thickness, side / 7)) if dashed else 0.0,
    )


def _dots(image: Image, points: Floats, box: Floats, colour: RGB) -> None:
    size = max(2.0, 0.04 * float(box[2] - box[0]))
    for x, y in points[np.isfinite(points).all(axis=1)]:
        at = (float(x), float(y))
        paint.stroke(image, at, at, thickness=size, colour=colour, edge=legible_on(colour), edge_width=max(0.75, size / 5))


def _layout(
    result: Result, style: Style, text: int, thickness: float, frames: Floats, width: int, height: int
) -> tuple[list[Lines], Floats]:
    """The captions as they are set, and where each goes (NaN: nowhere): the largest setting with room for all of them."""
    emotions = result.emotions
    people: list[int | None] = [None] * len(emotions) if result.faces.ids is None else result.faces.ids.tolist()
    full = [tuple(caption(emotions, i, style, person=person)) for i, person in enumerate(people)]
    short = [tuple((line,) for line in shorter(emotions, i, style, person=person)) for i, person in enumerate(people)]
    spaced = frames + np.array([-1, -1, 1, 1], np.float32) * max(1.0, thickness / 2)
    # Size of the text, and how many of the longer forms to leave out.
    smaller = [max(SMALLEST_TEXT, round(text * share)) for share in SHRINK]
    settings = [(size, 0) for size in smaller] + [(smaller[1], 1), (smaller[2], 1), (smaller[1], 2), (smaller[2], 2), (SMALLEST_TEXT, 2)]
    if style.preset in ("r0", "r2"):
        settings = [(text, 0)]  # the size of the text, or its wording, is a rule
    elif len(frames) > CROWD:
        settings = [settings[2], settings[-1]]
    largest = np.argsort(-np.prod(frames[:, 2:] - frames[:, :2], axis=1), kind="stable")[:MOST_CAPTIONS]
    best: tuple[tuple[int, float], list[Lines], Floats] | None = None
    for size, cut in dict.fromkeys(settings):
        forms: list[list[tuple[str, ...]]] = [[f, *s] for f, s in zip(full, short, strict=True)]
        forms = [form[min(cut, len(form) - 1) :] for form in forms]
        captions: list[Lines] = [()] * len(forms)
        for i in largest:
            captions[i] = _fitted(forms[i], size, width, height)
        sizes = np.zeros((len(captions), 2), np.float32)
        sizes[largest] = [text_mask(captions[i]).shape[::-1] for i in largest]
        rects = place(spaced, sizes, width, height)
        missing = int(np.isnan(rects[:, 0]).sum())
        # Hidden faces, and captions that need a line to their face, are what a smaller setting may mend.
        strayed = [gap(rect, frame) > 2 * size for rect, frame in zip(rects, frames, strict=True) if np.isfinite(rect[0])]
        untidy = float(hidden(frames, rects).mean()) + 0.5 * sum(strayed) / len(frames)
        if best is None or (missing, untidy) < best[0]:
            best = (missing, untidy), captions, rects
        if not missing and untidy <= TIDY:
            break
    assert best is not None
    return best[1], best[2]


def _fitted(forms: list[tuple[str, ...]], size: int, width: int, height: int) -> Lines:
    """The longest form that fits into the picture as lines of text: smaller first, then shorter, then cut with an ellipsis; or nothing."""
    smallest = min(size, SMALLEST_TEXT)
    for form in forms:
        for share in (1.0, 0.85, 0.7, 0.6, 0.5, 0.4, 0.0):
            lines = _set(form, max(smallest, round(size * share)))
            h, w = text_mask(lines).shape
            if w <= width and h <= height:
                return lines
    text = forms[-1][0]
    for length in range(len(text) - 1, 1, -1):
        lines = _set((text[:length].rstrip(" :") + "\u2026",), smallest)
        h, w = text_mask(lines).shape
        if w <= width and h <= height:
            return lines
    return ()


def _set(form: tuple[str, ...], size: int) -> Lines:
    return tuple((line, size if i == 0 else max(min(size, SMALLEST_TEXT), round(size * SECOND_LINE))) for i, line in enumerate(form))


def _write(
    image: Image, captions: list[Lines], rects: Floats, frames: Floats, colours: list[RGB], thickness: float, plain: list[bool]
) -> None:
    shown = [i for i in range(len(rects)) if np.isfinite(rects[i, 0])]
    for i in shown:  # lines first, so that none crosses a caption
        if gap(rects[i], frames[i]) > 0.4 * captions[i][0][1]:
            middle = (rects[i, :2] + rects[i, 2:]) / 2
            end = np.clip(middle, frames[i, :2], frames[i, 2:])
            start = np.clip(end, rects[i, :2], rects[i, 2:])
            paint.stroke(
                image,
                (float(start[0]), float(start[1])),
                (float(end[0]), float(end[1])),
                thickness=max(1.0, 0.6 * thickness),
                colour=colours[i],
                edge=legible_on(colours[i]),
                edge_width=max(0.8, thickness / 3.5),
            )
    for i in shown:
        paint.lay(image, round(float(rects[i, 0])), round(float(rects[i, 1])), _plate(captions[i], colours[i], plain=plain[i]))


@lru_cache(maxsize=64)
def _plate(lines: Lines, colour: RGB, *, plain: bool = False) -> paint.Stamp:
    """A caption: black or white text, whichever is legible, on an opaque plate; `plain`: on a white plate edged in the colour.

    Kept, since those of a video change little from frame to frame.
    """
    mask = text_mask(lines)
    height, width = mask.shape
    radius = 0.22 * lines[0][1]
    layers = [(paint.plate(width, height, radius=radius), colour)]
    if plain:
        rim = max(1.0, round(lines[0][1] / 12))
        colour = WHITE
        layers.append((paint.plate(width, height, radius=radius - rim, rim=rim), colour))
    return paint.stamped(*layers, (mask.astype(np.float32) / np.float32(255), legible_on(colour)))
