"""The curves of a training: what metrics.jsonl of a run folder says, as columns, and which of them belong in one chart."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mien.errors import DataError, SourceMissing

METRICS = "metrics.jsonl"
Columns = dict[str, list[float]]
"""Name of a metric -> its value in each epoch, NaN where there is none. All have one length; `epoch` counts from 1."""
Kind = Literal["plain", "share", "log"]
SHARES = ("accuracy", "balanced", "macro_f1")
"""Ends of the names of metrics that are shares."""
LOW = frozenset(("loss", "rmse", "mae", "ece", "seconds"))
"""Words in the names of metrics that are good when they are small."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    name: str
    """As the legend says it."""
    key: str
    """Its name in metrics.jsonl."""
    colour: str
    """Name of its colour: train, val, votes, valence, arousal or rate."""
    dashed: bool
    values: tuple[float, ...]
    """One an epoch; NaN is a gap."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: lines on a common scale."""

    name: str
    title: str
    kind: Kind
    """`share` is shown in percent, `log` on a logarithmic scale."""
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Best:
    """The best epoch of a training."""

    row: int
    """Its place in the columns."""
    epoch: int
    key: str
    """What it is the best by."""
    value: float
    kind: Kind
    """How its value is shown."""


TRAIN, VAL = ("train", "train_{}", "train", False), ("validation", "val_{}", "val", False)
AFFECT = tuple(
    (f"{axis}{more}", f"{part}_ccc_{axis}", axis, part == "train")
    for axis in ("valence", "arousal")
    for part, more in (("train", ", train"), ("val", ""))
)
VOTES = ("crowd's majority", "val_votes_accuracy", "votes", False)
PANELS: tuple[tuple[str, str, Kind, tuple[tuple[str, str, str, bool], ...]], ...] = (
    ("loss", "Loss", "plain", (TRAIN, VAL)),
    ("accuracy", "Accuracy", "share", (TRAIN, VAL, VOTES)),
    ("affect", "Agreement (CCC)", "plain", AFFECT),
    ("rate", "Learning rate", "log", (("rate", "rate", "rate", False),)),
)
"""Name, title, kind and lines (name, key, colour, dashed) of each chart."""


def read_metrics(folder: str | Path) -> Columns:
    """The metrics of a run folder by name, a value an epoch, in order of the epochs; `epoch` counts from 1.

    A metric that an epoch lacks is NaN there; what is no number is left out. Of an epoch that was written twice (a training that was
    resumed) the later counts. A last line that is not whole yet is left out. Raises SourceMissing without a metrics.jsonl, DataError
    when it holds no epoch or a line in its middle is broken.
    """
    path = Path(folder) / METRICS
    if not path.is_file():
        raise SourceMissing(f"{path}: no such file; wanted the run folder of a training, in which `mien train` writes it")
    lines = path.read_bytes().decode("utf-8", "replace").split("\n")
    epochs: dict[float, dict[str, float]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = _parsed(line)
        if row is None:
            if number == len(lines):  # without its newline: being written, or cut off by a crash
                continue
            raise DataError(f"{path}, line {number}: not a JSON object with a number `epoch`: {line[:60]!r}")
        epochs[row["epoch"]] = row
    if not epochs:
        raise DataError(f"{path}: no epoch in it yet; wait for the first to end")
    return as_columns([epochs[epoch] for epoch in sorted(epochs)])


def as_columns(rows: Sequence[Mapping[str, float]]) -> Columns:
    """Metrics of epochs, in their order, as columns of one length; `epoch` counts from 1 whether it did or began with 0."""
    names = ["epoch", *dict.fromkeys(name for row in rows for name in row if name != "epoch")]
    columns = {name: [float(row.get(name, math.nan)) for row in rows] for name in names}
    if columns["epoch"] and columns["epoch"][0] == 0:
        columns["epoch"] = [epoch + 1 for epoch in columns["epoch"]]
    return columns


def _parsed(line: str) -> dict[str, float] | None:
    """The numbers of one line; None when it is no JSON object with an epoch."""
    # A crash can leave half a line to which the resumed training adds a whole one; the objects are flat, so the last brace begins it.
    for text in (line, line[line.rfind("{") :]):
        try:
            found = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, dict):
            row = {name: math.nan if value is None else float(value) for name, value in found.items() if _is_number(value)}
            if math.isfinite(row.get("epoch", math.nan)):
                return row
    return None


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def panels(columns: Mapping[str, Sequence[float]]) -> list[Panel]:
    """The charts that the columns have something for, each with the lines that are there."""
    found = []
    for name, title, kind, lines in PANELS:
        series = [
            Series(label, key.format(name), colour, dashed, tuple(columns[key.format(name)]))
            for label, key, colour, dashed in lines
            if any(_shown(value, kind) for value in columns.get(key.format(name), ()))
        ]
        if series:
            found.append(Panel(name, title, kind, tuple(series)))
    return found


def _shown(value: float, kind: Kind) -> bool:
    return math.isfinite(value) and (kind != "log" or value > 0)


def best(columns: Mapping[str, Sequence[float]], monitor: str = "") -> Best | None:
    """The epoch with the best `monitor`: the highest, of a loss or an error the lowest; of equal ones the first.

    Where no epoch has it, the best by validation accuracy, else by the mean CCC, else by validation loss; None when none is there.
    """
    affect = [columns[key] for key in ("val_ccc_valence", "val_ccc_arousal") if key in columns]
    mean = [sum(values) / len(values) for values in zip(*affect, strict=True)]
    known = {"val_ccc": mean} | {key: list(values) for key, values in columns.items()}
    for key in (monitor, "val_accuracy", "val_ccc", "val_loss"):
        values = known.get(key, [])
        rows = [row for row, value in enumerate(values) if math.isfinite(value)]
        if rows:
            sign = -1 if lower_is_better(key) else 1
            row = max(rows, key=lambda at: sign * values[at])
            shares = key.endswith(SHARES) or (key == "val_score" and not affect)  # without a CCC in it, the mean of accuracies
            return Best(row, int(columns["epoch"][row]), key, values[row], "share" if shares else "plain")
    return None


def lower_is_better(metric: str) -> bool:
    """Whether a metric of that name is good when it is small."""
    return not LOW.isdisjoint(metric.split("_"))


def read_best(folder: str | Path, columns: Mapping[str, Sequence[float]]) -> Best | None:
    """`best` by the figure that the run folder's settings name."""
    path = Path(folder) / "config.json"
    if not path.is_file():
        return best(columns)
    return best(columns, str(read_object(path).get("monitor", "")))


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises DataError."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error}); wanted the file as `mien train` wrote it") from None
    if not isinstance(found, dict):
        raise DataError(f"{path}: found a JSON {type(found).__name__}, wanted an object")
    return found


def runs(values: Sequence[float], *, kind: Kind = "plain") -> list[list[int]]:
    """Places of values that can be shown, in unbroken stretches: a line is drawn through each."""
    found: list[list[int]] = []
    for place, value in enumerate(values):
        if not _shown(value, kind):
            continue
        if found and found[-1][-1] == place - 1:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def shown(value: float, kind: Kind) -> str:
    """A value of a chart in words: `63.4 %`, `0.8123`, `3.2e-4`, `2.044e+11`."""
    if not math.isfinite(value):
        return "–"
    if kind == "share":
        return f"{100 * value:.1f} %"
    if kind == "log":
        return f"{value:.3g}".replace("e-0", "e-")
    return f"{value:.4f}" if abs(value) < 1e6 else f"{value:.4g}"


WORDS = {
    "val_accuracy": "validation accuracy",
    "val_votes_accuracy": "accuracy on the crowd's majority",
    "val_loss": "validation loss",
    "val_ccc": "mean CCC",
    "val_score": "validation score",
}


def told(found: Best) -> str:
    """`epoch 19, validation accuracy 67.3 %`."""
    return f"epoch {found.epoch}, {WORDS.get(found.key, found.key)} {shown(found.value, found.kind)}"
