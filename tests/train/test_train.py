"""The trainer on made data: it learns, resumes to the same weights, exports what it trained."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'mien[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'mien[train]'")

from mien.data.fer import read_fer, trainable  # noqa: E402
from mien.errors import CardInvalid, UsageError  # noqa: E402
from mien.models.recogniser import OnnxRecogniser  # noqa: E402
from mien.models.registry import recogniser  # noqa: E402
from mien.testing import FakeDetector  # noqa: E402
from mien.train import fit as fitting  # noqa: E402
from mien.train.calibrate import fitted_temperature  # noqa: E402
from mien.train.config import TrainConfig, read_config  # noqa: E402
from mien.train.crops import augmented_crops, plain_crops  # noqa: E402
from mien.train.export import deployed, export  # noqa: E402
from mien.train.teach import cached_answers, taught  # noqa: E402
from mien.types import Faces  # noqa: E402
from tests.data.conftest import write_fer  # noqa: E402

TINY = TrainConfig(
    name="tiny-test",
    widths=(8, 8, 8, 16),
    epochs=4,
    small_epochs=1,
    batch=16,
    threads=1,
    average=0.9,
    augment=0.3,
    calm_epochs=1,
    dropout=0.0,
    adjust=0.0,
)


@pytest.fixture
def fer(tmp_path: Path):
    return read_fer(write_fer(tmp_path / "fer.npz", n=300))


@pytest.fixture
def blind() -> FakeDetector:
    return FakeDetector(Faces.none())


EVEN = (np.full(9, 1 / 9, np.float32), np.full(7, 1 / 7, np.float32))


def test_it_learns_and_writes_its_record(fer, blind, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, epochs=12)
    fitting.fit(config, fer, blind, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == 12
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert lines[-1]["whole_fer7"] > 0.5  # seven classes told by their pattern: chance is 0.14
    assert json.loads((tmp_path / "run" / "config.json").read_text())["epochs"] == 12


def test_an_interrupted_run_ends_as_an_uninterrupted_one(fer, blind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fitting.fit(TINY, fer, blind, tmp_path / "whole")
    judged, calls = fitting.judged, []

    def stop_after_two(*args, **kwargs):
        calls.append(1)
        if len(calls) == 5:  # twice an epoch: power goes in the third
            raise KeyboardInterrupt
        return judged(*args, **kwargs)

    monkeypatch.setattr(fitting, "judged", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        fitting.fit(TINY, fer, blind, tmp_path / "cut")
    monkeypatch.setattr(fitting, "judged", judged)
    resumed = fitting.fit(TINY, fer, blind, tmp_path / "cut")
    for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("mirror", [False, True])
def test_the_exported_file_says_what_the_network_says(fer, blind, tmp_path: Path, mirror: bool) -> None:
    config = dataclasses.replace(TINY, mirror=mirror)
    torch.manual_seed(1)
    state = fitting.build(config).state_dict()
    card = export(config, state, fer.split("PublicTest"), blind, tmp_path, frequencies=EVEN, source={}, licences={}, note="")
    model = recogniser(str(tmp_path / "tiny-test.onnx"), threads=1)
    assert isinstance(model, OnnxRecogniser)
    assert model.card == card
    crops = plain_crops(fer.pictures[:20], np.full((20, 5, 2), np.nan), card.crop, aligned=True)
    with torch.no_grad():
        votes, _, affect = deployed(config, state)(torch.from_numpy(crops[..., None]))
    emotions = model(np.repeat(crops[..., None], 3, axis=3))
    np.testing.assert_allclose(emotions.affect, affect.numpy(), atol=1e-4)
    expected = torch.softmax(votes / card.outputs["votes"].temperature, 1).numpy()
    np.testing.assert_allclose(emotions.heads["votes"], expected, atol=1e-4)
    with np.load(tmp_path / "tiny-test.golden.npz") as golden:
        again = model(np.repeat(golden["crops"][..., None], 3, axis=3))
        np.testing.assert_allclose(again.probs, golden["probs"], atol=1e-5)


def test_export_refuses_a_file_that_disagrees(fer, blind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.train import export as exporting

    config = dataclasses.replace(TINY)
    good = exporting.to_onnx

    def broken(net, size):
        with torch.no_grad():
            net.nets[0].head[-1].bias.add_(1e-2)
        model = good(net, size)
        with torch.no_grad():
            net.nets[0].head[-1].bias.sub_(1e-2)
        return model

    monkeypatch.setattr(exporting, "to_onnx", broken)
    with pytest.raises(CardInvalid, match="differs from torch"):
        export(
            config,
            fitting.build(config).state_dict(),
            fer.split("PublicTest"),
            blind,
            tmp_path,
            frequencies=EVEN,
            source={},
            licences={},
            note="",
        )
    assert not (tmp_path / "tiny-test.onnx").exists()


def test_augmentation_of_strength_zero_only_mirrors(fer) -> None:
    spec = fitting.crop_spec(TINY)
    points = np.full((8, 5, 2), np.nan, np.float32)
    plain = plain_crops(fer.pictures[:8], points, spec, aligned=False)
    made = augmented_crops(fer.pictures[:8], points, spec, np.random.default_rng(0), strength=0.0)
    for a, b in zip(plain, made, strict=True):
        straight, mirrored = (np.abs(x.astype(int) - b).mean() for x in (a, a[:, ::-1]))
        assert min(straight, mirrored) < 1.5
    assert augmented_crops(fer.pictures[:8], points, spec, np.random.default_rng(0)).std() > 10


def test_temperature_is_recovered() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 5))
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    true = (probs.cumsum(1) < rng.random((20_000, 1))).sum(1)
    assert fitted_temperature(3 * logits, true) == pytest.approx(3, rel=0.05)


def test_the_rate_rises_falls_and_restarts() -> None:
    config = dataclasses.replace(TINY, epochs=12, restarts=(1, 1), peak_rate=0.1, restart_rate=0.03)
    rates = [fitting.learning_rate(t, config) for t in (0, 2, 6, 9.999, 10, 10.5, 10.999, 11)]
    assert rates[:3] == pytest.approx([0.004, 0.1, 0.05])
    assert rates[4:6] == pytest.approx([0.03, 0.015])
    assert max(rates[3], rates[6]) < 1e-4
    assert rates[7] == pytest.approx(0.03)


def test_settings_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("epochs = 3\nwidths = [8, 8, 8, 8]\n")
    assert read_config(path, seed=4) == TrainConfig(epochs=3, widths=(8, 8, 8, 8), seed=4)
    path.write_text("epoch = 3\n")
    with pytest.raises(UsageError, match=r"unknown settings epoch; there are: .*epochs"):
        read_config(path)
    path.write_text("epochs = \n")
    with pytest.raises(UsageError, match="not valid TOML"):
        read_config(path)


def test_every_shipped_config_is_valid() -> None:
    shipped = sorted((Path(__file__).parents[2] / "configs").glob("*.toml"))
    assert shipped
    for path in shipped:
        config = read_config(path)
        assert config.name == path.stem
        fitting.build(config)


def test_eight_bits_answer_alike_in_any_batch(fer, blind, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, int8=True, epochs=8)
    state = fitting.fit(config, fer, blind, tmp_path / "run").state_dict()
    judge = fer.split("PublicTest")
    settings = {"frequencies": EVEN, "source": {}, "licences": {}, "note": ""}
    card = export(config, state, judge, blind, tmp_path / "int8", **settings)
    plain = export(dataclasses.replace(config, int8=False), state, judge, blind, tmp_path / "float", **settings)
    assert set(card.source["int8"]["lost accuracy on PublicTest"]) == {"fer7", "ferplus8"}
    small, large = (recogniser(str(tmp_path / kind / "tiny-test.onnx"), threads=1) for kind in ("int8", "float"))
    assert isinstance(small, OnnxRecogniser)
    assert isinstance(large, OnnxRecogniser)
    crops = np.repeat(plain_crops(judge.pictures, np.full((len(judge), 5, 2), np.nan), card.crop, aligned=True)[..., None], 3, axis=3)
    near = np.abs(small.outputs(crops)["fer7"] - large.outputs(crops)["fer7"]).mean()
    assert 0 < near < 0.3 * np.abs(large.outputs(crops)["fer7"]).mean()
    assert b"QuantizeLinear" in (tmp_path / "int8" / card.file).read_bytes()
    assert b"QuantizeLinear" not in (tmp_path / "float" / plain.file).read_bytes()
    alone = np.concatenate([small.outputs(crop[None])["fer7"] for crop in crops[:8]])
    np.testing.assert_allclose(small.outputs(crops[:8])["fer7"], alone, atol=1e-6)


def test_eight_bits_that_cost_too_much_are_refused(fer, blind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.train import export as exporting

    monkeypatch.setattr(exporting, "MOST_LOSS", -1.0)
    with pytest.raises(CardInvalid, match="8 bits cost"):
        export(
            dataclasses.replace(TINY, int8=True), fitting.build(TINY).state_dict(), fer.split("PublicTest"), blind, tmp_path,
            frequencies=EVEN, source={}, licences={}, note="",
        )  # fmt: skip
    assert not (tmp_path / "tiny-test.onnx").exists()


def test_a_teacher_is_half_of_the_targets(fer, blind, tmp_path: Path) -> None:
    state = fitting.fit(TINY, fer, blind, tmp_path / "teacher-run").state_dict()
    export(TINY, state, fer.split("PublicTest"), blind, tmp_path, frequencies=EVEN, source={}, licences={}, note="")
    taught_by = (str(tmp_path / "tiny-test.json"),)
    train = fer.where(trainable(fer))
    points = np.full((len(train), 5, 2), np.nan, np.float32)
    votes, labels = cached_answers(tmp_path, taught_by, train, points, threads=1)
    model = recogniser(taught_by[0], threads=1)
    crops = plain_crops(train.pictures, points, model.crop, aligned=False)
    np.testing.assert_allclose(labels, model(np.repeat(crops[..., None], 3, axis=3)).heads["fer7"], atol=1e-5)
    np.testing.assert_allclose(votes.sum(axis=1), 1, atol=1e-4)
    mixed = taught((votes * 0, labels * 0, votes[:, :2]), (votes, labels), 0.5)
    np.testing.assert_allclose(mixed[1], labels / 2)
    config = dataclasses.replace(TINY, name="pupil", teachers=taught_by, epochs=1)
    fitting.fit(config, fer, blind, tmp_path / "pupil-run")
    assert (tmp_path / "pupil-run" / "teachers.npz").exists()


def test_a_teacher_without_the_heads_is_refused(fer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.train.teach.recogniser", lambda name, threads: object())
    with pytest.raises(UsageError, match="teacher 'x'"):
        cached_answers(tmp_path, ("x",), fer, np.zeros((len(fer), 5, 2), np.float32), threads=1)


def test_partners_are_averaged_in_the_file(fer, blind, tmp_path: Path) -> None:
    wide = dataclasses.replace(TINY, name="wide", widths=(8, 16, 16, 16), epochs=1, small_epochs=0, calm_epochs=0)
    fitting.fit(wide, fer, blind, tmp_path / "wide")
    torch.manual_seed(3)
    state = fitting.build(TINY).state_dict()
    settings = {"frequencies": EVEN, "source": {}, "licences": {}, "note": ""}
    judge = fer.split("PublicTest")
    raw = []
    grey = plain_crops(judge.pictures[:9], np.full((9, 5, 2), np.nan), fitting.crop_spec(TINY), aligned=True)
    crops = np.repeat(grey[..., None], 3, axis=3)
    for name, config, own in (
        ("one", TINY, state),
        ("two", wide, torch.load(tmp_path / "wide" / "last.pt", weights_only=True)["ema"]),
        ("both", dataclasses.replace(TINY, partners=(str(tmp_path / "wide"),)), state),
    ):
        card = export(config, own, judge, blind, tmp_path / name, **settings)
        model = recogniser(str(tmp_path / name / card.file), threads=1)
        assert isinstance(model, OnnxRecogniser)
        raw.append(model.outputs(crops)["fer7"])
    np.testing.assert_allclose(raw[2], (raw[0] + raw[1]) / 2, atol=1e-4)
    with pytest.raises(UsageError, match="its crop is 44 px"):
        deployed(dataclasses.replace(TINY, size=40, partners=(str(tmp_path / "wide"),)), state)
    with pytest.raises(UsageError, match="no last"):
        deployed(dataclasses.replace(TINY, partners=(str(tmp_path),)), state)
