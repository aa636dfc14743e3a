"""Cameras and streams, live: the newest frame wins, and a connection that is lost is made again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from mien.errors import ExtraMissing, SourceError, SourceMissing, SourceRefused, SourceUnreadable, UsageError
from mien.io.devices import Wishes, ask_to_use, device_frames, why_none
from mien.io.events import Failure, Notice
from mien.io.grabs import Grab, file_frames, stream_frames
from mien.io.names import camera_number, is_url, printable
from mien.io.newest import LiveClock, Newest, Rate, Shot
from mien.io.pace import EARLY_SECONDS, RARE_SECONDS, Pace
from mien.io.pixels import check_turn, turned
from mien.io.span import Chooser, VideoSpan
from mien.types import Frame, check_kind

FIRST_WAIT = 0.5
"""Seconds before the first try to connect again; each further wait is twice as long."""
STEADY_SECONDS = 5.0
"""A connection that held this long was a good one: the next loss starts with the first wait again."""
TICK_SECONDS = 0.05
CALM_SECONDS = 60.0
"""A connection lost before it held this long was lost again: of such only the first, second, fourth, eighth ... loss is told."""
CONNECT_SECONDS = 10.0
READ_SECONDS = 5.0
"""How long a stream may take to connect, and between frames."""

Frames: TypeAlias = Callable[[], Generator[Grab, None, None]]


@dataclass(frozen=True, slots=True)
class LiveStats:
    """How a live source does."""

    captured: int
    """Frames that came from it."""
    shown: int
    """Frames that were given out."""
    dropped: int
    """Frames that were wanted, but had to give way to newer ones; with `every`, most are not wanted."""
    rate: float
    """Frames given out a second, over the last 2 s."""
    reconnects: int
    """How often the connection was lost and made again."""


class Live:
    """An open camera, stream or file: `with open_live(0) as live: for event in live: ...`."""

    def __init__(
        self,
        source: str,
        frames: Frames,
        *,
        every: float | None,
        longest_wait: float | None,
        give_up: float | None,
        is_file: bool = False,
        real_time: bool = True,
        turn: int = 0,
        idle: Callable[[], object] | None,
        ready: Callable[[], object] | None = None,
        why_none: Callable[[], str] | None = None,
    ) -> None:
        """ready: called in the thread that opens it, before another one captures. why_none: what to say last of a source that is not there,
        where finding it out takes more than a try does.
        """
        self.source = source
        self._frames, self._turn, self.idle, self._ready, self._why_none = frames, turn, idle, ready, why_none

        self._newest, self._clock, self._chooser = Newest(), LiveClock(), Chooser(VideoSpan(every=every))
        self._longest_wait, self._give_up = longest_wait, give_up
        self._is_file, self._pacing = is_file, real_time
        self._put = self._newest.put if real_time else self._newest.put_when_free
        self._shown_rate = Rate()
        self._captured = self._shown = self._reconnects = 0
        self._lost_at: float | None = None
        self._losses = 0
        """How often in a row the connection was lost before it had held for long."""
        self._told = False
        """Whether it was told that the connection is lost."""
        self._told_wait = 0.0
        self._opened = 0.0
        self._began: datetime | None = None
        self._pace = Pace(RARE_SECONDS if is_file else EARLY_SECONDS)
        self._stopped = False
        self._wake = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"mien-live {source}", daemon=True)

    @property
    def stats(self) -> LiveStats:
        """Counts and rates so far."""
        return LiveStats(self._captured, self._shown, self._newest.dropped, self._shown_rate.value, self._reconnects)

    @property
    def began(self) -> datetime | None:
        """What this machine's clock showed (UTC) at time 0 of the frames, to lay them beside other recordings; None before the first, and
        of a file. Not known is how long the source took to deliver it: of a camera some hundredths of a second, of a stream up to seconds.
        """
        return self._began

    def __enter__(self) -> Self:
        if self._thread.ident is not None:
            raise UsageError(f"{self.source}: a live source is watched once; call open_live again")
        if self._ready is not None:
            self._ready()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        self.close()

    def stop(self) -> None:
        """End the iteration soon. Takes no lock: safe in a signal handler."""
        self._stopped = True

    def close(self) -> None:
        """End at once. A read that waits for the network ends by its own time limit, in the background."""
        self._stopped = True
        self._wake.set()
        self._newest.end()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(0.5)

    def __iter__(self) -> Iterator[Frame | Notice | Failure]:
        if self._thread.ident is None:
            raise UsageError("a live source is opened by `with`: with open_live(0) as live: ...")
        while not self._stopped:
            item = self._newest.take(TICK_SECONDS)
            if isinstance(item, Shot):
                try:
                    frame = Frame(turned(item.image(), self._turn), item.index, item.time, self.source, stream=True)
                except SourceError as error:  # more pixels than the limit allows
                    yield Failure(self.source, error)
                    break
                self._shown += 1
                self._shown_rate.tick()
                yield frame
            elif item is not None:
                yield item
            elif self._newest.ended:
                break
            elif self.idle is not None:
                self.idle()
        if self._error is not None:
            raise self._error

    # What follows runs in the capture thread.

    def _run(self) -> None:
        try:
            wait = FIRST_WAIT
            while not self._stopped:
                self._opened, before = time.monotonic(), self._captured
                problem = self._capture()
                if self._stopped or self._over(problem):
                    break
                held = time.monotonic() - self._opened
                if held >= STEADY_SECONDS or (self._captured and not before):  # the waits for a source that came late are over, too
                    wait = FIRST_WAIT
                if held >= CALM_SECONDS:
                    self._losses = 0
                wait = self._wait(problem, wait)
        except BaseException as error:  # the run ends with it, in the thread that iterates
            self._error = error
        finally:
            self._newest.end()

    def _capture(self) -> SourceError | ExtraMissing | None:
        """Take frames until there are no more; why there are none, or None when it ended by itself."""
        frames = self._frames()
        try:
            for grab in frames:
                if self._stopped:
                    break
                self._take(grab)
        except (SourceError, ExtraMissing) as error:
            return error
        finally:
            frames.close()  # in this thread, which opened what it closes
        return None

    def _take(self, grab: Grab) -> None:
        arrived = time.monotonic()
        if self._lost_at is not None:
            again = "connected again" if self._captured else "connected"
            if self._told:
                self._newest.tell(Notice(self.source, f"{again} after {_seconds(arrived - self._lost_at)}"))
            self._lost_at = None
            self._reconnects += self._captured > 0
            if not self._captured:
                self._losses = 0  # that it was not there yet was none
        if grab.paced and grab.stamp is not None and self._pacing:
            due = self._pace.due(grab.stamp, arrived)
            self._wake.wait(max(0.0, due - arrived))
            arrived = due
        if self._is_file and grab.stamp is not None:
            at = grab.stamp
        else:
            at = self._clock.at(grab.stamp, arrived, None if grab.paced else self._opened)
        if self._began is None and not self._is_file:
            self._began = datetime.now(UTC) - timedelta(seconds=time.monotonic() - arrived + at)
        shot = Shot(grab.image, self._captured, at)
        self._captured += 1
        if self._chooser.takes(shot.index, shot.time):
            self._put(shot)

    def _over(self, problem: SourceError | ExtraMissing | None) -> bool:
        """Whether that was all: a source that is a file, is not to be waited for, or never gave a frame and may be misspelled."""
        if self._captured == 0:
            problem = problem or SourceUnreadable(f"{self.source}: ended before its first frame")
        hopeless = isinstance(problem, (SourceRefused, ExtraMissing)) or (self._captured == 0 and self._give_up is None)
        if self._longest_wait is None or hopeless:
            if problem is not None:
                self._newest.tell(Failure(self.source, self._in_full(problem)))
            return True
        gone = self._gone()
        if self._give_up is not None and gone >= self._give_up:
            why = "" if self._captured else self._why(problem and self._in_full(problem))
            what = f"{'gone for' if self._captured else 'not there in'} {_seconds(gone)}{why}"
            self._newest.tell(Failure(self.source, SourceUnreadable(f"{self.source}: {what}; given up")))
            return True
        return False

    def _gone(self) -> float:
        """Seconds since the connection was lost, or since the first try."""
        return 0.0 if self._lost_at is None else time.monotonic() - self._lost_at

    def _wait(self, problem: SourceError | ExtraMissing | None, wait: float) -> float:
        """Wait before the next try; gives the wait after that."""
        assert self._longest_wait is not None
        wait = min(wait, self._longest_wait)
        if self._give_up is not None:
            wait = min(wait, self._give_up - self._gone())
        why = self._why(problem)
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            self._clock.restart()
            self._pace = Pace()
            self._losses += 1
            self._told = self._losses & (self._losses - 1) == 0  # hours of it are a handful of lines
            if self._told:
                nth = f" {self._losses} times in a row" if self._losses > 1 else ""
                what = f"connection lost{nth}" if self._captured else "not there yet"
                self._newest.tell(Notice(self.source, f"{what}{why}; trying again in {_seconds(wait)}"))
        elif wait > self._told_wait:  # and so are hours without any
            self._told = True
            still = "still gone" if self._captured else "still not there"
            self._newest.tell(Notice(self.source, f"{still}{why}; trying again in {_seconds(wait)}"))
        self._told_wait = wait
        self._wake.wait(wait)
        return wait * 2

    def _in_full(self, problem: SourceError | ExtraMissing) -> SourceError | ExtraMissing:
        return SourceMissing(self._why_none()) if self._why_none is not None and isinstance(problem, SourceMissing) else problem

    def _why(self, problem: SourceError | ExtraMissing | None) -> str:
        """A problem in brackets, without the name of the source, which the line has already."""
        return "" if problem is None else f" ({str(problem).removeprefix(f'{self.source}: ')})"


def open_live(
    spec: int | str | os.PathLike[str],
    *,
    every: float | None = None,
    width: int = 0,
    height: int = 0,
    fps: float = 0,
    reconnect: float = 10.0,
    give_up: float | None = None,
    real_time: bool = True,
    turn: int = 0,
    connect_seconds: float = CONNECT_SECONDS,
    read_seconds: float = READ_SECONDS,
    idle: Callable[[], object] | None = None,
) -> Live:
    """A camera, stream or file as a live source: a context manager that is iterated for Frames, Notices and Failures.

    A thread captures; whoever iterates gets the newest frame, and those that came meanwhile are dropped: `Frame.index`
    counts all that were captured, `Frame.time` is in seconds since the first one and goes on when a connection is lost and
    made again. Nothing the source does wrong is raised. The iteration ends with a file, with a Failure when a source cannot be
    opened in the first place (see give_up), is a broken file or has been gone for too long, and soon after `close()` or `stop()`.

    Args:
        spec: number of a camera (0, "0", or /dev/video0), a video file, which is played as if it were a camera, or a URL: rtsp, rtmp,
            srt, udp, http (Motion JPEG, HLS and whatever else FFmpeg reads). A file called like a number: `./0`.
        every: seconds between frames that are given out; None for all.
        width, height, fps: what a camera is asked for; 0 leaves it the choice.
        reconnect: longest wait in seconds between tries to connect again; it begins with half a second. 0: never again.
        give_up: seconds without a connection after which there is no further try; None never gives up. With a number a source that has
            not been there yet is waited for too, as a camera that starts more slowly than this computer; else its first try is the last.
        real_time: play a file at its own pace, dropping frames; False takes each frame as soon as the one before was taken.
        turn: degrees clockwise, 0, 90, 180 or 270, that make the picture upright: 180 for a camera that hangs upside down.
        connect_seconds, read_seconds: how long a stream may take to connect, and between frames, before it counts as lost.
        idle: called about 20 times a second while there is no frame, in the thread that iterates.

    Raises:
        UsageError: at the call, for numbers that make no sense.
    """
    seconds = {"reconnect": reconnect, "connect_seconds": connect_seconds, "read_seconds": read_seconds}
    for name, value in (seconds | {"width": width, "height": height, "fps": fps}).items():
        check_kind(name, value, Real, "a number")
    if give_up is not None:
        check_kind("give_up", give_up, Real, "a number of seconds, or None")
    if (give_up is not None and not give_up > 0) or not reconnect >= 0:
        raise UsageError(f"give_up is {give_up} and reconnect {reconnect}; wanted seconds, give_up more than 0")
    if not (connect_seconds > 0 and read_seconds > 0) or min(width, height, fps) < 0:
        raise UsageError(
            f"connect_seconds {connect_seconds}, read_seconds {read_seconds}, {width} x {height} at {fps}; wanted none below 0"
        )
    if isinstance(spec, int) and spec < 0:
        raise UsageError(f"camera {spec}: wanted a number from 0 up")
    text = f"{spec:d}" if isinstance(spec, int) else os.fspath(spec)
    check_turn(turn)
    again = reconnect or None
    number = camera_number(text)
    if number is not None:
        frames: Frames = partial(device_frames, number, Wishes(width, height, fps))
        asked: dict[str, Any] = {"ready": ask_to_use, "why_none": partial(why_none, number)}
        return Live(f"camera {number}", frames, every=every, longest_wait=again, give_up=give_up, turn=turn, idle=idle, **asked)
    if is_url(text):
        from mien.io.fetch import shown

        frames = partial(stream_frames, text, connect_seconds=connect_seconds, read_seconds=read_seconds)
        return Live(shown(text), frames, every=every, longest_wait=again, give_up=give_up, turn=turn, idle=idle)
    name = printable(text)
    frames = partial(file_frames, Path(text), name)
    return Live(name, frames, every=every, longest_wait=None, give_up=None, is_file=True, real_time=real_time, turn=turn, idle=idle)


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 1 else f"{value:.0f} s"
