"""`mien analyze`: pictures in; a row for each face out, and annotated pictures if asked for."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import options as given
from mien.cli.exit_codes import INTERRUPTED, NOTHING_DONE, SOME_FAILED, TERMINATED
from mien.errors import UsageError
from mien.io.names import camera_number, is_live

if TYPE_CHECKING:
    from mien.cli.render import RunTalk
    from mien.pipeline import Analyzed
    from mien.profile import Profile
    from mien.sinks.registry import OwnOutputs
    from mien.sinks.sink import Sink
    from mien.sinks.unfinished import UnfinishedSink
    from mien.types import Drawer

NO_WINDOW = "--show: no window can be opened here (mien doctor); leave it out, and write the annotated pictures by -o DIR or -o x.mp4"


def analyze(
    ctx: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN",
            help="Pictures, videos, folders, patterns in quotes, http(s) URLs, - for stdin. Or, by itself, the number of a camera or the "
            "address of a stream (rtsp:// ...), which is watched as by mien live.",
        ),
    ],
    detector: given.PresetDetector = None,
    model: given.Model = "base",
    affect: given.Affect = "model",
    min_score: given.MinScore = None,
    threads: given.Threads = 0,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            help="x.csv, x.jsonl, x.parquet: the table. x.jpg, x.png, x.mp4: the annotated picture or video. x.html: a page with charts. "
            "DIR: annotated pictures, videos and results.csv (unless another -o takes the table). -: JSON Lines on stdout. "
            "May be given several times; a file that is there is replaced.",
            rich_help_panel=given.OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the table (x.csv, x.jsonl, or DIR's) that an interrupted run of the same command left: inputs whose rows "
            "are in it are not read again, except the last, which may not be whole. Beside an unfinished x.csv lies x.csv.unfinished: the "
            "options that must be the same, and what could not be read.",
            rich_help_panel=given.OUTPUT,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="JSON Lines on stdout even when it is a terminal, which otherwise gets a table.", rich_help_panel=given.OUTPUT
        ),
    ] = False,
    va: given.ShowAffect = False,
    save_crops: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Save each face, 160x160: DIR/faces/selected, and DIR/faces/rejected if unsure. 0.9731.000012.jpg is the face with "
            "the ordinal 12, from 0, and this detection score; where crops lie already, counting goes on behind them.",
            rich_help_panel=given.OUTPUT,
        ),
    ] = None,
    session: given.SessionName = None,
    store: given.StoreUrl = None,
    profile: Annotated[bool, typer.Option("--profile", help="Tell at the end where the time went.", rich_help_panel=given.OUTPUT)] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show",
            help="Show each annotated frame in a window as it is analysed, and each picture until a key is pressed; Esc or q ends the run.",
            rich_help_panel=given.OUTPUT,
        ),
    ] = False,
    quiet: given.Quiet = False,
    colour: given.Colour = "emotion",
    palette: given.Palette = "tol",
    preset: given.Preset = None,
    affect_scale: given.AffectScale = "unit",
    language: given.Language = "en",
    anonymize: given.Anonymize = False,
    drawer: given.DrawerName = "mien",
    unsure_rules: given.UnsureRulesName = None,
    unsure_score: given.UnsureScore = None,
    unsure_size: given.UnsureSize = None,
    unsure_cut: given.UnsureCut = None,
    unsure_blur: given.UnsureBlur = None,
    unsure_yaw: given.UnsureYaw = None,
    unsure_pitch: given.UnsurePitch = None,
    unsure_confidence: given.UnsureConfidence = None,
    every: Annotated[
        float | None,
        typer.Option(help="Take a frame of a video each so many seconds, instead of every frame.", rich_help_panel=given.READING),
    ] = None,
    stride: Annotated[int, typer.Option(help="Take every n-th frame of a video.", rich_help_panel=given.READING)] = 1,
    start: Annotated[float | None, typer.Option("--from", help="Begin at this second of a video.", rich_help_panel=given.READING)] = None,
    stop: Annotated[float | None, typer.Option("--to", help="End before this second of a video.", rich_help_panel=given.READING)] = None,
    as_video: Annotated[
        float | None,
        typer.Option(
            metavar="FPS",
            help="Take the pictures of each folder for the frames of one recording, so many a second, in the order of the numbers in their "
            "names: people are followed over them.",
            rich_help_panel=given.READING,
        ),
    ] = None,
    no_follow: given.NoFollow = False,
    smooth: given.Smooth = given.TIME_DEFAULTS.smooth,
    smooth_seconds: given.SmoothSeconds = given.TIME_DEFAULTS.smooth_seconds,
    detect_every: given.DetectEvery = 1,
    reentry: given.Reentry = 0.0,
    baseline: given.Baseline = None,
    turn: given.Turn = 0,
    no_recursive: Annotated[
        bool, typer.Option("--no-recursive", help="Leave out the subfolders of folders.", rich_help_panel=given.READING)
    ] = False,
    max_side: Annotated[int, typer.Option(help="Refuse pictures with more pixels a side.", rich_help_panel=given.READING)] = 12_000,
    max_pixels: Annotated[int, typer.Option(help="Refuse pictures with more pixels in all.", rich_help_panel=given.READING)] = 144_000_000,
    max_bytes: Annotated[int, typer.Option(help="Refuse files with more bytes.", rich_help_panel=given.READING)] = 1_200_000_000,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Fetch URLs at private and loopback addresses too.", rich_help_panel=given.READING)
    ] = False,
    url_timeout: Annotated[float, typer.Option(help="Seconds for one URL, all in all.", rich_help_panel=given.READING)] = 10.0,
    url_max_bytes: Annotated[int, typer.Option(help="Refuse URLs with more bytes.", rich_help_panel=given.READING)] = 50_000_000,
) -> None:
    """Find faces in pictures and videos and read the expressions they show.

    Without -o the table goes to stdout: as JSON Lines, or for human eyes when stdout is a terminal.
    """
    from mien.cli.baselines import BaselineNotice
    from mien.cli.growing import GrowingTable
    from mien.cli.hidden import HiddenNotice
    from mien.cli.render import RunTalk, say_profile
    from mien.cli.total import total
    from mien.drawers import styled
    from mien.hiding import refuse_half_hidden
    from mien.io.images import ImageLimits
    from mien.io.sources import has_streams
    from mien.io.video import VideoSpan
    from mien.options import AnalyzeOptions
    from mien.pipeline import Analyzer
    from mien.provenance import Provenance
    from mien.sinks.baseline import after_baseline
    from mien.sinks.registry import OwnOutputs, Sinks, open_sinks
    from mien.table import columns as table_columns
    from mien.vision.style import Style
    from mien.window import has_screen

    if show and not has_screen():
        raise UsageError(NO_WINDOW)
    if any(map(is_live, inputs)):
        _watch(ctx, inputs)
        return
    if as_video is not None:
        _check_as_video(as_video, inputs)
    if anonymize and save_crops is not None:
        raise UsageError("--anonymize hides faces, and --save-crops saves them as they are; leave one of the two out")
    style = Style(language=language, colour=colour, palette=palette, preset=preset, show_affect=va, affect_scale=affect_scale)
    drawn = styled(style, drawer, anonymize=anonymize)
    thresholds = {
        "min_score": unsure_score,
        "min_size": unsure_size,
        "max_cut": unsure_cut,
        "min_sharpness": unsure_blur,
        "max_yaw": unsure_yaw,
        "max_pitch": unsure_pitch,
        "min_confidence": unsure_confidence,
    }
    rules = given.unsure_rules_of(unsure_rules, preset, thresholds)
    track = given.track_options(
        no_follow=no_follow, smooth=smooth, smooth_seconds=smooth_seconds, detect_every=detect_every, reentry=reentry, baseline=baseline
    )
    detector = given.detector_of(detector, preset)
    if not quiet:
        given.tell_of_scores(rules, detector)
    options = AnalyzeOptions(
        detector=detector, model=model, affect=affect, min_score=min_score, unsure=rules, track=track, threads=threads
    )  # fmt: skip
    reading: dict[str, Any] = {
        "span": VideoSpan(every=every, stride=stride, start=start, stop=stop),
        "turn": turn,
        "recursive": not no_recursive,
        "once": True,
        "as_video": as_video,
        "limits": ImageLimits(max_side=max_side, max_pixels=max_pixels, max_bytes=max_bytes),
        "allow_private": allow_private,
    }
    if any("://" in name for name in inputs):
        reading["fetch"] = _fetch(url_timeout, url_max_bytes)
    streams = has_streams(inputs, recursive=not no_recursive, as_video=as_video)
    folders = [Path(target) for target in output or [] if target != "-"]
    columns = table_columns(raw=streams and track.smooths, delta=baseline is not None)
    how = Provenance.of(options, reading["span"], turn=turn, as_video=as_video)
    table = GrowingTable.begun(output or [], how, all_at_once=session is not None or save_crops is not None)
    if resume:
        table = table.gone_on_with(columns, inputs, recursive=not no_recursive, as_video=as_video)
    reading["skip"] = frozenset(table.done.sources)
    analyzer = Analyzer(options)
    table.refuse_other_model(analyzer.model)
    if anonymize:
        refuse_half_hidden(analyzer, "--anonymize", streams=streams)
    left = [name for name in inputs if name not in reading["skip"]]
    own = OwnOutputs(folders, inputs)
    number = None
    if not quiet and sys.stderr.isatty():  # else there is no bar
        number = total(
            left,
            reading["span"],
            recursive=not no_recursive,
            as_video=as_video,
            leaves_out=lambda name: name in reading["skip"] or name in own,
        )
    talk = RunTalk(total=number, quiet=quiet, noun="frame" if streams else "picture")
    table.tell(talk)
    settings = {
        "columns": columns,
        "done": table.done,
        "baseline": track.baseline,
        "span": reading["span"],
        "recursive": reading["recursive"],
        "as_video": as_video,
        "language": language,
        "affect_scale": affect_scale,
        "how": how,
    }
    sinks: list[Sink] = []
    if output:
        sinks.append(open_sinks(output, drawer=drawn, inputs=inputs, **settings))
    elif session is None or as_json:
        sinks.append(after_baseline(_stdout(talk, as_json, va, style.affect_scale), track.baseline))
    unfinished = table.sink()
    if unfinished is not None:
        sinks.append(unfinished)
    if session is not None:
        sinks.append(given.session_sink(store, session, options, how, columns))
    if track.baseline is not None:
        sinks.append(BaselineNotice(track.baseline, talk.notice))
    if anonymize:
        sinks.append(HiddenNotice(analyzer, talk.notice))
    if save_crops is not None:
        from mien.sinks.crops import CropsSink
        from mien.sinks.originals import Originals

        sinks.append(CropsSink(save_crops, originals=Originals.of(inputs)))
    with _screen(drawn) if show else nullcontext() as screen:
        _run(analyzer.stream(inputs, **reading), Sinks(sinks), talk, own, analyzer.profile, screen, unfinished)
    if profile:
        say_profile(analyzer.profile, talk.pictures)
    leave(talk, before=len(table.done.sources))


def _check_as_video(rate: float, inputs: list[str]) -> None:
    """Raise UsageError for what is no rate, and for a video, whose own times would stay what they are."""
    from mien.io.kinds import is_video_name
    from mien.io.sequences import check_rate

    check_rate(rate)
    if video := next(filter(is_video_name, inputs), ""):
        raise UsageError(
            f"--as-video {rate:g}: says how fast the pictures of a folder were taken, and {video} is a video, which has times of its own; "
            f"to read {rate:g} of its frames a second: --every {1 / rate:g}"
        )


def _watch(ctx: typer.Context, inputs: list[str]) -> None:
    """Do what `mien live` does, with the options that both verbs have. Raises UsageError for others, and for further inputs."""
    from mien.cli.live import live
    from mien.io.fetch import shown

    source = next(filter(is_live, inputs))
    what = f"{shown(source)} is a {'stream' if camera_number(source) is None else 'camera'}"
    if len(inputs) > 1:
        raise UsageError(f"{what}, which is watched by itself: mien live {shown(source)}")
    both = inspect.signature(live).parameters.keys() & ctx.params.keys()
    for option in ctx.command.params:
        found = ctx.get_parameter_source(option.name or "")
        if option.name not in {*both, "inputs", "show"} and found is not None and found.name != "DEFAULT":
            raise UsageError(f"{option.opts[0]}: not for cameras and streams, and {what}; what there is for them: mien live --help")
    live(source, **{name: ctx.params[name] for name in both})


@contextmanager
def _screen(drawer: Drawer) -> Iterator[Callable[[Analyzed], bool]]:
    """A function that shows a picture with what was found, a single one until a key is pressed; false when the window was closed."""
    from mien.watch import show
    from mien.window import open_window

    window = open_window()
    if window is None:
        raise UsageError(NO_WINDOW)
    with window:

        def turn(pair: Analyzed) -> bool:
            show(window, pair, drawer)
            if not pair.frame.stream:
                window.wait()
            return not window.closed

        yield turn


def _run(
    items: Generator[Any, None, None],
    sinks: Sink,
    talk: RunTalk,
    own: OwnOutputs,
    profile: Profile,
    screen: Callable[[Analyzed], bool] | None,
    unfinished: UnfinishedSink | None,
) -> None:
    """Do the work, and tell of what failed.

    screen: shows what was done; nothing more is when it gives false. unfinished: the one among the sinks that is told where that leaves
    something.
    """
    from mien.interrupt import Terminated, terminable
    from mien.io.events import Failure
    from mien.pipeline import Analyzed
    from mien.sinks.sink import PictureNotWritten

    skipped = 0
    try:
        with terminable(), closing(items), sinks:  # closed, so that no thread is at work when a sink's fault ends the process
            for item in items:
                if item_source(item) in own:
                    skipped += 1
                elif isinstance(item, Analyzed):
                    try:
                        with profile.stage("write"):
                            sinks.write(item.frame, item.result)
                    except PictureNotWritten as error:
                        talk.fail(item.result.source, error, counted=False)
                    talk.done(item.result)
                    if screen is not None and not screen(item):
                        if next(items, None) is not None:
                            talk.notice(f"{item.result.source}: the window was closed here; what comes after it is not read")
                            if unfinished is not None:
                                unfinished.stays = True
                        break
                elif isinstance(item, Failure):
                    talk.fail(item.source, item.error)
                    sinks.failed(item.source, item.error)
                else:
                    talk.notice(f"{item.source}: {item.message}")
    except KeyboardInterrupt as end:
        talk.close()
        talk.summary(sinks.what if talk.pictures else "", interrupted=True)
        raise typer.Exit(TERMINATED if isinstance(end, Terminated) else INTERRUPTED) from None
    finally:
        talk.close()
    if skipped:
        talk.notice(f"output folder: lies in a folder that is read; {skipped} of its pictures were left out")
    talk.summary(sinks.what if talk.pictures else "")


def leave(talk: RunTalk, *, before: int = 0) -> None:
    """Leave with exit code 1 when nothing could be read, 3 when some could not be read or drawn. before: inputs of an earlier run."""
    if not talk.pictures and not (before and not talk.failures):
        raise typer.Exit(NOTHING_DONE)
    if talk.failures:
        raise typer.Exit(SOME_FAILED)


def item_source(item: Any) -> str:
    """Where an item of a stream comes from."""
    return str(item.frame.source if hasattr(item, "frame") else item.source)


def _fetch(timeout: float, max_bytes: int) -> Any:
    from mien.io.fetch import fetch

    if timeout <= 0 or max_bytes < 1:
        raise UsageError(f"--url-timeout is {timeout:g} and --url-max-bytes {max_bytes}; wanted more than 0 seconds and at least 1 byte")
    return partial(fetch, timeout_seconds=timeout, max_bytes=max_bytes)


def _stdout(talk: RunTalk, as_json: bool, va: bool, scale: str) -> Sink:
    from mien.cli.render import TerminalSink
    from mien.sinks.tables import StdoutSink

    return StdoutSink() if as_json or not sys.stdout.isatty() else TerminalSink(affect=va, scale=scale, talk=talk)
