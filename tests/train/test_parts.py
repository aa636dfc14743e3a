"""Convolutions in parts."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.train.parts import in_parts


def graph(*, relu: bool, channels: int = 12, group: int = 1, bias: bool = True, shown: bool = False) -> onnx.ModelProto:
    """x (n, 4, 6, 6) -> convolution [-> ReLU] -> y. shown: the convolution's own answer is an output too."""
    rng = np.random.default_rng(0)
    inits = [numpy_helper.from_array(rng.normal(size=(channels, 4 // group, 3, 3)).astype(np.float32), "w")]
    inits += [numpy_helper.from_array(rng.normal(size=channels).astype(np.float32), "b")] if bias else []
    first = "c" if relu else "y"
    nodes = [helper.make_node("Conv", ["x", *(init.name for init in inits)], [first], name="conv", pads=[1, 1, 1, 1], group=group)]
    nodes += [helper.make_node("Relu", ["c"], ["y"], name="relu")] if relu else []
    outs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, 6, 6]) for name in ("y", *(("c",) if shown else ()))]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, 6, 6])
    return helper.make_model(helper.make_graph(nodes, "g", [x], outs, inits), opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def answers(model: onnx.ModelProto) -> list[np.ndarray]:
    x = np.random.default_rng(1).normal(size=(3, 4, 6, 6)).astype(np.float32)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("relu", "nodes"), [(True, ["Conv", "Relu"] * 3 + ["Concat"]), (False, ["Conv"] * 3 + ["Concat"])])
def test_parts_answer_as_the_whole(relu, nodes, bias):
    whole = graph(relu=relu, bias=bias)
    cut = in_parts(whole, most=150)  # 432 weights
    assert kinds(cut) == nodes
    assert {tuple(t.dims) for t in cut.graph.initializer} == {(4, 4, 3, 3), *([(4,)] if bias else [])}
    np.testing.assert_allclose(answers(cut)[0], answers(whole)[0], atol=1e-5)


def test_a_convolution_that_is_an_output_itself_keeps_its_name():
    whole = graph(relu=True, shown=True)
    cut = in_parts(whole, most=150)
    assert kinds(cut) == ["Conv"] * 3 + ["Concat", "Relu"]
    for theirs, ours in zip(answers(whole), answers(cut), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("model", "most"), [(graph(relu=True), 432), (graph(relu=True, group=2), 50), (graph(relu=True, channels=7), 10)])
def test_what_is_small_grouped_or_cannot_be_cut_stays_whole(model, most):
    assert kinds(in_parts(model, most=most)) == ["Conv", "Relu"]
    assert in_parts(model, most=most).graph.initializer[0].dims == model.graph.initializer[0].dims


def test_the_model_given_stays_as_it_was():
    whole = graph(relu=True)
    before = whole.SerializeToString()
    in_parts(whole, most=150)
    assert whole.SerializeToString() == before


def test_two_convolutions_with_the_same_weights_share_the_parts():
    whole = graph(relu=False)
    again = helper.make_node("Conv", ["x", "w", "b"], ["z"], name="again", pads=[1, 1, 1, 1])
    whole.graph.node.append(again)
    whole.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 12, 6, 6]))
    cut = in_parts(whole, most=150)
    assert sum(int(np.prod(t.dims)) for t in cut.graph.initializer) == 12 * 36 + 12
    for answer in answers(cut):
        np.testing.assert_allclose(answer, answers(whole)[0], atol=1e-5)
