"""The page of a search: one HTML file with its charts and trials, that opens with the network off and runs no script."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from mien.report.sections import table, text, tiles
from mien.report.shell import document
from mien.sinks.files import replace
from mien.train.config import entries
from mien.train.terminal import duration
from mien.train.tune.charts import history_chart, importance_chart, measured, parallel_chart, setting_chart
from mien.train.tune.space import direction
from mien.train.tune.study import Found
from mien.train.tune.words import between, exact, figure, shown

FOLDED = 60
"""Trials from which on their table is folded up."""
CSS = """
svg.chart.wide { max-width: none; } svg .dot { fill-opacity: .75; } svg .dot.best, .key i.best { fill: var(--other); fill-opacity: 1; }
svg .ring { fill: none; stroke: var(--muted); stroke-width: 1.5; } svg .share { fill: var(--accent); }
svg .curve.best { stroke: var(--other); stroke-width: 3; } svg .upright { stroke: var(--muted); }
svg .strong { font-weight: 600; fill: var(--text); } svg .halo { paint-order: stroke; stroke: var(--surface); stroke-width: 4px; }
.key { margin: 0 0 6px; font-size: .9rem; } .key i { width: .7em; height: .7em; border-radius: 50%; margin-bottom: 0; }
.key i.open { background: none; border: 1.5px solid var(--muted); }
.key i.line { width: 1.2em; height: .2em; border-radius: 0; margin-bottom: .2em; }
.trials td, .trials th, .best-values td, .best-values th { text-align: left; } .trials .why { white-space: normal; min-width: 18em; }
.best-values td:last-child { white-space: normal; color: var(--muted); } tr.best { background: var(--soft); } figure h3 { margin: 0 0 4px; }
"""
KEY = (
    '<p class="key"><span><i style="--c: var(--accent)"></i>complete</span><span><i class="open"></i>cut short</span>'
    '<span><i style="--c: var(--other)"></i>the best</span>{line}</p>'
)
LINE = '<span><i class="line" style="--c: var(--accent)"></i>the best so far</span>'


def write_page(found: Found, path: str | Path, *, title: str = "", notes: tuple[str, ...] = ()) -> None:
    """Write the page of a search, under a temporary name until it is whole. notes: sentences at the top. Raises SinkError."""
    replace(Path(path), as_page(found, title=title, notes=notes).encode("utf-8", "replace"))


def as_page(found: Found, *, title: str = "", notes: tuple[str, ...] = (), made: datetime | None = None) -> str:
    """The page of `write_page` as text. made: its date; now, if None."""
    title = title or f"Search of {found.folder.resolve().name}"
    good = "smaller" if direction(found.metric) == "minimize" else "larger"
    meta = f"space {found.space.name} · {found.metric}, {good} is better · {found.finished} of {found.wanted} trials"
    told = [*notes, *(["The search was interrupted; the same command goes on with it."] if found.finished < found.wanted else [])]
    parts = [("At a glance", _glance(found))]
    if found.best is not None:
        parts.append(("The best settings", _best(found)))
    if measured(found.tried):
        importance = _importance(found)
        history = f"<figure><h3>{text(found.metric)} of each trial</h3>{KEY.format(line=LINE)}{history_chart(found)}</figure>"
        parts.append(("History and importance", f'<div class="columns">{history}{importance}</div>'))
        names = found.space.dimensions
        single = "".join(f"<figure><h3>{text(name)}</h3>{setting_chart(found, name)}</figure>" for name in names)
        parts.append(("Each setting", f'{KEY.format(line="")}<div class="columns">{single}</div>'))
        if len(names) > 1:
            note = '<p class="note">A line is a trial, the better the stronger.</p>'
            parts.append(("All settings together", f"{note}<figure>{parallel_chart(found)}</figure>"))
    if found.tried:
        parts.append(("Trials", _trials(found)))
    said = f'<ul class="notes">{"".join(f"<li>{text(note)}</li>" for note in told)}</ul>' if told else ""
    return document(title, meta, parts, notes=said, css=CSS, made=made)


def _glance(found: Found) -> str:
    states = [one.state for one in found.tried]
    seconds = sum(one.seconds for one in found.tried if one.seconds == one.seconds)
    rows = []
    if found.best is not None:
        rows.append((figure(found.best.value), found.metric, f"the best, of trial {found.best.number}"))
    rows += [
        (f"{states.count('complete'):,}", "complete", ""),
        (f"{states.count('pruned'):,}", "cut short", "worse than the median by then"),
    ]
    if "failed" in states:
        rows.append((f"{states.count('failed'):,}", "failed", "reasons below"))
    epochs = sum(one.epochs for one in found.tried)
    rows.append((f"{epochs:,}", "epoch" if epochs == 1 else "epochs", f"{duration(seconds)} of training"))
    return tiles((value, text(what), text(more)) for value, what, more in rows)


def _best(found: Found) -> str:
    assert found.best is not None
    says = {entry.name: entry.says for entry in entries()}
    rows = [
        [f"<code>{text(name)}</code>", text(shown(found.best.values[name])), text(between(dimension)), text(says.get(name, ""))]
        for name, dimension in found.space.dimensions.items()
        if name in found.best.values
    ]
    note = '<p class="note">With all other settings in <code>best.toml</code>, for <code>mien train</code>.</p>'
    return f'{note}<div class="best-values">{table("The best settings", ["setting", "best", "searched", ""], rows)}</div>'


def _importance(found: Found) -> str:
    if not found.importance:
        return "<figure><h3>Importance</h3><p class=note>Two complete trials with different values are needed to tell.</p></figure>"
    complete = sum(one.state == "complete" for one in found.tried)
    caption = (
        f"Share of each setting in what tells good trials from others, by PED-ANOVA (Watanabe et al. 2023) over {complete} complete trials"
        f"{'; with so few, a hint rather than a finding' if complete < 50 else ''}."
    )
    return f"<figure><h3>Importance</h3>{importance_chart(found.importance)}<figcaption>{caption}</figcaption></figure>"


def _trials(found: Found) -> str:
    names = list(found.space.dimensions)
    failures = any(one.reason for one in found.tried)
    head = ["trial", "outcome", text(found.metric), "epochs", "time", *map(text, names), *(["why"] if failures else [])]
    words = {"pruned": "cut short", "interrupted": "interrupted, tried again"}
    rows = [
        [
            str(one.number), words.get(one.state, one.state), figure(one.value), str(one.epochs), duration(one.seconds),
            *(_value(one.values[name]) if name in one.values else "" for name in names),
            *([f'<div class="why">{text(one.reason)}</div>'] if failures else []),
        ]
        for one in found.tried
    ]  # fmt: skip
    marks = ['class="best"' if one == found.best else "" for one in found.tried]
    whole = f'<div class="trials">{table("Trials", head, rows, marks=marks, name="trials")}</div>'
    if len(rows) <= FOLDED:
        return whole
    return f"<details><summary>{len(rows):,} trials, as in trials.csv</summary>{whole}</details>"


def _value(value: Any) -> str:
    return f'<span title="{text(exact(value))}">{text(shown(value))}</span>'
