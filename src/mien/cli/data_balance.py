"""`mien data balance`: classes of unequal size made equal, with pictures, vectors or weights."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.errors import DataError, UsageError

if TYPE_CHECKING:
    from mien.data.balance import Balanced
    from mien.data.balance_run import Progress
    from mien.data.manifest import Manifest
    from mien.data.readers.report import Report
    from mien.types import Ints


class Method(StrEnum):
    """How classes are made equal."""

    pictures = "pictures"
    smote = "smote"
    weights = "weights"


MADE, DRAWN, WEIGHED = Method.pictures, Method.smote, Method.weights
TAKEN_BY = {
    **dict.fromkeys(("output", "smote_value", "detector", "seed"), (MADE, DRAWN)),
    **dict.fromkeys(("modify_coef", "train_part", "recipe", "image_size", "copies", "tries", "suffix", "workers"), (MADE,)),
    **dict.fromkeys(("model", "neighbours"), (DRAWN,)),
    "beta": (WEIGHED,),
}
"""Methods that an option is for, where it is not for all."""


def balance(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder with a folder per emotion, or a manifest (.parquet).")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for pictures, .npz for smote; none for weights.")] = None,
    method: Annotated[
        Method, typer.Option(help="pictures: R0's augmented ones; smote: vectors between vectors; weights: for the loss.")
    ] = Method.pictures,
    smote_value: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Pictures a class is cut to or filled up to; for smote only filled up. Default 5000; for smote the largest class's.",
        ),
    ] = None,
    modify_coef: Annotated[float, typer.Option(min=0, help="Share of what lacks that is made.")] = 1.0,
    train_part: Annotated[
        float, typer.Option(min=0, max=0.999, help="Share of the originals without a split that is held out and never augmented.")
    ] = 0.15,
    recipe: Annotated[str, typer.Option(help="Augmentation recipe; mien data preview --list shows them.")] = "r0",
    detector: Annotated[str, typer.Option(help="Face detector that checks originals and new pictures.")] = "yunet",
    image_size: Annotated[
        int | None, typer.Option(min=0, help="Side all pictures are brought to, 0: each keeps its size. Default 224; of a manifest 0.")
    ] = None,
    copies: Annotated[
        bool | None, typer.Option("--copies/--no-copies", help="Write the kept pictures too, or only new ones. Default: of a folder.")
    ] = None,
    tries: Annotated[int, typer.Option(min=1, help="Failed tries in a row after which an original is given up.")] = 20,
    suffix: Annotated[str, typer.Option("--format", help="Files to write: jpg, png or webp.")] = "jpg",
    model: Annotated[str, typer.Option(help="For smote: the model whose features are the vectors.")] = "base",
    neighbours: Annotated[int, typer.Option(min=1, help="For smote: nearest neighbours to draw towards.")] = 5,
    beta: Annotated[float | None, typer.Option(help="For weights: by the effective number of pictures (Cui 2019), such as .999.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Threads; 0 takes all cores. The result does not depend on it.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Balance the classes of a data set.

    R0's procedure: of each class with n pictures of exactly one face, min(n, smote-value) are kept and (smote-value - n) * modify-coef
    made by the recipe, from originals that are not held out; a new one counts when exactly one face is found in it. Nobody is held out
    and trained on. An interrupted run goes on when the command is given again.

    --method smote: an npz of each picture's features and of new ones between those of small classes; pictures in val and test have theirs
    beside them, without new ones. --method weights: a table. Options of another method are refused.
    """
    import numpy as np

    from mien.cli.data_problems import leave, refuse_empty, tell
    from mien.cli.render import progress_counter
    from mien.data.balance import BalanceOptions
    from mien.data.balance import balance as run
    from mien.data.balance_run import UNREADABLE
    from mien.data.readers.recognise import read_any

    _refuse_strangers(ctx, method)
    if output is None and method is not WEIGHED:
        raise UsageError(f"--method {method.value} needs an output: -o {'vectors.npz' if method is DRAWN else 'FOLDER'}")
    manifest, report = read_any(source, progress=lambda total: progress_counter(total, "pictures read"))
    refuse_empty(manifest, source, [report])
    tell([report], rest="mien data import lists all")
    if output is None:
        _weights(manifest, beta, as_json=as_json)
    elif method is DRAWN:
        _smote(manifest, report, output, model, detector, size=smote_value, neighbours=neighbours, seed=seed, as_json=as_json)
    else:
        is_manifest = source.suffix.lower() == ".parquet"
        options = BalanceOptions(
            5000 if smote_value is None else smote_value,
            modify_coef,
            train_part,
            (0 if is_manifest else 224) if image_size is None else image_size,
            copies=not is_manifest if copies is None else copies,
            tries=tries,
            suffix=f".{suffix.removeprefix('.')}",
            seed=seed,
        )
        with stages() as progress:
            found = run(
                manifest, output, options, gen_model=recipe, detector=detector, workers=workers or os.cpu_count() or 1, progress=progress
            )
        lost = [name for name, _, reason in found.dropped if reason == UNREADABLE]
        _name_unreadable(manifest, np.flatnonzero(np.isin(manifest["id"], lost)), report, rest=f"{output / 'dropped.csv'} lists all")
        _tell(found, output, as_json=as_json)
    leave([report])


def _refuse_strangers(ctx: typer.Context, method: Method) -> None:
    """Raise UsageError where an option was given that the method does not heed."""
    for option in ctx.command.params:
        name = option.name or ""
        found = ctx.get_parameter_source(name)
        if method not in TAKEN_BY.get(name, (method,)) and found is not None and found.name != "DEFAULT":
            raise UsageError(
                f"{option.opts[0]}: only for --method {' and '.join(TAKEN_BY[name])}, and this is {method.value}; leave it out"
            )


def _name_unreadable(manifest: Manifest, rows: Ints, report: Report, *, rest: str) -> None:
    """Say which pictures could not be read, and add them to the report. rows: int64, their positions."""
    from mien.cli.data_problems import tell
    from mien.data.readers.draft import reopened
    from mien.data.readers.report import Report

    unread = Report(report.source)
    reopened(manifest, rows.tolist(), unread)
    tell([unread], rest=rest)
    report.problems += unread.problems


@contextmanager
def stages() -> Iterator[Progress]:
    """A bar for each stage of the work, one after the other."""
    from mien.cli.render import progress_counter

    with ExitStack() as stack:
        now = ""
        move = None

        def progress(stage: str, done: int, total: int) -> None:
            nonlocal now, move
            if stage != now:
                stack.close()
                now, move = stage, stack.enter_context(progress_counter(total, f"pictures ({stage})"))
            assert move is not None
            move(done)

        yield progress


def _tell(found: Balanced, output: Path, *, as_json: bool) -> None:
    from mien.cli.render import counted, print_table, say

    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        columns = ["label", "found", "usable", "kept", "held out", "generated", "missing"]
        rows = [
            [label, *(str(n) for n in (r.found, r.usable, r.kept, r.held_out, r.generated, r.missing))]
            for label, r in found.classes.items()
        ]
        print_table(columns, rows, right=columns[1:])
    for reason, count in found.to_json()["dropped"].items():
        say(f"dropped: {counted(count, 'picture')} ({reason}); each is in {output / 'dropped.csv'}")
    for label, report in found.classes.items():
        if report.missing:
            say(
                f"mien: {label}: {report.missing:,} of {report.wanted:,} could not be made: "
                + (f"{counted(report.given_up, 'original')} given up" if report.given_up else "no original to make them from")
            )
    say(f"{output}: {counted(len(found.manifest), 'picture')}, listed in {output / 'manifest.parquet'}")
    if not len(found.manifest):
        raise DataError(f"{output}: nothing was usable; see {output / 'dropped.csv'}")


def _weights(manifest: Manifest, beta: float | None, *, as_json: bool) -> None:
    from mien.cli.render import print_table
    from mien.data.weights import class_weights

    part = manifest.where((manifest["split"] == "train") | (manifest["split"] == ""))
    counts = {label: n for label, n in part.counts().items() if label}
    weights = class_weights(counts, beta=beta)
    if as_json:
        typer.echo(json.dumps({label: {"n": counts[label], "weight": weight} for label, weight in weights.items()}))
    else:
        print_table(
            ["label", "n", "weight"], [[label, str(counts[label]), f"{w:.4f}"] for label, w in weights.items()], right=["n", "weight"]
        )


def _smote(
    manifest: Manifest, report: Report, output: Path, model: str, detector: str, *, size: int | None, neighbours: int, seed: int,
    as_json: bool,
) -> None:  # fmt: skip
    import numpy as np

    from mien.cli.render import counted, progress_counter, say
    from mien.data.smote import embed, smote
    from mien.io.whole import whole
    from mien.models.detectors.registry import detector as detector_by_name
    from mien.models.registry import recogniser as recogniser_by_name

    if output.suffix.lower() != ".npz":
        raise UsageError(f"{output}: smote writes vectors; wanted a name that ends in .npz")
    wanted = np.flatnonzero(manifest["label"] != "")
    with progress_counter(len(wanted), "pictures") as move:
        features, rows = embed(manifest, wanted, recogniser_by_name(model), detector_by_name(detector), progress=move)
    _name_unreadable(manifest, np.setdiff1d(wanted, rows), report, rest="mien data inspect lists all")
    held = np.isin(manifest["split"][rows], ("val", "test"))
    found = smote(features[~held], manifest["label"][rows[~held]].tolist(), size=size, neighbours=neighbours, seed=seed)
    arrays: dict[str, Any] = {
        "features": found.features, "labels": np.array(found.labels, str), "generated": found.generated,
        "ids": np.array([*manifest["id"][rows[~held]], *[""] * int(found.generated.sum())], str), "held_features": features[held],
        **{f"held_{name}s": manifest[name][rows[held]].astype(str) for name in ("label", "split", "id")},
    }  # fmt: skip
    with whole(output) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    if as_json:
        counts = {name: int(n) for name, n in zip(*np.unique(arrays["labels"], return_counts=True), strict=True)}
        made = {name: int((arrays["labels"][found.generated] == name).sum()) for name in counts}
        classes = {name: {"n": n, "generated": made[name]} for name, n in counts.items()}
        typer.echo(json.dumps({"numbers": features.shape[1], "classes": classes, "held": int(held.sum())}))
    beside = (
        f"; {counted(int(held.sum()), 'held-out one')} beside them" if held.any() else ", none held out (mien data split does that first)"
    )
    say(
        f"{output}: {counted(int((~held).sum()), 'vector')} of {features.shape[1]} numbers, {int(found.generated.sum()):,} new ones behind "
        f"them{beside}"
    )
