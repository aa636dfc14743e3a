"""What is shipped says what was trained, and is refused when it does not."""

import dataclasses
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from onnx import numpy_helper  # noqa: E402
from scipy.optimize import minimize_scalar  # noqa: E402
from scipy.special import log_softmax  # noqa: E402

from mien.errors import CardInvalid, UsageError  # noqa: E402
from mien.labels import EMOTIONS, LABEL_SETS, anchors  # noqa: E402
from mien.models.card import Head, ModelCard  # noqa: E402
from mien.models.features import Features  # noqa: E402
from mien.models.recogniser import OnnxRecogniser, blended, softmax  # noqa: E402
from mien.models.registry import recogniser  # noqa: E402
from mien.train import export as exporting  # noqa: E402
from mien.train.config import changed  # noqa: E402
from mien.train.export import calibrated, deployed, export, priors  # noqa: E402
from mien.train.fit import build, crop_spec, fit  # noqa: E402
from mien.train.graph import to_onnx  # noqa: E402
from mien.train.judge import Judge  # noqa: E402
from mien.train.quantise import quantised  # noqa: E402
from mien.train.rows import Rows  # noqa: E402
from mien.train.run_folder import RunFolder, averaged  # noqa: E402
from mien.train.settings import NetSettings  # noqa: E402
from mien.train.start import begin_with  # noqa: E402
from mien.train.targets import targets_of  # noqa: E402
from mien.train.teach import cached_answers, taught  # noqa: E402
from mien.vision.align import CropSpec  # noqa: E402
from tests.train.conftest import TINY  # noqa: E402

ONE = dataclasses.replace(TINY, epochs=1, small_epochs=0, calm_epochs=0)


def fresh(config, data, seed: int = 1):
    torch.manual_seed(seed)
    return build(config, data.names).state_dict()


def opened(path: Path) -> OnnxRecogniser:
    model = recogniser(str(path), threads=1)
    assert isinstance(model, OnnxRecogniser)
    return model


def crops_of(config, data) -> np.ndarray:
    net = build(config, data.names)
    return Judge.of(data.judge, targets_of(data.judge, config), crop_spec(config, net, colour=data.colour)).crops


@pytest.mark.parametrize("mirror", [False, True])
def test_the_file_says_what_the_network_says(data, tmp_path: Path, mirror: bool) -> None:
    config = dataclasses.replace(TINY, mirror=mirror)
    state = fresh(config, data)
    card = export(config, state, data, tmp_path, source={"command": "mien train x"})
    model = opened(tmp_path)  # a folder with one card is a model
    assert model.card == card
    assert (card.source["command"], card.source["data"], card.source["seed"]) == ("mien train x", data.hash, 0)
    assert (card.blend, card.answers) == ({"votes": 0.5, "fer7": 0.5}, {"fer7": "fer7", "ferplus8": "votes"})
    crops = crops_of(config, data)[:20]
    with torch.no_grad():
        votes, _, affect = deployed(config, state, data.names)(torch.from_numpy(crops))
    emotions = model(np.repeat(crops, 3, axis=3))
    np.testing.assert_allclose(emotions.affect, affect.numpy(), atol=1e-4)
    expected = torch.softmax(votes / card.outputs["votes"].temperature, 1).numpy()
    np.testing.assert_allclose(emotions.heads["votes"], expected, atol=1e-4)
    with np.load(tmp_path / "tiny.golden.npz") as golden:
        again = model(np.repeat(golden["crops"][..., None], 3, axis=3))
        np.testing.assert_allclose(again.probs, golden["probs"], atol=1e-5)


NETS = {"resnet50": NetSettings(size=32, factor=1 / 4, depths=(1, 1, 1, 1)), "r3_cnn": NetSettings(size=32, widths=(8, 8, 16, 16, 128))}


@pytest.mark.skipif(not find_spec("timm"), reason="timm is not installed")
@pytest.mark.parametrize("name", NETS)
def test_weights_that_a_normalisation_is_folded_into_are_stored_in_16_bits(data, tmp_path: Path, name: str) -> None:
    config = dataclasses.replace(TINY, net=name, settings=NETS[name], small_epochs=0)
    net = build(config, data.names)
    card = export(config, net.state_dict(), data, tmp_path)
    assert card.bytes < 2.5 * sum(p.numel() for p in net.parameters())


def test_a_file_that_disagrees_is_refused(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = exporting.to_onnx

    def broken(net, crops, outputs):
        with torch.no_grad():
            net.nets[0].head[-1].bias.add_(1e-2)
        model = good(net, crops, outputs)
        with torch.no_grad():
            net.nets[0].head[-1].bias.sub_(1e-2)
        return model

    monkeypatch.setattr(exporting, "to_onnx", broken)
    with pytest.raises(CardInvalid, match="differs from torch"):
        export(TINY, fresh(TINY, data), data, tmp_path)
    assert not (tmp_path / "tiny.onnx").exists()


@pytest.mark.parametrize(("value", "int8"), [("nan", False), ("inf", False), ("nan", True)])
def test_a_network_that_gives_no_numbers_is_refused(data, tmp_path: Path, value: str, int8: bool) -> None:
    state = fresh(TINY, data)
    name = next(name for name in reversed(state) if name.endswith(".bias"))
    state[name][0] = float(value)
    with pytest.raises(CardInvalid, match=rf"is NaN or infinite for {len(data.judge)} of the {len(data.judge)} validation crops"):
        export(dataclasses.replace(TINY, int8=int8), state, data, tmp_path)
    assert not list(tmp_path.glob("tiny*"))


@pytest.mark.parametrize("tasks", [("classes",), ("votes",), ("affect",), ("classes", "affect")], ids="-".join)
def test_a_model_of_each_task_is_one_that_mien_reads(data, tmp_path: Path, tasks: tuple[str, ...]) -> None:
    config = dataclasses.replace(TINY, tasks=tasks)
    card = export(config, fresh(config, data), data, tmp_path)
    emotions = opened(tmp_path)(np.repeat(crops_of(config, data)[:5], 3, axis=3))
    np.testing.assert_allclose(emotions.probs.sum(axis=1), 1, atol=1e-5)
    assert (emotions.affect is not None) == ("affect" in tasks)
    assert emotions.labels == (data.names if "classes" in tasks else EMOTIONS if "votes" in tasks else tuple(anchors("crowd").points))
    if tasks == ("affect",):
        assert card.blend == {}
        assert emotions.top == anchors("crowd").nearest(emotions.affect)


def test_eight_bits_answer_alike_in_any_batch(data, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, int8=True, epochs=8)
    state = fit(config, data, tmp_path / "run").state
    card = export(config, state, data, tmp_path / "int8")
    plain = export(dataclasses.replace(config, int8=False), state, data, tmp_path / "float")
    assert set(card.source["int8"]["accuracy lost on the rows judged by"]) == {"votes", "fer7", "affect"}
    small, large = (opened(tmp_path / kind / "tiny.onnx") for kind in ("int8", "float"))
    crops = crops_of(config, data)
    near = np.abs(small.outputs(crops)["fer7"] - large.outputs(crops)["fer7"]).mean()
    assert 0 < near < 0.3 * np.abs(large.outputs(crops)["fer7"]).mean()
    assert b"QuantizeLinear" in (tmp_path / "int8" / card.file).read_bytes()
    assert b"QuantizeLinear" not in (tmp_path / "float" / plain.file).read_bytes()
    alone = np.concatenate([small.outputs(crop[None])["fer7"] for crop in crops[:8]])
    np.testing.assert_allclose(small.outputs(crops[:8])["fer7"], alone, atol=1e-6)


def test_the_card_says_what_the_last_layers_read(data, tmp_path: Path) -> None:
    """Of both networks, as torch has it."""
    other = tmp_path / "other"
    fit(dataclasses.replace(ONE, seed=2), data, other)
    config = dataclasses.replace(ONE, partners=(str(other),))
    state = fresh(config, data)
    card = export(config, state, data, tmp_path)
    assert len(card.features) == 2
    crops = crops_of(config, data)[:5]
    net, read = deployed(config, state, data.names), []
    for layer in [module for module in net.modules() if isinstance(module, torch.nn.Linear)]:
        layer.register_forward_pre_hook(lambda _, given: read.append(given[0].numpy()))
    with torch.no_grad():
        net(torch.from_numpy(crops))
    np.testing.assert_allclose(Features(opened(tmp_path / "tiny.onnx"))(crops), np.concatenate(read, axis=1), atol=1e-4)


def test_depthwise_weights_have_all_eight_bits_and_the_others_seven(data) -> None:
    config = changed(TINY, {"net": "face_mobilenet", "settings.size": 16, "settings.widths": None})
    crops = np.random.default_rng(0).integers(0, 256, (64, 16, 16, 1), np.uint8)
    net = deployed(config, fresh(config, data), data.names)
    model = quantised(to_onnx(net, crops[:1], list(net.outputs)), crops)
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    stored = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    largest = {True: 0, False: 0}
    for node in (node for node in model.graph.node if node.op_type == "Conv"):
        deep = any(a.name == "group" and a.i > 1 for a in node.attribute)
        largest[deep] = max(largest[deep], int(np.abs(values[stored[node.input[1]]].astype(int)).max()))
    assert largest == {True: 127, False: 64}


def test_eight_bits_that_cost_too_much_are_refused(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "MOST_LOSS", -1.0)
    with pytest.raises(CardInvalid, match="8 bits cost"):
        export(dataclasses.replace(TINY, int8=True), fresh(TINY, data), data, tmp_path)
    assert not (tmp_path / "tiny.onnx").exists()


def test_a_teacher_is_half_of_the_targets(data, tmp_path: Path) -> None:
    export(TINY, fresh(TINY, data), data, tmp_path)
    taught_by = (str(tmp_path / "tiny.json"),)
    answered = cached_answers(tmp_path, taught_by, data.train, threads=1)
    blind = dataclasses.replace(data, judge=data.train)
    model = opened(tmp_path / "tiny.json")
    np.testing.assert_allclose(answered["fer7"], model(np.repeat(crops_of(TINY, blind), 3, axis=3)).heads["fer7"], atol=1e-5)
    np.testing.assert_allclose(answered["votes"].sum(axis=1), 1, atol=1e-4)
    targets = targets_of(data.train, TINY)
    mixed = taught({name: target * 0 for name, target in targets.items()}, answered, 0.5)
    np.testing.assert_allclose(mixed["fer7"], answered["fer7"] / 2)
    config = dataclasses.replace(ONE, name="pupil", teachers=taught_by)
    fit(config, data, tmp_path / "pupil-run")
    assert (tmp_path / "pupil-run" / "teachers.npz").exists()


def test_a_teacher_that_does_not_know_the_classes_is_refused(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="none answers for the output 'fer7' with 7 columns; they have: votes"):
        taught(targets_of(data.train, TINY), {"votes": np.zeros((len(data.train), 9), np.float32)}, 0.5)
    monkeypatch.setattr("mien.train.teach.recogniser", lambda name, threads: object())
    with pytest.raises(UsageError, match="teacher 'x'"):
        cached_answers(tmp_path, ("x",), data.train, threads=1)


def test_partners_are_averaged_in_the_file(data, tmp_path: Path) -> None:
    wide = changed(ONE, {"name": "wide", "settings.widths": [8, 16, 16, 16]})
    fit(wide, data, tmp_path / "wide")
    state = fresh(TINY, data, seed=3)
    raw = []
    both = dataclasses.replace(TINY, partners=(str(tmp_path / "wide"),))
    for name, config, own in (("one", TINY, state), ("two", wide, RunFolder(tmp_path / "wide").shipped()), ("both", both, state)):
        card = export(config, own, data, tmp_path / name)
        raw.append(opened(tmp_path / name / card.file).outputs(crops_of(TINY, data)[:9])["fer7"])
    np.testing.assert_allclose(raw[2], (raw[0] + raw[1]) / 2, atol=1e-4)
    wider = changed(both, {"margin": 0.25})
    with pytest.raises(UsageError, match=r"wide: its crop has margin -0\.0416667; wanted margin 0\.25$"):
        deployed(wider, fresh(wider, data), data.names)
    larger = changed(wider, {"settings.size": 48})  # partners may differ in size: it is no reason, and not named
    with pytest.raises(UsageError, match=r"wide: its crop has margin -0\.0416667; wanted margin 0\.25$"):
        deployed(larger, fresh(larger, data), data.names)
    with pytest.raises(UsageError, match=r"no config\.json"):
        deployed(dataclasses.replace(TINY, partners=(str(tmp_path),)), state, data.names)


def test_a_partner_may_read_the_crop_in_another_size(data, tmp_path: Path) -> None:
    small = changed(ONE, {"name": "small", "settings.size": 32})
    fit(small, data, tmp_path / "small")
    state, crops = fresh(TINY, data, seed=3), crops_of(TINY, data)[:9]
    shrunk = np.stack([np.asarray(Picture.fromarray(crop[..., 0]).resize((32, 32), Picture.Resampling.BILINEAR)) for crop in crops])
    raw = []
    both = dataclasses.replace(TINY, partners=(str(tmp_path / "small"),))
    shown = (
        (TINY, state, crops),
        (small, RunFolder(tmp_path / "small").shipped(), np.repeat(shrunk[..., None], 3, axis=-1)),
        (both, state, crops),
    )
    for number, (config, own, seen) in enumerate(shown):
        card = export(config, own, data, tmp_path / str(number))
        raw.append(opened(tmp_path / str(number) / card.file).outputs(seen)["fer7"])
    assert np.abs(raw[0] - raw[1]).max() > 0.1
    np.testing.assert_allclose(raw[2], (raw[0] + raw[1]) / 2, atol=0.02)  # Pillow rounds to whole grey levels


def test_a_soup_is_the_mean_of_the_weights(data, tmp_path: Path) -> None:
    fit(ONE, data, tmp_path / "first")
    own = fresh(TINY, data, seed=5)
    theirs = RunFolder(tmp_path / "first").shipped()
    mean = averaged([own, theirs])
    name = "backbone.first.0.0.weight"
    torch.testing.assert_close(mean[name], (own[name] + theirs[name]) / 2)
    souped = deployed(dataclasses.replace(TINY, soup=(str(tmp_path / "first"),)), own, data.names)
    plain = deployed(TINY, mean, data.names)
    crops = torch.from_numpy(crops_of(TINY, data)[:4])
    with torch.no_grad():
        torch.testing.assert_close(souped(crops)[1], plain(crops)[1])
    with pytest.raises(UsageError, match="soup: its runs have other networks"):
        averaged([own, fresh(changed(TINY, {"settings.widths": [8, 8, 8, 8]}), data)])


def test_a_training_goes_on_from_the_mean_that_a_run_with_a_soup_ships(data, tmp_path: Path) -> None:
    fit(ONE, data, tmp_path / "first")
    fit(dataclasses.replace(ONE, start=str(tmp_path / "first"), soup=(str(tmp_path / "first"),)), data, tmp_path / "second")
    first, second = (RunFolder(tmp_path / name).shipped() for name in ("first", "second"))
    net = build(ONE, data.names)
    begin_with(net, tmp_path / "second", data.names)
    name = "backbone.first.0.0.weight"
    assert not torch.equal(first[name], second[name])
    torch.testing.assert_close(net.state_dict()[name], (first[name] + second[name]) / 2)


def test_frequencies_go_back_into_the_logits(data, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, classes_back=0.5)
    card = export(config, fresh(config, data), data, tmp_path)
    np.testing.assert_allclose(card.outputs["fer7"].offsets, 0.5 * np.log(priors(data.train)["fer7"]), atol=1e-4)
    assert card.outputs["votes"].offsets == ()


def test_what_torch_itself_is_unsure_of_is_let_pass(data, monkeypatch: pytest.MonkeyPatch) -> None:
    net = deployed(TINY, fresh(TINY, data), data.names)
    crops = crops_of(TINY, data)[:8]
    with torch.no_grad():
        raw = {name: out.numpy() for name, out in zip(net.outputs, net(torch.from_numpy(crops)), strict=True)}
        assert 0 < exporting._unsteady(net, crops, "fer7") < 1e-5
    raw["fer7"] = raw["fer7"] + np.where(np.arange(7) == raw["fer7"].argmax(1)[:, None], 2e-3, 0).astype(np.float32)
    with pytest.raises(CardInvalid, match=r"'fer7' differs from torch by .* \(allowed 0\.0001\)"):
        exporting._check(net, crops, raw)
    monkeypatch.setattr(exporting, "_unsteady", lambda *args: 1.0)
    exporting._check(net, crops, raw)


def test_the_blend_may_give_back_less_of_the_frequencies_than_the_votes_do(data, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, votes_back=0.25, blend_votes_back=-0.125)
    votes = export(config, fresh(config, data), data, tmp_path).outputs["votes"]
    prior = np.log(priors(data.train)["votes"])
    np.testing.assert_allclose(votes.offsets, 0.25 * prior, atol=1e-4)
    np.testing.assert_allclose(votes.blend_offsets, -0.125 * prior, atol=1e-4)
    for changes, blend in (({"blend_votes_back": 0.25}, ()), ({"blend_votes_back": 0.0}, (0.0,) * 9)):
        assert exporting._head("votes", data.names, priors(data.train), dataclasses.replace(config, **changes)).blend_offsets == blend


def test_temperatures_at_an_end_of_what_is_tried_are_named_with_their_rows(data, tmp_path: Path) -> None:
    card = export(TINY, fresh(TINY, data), data, tmp_path)
    heads = {name: dataclasses.replace(head, temperature=4.0 if name == "fer7" else 1.0) for name, head in card.outputs.items()}
    found = exporting.at_ends(dataclasses.replace(card, outputs=heads, blend_temperature=0.3), data.judge)
    assert found == {"fer7": (4.0, len(data.judge)), "reported": (0.3, len(data.judge))}


def drawn_rows(labels: np.ndarray, shares: np.ndarray) -> Rows:
    """Rows of fer7 without pictures, of which only what is said of them counts."""
    n, nothing = len(labels), np.zeros((len(labels), 5, 2), np.float32)
    return Rows(np.zeros((n, 1, 1), np.uint8), nothing, nothing, labels, shares, np.full((n, 2), np.nan, np.float32), LABEL_SETS["fer7"])


def planted(n: int = 3000) -> tuple[ModelCard, dict[str, np.ndarray], np.ndarray]:
    """A card with two outputs, raw outputs of them, and labels (n,) of fer7 of which they are too sure."""
    rng = np.random.default_rng(0)
    raw = {"votes": rng.normal(0, 2, (n, 9)).astype(np.float32), "fer7": rng.normal(0, 2, (n, 7)).astype(np.float32)}
    at = [EMOTIONS.index(name) for name in LABEL_SETS["fer7"]]
    probs = softmax((raw["votes"][:, at] + raw["fer7"]) / 3).astype(np.float64)
    labels = (probs.cumsum(1) < rng.random((n, 1)) * probs.sum(1, keepdims=True)).sum(1)
    heads = {"votes": Head("logits", EMOTIONS), "fer7": Head("logits", LABEL_SETS["fer7"])}
    return ModelCard("two", "two.onnx", "0" * 64, 1, CropSpec(), heads, {"votes": 0.5, "fer7": 0.5}), raw, labels


def likeliest(logits: np.ndarray, true: np.ndarray) -> float:
    """The temperature under which the labels are likeliest, by scipy."""
    logits = logits.astype(np.float64)
    return float(minimize_scalar(lambda t: -log_softmax(logits / t, axis=1)[np.arange(len(true)), true].mean(), (0.2, 5)).x)


NO_VOTES = (np.nan,) * len(EMOTIONS)


def test_without_votes_the_labels_calibrate_what_is_reported() -> None:
    card, raw, labels = planted()
    judge = drawn_rows(labels, np.tile(np.float32(NO_VOTES), (len(labels), 1)))
    found = calibrated(card, raw, judge)
    true = np.array([EMOTIONS.index(name) for name in LABEL_SETS["fer7"]])[labels]
    assert found.outputs["votes"].temperature == pytest.approx(likeliest(raw["votes"], true), rel=0.02)
    assert found.outputs["fer7"].temperature == pytest.approx(likeliest(raw["fer7"], labels), rel=0.02)
    plain = np.log(blended(dataclasses.replace(found, blend_temperature=1.0), raw))
    assert found.blend_temperature == pytest.approx(likeliest(plain, true), rel=0.02)
    assert 0.5 < found.blend_temperature < 1.5
    assert exporting.at_ends(dataclasses.replace(found, blend_temperature=0.3), judge) == {"reported": (0.3, len(labels))}


def test_what_is_reported_is_calibrated_by_the_crowd_and_where_nobody_voted_by_the_label() -> None:
    """By hand: a clear vote, a tie, a vote for what is no label, and three rows without votes, one of them without a label."""
    shares = np.float32([np.eye(9)[4], (np.eye(9)[4] + np.eye(9)[6]) / 2, np.eye(9)[8], NO_VOTES, NO_VOTES, NO_VOTES])
    judge = drawn_rows(np.array([0, 3, 3, 3, 4, -1]), shares)
    for labels, uncertain in ((EMOTIONS, "uncertain"), (LABEL_SETS["fer7"], "")):
        known, true = exporting._reported_truth(labels, judge)
        assert [labels[t] if k else "" for k, t in zip(known, true, strict=True)] == ["happy", "", uncertain, "happy", "sad", ""]


def test_without_labels_the_votes_calibrate_the_classes() -> None:
    card, raw, labels = planted()
    places = np.array([EMOTIONS.index(name) for name in LABEL_SETS["fer7"]])
    judge = drawn_rows(np.full(len(labels), -1), np.eye(9, dtype=np.float32)[places[labels]])
    found = calibrated(card, raw, judge)
    assert found.outputs["fer7"].temperature == pytest.approx(likeliest(raw["fer7"], labels), rel=0.02)


def test_rows_that_say_nothing_leave_every_temperature_as_it_is() -> None:
    card, raw, labels = planted(20)
    judge = drawn_rows(np.full(len(labels), -1), np.tile(np.float32(NO_VOTES), (len(labels), 1)))
    assert calibrated(card, raw, judge) == card
    assert exporting.at_ends(dataclasses.replace(card, blend_temperature=0.3), judge) == {}


def test_teachers_are_asked_anew_where_their_answers_cannot_be_read(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file cut short, an empty one, one of something else; and what is killed while it writes leaves none."""
    export(TINY, fresh(TINY, data), data, tmp_path)
    taught_by = (str(tmp_path / "tiny.json"),)
    right = cached_answers(tmp_path / "run", taught_by, data.train, threads=1)
    path = tmp_path / "run" / "teachers.npz"
    good = path.read_bytes()
    for bad in (good[: len(good) // 2], b"", b"hello", good[:200] + bytes(200) + good[400:]):
        path.write_bytes(bad)
        again = cached_answers(tmp_path / "run", taught_by, data.train, threads=1)
        np.testing.assert_array_equal(again["fer7"], right["fer7"])
        with np.load(path) as kept:
            assert set(kept.files) == {"key", *right}

    def killed(file, **arrays) -> None:
        file.write(good[:100])
        raise KeyboardInterrupt

    path.unlink()
    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        cached_answers(tmp_path / "run", taught_by, data.train, threads=1)
    assert list((tmp_path / "run").iterdir()) == []
