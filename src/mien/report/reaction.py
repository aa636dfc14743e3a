"""The page of a reaction study: one HTML file without a script, that opens with the network off and prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from mien.report.sections import NONE, listed, percent, table, text, tiles
from mien.report.shell import document, resource
from mien.report.study_charts import SMALL, Mark, Mean, interval_line, time_chart
from mien.report.words import form_of
from mien.report.writing import ALPHA, Writing, marked_p
from mien.sinks.files import replace
from mien.study.reaction import Contrast, Part, PartResult, Reaction
from mien.study.statistics import LEAST, Estimate
from mien.study.viewer import LEAST_SEEN, MEASURES, Reason

FEW = 20
"""Viewers below which the page says that what hardly anybody shows has intervals that are too narrow."""
MOST_MOMENTS, LEAST_SURE = 12, 0.2
"""Moments in the table, of those with at most this p; all are in moments.csv."""


def write_reaction_page(
    found: Reaction,
    path: Path,
    *,
    title: str,
    models: Sequence[str] = (),
    failed: Sequence[str] = (),
    language: str = "en",
    affect_scale: str = "unit",
) -> None:
    """Write the page, under a temporary name until it is whole.

    models: what read the faces. failed: recordings that could not be read, or not to their end. language: `en` or `ru`. affect_scale: on
    which valence and arousal are shown, `unit` -1..1 or `seven` 1..7. Raises SinkError, and UnknownName for a language or scale.
    """
    html = reaction_page(found, title=title, models=models, failed=failed, language=language, affect_scale=affect_scale)
    replace(path, html.encode("utf-8", "replace"))


def reaction_page(
    found: Reaction,
    *,
    title: str,
    models: Sequence[str] = (),
    failed: Sequence[str] = (),
    language: str = "en",
    affect_scale: str = "unit",
    made: datetime | None = None,
) -> str:
    """The page as text. made: its date; now, if None."""
    page = _Page(found, Writing.of(language, affect_scale))
    words = page.words
    parts = [
        (words["glance"], page.glance()),
        (words["affect_film"], page.affect()),
        (words["moments"], page.moments()),
        (words["expressions"], page.expressions()),
        (words["parts"], page.parts()),
        *([(words["groups"], page.groups())] if found.contrasts else []),
        (words["viewers"], page.viewers()),
        (words["how"], page.how()),
    ]
    film = page.write.length(float(found.edges[-1]))
    meta = words["reaction_meta"].format(n=len(found.curves), film=film, step=f"{found.settings.step:g}")
    notes = f'<p class="limits">{words["limits"]}</p>{page.warnings(failed, models)}'
    return document(
        title, meta + page.write.read_by(models), parts, notes=notes, css=resource("study.css"),
        made=made, language=language,
    )  # fmt: skip


class _Page:
    """The sections of the page."""

    def __init__(self, found: Reaction, writing: Writing) -> None:
        self.found, self.write, self.words = found, writing, writing.words
        self._shared = [moment for moment in found.moments if moment.p <= ALPHA]

    def warnings(self, failed: Sequence[str], models: Sequence[str]) -> str:
        """What must be known first: too few viewers, who is missing, and whether one model read them all."""
        words, n, notes = self.words, len(self.found.curves), []
        if n < LEAST:
            notes.append(words["few_viewers"].format(n=n, least=LEAST))
        elif n < FEW:
            notes.append(words["rare_shown"].format(n=n))
        lists = {
            "not_counted": [f"{text(one.name)} ({text(self._why(one.reason))})" for one in self.found.left_out],
            "failed": [text(Path(name).name) for name in failed],
        }
        notes += [words[what].format(names=listed(names, words)) for what, names in lists.items() if names]
        notes += self.write.mixed(models)
        return f'<ul class="notes">{"".join(f"<li>{note}</li>" for note in notes)}</ul>' if notes else ""

    def _why(self, reason: Reason) -> str:
        return self.words[f"why_{reason.key}"].format(**reason.numbers)

    def glance(self) -> str:
        """The few numbers to see first."""
        found, words, write, whole = self.found, self.words, self.write, self.found.parts[0].level
        viewers, steps = len(found.curves), len(found.edges) - 1
        rows = [
            (write.count(viewers), form_of(viewers, words["counted"]), words["n_not_counted"].format(n=len(found.left_out))),
            (write.length(float(found.edges[-1])), words["of_film"], form_of(steps, words["n_steps"]).format(n=write.count(steps))),
            *(
                (write.value(whole.mean[k], k), f"{words[f'mean_{MEASURES[k]}']}, {write.scale.span}", write.interval(whole, k))
                for k in (0, 1)
            ),
            (str(len(self._shared)), form_of(len(self._shared), words["shared"]), words["p_corrected"].format(alpha=f"{ALPHA:g}")),
            (percent(float(np.mean([one.seen for one in found.curves]))), words["film_seen"], words["film_seen_mean"]),
        ]  # fmt: skip
        return tiles([(text(value), text(what), text(more)) for value, what, more in rows])

    def affect(self) -> str:
        """Valence and arousal over time."""
        level, words = self.found.level, self.words
        parts = [Mark(one.part.start, one.part.end, one.part.name) for one in self.found.parts[1:] if not one.group]
        up = [f"{self.write.title(k)}, {self.write.scale.span}" for k in (0, 1)]
        charts = [
            time_chart(self.found.edges, [self._mean(level, k)], up[k], words, scale=self.write.scale, marks=self._marks(k), parts=parts)
            for k in (0, 1)
        ]
        fewest, most = int(level.n[0].min()), int(level.n[0].max())
        n = str(fewest) if fewest == most else words["n_to"].format(low=fewest, high=most)
        return "".join(f"<figure>{chart}</figure>" for chart in charts) + _note(words["affect_note"].format(n=n))

    def moments(self) -> str:
        """When the viewers changed together."""
        words, write = self.words, self.write
        note = _note(words["moments_note"] + (words["moments_change"] if self.found.settings.baseline else ""))
        told = [one for one in self.found.moments if one.p <= LEAST_SURE][:MOST_MOMENTS]
        if not told:
            return f"{note}<p>{words['moments_none'].format(p=f'{LEAST_SURE:g}')}</p>"
        rows = []
        for one in told:
            k = MEASURES.index(one.measure)
            times = [write.length(seconds) for seconds in (one.start, one.end, one.end - one.start)]
            change = [write.change(one.change, k)] if self.found.settings.baseline else []
            rows.append([text(write.title(k)), *times, *change, write.change(one.departure, k), marked_p(one.p)])
        change = [words["mean_change"]] if self.found.settings.baseline else []
        head = [*(words[name] for name in ("what", "from_time", "to_time", "lasts")), *change, words["departure"], "p"]
        return note + table(words["moments_caption"].format(p=f"{LEAST_SURE:g}"), head, rows)

    def expressions(self) -> str:
        """Each expression over time."""
        level, charts = self.found.level, []
        for k in np.argsort(-np.nanmax(np.nan_to_num(level.mean[2:]), axis=1), kind="stable") + 2:
            of = [self._mean(level, k)]
            chart = time_chart(self.found.edges, of, self.words["probability"], self.words, marks=self._marks(k), size=SMALL)
            charts.append(f"<figure><h3>{text(self.write.title(k))}</h3>{chart}</figure>")
        return f'{_note(self.words["expressions_note"])}<div class="small">{"".join(charts)}</div>'

    def parts(self) -> str:
        """Each part of the film, of all and of each group."""
        words = self.words
        out = [_note(words["parts_note"] + (words["parts_change"] if self.found.settings.baseline else ""))]
        between = words["changed"] if self.found.settings.baseline else ""  # the bars need that room
        head = [words["part"], words["what"], "n", words["mean"], between, words["departure"], "p"]
        for group in dict.fromkeys(one.group for one in self.found.parts):
            rows = [row for one in self.found.parts if one.group == group for row in self._part_rows(one)]
            out.append(table(text(words["group_of"].format(name=group) if group else words["all_viewers"]), head, rows))
        return "".join(out)

    def _part_rows(self, one: PartResult) -> list[list[str]]:
        """Valence, arousal and the three expressions with the highest mean."""
        write = self.write
        name = f"{text(self._name(one.part))} <small>{write.length(one.part.start)}–{write.length(one.part.end)}</small>"
        rows = []
        for k in [0, 1, *(int(i) for i in np.argsort(-np.nan_to_num(one.level.mean[2:]), kind="stable")[:3] + 2)]:
            if self.found.settings.baseline:
                between = self._change(one.change, k)
            else:
                between = interval_line(one.level.low[k], one.level.mean[k], one.level.high[k], (-1, 1) if k < 2 else (0, 1))
            of = [name, text(write.title(k)), str(int(one.level.n[k])), write.mean(one.level, k), between]
            rows.append([*of, self._change(one.departure, k), marked_p(one.p[k])])
        return rows

    def _change(self, of: Estimate, k: int) -> str:
        return self.write.difference(of, k) if np.isfinite(of.mean[k]) else NONE

    def groups(self) -> str:
        """Each two groups compared."""
        words = self.words
        rows = [row for one in self.found.contrasts for row in self._contrast_rows(one)]
        head = [*(words[name] for name in ("pair", "part", "what", "difference")), "p", words["change_difference"], "p"]
        since = words["from_baseline" if self.found.settings.baseline else "from_mean"]
        return _note(words["groups_note"].format(since=since)) + table(words["groups_caption"], head, rows)

    def _contrast_rows(self, one: Contrast) -> list[list[str]]:
        """Valence, arousal and the three expressions that differ most."""
        rows = []
        largest = np.fmax(np.abs(one.difference.mean[2:]), np.abs(one.change.mean[2:]))
        for k in [0, 1, *(int(i) for i in np.argsort(-np.nan_to_num(largest), kind="stable")[:3] + 2)]:
            who = text(f"{one.first} − {one.second}"), text(self._name(one.part)), text(self.write.title(k))
            rows.append(
                [*who, self.write.difference(one.difference, k), marked_p(one.p[k]), self._change(one.change, k), marked_p(one.change_p[k])]
            )
        return rows

    def viewers(self) -> str:
        """Who counts, and how well they could be seen."""
        write = self.write
        rows = [
            [
                text(one.name), text(one.group) or NONE, percent(one.seen), percent(one.unsure), str(one.people), write.length(one.length),
                write.value(float(one.mean[0]), 0),
            ]
            for one in self.found.curves
        ]  # fmt: skip
        head = [self.words[name] for name in ("viewer", "group", "seen", "unsure_share", "people_in", "covered", "mean_valence")]
        return table(self.words["viewers_caption"], head, rows)

    def how(self) -> str:
        """How it was worked out."""
        s, words, write = self.found.settings, self.words, self.write
        base = words["how_baseline"].format(start=f"{s.baseline[0]:g}", end=f"{s.baseline[1]:g}") if s.baseline else words["how_mean"]
        lines = [
            words["how_steps"].format(step=f"{s.step:g}", share=f"{100 * LEAST_SEEN:.0f}"),
            words["how_counts"].format(share=f"{100 * s.least_coverage:.0f}"),
            base,
            words["how_scale"].format(span=write.scale.span),
            words["how_intervals"].format(rounds=write.count(s.rounds), seed=s.seed),
            words["how_tests"],
            words["how_groups"],
            words["how_holds"],
        ]
        return f'<ul class="how">{"".join(f"<li>{text(one)}</li>" for one in lines)}</ul>'

    def _mean(self, of: Estimate, k: int) -> Mean:
        return Mean(self.write.title(k), *(self.write.drawn(values[k], k) for values in (of.mean, of.low, of.high)))

    def _marks(self, k: int) -> list[Mark]:
        return [Mark(one.start, one.end) for one in self._shared if one.measure == MEASURES[k]]

    def _name(self, part: Part) -> str:
        return self.words["whole_film"] if part == self.found.parts[0].part else part.name


def _note(sentences: str) -> str:
    return f'<p class="note">{sentences}</p>'
