"""Figures for each part of the data: by person, source, size, brightness, skin, pose, agreement of the raters, or any column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.data.labelled import AGREEMENT
from mien.errors import UnknownName
from mien.evaluate.intervals import Clusters, alone, percentile_intervals, share_of, wilson
from mien.evaluate.metrics import Judged, affect_figures
from mien.evaluate.moments import affect_intervals
from mien.io.folders import natural_key
from mien.types import Floats, Ints

Column = NDArray[Any]

EDGES: dict[str, tuple[float, ...]] = {
    "size": (48, 96, 192, 384),
    "face_size": (24, 48, 96, 192),
    "brightness": (64, 96, 128, 160, 192),
    "skin": (40, 50, 60, 70),
    "yaw": (-30, -15, 15, 30),
    "pitch": (-30, -15, 15, 30),
    "roll": (-30, -15, 15, 30),
}
"""Where the parts of a measure begin: pixels, grey values, CIE L*, degrees. A part is low <= value < high."""
GIVEN: dict[str, tuple[float, ...]] = {AGREEMENT: (0.5, 0.7, 0.9)}
"""The same of columns that the data bring along: shares of the raters."""
TURNED = (15.0, 30.0)
"""Degrees of yaw or pitch, whichever is more, from which on a face is half turned, and turned."""
POSES = (f"frontal, under {TURNED[0]:g}°", f"half turned, under {TURNED[1]:g}°", "turned")
UNKNOWN = "not known"
MEASURED = (*EDGES, "pose")
"""Columns that come from the picture and the detector."""
FEW_PEOPLE = 10
"""With fewer people in a part, an interval by people would be a guess."""


def slices(
    judged: Judged | None, columns: Mapping[str, Column], wanted: Sequence[str], found: Clusters, *,
    affect: Mapping[str, tuple[Floats, Floats]] | None = None, rounds: int = 1000, seed: int = 0,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """For each wanted column its parts, ready for JSON: `value, n`, of labels `accuracy, interval, interval_by, macro_f1`, and under the
    name of each axis that pictures of the part are rated in the figures of `affect_figures`, `interval` (of the CCC) and `interval_by`.

    judged: None where there are no labels. affect: axis -> the model's values and the true ones, float32 (n,) each, NaN for none.
    columns: (n,) arrays by name: text, or numbers with NaN for none. Numbers are cut at EDGES or GIVEN, others into quarters of the rows.
    The interval is a bootstrap by people in parts with FEW_PEOPLE or more of them, else Wilson's, or of a CCC a bootstrap by pictures:
    both take pictures as independent. A CCC of fewer than moments.FEWEST pictures has an interval of NaN. Raises UnknownName.
    """
    check_columns(columns, wanted)
    out = {}
    for name in wanted:
        out[name] = [
            {"value": value, "n": len(rows)}
            | ({} if judged is None else _figures(judged.where(rows), found.where(rows), rounds, seed))
            | {
                axis: _of_axis(guess[rows], true[rows], found.where(rows), rounds, seed)
                for axis, (guess, true) in (affect or {}).items()
                if (np.isfinite(guess) & np.isfinite(true))[rows].any()
            }
            for value, rows in parts(name, column(columns, name))
        ]
    return out


def check_columns(known: Iterable[str], wanted: Iterable[str]) -> None:
    """Raise UnknownName for a wanted column that is neither among the known nor measured."""
    there = {*known, *MEASURED}
    for name in wanted:
        if name not in there:
            raise UnknownName("column", name, there)


def column(columns: Mapping[str, Column], name: str) -> Column:
    """A column by name; `pose` is made of yaw and pitch."""
    return poses(columns["yaw"], columns["pitch"]) if name == "pose" else columns[name]


def poses(yaw: Floats, pitch: Floats) -> Column:
    """Names of POSES, or UNKNOWN, (n,), from degrees."""
    most = np.maximum(np.abs(yaw), np.abs(pitch))
    names = np.array([*POSES, UNKNOWN], object)
    return np.asarray(names[np.where(np.isfinite(most), np.searchsorted(TURNED, most, side="right"), len(POSES))])


def parts(name: str, values: Column) -> list[tuple[str, Ints]]:
    """The parts of a column that have rows: what each is called, and its rows, int64. In natural order, the unknown last."""
    if values.dtype.kind in "fiu":
        return _cut(name, values.astype(np.float64))
    known: dict[str, list[int]] = {}
    for i, value in enumerate(values.tolist()):
        known.setdefault(str(value) or UNKNOWN, []).append(i)
    places = {pose: k for k, pose in enumerate(POSES)} if name == "pose" else {}
    names = sorted(known, key=lambda value: (value == UNKNOWN, places.get(value, 0), natural_key(value)))
    return [(value, np.array(known[value], np.int64)) for value in names]


def _cut(name: str, values: NDArray[np.float64]) -> list[tuple[str, Ints]]:
    finite = np.isfinite(values)
    if edges_of := (EDGES | GIVEN).get(name):
        edges = np.array(edges_of, np.float32).astype(np.float64)  # as exact as the columns: seven of ten raters are .7
    else:
        edges = np.unique(np.quantile(values[finite], [0.25, 0.5, 0.75])) if finite.any() else np.zeros(0)
    which = np.where(finite, np.searchsorted(edges, values, side="right"), len(edges) + 1)
    names = [_named(edges, k) for k in range(len(edges) + 1)] + [UNKNOWN]
    return [(names[k], np.nonzero(which == k)[0]) for k in range(len(names)) if (which == k).any()]


def _named(edges: NDArray[np.float64], k: int) -> str:
    if not len(edges):
        return "all"
    if k == 0:
        return f"under {edges[0]:.4g}"
    return f"{edges[-1]:.4g} or more" if k == len(edges) else f"{edges[k - 1]:.4g} to {edges[k]:.4g}"


def _figures(judged: Judged, found: Clusters, rounds: int, seed: int) -> dict[str, Any]:
    right = judged.right
    out: dict[str, Any] = {"accuracy": float(right.mean()), "macro_f1": judged.headline()["macro_f1"]}
    if found.unit == "subject" and found.people >= FEW_PEOPLE and rounds:
        drawn = percentile_intervals(lambda w: {"accuracy": float((w * right).sum() / w.sum())}, found, rounds=rounds, seed=seed)
        at_end = right.all() or not right.any()
        interval = share_of(out["accuracy"], found) if at_end else drawn["accuracy"]
        return out | {"interval": interval, "interval_by": "subject", "subjects": found.people}
    return out | {"interval": wilson(int(right.sum()), len(judged)), "interval_by": "picture"}


def _of_axis(guess: Floats, true: Floats, found: Clusters, rounds: int, seed: int) -> dict[str, Any]:
    known = np.isfinite(guess) & np.isfinite(true)
    rated = found.where(known)
    by_people = rated.unit == "subject" and rated.people >= FEW_PEOPLE
    drawn_by = rated if by_people else alone(int(known.sum()))

    drawn = affect_intervals(guess[known], true[known], drawn_by, rounds=rounds, seed=seed)
    interval = drawn.get("ccc", (float("nan"), float("nan")))
    return affect_figures(guess, true) | {"interval": interval, "interval_by": drawn_by.unit}
