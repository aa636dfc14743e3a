"""The page after a run: one HTML file with charts, numbers and rows, that opens with the network off."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Any

from mien import __version__
from mien.provenance import Provenance
from mien.report import how_read, run_sections
from mien.report.charts import charts
from mien.report.colours import themes
from mien.report.embed import PackedRows, pack, safe_json
from mien.report.numerals import Numerals
from mien.report.scopes import Scopes, scopes
from mien.report.sections import listed, text
from mien.report.shell import PALETTE, resource, style
from mien.report.summary import Person, Summary, people_of, summarise
from mien.report.words import form_of
from mien.sinks.files import replace
from mien.timeline import Timeline
from mien.timing import rate, row_seconds

SHORT = ("source", "frame", "time_s", "person", "emotion", "emotion_p", "second", "second_p", "valence", "arousal", "unsure", "reasons")
"""Columns of the rows that fit on a page; all are a click away."""
MOST_EPISODES = 400
MOST_SOURCES = 8
IN_SCRIPT = ("rows_of", "no_rows", "too_old", "zoomed", "isolates")


def write_page(
    timeline: Timeline,
    path: str | Path,
    *,
    title: str,
    baseline: tuple[float, float] | None = None,
    notes: Sequence[str] = (),
    language: str = "en",
    affect_scale: str = "unit",
    table: str = "",
    how: Provenance | None = None,
) -> None:
    """Write the page of a run: charts, numbers and rows in one file that asks for nothing from outside.

    timeline: the whole run. title: its heading. baseline: seconds from and to in which people are neutral; adds charts of
    the change from there, which a timeline with delta columns has without. notes: sentences to show at the top.
    language: `en` or `ru`. affect_scale: on which valence and arousal are shown, `unit` -1..1 or `seven` 1..7; the rows have -1..1.
    table: name of the file that has all rows, for when they do not fit into the page. how: how the rows were made, where that is known.

    The file has a temporary name until it is whole. Raises SinkError when it cannot be written, UnknownName for a language or scale.
    """
    html = page(
        timeline,
        title=title,
        baseline=baseline,
        notes=notes,
        language=language,
        affect_scale=affect_scale,
        table=table,
        name=Path(path).stem,
        how=how,
    )
    replace(Path(path), html.encode("utf-8", "replace"))


def page(
    timeline: Timeline,
    *,
    title: str,
    baseline: tuple[float, float] | None = None,
    notes: Sequence[str] = (),
    language: str = "en",
    affect_scale: str = "unit",
    table: str = "",
    name: str = "mien",
    made: datetime | None = None,
    how: Provenance | None = None,
) -> str:
    """The page of `write_page` as text. name: of the CSV that it offers. made: its date; now, if None."""
    write = Numerals.of(language, affect_scale)
    words = write.words
    found = scopes(timeline, words)
    packed = pack(timeline)
    seconds = row_seconds(timeline, list(found.clocks))
    summaries = []
    for scope in found.every:
        own = [clock for clock in found.clocks if scope.source in (None, clock.source)]
        duration = float(sum(clock.duration for clock in own)) if own else float("nan")
        summaries.append(summarise(timeline.where(scope.rows), seconds=seconds[scope.rows], duration=duration))
    with_delta = timeline if baseline is None else _with_baseline(timeline, baseline)
    drawn = [
        {name: chart.plain() for name, chart in charts(with_delta, scope, summary, write, span=baseline).items()}
        for scope, summary in zip(found.every, summaries, strict=True)
    ]
    rates = [rate(clock) for clock in found.clocks]
    people = people_of(timeline, list(found.clocks))
    episodes, of_episodes = _episodes(timeline)
    data = {
        "mien": __version__,
        "title": title,
        "affect_scale": write.scale.name,
        "words": {key: words[key] for key in IN_SCRIPT},
        "themes": themes(PALETTE),
        "scopes": [
            {"name": scope.name, "source": scope.source, "person": scope.person, "summary": asdict(summary), "charts": own}
            for scope, summary, own in zip(found.every, summaries, drawn, strict=True)
        ],
        "people": [asdict(person) for person in people],
        "rates": [asdict(one) for one in rates],
        "episodes": [asdict(one) for one in episodes],
        "table": {
            "rows": packed.rows,
            "of": len(timeline),
            "every": packed.every,
            "file": f"{Path(table).stem or name}{f'-every-{packed.every}' if packed.every > 1 else ''}.csv",
            "short": _short(found),
        },
    }
    told = [*notes, *_lacking(timeline, found, words)]
    inside = Inside(found, summaries, {name for own in drawn for name in own}, write)
    body = [
        *inside.first(people),
        *([_episode_section(episodes, of_episodes, found, write)] if found.tracks else []),
        *inside.last(run_sections.rates(rates, found, write) if rates else ""),
        *([_rows(packed, len(timeline), table, write)] if len(timeline) else []),
        how_read.section(timeline, how, write, timed=bool(found.clocks), baseline=baseline),
    ]
    plotly, js = resource("vendor/plotly-basic.min.js"), resource("page.js")
    return Template(resource("page.html")).substitute(
        language=language,
        version=__version__,
        title=text(title),
        css=style({}),
        meta=_meta(timeline, found, summaries[0], write),
        limits=words["limits"],
        notes=f'<ul class="notes">{"".join(f"<li>{text(note)}</li>" for note in told)}</ul>' if told else "",
        skip=f'<a class="skip" href="#all-rows" hidden data-needs-script>{words["to_rows"]}</a>' if len(timeline) else "",
        chooser=_chooser(found, words),
        body=f"<noscript><p>{words['no_script']}</p></noscript>" + "\n".join(body),
        made=text(
            words["made"].format(version=__version__, date=(made or datetime.now().astimezone()).strftime("%Y-%m-%d %H:%M %Z").strip())
        ),
        data=safe_json(data),
        rows=packed.text if len(timeline) else "",
        plotly=plotly,
        js=js,
        script_hashes=" ".join(_hash(code) for code in (plotly, js)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """The sections of the page, of those that the run has something for."""

    found: Scopes
    summaries: list[Summary]
    charts: set[str]
    """Names of the charts that some part of the page has."""
    write: Numerals

    def first(self, people: Sequence[Person]) -> list[str]:
        """What was shown: numbers, time, persons, counts, plane."""
        words, timed = self.write.words, bool(self.found.clocks)
        if not self.summaries[0].rows:
            return []
        glances = (
            run_sections.glance(summary, [one for one in people if scope.holds(one.source, one.person)], self.write, timed=timed)
            for scope, summary in zip(self.found.every, self.summaries, strict=True)
        )
        parts = [_section(words["glance"], _per_scope(glances))]
        clocks = len(self.found.clocks)
        if "lines" in self.charts or (clocks > 1 and self.charts):
            told = words["several_clocks"].format(n=self.write.count(clocks))
            several = f'<p class="note" data-scope="0">{told}</p>' if clocks > 1 else ""
            parts.append(_section(words["over_time"], several + self._chart("lines"), needs="lines"))
        if "change" in self.charts:
            parts.append(_section(words["change"], self._chart("change") + self._chart("change_affect"), needs="change"))
        if people:
            parts.append(_section(words["per_person"], self._chart("strip") + run_sections.persons(people, self.found, self.write)))
        if "counts" in self.charts:
            tables = _per_scope(run_sections.emotions(summary, self.write, timed=timed) for summary in self.summaries)
            parts.append(_section(words["how_often"], self._pair("counts", "shares") + tables))
        if "plane" in self.charts:
            parts.append(_section(words["plane"], self._pair("plane", "affect"), needs="plane"))
        return parts

    def last(self, rates: str) -> list[str]:
        """How well it could be seen: quality and frames. rates: the table of the frames."""
        words, parts = self.write.words, []
        if self.summaries[0].faces:
            tables = _per_scope(run_sections.quality(summary, self.write) for summary in self.summaries)
            parts.append(_section(words["quality"], tables + self._pair("reasons", "quality")))
        if rates:
            parts.append(_section(words["frame_rate"], f'<p class="note">{words["frames_note"]}</p>{rates}'))
        return parts

    def _chart(self, name: str) -> str:
        """Room for a chart. Its button stands outside: what is an image to a screen reader must not hold anything to press."""
        button = f'<button aria-describedby="note-{name}">{self.write.words["picture"]}</button>'
        plot = '<div class="plot" role="img"></div>'
        return f'<figure data-chart="{name}" hidden>{plot}{button}<figcaption id="note-{name}"></figcaption></figure>'

    def _pair(self, left: str, right: str) -> str:
        return f'<div class="columns">{self._chart(left)}{self._chart(right)}</div>'


def _episode_section(shown: Sequence[Any], of: int, found: Scopes, write: Numerals) -> str:
    words = write.words
    note = words["episodes_note"] if of else words["episodes_none"]
    if len(shown) < of:
        note += " " + words["episodes_most"].format(n=write.count(len(shown)), of=write.count(of))
    return _section(words["episodes"], f'<p class="note">{note}</p>' + (run_sections.episodes(shown, found, write) if of else ""))


def _rows(packed: PackedRows, rows: int, table: str, write: Numerals) -> str:
    words = write.words
    label, note = words["download"], words["table_note"]
    if packed.every > 1:
        where = words["where_file"].format(name=table) if table else words["where_run"]
        note = words["thinned"].format(rows=write.count(rows), n=packed.every, kept=write.count(packed.rows), where=where)
        label = words["download_thinned"].format(n=packed.every)
    tools = (
        f'<div class="tools"><button class="main" id="download" disabled>{label}</button>'
        f'<label><input type="checkbox" id="all-columns"> {words["all_columns"]}</label><span class="spacer"></span>'
        f'<span id="rows-of" role="status">{words["loading"]}</span><button id="previous" disabled>{words["previous"]}</button>'
        f'<button id="next" disabled>{words["next"]}</button></div>'
    )
    rows_table = (
        f'<div class="scroll" id="rows" tabindex="0" role="region" aria-label="{words["table"]}"><table><caption>{words["table"]}</caption>'
        "<thead></thead><tbody></tbody></table></div>"
    )
    inside = f'<p class="note">{text(note)}</p>{tools}{rows_table}'
    return f'<section id="all-rows" hidden data-needs-script><h2>{words["table"]}</h2>{inside}</section>'


def _section(title: str, content: str, *, needs: str = "") -> str:
    """A section. needs: names of charts, of which it is nothing without: it is hidden until the script has drawn one."""
    mark = f' hidden data-needs="{needs}"' if needs else ""
    return f"<section{mark}><h2>{title}</h2>{content}</section>"


def _per_scope(parts: Any) -> str:
    return "".join(f'<div data-scope="{k}"{" hidden" if k else ""}>{part}</div>' for k, part in enumerate(parts))


def _chooser(found: Scopes, words: dict[str, str]) -> str:
    if len(found.every) < 2:
        return ""
    options = "".join(f'<option value="{k}">{text(scope.name)}</option>' for k, scope in enumerate(found.every))
    return (
        f'<div class="chooser" hidden data-needs-script><label for="chooser">{words["choose"]}</label>'
        f'<select id="chooser" autocomplete="off">{options}</select></div>'
    )


def _meta(timeline: Timeline, found: Scopes, summary: Summary, write: Numerals) -> str:
    words = write.words
    shown = text(listed(list(found.labels.values()), words, most=MOST_SOURCES))
    models = sorted(set(timeline["model"].tolist()) - {""})
    timed = form_of(summary.frames, words["n_frames" if found.clocks else "n_pictures"])
    parts = [shown, f"{write.count(summary.frames)} {timed}", *(text(words["model"].format(model=model)) for model in models)]
    return " · ".join(part for part in parts if part)


def _lacking(timeline: Timeline, found: Scopes, words: dict[str, str]) -> list[str]:
    """What was not there, in sentences: rows, faces, or faces in some of the sources."""
    if not len(timeline):
        return [words["nothing"]]
    with_faces = set(timeline["source"][timeline.has_face].tolist())
    if not with_faces:
        return [words["no_faces"]]
    without = [label for source, label in found.labels.items() if source not in with_faces]
    return [words["no_faces_in"].format(names=listed(without, words))] if without else []


def _short(found: Scopes) -> list[str]:
    """Columns to show first: without those that say the same in every row."""
    empty = {"source"} if len(found.labels) == 1 else set()
    return [name for name in SHORT if name not in empty | (set() if found.clocks else {"frame", "time_s", "person"})]


def _episodes(timeline: Timeline) -> tuple[list[Any], int]:
    """The longest episodes in order of time, and how many there are in all."""
    from mien.track.episodes import episodes

    every = episodes(timeline)
    longest = sorted(every, key=lambda one: one.start - one.end)[:MOST_EPISODES]
    return sorted(longest, key=lambda one: (one.source, one.start, one.person)), len(every)


def _with_baseline(timeline: Timeline, span: tuple[float, float]) -> Timeline:
    from mien.track.baseline import with_baseline

    return with_baseline(timeline, span)


def _hash(script: str) -> str:
    """What the page's policy knows a script by, so that no other can run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
