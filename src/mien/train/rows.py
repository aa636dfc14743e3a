"""What a network learns from: pictures of any data set in memory (or mapped from a file), with the targets they have."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mien.data.manifest import Manifest
from mien.data.readers.draft import reopened
from mien.data.readers.recognise import duplicates_for, read_any, sources_of
from mien.data.readers.report import Report
from mien.errors import DataError, SourceError, UsageError
from mien.train.affect_origin import Origin, origin_of
from mien.train.config import TrainConfig
from mien.train.held_out import hold_out
from mien.train.kept import Keeping
from mien.train.look_alikes import look_alikes
from mien.train.nets import input_of
from mien.train.row_cache import RowCache
from mien.train.row_targets import hash_of
from mien.train.telling import Counter, Say, silent
from mien.train.usable_rows import Usable, usable_rows
from mien.types import Bools, Detector, Floats, Image, Ints

LOOK_ALIKES, FILES = "look-alikes", "files"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Pictures of one face each, and what is known of them; all of one length n."""

    pictures: Image
    """uint8 (n, S, S) grey or (n, S, S, 3) RGB: ready-made crops, or of photos the part around the face (see kept). A smaller one lies at
    the top left, its border repeated. Sequences of T pictures are (n, T, S, S[, 3])."""
    points: Floats
    """float32 (n, 5, 2): landmarks in pixels, NaN where no face was found."""
    frames: Floats
    """float32 (n, 5, 2): where the landmarks would be if the face were framed as FER-2013 frames it: by the whole of a ready-made crop."""
    labels: Ints
    """int64 (n,): position in `names`, -1 for none."""
    shares: Floats
    """float32 (n, 9): shares of the votes over EMOTIONS, NaN for none."""
    affect: Floats
    """float32 (n, 2): valence and arousal on -1..1, NaN for none."""
    names: tuple[str, ...]
    """The classes."""
    ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def where(self, which: Bools | Ints | slice) -> Rows:
        """Some of the rows."""
        ids = tuple(np.array(self.ids, object)[which]) if self.ids else ()
        return Rows(
            self.pictures[which], self.points[which], self.frames[which], self.labels[which], self.shares[which], self.affect[which],
            self.names, ids,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class TrainData:
    """Rows to learn from and rows to judge by; held-out test rows are in neither."""

    train: Rows
    judge: Rows
    hash: str = ""
    """sha256 over ids, pictures, labels and splits, hex: the same data give the same hash on any machine."""
    sources: tuple[str, ...] = ()
    """Names of the data sets."""
    detector: str = ""
    """Name of what found the landmarks."""
    origin: Origin = field(default_factory=Origin)
    """Where the valence and arousal of `train` come from."""
    held_out: str = FILES
    """What is on one side where rows were held out: LOOK_ALIKES, or only equal FILES."""

    @property
    def names(self) -> tuple[str, ...]:
        """The classes."""
        return self.train.names

    @property
    def colour(self) -> bool:
        """Whether the pictures are RGB."""
        return self.train.pictures.shape[-1] == 3


def read_data(
    config: TrainConfig, data: Path | Sequence[Path], *, detector: Detector, folder: Path, duplicates: Path | None = None,
    called: str = "", held_out: str = LOOK_ALIKES, say: Say = lambda line: None, progress: Counter = silent,
    reported: Callable[[Report], object] = lambda report: None,
) -> TrainData:  # fmt: skip
    """Rows of one or several data sets of any layout that `mien data` reads, ready for a training with these settings.

    Rows of the split `test` are left alone. Left out of training, and told through `say`: rows with a copy or the same file in another
    split, rows that the crowd called no face, flat and unreadable pictures, rows without any target of `config.tasks`. Where no row is
    in `val`, `config.held_out` of the training rows are held out (see hold_out).

    A network of sequences gets windows of clips instead, see mien.train.clips.

    duplicates: npz that marks FER-2013's rows with copies in another split; of manifests made with such a file the marks in them count.
    detector: finds the landmarks; called: its name. folder:
    pictures and landmarks are kept there, in a folder named for the data's hash, so that the next training on them begins at once.
    held_out: what is on one side of a hold-out, LOOK_ALIKES or FILES (see run_data.its_hold_out).
    reported: called, as soon as it is known, with what of each data set could not be taken.
    Raises SourceMissing, DataError; UsageError for a task without a target, or duplicates that are no such file or say nothing of the data.
    """
    paths = [data] if isinstance(data, Path) else list(data)
    if input_of(config.net, config.settings).frames:
        from mien.train.clips import read_clips

        if duplicates is not None:
            raise UsageError(f"duplicates: {duplicates} marks pictures, and network {config.net} learns from clips; leave it out")
        return read_clips(config, paths, detector=detector, folder=folder, called=called, say=say, progress=progress, reported=reported)
    whole = _joined(paths, duplicates, progress, reported)
    held = _files_in(whole, ("val", "test"))
    whole = whole.where(np.asarray(whole["split"] != "test"))  # test rows are for the final evaluation alone
    if not (whole["split"] == "val").any():
        say(f"no split called val: {config.held_out:.0%} of the rows are held out to judge by (mien data split does it once for all)")
        alike = look_alikes(whole, folder, threads=config.threads, say=say, progress=progress) if held_out == LOOK_ALIKES else None
        whole = hold_out(whole, config.held_out, seed=config.seed, alike=alike, say=say)
    usable = usable_rows(whole, config, held)
    _tell(usable.told, say)
    usable.refuse_one_sided()
    _tell(usable.unjudged(config.tasks), say)
    whole = usable.manifest
    keeping = Keeping.of(config, whole, colour=_in_colour(whole, config))
    key = keeping.marked(hash_of(whole, usable.labels, usable.affect))
    name_of = called or type(detector).__name__
    origin = origin_of(whole, usable.affect, usable.fit, config)
    kept = RowCache(folder / f"data-{key[:12]}", keeping, detector, name_of)
    sides = []
    for name in ("train", "judge"):
        side = _side(name, usable, kept, ", ".join(path.name for path in paths), progress)
        reported(side.unread)
        _tell(side.told, say)
        sides.append(side)
    train, judge = (side.rows for side in sides)
    if faceless := sum(side.faceless for side in sides):
        say(f"no face found in {faceless} of {len(train) + len(judge)} pictures; they are taken whole (mien data extra leaves them out)")
    if not len(train) or not len(judge):
        raise DataError(f"{len(train)} pictures to train on and {len(judge)} to judge by could be read; wanted some of each")
    say(f"{len(train)} rows to train on, {len(judge)} to judge by")
    return TrainData(train, judge, key, tuple(sorted(set(whole["source"].astype(str).tolist()))), name_of, origin, held_out)


def _joined(paths: Sequence[Path], duplicates: Path | None, progress: Counter, reported: Callable[[Report], object]) -> Manifest:
    """The data sets as one, with the sha256 of every picture that can be read. See read_data."""
    manifests = []
    for path, name, marks in zip(paths, sources_of(paths), duplicates_for(paths, duplicates), strict=True):
        manifest, report = read_any(path, duplicates=marks, source=name, progress=lambda n: progress(n, "pictures read"))
        manifests.append(manifest)
        reported(report)
    return _hashed(Manifest.concat(manifests))


def _files_in(manifest: Manifest, splits: Sequence[str]) -> set[str]:
    """sha256 of the files of these splits."""
    return set(manifest["sha256"][np.isin(manifest["split"].astype(str), splits)].astype(str).tolist()) - {""}


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """The rows to train on, or those to judge by, with their pictures."""

    rows: Rows
    unread: Report
    """Which pictures cannot be read, and why."""
    told: list[str]
    """What was left out, in lines."""
    faceless: int
    """Pictures in which no face was found."""


def _side(name: str, usable: Usable, kept: RowCache, source: str, progress: Counter) -> _Side:
    """name: `train` or `judge`; what is learnt from must not be flat. source: what the data are called."""
    which = usable.fit if name == "train" else ~usable.fit
    part = usable.manifest.where(which)
    found = kept.rows(name, part, progress)
    rows = Rows(
        found.pictures,
        found.points,
        found.frames,
        usable.labels[which],
        np.asarray(part["shares"], np.float32),
        usable.affect[which],
        usable.names,
        tuple(part["id"].astype(str).tolist()),
    )
    unread = Report(source)
    reopened(part, np.flatnonzero(~found.read).tolist(), unread)
    flat = _flat(found.pictures) & found.read if name == "train" else np.zeros(len(rows), np.bool_)
    told = [
        f"left out: {lost.sum()} pictures {why}"
        for why, lost in (("that cannot be read", ~found.read), ("of one flat colour", flat))
        if lost.any()
    ]
    stays = found.read & ~flat
    return _Side(rows if stays.all() else rows.where(stays), unread, told, int((found.faceless & stays).sum()))


def _tell(lines: Sequence[str], say: Say) -> None:
    for line in lines:
        say(line)


def _in_colour(manifest: Manifest, config: TrainConfig) -> bool:
    """Whether pictures are kept in RGB."""
    takes_colour = input_of(config.net, config.settings).channels == 3
    return takes_colour and (config.colour == "rgb" or (config.colour == "auto" and not _all_grey(manifest)))


def _hashed(manifest: Manifest) -> Manifest:
    """The manifest with the sha256 of every picture that can be read, also where it had none."""
    hashes = manifest["sha256"].astype(str).tolist()
    for i, sha in enumerate(hashes):
        if not sha:
            try:
                hashes[i] = hashlib.sha256(manifest.bytes_of(i)).hexdigest()
            except (SourceError, DataError):
                continue
    return manifest.with_columns(sha256=hashes)


def _all_grey(manifest: Manifest) -> bool:
    """Whether the first pictures, some from each source, are all grey."""
    for source in sorted(set(manifest["source"].astype(str).tolist())):
        for i in np.flatnonzero(manifest["source"].astype(str) == source)[:20].tolist():
            try:
                picture = manifest.picture(i)
            except (SourceError, DataError):
                continue
            if (picture[..., 0] != picture[..., 1]).any() or (picture[..., 0] != picture[..., 2]).any():
                return False
    return True


def _flat(pictures: Image) -> Bools:
    return np.array([picture.max() == picture.min() for picture in pictures], np.bool_)
