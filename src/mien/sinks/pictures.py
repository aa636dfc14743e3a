"""Annotated pictures: one under its own name, or a folder of them under their originals' names."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePath

from mien.errors import SinkError
from mien.sinks.files import prepare, prepare_folder, replace
from mien.sinks.originals import Originals, same
from mien.sinks.sink import BadTarget, PictureNotWritten, Sink
from mien.sinks.tables import CsvSink
from mien.types import Drawer, Frame, Image, Result

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
        return f"{self.path} (replaced)" if self.replaces else str(self.path)

    def write(self, frame: Frame, result: Result, /) -> None:
        """Draw and save; a second picture is refused."""
        if self._source is not None:
            instead = f"for several pictures name a folder: -o {self.path.with_suffix('')}/"
            raise SinkError(f"{self.path}: holds {self._source}, but {frame.source} came too; {instead}")
        self._source = frame.source
        replace(self.path, encoded(self._drawer(frame.image, result), self.path.suffix))


class FolderSink(Sink):
    """An annotated picture for each input, and the table unless it goes elsewhere.

    Pictures keep their names, and the subfolders below a folder that was named. What was stored with loss becomes a JPEG, the
    rest PNG. Two inputs of one name give `a.jpg` and `a-2.jpg`, in the order of the inputs.
    """

    def __init__(self, folder: Path, *, drawer: Drawer, originals: Originals = Originals(), table: bool = True) -> None:
        self.folder, self._drawer, self._originals = folder, drawer, originals
        if any(same(root, folder) for root in originals.roots):
            raise BadTarget(f"{folder}: is the folder of the inputs, which are never overwritten; choose another one")
        for file in originals.files:
            self._refuse_original(folder / output_name(originals.name(file)))
        prepare_folder(folder)
        self._table = CsvSink(folder / TABLE) if table else None
        self._taken: set[str] = {TABLE} if table else set()
        self._replaced = int(self._table is not None and self._table.replaces)

    @property
    def what(self) -> str:
        """The folder's name, and how many of its files were replaced."""
        return f"{self.folder}{os.sep}" + (f" ({self._replaced} replaced)" if self._replaced else "")

    def write(self, frame: Frame, result: Result, /) -> None:
        """Save the rows of one picture, then draw and save it.

        Raises PictureNotWritten if only the picture cannot be, and SinkError if the table or a full disk is in the way.
        """
        if self._table:
            self._table.write(frame, result)
        try:
            self._save(frame, result)
        except SinkError as error:
            if getattr(error.__cause__, "errno", None) in DISK:
                raise
            raise PictureNotWritten(str(error)) from error

    def _save(self, frame: Frame, result: Result) -> None:
        target = self.folder / self._free(output_name(self._originals.name(frame.source)))
        self._refuse_original(target)
        data = encoded(self._drawer(frame.image, result), target.suffix)
        there = os.path.lexists(target)
        replace(target, data)
        self._replaced += there

    def close(self, *, finished: bool = True) -> None:
        """Close the table."""
        if self._table:
            self._table.close(finished=finished)

    def _free(self, wanted: PurePath) -> PurePath:
        name, number = wanted, 2
        while str(name).casefold() in self._taken:  # some file systems do not tell a.jpg from A.JPG
            name, number = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}"), number + 1
        self._taken.add(str(name).casefold())
        return name

    def _refuse_original(self, target: Path) -> None:
        if self._originals.protects(target, output=self.folder):
            raise BadTarget(f"{target}: is one of the inputs, which are never overwritten; choose another folder than {self.folder}")


def output_name(name: PurePath) -> PurePath:
    """The name with the extension of the kind it is saved as: its own, or `.jpg` or `.png`."""
    suffix = name.suffix.lower()
    if suffix in (".jpg", ".jpeg", ".png"):
        return name
    return name.with_suffix(".jpg" if suffix in LOSSY else ".png")
