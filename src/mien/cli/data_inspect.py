"""`mien data inspect`: one page on what is in a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.data.inspect import Inspection


def inspect(
    data: Annotated[Path, typer.Argument(help="Folder per emotion, .csv, .npz or .parquet: whatever mien data import reads.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Page to write, .html. Default: DATA.inspect.html here; none with --json.")
    ] = None,
    suspicious: Annotated[
        bool, typer.Option("--suspicious/--no-suspicious", help="Look for suspicious labels by a model: most of the time.")
    ] = True,
    model: Annotated[str, typer.Option(help="Recogniser for that: a name, or an .onnx file with its card beside it.")] = "base",
    threshold: Annotated[
        float, typer.Option(min=0.5, max=1, help="Correlation at 24x24 from which two pictures may be near duplicates.")
    ] = 0.92,
    tiny: Annotated[int, typer.Option(min=0, help="Shorter side below so many pixels is tiny.")] = 24,
    blurred: Annotated[float, typer.Option(min=0, max=0.999, help="Share of fine detail at 48x48 below this is blurred.")] = 0.02,
    cache: Annotated[Path | None, typer.Option(help="Folder for measures, so that an interrupted run goes on.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples drawn.")] = 0,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all cores.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with all numbers and lists.")] = False,
) -> None:
    """One HTML page on a data set: classes, samples, sizes, mean faces, duplicates, conflicts, suspicious labels, valence and arousal.

    Nothing is changed. The page holds its pictures and opens without a network. Pictures that cannot be read are named.
    """
    import numpy as np

    from mien.cli.data_problems import leave, refuse_empty, tell
    from mien.cli.render import progress_counter, say
    from mien.data.inspect import inspect as look
    from mien.data.inspect_page import write_page
    from mien.data.readers.draft import reopened
    from mien.data.readers.recognise import drafted
    from mien.data.readers.report import Report
    from mien.models.registry import recogniser

    manifest, report = drafted(data)
    refuse_empty(manifest, data, [report])
    found = look(
        manifest,
        report=report,
        recogniser=recogniser(model, threads=1) if suspicious else None,  # the pictures are shared out among the threads
        threshold=threshold,
        tiny=tiny,
        blurred=blurred,
        seed=seed,
        threads=threads,
        cache=cache,
        progress=lambda n: progress_counter(n, "pictures"),
    )
    page = output or (None if as_json else Path(f"{data.resolve().stem}.inspect.html"))
    if page is not None:
        write_page(found, page)
    if as_json:
        typer.echo(json.dumps(found.to_json()))
    else:
        for line in _lines(found):
            typer.echo(line)
    unread = Report(report.source)
    reopened(manifest, np.flatnonzero(np.isin(manifest["id"], [failure.source for failure in found.failures])).tolist(), unread)
    tell([unread], rest="--json lists all" if page is None else "the page lists all")
    if page is not None:
        say(f"{len(found):,} pictures -> {page}")
    leave([report, unread])


def _lines(found: Inspection) -> list[str]:
    """The figures at the top of the page."""
    from mien.data.inspect import NO_LABEL

    copies = found.copies
    doubles = sum(1 for i, first in enumerate(copies.same.tolist()) if first != i)
    classes = sum(1 for name in found.labels if name != NO_LABEL)
    across = ", ".join(f"{int(n):,} of {name or 'no split'}" for n, name in zip(found.elsewhere, found.splits, strict=True))
    doubtful = found.unjudged if found.suspicious is None else f"{len(found.suspicious):,}"
    lines = [
        f"pictures             {len(found):,} of {classes} classes, {len(found.failures):,} cannot be read",
        f"duplicates           {doubles:,} with the same pixels as one before, {len(copies.near):,} pairs nearly the same",
        f"across splits        {across}",
        f"conflicting labels   {int(found.conflicting.sum()):,}",
        f"suspicious labels    {doubtful}",
        f"odd                  {len(found.constant):,} constant, {len(found.tiny):,} tiny, {len(found.blurred):,} blurred",
    ]
    return [*lines, *(f"left out on reading  {problem.kind}: {problem.item}: {problem.why}" for problem in found.problems[:10])]
