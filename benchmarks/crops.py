"""The last part of `make bench`: mien beside `fer`, `@vladmandic/human` and `@vladmandic/face-api` on the same crops of faces.

FER_PYTHON names a Python that has fer, NODE_PEERS a folder with the two npm packages, BENCH_DATA labelled pictures.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mien.cli.render import print_table
from mien.data.labelled import read_labelled
from mien.errors import MienError
from mien.evaluate.metrics import Judged
from mien.evaluate.road import Asked, Face, asked, cut, face_of
from mien.evaluate.speed import ratio, row, timed
from mien.io.images import read_image
from mien.labels import LABEL_SETS
from mien.models.detectors.registry import detector as detector_by_name
from mien.models.landmarks import find_in_crop
from mien.models.locate import BUNDLED
from mien.models.registry import cards, recogniser
from mien.types import Detector, Floats, Image, Ints
from mien.vision.align import CropSpec, align, whole_frame_points
from peers import BATCHES, Peer, a_face, batch, installed, runs_of
from run import on_one_core
from scenes import EXAMPLES

HERE = Path(__file__).parent
LABELS = LABEL_SETS["fer7"]
OWN = "base"
SIDE = 112
"""Of the crops that are cut here, in pixels: what the peer that wants most takes."""
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "ece")
SPEED = ("mean_ms", "median_ms", "p95_ms", "per_s")
NOWHERE: Floats = np.full((5, 2), np.nan, np.float32)


@dataclass(frozen=True, eq=False)
class Crops:
    """What every model of the table is given."""

    name: str
    images: Image
    """uint8 (n, S, S, 3) RGB."""
    ready: bool
    """Whether the pictures came as crops and are as they came; otherwise they are cut by YuNet's landmarks."""
    true: Ints
    """int64 (n,), positions in LABELS; empty for pictures without labels."""


def framed(image: Image, detector: Detector) -> Image:
    """The face of a picture framed as FER-2013 frames it, uint8 (SIDE, SIDE, 3); the whole picture where none is found."""
    face = face_of(image, detector, faces="detect")
    points = find_in_crop(image, detector) if face is None else face.points
    if not np.isfinite(points).all():
        points = whole_frame_points(image.shape[1], image.shape[0])
    return np.asarray(align(image, points[None], CropSpec(size=SIDE, colour="rgb"))[0])


def example_crops(detector: Detector) -> Crops:
    """Every face of the example pictures."""
    images = [read_image(path).image for path in sorted(EXAMPLES.glob("*.jpg"))]
    faces = [align(image, detector(image).points, CropSpec(size=SIDE, colour="rgb")) for image in images]
    return Crops("examples", np.concatenate(faces), False, np.zeros(0, np.int64))


def labelled_crops(path: Path, detector: Detector) -> Crops:
    """The crops of a labelled set. Of data that come with splits only the one to choose models by is read: FER-2013's PublicTest."""
    data = read_labelled(path, "fer7", split="val")
    images = list(data.pictures())
    name = data.name if np.any(data.columns["split"] != "") else path.stem
    ready = are_crops(images)
    return Crops(name, np.stack(images if ready else [framed(image, detector) for image in images]), ready, data.true)


def are_crops(images: Sequence[Image]) -> bool:
    """Whether pictures are ready-made crops, such as FER-2013's: square, of one size, and too small to cut a face out of."""
    return {image.shape for image in images} == {(len(images[0]), len(images[0]), 3)} and len(images[0]) < SIDE


def answers(model: Asked, crops: Image, detector: Detector | None = None) -> Floats:
    """What a model of mien's says, float32 (n, 7). With a detector, landmarks are looked for in the crop, as `mien evaluate` does."""
    parts = []
    for start in range(0, len(crops), max(BATCHES)):
        part = crops[start : start + max(BATCHES)]
        faces = [Face(find_in_crop(crop, detector) if detector else NOWHERE, NOWHERE, 0) for crop in part]
        cuts = [cut(crop, face, model.recogniser.crop) for crop, face in zip(part, faces, strict=True)]
        parts.append(model.probs(model.recogniser(np.stack(cuts))))
    return np.concatenate(parts)


def own_models(runtime: str = "") -> list[tuple[Asked, float]]:
    """mien's embedded recognisers, `base` first, with the megabytes of each; runtime: `:openvino` for those run by it."""
    found = [(name, card.bytes / 1e6) for name, (card, path) in cards().items() if path.parent == BUNDLED]
    found.sort(key=lambda one: one[0] != OWN)
    return [(asked(recogniser(name + runtime, threads=1), "fer7", LABELS), size) for name, size in found]


def speed_rows(peers: Sequence[Peer], crops: Image, detector: Detector, runs: int) -> list[dict[str, Any]]:
    """Times of a face on one core, from a crop in memory to seven probabilities; mien's base before and after each peer."""
    models = own_models()

    def own(model: Asked, detector: Detector | None = None) -> dict[int, dict[str, float]]:
        return {n: a_face(timed(lambda: answers(model, batch(crops, n), detector), runs=runs_of(runs, n)), n) for n in BATCHES}  # noqa: B023

    base = [own(models[0][0])]
    rows = speed_of(f"mien {OWN}, aligned", models[0][1], "ONNX Runtime", own(models[0][0], detector), base[0])
    for model, size in models[1:]:
        rows += speed_of(f"mien {model.name}", size, "ONNX Runtime", own(model), base[0])
    for peer in peers:
        said = peer.time(crops, max(10, runs // 5))
        base.append(own(models[0][0]))
        rows += speed_of(peer.name, said["megabytes"], said["backend"], said["speed"], mean(base[-2:]))
    if find_spec("openvino"):  # not imported here: it would report that to its makers
        base.append(own(models[0][0]))
        for model, size in own_models(":openvino"):  # last: once its models are open, `tiny` took a fifth longer by ONNX Runtime
            rows += speed_of(f"mien {model.name}", size, "OpenVINO", own(model), base[-1])
    return speed_of(f"mien {OWN}", models[0][1], "ONNX Runtime", mean(base), None) + rows


def speed_of(
    what: str, megabytes: float, backend: str, speed: dict[int, dict[str, float]], base: dict[int, dict[str, float]] | None
) -> list[dict[str, Any]]:
    """A row for each size of batch."""
    return [
        row(
            what,
            f"batch {size}",
            speed[size],
            than=(f"mien {OWN}", ratio(speed[size], base[size])) if base else None,
            backend=backend,
            megabytes=round(megabytes, 2),
        )
        for size in BATCHES
    ]


def mean(speeds: Sequence[dict[int, dict[str, float]]]) -> dict[int, dict[str, float]]:
    """Of times taken at different moments of a run."""
    return {size: {key: round(float(np.mean([one[size][key] for one in speeds])), 4) for key in SPEED} for size in BATCHES}


def accuracy_rows(peers: Sequence[Peer], crops: Crops, detector: Detector) -> list[dict[str, Any]]:
    """How well each model answers on the crops of a labelled set."""
    told: list[tuple[str, Floats]] = []
    for model, _ in own_models():
        told.append((f"mien {model.name}", answers(model, crops.images)))
        told.append((f"mien {model.name}, aligned", answers(model, crops.images, detector)))
    told += [(peer.name, peer.probs(crops.images)) for peer in peers]
    rows: list[dict[str, Any]] = []
    for what, probs in told:
        found = Judged(probs, crops.true, LABELS).headline()
        figures = {name: round(found[name], 4) for name in FIGURES}
        than = (rows[0]["what"], round(found["accuracy"] / rows[0]["accuracy"], 4)) if rows else None
        rows.append(row(what, crops.name, {}, than=than, side=crops.images.shape[1], n=len(crops.true), **figures))
    return rows


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Rows as a table."""
    columns = [key for key in rows[0] if any(one[key] is not None for one in rows)]  # times or accuracies
    print_table(columns, [["" if one[key] is None else str(one[key]) for key in columns] for one in rows])


def main() -> None:
    on_one_core()
    runs = int(os.environ.get("BENCH_RUNS", "100"))
    detector = detector_by_name("yunet", threads=1)
    try:
        data = [labelled_crops(Path(name), detector) for name in os.environ.get("BENCH_DATA", "").split(os.pathsep) if name]
    except MienError as error:
        sys.exit(f"BENCH_DATA: {error}")
    with tempfile.TemporaryDirectory() as folder:
        peers, missing = installed(Path(folder))
        examples = example_crops(detector)
        rows = speed_rows(peers, examples.images, detector, runs)
        print(f"a face, from a crop of {SIDE} px in memory to seven probabilities, one thread ({len(examples.images)} faces of examples/)")
        show(rows)
        for crops in data:
            found = accuracy_rows(peers, crops, detector)
            print(f"\n{crops.name}: the same crops to all, {'as they are' if crops.ready else 'cut by YuNet, framed as FER-2013'}")
            show(found)
            rows += found
    if not data:
        print("accuracy is not in this table: name labelled pictures with BENCH_DATA, see benchmarks/README.md")
    for name, variable in missing.items():
        print(f"{name} is not in this table: benchmarks/README.md says how to install it aside and name it with {variable}")
    target = HERE / "results_crops.json"
    target.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    print(f"also in {target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target}")


if __name__ == "__main__":
    main()
