"""`mien analyze`: pictures in; a row for each face out, and annotated pictures if asked for."""

from __future__ import annotations

import dataclasses
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.cli.render import RunTalk
    from mien.options import AnalyzeOptions
    from mien.sinks.registry import OwnOutputs
    from mien.sinks.sink import Sink
    from mien.types import Drawer
    from mien.unsure import UnsureRules

OUTPUT, DRAWING, DOUBT, READING = "Output", "Annotated pictures", "When a face is marked unsure", "Reading"


def analyze(
    inputs: Annotated[list[str], typer.Argument(metavar="IN", help="Pictures, folders, patterns in quotes, http(s) URLs, - for stdin.")],
    detector: Annotated[
        str, typer.Option(help="Face detector: yunet, yunet:full, haar:alt2, mtcnn, mediapipe ... (mien models list).")
    ] = "yunet",
    model: Annotated[
        str, typer.Option(help="Recogniser: a name (mien models list), or an .onnx file with its .json card beside it.")
    ] = "base",
    affect: Annotated[
        str, typer.Option(help="Where valence and arousal come from: model, none, or expected under the anchors adfes2011, crowd, legacy.")
    ] = "model",
    min_score: Annotated[float | None, typer.Option(help="Leave out faces with a lower detection score, 0..1.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads of the networks; 0 takes all cores.")] = 0,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            help="x.csv, x.jsonl, x.parquet: the table. x.jpg, x.png: the annotated picture. DIR: annotated pictures and results.csv "
            "(unless another -o takes the table). -: JSON Lines on stdout. May be given several times; a file that is there is replaced.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="JSON Lines on stdout even when it is a terminal, which otherwise gets a table.", rich_help_panel=OUTPUT
        ),
    ] = False,
    va: Annotated[
        bool,
        typer.Option(
            "--va", help="Valence and arousal on pictures and in the table on a terminal; files always have them.", rich_help_panel=OUTPUT
        ),
    ] = False,
    save_crops: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Save each face, 160x160: DIR/faces/selected, and DIR/faces/rejected if unsure.", rich_help_panel=OUTPUT
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, notices and closing line; failures are told.", rich_help_panel=OUTPUT)
    ] = False,
    colour: Annotated[
        str, typer.Option(help="What the boxes' colour says: emotion, valence or confidence.", rich_help_panel=DRAWING)
    ] = "emotion",
    palette: Annotated[
        str, typer.Option(help="Colours of the emotions: tol (safe for colour-blind viewers) or tableau.", rich_help_panel=DRAWING)
    ] = "tol",
    preset: Annotated[
        str | None,
        typer.Option(help="An earlier project's rules: r0, r1, r2 or r3 (r3 sets --unsure-rules r3 too).", rich_help_panel=DRAWING),
    ] = None,
    affect_scale: Annotated[
        str,
        typer.Option(
            help="Scale of valence and arousal for human eyes: unit (-1..1) or seven (1..7); files have -1..1.", rich_help_panel=DRAWING
        ),
    ] = "unit",
    language: Annotated[str, typer.Option(help="Language of the captions: en or ru.", rich_help_panel=DRAWING)] = "en",
    anonymize: Annotated[
        bool, typer.Option("--anonymize", help="Make the faces unrecognisable on the pictures.", rich_help_panel=DRAWING)
    ] = False,
    drawer: Annotated[
        str, typer.Option(help="A plug-in's drawer; the options above are for mien's own.", rich_help_panel=DRAWING)
    ] = "mien",
    unsure_rules: Annotated[str | None, typer.Option(help="default, r3 or never; single thresholds below.", rich_help_panel=DOUBT)] = None,
    unsure_score: Annotated[float | None, typer.Option(help="Detection score up to this, 0..1.", rich_help_panel=DOUBT)] = None,
    unsure_size: Annotated[float | None, typer.Option(help="Shorter side of the box below this, pixels.", rich_help_panel=DOUBT)] = None,
    unsure_blur: Annotated[float | None, typer.Option(help="Share of fine detail below this.", rich_help_panel=DOUBT)] = None,
    unsure_yaw: Annotated[float | None, typer.Option(help="Turned to a side by more than this, degrees.", rich_help_panel=DOUBT)] = None,
    unsure_pitch: Annotated[
        float | None, typer.Option(help="Nodding up or down by more than this, degrees.", rich_help_panel=DOUBT)
    ] = None,
    unsure_confidence: Annotated[
        float | None, typer.Option(help="Probability of the top emotion below this, 0..1.", rich_help_panel=DOUBT)
    ] = None,
    no_recursive: Annotated[
        bool, typer.Option("--no-recursive", help="Leave out the subfolders of folders.", rich_help_panel=READING)
    ] = False,
    max_side: Annotated[int, typer.Option(help="Refuse pictures with more pixels a side.", rich_help_panel=READING)] = 12_000,
    max_pixels: Annotated[int, typer.Option(help="Refuse pictures with more pixels in all.", rich_help_panel=READING)] = 144_000_000,
    max_bytes: Annotated[int, typer.Option(help="Refuse files with more bytes.", rich_help_panel=READING)] = 1_200_000_000,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Fetch URLs at private and loopback addresses too.", rich_help_panel=READING)
    ] = False,
    url_timeout: Annotated[float, typer.Option(help="Seconds for one URL, all in all.", rich_help_panel=READING)] = 10.0,
    url_max_bytes: Annotated[int, typer.Option(help="Refuse URLs with more bytes.", rich_help_panel=READING)] = 50_000_000,
) -> None:
    """Find faces in pictures and read the expressions they show.

    Without -o the table goes to stdout: as JSON Lines, or for human eyes when stdout is a terminal.
    """
    from mien.cli.render import RunTalk
    from mien.io.images import ImageLimits
    from mien.options import AnalyzeOptions
    from mien.sinks.registry import OwnOutputs, Sinks, open_sinks
    from mien.vision.style import Style

    if anonymize and min_score is not None:
        raise UsageError("--anonymize hides the faces that are found, and --min-score leaves some of those out: they would stay visible")
    style = Style(language=language, colour=colour, palette=palette, preset=preset, show_affect=va, affect_scale=affect_scale)
    thresholds = {
        "min_score": unsure_score,
        "min_size": unsure_size,
        "min_sharpness": unsure_blur,
        "max_yaw": unsure_yaw,
        "max_pitch": unsure_pitch,
        "min_confidence": unsure_confidence,
    }
    rules = _rules(unsure_rules or ("r3" if preset == "r3" else "default"), thresholds)
    options = AnalyzeOptions(detector=detector, model=model, affect=affect, min_score=min_score, unsure=rules, threads=threads)
    reading: dict[str, Any] = {
        "recursive": not no_recursive,
        "limits": ImageLimits(max_side=max_side, max_pixels=max_pixels, max_bytes=max_bytes),
        "allow_private": allow_private,
    }
    if any("://" in given for given in inputs):
        reading["fetch"] = _fetch(url_timeout, url_max_bytes)
    talk = RunTalk(total=len(inputs) if all(map(os.path.isfile, inputs)) else None, quiet=quiet)
    folders = [Path(target) for target in output or [] if target != "-"]
    sinks: list[Sink] = (
        [open_sinks(output, drawer=_drawer(style, drawer, anonymize=anonymize), inputs=inputs)]
        if output
        else [_stdout(talk, as_json, va, style.affect_scale)]
    )
    if save_crops is not None:
        from mien.sinks.crops import CropsSink
        from mien.sinks.originals import Originals

        sinks.append(CropsSink(save_crops, originals=Originals.of(inputs)))
    _run(inputs, options, reading, Sinks(sinks), talk, OwnOutputs(folders, inputs))


def _run(inputs: list[str], options: AnalyzeOptions, reading: dict[str, Any], sinks: Sink, talk: RunTalk, own: OwnOutputs) -> None:
    """Do the work. Leaves with exit code 1 when nothing could be read, 3 when some could not be read or drawn."""
    from mien.cli.main import INTERRUPTED, NOTHING_DONE, SOME_FAILED
    from mien.io.events import Failure
    from mien.pipeline import Analyzed, Analyzer
    from mien.sinks.sink import PictureNotWritten

    skipped = 0
    try:
        with sinks:
            for item in Analyzer(options).stream(inputs, **reading):
                if item_source(item) in own:
                    skipped += 1
                elif isinstance(item, Analyzed):
                    try:
                        sinks.write(item.frame, item.result)
                    except PictureNotWritten as error:
                        talk.fail(item.result.source, error, counted=False)
                    talk.done(item.result)
                elif isinstance(item, Failure):
                    talk.fail(item.source, item.error)
                else:
                    talk.notice(item.source, item.message)
    except KeyboardInterrupt:
        talk.close()
        talk.summary(sinks.what if talk.pictures else "", interrupted=True)
        raise typer.Exit(INTERRUPTED) from None
    finally:
        talk.close()
    if skipped:
        talk.notice("output folder", f"lies in a folder that is read; {skipped} of its pictures were left out")
    talk.summary(sinks.what if talk.pictures else "")
    if not talk.pictures:
        raise typer.Exit(NOTHING_DONE)
    if talk.failures:
        raise typer.Exit(SOME_FAILED)


def item_source(item: Any) -> str:
    """Where an item of a stream comes from."""
    return str(item.frame.source if hasattr(item, "frame") else item.source)


def _rules(name: str, thresholds: dict[str, float | None]) -> UnsureRules:
    from mien.unsure import rules

    return dataclasses.replace(rules(name), **{field: value for field, value in thresholds.items() if value is not None})


def _fetch(timeout: float, max_bytes: int) -> Any:
    from mien.io.fetch import fetch

    if timeout <= 0 or max_bytes < 1:
        raise UsageError(f"--url-timeout is {timeout:g} and --url-max-bytes {max_bytes}; wanted more than 0 seconds and at least 1 byte")
    return partial(fetch, timeout_seconds=timeout, max_bytes=max_bytes)


def _drawer(style: Any, name: str, *, anonymize: bool) -> Drawer:
    """The drawer that was asked for, on pictures with hidden faces if asked for."""
    from mien.drawers import drawer
    from mien.types import Image, Result
    from mien.vision.draw import anonymize as hide
    from mien.vision.draw import draw

    plain: Drawer = partial(draw, style=style) if name == "mien" else drawer(name)

    def hiding(image: Image, result: Result) -> Image:
        return plain(hide(image, result.faces), result)

    return hiding if anonymize else plain


def _stdout(talk: RunTalk, as_json: bool, va: bool, scale: str) -> Sink:
    from mien.cli.render import TerminalSink
    from mien.sinks.tables import StdoutSink

    return StdoutSink() if as_json or not sys.stdout.isatty() else TerminalSink(affect=va, scale=scale, talk=talk)
