"""What a network learns from: pictures of any data set in memory (or mapped from a file), with the targets they have."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.data.fer import FER7
from mien.data.manifest import Manifest
from mien.data.readers.recognise import read_any
from mien.data.split import split
from mien.errors import DataError, SourceError, UsageError
from mien.labels import EMOTIONS, LABEL_SETS, anchors
from mien.models.landmarks import find_in_crop
from mien.train.config import TrainConfig
from mien.train.nets import input_of
from mien.types import Bools, Detector, Floats, Image, Ints
from mien.vision.align import grey, whole_frame_points

Say = Callable[[str], None]
Counter = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
"""Called with a number and what is counted, gives a context in which it is told how many are done: `cli.render.progress_counter`."""


def silent(total: int, noun: str) -> AbstractContextManager[Callable[[int], None]]:
    """A counter that says nothing."""
    return nullcontext(lambda done: None)


ROOM = 1.25
"""Pictures are kept at this many times the side of the crop's frame: more would be shrunk again."""
IN_MEMORY = 512 << 20
"""Larger sets of pictures are mapped from a file."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Pictures of one face each, and what is known of them; all of one length n."""

    pictures: Image
    """uint8 (n, S, S) grey or (n, S, S, 3) RGB; one that is not square lies at the top left, its border repeated. Sequences of T
    pictures are (n, T, S, S[, 3])."""
    points: Floats
    """float32 (n, 5, 2): landmarks in pixels, NaN where no face was found."""
    frames: Floats
    """float32 (n, 5, 2): where the landmarks would be if the whole picture were a face framed as FER-2013 frames it."""
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
    called: str = "", say: Say = lambda line: None, progress: Counter = silent,
) -> TrainData:  # fmt: skip
    """Rows of one or several data sets of any layout that `mien data` reads, ready for a training with these settings.

    Rows of the split `test` are left alone. Left out of training, and told through `say`: rows with a copy or the same file in another
    split, rows that the crowd called no face, flat and unreadable pictures, rows without any target of `config.tasks`. Where no row is
    in `val`, `config.held_out` of the training rows are held out, with subjects, descendants and equal files kept on one side.

    A network of sequences gets windows of clips instead, see mien.train.clips.

    duplicates: npz that marks FER-2013's rows with copies in another split. detector: finds the landmarks; called: its name. folder:
    pictures and landmarks are kept there, in a folder named for the data's hash, so that the next training on them begins at once.
    Raises SourceMissing, DataError.
    """
    paths = [data] if isinstance(data, Path) else list(data)
    if input_of(config.net, config.settings).frames:
        from mien.train.clips import read_clips

        return read_clips(config, paths, detector=detector, folder=folder, say=say, progress=progress)
    manifests = []
    for path in paths:
        manifest, report = read_any(
            path, duplicates=duplicates if path.suffix == ".npz" else None, progress=lambda n: progress(n, "pictures read")
        )
        manifests.append(manifest)
        if counts := report.counts():
            say(f"{path.name}: " + ", ".join(f"{n} {kind}" for kind, n in counts.items()))
    whole = _hashed(Manifest.concat(manifests))
    held = {sha for sha in whole["sha256"][np.isin(whole["split"].astype(str), ("val", "test"))].astype(str).tolist() if sha}
    whole = whole.where(np.asarray(whole["split"] != "test"))  # test rows are for the final evaluation alone
    if (whole["split"] == "val").sum() == 0:
        say(f"no split called val: {config.held_out:.0%} of the rows are held out to judge by (mien data split does it once for all)")
        free = whole.with_columns(split=np.array([""] * len(whole), object))
        whole = split(free, {"train": 1 - config.held_out, "val": config.held_out}, seed=config.seed, groups=_same_files(whole))
    labels, names = _classes(whole, config)
    affect = _affect(whole, config)
    fit = np.asarray(whole["split"] != "val")
    taught = _has_target(whole, labels, affect, config)
    notes = whole["note"].astype(str)
    out = {
        "without a target": ~taught,
        "with a copy in another split": fit & (np.char.find(notes, "copy in another split") >= 0),
        "that the crowd called no face": fit & (np.char.find(notes, "the crowd: not a face") >= 0),
    }
    out["with the same file in another split"] = (
        fit & np.isin(whole["sha256"].astype(str), list(held)) & ~np.any(list(out.values()), axis=0)
    )
    keep = ~np.any(list(out.values()), axis=0)
    for why, which in out.items():
        if which.any():
            say(f"left out: {which.sum()} rows {why}")
    whole, labels, affect, fit = whole.where(keep), labels[keep], affect[keep], fit[keep]
    if not fit.any() or fit.all():
        raise DataError(f"{int(fit.sum())} rows to train on and {int((~fit).sum())} to judge by; wanted some of each")
    for task in config.tasks:
        if not _has(whole, labels, affect)[task][~fit].any():
            say(f"no row to judge by has a target of the task {task}: val_score leaves it out")
    key = _hash(whole, labels, affect)
    name_of = called or str(getattr(detector, "name", type(detector).__name__))
    side, colour = _kept(whole, config)
    kept = Cache(folder / f"data-{key[:12]}", side, colour)
    parts = []
    for name, which in (("train", fit), ("judge", ~fit)):
        part = whole.where(which)
        pictures, sizes, read = kept.pictures(name, part, progress)
        points = kept.points(name, pictures, sizes, detector, name_of, progress)
        frames = np.stack([whole_frame_points(w, h) for w, h in sizes.tolist()])
        rows = Rows(
            pictures,
            points,
            frames,
            labels[which],
            np.asarray(part["shares"], np.float32),
            affect[which],
            names,
            tuple(part["id"].astype(str).tolist()),
        )
        flat = _flat(pictures) & read if name == "train" else np.zeros(len(read), np.bool_)
        for why, lost in (("that cannot be read", ~read), ("of one flat colour", flat)):
            if lost.any():
                say(f"left out: {lost.sum()} pictures {why}")
        parts.append(rows if (read & ~flat).all() else rows.where(read & ~flat))
    train, judge = parts
    if not len(train) or not len(judge):
        raise DataError(f"{len(train)} pictures to train on and {len(judge)} to judge by could be read; wanted some of each")
    say(f"{len(train)} rows to train on, {len(judge)} to judge by")
    return TrainData(train, judge, key, tuple(sorted(set(whole["source"].astype(str).tolist()))), name_of)


class Cache:
    """Pictures and landmarks of one data set, kept from one training to the next: squares of `side` pixels, grey or RGB."""

    def __init__(self, folder: Path, side: int, colour: bool) -> None:
        self._folder, self._side, self._colour = folder, side, colour
        self._how = f"{side}-{'rgb' if colour else 'grey'}"

    def pictures(self, kind: str, manifest: Manifest, progress: Counter) -> tuple[Image, Ints, Bools]:
        """uint8 (n, S, S[, 3]), their widths and heights int64 (n, 2), and which could be read, bool (n,)."""
        import cv2

        n, side, colour = len(manifest), self._side, self._colour
        path = self._folder / f"{kind}-{self._how}.npy"
        about = path.with_suffix(".sizes.npz")
        if not (path.exists() and about.exists()):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.part")  # another training may be making the same file
            shape = (n, side, side, 3) if colour else (n, side, side)
            out = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
            sizes, read = np.full((n, 2), side, np.int64), np.ones(n, np.bool_)
            with progress(n, "pictures kept") as done:
                for i in range(n):
                    try:
                        picture = manifest.picture(i)
                    except SourceError:
                        read[i] = False
                        continue
                    seen = _shrunk(picture if colour else grey(picture), side)
                    h, w = seen.shape[:2]
                    out[i] = cv2.copyMakeBorder(seen, 0, side - h, 0, side - w, cv2.BORDER_REPLICATE)
                    sizes[i] = w, h
                    done(i + 1)
            out.flush()
            del out
            if not read.all():  # a disk may be missing, and be there the next time
                return np.asarray(np.load(partial)), sizes, read
            beside = about.with_suffix(f".{os.getpid()}.npz")
            np.savez(beside, sizes=sizes, read=read)
            beside.replace(about)
            partial.replace(path)
        pictures: Image = np.load(path, mmap_mode="r" if path.stat().st_size > IN_MEMORY else None)
        with np.load(about) as file:
            return pictures, file["sizes"], file["read"]

    def points(self, kind: str, pictures: Image, sizes: Ints, detector: Detector, name: str, progress: Counter) -> Floats:
        """Landmarks, float32 (n, 5, 2), NaN where the detector finds no face."""
        called = hashlib.sha256(name.encode()).hexdigest()[:8]
        path = self._folder / f"{kind}-{self._how}-points-{called}.npy"
        if path.exists():
            return np.asarray(np.load(path), np.float32)
        found = np.full((len(pictures), 5, 2), np.nan, np.float32)
        with progress(len(pictures), "faces looked for") as done:
            for i, (picture, (w, h)) in enumerate(zip(pictures, sizes.tolist(), strict=True)):
                seen = picture[:h, :w]
                found[i] = find_in_crop(seen if seen.ndim == 3 else np.repeat(seen[..., None], 3, axis=2), detector)
                done(i + 1)
        partial = path.with_suffix(f".{os.getpid()}.part")
        with partial.open("wb") as file:
            np.save(file, found)
        partial.replace(path)
        return found


def _shrunk(picture: Image, side: int) -> Image:
    """The picture with its longer side no longer than that."""
    import cv2

    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _kept(manifest: Manifest, config: TrainConfig) -> tuple[int, bool]:
    """Side of the pictures that are kept, and whether they are RGB: the same for all rows."""
    wanted = input_of(config.net, config.settings)
    side = round(ROOM * wanted.size * (1 + 2 * max(config.margin, 0)))
    longest = int(np.maximum(manifest["width"], manifest["height"]).max(initial=0))
    colour = wanted.channels == 3 and (config.colour == "rgb" or (config.colour == "auto" and not _all_grey(manifest)))
    return min(side, longest) if longest else side, colour


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


def _same_files(manifest: Manifest) -> Ints:
    """Group of each row, int64 (n,): one for rows whose files are the same byte for byte."""
    hashes = [sha or f"row {i}" for i, sha in enumerate(manifest["sha256"].astype(str).tolist())]
    return np.asarray(np.unique(hashes, return_inverse=True)[1], np.int64)


def _all_grey(manifest: Manifest) -> bool:
    """Whether the first pictures, some from each source, are all grey."""
    for source in sorted(set(manifest["source"].astype(str).tolist())):
        for i in np.flatnonzero(manifest["source"].astype(str) == source)[:20].tolist():
            try:
                picture = manifest.picture(i)
            except SourceError:
                continue
            if (picture[..., 0] != picture[..., 1]).any() or (picture[..., 0] != picture[..., 2]).any():
                return False
    return True


def _flat(pictures: Image) -> Bools:
    return np.array([picture.max() == picture.min() for picture in pictures], np.bool_)


def _classes(manifest: Manifest, config: TrainConfig) -> tuple[Ints, tuple[str, ...]]:
    """Position of each row's label among the classes there are, and their names, in the order of the label set that they make."""
    found = {name for name in manifest["label"].astype(str).tolist() if name}
    if "classes" in config.tasks and len(found) < 2:
        raise DataError(f"found the labels {', '.join(sorted(found)) or 'none'}; wanted two classes or more, or tasks without classes")
    names = next((order for order in (FER7, *LABEL_SETS.values()) if set(order) == found), tuple(e for e in EMOTIONS if e in found))
    place = {name: i for i, name in enumerate(names)}
    return np.array([place.get(str(name), -1) for name in manifest["label"]], np.int64), names


def _affect(manifest: Manifest, config: TrainConfig) -> Floats:
    """Valence and arousal as rated, or else what the votes say under the anchors."""
    rated = np.stack([manifest["valence"], manifest["arousal"]], axis=1).astype(np.float32)
    expected = anchors(config.anchors).expected(np.asarray(manifest["shares"], np.float32), EMOTIONS)
    return np.where(np.isfinite(rated).all(axis=1, keepdims=True), rated, expected).astype(np.float32)


def _has(manifest: Manifest, labels: Ints, affect: Floats) -> dict[str, Bools]:
    """Task -> rows that have a target of it."""
    return {
        "classes": labels >= 0,
        "votes": np.asarray(np.isfinite(np.asarray(manifest["shares"], np.float32)).all(axis=1)),
        "affect": np.asarray(np.isfinite(affect).all(axis=1)),
    }


def _has_target(manifest: Manifest, labels: Ints, affect: Floats, config: TrainConfig) -> Bools:
    has = _has(manifest, labels, affect)
    for task in config.tasks:
        if not has[task].any():
            wanted = {"classes": "labels", "votes": "shares of votes", "affect": "valence and arousal, or votes that say something of them"}
            raise UsageError(f"task {task}: no row has {wanted[task]}; tasks this data has: {', '.join(t for t in has if has[t].any())}")
    return np.asarray(np.any([has[task] for task in config.tasks], axis=0))


def _hash(manifest: Manifest, labels: Ints, affect: Floats) -> str:
    digest = hashlib.sha256()
    for name in ("id", "sha256", "label", "split"):
        digest.update("\n".join(manifest[name].astype(str).tolist()).encode())
    for array in (labels, affect, np.asarray(manifest["shares"], np.float32)):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
