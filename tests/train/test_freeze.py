"""Which parameters move."""

import copy
import importlib.util

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
if not importlib.util.find_spec("timm"):  # not importorskip: beside a CPU torch it only imports by mien.train.torchvision_shim
    pytest.skip("timm is not installed: pip install '.[train]'", allow_module_level=True)

from torch import nn  # noqa: E402

from mien.errors import UsageError  # noqa: E402
from mien.train.freeze import apply, freeze, layers, parameter_groups, thaw, unfreeze_last  # noqa: E402
from mien.train.heads import HeadSettings, Network, network  # noqa: E402
from mien.train.nets import NetSettings, backbone  # noqa: E402
from mien.train.settings import FreezePlan  # noqa: E402

RESNET = NetSettings(factor=1 / 8, size=32)
"""All 53 convolutions of ResNet-50, narrow."""


def step(net: Network) -> set[str]:
    """Names of the parameters and statistics that one optimiser step moves."""
    before = copy.deepcopy(net.state_dict())
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    torch.manual_seed(0)
    net(torch.randn(4, *net.backbone.example().shape[1:])).square().mean().backward()
    optimiser.step()
    return {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}


def awake(net: nn.Module) -> None:
    """Residual branches begin with a weight of 0, which would hold back the first step of what lies before it."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)


NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def test_the_last_15_layers_of_resnet50():
    net = network("resnet50", RESNET, HeadSettings(dropout=0.0))
    awake(net)
    net.train()
    learning = unfreeze_last(net, 15)
    # from the end: 6 layers of the last block, 6 of the one before it, then conv3, bn3 and the shortcut's of the first block:
    # in the order of a crop's way conv1 bn1 conv2 bn2 conv3 bn3 shortcut.0 shortcut.1, of which the last three are left
    blocks = ["conv1", "conv2", "conv3"], ["bn1", "bn2", "bn3"]
    expected = {f"backbone.body.layer4.{b}.{conv}.weight" for b in (1, 2) for conv in blocks[0]}
    expected |= {f"backbone.body.layer4.{b}.{norm}.{kind}" for b in (1, 2) for norm in blocks[1] for kind in NORM}
    expected |= {"backbone.body.layer4.0.downsample.0.weight"}
    expected |= {f"backbone.body.layer4.0.{norm}.{kind}" for norm in ("bn3", "downsample.1") for kind in NORM}
    expected |= {"head.1.weight", "head.1.bias"}
    assert step(net) == expected
    assert set(learning) == {name for name in expected if "running" not in name and "num_batches" not in name}


def test_the_last_4_layers_of_vgg16():
    net = network("vgg16", NetSettings(factor=1 / 16, size=32), HeadSettings("r2", units=16, dropout=0.0))
    net.train()
    unfreeze_last(net, 4)
    expected = {f"backbone.body.features.{i}.{kind}" for i in (21, 24, 26, 28) for kind in ("weight", "bias")}
    moved = step(net)
    assert moved == expected | {f"head.{i}.{kind}" for i in (0, 3) for kind in ("weight", "bias")}


def test_layers_are_counted_as_keras_counts_those_with_weights():
    with torch.device("meta"):
        counts = {name: len(layers(backbone(name, settings))) for name, settings in (("resnet50", RESNET), ("vgg16", NetSettings(size=32)))}
        vit = [name for name, _ in layers(backbone("vit_b8", NetSettings(factor=1 / 12, depths=(1,), size=16)))]
    assert counts == {"resnet50": 53 * 2, "vgg16": 13}
    assert vit[:2] == ["body", "body.patch_embed.proj"]  # class token and position embeddings, patches
    assert vit[2:] == [f"body.blocks.0.{part}" for part in ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")] + [
        "body.norm"
    ]


def test_the_order_is_a_crops_way_and_not_that_of_the_code():
    names = [name for name, _ in layers(backbone("vgg8", NetSettings(widths=(4, 4, 4, 4))))]
    assert names == [f"{part}.{i}.{j}" for i in range(4) for part in ("first", "second") for j in (0, 1)]


def test_frozen_normalisations_keep_their_statistics():
    net = network("resnet50", RESNET)
    net.train()
    assert freeze(net) == ("head.1.weight", "head.1.bias")
    net.train()  # as at the beginning of each epoch
    assert step(net) == {"head.1.weight", "head.1.bias"}
    assert net.head.training
    thaw(net)
    net.train()
    assert "backbone.body.bn1.running_mean" in step(net)


def test_the_end_of_a_training_mode_is_kept():
    net = network("vgg8", NetSettings(widths=(4, 4, 4, 4))).eval()
    unfreeze_last(net, 2)
    assert not any(module.training for module in net.modules())


def test_freeze_then_thaw():
    net = network("vgg16", NetSettings(factor=1 / 16, size=32))
    plan = FreezePlan(frozen_epochs=2, unfreeze_last=1)
    net.train()
    moved = []
    for epoch in range(4):
        apply(plan, net, epoch)
        net.train()
        moved.append({name.rsplit(".", 1)[0] for name in step(net)})
        net.zero_grad(set_to_none=True)
    assert moved == [{"head.1"}, {"head.1"}, {"head.1", "backbone.body.features.28"}, {"head.1", "backbone.body.features.28"}]
    assert len(apply(FreezePlan(frozen_epochs=2), net, 2)) == len(list(net.parameters()))


def test_one_optimiser_outlives_the_thaw():
    """Momentum of what was frozen begins when it thaws; until then nothing moves it, weight decay neither."""
    net = network("vgg8", NetSettings(widths=(4, 4, 4, 4), size=16))
    optimiser = torch.optim.AdamW(parameter_groups(net, 0.01, weight_decay=0.1))
    first = net.backbone.first[0][0].weight
    start = first.detach().clone()
    for epoch in range(3):
        apply(FreezePlan(frozen_epochs=2), net, epoch)
        net.train()
        optimiser.zero_grad(set_to_none=True)
        net(torch.randn(4, 1, 16, 16)).square().sum().backward()
        optimiser.step()
        assert torch.equal(first, start) == (epoch < 2)


def test_layer_wise_rates():
    net = network("vgg16", NetSettings(factor=1 / 16, size=32))
    groups = parameter_groups(net, 0.1, decay=0.5, groups=4, weight_decay=0.01)
    assert [(g["scale"], g["weight_decay"]) for g in groups] == [(0.5**i, decay) for i in range(5) for decay in (0.01, 0.0)]
    assert all(g["lr"] == pytest.approx(0.1 * g["scale"]) for g in groups)
    names = {id(p): name for name, p in net.named_parameters()}
    by_scale = [sorted(names[id(p)] for g in groups if g["scale"] == 0.5**i for p in g["params"]) for i in range(5)]
    assert by_scale[0] == ["head.1.bias", "head.1.weight"]
    assert [len(part) / 2 for part in by_scale] == [1, 3, 3, 3, 4]  # 13 convolutions
    assert "backbone.body.features.0.weight" in by_scale[4]
    assert "backbone.body.features.28.bias" in by_scale[1]
    assert sorted(names.values()) == sorted(name for part in by_scale for name in part)
    assert [g["scale"] for g in parameter_groups(net, 0.1)] == [1.0] * 10
    with pytest.raises(UsageError, match="decay 0"):
        parameter_groups(net, 0.1, decay=0)


def test_more_layers_than_there_are():
    net = network("vgg16", NetSettings(factor=1 / 16, size=32))
    with pytest.raises(UsageError, match="13 layers"):
        unfreeze_last(net, 14)
    with pytest.raises(UsageError, match="wanted a Backbone"):
        freeze(nn.Linear(2, 2))
