"""Large convolutions of a graph as several smaller ones, whose weights stay in a core's own cache while they are used."""

from __future__ import annotations

import collections

import numpy as np
import onnx
from onnx import helper, numpy_helper

MOST_WEIGHTS = 600_000
"""Weights of one convolution. onnxruntime multiplies picture by picture, so weights that do not fit the second-level cache (.25 to
2 MB a core) are fetched anew for each: 2.4 MB in four parts took .2 ms instead of .35 (32 maps of 5x5x512, 8 bits)."""


def in_parts(model: onnx.ModelProto, *, most: int = MOST_WEIGHTS) -> onnx.ModelProto:
    """The same graph with every convolution of more than `most` weights cut along its output channels and joined again behind it.

    A ReLU that follows is cut too, so that it can still be merged with the convolution. The answers are the same, bit for bit where
    the convolutions sum in the same order. Convolutions in groups, and those whose weights are not in the graph, stay whole.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    weights = {tensor.name: tensor for tensor in out.graph.initializer}
    users = collections.defaultdict(list)
    for node in out.graph.node:
        for name in node.input:
            users[name].append(node)
    shown = {output.name for output in out.graph.output}
    nodes: list[onnx.NodeProto] = []
    merged: set[str] = set()
    for node in out.graph.node:
        count = _parts(node, weights, most)
        if count > 1:
            after = users[node.output[0]]
            relu = after[0] if len(after) == 1 and after[0].op_type == "Relu" and node.output[0] not in shown else None
            nodes += _cut(out.graph, node, relu, weights, count)
            merged |= {relu.output[0]} if relu is not None else set()
        elif node.output[0] not in merged:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in out.graph.initializer if tensor.name in used]
    del out.graph.node[:], out.graph.initializer[:]
    out.graph.node.extend(nodes)
    out.graph.initializer.extend(kept)
    onnx.checker.check_model(out)
    return out


def _parts(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto], most: int) -> int:
    """Into how many parts a node is cut: the fewest that divide its output channels and are small enough; 1 for what stays whole."""
    grouped = any(a.name == "group" and a.i != 1 for a in node.attribute)
    if node.op_type != "Conv" or grouped or any(name not in weights for name in node.input[1:]):
        return 1
    shape = weights[node.input[1]].dims
    size = int(np.prod(shape))
    fit = [n for n in range(1, shape[0] + 1) if shape[0] % n == 0 and size <= n * most]
    return fit[0] if fit else 1


def _cut(
    graph: onnx.GraphProto, conv: onnx.NodeProto, relu: onnx.NodeProto | None, weights: dict[str, onnx.TensorProto], count: int
) -> list[onnx.NodeProto]:  # fmt: skip
    for name in conv.input[1:]:
        if f"{name}_part0" not in weights:  # else another convolution, that of the mirror picture, has the same and was cut before
            for i, values in enumerate(np.split(numpy_helper.to_array(weights[name]), count)):
                weights[f"{name}_part{i}"] = numpy_helper.from_array(np.ascontiguousarray(values), f"{name}_part{i}")
                graph.initializer.append(weights[f"{name}_part{i}"])
    nodes, outs = [], []
    for i in range(count):
        names = [f"{name}_part{i}" for name in conv.input[1:]]
        part = helper.make_node("Conv", [conv.input[0], *names], [f"{conv.output[0]}_{i}"], name=f"{conv.name}_{i}")
        part.attribute.extend(conv.attribute)
        nodes.append(part)
        if relu is not None:
            nodes.append(helper.make_node("Relu", [part.output[0]], [f"{relu.output[0]}_{i}"], name=f"{relu.name}_{i}"))
        outs.append(nodes[-1].output[0])
    last = conv if relu is None else relu
    return [*nodes, helper.make_node("Concat", outs, [last.output[0]], name=f"{last.name}_joined", axis=1)]
