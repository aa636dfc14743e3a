"""Convolutions of one channel in a graph of 8 bits as products of windows, which onnxruntime computes faster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper


def windowed(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same QDQ graph with each convolution of one channel and stride 1 as a 1x1 convolution of shifted copies of its input.

    Before a product onnxruntime gathers each window's pixels side by side, channel by channel: with one channel that is byte by byte,
    and takes longer than the product. Copying the picture once a pixel of the window takes half of that, a twentieth of the time of
    mien's `tiny` in all. The same numbers are multiplied and summed: the answers are the same bit for bit.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    made_by = {name: node for node in out.graph.node for name in node.output}
    stored = {tensor.name: tensor for tensor in out.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in out.graph.node:
        nodes += list(_windows(out.graph, node, made_by, stored)) if _fits(node, made_by, stored) else [node]
    used = {name for node in nodes for name in node.input} | {shown.name for shown in out.graph.output}
    del out.graph.node[:], out.graph.value_info[:]
    out.graph.node.extend(node for node in nodes if used.intersection(node.output))
    onnx.checker.check_model(out)
    return out


def _fits(node: onnx.NodeProto, made_by: dict[str, onnx.NodeProto], stored: dict[str, onnx.TensorProto]) -> bool:
    """Whether a node is such a convolution, of an input and weights in 8 bits, padded or not."""
    if node.op_type != "Conv" or any(getattr(made_by.get(name), "op_type", "") != "DequantizeLinear" for name in node.input[:2]):
        return False
    weights = stored.get(made_by[node.input[1]].input[0])
    has = _attributes(node)
    plain = {*has.get("strides", [1]), *has.get("dilations", [1]), has.get("group", 1)} == {1} and has.get(
        "auto_pad", b"NOTSET"
    ) == b"NOTSET"
    return weights is not None and len(weights.dims) == 4 and weights.dims[1] == 1 and weights.dims[2] * weights.dims[3] > 1 and plain


def _windows(
    graph: onnx.GraphProto, conv: onnx.NodeProto, made_by: dict[str, onnx.NodeProto], stored: dict[str, onnx.TensorProto]
) -> Iterator[onnx.NodeProto]:  # fmt: skip
    whole, weights = (made_by[name] for name in conv.input[:2])
    count, _, height, width = stored[weights.input[0]].dims
    top, left, bottom, right = _attributes(conv).get("pads", [0, 0, 0, 0])

    def numbers(name: str, values: Any) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(values), f"{conv.name}_{name}"))
        return graph.initializer[-1].name

    zero = numpy_helper.to_array(stored[whole.input[2]])  # 0 in 8 bits, by which a convolution pads
    yield helper.make_node(
        "Pad", [whole.input[0], numbers("pads", [0, 0, top, left, 0, 0, bottom, right]), numbers("zero", zero.reshape(()))],
        [f"{conv.name}_padded"],
    )  # fmt: skip
    axes, parts = numbers("axes", [2, 3]), []
    for y in range(height):
        for x in range(width):
            # from the end, since sizes are not known here; -0 would be the beginning
            ends = [y - height + 1 or np.iinfo(np.int64).max, x - width + 1 or np.iinfo(np.int64).max]
            parts.append(f"{conv.name}_window_{y}_{x}")
            yield helper.make_node(
                "Slice", [f"{conv.name}_padded", numbers(f"from_{y}_{x}", [y, x]), numbers(f"to_{y}_{x}", ends), axes], parts[-1:]
            )
    yield helper.make_node("Concat", parts, [f"{conv.name}_windows"], axis=1)
    yield helper.make_node("DequantizeLinear", [f"{conv.name}_windows", *whole.input[1:]], [f"{conv.name}_input"])
    # the file keeps the weights in their shape: onnxruntime folds this when it loads
    yield helper.make_node("Reshape", [weights.input[0], numbers("shape", [count, height * width, 1, 1])], [f"{conv.name}_flat"])
    yield helper.make_node("DequantizeLinear", [f"{conv.name}_flat", *weights.input[1:]], [f"{conv.name}_weights"], axis=0)
    yield helper.make_node(
        "Conv", [f"{conv.name}_input", f"{conv.name}_weights", *conv.input[2:]], conv.output, name=conv.name, kernel_shape=[1, 1]
    )


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}
