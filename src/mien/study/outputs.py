"""The results of a study as CSV files and a record of how they came about."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mien import __version__
from mien.evaluate.intervals import LEVEL
from mien.labels import EMOTIONS
from mien.sinks.files import replace
from mien.sinks.tables import cell
from mien.sinks.whole_table import spreadsheet_text
from mien.study.reaction import Reaction
from mien.study.statistics import Estimate
from mien.study.viewer import MEASURES, Curve
from mien.study.visitors import Visits
from mien.timing import Numbers

RECORD = "study.json"


def write_reaction(found: Reaction, folder: Path, *, about: Mapping[str, Any]) -> list[str]:
    """Write curve.csv, moments.csv, parts.csv, reach.csv, groups.csv (where there are groups), viewers.csv, values.csv and study.json.

    Returns their names. about: what else study.json says (model, files). Raises SinkError.
    """
    edges = found.edges.tolist()
    curve = [
        {
            "start_s": edges[k],
            "end_s": edges[k + 1],
            "group": group,
            "measure": name,
            **_cells(level, (m, k)),
            **_cells(change, (m, k), "change"),
        }
        for group, level, change in (("", found.level, found.change), *((one.name, one.level, one.change) for one in found.groups))
        for m, name in enumerate(MEASURES)
        for k in range(len(edges) - 1)
    ]
    parts = [
        {
            "part": one.part.name, "start_s": one.part.start, "end_s": one.part.end, "group": one.group, "measure": name,
            **_cells(one.level, (m,)), "sd": float(one.spread[m]), **_cells(one.change, (m,), "change"),
            **_cells(one.departure, (m,), "departure", n=False),
            "p": one.p[m],
        }
        for one in found.parts
        for m, name in enumerate(MEASURES)
    ]  # fmt: skip
    reached = [
        {
            "part": one.part.name, "start_s": one.part.start, "end_s": one.part.end, "group": one.group, "expression": name,
            "n": int(one.reach.n[m]), "at_rest": int(one.reach.at_rest[m]), "viewers": int(one.reach.viewers[m]),
            "reach": float(one.reach.share[m]), "low": float(one.reach.low[m]), "high": float(one.reach.high[m]),
        }
        for one in found.parts
        for m, name in enumerate(EMOTIONS)
    ]  # fmt: skip
    contrasts = [
        {
            "part": one.part.name, "first": one.first, "second": one.second, "measure": name,
            **_cells(one.difference, (m,), "difference"), "p": one.p[m], **_cells(one.change, (m,), "change"), "change_p": one.change_p[m],
        }
        for one in found.contrasts
        for m, name in enumerate(MEASURES)
    ]  # fmt: skip
    viewers = [{"viewer": one.name, "group": one.group, "counts": True, "why_not": "", **_quality(one)} for one in found.curves]
    viewers += [
        {"viewer": one.name, "group": one.group, "counts": False, "why_not": one.why, **(_quality(one.curve) if one.curve else {})}
        for one in found.left_out
    ]
    values = (  # one by one: of many viewers of a long film they are many
        {"viewer": one.name, "group": one.group, "start_s": edges[k], "end_s": edges[k + 1], **_measures(one.values[:, k])}
        for one in found.curves
        for k in range(len(edges) - 1)
    )
    tables: dict[str, Iterable[Mapping[str, Any]]] = {
        "curve.csv": curve,
        "moments.csv": [
            {
                "measure": one.measure, "start_s": one.start, "end_s": one.end,
                "departure": one.departure, "change": one.change, "p": one.p,
            }
            for one in found.moments
        ],
        "parts.csv": parts,
        "reach.csv": reached,
        **({"groups.csv": contrasts} if contrasts else {}),
        "viewers.csv": viewers,
        "values.csv": values,
    }  # fmt: skip
    tables_with_rows = (("curve.csv", curve), ("parts.csv", parts), ("reach.csv", reached), ("viewers.csv", viewers))
    heads = {
        "moments.csv": ("measure", "start_s", "end_s", "departure", "change", "p"),
        "values.csv": ("viewer", "group", "start_s", "end_s", *MEASURES),
        **{name: tuple(rows[0]) for name, rows in tables_with_rows},
        **({"groups.csv": tuple(contrasts[0])} if contrasts else {}),
    }
    if not contrasts:
        (folder / "groups.csv").unlink(missing_ok=True)  # of an earlier study
    for name, rows in tables.items():
        _write_csv(folder / name, rows, heads[name])
    named = [asdict(one.part) for one in found.parts if not one.group][1:]  # the whole film comes first
    _write_record(folder, "reaction", asdict(found.settings), {"turns": found.turns, "parts": named, **about})
    return [*tables, RECORD]


def write_visits(found: Visits, folder: Path, *, about: Mapping[str, Any]) -> list[str]:
    """Write visitors.csv and study.json; gives their names. See write_reaction."""
    rows = [
        {
            "period": one.name, "measure": name, **_cells(one.entering, (m,), "entering"), **_cells(one.leaving, (m,), "leaving"),
            **_cells(one.difference, (m,), "difference", n=False), "p": one.p[m],
        }
        for one in found.periods
        for m, name in enumerate(MEASURES)
    ]  # fmt: skip
    _write_csv(folder / "visitors.csv", rows, tuple(rows[0]))
    _write_record(folder, "visitors", asdict(found.settings), {**about, "withheld": list(found.withheld), "did_not_count": found.passed})
    return ["visitors.csv", RECORD]


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
