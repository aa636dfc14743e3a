"""The results of a study as CSV files and a record of how they came about."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mien import __version__
from mien.evaluate.intervals import LEVEL
from mien.labels import EMOTIONS
from mien.sinks.files import replace
from mien.sinks.tables import cell
from mien.sinks.whole_table import spreadsheet_text
from mien.study.reaction_result import GroupCurve, Part, Reaction
from mien.study.statistics import Estimate
from mien.study.viewer import MEASURES, Curve
from mien.study.visitors import Visits, published
from mien.timing import Numbers

RECORD = "study.json"
Rows = Iterator[Mapping[str, Any]]
"""Rows of a table, one by one: cells by column."""


def _curve_rows(found: Reaction) -> Rows:
    """What all viewers show in each step, and what those of each group do."""
    of_all = GroupCurve("", found.level, found.change)
    for one in (of_all, *found.groups):
        for m, name in enumerate(MEASURES):
            for k, step in enumerate(_steps(found)):
                yield {**step, "group": one.name, "measure": name, **_cells(one.level, (m, k)), **_cells(one.change, (m, k), "change")}


def _moment_rows(found: Reaction) -> Rows:
    for one in found.moments:
        yield {
            "measure": one.measure, "start_s": one.start, "end_s": one.end,
            "departure": one.departure, "change": one.change, "p": one.p,
        }  # fmt: skip


def _part_rows(found: Reaction) -> Rows:
    for one in found.parts:
        for m, name in enumerate(MEASURES):
            yield {
                **_span(one.part), "group": one.group, "measure": name, **_cells(one.level, (m,)), "sd": float(one.spread[m]),
                **_cells(one.change, (m,), "change"), **_cells(one.departure, (m,), "departure", n=False), "p": one.p[m],
            }  # fmt: skip


def _reach_rows(found: Reaction) -> Rows:
    for one in found.parts:
        for m, name in enumerate(EMOTIONS):
            yield {
                **_span(one.part), "group": one.group, "expression": name,
                "n": int(one.reach.n[m]), "at_rest": int(one.reach.at_rest[m]), "viewers": int(one.reach.viewers[m]),
                "reach": float(one.reach.share[m]), "low": float(one.reach.low[m]), "high": float(one.reach.high[m]),
            }  # fmt: skip


def _contrast_rows(found: Reaction) -> Rows:
    for one in found.contrasts:
        for m, name in enumerate(MEASURES):
            yield {
                "part": one.part.name, "first": one.first, "second": one.second, "measure": name,
                **_cells(one.difference, (m,), "difference"), "p": one.p[m],
                **_cells(one.change, (m,), "change"), "change_p": one.change_p[m],
            }  # fmt: skip


def _viewer_rows(found: Reaction) -> Rows:
    """How well each viewer was seen; of those who do not count, why not."""
    for own in found.curves:
        yield {"viewer": own.name, "group": own.group, "counts": True, "why_not": "", **_quality(own)}
    for one in found.left_out:
        seen = _quality(one.curve) if one.curve else {}
        yield {"viewer": one.name, "group": one.group, "counts": False, "why_not": one.why, **seen}


def _value_rows(found: Reaction) -> Rows:
    """What each viewer shows in each step: of many viewers of a long film they are many."""
    for one in found.curves:
        for k, step in enumerate(_steps(found)):
            yield {"viewer": one.name, "group": one.group, **step, **_measures(one.values[:, k])}


def _period_rows(found: Visits) -> Rows:
    for one in found.periods:
        for m, name in enumerate(MEASURES):
            yield {
                "period": one.name, "measure": name, **_cells(one.entering, (m,), "entering"), **_cells(one.leaving, (m,), "leaving"),
                **_cells(one.difference, (m,), "difference", n=False), "p": one.p[m],
            }  # fmt: skip


PART = ("part", "start_s", "end_s")
QUALITY = ("seen", "unsure", "people", "film_s")
CHANGE = ("change_n", "change", "change_low", "change_high")
PERIOD_HEAD = (
    "period", "measure", "entering_n", "entering", "entering_low", "entering_high", "leaving_n", "leaving", "leaving_low", "leaving_high",
    "difference", "difference_low", "difference_high", "p",
)  # fmt: skip
TABLES: dict[str, tuple[tuple[str, ...], Callable[[Reaction], Rows]]] = {
    "curve.csv": (("start_s", "end_s", "group", "measure", "n", "mean", "low", "high", *CHANGE), _curve_rows),
    "moments.csv": (("measure", "start_s", "end_s", "departure", "change", "p"), _moment_rows),
    "parts.csv": (
        (*PART, "group", "measure", "n", "mean", "low", "high", "sd", *CHANGE, "departure", "departure_low", "departure_high", "p"),
        _part_rows,
    ),
    "reach.csv": ((*PART, "group", "expression", "n", "at_rest", "viewers", "reach", "low", "high"), _reach_rows),
    "groups.csv": (
        (
            "part", "first", "second", "measure", "difference_n", "difference", "difference_low", "difference_high", "p",
            *CHANGE, "change_p",
        ),
        _contrast_rows,
    ),
    "viewers.csv": (("viewer", "group", "counts", "why_not", *QUALITY, *MEASURES), _viewer_rows),
    "values.csv": (("viewer", "group", "start_s", "end_s", *MEASURES), _value_rows),
}  # fmt: skip
"""Of a reaction study: file -> its columns and its rows."""


def write_reaction(found: Reaction, folder: Path, *, about: Mapping[str, Any]) -> list[str]:
    """Write curve.csv, moments.csv, parts.csv, reach.csv, groups.csv (where there are groups), viewers.csv, values.csv and study.json.

    Returns their names. about: what else study.json says (model, files). Raises SinkError.
    """
    written = [name for name in TABLES if name != "groups.csv" or found.contrasts]
    if not found.contrasts:
        (folder / "groups.csv").unlink(missing_ok=True)  # of an earlier study
    for name in written:
        head, rows = TABLES[name]
        _write_csv(folder / name, rows(found), head)
    named = [asdict(one.part) for one in found.parts if not one.group][1:]  # the whole film comes first
    _write_record(folder, "reaction", asdict(found.settings), {"turns": found.turns, "parts": named, **about})
    return [*written, RECORD]


def write_visits(found: Visits, folder: Path, *, about: Mapping[str, Any]) -> list[str]:
    """Write visitors.csv, with values as visitors.published rounds them, and study.json; gives their names. See write_reaction."""
    _write_csv(folder / "visitors.csv", _period_rows(published(found)), PERIOD_HEAD)
    counted = {"did_not_count": found.passed, "faces_of_pictures": dict(zip(("entering", "leaving"), found.pictures, strict=True))}
    _write_record(folder, "visitors", asdict(found.settings), {**about, "withheld": list(found.withheld), **counted})
    return ["visitors.csv", RECORD]


def _steps(found: Reaction) -> list[dict[str, float]]:
    """When each step of the film is, seconds."""
    return [{"start_s": start, "end_s": end} for start, end in pairwise(found.edges.tolist())]


def _span(part: Part) -> dict[str, Any]:
    return {"part": part.name, "start_s": part.start, "end_s": part.end}


def _quality(one: Curve) -> dict[str, Any]:
    return {"seen": one.seen, "unsure": one.unsure, "people": one.people, "film_s": one.length, **_measures(one.mean)}


def _measures(values: Numbers) -> dict[str, float]:
    return dict(zip(MEASURES, values.tolist(), strict=True))


def _cells(of: Estimate, at: tuple[int, ...], name: str = "", *, n: bool = True) -> dict[str, Any]:
    """A place of an estimate: n, mean, low, high; all but the mean's name behind `name`."""
    before = f"{name}_" if name else ""
    values = {name or "mean": float(of.mean[at]), f"{before}low": float(of.low[at]), f"{before}high": float(of.high[at])}
    return {**({f"{before}n" if name else "n": int(of.n[at])} if n else {}), **values}


def _write_csv(path: Path, rows: Iterable[Mapping[str, Any]], head: Sequence[str]) -> None:
    lines = [",".join(head), *(",".join(cell(_shown(row.get(name))) for name in head) for row in rows)]
    replace(path, ("\n".join(lines) + "\n").encode("utf-8", "replace"))


def _shown(value: Any) -> Any:
    """Six decimals, nothing for what there is not, and no text that a spreadsheet would take for a formula."""
    if isinstance(value, float):
        return round(float(value), 6) + 0.0 if math.isfinite(value) else None
    return spreadsheet_text(value)


def _write_record(folder: Path, kind: str, settings: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    versions = {"mien": __version__, "numpy": np.__version__, "onnxruntime": version("onnxruntime")}
    record = {"study": kind, "versions": versions, "level": LEVEL, "settings": settings, **about}
    replace(folder / RECORD, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
