"""A target as the user wrote it -> the sink that writes it. The extension chooses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mien.drawers import drawer as drawer_by_name
from mien.errors import MienError
from mien.interrupt import ENDING, held
from mien.io.names import folded, is_url, on_disk
from mien.io.span import VideoSpan
from mien.provenance import Provenance
from mien.sinks.baseline import after_baseline
from mien.sinks.files import Claim, prepare_folder
from mien.sinks.originals import Originals, same, strictly_inside
from mien.sinks.parquet import ParquetSink
from mien.sinks.pictures import FolderSink, PictureSink
from mien.sinks.resume import NOTHING, SoFar
from mien.sinks.single import names_in, refuse_for_picture, refuse_for_video
from mien.sinks.sink import BadTarget, PictureNotWritten, Sink
from mien.sinks.tables import GROWING, CsvSink, LineSink, StdoutSink
from mien.table import COLUMNS
from mien.types import Drawer, Frame, Result

PARQUET = ".parquet"
TABLES: dict[str, Callable[[Path, Mapping[str, type]], LineSink | ParquetSink]] = {
    **GROWING,
    PARQUET: ParquetSink,
}
PICTURES = (".jpg", ".jpeg", ".png")
VIDEO, PAGE = ".mp4", ".html"


def open_sink(
    target: str | os.PathLike[str],
    *,
    drawer: Drawer | None = None,
    inputs: Iterable[Any] = (),
    table: bool = True,
    columns: Mapping[str, type] = COLUMNS,
    baseline: tuple[float, float] | None = None,
    span: VideoSpan | None = None,
    beside: str = "",
    title: str = "",
    language: str = "en",
    affect_scale: str = "unit",
    page_rows: int | None = None,
    recursive: bool = True,
    as_video: float | None = None,
    targets: Sequence[str] = (),
    done: SoFar = NOTHING,
    how: Provenance | None = None,
) -> Sink:
    """The sink for one target: a table (`x.csv`, `x.jsonl`, `x.parquet`, or `-` for JSON Lines on stdout), an annotated
    picture or video (`x.jpg`, `x.png`, `x.mp4`), a page with charts (`x.html`), or a folder.

    A name that ends in a slash, has no extension, or is a folder already is a folder: an annotated picture or video for each
    input, with `results.csv` beside them if `table`. drawer: draws the pictures; mien's own if None. inputs: what will be
    read; outputs never overwrite it. columns: of tables. baseline: seconds from and to; rows wait until it is over and have
    `Result.delta`. span: the part of a video that is read, whose sound an annotated video gets. beside: a table that the same
    run writes, which a page names as the place of all rows. title, language, affect_scale, page_rows: of a page, as HtmlSink takes
    them, the last as most_rows.
    recursive: whether folders are read with their subfolders. as_video: frames a second, where the pictures of a folder are the frames of
    a recording. targets: all of the same run; what lies in a folder among them is
    not read. done: what an earlier run left in the table, which is gone on with. how: how the rows are made, which a page and a Parquet
    table say.

    Missing folders are made, and it is tried whether the file can be written; but a file that is there is replaced only when
    the first result comes. Raises SinkError: cannot be written; BadTarget, which is a UsageError too: an unknown extension, an
    input, or inputs that do not fit into one picture or video.
    """
    text = os.fspath(target)
    inputs = list(inputs)
    originals = Originals.of(inputs)
    if text == "-":
        return after_baseline(StdoutSink(), baseline)
    path, suffix = Path(text), Path(text).suffix.lower()
    if not text or "\0" in text:
        raise BadTarget(f"output {text!r}: not a file name; name a file, a folder, or - for stdout")
    if is_folder(text):
        results = (lambda csv: after_baseline(CsvSink(csv, columns, kept=done.kept), baseline)) if table else None
        return FolderSink(path, drawer=drawer or drawer_by_name(), originals=originals, table=results, span=span, done=done)
    if suffix in (*PICTURES, VIDEO):
        own = OwnOutputs([Path(other) for other in targets if other != "-"], inputs)
        names = (name for name in names_in(inputs, recursive=recursive, as_video=as_video) if name not in own)
        (refuse_for_video if suffix == VIDEO else refuse_for_picture)(path, names)
    if suffix in PICTURES:
        return PictureSink(path, drawer=drawer or drawer_by_name(), originals=originals)
    if suffix == VIDEO:
        from mien.sinks.video import Mp4Sink

        return Mp4Sink(path, drawer=drawer or drawer_by_name(), originals=originals, span=span)
    if suffix not in (*TABLES, PAGE):
        known = " ".join([*TABLES, *PICTURES, VIDEO, PAGE])
        raise BadTarget(f"{text}: nothing writes {suffix} files; there are {known}, or a folder: {text}/")
    if originals.protects(path):
        raise BadTarget(f"{path}: is one of the inputs, which are never overwritten; choose another name")
    if suffix == PAGE:
        from mien.sinks.page import HtmlSink

        page = HtmlSink(
            path, title=title, language=language, affect_scale=affect_scale, baseline=baseline, table=beside, most_rows=page_rows, how=how
        )
        return after_baseline(page, baseline)
    return after_baseline(table_sink(path, columns, how, kept=done.kept), baseline)


def table_sink(path: Path, columns: Mapping[str, type], how: Provenance | None = None, *, kept: int = 0) -> LineSink | ParquetSink:
    """The sink of a table, by an extension of TABLES. how: how its rows are made; only Parquet has room for it. kept: see LineSink."""
    suffix = path.suffix.lower()
    return ParquetSink(path, columns, how=how) if suffix == PARQUET else GROWING[suffix](path, columns, kept=kept)


def is_folder(target: str | os.PathLike[str]) -> bool:
    """Whether a target is a folder: by its name, or because there is one."""
    text = os.fspath(target)
    return text != "-" and (text.endswith(("/", os.sep)) or not Path(text).suffix or os.path.isdir(text))  # noqa: PTH112  Path.is_dir raises for a name that is too long


def is_table(target: str | os.PathLike[str]) -> bool:
    """Whether a target takes the table."""
    text = os.fspath(target)
    return text == "-" or (Path(text).suffix.lower() in TABLES and not is_folder(text))


class Sinks(Sink):
    """Several sinks as one. Each is closed whatever happens to the others, and gets its rows though another's picture fails."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = list(sinks)

    @property
    def what(self) -> str:
        """What they wrote to."""
        return ", ".join(what for sink in self._sinks if (what := sink.what))

    def admit(self, frame: Frame, /) -> None:
        """Ask each."""
        for sink in self._sinks:
            sink.admit(frame)

    def write(self, frame: Frame, result: Result, /) -> None:
        """Give one picture to each, unless one of them refuses it: then none has replaced anything for it."""
        self.admit(frame)
        problem: PictureNotWritten | None = None
        for sink in self._sinks:
            try:
                sink.write(frame, result)
            except PictureNotWritten as error:
                problem = problem or error
        if problem is not None:
            raise problem

    def failed(self, source: str, error: MienError, /) -> None:
        """Tell each."""
        for sink in self._sinks:
            sink.failed(source, error)

    def close(self, *, finished: bool = True) -> None:
        """Close each; the first problem is raised when all are closed. A Ctrl-C does not keep them from it, but a second one may."""
        problem: Exception | None = None
        with held(*ENDING):
            for sink in self._sinks:
                try:
                    sink.close(finished=finished)
                except Exception as error:  # raised below, once nothing is left open
                    problem = problem or error
        if problem is not None:
            raise problem


def open_sinks(targets: Sequence[str], *, inputs: Sequence[Any] = (), **settings: Any) -> Sinks:
    """The sinks of several targets; settings and errors as in `open_sink`.

    A folder gets `results.csv` unless one of the others takes the table.
    """
    for i, target in enumerate(targets):
        for other in targets[:i]:
            if _are_one(other, target):
                raise BadTarget(f"{target}: named twice as an output ({other}, {target}); name it once")
    tables = [target for target in targets if is_table(target)]
    settings |= {"beside": next((target for target in tables if target != "-"), ""), "targets": targets}
    return Sinks([open_sink(target, inputs=inputs, table=not tables, **settings) for target in targets])


def _are_one(target: str, other: str) -> bool:
    """Whether two targets lead to one file or folder, whatever capitals and accents the volume tells apart."""
    if "-" in (target, other) or "\0" in target + other:
        return target == other
    if same(target, other):
        return True
    if folded(os.path.realpath(target)) != folded(os.path.realpath(other)):
        return False
    if is_folder(target):
        prepare_folder(Path(target))
        return same(target, other)
    claim = Claim(Path(target))
    claim.take()  # only a file that is there tells
    try:
        return same(target, other)
    finally:
        claim.drop()


class OwnOutputs:
    """Tells the pictures that a run wrote itself (or an earlier one did) from its inputs, where a folder that is read holds outputs."""

    def __init__(self, folders: Iterable[Path], inputs: Iterable[Any]) -> None:
        read = Originals.of(inputs)
        self._folders = [folder for folder in folders if read.surrounds(folder)]

    def __contains__(self, source: object) -> bool:
        if not isinstance(source, str) or source == "-" or is_url(source):
            return False
        return any(strictly_inside(on_disk(source), folder) for folder in self._folders)
