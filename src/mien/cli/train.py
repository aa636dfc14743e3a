"""`mien train` and `mien export`: a network from labelled pictures, and its ONNX file with card."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.settings import with_settings
from mien.errors import ExtraMissing, install
from mien.train.config import presets

if TYPE_CHECKING:
    from mien.data.readers.report import Report
    from mien.models.card import ModelCard
    from mien.train.config import TrainConfig
    from mien.train.rows import TrainData
    from mien.train.run_folder import RunFolder
    from mien.types import Floats

CHANCE = 1.1
"""Balanced accuracy, as a multiple of that of a single answer for all, up to which nothing was learnt."""
Data = Annotated[
    list[Path],
    typer.Option(help="Folder per emotion, .csv, .npz or .parquet: whatever mien data reads, or clips. Several times for several sets."),
]
Duplicates = Annotated[
    Path | None, typer.Option(help="npz that marks FER-2013's rows with a copy in another split; default the one beside the data.")
]
Detector = Annotated[str, typer.Option(help="Detector that finds the landmarks of the training pictures.")]


def needs_torch() -> None:
    """Raise ExtraMissing without PyTorch."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise ExtraMissing(f"training needs PyTorch: {install('train')}") from None


def read(
    config: TrainConfig, data: list[Path], duplicates: Path | None, detector: str, folder: Path, *, run: RunFolder | None = None,
    listed: Path | None = None,
) -> tuple[TrainData, list[Report]]:  # fmt: skip
    """The rows, with what is left out told and what takes long counted, and what could not be taken (see data_problems.leave). Pretrained
    weights that an address names are fetched, once.

    run: the run that they are for, if rows are to be held out as they were for it. listed: CSV to write with all that could not be taken.
    """
    from mien.cli.data_problems import tell
    from mien.cli.render import progress_counter, say
    from mien.data.readers.report import write_problems
    from mien.io.whole import writing
    from mien.models.detectors.registry import detector as detector_by_name
    from mien.train.nets import fetch_pretrained
    from mien.train.rows import LOOK_ALIKES, read_data
    from mien.train.run_data import its_hold_out

    if (weights := config.settings.weights).startswith(("http://", "https://")):
        say(f"{weights}: {fetch_pretrained(weights, config.settings.sha256)}")
    finder = detector_by_name(detector, threads=config.threads)
    reports: list[Report] = []
    if listed is not None:
        with writing(listed):
            listed.unlink(missing_ok=True)  # of an earlier run

    def reported(report: Report) -> None:
        reports.append(report)
        tell([report], rest=f"{listed} lists all" if listed is not None else "mien data import lists all")
        if listed is not None and report.problems:
            write_problems(reports, listed)

    rows = read_data(
        config, data, detector=finder, called=detector, folder=folder, duplicates=duplicates,
        held_out=LOOK_ALIKES if run is None else its_hold_out(run), say=say, progress=progress_counter, reported=reported,
    )  # fmt: skip
    return rows, reports


@with_settings
def train(
    config: Annotated[str, typer.Argument(help=f"TOML file with settings, or one that comes with mien: {', '.join(presets())}.")],
    data: Data,
    duplicates: Duplicates = None,
    out: Annotated[Path, typer.Option(help="The run's folder, called as the model, is made here.")] = Path("runs"),
    detector: Detector = "yunet",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was stopped, to the same result.")] = False,
    changes: dict[str, Any] | None = None,
) -> None:
    """Train a recogniser, calibrate it, and write it as ONNX file, card and golden crops.

    The run folder has the settings, seed, hash of the data, metrics and curves (metrics.jsonl, curves.png, report.html), the last and the
    best checkpoint. Ctrl-C saves; --resume goes on. Rows of the split `test` are left alone. What cannot be taken of the data is counted,
    and listed in problems.csv.
    """
    needs_torch()
    import sys

    from mien.cli.data_problems import leave
    from mien.cli.render import say
    from mien.train.affect_origin import told
    from mien.train.config import read_config
    from mien.train.curve_png import write_png
    from mien.train.curves import read_metrics
    from mien.train.diverged import Diverged
    from mien.train.fit import fit
    from mien.train.run_folder import RunFolder
    from mien.train.run_page import write_page
    from mien.train.terminal import TerminalCurves

    settings = read_config(config, **(changes or {}))
    folder = out / settings.name
    run = RunFolder(folder)
    if not resume:
        run.check_free()  # before the pictures are read, which may take minutes
    rows, reports = read(settings, data, duplicates, detector, out, run=run if resume else None, listed=folder / "problems.csv")
    if line := told(rows.origin, settings):
        say(line)
    curves = TerminalCurves(settings.epochs, sys.stderr, monitor=settings.monitor, before=read_metrics(folder) if run.begun else None)

    def watch(metrics: Any) -> bool:
        curves(metrics)
        return False

    try:
        fitted = fit(settings, rows, folder, resume=resume, say=curves.say, watch=watch)
    except Diverged as error:
        if error.leader and run.begun:
            say(f"curves until then: {write_png(folder)}, {write_page(folder)}")
        raise
    if not fitted.leader:
        return
    say(f"curves: {write_png(folder)}, {write_page(folder)}")
    _export(run, run.config(), fitted.state, rows, folder, command=_command(config, changes or {}, data))
    if line := _learnt_nothing(settings, fitted.metrics, rows):
        say(line)
    leave(reports)


def _learnt_nothing(settings: TrainConfig, metrics: Mapping[str, float], rows: TrainData) -> str:
    """A line where a network with random weights is no better than one that always gives the same answer; else ""."""
    classes = len(set(rows.judge.labels[rows.judge.labels >= 0].tolist()))
    balanced = metrics.get("val_balanced", 1.0)
    if settings.start or classes < 2 or balanced > CHANCE / classes:
        return ""
    advice = "" if rows.judge.pictures.ndim > 4 else "; with few pictures begin with what mien has learnt already: mien train adapt"
    return f"balanced accuracy {balanced:.3f} for {classes} classes: no better than one answer for all{advice}"


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of a training.")],
    data: Data,
    duplicates: Duplicates = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the model's files. Default: the run's.")] = None,
    detector: Detector = "yunet",
    int8: Annotated[
        bool | None, typer.Option("--int8/--no-int8", help="Convolutions in 8 bits. Default: as the run's settings say.")
    ] = None,
    mirror: Annotated[
        bool | None, typer.Option("--mirror/--no-mirror", help="Average over the mirror picture too. Default: as above.")
    ] = None,
    soup: Annotated[list[Path] | None, typer.Option(help="Run folder whose weights are averaged with this run's.")] = None,
    partner: Annotated[list[Path] | None, typer.Option(help="Run folder whose network is put into the file too, and averaged.")] = None,
    name: Annotated[str, typer.Option(help="Name of the model. Default: the run's.")] = "",
) -> None:
    """Write a run's network as ONNX file, card and golden crops.

    Refuses when the file and torch disagree. The validation rows of the data calibrate it: temperatures, the ranges of 8 bits, and what
    those cost. Colour, classes and anchors stay those of the run, whatever the data are; data with a class that it does not know
    are refused.
    """
    needs_torch()
    from mien.cli.data_problems import leave
    from mien.cli.render import say
    from mien.train.config import changed
    from mien.train.run_data import in_its_colour, its_frequencies, under_its_classes
    from mien.train.run_folder import RunFolder

    folder = RunFolder(run)
    given = {
        "int8": int8,
        "mirror": mirror,
        "soup": [str(path) for path in soup] if soup else None,
        "partners": [str(path) for path in partner] if partner else None,
        "name": name or None,
    }
    settings = changed(folder.config(), {key: value for key, value in given.items() if value is not None})
    rows, reports = read(in_its_colour(settings, folder), data, duplicates, detector, run.parent, run=folder)
    rows = under_its_classes(settings, rows, folder, say=say)
    said = [] if mirror is None else ["--mirror" if mirror else "--no-mirror"]
    said += [] if int8 is None else ["--int8" if int8 else "--no-int8"]
    said += [f"--soup {path.name}" for path in soup or []] + [f"--partner {path.name}" for path in partner or []]
    frequencies = its_frequencies(settings, rows, folder)
    _export(folder, settings, folder.shipped(), rows, out or run, command=_exported(run, data, said), frequencies=frequencies)
    leave(reports)


def _exported(run: Path, data: list[Path], options: list[str]) -> str:
    """The commands without this machine's paths."""
    sets = "".join(f" --data {path.name}" for path in data)
    return f"mien train {run.name}{sets}, then mien export {run.name}{sets}{''.join(f' {option}' for option in options)}"


def _export(
    run: RunFolder, settings: TrainConfig, state: Any, rows: TrainData, folder: Path, *, command: str,
    frequencies: Mapping[str, Floats] | None = None,
) -> None:  # fmt: skip
    import dataclasses

    from mien.cli.render import say
    from mien.train.affect_origin import told
    from mien.train.calibrate import GRID
    from mien.train.commit import commit
    from mien.train.export import at_ends
    from mien.train.export import export as write
    from mien.train.run_data import its_origin

    origin = its_origin(settings, rows, run)
    if origin != rows.origin and (line := told(origin, settings)):  # that of the data is told, or is not what was learnt
        say(line)
    rows = dataclasses.replace(rows, origin=origin)
    card = write(settings, state, rows, folder, frequencies=frequencies, source={"command": command, "commit": commit()})
    say(f"{folder / card.file}: {card.bytes / 1e6:.1f} MB; {_temperatures(card)}")
    for name, (temperature, count) in at_ends(card, rows.judge).items():
        end, much = ("lowest", "oftener") if temperature < 1 else ("highest", "less often")
        wanted = "more epochs" if temperature < 1 else "less overfitting"
        say(
            f"temperature of {name}: {temperature:g} is the {end} that is tried ({GRID[0]:g} to {GRID[-1]:g}), so that its "
            f"probabilities are not calibrated: it is right {much} than it says on {count} validation pictures; "
            f"wanted more of them, or {wanted}"
        )


def _temperatures(card: ModelCard) -> str:
    named = [f"{name} {head.temperature:g}" for name, head in card.outputs.items() if head.labels]
    blend = [f"reported {card.blend_temperature:g}"] if len(card.blend) != 1 else []
    return f"temperatures: {', '.join(named + blend)}"


def _command(config: str, changes: dict[str, Any], data: list[Path]) -> str:
    """The command without this machine's paths, as a shell takes it."""
    words = ["mien", "train", Path(config).name.removesuffix(".toml")]
    for name, value in changes.items():
        option = name.replace(".", "-").replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif isinstance(value, list):
            words += [f"--{option}", ",".join(map(str, value))]
        else:
            words += [f"--{option}", _toml(value) if isinstance(value, Mapping) else str(value)]
    return shlex.join([*words, *(word for path in data for word in ("--data", path.name))])


def _toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(name)} = {_toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
