"""The charts of one part of the page: figures, with the sentence under each and one for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.labels import EMOTIONS
from mien.report import figures
from mien.report.figures import Figure, clock
from mien.report.numerals import Numerals
from mien.report.scopes import Scope, Track
from mien.report.series import Series, runs, series
from mien.report.summary import Summary
from mien.report.words import form_of
from mien.timeline import Timeline
from mien.timing import Clock, Numbers
from mien.types import Ints

MOST_PATHS = 6
"""People with a path of their own in one plane."""
PATH_POINTS = 160
MOST_FACES = 2000
"""Points of a plane without time."""
MOST_STRIPS = 24

PROBS = [f"p_{name}" for name in EMOTIONS]
AFFECT = ["valence", "arousal"]


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart of the page."""

    figure: Figure
    note: str
    """Under it."""
    alt: str
    """For those who cannot see it."""

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {"figure": self.figure, "note": self.note, "alt": self.alt}


def charts(timeline: Timeline, scope: Scope, summary: Summary, write: Numerals, *, span: tuple[float, float] | None) -> dict[str, Chart]:
    """Name -> chart, of those that this part has something for. span: of the baseline, where known."""
    words = write.words
    if not summary.faces:
        return {}
    sure = scope.rows[(timeline.has_face & ~timeline["unsure"])[scope.rows]]
    found = _over_time(timeline, scope, sure, summary, write, span) if scope.clock else {}
    if scope.tracks:
        shown = sorted(scope.tracks[:MOST_STRIPS], key=lambda track: (track.clock.source, track.person))
        note = words["strip_note"]
        if len(shown) < len(scope.tracks):
            note += " " + form_of(len(shown), words["strip_most"]).format(n=len(shown), of=write.count(len(scope.tracks)))
        spans = {track.name: runs(timeline, track.clock, track.rows, EMOTIONS) for track in shown}
        alt = form_of(len(shown), words["alt_strip"]).format(n=len(shown))
        found["strip"] = Chart(figures.strip(spans, words, span=_span(scope)), note, alt)
    found["counts"] = Chart(
        figures.counts(summary, words), words["counts_note"], words["alt_counts"].format(names=_counted(summary, write))
    )
    found["shares"] = Chart(figures.shares(summary, words), words["shares_note"], words["alt_shares"].format(names=_shared(summary, write)))
    if np.isfinite(timeline["valence"][sure]).any():
        found["plane"] = _plane(timeline, scope, sure, summary, write)
    if summary.reasons:
        names = ", ".join(f"{words.get(f'reason_{code}', code)} {write.count(count)}" for code, count in summary.reasons.items())
        found["reasons"] = Chart(figures.reasons(summary, words), words["reasons_note"], words["alt_reasons"].format(names=names))
    return found


def _over_time(
    timeline: Timeline,
    scope: Scope,
    sure: Ints,
    summary: Summary,
    write: Numerals,
    span: tuple[float, float] | None,
) -> dict[str, Chart]:
    assert scope.clock is not None
    own_clock, words = scope.clock, write.words
    found = {}
    if len(sure):
        line = series(timeline, own_clock, sure, PROBS)
        points = words["points_bin"].format(seconds=write.number(line.bin_seconds)) if line.bin_seconds else words["points_frame"]
        best = sorted(summary.emotions, key=lambda count: -np.nan_to_num(count.mean_p, nan=-1))[:3]
        alt = words["alt_lines"].format(
            start=clock(own_clock.times[0], words),
            end=clock(own_clock.times[-1], words),
            names=", ".join(words.get(c.emotion, c.emotion) for c in best),
        )
        found["lines"] = Chart(figures.lines(line, words), words["lines_note"].format(points=points), alt)
        if np.isfinite(timeline["valence"][sure]).any():
            found["affect"] = Chart(
                figures.affect_lines(series(timeline, own_clock, sure, AFFECT), words, write.scale),
                f"{words['scale_note'].format(span=write.scale.span)} {points}",
                _affect_alt(summary, write),
            )
        found |= _change(timeline, own_clock, sure, write, span)
    faces = scope.rows[timeline.has_face[scope.rows]]
    quality = series(timeline, own_clock, faces, ["score", "unsure"])
    alt = words["alt_quality"].format(score=write.number(summary.score.median), unsure=write.whole_percent(summary.unsure_share))
    found["quality"] = Chart(figures.quality_lines(quality, words), words["quality_note"], alt)
    return found


def _change(timeline: Timeline, own_clock: Clock, sure: Ints, write: Numerals, span: tuple[float, float] | None) -> dict[str, Chart]:
    words, scale = write.words, write.scale
    names = [f"delta_{name}" for name in PROBS]
    if names[0] not in timeline:
        return {}
    both = series(timeline, own_clock, sure, [*names, "delta_valence", "delta_arousal"])
    if not any(np.isfinite(values).any() for values in both.values.values()):
        return {}
    told = words["change_span"].format(start=write.plain(span[0]), end=write.plain(span[1])) if span else ""
    note = words["change_note"].format(span=told)
    found = {"change": Chart(figures.lines(both, words, prefix="delta_p_", span=(-1, 1)), note, words["alt_change"])}
    if np.isfinite(both.values["delta_valence"]).any():
        told = words["change_scale"].format(span=scale.span)
        found["change_affect"] = Chart(figures.affect_lines(both, words, scale, prefix="delta_"), told, words["alt_change"])
    return found


def _plane(timeline: Timeline, scope: Scope, sure: Ints, summary: Summary, write: Numerals) -> Chart:
    words, scale, alt = write.words, write.scale, _affect_alt(summary, write)
    if scope.tracks:
        shown: Sequence[Track] = scope.tracks[:MOST_PATHS]
        mask = np.zeros(len(timeline), np.bool_)
        mask[sure] = True
        paths = {track.name: _path(timeline, track.clock, track.rows[mask[track.rows]]) for track in shown}
        note = words["plane_path"]
        if len(shown) < len(scope.tracks):
            note += " " + words["plane_people"].format(n=len(shown), of=write.count(len(scope.tracks)))
        return Chart(figures.plane(paths, words, scale, joined=True), note, alt)
    if scope.clock:
        path = _path(timeline, scope.clock, sure)
        return Chart(figures.plane({scope.name: path}, words, scale, joined=True), words["plane_path"], alt)
    some = sure[np.linspace(0, len(sure) - 1, min(len(sure), MOST_FACES)).astype(np.int64)]
    affect = np.stack([timeline[name][some] for name in AFFECT], axis=1)
    note = words["plane_faces"]
    if len(some) < len(sure):
        note += " " + words["plane_most"].format(n=write.count(len(some)), of=write.count(len(sure)))
    return Chart(figures.plane({scope.name: (affect, timeline["emotion"][some].tolist())}, words, scale, joined=False), note, alt)


def _path(timeline: Timeline, own_clock: Clock, rows: Ints) -> tuple[Numbers, list[str]]:
    """Means along the way, and the emotion with the highest mean probability at each."""
    way: Series = series(timeline, own_clock, rows, [*AFFECT, *PROBS], most=PATH_POINTS)
    affect = np.stack([way.values[name] for name in AFFECT], axis=1)
    probs = np.nan_to_num(np.stack([way.values[name] for name in PROBS], axis=1), nan=-1)
    return affect, [EMOTIONS[k] for k in probs.argmax(axis=1)]


def _span(scope: Scope) -> tuple[float, float]:
    """From the first frame to the end of the last, of all recordings that its people are in."""
    every = [scope.clock] if scope.clock else [track.clock for track in scope.tracks]
    return min(float(own.times[0]) for own in every), max(float(own.times[0]) + own.duration for own in every)


def _counted(summary: Summary, write: Numerals) -> str:
    return ", ".join(f"{write.words.get(c.emotion, c.emotion)} {write.count(c.faces)}" for c in summary.emotions if c.faces)


def _shared(summary: Summary, write: Numerals) -> str:
    sure = [c for c in summary.emotions if c.faces > c.unsure]
    parts = [f"{write.words.get(c.emotion, c.emotion)} {write.whole_percent((c.faces - c.unsure) / summary.faces)}" for c in sure]
    return ", ".join([*parts, *([f"{write.words['unsure']} {write.whole_percent(summary.unsure_share)}"] if summary.unsure else [])])


def _affect_alt(summary: Summary, write: Numerals) -> str:
    valence, arousal = (write.affect(spread.mean) for spread in (summary.valence, summary.arousal))
    return write.words["alt_plane"].format(valence=valence, arousal=arousal, span=write.scale.span)
