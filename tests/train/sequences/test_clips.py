"""Clips become sequences to learn from: one person each, nobody on two sides, what is broken told."""

import csv
import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")

from mien.cli.main import main  # noqa: E402
from mien.data.readers.report import Report  # noqa: E402
from mien.errors import DataError, SourceMissing, UsageError  # noqa: E402
from mien.testing import FakeDetector  # noqa: E402
from mien.train import clips as clipping  # noqa: E402
from mien.train.affect_origin import Origin  # noqa: E402
from mien.train.batches import batches  # noqa: E402
from mien.train.clip_list import list_clips  # noqa: E402
from mien.train.clips import Cutter, Cutting, read_clips  # noqa: E402
from mien.train.config import changed  # noqa: E402
from mien.train.crops import augmented_crops, plain_crops  # noqa: E402
from mien.train.fit import build, crop_spec, fit  # noqa: E402
from mien.train.following import Seen, followed  # noqa: E402
from mien.train.nets.windows import window_starts  # noqa: E402
from mien.train.rows import TrainData, read_data  # noqa: E402
from mien.train.targets import targets_of  # noqa: E402
from mien.types import Faces  # noqa: E402
from mien.vision.align import CropSpec  # noqa: E402
from tests.train.conftest import TINY  # noqa: E402
from tests.train.sequences.moving import MOVING, crops_of, face_picture, moving, ten_of_each  # noqa: E402


def test_clips_become_windows_of_one_person(data: TrainData) -> None:
    """16 frames: windows of 4 begin at 0, 2, ... 12."""
    assert data.names == ("happy", "sad")
    assert not data.colour
    assert (len(data.train), len(data.judge)) == (16 * 7, 4 * 7)
    kept = Cutting.of(MOVING).crop.size
    assert data.train.pictures.shape == (112, 4, kept, kept)
    assert data.train.pictures.dtype == np.uint8
    first = [name for name in data.train.ids if name.startswith(data.train.ids[0].split("@")[0])]
    assert [float(name.split("@")[1].split("#")[0]) for name in first] == pytest.approx([0.2 * i for i in range(7)], abs=1e-3)
    assert np.bincount(data.judge.labels).tolist() == [14, 14]


def test_all_windows_of_a_clip_are_on_one_side(data: TrainData) -> None:
    train, judge = ({name.split("@")[0] for name in rows.ids} for rows in (data.train, data.judge))
    assert not train & judge
    assert len(train | judge) == 20


def test_training_and_use_cut_the_same_crops(data: TrainData, folder: Path) -> None:
    """The kept pictures cut for the network, against the clip cut for it directly."""
    name = data.judge.ids[0].split("@")[0].split("/", 1)[1]
    seen = list(followed(folder / name, FakeDetector(), CropSpec(size=16), every=0.1))
    straight = np.stack([s.crops[0] for s in seen[:4]]).astype(int)
    kept = crops_of(data)[0].astype(int)
    apart = np.abs(kept - straight[..., :1]).mean()
    assert apart < 7
    shuffled = straight[[1, 2, 3, 0], ..., :1]
    assert np.abs(kept - shuffled).mean() > 2 * apart


def test_nothing_flickers_that_did_not_move(data: TrainData) -> None:
    """A still in each frame: whatever is done to it, all its frames stay alike; and the windows are not all changed alike."""
    still = data.train.pictures[:24, :1].repeat(4, axis=1)
    points = data.train.points[:24]
    spec = CropSpec(size=16)
    crops = augmented_crops(still, points, points, spec, np.random.default_rng(0), strength=1.5)
    assert crops.shape == (24, 4, 16, 16)
    assert (crops == crops[:, :1]).all()
    plain = plain_crops(still, points, points, spec)
    assert (plain != crops).any(axis=(1, 2, 3)).all()
    for recipe in ("r0-r2", "r3", "none"):
        config = dataclasses.replace(MOVING, recipe=recipe)
        rows = dataclasses.replace(data.train, pictures=data.train.pictures[:, :1].repeat(4, axis=1))
        batch = next(batches(rows, targets_of(rows, config), spec, config, 0))
        assert batch.crops.shape == (16, 4, 16, 16, 1)
        assert (batch.crops == batch.crops[:, :1]).all()


def test_colour_sequences(folder: Path, tmp_path: Path) -> None:
    config = changed(
        MOVING, {"settings.channels": 3, "epochs": 1, "clip_stride": 9, "mixup": 0.3, "cutmix": 1.0, "small_epochs": 1, "small_size": 8}
    )
    data = read_data(config, folder, detector=FakeDetector(), folder=tmp_path)
    assert data.colour
    assert data.train.pictures.shape[1:] == (4, 26, 26, 3)
    fitted = fit(config, data, tmp_path / "run")
    assert np.isfinite(fitted.metrics["val_loss"])
    assert crop_spec(config, build(config, data.names), colour=data.colour).colour == "rgb"
    crops = augmented_crops(
        data.train.pictures[:3], data.train.points[:3], data.train.frames[:3], CropSpec(size=16), np.random.default_rng(0)
    )
    assert crops.shape == (3, 4, 16, 16, 3)


def test_what_is_broken_is_told_and_the_rest_is_used(tmp_path: Path) -> None:
    for seed in range(4):
        moving(tmp_path / "c" / "happy" / f"{seed}.mp4", down=True, seed=seed, frames=8)
        moving(tmp_path / "c" / "sad" / f"{seed}.mp4", down=False, seed=seed, frames=8)
    (tmp_path / "c" / "happy" / "bad.mp4").write_bytes(b"no video at all")
    (tmp_path / "c" / "happy" / "notes.txt").write_text("hello")
    moving(tmp_path / "c" / "sad" / "short.mp4", down=True, frames=3)
    moving(tmp_path / "c" / "holiday" / "x.mp4", down=True, frames=8)
    said: list[Report] = []
    data = read_data(MOVING, tmp_path / "c", detector=FakeDetector(), folder=tmp_path / "runs", reported=said.append)
    assert len(data.train) + len(data.judge) == 8 * 3
    told = {(problem.kind, problem.item): problem.why for report in said for problem in report.problems}
    assert sorted(told) == [
        ("corrupt clip", "c/happy/bad.mp4"),
        ("no face", "c/sad/short.mp4"),
        ("other file", "happy/notes.txt"),
        ("unknown label", "holiday/x.mp4"),
    ]
    assert told["corrupt clip", "c/happy/bad.mp4"].startswith("c/happy/bad.mp4: ")
    again: list[Report] = []
    blind = FakeDetector(lambda image: pytest.fail("the windows were kept"))
    same = read_data(MOVING, tmp_path / "c", detector=blind, folder=tmp_path / "runs", reported=again.append)
    assert again == said
    assert same.hash == data.hash
    np.testing.assert_array_equal(same.train.pictures, data.train.pictures)
    assert same.train.ids == data.train.ids


def test_many_windows_are_mapped_from_the_file(data: TrainData, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipping, "IN_MEMORY", 0)
    mapped = read_data(MOVING, folder, detector=FakeDetector(), folder=folder.parent / "runs")
    assert isinstance(mapped.train.pictures, np.memmap)
    np.testing.assert_array_equal(mapped.train.pictures, data.train.pictures)


def test_an_interrupt_leaves_nothing_half_made(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut, seen = Cutter.add, []

    def interrupted(self: Cutter, frame: Seen) -> Iterator[clipping.Window]:
        seen.append(frame)
        if len(seen) == 40:
            raise KeyboardInterrupt
        return cut(self, frame)

    monkeypatch.setattr(Cutter, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_data(MOVING, folder, detector=FakeDetector(), folder=tmp_path / "runs")
    assert [path for path in (tmp_path / "runs").rglob("*") if path.is_file()] == []


def test_a_list_of_clips_with_spans_and_people(tmp_path: Path) -> None:
    """Everybody is on one side, and all of one file is."""
    for i in range(6):
        moving(tmp_path / f"{i}.mp4", down=i % 2 == 0, seed=i, frames=24)
    lines = ["clip,emotion,start,stop,subject"]
    for i in range(6):
        label = ("happy", "sad")[i % 2]
        lines += [f"{i}.mp4,{label},0,1.05,p{i // 2}", f"{i}.mp4,{label},1.1,2.4,"]
    lines += ["0.mp4,happy,2,1,", "0.mp4,bored,0,1,", "0.mp4,happy,soon,1,", "gone.mp4,happy,0,1,", "0.mp4,happy"]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    said: list[Report] = []
    clips = list_clips(tmp_path / "list.csv", reported=said.append)
    assert len(clips) == 12
    assert [(report.source, [tuple(problem) for problem in report.problems]) for report in said] == [
        (
            "list",
            [
                ("row that cannot be used", "list.csv:14", "from 2 to 1, which is no span"),
                ("unknown label", "list.csv:15", "labelled 'bored', which is no emotion"),
                ("row that cannot be used", "list.csv:16", "'soon', which is no number"),
                ("row that cannot be used", "list.csv:18", "2 cells, the header has 5"),
                ("missing clip", "gone.mp4", f"{tmp_path / 'gone.mp4'}: no such file"),
            ],
        )
    ]
    config = dataclasses.replace(MOVING, held_out=0.34)
    data = read_clips(config, tmp_path / "list.csv", detector=FakeDetector(), folder=tmp_path / "runs")
    numbers = [{int(name.split("/")[1][0]) for name in rows.ids} for rows in (data.train, data.judge)]
    assert sorted([*numbers[0], *numbers[1]]) == list(range(6))
    assert {n // 2 for n in numbers[0]}.isdisjoint({n // 2 for n in numbers[1]})
    times = [float(name.split("@")[1].split("#")[0]) for rows in (data.train, data.judge) for name in rows.ids]
    assert len(times) == 6 * (4 + 5)  # 11 frames, 13 frames
    assert not [t for t in times if 0.8 <= t < 1.05]  # none begins where it would reach over the end of its span


def test_splits_of_the_data_stand(folder: Path, tmp_path: Path) -> None:
    lines = [
        "clip,emotion,split",
        *(f"{name}/{i}.mp4,{name},{'val' if i == 3 else 'test' if i == 4 else ''}" for i in range(6) for name in ("happy", "Sadness")),
    ]
    (folder / "list.csv").write_text("\n".join(lines))
    said: list[str] = []
    try:
        data = read_data(MOVING, folder / "list.csv", detector=FakeDetector(), folder=tmp_path, say=said.append)
    finally:
        (folder / "list.csv").unlink()
    assert {name.split("@")[0].rsplit("/")[-1] for name in data.judge.ids} == {"3.mp4"}
    assert not [name for name in data.train.ids if "/4.mp4" in name]
    assert not any("held out" in line for line in said)


def test_clips_of_an_unknown_split_are_left_out_and_told(folder: Path, tmp_path: Path) -> None:
    """Taken for none they would be learnt from, and may have been held out; as of tables of pictures."""
    words = {3: "valid", 4: "holdout", 5: "Test set"}
    for column in ("split", "usage"):
        lines = [f"{name}/{i}.mp4,{name},{words.get(i, '')}" for i in range(6) for name in ("happy", "Sadness")]
        (folder / "list.csv").write_text("\n".join([f"clip,emotion,{column}", *lines]))
        said: list[Report] = []
        try:
            data = read_data(MOVING, folder / "list.csv", detector=FakeDetector(), folder=tmp_path, reported=said.append)
        finally:
            (folder / "list.csv").unlink()
        assert said[0].counts() == {"row that cannot be used": 4}
        assert said[0].problems[0].why.startswith("split 'holdout'; wanted one of train,")
        assert {name.split("@")[0].rsplit("/")[-1] for name in data.train.ids} == {"0.mp4", "1.mp4", "2.mp4"}
        assert {name.split("@")[0].rsplit("/")[-1] for name in data.judge.ids} == {"3.mp4"}


def test_copies_of_a_clip_are_held_out_together(tmp_path: Path) -> None:
    """Ten clips and a copy of each under another name, in a folder an emotion."""
    root = ten_of_each(tmp_path / "clips")
    for file in sorted(root.rglob("*.mp4")):
        shutil.copy(file, file.with_name(f"copy of {file.name}"))
    data = read_data(MOVING, root, detector=FakeDetector(), folder=tmp_path / "runs")
    train, judge = ({name.split("@")[0].replace("copy of ", "") for name in rows.ids} for rows in (data.train, data.judge))
    assert (len(train), len(judge)) == (16, 4)
    assert not train & judge


def test_clips_that_show_what_is_held_out_are_not_learnt_from(tmp_path: Path) -> None:
    """Of one file under two names, whole or in spans that overlap; other seconds of it are as the split says."""
    for i in range(4):
        moving(tmp_path / f"{i}.mp4", down=i % 2 == 0, seed=i, frames=24)
        shutil.copy(tmp_path / f"{i}.mp4", tmp_path / f"again {i}.mp4")
    rows = [
        ("0.mp4", "happy", "", "", "val"),
        ("again 0.mp4", "happy", "", "", "train"),  # the same file
        ("1.mp4", "sad", 0, 1, "test"),
        ("again 1.mp4", "sad", 0.5, 2.4, "train"),  # half a second of it is in test
        ("1.mp4", "sad", 1, 2.4, "train"),  # other seconds
        ("2.mp4", "happy", "", "", "train"),
        ("again 2.mp4", "happy", "", "", "train"),
        ("3.mp4", "sad", 1, "", "val"),
        ("again 3.mp4", "sad", "", 1, ""),  # other seconds
        ("3.mp4", "sad", "", 1.2, "train"),
    ]
    (tmp_path / "list.csv").write_text("\n".join(["clip,emotion,start,stop,split", *(",".join(map(str, row)) for row in rows)]))
    said: list[str] = []
    data = read_data(MOVING, tmp_path / "list.csv", detector=FakeDetector(), folder=tmp_path / "runs", say=said.append)
    assert "left out: 3 clips that show the same seconds of a file as one of val or test" in said
    learnt = {(name.split("@")[0].split("/")[1]) for name in data.train.ids}
    assert learnt == {"1.mp4#2", "2.mp4", "again 2.mp4", "again 3.mp4"}
    assert {(name.split("@")[0].split("/")[1]) for name in data.judge.ids} == {"0.mp4", "3.mp4"}


def test_the_origin_of_what_clips_are_rated_is_kept(folder: Path, tmp_path: Path) -> None:
    lines = [f"{name}/{i}.mp4,{name},{v},0.1,{'val' if i > 3 else ''}" for name, v in (("happy", 0.8), ("Sadness", -0.6)) for i in range(6)]
    (folder / "list.csv").write_text("\n".join(["clip,emotion,valence,arousal,split", *lines]))
    config = dataclasses.replace(MOVING, tasks=("affect",))
    try:
        data = read_data(config, folder / "list.csv", detector=FakeDetector(), folder=tmp_path)
    finally:
        (folder / "list.csv").unlink()
    assert data.origin == Origin({"ratings": 1.0}, "crowd")
    assert data.held_out == "files"


def test_windows_never_hold_two_people(tmp_path: Path) -> None:
    for label, down in (("happy", True), ("sad", False)):
        for i in range(2):
            moving(tmp_path / "c" / label / f"{i}.mp4", down=down, seed=i, frames=8, people=3)
    data = read_data(dataclasses.replace(MOVING, held_out=0.5), tmp_path / "c", detector=FakeDetector(), folder=tmp_path / "runs")
    assert len(data.train) == 2 * 3 * 3
    people = [name.rsplit("#")[-1] for name in data.train.ids]
    assert sorted(set(people)) == ["0", "1", "2"]
    left = [seen.faces.boxes[:, 0] // 88 for seen in followed(tmp_path / "c/happy/0.mp4", FakeDetector(), CropSpec(), every=0.1)]
    assert all((x == left[0]).all() for x in left)


@pytest.mark.parametrize(("window", "stride", "spacing"), [(4, 2, 1), (3, 5, 2), (2, 1, 3), (4, 11, 1), (2, 30, 1), (3, 40, 2)])
def test_pieces_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch, window: int, stride: int, spacing: int) -> None:
    """A run of 100 crops cut in pieces of few crops, against window_starts on the whole of it."""
    monkeypatch.setattr(clipping, "AT_ONCE", 7)
    cutter = Cutter(Cutting(CropSpec(size=8), 0.1, window, stride, spacing))
    faces = FakeDetector()(face_picture())
    found = []
    for i in range(100):
        crops = np.full((1, 8, 8, 3), i, np.uint8)
        ids = Faces(faces.boxes, faces.scores, faces.points, np.zeros(1, np.int64))
        found += cutter.add(Seen(i, i / 10, (96, 72), ids, crops))
        assert len(cutter._people[0].times) < 7 + window * spacing + stride
    found += cutter.end()
    starts = window_starts(np.arange(100) / 10, window=window, stride=stride, spacing=spacing)
    assert [one.crops[:, 0, 0, 0].tolist() for one in found] == [[s + k * spacing for k in range(window)] for s in starts]


def test_whoever_comes_back_after_a_pause_begins_anew_also_amid_a_long_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 crops, a second's pause, 60 crops; windows of 4 begin every 23 crops of a person without a break."""
    monkeypatch.setattr(clipping, "AT_ONCE", 7)
    cutter = Cutter(Cutting(CropSpec(size=8), 0.1, 4, 23, 1))
    faces = FakeDetector()(face_picture())
    ids = Faces(faces.boxes, faces.scores, faces.points, np.zeros(1, np.int64))
    found = []
    for i in [*range(20), *range(30, 90)]:
        found += cutter.add(Seen(i, i / 10, (96, 72), ids, np.full((1, 8, 8, 3), i, np.uint8)))
    found += cutter.end()
    assert [one.crops[:, 0, 0, 0].tolist() for one in found] == [[s, s + 1, s + 2, s + 3] for s in (0, 30, 53, 76)]


def test_what_does_not_fit_is_one_line(data: TrainData, folder: Path, tmp_path: Path) -> None:
    read = {"detector": FakeDetector(), "folder": tmp_path}
    with pytest.raises(SourceMissing, match="no such file or folder; wanted a folder per emotion with videos"):
        read_data(MOVING, tmp_path / "none", **read)
    (tmp_path / "faces" / "happy").mkdir(parents=True)
    (tmp_path / "faces" / "happy" / "a.png").write_bytes(b"")
    with pytest.raises(DataError, match="found no labelled clip; wanted a folder per emotion with videos"):
        read_data(MOVING, tmp_path / "faces", **read)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="found columns a, b; wanted clip and emotion"):
        read_data(MOVING, tmp_path / "x.csv", **read)
    with pytest.raises(DataError, match="sequences of 99 crops to train on"):
        read_data(changed(MOVING, {"settings.window": 99}), folder, **read)
    with pytest.raises(UsageError, match="task votes: no row has shares of votes"):
        read_data(dataclasses.replace(MOVING, tasks=("votes",)), folder, **read)
    with pytest.raises(UsageError, match="network vgg8 reads single crops, the data are sequences of 4 crops"):
        fit(dataclasses.replace(TINY, tasks=("classes",)), data, tmp_path / "run")
    with pytest.raises(UsageError, match="clip_every is 0; wanted more than 0"):
        dataclasses.replace(MOVING, clip_every=0.0)


def test_clips_that_cannot_be_taken_are_named_listed_and_in_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As pictures are."""
    root, runs = tmp_path / "c", tmp_path / "runs"
    for seed in range(4):
        moving(root / "happy" / f"{seed}.mp4", down=True, seed=seed, frames=8)
        moving(root / "sad" / f"{seed}.mp4", down=False, seed=seed, frames=8)
    names = [f"{label}/{seed}.mp4,{label}" for label in ("happy", "sad") for seed in range(4)]
    (root / "clips.csv").write_text("\n".join(["clip,emotion", *names, "happy/gone.mp4,happy"]))
    (root / "weird").mkdir()
    shutil.copy(root / "sad" / "0.mp4", root / "weird" / "x.mp4")
    settings = tmp_path / "moving.toml"
    settings.write_text(
        'name = "moving"\nnet = "conv_lstm"\ntasks = ["classes"]\nepochs = 1\nbatch = 8\nclip_every = 0.1\nclip_stride = 2\n'
        "[settings]\nsize = 16\nwidths = [8, 12, 16]\nwindow = 4\n"
    )

    def run(name: str, data: Path) -> tuple[int, dict[str, str], str]:
        words = ["train", str(settings), "--name", name, "--data", str(data), "--out", str(runs), "--detector", "whole", "--threads", "1"]
        code = main(words)
        listed = runs / name / "problems.csv"
        rows = list(csv.DictReader(listed.read_text("utf-8").splitlines())) if listed.exists() else []
        assert (runs / name / f"{name}.onnx").exists()
        return code, {row["item"]: row["kind"] for row in rows}, capsys.readouterr().err

    code, listed, told = run("missing", root / "clips.csv")
    assert (code, listed) == (3, {"happy/gone.mp4": "missing clip"})
    assert f"mien: missing clip: happy/gone.mp4: {root / 'happy' / 'gone.mp4'}: no such file" in told.splitlines()
    (root / "clips.csv").unlink()
    assert run("strange", root)[:2] == (0, {"weird/x.mp4": "unknown label"})  # not wanted, and not broken
    (root / "sad" / "bad.mp4").write_bytes(b"no video at all")
    assert run("broken", root)[:2] == (3, {"weird/x.mp4": "unknown label", "c/sad/bad.mp4": "corrupt clip"})
