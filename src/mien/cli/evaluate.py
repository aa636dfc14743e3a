"""`mien evaluate`: how good a model is, by the user's own road."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.exit_codes import SOME_FAILED
from mien.errors import DataError, UsageError
from mien.labels import LABEL_SETS

if TYPE_CHECKING:
    from mien.data.labelled import Labelled
    from mien.evaluate.run import Evaluation
    from mien.types import Detector, Recogniser

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "kappa", "top2", "second_given_wrong", "ece")
AXES = ("valence", "arousal")
COEFFICIENTS = (("CCC", "ccc"), ("r", "r"))
"""Of valence and arousal."""
NAMED = 5
"""Unreadable pictures that are named on stderr."""


def evaluate(
    model: Annotated[str, typer.Argument(help="Name of a model, or path of an .onnx file with its card beside it.")],
    data: Annotated[
        Path, typer.Argument(help="Labelled or rated pictures in any layout that mien data import reads: a folder, .csv, .npz, .parquet.")
    ],
    labels: Annotated[str, typer.Option(metavar="SET", help=f"Label set: {', '.join(LABEL_SETS)}.")] = "mien9",
    faces: Annotated[str, typer.Option(help="detect: pictures are photos; crop: each picture is one ready-made face.")] = "detect",
    output: Annotated[
        list[Path] | None, typer.Option("-o", "--output", metavar="FILE", help="Write the page (.html) or the figures (.json); repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    against: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A second model on the same pictures: differences and McNemar's test.")
    ] = None,
    slice_by: Annotated[
        list[str] | None,
        typer.Option(
            "--slice",
            metavar="COLUMN",
            help="Figures for each part: a column of the manifest (subject, source, split ...), or size, brightness, face_size, skin, "
            "pose, yaw, pitch, roll, and agreement where raters voted; repeatable.",
        ),
    ] = None,
    bootstrap: Annotated[int, typer.Option(min=0, metavar="ROUNDS", help="Resamples for the intervals; 0 for none.")] = 1000,
    detector: Annotated[str, typer.Option(help="Face detector.")] = "yunet",
    head: Annotated[str, typer.Option(help="Output to judge: auto (what the card says for the label set), blend, or its name.")] = "auto",
    split: Annotated[
        str | None, typer.Option(help="Of data with splits: train, val, test, or FER-2013's Training, PublicTest, PrivateTest.")
    ] = None,
    duplicates: Annotated[
        Path | None, typer.Option(help="For FER-2013: npz of rows with a copy in another split; they are left out.")
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Judge only N of the pictures, each label having its share of them; the same on every run."),
    ] = None,
    robust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Also judge the pictures made worse: size, blur, jpeg, brightness, roll, yaw (simulated), or all; repeatable. "
            "All take some 40 times as long.",
        ),
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all cores.")] = 0,
) -> None:
    """Accuracy, macro-F1, calibration and more of a model on labelled or rated pictures."""
    from mien.cli.render import progress_counter, say
    from mien.data.labelled import read_labelled
    from mien.evaluate import run
    from mien.evaluate.changes import kinds_of
    from mien.evaluate.sample import sampled
    from mien.models.detectors.registry import detector as detector_by_name
    from mien.models.registry import recogniser as recogniser_by_name
    from mien.sinks.files import prepare

    outputs = list(output or [])
    for path in outputs:
        if path.suffix not in (".html", ".json"):
            raise UsageError(f"{path}: wanted a name that ends in .html for the page or .json for the figures")
        prepare(path)
    kinds = kinds_of(robust or [])
    labelled = read_labelled(data, labels, split=split, duplicates=duplicates)
    if sample is not None:
        labelled = sampled(labelled, sample)
    first = recogniser_by_name(model, threads=threads)
    second = recogniser_by_name(against, threads=threads) if against else None
    finder = detector_by_name(detector, threads=threads)
    settings: dict[str, Any] = {"labels": labels, "faces": faces, "head": head, "rounds": bootstrap, "slice_by": slice_by or []}
    other: Evaluation | None = None
    with progress_counter(len(labelled), "pictures") as progress:
        if second is not None:
            found, other, compared = run.evaluate_both(first, second, finder, labelled, progress=progress, **settings)
        else:
            found, compared = run.evaluate(first, finder, labelled, progress=progress, **settings), None
    if kinds:
        del settings["slice_by"]
        asked = [(found, first)] + ([] if other is None or second is None else [(other, second)])
        if all(one.judged is None for one, _ in asked):
            raise DataError(f"{labelled.name}: --robust is accuracy by level; wanted pictures with labels, and a model that gives some")
        found, *others = [one if one.judged is None else _with_robustness(one, by, finder, labelled, kinds, settings) for one, by in asked]
        other = others[0] if others else None
    said = found.to_json() | ({"against": other.to_json(), "comparison": compared} if other is not None else {})
    for failure in found.failures[:NAMED]:
        say(f"mien: {failure.error}")
    if len(found.failures) > NAMED:
        say(f"mien: and {len(found.failures) - NAMED:,} more pictures that cannot be read")
    if as_json:
        typer.echo(json.dumps(_finite(said)))
    else:
        for line in _lines(said):
            typer.echo(line)
    for path in outputs:
        _write(path, said, found, other, labelled)
        say(f"{found.figures['n']:,} pictures -> {path}")
    if found.failures:
        raise typer.Exit(SOME_FAILED)


def _with_robustness(
    found: Evaluation, model: Recogniser, detector: Detector, data: Labelled, kinds: tuple[str, ...], settings: dict[str, Any]
) -> Evaluation:
    """The evaluation with `robustness` among its figures."""
    from mien.cli.render import progress_counter
    from mien.evaluate.robustness import robustness, run_count

    with progress_counter(len(data), f"pictures, each at {run_count(kinds)} levels") as progress:
        judged = robustness(model, detector, data, kinds=kinds, progress=progress, **settings)
    return replace(found, figures=found.figures | {"robustness": judged.to_json() | {"model": found.model}})


def _write(path: Path, said: dict[str, Any], found: Evaluation, other: Evaluation | None, data: Labelled) -> None:
    from mien.report.evaluation import write_evaluation
    from mien.sinks import files

    if path.suffix == ".json":
        files.replace(path, (json.dumps(_finite(said), indent=1) + "\n").encode())
    else:
        write_evaluation(found, data, path, against=other, comparison=said.get("comparison"))


def _finite(value: Any) -> Any:
    """JSON has no NaN: null stands for it."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _lines(found: dict[str, Any]) -> list[str]:
    by, intervals = found["intervals_by"], found["intervals"]
    lines = [
        f"{found['model']} on {found['data']} ({found['labels']}, faces: {found['faces']}, output: {found['head']})",
        f"{'n':<19} {found['n']}" + (f", {found['unanswered']} without a face" if found["unanswered"] else ""),
    ]
    if by["rounds"]:
        units = f"{by['units']:,} {by['unit']}s" + (f" and {by['others']:,} pictures of nobody known" if "others" in by else "")
        lines.append(f"{'intervals':<19} 95 %, bootstrap, {by['rounds']:,} resamples of {units}")
    known = [name for name in FIGURES if not math.isnan(found.get(name, math.nan))]  # nothing is wrong: no second answer after a wrong one
    lines += [f"{name:<19} {found[name]:.4f}{_interval(intervals.get(name))}" for name in known]
    if "ece" in known:
        lines[-1] += f"; were every confidence exact: {found['ece_by_chance']:.4f}"
    if "one_rater" in found:
        lines.append(f"{'one rater':<19} {found['one_rater']:.4f}  (the share of the raters who chose the label)")
    for axis in AXES:
        if axis in found:
            lines.append(f"{axis:<19} {_axis(axis, found)}")
    if "affect_from" in found:
        lines.append(f"{'affect from':<19} {', '.join(f'{origin} {count:,}' for origin, count in found['affect_from'].items())}")
    if "confusion" in found:
        lines += _class_lines(found)
    for name, parts in found.get("slices", {}).items():
        lines.append(f"by {name}")
        lines += [line for part in parts for line in _part_lines(part)]
    both = [one for one in (found, found.get("against")) if one is not None]
    if any("robustness" in one for one in both):
        for one in both:
            none = f"robustness of {one['model']}: not judged, it gives no labels"
            lines += _robustness_lines(one["robustness"]) if "robustness" in one else [none]
    if "comparison" in found:
        lines += _comparison_lines(found)
    return [*lines, *(f"left out: {count} ({reason})" for reason, count in found["left_out"].items())]


def _axis(axis: str, found: Mapping[str, Any]) -> str:
    """The figures of valence or arousal, with how many pictures have it where others have not."""
    one, intervals = found[axis], found["intervals"]
    told = [f"{name} {one[key]:.4f}{_interval(intervals.get(f'{axis}_{key}'))}" for name, key in COEFFICIENTS if not math.isnan(one[key])]
    told += [f"RMSE {one['rmse']:.4f}", f"MAE {one['mae']:.4f}"]
    return ", ".join(told) + (f", n {one['n']}" if one["n"] != found["n"] else "")


def _class_lines(found: Mapping[str, Any]) -> list[str]:
    lines = [
        "coverage            " + ", ".join(f"{100 * float(share):.0f} % {value:.3f}" for share, value in found["coverage"].items()),
        f"  {'':<17} precision  recall      F1       n",
    ]
    for label, row in found["per_class"].items():
        precision = f"{row['precision']:.4f}" if row["precision"] == row["precision"] else "-"
        lines.append(f"  {label:<17} {precision:>9} {row['recall']:>7.4f} {row['f1']:>7.4f} {row['support']:>7}")
    return [*lines, "confusion (rows: true, columns: answers)", *_confusion_lines(found["confusion"])]


def _confusion_lines(confusion: Mapping[str, Any]) -> list[str]:
    """The counts; where no face was found on some pictures, these have a column of their own, so that each row has all of its label."""
    labels, matrix, none = confusion["labels"], confusion["counts"], confusion["no_answer"]
    names = [*labels, "no face"] if any(none) else labels
    rows = [[*row, faceless] for row, faceless in zip(matrix, none, strict=True)] if any(none) else matrix
    first = max(map(len, labels))
    wide = [2 + max(len(name), *(len(str(row[k])) for row in rows)) for k, name in enumerate(names)]
    lines = [f"  {name:<{first}}{_right(row, wide)}" for name, row in zip(labels, rows, strict=True)]
    return [" " * (2 + first) + _right(names, wide), *lines]


def _part_lines(part: Mapping[str, Any]) -> list[str]:
    told = [f"accuracy {part['accuracy']:.4f}{_interval(part['interval'])}  n {part['n']}"] if "accuracy" in part else []
    for axis, one in ((axis, part[axis]) for axis in AXES if axis in part):
        ccc = "-" if math.isnan(one["ccc"]) else f"{one['ccc']:.4f}{_interval(one['interval'])}"
        told.append(f"{axis} CCC {ccc}  n {one['n']}")
    names = [part["value"], *[""] * len(told)]
    return [f"  {name:<22} {line}" for name, line in zip(names, told or [f"n {part['n']}, none of them rated"], strict=False)]


def _right(cells: Sequence[Any], wide: Sequence[int]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, wide, strict=True))


def _robustness_lines(found: Mapping[str, Any]) -> list[str]:
    lines = [f"robustness of {found['model']} (pictures as they are: accuracy {found['untouched']['accuracy']:.4f})"]
    for name, kind in found["kinds"].items():
        lines.append(f"  by {name}, {kind['unit']}{'' if kind['levels'] else ': no face is large enough'}")
        lines += [f"    {kind['what']}"] * kind["simulated"]
        for one in kind["levels"]:
            faceless = f", {100 * one['faceless']:.1f} % without a face" if one["faceless"] else ""
            gap = f"  change {one['change']:+.4f}  same answer {one['same']:.4f}" if one["level"] else ""
            lines.append(f"    {one['level']:>6g}  accuracy {one['accuracy']:.4f}{_interval(one['interval'])}{gap}  n {one['n']}{faceless}")
    return lines


def _comparison_lines(found: Mapping[str, Any]) -> list[str]:
    both, other = found["comparison"], found["against"]
    lines = [f"against {other['model']}"]
    for name, gap in both["difference"].items():
        if math.isnan(gap):
            continue
        interval = both["difference_intervals"].get(name)
        between = f"  ({interval[0]:+.4f} to {interval[1]:+.4f})" if interval else ""
        n = both["rated"].get(name.partition("_")[0], both["n"])
        of = f", n {n}" if n != both["n"] else ""
        lines.append(f"  {name:<17} {both['first'][name]:.4f} - {both['second'][name]:.4f} = {gap:+.4f}{between}{of}")
    if without := both.get("without_labels"):
        lines.append(f"  labels were not compared: {' and '.join(without)} {'gives' if len(without) == 1 else 'give'} none")
    if "both_right" not in both:
        return lines
    lines.append(
        f"  right: both {both['both_right']}, only {found['model']} {both['only_first_right']}, only {other['model']} "
        f"{both['only_second_right']}, neither {both['both_wrong']}"
    )
    return [*lines, f"  McNemar's test    exact p {both['mcnemar_exact_p']:.4g}, mid-p {both['mcnemar_mid_p']:.4g}"]


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None or interval[0] != interval[0] else f"  ({interval[0]:.4f} to {interval[1]:.4f})"
