"""The page's numbers as HTML: tiles and tables that need no script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from mien.io.names import printable
from mien.labels import EMOTIONS
from mien.report.figures import clock
from mien.report.scale import Scale
from mien.report.scopes import Scopes
from mien.report.summary import Person, Spread, Summary
from mien.report.words import form_of
from mien.timing import Rate
from mien.track.episodes import Episode

NONE = "–"
MOST_NAMED = 10
"""Sources that a sentence names."""
Words = dict[str, str]


def text(value: object) -> str:
    """A value that may stand anywhere in HTML; control characters become `?`, and spaces that do not break stay what they are."""
    return escape("\u00a0".join(map(printable, str(value).split("\u00a0"))))


def percent(share: float) -> str:
    """`12.3 %`, or a dash where there is none."""
    return NONE if math.isnan(share) else f"{100 * share:.1f}\u00a0%"


def number(value: float, digits: int = 2) -> str:
    """A number with some decimals, or a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:.{digits}f}"


def length(seconds: float, words: Words) -> str:
    """A time for human eyes, or a dash."""
    return NONE if math.isnan(seconds) else clock(seconds, words)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, marks: Sequence[str] = (), name: str = "") -> str:
    """An HTML table: the first cell of each row is its heading. head and cells: HTML already. marks: attributes of each row."""
    lines = []
    for i, row in enumerate(rows):
        mark = f" {marks[i]}" if marks else ""
        lines.append(f'<tr{mark}><th scope="row">{row[0]}</th>' + "".join(f"<td>{value}</td>" for value in row[1:]) + "</tr>")
    heads = "".join(f'<th scope="col">{value}</th>' for value in head)
    body = "".join(lines)
    own = f' id="{name}"' if name else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table{own}><caption>{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def tiles(rows: Iterable[tuple[str, str, str]]) -> str:
    """Large figures side by side, each with its name and a remark. All HTML already."""
    items = "".join(f"<li><b>{value}</b><span>{what}</span><small>{more}</small></li>" for value, what, more in rows)
    return f'<ul class="tiles">{items}</ul>'


def listed(names: Sequence[str], words: Words, *, of: int | None = None, most: int = MOST_NAMED) -> str:
    """The first names with commas between, and how many more there are. of: how many there are in all, where not all are in `names`."""
    more = (len(names) if of is None else of) - min(len(names), most)
    return ", ".join(names[:most]) + (f" {words['and_more'].format(n=f'{more:,}')}" if more else "")


def glance(summary: Summary, persons: Sequence[Person], words: Words, scale: Scale, *, timed: bool) -> str:
    """The few numbers to see first. persons: who is in them."""
    frames, faces = form_of(summary.frames, words["n_frames" if timed else "n_pictures"]), form_of(summary.faces, words["n_faces"])
    rows = [
        (f"{summary.frames:,}", frames, f"{words['faceless']}: {percent(summary.faceless_share)}"),
        (f"{summary.faces:,}", faces, f"{words['unsure_share']}: {percent(summary.unsure_share)}"),
    ]
    if summary.people:
        rows.append((f"{summary.people:,}", form_of(summary.people, words["n_people"]), ""))
    if timed:
        rows.append((length(summary.duration, words), words["duration"], ""))
    if summary.top:
        name = text(words.get(summary.top, summary.top))
        of = ("top_sure" if summary.unsure < summary.faces else "top_unsure") + ("_time" if summary.over_time else "")
        share = words[of].format(share=percent(summary.top_share))
        rows.append((f'<i class="swatch" style="--c: var(--{_safe(summary.top)})"></i>{name}', words["top"], share))
    means = {
        "valence": (summary.valence, [one.valence for one in persons]),
        "arousal": (summary.arousal, [one.arousal for one in persons]),
    }
    known = [name for name, (spread, _) in means.items() if not math.isnan(spread.mean)]
    rows += [
        (affect(spread.mean, scale), f"{words[f'mean_{name}']}, {scale.span}", _around(spread, each, summary, words, scale))
        for name, (spread, each) in means.items()
        if name in known
    ]
    return tiles(rows) + (f'<p class="note">{_measured(summary, words, scale)}</p>' if known else "")


def affect(value: float, scale: Scale) -> str:
    """A valence or arousal on its scale, or a dash where there is none."""
    return NONE if math.isnan(value) else format(round(scale.shown(value), 2) + 0.0, scale.form)  # + 0.0: no -0.00


def _around(spread: Spread, each: Sequence[float], summary: Summary, words: Words, scale: Scale) -> str:
    """What stands under a mean: of what it is, the median, and the mean of the means of several persons."""
    several = "over_all_time" if summary.people > 1 else "over_time_alone"
    basis = words[several].format(n=f"{summary.people:,}") if summary.over_time else words["of_sure_faces"]
    lines, own = [basis, words["median"].format(value=affect(spread.median, scale))], [value for value in each if not math.isnan(value)]
    if len(own) > 1:
        lines.append(words["mean_of_means"].format(n=f"{len(own):,}", value=affect(math.fsum(own) / len(own), scale)))
    return "<br>".join(lines)


def _measured(summary: Summary, words: Words, scale: Scale) -> str:
    """How valence and arousal were counted, in sentences."""
    parts = [words["sure_scale"].format(span=scale.span)]
    if summary.over_time:
        parts.append(words["weighed"])
    if summary.untimed:
        parts.append(words["untimed"].format(n=f"{summary.untimed:,}"))
    if summary.over_time and summary.people > 1:
        parts.append(words["pooled"])
    return " ".join(parts)


def emotions(summary: Summary, words: Words, *, timed: bool) -> str:
    """Counts and shares."""
    head = ["emotion", "faces", "share", "of_them_unsure", *(["time_share"] if timed else []), "mean_p"]
    rows = [
        [
            f'<i class="swatch" style="--c: var(--{_safe(count.emotion)})"></i>{text(words.get(count.emotion, count.emotion))}',
            f"{count.faces:,}", percent(count.share), f"{count.unsure:,}", *([percent(count.time_share)] if timed else []),
            number(count.mean_p, 3),
        ]
        for count in summary.emotions
    ]  # fmt: skip
    return table(words["emotions_caption"], [words[name] for name in head], rows)


def quality(summary: Summary, words: Words, scale: Scale) -> str:
    """Detection score, size, valence and arousal: where they lie."""
    rows = [[words[name], *(number(value, digits) for value in _spread(spread))]
            for name, spread, digits in (("score", summary.score, 3), ("face_size", summary.size, 0))]  # fmt: skip
    rows += [[words["sure_on"].format(what=words[name], span=scale.span), *(number(scale.shown(value), 3) for value in _spread(spread))]
             for name, spread in (("valence", summary.valence), ("arousal", summary.arousal))]  # fmt: skip
    caption = words["quality_caption_time" if summary.over_time else "quality_caption"]
    return table(caption, [words[name] for name in ("what", "mean", "middle", "low", "high")], rows)


def persons(people: Sequence[Person], found: Scopes, words: Words, scale: Scale) -> str:
    """One row a person."""
    names = {track.key: track.name for track in found.tracks}
    head = [words[name] for name in ("who", "faces", "first_seen", "last_seen", "in_sight", "top")]
    head += [*(f"{words[name]}, {scale.span}" for name in ("mean_valence", "mean_arousal")), words["unsure_share"]]
    rows = [
        [
            text(names[one.source, one.person]), f"{one.faces:,}",
            *(length(seconds, words) for seconds in (one.first, one.last, one.seconds)),
            text(words.get(one.top, one.top)) or NONE, affect(one.valence, scale), affect(one.arousal, scale),
            percent(one.unsure_share),
        ]
        for one in people
    ]  # fmt: skip
    return table(words["people_caption"], head, rows, marks=[_mark(found, p.source, p.person) for p in people])


def episodes(every: Sequence[Episode], found: Scopes, words: Words) -> str:
    """One row an episode."""
    names = {track.key: track.name for track in found.tracks}
    head = ("emotion", "who", "start", "peak", "end", "duration", "peak_p", "mean_label_p")
    rows = [
        [
            f'<i class="swatch" style="--c: var(--{_safe(one.emotion)})"></i>{text(words.get(one.emotion, one.emotion))}',
            text(names.get((one.source, one.person), found.labels[one.source])),
            *(length(seconds, words) for seconds in (one.start, one.peak_time, one.end, one.end - one.start)),
            number(one.peak_p), number(one.mean_p),
        ]
        for one in every
    ]  # fmt: skip
    marks = [_mark(found, one.source, one.person) for one in every]
    return table(words["episodes"], [words[name] for name in head], rows, marks=marks, name="episodes")


def rates(every: Sequence[Rate], found: Scopes, words: Words) -> str:
    """One row a recording."""
    head = ("source", "frames", "duration", "per_second", "source_per_second", "left_out", "step", "dropped", "longest_gap")
    rows = [
        [
            text(found.labels[one.source]), f"{one.frames:,}", length(one.duration, words),
            number(one.per_second), number(one.source_per_second),
            words["n_of"].format(n=f"{one.left_out:,}", of=f"{one.spanned:,}"), str(one.step), f"{one.dropped:,}",
            f"{one.longest_gap:.3f} {words['s']}",
        ]
        for one in every
    ]  # fmt: skip
    return table(words["rates_caption"], [words[name] for name in head], rows)


def _spread(spread: Spread) -> tuple[float, float, float, float]:
    return spread.mean, spread.median, spread.low, spread.high


def _mark(found: Scopes, source: str, person: int) -> str:
    """The numbers of the parts of the page that a person belongs to."""
    return f'data-scopes="{" ".join(str(k) for k, scope in enumerate(found.every) if scope.holds(source, person))}"'


def _safe(emotion: str) -> str:
    """An emotion's name as a name in CSS; those that mien does not know have one colour."""
    return emotion if emotion in EMOTIONS else "other"
