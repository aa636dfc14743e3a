"""The page after a run: one HTML file with charts, numbers and rows, that opens with the network off."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Required, TypedDict, Unpack

from mien import __version__
from mien.provenance import Provenance
from mien.report import how_read, run_sections
from mien.report.contents import Contents
from mien.report.embed import safe_json
from mien.report.numerals import Numerals
from mien.report.scopes import Scopes
from mien.report.sections import listed, text
from mien.report.shell import resource, style
from mien.report.words import form_of
from mien.sinks.files import replace
from mien.timeline import Timeline

MOST_SOURCES = 8


class PageOptions(TypedDict, total=False):
    """Keyword arguments of `page` and `write_page`."""

    title: Required[str]
    """Heading of the page."""
    baseline: tuple[float, float] | None
    """Seconds from and to in which people are neutral; adds charts of the change from there, which a timeline with delta columns has
    without."""
    notes: Sequence[str]
    """Sentences to show at the top."""
    language: str
    """`en` or `ru`."""
    affect_scale: str
    """On which valence and arousal are shown, `unit` -1..1 or `seven` 1..7; the rows have -1..1."""
    table: str
    """Name of the file that has all rows, for when they do not fit into the page."""
    how: Provenance | None
    """How the rows were made, where that is known."""


def write_page(timeline: Timeline, path: str | Path, **options: Unpack[PageOptions]) -> None:
    """Write the page of a run: charts, numbers and rows in one file that asks for nothing from outside.

    timeline: the whole run. The file has a temporary name until it is whole. Raises SinkError when it cannot be written, UnknownName for a
    language or scale.
    """
    replace(Path(path), page(timeline, name=Path(path).stem, **options).encode("utf-8", "replace"))


def page(
    timeline: Timeline, *, title: str, baseline: tuple[float, float] | None = None, notes: Sequence[str] = (), language: str = "en",
    affect_scale: str = "unit", table: str = "", how: Provenance | None = None, name: str = "mien", made: datetime | None = None,
) -> str:  # fmt: skip
    """The page as text, see PageOptions. name: of the CSV that it offers, where no table has one. made: its date; now, if None."""
    write = Numerals.of(language, affect_scale)
    contents = Contents.of(timeline, write, baseline=baseline)
    words, any_rows = write.words, len(timeline) > 0
    plotly, js = resource("vendor/plotly-basic.min.js"), resource("page.js")
    return Template(resource("page.html")).substitute(
        language=language,
        version=__version__,
        title=text(title),
        css=style({}),
        meta=_meta(contents),
        limits=words["limits"],
        notes=_notes([*notes, *_lacking(contents)]),
        skip=f'<a class="skip" href="#all-rows" hidden data-needs-script>{words["to_rows"]}</a>' if any_rows else "",
        chooser=_chooser(contents.found, words),
        body=f"<noscript><p>{words['no_script']}</p></noscript>" + "\n".join(_body(contents, table, how, baseline)),
        made=_made(made or datetime.now().astimezone(), words),
        data=safe_json(contents.data(title, Path(table).stem or name)),
        rows=contents.packed.text if any_rows else "",
        plotly=plotly,
        js=js,
        script_hashes=" ".join(_hash(code) for code in (plotly, js)),
    )


def _body(contents: Contents, table: str, how: Provenance | None, baseline: tuple[float, float] | None) -> list[str]:
    """The sections in their order, of those that the run has something for."""
    sections = Sections(contents)
    return [
        *(sections.shown() if contents.summaries[0].rows else []),
        *([sections.episodes()] if contents.found.tracks else []),
        *([sections.quality()] if contents.summaries[0].faces else []),
        *([sections.rates()] if contents.rates else []),
        *([sections.rows(table)] if len(contents.timeline) else []),
        how_read.section(contents.timeline, how, contents.write, timed=contents.timed, baseline=baseline),
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Sections:
    """The sections of the page."""

    contents: Contents

    def shown(self) -> list[str]:
        """What was shown: numbers, time, persons, counts, plane."""
        drawn = self.contents.drawn
        return [
            self.glance(),
            *([self.over_time()] if drawn("lines") or (len(self.contents.found.clocks) > 1 and drawn()) else []),
            *([self.change()] if drawn("change") else []),
            *([self.persons()] if self.contents.people else []),
            *([self.how_often()] if drawn("counts") else []),
            *([self.plane()] if drawn("plane") else []),
        ]

    def glance(self) -> str:
        """The few numbers to see first, of each scope."""
        contents, write = self.contents, self.contents.write
        glances = (
            run_sections.glance(
                summary, [one for one in contents.people if scope.holds(one.source, one.person)], write, timed=contents.timed
            )
            for scope, summary in zip(contents.found.every, contents.summaries, strict=True)
        )
        return _section(write.words["glance"], _per_scope(glances))

    def over_time(self) -> str:
        """Lines of the expressions shown; where there are several clocks, each source has its own."""
        words, clocks = self.contents.write.words, len(self.contents.found.clocks)
        told = words["several_clocks"].format(n=self.contents.write.count(clocks))
        several = f'<p class="note" data-scope="0">{told}</p>' if clocks > 1 else ""
        return _section(words["over_time"], several + self._chart("lines"), needs="lines")

    def change(self) -> str:
        """The change from each person's own neutral."""
        return _section(self.contents.write.words["change"], self._chart("change") + self._chart("change_affect"), needs="change")

    def persons(self) -> str:
        """Who was there when, and what they showed."""
        contents = self.contents
        table = run_sections.persons(contents.people, contents.found, contents.write)
        return _section(contents.write.words["per_person"], self._chart("strip") + table)

    def how_often(self) -> str:
        """How often each expression was shown, and for how long."""
        contents, write = self.contents, self.contents.write
        tables = _per_scope(run_sections.emotions(summary, write, timed=contents.timed) for summary in contents.summaries)
        return _section(write.words["how_often"], self._pair("counts", "shares") + tables)

    def plane(self) -> str:
        """Valence and arousal."""
        return _section(self.contents.write.words["plane"], self._pair("plane", "affect"), needs="plane")

    def episodes(self) -> str:
        """The longest episodes of one expression."""
        contents, write = self.contents, self.contents.write
        words, shown, of = write.words, contents.episodes, contents.of_episodes
        note = words["episodes_note"] if of else words["episodes_none"]
        if len(shown) < of:
            note += " " + words["episodes_most"].format(n=write.count(len(shown)), of=write.count(of))
        table = run_sections.episodes(shown, contents.found, write) if of else ""
        return _section(words["episodes"], f'<p class="note">{note}</p>{table}')

    def quality(self) -> str:
        """How well the faces could be seen."""
        write = self.contents.write
        tables = _per_scope(run_sections.quality(summary, write) for summary in self.contents.summaries)
        return _section(write.words["quality"], tables + self._pair("reasons", "quality"))

    def rates(self) -> str:
        """Frames a second, and those that are missing."""
        contents, words = self.contents, self.contents.write.words
        table = run_sections.rates(contents.rates, contents.found, contents.write)
        return _section(words["frame_rate"], f'<p class="note">{words["frames_note"]}</p>{table}')

    def rows(self, table: str) -> str:
        """Room for the rows, which the script unpacks. table: name of the file that has all."""
        packed, write, words = self.contents.packed, self.contents.write, self.contents.write.words
        label, note, table = words["download"], words["table_note"], Path(table).name
        if packed.every > 1:
            where = words["where_file"].format(name=table) if table else words["where_run"]
            rows, kept = write.count(len(self.contents.timeline)), write.count(packed.rows)
            note = words["thinned"].format(rows=rows, n=packed.every, kept=kept, where=where)
            label = words["download_thinned"].format(n=packed.every)
        tools = (
            f'<div class="tools"><button class="main" id="download" disabled>{label}</button>'
            f'<label><input type="checkbox" id="all-columns"> {words["all_columns"]}</label><span class="spacer"></span>'
            f'<span id="rows-of" role="status">{words["loading"]}</span><button id="previous" disabled>{words["previous"]}</button>'
            f'<button id="next" disabled>{words["next"]}</button></div>'
        )
        rows_table = (
            f'<div class="scroll" id="rows" tabindex="0" role="region" aria-label="{words["table"]}">'
            f"<table><caption>{words['table']}</caption><thead></thead><tbody></tbody></table></div>"
        )
        inside = f'<p class="note">{text(note)}</p>{tools}{rows_table}'
        return f'<section id="all-rows" hidden data-needs-script><h2>{words["table"]}</h2>{inside}</section>'

    def _chart(self, name: str) -> str:
        """Room for a chart. Its button stands outside: what is an image to a screen reader must not hold anything to press."""
        button = f'<button aria-describedby="note-{name}">{self.contents.write.words["picture"]}</button>'
        plot = '<div class="plot" role="img"></div>'
        return f'<figure data-chart="{name}" hidden>{plot}{button}<figcaption id="note-{name}"></figcaption></figure>'

    def _pair(self, left: str, right: str) -> str:
        return f'<div class="columns">{self._chart(left)}{self._chart(right)}</div>'


def _section(title: str, content: str, *, needs: str = "") -> str:
    """A section. needs: names of charts, of which it is nothing without: it is hidden until the script has drawn one."""
    mark = f' hidden data-needs="{needs}"' if needs else ""
    return f"<section{mark}><h2>{title}</h2>{content}</section>"


def _per_scope(parts: Iterable[str]) -> str:
    return "".join(f'<div data-scope="{k}"{" hidden" if k else ""}>{part}</div>' for k, part in enumerate(parts))


def _chooser(found: Scopes, words: dict[str, str]) -> str:
    if len(found.every) < 2:
        return ""
    options = "".join(f'<option value="{k}">{text(scope.name)}</option>' for k, scope in enumerate(found.every))
    return (
        f'<div class="chooser" hidden data-needs-script><label for="chooser">{words["choose"]}</label>'
        f'<select id="chooser" autocomplete="off">{options}</select></div>'
    )


def _meta(contents: Contents) -> str:
    """The line under the title: sources, how many frames, models."""
    write, words = contents.write, contents.write.words
    shown = text(listed(list(contents.found.labels.values()), words, most=MOST_SOURCES))
    models = sorted(set(contents.timeline["model"].tolist()) - {""})
    frames = contents.summaries[0].frames
    timed = form_of(frames, words["n_frames" if contents.timed else "n_pictures"])
    parts = [shown, f"{write.count(frames)} {timed}", *(text(words["model"].format(model=model)) for model in models)]
    return " · ".join(part for part in parts if part)


def _notes(told: Sequence[str]) -> str:
    return f'<ul class="notes">{"".join(f"<li>{text(note)}</li>" for note in told)}</ul>' if told else ""


def _made(when: datetime, words: dict[str, str]) -> str:
    return text(words["made"].format(version=__version__, date=when.strftime("%Y-%m-%d %H:%M %Z").strip()))


def _lacking(contents: Contents) -> list[str]:
    """What was not there, in sentences: rows, faces, or faces in some of the sources."""
    timeline, words = contents.timeline, contents.write.words
    if not len(timeline):
        return [words["nothing"]]
    with_faces = set(timeline["source"][timeline.has_face].tolist())
    if not with_faces:
        return [words["no_faces"]]
    without = [label for source, label in contents.found.labels.items() if source not in with_faces]
    return [words["no_faces_in"].format(names=listed(without, words))] if without else []


def _hash(script: str) -> str:
    """What the page's policy knows a script by, so that no other can run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
