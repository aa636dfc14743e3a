"""`mien data`: what is done with a heap of face pictures before training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.data_affect import app as affect
from mien.cli.data_balance import balance
from mien.cli.data_clean import clean
from mien.cli.data_inspect import inspect
from mien.cli.data_preview import preview
from mien.cli.data_problems import leave, refuse_empty, tell
from mien.cli.exit_codes import NOTHING_DONE, SOME_FAILED
from mien.errors import DataError, MienError, UsageError

if TYPE_CHECKING:
    from mien.data.manifest import Manifest
    from mien.data.readers.report import Report
    from mien.types import Ints

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Read, look at, clean, balance, label and split sets of pictures.")
app.command("preview")(preview)
app.command("inspect")(inspect)
app.command("clean")(clean)
app.command("balance")(balance)
app.add_typer(affect, name="affect")

Output = Annotated[Path, typer.Option("--output", "-o", help="Manifest to write, .parquet.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("import")
def import_(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN", help="Folders, .csv, .npz or .parquet, or patterns of them.")],
    output: Output,
    link: Annotated[bool, typer.Option("--link", help="Keep the paths of picture files, and not the pictures themselves.")] = False,
    root: Annotated[Path | None, typer.Option(help="Folder that the paths in a CSV start from. Default: the CSV's own.")] = None,
    votes: Annotated[Path | None, typer.Option(help="FER+'s fer2013new.csv for FER-2013's CSV. Default: the one beside it.")] = None,
    duplicates: Annotated[
        Path | None, typer.Option(help="npz of FER-2013's rows with a copy in another split, for notes. Default: NAME_duplicates.npz.")
    ] = None,
    labels: Annotated[
        str, typer.Option(help="Label set of a CSV whose emotions are codes: fer7, ferplus8, affectnet8, rafdb7, mien9.")
    ] = "",
    source: Annotated[str, typer.Option(help="What to call the data set. Default: after its path.")] = "",
    as_json: AsJson = False,
) -> None:
    """Read data sets of any known layout into one manifest.

    A folder per emotion (also under train and test), CK+, JAFFE and RAF-DB as distributed, a CSV (image_path with emotion, valence and
    arousal, or some of them; FER-2013's; AffectNet's), arrays in an npz, other manifests. What cannot be read is counted, and listed in
    a CSV beside the manifest; where nothing can, none is written.
    """
    from mien.cli.render import progress_counter, say
    from mien.data.manifest import Manifest
    from mien.data.readers.recognise import duplicates_for, read_any, refuse_to_recode, sources_of
    from mien.io.folders import matching

    output = _parquet(output)
    inputs = [Path(name) for name in matching(map(str, inputs))]
    refuse_to_recode(inputs, labels)
    read: list[tuple[Manifest, Report]] = []
    failed = 0
    for path, name, marks in zip(inputs, sources_of(inputs, source), duplicates_for(inputs, duplicates), strict=True):
        try:
            found = read_any(
                path,
                root=root,
                votes=votes,
                duplicates=marks,
                labels=labels,
                source=name,
                progress=lambda n: progress_counter(n, "pictures"),
            )
        except UsageError:
            raise
        except MienError as error:
            failed += 1
            say(f"mien: {error}")
        else:
            read.append(found)
    if not read:
        raise typer.Exit(NOTHING_DONE)
    manifest = Manifest.concat(part for part, _ in read)
    reports = [report for _, report in read]
    refuse_empty(manifest, ", ".join(map(str, inputs)), reports)
    _write(manifest, output, inside=not link)
    told = tell(reports, output.with_suffix(".problems.csv"))
    _show(manifest, output, as_json=as_json, problems=told)
    if failed:
        raise typer.Exit(SOME_FAILED)
    leave(reports)


@app.command()
def split(
    data: Annotated[Path, typer.Argument(help="A manifest, .parquet.")],
    output: Output,
    parts: Annotated[str, typer.Option(help="Shares: train=80,test=20, or 80/20, or 80/10/10 for train/val/test.")] = "80/20",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another split.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Split all rows anew; otherwise those that have a split keep it.")] = False,
    of: Annotated[str, typer.Option(help="Split the rows of this split: --of train --parts train=90,val=10.")] = "",
    near: Annotated[
        bool, typer.Option("--near-duplicates/--no-near-duplicates", help="Look for near duplicates and keep them on one side.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Split a manifest: every class in its share, no person, no near duplicate and no made picture's parent on two sides."""
    from mien.cli.render import say
    from mien.data.readers.recognise import read_manifest
    from mien.data.split import split as split_rows
    from mien.data.split import torn

    output = _parquet(output)
    shares = _shares(parts)
    manifest, report = read_manifest(data)
    refuse_empty(manifest, data)
    tell([report])
    groups = _near(manifest) if near else None
    made = split_rows(manifest, shares, seed=seed, again=again, of=of, groups=groups)
    _write(made, output)
    changed = int((made["split"] != manifest["split"]).sum())
    apart = torn(made, groups)
    if not changed and not again:
        say("mien: all rows have a split already, and keep it; --again splits them anew, --of train only those of one split")
    if len(apart):
        say(f"mien: {len(apart)} rows have a subject, a parent or a near duplicate on another side, by the split they came with")
    _show(made, output, as_json=as_json, changed=changed, torn=len(apart))


@app.command()
def extra(
    output: Output,
    folders: Annotated[list[Path], typer.Option("--extra", help="Pictures with labels, in any layout that import reads. May be repeated.")],
    data: Annotated[Path | None, typer.Argument(help="The manifest to add them to. Default: none, only the extra ones.")] = None,
    model: Annotated[str, typer.Option(help="Model whose card says how faces are cut out.")] = "base",
    detector: Annotated[str, typer.Option(help="Face detector.")] = "yunet",
    size: Annotated[int, typer.Option(min=0, help="Side of the crops in pixels; 0: what the model sees.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all cores.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Add the faces of other pictures to a manifest, for training only.

    Of each picture in which exactly one face is found, the face is cut out by the model's template and keeps its colour; the others are
    listed. So are pictures that are in val or test of the manifest, or show a person who is: these are left out. An interrupted run goes on
    where it stopped: finished work is kept in OUTPUT.part until the manifest is written.
    """
    import dataclasses

    from mien.cli.render import progress_counter
    from mien.data.extra import crop_frame, sweep
    from mien.data.extra import extra as cut_out
    from mien.data.held_pictures import HeldOut
    from mien.data.manifest import Manifest
    from mien.data.readers.recognise import drafted, read_manifest, sources_of
    from mien.models.detectors.registry import detector as detector_by_name
    from mien.models.registry import recogniser

    output = _parquet(output)
    spec = crop_frame(recogniser(model, threads=1).crop)
    if size:
        spec = dataclasses.replace(spec, size=size)
    read = [] if data is None else [read_manifest(data)]
    base = [manifest for manifest, _ in read]
    tell([report for _, report in read])
    sources = [drafted(path, source=name) for path, name in zip(folders, sources_of(folders), strict=True)]
    parts = output.with_name(f"{output.name}.part")
    if base:
        held = HeldOut(base[0], progress=lambda n: progress_counter(n, "pictures held out"))
        sources = [
            (held.without(pictures, report, progress=lambda n: progress_counter(n, "pictures compared")), report)
            for pictures, report in sources
        ]
    made, report = cut_out(
        sources,
        detector_by_name(detector, threads=threads),
        spec,
        parts=parts,
        name=detector,
        progress=lambda n: progress_counter(n, "pictures"),
    )
    if not len(made):
        sweep(parts)
        tell([report])
        raise DataError(f"{', '.join(map(str, folders))}: no picture gives a face to add; nothing written")
    manifest = Manifest.concat([*base, made])
    _write(manifest, output)
    sweep(parts)
    _show(manifest, output, as_json=as_json, added=len(made), problems=tell([report], output.with_suffix(".problems.csv")))
    leave([report])


def _write(manifest: Manifest, output: Path, *, inside: bool = False) -> None:
    from mien.cli.render import progress_counter

    with progress_counter(len(manifest), "pictures written") as done:
        manifest.write(output, inside=inside, progress=done)


def _parquet(path: Path) -> Path:
    if path.suffix.lower() != ".parquet":
        raise UsageError(f"output: found {path}, wanted a name that ends in .parquet")
    return path


def _shares(text: str) -> dict[str, float]:
    """`80/20`, `80/10/10` or `train=80,val=10,test=10` as shares."""
    wanted = f"parts: found {text!r}, wanted train=80,test=20, or 80/20, or 80/10/10"
    try:
        if "=" in text:
            return {name.strip(): float(share) for name, share in (pair.split("=") for pair in text.split(","))}
        values = [float(part) for part in text.split("/")]
        return dict(zip({2: ("train", "test"), 3: ("train", "val", "test")}[len(values)], values, strict=True))
    except (ValueError, KeyError):
        raise UsageError(wanted) from None


def _near(manifest: Manifest) -> Ints:
    """Groups of pictures that look alike; one that cannot be read is one of its own.

    Look-alikes, of which mien.data.detail would leave the near duplicates: also different expressions of one person are to be on one
    side, and that too many are tied together costs nothing here.
    """
    from mien.cli.render import progress_counter
    from mien.data.duplicates import alike
    from mien.data.measures import measure

    with progress_counter(len(manifest), "pictures measured") as done:
        found = measure(manifest, progress=done)
    with progress_counter(len(manifest), "pictures compared") as done:
        return alike(found.pixels, found.small, progress=done)


def _show(manifest: Manifest, output: Path, *, as_json: bool, **more: Any) -> None:
    """How many pictures of each class are in each split."""
    from mien.cli.render import print_table, say
    from mien.data.manifest import SPLITS

    counts = {name: part.counts() for name in (*SPLITS, "") if len(part := manifest.where(manifest["split"] == name))}
    if as_json:
        typer.echo(json.dumps({"manifest": str(output), "rows": len(manifest), "counts": counts} | more))
        return
    labels = list(manifest.counts())
    rows = [[label or "(none)", *(f"{counts[name].get(label, 0):,}" for name in counts)] for label in labels]
    rows.append(["all", *(f"{sum(counts[name].values()):,}" for name in counts)])
    columns = ["label", *(name or "(no split)" for name in counts)]
    print_table(columns, rows, right=columns[1:])
    say(f"{len(manifest):,} pictures -> {output}")
