"""What a training begins with: a run of the same network, one that is widened or narrowed, or a shipped model; each answers as before."""

import copy
import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

from mien.errors import UsageError  # noqa: E402
from mien.labels import label_set  # noqa: E402
from mien.models.registry import recogniser  # noqa: E402
from mien.train import widen  # noqa: E402
from mien.train.export import Deployed, fold, golden_crops  # noqa: E402
from mien.train.fit import fit  # noqa: E402
from mien.train.graph import halved, to_onnx  # noqa: E402
from mien.train.heads import network  # noqa: E402
from mien.train.narrow import narrowed  # noqa: E402
from mien.train.nets import HEADS  # noqa: E402
from mien.train.parts import in_parts  # noqa: E402
from mien.train.quantise import quantised  # noqa: E402
from mien.train.run_folder import RunFolder  # noqa: E402
from mien.train.settings import HeadSettings, NetSettings  # noqa: E402
from mien.train.start import as_started, begin_with, begin_with_model  # noqa: E402
from mien.train.unfold import unfold, weights  # noqa: E402
from mien.train.widen import widened  # noqa: E402
from tests.train.conftest import TINY  # noqa: E402

NARROW, WIDE = (4, 6, 8, 12), (4, 9, 16, 30)
SLIM, FULL = (4, 6, 8, 8, 8, 9, 10, 10, 10, 10, 10, 10, 12, 11), (8, 9, 12, 12, 12, 12, 16, 16, 16, 16, 16, 16, 20, 18)


def trained(widths: tuple[int, ...], net: str = "vgg8") -> torch.nn.Module:
    """A network whose normalisations have seen something, in evaluation mode."""
    torch.manual_seed(3)
    net = network(net, NetSettings(size=32, widths=widths), outputs=HEADS)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
    return net.eval()


def test_a_widened_network_answers_as_the_narrow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widen, "NOISE", 0.0)
    narrow = trained(NARROW)
    wide = network("vgg8", NetSettings(size=32, widths=WIDE), outputs=HEADS)
    wide.load_state_dict(widened(narrow.state_dict(), WIDE))
    x = torch.randn(5, 1, 32, 32)
    assert torch.allclose(wide.eval()(x), narrow(x), atol=1e-5)


def test_copies_differ_from_their_originals_a_little() -> None:
    state = trained(NARROW).state_dict()
    wider = widened(state, WIDE)
    copies = wider["backbone.second.3.0.weight"][NARROW[3] :]
    assert len({tuple(one.flatten()[:8].tolist()) for one in copies}) == len(copies)
    assert torch.equal(wider["backbone.first.1.0.weight"][: NARROW[1]], state["backbone.first.1.0.weight"])
    assert all(torch.equal(widened(state, WIDE)[name], value) for name, value in wider.items())


@pytest.mark.parametrize("widths", [(4, 5, 8, 12), (4, 6, 8)])
def test_a_narrower_network_or_one_of_other_stages_is_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"found stages of \[4, 6, 8, 12\]; wanted \[4,"):
        widened(trained(NARROW).state_dict(), widths)


def test_a_training_goes_on_from_a_narrower_run(data, tmp_path: Path) -> None:
    first = dataclasses.replace(TINY, name="first", epochs=1)
    fit(first, data, tmp_path / "first")
    wide = dataclasses.replace(
        TINY, name="wide", start=str(tmp_path / "first"), epochs=1, settings=dataclasses.replace(TINY.settings, widths=(8, 12, 16, 24))
    )
    said: list[str] = []
    fitted = fit(wide, data, tmp_path / "wide", say=said.append)
    assert any("widened" in line for line in said)
    assert fitted.state["backbone.second.3.0.weight"].shape[:2] == (24, 24)
    narrow = network("vgg8", dataclasses.replace(TINY.settings, widths=(8, 8, 8, 8)), outputs=HEADS)
    with pytest.raises(UsageError, match="a vgg8 that is narrower, or"):
        begin_with(narrow, tmp_path / "first", data.names)


def silent(net: torch.nn.Module, widths: tuple[int, ...]) -> list[torch.Tensor]:
    """Make all but `widths` channels of each layer say the same of every crop, some of them something else than 0; which still tell."""
    telling = []
    layers = net.backbone.layers()
    for place, width in enumerate(widths):
        norms = [layer.bn for layer in layers[2 * place : 2 * place + 2]]  # that writes the channels, and the one that filters each
        kept = torch.randperm(norms[0].num_features)[:width].sort().values
        for norm in norms:
            mute = torch.ones(norm.num_features, dtype=torch.bool)
            mute[kept] = False
            norm.weight.data[mute] = 0.0
            norm.bias.data[mute] = torch.linspace(-1, 7, int(mute.sum()))
        telling.append(kept)
    return telling


def settled(net: torch.nn.Module) -> torch.nn.Module:
    """The network with the statistics of some crops in its normalisations, in evaluation mode."""
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        net.train()(torch.randn(64, 1, 32, 32))
    return net.eval()


def test_a_network_narrowed_by_channels_that_say_nothing_answers_as_before() -> None:
    full = trained(FULL, "face_mobilenet")
    telling = silent(full, SLIM)
    settled(full)
    slim = network("face_mobilenet", NetSettings(size=32, widths=SLIM), outputs=HEADS)
    slim.load_state_dict(narrowed(full.state_dict(), SLIM))
    x = torch.randn(5, 1, 32, 32)
    torch.testing.assert_close(slim.eval()(x), full(x), atol=1e-4, rtol=1e-4)
    assert full(x).std(dim=0).max() > 1e-3  # it does look at the crop
    for place, kept in enumerate(telling):
        mine, theirs = (net.backbone.layers()[2 * place].bn.bias for net in (slim, full))
        assert torch.equal(mine, theirs[kept])


def test_channels_that_say_least_go_first() -> None:
    full = settled(trained(FULL, "face_mobilenet"))
    x = torch.randn(64, 1, 32, 32)
    gone = []
    for width in (16, 12, 8):
        widths = (*FULL[:12], width, *FULL[13:])
        net = network("face_mobilenet", NetSettings(size=32, widths=widths), outputs=HEADS)
        net.load_state_dict(narrowed(full.state_dict(), widths))
        with torch.no_grad():
            gone.append(float((net.eval()(x) - full(x)).square().mean()))
    assert 0 < gone[0] < gone[1] < gone[2]


@pytest.mark.parametrize("widths", [(*FULL[:13], 19), FULL[:13]])
def test_a_wider_mobilenet_or_one_of_other_layers_is_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"found widths of \[8, 9, .*\]; wanted \[8, 9, .*none of them wider"):
        narrowed(trained(FULL, "face_mobilenet").state_dict(), widths)
    if len(widths) != len(FULL):
        with pytest.raises(UsageError, match="found 13 widths; wanted 14, of the stem and of each block"):
            network("face_mobilenet", NetSettings(size=32, widths=widths), outputs=HEADS)


def test_a_training_goes_on_from_a_wider_mobilenet(data, tmp_path: Path) -> None:
    settings = dataclasses.replace(TINY.settings, widths=FULL)
    first = dataclasses.replace(TINY, name="first", net="face_mobilenet", epochs=1, settings=settings)
    fit(first, data, tmp_path / "first")
    slim = dataclasses.replace(first, name="slim", start=str(tmp_path / "first"), settings=dataclasses.replace(settings, widths=SLIM))
    said: list[str] = []
    fitted = fit(slim, data, tmp_path / "slim", say=said.append)
    assert any("narrowed" in line for line in said)
    assert fitted.state["head.1.weight"].shape == (18, SLIM[-1])
    again = dataclasses.replace(slim, start=str(tmp_path / "slim"), settings=dataclasses.replace(settings, widths=None))
    assert as_started(again).settings.widths == SLIM  # those of the run, where none are named
    assert as_started(dataclasses.replace(again, net="vgg8")).settings.widths is None
    with pytest.raises(UsageError, match="or a face_mobilenet that is wider"):
        begin_with(trained(FULL, "face_mobilenet"), tmp_path / "slim", data.names)


def folded(net: torch.nn.Module) -> torch.nn.Module:
    """A copy as export makes it, with weights that 16 bits can hold."""
    net = copy.deepcopy(net)
    fold(net)
    with torch.no_grad():
        for weight in net.parameters():
            weight.copy_(weight.half().float())
    return net


def answered(net: torch.nn.Module, crops: np.ndarray) -> dict[str, np.ndarray]:
    """What a network says of crops as it would be shipped."""
    with torch.no_grad():
        outs = Deployed([net.eval()], mirror=False)(torch.from_numpy(crops))
    return {name: out.numpy() for name, out in zip(net.outputs, outs, strict=True)}


def exported(net: torch.nn.Module, crops: np.ndarray, bits: int, *, mirror: bool = False) -> onnx.ModelProto:
    """Its file: in 32 bits with large convolutions cut, or in 16 or 8 bits."""
    file = to_onnx(Deployed([folded(net)], mirror=mirror).eval(), crops[:1], list(net.outputs))
    return {32: lambda: in_parts(file, most=9000), 16: lambda: halved(file), 8: lambda: quantised(file, crops)}[bits]()


@pytest.mark.parametrize("bits", [32, 8])
def test_a_file_that_sees_the_mirror_picture_too_has_the_same_weights(bits: int) -> None:
    net, crops = trained((8, 8, 40, 48)), golden_crops((32, 32, 1))
    plain, both = (weights(exported(net, crops, bits, mirror=mirror)) for mirror in (False, True))
    for name in [name for name in plain if name.endswith((".weight", ".bias"))]:  # 8 bits round a bias by the range of what comes in
        np.testing.assert_allclose(both[name], plain[name], atol=1e-3 if name.endswith("bias") else 0)


@pytest.mark.parametrize("bits", [32, 16, 8])
def test_a_network_taken_from_its_file_answers_as_before_and_can_learn(bits: int) -> None:
    net, crops = trained((8, 8, 40, 48)), golden_crops((32, 32, 1))
    file = exported(net, crops, bits)
    again = network("vgg8", NetSettings(size=32, widths=(8, 8, 40, 48)), outputs=HEADS)
    assert all(unfold(again, file, torch.from_numpy(crops), range(18)))
    theirs, ours = answered(net, crops), answered(again, crops)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, atol=1e-3 if bits > 8 else 0.1 * np.abs(value).max())
    for module in again.modules():
        if isinstance(module, (torch.nn.Dropout, torch.nn.Dropout2d)):
            module.p = 0.0
    with torch.no_grad():  # by the statistics of a batch, as in training, it says what it says by those it keeps
        learning, kept = (again.train(mode)(again.entrance()(torch.from_numpy(crops))) for mode in (True, False))
    torch.testing.assert_close(learning, kept, atol=1e-3, rtol=1e-2)


@pytest.mark.parametrize(("name", "net", "size"), [("base", "face_mobilenet", 112), ("large", "face_mobilenet", 160), ("tiny", "vgg8", 36)])
def test_the_embedded_models_can_be_trained_on(name: str, net: str, size: int) -> None:
    model = recogniser(name)
    settings = as_started(dataclasses.replace(TINY, net=net, start=name, settings=NetSettings(size=size))).settings
    crops = golden_crops((size, size, 1))
    again, said = network(net, settings, outputs=HEADS), []
    begin_with_model(again, name, label_set("fer7"), torch.from_numpy(crops), said.append)
    assert not said
    theirs, ours = model.outputs(crops), answered(again, crops)
    for output in ("votes", "fer7"):
        assert (theirs[output].argmax(1) == ours[output].argmax(1)).mean() > 0.85
        assert np.abs(theirs[output] - ours[output]).mean() < 0.15


def test_classes_of_ones_own_begin_with_what_the_model_knows_of_them() -> None:
    crops = torch.from_numpy(golden_crops((36, 36, 1)))
    settings = NetSettings(size=36, widths=(16, 40, 128, 256))
    own, said = network("vgg8", settings, outputs={"classes": 3, "affect": 2}), []
    before = own.head[1].weight.detach().clone()
    begin_with_model(own, "tiny", ("contempt", "0_Angry", "boredom"), crops, said.append)
    assert said == ["start tiny: does not know boredom"]
    file = weights(onnx.load(recogniser("tiny").path))
    votes, labels = recogniser("tiny").card.outputs["votes"].labels, label_set("fer7")
    rows = [votes.index("contempt"), 9 + labels.index("anger"), None, 16, 17]
    for k, row in enumerate(rows):
        wanted = before[k] if row is None else torch.from_numpy(file["head.1.weight"][row])
        assert torch.equal(own.head[1].weight[k], wanted)
    assert np.array_equal(own.backbone.second[3][0].weight.detach(), file["backbone.second.3.0.weight"])


def test_where_it_knows_nothing_the_backbone_is_taken_alone_and_another_network_is_refused() -> None:
    crops = torch.from_numpy(golden_crops((36, 36, 1)))
    settings = NetSettings(size=36, widths=(16, 40, 128, 256))
    said: list[str] = []
    begin_with_model(network("vgg8", settings, outputs={"classes": 2}), "tiny", ("cat", "dog"), crops, said.append)
    deep = network("vgg8", settings, HeadSettings("r1", units=8), outputs={"fer7": 7})
    begin_with_model(deep, "tiny", label_set("fer7"), crops, said.append)
    assert said == ["start tiny: the backbone only, so that the head begins at random"] * 2
    with pytest.raises(UsageError, match=r"start tiny: has no weight backbone\.stem\.conv\.weight of that shape; wanted a model"):
        begin_with_model(network("face_mobilenet", NetSettings(size=36), outputs=HEADS), "tiny", label_set("fer7"), crops)


def test_a_training_goes_on_from_a_shipped_model(data, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, start="tiny", epochs=1, small_epochs=0, rate=1e-12, settings=NetSettings(size=36))
    fitted = fit(config, data, tmp_path / "run")
    assert RunFolder(tmp_path / "run").config().settings.widths == (16, 40, 128, 256)  # the model's, as none were set
    kept = weights(onnx.load(recogniser("tiny").path))["backbone.second.3.0.weight"]
    np.testing.assert_allclose(fitted.state["backbone.second.3.0.weight"], kept, atol=1e-6)
    with pytest.raises(
        UsageError, match=r"start runs/nowhere: no run folder is there, and unknown model 'runs/nowhere'; there are: base, "
    ):
        fit(dataclasses.replace(config, start="runs/nowhere"), data, tmp_path / "other")
