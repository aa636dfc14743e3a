"""Any data set becomes rows: who is left out, who is held out, which targets there are."""

import dataclasses
import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

from mien.data.manifest import Manifest
from mien.data.readers.report import Report
from mien.data.stores import InArray
from mien.errors import DataError, UsageError
from mien.labels import EMOTIONS, anchors
from mien.testing import FakeDetector
from mien.train.config import changed
from mien.train.kept import Keeping
from mien.train.row_cache import RowCache
from mien.train.rows import TrainData, _all_grey, read_data
from mien.train.telling import silent
from mien.vision.align import FER_TEMPLATE
from tests.data.conftest import write_fer
from tests.train.conftest import TINY

CLASSES = dataclasses.replace(TINY, tasks=("classes",))


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, shape, np.uint8)


def folders(root: Path, shapes: dict[str, list[tuple[int, ...]]]) -> Path:
    for label, sizes in shapes.items():
        (root / label).mkdir(parents=True)
        for i, shape in enumerate(sizes):
            cv2.imwrite(str(root / label / f"{i}.png"), noise(*shape, seed=i + len(label)))
    return root


def test_a_folder_per_emotion_is_split_by_itself(tmp_path: Path, blind: FakeDetector) -> None:
    root = folders(tmp_path / "faces", {"happy": [(60, 50, 3)] * 10, "sad": [(90, 100, 3)] * 10})
    said: list[str] = []
    found = read_data(CLASSES, root, detector=blind, folder=tmp_path / "cache", say=said.append)
    assert found.names == ("happy", "sad")
    assert (len(found.train), len(found.judge)) == (16, 4)
    assert np.bincount(found.judge.labels).tolist() == [2, 2]
    assert any("no split called val: 20% of the rows are held out" in line for line in said)
    assert found.train.pictures.shape == (16, 78, 78)  # room for the faces of photos; a grey network's are grey
    happy, sad = (found.train.frames[found.train.labels == k][0] for k in range(2))
    np.testing.assert_allclose(happy, np.array(FER_TEMPLATE) * (46, 55), atol=1e-4)  # 50 x 60 pixels, shrunk to 46 x 55
    np.testing.assert_allclose(sad, np.array(FER_TEMPLATE) * (55, 50), atol=1e-4)  # 100 x 90


def test_colour_is_kept_for_a_network_that_takes_it(tmp_path: Path, blind: FakeDetector) -> None:
    root = folders(tmp_path / "faces", {"happy": [(60, 60, 3)] * 5, "sad": [(60, 60, 3)] * 5})
    colour = changed(CLASSES, {"settings.channels": 3})
    assert read_data(colour, root, detector=blind, folder=tmp_path / "c").colour
    assert not read_data(dataclasses.replace(colour, colour="grey"), root, detector=blind, folder=tmp_path / "c").colour
    grey = folders(tmp_path / "grey", {"happy": [(60, 60)] * 5, "sad": [(60, 60)] * 5})
    assert not read_data(colour, grey, detector=blind, folder=tmp_path / "c").colour


def test_what_a_task_is_calibrated_by_that_no_row_to_judge_by_has_is_told(tmp_path: Path, blind: FakeDetector) -> None:
    """12 rows to train on with votes and labels; 4 to judge by with either, or with neither."""
    crowd, nobody = np.eye(len(EMOTIONS), dtype=np.float32)[:4].repeat(4, axis=0), np.full((4, len(EMOTIONS)), np.nan, np.float32)
    labels = [EMOTIONS[k] for k in range(4) for _ in range(4)]
    none, by = [*labels[:12], *[""] * 4], "are calibrated by"
    for name, kept, votes, told in (
        ("labels", labels, nobody, {"votes": f"{by} the labels instead"}),
        ("votes", none, crowd[12:], {"classes": f"{by} the crowd's votes instead"}),
        ("neither", none, nobody, {"votes": "are not calibrated", "classes": "are not calibrated"}),
    ):
        columns = {"id": [str(i) for i in range(16)], "split": ["train"] * 12 + ["val"] * 4, "label": kept}
        columns |= {"shares": list(np.concatenate([crowd[:12], votes])), "valence": [0.5] * 16, "arousal": [0.1] * 16}
        Manifest(columns, [InArray(noise(16, 48, 48))]).write(tmp_path / f"{name}.parquet", inside=True)
        said: list[str] = []
        read_data(TINY, tmp_path / f"{name}.parquet", detector=blind, folder=tmp_path / "c", say=said.append)
        found = [line.removeprefix("no row to judge by has a target of the task ") for line in said if "no row to judge by" in line]
        assert found == [f"{task}: val_score leaves it out, and its probabilities {how}" for task, how in told.items()]


def test_who_is_left_out_of_training(tmp_path: Path, blind: FakeDetector) -> None:
    pixels = noise(10, 48, 48)
    pixels[1] = 7
    columns = {
        "id": [str(i) for i in range(10)],
        "label": ["happy", "happy", "sad", "happy", "sad", "", "happy", "sad", "happy", "sad"],
        "split": ["train"] * 6 + ["val", "val", "test", "test"],
        "note": ["", "", "copy in another split: x/8", "the crowd: not a face", "", "", "copy in another split: x/1", "", "", ""],
    }
    manifest = tmp_path / "m.parquet"
    Manifest(columns, [InArray(pixels)]).write(manifest)
    said: list[str] = []
    found = read_data(CLASSES, manifest, detector=blind, folder=tmp_path / "c", say=said.append)
    assert found.train.ids == ("0", "4")
    assert found.judge.ids == ("6", "7")  # a copy may judge, since its twin was not trained on
    told = " ".join(said)
    for word in (
        "1 rows without a target",
        "1 rows with a copy in another split",
        "1 rows that the crowd called no face",
        "1 pictures of one flat",
    ):
        assert word in told


def test_valence_and_arousal_are_rated_or_come_from_the_votes(tmp_path: Path, blind: FakeDetector) -> None:
    shares = np.full((6, 9), np.nan, np.float32)
    shares[0] = np.eye(9)[EMOTIONS.index("happy")]
    columns = {
        "id": list("abcdef"), "split": ["train"] * 4 + ["val"] * 2, "shares": list(shares),
        "valence": [np.nan, 0.5, np.nan, -1, 0.1, 0.2], "arousal": [np.nan, 0.25, np.nan, 1, 0.1, 0.2],
    }  # fmt: skip
    Manifest(columns, [InArray(noise(6, 48, 48))]).write(tmp_path / "m.parquet")
    config = dataclasses.replace(TINY, tasks=("affect",))
    found = read_data(config, tmp_path / "m.parquet", detector=blind, folder=tmp_path / "c")
    assert found.train.ids == ("a", "b", "d")
    np.testing.assert_allclose(found.train.affect, [anchors("crowd").points["happy"], (0.5, 0.25), (-1, 1)], atol=1e-6)
    with pytest.raises(DataError, match="found the labels none"):
        read_data(CLASSES, tmp_path / "m.parquet", detector=blind, folder=tmp_path / "c")


def test_votes_are_no_half_of_a_rating(tmp_path: Path, blind: FakeDetector) -> None:
    """a is rated in valence, b in arousal, both have votes, and labels that are learnt; c has votes alone, d both ratings."""
    shares = np.eye(9, dtype=np.float32)[[EMOTIONS.index(name) for name in ("happy", "sad") * 3]]
    columns = {
        "id": list("abcdef"), "label": ["happy", "sad"] * 3, "split": ["train"] * 4 + ["val"] * 2, "shares": list(shares),
        "valence": [0.5, np.nan, np.nan, -1, 0.1, 0.2], "arousal": [np.nan, 0.25, np.nan, 1, 0.1, 0.2],
    }  # fmt: skip
    Manifest(columns, [InArray(noise(6, 48, 48))]).write(tmp_path / "m.parquet")
    found = read_data(TINY, tmp_path / "m.parquet", detector=blind, folder=tmp_path / "c")
    assert found.train.ids == tuple("abcd")
    none = (np.nan, np.nan)
    np.testing.assert_allclose(found.train.affect, [none, none, anchors("crowd").points["happy"], (-1, 1)], atol=1e-6)
    assert found.origin.shares == {"ratings": 0.5, "votes:crowd": 0.5}
    alone = read_data(dataclasses.replace(TINY, tasks=("affect",)), tmp_path / "m.parquet", detector=blind, folder=tmp_path / "c")
    assert alone.train.ids == ("c", "d")
    one = Manifest(columns | {"arousal": [np.nan] * 6, "valence": [0.1] * 6}, [InArray(noise(6, 48, 48))])
    one.write(tmp_path / "one.parquet")
    with pytest.raises(UsageError, match="task affect: no row has both valence and arousal, or neither and votes"):
        read_data(dataclasses.replace(TINY, tasks=("affect",)), tmp_path / "one.parquet", detector=blind, folder=tmp_path / "c")


def test_a_task_that_the_data_has_nothing_for_is_refused(tmp_path: Path, blind: FakeDetector) -> None:
    root = folders(tmp_path / "faces", {"happy": [(60, 60)] * 5, "sad": [(60, 60)] * 5})
    with pytest.raises(UsageError, match="task votes: no row has shares of votes; tasks this data has: classes"):
        read_data(dataclasses.replace(TINY, tasks=("votes",)), root, detector=blind, folder=tmp_path / "c")


def test_the_second_time_nothing_is_looked_for(fer_file: Path, tmp_path: Path) -> None:
    class Counting(FakeDetector):
        calls = 0

        def __call__(self, image):
            type(self).calls += 1
            return super().__call__(image)

    from mien.types import Faces

    detector = Counting(Faces.none())
    first, second = (read_data(TINY, fer_file, detector=detector, folder=tmp_path / "c") for _ in range(2))
    assert Counting.calls == len(first.train) + len(first.judge)
    assert first.hash == second.hash
    np.testing.assert_array_equal(first.train.pictures, second.train.pictures)


def test_the_hash_is_of_what_is_learnt(fer_file: Path, tmp_path: Path, blind: FakeDetector) -> None:
    def hash_of(path: Path) -> str:
        found: TrainData = read_data(TINY, path, detector=blind, folder=tmp_path / "c")
        return found.hash

    assert hash_of(fer_file) == hash_of(fer_file)
    assert hash_of(fer_file) != hash_of(write_fer(tmp_path / "fer2.npz", n=300, seed=1))


def test_equal_files_stay_on_one_side(tmp_path: Path, blind: FakeDetector) -> None:
    root = folders(tmp_path / "faces", {"happy": [(60, 60)] * 8, "sad": [(60, 60)] * 8})
    for label in ("happy", "sad"):
        for i in range(8):
            (root / label / f"again{i}.png").write_bytes((root / label / f"{i}.png").read_bytes())
    found = read_data(CLASSES, root, detector=blind, folder=tmp_path / "c")
    sides = [{Path(name).stem.removeprefix("again") + Path(name).parent.name for name in rows.ids} for rows in (found.train, found.judge)]
    assert not sides[0] & sides[1]
    assert len(found.train) + len(found.judge) == 32


def test_mirrored_copies_saved_anew_stay_on_one_side(tmp_path: Path, blind: FakeDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.train import look_alikes

    for label in ("happy", "sad"):
        (tmp_path / "faces" / label).mkdir(parents=True)
        for i in range(15):
            picture = cv2.resize(noise(6, 6, seed=i + 100 * len(label)), (64, 64), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(tmp_path / "faces" / label / f"{i}.png"), picture)
            cv2.imwrite(str(tmp_path / "faces" / label / f"{i}-again.jpg"), picture[:, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    said: list[str] = []

    def read() -> TrainData:
        return read_data(CLASSES, tmp_path / "faces", detector=blind, folder=tmp_path / "c", say=said.append)

    found = read()
    train, judge = ({str(Path(name).with_suffix("")).removesuffix("-again") for name in rows.ids} for rows in (found.train, found.judge))
    assert not train & judge
    assert (len(found.train), len(found.judge)) == (48, 12)
    told = "looking for look-alikes among 60 pictures, which are held out together"
    assert told in said
    said.clear()
    monkeypatch.setattr(look_alikes, "measure", None)  # nothing is looked for again
    assert read().judge.ids == found.judge.ids
    assert told not in said


def test_pictures_in_a_damaged_part_of_a_manifest_are_left_out(tmp_path: Path, blind: FakeDetector) -> None:
    """A row group that cannot be read raises DataError, a missing file SourceError: to a training they are the same."""
    pixels = InArray(noise(6, 48, 48))

    def damaged(row: int) -> bytes:
        if row < 2:
            raise DataError("m.parquet: row group 0 cannot be read")
        return pixels(row)

    manifest = Manifest({"id": [str(i) for i in range(6)], "width": [48] * 6, "height": [48] * 6}, [damaged])
    assert _all_grey(manifest)
    cache = RowCache(tmp_path, Keeping.of(CLASSES, manifest, colour=False), blind, "blind")
    for _ in range(2):  # the second time from the disk, where it asks whether there is more to read
        assert cache.rows("train", manifest, silent).read.tolist() == [False, False, True, True, True, True]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npy", ".npz"]


def test_damaged_pictures_of_a_manifest_are_not_learnt_from(tmp_path: Path, blind: FakeDetector) -> None:
    """Manifests of earlier versions hold them; a folder is read without them."""
    folders(tmp_path / "faces", {"happy": [(48, 48)] * 6, "sad": [(48, 40)] * 6})
    files = sorted((tmp_path / "faces").rglob("*.png"))
    files[1].write_bytes(files[1].read_bytes()[:-500])
    Manifest({"id": [str(i) for i in range(12)], "path": list(map(str, files)), "label": ["happy"] * 6 + ["sad"] * 6}).write(
        tmp_path / "old.parquet", inside=True
    )
    found: list[Report] = []
    data = read_data(CLASSES, tmp_path / "old.parquet", detector=blind, folder=tmp_path / "c", held_out="files", reported=found.append)
    assert sorted((*data.train.ids, *data.judge.ids), key=int) == [str(i) for i in range(12) if i != 1]
    assert [(problem.kind, problem.item) for report in found for problem in report.problems] == [("damaged picture", "1")]


def test_what_cannot_be_taken_is_reported_by_name(tmp_path: Path, blind: FakeDetector) -> None:
    """As it is known: a folder that is no emotion and a file that is no picture, then a picture of a manifest that has gone."""
    root = folders(tmp_path / "faces", {"happy": [(48, 48)] * 5, "sad": [(48, 40)] * 5, "furious": [(48, 44)] * 2})
    (root / "sad" / "9.png").write_bytes(b"no picture")
    files = sorted((tmp_path / "faces" / "happy").glob("*.png"))
    Manifest({"id": ["first", "second"], "path": [str(files[0]), str(tmp_path / "gone.png")], "label": ["happy"] * 2}).write(
        tmp_path / "m.parquet"
    )
    found: list[Report] = []
    said: list[str] = []
    read_data(
        CLASSES, [root, tmp_path / "m.parquet"], detector=blind, folder=tmp_path / "c", held_out="files", say=said.append,
        reported=found.append,
    )  # fmt: skip
    problems = [(problem.kind, Path(problem.item).name) for report in found for problem in report.problems]
    assert sorted(problems) == [
        ("corrupt picture", "9.png"),
        ("missing picture", "second"),
        *[("unknown label", f"{i}.png") for i in range(2)],
    ]
    assert not any("unknown label" in line or "corrupt" in line for line in said)  # told once, by whoever takes the reports


def test_what_is_held_out_in_one_set_is_not_learnt_from_another(tmp_path: Path, blind: FakeDetector) -> None:
    """The same pictures with splits and without, as when a folder is given beside its own manifest."""
    pixels = noise(12, 48, 48)
    columns = {"id": [str(i) for i in range(12)], "label": ["happy", "sad"] * 6, "split": ["train"] * 6 + ["val"] * 3 + ["test"] * 3}
    split = Manifest(columns, [InArray(pixels)])
    split.write(tmp_path / "split.parquet", inside=True)
    whole = Manifest({"id": [f"w{i}" for i in range(12)], "label": ["happy", "sad"] * 6, "split": ["train"] * 12}, [InArray(pixels)])
    whole.write(tmp_path / "whole.parquet", inside=True)
    paths = [tmp_path / "split.parquet", tmp_path / "whole.parquet"]
    said: list[str] = []
    found = read_data(CLASSES, paths, detector=blind, folder=tmp_path / "c", say=said.append)
    assert {int(name.lstrip("w")) for name in found.train.ids} == set(range(6))
    assert any("6 rows with the same file in another split" in line for line in said)


def test_data_without_labels_train_and_ship(tmp_path: Path, blind: FakeDetector) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[train]'")
    from mien.train.export import export
    from mien.train.fit import fit

    rng = np.random.default_rng(0)
    columns = {
        "id": [str(i) for i in range(48)], "split": ["train"] * 32 + ["val"] * 16,
        "valence": rng.uniform(-1, 1, 48), "arousal": rng.uniform(-1, 1, 48),
    }  # fmt: skip
    Manifest(columns, [InArray(noise(48, 48, 48))]).write(tmp_path / "m.parquet")
    config = dataclasses.replace(TINY, tasks=("affect",), epochs=1, small_epochs=0, smoothing=0.1)
    found = read_data(config, tmp_path / "m.parquet", detector=blind, folder=tmp_path / "c")
    card = export(config, fit(config, found, tmp_path / "run").state, found, tmp_path / "out")
    assert list(card.outputs) == ["affect"]


def test_after_a_disk_was_away_its_landmarks_are_there(tmp_path: Path) -> None:
    """What was kept while some pictures could not be read would stay, without their landmarks."""
    from mien.types import Faces, Image

    root = folders(tmp_path / "faces", {"happy": [(48, 48)] * 5, "sad": [(48, 40)] * 5})
    files = sorted(root.rglob("*.png"))
    columns = {"id": [str(i) for i in range(10)], "path": [str(file) for file in files], "label": [file.parent.name for file in files]}
    columns["sha256"] = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    Manifest(columns | {"split": ["val" if i % 5 == 4 else "train" for i in range(10)]}).write(tmp_path / "m.parquet")
    face, looked = Faces(np.array([[96, 96, 192, 192]], np.float32), np.ones(1), np.full((1, 5, 2), 144, np.float32)), list[int]()

    def see(image: Image) -> Faces:
        looked.append(1)
        return face

    seeing = FakeDetector(see)

    def read() -> TrainData:
        return read_data(CLASSES, tmp_path / "m.parquet", detector=seeing, folder=tmp_path / "c", say=said.append)

    said: list[str] = []
    away = files[0].rename(tmp_path / "away.png")
    assert len(read().train) == 7
    assert "left out: 1 pictures that cannot be read" in said
    before = len(looked)
    assert len(read().train) == 7
    assert len(looked) == before  # what was found is kept, though one is still away
    away.rename(files[0])
    found = read()
    assert len(found.train) == 8
    assert np.isfinite(found.train.points).all()


def test_duplicates_are_left_out_of_any_data_that_they_are_of(tmp_path: Path, blind: FakeDetector) -> None:
    usage = ["Training"] * 12 + ["PublicTest"] * 6
    pictures = noise(18, 48, 48)
    lines = [
        f"{3 + i % 2},{' '.join(map(str, picture.ravel()))},{part}" for i, (picture, part) in enumerate(zip(pictures, usage, strict=True))
    ]
    (tmp_path / "fer2013.csv").write_text("emotion,pixels,Usage\n" + "\n".join(lines) + "\n")
    np.savez(tmp_path / "marks.npz", duplicate=np.arange(18) < 4, nearest_row=np.arange(18))
    marks = tmp_path / "marks.npz"
    said: list[str] = []

    def read(*paths: Path, duplicates: Path | None = None) -> TrainData:
        return read_data(CLASSES, paths, detector=blind, folder=tmp_path / "c", duplicates=duplicates, say=said.append)

    assert len(read(tmp_path / "fer2013.csv").train) == 12
    assert len(read(tmp_path / "fer2013.csv", duplicates=marks).train) == 8
    assert "left out: 4 rows with a copy in another split" in said
    other = folders(tmp_path / "faces", {"happy": [(60, 60)] * 5, "sad": [(60, 50)] * 5})
    assert len(read(tmp_path / "fer2013.csv", other, duplicates=marks).train) == 8 + 10
    columns = {"id": [str(i) for i in range(18)], "label": ["happy", "sad"] * 9, "split": ["train"] * 12 + ["val"] * 6}
    whole = Manifest(columns, [InArray(pictures)])
    whole.with_columns(note=["copy in another split"] * 5 + [""] * 13).write(tmp_path / "noted.parquet", inside=True)
    for given in (None, marks):
        assert len(read(tmp_path / "noted.parquet", duplicates=given).train) == 7
    whole.write(tmp_path / "bare.parquet", inside=True)
    for paths in ([other], [tmp_path / "bare.parquet"], [other, tmp_path / "bare.parquet"]):
        with pytest.raises(UsageError, match=r"no rows that .*marks\.npz could mark; wanted FER-2013"):
            read(*paths, duplicates=marks)
    with pytest.raises(UsageError, match=r"duplicates: .*none\.npz: no such file"):
        read(tmp_path / "fer2013.csv", duplicates=tmp_path / "none.npz")
    with pytest.raises(UsageError, match="network conv_lstm learns from clips; leave it out"):
        read_data(changed(CLASSES, {"net": "conv_lstm", "settings.widths": None, "settings.size": None}), other, detector=blind,
                  folder=tmp_path / "c", duplicates=marks)  # fmt: skip


def test_two_files_in_the_form_of_fer_2013_are_two_data_sets(tmp_path: Path, blind: FakeDetector) -> None:
    for seed, name in enumerate(("a", "b")):
        rows = [f'{3 + i % 2},"{" ".join(map(str, noise(64, seed=100 * seed + i)))}"\n' for i in range(10)]
        (tmp_path / f"{name}.csv").write_text("emotion,pixels\n" + "".join(rows))
    found = read_data(CLASSES, [tmp_path / "a.csv", tmp_path / "b.csv"], detector=blind, folder=tmp_path / "c")
    assert sorted([*found.train.ids, *found.judge.ids]) == sorted(f"{name}/{i}" for name in "ab" for i in range(10))
