"""Splits: in proportion by class, disjoint by person and by group, the same for the same seed."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mien.data.manifest import Manifest
from mien.data.split import R1, assign, split, ties, torn
from mien.errors import UsageError
from mien.labels import EMOTIONS

Rows = list[tuple[int, int]]
SHARES = st.sampled_from([(0.8, 0.2), (0.7, 0.15, 0.15), (0.5, 0.5), (1.0,), (0.98, 0.01, 0.01)])


def rows_of(n: int, label: list[int], **columns: object) -> Manifest:
    return Manifest({"id": [str(i) for i in range(n)], "label": [EMOTIONS[k] for k in label], **columns})


@settings(max_examples=60)
@given(st.lists(st.integers(0, 5), max_size=200), SHARES, st.integers(0, 3))
def test_single_pictures_are_dealt_to_within_one(labels: list[int], shares: tuple[float, ...], seed: int) -> None:
    label = np.array(labels, np.int64)
    part = assign(label, np.arange(len(label)), np.array(shares), seed=seed)
    for k in range(6):
        found = np.bincount(part[label == k], minlength=len(shares))
        assert (np.abs(found - np.array(shares) * (label == k).sum()) < 1 + 1e-6).all()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), max_size=150), SHARES, st.integers(0, 3))
@example([(k % 5, k // 20) for k in range(100)], (0.8, 0.2), 0)
def test_groups_stay_whole_and_classes_within_the_bound(rows: Rows, shares: tuple[float, ...], seed: int) -> None:
    label, group = np.array(rows, np.int64).reshape(-1, 2).T
    part = assign(label, group, np.array(shares), seed=seed)
    for g in set(group.tolist()):
        assert len(set(part[group == g].tolist())) == 1
    # The bound that assign's docstring derives: the groups' counts squared, by the classes' sizes; then one for rounding.
    size = np.maximum(np.bincount(label, minlength=5), 1)
    blocks = [np.bincount(label[group == g], minlength=5) for g in set(group.tolist()) if (group == g).sum() > 1]
    potential = sum(float((block**2 / size).sum()) for block in blocks)
    for k in range(5):
        found = np.bincount(part[label == k], minlength=len(shares))
        off = np.abs(found - np.array(shares) * (label == k).sum())
        assert (off <= max(len(shares) - 1, 1) * np.sqrt(potential * size[k]) + 1 + 1e-6).all()


def test_people_with_every_expression_are_split_nearly_in_proportion() -> None:
    """118 people with 8 pictures each, as in CK+: every class comes within two pictures of 20 of 100."""
    rng = np.random.default_rng(5)
    label, group = rng.integers(0, 7, 944), np.repeat(np.arange(118), 8)
    part = assign(label, group, np.array([0.8, 0.2]), seed=0)
    found = np.bincount(label[part == 1], minlength=7)
    assert (np.abs(found - 0.2 * np.bincount(label)) <= 2).all()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_nobody_is_on_two_sides(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 60))
    few = st.sampled_from(["", "a", "b", "c", "d"])
    manifest = rows_of(
        n,
        data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)),
        subject=data.draw(st.lists(few, min_size=n, max_size=n)),
        source=data.draw(st.lists(st.sampled_from(["s", "t"]), min_size=n, max_size=n)),
        parent=data.draw(st.lists(st.sampled_from(["", "", "0", "1", "elsewhere"]), min_size=n, max_size=n)),
    )
    groups = np.array(data.draw(st.lists(st.integers(0, 40), min_size=n, max_size=n)))
    made = split(manifest, {"train": 80, "test": 20}, groups=groups, seed=data.draw(st.integers(0, 3)))
    assert set(made["split"]) <= {"train", "test"}
    side: dict[object, str] = {}
    for row in range(n):
        names: list[object] = [("group", groups[row]), ("picture", made["id"][row])]
        names += [("person", made["source"][row], made["subject"][row])] if made["subject"][row] else []
        names += [("picture", made["parent"][row])] if made["parent"][row] else []
        for name in names:
            assert side.setdefault(name, made["split"][row]) == made["split"][row]
    assert len(torn(made, groups)) == 0


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    manifest = rows_of(300, [i % 7 for i in range(300)], subject=[str(i // 9) if i < 90 else "" for i in range(300)])
    one, two, other = (split(manifest, seed=seed)["split"].tolist() for seed in (3, 3, 4))
    assert one == two
    assert one != other


def test_r1() -> None:
    manifest = split(rows_of(1000, [i % 8 for i in range(1000)]), R1)
    assert manifest.where(manifest["split"] == "train").counts() == dict.fromkeys([EMOTIONS[k] for k in range(8)], 100)
    assert manifest.where(manifest["split"] == "test").counts() == dict.fromkeys([EMOTIONS[k] for k in range(8)], 25)


def test_a_subject_of_another_source_is_another_person() -> None:
    manifest = rows_of(4, [0] * 4, subject=["a", "a", "a", ""], source=["s", "t", "s", "s"])
    assert ties(manifest).tolist() == [0, 1, 0, 3]


def test_an_existing_split_is_kept_unless_again() -> None:
    given_ = ["train"] * 50 + ["test"] * 50 + [""] * 100
    manifest = rows_of(200, [0] * 200, split=given_)
    made = split(manifest, R1)
    assert made["split"][:100].tolist() == given_[:100]
    assert (made["split"][100:] == "test").sum() == 20
    assert (split(manifest, R1, again=True)["split"] == "test").sum() == 40
    full = made.with_columns(split=["train"] * 100 + ["val"] * 100)
    assert split(full, R1)["split"].tolist() == full["split"].tolist()


def test_what_is_tied_to_a_held_out_picture_goes_with_it() -> None:
    manifest = rows_of(5, [0] * 5, split=["test", "train", "", "", ""], parent=["", "", "0", "1", "2"])
    made = split(manifest, {"train": 1})
    assert made["split"].tolist() == ["test", "train", "test", "train", "test"]


def test_val_out_of_train_leaves_test_alone() -> None:
    n = 400
    manifest = rows_of(n, [i % 2 for i in range(n)], split=["train"] * 300 + ["test"] * 100)
    groups = np.arange(n)
    groups[0] = groups[399]  # a training picture with a copy in test: it cannot be val, and test is not to grow
    made = split(manifest, {"train": 90, "val": 10}, of="train", groups=groups)
    assert made["split"][300:].tolist() == ["test"] * 100
    assert made["split"][0] == "train"
    assert (made["split"] == "val").sum() == 30
    assert torn(made, groups).tolist() == [0, 399]


def test_wrong_parts_are_named() -> None:
    manifest = rows_of(2, [0, 0])
    for parts in (
        {"train": 0.8, "hold": 0.2}, {"train": 1, "test": 0}, {},
        {"train": np.inf, "test": 20}, {"train": 1, "test": np.nan}, {"train": 1e308, "test": 1e308},
    ):  # fmt: skip
        with pytest.raises(UsageError, match="wanted shares above 0 of train, val, test"):
            split(manifest, parts)
    with pytest.raises(UsageError, match="of: found 'hold'"):
        split(manifest, R1, of="hold")
    with pytest.raises(UsageError, match="groups: found 3 for 2 rows"):
        split(manifest, R1, groups=np.arange(3))
    assert len(split(Manifest({"id": []}), R1)) == 0
