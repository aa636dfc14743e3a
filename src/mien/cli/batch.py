"""`mien batch`: many files in, one table out; read by many processes at once, here or on a cluster."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options as given
from mien.cli.exit_codes import INTERRUPTED, TERMINATED
from mien.errors import SourceUnreadable, UsageError

if TYPE_CHECKING:
    from mien.cli.render import RunTalk
    from mien.cluster.work import Answer
    from mien.io.events import Failure, Notice
    from mien.sinks.parquet import ParquetSink
    from mien.sinks.tables import LineSink
    from mien.sinks.unfinished import UnfinishedSink

WORKERS = "Workers"
"""Panel of the help."""


def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="IN", help="Pictures, videos, folders, patterns in quotes, http(s) URLs. On a cluster: as its machines see them."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", help="x.csv, x.jsonl or x.parquet: the table, as mien analyze writes it.", rich_help_panel=given.OUTPUT
        ),
    ],
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Of a Ray cluster: ray://head:10001, or auto on one of its machines. Default: processes of this machine alone.",
            rich_help_panel=WORKERS,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes of this machine; 0: one a core.", rich_help_panel=WORKERS)] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each worker.", rich_help_panel=WORKERS)] = 1,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the table (x.csv, x.jsonl) that an interrupted run of the same command left, as mien analyze does.",
            rich_help_panel=given.OUTPUT,
        ),
    ] = False,
    quiet: given.Quiet = False,
    detector: given.Detector = "yunet",
    model: given.Model = "base",
    affect: given.Affect = "model",
    min_score: given.MinScore = None,
    unsure_rules: given.UnsureRulesName = None,
    every: Annotated[
        float | None,
        typer.Option(help="Take a frame of a video each so many seconds, instead of every frame.", rich_help_panel=given.READING),
    ] = None,
    turn: given.Turn = 0,
    no_recursive: Annotated[
        bool, typer.Option("--no-recursive", help="Leave out the subfolders of folders.", rich_help_panel=given.READING)
    ] = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Fetch URLs at private and loopback addresses too.", rich_help_panel=given.READING)
    ] = False,
    no_follow: given.NoFollow = False,
    smooth: given.Smooth = given.TIME_DEFAULTS.smooth,
    smooth_seconds: given.SmoothSeconds = given.TIME_DEFAULTS.smooth_seconds,
    detect_every: given.DetectEvery = 1,
    reentry: given.Reentry = 0.0,
) -> None:
    """Read many files on many cores, or on a cluster of machines by Ray, into one table.

    Several processes read at once, each with models of its own. The table is that of mien analyze, in the same order. A picture or video
    that kills its process is named, and the others are read.
    """
    from mien.cli.analyze import leave
    from mien.cli.growing import GrowingTable
    from mien.cli.render import RunTalk
    from mien.cli.total import total
    from mien.cluster.answers import answers
    from mien.cluster.blocks import blocks
    from mien.cluster.processes import Processes
    from mien.cluster.ray_workers import RayWorkers
    from mien.cluster.work import Order
    from mien.interrupt import Terminated, terminable
    from mien.io.pixels import check_turn
    from mien.io.sources import has_streams, names_of
    from mien.io.video import VideoSpan
    from mien.machine import cores
    from mien.options import AnalyzeOptions
    from mien.pipeline import Analyzer
    from mien.provenance import Provenance
    from mien.sinks.originals import Originals
    from mien.sinks.registry import TABLES, table_sink
    from mien.table import columns as table_columns

    if output.suffix.lower() not in TABLES or output.is_dir():
        raise UsageError(
            f"{output}: a batch writes a table, wanted {', '.join(TABLES)}; pictures, videos and pages are made by mien analyze"
        )
    if Originals.of(inputs).protects(output):
        raise UsageError(f"{output}: is one of the inputs, which are never overwritten; choose another name")
    if cluster and workers:
        raise UsageError(f"--workers {workers}: says how many processes of this machine read, and a cluster has its own; leave it out")
    check_turn(turn)
    track = given.track_options(
        no_follow=no_follow, smooth=smooth, smooth_seconds=smooth_seconds, detect_every=detect_every, reentry=reentry, baseline=None
    )
    rules = given.unsure_rules_of(unsure_rules, None)
    if not quiet:
        given.tell_of_scores(rules, detector)
    options = AnalyzeOptions(
        detector=detector, model=model, affect=affect, min_score=min_score, unsure=rules, track=track, threads=threads
    )  # fmt: skip
    order = Order(options, VideoSpan(every=every), turn, allow_private=allow_private)
    streams = has_streams(inputs, recursive=not no_recursive)
    columns = table_columns(raw=streams and track.smooths)
    how = Provenance.of(options, order.span, turn=turn)
    table = GrowingTable.begun([str(output)], how, all_at_once=False)
    if resume:
        table = table.gone_on_with(columns, inputs, recursive=not no_recursive, as_video=None)
    done = frozenset(table.done.sources)
    table.refuse_other_model(Analyzer(options).model)  # which also tells of a model or detector that there is not, before anything begins
    number = None
    if not quiet and sys.stderr.isatty():
        number = total(inputs, order.span, recursive=not no_recursive, as_video=None, leaves_out=done.__contains__)
    talk = RunTalk(total=number, quiet=quiet, noun="frame" if streams else "picture")
    table.tell(talk)
    names = names_of(inputs, recursive=not no_recursive, skip=done)
    sink, unfinished = table_sink(output, columns, how, kept=table.done.kept), table.sink()
    try:
        # Ray begins first: it takes signals for itself.
        with RayWorkers(order, cluster) if cluster else Processes(order, workers or max(cores() // threads, 1)) as readers, terminable():
            _write(answers(blocks(_named(names, talk, unfinished)), readers), sink, unfinished, talk)
    except KeyboardInterrupt as end:
        talk.close()
        talk.summary(sink.what if talk.pictures else "", interrupted=True)
        raise typer.Exit(TERMINATED if isinstance(end, Terminated) else INTERRUPTED) from None
    finally:
        talk.close()
    talk.summary(sink.what if talk.pictures else "")
    leave(talk, before=len(done))


def _named(found: Iterator[str | Failure | Notice], talk: RunTalk, unfinished: UnfinishedSink | None) -> Iterator[str]:
    """Names of what is to be read; the rest is told of."""
    from mien.io.events import Failure

    for one in found:
        if isinstance(one, str):
            yield one
        elif isinstance(one, Failure):
            talk.fail(one.source, one.error)
            if unfinished is not None:
                unfinished.failed(one.source, one.error)
        else:
            talk.notice(f"{one.source}: {one.message}")


def _write(found: Generator[Answer, None, None], sink: LineSink | ParquetSink, unfinished: UnfinishedSink | None, talk: RunTalk) -> None:
    """Add the rows of each block to the table as it comes."""
    with closing(found), ExitStack() as closed:
        for one in (sink, unfinished):
            if one is not None:
                closed.enter_context(one)
        for answer in found:
            if answer.rows is not None:
                if unfinished is not None:
                    unfinished.begin()
                sink.add(answer.rows.rows())
            talk.count(answer.frames, answer.faces)
            for source, why in answer.failures:
                talk.fail(source, error := SourceUnreadable(why))
                if unfinished is not None:
                    unfinished.failed(source, error)
            for notice in answer.notices:
                talk.notice(f"{notice.source}: {notice.message}")
