"""What a training holds out itself: real rows only, and nothing that descends from them is learnt."""

import numpy as np

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
    assert said == [f"left out: {lost} rows made from pictures that are held out, or of people who are"]


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


def test_too_few_real_rows_are_dealt_out_with_the_others() -> None:
    few = manifest().where(np.r_[0:2, 40:70])
    assert (hold_out(few, 0.2, seed=1)["split"] == "val").any()
