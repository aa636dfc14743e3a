"""The page of a visitor study: aggregates only, one HTML file without a script."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mien.report.reaction import ALPHA, interval_text, p_text, signed, title_of, value_text
from mien.report.sections import table, text, tiles
from mien.report.shell import document, resource
from mien.report.study_charts import interval_line
from mien.report.words import words
from mien.sinks.files import replace
from mien.study.viewer import MEASURES
from mien.study.visitors import Period, Visits


def write_visits_page(found: Visits, path: Path, *, title: str, model: str = "", failed: int = 0) -> None:
    """Write the page, under a temporary name until it is whole.

    model: what read the faces. failed: how many recordings could not be read, or not to their end. Raises SinkError.
    """
    replace(path, visits_page(found, title=title, model=model, failed=failed).encode("utf-8", "replace"))


def visits_page(found: Visits, *, title: str, model: str = "", failed: int = 0, made: datetime | None = None) -> str:
    """The page as text. made: its date; now, if None."""
    whole = found.periods[0]
    parts = [
        ("At a glance", _glance(whole)),
        ("Leaving against entering", _measures(whole)),
        *([("Periods", _periods(found))] if len(found.periods) > 1 else []),
        ("How this was worked out", _how(found)),
    ]
    meta = f"{whole.counts[0]} people entering, {whole.counts[1]} leaving" + (f" · model {model}" if model else "")
    notes = [f"{found.passed} people were too short in sight, or never sure, and do not count."] if found.passed else []
    if failed:
        notes.append(f"Recordings that could not be read, or not to the end: {failed}.")
    if found.withheld:
        names = ", ".join(map(text, found.withheld))
        few = f"Not shown, since fewer than {found.settings.least_people} people came or left: {names}."
        notes.append(f"{few} They are in no figure, or it could be told from the others.")
    told = f'<ul class="notes">{"".join(f"<li>{note}</li>" for note in notes)}</ul>' if notes else ""
    limits = f'<p class="limits">{words("en")["limits"]}</p>'
    return document(title, meta, parts, notes=limits + told, css=resource("study.css"), made=made)


def _glance(whole: Period) -> str:
    rows = [(f"{whole.counts[0]:,}", "people entering", ""), (f"{whole.counts[1]:,}", "people leaving", "")]
    for side, name in (
        (whole.entering, "mean valence entering"),
        (whole.leaving, "mean valence leaving"),
        (whole.difference, "difference"),
    ):
        more = text(interval_text(side, 0)) + (f", p {p_text(whole.p[0])}" if side is whole.difference else "")
        rows.append((signed(side.mean[0]), name, more))
    return tiles([(text(value), text(what), more) for value, what, more in rows])


def _measures(period: Period) -> str:
    note = (
        "Mean over people, each counting once, with its 95 % interval; the difference is leaving minus entering. p is the chance of so "
        "large a difference if the two sides were alike: of valence, the question of such a study, as it is; of the other measures "
        "corrected for all ten."
    )
    rows = []
    for k, measure in enumerate(MEASURES):
        span = (-1.0, 1.0) if k < 2 else (0.0, 1.0)
        sides = [
            f"{value_text(one.mean[k], k)} {interval_text(one, k)} {interval_line(one.low[k], one.mean[k], one.high[k], span)}"
            for one in (period.entering, period.leaving)
        ]
        p = f"<b>{p_text(period.p[k])}</b>" if period.p[k] <= ALPHA else p_text(period.p[k])
        rows.append([text(title_of(measure)), *sides, f"{signed(period.difference.mean[k])} {interval_text(period.difference, k)}", p])
    return f'<p class="note">{note}</p>' + table("All visitors", ["measure", "entering", "leaving", "difference", "p"], rows)


def _periods(found: Visits) -> str:
    rows = []
    for one in found.periods[1:]:
        bar = interval_line(one.difference.low[0], one.difference.mean[0], one.difference.high[0], (-1, 1))
        difference = f"{signed(one.difference.mean[0])} {interval_text(one.difference, 0)}"
        rows.append(
            [
                text(one.name),
                f"{one.counts[0]:,}",
                f"{one.counts[1]:,}",
                signed(one.entering.mean[0]),
                signed(one.leaving.mean[0]),
                difference,
                bar,
            ]
        )
    head = ["period", "entering", "leaving", "valence entering", "valence leaving", "difference", ""]
    return table("Valence by period", head, rows)


def _how(found: Visits) -> str:
    s = found.settings
    lines = [
        f"A person counts with {s.least_seconds:g} s of sure face; of pictures each sure face counts. Values are unsmoothed means over it.",
        "Nobody is recognised: who leaves is not matched with who came, and somebody who passes twice counts twice. So the sides are "
        "compared as independent groups, and a difference may also come from other people leaving than came.",
        f"Nothing about single people is kept. Periods with fewer than {s.least_people} people on a side are not shown.",
        f"Intervals: studentised bootstrap over people (Efron & Tibshirani 1993), 95 %, {s.rounds:,} resamples, seed {s.seed}; of "
        "differences Student's t with the smaller side's degrees of freedom, and no variance below the pooled one. "
        "p: people change sides at random; largest Welch t over the measures but valence (Westfall & Young 1993; Janssen 1997).",
        "Where people come in company the intervals are too narrow; where light or cameras differ between the sides, the difference may be "
        "theirs: use the same camera, height and light on both sides.",
    ]
    return f'<ul class="how">{"".join(f"<li>{text(one)}</li>" for one in lines)}</ul>'
