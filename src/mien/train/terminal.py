"""The curves of a training while it lasts: a small block that is redrawn on a terminal, a line an epoch anywhere else."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

import numpy as np

from mien.io.names import printable
from mien.train.axis import Axis, value_axis
from mien.train.braille import BLANK, characters, dots
from mien.train.curves import Columns, Panel, Series, as_columns, best, panels, shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

SIDE_BY_SIDE, NARROWEST = 76, 28
"""Characters: from which on charts stand beside each other, and below which there is no block."""
TALLEST, LOWEST = 8, 3
"""Lines of a chart."""
GAP = 3
RECENT = 5
"""Epochs whose time says how long the others will take; the first ones may have had smaller crops."""
STYLES = {
    "train": "cyan",
    "val": "bold yellow",
    "votes": "bold magenta",
    "valence": "bold magenta",
    "arousal": "bold green",
    "rate": "white",
}
SHOWN = ("loss", "accuracy", "affect")
SHORT = {"affect": "CCC", "validation": "val"}


class TerminalCurves:
    """Call it with the metrics of each epoch, for instance as `watch` of mien.train.fit.fit.

    epochs: how many there will be. stream: where it writes; stderr, if None. before: metrics of a resumed training's earlier epochs
    (read_metrics). monitor: by what the best epoch is told. Colours are left out where NO_COLOR is set.
    """

    def __init__(
        self, epochs: int, stream: TextIO | None = None, *, before: Mapping[str, Sequence[float]] | None = None, monitor: str = ""
    ) -> None:
        self._epochs, self._monitor = epochs, monitor
        self._stream = sys.stderr if stream is None else stream
        self._rows: list[dict[str, float]] = []
        self._shift: int | None = None
        if before:
            self._rows = [{name: values[row] for name, values in before.items()} for row in range(len(before["epoch"]))]
        self._drawn: Sequence[Text] = ()
        """The block on the screen."""
        self._console = self._terminal()

    def __call__(self, metrics: Mapping[str, float]) -> None:
        """Show an epoch: metrics as in metrics.jsonl, `epoch` among them, counted from 0 or from 1."""
        if self._shift is None:
            self._shift = 1 if metrics["epoch"] == (self._rows[-1]["epoch"] if self._rows else 0) else 0
        row = {**metrics, "epoch": metrics["epoch"] + self._shift}
        self._rows = [one for one in self._rows if one["epoch"] < row["epoch"]] + [row]
        columns = as_columns(self._rows)
        if self._console is not None:
            block = self._lines(columns, self._console.width, self._console.height)
            if block:
                self._redraw(self._console, block)
                return
        self._write(line(columns, self._epochs, self._monitor))

    def say(self, text: str) -> None:
        """A line above the block, which stays below it."""
        if self._console is None:
            self._write(printable(text))
            return
        block = self._drawn
        self._clear(self._console)
        self._write(printable(text))
        if block:
            self._redraw(self._console, block)

    def _terminal(self) -> Console | None:
        """Where the stream is a terminal that can show braille and move its cursor."""
        if not self._stream.isatty():
            return None
        from rich.console import Console

        console = Console(file=self._stream, highlight=False, emoji=False, markup=False)
        try:
            chr(BLANK + 255).encode(self._stream.encoding or "ascii")
        except UnicodeEncodeError:
            return None
        return None if console.is_dumb_terminal else console

    def _redraw(self, console: Console, block: Sequence[Text]) -> None:
        from rich.text import Text

        self._clear(console)
        console.print(Text("\n").join(block), no_wrap=True, overflow="crop", crop=True)  # in one write: nothing flickers
        self._drawn = block

    def _clear(self, console: Console) -> None:
        """Take the block off the screen. A terminal that has become narrower since may have wrapped its lines."""
        from rich.control import Control
        from rich.segment import ControlType

        wide = max(console.width, 1)
        height = sum(max(1, math.ceil(len(text.plain.rstrip()) / wide)) for text in self._drawn)
        if height:
            up = [(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * height
            console.control(Control(ControlType.CARRIAGE_RETURN, *up))
        self._drawn = ()

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=self._stream, flush=True)

    def _lines(self, columns: Columns, width: int, height: int) -> list[Text]:
        """The block; empty where there is no room for one."""
        from rich.text import Text

        charts = [panel for panel in panels(columns) if panel.name in SHOWN][:2]
        beside = width >= SIDE_BY_SIDE and len(charts) == 2
        per = 1 if beside else len(charts)
        tall = min(TALLEST, (height - 2) // max(per, 1) - 2)  # the cursor stands below the block, and the line on top has one
        if not charts or width < NARROWEST or tall < LOWEST:
            return []
        own = (width - 1 - GAP) // 2 if beside else width - 1  # some terminals wrap after the last column
        drawn = [self._chart(panel, columns, own, tall) for panel in charts]
        block = [Text(_clip(head(columns, self._epochs, self._monitor), width - 1))]
        if not beside:
            return block + [text for chart in drawn for text in chart]
        for left, right in zip(*drawn, strict=True):
            left.pad_right(own - len(left) + GAP)
            block.append(left + right)
        return block

    def _chart(self, panel: Panel, columns: Columns, width: int, rows: int) -> list[Text]:
        """Its title with the latest values, the lines of the plot, and the epochs below: all at most `width` long."""
        from rich.text import Text

        axis = value_axis(panel)
        labels = [_tick(panel, axis.high), *[""] * (rows - 2), _tick(panel, axis.low)]
        margin = max(map(len, labels)) + 1
        title = Text().append(SHORT.get(panel.name, panel.title), "bold")
        for one in panel.series:
            name = SHORT.get(one.name, one.name)
            title.append(f" {'╌' if _dotted(one) else '─'} {name} {shown(one.values[-1], panel.kind)}", _style(one))
        title.truncate(width, overflow="ellipsis")
        lines = self._plot(panel, axis, columns["epoch"], width - margin, rows)
        body = [Text().append(f"{label:>{margin - 1}}▕", "dim").append(line) for label, line in zip(labels, lines, strict=True)]
        last = f"{self._epochs}"
        foot = Text().append(" " * margin + "1" + last.rjust(width - margin - 1), "dim")
        return [title, *body, foot]

    def _plot(self, panel: Panel, axis: Axis, epochs: Sequence[float], columns: int, rows: int) -> list[Text]:
        """The lines of a panel over all epochs to come, the later series above the earlier."""
        from rich.text import Text

        span = max(self._epochs, int(epochs[-1])) - 1
        layers = []
        for one in panel.series:
            parts = [((epoch - 1) / span if span else 0.5, axis.part(value)) for epoch, value in zip(epochs, one.values, strict=True)]
            layers.append(dots(parts, columns=columns, rows=rows, dotted=_dotted(one)))
        text = characters(np.logical_or.reduce(layers))
        owners = np.full((rows, columns), -1)
        for k, layer in enumerate(layers):
            owners[layer.reshape(rows, 4, columns, 2).any(axis=(1, 3))] = k
        styles = ["", *(_style(one) for one in panel.series)]
        lines = []
        for row in range(rows):
            line = Text()
            for character, owner in zip(text[row], owners[row], strict=True):
                line.append(character, styles[owner + 1])
            lines.append(line)
        return lines


def line(columns: Mapping[str, Sequence[float]], epochs: int, monitor: str = "") -> str:
    """The last epoch as one line of plain text."""
    parts = []
    for panel in panels(columns):
        if panel.name in SHOWN:
            values = ", ".join(f"{one.name} {shown(one.values[-1], panel.kind)}" for one in panel.series)
            parts.append(f"{SHORT.get(panel.name, panel.title.lower())}: {values}")
    return "; ".join([head(columns, epochs, monitor), *parts]).replace("–", "-")


def head(columns: Mapping[str, Sequence[float]], epochs: int, monitor: str = "") -> str:
    """`epoch 12 of 26, best 9 (63.4 %), rate 0.0031, 41 s an epoch, 9 min left`."""
    number = int(columns["epoch"][-1])
    parts = [f"epoch {number} of {epochs}"]
    found = best(columns, monitor)
    if found is not None:
        parts.append(f"best {found.epoch} ({shown(found.value, found.kind)})")
    rate = columns.get("rate", [math.nan])[-1]
    if math.isfinite(rate):
        parts.append(f"rate {shown(rate, 'log')}")
    recent = [seconds for seconds in columns.get("seconds", [])[-RECENT:] if math.isfinite(seconds)]
    if recent:
        mean = sum(recent) / len(recent)
        parts.append(f"{duration(mean)} an epoch")
        if number < epochs:
            parts.append(f"{duration(mean * (epochs - number))} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """`0.4 s`, `41 s`, `12 min`, `3 h 05 min`."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def _dotted(one: Series) -> bool:
    """Training's lines are dotted, so that colour is not all that tells them apart."""
    return one.dashed or one.colour == "train"


def _style(one: Series) -> str:
    return STYLES[one.colour] if not one.dashed else STYLES[one.colour].removeprefix("bold ")


def _tick(panel: Panel, value: float) -> str:
    return f"{100 * value:.0f} %" if panel.kind == "share" else f"{value:.3g}"


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
