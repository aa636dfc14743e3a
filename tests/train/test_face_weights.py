"""The tool that turns npm's copies of weights learnt on faces into those of face_resnet and face_mobilenet, against their networks
written out plainly."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

from torch.nn import functional  # noqa: E402

from mien.errors import UsageError  # noqa: E402
from mien.train.nets import NetSettings, backbone  # noqa: E402

SIDE = 75
BLOCKS = (
    *(("conv32_1", 1), ("conv32_2", 1), ("conv32_3", 1), ("conv64_down", 2), ("conv64_1", 1), ("conv64_2", 1), ("conv64_3", 1)),
    *(("conv128_down", 2), ("conv128_1", 1), ("conv128_2", 1), ("conv256_down", 2), ("conv256_1", 1), ("conv256_2", 1)),
    ("conv256_down_out", 2),
)  # fmt: skip
ODD = 10
"""Blocks before the side is even for the first time: from there on dlib fills the answer of a halving block up with zeros, and
face_resnet its input, so that the last row and column see something."""


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("face_weights", Path(__file__).parents[2] / "tools" / "face_weights.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["face_weights"] = module  # its dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def values():
    """Made weights in the shapes of the real ones, as face-api names them."""
    rng = np.random.default_rng(0)
    out, before = {}, 32
    for name in ("conv32_down", *(name for name, _ in BLOCKS)):
        width = int(name[4:].split("_")[0])
        shapes = [("", 7, 3)] if name == "conv32_down" else [("/conv1", 3, before), ("/conv2", 3, width)]
        for part, kernel, inputs in shapes:
            spread = np.sqrt(1 / (kernel * kernel * inputs))
            out[f"{name}{part}/conv/filters"] = rng.normal(0, spread, (kernel, kernel, inputs, width)).astype(np.float32)
            out[f"{name}{part}/conv/bias"] = rng.normal(0, 0.1, width).astype(np.float32)
            out[f"{name}{part}/scale/weights"] = rng.uniform(0.5, 1.5, width).astype(np.float32)
            out[f"{name}{part}/scale/biases"] = rng.normal(0, 0.3, width).astype(np.float32)
        before = width
    return out


def plain(values, x, blocks):
    """dlib's network as face-api writes it: convolutions, factors, offsets; (n, 3, 150, 150) to the features behind some blocks."""

    def conv(name, x, stride, padding):
        weight = torch.from_numpy(values[f"{name}/conv/filters"]).permute(3, 2, 0, 1)
        x = functional.conv2d(x, weight, torch.from_numpy(values[f"{name}/conv/bias"]), stride, padding)
        scale, offset = (torch.from_numpy(values[f"{name}/scale/{part}"])[:, None, None] for part in ("weights", "biases"))
        return x * scale + offset

    x = functional.max_pool2d(functional.relu(conv("conv32_down", x, 2, 0)), 3, 2)
    for name, stride in blocks:
        inner = functional.relu(conv(f"{name}/conv1", x, stride, 0 if stride == 2 else 1))
        inner = conv(f"{name}/conv2", inner, 1, 1)
        if stride == 2:
            x = functional.avg_pool2d(x, 2)
        zeros = torch.zeros(len(x), inner.shape[1] - x.shape[1], *x.shape[2:])
        x = functional.relu(torch.cat([x, zeros], dim=1) + inner)
    return x


def written(values, folder: Path) -> Path:
    """As face-api stores them; one entry in 8 bits, whose values are rounded in `values` too."""
    entries, data = [], b""
    for name, value in values.items():
        entry = {"name": name, "shape": list(value.shape), "dtype": "float32"}
        if name == "conv128_1/conv1/conv/filters":
            low, scale = float(value.min()), float(np.ptp(value)) / 255
            codes = np.round((value - low) / scale).astype(np.uint8)
            values[name] = codes.astype(np.float32) * scale + low
            entry["quantization"] = {"dtype": "uint8", "scale": scale, "min": low}
            data += codes.tobytes()
        else:
            data += value.astype("<f4").tobytes()
        entries.append(entry)
    (folder / "face_recognition_model.bin").write_bytes(data)
    (folder / "face_recognition_model-weights_manifest.json").write_text(json.dumps([{"weights": entries, "paths": ["x"]}]))
    return folder


def test_it_answers_as_dlibs_network_on_the_picture_twice_as_large(tool, values, tmp_path):
    read = tool.read_manifest(written(values, tmp_path), tool.SOURCES["face_resnet"])
    assert read.keys() == values.keys()
    net = backbone("face_resnet", NetSettings(size=SIDE))
    x = torch.from_numpy(np.random.default_rng(1).normal(0, 1, (3, 1, SIDE, SIDE)).astype(np.float32))
    tool.begin(net, tool.resnet_layers(net, read), x)
    net.eval()
    large = (x * (tool.TYPICAL_SPREAD / 256)).repeat_interleave(2, 2).repeat_interleave(2, 3).expand(-1, 3, -1, -1)
    with torch.no_grad():
        ours = net.blocks[:ODD](net.pool(net.stem(x)))
        theirs = plain(values, large, BLOCKS[:ODD])
        assert ours.shape == theirs.shape == (3, 128, 8, 8)
        torch.testing.assert_close(ours, theirs, atol=1e-3 * float(theirs.abs().max()), rtol=0)
        assert net.blocks(net.pool(net.stem(x))).shape == (3, 256, 2, 2)
        same = net(x)
        net.train()
        torch.testing.assert_close(net(x), same, atol=1e-2 * float(same.abs().max()), rtol=0)  # the statistics are those of x


def test_a_file_of_another_version_is_refused(tool, values, tmp_path):
    written(values, tmp_path)
    with (tmp_path / "face_recognition_model.bin").open("ab") as file:
        file.write(b"1")
    with pytest.raises(SystemExit, match=r"wanted those of @vladmandic/face-api"):
        tool.read_manifest(tmp_path, tool.SOURCES["face_resnet"])


CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
HALVING = (2, 4, 6, 12)
"""Blocks with stride 2."""


@pytest.fixture(scope="module")
def mobile_values():
    """Made weights in the shapes and under the names of the real ones."""
    rng = np.random.default_rng(0)

    def drawn(*shape, inputs):
        return rng.normal(0, np.sqrt(2 / inputs), shape).astype(np.float32)

    out, before = {"conv1/convolution/merged_input": drawn(3, 3, 3, 32, inputs=27), "conv1_bn/batchnorm_1/sub": drawn(32, inputs=8)}, 32
    for i, width in enumerate(CHANNELS, 1):
        out[f"conv_dw_{i}/depthwise_kernel"] = drawn(3, 3, before, 1, inputs=9)
        out[f"conv_dw_{i}_bn/batchnorm_1/mul"] = rng.uniform(0.5, 1.5, before).astype(np.float32)
        out[f"conv_dw_{i}_bn/batchnorm_1/sub"] = drawn(before, inputs=8)
        out[f"conv_pw_{i}/convolution/merged_input"] = drawn(1, 1, before, width, inputs=before)
        out[f"conv_pw_{i}_bn/batchnorm_1/sub"] = drawn(width, inputs=8)
        before = width
    return out


def plain_mobile(values, x):
    """The network as its graph has it: convolutions padded as TensorFlow's SAME, factors, offsets, clipped to 0..6."""

    def conv(x, kernel, stride=1, groups=1):
        kernel = torch.from_numpy(kernel)
        sides = [max(0, (-(-side // stride) - 1) * stride + kernel.shape[0] - side) for side in x.shape[2:]]
        down, right = sides
        x = functional.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        return functional.conv2d(x, kernel.permute(2, 3, 0, 1) if groups > 1 else kernel.permute(3, 2, 0, 1), stride=stride, groups=groups)

    def part(name, kind):
        return torch.from_numpy(values[f"{name}_bn/batchnorm_1/{kind}"])[:, None, None]

    x = (conv(x, values["conv1/convolution/merged_input"], 2) + part("conv1", "sub")).clamp(0, 6)
    for i in range(1, 14):
        x = conv(x, values[f"conv_dw_{i}/depthwise_kernel"], 2 if i in HALVING else 1, x.shape[1])
        x = (x * part(f"conv_dw_{i}", "mul") + part(f"conv_dw_{i}", "sub")).clamp(0, 6)
        x = (conv(x, values[f"conv_pw_{i}/convolution/merged_input"]) + part(f"conv_pw_{i}", "sub")).clamp(0, 6)
    return x.mean((2, 3))


@pytest.mark.parametrize("side", [112, 90])
def test_mobilenet_answers_as_its_graph_on_grey_levels(tool, mobile_values, side):
    net = backbone("face_mobilenet", NetSettings(size=side))
    x = torch.from_numpy(np.random.default_rng(1).normal(0, 1, (3, 1, side, side)).astype(np.float32))
    tool.begin(net, tool.mobilenet_layers(net, mobile_values), x)
    with torch.no_grad():
        ours, theirs = net.eval()(x), plain_mobile(mobile_values, (x * tool.TYPICAL_SPREAD).expand(-1, 3, -1, -1))
        assert float(theirs.std()) > 0.01
        torch.testing.assert_close(ours, theirs, atol=1e-3 * float(theirs.abs().max()), rtol=0)
        net.train()
        torch.testing.assert_close(net(x), theirs, atol=2e-2 * float(theirs.abs().max()), rtol=0)  # the statistics are those of x


def test_crops_that_would_vanish_are_refused():
    assert backbone("face_resnet", NetSettings(size=36)).eval()(torch.zeros(1, 1, 36, 36)).shape == (1, 256)
    with pytest.raises(UsageError, match="found size 35, wanted 36 or more"):
        backbone("face_resnet", NetSettings(size=35))
    with pytest.raises(UsageError, match="one of each"):
        backbone("face_resnet", NetSettings(widths=(8, 8), depths=(1,)))
