"""The page of a visitor study: aggregates only, one HTML file without a script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mien.report.sections import table, text, tiles
from mien.report.shell import document, resource
from mien.report.study_charts import interval_line
from mien.report.words import form_of
from mien.report.writing import Published, decimals
from mien.sinks.files import replace
from mien.study.statistics import Estimate
from mien.study.viewer import MEASURES
from mien.study.visitors import NO_PERIOD, Visits, published


def write_visits_page(
    found: Visits,
    path: Path,
    *,
    title: str,
    models: Sequence[str] = (),
    failed: int = 0,
    language: str = "en",
    affect_scale: str = "unit",
) -> None:
    """Write the page, under a temporary name until it is whole.

    models: what read the faces. failed: how many recordings could not be read, or not to their end. language, affect_scale: as of
    mien.report.reaction.write_reaction_page. Raises SinkError, and UnknownName for a language or scale.
    """
    html = visits_page(found, title=title, models=models, failed=failed, language=language, affect_scale=affect_scale)
    replace(path, html.encode("utf-8", "replace"))


def visits_page(
    found: Visits,
    *,
    title: str,
    models: Sequence[str] = (),
    failed: int = 0,
    language: str = "en",
    affect_scale: str = "unit",
    made: datetime | None = None,
) -> str:
    """The page as text, with values as visitors.published rounds them. made: its date; now, if None."""
    found, write = published(found), Published.of(language, affect_scale)
    words, whole = write.words, found.periods[0]
    parts = [
        (words["glance"], _glance(found, write)),
        (words["sides"], _measures(found, write)),
        *([(words["periods"], _periods(found, write))] if len(found.periods) > 1 else []),
        (words["how"], _how(found, write)),
    ]
    meta = words[_kind("visits_meta", found)].format(entering=write.count(whole.counts[0]), leaving=write.count(whole.counts[1]))
    notes = [_pictures(found, write)] if any(found.pictures) else []
    notes += [form_of(found.passed, words["passed"]).format(n=write.count(found.passed))] if found.passed else []
    notes += write.mixed(models)
    if failed:
        notes.append(words["n_failed"].format(n=failed))
    if found.withheld:
        names = ", ".join(text(_name(name, write)) for name in found.withheld)
        notes.append(words["withheld"].format(least=found.settings.least_people, names=names))
    told = f'<ul class="notes">{"".join(f"<li>{note}</li>" for note in notes)}</ul>' if notes else ""
    return document(
        title, meta + write.read_by(models), parts, css=resource("study.css"),
        notes=f'<p class="limits">{words["limits"]}</p>{told}', made=made, language=language,
    )  # fmt: skip


def _name(period: str, write: Published) -> str:
    return write.words["no_period"] if period == NO_PERIOD else period


def _kind(name: str, found: Visits) -> str:
    """Which words say who is counted."""
    return f"{name}_pictures" if any(found.pictures) else name


def _pictures(found: Visits, write: Published) -> str:
    entering, leaving = map(write.count, found.pictures)
    return write.words["pictures"].format(entering=entering, leaving=leaving)


def _glance(found: Visits, write: Published) -> str:
    words, span, whole = write.words, write.scale.span, found.periods[0]
    entering, leaving = whole.entering.mean[0], whole.leaving.mean[0]
    finest = max(decimals(entering), decimals(leaving))
    told = [
        (write.count(whole.counts[0]), words[_kind("n_entering", found)], ""),
        (write.count(whole.counts[1]), words[_kind("n_leaving", found)], ""),
        (_mean(whole.entering, write), words["mean_entering"].format(span=span), write.interval(whole.entering, 0)),
        (_mean(whole.leaving, write), words["mean_leaving"].format(span=span), write.interval(whole.leaving, 0)),
        (
            write.change(whole.difference.mean[0], 0, write.digits(whole.difference, 0)),
            words["valence_within" if found.within else "valence_difference"],
            f"{write.change_interval(whole.difference, 0)}, {write.test(whole.p[0])}",
        ),
    ]
    why = words["within_periods"].format(apart=write.change(leaving - entering, 0, finest)) if found.within else ""
    return tiles(told) + (f'<p class="note">{why}</p>' if why else "")


def _mean(of: Estimate, write: Published) -> str:
    """Mean valence alone."""
    return write.value(of.mean[0], 0, write.digits(of, 0))


def _measures(found: Visits, write: Published) -> str:
    period, words, rows = found.periods[0], write.words, list[list[str]]()
    for k in range(len(MEASURES)):
        span = (-1.0, 1.0) if k < 2 else (0.0, 1.0)
        sides = [
            f"{write.mean(one, k)} {interval_line(one.low[k], one.mean[k], one.high[k], span)}" for one in (period.entering, period.leaving)
        ]
        rows.append([text(write.title(k)), *sides, write.difference(period.difference, k), write.marked_p(period.p[k])])
    head = [*(words[name] for name in ("what", "entering", "leaving", "difference_within" if found.within else "difference")), "p"]
    return f'<p class="note">{words["sides_note"]}</p>' + table(words["sides_caption"], head, rows)


def _periods(found: Visits, write: Published) -> str:
    rows = []
    for one in found.periods[1:]:
        bar = interval_line(one.difference.low[0], one.difference.mean[0], one.difference.high[0], (-1, 1))
        values = [*map(write.count, one.counts), *(_mean(side, write) for side in (one.entering, one.leaving))]
        rows.append([text(_name(one.name, write)), *values, write.difference(one.difference, 0), bar, write.marked_p(one.p[0])])
    head = ("period", "entering", "leaving", "valence_entering", "valence_leaving", "difference")
    note = f'<p class="note">{write.words["periods_note"].format(n=len(rows))}</p>'
    return note + table(write.words["periods_caption"], [*(write.words[name] for name in head), "", "p"], rows)


def _how(found: Visits, write: Published) -> str:
    s, words = found.settings, write.words
    lines = [
        words["how_people"].format(least=write.plain(s.least_seconds)),
        words["how_sides"],
        words["how_private"].format(least=s.least_people),
        words["how_scale"].format(span=write.scale.span),
        words["how_people_intervals"].format(rounds=write.count(s.rounds), seed=s.seed),
        words["how_alike"],
    ]
    return f'<ul class="how">{"".join(f"<li>{text(one)}</li>" for one in lines)}</ul>'
