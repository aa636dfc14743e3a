"""`mien data affect`: valence and arousal for pictures that have an emotion or votes, and the map that `votes` uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.errors import DataError

if TYPE_CHECKING:
    from mien.data.manifest import Manifest
    from mien.types import Floats, Ints

app = typer.Typer(no_args_is_help=True, help="Valence and arousal labels: jitter, isomap, votes; and the map fitted on rated pictures.")

Input = Annotated[Path, typer.Argument(metavar="MANIFEST", help="Manifest (.parquet), or any data set that mien data import reads.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, with valence, arousal and affect_from.")]
AnchorSet = Annotated[str, typer.Option("--anchors", help="Anchor set: adfes2011, legacy, crowd.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same labels.")]
Replace = Annotated[bool, typer.Option("--replace", help="Also replace valence or arousal that is there already, real ratings too.")]


@app.command()
def jitter(
    source: Input,
    output: Output,
    anchors: AnchorSet = "adfes2011",
    width: Annotated[float, typer.Option(min=0, help="Half the width of the noise, on the 1..7 scale.")] = 0.22,
    seed: Seed = 0,
    replace: Replace = False,
) -> None:
    """The label's anchor plus uniform noise on both axes (R2)."""
    from mien.data.affect import jitter as make

    _label(
        source,
        output,
        f"jitter:{anchors}",
        lambda part, rows: make(part["label"].tolist(), anchor_set=anchors, width=width, seed=seed),
        replace,
    )


@app.command()
def votes(source: Input, output: Output, anchors: AnchorSet = "crowd", replace: Replace = False) -> None:
    """The expected anchor under the crowd's votes; `crowd` is the map fitted on rated pictures. Needs vote shares."""
    from mien.data.affect import votes as make

    _label(source, output, f"votes:{anchors}", lambda part, rows: make(part["shares"], anchor_set=anchors), replace)


@app.command()
def isomap(
    source: Input,
    output: Output,
    anchors: AnchorSet = "adfes2011",
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for the pictures after steps 1, 4 and 6. Default: beside the output.")
    ] = None,
    per_class: Annotated[int, typer.Option(min=2, help="Pictures of each class to fit on; memory grows with the square of all.")] = 1000,
    neighbours: Annotated[int, typer.Option(min=1, help="Neighbours of the graph.")] = 5,
    seed: Seed = 0,
    replace: Replace = False,
) -> None:
    """R0's labels by Isomap: geometry, not measured affect. Writes pictures after steps 1, 4 and 6."""
    from mien.cli.render import progress_counter, say
    from mien.data.affect import WARNING, grey48
    from mien.data.affect import isomap as make
    from mien.data.encode import write_picture
    from mien.data.scatter import isomap_pictures

    say(f"mien: isomap: {WARNING}")

    def values(part: Manifest, rows: Ints) -> Floats:
        with progress_counter(len(part), "pictures") as move:
            labels = part["label"].tolist()
            settings: dict[str, Any] = {"anchor_set": anchors, "per_class": per_class, "neighbours": neighbours, "seed": seed}
            found = make(lambda at: grey48(part, at), labels, **settings, progress=move)
        for note in found.notes:
            say(f"mien: isomap: {note}")
        for step, picture in isomap_pictures(found).items():
            path = (pictures or output.parent) / f"{output.stem}-isomap-step{step}.png"
            write_picture(path, picture)
            say(f"{path}: after step {step}")
        return found.affect

    _label(source, output, f"isomap:{anchors}", values, replace)


@app.command()
def fit(
    ratings: Annotated[Path, typer.Argument(metavar="RATINGS", help="AffectNetC25's ratings: zip or folder of its CSV files.")],
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Fit the linear map from vote shares to rated valence and arousal, and say how well it and the other anchor sets agree with raters."""
    import numpy as np

    from mien.cli.render import print_table
    from mien.data.ratings import AXES, fit_anchors, out_of_fold, read_ratings
    from mien.evaluate.metrics import affect_figures
    from mien.labels import ANCHORS

    found = read_ratings(ratings)
    weights = fit_anchors(found).points
    guesses = {f"fitted ({folds}-fold)": out_of_fold(found, folds=folds, seed=seed)}
    guesses |= {
        name: anchors.expected(found.shares.astype(np.float32), found.labels).astype(np.float64)
        for name, anchors in ANCHORS.items()
        if name != "crowd"
    }
    figures: dict[str, dict[str, Any]] = {
        name: {axis: affect_figures(guess[:, k].astype(np.float32), found.affect[:, k].astype(np.float32)) for k, axis in enumerate(AXES)}
        for name, guess in guesses.items()
    }
    if as_json:
        typer.echo(json.dumps({"pictures": len(found), "weights": weights, "agreement": figures}))
        return
    shipped = ANCHORS["crowd"].points
    print_table(
        ["emotion", "valence", "arousal", "shipped"],
        [[label, f"{v:.4f}", f"{a:.4f}", f"{shipped[label][0]:.4f}, {shipped[label][1]:.4f}"] for label, (v, a) in sorted(weights.items())],
    )
    typer.echo("")
    print_table(
        ["map", "valence CCC", "RMSE", "arousal CCC", "RMSE "],
        [[name, *(f"{row[axis][key]:.3f}" for axis in AXES for key in ("ccc", "rmse"))] for name, row in figures.items()],
    )


def _label(source: Path, output: Path, name: str, values: Callable[[Manifest, Ints], Floats], replace: bool) -> None:
    """Fill valence, arousal and affect_from where they are empty, and write the manifest."""
    from mien.cli.data_problems import leave, refuse_empty, tell
    from mien.cli.render import counted, progress_counter, say
    from mien.data.affect import fill, open_rows
    from mien.data.readers.recognise import read_any

    manifest, report = read_any(source, progress=lambda total: progress_counter(total, "pictures read"))
    refuse_empty(manifest, source, [report])
    tell([report], output.with_suffix(".problems.csv") if report.problems else None)  # the list of a manifest's import stays
    rows = open_rows(manifest, replace=replace)
    if not len(rows):
        raise DataError(f"{source}: all {len(manifest)} pictures have valence or arousal already; --replace replaces them")
    labelled, given = fill(manifest, rows, values(manifest.where(rows), rows), name)
    kept = len(manifest) - len(rows)
    if not given:
        raise DataError(f"{source}: none of {counted(len(rows), 'picture')} has what {name} needs (a label with an anchor, or vote shares)")
    labelled.write(output)
    say(
        f"{output}: {counted(given, 'picture')} labelled ({name})"
        + (f", {len(rows) - given:,} without: no votes, no label or no anchor" if given < len(rows) else "")
        + (f", {kept:,} kept what they had" if kept else "")
    )
    leave([report])
