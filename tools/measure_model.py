"""The final evaluation of a finished model: every figure of its card, by the exported file and the user's road.

    python tools/measure_model.py src/mien/models/weights/base.json ../shared/data

The only place where FER-2013's PrivateTest is read. Run it once a model is finished, never to choose between models. The folder
holds fer2013.npz, fer2013_duplicates.npz, ckplus48.npz, jaffe.npz and skillbox_anger272.zip.
"""

import dataclasses
import sys
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np

from mien.data.labelled import Labelled, read_labelled
from mien.evaluate.run import evaluate
from mien.models.card import ModelCard
from mien.models.detectors.registry import detector
from mien.models.recogniser import OnnxRecogniser
from mien.models.registry import open_model

KEPT = ("n", "unanswered", "accuracy", "balanced_accuracy", "macro_f1", "top2", "second_given_wrong", "ece")


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


def main() -> None:
    card_path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    card = ModelCard.read(card_path)
    model = open_model(card, card_path)
    find = detector("yunet")
    metrics: dict[str, dict[str, object]] = {}

    def measure(name: str, data: Labelled, labels: str, faces: str, head: str = "auto") -> None:
        assert isinstance(model, OnnxRecogniser)
        found = evaluate(model, find, data, labels=labels, faces=faces, head=head)
        row = {key: round(found.figures[key], 4) for key in KEPT}
        row |= {
            "labels": labels,
            "faces": faces,
            "output": found.head,
            "coverage": {k: round(v, 4) for k, v in found.figures["coverage"].items()},
        }
        row["interval"] = [round(x, 4) for x in found.figures["intervals"]["accuracy"]]
        row["recall"] = {label: round(part["recall"], 3) for label, part in found.figures["per_class"].items()}
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
    card_path.write_text(dataclasses.replace(card, metrics=metrics).to_json(), "utf-8")
    print(f"{card_path}: {len(metrics)} measurements written")


if __name__ == "__main__":
    main()
