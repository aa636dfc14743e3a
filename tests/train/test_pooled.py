"""Rows and columns that a pooling leaves out are not computed."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.train.pooled import pooled_only


def graph(
    *, sides=(9, 7), pads=(1, 1, 1, 1), strides=(1, 1), pool=2, pool_pads=(0, 0, 0, 0), shortcut=True, both_read=False, int8=True, ceil=0
) -> onnx.ModelProto:
    """x (n, 3, *sides) -> convolution (+ x) -> max pooling -> y; in QDQ form, as onnxruntime quantises it, or in floats."""
    rng = np.random.default_rng(0)
    weights = rng.integers(-64, 65, (3, 3, 3, 3), np.int8)
    stored = {"ps": np.float32(0.03), "pz": np.uint8(120), "ws": np.full(3, 0.003, np.float32), "wz": np.zeros(3, np.int8)}
    stored["w8" if int8 else "w"] = weights if int8 else weights.astype(np.float32) * 0.003
    nodes: list[onnx.NodeProto] = [helper.make_node("DequantizeLinear", ["w8", "ws", "wz"], ["w"], axis=0)] if int8 else []

    def rounded(name: str) -> str:
        if not int8:
            return name
        nodes.append(helper.make_node("QuantizeLinear", [name, "ps", "pz"], [f"{name}8"]))
        nodes.append(helper.make_node("DequantizeLinear", [f"{name}8", "ps", "pz"], [f"{name}f"]))
        return f"{name}f"

    seen = rounded("x")
    nodes.append(helper.make_node("Conv", [seen, "w"], ["c"], kernel_shape=[3, 3], pads=pads, strides=strides))
    made = rounded("c")
    if shortcut:
        nodes.append(helper.make_node("Add", [seen, made], ["sum"]))
        made = rounded("sum")
    nodes.append(helper.make_node("MaxPool", [made], ["p"], kernel_shape=[pool] * 2, strides=[pool] * 2, pads=pool_pads, ceil_mode=ceil))
    outs = [helper.make_tensor_value_info(rounded("p"), TensorProto.FLOAT, ["n", 3, None, None])]
    outs += [helper.make_tensor_value_info(made, TensorProto.FLOAT, ["n", 3, None, None])] if both_read else []
    inits = [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items() if int8 or name == "w"]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, *sides])
    return helper.make_model(helper.make_graph(nodes, "g", [x], outs, inits), opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def answers(model: onnx.ModelProto, sides=(9, 7)) -> list[np.ndarray]:
    x = np.random.default_rng(1).normal(0, 2, (3, 3, *sides)).astype(np.float32)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})


def computed(model: onnx.ModelProto) -> list[int]:
    """Rows and columns that the convolution gives."""
    inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    dims = next(info for info in inferred if info.name == "c").type.tensor_type.shape.dim
    return [dim.dim_value for dim in dims[2:]]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, [8, 6]),
        ({"shortcut": False}, [8, 6]),
        ({"sides": (9, 8)}, [8, 8]),
        ({"sides": (10, 10), "pool": 3, "shortcut": False}, [9, 9]),
        ({"sides": (17, 13), "strides": (2, 2), "shortcut": False, "pads": (1, 1, 2, 2)}, [8, 6]),
        ({"int8": False}, [8, 6]),
    ],
)
def test_the_answers_are_the_same_and_less_is_computed(given, left):
    whole = graph(**given)
    made = pooled_only(whole)
    assert computed(made) == left != computed(whole)
    sides = given.get("sides", (9, 7))
    for theirs, ours in zip(answers(whole, sides), answers(made, sides), strict=True):
        assert len(np.unique(theirs)) > 20
        if given.get("int8", True):
            np.testing.assert_array_equal(ours, theirs)
        else:
            np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize(
    "given",
    [
        {"sides": (8, 6)},  # nothing is left out
        {"both_read": True},  # the whole map is an output too
        {"ceil": 1},  # the last row is pooled by itself
        {"pool_pads": (1, 1, 1, 1)},
        {"pads": (0, 0, 0, 0), "sides": (11, 9), "shortcut": False},  # no padding to take away
        {"sides": ("h", "w")},  # as large as it happens to be
    ],
)
def test_what_is_read_to_its_end_stays_as_it_is(given):
    whole = graph(**given)
    assert list(pooled_only(whole).graph.node) == list(whole.graph.node)


def test_two_poolings_of_one_sum_share_what_is_cut():
    """The mirror picture of a network, or a second head: each convolution by itself, the shortcut cut once."""
    whole = graph(shortcut=False)
    nodes = list(whole.graph.node)
    again = [node for node in nodes if node.op_type not in ("DequantizeLinear", "QuantizeLinear")]
    assert [node.op_type for node in again] == ["Conv", "MaxPool"]
    sums = [helper.make_node("Add", ["xf", f"cf{i}"], [f"s{i}"]) for i in (1, 2)]
    convs, pools = [], []
    for i in (1, 2):
        convs += [
            helper.make_node("Conv", ["xf", "w"], [f"c{i}"], kernel_shape=[3, 3], pads=[1] * 4),
            helper.make_node("QuantizeLinear", [f"c{i}", "ps", "pz"], [f"c8{i}"]),
            helper.make_node("DequantizeLinear", [f"c8{i}", "ps", "pz"], [f"cf{i}"]),
        ]
        pools.append(helper.make_node("MaxPool", [f"s{i}"], [f"p{i}"], kernel_shape=[2, 2], strides=[2, 2]))
    del whole.graph.node[:], whole.graph.output[:]
    whole.graph.node.extend([node for node in nodes if node.output[0] in ("w", "x8", "xf")] + convs + sums + pools)
    whole.graph.output.extend(helper.make_tensor_value_info(f"p{i}", TensorProto.FLOAT, ["n", 3, None, None]) for i in (1, 2))
    made = pooled_only(whole)
    assert [node.op_type for node in made.graph.node].count("Slice") == 1
    for theirs, ours in zip(answers(whole), answers(made), strict=True):
        np.testing.assert_array_equal(ours, theirs)
