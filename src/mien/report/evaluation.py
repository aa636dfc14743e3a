"""The page of an evaluation: one HTML file with its figures, charts and pictures, that opens with the network off and runs no script."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mien.data.labelled import Labelled
from mien.evaluate.run import AXES, Evaluation
from mien.report.evaluation_charts import affect_chart, confusion_table, coverage_chart, interval_bar, reliability_chart
from mien.report.evaluation_mosaic import mosaic_html, mosaics
from mien.report.evaluation_robustness import robustness_html
from mien.report.sections import NONE, number, percent, table, text, tiles
from mien.report.shell import document
from mien.report.words import form_of, words
from mien.sinks.files import replace

MOST_PARTS = 200
"""Rows of a table of parts; all are in the JSON."""
FOLDED = 30
"""Rows from which on such a table is folded up."""
TITLES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro-F1",
    "top2": "Right among the top two",
    "second_given_wrong": "Second is right when the first is wrong",
    "ece": "Expected calibration error",
}
LEVEL = "95\u00a0%"


def write_evaluation(
    found: Evaluation, data: Labelled, path: str | Path, *, against: Evaluation | None = None, comparison: Mapping[str, Any] | None = None
) -> None:
    """Write the page of an evaluation, under a temporary name until it is whole.

    data: what was judged; some of its pictures are shown, small. against, comparison: of a second model on the same pictures
    (evaluate.run.evaluate_both). Raises SinkError.
    """
    replace(Path(path), as_page(found, data, against=against, comparison=comparison).encode("utf-8", "replace"))


def as_page(
    found: Evaluation,
    data: Labelled,
    *,
    against: Evaluation | None = None,
    comparison: Mapping[str, Any] | None = None,
    made: datetime | None = None,
) -> str:
    """The page of `write_evaluation` as text. made: its date; now, if None."""
    parts: list[tuple[str, str]] = []
    if found.judged is not None:
        parts.append(("At a glance", _glance(found)))
        if against is not None and comparison is not None:
            parts.append((f"{found.model} and {against.model} on the same pictures", _versus(found, against, comparison)))
        parts.append(("By emotion", _classes(found)))
        parts.append(("Confusion matrix", _confusion(found)))
        parts.append(("Confidence", _confidence(found, against)))
        if "slices" in found.figures:
            parts.append(("Parts of the data", _slices(found)))
        if "robustness" in found.figures:
            both = [one for one in (found, against) if one is not None and "robustness" in one.figures]
            parts.append(("Robustness", robustness_html([(one.model, one.figures["robustness"]) for one in both], faces=found.faces)))
    if found.affect is not None:
        parts.append(("Valence and arousal", _affect(found)))
    if found.judged is not None:
        parts.append(("Pictures", "".join(mosaic_html(mosaic, found, data) for mosaic in mosaics(found.judged))))
    if found.left_out:
        rows = [[text(reason), f"{count:,}"] for reason, count in found.left_out.items()]
        parts.append(("Left out", table("Pictures that were not judged", ["why", "pictures"], rows)))
    title = f"{found.model} on {found.data}"
    meta = (
        f"{found.figures['n']:,} pictures · labels {found.labels} · output {found.head} · "
        f"{'faces looked for' if found.faces == 'detect' else 'each picture one face'}"
    )
    limits = f'<p class="limits">{words("en")["limits"]}</p>'
    return document(title, meta, parts, notes=limits, made=made)


def _share(value: float) -> str:
    return number(value, 3) if value < 0 else percent(value)


def _between(interval: Any) -> str:
    """`64.1 to 67.9 %`."""
    low, high = interval
    return NONE if low != low else f"{100 * low:.1f} to {percent(high)}"


def _glance(found: Evaluation) -> str:
    figures, intervals = found.figures, found.figures["intervals"]
    rows = [(percent(figures[name]), title, _between(intervals[name]) if name in intervals else "") for name, title in TITLES.items()]
    if "one_rater" in figures:
        rows.append((percent(figures["one_rater"]), "One rater alone", "the share of the raters who chose the label"))
    faceless = f"{figures['unanswered']:,} without a face, counted as wrong" if figures["unanswered"] else ""
    rows.append((f"{figures['n']:,}", form_of(figures["n"], "picture|pictures"), faceless))
    return tiles(rows) + _how(found)


def _how(found: Evaluation) -> str:
    by = found.figures["intervals_by"]
    if not by["rounds"]:
        return ""
    beside = f", and {others:,} {form_of(others, 'picture|pictures')} of nobody known" if (others := by.get("others", 0)) else ""
    kinds = {
        "subject": f"of {by['units']:,} people, each with all their pictures{beside}",
        "picture": f"of {by['units']:,} pictures, taken as independent: the data name no people",
    }
    return f'<p class="note">Intervals: {LEVEL}, percentile bootstrap, {by["rounds"]:,} resamples {kinds[by["unit"]]}.</p>'


def _versus(found: Evaluation, against: Evaluation, comparison: Mapping[str, Any]) -> str:
    rows = []
    for name in TITLES:
        if name not in comparison["difference"]:
            continue
        gap = f"{100 * comparison['difference'][name]:+.1f}"
        interval = comparison["difference_intervals"].get(name)
        between = f"{100 * interval[0]:+.1f} to {100 * interval[1]:+.1f}" if interval else NONE
        rows.append([TITLES[name], percent(found.figures[name]), percent(against.figures[name]), gap, between])
    head = ["figure", text(found.model), text(against.model), "difference, points", f"{LEVEL} interval"]
    counts = [
        ["right", f"{comparison['both_right']:,}", f"{comparison['only_first_right']:,}"],
        ["wrong", f"{comparison['only_second_right']:,}", f"{comparison['both_wrong']:,}"],
    ]
    cross = table("Pictures by who is right", [f"{text(found.model)} ↓", f"{text(against.model)} right", "wrong"], counts)
    test = (
        f'<p class="note">McNemar\'s test, two-sided: exact p = {comparison["mcnemar_exact_p"]:.3g}, mid-p = '
        f"{comparison['mcnemar_mid_p']:.3g}. It takes pictures as independent of each other. "
        f"The two give the same answer to {percent(comparison['same_answer'] / max(comparison['n'], 1))} of the pictures.</p>"
    )
    return table("Figures of both", head, rows) + cross + test


def _classes(found: Evaluation) -> str:
    rows = [
        [
            f'<i class="swatch" style="--c: var(--{label})"></i>{text(label)}', percent(one["precision"]), percent(one["recall"]),
            percent(one["f1"]), interval_bar(one["recall"], one["f1"], one["precision"]), f"{one['support']:,}",
        ]
        for label, one in found.figures["per_class"].items()
    ]  # fmt: skip
    head = ["emotion", "precision", "recall", "F1", "recall · F1 · precision", "pictures"]
    return table("Figures by emotion", head, rows)


def _confusion(found: Evaluation) -> str:
    matrix = found.figures["confusion"]
    keep = [
        k for k, row in enumerate(matrix["counts"]) if sum(row) or matrix["no_answer"][k] or any(other[k] for other in matrix["counts"])
    ]
    labels = [matrix["labels"][k] for k in keep]
    counts = [[matrix["counts"][i][j] for j in keep] for i in keep]
    note = '<p class="note">Counts, and shares of the row.</p>'
    return note + confusion_table(labels, counts, [matrix["no_answer"][k] for k in keep])


def _confidence(found: Evaluation, against: Evaluation | None) -> str:
    curves = [(found.model, found.figures["coverage"])] + ([] if against is None else [(against.model, against.figures["coverage"])])
    key = "".join(
        f'<span><i style="--c: var(--{colour})"></i>{text(name)}</span>'
        for (name, _), colour in zip(curves, ("accent", "other"), strict=False)
    )
    shares = list(found.figures["coverage"])
    rows = [[text(name), *(percent(curve[share]) for share in shares)] for name, curve in curves]
    ece, chance = (percent(found.figures[name]) for name in ("ece", "ece_by_chance"))
    return (
        f'<div class="columns"><figure>{reliability_chart(found.figures["reliability"])}<figcaption>{text(found.model)}: how often it is '
        f"right by how confident it is; larger dots hold more pictures. The expected calibration error is {ece}; "
        f"were every confidence exact, it would be {chance} on so many pictures.</figcaption></figure>"
        f"<figure>{coverage_chart(curves)}<figcaption>{f'<span class=key>{key}</span><br>' if against else ''}Accuracy when the least "
        "confident pictures are left unanswered.</figcaption></figure></div>"
        + table("Accuracy by part answered", ["", *(f"{100 * float(share):.0f}\u00a0%" for share in shares)], rows)
    )


def _slices(found: Evaluation) -> str:
    parts = []
    for name, every in found.figures["slices"].items():
        rows = [
            [
                text(one["value"]), f"{one['n']:,}", percent(one["accuracy"]), _between(one["interval"]),
                interval_bar(one["interval"][0], one["accuracy"], one["interval"][1]), percent(one["macro_f1"]), one["interval_by"],
            ]
            for one in every[:MOST_PARTS]
        ]  # fmt: skip
        more = f'<p class="note">The first {MOST_PARTS} of {len(every):,}.</p>' if len(every) > MOST_PARTS else ""
        head = [text(name), "pictures", "accuracy", f"{LEVEL} interval", "", "macro-F1", "interval by"]
        own = table(f"By {text(name)}", head, rows) + more
        folded = f"<details><summary>{len(every):,} parts</summary>{own}</details>" if len(every) > FOLDED else own
        parts.append(f"<h3>By {text(name)}</h3>{folded}")
    note = (
        '<p class="note">An interval by subject is a bootstrap of people; one by picture is Wilson\'s, which takes pictures as independent '
        "and is too narrow where a person has several. Many parts are looked at: some will stand out by chance.</p>"
    )
    return note + "".join(parts)


def _affect(found: Evaluation) -> str:
    assert found.affect is not None
    guess, true = found.affect
    intervals, rows = found.figures["intervals"], []
    for axis in AXES:
        one = found.figures[axis]
        cells = []
        for name in ("ccc", "rmse", "mae"):
            low, high = intervals.get(f"{axis}_{name}", (float("nan"),) * 2)
            cells.append(number(one[name], 3) + (f" <small>({low:.3f} to {high:.3f})</small>" if low == low else ""))
        rows.append([axis, *cells, f"{one['n']:,}"])
    charts = "".join(f"<figure>{affect_chart(axis, guess[:, k], true[:, k])}</figure>" for k, axis in enumerate(AXES))
    head = ["", "CCC", "RMSE", "MAE", "pictures"]
    how = _how(found) if found.judged is None else ""
    return table("Valence and arousal", head, rows) + f'<div class="columns">{charts}</div>{how}'
