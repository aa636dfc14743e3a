"""`mien live`: a camera or stream, watched until Esc, q or Ctrl-C; then the page of the session."""

from __future__ import annotations

import math
import shlex
import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from mien.cli import options as given
from mien.cli.exit_codes import NOTHING_DONE, SOME_FAILED
from mien.errors import UsageError
from mien.io.names import is_url

if TYPE_CHECKING:
    from mien.cli.live_talk import LiveTalk
    from mien.options import AnalyzeOptions
    from mien.sinks.sink import Sink
    from mien.types import Drawer


def live(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="Number of a camera; a video file, played as if it were one; or a URL: rtsp://, http:// (Motion JPEG, HLS) and others.",
        ),
    ] = "0",
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
            help="x.csv, x.jsonl, x.parquet: the table. x.mp4: the annotated video. x.html: the page. -: JSON Lines on stdout. "
            "May be given several times; a file that is there is replaced.",
            rich_help_panel=given.OUTPUT,
        ),
    ] = None,
    session: given.SessionName = None,
    store: given.StoreUrl = None,
    every: Annotated[
        float | None, typer.Option(help="Record a sample each so many seconds instead of every frame.", rich_help_panel=given.OUTPUT)
    ] = None,
    no_show: Annotated[bool, typer.Option("--no-show", help="Open no window.", rich_help_panel=given.OUTPUT)] = False,
    no_page: Annotated[bool, typer.Option("--no-page", help="Open no page at the end.", rich_help_panel=given.OUTPUT)] = False,
    seconds: Annotated[
        float | None, typer.Option("--for", help="End so many seconds after the first frame.", rich_help_panel=given.OUTPUT)
    ] = None,
    va: given.ShowAffect = False,
    quiet: given.Quiet = False,
    colour: given.Colour = "emotion",
    palette: given.Palette = "tol",
    preset: given.Preset = None,
    affect_scale: given.AffectScale = "unit",
    language: given.Language = "en",
    anonymize: given.Anonymize = False,
    drawer: given.DrawerName = "mien",
    unsure_rules: given.UnsureRulesName = None,
    no_follow: given.NoFollow = False,
    smooth: given.Smooth = given.TIME_DEFAULTS.smooth,
    smooth_seconds: given.SmoothSeconds = given.TIME_DEFAULTS.smooth_seconds,
    detect_every: given.DetectEvery = 1,
    reentry: given.Reentry = 0.0,
    baseline: given.Baseline = None,
    turn: given.Turn = 0,
    width: Annotated[int, typer.Option(help="Ask the camera for this width.", rich_help_panel=given.READING)] = 0,
    height: Annotated[int, typer.Option(help="Ask the camera for this height.", rich_help_panel=given.READING)] = 0,
    fps: Annotated[float, typer.Option(help="Ask the camera for so many frames a second.", rich_help_panel=given.READING)] = 0,
    reconnect: Annotated[
        float, typer.Option(help="Longest wait in seconds between tries to connect again; 0: no tries.", rich_help_panel=given.READING)
    ] = 10.0,
    read_timeout: Annotated[
        float,
        typer.Option(
            help="Seconds without a frame after which a stream counts as lost; more for one that is slow.", rich_help_panel=given.READING
        ),
    ] = 5.0,
    give_up: Annotated[
        float | None,
        typer.Option(
            help="Try no more when the source has been gone for so many seconds. A source that is not there at the start is waited for too "
            "then; without this the first try must do.",
            rich_help_panel=given.READING,
        ),
    ] = None,
) -> None:
    """Watch a camera, a stream or a video as it plays; Esc, q or Ctrl-C ends it.

    The newest frame is always the next one: what comes while a frame is worked on is left out. At the end the page of the session opens;
    without a screen, -o x.html writes it, and after --session NAME mien report NAME. No picture is kept unless -o x.mp4 asks for it.
    """
    from mien.drawers import styled
    from mien.hiding import refuse_half_hidden
    from mien.io.camera import CONNECT_SECONDS
    from mien.io.span import VideoSpan
    from mien.options import AnalyzeOptions
    from mien.provenance import Provenance
    from mien.sinks.page import LIVE_ROWS
    from mien.sinks.registry import open_sinks
    from mien.table import columns as table_columns
    from mien.vision.style import Style
    from mien.window import has_screen

    if seconds is not None and not seconds > 0:
        raise UsageError(f"--for is {seconds:g}; wanted seconds, more than 0")
    if not 0 < read_timeout < math.inf:
        raise UsageError(f"--read-timeout is {read_timeout:g}; wanted seconds, more than 0")
    style = Style(language=language, colour=colour, palette=palette, preset=preset, show_affect=va, affect_scale=affect_scale)
    track = given.track_options(
        no_follow=no_follow, smooth=smooth, smooth_seconds=smooth_seconds, detect_every=detect_every, reentry=reentry, baseline=baseline
    )
    rules = given.unsure_rules_of(unsure_rules, preset)
    detector = given.detector_of(detector, preset)
    if not quiet:
        given.tell_of_scores(rules, detector)
    options = AnalyzeOptions(detector=detector, model=model, affect=affect, min_score=min_score, unsure=rules, track=track, threads=threads)
    drawn = styled(style, drawer, anonymize=anonymize)
    reading = {"width": width, "height": height, "fps": fps, "reconnect": reconnect, "give_up": give_up, "read_seconds": read_timeout}
    reading["turn"] = turn
    reading["connect_seconds"] = max(CONNECT_SECONDS, read_timeout)  # where frames are rare, so is the first
    shows = not no_show and has_screen()
    run = _Session(source, options, reading, drawn, every=every, seconds=seconds, quiet=quiet, shows=shows, anonymize=anonymize)
    if anonymize:
        refuse_half_hidden(run.analyzer, "--anonymize", streams=True)
    columns = table_columns(raw=track.smooths, delta=track.baseline is not None)
    span = VideoSpan(every=every, stop=seconds)
    how = Provenance.of(options, span, turn=turn)
    targets, title, began = list(output or []), "", datetime.now()
    pages = [Path(target) for target in targets if target.lower().endswith(".html")]
    opens_page = not no_page and has_screen()
    if opens_page and not pages:  # one that nobody named
        pages = [Path(f"mien-live-{began:%Y%m%d-%H%M%S}.html")]
        targets.append(str(pages[0]))
        title = f"{session or _title(run.live.source)}, {began:%Y-%m-%d %H:%M}"
    settings = {"columns": columns, "baseline": track.baseline, "title": title, "language": language, "affect_scale": affect_scale}
    if targets:
        run.sinks.append(open_sinks(targets, drawer=drawn, inputs=[source], span=span, page_rows=LIVE_ROWS, how=how, **settings))
    if session is not None:
        run.sinks.append(given.session_sink(store, session, options, how, columns))
    # Where no page can open, it is said how to make it.
    page = _report(session, store) if session is not None and not (pages or no_page or has_screen()) else ""
    run.work(page)
    if opens_page and run.talk.frames:
        _open(pages[0])
    _leave(run.talk)


class _Session:
    """One run of `mien live`: a source, what is recorded where, and what is told."""

    def __init__(
        self,
        source: str,
        options: AnalyzeOptions,
        reading: dict[str, Any],
        drawer: Drawer,
        *,
        every: float | None,
        seconds: float | None,
        quiet: bool,
        shows: bool,
        anonymize: bool,
    ) -> None:
        from mien.cli.live_talk import LiveTalk
        from mien.io.camera import open_live
        from mien.pipeline import Analyzer

        # With a window all frames are worked on and samples of them recorded; without one nobody sees the others.
        self.live = open_live(source, every=None if shows else every, **reading)
        self.talk = LiveTalk(self.live.source, quiet=quiet)
        self.sinks: list[Sink] = []
        self.analyzer = Analyzer(options)
        self._drawer, self._every, self._seconds, self._shows, self._anonymize = drawer, every, seconds, shows, anonymize

    def work(self, page: str = "") -> None:
        """Watch until it is over, and say the closing line. The tables and the page are whole when it returns.

        page: the command that makes the page, where the closing line is to name it.
        """
        from mien.cli.baselines import BaselineNotice
        from mien.cli.hidden import HiddenNotice
        from mien.interrupt import ENDING, heard
        from mien.io.events import Failure
        from mien.pipeline import Analyzed
        from mien.sinks.registry import Sinks, open_sink
        from mien.watch import watch
        from mien.window import open_window

        talk, baseline = self.talk, self.analyzer.options.track.baseline
        if not self.sinks and not (self._shows and sys.stdout.isatty()):
            self.sinks.append(open_sink("-", baseline=baseline))
            talk.status = False  # the rows would run through it
        notices: list[Sink] = [BaselineNotice(baseline, talk.notice)] if baseline and self.sinks else []
        notices += [HiddenNotice(self.analyzer, talk.notice)] if self._anonymize else []
        sinks = Sinks([*self.sinks, *notices])
        try:
            with sinks, ExitStack() as stack:
                window = open_window(f"mien: {self.live.source}") if self._shows else None
                if window is not None:
                    stack.enter_context(window)
                stack.enter_context(self.live)
                stack.enter_context(heard(self.live.stop, *ENDING))  # they end the session as Esc does; a second one ends the program
                for item in watch(
                    self.analyzer, self.live, sink=sinks, every=self._every, window=window, drawer=self._drawer, seconds=self._seconds
                ):
                    if isinstance(item, Analyzed):
                        if not talk.frames and self.sinks and (began := self.live.began):
                            talk.notice(f"0 s is {began.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z by this machine's clock")
                        talk.done(item.result, self.live.stats)
                    elif isinstance(item, Failure):
                        talk.fail(item.error)
                        sinks.failed(item.source, item.error)
                    else:
                        talk.notice(item.message)
        finally:
            talk.close()
        talk.summary(self.live.stats, f"{sinks.what}; its page: {page}" if page else sinks.what)


def _title(source: str) -> str:
    """A source as a heading names it: a file without its folders."""
    return source if is_url(source) else Path(source).name


def _report(session: str, store: str | None) -> str:
    """The command that makes the page of a session. A password in the store's URL is left out: the user has it elsewhere too."""
    words = ["mien", "report", session]
    if store is not None:
        words += ["--store", store.replace(f":{urlsplit(store).password}@", "@", 1)]
    return shlex.join(words)


def _open(page: Path) -> None:
    """Show the page in the browser."""
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        from mien.cli.render import say

        say(f"mien: no browser could be opened; the page is {page}")


def _leave(talk: LiveTalk) -> None:
    """Leave with exit code 1 when there was no frame, 3 when it did not end well."""

    if not talk.frames:
        raise typer.Exit(NOTHING_DONE)
    if talk.failures:
        raise typer.Exit(SOME_FAILED)
