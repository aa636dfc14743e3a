"""The curves of a training as a picture, `curves.png` in its run folder."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from mien.data.contact import PAPER, clipped, ink
from mien.data.encode import encoded
from mien.sinks.files import replace
from mien.train.axis import Axis, epoch_axis, value_axis
from mien.train.curves import Best, Columns, Panel, Series, panels, read_best, read_metrics, runs, told
from mien.types import Image
from mien.vision.colour import rgb
from mien.vision.fonts import text_mask, text_width

NAME = "curves.png"
WIDTH, HEADER, HEIGHT = 1200, 76, 372
"""Pixels: of the picture, of its heading, of a chart."""
LEFT, RIGHT, TOP, BOTTOM = 78, 26, 46, 52
"""Pixels around a chart's plane: numbers left and below (longer ones take more), title and legend above."""
GAP = 8
TEXT = 16
COLOURS = {"train": "#2f6f8f", "val": "#c2410c", "votes": "#7a5c99", "valence": "#7a5c99", "arousal": "#3b7d4f", "rate": "#44515c"}
"""Of the lines, on a light page; no two of one chart are alike to colour-blind eyes."""
GRID, FRAME, SOFT = (228, 231, 234), (150, 156, 162), (91, 101, 112)
FINE = 4
"""Positions are drawn to a sixteenth of a pixel."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Plane:
    """Where a chart's values lie on the picture."""

    panel: Panel
    across: Axis
    up: Axis
    x: int
    y: int
    width: int
    height: int

    def place(self, epoch: float, value: float) -> Point:
        """Pixels from the left and from the top."""
        return self.x + self.across.part(epoch) * self.width, self.y + (1 - self.up.part(value)) * self.height


def write_png(folder: str | Path) -> Path:
    """Draw the curves of a run folder's metrics.jsonl into its `curves.png`; gives its path.

    Raises SourceMissing and DataError as read_metrics does, SinkError.
    """
    columns = read_metrics(folder)
    path = Path(folder) / NAME
    replace(path, encoded(curve_picture(columns, best=read_best(folder, columns), title=Path(folder).resolve().name), ".png"))
    return path


def curve_picture(columns: Columns, *, best: Best | None = None, title: str = "") -> Image:
    """Loss, accuracy, valence and arousal, learning rate: those that are there, each a chart. uint8 (H, 1200, 3) RGB.

    best: the epoch that is marked. title: over the charts.
    """
    every = planes(columns)
    height = HEADER + HEIGHT * math.ceil(len(every) / 2)
    canvas = np.full((height, WIDTH, 3), PAPER, np.uint8)
    epochs = columns["epoch"]
    low, high = int(epochs[0]), int(epochs[-1])
    through = f"epoch {low}" if low == high else f"epochs {low} to {high}"
    ink(canvas, ((clipped(title, 24, WIDTH - 60), 24),), 16, 4)
    ink(canvas, ((f"{through}; best: {told(best)}" if best else through, TEXT),), 19, 38, SOFT)
    for k, plane in enumerate(every):
        _draw(canvas, plane, epochs, best, first=k == 0)
    return canvas


def planes(columns: Columns) -> list[Plane]:
    """Where each chart lies on the picture: two in a row, a last one without a partner as wide as both."""
    every = panels(columns)
    across = epoch_axis(columns["epoch"])
    found = []
    for k, panel in enumerate(every):
        alone = k == len(every) - 1 and k % 2 == 0
        width = WIDTH if alone else WIDTH // 2
        up = value_axis(panel)
        left = max(LEFT, GAP + math.ceil(max((text_width(up.label(tick), TEXT) for tick in up.ticks), default=0)))
        x, y = (k % 2) * WIDTH // 2 + left, HEADER + k // 2 * HEIGHT + TOP
        found.append(Plane(panel, across, up, x, y, width - left - RIGHT, HEIGHT - TOP - BOTTOM))
    return found


def _draw(canvas: Image, plane: Plane, epochs: Sequence[float], best: Best | None, *, first: bool) -> None:
    import cv2

    right, bottom = plane.x + plane.width, plane.y + plane.height
    for tick in plane.up.ticks:
        y = round(plane.place(plane.across.low, tick)[1])
        cv2.line(canvas, (plane.x, y), (right, y), GRID, 1)
        label = plane.up.label(tick)
        _write(canvas, label, plane.x - GAP - text_width(label, TEXT), y)
    for tick in plane.across.ticks:
        x = round(plane.place(tick, plane.up.high)[0])
        cv2.line(canvas, (x, plane.y), (x, bottom), GRID, 1)
        label = plane.across.label(tick)
        _write(canvas, label, x - text_width(label, TEXT) / 2, bottom + 15)
    _write(canvas, "epoch", plane.x + plane.width / 2 - text_width("epoch", TEXT) / 2, bottom + 36, SOFT)
    if best is not None:
        at = plane.place(best.epoch, plane.up.high)[0]
        _line(canvas, list(dashes([(at, plane.y), (at, bottom)], 5, 5)), FRAME, 1)
    cv2.rectangle(canvas, (plane.x, plane.y), (right, bottom), FRAME, 1)
    for one in plane.panel.series:
        _curve(canvas, plane, one, epochs)
    for one in plane.panel.series:
        _mark(canvas, plane, one, best)
    _legend(canvas, plane, best, first=first)


def _curve(canvas: Image, plane: Plane, one: Series, epochs: Sequence[float]) -> None:
    import cv2

    colour = rgb(COLOURS[one.colour])
    for run in runs(one.values, kind=plane.panel.kind):
        points = [plane.place(epochs[row], one.values[row]) for row in run]
        if len(points) == 1:
            cv2.circle(canvas, _fine(points[0]), 4 << FINE, colour, -1, cv2.LINE_AA, FINE)
        else:
            _line(canvas, list(dashes(points, 9, 6)) if one.dashed else [points], colour, 2)


def _mark(canvas: Image, plane: Plane, one: Series, best: Best | None) -> None:
    """A dot on the curve in the best epoch."""
    import cv2

    if best is None or one.dashed or not runs(one.values[best.row : best.row + 1], kind=plane.panel.kind):
        return
    spot = _fine(plane.place(best.epoch, one.values[best.row]))
    cv2.circle(canvas, spot, 6 << FINE, (PAPER,) * 3, -1, cv2.LINE_AA, FINE)
    cv2.circle(canvas, spot, 5 << FINE, rgb(COLOURS[one.colour]), -1, cv2.LINE_AA, FINE)


def _legend(canvas: Image, plane: Plane, best: Best | None, *, first: bool) -> None:
    """The chart's title, and flush right the names of its lines."""
    y = plane.y - 18
    x = float(plane.x + plane.width)
    entries: list[tuple[str, Series | None]] = [(one.name, one) for one in plane.panel.series] if plane.panel.kind != "log" else []
    entries += [("best epoch", None)] if best is not None and first else []
    for name, one in reversed(entries):
        x -= text_width(name, TEXT)
        _write(canvas, name, x, y)
        swatch: list[Point] = [(x - 34, y), (x - 8, y)]
        if one is None:
            swatch = [(x - 12, y - 8), (x - 12, y + 8)]
            _line(canvas, list(dashes(swatch, 4, 3)), FRAME, 2)
            x -= 36
            continue
        _line(canvas, list(dashes(swatch, 9, 6)) if one.dashed else [swatch], rgb(COLOURS[one.colour]), 3)
        x -= 52
    _write(canvas, clipped(plane.panel.title, TEXT + 2, int(x - plane.x)), plane.x, y, size=TEXT + 2)


def _write(canvas: Image, text: str, x: float, middle: float, colour: tuple[int, int, int] = (32, 32, 32), *, size: int = TEXT) -> None:
    """Text whose letters begin at x and are centred on `middle`."""
    if text:
        lines = ((text, size),)
        ink(canvas, lines, round(x - size * 0.36), round(middle - text_mask(lines).shape[0] / 2), colour)


def _line(canvas: Image, pieces: Sequence[Sequence[Point]], colour: tuple[int, int, int], thickness: int) -> None:
    import cv2

    fine = [np.array([_fine(point) for point in piece], np.int32)[:, None] for piece in pieces]
    cv2.polylines(canvas, fine, isClosed=False, color=colour, thickness=thickness, lineType=cv2.LINE_AA, shift=FINE)


def _fine(point: Point) -> tuple[int, int]:
    return round(point[0] * 2**FINE), round(point[1] * 2**FINE)


def dashes(points: Sequence[Point], on: float, off: float) -> Iterator[list[Point]]:
    """The parts of a line through points that a dashed one shows: `on` pixels of it, then `off` not."""
    left, inked, piece = on, True, [points[0]]
    for begin, end in pairwise(points):
        length, gone = math.dist(begin, end), 0.0
        while length - gone > left:
            gone += left
            spot = tuple(a + (b - a) * gone / length for a, b in zip(begin, end, strict=True))
            if inked:
                yield [*piece, (spot[0], spot[1])]
            piece, inked = [(spot[0], spot[1])], not inked
            left = on if inked else off
        left -= length - gone
        piece.append(end)
    if inked and len(piece) > 1:
        yield piece
