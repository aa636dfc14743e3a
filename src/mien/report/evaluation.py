"""The page of an evaluation: one HTML file with its figures, charts and pictures, that opens with the network off and runs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mien.data.labelled import AFFECT_FROM, Labelled
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
    "kappa": "Cohen's kappa: beyond chance",
    "top2": "Right among the top two",
    "second_given_wrong": "Second is right when the first is wrong",
    "ece": "Expected calibration error",
}
COEFFICIENTS = {"ccc": "CCC", "r": "Pearson's r", "rmse": "RMSE", "mae": "MAE"}
EVERY = TITLES | {f"{axis}_{key}": f"{title} of {axis}" for axis in AXES for key, title in COEFFICIENTS.items()}
NO_SHARES = ("kappa", *(name for name in EVERY if name not in TITLES))
"""Figures that are no share of anything, and are not told in percent."""
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
    if found.judged is not None:
        parts.append(("By emotion", _classes(found)))
        parts.append(("Confusion matrix", _confusion(found)))
        parts.append(("Confidence", _confidence([found] if against is None or against.judged is None else [found, against])))
    if "slices" in found.figures:
        parts.append(("Parts of the data", _slices(found)))
    both = [one for one in (found, against) if one is not None]
    if any("robustness" in one.figures for one in both):
        parts.append(("Robustness", _robustness(both)))
    if any(axis in found.figures for axis in AXES):
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


def _figure(name: str, value: float) -> str:
    return number(value, 3) if name in NO_SHARES else percent(value)


def _gap(name: str, value: float) -> str:
    """A difference: `+1.5` points, or `+0.015` of what is no share."""
    return NONE if value != value else f"{value:+.3f}" if name in NO_SHARES else f"{100 * value:+.1f}"


def _between(interval: Any, name: str = "") -> str:
    """`64.1 to 67.9 %`, or `0.641 to 0.679` of what is no share."""
    low, high = interval
    return NONE if low != low else f"{low:.3f} to {high:.3f}" if name in NO_SHARES else f"{100 * low:.1f} to {percent(high)}"


def _glance(found: Evaluation) -> str:
    figures, intervals = found.figures, found.figures["intervals"]
    rows = [
        (_figure(name, figures[name]), title, _between(intervals[name], name) if name in intervals else "")
        for name, title in TITLES.items()
    ]
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
    for name in EVERY:
        if name not in comparison["difference"]:
            continue
        gap = _gap(name, comparison["difference"][name])
        interval = comparison["difference_intervals"].get(name)
        between = " to ".join(_gap(name, end) for end in interval) if interval else NONE
        both = (_figure(name, comparison[one][name]) for one in ("first", "second"))
        n = comparison["rated"].get(name.partition("_")[0], comparison["n"])
        rows.append([EVERY[name], *both, gap, between, f"{n:,}"])
    head = ["figure", text(found.model), text(against.model), "difference, of shares in points", f"{LEVEL} interval", "pictures"]
    own = table("Figures of both", head, rows) + _without_labels(comparison, against)
    return own + _by_right(found, against, comparison) if "both_right" in comparison else own


def _without_labels(comparison: Mapping[str, Any], against: Evaluation) -> str:
    """Why labels are not compared, and what of the page is so of the first model alone."""
    names = comparison.get("without_labels", [])
    if not names:
        return ""
    gives = f"{text(' and '.join(names))} {'gives' if len(names) == 1 else 'give'} none"
    shown = f"; figures of {text(against.model)} by label are in the JSON" if against.judged is not None else ""
    return f'<p class="note">Labels were not compared: {gives}{shown}.</p>'


def _by_right(found: Evaluation, against: Evaluation, comparison: Mapping[str, Any]) -> str:
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
    return cross + test


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


def _confidence(models: Sequence[Evaluation]) -> str:
    """Of the first model how exact its confidence is, and of each, one or two, what leaving pictures unanswered gains."""
    found = models[0]
    curves = [(one.model, one.figures["coverage"]) for one in models]
    key = "".join(
        f'<span><i style="--c: var(--{colour})"></i>{text(name)}</span>'
        for (name, _), colour in zip(curves, ("accent", "other"), strict=False)
    )
    shares = list(found.figures["coverage"])
    rows = [[text(name), *(percent(curve[share]) for share in shares)] for name, curve in curves]
    key = f"<span class=key>{key}</span><br>" if len(models) > 1 else ""
    ece, chance = (percent(found.figures[name]) for name in ("ece", "ece_by_chance"))
    return (
        f'<div class="columns"><figure>{reliability_chart(found.figures["reliability"])}<figcaption>{text(found.model)}: how often it is '
        f"right by how confident it is; larger dots hold more pictures. The expected calibration error is {ece}; "
        f"were every confidence exact, it would be {chance} on so many pictures.</figcaption></figure>"
        f"<figure>{coverage_chart(curves)}<figcaption>{key}Accuracy when the least "
        "confident pictures are left unanswered.</figcaption></figure></div>"
        + table("Accuracy by part answered", ["", *(f"{100 * float(share):.0f}\u00a0%" for share in shares)], rows)
    )


def _robustness(models: Sequence[Evaluation]) -> str:
    """Of those that give labels, one at least."""
    judged = [(one.model, one.figures["robustness"]) for one in models if "robustness" in one.figures]
    without = [text(one.model) for one in models if "robustness" not in one.figures]
    note = f'<p class="note">Of {text(judged[0][0])} alone: {without[0]} gives no labels.</p>' if without else ""
    return note + robustness_html(judged, faces=models[0].faces)


def _slices(found: Evaluation) -> str:
    parts = []
    for name, every in found.figures["slices"].items():
        shown = every[:MOST_PARTS]
        own = _accuracy_by(name, shown) if found.judged is not None else ""
        own += "".join(_ratings_by(name, axis, rated) for axis in AXES if (rated := [one for one in shown if axis in one]))
        own += f'<p class="note">The first {MOST_PARTS} of {len(every):,}.</p>' if len(every) > MOST_PARTS else ""
        folded = f"<details><summary>{len(every):,} parts</summary>{own}</details>" if len(every) > FOLDED else own
        parts.append(f"<h3>By {text(name)}</h3>{folded}")
    note = (
        '<p class="note">An interval by subject is a bootstrap of people; one by picture is Wilson\'s, of a CCC a bootstrap of pictures, '
        "which take pictures as independent and are too narrow where a person has several. Many parts are looked at: some will stand out "
        "by chance.</p>"
    )
    return note + "".join(parts)


def _accuracy_by(name: str, parts: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            text(one["value"]), f"{one['n']:,}", percent(one["accuracy"]), _between(one["interval"]),
            interval_bar(one["interval"][0], one["accuracy"], one["interval"][1]), percent(one["macro_f1"]), one["interval_by"],
        ]
        for one in parts
    ]  # fmt: skip
    head = [text(name), "pictures", "accuracy", f"{LEVEL} interval", "", "macro-F1", "interval by"]
    return table(f"By {text(name)}", head, rows)


def _ratings_by(name: str, axis: str, parts: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for part in parts:
        one = part[axis]
        low, high = one["interval"]
        between = NONE if low != low else f"{low:.3f} to {high:.3f}"
        figures = [number(one[key], 3) for key in COEFFICIENTS]
        rows.append([text(part["value"]), f"{one['n']:,}", *figures, between, one["interval_by"]])
    titles = [EVERY[f"{axis}_{key}"] for key in COEFFICIENTS]  # the caption of a section's first table is not shown
    head = [text(name), "pictures", *titles, f"{LEVEL} interval of the CCC", "interval by"]
    return table(f"{axis} by {text(name)}", head, rows)


def _affect(found: Evaluation) -> str:
    assert found.affect is not None
    guess, true = found.affect
    intervals, rows = found.figures["intervals"], []
    there = [axis for axis in AXES if axis in found.figures]
    for axis in there:
        one = found.figures[axis]
        cells = []
        for name in COEFFICIENTS:
            low, high = intervals.get(f"{axis}_{name}", (float("nan"),) * 2)
            cells.append(number(one[name], 3) + (f" <small>({low:.3f} to {high:.3f})</small>" if low == low else ""))
        rows.append([axis, *cells, f"{one['n']:,}"])
    charts = "".join(f"<figure>{affect_chart(axis, guess[:, k], true[:, k])}</figure>" for k, axis in enumerate(AXES) if axis in there)
    head = ["", *COEFFICIENTS.values(), "pictures"]
    how = _how(found) if found.judged is None else ""
    return table("Valence and arousal", head, rows) + _origin(found) + f'<div class="columns">{charts}</div>{how}'


def _origin(found: Evaluation) -> str:
    origins = found.figures.get(AFFECT_FROM, {})
    told = ", ".join(f"{text(name)} ({count:,} {form_of(count, 'picture|pictures')})" for name, count in origins.items())
    return f'<p class="note">The true values come from: {told}.</p>' if told else ""
