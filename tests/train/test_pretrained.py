"""Pretrained weights: checked before they are read, never run, understood by the names others gave them."""

import hashlib
import http.server
import importlib.util
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
if not importlib.util.find_spec("timm"):  # not importorskip: beside a CPU torch it only imports by mien.train.torchvision_shim
    pytest.skip("timm is not installed: pip install '.[train]'", allow_module_level=True)

from torch import nn  # noqa: E402

from mien.errors import CardInvalid, ModelError, UsageError, WeightsMissing  # noqa: E402
from mien.train.heads import network  # noqa: E402
from mien.train.nets import NetSettings, backbone, fetch_pretrained  # noqa: E402

SMALL_RESNET = {"factor": 1 / 8, "depths": (1, 2, 1, 1), "size": 32}
SMALL_VGG16 = {"factor": 1 / 16, "size": 32}
SMALL_VIT = {"factor": 1 / 12, "depths": (1,)}
SMALL_VGG8 = {"widths": (4, 6, 8, 12), "size": 16}
SMALL_R3 = {"widths": (4, 6, 64), "size": 16}


def saved(state: object, path: Path) -> tuple[str, str]:
    torch.save(state, path)
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


def same(a: nn.Module, b: nn.Module) -> None:
    for (name, x), y in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
        torch.testing.assert_close(x, y, msg=name)


def test_weights_of_vggface_resnet_by_their_own_names(tmp_path: Path):
    """As in resnet50_ft_dag: conv2_1_1x1_reduce and so on, with its classifier; strides where Caffe has them."""
    net = backbone("resnet50", NetSettings(**SMALL_RESNET, caffe=True))
    parts = {
        "conv1": "1x1_reduce",
        "bn1": "1x1_reduce_bn",
        "conv2": "3x3",
        "bn2": "3x3_bn",
        "conv3": "1x1_increase",
        "bn3": "1x1_increase_bn",
    }
    state = {"classifier.weight": torch.zeros(8631, 256, 1, 1), "classifier.bias": torch.zeros(8631)}
    for key, value in net.body.state_dict().items():
        words = key.split(".")
        if words[0] in ("conv1", "bn1"):
            name = {"conv1": "conv1_7x7_s2", "bn1": "conv1_7x7_s2_bn"}[words[0]]
        else:
            part = {"0": "1x1_proj", "1": "1x1_proj_bn"}[words[3]] if words[2] == "downsample" else parts[words[2]]
            name = f"conv{int(words[0][-1]) + 1}_{int(words[1]) + 1}_{part}"
        state[f"{name}.{words[-1]}"] = torch.randn_like(value) if value.dtype.is_floating_point else value
    path, sha256 = saved(state, tmp_path / "face.pth")
    loaded = backbone("resnet50", NetSettings(**SMALL_RESNET, caffe=True, weights=path, sha256=sha256))
    assert torch.equal(loaded.body.layer2[1].conv3.weight, state["conv3_2_1x1_increase.weight"])
    assert torch.equal(loaded.body.layer4[0].downsample[1].running_var, state["conv5_1_1x1_proj_bn.running_var"])
    assert torch.equal(loaded.body.conv1.weight, state["conv1_7x7_s2.weight"])
    assert loaded.input.mean == pytest.approx((131.0912, 103.8827, 91.4953))
    assert [(stage[0].conv1.stride, stage[0].conv2.stride) for stage in (loaded.body.layer2, loaded.body.layer4)] == [((2, 2), (1, 1))] * 2
    with pytest.raises(CardInvalid, match=r"lacks .*another architecture"):
        backbone("resnet50", NetSettings(factor=1 / 8, depths=(2, 2, 1, 1), size=32, weights=path))


def test_weights_of_vggface_vgg16_by_their_own_names(tmp_path: Path):
    net = backbone("vgg16", NetSettings(**SMALL_VGG16))
    convs = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    names = [f"conv{stage}_{i}" for stage, count in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, count + 1)]
    state = {f"{name}.{kind}": getattr(conv, kind) for name, conv in zip(names, convs, strict=True) for kind in ("weight", "bias")}
    path, sha256 = saved(state | {"fc6.weight": torch.zeros(2, 2), "fc8.bias": torch.zeros(2)}, tmp_path / "vgg_face_dag.pth")
    same(backbone("vgg16", NetSettings(**SMALL_VGG16, weights=path, sha256=sha256.upper(), scale="vggface")), net)


def test_colour_weights_in_a_grey_network(tmp_path: Path):
    colour = backbone("resnet50", NetSettings(**SMALL_RESNET)).eval()
    path, _ = saved({"state_dict": {f"module.{key}": value for key, value in colour.body.state_dict().items()}}, tmp_path / "w.pth")
    grey = backbone("resnet50", NetSettings(**SMALL_RESNET, channels=1, weights=path)).eval()
    x = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(grey(x), colour(x.expand(-1, 3, -1, -1)), atol=1e-4, rtol=1e-4)


def test_position_embeddings_fit_another_size(tmp_path: Path):
    path, _ = saved(backbone("vit_b8", NetSettings(**SMALL_VIT, size=16)).body.state_dict(), tmp_path / "vit.pth")
    larger = backbone("vit_b8", NetSettings(**SMALL_VIT, size=24, weights=path))
    assert larger.body.pos_embed.shape[1] == 1 + 9


def test_own_weights_and_safetensors(tmp_path: Path):
    from safetensors.torch import save_file

    net = network("r3_cnn", NetSettings(**SMALL_R3))
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    again = backbone("r3_cnn", NetSettings(**SMALL_R3, weights=str(tmp_path / "net.safetensors")))
    same(again, net.backbone)


class Trap:
    """Unpickling it would create a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_nothing_in_a_file_is_run(tmp_path: Path):
    for name, state in (("trap.pth", {"weight": Trap(tmp_path / "ran")}), ("list.pth", [1, 2]), ("empty.pth", {})):
        path, _ = saved(state, tmp_path / name)
        with pytest.raises(CardInvalid, match="wanted a state dict"):
            backbone("vgg8", NetSettings(weights=path))
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps({"weight": np.zeros(3)}))
    with pytest.raises(CardInvalid, match="wanted a state dict"):
        backbone("vgg8", NetSettings(weights=str(tmp_path / "plain.pkl")))
    assert not (tmp_path / "ran").exists()


def test_the_hash_is_checked_before_anything_is_read(tmp_path: Path):
    path, sha256 = saved({"weight": Trap(tmp_path / "ran")}, tmp_path / "trap.pth")
    with pytest.raises(ModelError, match="sha256 is"):
        backbone("vgg8", NetSettings(weights=path, sha256="0" * 64))
    with pytest.raises(WeightsMissing, match="no such file"):
        backbone("vgg8", NetSettings(weights=str(tmp_path / "none.pth")))
    with pytest.raises(UsageError, match="need their hash"):
        backbone("vgg8", NetSettings(weights="https://example.org/model.pth"))
    with pytest.raises(WeightsMissing, match="nothing is downloaded unasked"):
        backbone("vgg8", NetSettings(weights="https://example.org/model.pth", sha256=sha256))


def test_weights_are_fetched_when_asked(tmp_path: Path):
    net = backbone("vgg8", NetSettings(**SMALL_VGG8))
    _, sha256 = saved(net.state_dict(), tmp_path / "model.pth")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/model.pth?download=1"
        with pytest.raises(ModelError, match="nothing was kept"):
            fetch_pretrained(url, "0" * 64)
        path = fetch_pretrained(url, sha256)
        server.shutdown()
    assert path.name == f"{sha256[:12]}-model.pth"
    same(backbone("vgg8", NetSettings(**SMALL_VGG8, weights=url, sha256=sha256)), net)
