"""The table: the only place where its column names exist. The same in CSV, JSON Lines, Parquet and the API."""

from __future__ import annotations

import html as escape
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mien.labels import EMOTIONS

if TYPE_CHECKING:
    from mien.types import Emotions, Result

POINTS = ("eye_r", "eye_l", "nose", "mouth_r", "mouth_l")

COLUMNS: dict[str, type] = {
    "source": str, "frame": int, "time_s": float, "face": int, "person": int,
    "x1": float, "y1": float, "x2": float, "y2": float, "score": float,
    **{f"{point}_{axis}": float for point in POINTS for axis in "xy"},
    "emotion": str, "emotion_p": float, "second": str, "second_p": float,
    **{f"p_{name}": float for name in EMOTIONS},
    "valence": float, "arousal": float, "affect_from": str, "unsure": bool, "reasons": str, "model": str,
}  # fmt: skip
"""Name -> type. Every cell may be empty (None); `face` is empty in the one row of a picture without a face."""

RAW_COLUMNS: dict[str, type] = {f"raw_{name}": float for name in (*(f"p_{name}" for name in EMOTIONS), "valence", "arousal")}
"""What each frame alone gave; in the table of a video that is smoothed over time."""

DELTA_COLUMNS: dict[str, type] = {f"delta_{name}": float for name in (*(f"p_{name}" for name in EMOTIONS), "valence", "arousal")}
"""Smoothed values minus the person's own baseline; in the table where a baseline is asked for."""

REASON_SEPARATOR = ";"


def columns(*, raw: bool = False, delta: bool = False) -> dict[str, type]:
    """The columns of a table: COLUMNS, with those of raw values and of differences from a baseline where there are such."""
    return COLUMNS | (RAW_COLUMNS if raw else {}) | (DELTA_COLUMNS if delta else {})


def _number(value: float, digits: int) -> float | None:
    value = float(value)
    return round(value, digits) + 0.0 if math.isfinite(value) else None  # + 0.0: some databases have no -0.0


def rows(result: Result) -> list[dict[str, Any]]:
    """One dict a face with the keys of COLUMNS in order, or a single one with an empty `face` where there is none.

    RAW_COLUMNS follow where the result has raw values, DELTA_COLUMNS where it has differences from a baseline. Pixels are
    rounded to 2 decimals, probabilities, valence and arousal to 6, times to the microsecond.
    """
    base: dict[str, Any] = dict.fromkeys(COLUMNS)
    base |= {"source": result.source, "frame": result.index, "time_s": _number(result.time, 6), "model": result.model}
    faces, emotions = result.faces, result.emotions
    base |= dict.fromkeys(RAW_COLUMNS) if result.raw is not None else {}
    base |= dict.fromkeys(DELTA_COLUMNS) if result.delta is not None else {}
    if not len(faces):
        return [base]
    out = []
    for i in range(len(faces)):
        row = base | {"face": i, "person": None if faces.ids is None else int(faces.ids[i])}
        row |= {name: _number(value, 2) for name, value in zip(("x1", "y1", "x2", "y2"), faces.boxes[i], strict=True)}
        row["score"] = _number(faces.scores[i], 6)
        for point, (x, y) in zip(POINTS, faces.points[i], strict=True):
            row |= {f"{point}_x": _number(x, 2), f"{point}_y": _number(y, 2)}
        ranked = emotions.ranked(i)
        row |= {"emotion": ranked[0][0], "emotion_p": _number(ranked[0][1], 6)}
        if len(ranked) > 1:
            row |= {"second": ranked[1][0], "second_p": _number(ranked[1][1], 6)}
        row |= {f"p_{name}": _number(p, 6) for name, p in ranked if f"p_{name}" in COLUMNS}
        if emotions.affect is not None:
            valence, arousal = (_number(x, 6) for x in emotions.affect[i])
            row |= {"valence": valence, "arousal": arousal, "affect_from": emotions.affect_from}
        row |= {"unsure": bool(emotions.unsure[i]), "reasons": REASON_SEPARATOR.join(emotions.reasons[i])}
        if result.raw is not None:
            row |= {f"raw_{name}": value for name, value in _values(result.raw, i).items() if f"raw_{name}" in RAW_COLUMNS}
        if result.delta is not None:
            names = [*(f"p_{name}" for name in emotions.labels), "valence", "arousal"]
            row |= {
                f"delta_{name}": _number(x, 6) for name, x in zip(names, result.delta[i], strict=True) if f"delta_{name}" in DELTA_COLUMNS
            }
        out.append(row)
    return out


def _values(emotions: Emotions, face: int) -> dict[str, float | None]:
    """Probabilities, valence and arousal of one face by the name of their column."""
    values = {f"p_{name}": _number(p, 6) for name, p in zip(emotions.labels, emotions.probs[face], strict=True)}
    if emotions.affect is not None:
        values |= {name: _number(x, 6) for name, x in zip(("valence", "arousal"), emotions.affect[face], strict=True)}
    return values


SHOWN = ("source", "time_s", "person", "face", "emotion", "emotion_p", "second", "second_p", "valence", "arousal", "unsure", "reasons")
"""Columns that fit on a page or a terminal."""
OF_STREAMS = ("time_s", "person")
"""Those of them that say something about the frames of a video, camera or stream only."""
MOST_ROWS = 200
"""Rows of a table in a notebook."""


def shown(row: dict[str, Any], column: str) -> str:
    """A cell for human eyes."""
    value = row[column]
    if value is None:
        return "no face found" if column == "emotion" and row["face"] is None else ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if column == "time_s":
        return clock(value)
    if isinstance(value, float):
        return f"{round(value, 2) + 0.0:+.2f}" if column in ("valence", "arousal") else f"{value:.0%}"
    return str(value)


def shown_columns(rows: Sequence[dict[str, Any]], names: Sequence[str] = SHOWN) -> list[str]:
    """Those of the columns that human eyes want: time and person only where the rows have them."""
    return [name for name in names if name not in OF_STREAMS or any(row[name] is not None for row in rows)]


def heading(column: str) -> str:
    """What stands above a column for human eyes: `time` above minutes and seconds."""
    return "time" if column == "time_s" else column


def clock(seconds: float, digits: int = 2) -> str:
    """Minutes and seconds with so many decimals, at least one.

    >>> clock(65.2), clock(3600, 1)
    ('1:05.20', '1:00:00.0')
    """
    minutes, rest = divmod(round(seconds, digits), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:0{digits + 3}.{digits}f}" if hours else f"{minutes}:{rest:0{digits + 3}.{digits}f}"


def html(*results: Result) -> str:
    """The table as HTML, for notebooks."""
    return rows_html([row for result in results for row in rows(result)])


def rows_html(rows: Sequence[dict[str, Any]], *, of: int = 0) -> str:
    """Rows as HTML, for notebooks. of: how many there are, where these are the first."""
    streams = {row["source"] for row in rows if row["person"] is not None or row["frame"]}
    seen = [row if row["source"] in streams else row | {"time_s": None} for row in rows]  # all pictures are at 0
    names = shown_columns(seen)
    head = "".join(f"<th>{heading(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape.escape(shown(row, name))}</td>" for name in names) + "</tr>" for row in seen)
    more = f"<p>… {of - len(rows)} more rows</p>" if of > len(rows) else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
