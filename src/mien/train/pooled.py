"""Of a graph in 8 bits, what its poolings leave out is not computed."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

ALONG = {"QuantizeLinear", "DequantizeLinear", "Relu", "Clip"}
"""Operators whose first input is read place by place."""
Size = tuple[int, int]


def pooled_only(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, whose convolutions give a max pooling the rows and columns that it reads, and no more.

    A pooling by 2 leaves the last row and column of a map of 9x9 out: a fifth of the convolution before it was for nothing. That
    convolution pads less at its end here. Where others read the whole map too, the pooling is given a part of it. What is left is
    computed as before: the answers are the same bit for bit in 8 bits, in floats as near as another order of sums has them. Maps whose
    size is not known before the graph runs stay as they are.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    graph = _Graph(out)
    for node in list(out.graph.node):
        if node.op_type == "MaxPool" and (size := _read(node, graph.sizes.get(node.input[0]))) and graph.shrinks(node.input[0], size):
            node.input[0] = graph.shrunk(node.input[0], size)
    nodes = graph.cuts_of(given.name for given in out.graph.input)
    nodes += [each for node in out.graph.node for each in (node, *graph.cuts_of(node.output))]
    del out.graph.node[:], out.graph.value_info[:]
    out.graph.node.extend(nodes)
    onnx.checker.check_model(out)
    return out


def _read(pool: onnx.NodeProto, given: Size | None) -> Size | None:
    """The rows and columns that a pooling reads of a map; None where that is all of them, or not known."""
    has = _attributes(pool)
    if given is None or has.get("ceil_mode") or any((*has.get("pads", []), has.get("auto_pad", b"NOTSET") != b"NOTSET")):
        return None
    if {*has.get("dilations", [1])} != {1}:
        return None
    kernel, strides = has["kernel_shape"], has.get("strides", [1, 1])
    height, width = ((side - k) // step * step + k for side, k, step in zip(given, kernel, strides, strict=True))
    return (height, width) if (height, width) != given else None


class _Graph:
    """A graph that is being changed: who makes and who reads each map, and how large it was."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.made_by = {name: node for node in model.graph.node for name in node.output}
        self.readers = collections.Counter(name for node in model.graph.node for name in node.input)
        self.readers.update(shown.name for shown in model.graph.output)
        self.sizes = _sizes(model)
        self.cuts: dict[str, list[onnx.NodeProto]] = collections.defaultdict(list)
        """New nodes, by the map that they read."""

    def shrinks(self, name: str, size: Size) -> bool:
        """Whether some convolution would compute less, were no more than `size` of a map wanted."""
        node = self._maker(name)
        if node is None:
            return False
        if node.op_type == "Conv":
            return self._ends(node, size) is not None
        return any(self.shrinks(read, size) for read in self._inputs(node))

    def shrunk(self, name: str, size: Size) -> str:
        """The name of a map that holds the first rows and columns of another, without computing the rest where that can be."""
        node = self._maker(name)
        if node is not None and node.op_type == "Conv" and (ends := self._ends(node, size)):
            pads = next(a for a in node.attribute if a.name == "pads")
            pads.ints[2:] = ends
        elif node is not None and (inputs := self._inputs(node)):
            for i, read in enumerate(inputs):
                node.input[i] = self.shrunk(read, size)
        elif (maker := self.made_by.get(name)) is not None and maker.op_type == "DequantizeLinear":  # cut in 8 bits, a quarter of the bytes
            part = self._part(maker.input[0], size)
            return self._once(helper.make_node("DequantizeLinear", [part, *maker.input[1:]], [f"{part}_float"]))
        else:
            return self._part(name, size)
        return name

    def cuts_of(self, names: Iterable[str]) -> list[onnx.NodeProto]:
        """The new nodes that read maps or what is made of them, in the order in which they can run."""
        return [each for name in names for cut in self.cuts[name] for each in (cut, *self.cuts_of(cut.output))]

    def _maker(self, name: str) -> onnx.NodeProto | None:
        """What makes a map that one node alone reads."""
        return self.made_by.get(name) if self.readers[name] == 1 else None

    def _inputs(self, node: onnx.NodeProto) -> list[str]:
        """The maps of which a node needs no more than is wanted of its output; empty where that is not so."""
        if node.op_type in ALONG:
            return list(node.input[:1])
        sizes = {self.sizes.get(name) for name in node.input}
        joined = node.op_type == "Concat" and _attributes(node)["axis"] == 1
        return list(node.input) if (node.op_type == "Add" or joined) and sizes == {self.sizes.get(node.output[0])} else []

    def _ends(self, conv: onnx.NodeProto, size: Size) -> list[int] | None:
        """How much a convolution pads below and to the right to give no more than `size`; None where padding less cannot do that."""
        has = _attributes(conv)
        if has.get("auto_pad", b"NOTSET") != b"NOTSET" or "pads" not in has:
            return None
        whole = self.sizes[conv.output[0]]
        ends = [
            pad - step * (side - wanted)
            for pad, step, side, wanted in zip(has["pads"][2:], has.get("strides", [1, 1]), whole, size, strict=True)
        ]
        return ends if min(ends) >= 0 else None

    def _part(self, name: str, size: Size) -> str:
        part = f"{name}_{size[0]}x{size[1]}"
        return self._once(helper.make_node("Slice", [name, *self._numbers(part, [0, 0], size, [2, 3])], [part]))

    def _numbers(self, name: str, *values: Sequence[int]) -> list[str]:
        """The names under which the graph keeps lists of whole numbers."""
        names = [f"{name}_{i}" for i in range(len(values))]
        there = {tensor.name for tensor in self.graph.initializer}
        new = [(key, each) for key, each in zip(names, values, strict=True) if key not in there]
        self.graph.initializer.extend(numpy_helper.from_array(np.array(each), key) for key, each in new)
        return names

    def _once(self, node: onnx.NodeProto) -> str:
        """What a new node makes, which is added where it is not there yet."""
        if node not in self.cuts[node.input[0]]:
            self.cuts[node.input[0]].append(node)
        return str(node.output[0])


def _sizes(model: onnx.ModelProto) -> dict[str, Size]:
    """Rows and columns of the maps (n, C, H, W) that have a known number of them."""
    sizes = {}
    graph = onnx.shape_inference.infer_shapes(model).graph
    for info in (*graph.input, *graph.value_info, *graph.output):
        dims = info.type.tensor_type.shape.dim
        if len(dims) == 4 and all(dim.HasField("dim_value") for dim in dims[2:]):
            sizes[info.name] = (dims[2].dim_value, dims[3].dim_value)
    return sizes


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}
