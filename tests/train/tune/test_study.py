"""Searches: what is tried, kept, cut short, retried and refused. The oracle for Optuna's part is a bowl whose bottom is known."""

import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from mien.errors import DataError, ExtraMissing, UsageError
from mien.train.config import TrainConfig, read_config
from mien.train.tune.page import as_page
from mien.train.tune.space import parse_space
from tests.train.tune.objectives import Meeting, bare, bowl, dying, faulty, picky
from tests.train.tune.searching import SPACE, TEXT, search

ROOT = Path(__file__).parents[3]


def rows_of(folder):
    with (folder / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def values_of(found):
    return [dict(one.values) for one in found.tried if one.counts]


def test_a_search_finds_better_than_chance_and_writes_it_down(tmp_path):
    said = []
    found = search(bowl, tmp_path, 20, epochs=3, say=said.append)
    assert found.finished == len(found.tried) == 20
    random = [one.value for one in found.tried[:5]]
    assert found.best.value < min(random)
    assert found.best.values["head.activation"] == "tanh"
    assert math.isclose(sum(found.importance.values()), 1)
    assert set(found.importance) == set(SPACE.dimensions)
    assert len(said) == 20
    assert any(line.endswith(" after 3 epochs") for line in said)
    config = read_config(tmp_path / "best.toml")
    assert (config.head.kind, config.head.units, config.rate) == ("r0", found.best.values["head.units"], found.best.values["rate"])
    assert config.epochs == 40  # the config's own, not the search's
    trial = json.loads((tmp_path / f"trial_{found.best.number:03d}" / "trial.json").read_text())
    assert trial["value"] == found.best.value == min(epoch["val_loss"] for epoch in trial["epochs"])
    used = read_config(tmp_path / f"trial_{found.best.number:03d}" / "config.toml")
    assert (used.epochs, used.head.units) == (3, found.best.values["head.units"])
    rows = rows_of(tmp_path)
    assert [float(row["val_loss"]) for row in rows] == [one.value for one in found.tried]
    assert [float(row["rate"]) for row in rows] == [one.values["rate"] for one in found.tried]
    assert [row["state"] for row in rows] == [one.state for one in found.tried]


def test_a_metric_to_be_large(tmp_path):
    found = search(bowl, tmp_path, metric="val_accuracy")
    assert found.best.value == max(one.value for one in found.tried if one.state == "complete")


def test_the_same_seed_tries_the_same(tmp_path):
    one, other, third = (search(bowl, tmp_path / name, 7, seed=seed) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert values_of(one) == values_of(other)
    assert values_of(one) != values_of(third)


def test_bad_trials_are_cut_short(tmp_path):
    epochs = {}

    def counting(config, folder, watch):
        number = int(folder.name.removeprefix("trial_"))
        for epoch in range(6):
            epochs[number] = epoch + 1
            if watch({"val_loss": float(number), "val_accuracy": 0.0}):
                return

    found = search(counting, tmp_path / "a", 8)
    assert [one.state for one in found.tried] == ["complete"] * 5 + ["pruned"] * 3
    assert list(epochs.values()) == [one.epochs for one in found.tried] == [6] * 5 + [2] * 3
    epochs.clear()
    found = search(counting, tmp_path / "b", 7, prune=False)
    assert list(epochs.values()) == [6] * 7
    assert found.best.number == 0


def test_a_search_goes_on_to_the_number_wanted(tmp_path):
    whole = search(bowl, tmp_path / "whole", 7)
    assert len(search(bowl, tmp_path / "parts", 3).tried) == 3
    parts = search(bowl, tmp_path / "parts", 7)
    assert values_of(parts) == values_of(whole)
    assert search(bowl, tmp_path / "parts", 7).tried == parts.tried


def test_a_killed_search_goes_on_as_if_it_had_not_been(tmp_path):
    code = (
        "import sys; from tests.train.tune.objectives import Slow; from tests.train.tune.searching import search; "
        "search(Slow(3), sys.argv[1], 7)"
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    begun = folder / "trial_003" / "begun"
    deadline = time.monotonic() + 60
    while not begun.exists():
        assert process.poll() is None, "the search ended before it could be killed"
        assert time.monotonic() < deadline, "the search never came to its fourth trial"
        time.sleep(0.02)
    with pytest.raises(UsageError, match="another search is at work"):
        search(bowl, folder, 7)
    process.kill()
    process.wait()
    said = []
    found = search(bowl, folder, 7, say=said.append)
    assert said[0] == "trial 3 was interrupted: it is tried again"
    assert [one.state for one in found.tried][3] == "interrupted"
    assert (found.finished, len(found.tried)) == (7, 8)
    assert found.tried[4].values == found.tried[3].values
    assert values_of(found) == values_of(search(bowl, tmp_path / "whole", 7))
    assert len(search(bowl, folder, 7).tried) == 8  # it is tried again once


def test_one_epoch_is_one(tmp_path):
    def short(config, folder, watch):
        watch({"epoch": 0, "val_loss": 1.0})

    said = []
    found = search(short, tmp_path, 1, epochs=1, say=said.append)
    assert re.search(r" after 1 epoch\b", said[0])
    assert "<b>1</b><span>epoch</span>" in as_page(found)


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_with_what_was_found(tmp_path, jobs):
    code = (
        "import signal, sys\n"
        "sys.modules['sklearn'] = sys.modules['scipy'] = None\n"  # an extra of Optuna's that takes seconds to load; importance needs none
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from tests.train.tune.objectives import Slow\n"
        "from tests.train.tune.searching import search\n"
        "if __name__ == '__main__':\n"
        "    found = search(Slow(3), sys.argv[1], 9, jobs=int(sys.argv[2]))\n"
        "    print(found.interrupted, found.best is not None, [one.state for one in found.tried][3])\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    command = [sys.executable, str(script), str(tmp_path / "s"), str(jobs)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    rows = tmp_path / "s" / "trials.csv"
    while not ((tmp_path / "s" / "trial_003" / "begun").exists() and rows.read_text().count("complete") >= 2):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    out, _ = process.communicate(timeout=60)
    assert out.split() == ["True", "True", "interrupted"]
    assert (tmp_path / "s" / "best.toml").exists()


def test_a_trial_that_fails_is_recorded_and_counted(tmp_path):
    found = search(picky, tmp_path, 6)
    failed = [one for one in found.tried if one.state == "failed"]
    assert failed
    assert found.finished == 6
    assert {one.reason for one in failed} == {"ValueError: no tanh here"}
    assert {one.values["head.activation"] for one in failed} == {"tanh"}
    assert math.isnan(failed[0].value)
    assert found.best.values["head.activation"] == "relu"
    assert "no tanh here" in (tmp_path / "trials.csv").read_text()
    assert json.loads((tmp_path / f"trial_{failed[0].number:03d}" / "trial.json").read_text())["value"] is None


def test_values_that_a_config_refuses_are_a_failed_trial(tmp_path):
    space = parse_space("[space]\nepochs = {low = 3, high = 6}\nrate = {low = 0.1, high = 0.2}\n[fixed]\nrestarts = [4]", "x.toml")
    config = TrainConfig(epochs=40, restarts=(4,))
    with pytest.raises(UsageError, match="restarts"):
        search(bowl, tmp_path, 8, space=space, config=config)
    space = parse_space("[space]\nepochs = {low = 5, high = 12}\nrestarts = {choices = [[4], [8]]}", "x.toml")
    with pytest.raises(UsageError, match="restarts"):  # of the end 5, whatever is chosen: refused before the first trial
        search(bowl, tmp_path, 8, space=space, config=TrainConfig(epochs=9, restarts=(8,)))


def test_a_search_in_which_nothing_works_ends_early(tmp_path):
    def broken(config, folder, watch):
        raise UsageError("these rows have no votes")

    with pytest.raises(DataError, match=r"first 5 trials failed.*these rows have no votes"):
        search(broken, tmp_path, 20)
    assert len(rows_of(tmp_path)) == 5


def test_a_loss_that_is_never_a_number_is_a_failure_and_one_that_is_sometimes_is_none(tmp_path):
    def odd(config, folder, watch):
        numbers = [math.nan, 2.0, math.nan] if config.head.activation == "relu" else [math.nan] * 3
        for number in numbers:
            if watch({"val_loss": number}):
                return

    found = search(odd, tmp_path, 4, prune=False)
    assert {one.values["head.activation"]: (one.state, str(one.value)) for one in found.tried} == {
        "relu": ("complete", "2.0"),
        "tanh": ("failed", "nan"),
    }


def test_a_fault_ends_the_search_and_its_trial_is_tried_again(tmp_path):
    with pytest.raises(KeyError):
        search(faulty, tmp_path)
    found = search(bowl, tmp_path, 2)
    assert [one.state for one in found.tried] == ["interrupted", "complete", "complete"]


def test_what_is_another_search_is_refused(tmp_path):
    search(bowl, tmp_path, 2)
    for more, name in (
        ({"config": TrainConfig(epochs=40, batch=64)}, "config.batch"),
        ({"seed": 1}, "seed"),
        ({"metric": "val_accuracy"}, "metric"),
        ({"facts": {"data": "other"}}, "facts"),
        ({"space": parse_space(TEXT.replace("608", "576"), "bowl.toml")}, "space"),
    ):
        with pytest.raises(UsageError, match=f"another {name}"):
            search(bowl, tmp_path, 3, **more)
    assert len(search(bowl, tmp_path, 3).tried) == 3


def test_what_makes_no_sense_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no metric 'val_f1' .*val_accuracy, val_loss"):
        search(bowl, tmp_path / "a", metric="val_f1")
    with pytest.raises(UsageError, match="jobs"):
        search(bowl, tmp_path / "b", jobs=0)
    with pytest.raises(UsageError, match="2 devices"):
        search(bowl, tmp_path / "b", config=TrainConfig(devices=2))
    with pytest.raises(UsageError, match="epochs vary"):
        search(bowl, tmp_path / "c", space=parse_space("[space]\nepochs = {low = 1, high = 3}", "x"), epochs=2)


def test_two_jobs_are_two_processes_at_once(tmp_path):
    (tmp_path / "place").mkdir()
    found = search(Meeting(tmp_path / "place"), tmp_path / "s", 4, jobs=2)
    assert [one.state for one in found.tried] == ["complete"] * 4
    pids = {one.value for one in found.tried}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert (tmp_path / "s" / "best.toml").exists()


def test_with_two_jobs_a_dead_process_a_failure_and_a_fault_are_told_apart(tmp_path):
    found = search(dying, tmp_path / "a", 4, jobs=2)
    states = {one.number: (one.values["head.units"] > 400, one.state) for one in found.tried}
    assert all(state == ("failed" if many else "complete") for many, state in states.values())
    assert {one.reason for one in found.tried if one.state == "failed"} <= {"its process ended unexpectedly, with exit code 7"}
    assert any(many for many, _ in states.values())
    with pytest.raises(RuntimeError, match="KeyError: 'fault'"):
        search(faulty, tmp_path / "b", 4, jobs=2)
    for jobs in (1, 2):
        with pytest.raises(ExtraMissing, match="wanted an extra"):
            search(bare, tmp_path / "c", 4, jobs=jobs)


def test_lists_as_choices_reach_the_training(tmp_path):
    seen = []

    def note(config, folder, watch):
        seen.append(config.settings.widths)
        watch({"val_loss": 1.0})

    space = parse_space("[space]\nsettings.widths = {choices = [[8, 16], [16, 32]]}", "x.toml")
    found = search(note, tmp_path, 5, space=space)
    assert seen == [one.values["settings.widths"] for one in found.tried]
    assert set(seen) == {(8, 16), (16, 32)}
    assert found.importance == {}
    assert tomllib.loads((tmp_path / "best.toml").read_text())["settings"]["widths"] == list(found.best.values["settings.widths"])


def test_nothing_is_tried_twice_while_there_is_something_new(tmp_path):
    space = parse_space(
        '[space]\nhead.activation = {choices = ["relu", "tanh"]}\nhead.layers = {low = 1, high = 3}\nhead.units = {low = 400, high = 400}',
        "x",
    )
    found = search(bowl, tmp_path, 6, space=space, prune=False)
    assert len({tuple(one.values.values()) for one in found.tried}) == 6
    found = search(bowl, tmp_path, 8, space=space, prune=False)
    assert found.finished == 8
