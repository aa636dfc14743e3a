"""The trainer on made data: it learns, records, resumes to the same weights, and ends as its settings say."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.errors import MienError, UsageError

pytest.importorskip("torch", reason="PyTorch is not installed")

from mien.train import fit as fitting
from mien.train.config import FIGURES, changed
from mien.train.curves import read_metrics
from mien.train.diverged import Diverged
from mien.train.fit import build, crop_spec, fit
from mien.train.judge import Judge
from mien.train.run_folder import RunFolder
from mien.train.settings import FreezePlan
from mien.train.targets import Loss, targets_of
from tests.train.conftest import TINY


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


def test_it_learns_and_writes_its_record(data, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, epochs=12)
    fitted = fit(config, data, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(12))
    assert lines[-1]["train_loss"] < lines[0]["train_loss"]
    assert lines[-1]["val_accuracy"] > 0.5  # seven classes told by their pattern: chance is 0.14
    assert lines[-1]["val_votes_accuracy"] > 0.5
    assert lines[-1]["val_ccc_valence"] > 0.3
    assert fitted.metrics == lines[-1]
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (run["data"], run["names"], run["rows"], run["seed"]) == (data.hash, list(data.names), [150, 75], 0)
    assert run["versions"]["torch"].startswith("2.")
    assert RunFolder(tmp_path / "run").config() == config


def test_an_interrupted_run_ends_as_an_uninterrupted_one(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of the third epoch."""
    whole = fit(TINY, data, tmp_path / "whole")
    real, steps = fitting.moving_average, []

    def interrupt(*args) -> None:
        real(*args)
        steps.append(1)
        if len(steps) == 21:  # nine steps an epoch
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(fitting, "moving_average", interrupt)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        fit(TINY, data, tmp_path / "cut", say=said.append)
    assert "stopped in epoch 3 and saved" in said[-1]
    monkeypatch.setattr(fitting, "moving_average", real)
    with pytest.raises(UsageError, match="a run is there already; go on with it by --resume"):
        fit(TINY, data, tmp_path / "cut")
    resumed = fit(TINY, data, tmp_path / "cut", resume=True, say=said.append)
    assert said[-1] == "goes on in epoch 3"
    assert same(whole.state, resumed.state)
    without = [[{k: v for k, v in m.items() if k != "seconds"} for m in one.epochs] for one in (whole, resumed)]
    assert without[0] == without[1]
    again = fit(TINY, data, tmp_path / "cut", resume=True, say=said.append)  # a finished run is left as it is
    assert said[-1] == "has ended already, after epoch 4"
    assert same(whole.state, again.state)


def test_a_run_goes_on_only_with_its_own_settings_and_data(data, tmp_path: Path) -> None:
    fit(dataclasses.replace(TINY, epochs=1, small_epochs=0), data, tmp_path / "run")
    with pytest.raises(UsageError, match=r"other settings: rate \(rate was 0.1, is 0.2\)"):
        fit(dataclasses.replace(TINY, epochs=1, small_epochs=0, rate=0.2), data, tmp_path / "run", resume=True)
    other = dataclasses.replace(data, hash="0" * 64)
    with pytest.raises(UsageError, match="other data"):
        fit(dataclasses.replace(TINY, epochs=1, small_epochs=0), other, tmp_path / "run", resume=True)
    fit(dataclasses.replace(TINY, epochs=1, small_epochs=0, int8=True, threads=2), data, tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("tasks", "outputs"),
    [
        (("classes",), {"fer7": 7}),
        (("votes",), {"votes": 9}),
        (("affect",), {"affect": 2}),
        (("classes", "affect"), {"fer7": 7, "affect": 2}),
    ],
)
def test_each_task_and_their_union(data, tmp_path: Path, tasks: tuple[str, ...], outputs: dict[str, int]) -> None:
    config = dataclasses.replace(TINY, tasks=tasks, epochs=2, small_epochs=0)
    fitted = fit(config, data, tmp_path / "run")
    assert build(config, data.names).outputs == outputs
    assert [name for name in fitted.metrics if name.startswith("val_")] == Judge.figures(outputs, data.judge)
    assert ("train_accuracy" in fitted.metrics) == (tasks != ("affect",))
    assert ("val_accuracy" in fitted.metrics) == ("classes" in tasks)
    assert ("val_ccc_arousal" in fitted.metrics) == ("affect" in tasks)
    assert np.isfinite(fitted.metrics["val_score"])


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "adam", "schedule": "exponential", "rate": 1e-3},
        {"optimiser": "adamw", "schedule": "plateau", "rate": 1e-3},
        {"schedule": "cosine", "rate": 0.02, "mixup": 0.4, "cutmix": 1.0},
        {"schedule": "constant", "rate": 0.01, "balance": "weights", "average": 0.0},
        {"balance": "sampler", "recipe": "r3"},
        {"freeze.frozen_epochs": 1, "freeze.unfreeze_last": 2, "layer_decay": 0.5, "recipe": "none"},
        {"bf16": True},
        {"sharpness": 0.05},
    ],
    ids=lambda changes: "-".join(map(str, changes)),
)
def test_every_way_of_learning_lowers_the_loss(data, tmp_path: Path, changes: dict[str, object]) -> None:
    config = changed(dataclasses.replace(TINY, epochs=4, small_epochs=0), changes)
    losses = [m["train_loss"] for m in fit(config, data, tmp_path / "run").epochs]
    assert losses[-1] < losses[0]


def test_it_stops_when_nothing_gets_better_and_ships_the_best(data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.3, 0.5, 0.4, 0.45, 0.49, 0.9, 0.9, 0.9])
    real = fitting.Judge.metrics
    monkeypatch.setattr(fitting.Judge, "metrics", lambda *args: real(*args) | {"val_accuracy": next(scores)})
    config = dataclasses.replace(TINY, epochs=8, monitor="val_accuracy", patience=3, restore_best=True)
    fitted = fit(config, data, tmp_path / "run")
    assert [m["val_accuracy"] for m in fitted.epochs] == [0.3, 0.5, 0.4, 0.45, 0.49]
    assert fitted.metrics["epoch"] == 1
    run = RunFolder(tmp_path / "run")
    assert same(fitted.state, torch.load(run.best, weights_only=True)["ema"])
    assert not same(fitted.state, torch.load(run.last, weights_only=True)["ema"])


def test_who_watches_may_end_it(data, tmp_path: Path) -> None:
    seen: list[float] = []

    def watch(metrics) -> bool:
        seen.append(metrics["epoch"])
        return len(seen) == 2

    assert len(fit(TINY, data, tmp_path / "run", watch=watch).epochs) == 2
    assert seen == [0, 1]


def test_it_begins_with_what_another_run_ships(data, tmp_path: Path) -> None:
    first = fit(dataclasses.replace(TINY, epochs=1, small_epochs=0), data, tmp_path / "first")
    still = dataclasses.replace(TINY, name="second", start=str(tmp_path / "first"), epochs=1, small_epochs=0, rate=1e-12, average=1.0)
    second = fit(still, data, tmp_path / "second")
    learnt = [name for name, _ in build(TINY, data.names).named_parameters()]
    for name in learnt:
        torch.testing.assert_close(second.state[name], first.state[name], atol=1e-6, rtol=0)
    with pytest.raises(UsageError, match=r"no config\.json there"):
        fit(dataclasses.replace(TINY, start=str(tmp_path)), data, tmp_path / "third")
    said: list[str] = []
    headed = changed(still, {"name": "headed", "head.kind": "r1", "head.units": 8})
    other = fit(headed, data, tmp_path / "headed", say=said.append)
    assert "the backbone only" in said[0]
    name = "backbone.first.0.0.weight"
    torch.testing.assert_close(other.state[name], first.state[name], atol=1e-6, rtol=0)
    with pytest.raises(UsageError, match="its network is another one"):
        fit(changed(still, {"settings.widths": [4, 4, 4, 4]}), data, tmp_path / "fourth")


def test_the_settings_know_every_figure_of_an_epoch(data, tmp_path: Path) -> None:
    epoch = fit(dataclasses.replace(TINY, epochs=1, small_epochs=0), data, tmp_path / "run").epochs[0]
    assert set(epoch) - {"epoch", "rate", "seconds"} == set(FIGURES)


def test_settings_that_do_not_fit_are_one_line(data, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="monitor 'val_ccc_valence' is no figure of this training; there are: train_loss, train_accuracy"):
        fit(dataclasses.replace(TINY, monitor="val_ccc_valence", tasks=("classes",)), data, tmp_path / "a")
    with pytest.raises(UsageError, match="monitor 'val_accuracy' is no figure of this training; there are: train_loss, val_loss, val_ccc"):
        fit(dataclasses.replace(TINY, monitor="val_accuracy", tasks=("affect",)), data, tmp_path / "a")
    assert not (tmp_path / "a").exists()  # told before an epoch is lost
    with pytest.raises(UsageError, match=r"the loss is (nan|inf) in epoch 1, batch [1-9].*lower `rate`"):
        fit(dataclasses.replace(TINY, rate=1e30, schedule="constant"), data, tmp_path / "b")
    with pytest.raises(MienError, match="unknown network 'vgg9'"):
        fit(dataclasses.replace(TINY, net="vgg9"), data, tmp_path / "c")


def test_a_network_that_is_no_number_ends_the_training_and_the_last_good_state_stays(
    data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of every batch is a number; what is judged is none in the second epoch."""
    real, steps = fitting.moving_average, []

    def spoil(into, net, decay) -> None:
        real(into, net, decay)
        steps.append(1)
        if len(steps) == 12:  # nine steps an epoch
            next(into.parameters()).data.fill_(float("nan"))

    monkeypatch.setattr(fitting, "moving_average", spoil)
    config = dataclasses.replace(TINY, monitor="val_accuracy", restore_best=True)
    with pytest.raises(Diverged, match=r"^training: the validation loss is nan in epoch 2; lower `rate`"):
        fit(config, data, tmp_path / "run")
    assert len(steps) == 18
    run = RunFolder(tmp_path / "run")
    for path in (run.last, run.best):
        assert all(value.isfinite().all() for value in torch.load(path, weights_only=True)["ema"].values())
    assert len(read_metrics(run.path)["epoch"]) == 1


def test_outputs_that_are_no_numbers_have_no_loss(data) -> None:
    """tanh(inf) is 1: the loss of valence and arousal alone would not show it."""
    config = dataclasses.replace(TINY, tasks=("affect",))
    net = build(config, data.names)
    judge = Judge.of(data.judge, targets_of(data.judge, config), crop_spec(config, net, colour=False))
    loss, device = Loss.of(config, data.train, torch.device("cpu")), torch.device("cpu")
    assert np.isfinite(judge.metrics(net, loss, device)["val_loss"])
    net.head[-1].bias.data.fill_(float("inf"))
    assert np.isnan(judge.metrics(net, loss, device)["val_loss"])


def test_crops_are_small_at_first_and_grey_for_grey_pictures(data) -> None:
    net = build(TINY, data.names)
    assert crop_spec(TINY, net, colour=False, epoch=0).size == 32
    assert crop_spec(TINY, net, colour=False, epoch=1).size == crop_spec(TINY, net, colour=True).size == 44
    colourful = build(changed(TINY, {"net": "vgg8", "settings.channels": 3}), data.names)
    assert [crop_spec(TINY, colourful, colour=colour).colour for colour in (False, True)] == ["grey", "rgb"]
    fixed = build(changed(TINY, {"net": "r4_cnn", "settings.widths": [4, 4, 4, 4, 8], "settings.size": 48}), data.names)
    assert crop_spec(TINY, fixed, colour=False, epoch=0).size == 48


@pytest.mark.timeout(400)  # seven processes, each a new Python with PyTorch
def test_two_processes_train_one_network(fer_file: Path, tmp_path: Path) -> None:
    """DDP on the CPU by the command, and again by one process: the same data, the same number of steps, one set of files.

    Stopped by Ctrl-C in the midst and resumed, two processes end where they would have ended. However they end, nothing holds their
    connection any more when it is ended: it could take Python's lock with it, and a process would never end.
    """
    settings = tmp_path / "two.toml"
    settings.write_text(
        'name = "two"\ntasks = ["classes"]\nepochs = 5\nbatch = 16\nrate = 0.02\nthreads = 1\naverage = 0.5\n'
        + '[settings]\nsize = 44\nwidths = [8, 8, 8, 16]\n'
    )  # fmt: skip
    parted = tmp_path / "parted"
    environment = {**os.environ, "PARTED": str(parted)}
    program = ["-m", "mien"] if sys.platform != "linux" else [str(Path(__file__).with_name("parting.py"))]
    command = [sys.executable, *program, "train", str(settings), "--data", str(fer_file), "--detector", "yunet", "--device", "cpu"]
    found = {}
    for devices in (1, 2):
        out = tmp_path / f"runs{devices}"
        line = [*command, "--devices", str(devices), "--out", str(out)]
        done = subprocess.run(line, capture_output=True, text=True, timeout=100, env=environment)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        found[devices] = read_metrics(out / "two")["train_loss"]
        assert (out / "two" / "two.onnx").exists()
    assert len(found[1]) == len(found[2]) == 5
    assert found[2][0] == pytest.approx(found[1][0], rel=0.35)  # each has batch normalisation of its own
    assert found[2][-1] < found[2][0]

    again = [*command, "--devices", "2", "--out", str(tmp_path / "runs3")]
    process = subprocess.Popen(again, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment)
    metrics = tmp_path / "runs3" / "two" / "metrics.jsonl"
    until = time.monotonic() + 120
    while not (metrics.exists() and metrics.stat().st_size) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 130, said
    assert "--resume goes on from there" in said
    assert len(metrics.read_text().splitlines()) < 5
    done = subprocess.run([*again, "--resume"], capture_output=True, text=True, timeout=100, env=environment)
    assert done.returncode == 0, done.stderr
    assert read_metrics(tmp_path / "runs3" / "two")["train_loss"] == found[2]
    one, other = (torch.load(tmp_path / name / "two" / "last.pt", weights_only=True)["ema"] for name in ("runs2", "runs3"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    if sys.platform == "linux":  # three times two processes, each with threads before and none after
        assert parted.read_text().splitlines() == ["True 0"] * 6


def test_a_connection_of_the_callers_own_stays_open(data, tmp_path: Path) -> None:
    torch.distributed.init_process_group("gloo", init_method=(tmp_path / "meet").as_uri(), rank=0, world_size=1)
    try:
        fit(dataclasses.replace(TINY, epochs=1, small_epochs=0), data, tmp_path / "run")
        assert torch.distributed.is_initialized()
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("freeze", [FreezePlan(frozen_epochs=1), FreezePlan(unfreeze_last=2)])
def test_only_what_is_thawed_moves(data, tmp_path: Path, freeze: FreezePlan) -> None:
    config = dataclasses.replace(TINY, epochs=1, small_epochs=0, freeze=freeze, average=0.0)
    torch.manual_seed(config.seed)
    before = build(config, data.names).state_dict()
    after = fit(config, data, tmp_path / "run").state
    moved = {name for name, value in after.items() if value.is_floating_point() and not torch.equal(value, before[name])}
    head = {"head.1.weight", "head.1.bias"}
    if freeze.frozen_epochs:
        assert moved == head
    else:  # the last convolution and its normalisation
        norm = {f"backbone.second.3.1.{part}" for part in ("weight", "bias", "running_mean", "running_var")}
        assert moved == head | {"backbone.second.3.0.weight"} | norm
