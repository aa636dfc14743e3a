"""Charts of an evaluation as SVG in the page's own colours: no script, and they print."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.report.colours import THEMES, ink
from mien.report.sections import percent, text
from mien.report.svg import Plane, band, dot, line, path, svg
from mien.types import Floats

DOTS = 4000
"""Most dots of a scatter; of more rows, that many spread evenly."""
SMALL = (352, 246)
"""Width and height of a chart that stands among others."""
TITLE_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """One model's accuracy by level."""

    levels: Sequence[float]
    values: Sequence[float]
    """Shares, as many as levels."""
    intervals: Sequence[tuple[float, float]]
    """NaN where there are none."""
    hints: Sequence[str]
    """What is shown when a dot is pointed at."""
    untouched: float


def reliability_chart(bins: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy against confidence by bins; a dot's area is its share of the pictures, the dashed line is perfect calibration."""
    plane = Plane(0, 1, 0)
    total = sum(one["n"] for one in bins) or 1
    dots, way = [], []
    for one in bins:
        if one["n"]:
            x, y = plane.x(one["confidence"]), plane.y(one["accuracy"])
            hint = f"{percent(one['confidence'])} confident, {percent(one['accuracy'])} right, {one['n']:,} pictures"
            dots.append(dot(x, y, 3 + 22 * math.sqrt(one["n"] / total), hint))
            way.append((x, y))
    ideal = f'<line x1="{plane.x(0)}" y1="{plane.y(0)}" x2="{plane.x(1)}" y2="{plane.y(1)}" class="ideal"/>'
    body = plane.frame("confidence", "accuracy", TITLE_TICKS, shares=True) + ideal + path(way) + "".join(dots)
    return svg(body, "Reliability: accuracy against confidence")


def coverage_chart(curves: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """Accuracy on the most confident part of the pictures, a line for each model."""
    known = [value for _, curve in curves for value in curve.values() if value == value]
    bottom = math.floor(10 * min(known, default=0.0)) / 10
    plane = Plane(0, 1, min(bottom, 0.9))
    up = [tick / 10 for tick in range(round(plane.bottom * 10), 11)]
    parts = [plane.frame("part of the pictures answered, the most confident first", "accuracy", TITLE_TICKS, shares=True, up_ticks=up)]
    for k, (name, curve) in enumerate(curves):
        points = [(plane.x(float(share)), plane.y(value)) for share, value in curve.items()]
        parts.append(path(points, second=k > 0))
        for (share, value), (x, y) in zip(curve.items(), points, strict=True):
            parts.append(dot(x, y, 4, f"{name}: {percent(value)} right of {percent(float(share))}", second=k > 0))
    return svg("".join(parts), "Accuracy by coverage")


def level_chart(across: str, curves: Sequence[Curve], *, bottom: float, top: float, doubling: bool = False) -> str:
    """Accuracy by level with bands of its intervals, a line for each model; dashed what it is without a change. Small.

    bottom, top: shares that the upright axis goes from and to. doubling: the level's axis has equal steps for equal ratios.
    """
    every = sorted({level for curve in curves for level in curve.levels})
    places = {level: math.log2(level) if doubling else level for level in every}
    low, high = min(places.values()), max(places.values())
    edge = 0.04 * (high - low) or 1.0
    plane = Plane(low - edge, high + edge, bottom, top, *SMALL)
    up = [tick / 10 for tick in range(round(10 * bottom), round(10 * top) + 1)]
    names = [f"{level:g}".replace("-", "\u2212") for level in every]
    parts = [plane.frame(across, "accuracy", list(places.values()), shares=True, up_ticks=up, names=names)]
    for k, curve in enumerate(curves):
        x = [plane.x(places[level]) for level in curve.levels]
        lows, highs = ([plane.y(ends[side]) for ends in curve.intervals] for side in (0, 1))
        parts.append(band(x, lows, highs, second=k > 0))
        y = plane.y(curve.untouched)
        parts.append(line(plane.x(plane.low), y, plane.x(plane.high), y, "ideal"))
        points = [(at, plane.y(value)) for at, value in zip(x, curve.values, strict=True)]
        parts.append(path(points, second=k > 0))
        parts += [dot(*point, 3, hint, second=k > 0) for point, hint in zip(points, curve.hints, strict=True)]
    return svg("".join(parts), f"Accuracy by {across}", SMALL)


def affect_chart(axis: str, guess: Floats, true: Floats) -> str:
    """The model's value against the true one; the dashed line is where they are equal."""
    plane = Plane(-1, 1, -1)
    both = np.flatnonzero(np.isfinite(guess) & np.isfinite(true))
    if len(both) > DOTS:
        both = both[np.linspace(0, len(both) - 1, DOTS).astype(np.int64)]
    dots = "".join(
        f'<circle cx="{plane.x(float(x)):.1f}" cy="{plane.y(float(y)):.1f}" r="2.2"/>' for x, y in zip(true[both], guess[both], strict=True)
    )
    ideal = f'<line x1="{plane.x(-1)}" y1="{plane.y(-1)}" x2="{plane.x(1)}" y2="{plane.y(1)}" class="ideal"/>'
    frame = plane.frame(f"{axis}, true", f"{axis}, the model's", (-1, -0.5, 0, 0.5, 1), shares=False)
    return svg(f'{frame}{ideal}<g class="cloud">{dots}</g>', f"{axis}: the model's value against the true one")


def interval_bar(low: float, value: float, high: float) -> str:
    """A share of 0..1 with its interval, as wide as a table's cell."""
    if any(number != number for number in (low, value, high)):
        return ""
    return (
        '<svg class="bar" viewBox="0 0 160 14" width="160" height="14" aria-hidden="true">'
        '<line x1="0" y1="7" x2="160" y2="7" class="grid"/>'
        f'<line x1="{160 * low:.1f}" y1="7" x2="{160 * high:.1f}" y2="7" class="whisker"/>'
        f'<circle cx="{min(max(160 * value, 4), 156):.1f}" cy="7" r="4" class="dot"/></svg>'
    )


def confusion_table(labels: Sequence[str], counts: Sequence[Sequence[int]], no_answer: Sequence[int]) -> str:
    """The confusion matrix: in each cell the count and its share of the row, which colours it too."""
    extra = any(no_answer)
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in labels) + ('<th scope="col">no face</th>' if extra else "")
    lines = []
    for k, name in enumerate(labels):
        row = [*counts[k], *([no_answer[k]] if extra else [])]
        total = sum(row)
        cells = "".join(_cell(value, value / total if total else 0.0, right=j == k) for j, value in enumerate(row))
        lines.append(f'<tr><th scope="row">{text(name)}</th>{cells}<td class="sum">{total:,}</td></tr>')
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table class="confusion"><thead><tr>'
        f'<th scope="col">true ↓ answer →</th>{head}<th scope="col">all</th></tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def _cell(count: int, share: float, *, right: bool) -> str:
    strength, name = round(100 * math.sqrt(share)), "accent" if right else "other"
    if not strength:
        return f"<td>{count:,}<small></small></td>"
    style = f"--c: color-mix(in srgb, var(--{name}) {strength}%, var(--surface))"
    inks = "".join(f"; --{theme}: {ink(_mixed(own[name], own['surface'], strength / 100))}" for theme, own in THEMES.items())
    return f'<td class="tinted" style="{style}{inks}">{count:,}<small>{percent(share)}</small></td>'


def _mixed(colour: str, other: str, part: float) -> str:
    """What CSS's color-mix in srgb gives of two colours like `#1c2126`."""
    pairs = ((int(colour[k : k + 2], 16), int(other[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(part * one + (1 - part) * two):02x}" for one, two in pairs)
