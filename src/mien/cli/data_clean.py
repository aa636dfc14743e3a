"""`mien data clean`: pictures go by chosen rules, and it is told which, why, and of which class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.errors import DataError, UsageError

if TYPE_CHECKING:
    from mien.data.clean_run import Cleaned
    from mien.data.readers.report import Report


def clean(
    data: Annotated[Path, typer.Argument(help="Folder per emotion, .csv, .npz or .parquet: whatever mien data import reads.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Manifest of the pictures that stay, .parquet. Default: only tell.")
    ] = None,
    rules: Annotated[str, typer.Option(help="Comma-separated: faceless, multi, constant, tiny, blurred, duplicate.")] = "",
    preset: Annotated[str | None, typer.Option(help="An earlier project's rules, detector and framing: r4.")] = None,
    detector: Annotated[str, typer.Option(help="Face detector for faceless and multi. Default: yunet, or the preset's.")] = "",
    framing: Annotated[
        str,
        typer.Option(help="Before the detector: border (for ready-made crops), plain (for photos), r4. Default: border, or the preset's."),
    ] = "",
    tiny: Annotated[int, typer.Option(min=0, help="Shorter side below so many pixels is tiny.")] = 24,
    blurred: Annotated[float, typer.Option(min=0, max=0.999, help="Share of fine detail at 48x48 below this is blurred.")] = 0.02,
    threshold: Annotated[
        float, typer.Option(min=0.5, max=1, help="Correlation at 24x24 from which two pictures may be duplicates.")
    ] = 0.92,
    report: Annotated[Path | None, typer.Option(help="Folder for lists, galleries, and what an interrupted run needs to go on.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all cores.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Drop pictures from a data set by rules: without a face, with several, constant, tiny, blurred, duplicate. Files stay as they are.

    Of duplicates the one in test stays, else in val, else in train. Pictures that look alike at 24x24 are duplicates when their fine
    detail agrees too, nearly all of it where their labels differ. What cannot be read goes too, and is named. With --report an
    interrupted run goes on where it stopped.
    """
    from mien.cli.data_problems import leave, refuse_empty, tell
    from mien.cli.render import progress_counter, say
    from mien.data.clean import planned
    from mien.data.clean_run import run
    from mien.data.readers.recognise import read_any
    from mien.models.detectors.registry import detector as detector_by_name

    if output is not None and output.suffix.lower() != ".parquet":
        raise UsageError(f"output: found {output}, wanted a name that ends in .parquet")
    chosen = [rule.strip() for rule in rules.split(",") if rule.strip()]
    plan = planned(chosen, preset=preset, detector=detector, frame=framing, tiny=tiny, blurred=blurred, threshold=threshold)
    find = detector_by_name(plan.detector, threads=1) if plan.looks else None  # the pictures are shared out among the threads
    manifest, problems = read_any(data, progress=lambda n: progress_counter(n, "pictures read"))
    refuse_empty(manifest, data, [problems])
    done = run(
        plan,
        manifest,
        problems,
        find,
        threads=threads,
        cache=report and report / "cache",
        progress=lambda n: progress_counter(n, "pictures"),
    )
    if report is not None:
        done.write_report(report, title=f"{data.stem}: cleaning")
    written = output if done.stays else None
    if written is not None:
        done.write(written)
    told = tell([problems], _list_beside(written, data, problems), rest="-o lists all")
    if as_json:
        typer.echo(json.dumps(done.to_json() | {"problems": told}))
    else:
        _print_classes(done)
    for line in done.warnings():
        say(f"mien: {line}")
    places = [str(path) for path in (written, report and report / "index.html") if path]
    say(f"{done.stays:,} of {len(manifest):,} pictures stay{' -> ' + ', '.join(places) if places else ''}")
    if output is not None and written is None:
        raise DataError(f"{output}: no picture stays; no manifest written")
    leave([problems])


def _list_beside(written: Path | None, data: Path, problems: Report) -> Path | None:
    """Where all problems are listed. Where a manifest is cleaned in place and has none, the list of its import stays there."""
    if written is None or (not problems.problems and written.resolve() == data.resolve()):
        return None
    return written.with_suffix(".problems.csv")


def _print_classes(done: Cleaned) -> None:
    from mien.cli.render import print_table

    columns = ["label", "pictures", "kept", "gone", "share_gone", *done.found.rules]
    rows = [[f"{100 * row[name]:.1f} %" if name == "share_gone" else _number(row[name]) for name in columns] for row in done.classes()]
    print_table(columns, rows, right=columns[1:])


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
