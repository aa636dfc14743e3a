"""A recogniser as a real ONNX file whose answer is known: the emotion is coded in the crop's brightness, as in mien.testing."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mien.labels import EMOTIONS
from mien.models.card import Head, ModelCard
from mien.testing import DARKEST, STEP
from mien.vision.align import CropSpec


def write(folder: Path, name: str = "brightness") -> ModelCard:
    """NAME.onnx and NAME.json: logits fall with the distance of the mean grey value from each emotion's."""
    centres = np.array([[DARKEST + STEP * k for k in range(len(EMOTIONS))]], np.float32)
    nodes = [
        helper.make_node("Cast", ["crops"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("Sub", ["column", "centres"], ["gap"]),
        helper.make_node("Abs", ["gap"], ["far"]),
        helper.make_node("Neg", ["far"], ["votes"]),
    ]
    graph = helper.make_graph(
        nodes, name,
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", 48, 48, 1])],
        [helper.make_tensor_value_info("votes", TensorProto.FLOAT, ["n", len(EMOTIONS)])],
        [numpy_helper.from_array(centres, "centres"), numpy_helper.from_array(np.array([1]), "one")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content = model.SerializeToString()
    (folder / f"{name}.onnx").write_bytes(content)
    card = ModelCard(
        name=name, file=f"{name}.onnx", sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), crop=CropSpec(),
        outputs={"votes": Head("logits", EMOTIONS, temperature=5.0)}, blend={"votes": 1.0},
    )  # fmt: skip
    (folder / f"{name}.json").write_text(card.to_json(), "utf-8")
    onnx.checker.check_model(model)
    return card
