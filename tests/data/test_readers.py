"""Every layout of data, what it gives and what it reports."""

import csv
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from mien.data.labelled import read_labelled
from mien.data.manifest import Manifest
from mien.data.measures import measure
from mien.data.readers.draft import reopened, unlike
from mien.data.readers.recognise import drafted, read_any, refuse_to_recode, sources_of
from mien.data.readers.report import Problem, Report, write_problems
from mien.errors import DataError, SourceMissing, UnknownName, UsageError
from mien.io.events import Failure
from mien.io.images import IsDamaged
from mien.labels import EMOTIONS
from tests.data.conftest import write_fer


def picture(path: Path, value: int = 100, size: tuple[int, int] = (30, 20)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", size, (value, value, value)).save(path)
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def column(manifest: Manifest, name: str) -> list[object]:
    return list(manifest[name].tolist())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "faces"
    for i, name in enumerate(("0_Angry", "happiness", "holiday", "happiness/more")):
        picture(root / name / f"{i} ß.png", 10 * i)
    (root / "happiness" / "broken.jpg").write_bytes(b"no picture")
    (root / "happiness" / "Thumbs.db").write_bytes(b"x")
    (root / "happiness" / ".hidden.png").write_bytes(b"x")
    (root / "fear").mkdir()
    return root


def test_folder_per_emotion(folder: Path) -> None:
    manifest, report = read_any(folder)
    assert column(manifest, "id") == ["faces/0_Angry/0 ß.png", "faces/happiness/1 ß.png", "faces/happiness/more/3 ß.png"]
    assert column(manifest, "label") == ["anger", "happy", "happy"]
    assert (column(manifest, "width"), column(manifest, "height")) == ([30] * 3, [20] * 3)
    data = Path(manifest["path"][1]).read_bytes()
    assert manifest["sha256"][1] == hashlib.sha256(data).hexdigest()
    assert manifest.picture(1)[0, 0].tolist() == [10, 10, 10]
    assert report.counts() == {"unknown label": 1, "other file": 1, "corrupt picture": 1, "empty class": 1}
    assert {Path(problem.item).name for problem in report.problems} == {"2 ß.png", "Thumbs.db", "broken.jpg", "fear"}


def test_a_class_whose_pictures_are_all_corrupt_is_empty(tmp_path: Path) -> None:
    picture(tmp_path / "set" / "sad" / "a.png")
    write(tmp_path / "set" / "fear" / "a.png", "no picture")
    manifest, report = read_any(tmp_path / "set")
    assert manifest.counts() == {"sad": 1}
    assert [problem.item for problem in report.of("empty class")] == ["fear"]


def test_folders_of_splits(tmp_path: Path) -> None:
    for split, name in (("train", "happy"), ("train", "sad"), ("test", "happy"), ("validation", "neutral")):
        picture(tmp_path / split / name / "x.png")
    (tmp_path / "test" / "sad").mkdir()
    manifest, report = read_any(tmp_path, source="fer")
    found = list(zip(manifest["split"], manifest["label"], strict=True))
    assert sorted(found) == [("test", "happy"), ("train", "happy"), ("train", "sad"), ("val", "neutral")]
    assert "fer/test/happy/x.png" in manifest["id"]
    assert report.problems == [Problem("empty class", "test/sad", "no usable picture of this class")]


def test_a_folder_without_emotions(tmp_path: Path) -> None:
    picture(tmp_path / "cats" / "x.png")
    with pytest.raises(DataError, match="named after emotions; found folders cats"):
        read_any(tmp_path)
    with pytest.raises(SourceMissing, match="wanted a folder per emotion"):
        read_any(tmp_path / "none")
    with pytest.raises(DataError, match="wanted a folder per emotion"):
        read_any(write(tmp_path / "x.txt", "x"))


def test_kaggle_csv(tmp_path: Path) -> None:
    for i, name in enumerate(("anger/0.jpg", "happy/1.jpg", "sad/2.jpg")):
        picture(tmp_path / "train" / name, 40 * i)
    text = ",image_path,emotion\n0,./train/anger/0.jpg,anger\n1,./train/happy/1.jpg,happy\n2,./train/sad/2.jpg,bored\n"
    manifest, report = read_any(write(tmp_path / "train.csv", text + "3,./train/sad/9.jpg,sad\n4,./train/sad/2.jpg\n\n"))
    assert column(manifest, "label") == ["anger", "happy"]
    assert column(manifest, "id") == ["train/train/anger/0.jpg", "train/train/happy/1.jpg"]
    assert report.counts() == {"unknown label": 1, "row that cannot be used": 1, "missing picture": 1, "empty class": 1}
    assert report.of("unknown label")[0].why == "labelled 'bored', which is no emotion"
    assert report.of("row that cannot be used")[0].item == "train.csv:6"
    assert column(read_any(tmp_path / "train.csv", root=tmp_path)[0], "path") == column(manifest, "path")


def test_csv_with_more_columns_codes_and_repeats(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    text = "Path|Label"
    with pytest.raises(DataError, match=r"found columns path\|label; wanted image_path and emotion"):
        read_any(write(tmp_path / "odd.csv", text))
    text = "\ufeffPath, Label, Usage,subject,valence,arousal\na.png,3,Training,p1,0.5,-0.25\na.png,3.0,PrivateTest,p2,,\na.png,9,x,p,0,0\n"
    manifest, report = read_any(write(tmp_path / "set.csv", text), labels="fer7")
    assert column(manifest, "label") == ["happy", "happy"]
    assert column(manifest, "id") == ["set/a.png", "set/a.png#2"]
    assert column(manifest, "split") == ["train", "test"]
    assert column(manifest, "subject") == ["p1", "p2"]
    np.testing.assert_array_equal(manifest["valence"], np.array([0.5, np.nan], np.float32))
    assert column(manifest, "affect_from") == ["set", ""]
    assert report.counts() == {"unknown label": 1}
    with pytest.raises(UnknownName):
        read_any(tmp_path / "set.csv", labels="fer77")


@pytest.mark.parametrize("named", ["split", "Usage"])
def test_a_row_of_an_unknown_split_is_not_taken_for_one_without(tmp_path: Path, named: str) -> None:
    for i in range(5):
        picture(tmp_path / f"{i}.png", i)
    rows = [f"{i}.png,happy,{word}" for i, word in enumerate(("train", "holdout", " Testing ", "", "nan"))]
    paths = write(tmp_path / "set.csv", "\n".join([f"image_path,emotion,{named}", *rows]))
    fer = write(tmp_path / "fer2013.csv", "\n".join(["emotion,pixels,Usage", *(f'3,"{GREY}",{row.split(",")[2]}' for row in rows), ""]))
    for path, items in ((paths, ["1.png", "4.png"]), (fer, ["row 1", "row 4"])):
        manifest, report = read_any(path)
        assert column(manifest, "split") == ["train", "test", ""]
        bad = report.of("row that cannot be used")
        assert [problem.item for problem in bad] == items
        assert bad[0].why.startswith("split 'holdout'; wanted one of train, training, val, ")
        left_out = read_labelled(path, "fer7", split="train").left_out
        assert [count for reason, count in left_out.items() if "'holdout'" in reason] == [1]


@pytest.mark.parametrize("head", ["emotion,pixels,Usage", "emotion, Usage, pixels"])
def test_fer_csv_gives_the_pixels_back(tmp_path: Path, head: str) -> None:
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (3, 48, 48), np.uint8)
    order = [name.strip() for name in head.split(",")]
    rows = []
    for emotion, usage, pixels in zip((0, 3, 6), ("Training", "PublicTest", "PrivateTest"), pictures, strict=True):
        cells = {"emotion": str(emotion), "Usage": usage, "pixels": " ".join(map(str, pixels.ravel()))}
        rows.append(",".join(cells[name] for name in order))
    manifest, report = read_any(write(tmp_path / "fer2013.csv", "\n".join([head, *rows, ""])))
    assert column(manifest, "label") == ["anger", "happy", "neutral"]
    assert column(manifest, "split") == ["train", "val", "test"]
    for i in range(3):
        np.testing.assert_array_equal(np.asarray(Pillow.open(io.BytesIO(manifest.bytes_of(i)))), pictures[i])
    assert report.counts() == {"empty class": 18}  # six of seven classes in each of three splits
    assert np.isnan(manifest["shares"]).all()


VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
GREY = " ".join(["7"] * 16)


def test_fer_csv_with_votes_beside(tmp_path: Path) -> None:
    rows = [
        f'0,"{GREY}",Training',
        f'3,"{GREY} 7",Training',
        f'8,"{GREY}",Training',
        f'4,"{GREY}",Training',
        "4,x",
        f'5,"{GREY} 999",Training',
    ]
    write(tmp_path / "fer2013.csv", "\r\n".join(["emotion,pixels,Usage", *rows, ""]))
    write(tmp_path / "fer2013new.csv", VOTES + "Training,a.png,0,0,0,4,6,0,0,0,0,0\n" * 3 + "Training,,0,0,0,0,0,0,0,0,0,10\n" * 3)
    manifest, report = read_any(tmp_path / "fer2013.csv")
    assert column(manifest, "id") == ["fer2013/0", "fer2013/3"]
    assert manifest["shares"][0, [EMOTIONS.index("sad"), EMOTIONS.index("anger")]].tolist() == pytest.approx([0.4, 0.6])
    assert manifest["shares"][1, EMOTIONS.index("uncertain")] == 1
    assert column(manifest, "note") == ["", "the crowd: not a face"]
    del report.problems[[p.kind for p in report.problems].index("empty class") :]
    assert report.counts() == {"unknown label": 1, "row that cannot be used": 1, "corrupt picture": 2}
    assert [p.why.partition(": ")[2] for p in report.of("corrupt picture")] == [
        "17 pixels, which is not the square of a side", "pixels that are no whole numbers 0..255",
    ]  # fmt: skip


def test_votes_of_other_rows_are_refused(tmp_path: Path) -> None:
    fer = write(tmp_path / "fer2013.csv", f'emotion,pixels,Usage\n0,"{GREY}",Training\n1,"{GREY}",PublicTest\n')
    for votes, said in (
        ("Training" + ",1" * 11 + "\n", "1 rows of votes for 2 rows"),
        ("Training" + ",1" * 11 + "\nPrivateTest" + ",1" * 11 + "\n", "'PublicTest' in FER-2013's file and 'PrivateTest' in FER"),
        ("Training" + ",x" * 11 + "\n", "wanted 10 whole numbers"),
    ):
        with pytest.raises(DataError, match=said):
            read_any(fer, votes=write(tmp_path / "votes.csv", VOTES + votes))
    with pytest.raises(DataError, match="votes, which have no pictures"):
        read_any(tmp_path / "votes.csv")


def test_affectnet(tmp_path: Path) -> None:
    photo = np.zeros((60, 80, 3), np.uint8)
    photo[10:40, 20:60] = (0, 0, 200)
    root = tmp_path / "Manually_Annotated_Images" / "689"
    root.mkdir(parents=True)
    cv2.imwrite(str(root / "a.png"), photo)
    head = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n"
    rows = ["689/a.png,20,10,40,30,1;2,1,0.785,-0.055", "689/a.png,70,50,40,30,1;2,7,-2,-2", "689/a.png,,,,,,9,0,0"]
    rows += [
        "689/a.png,20,10,40,30,,10,-2,-2",
        "689/a.png,20,10,40,30,,8,-2,-2",
        "689/b.png,20,10,40,30,,0,0,0",
        "689/a.png,500,10,40,30,,0,0,0",
    ]
    manifest, report = read_any(write(tmp_path / "validation.csv", head + "\n".join(rows)))
    assert column(manifest, "label") == ["happy", "contempt", "uncertain"]
    assert column(manifest, "split") == ["val"] * 3
    assert (column(manifest, "width"), column(manifest, "height")) == ([40, 10, 80], [30, 10, 60])
    assert (manifest.picture(0) == (200, 0, 0)).all()
    assert column(manifest, "parent") == [str(root / "a.png")] * 2 + [""]
    np.testing.assert_array_equal(manifest["valence"], np.array([0.785, np.nan, 0], np.float32))
    np.testing.assert_array_equal(manifest["arousal"], np.array([-0.055, np.nan, 0], np.float32))
    assert column(manifest, "affect_from") == ["affectnet", "", "affectnet"]
    assert [p.why for p in report.of("unknown label")] == ["expression 10: no face", "expression 8: none of the eight"]
    assert (len(report.of("missing picture")), len(report.of("corrupt picture"))) == (1, 1)


def test_jaffe_and_ckplus_as_distributed(tmp_path: Path) -> None:
    for name in ("KA.AN1.39.tiff", "KM.SU3.16.tiff", "YM.NE2.50.tiff"):
        picture(tmp_path / "jaffe" / name)
    write(tmp_path / "jaffe" / "README.txt", "x")
    picture(tmp_path / "jaffe" / "other.png")
    manifest, report = read_any(tmp_path / "jaffe")
    assert column(manifest, "label") == ["anger", "surprise", "neutral"]
    assert column(manifest, "subject") == ["KA", "KM", "YM"]
    assert report.counts() == {"other file": 1, "unknown label": 1}

    root = tmp_path / "CK+"
    for i in range(1, 7):
        picture(root / "cohn-kanade-images" / "S005" / "001" / f"S005_001_{i:08d}.png", i)
    picture(root / "cohn-kanade-images" / "S010" / "002" / "S010_002_00000001.png")
    write(root / "Emotion" / "S005" / "001" / "S005_001_00000006_emotion.txt", "   3.0000000e+00\n")
    write(root / "Emotion" / "S010" / "002" / "S010_002_00000001_emotion.txt", "   1.0000000e+00\n")
    write(root / "Emotion" / "S011" / "002" / "S011_002_00000001_emotion.txt", "?")
    manifest, report = read_any(root)
    assert column(manifest, "label") == ["neutral", "disgust", "disgust", "disgust"]
    assert [manifest.picture(i)[0, 0, 0] for i in range(4)] == [1, 4, 5, 6]
    assert column(manifest, "subject") == ["S005"] * 4
    assert report.counts() == {"row that cannot be used": 1, "unknown label": 1}

    picture(tmp_path / "CK+48" / "anger" / "S010_004_00000017.png")
    assert column(read_any(tmp_path / "CK+48")[0], "subject") == ["S010"]


def test_arrays_of_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 9, 3), np.uint8)
    np.savez(
        tmp_path / "set.npz", pixels=pixels, label=[0, 1, 2, 0], classes=["Happiness", "bored", "Angry", "fear"],
        subject=["a", "b", "a", "c"], name=["x", "x", "y", "z"],
    )  # fmt: skip
    manifest, report = read_any(tmp_path / "set.npz")
    assert column(manifest, "id") == ["set/x", "set/y", "set/z"]
    assert column(manifest, "subject") == ["a", "a", "c"]
    for i, row in enumerate((0, 2, 3)):
        np.testing.assert_array_equal(manifest.picture(i), pixels[row])
    assert report.problems == [
        Problem("unknown label", "x#2", "labelled 'bored', which is no emotion"),
        Problem("empty class", "fear", "no usable picture of this class"),
    ]
    np.savez(tmp_path / "other.npz", x=[1])
    with pytest.raises(DataError, match="found arrays x; wanted pixels, label, classes"):
        read_any(tmp_path / "other.npz")
    write(tmp_path / "bad.npz", "x")
    with pytest.raises(DataError, match="cannot be read"):
        read_any(tmp_path / "bad.npz")


def test_fer_as_arrays(tmp_path: Path) -> None:
    path = write_fer(tmp_path / "fer.npz", n=20)
    np.savez(tmp_path / "fer_duplicates.npz", duplicate=np.arange(20) == 2, nearest_row=np.arange(20)[::-1])
    manifest, _ = read_any(path)
    assert column(manifest, "split") == ["train"] * 10 + ["val"] * 5 + ["test"] * 5
    assert column(manifest, "note") == ["", "", "copy in another split: fer/17"] + [""] * 17
    assert manifest["shares"][3, EMOTIONS.index("happy")] == pytest.approx(0.7)
    with np.load(path) as file:
        a, b = file["offsets"][4:6]
        assert manifest.bytes_of(4) == file["webp"][a:b].tobytes()


def test_a_manifest_is_read_as_it_is(folder: Path, tmp_path: Path) -> None:
    manifest, _ = read_any(folder)
    manifest.write(tmp_path / "set.parquet", inside=True)
    back, report = read_any(tmp_path / "set.parquet")
    assert column(back, "sha256") == column(manifest, "sha256")
    assert [back.bytes_of(i) for i in range(3)] == [manifest.bytes_of(i) for i in range(3)]
    assert report.problems == []


def test_a_draft_opens_no_picture(folder: Path) -> None:
    manifest, report = drafted(folder)
    assert len(manifest) == 4  # the corrupt one is not known yet
    assert column(manifest, "sha256") == [""] * 4
    assert report.counts() == {"unknown label": 1, "other file": 1, "empty class": 1}


def test_progress_is_told(folder: Path) -> None:
    told: list[int] = []

    class Bar:
        def __init__(self, total: int) -> None:
            told.append(-total)

        def __enter__(self) -> Callable[[int], None]:
            return told.append

        def __exit__(self, *_: object) -> None:
            told.append(0)

    read_any(folder, progress=Bar)
    assert told == [-4, 1, 2, 3, 4, 0]


def test_the_list_of_problems(tmp_path: Path) -> None:
    one, two = Report("a"), Report("b")
    one.add("unknown label", Path("x, y"), 'said "so"')
    two.add("empty class", "fear", "none")
    write_problems([one, two], tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["source", "kind", "item", "why"], ["a", "unknown label", "x, y", 'said "so"'], ["b", "empty class", "fear", "none"],
        ]  # fmt: skip


def test_names_are_made_unlike() -> None:
    assert unlike(["a", "b", "a", "a"]) == ["a", "b", "a#2", "a#3"]


def test_any_layout_can_be_judged_on(folder: Path, tmp_path: Path) -> None:
    """What `mien evaluate` sees of a manifest is what it sees of the data themselves."""
    straight = read_labelled(folder, "fer7")
    read_any(folder)[0].write(tmp_path / "set.parquet")
    by_manifest = read_labelled(tmp_path / "set.parquet", "fer7")
    assert by_manifest.sources == ("0_Angry/0 ß.png", "happiness/1 ß.png", "happiness/more/3 ß.png")
    assert set(by_manifest.sources) == set(straight.sources) - {"happiness/broken.jpg"}
    np.testing.assert_array_equal(by_manifest.readers[2](), straight.readers[straight.sources.index("happiness/more/3 ß.png")]())


def test_fer_by_manifest_is_judged_as_by_its_arrays(fer_file: Path, tmp_path: Path) -> None:
    read_any(fer_file)[0].write(tmp_path / "fer.parquet")
    for labels in ("fer7", "ferplus8"):
        one, two = (
            read_labelled(fer_file, labels, split="PrivateTest"),
            read_labelled(tmp_path / "fer.parquet", labels, split="PrivateTest"),
        )
        np.testing.assert_array_equal(one.true, two.true)
        assert one.affect is not None
        assert two.affect is not None
        np.testing.assert_allclose(one.affect, two.affect, atol=1e-6)
        for a, b in zip(one.pictures(), two.pictures(), strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(UsageError, match="wanted --split train, val, test; found None"):
        read_labelled(tmp_path / "fer.parquet", "fer7")


def fer_csv(path: Path, emotions: list[object], *, mark: str = ",") -> Path:
    """FER-2013's CSV with pictures of one grey value each, 0, 1, ..."""
    rows = [f'{emotion}{mark}"{" ".join([str(i)] * 16)}"{mark}Training' for i, emotion in enumerate(emotions)]
    return write(path, "\n".join([mark.join(("emotion", "pixels", "Usage")), *rows, ""]))


def test_fer_csv_with_names_or_with_pandas_floats(tmp_path: Path) -> None:
    emotions = ["sad", "4.0", " 4", "Happiness", "3.0", "6", "bored", "4.5", ""]
    manifest, report = read_any(fer_csv(tmp_path / "fer2013.csv", emotions))
    assert column(manifest, "label") == ["sad", "sad", "sad", "happy", "happy", "neutral"]
    assert [manifest.picture(i)[0, 0, 0] for i in range(6)] == [0, 1, 2, 3, 4, 5]
    assert [problem.why for problem in report.of("unknown label")] == [f"emotion {text!r}; wanted 0..6, or a name" for text in emotions[6:]]


def test_codes_counted_from_one_are_not_taken_for_their_neighbours(tmp_path: Path) -> None:
    for i in range(7):
        picture(tmp_path / f"{i}.png", i)
    wrong = "codes 1..7 found, 7 in . of .+ rows; fer7 has 0..6; counted from 1"
    with pytest.raises(DataError, match=wrong):
        read_any(fer_csv(tmp_path / "fer2013.csv", [*range(1, 8)]))
    paths = write(tmp_path / "set.csv", "\n".join(["image_path,emotion", *(f"{i}.png,{i + 1}" for i in range(7)), ""]))
    with pytest.raises(DataError, match=wrong):
        read_any(paths, labels="fer7")
    raf = ["surprise", "fear", "disgust", "happy", "sad", "anger", "neutral"]
    assert column(read_any(paths, labels="rafdb7")[0], "label") == raf
    assert column(read_any(tmp_path / "fer2013.csv", labels="rafdb7")[0], "label") == raf
    assert "mien data import --labels" in drafted(paths)[1].of("unknown label")[0].why
    path = write_fer(tmp_path / "fer.npz", n=14)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"emotion": arrays["emotion"] + 1})
    for read in (lambda: read_any(path), lambda: read_labelled(path, "fer7", split="train")):
        with pytest.raises(DataError, match=wrong):
            read()


@pytest.mark.parametrize("mark", [";", "\t"])
@pytest.mark.parametrize("above", ["", "sep="])
def test_cells_may_be_parted_as_spreadsheets_do(tmp_path: Path, mark: str, above: str) -> None:
    first = f"\ufeff{above}{mark}\r\n" if above else "\ufeff"
    fer = fer_csv(tmp_path / "fer2013.csv", [0, 3, 6], mark=mark)
    fer.write_text(first + fer.read_text("utf-8"), "utf-8")
    manifest, _ = read_any(fer)
    assert column(manifest, "label") == ["anger", "happy", "neutral"]
    assert [manifest.picture(i)[0, 0, 0] for i in range(3)] == [0, 1, 2]
    picture(tmp_path / "a.png")
    text = f"image_path{mark}emotion{mark}valence{mark}arousal\r\na.png{mark}happy{mark}0,5{mark}-0,25\r\n"
    manifest, _ = read_any(write(tmp_path / "set.csv", first + text))
    assert (manifest["valence"][0], manifest["arousal"][0]) == (0.5, -0.25)


def test_a_csv_in_utf_16_or_a_workbook_is_one_clear_line(tmp_path: Path) -> None:
    fer = fer_csv(tmp_path / "fer2013.csv", [0])
    for data, found in ((fer.read_text("utf-8").encode("utf-16"), "a CSV in UTF-16"), (b"PK\x03\x04\x14\x00\x06\x00", "binary data")):
        fer.write_bytes(data)
        with pytest.raises(DataError, match=rf"fer2013\.csv: {found}, wanted .* in UTF-8; save it again"):
            read_any(fer)


def test_codes_of_another_set_are_not_laid_over_fer_2013_in_silence(tmp_path: Path) -> None:
    fer, paths = fer_csv(tmp_path / "fer2013.csv", [0, 3]), write(tmp_path / "set.csv", "image_path,emotion\na.png,1\n")
    for several in ([fer, paths], [paths, fer], [fer, tmp_path]):
        with pytest.raises(UsageError, match=r"labels: found affectnet8, .* codes of .*fer2013\.csv too; .* import it apart"):
            refuse_to_recode(several, "affectnet8")
    for several, labels in (([fer, paths], ""), ([fer, paths], "fer7"), ([fer], "rafdb7"), ([fer, fer], "rafdb7"), ([paths], "rafdb7")):
        refuse_to_recode(several, labels)


def test_a_damaged_picture_is_left_out_and_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("whole", "half"):
        path = tmp_path / "set" / "happy" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    manifest, report = read_any(tmp_path / "set")
    assert column(manifest, "id") == ["set/happy/whole.jpg"]
    [problem] = report.problems
    assert (problem.kind, problem.item) == ("damaged picture", "set/happy/half.jpg")
    assert problem.why.startswith(f"{path}: the file is cut short or damaged (")
    later, unread = drafted(tmp_path / "set")[0], Report("set")  # whoever opens them later finds the same
    assert measure(later, threads=1).readable.tolist() == [False, True]
    reopened(later, [0, 1], unread)
    assert unread.problems == [problem]
    later.write(tmp_path / "set.parquet", inside=True)  # as manifests of earlier versions hold them
    for road in (tmp_path / "set", tmp_path / "set.parquet"):
        half, good = read_labelled(road, "fer7").readers
        assert good().shape == (64, 64, 3)
        with pytest.raises(IsDamaged, match="cut short or damaged"):
            half()
    [(_, lost), (_, kept)] = Manifest.read(tmp_path / "set.parquet").pictures()
    assert isinstance(lost, Failure)
    assert not isinstance(kept, Failure)


def test_rafdb_as_distributed(tmp_path: Path) -> None:
    root = tmp_path / "RAF" / "basic"
    lines = ["train_00001.jpg 5", "train_00002.jpg 4", "test_0001.jpg 1", "test_0002.jpg 9", "other_1.jpg 1", "test_0003.jpg 7", ""]
    write(root / "EmoLabel" / "list_patition_label.txt", "\n".join(lines))
    with pytest.raises(DataError, match="no folder Image/aligned or Image/original"):
        read_any(root)
    for i, name in enumerate(("train_00001", "train_00002", "test_0001")):
        picture(root / "Image" / "original" / f"{name}.jpg", 100 + 10 * i)
    assert [manifest.picture(0)[0, 0, 0] for manifest in (read_any(root)[0], read_any(tmp_path / "RAF")[0])] == [100, 100]
    for i, name in enumerate(("train_00001", "train_00002", "test_0001")):
        picture(root / "Image" / "aligned" / f"{name}_aligned.jpg", 10 * i)
    manifest, report = read_any(root)
    assert column(manifest, "id") == ["basic/train_00001.jpg", "basic/train_00002.jpg", "basic/test_0001.jpg"]
    assert column(manifest, "label") == ["sad", "happy", "surprise"]
    assert column(manifest, "split") == ["train", "train", "test"]
    assert [manifest.picture(i)[0, 0, 0] for i in range(3)] == [0, 10, 20]
    assert report.counts() == {"unknown label": 1, "row that cannot be used": 1, "missing picture": 1, "empty class": 1}
    assert report.of("unknown label")[0].item == "list_patition_label.txt:4"


def test_several_data_sets_have_names_of_their_own(tmp_path: Path) -> None:
    one, two, same = (fer_csv(tmp_path / name, [0, 3]) for name in ("train.csv", "test.csv", "more/train.csv"))
    assert sources_of([one]) == ["fer2013"]
    assert sources_of([one, two]) == ["train", "test"]
    assert sources_of([one, two, same]) == ["train", "test", "train#2"]
    assert sources_of([one, two], "mine") == ["mine", "mine#2"]
    picture(tmp_path / "faces" / "happy" / "a.png")
    assert sources_of([tmp_path / "faces", one, tmp_path / "none.csv"]) == ["faces", "fer2013", "none"]
    both = Manifest.concat(read_any(path, source=name)[0] for path, name in zip((one, two), sources_of([one, two]), strict=True))
    both.write(tmp_path / "set.parquet")
    assert column(both, "id") == ["train/0", "train/1", "test/0", "test/1"]


def test_a_competitions_folder_and_its_test_set_are_told_what_to_do_with(tmp_path: Path) -> None:
    fer_csv(tmp_path / "train.csv", [0])
    test = write(tmp_path / "test.csv", f'pixels\n"{GREY}"\n')
    with pytest.raises(DataError, match=r"found folders none; if the data set is a file in it, give that: test\.csv, train\.csv"):
        read_any(tmp_path)
    with pytest.raises(DataError, match=r"pixels without emotions.*mien submit MODEL .*test\.csv -o answers\.csv"):
        read_any(test)


@pytest.mark.shared_data
def test_the_real_sets(shared_data: Path) -> None:
    counts = {"anger": 3995, "disgust": 436, "fear": 4097, "happy": 7215, "neutral": 4965, "sad": 4830, "surprise": 3171}
    fer, _ = drafted(shared_data / "fer2013.npz")
    assert fer.where(fer["split"] == "train").counts() == counts
    assert sum("copy in another split" in note for note in fer["note"]) == 1608 + 535 + 565
    assert sum("not a face" in note for note in fer["note"]) >= 176
    ck, _ = read_any(shared_data / "ckplus48.npz")
    assert (len(ck), len(set(ck["subject"])), ck.counts()["contempt"]) == (981, 118, 54)
    jaffe, _ = read_any(shared_data / "jaffe.npz")
    assert (len(jaffe), len(set(jaffe["subject"])), set(jaffe["width"])) == (213, 10, {256})


def test_a_table_that_windows_wrote_parts_folders_otherwise(tmp_path: Path) -> None:
    """Where a file has that name, letter by letter, it is that one."""
    picture(tmp_path / "train" / "a.png")
    csv_file = write(tmp_path / "labels.csv", "image_path,emotion\ntrain\\a.png,happy\ntrain\\none.png,sad\n")
    manifest, report = read_any(csv_file)
    assert column(manifest, "id") == ["labels/train/a.png"]
    assert Path(manifest["path"][0]) == tmp_path / "train" / "a.png"
    assert [problem.item for problem in report.problems] == ["labels/train/none.png", "sad"]
    if os.sep == "/":
        odd = picture(tmp_path / "train\\a.png")
        assert read_any(csv_file)[0]["path"].tolist() == [str(odd)]
