"""What an export takes from the runs it ships."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

from mien.train.affect_origin import Origin, merged
from mien.train.rows import Rows, TrainData
from mien.train.run_data import its_hold_out, its_origin
from mien.train.run_folder import RunFolder
from tests.train.conftest import TINY

NONE = Rows(*(np.zeros((0, 1)),) * 6, names=())
OLD = dataclasses.replace(TINY, anchors="legacy")


def data(hash: str) -> TrainData:
    return TrainData(NONE, NONE, hash=hash, origin=Origin({"ratings": 1.0}, "adfes2011"))


def run(folder: Path, config=OLD, **about: object) -> RunFolder:
    found = RunFolder(folder)
    found.begin(config, {"data": "theirs", "names": []} | about, resume=False)
    return found


def test_a_run_without_a_record_has_the_origin_of_the_data_only_if_it_learnt_them(tmp_path: Path) -> None:
    old = run(tmp_path / "old")
    assert its_origin(OLD, data("theirs"), old) == Origin({"ratings": 1.0}, "adfes2011")
    assert its_origin(OLD, data("others"), old) == Origin({"votes:legacy": 1.0}, "legacy")
    assert its_origin(OLD, data("others"), old).affect_from == "model:legacy"  # as its card said
    classes = run(tmp_path / "classes", dataclasses.replace(OLD, tasks=("classes",)))
    assert its_origin(OLD, data("others"), classes).affect_from == ""
    new = run(tmp_path / "new", affect={"shares": {"jitter:legacy": 1.0}, "anchors": "legacy"})
    assert its_origin(OLD, data("theirs"), new) == Origin({"jitter:legacy": 1.0}, "legacy")


def test_soup_and_partners_have_their_part_in_it(tmp_path: Path) -> None:
    own = run(tmp_path / "own", affect={"shares": {"ratings": 1.0}, "anchors": "adfes2011"})
    other = run(tmp_path / "other", affect={"shares": {"jitter:legacy": 0.5, "ratings": 0.5}, "anchors": "legacy"})
    third = run(tmp_path / "third", dataclasses.replace(OLD, soup=(str(other.path),)))
    assert its_origin(OLD, data(""), own).shares == {"ratings": 1.0}
    souped = its_origin(dataclasses.replace(OLD, soup=(str(other.path),)), data(""), own)
    assert souped == Origin({"ratings": 0.75, "jitter:legacy": 0.25}, "adfes2011")
    partnered = its_origin(dataclasses.replace(OLD, partners=(str(third.path),)), data(""), own)
    assert partnered == Origin({"ratings": 0.5, "votes:legacy": 0.3333, "jitter:legacy": 0.1667}, "adfes2011")


def test_of_merged_origins_the_largest_names_the_anchors() -> None:
    one, other = Origin({"jitter:legacy": 0.6, "ratings": 0.4}, "legacy"), Origin({"isomap:adfes2011": 0.6, "ratings": 0.4}, "adfes2011")
    assert merged([one, other]).anchors == "crowd"  # no ratings of those two decided by which anchors they are named
    assert merged([one, one, other]) == Origin({"jitter:legacy": 0.4, "ratings": 0.4, "isomap:adfes2011": 0.2}, "legacy")
    assert merged([one]) == one
    assert merged([Origin(), Origin()]) == Origin()


def test_runs_without_a_record_held_out_by_files(tmp_path: Path) -> None:
    assert its_hold_out(RunFolder(tmp_path / "none")) == "look-alikes"
    for about, wanted in (({}, "files"), ({"held_out": "files"}, "files"), ({"held_out": "look-alikes"}, "look-alikes")):
        found = run(tmp_path / f"{wanted}{len(about)}", **about)
        found.save(found.last, {})
        assert its_hold_out(found) == wanted
