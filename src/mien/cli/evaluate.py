"""`mien evaluate`: how good a model is, by the user's own road."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer


def evaluate(
    model: Annotated[str, typer.Argument(help="Name of a model, or path of an .onnx file with its card beside it.")],
    data: Annotated[Path, typer.Argument(help="Folder with a folder per emotion, or an .npz file.")],
    labels: Annotated[str, typer.Option(help="Label set: fer7, ferplus8, mien9, kaggle9, affectnet8.")] = "mien9",
    faces: Annotated[str, typer.Option(help="detect: pictures are photos; crop: each picture is one ready-made face.")] = "detect",
    detector: Annotated[str, typer.Option(help="Face detector.")] = "yunet",
    head: Annotated[str, typer.Option(help="Output to judge: auto (what the card says for the label set), blend, or its name.")] = "auto",
    split: Annotated[str | None, typer.Option(help="For FER-2013: Training, PublicTest or PrivateTest.")] = None,
    duplicates: Annotated[
        Path | None, typer.Option(help="For FER-2013: npz of rows with a copy in another split; they are left out.")
    ] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all cores.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Accuracy, macro-F1, calibration and more of a model on labelled pictures."""
    from mien.cli.render import progress_counter
    from mien.data.labelled import read_labelled
    from mien.evaluate.run import evaluate as run
    from mien.models.detectors.registry import detector as detector_by_name
    from mien.models.recogniser import OnnxRecogniser
    from mien.models.registry import recogniser as recogniser_by_name

    recogniser = recogniser_by_name(model, threads=threads)
    if not isinstance(recogniser, OnnxRecogniser):
        from mien.errors import UsageError

        raise UsageError(f"model {model!r} has no card; wanted an ONNX file with one")
    labelled = read_labelled(data, labels, split=split, duplicates=duplicates)
    with progress_counter(len(labelled), "pictures") as progress:
        found = run(
            recogniser, detector_by_name(detector, threads=threads), labelled, labels=labels, faces=faces, head=head, progress=progress
        ).to_json()
    if as_json:
        typer.echo(json.dumps(_finite(found)))
    else:
        _print(found)


def _finite(value: Any) -> Any:
    """JSON has no NaN: null stands for it."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print(found: dict[str, Any]) -> None:
    low, high = found["intervals"]["accuracy"]
    typer.echo(f"{found['model']} on {found['data']} ({found['labels']}, faces: {found['faces']}, output: {found['head']})")
    typer.echo(f"n                   {found['n']}" + (f", {found['unanswered']} without a face" if found["unanswered"] else ""))
    typer.echo(f"accuracy            {found['accuracy']:.4f}  (95 % interval {low:.4f} to {high:.4f})")
    for name in ("balanced_accuracy", "macro_f1", "top2", "second_given_wrong", "ece"):
        typer.echo(f"{name:<19} {found[name]:.4f}")
    for axis in ("valence", "arousal"):
        if axis in found:
            typer.echo(f"{axis:<19} CCC {found[axis]['ccc']:.4f}, RMSE {found[axis]['rmse']:.4f}, MAE {found[axis]['mae']:.4f}")
    for label, row in found["per_class"].items():
        typer.echo(f"  {label:<17} recall {row['recall']:.4f}  F1 {row['f1']:.4f}  n {row['n']}")
    names = found["confusion"]["labels"]
    typer.echo("confusion (rows: true, columns: answers)")
    typer.echo(" " * 11 + "".join(f"{name[:8]:>9}" for name in names))
    for name, row in zip(names, found["confusion"]["counts"], strict=True):
        typer.echo(f"  {name:<9}" + "".join(f"{count:>9}" for count in row))
    for reason, count in found["left_out"].items():
        typer.echo(f"left out: {count} ({reason})")
