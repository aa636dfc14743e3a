"""`mien data clean`: pictures go by chosen rules, and it is told which, why, and of which class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mien.errors import DataError, UnknownName, UsageError


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
    import numpy as np

    from mien.cli.data_problems import leave, refuse_empty, tell
    from mien.cli.render import print_table, progress_counter, say
    from mien.data.clean import LOOKED, PRESETS, RULES, shares
    from mien.data.clean import clean as decide
    from mien.data.clean_report import WARNING, many_duplicates, uneven, write_report
    from mien.data.readers.draft import reopened
    from mien.data.readers.recognise import read_any
    from mien.models.detectors.registry import detector as detector_by_name

    if output is not None and output.suffix.lower() != ".parquet":
        raise UsageError(f"output: found {output}, wanted a name that ends in .parquet")
    if preset is not None and preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    given = PRESETS[preset] if preset else None
    chosen = tuple(rule.strip() for rule in rules.split(",") if rule.strip()) or (given.rules if given else ())
    if not chosen:
        raise UsageError(f"wanted rules: --rules with some of {', '.join(RULES[1:])}, or --preset {', '.join(PRESETS)}")
    looked = bool(LOOKED & set(chosen))
    name = detector or (given.detector if given else "yunet")
    frame = framing or (given.frame if given else "border")
    find = detector_by_name(name, threads=1) if looked else None  # the pictures are shared out among the threads
    manifest, problems = read_any(data, progress=lambda n: progress_counter(n, "pictures read"))
    refuse_empty(manifest, data, [problems])
    found = decide(
        manifest,
        chosen,
        find,
        frame=frame,
        name=name,
        tiny=tiny,
        blurred=blurred,
        threshold=threshold,
        threads=threads,
        cache=report and report / "cache",
        progress=lambda n: progress_counter(n, "pictures"),
    )
    reopened(manifest, np.flatnonzero(found.hits["unreadable"]).tolist(), problems)
    rows = shares(manifest, found)
    how = f"Faces by {name}, framed {frame}." if looked else ""
    if report is not None:
        write_report(manifest, found, report, title=f"{data.stem}: cleaning", how=how, problems=problems)
    none_stays = not found.keep.any()
    if output is not None and not none_stays:
        manifest.where(found.keep).write(output)
    in_place = output is not None and output.resolve() == data.resolve()  # where the list of the import stays
    listed = output.with_suffix(".problems.csv") if output is not None and not none_stays and (problems.problems or not in_place) else None
    told = tell([problems], listed, rest="-o lists all")
    if as_json:
        counts = {rule: int(hit.sum()) for rule, hit in found.hits.items()}
        used = name if looked else None
        typer.echo(json.dumps({"rules": list(found.rules), "detector": used, "found": counts, "classes": rows, "problems": told}))
    else:
        columns = ["label", "pictures", "kept", "gone", "share_gone", *found.rules]
        shown = [[f"{100 * r[c]:.1f} %" if c == "share_gone" else _number(r[c]) for c in columns] for r in rows]
        print_table(columns, shown, right=columns[1:])
    if looked:
        say(f"mien: {WARNING}")
    if names := uneven(manifest, found):
        say(f"mien: more of {', '.join(names)} went than of the whole set")
    if line := many_duplicates(manifest, found):
        say(f"mien: {line}")
    places = [str(path) for path in (None if none_stays else output, report and report / "index.html") if path]
    say(f"{int(found.keep.sum()):,} of {len(found):,} pictures stay{' -> ' + ', '.join(places) if places else ''}")
    if output is not None and none_stays:
        raise DataError(f"{output}: no picture stays; no manifest written")
    leave([problems])


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
