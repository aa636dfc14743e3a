"""Convolutions of one channel as products of windows."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.train.windows import windowed


def graph(
    *, kernel: tuple[int, int] = (3, 3), pads: tuple[int, ...] = (1, 1, 1, 1), stride: int = 1, channels: int = 1, twice: bool = False
) -> onnx.ModelProto:
    """x (n, channels, 9, 7) -> convolution in QDQ form -> y, as onnxruntime quantises it; twice: of -x too, with the same weights."""
    rng = np.random.default_rng(0)
    stored = {
        "w8": rng.integers(-64, 65, (5, channels, *kernel), np.int8),
        "ws": rng.uniform(0.01, 0.02, 5).astype(np.float32), "wz": np.zeros(5, np.int8),
        "xs": np.float32(0.03), "xz": np.uint8(120), "ys": np.float32(0.1), "yz": np.uint8(100),
        "b8": rng.integers(-900, 900, 5, np.int32), "bs": np.full(5, 0.0005, np.float32), "bz": np.zeros(5, np.int32),
    }  # fmt: skip
    nodes = [
        helper.make_node("DequantizeLinear", ["w8", "ws", "wz"], ["w"], axis=0),
        helper.make_node("DequantizeLinear", ["b8", "bs", "bz"], ["b"], axis=0),
    ]
    nodes += [helper.make_node("Neg", ["x"], ["-x"])] if twice else []
    outs = []
    for of in ("x", "-x") if twice else ("x",):
        nodes += [
            helper.make_node("QuantizeLinear", [of, "xs", "xz"], [f"{of}8"]),
            helper.make_node("DequantizeLinear", [f"{of}8", "xs", "xz"], [f"{of}f"]),
            helper.make_node("Conv", [f"{of}f", "w", "b"], [f"{of}c"], name=f"conv{of}", pads=pads, strides=[stride] * 2),
            helper.make_node("QuantizeLinear", [f"{of}c", "ys", "yz"], [f"{of}y8"]),
            helper.make_node("DequantizeLinear", [f"{of}y8", "ys", "yz"], [f"{of}y"]),
        ]
        outs.append(helper.make_tensor_value_info(f"{of}y", TensorProto.FLOAT, ["n", 5, None, None]))
    inits = [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", channels, 9, 7])
    return helper.make_model(helper.make_graph(nodes, "g", [x], outs, inits), opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def answers(model: onnx.ModelProto) -> list[np.ndarray]:
    channels = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    x = np.random.default_rng(1).normal(0, 2, (3, channels, 9, 7)).astype(np.float32)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})


@pytest.mark.parametrize(
    "given",
    [{}, {"pads": (0, 0, 0, 0)}, {"pads": (2, 0, 1, 3)}, {"kernel": (5, 5), "pads": (2, 2, 2, 2)}, {"kernel": (1, 3)}, {"twice": True}],
)
def test_windows_answer_as_the_convolution_bit_for_bit(given):
    whole = graph(**given)
    made = windowed(whole)
    kernels = [list(a.ints) for node in made.graph.node if node.op_type == "Conv" for a in node.attribute if a.name == "kernel_shape"]
    assert kernels == [[1, 1]] * (2 if given.get("twice") else 1)
    used = {name for node in made.graph.node for name in node.input} | {out.name for out in made.graph.output}
    assert all(name in used for node in made.graph.node for name in node.output)
    for theirs, ours in zip(answers(whole), answers(made), strict=True):
        assert len(np.unique(theirs)) > 50
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("given", [{"stride": 2}, {"channels": 3}, {"kernel": (1, 1), "pads": (0, 0, 0, 0)}])
def test_other_convolutions_stay_as_they_are(given):
    whole = graph(**given)
    assert list(windowed(whole).graph.node) == list(whole.graph.node)


def test_a_graph_of_floats_stays_as_it_is():
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size, 9, 7]) for name, size in (("x", 1), ("y", 2)))
    plain = helper.make_graph(nodes, "g", [x], [y], [numpy_helper.from_array(np.ones((2, 1, 3, 3), np.float32), "w")])
    whole = helper.make_model(plain, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    assert list(windowed(whole).graph.node) == nodes
