"""What a training holds out itself: real rows only, and nothing that descends from them is learnt."""

import numpy as np
import pytest

from mien.data.manifest import Manifest
from mien.train.held_out import hold_out


def manifest(**columns: list[str]) -> Manifest:
    """40 real rows of two classes, and of each fourth one three that were made from it."""
    real = [f"r{i}" for i in range(40)]
    made = [f"r{i}#g{k}" for i in range(0, 40, 4) for k in range(3)]
    labels = ["happy" if int(name[1:].split("#")[0]) % 8 < 4 else "sad" for name in (*real, *made)]
    whole = {"id": [*real, *made], "label": labels, "parent": [""] * 40 + [name.split("#")[0] for name in made]}
    return Manifest(whole | {"split": ["train"] * 70} | columns)


def test_made_rows_train_or_are_left_out() -> None:
    said: list[str] = []
    found = hold_out(manifest(), 0.2, seed=3, say=said.append)
    val, train = (set(found["id"][found["split"] == name].tolist()) for name in ("val", "train"))
    assert len(val) == 8
    assert not any("#" in name for name in val)
    lost = 3 * sum(int(name[1:]) % 4 == 0 for name in val)
    assert lost > 0
    assert len(train) == 70 - 8 - lost
    assert not {name.split("#")[0] for name in train} & val
    assert said == [f"left out: {lost} rows made from pictures that are held out, or of people who are, or look-alikes of such"]


def test_what_is_made_from_a_made_row_descends_from_the_real_one() -> None:
    plain = manifest()
    parents = plain["parent"].copy()
    parents[plain["id"] == "r4#g0"] = "r0#g0"
    sides = set()
    for seed in range(4):
        found = hold_out(plain.with_columns(parent=parents), 0.5, seed=seed)
        split = dict(zip(found["id"].tolist(), found["split"].tolist(), strict=True))
        sides.add(split["r0"])
        assert ("r0#g0" in split) == ("r4#g0" in split) == (split["r0"] == "train")
    assert sides == {"train", "val"}


def test_where_nothing_was_made_or_everything_all_rows_are_dealt_out() -> None:
    plain = manifest()
    real = plain.where(np.asarray(plain["parent"] == ""))
    made = plain.where(np.asarray(plain["parent"] != ""))
    for rows, held in ((real, 8), (made, 6)):
        found = hold_out(rows, 0.2, seed=0)
        assert len(found) == len(rows)
        assert (found["split"] == "val").sum() == held


def test_faces_that_a_data_set_cut_out_itself_are_real() -> None:
    """As AffectNet's, whose parent is the photo; it is none of the rows."""
    plain = manifest()
    found = hold_out(plain.with_columns(id=[f"x{i}" for i in range(70)], parent=[f"/photos/{i}.jpg" for i in range(70)]), 0.2, seed=1)
    assert (found["split"] == "val").sum() == 14
    cut = plain.with_columns(
        parent=[""] * 40 + [f"/photos/{i}.jpg" for i in range(30)], note=[""] * 40 + ["face cut out of parent"] * 30
    )  # fmt: skip
    found = hold_out(cut, 0.2, seed=1)
    assert not any("#" in name for name in found["id"][found["split"] == "val"])


def test_look_alikes_are_held_out_together_and_those_of_made_rows_are_left_out() -> None:
    plain = manifest()
    alike = np.arange(len(plain))
    alike[1:40:4] = alike[2:40:4]  # ten pairs of real rows
    alike[40] = alike[21]  # a made row like a real one
    sides = set()
    for share in (0.3, 0.6):
        found = hold_out(plain, share, seed=0, alike=alike)
        split = dict(zip(found["id"].tolist(), found["split"].tolist(), strict=True))
        assert all(split[f"r{i}"] == split[f"r{i + 1}"] for i in range(1, 40, 4))
        assert ("r0#g0" in split) == (split["r0"] == split["r21"] == "train")
        sides.add(split["r21"])
    assert sides == {"train", "val"}


def test_a_class_of_one_sitting_is_judged_all_the_same_and_that_is_told() -> None:
    plain = manifest()
    real = plain.where(np.asarray(plain["parent"] == ""))
    sitting = np.asarray(real["label"] == "sad")
    said: list[str] = []
    found = hold_out(real, 0.2, seed=0, alike=np.where(sitting, 0, np.arange(40)), say=said.append)
    held = found["label"][found["split"] == "val"].tolist()
    assert sorted(held) == ["happy"] * 4 + ["sad"] * 4
    assert said == ["sad (20 of 20): look alike, as in one sitting, and are parted nevertheless; how well they are told is flattered"]


def sat(sizes: list[int], labels: tuple[str, ...] = ("happy", "sad")) -> tuple[Manifest, np.ndarray]:
    """Rows of each label in sittings of these sizes, and the sitting of each row."""
    names = [label for label in labels for _ in range(sum(sizes))]
    alike = np.repeat(np.arange(len(sizes) * len(labels)), sizes * len(labels))
    return Manifest({"id": [str(i) for i in range(len(names))], "label": names}), alike


@pytest.mark.parametrize(("sizes", "held"), [([20, 12], 12), ([20, 20], 20), ([30, 30, 1, 1], 32), ([60, 50, 9], 59), ([25, 15, 5, 5], 15)])
def test_classes_of_several_sittings_are_never_torn(sizes: list[int], held: int) -> None:
    """What is dealt out goes greedily to training; then the sitting is held out that comes nearest to a fifth."""
    rows, alike = sat(sizes)
    said: list[str] = []
    val = np.asarray(hold_out(rows, 0.2, seed=0, alike=alike, say=said.append)["split"] == "val")
    assert not set(alike[val]) & set(alike[~val])
    assert [int((val & (rows["label"] == label)).sum()) for label in ("happy", "sad")] == [held, held]
    n = sum(sizes)
    told = f"held out: happy ({held} of {n}), sad ({held} of {n}), where 20% were wanted: what belongs together stays on one side"
    assert said == ([told] if held > 0.3 * n else [])


def test_a_sitting_with_a_few_others_beside_it_is_parted() -> None:
    rows, alike = sat([100, 1, 1])
    said: list[str] = []
    val = np.asarray(hold_out(rows, 0.2, seed=0, alike=alike, say=said.append)["split"] == "val")
    assert [int((val & (rows["label"] == label)).sum()) for label in ("happy", "sad")] == [20, 20]
    assert len(said) == 1
    assert said[0].startswith("happy (100 of 102), sad (100 of 102): look alike, as in one sitting, and are parted nevertheless")


def test_something_of_every_class_is_left_to_learn() -> None:
    """One sitting has all of sad and half of happy: held out for happy's sake it would leave nothing of sad."""
    rows = Manifest({"id": [str(i) for i in range(60)], "label": ["happy"] * 40 + ["sad"] * 20})
    alike = np.repeat([0, 1], [20, 40])
    for seed in range(5):
        val = np.asarray(hold_out(rows, 0.2, seed=seed, alike=alike)["split"] == "val")
        for label in ("happy", "sad"):
            assert 0 < (val & (rows["label"] == label)).sum() < (rows["label"] == label).sum()


def test_people_who_stay_together_are_told_too() -> None:
    rows = Manifest({"id": [str(i) for i in range(40)], "label": ["happy"] * 40, "subject": ["anna"] * 38 + ["bert"] * 2})
    said: list[str] = []
    found = hold_out(rows, 0.2, seed=0, alike=np.arange(40), say=said.append)
    assert found["subject"][found["split"] == "val"].tolist() == ["bert"] * 2
    assert said == ["held out: happy (2 of 40), where 20% were wanted: what belongs together stays on one side"]


def test_files_and_sittings_are_not_taken_for_one_another_by_their_numbers() -> None:
    """sad is parted by its files, whose numbers are those of happy's sittings, too."""
    rows = Manifest({"id": [str(i) for i in range(40)], "label": ["sad"] * 20 + ["happy"] * 20, "sha256": [f"{i:02}" for i in range(40)]})
    alike = np.r_[np.zeros(20, np.int64), np.repeat([1, 2, 3, 4], 5)]
    apart = set()
    for seed in range(6):
        val = np.asarray(hold_out(rows, 0.2, seed=seed, alike=alike)["split"] == "val")
        apart |= {k for k in (1, 2, 3, 4) if val[k] != val[20 + 5 * (k - 1)]}
    assert apart == {1, 2, 3, 4}


def test_too_few_real_rows_are_dealt_out_with_the_others() -> None:
    few = manifest().where(np.r_[0:2, 40:70])
    assert (hold_out(few, 0.2, seed=1)["split"] == "val").any()
