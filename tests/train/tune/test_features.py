"""Frozen features and heads on them, and full trainings as trials."""

import dataclasses
import json
import pickle
from contextlib import contextmanager

import numpy as np
import onnx
import pytest
import torch

from mien.errors import UsageError
from mien.models.registry import recogniser
from mien.train.config import TrainConfig, changed, read_config
from mien.train.fit import fit
from mien.train.judge import Judge
from mien.train.nets import Standardise, backbone
from mien.train.run_folder import RunFolder
from mien.train.tune import features as module
from mien.train.tune.features import cached_features, head_only, key_of, read_features
from mien.train.tune.objectives import HeadTraining, Training, train_head
from mien.train.tune.space import fitted, parse_space, read_space
from mien.train.unfold import weights
from mien.vision.align import CropSpec
from tests.train.tune.made import data, planted
from tests.train.tune.searching import search

TINY = changed(TrainConfig(threads=1, batch=16, optimiser="adam", rate=0.01, schedule="constant"), {"settings.widths": [4, 8, 8, 16]})


def test_features_are_what_the_backbone_says_of_plain_crops_and_their_mirrors(tmp_path):
    made = data()
    said, done, told = [], [], []

    @contextmanager
    def counter(n, what):
        told.append((n, what))
        yield done.append

    path = cached_features(TINY, made, tmp_path, say=said.append, progress=counter)
    train, judge = read_features(path)
    assert train.plain.shape == train.mirrored.shape == (32, 16)
    assert (judge.plain.shape, judge.rows.labels.tolist()) == ((16, 16), made.judge.labels.tolist())
    assert (done, told) == ([32, 48], [(48, "pictures through the network")])
    assert "no pretrained weights" in said[0]
    torch.manual_seed(TINY.seed)
    net = backbone("vgg8", TINY.settings).eval()
    crops = module.plain_crops(made.judge.pictures, made.judge.points, made.judge.frames, CropSpec(size=44))[..., None]
    with torch.no_grad():
        for view, found in ((crops, judge.plain), (np.ascontiguousarray(crops[:, :, ::-1]), judge.mirrored)):
            np.testing.assert_allclose(found, net(Standardise()(torch.from_numpy(view))).numpy(), atol=1e-5)


def test_features_are_computed_once(tmp_path, monkeypatch):
    path = cached_features(TINY, data(), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(module, "outputs", lambda *a, **k: pytest.fail("computed again"))
        assert cached_features(changed(TINY, {"head.units": 9, "epochs": 2}), data(), tmp_path) == path
    for name, value in (("seed", 1), ("margin", 0.1), ("settings.widths", [4, 8, 8, 8]), ("net", "r1_vgg")):
        assert key_of(changed(TINY, {name: value}), data()) != key_of(TINY, data()), name
    assert key_of(TINY, dataclasses.replace(data(), hash="other")) != key_of(TINY, data())
    unnamed = dataclasses.replace(data(), hash="")
    assert key_of(TINY, unnamed) == key_of(TINY, dataclasses.replace(data(), hash=""))
    assert key_of(TINY, unnamed) != key_of(TINY, dataclasses.replace(data(n=30), hash=""))


def test_the_features_of_a_start_are_those_of_its_weights(tmp_path):
    config = changed(TINY, {"epochs": 1})
    fit(config, data(), tmp_path / "run")
    started = changed(config, {"start": str(tmp_path / "run")})
    assert key_of(started, data()) != key_of(config, data())
    weights = module.frozen(started, data()).state_dict()
    shipped = RunFolder(tmp_path / "run").shipped()
    assert all(torch.equal(value, shipped[f"backbone.{name}"]) for name, value in weights.items())
    unnamed = module.frozen(changed(started, {"settings.widths": None}), data()).state_dict()  # the run's own widths
    assert all(torch.equal(value, weights[name]) for name, value in unnamed.items())


def test_the_features_of_a_shipped_model_are_those_of_its_weights(tmp_path):
    config = changed(TrainConfig(threads=1), {"net": "vgg8", "settings.size": 36, "start": "tiny"})
    net = module.frozen(config, data())
    assert not any(weight.requires_grad for weight in net.parameters())
    file = weights(onnx.load(recogniser("tiny").path))
    assert np.array_equal(net.second[2][0].weight, file["backbone.second.2.0.weight"])
    said = []
    _, judge = read_features(cached_features(config, data(), tmp_path, say=said.append))
    assert judge.plain.shape == (16, 256)
    assert not any("no pretrained weights" in line for line in said)
    assert key_of(config, data()) != key_of(changed(config, {"start": ""}), data())


def test_colour_pictures_serve_a_grey_backbone(tmp_path):
    made = data()
    colour = [dataclasses.replace(rows, pictures=np.repeat(rows.pictures[..., None], 3, axis=3)) for rows in (made.train, made.judge)]
    grey = read_features(cached_features(TINY, made, tmp_path))
    same = read_features(cached_features(TINY, dataclasses.replace(made, train=colour[0], judge=colour[1], hash="colour"), tmp_path))
    np.testing.assert_allclose(same[0].plain, grey[0].plain, atol=1e-3)


def test_sequences_have_no_cached_features(tmp_path):
    with pytest.raises(UsageError, match="sequences"):
        cached_features(changed(TrainConfig(), {"net": "conv_lstm"}), data(), tmp_path)


def test_a_search_of_heads_finds_the_planted_good_one(tmp_path):
    train, judge = planted(512), planted(256, seed=1)
    space = parse_space('[space]\nhead.kind = {choices = ["linear", "r1"]}\nhead.units = {low = 32, high = 64, step = 32}', "x.toml")

    def objective(config, folder, watch):
        train_head(config, train, judge, watch)

    config = changed(TINY, {"head.dropout": 0.0, "epochs": 8, "average": 0.9, "batch": 32})
    found = search(objective, tmp_path, 5, config=config, space=space, metric="val_accuracy", prune=False)
    by_kind = {kind: [one.value for one in found.tried if one.values["head.kind"] == kind] for kind in ("linear", "r1")}
    assert found.best.values["head.kind"] == "r1"
    assert max(by_kind["linear"]) < 0.65 < 0.85 < found.best.value
    assert set(json.loads((tmp_path / "trial_000" / "trial.json").read_text())["epochs"][0]) >= {
        "train_loss", "val_loss", "val_accuracy", "val_balanced", "val_macro_f1",
    }  # fmt: skip


def test_heads_on_features_of_pictures_learn_and_end_when_told(tmp_path):
    objective = pickle.loads(pickle.dumps(HeadTraining(cached_features(TINY, data(), tmp_path))))
    seen = []
    config = changed(TINY, {"epochs": 12, "average": 0.0, "head.kind": "r0", "head.units": 16})
    objective(config, tmp_path, lambda metrics: bool(seen.append(dict(metrics))))
    assert seen[-1]["val_accuracy"] == 1.0
    assert seen[-1]["val_loss"] < seen[0]["val_loss"]
    again = []
    objective(config, tmp_path, lambda metrics: bool(again.append(dict(metrics))) or len(again) == 3)
    assert again == seen[:3]
    with pytest.raises(UsageError, match=r"in epoch [1-9].*lower `rate`"):
        objective(changed(config, {"rate": 1e30, "optimiser": "sgd"}), tmp_path, lambda metrics: False)


def test_a_head_that_is_judged_no_number_ends_its_training(tmp_path, monkeypatch):
    monkeypatch.setattr(Judge, "metrics", lambda *args: {"val_loss": float("nan")})
    objective = HeadTraining(cached_features(TINY, data(), tmp_path))
    with pytest.raises(UsageError, match=r"the validation loss is nan in epoch 1; lower `rate`"):
        objective(TINY, tmp_path, lambda metrics: False)


def test_what_makes_no_difference_to_a_head_is_refused():
    head_only(fitted(read_space("r0"), TrainConfig()))
    with pytest.raises(UsageError, match=r"augment, net make no difference"):
        head_only(parse_space('[space]\naugment = {low = 0.0, high = 1.0}\nrate = {low = 0.1, high = 1.0}\n[fixed]\nnet = "vgg8"', "x"))


def test_full_trainings_are_cut_short_and_leave_their_record(tmp_path):
    made = data()
    ends = []

    class Bad(Training):
        """From the sixth trial on the watch hears of a loss that is far too high."""

        def __call__(self, config, folder, watch):
            late = int(folder.name.removeprefix("trial_")) >= 5
            super().__call__(config, folder, lambda metrics: watch(metrics | {"val_loss": 99.0} if late else metrics))
            ends.append(len((folder / "metrics.jsonl").read_text().splitlines()))

    config = changed(TINY, {"epochs": 3, "recipe": "none"})
    space = parse_space("[space]\nrate = {low = 0.001, high = 0.01, log = true}", "x.toml")
    found = search(Bad(made), tmp_path, 6, config=config, space=space)
    assert [one.state for one in found.tried] == ["complete"] * 5 + ["pruned"]
    assert ends == [3] * 5 + [2]
    record = RunFolder(tmp_path / "trial_000")
    assert record.config() == read_config(tmp_path / "trial_000" / "config.toml")
    assert not record.last.exists()
    assert record.best.exists()


def test_mapped_pictures_go_to_other_processes_by_their_path(tmp_path):
    made = data()
    np.save(tmp_path / "train.npy", made.train.pictures)
    mapped = dataclasses.replace(made.train, pictures=np.load(tmp_path / "train.npy", mmap_mode="r"))
    plain, small = pickle.dumps(Training(made)), pickle.dumps(Training(dataclasses.replace(made, train=mapped)))
    assert len(plain) - len(small) > 0.9 * made.train.pictures.nbytes
    back = pickle.loads(small).data.train.pictures
    assert isinstance(back, np.memmap)
    np.testing.assert_array_equal(back, made.train.pictures)
    part = dataclasses.replace(made.train, pictures=mapped.pictures[4:8])
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(Training(dataclasses.replace(made, train=part)))).data.train.pictures, made.train.pictures[4:8]
    )
