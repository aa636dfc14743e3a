"""The page of a reaction study: one HTML file without a script, that opens with the network off and prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from mien.report.sections import NONE, length, listed, number, percent, table, text, tiles
from mien.report.shell import document, resource
from mien.report.study_charts import SMALL, Mark, Mean, interval_line, time_chart
from mien.report.words import words
from mien.sinks.files import replace
from mien.study.reaction import Contrast, Moment, PartResult, Reaction
from mien.study.statistics import LEAST, Estimate
from mien.study.viewer import LEAST_SEEN, MEASURES

ALPHA = 0.05
MOST_MOMENTS, LEAST_SURE = 12, 0.2
"""Moments in the table, of those with at most this p; all are in moments.csv."""
SPACE = "\u00a0"


def write_reaction_page(found: Reaction, path: Path, *, title: str, model: str = "", failed: Sequence[str] = ()) -> None:
    """Write the page, under a temporary name until it is whole.

    model: what read the faces. failed: recordings that could not be read, or not to their end. Raises SinkError.
    """
    replace(path, reaction_page(found, title=title, model=model, failed=failed).encode("utf-8", "replace"))


def reaction_page(found: Reaction, *, title: str, model: str = "", failed: Sequence[str] = (), made: datetime | None = None) -> str:
    """The page as text. made: its date; now, if None."""
    shown = [moment for moment in found.moments if moment.p <= ALPHA]
    parts = [
        ("At a glance", _glance(found, shown)),
        ("Valence and arousal over the film", _affect(found, shown)),
        ("Moments that the viewers shared", _moments(found)),
        ("Each expression over the film", _expressions(found, shown)),
        ("Parts of the film", _parts(found)),
        *([("Groups compared", _groups(found))] if found.contrasts else []),
        ("Viewers", _viewers(found)),
        ("How this was worked out", _how(found)),
    ]
    n = len(found.curves)
    meta = f"{n} viewer{'s' * (n != 1)} · {length(float(found.edges[-1]))} of film in steps of {found.settings.step:g} s" + (
        f" · model {model}" if model else ""
    )
    limits = f'<p class="limits">{words("en")["limits"]}</p>'
    return document(title, meta, parts, notes=limits + _warnings(found, failed), css=resource("study.css"), made=made)


def title_of(measure: str) -> str:
    """What a measure is called on the page."""
    name = measure.removeprefix("p_")
    return words("en").get(name, name)


def _warnings(found: Reaction, failed: Sequence[str]) -> str:
    notes = []
    if len(found.curves) < LEAST:
        notes.append(f"Viewers who count: {len(found.curves)}. With fewer than {LEAST} there are no intervals and no tests.")
    elif len(found.curves) < 20:
        notes.append(
            f"With {len(found.curves)} viewers the intervals of what hardly any of them shows are too narrow: nobody of so few may show it."
        )
    lists = {
        "Left out": [f"{text(one.name)} ({text(one.why)})" for one in found.left_out],
        "Could not be read, or not to the end": [text(Path(name).name) for name in failed],
    }
    for what, names in lists.items():
        if names:
            notes.append(f"{what}: {listed(names, words('en'))}.")
    return f'<ul class="notes">{"".join(f"<li>{note}</li>" for note in notes)}</ul>' if notes else ""


def _glance(found: Reaction, shown: Sequence[Moment]) -> str:
    whole = found.parts[0].level
    rows = [
        (str(len(found.curves)), "viewers count", f"{len(found.left_out)} left out"),
        (length(float(found.edges[-1])), "of film", f"{len(found.edges) - 1} steps"),
        *((signed(whole.mean[k]), f"mean {MEASURES[k]}, -1 to 1", interval_text(whole, k)) for k in (0, 1)),
        (str(len(shown)), "shared moments", f"p ≤ {ALPHA:g}, corrected"),
        (percent(float(np.mean([one.seen for one in found.curves]))), "of the film seen", "with a sure face, on average"),
    ]
    return tiles([(text(value), text(what), text(more)) for value, what, more in rows])


def _affect(found: Reaction, shown: Sequence[Moment]) -> str:
    parts = [Mark(one.part.start, one.part.end, one.part.name) for one in found.parts[1:] if not one.group]
    out = []
    for k in (0, 1):
        marks = [Mark(one.start, one.end) for one in shown if one.measure == MEASURES[k]]
        out.append(
            f"<figure>{time_chart(found.edges, [_mean(found.level, k)], f'{MEASURES[k]}, -1 to 1', marks=marks, parts=parts)}</figure>"
        )
    fewest, most = int(found.level.n[0].min()), int(found.level.n[0].max())
    who = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    note = (
        f"Mean over the viewers who showed a sure face then ({who} of them) and its 95 % interval at each moment for itself. "
        "Shaded: moments that the viewers shared, see below."
    )
    return "".join(out) + f'<p class="note">{note}</p>'


def _moments(found: Reaction) -> str:
    since = "their baseline" if found.settings.baseline else "their own mean over the film"
    note = (
        "Stretches in which the viewers departed together from what each showed over the film. p is the chance of so large a stretch, "
        "in any measure and at any time, had the film not told them when: each viewer's curve is turned by a random time, again and "
        f"again. It is corrected for all that was looked at. The mean change counts from {since}. Where a stretch begins and ends is "
        "less sure than that there is one."
    )
    rows = []
    listed = [one for one in found.moments if one.p <= LEAST_SURE][:MOST_MOMENTS]
    if not listed:
        return f'<p class="note">{note}</p><p>None has a p of {LEAST_SURE:g} or less.</p>'
    for one in listed:
        p = f"<b>{p_text(one.p)}</b>" if one.p <= ALPHA else p_text(one.p)
        rows.append([text(title_of(one.measure)), length(one.start), length(one.end), length(one.end - one.start), signed(one.change), p])
    head = ["measure", "from", "to", "length", "mean change", "p"]
    return f'<p class="note">{note}</p>' + table(f"Moments with a p of {LEAST_SURE:g} or less; all are in moments.csv", head, rows)


def _expressions(found: Reaction, shown: Sequence[Moment]) -> str:
    charts = []
    for k in np.argsort(-np.nanmax(np.nan_to_num(found.level.mean[2:]), axis=1), kind="stable") + 2:
        marks = [Mark(one.start, one.end) for one in shown if one.measure == MEASURES[k]]
        chart = time_chart(found.edges, [_mean(found.level, k)], "probability", marks=marks, size=SMALL, bounds=(0.0, 1.0))
        charts.append(f"<figure><h3>{text(title_of(MEASURES[k]))}</h3>{chart}</figure>")
    note = "Mean probability over the viewers, with its interval. The scales differ; the largest comes first."
    return f'<p class="note">{note}</p><div class="small">{"".join(charts)}</div>'


def _parts(found: Reaction) -> str:
    changed = "from the baseline" if found.settings.baseline else "from the viewer's own mean over the film"
    note = (
        "First each viewer's mean in the part, then the mean of those, with its 95 % interval in brackets; n viewers. The change is "
        f"{changed}; p is of the part being like the rest of the film, corrected for all measures and parts."
    )
    out = [f'<p class="note">{note}</p>']
    for group in dict.fromkeys(one.group for one in found.parts):
        of = [one for one in found.parts if one.group == group]
        rows = [row for one in of for row in _part_rows(one)]
        head = ["part", "measure", "n", "mean", "", "change", "p"]
        out.append(table(text(f"Group {group}") if group else "All viewers", head, rows))
    return "".join(out)


def _part_rows(one: PartResult) -> list[list[str]]:
    """Valence, arousal and the three expressions with the highest mean."""
    name = f"{text(one.part.name)} <small>{length(one.part.start)}–{length(one.part.end)}</small>"
    rows = []
    for k in [0, 1, *(int(i) for i in np.argsort(-np.nan_to_num(one.level.mean[2:]), kind="stable")[:3] + 2)]:
        p = "" if np.isnan(one.p[k]) else f"<b>{p_text(one.p[k])}</b>" if one.p[k] <= ALPHA else p_text(one.p[k])
        change = f"{signed(one.change.mean[k])} {interval_text(one.change, k)}" if np.isfinite(one.change.mean[k]) else NONE
        bar = interval_line(one.level.low[k], one.level.mean[k], one.level.high[k], (-1, 1) if k < 2 else (0, 1))
        mean = f"{value_text(one.level.mean[k], k)} {interval_text(one.level, k)}"
        rows.append([name, text(title_of(MEASURES[k])), str(int(one.level.n[k])), mean, bar, change, p or NONE])
    return rows


def _groups(found: Reaction) -> str:
    note = (
        "Difference of the groups' means, with its 95 % interval; p by exchanging viewers between the groups, corrected for all measures "
        "and parts of the pair. Shown are valence, arousal and the three expressions that differ most; all are in groups.csv."
    )
    rows = [row for one in found.contrasts for row in _contrast_rows(one)]
    return f'<p class="note">{note}</p>' + table("Groups", ["groups", "part", "measure", "difference", "", "p"], rows)


def _contrast_rows(one: Contrast) -> list[list[str]]:
    rows = []
    for k in [0, 1, *(int(i) for i in np.argsort(-np.abs(np.nan_to_num(one.difference.mean[2:])), kind="stable")[:3] + 2)]:
        p = NONE if np.isnan(one.p[k]) else f"<b>{p_text(one.p[k])}</b>" if one.p[k] <= ALPHA else p_text(one.p[k])
        bar = interval_line(one.difference.low[k], one.difference.mean[k], one.difference.high[k], (-1, 1))
        rows.append(
            [
                text(f"{one.first} − {one.second}"), text(one.part.name), text(title_of(MEASURES[k])),
                f"{signed(one.difference.mean[k])} {interval_text(one.difference, k)}", bar, p,
            ]
        )  # fmt: skip
    return rows


def _viewers(found: Reaction) -> str:
    rows = [
        [
            text(one.name), text(one.group) or NONE, percent(one.seen), percent(one.unsure), str(one.people), length(one.length),
            signed(float(np.nanmean(one.values[0])) if np.isfinite(one.values[0]).any() else float("nan")),
        ]
        for one in found.curves
    ]  # fmt: skip
    head = ["viewer", "group", "film seen", "unsure", "persons in the recording", "film covered", "mean valence"]
    return table("Viewers who count", head, rows)


def _how(found: Reaction) -> str:
    s = found.settings
    base = f"{s.baseline[0]:g} to {s.baseline[1]:g} s of the film" if s.baseline else "the viewer's own mean over the film"
    lines = [
        f"Each recording is read into steps of {s.step:g} s: means over the time of sure faces, unsmoothed; a step with less than "
        f"{100 * LEAST_SEEN:.0f} % of that has no value. Of several persons in a recording the one longest in sight is the viewer.",
        f"A viewer counts with values in {100 * s.least_coverage:.0f} % of the film or more. Every figure is over viewers, each counting "
        "once.",
        f"Changes count from {base}.",
        f"Intervals: studentised bootstrap over viewers (Efron & Tibshirani 1993), 95 %, {s.rounds:,} resamples, seed {s.seed}.",
        "Moments: cluster test (Maris & Oostenveld 2007) over all measures and times, with each viewer's curves turned in a circle by a "
        "random time. Parts: against the rest of the film, with the same turns; groups: viewers exchanged. The largest statistic over all "
        "measures and parts counts (Westfall & Young 1993).",
        "Differences of groups: Student's t with the smaller group's degrees of freedom, and no variance below the pooled one.",
        "The intervals hold for other viewers of the same kind and the same film, and do not cover what the model misreads.",
    ]
    return f'<ul class="how">{"".join(f"<li>{text(one)}</li>" for one in lines)}</ul>'


def _mean(of: Estimate, k: int) -> Mean:
    return Mean(title_of(MEASURES[k]), of.mean[k], of.low[k], of.high[k])


def value_text(value: float, k: int) -> str:
    """A measure's value; valence and arousal have a sign."""
    return signed(value) if k < 2 else number(float(value))


def interval_text(of: Estimate, k: int) -> str:
    """An interval in brackets; text that may stand in HTML."""
    low, high = of.low[k], of.high[k]
    write = signed if k < 2 or low < 0 else number
    return f"[{write(low)},{SPACE}{write(high)}]" if np.isfinite(low) else "no interval"


def signed(value: float) -> str:
    """A number with its sign."""
    return NONE if np.isnan(value) else f"{round(float(value), 2) + 0.0:+.2f}"  # + 0.0: no -0.00


def p_text(p: float) -> str:
    """A p to three decimals; text that may stand in HTML."""
    return NONE if np.isnan(p) else f"{p:.3f}" if p >= 0.001 else "&lt; 0.001"
