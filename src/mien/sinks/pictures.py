"""Annotated pictures: one under its own name, or a folder of them, and of videos, under their originals' names."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from mien.errors import MienError, SinkError
from mien.interrupt import ENDING, held
from mien.io.formats import VIDEO_SUFFIXES
from mien.io.kinds import is_video_file
from mien.io.names import folded, on_disk
from mien.io.sources import has_streams
from mien.part_checks import checked_drawing
from mien.sinks.files import prepare, prepare_folder, replace
from mien.sinks.originals import Originals
from mien.sinks.resume import NOTHING, SoFar
from mien.sinks.single import folder_of, not_a_picture
from mien.sinks.sink import BadTarget, PictureNotWritten, Sink
from mien.sinks.tables import CsvSink
from mien.types import Drawer, Frame, Image, Result

if TYPE_CHECKING:
    from mien.io.span import VideoSpan
    from mien.sinks.video import Mp4Sink

JPEG_SIDE = 65_500
"""The largest that libjpeg writes."""
JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")
# A photo that was stored with loss loses little as a JPEG, and as a PNG would be many times its size.
LOSSY = (*JPEG, ".mpo", ".heic", ".heif", ".hif", ".avif", ".webp", ".jp2", "")
TABLE = "results.csv"
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What keeps every further picture from being written too."""


def encoded(image: Image, suffix: str) -> bytes:
    """A picture, uint8 (H, W, 3) RGB, as the bytes of a JPEG (`.jpg` and the like) or a PNG file; no metadata."""
    import cv2

    jpeg = suffix.lower() in JPEG
    if jpeg and max(image.shape[:2]) > JPEG_SIDE:
        found = f"{image.shape[1]} x {image.shape[0]} pixels"
        raise SinkError(f"a picture of {found} is too large for a JPEG, which has {JPEG_SIDE} a side at most; name a .png file")
    settings = [cv2.IMWRITE_JPEG_QUALITY, 92] if jpeg else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    _, data = cv2.imencode(".jpg" if jpeg else ".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), settings)
    return bytes(data)


class PictureSink(Sink):
    """One annotated picture."""

    def __init__(self, path: Path, *, drawer: Drawer, originals: Originals = Originals()) -> None:
        if originals.protects(path):
            raise BadTarget(f"{path}: is one of the inputs, which are never overwritten; choose another name")
        self.path, self._drawer = path, drawer
        self.replaces = prepare(path)
        self._source: str | None = None

    @property
    def what(self) -> str:
        """The file's name."""
        return "" if self._source is None else f"{self.path} (replaced)" if self.replaces else str(self.path)

    def admit(self, frame: Frame, /) -> None:
        """Raises BadTarget for a video, SinkError for a second picture."""
        if frame.stream:
            raise not_a_picture(self.path, frame.source)
        if self._source is not None:
            instead = f"for several pictures name {folder_of(self.path)}"
            raise SinkError(f"{self.path}: holds {self._source}, but {frame.source} came too; {instead}")

    def write(self, frame: Frame, result: Result, /) -> None:
        """Draw and save. Raises as `admit` does."""
        self.admit(frame)
        replace(self.path, encoded(checked_drawing(self._drawer(frame.image, result), self._drawer), self.path.suffix))
        self._source = frame.source


class FolderSink(Sink):
    """An annotated picture or video for each input, and the table unless it goes elsewhere.

    They keep their names, and the subfolders below a folder that was named. What was stored with loss becomes a JPEG, the
    other pictures PNG, videos MP4. Names that would be the same: `a.heic` and `a.webp` give `a.jpg` and `a.webp.jpg`, two inputs of
    one name `a.jpg` and `a-2.jpg`, in the order of the inputs.

    span: the part of the videos that is read, see Mp4Sink. done: inputs whose pictures the folder has already;
    their names are taken.
    """

    def __init__(
        self,
        folder: Path,
        *,
        drawer: Drawer,
        originals: Originals = Originals(),
        table: Callable[[Path], Sink] | None = CsvSink,
        span: VideoSpan | None = None,
        done: SoFar = NOTHING,
    ) -> None:
        self.folder, self._drawer, self._originals, self._span = folder, drawer, originals, span
        self._video: Mp4Sink | None = None
        self._video_notes: list[str] = []
        if originals.reads(folder):
            raise BadTarget(f"{folder}: is the folder of the inputs, which are never overwritten; choose another one")
        self._inside = originals.surrounds(folder)
        for file in originals.files:
            self._refuse_original(folder / output_name(originals.name(file), stream=is_video_file(file)))
        prepare_folder(folder)
        self._taken: dict[str, str] = {TABLE: ""} if table else {}
        """Names of files, each with the extension of the input that it is made of."""
        self._next: dict[str, int] = {}
        """Wanted name -> the first number that may be free; counted anew from 2, thousands of inputs of one name took most of a run."""
        self._replaced = int(table is not None and (folder / TABLE).exists())
        self._table = table(folder / TABLE) if table else None
        for source in done.sources:
            self._free_name(source, stream=source in done.streams or _was_stream(source))

    @property
    def what(self) -> str:
        """The folder's name, how many of its files were replaced, and what is to be told of its videos."""
        notes = [f"{self._replaced} replaced"] if self._replaced else []
        notes += self._video_notes
        return f"{self.folder}{os.sep}" + (f" ({'; '.join(notes)})" if notes else "")

    def admit(self, frame: Frame, /) -> None:
        """Ask the table. The video before is ended here, before any table has a row behind it: a run that goes on takes it for whole."""
        if self._table:
            self._table.admit(frame)
        if self._video and not self._video.continues(frame):
            self._end_video(finished=True)

    def write(self, frame: Frame, result: Result, /) -> None:
        """Save the rows of one picture, then draw and save it, or give it to the video it belongs to.

        Raises PictureNotWritten if only the picture cannot be, and SinkError if the table, a video or a full disk is in the way.
        """
        self.admit(frame)
        if self._table:
            self._table.write(frame, result)
        if frame.stream:
            self._video = self._video or self._begin_video(frame)
            self._video.write(frame, result)
            return
        try:
            self._save(frame, result)
        except SinkError as error:
            if getattr(error.__cause__, "errno", None) in DISK:
                raise
            raise PictureNotWritten(str(error)) from error

    def failed(self, source: str, error: MienError, /) -> None:
        """Tell the video, which may be the one that broke off."""
        if self._video:
            self._video.failed(source, error)

    def _save(self, frame: Frame, result: Result) -> None:
        target = self.folder / self._free_name(frame.source, stream=False)
        self._refuse_original(target)
        data = encoded(checked_drawing(self._drawer(frame.image, result), self._drawer), target.suffix)
        there = os.path.lexists(target)
        replace(target, data)
        self._replaced += there

    def close(self, *, finished: bool = True) -> None:
        """End the last video and close the table."""
        try:
            self._end_video(finished=finished)
        finally:
            if self._table:
                self._table.close(finished=finished)

    def _begin_video(self, frame: Frame) -> Mp4Sink:
        from mien.sinks.video import Mp4Sink

        target = self.folder / self._free_name(frame.source, stream=True)
        self._refuse_original(target)
        self._replaced += os.path.lexists(target)
        return Mp4Sink(target, drawer=self._drawer, span=self._span)

    def _end_video(self, *, finished: bool) -> None:
        if self._video is None:
            return
        with held(*ENDING):
            video, self._video = self._video, None
            video.close(finished=finished)
        self._video_notes += [f"{video.path.name}: {note}" for note in video.notes]

    def _free_name(self, source: str, *, stream: bool) -> PurePath:
        """A name for what is made of an input, which is taken from now on. The same inputs in the same order get the same names."""
        original = self._originals.name(source)
        wanted, own = output_name(original, stream=stream), original.suffix.lower()
        if self._taken.get(folded(str(wanted)), own) != own:
            wanted = original.with_name(original.name + wanted.suffix)
        key = folded(str(wanted))
        name, number = wanted, self._next.get(key, 2)
        while folded(str(name)) in self._taken:
            name, number = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}"), number + 1
        self._taken[folded(str(name))] = own
        if name != wanted:
            self._next[key] = number
        return name

    def _refuse_original(self, target: Path) -> None:
        if self._originals.protects(target, own=self._inside):
            raise BadTarget(f"{target}: is one of the inputs, which are never overwritten; choose another folder than {self.folder}")


def _was_stream(source: str) -> bool:
    """Whether an input, of which a table may have no more than one row, is a video, or a folder whose pictures are frames."""
    name = on_disk(source)
    return source != "-" and (os.path.isdir(name) or has_streams(name))  # noqa: PTH112  Path.is_dir raises for a name that is too long


def output_name(name: PurePath, *, stream: bool) -> PurePath:
    """The name with the extension of the kind it is saved as: a picture's own, or `.jpg` or `.png`; of a stream `.mp4`, in place of the
    extension of a video if it has one: `clip.mov` -> `clip.mp4`, `10.0.0.7` -> `10.0.0.7.mp4`.
    """
    suffix = name.suffix.lower()
    if stream:
        return name.with_suffix(".mp4") if suffix in VIDEO_SUFFIXES else name.with_name(name.name + ".mp4")
    if suffix in (".jpg", ".jpeg", ".png"):
        return name
    return name.with_suffix(".jpg" if suffix in LOSSY else ".png")
