"""One pass over the pictures of a manifest: what each is by itself, in numbers. No picture is held."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mien.data.duplicates import SIDE, pixel_hash, small
from mien.data.manifest import Manifest
from mien.errors import MienError, SourceUnreadable
from mien.io.events import Failure
from mien.io.images import decode_whole
from mien.io.prefetch import prefetched
from mien.io.whole import whole
from mien.labels import EMOTIONS
from mien.types import Bools, Emotions, Floats, Image, Ints, Recogniser
from mien.vision.align import align, grey, whole_frame_points
from mien.vision.quality import sharpness

CHUNK = 256
"""Pictures that a thread takes at a time."""
FACE = 48
"""Side of the grey picture that mean faces, sharpness and detail are measured on."""
Part: TypeAlias = dict[str, Any]
"""The measures of a chunk by name, as arrays."""
FORM = "3"
"""Changed when the numbers that are kept between runs mean something else."""


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """What was measured of n pictures; 0, "" or NaN where one could not be read."""

    readable: Bools
    """bool (n,)."""
    size: Ints
    """int64 (n, 2): width, height in pixels."""
    span: Ints
    """int64 (n,): highest less lowest grey value; 0 is a constant picture."""
    sharpness: Floats
    """float32 (n,): share of fine detail (mien.vision.quality.sharpness) of the picture at 48x48."""
    bytes: tuple[str, ...]
    """n sha256 of the encoded pictures, hex: the manifest's where it has them."""
    pixels: tuple[str, ...]
    """n hashes of the decoded pixels (duplicates.pixel_hash)."""
    small: Floats
    """float32 (n, 576): see duplicates.small; lies in a temporary file, not in memory."""
    faces: Image
    """uint8 (n, 48, 48): grey (face48); lies in a temporary file, too."""
    features: Floats | None
    """float32 (n, d): what a recogniser says of the picture taken as a face: log-probabilities of its outputs, valence, arousal."""
    sums: Floats
    """float32 (9 + 1, 48, 48): sums of the grey pictures of each label of EMOTIONS, and of those without one."""
    failures: tuple[Failure, ...]
    """Pictures that could not be read."""


def measure(
    manifest: Manifest,
    *,
    recogniser: Recogniser | None = None,
    threads: int = 0,
    cache: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Measures:
    """Measure all pictures of a manifest.

    recogniser: what fills `features`, called by several threads at once. threads: 0 takes all cores. cache: a folder in which finished
    parts are kept, so that a later call with the same pictures goes on where an interrupted one stopped. progress is called with the
    number of pictures done. Raises SinkError when the cache cannot be written.
    """
    n = len(manifest)
    work = partial(_kept, manifest, label_codes(manifest), recogniser, cache)
    starts = range(0, max(n, 1), CHUNK)
    jobs = (partial(work, np.arange(start, min(start + CHUNK, n))) for start in starts)
    thumbs, faces = _scratch((n, SIDE * SIDE), np.float32), _scratch((n, FACE, FACE), np.uint8)
    parts: list[Part] = []
    sums = np.zeros((len(EMOTIONS) + 1, FACE, FACE), np.float64)
    for start, part in zip(starts, prefetched(jobs, ahead=threads or os.cpu_count() or 1), strict=True):
        thumbs[start : start + CHUNK] = part.pop("small")
        faces[start : start + CHUNK] = part.pop("faces")
        sums += part.pop("sums")
        parts.append(part)
        if progress:
            progress(min(start + CHUNK, n))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    failed = np.flatnonzero(~joined["readable"])
    return Measures(
        readable=joined["readable"],
        size=joined["size"],
        span=joined["span"],
        sharpness=joined["sharpness"],
        bytes=tuple(value.decode() for value in joined["bytes"].tolist()),
        pixels=tuple(value.decode() for value in joined["pixels"].tolist()),
        small=thumbs,
        faces=faces,
        features=joined["features"] if recogniser is not None else None,
        sums=sums.astype(np.float32),
        failures=tuple(Failure(str(manifest["id"][i]), SourceUnreadable(str(joined["failure"][i]))) for i in failed),
    )


def label_codes(manifest: Manifest) -> Ints:
    """Position of each picture's label in EMOTIONS, int64 (n,); -1 for none."""
    place = {name: i for i, name in enumerate(EMOTIONS)}
    return np.array([place.get(label, -1) for label in manifest["label"].tolist()], np.int64)


def face48(image: Image) -> Image:
    """A picture in grey at 48x48, uint8: by area where it is larger, else cubic."""
    import cv2

    plane = grey(image)
    if plane.shape == (FACE, FACE):
        return plane
    how = cv2.INTER_AREA if min(plane.shape) >= FACE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(plane, (FACE, FACE), interpolation=how), np.uint8)


def features_of(emotions: Emotions) -> Floats:
    """What a recogniser says, as numbers for a regression, float32 (n, d): log-probabilities of all its outputs, valence, arousal."""
    logs = [np.log(np.maximum(probs, 1e-6)) for probs in (emotions.probs, *emotions.heads.values())]
    return np.concatenate([*logs, *([] if emotions.affect is None else [emotions.affect])], axis=1).astype(np.float32)


def _scratch(shape: tuple[int, ...], dtype: type[np.generic]) -> Any:
    """Zeros in a file without a name, which the system takes back with the array, also after a crash."""
    if not shape[0]:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def _kept(manifest: Manifest, codes: Ints, recogniser: Recogniser | None, cache: Path | None, at: Ints) -> Part:
    """The measures of a chunk, from the cache if they are there, whole, and of the same pictures, labels and model."""
    if cache is None:
        return _measured(manifest, codes, recogniser, at)
    card = getattr(recogniser, "card", None)
    what = [FORM, repr(type(recogniser)), getattr(card, "sha256", "")]
    what += [f"{manifest['id'][i]} {codes[i]} {_sha256(manifest, i)}" for i in at.tolist()]
    path = cache / f"measures-{hashlib.sha256(chr(10).join(what).encode()).hexdigest()[:32]}.npz"
    try:
        with path.open("rb") as file, np.load(file) as kept:  # np.load leaves a damaged file open
            return dict(kept)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):  # not there, or not what was written: measure
        part = _measured(manifest, codes, recogniser, at)
    with whole(path) as new, new.open("wb") as target:
        np.savez(target, **part)
    return part


def _sha256(manifest: Manifest, position: int) -> str:
    """Of the encoded picture; "" where it cannot be read."""
    try:
        return str(manifest["sha256"][position]) or hashlib.sha256(manifest.bytes_of(position)).hexdigest()
    except MienError:
        return ""


def _measured(manifest: Manifest, codes: Ints, recogniser: Recogniser | None, at: Ints) -> Part:
    n = len(at)
    size, span, thumbs = np.zeros((n, 2), np.int64), np.zeros(n, np.int64), np.zeros((n, SIDE * SIDE), np.float32)
    faces = np.zeros((n, FACE, FACE), np.uint8)
    encoded, pixels, failure = [""] * n, [""] * n, [""] * n
    crops: list[Image] = []
    for k, position in enumerate(at.tolist()):
        try:
            data = manifest.bytes_of(position)
            encoded[k] = manifest["sha256"][position] or hashlib.sha256(data).hexdigest()
            image = decode_whole(data, name=str(manifest["id"][position])).image
        except MienError as error:
            failure[k] = str(error)
            continue
        plane = grey(image)
        size[k] = image.shape[1], image.shape[0]
        span[k] = int(plane.max()) - int(plane.min())
        thumbs[k], faces[k], pixels[k] = small(plane), face48(image), pixel_hash(image)
        if recogniser is not None:
            points = whole_frame_points(image.shape[1], image.shape[0], recogniser.crop.template)
            crops.append(align(image, points[None], recogniser.crop)[0])
    readable = np.array([value != "" for value in pixels], np.bool_)
    detail = np.full(n, np.nan, np.float32)
    detail[readable] = sharpness(np.repeat(faces[readable][..., None], 3, axis=3))
    sums = np.zeros((len(EMOTIONS) + 1, FACE, FACE), np.float64)
    np.add.at(sums, codes[at][readable], faces[readable])  # -1, no label, is the last
    return {
        "readable": readable, "size": size, "span": span, "sharpness": detail, "small": thumbs, "faces": faces,
        "bytes": np.array(encoded, "S64"), "pixels": np.array(pixels, "S64"), "failure": np.array(failure, "U"),
        "sums": sums, "features": _features(recogniser, crops, readable),
    }  # fmt: skip


def _features(recogniser: Recogniser | None, crops: list[Image], readable: Bools) -> Floats:
    """float32 (n, d), NaN where there is no picture; d is 0 without a recogniser."""
    if recogniser is None:
        return np.zeros((len(readable), 0), np.float32)
    side = recogniser.crop.size
    found = features_of(recogniser(np.stack(crops) if crops else np.zeros((0, side, side, 3), np.uint8)))
    out = np.full((len(readable), found.shape[1]), np.nan, np.float32)
    out[readable] = found
    return out
