"""Static int8: a graph whose convolutions compute in 8 bits, calibrated on crops that it did not learn from."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import onnx

from mien.models.session import load_onnxruntime
from mien.train.parts import in_parts
from mien.train.pooled import pooled_only
from mien.train.windows import windowed
from mien.types import Image

CALIBRATION = 512
"""Crops whose activations set the ranges: more changed no answer."""


def quantised(model: onnx.ModelProto, crops: Image, *, batch: int = 32) -> onnx.ModelProto:
    """The float32 graph in QDQ form, its weights int8 per channel and its activations uint8, ranges from `crops` (Jacob et al. 2018).

    crops: uint8 (n, S, S, C), as the graph takes them. Weights keep to 7 bits, so that processors without VNNI, which add
    two products in 16 bits, give the same answers as those with it; those of depthwise convolutions have all 8, since onnxruntime
    adds their products in 32 everywhere (MlasConvDepthwiseKernel): it halves what 8 bits change in a MobileNet. ReLUs are among what
    is quantised, which merges them with their convolutions: all 256 steps are left for what is above 0, and nothing is rounded twice.
    """
    load_onnxruntime()
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name = model.graph.input[0].name

    class Crops(CalibrationDataReader):
        def __init__(self) -> None:
            self._batches = iter([{name: crops[start : start + batch]} for start in range(0, len(crops), batch)])

        def get_next(self) -> Any:
            return next(self._batches, None)

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises, on the root logger, to do what was done on the line before
    try:
        with tempfile.TemporaryDirectory() as folder:
            plain, ready, out = (Path(folder) / f"{word}.onnx" for word in ("plain", "ready", "int8"))
            onnx.save(model, plain)
            quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
            graph = in_parts(onnx.load(ready))
            onnx.save(graph, ready)
            quantize_static(
                str(ready), str(out), Crops(), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=["Conv", "Relu", "Clip", "Add", "MaxPool", "Concat"],
                extra_options={"TensorQuantOverrides": {
                    weights: [{"quant_type": QuantType.QInt8, "axis": 0, "reduce_range": False}] for weights in _depthwise(graph)
                }},
            )  # fmt: skip
            return windowed(pooled_only(onnx.load(out)))
    finally:
        root.setLevel(level)


def _depthwise(model: onnx.ModelProto) -> list[str]:
    """The names of the weights of convolutions that have a group for each channel."""
    weights = {tensor.name: tensor.dims[0] for tensor in model.graph.initializer if tensor.dims}
    groups = {node.input[1]: a.i for node in model.graph.node if node.op_type == "Conv" for a in node.attribute if a.name == "group"}
    return [name for name, count in groups.items() if count > 1 and count == weights.get(name)]
