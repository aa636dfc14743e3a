"""Features are what the last layer reads: with that layer's weights, by hand, they give the model's outputs."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from mien.errors import CardInvalid, ExtraMissing, ModelError  # noqa: E402
from mien.models.card import Head, ModelCard  # noqa: E402
from mien.models.features import Features, last_inputs  # noqa: E402
from mien.models.recogniser import OnnxRecogniser  # noqa: E402
from mien.models.registry import recogniser  # noqa: E402
from mien.models.session import more_outputs  # noqa: E402
from mien.vision.align import CropSpec  # noqa: E402

ROOT = Path(__file__).parents[2]


def opened(name: str) -> OnnxRecogniser:
    model = recogniser(name, threads=1)
    assert isinstance(model, OnnxRecogniser)
    return model


def changed(model: OnnxRecogniser, **card: object) -> OnnxRecogniser:
    return OnnxRecogniser(dataclasses.replace(model.card, **card), model.path, threads=1)


def random_crops(model: OnnxRecogniser, n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, model.crop.size, model.crop.size, 3), np.uint8)


@pytest.mark.parametrize("name", ["base", "large", "tiny"])
def test_the_last_layer_makes_the_outputs_of_them(name: str) -> None:
    model = opened(name)
    crops = random_crops(model, 35)
    found = Features(model, threads=1)(crops)
    graph = onnx.load(model.path).graph
    weight, bias = (numpy_helper.to_array(t) for t in graph.initializer if re.search(r"head\.\d\.(weight|bias)$", t.name))
    assert found.shape == (35, weight.shape[1])
    raw = found @ weight.T + bias
    outputs = model.outputs(crops)
    np.testing.assert_allclose(raw[:, :9], outputs["votes"], atol=1e-3)
    np.testing.assert_allclose(raw[:, 9:16], outputs["fer7"], atol=1e-3)
    np.testing.assert_allclose(np.tanh(raw[:, 16:]), outputs["affect"], atol=1e-4)


@pytest.mark.parametrize("name", ["base", "large", "tiny"])
def test_the_embedded_cards_name_what_the_files_have(name: str) -> None:
    model = opened(name)
    assert list(model.card.features) == last_inputs(onnx.load(model.path), model.card.outputs) != []
    crops = random_crops(model, 3)
    looked_for = Features(changed(model, features=()), threads=1)(crops)
    np.testing.assert_array_equal(Features(model, threads=1)(crops), looked_for)


def test_without_onnx_the_card_says_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened("tiny")
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert Features(model)(random_crops(model, 2)).shape == (2, 256)
    with pytest.raises(
        ExtraMissing, match=r'^tiny\.onnx: its card names no `features`, .* pip install "\.\[train\]" in a checkout of mien$'
    ):
        Features(changed(model, features=()))


@pytest.mark.parametrize("n", [0, 1, 35])
def test_one_run_gives_what_the_model_says_too(n: int) -> None:
    model = opened("tiny")
    crops = random_crops(model, n)
    emotions, features = Features(model, threads=1).read(crops)
    alone = model(crops)
    np.testing.assert_array_equal(emotions.probs, alone.probs)
    np.testing.assert_array_equal(emotions.affect, alone.affect)
    np.testing.assert_array_equal(emotions.heads["fer7"], alone.heads["fer7"])
    assert features.shape == (n, 256)
    assert features.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", r"^tiny\.onnx: the card of 'tiny' names the features nowhere; wanted tensors of the file, or no `features`"),
        ("nets.0.head.1.weight", r"^tiny\.onnx: nets\.0\.head\.1\.weight has not a row a crop; wanted `features` of the card that do$"),
    ],
)
def test_a_card_that_names_what_is_none_is_one_clear_line(name: str, says: str) -> None:
    model = opened("tiny")
    wrong = changed(model, features=(name,))
    with pytest.raises(CardInvalid, match=says):
        Features(wrong)(random_crops(wrong, 2))


def test_what_stands_behind_a_file_makes_outputs_of_it() -> None:
    """As a reader of ONNX that is not ours sees it; a name of 300 letters has a length of two bytes."""
    content = opened("tiny").path.read_bytes()
    names = ["a", "e" * 300]
    before, after = (onnx.load_from_string(raw) for raw in (content, content + more_outputs(names)))
    assert [one.name for one in after.graph.output] == [*(one.name for one in before.graph.output), *names]
    del after.graph.output[len(before.graph.output) :]
    assert after == before


def small(nodes: list[onnx.NodeProto], path: Path) -> OnnxRecogniser:
    """A model of crops of 8 px whose only output is `out`, with the weights `w` (64, 2) of ones."""
    crops, out = (
        helper.make_tensor_value_info(*what)
        for what in (("crops", TensorProto.UINT8, ["n", 8, 8, 1]), ("out", TensorProto.FLOAT, ["n", 2]))
    )
    stored = [
        numpy_helper.from_array(np.ones((64, 2), np.float32), "w"),
        numpy_helper.from_array(np.array([-1, 64]), "flat"),
        numpy_helper.from_array(np.array([0, 8]), "start"),
        numpy_helper.from_array(np.array([2**31, 10]), "stop"),
    ]
    graph = helper.make_graph(nodes, "small", [crops], [out], stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    card = ModelCard("small", path.name, "", 0, CropSpec(size=8), {"out": Head("logits", ("happy", "sad"))}, {"out": 1.0})
    return OnnxRecogniser(card, path)


def test_of_several_last_layers_all_are_taken(tmp_path: Path) -> None:
    """As in a file that averages two networks, or a crop and its mirror picture."""
    nodes = [
        helper.make_node("Cast", ["crops"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["grey", "flat"], ["one"]),
        helper.make_node("Neg", ["one"], ["other"]),
        helper.make_node("Gemm", ["other", "w"], ["a"]),
        helper.make_node("MatMul", ["one", "w"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["out"]),
    ]
    model = small(nodes, tmp_path / "small.onnx")
    assert last_inputs(onnx.load(model.path), ["out"]) == ["one", "other"]
    crops = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    seen = crops[..., 0].reshape(3, 64).astype(np.float32)
    np.testing.assert_array_equal(Features(model)(crops), np.concatenate([seen, -seen], axis=1))
    np.testing.assert_array_equal(Features(changed(model, features=("other",)))(crops), -seen)


def test_what_has_none_is_one_clear_line(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["crops"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["grey", "flat"], ["one"]),
        helper.make_node("Slice", ["one", "start", "stop"], ["out"]),
    ]
    with pytest.raises(ModelError, match=r"small\.onnx: has no dense layer"):
        Features(small(nodes, tmp_path / "small.onnx"))


def test_the_program_of_the_data_page_runs_on_what_the_command_writes(tmp_path: Path) -> None:
    pytest.importorskip("imblearn", reason="imbalanced-learn is not installed: pip install '.[data]'")
    from mien.cli.main import main
    from mien.data.manifest import Manifest
    from mien.data.stores import InArray

    rng = np.random.default_rng(0)
    labels = ["happy"] * 12 + ["sad"] * 6
    waves = np.tile(128 + 90 * np.sin(np.arange(48)), (48, 1))  # upright where happy, level where sad
    pixels = np.stack([waves if label == "happy" else waves.T for label in labels]) + rng.normal(0, 10, (18, 48, 48))
    pixels = pixels.clip(0, 255).astype(np.uint8)
    splits = ["train"] * 8 + ["test"] * 4 + ["train"] * 4 + ["test"] * 2
    Manifest({"id": [str(i) for i in range(18)], "label": labels, "split": splits}, [InArray(pixels)]).write(
        tmp_path / "set.parquet", inside=True
    )
    words = ["data", "balance", str(tmp_path / "set.parquet"), "--method", "smote", "-o", str(tmp_path / "vectors.npz"), "--model", "tiny"]
    assert main([*words, "--neighbours", "2"]) == 0
    with np.load(tmp_path / "vectors.npz") as file:
        assert file["features"].shape == (16, 256)
        assert file["generated"].sum() == 4
        assert file["held_features"].shape == (6, 256)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "data.md").read_text("utf-8"), re.DOTALL)
    program = next(block for block in blocks if "vectors.npz" in block)
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) == 1.0


def test_the_program_of_the_affect_page_says_what_it_says() -> None:
    block = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "affect.md").read_text("utf-8"), re.DOTALL)[0]
    run = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("['happy']\n")
    assert run.stdout.endswith(" 1.0\n")
