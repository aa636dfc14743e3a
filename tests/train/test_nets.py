"""Every architecture: it builds, learns and exports; its numbers are those of the papers."""

import copy
import functools
import importlib
import importlib.util
import logging
import warnings

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")
if not importlib.util.find_spec("timm"):  # not importorskip: beside a CPU torch it only imports by mien.train.torchvision_shim
    pytest.skip("timm is not installed: pip install '.[train]'", allow_module_level=True)

from torch import nn  # noqa: E402

from mien.errors import DataError, ExtraMissing, UnknownName, UsageError  # noqa: E402
from mien.train.heads import AFFECT, HeadSettings, Network, classes, head, network  # noqa: E402
from mien.train.nets import (  # noqa: E402
    BACKBONES,
    HEADS,
    Backbone,
    Entrance,
    Input,
    NetSettings,
    backbone,
    cost,
    cut_windows,
    reparameterise,
    window_starts,
)

COLOUR = {"size": 32, "scale": "imagenet"}
TINY = {
    "conv_lstm": NetSettings(widths=(4, 6, 8), size=16, window=2),
    "darknet53": NetSettings(factor=1 / 8, depths=(1, 1, 1, 1, 1), **COLOUR),
    "face_mobilenet": NetSettings(size=16),
    "face_resnet": NetSettings(widths=(4, 6), depths=(1, 1), size=16),
    # relu for relu6, which takes the exporter seconds
    "mobilenetv2": NetSettings(factor=0.35, options={"depth_multiplier": 0.1, "act_layer": "relu"}, **COLOUR),
    "r1_vgg": NetSettings(widths=(4, 6, 12), size=16),
    "r3_cnn": NetSettings(widths=(4, 6, 512), size=16),
    "r4_cnn": NetSettings(widths=(4, 6, 8, 12, 16), size=16),
    "repvgg": NetSettings(widths=(4, 6), depths=(1, 1), size=16, squeeze=0.25),
    "resnet50": NetSettings(factor=1 / 8, depths=(1, 1, 1, 1), **COLOUR),
    "timm:vit_tiny_patch16_224": NetSettings(options={"depth": 1}, **COLOUR),
    "vgg16": NetSettings(factor=1 / 16, **COLOUR),
    "vgg8": NetSettings(widths=(4, 6, 8, 12), size=16),
    "vit_b8": NetSettings(factor=1 / 12, depths=(1,), **COLOUR),
}
HEADED = {"resnet50": HeadSettings("r0", units=32, layers=3), "vgg16": HeadSettings("r2", units=16), "r1_vgg": HeadSettings("r1", units=16)}
SAME_CROPS = {
    "grey": ("face_mobilenet", "face_resnet", "r1_vgg", "r3_cnn", "r4_cnn", "repvgg", "vgg8"),
    "colour": ("darknet53", "mobilenetv2", "resnet50", "timm:vit_tiny_patch16_224", "vgg16", "vit_b8"),
    "sequences": ("conv_lstm",),
}
"""Networks that are exported as one graph with one input and an output each, as most of the time of an export is spent once."""


class Shipped(nn.Module):
    """As exported networks are: uint8 crops in."""

    def __init__(self, nets: list[Network]) -> None:
        super().__init__()
        self.entrance, self.nets = nets[0].entrance(), nn.ModuleList(nets)

    def forward(self, crops):
        x = self.entrance(crops)
        return tuple(net(x) for net in self.nets)


def crops_for(net: Network, n: int) -> torch.Tensor:
    rng = np.random.default_rng(n)
    frames = (net.input.frames,) if net.input.frames else ()
    return torch.from_numpy(rng.integers(0, 256, (n, *frames, net.input.size, net.input.size, net.input.channels), np.uint8))


def to_onnx(net: nn.Module, example: torch.Tensor) -> bytes:
    """As mien.train.export does it."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            net, (example,), input_names=["crops"], dynamo=True, verbose=False, opset_version=18,
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
        )  # fmt: skip
    assert {op.version for op in program.model_proto.opset_import if not op.domain} == {18}
    return program.model_proto.SerializeToString()


def test_each_architecture_is_tried_here():
    assert {name for name in TINY if ":" not in name} == set(BACKBONES)
    assert {name for names in SAME_CROPS.values() for name in names} == set(TINY)


@functools.cache
def learnt(name: str) -> tuple[Network, float, dict[str, torch.Tensor]]:
    """A network after one step, its loss, and its parameters before."""
    torch.manual_seed(0)
    net = network(name, TINY[name], HEADED.get(name))
    before = {key: p.detach().clone() for key, p in net.named_parameters()}
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    loss = Shipped([net]).train()(crops_for(net, 2))[0].square().mean()
    loss.backward()
    optimiser.step()
    return net, loss.item(), before


@pytest.mark.parametrize("name", TINY)
def test_it_builds_and_learns(name):
    net, loss, before = learnt(name)
    assert np.isfinite(loss)
    after = dict(net.named_parameters())
    moved = {key for key in before if not torch.equal(after[key], before[key])}
    assert len(moved) > len(before) / 2  # not all: residual branches that begin with a weight of 0 hold others back for a step
    assert next(key for key in before if before[key].ndim >= 4) in moved
    assert {key for key in before if key.startswith("head.") and key.endswith("weight")} & moved


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", SAME_CROPS)
def test_it_exports(kind):
    nets = [copy.deepcopy(learnt(name)[0]) for name in SAME_CROPS[kind]]
    shipped, crops = Shipped(nets).eval(), crops_for(nets[0], 2)
    reparameterise(shipped)
    session = onnxruntime.InferenceSession(to_onnx(shipped, crops), providers=["CPUExecutionProvider"])
    for batch in (crops, crops_for(nets[0], 3)):
        with torch.no_grad():
            expected = shipped(batch)
        for name, got, want in zip(SAME_CROPS[kind], session.run(None, {"crops": batch.numpy()}), expected, strict=True):
            assert got.shape == (len(batch), 18)
            np.testing.assert_allclose(got, want.numpy(), atol=1e-4, err_msg=name)


# Parameters without a classifier, and multiply-adds in millions, of the papers and of timm's tables.
PUBLISHED = {
    "resnet50": (23_508_032, 4_087),
    "vgg16": (14_714_688, 15_347),
    "mobilenetv2": (2_223_872, 300),
    "vit_b8": (85_807_872, 78_220),
    "darknet53": (40_584_928, 9_310),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_whole_networks_are_those_of_the_papers(name):
    with torch.device("meta"):  # shapes without numbers: 167 million random ones would take their time
        net = backbone(name, NetSettings(size=256) if name == "darknet53" else None)
    found = cost(net)
    assert found.parameters == PUBLISHED[name][0]
    assert found.mflops == pytest.approx(PUBLISHED[name][1], rel=0.01)
    assert net.width == {"resnet50": 2048, "vgg16": 512, "mobilenetv2": 1280, "vit_b8": 768, "darknet53": 1024}[name]


def test_cost_is_what_a_hand_counts():
    class Small(Backbone):
        def __init__(self):
            super().__init__(Input(1, 10), 5)
            self.conv = nn.Conv2d(1, 4, 3, stride=2, padding=1)
            self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
            self.norm, self.dense = nn.BatchNorm2d(4), nn.Linear(4, 5)

        def forward(self, x):
            return self.dense(self.norm(self.depthwise(self.conv(x))).mean(dim=(2, 3)))

    net = Small().train()
    found = cost(net)
    assert found.parameters == (9 * 4 + 4) + 9 * 4 + 8 + (20 + 5)
    assert found.mflops * 1e6 == pytest.approx(25 * 4 * 9 + 25 * 4 * 9 + 20)
    assert cost(net, 20).mflops * 1e6 == pytest.approx(100 * 4 * 9 + 100 * 4 * 9 + 20)
    assert net.training
    assert all(p.device.type == "cpu" for p in net.parameters())
    with pytest.raises(UsageError, match="only takes 16 px"):
        cost(backbone("r1_vgg", TINY["r1_vgg"]), 32)


def test_the_shipped_networks_layers_have_the_names_of_saved_states():
    """Names as they were when mien's own model was trained."""
    expected = []
    for part in ("first", "second"):
        for i in range(4):
            norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
            expected += [f"{part}.{i}.0.weight", *(f"{part}.{i}.1.{kind}" for kind in norm)]
    assert list(backbone("vgg8").state_dict()) == expected


def dropouts(net: nn.Module) -> list[float]:
    return [m.p for m in net.modules() if isinstance(m, nn.Dropout)]


def shapes(net: nn.Module, kind: type) -> list[int]:
    return [m.out_channels if kind is nn.Conv2d else m.out_features for m in net.modules() if isinstance(m, kind)]


def test_r1_r3_and_r4_are_as_described():
    with torch.device("meta"):
        r1, r3, r4 = (backbone(name) for name in ("r1_vgg", "r3_cnn", "r4_cnn"))
    assert shapes(r1, nn.Conv2d) == [32, 32, 64, 64, 128, 128]
    assert (shapes(r1, nn.Linear), dropouts(r1)) == ([512], [0.2, 0.2, 0.2, 0.5])
    assert not [m for m in r1.modules() if isinstance(m, nn.ReLU)]
    assert len([m for m in r1.modules() if isinstance(m, nn.ELU)]) == 7
    assert shapes(r3, nn.Conv2d) == [32, 64, 64, 128, 128, 256]
    assert (shapes(r3, nn.Linear), dropouts(r3)) == ([1024, 512, 256, 128, 64, 32], [0.25] * 9)
    assert shapes(r4, nn.Conv2d) == [64, 64, 128, 128, 256, 256, 512, 512]
    assert (shapes(r4, nn.Linear), dropouts(r4)) == ([1024, 1024], [0, 0.2, 0.25, 0.25, 0.45, 0.45])
    for net in (r1, r3, r4):
        assert net.input == Input(1, 48, fixed=True)


def test_heads_are_as_described():
    r0 = head(HeadSettings("r0", units=608, layers=3, activation="tanh"), 2048, {"classes": 9})
    assert shapes(r0, nn.Linear) == [608, 304, 152, 9]
    assert dropouts(r0) == [0.25] * 3
    assert [type(m) for m in r0[:4]] == [nn.Linear, nn.BatchNorm1d, nn.Tanh, nn.Dropout]
    assert [repr(m) for m in head(HeadSettings("r1"), 64, HEADS)][1:3] == ["ReLU()", "Dropout(p=0.2, inplace=False)"]
    assert (shapes(head(HeadSettings("r2"), 64, HEADS), nn.Linear), dropouts(head(HeadSettings("r2"), 64, HEADS))) == ([512, 18], [0.25])
    assert dropouts(head(HeadSettings(dropout=0.5), 64, AFFECT)) == [0.5]
    with pytest.raises(UnknownName, match=r"head\.activation 'gelu'; there are: relu, tanh"):
        head(HeadSettings("r0", activation="gelu"), 8, HEADS)
    for wrong in ({"layers": 0}, {"units": 0}):
        with pytest.raises(UsageError, match="wanted 1 or more"):
            HeadSettings("r0", **wrong)
    with pytest.raises(UnknownName, match="linear, r0, r1, r2"):
        head(HeadSettings("r9"), 8, HEADS)


@pytest.mark.parametrize("outputs", [HEADS, classes(7), AFFECT], ids=["mien", "classes", "affect"])
def test_outputs_by_name(outputs):
    net = network("vgg8", TINY["vgg8"], outputs=outputs)
    parts = net.split(net(net.backbone.example(2)))
    assert {name: part.shape for name, part in parts.items()} == {name: (2, k) for name, k in outputs.items()}


@pytest.mark.parametrize("squeeze", [0.0, 0.25])
def test_repvgg_fused_says_the_same(squeeze):
    torch.manual_seed(0)
    net = backbone("repvgg", NetSettings(widths=(6, 8), depths=(2, 3), size=16, squeeze=squeeze))
    for norm in net.modules():  # as after a training
        if isinstance(norm, nn.BatchNorm2d):
            for values in (norm.weight, norm.running_var):
                nn.init.uniform_(values, 0.5, 1.5)
            for values in (norm.bias, norm.running_mean):
                nn.init.normal_(values)
    x = torch.randn(4, 1, 16, 16)
    net.eval()
    with torch.no_grad():
        before = net(x)
        reparameterise(net)
        torch.testing.assert_close(net(x), before, atol=1e-4, rtol=0)
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert not [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert sum(m.kernel_size == (3, 3) for m in convs) == 5
    assert len(convs) == (15 if squeeze else 5)
    reparameterise(net)  # once more changes nothing


def test_windows_hold_one_person_without_a_break():
    times = [0.0, 0.1, 0.2, 0.3, 2.0, 2.1, 2.2, 0.5, 0.6, 0.7]
    persons = [1] * 7 + [2] * 3
    assert window_starts(times, window=3, stride=1, persons=persons).tolist() == [0, 1, 4, 7]
    assert window_starts(times, window=3, stride=2, persons=persons).tolist() == [0, 4]
    assert window_starts(times, window=2, stride=1, spacing=2, persons=persons).tolist() == [0, 1, 4, 7]
    assert window_starts(times, window=3, stride=1, most_gap=9, persons=persons).tolist() == [0, 1, 2, 3, 4, 7]
    assert window_starts([0.0, 0.0, 0.0], window=3, stride=1).tolist() == []  # one picture three times is no sequence
    assert window_starts([], window=3).tolist() == []
    crops = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    assert cut_windows(crops, np.array([0, 4]), window=3, spacing=2)[:, :, 0, 0, 0].tolist() == [[0, 2, 4], [4, 6, 8]]
    assert cut_windows(crops, window_starts([], window=3), window=3).shape == (0, 3, 8, 8, 1)
    with pytest.raises(UsageError, match="window 1"):
        window_starts(times, window=1)
    with pytest.raises(DataError, match="one of each"):
        window_starts(times, persons=[1])


def test_conv_lstm_tells_a_sequence_from_its_reverse():
    torch.manual_seed(0)
    net = backbone("conv_lstm", NetSettings(widths=(4, 6, 8), size=16, window=3)).eval()
    clip = torch.randn(1, 3, 1, 16, 16)
    with torch.no_grad():
        assert (net(clip) - net(clip.flip(1))).abs().max() > 1e-3
        first_changed = torch.cat([torch.randn(1, 1, 1, 16, 16), clip[:, 1:]], dim=1)
        assert (net(clip) - net(first_changed)).abs().max() > 1e-4  # what came first is remembered
    with pytest.raises(UsageError, match="window of 1"):
        backbone("conv_lstm", NetSettings(window=1))


def test_entrance_scales_as_the_weights_want_it():
    grey = torch.full((1, 8, 8, 1), 130, dtype=torch.uint8)
    x = Entrance(Input(3, 8, scale="imagenet"))(grey)
    assert x.shape == (1, 3, 8, 8)
    np.testing.assert_allclose(x[0, :, 0, 0], (130 / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225]), atol=1e-4)
    assert Entrance(Input(3, 8, scale="half"))(torch.full((1, 8, 8, 3), 255, dtype=torch.uint8)).max() == 1
    assert Entrance(Input(1, 8, frames=2))(torch.zeros(3, 2, 8, 8, 1, dtype=torch.uint8)).shape == (3, 2, 1, 8, 8)
    with pytest.raises(UsageError, match="3 channels"):
        Entrance(Input(1, 8))(torch.zeros(1, 8, 8, 3, dtype=torch.uint8))


def test_what_does_not_exist_is_named():
    with pytest.raises(UnknownName, match=r"r3_cnn.*timm:NAME"):
        backbone("alexnet")
    with pytest.raises(UnknownName, match="resnet50"):
        backbone("timm:resnet51")
    with pytest.raises(UnknownName, match="imagenet"):
        backbone("vgg8", NetSettings(scale="bright"))
    for name, settings in (("resnet50", NetSettings(widths=(8,))), ("vgg8", NetSettings(depths=(2,))), ("vit_b8", NetSettings(size=30))):
        with pytest.raises(UsageError, match=name):
            backbone(name, settings)
    for name, settings in (
        ("mobilenetv2", NetSettings(factor=0.4)),
        ("r4_cnn", NetSettings(size=8)),
        ("r3_cnn", NetSettings(widths=(4, 8))),
    ):
        with pytest.raises(UsageError, match="wanted"):
            backbone(name, settings)


def test_without_timm_the_command_is_named(monkeypatch):
    real = importlib.import_module

    def without(name, *args):
        if name == "timm":
            raise ModuleNotFoundError("No module named 'timm'", name="timm")
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ExtraMissing, match=r'pip install "\.\[train\]"'):
        backbone("resnet50")
    assert isinstance(backbone("vgg8"), Backbone)  # ours need none
