"""A folder of models of one's own: an ONNX file and its card, found by name through MIEN_MODELS. Here: mien's own, renamed."""

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

import mien
from mien.models.locate import BUNDLED

folder = Path(tempfile.mkdtemp())
card = mien.ModelCard.read(BUNDLED / "base.json")
shutil.copy(BUNDLED / card.file, folder / "mine.onnx")
(folder / "mine.json").write_text(dataclasses.replace(card, name="mine", file="mine.onnx").to_json(), "utf-8")

os.environ["MIEN_MODELS"] = str(folder)
for row in mien.analyze(Path(__file__).with_name("astronaut.jpg"), model="mine").rows():
    print(row["model"], row["emotion"])
shutil.rmtree(folder)
