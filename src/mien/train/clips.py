"""Sequences to learn from: windows of the crops of people who are followed through labelled clips."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mien.data.readers.report import CORRUPT_CLIP, NO_FACE, Problem, Report
from mien.data.split import split
from mien.errors import DataError
from mien.io.events import Failure
from mien.io.whole import whole
from mien.labels import EMOTIONS
from mien.models.sequences import MOST_GAP
from mien.train.affect_origin import origin_of
from mien.train.clip_list import Clips, list_clips
from mien.train.config import TrainConfig
from mien.train.following import Seen, followed
from mien.train.kept import ROOM
from mien.train.nets import input_of
from mien.train.nets.windows import cut_windows, window_starts
from mien.train.row_cache import IN_MEMORY
from mien.train.row_targets import affect_of, classes_of, has_target, hash_of
from mien.train.rows import Rows, TrainData
from mien.train.telling import Counter, Say, silent
from mien.types import Detector, Floats, Image, Ints
from mien.vision.align import CropSpec

AROUND = 0.15
"""Share of the crop's side that is kept on each side of it, so that turned and shifted crops find something there."""
AT_ONCE = 256
"""Crops of a person after which windows are cut, so that a long clip takes no more memory than a short one."""


def read_clips(
    config: TrainConfig, data: Path | Sequence[Path], *, detector: Detector, folder: Path, called: str = "",
    say: Say = lambda line: None, progress: Counter = silent, reported: Callable[[Report], object] = lambda report: None,
) -> TrainData:  # fmt: skip
    """Windows of one or several lists of clips (see `list_clips`), ready for a training of a network of sequences with these settings.

    Every person in a clip is followed and learnt from under the clip's label. A window is one person without a break. A split in the data
    stands (`test` is left alone), but clips that show what one of val or test shows, under its name or another, are not learnt from. Else
    `config.held_out` of the clips are held out, all windows of a clip, of equal files, and of a subject on one side. Told through `say`:
    clips that were left out for these reasons.

    detector: finds the faces; called: its name. folder: windows are kept there, in a folder named for the data's hash, and mapped from it
    when they are many. reported: called, as soon as it is known, with what of each list could not be taken, and with the clips that cannot
    be read to their end (what was read is used) or have no window.
    Raises SourceMissing, DataError, UsageError.
    """
    paths = [data] if isinstance(data, Path) else list(data)
    every = Clips.concat([list_clips(path, reported=reported) for path in paths])
    if (shown := every.shown_held_out()).any():
        say(f"left out: {shown.sum()} clips that show the same seconds of a file as one of val or test")
    every = every.where(np.asarray((every.manifest["split"] != "test") & ~shown))
    if not (every.manifest["split"] == "val").any():
        say(f"no split called val: {config.held_out:.0%} of the clips are held out to judge by")
        free = every.manifest.with_columns(split=np.array([""] * len(every), object))
        parts = {"train": 1 - config.held_out, "val": config.held_out}
        every = Clips(split(free, parts, seed=config.seed, groups=every.files()), every.spans)
    labels, names = classes_of(every.manifest, config)
    affect = affect_of(every.manifest, config)
    taught = has_target(every.manifest, labels, affect, config)
    if not taught.all():
        say(f"left out: {(~taught).sum()} clips without a target")
    every, labels, affect = every.where(taught), labels[taught], affect[taught]
    held = np.asarray(every.manifest["split"] == "val")
    if held.all() or not held.any():
        raise DataError(f"{int((~held).sum())} clips to train on and {int(held.sum())} to judge by; wanted some of each")
    key = hashlib.sha256((hash_of(every.manifest, labels, affect) + every.spans.tobytes().hex()).encode()).hexdigest()
    cut = Cutting.of(config)
    called = called or type(detector).__name__
    kept = _Kept(folder / f"data-{key[:12]}", cut, detector, called)
    found = []
    for kind, which in (("train", ~held), ("judge", held)):
        windows = kept.windows(kind, every.where(which), progress)
        reported(Report(", ".join(path.name for path in paths), list(windows.problems)))
        found.append(_rows(windows, cut, labels[which], affect[which], names))
    train, judge = found
    if not len(train) or not len(judge):
        raise DataError(
            f"{len(train)} sequences of {cut.window} crops to train on and {len(judge)} to judge by were found; wanted some of each: "
            "longer or more clips, a smaller `settings.window` or `clip_every`"
        )
    say(f"{len(train)} sequences to train on, {len(judge)} to judge by")
    sources = tuple(sorted(set(every.manifest["source"].astype(str).tolist())))
    return TrainData(train, judge, key, sources, called, origin_of(every.manifest, affect, ~held, config))


@dataclass(frozen=True, slots=True)
class Cutting:
    """How clips become windows."""

    crop: CropSpec
    """The kept pictures: the network's crop with some room around it, finer by ROOM."""
    every: float
    """Seconds from frame to frame."""
    window: int
    """Crops in a sequence."""
    stride: int
    """Frames from window to window."""
    spacing: int
    """Frames from crop to crop."""

    @classmethod
    def of(cls, config: TrainConfig) -> Cutting:
        """As these settings want it."""
        wanted = input_of(config.net, config.settings)
        colour = "rgb" if wanted.channels == 3 and config.colour != "grey" else "grey"
        margin = config.margin + AROUND * (1 + 2 * config.margin)
        crop = CropSpec(size=round(ROOM * wanted.size * (1 + 2 * AROUND)), margin=margin, colour=colour)
        return cls(crop, config.clip_every, wanted.frames, config.clip_stride, config.clip_spacing)

    @property
    def most_gap(self) -> float:
        """Longest pause within a window, in seconds."""
        return MOST_GAP * self.every


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A sequence of one person."""

    person: int
    time: float
    """Seconds, of its first crop."""
    crops: Image
    """uint8 (T, S, S, 3)."""


@dataclass(slots=True, eq=False)
class _Run:
    """What is still needed of a person who is followed without a break."""

    times: list[float] = field(default_factory=list)
    crops: list[Image] = field(default_factory=list)
    last: float = 0.0
    """Seconds, when they were seen last."""
    skip: int = 0
    """Crops to come before the next window begins: of a stride longer than a window, the part beyond the crops that were there."""

    def add(self, time: float, crop: Image) -> None:
        """Take their next crop."""
        self.last = time
        if self.skip:
            self.skip -= 1
        else:
            self.times.append(time)
            self.crops.append(crop)


@dataclass(slots=True, eq=False)
class Cutter:
    """Cuts one clip's windows while its frames come; holds of each person no more crops than are still needed."""

    cutting: Cutting
    _people: dict[int, _Run] = field(default_factory=dict)

    def add(self, seen: Seen) -> Iterator[Window]:
        """Take the faces of the next frame; the windows that are done."""
        for person in [p for p, run in self._people.items() if seen.time - run.last > self.cutting.most_gap]:
            yield from self._cut(person, self._people.pop(person))
        assert seen.faces.ids is not None
        for person, crop in zip(seen.faces.ids.tolist(), seen.crops, strict=True):
            run = self._people.setdefault(person, _Run())
            run.add(seen.time, crop)
            if len(run.times) >= AT_ONCE + (self.cutting.window - 1) * self.cutting.spacing:
                yield from self._cut(person, run)

    def end(self) -> Iterator[Window]:
        """The windows of those who are there at the end."""
        for person, run in self._people.items():
            yield from self._cut(person, run)
        self._people.clear()

    def _cut(self, person: int, run: _Run) -> Iterator[Window]:
        cut, times, crops = self.cutting, run.times, run.crops
        starts = window_starts(times, window=cut.window, stride=cut.stride, spacing=cut.spacing, most_gap=cut.most_gap)
        span = (cut.window - 1) * cut.spacing
        for start in starts.tolist():
            own = cut_windows(np.stack(crops[start : start + span + 1]), np.zeros(1, np.int64), window=cut.window, spacing=cut.spacing)
            yield Window(person, times[start], own[0])
        tried = max(len(times) - span, 0)
        following = -(-tried // cut.stride) * cut.stride  # the first start that was not tried, so that pieces give what the whole gives
        run.skip = max(following - len(times), 0)
        del times[:following], crops[:following]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The windows of some clips."""

    pictures: Image
    """uint8 (m, T, S, S[, 3])."""
    clips: Ints
    """int64 (m,): which clip."""
    ids: tuple[str, ...]
    problems: tuple[Problem, ...]
    """Clips that could not be read to their end, or have no window."""


class _Kept:
    """Windows on the disk, from one training to the next."""

    def __init__(self, folder: Path, cut: Cutting, detector: Detector, called: str) -> None:
        self._folder, self._cut, self._detector = folder, cut, detector
        how = json.dumps([asdict(cut), AROUND, MOST_GAP, called, Problem._fields])  # the last: what the record says of clips
        self._key = hashlib.sha256(how.encode()).hexdigest()[:12]

    def windows(self, kind: str, clips: Clips, progress: Counter) -> Windows:
        """Those cut before, or else cut now; mapped from the file when they are many."""
        path, cut = self._folder / f"{kind}-windows-{self._key}.bin", self._cut
        about = path.with_suffix(".json")
        if not (path.exists() and about.exists()):
            with whole(path) as part:
                with part.open("wb") as file:
                    record = self._write(file, clips, progress)
                with whole(about) as beside:
                    beside.write_text(json.dumps(record), "utf-8")
        record = json.loads(about.read_text("utf-8"))
        n, side = len(record["ids"]), cut.crop.size
        shape = (n, cut.window, side, side, 3) if cut.crop.colour == "rgb" else (n, cut.window, side, side)
        mapped = path.stat().st_size > IN_MEMORY
        pictures = np.memmap(path, np.uint8, "r", shape=shape) if mapped else np.fromfile(path, np.uint8).reshape(shape)
        problems = tuple(Problem(*problem) for problem in record["problems"])
        return Windows(pictures, np.array(record["clips"], np.int64), tuple(record["ids"]), problems)

    def _write(self, file: BinaryIO, clips: Clips, progress: Counter) -> dict[str, list[Any]]:
        at: list[int] = []
        ids: list[str] = []
        problems: list[Problem] = []
        alone = f"nobody in it is seen in {self._cut.window} frames one after the other"
        grey = self._cut.crop.colour == "grey"
        with progress(len(clips), "clips read") as done:
            for i, (path, name) in enumerate(zip(clips.manifest["path"].tolist(), clips.manifest["id"].tolist(), strict=True)):
                before = len(at)
                broken: list[str] = []
                for window in self._of_clip(path, name, clips.spans[i], broken):
                    file.write(np.ascontiguousarray(window.crops[..., 0] if grey else window.crops).tobytes())
                    at.append(i)
                    ids.append(f"{name}@{window.time:.3f}#{window.person}")
                used = len(at) > before
                problems += [Problem(CORRUPT_CLIP, name, f"{why}; the frames before are used" if used else why) for why in broken]
                problems += [] if used or broken else [Problem(NO_FACE, name, f"without a sequence: {alone}")]
                done(i + 1)
        return {"clips": at, "ids": ids, "problems": problems}

    def _of_clip(self, path: str, name: str, span: Floats, broken: list[str]) -> Iterator[Window]:
        start, stop = (None if np.isnan(x) else float(x) for x in span)
        cutter = Cutter(self._cut)
        for seen in followed(path, self._detector, self._cut.crop, every=self._cut.every, source=name, start=start, stop=stop):
            if isinstance(seen, Failure):
                broken.append(str(seen.error))
            else:
                yield from cutter.add(seen)
        yield from cutter.end()


def _rows(windows: Windows, cut: Cutting, labels: Ints, affect: Floats, names: tuple[str, ...]) -> Rows:
    n = len(windows.clips)
    points = np.tile(cut.crop.target, (n, 1, 1)).astype(np.float32)  # each crop was aligned so
    shares = np.full((n, len(EMOTIONS)), np.nan, np.float32)
    return Rows(windows.pictures, points, points, labels[windows.clips], shares, affect[windows.clips], names, windows.ids)
