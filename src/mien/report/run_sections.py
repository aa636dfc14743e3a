"""The numbers of a run as HTML: tiles and tables that need no script."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mien.labels import EMOTIONS
from mien.report.numerals import Numerals
from mien.report.scopes import Scopes
from mien.report.sections import NONE, Words, table, text, tiles
from mien.report.summary import Person, Spread, Summary
from mien.report.words import form_of
from mien.timing import Rate
from mien.track.episodes import Episode


def glance(summary: Summary, persons: Sequence[Person], write: Numerals, *, timed: bool) -> str:
    """The few numbers to see first. persons: who is in them."""
    words, scale = write.words, write.scale
    frames, faces = form_of(summary.frames, words["n_frames" if timed else "n_pictures"]), form_of(summary.faces, words["n_faces"])
    rows = [
        (write.count(summary.frames), frames, f"{words['faceless']}: {write.percent(summary.faceless_share)}"),
        (write.count(summary.faces), faces, f"{words['unsure_share']}: {write.percent(summary.unsure_share)}"),
    ]
    if summary.people:
        rows.append((write.count(summary.people), form_of(summary.people, words["n_people"]), ""))
    if timed:
        rows.append((write.length(summary.duration), words["duration"], ""))
    if summary.top:
        of = ("top_sure" if summary.unsure < summary.faces else "top_unsure") + ("_time" if summary.over_time else "")
        rows.append((_swatched(summary.top, words), words["top"], words[of].format(share=write.percent(summary.top_share))))
    means = {
        "valence": (summary.valence, [one.valence for one in persons]),
        "arousal": (summary.arousal, [one.arousal for one in persons]),
    }
    known = [name for name, (spread, _) in means.items() if not math.isnan(spread.mean)]
    rows += [
        (write.affect(spread.mean), f"{words[f'mean_{name}']}, {scale.span}", _around(spread, each, summary, write))
        for name, (spread, each) in means.items()
        if name in known
    ]
    return tiles(rows) + (f'<p class="note">{_measured(summary, write)}</p>' if known else "")


def _around(spread: Spread, each: Sequence[float], summary: Summary, write: Numerals) -> str:
    """What stands under a mean: of what it is, the median, and the mean of the means of several persons."""
    words = write.words
    if not summary.over_time:
        basis = words["of_sure_faces"]
    elif summary.people > 1:
        basis = form_of(summary.people, words["over_all_time"]).format(n=write.count(summary.people))
    else:
        basis = words["over_time_alone"]
    lines, own = [basis, words["median"].format(value=write.affect(spread.median))], [value for value in each if not math.isnan(value)]
    if len(own) > 1:
        lines.append(words["mean_of_means"].format(n=write.count(len(own)), value=write.affect(math.fsum(own) / len(own))))
    return "<br>".join(lines)


def _measured(summary: Summary, write: Numerals) -> str:
    """How valence and arousal were counted, in sentences."""
    words = write.words
    parts = [words["sure_scale"].format(span=write.scale.span)]
    if summary.over_time:
        parts.append(words["weighed"])
    if summary.untimed:
        parts.append(words["untimed"].format(n=write.count(summary.untimed)))
    if summary.over_time and summary.people > 1:
        parts.append(words["pooled"])
    return " ".join(parts)


def emotions(summary: Summary, write: Numerals, *, timed: bool) -> str:
    """Counts and shares."""
    words = write.words
    head = ["emotion", "faces", "share", "of_them_unsure", *(["time_share"] if timed else []), "mean_p"]
    rows = [
        [
            _swatched(count.emotion, words), write.count(count.faces), write.percent(count.share), write.count(count.unsure),
            *([write.percent(count.time_share)] if timed else []), write.number(count.mean_p, 3),
        ]
        for count in summary.emotions
    ]  # fmt: skip
    return table(words["emotions_caption"], [words[name] for name in head], rows)


def quality(summary: Summary, write: Numerals) -> str:
    """Detection score, size, valence and arousal: where they lie."""
    words, scale = write.words, write.scale
    rows = [[words[name], *(write.number(value, digits) for value in _spread(spread))]
            for name, spread, digits in (("score", summary.score, 3), ("face_size", summary.size, 0))]  # fmt: skip
    for name, spread in (("valence", summary.valence), ("arousal", summary.arousal)):
        shown = (write.number(scale.shown(value), 3) for value in _spread(spread))
        rows.append([words["sure_on"].format(what=words[name], span=scale.span), *shown])
    caption = words["quality_caption_time" if summary.over_time else "quality_caption"]
    return table(caption, [words[name] for name in ("what", "mean", "middle", "low", "high")], rows)


def persons(people: Sequence[Person], found: Scopes, write: Numerals) -> str:
    """One row a person."""
    names, words = {track.key: track.name for track in found.tracks}, write.words
    head = [words[name] for name in ("who", "faces", "first_seen", "last_seen", "in_sight", "top")]
    head += [*(f"{words[name]}, {write.scale.span}" for name in ("mean_valence", "mean_arousal")), words["unsure_share"]]
    rows = [
        [
            text(names[one.source, one.person]), write.count(one.faces), *map(write.length, (one.first, one.last, one.seconds)),
            text(words.get(one.top, one.top)) or NONE, write.affect(one.valence), write.affect(one.arousal),
            write.percent(one.unsure_share),
        ]
        for one in people
    ]  # fmt: skip
    return table(words["people_caption"], head, rows, marks=[_mark(found, p.source, p.person) for p in people])


def episodes(every: Sequence[Episode], found: Scopes, write: Numerals) -> str:
    """One row an episode."""
    names, words = {track.key: track.name for track in found.tracks}, write.words
    head = ("emotion", "who", "start", "peak", "end", "duration", "peak_p", "mean_label_p")
    rows = [
        [
            _swatched(one.emotion, words), text(names.get((one.source, one.person), found.labels[one.source])),
            *map(write.length, (one.start, one.peak_time, one.end, one.end - one.start)),
            write.number(one.peak_p), write.number(one.mean_p),
        ]
        for one in every
    ]  # fmt: skip
    marks = [_mark(found, one.source, one.person) for one in every]
    return table(words["episodes"], [words[name] for name in head], rows, marks=marks, name="episodes")


def rates(every: Sequence[Rate], found: Scopes, write: Numerals) -> str:
    """One row a recording."""
    words = write.words
    head = ("source", "frames", "duration", "per_second", "source_per_second", "left_out", "step", "dropped", "longest_gap")
    rows = [
        [
            text(found.labels[one.source]), write.count(one.frames), write.length(one.duration),
            write.number(one.per_second), write.number(one.source_per_second),
            words["n_of"].format(n=write.count(one.left_out), of=write.count(one.spanned)), write.plain(round(one.step, 2)),
            write.count(one.dropped),
            f"{write.number(one.longest_gap, 3)} {words['s']}",
        ]
        for one in every
    ]  # fmt: skip
    return table(words["rates_caption"], [words[name] for name in head], rows)


def _spread(spread: Spread) -> tuple[float, float, float, float]:
    return spread.mean, spread.median, spread.low, spread.high


def _mark(found: Scopes, source: str, person: int) -> str:
    """The numbers of the parts of the page that a person belongs to."""
    return f'data-scopes="{" ".join(str(k) for k, scope in enumerate(found.every) if scope.holds(source, person))}"'


def _swatched(emotion: str, words: Words) -> str:
    """An emotion's name behind its colour; those that mien does not know have one colour, so that no name gets into the style."""
    colour = emotion if emotion in EMOTIONS else "other"
    return f'<i class="swatch" style="--c: var(--{colour})"></i>{text(words.get(emotion, emotion))}'
