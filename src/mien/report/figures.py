"""The charts as plotly figures, plain dicts of data and layout. A colour `$name` stands for the theme's, see `themed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mien.labels import EMOTIONS
from mien.report.scale import Scale
from mien.report.sections import percent
from mien.report.series import Run, Series
from mien.report.summary import Summary
from mien.timing import Numbers

Figure = dict[str, Any]
"""`data` and `layout` as plotly takes them."""
Words = Mapping[str, str]

LONG = 120.0
"""Seconds from which on a time axis shows minutes and seconds."""
LEAST_LABELLED = 0.02
"""Share from which on a part of the ring has its name beside it; below, names would cover each other."""
SHOWN_SHARE = 0.08
"""Part of the whole line from which on a run's name is written into it."""
DASHES = dict(zip(EMOTIONS, ("solid", "dot", "dash", "dashdot", "solid", "solid", "dash", "dot", "dashdot"), strict=True))
"""Line styles, so that hue is not all that tells the emotions apart."""
FEW = 10
"""Faces up to which a whole number is marked each on an axis of counts: left alone, plotly marks halves too."""
HEADROOM = 1.05
"""How far an axis of valence and arousal goes, by its largest value."""


def themed(value: Any, colours: Mapping[str, str]) -> Any:
    """A figure with the colours of a theme (report.colours.themes) in place of their names."""
    if isinstance(value, dict):
        return {key: _colour(item, colours) if key.endswith(("color", "colors")) else themed(item, colours) for key, item in value.items()}
    return [themed(item, colours) for item in value] if isinstance(value, list) else value


def _colour(value: Any, colours: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_colour(item, colours) for item in value]
    return colours.get(value[1:], colours["other"]) if isinstance(value, str) and value.startswith("$") else themed(value, colours)


def lines(found: Series, words: Words, *, prefix: str = "p_", span: tuple[float, float] = (0, 1)) -> Figure:
    """Each emotion over time. prefix: `p_` for probabilities, `delta_p_` for differences from a baseline."""
    data = [
        trace
        for name in EMOTIONS
        if f"{prefix}{name}" in found.values
        for trace in _line(found, f"{prefix}{name}", _own(name, words), color=f"${name}", dash=DASHES[name])
    ]
    axis = {"title": {"text": words["probability" if prefix == "p_" else "difference"]}, **_room(span), **_grid()}
    if prefix != "p_":
        axis |= {"zeroline": True, "zerolinecolor": "$muted"}
    return {"data": data, "layout": _layout(words, xaxis=_time_axis(found.times, words), yaxis=axis, hovermode="x unified", height=380)}


def affect_lines(found: Series, words: Words, scale: Scale, *, prefix: str = "") -> Figure:
    """Valence and arousal over time. prefix: `delta_` for differences from a baseline, which are 0 where nothing has changed.

    The axis is as long as the scale, and longer where differences are: from one end of a scale to the other is twice its half.
    """
    shown = {name: values * scale.half if prefix else scale.shown(values) for name, values in found.values.items()}
    found, middle = replace(found, values=shown), 0.0 if prefix else scale.middle
    data = [
        trace
        for name, colour, dash in (("valence", "$accent", "solid"), ("arousal", "$other", "dash"))
        for trace in _line(found, f"{prefix}{name}", words[name], color=colour, dash=dash)
    ]
    ends = np.concatenate([np.abs(values - middle) for values in shown.values()])
    reach = HEADROOM * float(np.max(ends[np.isfinite(ends)], initial=scale.half))
    axis = {"range": [middle - reach, middle + reach], "hoverformat": ".2f", **_grid()}
    layout = _layout(
        words, xaxis=_time_axis(found.times, words), yaxis=axis, hovermode="x unified", height=400, shapes=[_level("y", middle)]
    )  # fmt: skip
    return {"data": data, "layout": layout}


def quality_lines(found: Series, words: Words) -> Figure:
    """Detection score and share of unsure faces over time."""
    data = _line(found, "score", words["score"], color="$accent", dash="solid")
    data += _line(found, "unsure", words["unsure_share"], color="$other", dash="dash")
    axis = {**_room((0, 1)), **_grid()}
    return {"data": data, "layout": _layout(words, xaxis=_time_axis(found.times, words), yaxis=axis, hovermode="x unified", height=260)}


def counts(summary: Summary, words: Words) -> Figure:
    """Faces by emotion: bars, the unsure ones hatched on top."""
    shown = [count for count in summary.emotions if count.faces or count.emotion in EMOTIONS]
    data = []
    for key, hatched in (("sure", False), ("unsure", True)):
        for count in shown:  # a trace for each: plotly warns about an array of colours under a pattern
            value = count.unsure if hatched else count.faces - count.unsure
            if hatched and not value:
                continue
            name, own = _own(count.emotion, words), f"${count.emotion}"
            data.append(
                {
                    "type": "bar", "name": words[key], "x": [name], "y": [value],
                    "marker": _hatched(own) if hatched else {"color": own, "line": {"color": "$text", "width": 0.5}},
                    "hovertemplate": "%{x}: %{y}<extra>" + words[key] + "</extra>",
                }
            )  # fmt: skip
    layout = _layout(
        words,
        xaxis={"type": "category", "tickangle": -40, "fixedrange": True, "linecolor": "$grid", "automargin": True},
        yaxis={"title": {"text": words["faces"]}, **_whole(max(count.faces for count in shown)), **_grid()},
        barmode="stack", height=330, showlegend=False, bargap=0.25,
    )  # fmt: skip
    return {"data": data, "layout": layout}


def shares(summary: Summary, words: Words) -> Figure:
    """Shares of the faces: a ring of the labels of sure faces, and one part for all unsure ones."""
    sure = [count for count in summary.emotions if count.faces > count.unsure]
    names, values = [_own(c.emotion, words) for c in sure], [c.faces - c.unsure for c in sure]
    colours = [f"${c.emotion}" for c in sure]
    if summary.unsure:
        names, values = [*names, words["unsure"]], [*values, summary.unsure]
        colours = [*colours, "$grid"]
    places = ["outside" if value >= LEAST_LABELLED * summary.faces else "none" for value in values]
    data = [
        {
            "type": "pie", "labels": names, "values": values, "hole": 0.55, "sort": True, "direction": "clockwise", "textposition": places,
            "text": [percent(value / summary.faces).replace(".", words["decimal"]) for value in values], "textinfo": "label+text",
            "marker": {"colors": colours, "line": {"color": "$surface", "width": 1.5}},
            "hovertemplate": "%{label}: %{value} (%{text})<extra></extra>",
        }
    ]  # fmt: skip
    return {"data": data, "layout": _layout(words, height=330, showlegend=False, margin={"l": 70, "r": 70, "t": 56, "b": 44})}


def reasons(summary: Summary, words: Words) -> Figure:
    """Why faces are unsure: bars of faces by reason."""
    names = list(summary.reasons)
    data = [
        {
            "type": "bar", "orientation": "h", "x": list(summary.reasons.values()),
            "y": [words.get(f"reason_{name}", as_text(name)) for name in names],
            "marker": {"color": "$accent"}, "hovertemplate": "%{y}: %{x}<extra></extra>",
        }
    ]  # fmt: skip
    layout = _layout(
        words,
        xaxis={"title": {"text": words["faces"]}, **_whole(max(summary.reasons.values())), **_grid()},
        yaxis={"type": "category", "autorange": "reversed", "automargin": True, "fixedrange": True, "ticklabelstandoff": 6},
        height=100 + 34 * len(names), showlegend=False, bargap=0.5,
    )  # fmt: skip
    return {"data": data, "layout": layout}


def plane(paths: Mapping[str, tuple[Numbers, Sequence[str]]], words: Words, scale: Scale, *, joined: bool) -> Figure:
    """Valence across, arousal up. paths: name -> float64 (m, 2) valence and arousal on -1..1, and the emotion of each point.

    joined: the points follow each other in time: a line joins them, with its start and end marked.
    """
    data: list[Figure] = []
    for name, (unscaled, emotions) in ((as_text(name), path) for name, path in paths.items()):
        affect = scale.shown(unscaled)
        points: Figure = {
            "type": "scatter", "name": name, "x": _rounded(affect[:, 0]), "y": _rounded(affect[:, 1]),
            "mode": "lines+markers" if joined else "markers", "line": {"color": "$muted", "width": 1},
            "marker": {
                "color": [f"${emotion}" for emotion in emotions], "size": 6 if joined else 8, "line": {"color": "$text", "width": 0.4},
            },
            "text": [_own(emotion, words) for emotion in emotions],
            "hovertemplate": f"%{{text}}<br>{words['valence']} %{{x}}<br>{words['arousal']} %{{y}}<extra>%{{fullData.name}}</extra>",
        }  # fmt: skip
        data.append(points)
        there = np.flatnonzero(np.isfinite(affect).all(axis=1))
        if joined and len(there):
            ends, which = ["start", "end"] if len(there) > 1 else ["start"], [there[0], there[-1]][: min(len(there), 2)]
            data.append(
                {
                    "type": "scatter", "name": name, "mode": "markers+text", "hoverinfo": "skip",
                    "x": _rounded(affect[which, 0]), "y": _rounded(affect[which, 1]),
                    "text": [words[end] if len(paths) == 1 else name if end == ends[-1] else "" for end in ends],
                    "textposition": ["middle left" if x > 0.4 else "middle right" for x in unscaled[which, 0].tolist()],
                    "textfont": {"color": "$text", "size": 12},
                    "marker": {"size": 13, "symbol": ["circle-open", "square-open"][: len(ends)], "color": "$text", "line": {"width": 2}},
                }
            )  # fmt: skip
    corners = [(0.98, 0.98, "right", "top", "quadrant_1"), (-0.98, 0.98, "left", "top", "quadrant_2"),
               (-0.98, -0.98, "left", "bottom", "quadrant_3"), (0.98, -0.98, "right", "bottom", "quadrant_4")]  # fmt: skip
    notes = [
        {
            "x": scale.shown(x),
            "y": scale.shown(y),
            "xanchor": xa,
            "yanchor": ya,
            "text": words[key],
            "showarrow": False,
            "font": {"color": "$muted", "size": 12},
        }
        for x, y, xa, ya, key in corners
    ]
    axis = {"range": [scale.low, scale.high], "dtick": scale.step, "constrain": "domain", "hoverformat": scale.form, **_grid()}
    layout = _layout(
        words,
        xaxis={"title": {"text": f"{words['valence']}, {scale.span}"}, **axis},
        yaxis={"title": {"text": f"{words['arousal']}, {scale.span}"}, "scaleanchor": "x", **axis},
        shapes=[_level("x", scale.middle), _level("y", scale.middle)], annotations=notes, showlegend=False, height=460, hovermode="closest",
    )  # fmt: skip
    return {"data": data, "layout": layout}


def strip(people: Mapping[str, Sequence[Run]], words: Words, *, span: tuple[float, float]) -> Figure:
    """One line a person: what the face showed when. people: name -> runs. span: seconds of the whole recording, from and to."""
    people = {as_text(name): runs for name, runs in people.items()}
    every = [run for own in people.values() for run in own]
    first, last = span
    states = [name for name in (*EMOTIONS, "") if any(run.state == name for run in every)]
    scale, axis = _clock_axis(first, last, words)
    data = []
    for state in states:
        own = [(name, run) for name, runs in people.items() for run in runs if run.state == state]
        caption = words.get(state, state) if state else words["unsure"]
        data.append(
            {
                "type": "bar", "orientation": "h", "name": caption, "y": [name for name, _ in own],
                "base": [round(run.start * scale, 4) for _, run in own], "x": [round((run.end - run.start) * scale, 4) for _, run in own],
                "text": [caption if state and run.end - run.start >= SHOWN_SHARE * (last - first) else "" for _, run in own],
                "textposition": "inside", "insidetextanchor": "middle", "textangle": 0, "constraintext": "inside",
                "insidetextfont": {"color": f"$on_{state}"},
                "customdata": [[clock(run.start, words), clock(run.end, words)] for _, run in own],
                "hovertemplate": "%{y}: " + caption + "<br>%{customdata[0]} – %{customdata[1]}<extra></extra>",
                "marker": {"color": f"${state}", "line": {"width": 0}} if state else _hatched("$grid") | {"line": {"width": 0}},
            }
        )  # fmt: skip
    names = list(people)
    layout = _layout(
        words, xaxis={**axis, "range": [first * scale, last * scale], **_grid()}, barmode="overlay", bargap=0.3,
        height=130 + 38 * len(names),
        yaxis={"type": "category", "categoryorder": "array", "categoryarray": names[::-1], "automargin": True, "fixedrange": True,
               "ticklabelstandoff": 6},
        hovermode="closest",
    )  # fmt: skip
    return {"data": data, "layout": layout}


def clock(seconds: float, words: Words) -> str:
    """`3.20 s`, `12:05.5`, `1:00:07`, with the decimal sign of the page."""
    if seconds < 60:
        return f"{seconds:.2f} {words['s']}".replace(".", words["decimal"])
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{int(rest):02d}" if hours else f"{minutes}:{rest:04.1f}".replace(".", words["decimal"])


def as_text(name: str) -> str:
    """A name as plotly shows it letter by letter: it takes all words for HTML, of which it knows some tags."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _own(emotion: str, words: Words) -> str:
    """What an emotion is called on the page; one that mien does not know, as the table has it."""
    return words.get(emotion, as_text(emotion))


def _line(found: Series, column: str, caption: str, *, color: str, dash: str) -> list[Figure]:
    """A line with its gaps; where it has points with a gap on both sides, these as dots of their own."""
    scale = _stretch(float(found.times[0]), float(found.times[-1]))
    values = found.values[column]
    line = {
        "type": "scatter", "mode": "lines", "name": caption, "legendgroup": column,
        "x": _rounded(found.times * scale), "y": _rounded(values),
        "connectgaps": False, "line": {"color": color, "width": 2, "dash": dash}, "hovertemplate": "%{y}",
    }  # fmt: skip
    lone = found.lone(column)
    if not len(lone):
        return [line]
    dots = {
        "type": "scatter", "mode": "markers", "name": caption, "legendgroup": column, "showlegend": False, "hoverinfo": "skip",
        "x": _rounded(found.times[lone] * scale), "y": _rounded(values[lone]), "marker": {"color": color, "size": 4},
    }  # fmt: skip
    return [line, dots]


def _clock_axis(first: float, last: float, words: Words) -> tuple[float, Figure]:
    """What seconds are multiplied by, and the axis: seconds as they are, or from two minutes on milliseconds of a date."""
    scale = _stretch(first, last)
    if scale == 1:
        return scale, {"title": {"text": f"{words['time']}, {words['s']}"}}
    form = "%H:%M:%S"
    return scale, {"title": {"text": words["time"]}, "type": "date", "tickformat": form, "hoverformat": f"{form}{words['decimal']}%L"}


def _stretch(first: float, last: float) -> float:
    return 1.0 if last - first <= LONG else 1000.0


def _time_axis(times: Numbers, words: Words) -> Figure:
    scale, axis = _clock_axis(float(times[0]), float(times[-1]), words)
    return {**axis, "range": [float(times[0]) * scale, float(times[-1]) * scale], **_grid()}


def _rounded(values: Numbers) -> list[float | None]:
    return [value if value == value else None for value in np.round(values, 4).tolist()]


def _level(axis: str, value: float) -> Figure:
    """A line across the whole chart, at a value of an axis."""
    other = "y" if axis == "x" else "x"
    across = {f"{other}ref": f"{other} domain", f"{other}0": 0, f"{other}1": 1}
    return {"type": "line", "layer": "below", f"{axis}0": value, f"{axis}1": value, **across, "line": {"color": "$muted", "width": 1}}


def _room(span: tuple[float, float]) -> Figure:
    """Of an axis of probabilities."""
    return {"range": [span[0] - 0.02, span[1] + 0.02], "hoverformat": ".2f"}


def _hatched(colour: str) -> Figure:
    pattern = {"shape": "/", "fillmode": "overlay", "fgcolor": "$text", "fgopacity": 0.6, "size": 7, "solidity": 0.2}
    return {"color": colour, "line": {"color": "$text", "width": 0.5}, "pattern": pattern}


def _grid() -> Figure:
    return {"gridcolor": "$grid", "linecolor": "$grid", "zerolinecolor": "$grid"}


def _whole(most: int) -> Figure:
    """Of an axis of counts up to so many: `12,000` rather than `12k`, and no mark between whole numbers."""
    return {"exponentformat": "none", "separatethousands": True, **({"dtick": 1} if most <= FEW else {})}


def _layout(words: Words, **more: Any) -> Figure:
    return {
        "separators": words["decimal"] + words["thousands"],
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "$text", "size": 13, "family": "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif"},
        "hoverlabel": {"bgcolor": "$surface", "bordercolor": "$grid", "font": {"color": "$text"}},
        "margin": {"l": 58, "r": 16, "t": 16, "b": 48}, "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        **more,
    }  # fmt: skip
