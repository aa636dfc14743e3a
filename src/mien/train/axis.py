"""Axes of a chart: a range that holds all values, and ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mien.train.curves import Kind, Panel

ROOM = 0.05
"""Part of the span that stays free above and below."""
SIDE = 0.02
"""Part of the epochs that stays free left and right."""
LEAST = 1e-9
"""Least span of an axis, against the size of its values."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to parts of a length."""

    low: float
    high: float
    ticks: tuple[float, ...]
    kind: Kind = "plain"

    def part(self, value: float) -> float:
        """0 at the low end, 1 at the high one."""
        if self.kind == "log":
            return (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return (value - self.low) / (self.high - self.low)

    def label(self, tick: float) -> str:
        """A tick's number: `65 %`, `0.25`, `1e-4`."""
        if self.kind == "share":
            return f"{100 * tick:.6g} %"
        plain = f"{tick:.6g}" if self.kind == "plain" or tick >= 1e-3 else f"{tick:.0e}"
        return plain.replace("e-0", "e-").replace("e+0", "e+")


def value_axis(panel: Panel, *, most: int = 7) -> Axis:
    """The axis for all values of a panel, with at most `most` ticks."""
    values = [value for one in panel.series for value in one.values if math.isfinite(value)]
    if panel.kind == "log":
        return _log_axis([value for value in values if value > 0], most)
    low, high = min(values), max(values)
    span = high - low
    if span <= LEAST * max(abs(low), abs(high)):
        span = abs(high) * 0.1 or 1.0
        low, high = low - span / 2, high + span / 2
    low, high = low - ROOM * span, high + ROOM * span
    if panel.kind == "share":
        low, high = max(low, -ROOM), min(high, 1 + ROOM)
    return Axis(low, high, round_ticks(low, high, most), panel.kind)


def epoch_axis(epochs: Iterable[float], *, most: int = 9) -> Axis:
    """The axis of epochs, with ticks at whole ones."""
    known = list(epochs)
    low, high = min(known), max(known)
    if low == high:
        return Axis(low - 0.5, high + 0.5, (low,))
    ticks = [tick for tick in round_ticks(low, high, most) if tick == round(tick)]
    # The first epoch is worth a number unless the next tick would touch it.
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    if not ticks or ticks[0] - low >= 0.6 * step:
        ticks.insert(0, low)
    side = SIDE * (high - low)
    return Axis(low - side, high + side, tuple(ticks))


def round_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten within low..high: as many as can be, at most `most`."""
    power = math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50):
        # Whole multiples divided by a power of ten are the nearest floats to round numbers; 3 * 0.1 is not.
        first, last = (math.floor(value / factor / 10.0**power) for value in (low, high))
        numbers = [n * factor for n in range(first, last + 2) if low <= _scaled(n * factor, power) <= high]
        if len(numbers) <= most:
            break
    return tuple(_scaled(number, power) for number in numbers)


def _scaled(number: int, power: int) -> float:
    return number / 10**-power if power < 0 else float(number * 10**power)


def _log_axis(values: list[float], most: int) -> Axis:
    low, high = min(values), max(values)
    room = (high / low) ** ROOM if high > low * (1 + LEAST) else 2.0
    low, high = low / room, high * room
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1,)):
        ticks = tuple(tick for power in powers for factor in factors if low <= (tick := _scaled(factor, power)) <= high)
        if len(ticks) <= most:
            break
    if len(ticks) > most:
        ticks = ticks[:: math.ceil(len(ticks) / most)]
    if len(ticks) < 2:  # less than between 1, 2 and 5: round numbers as on any axis
        ticks = round_ticks(low, high, most)
    return Axis(low, high, ticks, "log")
