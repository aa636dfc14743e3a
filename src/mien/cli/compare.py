"""`mien compare`: architectures on the same data, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.exit_codes import NOTHING_DONE, SOME_FAILED
from mien.cli.train import Data, Detector, Duplicates, needs_torch, read
from mien.errors import UsageError
from mien.train.config import presets

if TYPE_CHECKING:
    from mien.data.readers.report import Report

THEIRS = tuple(name for name in presets() if name.startswith(("r0", "r1", "r2", "r3", "r4")) and name != "r1_conv_lstm")
"""Networks of R0 to R4 that read single pictures."""


def compare(
    data: Data,
    configs: Annotated[
        list[str] | None,
        typer.Argument(help=f"TOML files, patterns of them, or settings that come with mien. Default: {', '.join((*THEIRS, 'vgg8'))}."),
    ] = None,
    duplicates: Duplicates = None,
    out: Annotated[Path, typer.Option(help="Folder of the runs and of table.md and table.csv; what is finished there is kept.")] = Path(
        "runs/comparison"
    ),
    minutes: Annotated[float, typer.Option(min=0, help="Time for each: as many epochs of its recipe as fit in; 0 runs them all.")] = 0,
    epochs: Annotated[
        int, typer.Option(min=0, help="At most so many epochs of each, its recipe shortened to them; 0: as many as it has.")
    ] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
    detector: Detector = "yunet",
) -> None:
    """Train architectures on the same rows, each by its own recipe, and print one table.

    Its columns: accuracy, macro-F1, agreement with FER+'s crowd, parameters, MFLOPs, ms a face of the exported file, size, minutes.
    Judged on the split val (FER-2013: PublicTest); rows of the split test are left alone. Exit code 3 when some were left out, 1 when all
    were, which leaves an earlier table as it is. One that is finished with other settings is left out, but keeps its row, marked.
    """
    needs_torch()
    import dataclasses

    from mien.cli.data_problems import leave
    from mien.cli.render import say
    from mien.io.folders import matching
    from mien.train.comparison import compare as run
    from mien.train.comparison import write_table
    from mien.train.config import TrainConfig, read_config
    from mien.train.nets import input_of
    from mien.train.rows import TrainData

    wanted = [dataclasses.replace(read_config(name), threads=threads) for name in matching(configs or []) or (*THEIRS, "vgg8")]
    if len({config.name for config in wanted}) < len(wanted):
        raise UsageError("compare: two of the settings have one name; wanted a name for each")
    out.mkdir(parents=True, exist_ok=True)
    read_once: dict[tuple[object, ...], TrainData] = {}
    reports: list[Report] = []

    def rows(config: TrainConfig) -> TrainData:
        seen = input_of(config.net, config.settings)
        key = (config.tasks, config.anchors, config.margin, config.colour, config.held_out, config.seed, seen.size, seen.channels)
        if key not in read_once:
            read_once[key], found = read(config, data, duplicates, detector, out)
            reports.extend(found)
        return read_once[key]

    lines = run(wanted, rows, out, minutes=minutes, epochs=epochs, say=say)
    done = sum(not line.other_settings for line in lines)
    if not done:
        say("mien: nothing to compare: each was left out; the lines above say why")
        raise typer.Exit(NOTHING_DONE)
    print(write_table(lines, out).read_text("utf-8"), end="")
    if done < len(wanted):
        raise typer.Exit(SOME_FAILED)
    leave(reports)
