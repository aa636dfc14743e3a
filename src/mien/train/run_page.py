"""The page of a training: one HTML file with its curves, figures and settings, that opens with the network off and runs no script."""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mien.report.sections import NONE, table, text, tiles
from mien.report.shell import document
from mien.report.words import words
from mien.sinks.files import replace
from mien.train.config import entries
from mien.train.curve_png import COLOURS
from mien.train.curve_svg import chart_key, curve_chart
from mien.train.curves import Best, Columns, panels, read_best, read_metrics, read_object, shown, told
from mien.train.terminal import duration

NAME = "report.html"
LEADING = ("epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy")
"""First columns of the table of epochs; the others follow as they came."""
TRAILING = ("rate", "seconds")
DARK = {"train": "#7fc0dd", "val": "#f59e6b", "votes": "#b9a0d6", "valence": "#b9a0d6", "arousal": "#84c79a", "rate": "#b6c0c9"}
"""Colours of the lines on a dark page; on a light one they are those of the picture."""
HEADS = {"affect": "CCC of", "accuracy": "accuracy on the"}
CSS = """
svg .curve { stroke: var(--c); } svg .curve.dashed { stroke-dasharray: 6 4; } svg .dot { fill: var(--c); fill-opacity: 1; }
.key { margin: 0 0 6px; font-size: .9rem; } .key span { display: inline-block; }
.key i.dashed { background: repeating-linear-gradient(90deg, var(--c) 0 5px, transparent 5px 8px); }
.key i.upright { width: 0; height: 1em; border-left: 2px dashed var(--muted); background: none; vertical-align: middle; }
.settings td, .settings th, .record td { text-align: left; white-space: normal; vertical-align: top; }
.settings tbody th { white-space: nowrap; }
.settings td:last-child { min-width: 22em; color: var(--muted); } .record td { overflow-wrap: anywhere; min-width: 12em; }
.why { grid-column: 1 / -1; margin: 0; } details { margin-top: 10px; }
@media (max-width: 760px) { svg .axis { font-size: 17px; } }
tr.best { background: var(--soft); } figure h3 { margin: 0 0 4px; }
"""
WHY = (
    "Validation can be better than training, and that is no mistake: the training figures are means over the whole epoch, while the "
    "network still learned, on augmented crops and with dropout; the validation figures are taken once, at the epoch's end, on plain "
    "crops, without dropout, and by the averaged weights where there is an average. Mixup, cutmix, logit adjustment and a sampler that "
    "shows rare classes more often make training harder still, and so does label smoothing, whose loss never gets near zero; "
    "class weights raise both losses."
)
"""R3 asks for it; what of this was on in a training is in its settings."""
WATCH = " What to worry about is the other way: training goes on improving while validation gets worse."


def write_page(folder: str | Path) -> Path:
    """Write the page of a run folder into its `report.html`, under a temporary name until it is whole; gives its path.

    From metrics.jsonl, and config.json and run.json if they are there. Raises SourceMissing, DataError, SinkError.
    """
    path = Path(folder) / NAME
    replace(path, as_page(folder).encode("utf-8", "replace"))
    return path


def as_page(folder: str | Path, *, made: datetime | None = None) -> str:
    """The page of `write_page` as text. made: its date; now, if None."""
    folder = Path(folder)
    columns = read_metrics(folder)
    config, record = _object(folder / "config.json"), _object(folder / "run.json")
    best = read_best(folder, columns)
    parts = [
        ("At a glance", _glance(columns, best, config)),
        ("Curves", _curves(columns, best)),
        ("Epochs", _epochs(columns, best)),
    ]
    if config is not None:
        parts.append(("Settings", _settings(config)))
    if record is not None:
        rows = [[text(name), text(_plain(value))] for name, value in _flat(record)]
        parts.append(("Record of the run", f'<div class="record">{table("Record of the run", ["", "value"], rows)}</div>'))
    title = f"Training of {(config or {}).get('name') or folder.resolve().name}"
    meta = " · ".join(str(word) for word in (*_meta(config or {}), f"folder {folder.resolve().name}") if word)
    limits = f'<p class="limits">{words("en")["limits"]}</p>'
    return document(title, meta, parts, notes=limits, css=CSS, colours={"light": COLOURS, "dark": DARK}, made=made)


def _object(path: Path) -> dict[str, Any] | None:
    return read_object(path) if path.is_file() else None


def _meta(config: Mapping[str, Any]) -> Iterator[str]:
    if "net" in config:
        yield f"network {config['net']}"
    if config.get("tasks"):
        yield f"learns {', '.join(map(str, config['tasks']))}"


def _glance(columns: Columns, best: Best | None, config: Mapping[str, Any] | None) -> str:
    done, planned = len(columns["epoch"]), (config or {}).get("epochs")
    rows: list[tuple[str, str, str]] = []
    if best is not None:
        rows.append((f"{best.epoch}", "best epoch", f"by {told(best).split(', ', 1)[1]}"))
        rows += _at(columns, best.row)
    more = f"of {planned:,}" if isinstance(planned, int) and planned != done else ""
    rows.append((f"{done:,}", "epoch" if done == 1 else "epochs", more))
    seconds = [value for value in columns.get("seconds", []) if math.isfinite(value)]
    if seconds:
        rows.append((duration(sum(seconds)), "time", f"{duration(sum(seconds) / len(seconds))} an epoch"))
    return tiles((text(value), text(what), text(more)) for value, what, more in rows)


def _at(columns: Columns, row: int) -> Iterator[tuple[str, str, str]]:
    """Tiles of what was measured on validation rows in one epoch."""
    for panel in panels(columns):
        training = next((one.values[row] for one in panel.series if one.colour == "train"), math.nan)
        for one in panel.series:
            if one.key.startswith("val_") and math.isfinite(one.values[row]):
                name = f"{one.name} {panel.title.lower()}" if one.colour == "val" else f"{HEADS[panel.name]} {one.name}"
                more = f"training {shown(training, panel.kind)}" if one.colour == "val" and math.isfinite(training) else ""
                yield shown(one.values[row], panel.kind), name, more


def _curves(columns: Columns, best: Best | None) -> str:
    figures = []
    for panel in panels(columns):
        why = f'<p class="note why">{_why(columns)}</p>' if panel.name == "accuracy" else ""
        chart = curve_chart(panel, columns["epoch"], best)
        figures.append(f"<figure><h3>{text(panel.title)}</h3>{chart_key(panel, best)}{chart}</figure>{why}")
    if not figures:
        return '<p class="note">No metric of this run has a value that can be drawn.</p>'
    return f'<div class="columns">{"".join(figures)}</div>'


def _why(columns: Columns) -> str:
    """Why validation can beat training, and in how many epochs of this run it did."""
    both = list(zip(columns.get("train_accuracy", ()), columns.get("val_accuracy", ()), strict=False))
    ahead = sum(val > train for train, val in both)
    here = f" Here it is in {ahead:,} of {len(both):,} {'epoch' if len(both) == 1 else 'epochs'}." if ahead else ""
    return text(WHY + here + WATCH)


def _epochs(columns: Columns, best: Best | None) -> str:
    names = [name for name in LEADING if name in columns]
    names += [name for name in columns if name not in (*LEADING, *TRAILING)] + [name for name in TRAILING if name in columns]
    rows = [[_figure(columns[name][row]) for name in names] for row in range(len(columns["epoch"]))]
    marks = ['class="best"' if best is not None and row == best.row else "" for row in range(len(rows))]
    whole = table("Figures of each epoch", [text(name) for name in names], rows, marks=marks, name="epochs")
    counted = f"{len(rows):,} epochs" if len(rows) > 1 else "one epoch"
    return f"<details><summary>Figures of {counted}, as in metrics.jsonl</summary>{whole}</details>"


def _figure(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else NONE


def _settings(config: Mapping[str, Any]) -> str:
    """Settings that differ from the defaults, and folded the others, each with its sentence."""
    known = {entry.name: entry for entry in entries()}
    changed: list[list[str]] = []
    plain: list[list[str]] = []
    for name, value in _flat(config, whole=known):
        entry = known.get(name)
        default = NONE if entry is None else _plain(json.loads(json.dumps(entry.default)))
        says = "not a setting of this version of mien" if entry is None else entry.says
        own = _plain(value)
        row = [f"<code>{text(name)}</code>", text(own), text(default), text(says)]
        (plain if entry is not None and own == default else changed).append(row)
    head = ["setting", "value", "default", ""]
    first = table("Settings that differ from the defaults", head, changed) if changed else '<p class="note">All are the defaults.</p>'
    rest = table("Settings at their defaults", ["setting", "value", ""], [[name, value, says] for name, value, _, says in plain])
    folded = f"<details><summary>{len(plain)} settings at their defaults</summary>{rest}</details>" if plain else ""
    return f'<div class="settings">{first}{folded}</div>'


def _flat(values: Mapping[str, Any], before: str = "", *, whole: Container[str] = ()) -> Iterator[tuple[str, Any]]:
    """Nested names with dots. An empty table is a value, and so are those named in `whole`."""
    for name, value in values.items():
        full = f"{before}{name}"
        if isinstance(value, Mapping) and value and full not in whole:
            yield from _flat(value, f"{full}.", whole=whole)
        else:
            yield full, value


def _plain(value: Any) -> str:
    """A setting's value as in TOML, words without quotes."""
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {_plain(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
