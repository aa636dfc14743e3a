"""Pictures from elsewhere for training: the one face in each, cut out as a model's card has it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from mien.data.manifest import CUT_OUT, Manifest, absolute
from mien.data.readers.report import NO_FACE, SEVERAL, Progress, Report, kind_of, silent
from mien.data.stores import InMemory, InParquet, png
from mien.errors import MienError
from mien.io.images import decode_whole
from mien.io.prefetch import prefetched
from mien.io.whole import sweep as sweep_parts
from mien.io.whole import whole
from mien.models.landmarks import crop_points, framed
from mien.types import Detector, Faces, Image
from mien.vision.align import CropSpec, align

CHUNK = 128
"""Pictures whose crops are put on the disk together: what an interruption costs at most."""
AHEAD = 4


def crop_frame(spec: CropSpec) -> CropSpec:
    """How extras are cut for a model of that crop: its template's whole frame, in colour, at the resolution that the model sees.

    The margin, which the model's own crop adds or cuts off, is left to whoever reads the picture: so the frame is that of FER-2013.
    """
    return replace(spec, size=round(spec.size / (1 + 2 * spec.margin)), margin=0.0, colour="rgb")


def extra(
    sources: Iterable[tuple[Manifest, Report]],
    detector: Detector,
    spec: CropSpec,
    *,
    parts: Path,
    name: str = "",
    progress: Progress = silent,
) -> tuple[Manifest, Report]:
    """The faces of labelled pictures as pictures of their own, for training only.

    Where exactly one face is found its crop is taken; a picture with none or several is reported. Label, subject, votes, valence,
    arousal and source are the picture's; `parent` is its path, or its id where it is no file; split is train.

    sources: pairs of a manifest (hashes and sizes need not be known) and what its reader reported. spec: see crop_frame. parts: folder
    for finished work, a file for every CHUNK pictures, named by the hash of the pictures and all that the crops depend on: a run that
    was interrupted goes on from there. It is the caller's to remove (see `sweep`) when the result has been written, which reads from it.
    name: of the detector. progress: one bar for all.
    """
    pairs = list(sources)
    report = Report(", ".join(report.source for _, report in pairs))
    report.problems += [problem for _, one in pairs for problem in one.problems]
    done_parts: list[Manifest] = []
    with progress(sum(len(manifest) for manifest, _ in pairs)) as done:
        before = 0
        for manifest, _ in pairs:
            for start in range(0, len(manifest), CHUNK):
                chunk = manifest.where(slice(start, start + CHUNK))
                tell = partial(_moved, done, before)
                done_parts.append(_chunk(chunk, detector, spec, parts=parts, name=name, report=report, tell=tell))
                before += len(chunk)
                done(before)
    return Manifest.concat(done_parts), report


def sweep(parts: Path) -> None:
    """Remove the finished work of `extra`, once its result is written. Files that are not its own stay."""
    for pattern in ("*.parquet", "*.json") if parts.is_dir() else ():
        for file in parts.glob(pattern):
            file.unlink()
    sweep_parts(parts)
    if parts.is_dir() and not any(parts.iterdir()):
        parts.rmdir()


def find_faces(image: Image, detector: Detector) -> Faces:
    """Faces of a picture; if there are none, those found when it is enlarged (or shrunk) onto a grey canvas, as tight crops need."""
    faces = detector(image)
    if len(faces):
        return faces
    frame = framed(image)
    faces = detector(frame.canvas)
    boxes = frame.back(faces.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
    return Faces(boxes, faces.scores, frame.back(faces.points))


def _moved(done: Callable[[int], None], before: int, count: int) -> None:
    done(before + count)


def _chunk(
    chunk: Manifest, detector: Detector, spec: CropSpec, *, parts: Path, name: str, report: Report, tell: Callable[[int], None]
) -> Manifest:
    """The crops of some pictures: those made before, or else made now. What is known of the pictures is taken from their rows of now."""
    data = [_bytes(chunk, i) for i in range(len(chunk))]
    key = hashlib.sha256(json.dumps([asdict(spec), name, CHUNK]).encode())
    for i, one in enumerate(data):
        said = f"{chunk['id'][i]}\0{chunk['path'][i]}"  # which the problems name
        key.update(said.encode("utf-8", "surrogateescape") + (hashlib.sha256(one).digest() if isinstance(one, bytes) else b"-"))
    made, told = parts / f"{key.hexdigest()[:32]}.parquet", parts / f"{key.hexdigest()[:32]}.json"
    if not made.exists():
        crops, problems = _crops(chunk, data, detector, spec, tell)
        with whole(told) as part:
            part.write_text(json.dumps({"kept": [*crops], "problems": problems}), "utf-8")
        _encoded(crops).write(made)  # last: a chunk is finished when this file has its name
    notes = json.loads(told.read_text("utf-8"))
    for kind, item, why in notes["problems"]:
        report.add(kind, item, why)
    return _children(chunk.where(notes["kept"]), Manifest.read(made), InParquet(made), spec.size)


def _bytes(chunk: Manifest, position: int) -> bytes | MienError:
    try:
        return chunk.bytes_of(position)
    except MienError as error:
        return error


def _crops(
    chunk: Manifest, data: list[bytes | MienError], detector: Detector, spec: CropSpec, tell: Callable[[int], None]
) -> tuple[dict[int, bytes], list[tuple[str, str, str]]]:
    """The crops by the position of their picture, and kind, item and why of each picture without one."""
    problems: list[tuple[str, str, str]] = []
    crops: dict[int, bytes] = {}
    jobs = (partial(_decoded, one, str(chunk["path"][i] or chunk["id"][i])) for i, one in enumerate(data))
    for i, image in enumerate(prefetched(jobs, ahead=AHEAD)):
        where = str(chunk["path"][i] or chunk["id"][i])
        if isinstance(image, MienError):
            problems.append((kind_of(image), where, str(image)))
        else:
            faces = find_faces(image, detector)
            if len(faces) == 1:
                crops[i] = png(align(image, crop_points(faces, detector), spec)[0])
            else:
                problems.append((SEVERAL if len(faces) else NO_FACE, where, f"{len(faces)} faces found, wanted exactly one"))
        tell(i + 1)
    return crops, problems


def _decoded(data: bytes | MienError, name: str) -> Image | MienError:
    if isinstance(data, MienError):
        return data
    try:
        return decode_whole(data, name=name).image
    except MienError as error:
        return error


def _encoded(crops: dict[int, bytes]) -> Manifest:
    """Crops alone, as they wait on the disk."""
    hashes = [hashlib.sha256(crop).hexdigest() for crop in crops.values()]
    return Manifest({"id": [str(i) for i in crops], "sha256": hashes}, [InMemory([*crops.values()])])


def _children(pictures: Manifest, crops: Manifest, store: InParquet, size: int) -> Manifest:
    """Rows for the crops of pictures, one each. store: where the crops are."""
    n = len(pictures)
    return pictures.with_pictures(store).with_columns(
        id=[f"{name}#face" for name in pictures["id"]],
        sha256=crops["sha256"],
        width=[size] * n,
        height=[size] * n,
        split=["train"] * n,
        parent=[absolute(path) or name for path, name in zip(pictures["path"], pictures["id"], strict=True)],
        note=[CUT_OUT] * n,
    )
