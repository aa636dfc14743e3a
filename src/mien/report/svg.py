"""What charts in SVG are drawn of, in the page's own colours: no script, and they print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mien.report.sections import text

WIDTH, HEIGHT = 480, 360
LEFT, RIGHT, TOP, BOTTOM = 66, 24, 12, 46
SPACE = "\u00a0"
"""In percentages; as text it would be shown as `?`."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A square of data coordinates on the drawing."""

    low: float
    high: float
    bottom: float
    """The vertical axis may begin elsewhere."""
    top: float | None = None
    """And end elsewhere."""
    width: int = WIDTH
    """Of the drawing, in pixels."""
    height: int = HEIGHT

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return LEFT + (self.width - LEFT - RIGHT) * (value - self.low) / (self.high - self.low)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        top = self.high if self.top is None else self.top
        return TOP + (self.height - TOP - BOTTOM) * (top - value) / (top - self.bottom)

    def frame(
        self, across: str, up: str, ticks: Sequence[float], *, shares: bool, up_ticks: Sequence[float] | None = None,
        names: Sequence[str] | None = None, up_names: Sequence[str] | None = None,
    ) -> str:  # fmt: skip
        """Grid, numbers and names of the axes. names, up_names: what stands at `ticks` and `up_ticks` instead of their numbers."""
        parts, floor, right = [], self.height - BOTTOM, self.width - RIGHT
        for tick, name in zip(ticks, names or [tick_name(tick, shares) for tick in ticks], strict=True):
            x = self.x(tick)
            parts.append(line(x, TOP, x, floor, "grid") + label(x, floor + 18, name, "middle"))
        ups = ticks if up_ticks is None else up_ticks
        for tick, name in zip(ups, up_names or [tick_name(tick, shares) for tick in ups], strict=True):
            y = self.y(tick)
            parts.append(line(LEFT, y, right, y, "grid") + label(LEFT - 7, y + 4, name, "end"))
        middle = (TOP + floor) / 2
        parts.append(label((LEFT + right) / 2, self.height - 6, across, "middle"))
        parts.append(
            f'<text x="13" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 13 {middle:.0f})" class="axis">{text(up)}</text>'
        )
        return "".join(parts)


def tick_name(value: float, shares: bool) -> str:
    """A number of an axis; shares are written as percentages."""
    return f"{100 * value:.0f} %" if shares else f"{value:g}"


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line; kind: its class in the style."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def label(x: float, y: float, value: str, anchor: str) -> str:
    """Words in a chart. anchor: start, middle or end."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="axis">{text(value)}</text>'


def dot(x: float, y: float, radius: float, hint: str, *, second: bool = False) -> str:
    """A dot that says `hint` when it is pointed at."""
    kind = "dot second" if second else "dot"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{kind}"><title>{text(hint.replace(SPACE, " "))}</title></circle>'


def path(points: Iterable[tuple[float, float]], *, second: bool = False) -> str:
    """A line through points."""
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{steps}" class="{"curve second" if second else "curve"}"/>'


def band(x: Sequence[float], low: Sequence[float], high: Sequence[float], *, second: bool = False) -> str:
    """The area between two lines, in pixels; a value that is NaN parts it."""
    out, run = [], list[tuple[float, float, float]]()
    for at, a, b in [*zip(x, low, high, strict=True), (0.0, float("nan"), 0.0)]:
        if a == a and b == b:
            run.append((at, a, b))
        elif run:
            corners = [(at, b) for at, _, b in run] + [(at, a) for at, a, _ in reversed(run)]
            out.append(" ".join(f"{px:.1f},{py:.1f}" for px, py in corners))
            run = []
    return "".join(f'<polygon points="{corners}" class="{"band second" if second else "band"}"/>' for corners in out)


def svg(body: str, alt: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    """A whole chart. label: for those who cannot see it."""
    return f'<svg class="chart" viewBox="0 0 {size[0]} {size[1]}" role="img" aria-label="{text(alt)}">{body}</svg>'
