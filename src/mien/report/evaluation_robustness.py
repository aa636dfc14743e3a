"""The part of an evaluation's page about pictures made worse."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mien.report.evaluation_charts import Curve, level_chart
from mien.report.sections import NONE, percent, table, text

NAMES = {"size": "Face size", "blur": "Blur", "jpeg": "JPEG", "brightness": "Brightness", "roll": "Rolled in the plane", "yaw": "Turned"}
FEW = 0.01
"""Share of pictures without a face from which on a chart says so."""


def robustness_html(found: Sequence[tuple[str, Mapping[str, Any]]], *, faces: str) -> str:
    """Charts by kind of change and a folded table, HTML.

    found: name and `Robustness.to_json()` of one model, or of two that were judged on the same pictures. faces: `detect` or `crop`.
    """
    kinds = [name for name, kind in found[0][1]["kinds"].items() if kind["levels"]]
    bottom, top = _range(one for _, own in found for one in (own["untouched"], *_levels(own)))
    charts = "".join(f"<figure>{_chart(name, found, bottom, top)}{_caption(name, found)}</figure>" for name in kinds)
    left_out = [NAMES.get(name, name) for name, kind in found[0][1]["kinds"].items() if not kind["levels"]]
    none = f'<p class="note">{", ".join(left_out)}: no face is large enough.</p>' if left_out else ""
    key = "".join(
        f'<span><i style="--c: var(--{colour})"></i>{text(name)}</span>'
        for (name, _), colour in zip(found, ("accent", "other"), strict=False)
    )
    return (
        _note(found, faces) + (f'<p class="note key">{key}</p>' if len(found) > 1 else "") + none + f'<div class="small">{charts}</div>'
        f"<details><summary>All levels as a table</summary>{_table(kinds, found)}</details>"
    )  # fmt: skip


def _note(found: Sequence[tuple[str, Mapping[str, Any]]], faces: str) -> str:
    before = " and ".join(f"{percent(own['untouched']['accuracy'])}{f' for {text(name)}' if len(found) > 1 else ''}" for name, own in found)
    band = "; shaded: 95\u00a0% intervals" if found[0][1]["intervals_by"]["rounds"] else ""
    road = {
        "detect": "Each picture is changed as a whole and then judged like any other: a face that is no longer found counts as wrong.",
        "crop": "Each picture is a ready-made face; it is changed as a whole and then judged like any other.",
    }[faces]
    return f'<p class="note">{road} Dashed: the pictures as they are, {before} right{band}. All charts have the same upright axis.</p>'


def _range(levels: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Tenths below and above everything that is drawn."""
    values = [v for one in levels for v in (one["accuracy"], *one["interval"]) if v == v]
    low, high = math.floor(10 * min(values)), math.ceil(10 * max(values))
    return low / 10, max(high, low + 1) / 10


def _levels(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for kind in found["kinds"].values() for one in kind["levels"]]


def _chart(name: str, found: Sequence[tuple[str, Mapping[str, Any]]], bottom: float, top: float) -> str:
    curves, unit = [], found[0][1]["kinds"][name]["unit"]
    for model, own in found:
        levels = own["kinds"][name]["levels"]
        hints = [
            f"{f'{model}, ' if len(found) > 1 else ''}{_level(one, unit)}: {percent(one['accuracy'])} right, "
            f"{percent(one['same'])} answered as before, {one['n']:,} pictures"
            + (f", {percent(one['faceless'])} without a face" if one["faceless"] else "")
            for one in levels
        ]
        values, intervals = [one["accuracy"] for one in levels], [tuple(one["interval"]) for one in levels]
        curves.append(Curve([one["level"] for one in levels], values, intervals, hints, own["untouched"]["accuracy"]))
    across = f"{name}{' (simulated)' if found[0][1]['kinds'][name]['simulated'] else ''}, {unit}"
    return level_chart(across, curves, bottom=bottom, top=top, doubling=name == "size")


def _caption(name: str, found: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    kind = found[0][1]["kinds"][name]
    total = found[0][1]["untouched"]["n"]
    part = [f"{one['n']:,} at {_level(one, kind['unit'])}" for one in kind["levels"] if one["n"] < total]
    missed = [f"{percent(one['faceless'])} at {_level(one, kind['unit'])}" for one in kind["levels"] if one["faceless"] >= FEW]
    said = [f"<b>{NAMES.get(name, name)}.</b> {text(kind['what'])}"]
    said += [f"Pictures, of {total:,}: {', '.join(part)}."] if part else []
    said += [f"No face found: in {', '.join(missed)}."] if missed else []
    return f"<figcaption>{' '.join(said)}</figcaption>"


def _table(kinds: Sequence[str], found: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    names = [f"{text(name)}: " if len(found) > 1 else "" for name, _ in found]
    heads = ("accuracy", "95\u00a0% interval", "change, points", "95\u00a0% interval", "balanced accuracy", "same answer", "no face")
    head = ["", "pictures", *(f"{name}{word}" for name in names for word in heads)]
    rows = []
    for name in kinds:
        unit = found[0][1]["kinds"][name]["unit"]
        for k, one in enumerate(found[0][1]["kinds"][name]["levels"]):
            cells = [cell for _, own in found for cell in _cells(own["kinds"][name]["levels"][k])]
            rows.append([f"{name} {_level(one, unit)}", f"{one['n']:,}", *cells])
    return table("Accuracy by kind and level of change", head, rows)


def _cells(one: Mapping[str, Any]) -> list[str]:
    low, high = one["interval"]
    less, more = one["change_interval"]
    return [
        percent(one["accuracy"]), NONE if low != low else f"{100 * low:.1f} to {percent(high)}", f"{100 * one['change']:+.1f}",
        NONE if less != less else f"{100 * less:+.1f} to {100 * more:+.1f}", percent(one["balanced_accuracy"]), percent(one["same"]),
        percent(one["faceless"]),
    ]  # fmt: skip


def _level(one: Mapping[str, Any], unit: str) -> str:
    """`48 px`, fit for HTML; of a quality, which has no unit, the number alone."""
    number = f"{one['level']:g}".replace("-", "\u2212")
    space = "" if unit == "°" else "\u00a0"
    return number if unit == "quality" else f"{number}{space}{unit.removesuffix(' of the face')}"
