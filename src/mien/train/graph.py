"""A network as an ONNX graph."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from mien.types import Image

OPSET = 18
"""Old enough for onnxruntime 1.20."""


def to_onnx(net: nn.Module, crops: Image, outputs: list[str]) -> onnx.ModelProto:
    """The float32 graph of a network in evaluation mode, for crops such as these, uint8 (n, ...), with a free batch size."""
    example = torch.from_numpy(np.repeat(crops[:1], 2, axis=0))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of operators of libraries that are not used here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch 2.13 warns about its own use of its own tree functions
        program = torch.onnx.export(
            net, (example,), input_names=["crops"], output_names=outputs, dynamo=True, verbose=False, opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        )  # fmt: skip
    assert program is not None
    return program.model_proto


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with large weights stored as float16 behind Casts, which onnxruntime folds when it loads.

    Only those of which nothing is lost: the exporter makes new weights where it folds a normalisation into a convolution.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    casts = []
    for tensor in list(out.graph.initializer):
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size >= 1024 and (array.astype(np.float16).astype(np.float32) == array).all():
            out.graph.initializer.remove(tensor)
            out.graph.initializer.append(numpy_helper.from_array(array.astype(np.float16), f"{tensor.name}_half"))
            casts.append(helper.make_node("Cast", [f"{tensor.name}_half"], [tensor.name], to=TensorProto.FLOAT))
    nodes = list(out.graph.node)
    del out.graph.node[:]
    out.graph.node.extend(casts + nodes)
    onnx.checker.check_model(out)
    return out
