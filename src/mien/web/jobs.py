"""Videos that are worked on in the background, one at a time, and their results until they are fetched and erased."""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import queue
import secrets
import shutil
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO

from mien.errors import MienError, SinkError, SourceTooLarge, SourceUnreadable
from mien.io.at_exit import stopped_at_exit
from mien.io.events import Failure
from mien.io.formats import HEAD, PILLOW, sniff
from mien.io.images import ImageLimits
from mien.io.span import VideoSpan
from mien.io.video import probe, read_video
from mien.pipeline import Analyzed, Analyzer
from mien.provenance import Provenance
from mien.sinks.files import Claim
from mien.sinks.registry import Sinks, open_sinks
from mien.sinks.sink import Sink
from mien.table import columns
from mien.track.covers import missed
from mien.types import Drawer, Frame, Result
from mien.web.faults import FAULT, Full, IsPicture, NoFrames, Unknown, code
from mien.web.leftovers import CLAIM, PREFIX, erase_leftovers

log = logging.getLogger("mien")

TABLES = {"csv": "table.csv", "jsonl": "table.jsonl", "parquet": "table.parquet"}
PAGE, VIDEO = "page.html", "annotated.mp4"
SWEEP_SECONDS = 30.0
MOST_FPS = 60.0
"""Frames a second of a video, beyond which it is worked on only for so many as one of that rate would have."""
MOST_FAILURES = 20
"""Of one video that are kept."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of a video."""

    analyzer: Analyzer
    name: str
    """What it is called in tables and on the page."""
    span: VideoSpan
    limits: ImageLimits
    drawer: Drawer | None
    """Draws the annotated video; None for no such video."""
    hides: bool
    """Whether the drawer hides faces."""
    language: str
    title: str
    turn: int = 0
    """Degrees clockwise, 0, 90, 180 or 270, that make the frames upright."""


@dataclass(slots=True, eq=False)
class Job:
    """One video: how far it is, and where its results lie."""

    id: str
    """Cannot be guessed; who has it has the results."""
    order: Order
    folder: Path
    state: str = "queued"
    """queued, running, done or failed."""
    frames: int = 0
    faces: int = 0
    missed: int = 0
    """Frames in which somebody who is followed was not found, and may be in the picture."""
    seconds: float = 0.0
    """Of the video, reached."""
    duration: float | None = None
    error: str | None = None
    code: str | None = None
    """Of the error, for programs, see mien.web.faults."""
    failures: list[Failure] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    ended: float | None = None
    """time.monotonic() of its end."""

    @property
    def upload(self) -> Path:
        """The video itself; deleted as soon as it was read."""
        return self.folder / "upload"

    def result(self, name: str) -> Path | None:
        """A result's file by its name, None where there is none (yet)."""
        known = (*TABLES.values(), PAGE, VIDEO)
        path = self.folder / name
        return path if self.ended is not None and name in known and path.is_file() else None

    def work(self) -> None:
        """Do all of it. What goes wrong is kept in `state`, `error` and `code`."""
        self.state, error, why = "running", None, None
        try:
            try:
                self._read()
            finally:
                self.upload.unlink(missing_ok=True)
            if not self.frames:
                none = self.failures[0].error if self.failures else NoFrames(f"{self.order.name}: no frame in this video")
                error, why = str(none), code(none)
        except MienError as raised:
            error, why = self._told(raised), code(raised)
        except BaseException as raised:  # of a plug-in or of mien, sys.exit too: the other videos go on, and the log has the traceback
            log.exception("video %s", self.order.name)
            error = f"{self.order.name}: {type(raised).__name__}; this is a fault in mien or in a plug-in, and the server's log says where"
            why = FAULT
        self.error, self.code, self.ended = error, why, time.monotonic()
        self.state = "failed" if error else "done"  # last: who reads it finds the results

    def _read(self) -> None:
        order = self.order
        try:
            self.duration = probe(self.upload, name=order.name).duration
        except SourceUnreadable as error:
            with self.upload.open("rb") as file:  # only now: an animated GIF is both
                if sniff(file.read(HEAD)) in PILLOW:
                    raise IsPicture(f"{order.name}: a picture; send it to /api/pictures") from error
            raise
        most = order.span.stop or math.inf
        events = read_video(
            self.upload,
            source=str(self.upload),
            every=order.span.every,
            stop=order.span.stop,
            limits=order.limits,
            turn=order.turn,
            ends=self._ends,
        )
        with self._sinks() as sinks, closing(order.analyzer.run(events)) as items:
            for item in items:
                if self.stop.is_set():
                    return
                if isinstance(item, Analyzed):
                    sinks.write(item.frame, item.result)
                    self.frames += 1
                    self.faces += len(item.result.faces)
                    self.missed += missed(item.result) > 0
                    if self.frames > most * MOST_FPS:
                        self._fail(
                            sinks, SourceTooLarge(f"{order.name}: more frames than this server reads; it stopped after {self.frames:,}")
                        )
                        return
                elif isinstance(item, Failure):
                    self._fail(sinks, type(item.error)(self._told(item.error)))
            if not self.stop.is_set() and self.duration is not None and self.duration > most:
                told = f"longer than this server reads; the first {most / 60:g} of {self.duration / 60:.1f} minutes are here"
                self._fail(sinks, SourceTooLarge(f"{order.name}: {told}"))

    def _ends(self, seconds: float) -> bool:
        """Whether the reading is to end; seconds: that it has reached."""
        self.seconds = max(self.seconds, seconds)
        return self.stop.is_set()

    def _fail(self, sinks: Sink, error: MienError) -> None:
        sinks.failed(self.order.name, error)
        self.failures = [*self.failures, Failure(self.order.name, error)][:MOST_FAILURES]

    def _told(self, error: Exception) -> str:
        """What an error says, without where things lie on this server."""
        return str(error).replace(str(self.upload), self.order.name).replace(f"{self.folder}{os.sep}", "").replace(str(self.folder), "")

    def _sinks(self) -> Sink:
        order, track = self.order, self.order.analyzer.options.track
        named = [str(self.folder / name) for name in (*TABLES.values(), PAGE)]
        # Of the span only what was asked for: its end is where this server reads no further, which the page says where it came to that.
        how = Provenance.of(order.analyzer.options, VideoSpan(every=order.span.every), turn=order.turn)
        kept = open_sinks(named, columns=columns(raw=track.smooths), language=order.language, title=order.title, how=how)
        sinks: list[Sink] = [_Named(kept, order.name)]
        if order.drawer is not None:
            # A part of a video ends with the last frame that is read, a whole one with its own sound.
            whole = self.duration is None or order.span.stop is None or self.duration <= order.span.stop
            span = dataclasses.replace(order.span, stop=None) if whole else order.span
            sinks.append(open_sinks([str(self.folder / VIDEO)], drawer=order.drawer, inputs=[str(self.upload)], span=span))
        return Sinks(sinks)


class _Named(Sink):
    """Calls a video by its own name: it lies in a file of another, from which an annotated video takes the sound."""

    def __init__(self, sink: Sink, name: str) -> None:
        self._sink, self._name = sink, name

    @property
    def what(self) -> str:
        return self._sink.what

    def write(self, frame: Frame, result: Result, /) -> None:
        self._sink.write(dataclasses.replace(frame, source=self._name), dataclasses.replace(result, source=self._name))

    def failed(self, source: str, error: MienError, /) -> None:
        self._sink.failed(source, error)

    def close(self, *, finished: bool = True) -> None:
        self._sink.close(finished=finished)


class Jobs:
    """All jobs of a server, in a temporary folder that goes with it, or with the interpreter. Thread-safe."""

    def __init__(self, *, keep_seconds: float, most: int, most_results: int = 100) -> None:
        self.keep_seconds, self._most, self._most_results = keep_seconds, most, most_results
        erase_leftovers()
        self.folder = Path(mkdtemp(prefix=PREFIX))
        """Of all that this server keeps for a while; what lies in it goes with the server, or, if that is killed, with the next one."""
        self._claim = Claim(self.folder / CLAIM)
        self._claim.take()
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._line: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        """Jobs in their order; None behind the last one."""
        self._stopped = threading.Event()
        # Not a pool: the interpreter would wait for all that stands in its line, before anybody could stop it.
        self.thread = threading.Thread(target=self._work_all, name="mien-video", daemon=True)
        stopped_at_exit(self)
        self.thread.start()
        threading.Thread(target=self._sweep_all, name="mien-sweep", daemon=True).start()

    def add(self, video: BinaryIO, order: Order) -> Job:
        """Take a video in. Raises Full, SinkError when it cannot be kept."""
        self.refuse_if_full()
        self.sweep()
        number = secrets.token_urlsafe(16)
        job = Job(number, order, self.folder / number)
        with self._lock:
            self._jobs[number] = job
        try:
            job.folder.mkdir()
            with job.upload.open("wb") as file:
                shutil.copyfileobj(video, file, 1 << 20)
        except OSError as error:
            self.erase(number)
            raise SinkError(f"{order.name}: the server cannot keep it ({error.strerror or error})") from error
        self._line.put(job)
        return job

    def refuse_if_full(self) -> None:
        """Raise Full where so many videos wait already that another one would have no place."""
        with self._lock:
            waiting = sum(job.ended is None for job in self._jobs.values())
        if waiting >= self._most:
            raise Full(f"{waiting} videos are waiting already; try again later")

    def get(self, number: str) -> Job:
        """A job by its number. Raises Unknown."""
        self.sweep()
        with self._lock:
            if number not in self._jobs:
                raise Unknown("no such video here; its results may have been erased")
            return self._jobs[number]

    def expires(self, job: Job) -> str | None:
        """When a job will be erased, ISO 8601 in UTC; None while it is not done."""
        if job.ended is None:
            return None
        left = timedelta(seconds=job.ended + self.keep_seconds - time.monotonic())
        return (datetime.now(UTC) + left).isoformat(timespec="seconds").replace("+00:00", "Z")

    def erase(self, number: str) -> None:
        """Stop a job and delete all of it. Raises Unknown."""
        with self._lock:
            job = self._jobs.pop(number, None)
        if job is None:
            raise Unknown("no such video here; its results may have been erased")
        job.stop.set()
        if job.ended is not None or job.state == "queued":
            shutil.rmtree(job.folder, ignore_errors=True)  # that of one at work is deleted by its thread

    def sweep(self) -> None:
        """Erase those whose time is over, and the oldest where there are too many."""
        now = time.monotonic()
        with self._lock:
            done = sorted((job.ended, job.id) for job in self._jobs.values() if job.ended is not None)
        many = max(0, len(done) - self._most_results)
        self._erase_known(number for i, (ended, number) in enumerate(done) if i < many or now - ended >= self.keep_seconds)

    def close(self) -> None:
        """Stop all of them and delete everything."""
        self.stop()
        self.thread.join()

    def stop(self) -> None:
        """The same without waiting for it."""
        self._stopped.set()
        with self._lock:
            known = list(self._jobs)
        self._erase_known(known)
        self._line.put(None)

    def _erase_known(self, numbers: Iterable[str]) -> None:
        for number in numbers:
            try:
                self.erase(number)
            except Unknown:  # somebody else was first
                continue

    def _work_all(self) -> None:
        """Work on one after the other until it is stopped; then nothing is left of them."""
        while (job := self._line.get()) is not None:
            if not job.stop.is_set():
                job.work()
            if job.stop.is_set():
                shutil.rmtree(job.folder, ignore_errors=True)
        self._claim.drop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _sweep_all(self) -> None:
        """Erase what is due when nobody asks."""
        while not self._stopped.wait(SWEEP_SECONDS):
            self.sweep()
            erase_leftovers()  # of a server that was killed just before this one began
