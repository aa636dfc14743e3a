"""R0's balancing: the counts of its rule, who descends from whom, that it ends, repeats itself and goes on where it was."""

import csv
import hashlib
import inspect
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.cli.main import main
from mien.data.balance import SMOTE, BalanceOptions, balance, plan
from mien.data.balance_run import COPY, PERSON
from mien.data.generate import checked, face_count, picture_name
from mien.data.heldout import hold_out, kin
from mien.data.journal import Journal
from mien.data.manifest import Manifest
from mien.data.readers.folders import read_folder
from mien.errors import DataError, SourceMissing, SourceUnreadable, UnknownName, UsageError
from mien.io.images import decode
from mien.labels import EMOTIONS
from mien.testing import FakeDetector, planted_picture
from mien.types import Faces

SMALL = BalanceOptions(smote_value=8, image_size=64, suffix=".png", train_part=0.25)


def planted(image: np.ndarray) -> Faces:
    """The planted faces of a picture; none in one that was framed with grey, which would count as a face itself."""
    return Faces.none() if (image[0] == 128).all() else FakeDetector()(image)


FAKE = FakeDetector(planted)


def write(path: Path, emotion: str, shade: int = 0, faces: int = 1) -> Path:
    """A picture of 64x64 with planted faces; the shade of a corner makes it unlike the others."""
    boxes = [((12, 8, 52, 48), emotion)] if faces == 1 else [((2, 8, 26, 32), emotion), ((34, 8, 58, 32), emotion)][:faces]
    image, _ = planted_picture(boxes, (64, 64))
    image[-2:, -2:] = shade % 23
    image[:2, :2] = shade // 23
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def heap(tmp_path: Path) -> Path:
    """12 happy and 5 sad pictures that can be used, and some that cannot."""
    root = tmp_path / "heap"
    for i in range(12):
        write(root / "happy" / f"{i}.png", "happy", i)
    for i in range(5):
        write(root / "Sad" / f"{i}.png", "sad", i)
    write(root / "Sad" / "two.png", "sad", faces=2)
    write(root / "Sad" / "none.png", "sad", faces=0)
    return root


def manifest_of(root: Path) -> Manifest:
    files = sorted(path for path in root.rglob("*.png"))
    return Manifest(
        {
            "id": [path.relative_to(root).as_posix() for path in files],
            "path": list(map(str, files)),
            "label": [path.parent.name.lower() for path in files],
        }
    )


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its bytes; not the manifest, whose paths tell the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "manifest.parquet")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def turn(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A gen_model: light and a shift, by its own source of chance."""
    return np.roll(np.clip(image.astype(float) * rng.uniform(0.9, 1.1), 0, 255), rng.integers(-5, 6), axis=1)


@given(
    st.dictionaries(st.sampled_from(EMOTIONS), st.integers(0, 20_000)),
    st.integers(0, 10_000),
    st.one_of(st.just(1), st.floats(0, 3, allow_nan=False)),
)
def test_the_plan_is_r0s_rule(counts, smote_value, modify_coef):
    found = plan(counts, smote_value, modify_coef)
    assert list(found) == list(counts)
    for label, n in counts.items():
        kept, generated = found[label]
        assert kept == (n if n < smote_value else smote_value)
        lacking = smote_value - n if n < smote_value else 0
        assert generated <= lacking * modify_coef < generated + 1
        if modify_coef == 1:
            assert kept + generated == smote_value
        assert isinstance(generated, int)


def test_the_plan_on_fer_2013():
    counts = {"anger": 3995, "disgust": 436, "happy": 7215, "neutral": 4965}
    assert plan(counts) == {"anger": (3995, 1005), "disgust": (436, 4564), "happy": (5000, 0), "neutral": (4965, 35)}
    assert plan(counts, 5000, 0.5)["anger"] == (3995, 502)
    with pytest.raises(UsageError):
        plan({"happy": 3}, -1)


def test_counts_files_and_manifest(heap, tmp_path):
    out = tmp_path / "out"
    found = balance(manifest_of(heap), out, SMALL, gen_model="r3", detector=FAKE)
    happy, sad = found.classes["happy"], found.classes["sad"]
    assert (happy.found, happy.usable, happy.kept, happy.held_out, happy.wanted, happy.generated) == (12, 12, 8, 2, 0, 0)
    assert (sad.found, sad.usable, sad.kept, sad.held_out, sad.wanted, sad.generated, sad.missing) == (7, 5, 5, 1, 3, 3, 0)
    assert sorted(found.dropped) == [("Sad/none.png", "sad", "no face"), ("Sad/two.png", "sad", "several faces")]
    files = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert Counter(name.rsplit("/", 1)[0] for name in files) == {"train/happy": 6, "val/happy": 2, "train/sad": 7, "val/sad": 1}
    assert {path.name for path in out.iterdir()} == {"train", "val", "manifest.parquet", "dropped.csv", "balance.json"}
    written = Manifest.read(out / "manifest.parquet")
    assert {Path(path).relative_to(out).as_posix() for path in written["path"]} == files
    for i, path in enumerate(written["path"]):
        data = Path(path).read_bytes()
        assert hashlib.sha256(data).hexdigest() == written["sha256"][i]
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (64, 64, 3) == (written["height"][i], written["width"][i], 3)
        assert len(FAKE(image)) == 1  # the picture that is there, not the one that was checked
        assert Path(path).parts[-3:-1] == (written["split"][i], written["label"][i])
    with (out / "dropped.csv").open(newline="") as file:
        assert [tuple(row) for row in csv.reader(file)][1:] == found.dropped
    assert json.loads((out / "balance.json").read_text())["classes"]["sad"]["generated"] == 3


def test_no_generated_picture_descends_from_a_held_out_one(tmp_path):
    """With every picture there three times over, a random hold-out would leave copies on both sides."""
    root = tmp_path / "copies"
    for i in range(12):
        for copy in "abc":
            write(root / "fear" / f"{i}{copy}.png", "fear", i)
    found = balance(
        manifest_of(root), tmp_path / "out", BalanceOptions(80, image_size=0, suffix=".png", train_part=0.4), detector=FAKE
    ).manifest
    held = found.where(found["split"] == "val")
    made = found.where(found["parent"] != "")
    originals = found.where(found["parent"] == "")
    assert (len(held), len(made), len(originals)) == (15, 44, 36)  # of 14.4, in threes
    shades = {name: Path(root / name).read_bytes() for name in originals["id"]}
    assert not {shades[name] for name in held["id"]} & {shades[name] for name in made["parent"]}
    assert not {shades[name] for name in held["id"]} & {shades[name] for name in originals["id"][originals["split"] == "train"]}
    assert set(made["split"]) == {"train"}
    by_id = dict(zip(originals["id"], originals["path"], strict=True))
    for path, parent in zip(made["path"], made["parent"], strict=True):  # the name of the file says it too
        assert Path(path).name.startswith(f"{Path(by_id[parent]).stem}.g")


def test_a_manifest_with_splits_of_its_own(heap, tmp_path):
    manifest = manifest_of(heap)
    splits = np.where(manifest["label"] == "sad", "train", "").astype(object)
    test = list(manifest["id"]).index("Sad/3.png")
    splits[test] = "test"
    copy = tmp_path / "copy.png"
    copy.write_bytes((heap / "Sad" / "3.png").read_bytes())
    child = write(tmp_path / "child.png", "sad", 40)
    more = {"label": ["sad", "sad", ""], "split": ["train", "train", "train"], "parent": ["", "Sad/3.png", ""]}
    extra = Manifest({"id": ["copy", "child", "blank"], "path": [str(copy), str(child), str(child)]} | more)
    mixed = Manifest.concat([manifest.with_columns(split=splits), extra])
    found = balance(mixed, tmp_path / "out", BalanceOptions(8, image_size=0, copies=False, suffix=".png"), gen_model="r3", detector=FAKE)
    assert {name for name, _, reason in found.dropped if reason == COPY} == {"copy", "child"}
    assert ("blank", "", "no label") in found.dropped
    rows = found.manifest
    sad = rows.where(rows["label"] == "sad")
    assert Counter(sad["split"]) == {"train": 4 + 4, "test": 1}  # what has a split is not held out
    assert rows["path"][list(rows["id"]).index("Sad/3.png")] == str(heap / "Sad" / "3.png")
    assert Counter(rows["split"][rows["label"] == "happy"]) == {"train": 7, "val": 1}
    assert len(list((tmp_path / "out").rglob("*.png"))) == 4  # only new pictures take room
    assert "Sad/3.png" not in set(rows["parent"])
    assert Manifest.read(tmp_path / "out" / "manifest.parquet").counts() == {"happy": 8, "sad": 9}


def test_votes_and_affect_are_handed_down(tmp_path):
    path = write(tmp_path / "a.png", "sad")
    shares = np.zeros((1, 9), np.float32)
    shares[0, 6] = 1
    one = Manifest({"id": ["a"], "path": [str(path)], "label": ["sad"], "shares": shares, "valence": [-0.5], "subject": ["S1"]})
    made = balance(one, tmp_path / "out", BalanceOptions(3, image_size=0, suffix=".png"), gen_model="r3", detector=FAKE).manifest
    assert list(made["parent"]) == ["", "a", "a"]
    assert (made["shares"] == shares).all()
    assert list(made["valence"]) == [-0.5] * 3
    assert list(made["subject"]) == ["S1"] * 3
    assert list(made["note"]) == ["", "generated: recipe r3", "generated: recipe r3"]
    assert len(set(made["sha256"])) == 3


def test_the_same_bytes_whatever_the_workers(heap, tmp_path):
    trees = []
    for name, workers in (("a", 1), ("b", 4), ("c", 3)):
        balance(manifest_of(heap), tmp_path / name, BalanceOptions(20, image_size=64, suffix=".png"), detector=FAKE, workers=workers)
        trees.append(tree(tmp_path / name))
    assert trees[0] == trees[1] == trees[2]
    balance(manifest_of(heap), tmp_path / "d", BalanceOptions(20, image_size=64, suffix=".png", seed=1), detector=FAKE)
    assert tree(tmp_path / "d") != trees[0]


class Interrupted:
    """A gen_model that is stopped at its nth call, as by Ctrl-C."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.calls = at, 0

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return turn(image, rng)


@pytest.mark.parametrize("at", [1, 5, 9])
def test_an_interrupted_run_goes_on_to_the_same_result(heap, tmp_path, at):
    options = BalanceOptions(14, image_size=64, suffix=".png")
    whole = balance(manifest_of(heap), tmp_path / "whole", options, gen_model=Interrupted(), detector=FAKE)
    out = tmp_path / "broken"
    first = Interrupted(at)
    with pytest.raises(KeyboardInterrupt):
        balance(manifest_of(heap), out, options, gen_model=first, detector=FAKE)
    assert not (out / "balance.json").exists()
    assert not (out / "manifest.parquet").exists()
    assert not list(out.rglob("*.part"))
    with (out / "balance.journal").open("ab") as file:
        file.write(b'["try 3 0", ["half a li')  # what a power cut leaves
    made = sorted(out.rglob("*.g*.png"))
    if made:
        made[0].write_bytes(made[0].read_bytes()[:100])  # and that its name was written before its contents
    kept = next(iter(sorted((out / "train" / "happy").glob("*.png"))))
    kept.write_bytes(b"")
    again = Interrupted()
    second = balance(manifest_of(heap), out, options, gen_model=again, detector=FAKE)
    assert tree(out) == tree(tmp_path / "whole")
    assert second.to_json() == whole.to_json()
    assert again.calls == 11 - (at - 1) + bool(made)  # of 2 + 9 that were wanted; what was done is not done again
    assert not (out / "balance.journal").exists()


def test_damaged_pictures_are_dropped_and_teach_nothing(heap, tmp_path):
    half = heap / "happy" / "3.png"
    half.write_bytes(half.read_bytes()[: half.stat().st_size * 2 // 3])
    assert decode(half.read_bytes(), name="x").damage  # something of it can be seen
    made = balance(manifest_of(heap), tmp_path / "out", SMALL, gen_model=turn, detector=FAKE)
    assert [(name, reason) for name, _, reason in made.dropped if name.startswith("happy")] == [("happy/3.png", "cannot be read")]


def test_what_is_done_is_not_done_again(heap, tmp_path):
    model = Interrupted()
    first = balance(manifest_of(heap), tmp_path / "out", SMALL, gen_model=model, detector=FAKE)
    calls, before = model.calls, tree(tmp_path / "out")
    second = balance(manifest_of(heap), tmp_path / "out", SMALL, gen_model=model, detector=FAKE)
    assert model.calls == calls
    assert tree(tmp_path / "out") == before
    assert second.to_json() == first.to_json()
    assert second.dropped == first.dropped
    assert list(second.manifest["id"]) == list(first.manifest["id"])
    lost, cut = sorted((tmp_path / "out").rglob("*.png"))[:2]
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:50])
    balance(manifest_of(heap), tmp_path / "out", SMALL, gen_model=model, detector=FAKE)
    assert tree(tmp_path / "out") == before


def test_a_list_that_is_gone_is_made_again(heap, tmp_path):
    first = balance(manifest_of(heap), tmp_path / "out", SMALL, gen_model="r3", detector=FAKE)
    before = tree(tmp_path / "out")
    assert len(first.dropped) == 2
    for name in ("dropped.csv", "manifest.parquet"):
        (tmp_path / "out" / name).unlink()
        again = balance(manifest_of(heap), tmp_path / "out", SMALL, gen_model="r3", detector=FAKE)
        assert again.dropped == first.dropped
        assert tree(tmp_path / "out") == before
    for text, found in (("a,b\n1,2\n", "found columns a, b"), ("", "found columns none")):
        (tmp_path / "out" / "dropped.csv").write_text(text)
        with pytest.raises(DataError, match=rf"dropped\.csv: not the list .*{found}; wanted id, label, reason\); remove it"):
            balance(manifest_of(heap), tmp_path / "out", SMALL, gen_model="r3", detector=FAKE)


def test_other_work_in_the_folder_is_refused(heap, tmp_path):
    balance(manifest_of(heap), tmp_path / "out", SMALL, gen_model="r3", detector=FAKE)
    before = tree(tmp_path / "out")
    for change in ({"gen_model": "r4"}, {"options": BalanceOptions(9, image_size=64)}):
        settings_ = {"options": SMALL, "gen_model": "r3"} | change
        with pytest.raises(DataError, match="other settings"):
            balance(manifest_of(heap), tmp_path / "out", detector=FAKE, **settings_)
    assert tree(tmp_path / "out") == before
    with pytest.raises(KeyboardInterrupt):
        balance(manifest_of(heap), tmp_path / "half", SMALL, gen_model=Interrupted(1), detector=FAKE)
    with pytest.raises(DataError, match="not finished"):
        balance(manifest_of(heap), tmp_path / "half", BalanceOptions(9), gen_model=Interrupted(), detector=FAKE)


def test_it_ends_when_nothing_usable_is_left(heap, tmp_path):
    """A gen_model that loses the face: every original is tried so often, then given up."""
    black = lambda image, rng: np.zeros_like(image)  # noqa: E731
    found = balance(manifest_of(heap), tmp_path / "out", BalanceOptions(20, image_size=64, tries=3), gen_model=black, detector=FAKE)
    sad = found.classes["sad"]
    assert (sad.wanted, sad.generated, sad.missing) == (15, 0, 15)
    assert sad.given_up == sad.kept - sad.held_out == 4
    assert sad.tries == 4 * 3
    assert found.to_json()["classes"]["sad"]["missing"] == 15


def test_only_those_that_give_something_go_on(heap, tmp_path):
    """Of the originals of a class one alone gives a face: it makes all."""
    good = cv2.imread(str(heap / "Sad" / "2.png"))[-1, -1]
    picky = lambda image, rng: image if (image[-1, -1] == good).all() else np.zeros_like(image)  # noqa: E731
    options = BalanceOptions(12, image_size=64, tries=4, train_part=0)
    sad = balance(manifest_of(heap), tmp_path / "out", options, gen_model=picky, detector=FAKE)
    assert sad.classes["sad"].generated == 7
    assert {parent for parent in sad.manifest["parent"] if parent} == {"Sad/2.png"}
    assert sad.classes["sad"].given_up == 4


def test_a_class_without_anything_usable(tmp_path):
    write(tmp_path / "in" / "fear" / "none.png", "fear", faces=0)
    (tmp_path / "in" / "fear" / "broken.png").write_bytes(b"no picture")
    found = balance(manifest_of(tmp_path / "in"), tmp_path / "out", SMALL, detector=FAKE)
    assert found.classes["fear"].missing == 8
    assert sorted(reason for _, _, reason in found.dropped) == ["cannot be read", "no face"]
    assert len(found.manifest) == 0
    assert balance(Manifest({"id": []}), tmp_path / "empty", SMALL, detector=FAKE).classes == {}


def test_what_a_gen_model_may_give():
    assert checked(np.full((2, 2, 3), 300.4), "x").max() == 255
    for wrong in (np.zeros((2, 2)), "text", np.full((2, 2, 3), np.nan), None):
        with pytest.raises(UsageError, match="gen_model x"):
            checked(wrong, "x")


def test_faces_are_looked_for_again_with_room_around():
    """A face that fills its frame, as in ready-made crops, is found by a detector that wants a border."""
    seen = []

    def wants_room(image: np.ndarray) -> Faces:
        seen.append(image.shape[:2])
        framed = (image[0] == 128).all() and (image[:, -1] == 128).all()
        return Faces.without_points([[0, 0, 9, 9]], [0.9]) if framed else Faces.none()

    assert face_count(np.full((48, 40, 3), 10, np.uint8), FakeDetector(wants_room)) == 1
    assert seen == [(48, 40), (288, 256)]
    assert face_count(np.full((300, 200, 3), 10, np.uint8), FakeDetector(wants_room)) == 1
    assert seen[2:] == [(300, 200), (450, 350)]


def test_options_are_checked():
    for wrong in ({"train_part": 1.0}, {"image_size": 4}, {"tries": 0}, {"suffix": ".bmp"}, {"smote_value": -1}):
        with pytest.raises(UsageError):
            BalanceOptions(**wrong)
    with pytest.raises(UnknownName):
        balance(Manifest({"id": []}), Path("nowhere"), gen_model="r9", detector=FAKE)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=40), st.floats(0, 0.999), st.integers(0, 99))
def test_hold_out_never_parts_a_group_and_never_takes_a_class(rows, part, seed):
    groups, labels = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    held = hold_out(labels, groups, part, seed=seed)
    assert not set(groups[held]) & set(groups[~held])
    assert all((~held)[labels == label].any() for label in set(labels.tolist()))
    alone = hold_out(labels, np.arange(len(labels)), part, seed=seed)
    for label, n in Counter(labels.tolist()).items():
        assert abs(alone[labels == label].sum() - n * part) <= 1
        assert alone[labels == label].sum() < n


def test_nobody_is_held_out_and_trained_on(tmp_path):
    """Twenty people with a picture of each of three emotions: a fifth of the people is held out, not a fifth of the pictures."""
    root = tmp_path / "heap"
    emotions = ("happy", "sad", "fear")
    for emotion in emotions:
        for person in range(20):
            write(root / emotion / f"{person}.png", emotion, person)
    manifest = manifest_of(root)
    people = [Path(name).stem for name in manifest["id"]]
    options = BalanceOptions(24, image_size=0, suffix=".png", train_part=0.2)
    found = balance(manifest.with_columns(subject=people), tmp_path / "out", options, gen_model="r3", detector=FAKE)
    rows = found.manifest
    held, trained = (set(rows["subject"][rows["split"] == split].tolist()) for split in ("val", "train"))
    assert (len(held), len(trained)) == (4, 16)
    assert not held & trained
    assert [report.held_out for report in found.classes.values()] == [4] * 3
    assert {rows["subject"][list(rows["id"]).index(parent)] for parent in rows["parent"] if parent} <= trained
    other = balance(manifest.with_columns(subject=people, source=people), tmp_path / "no", options, gen_model="r3", detector=FAKE)
    assert [report.held_out for report in other.classes.values()] == [4] * 3  # a name counts within a source


def test_people_with_a_split_keep_it(tmp_path):
    root = tmp_path / "heap"
    for person in range(12):
        for shot in range(2):
            write(root / "sad" / f"{person:02}-{shot}.png", "sad", 2 * person + shot)
    manifest = manifest_of(root)
    people = [Path(name).stem.split("-")[0] for name in manifest["id"]]
    splits = ["test", ""] * 2 + ["train", ""] * 6 + ["", ""] * 4
    options = BalanceOptions(24, image_size=0, suffix=".png", train_part=0.5)
    manifest = manifest.with_columns(subject=people, split=splits)
    found = balance(manifest, tmp_path / "out", options, gen_model="r3", detector=FAKE)
    assert [name for name, _, reason in found.dropped if reason == PERSON] == ["sad/00-1.png", "sad/01-1.png"]
    rows = found.manifest
    sides = {who: set(rows["split"][rows["subject"] == who]) for who in sorted(set(people))}
    assert [sides[f"{i:02}"] for i in range(8)] == [{"test"}] * 2 + [{"train"}] * 6
    assert sorted(map(sorted, (sides[f"{i:02}"] for i in range(8, 12)))) == [["train"]] * 2 + [["val"]] * 2


def test_kin_are_copies_children_and_children_of_one():
    ids = ["a", "b", "c", "d", "e", "f", "g"]
    parents = ["", "a", "", "gone", "gone", "", "/p/f.png"]
    hashes = ["1", "2", "1", "3", "4", "", ""]
    paths = ["", "", "", "", "", "/p/f.png", ""]
    groups = kin(ids, parents, hashes, paths)
    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[4]
    assert groups[5] == groups[6]
    assert len(set(groups)) == 3


def test_a_journal_keeps_whole_lines(tmp_path):
    path = tmp_path / "j"
    journal = Journal(path, "w")
    journal.note("a", [1, None])
    journal.close()
    whole = path.read_bytes()
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        again = Journal(path, "w")
        again.note("b", 2)
        again.close()
        last = Journal(path, "w")
        last.close(finished=cut == len(whole))
        assert last.found == ({"a": [1, None], "b": 2} if cut == len(whole) else {"b": 2})
    assert not path.exists()


def test_names_of_files():
    assert picture_name(3, "/x/Лицо 1.jpg") == "0000003-Лицо_1"
    assert picture_name(12, "...") == "0000012"


def test_r0s_class_form(heap, tmp_path):
    """Names, order and defaults as R0 had them."""
    arguments = inspect.signature(SMOTE).parameters
    nothing = inspect.Parameter.empty
    r0 = {
        "path_folder_train_data": nothing, "path_save_imgs": nothing, "smote_value": 5000, "gen_model": "r0", "face_detector": "yunet",
        "IMAGE_SIZE": 224, "train_part": 0.15, "modify_coef": 1,
    }  # fmt: skip
    assert list(arguments)[:8] == list(r0)
    assert {name: arguments[name].default for name in r0} == r0
    job = SMOTE(str(heap), str(tmp_path / "out"), 8, turn, FAKE, IMAGE_SIZE=32, train_part=0.2, modify_coef=2)
    found = job.go()
    assert found.classes["sad"].generated == 6
    assert job.report is not None
    assert job.report.problems == []
    pictures = sorted((tmp_path / "out" / "train" / "sad").iterdir())
    assert len(pictures) == 4 + 6
    assert {cv2.imread(str(path)).shape for path in pictures} == {(32, 32, 3)}
    assert job().to_json() == found.to_json()


def test_r0s_class_form_says_what_is_no_folder(heap, tmp_path):
    (tmp_path / "file.jpg").write_bytes(b"x")
    for name, kind, says in (("none", SourceMissing, "no such folder"), ("file.jpg", SourceUnreadable, "a file, wanted a folder")):
        with pytest.raises(kind, match=rf"{name}: {says}"):
            SMOTE(tmp_path / name, tmp_path / "out").go()
    assert not (tmp_path / "out").exists()


def test_with_a_real_detector(examples, tmp_path):
    """portrait: one face; group: several; coffee: none."""
    for name in ("portrait", "group", "coffee"):
        (tmp_path / "in" / "happy").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / "happy" / f"{name}.jpg").write_bytes((examples / f"{name}.jpg").read_bytes())
    found = SMOTE(tmp_path / "in", tmp_path / "out", smote_value=4).go()
    assert {name: reason for name, _, reason in found.dropped} == {"in/happy/group.jpg": "several faces", "in/happy/coffee.jpg": "no face"}
    assert found.classes["happy"].generated == 3
    assert found.classes["happy"].tries < 12


def run(*words: object) -> int:
    return main(["data", "balance", *map(str, words)])


@pytest.fixture
def fake(monkeypatch):
    from mien.models.detectors import registry

    monkeypatch.setitem(registry.DETECTORS, "fake", lambda variant, *, threads: FAKE)
    monkeypatch.setitem(registry.VARIANTS, "fake", ())


def test_command_on_a_folder(heap, tmp_path, fake, capsys):
    words = (
        heap,
        "-o",
        tmp_path / "out",
        "--smote-value",
        8,
        "--train-part",
        0.25,
        "--recipe",
        "r3",
        "--detector",
        "fake",
        "--image-size",
        64,
    )
    assert run(*words, "--format", "png", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["classes"]["sad"]["generated"] == 3
    assert "dropped: 1 picture (several faces)" in said.err
    files = {path.name for path in (tmp_path / "out" / "train" / "sad").iterdir()}
    assert len(files) == 7
    assert run(*words) == 1
    assert "other settings" in capsys.readouterr().err


def test_command_on_a_manifest_says_what_is_missing(tmp_path, fake, capsys):
    path = write(tmp_path / "a.png", "sad")
    rows = {"id": ["a", "b"], "path": [str(path), str(tmp_path / "gone.png")], "label": ["sad", "fear"]}
    Manifest(rows).write(tmp_path / "set.parquet")
    assert run(tmp_path / "set.parquet", "-o", tmp_path / "out", "--smote-value", 3, "--detector", "fake", "--recipe", "r3") == 3
    said = capsys.readouterr()
    assert "fear: 3 of 3 could not be made: no original to make them from" in said.err
    assert "1 picture (cannot be read)" in said.err
    assert f"mien: missing picture: b: {tmp_path / 'gone.png'}: no such file" in said.err
    assert said.out.split("\n")[0].split() == ["label", "found", "usable", "kept", "held", "out", "generated", "missing"]
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 2


def test_command_for_weights_and_vectors(heap, tmp_path, fake, capsys, monkeypatch):
    from mien.models import registry
    from mien.testing import FakeRecogniser

    monkeypatch.setitem(registry._factories, "fake", lambda threads: FakeRecogniser())
    assert run(heap, "--method", "weights", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sad"] == {"n": 7, "weight": pytest.approx(19 / (2 * 7))}
    assert run(heap, "--method", "smote", "-o", tmp_path / "v.npz", "--model", "fake", "--detector", "fake") == 0
    with np.load(tmp_path / "v.npz") as file:
        assert Counter(file["labels"].tolist()) == {"happy": 12, "sad": 12}
        assert file["generated"].sum() == 5
        assert (file["ids"][-5:] == "").all()
    assert run(heap, "--method", "smote") == 2
    assert run(heap) == 2


def test_vectors_are_drawn_to_a_size_beside_those_that_are_held_out(heap, tmp_path, fake, capsys, monkeypatch):
    from mien.models import registry
    from mien.testing import FakeRecogniser

    monkeypatch.setitem(registry._factories, "fake", lambda threads: FakeRecogniser())
    whole = manifest_of(heap)
    splits = [{0: "test", 1: "val"}.get(i % 5, "train") for i in range(len(whole))]
    whole.with_columns(split=splits).write(tmp_path / "set.parquet")
    trained = Counter(whole["label"][np.array(splits) == "train"].tolist())
    words = ("--method", "smote", "-o", tmp_path / "v.npz", "--model", "fake", "--detector", "fake", "--smote-value", 20, "--json")
    assert run(tmp_path / "set.parquet", *words) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["classes"] == {name: {"n": 20, "generated": 20 - trained[name]} for name in ("happy", "sad")}
    with np.load(tmp_path / "v.npz") as file:
        assert Counter(file["labels"].tolist()) == {"happy": 20, "sad": 20}
        assert set(file["held_ids"].tolist()) == set(whole["id"][np.array(splits) != "train"].tolist())
        assert not set(file["held_ids"].tolist()) & set(file["ids"].tolist())
        held = dict(zip(file["held_ids"].tolist(), file["held_splits"].tolist(), strict=True))
        assert held == {name: split for name, split in zip(whole["id"].tolist(), splits, strict=True) if split != "train"}
        assert len(held) == said["held"]
        assert file["held_features"].shape == (said["held"], said["numbers"])
        alike = {label: file["features"][file["labels"] == label] for label in ("happy", "sad")}
        for row, label in zip(file["held_features"], file["held_labels"].tolist(), strict=True):
            assert (alike[label] == row).all(axis=1).any()  # the fake says the same of all faces of an emotion


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--method", "smote", "--train-part", 0.2, "-o", "v.npz"), "--train-part: only for --method pictures, and this is smote"),
        (("--method", "smote", "--no-copies", "-o", "v.npz"), "--copies: only for --method pictures"),
        (("--method", "weights", "-o", "w.npz"), "--output: only for --method pictures and smote, and this is weights"),
        (("--method", "weights", "--smote-value", 5000), "--smote-value: only for --method pictures and smote"),
        (("--neighbours", 3, "-o", "out"), "--neighbours: only for --method smote, and this is pictures"),
        (("--beta", 0.9, "-o", "out"), "--beta: only for --method weights"),
    ],
)
def test_options_of_another_method_are_refused_in_one_line(heap, capsys, words, said):
    assert run(heap, *words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1].startswith(f"mien: {said}")
    assert len(told.err.splitlines()) == 1


def test_every_option_of_a_method_is_there():
    from mien.cli.data_balance import TAKEN_BY, balance

    of_all = {"ctx", "source", "method", "as_json"}
    assert TAKEN_BY.keys() | of_all == inspect.signature(balance).parameters.keys()


def test_the_folder_that_it_made_is_read_by_its_manifest_alone(heap, tmp_path):
    """Read as any folder, a picture and what was generated from it would come on two sides of a split."""
    out = tmp_path / "out"
    balance(manifest_of(heap), out, SMALL, gen_model="r3", detector=FAKE)
    for folder in (out, out / "train"):
        with pytest.raises(DataError, match=r"made by mien data balance.*; give .*manifest\.parquet, which says from which") as caught:
            read_folder(folder)
        assert str(out / "manifest.parquet") in str(caught.value)
    (out / "balance.json").unlink()
    read_folder(out / "train")
