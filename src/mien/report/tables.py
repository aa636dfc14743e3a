"""What the page shows of episodes and of persons, as tables for statistics: the same numbers, by the same functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mien.labels import EMOTIONS
from mien.report.summary import Spread, people_of, ranking, weights_of
from mien.table import DELTA_COLUMNS
from mien.timeline import Timeline
from mien.timing import clocks, people, row_seconds
from mien.track.baseline import with_baseline
from mien.track.episodes import episodes

EPISODE_COLUMNS: dict[str, type] = {
    "source": str, "person": int, "emotion": str, "start_s": float, "end_s": float, "duration_s": float, "peak_s": float,
    "peak_p": float, "mean_p": float, "mean_valence": float, "mean_arousal": float,
}  # fmt: skip

MEANS = (*(f"p_{name}" for name in EMOTIONS), "valence", "arousal")
"""Columns of a run of which a person has means."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows worked out from a run; `mien.sinks.whole_table.write_table` writes them."""

    columns: dict[str, type]
    """Name -> str, int or float."""
    rows: list[dict[str, Any]]
    """Column -> value, None for an empty cell: times and lengths in seconds to the microsecond, all else to 6 decimals."""


def episode_table(timeline: Timeline, *, min_seconds: float = 0.3, gap_seconds: float = 0.3) -> Table:
    """A row an episode, by source, beginning and person, with EPISODE_COLUMNS; arguments and errors as of `mien.track.episodes.episodes`.

    start_s is the `time_s` of the first row that shows it, end_s when the last one's frame ended. Means are over the frames that show it.

    >>> from mien.testing import planted_timeline
    >>> table = episode_table(planted_timeline([[(0, "neutral"), (1, "happy")]], seconds=2))
    >>> [(row["emotion"], row["start_s"], row["end_s"]) for row in table.rows]
    [('neutral', 0.0, 1.0), ('happy', 1.0, 2.0)]
    """
    found = episodes(timeline, min_seconds=min_seconds, gap_seconds=gap_seconds)
    cells = (
        (
            one.source, one.person, one.emotion, one.start, one.end, one.end - one.start, one.peak_time,
            one.peak_p, one.mean_p, one.mean_valence, one.mean_arousal,
        )
        for one in found
    )  # fmt: skip
    return Table(dict(EPISODE_COLUMNS), [dict(zip(EPISODE_COLUMNS, map(_cell, values), strict=True)) for values in cells])


def person_table(timeline: Timeline, *, baseline: tuple[float, float] | None = None) -> Table:
    """A row a person of a source, by source and number: how long in sight, and what was shown then.

    baseline: seconds from and to in which people are neutral, for the columns mean_delta_*; a timeline with delta columns has them without.
    Raises UsageError for a span that is none.

    | columns | |
    |---|---|
    | source, person | |
    | frames, first_s, last_s, seconds | frames with this face, the time of the first and the last, and how long they lasted together |
    | unsure_share | of these frames, 0..1 |
    | emotion | the one shown longest |
    | mean_valence, mean_arousal, mean_p_* | means over time |
    | share_* | part of the time for which an emotion is the one that leads, 0..1; they sum to 1 |
    | mean_delta_* | mean over time of the differences from the person's own baseline, those in its span too |

    All from `emotion` on is of sure faces, and empty where a person has none. Over time: a face is as heavy as its frame lasted.
    """
    timeline = timeline if baseline is None else with_baseline(timeline, baseline)
    known = clocks(timeline)
    seconds = row_seconds(timeline, known)
    names = [*EMOTIONS, *sorted(set(timeline["emotion"][timeline.has_face].tolist()) - {*EMOTIONS, ""})]
    averaged = [*MEANS, *(name for name in DELTA_COLUMNS if name in timeline)]
    rows_of = (rows for clock in known for rows in people(timeline, clock).values())
    rows = []
    for person, own in zip(people_of(timeline, known), rows_of, strict=True):
        part = timeline.where(own)
        weights, _ = weights_of(part, seconds[own])
        sure = ~part["unsure"]
        shares = dict.fromkeys(names, 0.0) | ranking(part, weights) if sure.any() else {}
        values = {
            "source": person.source, "person": person.person, "frames": person.faces,
            "first_s": person.first, "last_s": person.last, "seconds": person.seconds, "unsure_share": person.unsure_share,
            "emotion": person.top if shares else "",
            **{f"mean_{name}": Spread.of(part[name][sure], weights[sure]).mean for name in averaged},
            **{f"share_{name}": shares.get(name) for name in names},
        }  # fmt: skip
        rows.append({name: _cell(value) for name, value in values.items()})
    columns: dict[str, type] = {
        "source": str, "person": int, "frames": int, "first_s": float, "last_s": float, "seconds": float, "unsure_share": float,
        "emotion": str, "mean_valence": float, "mean_arousal": float,
        **{f"mean_p_{name}": float for name in EMOTIONS}, **{f"share_{name}": float for name in names},
        **{f"mean_{name}": float for name in averaged if name in DELTA_COLUMNS},
    }  # fmt: skip
    return Table(columns, rows)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6) + 0.0 if math.isfinite(value) else None  # + 0.0: no -0.0
    return None if value == "" else value
