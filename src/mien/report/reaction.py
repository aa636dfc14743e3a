"""The page of a reaction study: one HTML file without a script, that opens with the network off and prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from mien.labels import EMOTIONS
from mien.report.coverage import uneven_coverage
from mien.report.sections import NONE, listed, table, text, tiles
from mien.report.shared import Shared, sure, why_untested, with_beside
from mien.report.shell import document, resource
from mien.report.study_charts import SMALL, Mark, Mean, curve_sign, interval_line, time_chart
from mien.report.untypical import other_way, untypical_measures
from mien.report.words import form_of
from mien.report.writing import ALPHA, SPACE, Writing
from mien.sinks.files import replace
from mien.study.additive import LEAST_SHARE, LEAST_VIEWERS
from mien.study.reach import Reach
from mien.study.reaction import GROUP_ROUNDS
from mien.study.reaction_result import Contrast, Moment, Part, PartResult, Reaction
from mien.study.statistics import LEAST, Estimate
from mien.study.viewer import LEAST_SEEN, MEASURES, Reason

SIGNS = {"up": "▲", "down": "▼"}
FEW = 20
"""Viewers below which the page says that what hardly anybody shows has intervals that are too narrow."""
MOST_MOMENTS, LEAST_SURE = 12, 0.2
"""Moments in the table, of those with at most this p; all are in moments.csv."""
MOST_REACHES = 4
"""Expressions in the table of reach; all are in reach.csv."""
PLAIN = ("neutral", "uncertain")
"""Expressions that no film is made to bring about."""
MOST_GROUPS = 4
"""Groups whose curves are drawn: more cannot be told apart."""
THEMES = {
    "light": {"up": "#2e8b57", "down": "#7a5c99", "group0": "#2f6f8f", "group1": "#c4570c", "group2": "#1f8a6d", "group3": "#b0508c"},
    "dark": {"up": "#5fc08c", "down": "#b9a0d6", "group0": "#7fc0dd", "group1": "#f0935a", "group2": "#5cc7a6", "group3": "#e08fc0"},
}
"""Of moments up and down, and of groups; shades have triangles and lines dashes beside, for those who see or print fewer colours."""


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
    meta = words["reaction_meta"].format(n=len(found.curves), film=film, step=page.write.plain(found.settings.step))
    notes = f'<p class="limits">{words["limits"]}</p>{page.warnings(failed, models)}'
    return document(
        title, meta + page.write.read_by(models), parts, notes=notes, css=resource("study.css"),
        colours=THEMES, made=made, language=language,
    )  # fmt: skip


class _Page:
    """The sections of the page."""

    def __init__(self, found: Reaction, writing: Writing) -> None:
        self.found, self.write, self.words = found, writing, writing.words
        self._shared = sure(found)
        self._untested = self.words[key].format(least=LEAST) if (key := why_untested(found)) else ""

    def warnings(self, failed: Sequence[str], models: Sequence[str]) -> str:
        """What must be known first: too few viewers, who is missing, who saw how much, and whether one model read them all."""
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
        if uneven := uneven_coverage(self.found.curves, self.write):
            notes.append(text(uneven))
        if care := untypical_measures(self.found, self._shared, self.write):
            notes.append(text(care))
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
            (
                NONE if self._untested else write.count(len(self._shared)),
                form_of(len(self._shared), words["shared"]),
                self._untested or words["p_corrected"].format(alpha=write.plain(ALPHA)),
            ),
            (write.percent(float(np.mean([one.seen for one in found.curves]))), words["film_seen"], words["film_seen_mean"]),
        ]  # fmt: skip
        return tiles([(text(value), text(what), text(more)) for value, what, more in rows])

    def affect(self) -> str:
        """Valence and arousal over time."""
        level, words = self.found.level, self.words
        fewest, most = int(level.n[0].min()), int(level.n[0].max())
        n = str(fewest) if fewest == most else words["n_to"].format(low=fewest, high=most)
        return self._wide([level], [words["all_viewers"]]) + self._key() + _note(words["affect_note"].format(n=n))

    def _wide(self, of: Sequence[Estimate], names: Sequence[str]) -> str:
        """Charts of valence and arousal, with the moments of all viewers where it is they who are drawn."""
        found, write = self.found, self.write
        parts = [one.part for one in found.parts[1:] if not one.group]
        charts = []
        for k in (0, 1):
            means, marks = self._means(of, names, k), self._marks(k) if len(of) == 1 else ()
            charts.append(time_chart(found.edges, means, write.title(k), write, affect=True, marks=marks, parts=parts))
        return "".join(f'<figure class="wide" tabindex="0">{chart}</figure>' for chart in charts)

    def _small(self, of: Sequence[Estimate], names: Sequence[str]) -> str:
        """Charts of the expressions, those that all viewers showed most first."""
        charts = []
        for k in np.argsort(-np.nanmax(np.nan_to_num(self.found.level.mean[2:]), axis=1), kind="stable") + 2:
            means, marks = self._means(of, names, k), self._marks(k) if len(of) == 1 else ()
            chart = time_chart(self.found.edges, means, self.write.title(k), self.write, marks=marks, size=SMALL)
            charts.append(f"<figure><h3>{text(self.write.title(k))}</h3>{chart}</figure>")
        return f'<div class="small">{"".join(charts)}</div>'

    def _key(self) -> str:
        """What the two shades are; nothing where nothing is shaded."""
        kinds = "".join(f'<span><i class="shade {kind}"></i>{sign} {self.words[f"moment_{kind}"]}</span>' for kind, sign in SIGNS.items())
        return f'<p class="key">{kinds}</p>' if self._shared else ""

    def moments(self) -> str:
        """When the viewers changed together."""
        words, write = self.words, self.write
        if self._untested:
            return f"<p>{words['moments_untested'].format(why=self._untested)}</p>"
        note, least = _note(words["moments_note"]), write.plain(LEAST_SURE)
        every = with_beside(self._shared, (one for one in self.found.moments if ALPHA < one.p <= LEAST_SURE))
        if not every:
            return f"{note}<p>{words['moments_none'].format(p=least)}</p>"
        told = every[:MOST_MOMENTS]
        rows = [[write.times(one.start, one.end), self._departed(one), write.marked_p(one.p)] for one in told]
        more = f" {words['moments_cut'].format(shown=len(told), n=write.count(len(every)))}" if len(told) < len(every) else ""
        caption = words["moments_caption"].format(p=least)
        rest = f"{words['moments_rows']} {self._told_other_way(told)}{words['moments_files']}{more}"
        return note + _listed(table(caption, [words["when"], words["departure"], "p"], rows)) + _note(rest)

    def _departed(self, one: Shared) -> str:
        """What went up and what went down in a moment, the largest departure first."""
        lines, every = [], (*one.moments, *one.beside)
        for kind, sign in SIGNS.items():
            of = sorted((part for part in every if (part.departure > 0) is (kind == "up")), key=lambda part: -abs(part.departure))
            if of:
                named = f"{self.words['then']} ".join(self._departure(part, one) for part in of)
                lines.append(f'<span class="{kind}">{sign}</span> {named}')
        return "<br>".join(lines)

    def _departure(self, of: Moment, one: Shared) -> str:
        """A measure's departure, and when, if that is not most of the moment."""
        k = MEASURES.index(of.measure)
        when = "" if of.end - of.start > (one.end - one.start) / 2 else f" ({self.write.times(of.start, of.end)})"
        change = f" <small>{self.words['changed']}{SPACE}{self.write.change(of.change, k)}</small>" if other_way(of) else ""
        return f"{text(self.write.title(k))}{SPACE}{self.write.change(of.departure, k)}{when}{change}"

    def _told_other_way(self, told: Sequence[Shared]) -> str:
        """What the small print in the table of moments is, where there is some."""
        since = self.words["from_baseline" if self.found.settings.baseline else "from_mean"]
        some = any(other_way(of) for one in told for of in (*one.moments, *one.beside))
        return f"{self.words['moments_other_way'].format(since=since)} " if some else ""

    def expressions(self) -> str:
        """Each expression over time."""
        return _note(self.words["expressions_note"]) + self._small([self.found.level], [self.words["all_viewers"]]) + self._key()

    def parts(self) -> str:
        """Each part of the film, of all and of each group."""
        words = self.words
        out = [_note(words["parts_note"] + (words["parts_change"] if self.found.settings.baseline else ""))]
        between = words["changed"] if self.found.settings.baseline else ""  # the bars need that room
        head = [words["part"], words["what"], "n", words["mean"], between, words["departure"], "p"]
        for group in dict.fromkeys(one.group for one in self.found.parts):
            each = [self._part_rows(one) for one in self.found.parts if one.group == group]
            marks = ['class="more"' if i else "" for rows in each for i in range(len(rows))]
            caption = text(words["group_of"].format(name=group) if group else words["all_viewers"])
            out.append(table(caption, head, [row for rows in each for row in rows], marks=marks))
        return "".join(out) + self._reach()

    def _reach(self) -> str:
        """Whom each expression but neutral and uncertain reached, in each part, of all and of each group; none that reached nobody."""
        words, write, settings = self.words, self.write, self.found.settings
        most = {k: max(one.reach.viewers[k] for one in self.found.parts) for k, name in enumerate(EMOTIONS) if name not in PLAIN}
        told = sorted((k for k in most if most[k]), key=lambda k: -most[k])[:MOST_REACHES]
        how = words["reach_note"].format(p=write.plain(settings.reach_p), seconds=write.plain(settings.reach_seconds))
        note = _note(how + (words["reach_rest"] if settings.baseline else ""))
        if not told:
            return f"<h3>{words['reach']}</h3>{note}<p>{words['reach_none']}</p>"
        order = [one.part for one in self.found.parts if not one.group]
        rows = [
            [
                f"{text(self._name(one.part))} <small>{write.times(one.part.start, one.part.end)}</small>",
                *([text(one.group) or text(words["all_viewers"])] if self.found.groups else []),
                str(int((one.reach.n + one.reach.at_rest)[0])),  # of all expressions the same
                *(self._reached(one.reach, k) for k in told),
            ]
            for one in sorted(self.found.parts, key=lambda one: order.index(one.part))
        ]
        head = [words["part"], *([words["group"]] if self.found.groups else []), "n", *(write.title(k + 2) for k in told)]
        marks = ['class="more"' if i % (len(rows) // len(order)) else "" for i in range(len(rows))]
        return f"<h3>{words['reach']}</h3>{note}{table(words['reach_caption'], head, rows, marks=marks)}"

    def _reached(self, of: Reach, k: int) -> str:
        """A share, and of how many, where some showed it at rest."""
        share = self.write.share(of.share[k], of.low[k], of.high[k])
        return f"{share} <small>{self.words['reach_of'].format(n=of.n[k])}</small>" if of.at_rest[k] else share

    def _part_rows(self, one: PartResult) -> list[list[str]]:
        """Valence, arousal and the three expressions with the highest mean."""
        write = self.write
        name = f"{text(self._name(one.part))} <small>{write.times(one.part.start, one.part.end)}</small>"
        rows = []
        for k in [0, 1, *(int(i) for i in np.argsort(-np.nan_to_num(one.level.mean[2:]), kind="stable")[:3] + 2)]:
            if self.found.settings.baseline:
                between = self._change(one.change, k)
            else:
                between = interval_line(one.level.low[k], one.level.mean[k], one.level.high[k], (-1, 1) if k < 2 else (0, 1))
            of = [name, text(write.title(k)), str(int(one.level.n[k])), write.mean(one.level, k), between]
            rows.append([*of, self._change(one.departure, k), write.marked_p(one.p[k])])
        return rows

    def _change(self, of: Estimate, k: int) -> str:
        return self.write.difference(of, k) if np.isfinite(of.mean[k]) else NONE

    def groups(self) -> str:
        """Each two groups compared."""
        words = self.words
        rows = [row for one in self.found.contrasts for row in self._contrast_rows(one)]
        head = [*(words[name] for name in ("pair", "part", "what", "difference")), "p", words["change_difference"], "p"]
        since = words["from_baseline" if self.found.settings.baseline else "from_mean"]
        return self._group_curves() + _note(words["groups_note"].format(since=since)) + table(words["groups_caption"], head, rows)

    def _group_curves(self) -> str:
        """The means of each group over the film, or of the largest groups."""
        every, words, n = self.found.groups, self.words, Counter(one.group for one in self.found.curves)
        drawn = sorted(sorted(every, key=lambda one: -n[one.name])[:MOST_GROUPS], key=every.index)
        levels, names = [one.level for one in drawn], [f"{one.name} ({n[one.name]})" for one in drawn]
        key = "".join(f"<span>{curve_sign(k)}{text(name)}</span>" for k, name in enumerate(names))
        cut = words["curves_cut"].format(shown=len(drawn), n=len(every)) if len(drawn) < len(every) else ""
        charts = "".join(f'<p class="key">{key}</p>{draw(levels, names)}' for draw in (self._wide, self._small))
        return _note(words["curves_note"] + cut) + charts

    def _contrast_rows(self, one: Contrast) -> list[list[str]]:
        """Valence, arousal and the three expressions that differ most."""
        rows, write = [], self.write
        largest = np.fmax(np.abs(one.difference.mean[2:]), np.abs(one.change.mean[2:]))
        for k in [0, 1, *(int(i) for i in np.argsort(-np.nan_to_num(largest), kind="stable")[:3] + 2)]:
            who = text(f"{one.first} − {one.second}"), text(self._name(one.part)), text(self.write.title(k))
            level, change = self._change(one.difference, k), self._change(one.change, k)
            rows.append([*who, level, write.marked_p(one.p[k]), change, write.marked_p(one.change_p[k])])
        return rows

    def viewers(self) -> str:
        """Who counts, and how well they could be seen."""
        write = self.write
        rows = [
            [
                text(one.name), text(one.group) or NONE, write.percent(one.seen), write.percent(one.unsure), str(one.people),
                write.length(one.length), write.value(float(one.mean[0]), 0),
            ]
            for one in self.found.curves
        ]  # fmt: skip
        head = [self.words[name] for name in ("viewer", "group", "seen", "unsure_share", "people_in", "covered", "mean_valence")]
        return table(self.words["viewers_caption"], head, rows)

    def how(self) -> str:
        """How it was worked out."""
        s, words, write = self.found.settings, self.words, self.write
        if s.baseline is None:
            base = words["how_mean"]
        else:
            base = words["how_baseline"].format(start=write.plain(s.baseline[0]), end=write.plain(s.baseline[1]))
        lines = [
            words["how_steps"].format(step=write.plain(s.step), share=f"{100 * LEAST_SEEN:.0f}"),
            words["how_counts"].format(share=f"{100 * s.least_coverage:.0f}"),
            words["how_whole"].format(share=f"{100 * LEAST_SHARE:.0f}", least=LEAST_VIEWERS),
            base,
            words["how_scale"].format(span=write.scale.span),
            words["how_intervals"].format(rounds=write.count(s.rounds), seed=s.seed),
            *([] if self._untested else [words["how_tests"].format(turns=self._turns())]),
            *([words["how_groups"].format(drawn=write.count(GROUP_ROUNDS))] if self.found.contrasts else []),
            words["how_holds"],
        ]
        return f'<ul class="how">{"".join(f"<li>{text(one)}</li>" for one in lines)}</ul>'

    def _turns(self) -> str:
        """How often curves were turned, and how often they should have been, where that is not the same."""
        made, asked = self.found.turns, self.found.settings.rounds
        return self.words["turns_fewer" if made < asked else "turns"].format(turns=self.write.count(made), asked=self.write.count(asked))

    def _means(self, of: Sequence[Estimate], names: Sequence[str], k: int) -> list[Mean]:
        return [
            Mean(name, *(self.write.drawn(values[k], k) for values in (one.mean, one.low, one.high)))
            for one, name in zip(of, names, strict=True)
        ]

    def _marks(self, k: int) -> list[Mark]:
        return [
            Mark(one.start, one.end, one.departure > 0) for shared in self._shared for one in shared.moments if one.measure == MEASURES[k]
        ]

    def _name(self, part: Part) -> str:
        return self.words["whole_film"] if part == self.found.parts[0].part else part.name


def _listed(html: str) -> str:
    """A table whose second column holds lists and may wrap."""
    return f'<div class="lists">{html}</div>'


def _note(sentences: str) -> str:
    return f'<p class="note">{sentences}</p>'
