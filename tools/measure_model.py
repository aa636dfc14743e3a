"""The final evaluation of a finished model: every figure of its card, by the exported file and the user's road.

    python tools/measure_model.py src/mien/models/weights/base.json ../shared/data

The only place where FER-2013's PrivateTest is read. Run it once a model is finished, never to choose between models. With
--only-robustness PrivateTest is not read, and only what the card says of pictures made worse is measured anew. The folder
holds fer2013.npz, fer2013_duplicates.npz, ckplus48.npz, jaffe.npz and skillbox_anger272.zip.
"""

import argparse
import dataclasses
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np

from mien.data.labelled import Labelled, read_labelled
from mien.evaluate.robustness import Level, robustness
from mien.evaluate.run import evaluate
from mien.evaluate.sample import sampled
from mien.models.card import ModelCard
from mien.models.detectors.registry import detector
from mien.models.recogniser import OnnxRecogniser
from mien.models.registry import open_model

WORSE = {"FER-2013 PublicTest": ("fer2013.npz", "PublicTest", "crop"), "JAFFE": ("jaffe.npz", None, "detect")}
"""What is judged made worse: title in the card -> file, split, faces. Never PrivateTest."""
GROUPS = {
    "FER-2013 PublicTest": ("skin", "pose"),
    "FER+ PrivateTest": ("agreement",),
    "CK+ without contempt": ("skin",),
    "JAFFE": ("skin",),
}
"""What the accuracy of a set is told by, for the section on groups. None of them names age, sex or origin of the people in it."""
CONFUSIONS = 6
"""The most frequent ones of each set."""
KEPT = ("n", "unanswered", "accuracy", "balanced_accuracy", "macro_f1", "top2", "second_given_wrong", "ece", "ece_by_chance")


def without_copies(data: Labelled, copies: set[str]) -> Labelled:
    return data.where([i for i, source in enumerate(data.sources) if source not in copies])


def shrunk(data: Labelled, side: int) -> Labelled:
    """The same pictures, `side` pixels on the longer side."""

    def smaller(read):
        def picture():
            image = read()
            scale = side / max(image.shape[:2])
            return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)

        return picture

    return dataclasses.replace(data, readers=tuple(smaller(read) for read in data.readers))


def made_worse(model: OnnxRecogniser, folder: Path, sample: int) -> dict[str, dict[str, object]]:
    """Accuracy against face size, blur, JPEG quality, brightness, roll and simulated yaw, by the titles of WORSE."""
    out = {}
    for title, (name, split, faces) in WORSE.items():
        data = sampled(read_labelled(folder / name, "fer7", split=split), sample)
        found = robustness(model, detector("yunet"), data, labels="fer7", faces=faces)
        kinds = {kind: list(map(rounded, levels)) for kind, levels in found.kinds.items()}
        out[title] = {"faces": faces, "output": found.head, "untouched": rounded(found.untouched), "kinds": kinds}
        print(f"{title}, made worse", out[title], flush=True)
    return out


def confused(confusion: dict[str, list]) -> list[list[object]]:
    """`[shown, read, share]` of the label shown, the largest shares first."""
    labels, shares = confusion["labels"], confusion["shares"]
    wrong = [
        (share, shown, read)
        for shown, row in zip(labels, shares, strict=True)
        for read, share in zip(labels, row, strict=True)
        if shown != read and share > 0
    ]
    return [[shown, read, round(share, 3)] for share, shown, read in sorted(wrong, reverse=True)[:CONFUSIONS]]


def part_of(part: dict[str, object]) -> dict[str, object]:
    return {
        "value": part["value"],
        "n": part["n"],
        "accuracy": round(part["accuracy"], 4),
        "interval": [round(x, 4) for x in part["interval"]],
    }


def rounded(level: Level) -> dict[str, object]:
    share = {"accuracy": round(level.accuracy, 4), "interval": [round(x, 4) for x in level.interval], "faceless": round(level.faceless, 4)}
    share["same"] = round(level.same, 4)
    return {"level": level.level, "n": level.n, **share}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("card", type=Path)
    words.add_argument("data", type=Path)
    words.add_argument("--only-robustness", action="store_true", help="measure only pictures made worse; the card's other figures stay")
    words.add_argument("--sample", type=int, default=1000, help="most pictures of each set that are made worse (default: 1000)")
    said = words.parse_args()
    card_path, folder = said.card, said.data
    card = ModelCard.read(card_path)
    model = open_model(card, card_path)
    assert isinstance(model, OnnxRecogniser)
    metrics = dict(card.metrics) if said.only_robustness else everything(model, folder)
    for title, found in made_worse(model, folder, said.sample).items():
        metrics[title] = metrics.get(title, {}) | {"robustness": found}
    card_path.write_text(dataclasses.replace(card, metrics=metrics).to_json(), "utf-8")
    print(f"{card_path}: {len(metrics)} measurements written")


def everything(model: OnnxRecogniser, folder: Path) -> dict[str, dict[str, object]]:
    """Every figure on pictures as they are; reads PrivateTest."""
    find = detector("yunet")
    metrics: dict[str, dict[str, object]] = {}

    def measure(name: str, data: Labelled, labels: str, faces: str, head: str = "auto") -> None:
        found = evaluate(model, find, data, labels=labels, faces=faces, head=head, slice_by=GROUPS.get(name, ()))
        row = {key: round(found.figures[key], 4) for key in KEPT}
        row |= {
            "labels": labels,
            "faces": faces,
            "output": found.head,
            "coverage": {k: round(v, 4) for k, v in found.figures["coverage"].items()},
        }
        row["interval"] = [round(x, 4) for x in found.figures["intervals"]["accuracy"]]
        row["recall"] = {label: round(part["recall"], 3) for label, part in found.figures["per_class"].items()}
        row["confused"] = confused(found.figures["confusion"])
        if name in GROUPS:
            row["groups"] = {by: list(map(part_of, parts)) for by, parts in found.figures["slices"].items()}
        if "one_rater" in found.figures:
            row["one_rater"] = round(found.figures["one_rater"], 4)
        for axis in ("valence", "arousal"):
            if axis in found.figures:
                row[axis] = {k: round(v, 4) for k, v in found.figures[axis].items()}
        metrics[name] = row
        print(name, row, flush=True)

    fer, twins = folder / "fer2013.npz", folder / "fer2013_duplicates.npz"
    with np.load(twins) as file:
        copies = {f"{fer.name}[{row}]" for row in np.flatnonzero(file["duplicate"])}
    measure("FER-2013 PublicTest", read_labelled(fer, "fer7", split="PublicTest"), "fer7", "crop")
    for labels, title in (("fer7", "FER-2013 PrivateTest"), ("ferplus8", "FER+ PrivateTest")):
        data = read_labelled(fer, labels, split="PrivateTest")
        measure(title, data, labels, "crop")
        measure(f"{title}, without copies of training pictures", without_copies(data, copies), labels, "crop")
        measure(f"{title}, the reported probabilities", data, labels, "crop", "blend")
    for name, title in (("ckplus48", "CK+ without contempt"), ("jaffe", "JAFFE")):
        data = read_labelled(folder / f"{name}.npz", "fer7")
        measure(title, data, "fer7", "detect")
        measure(f"{title}, the reported probabilities", data, "fer7", "detect", "blend")
        if name == "jaffe":
            measure("JAFFE shrunk to 96 px", shrunk(data, 96), "fer7", "detect")
            measure("JAFFE shrunk to 48 px", shrunk(data, 48), "fer7", "detect")
    with tempfile.TemporaryDirectory() as place:
        with zipfile.ZipFile(folder / "skillbox_anger272.zip") as archive:
            archive.extractall(place)
        measure("Kaggle nine classes, 272 pictures of anger", read_labelled(Path(place) / "train", "kaggle9"), "kaggle9", "detect")
    return metrics


if __name__ == "__main__":
    main()
