"""Duplicates: all pairs, and none that is not; against the plain product of all pictures with all."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.data import duplicates as d
from mien.errors import UsageError


def brute(rows: np.ndarray, threshold: float) -> dict[tuple[int, int], float]:
    """Pairs by the definition, in float64."""
    wide = rows.astype(np.float64)
    wide -= wide.mean(axis=1, keepdims=True)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    flipped = wide.reshape(-1, 24, 24)[:, :, ::-1].reshape(-1, 576)
    best = np.maximum(wide @ wide.T, wide @ flipped.T)
    return {(i, j): best[i, j] for i, j in zip(*np.nonzero(np.triu(best >= threshold, 1)), strict=True)}


def faces(n: int, *, kinds: int = 9, noise: float = 0.35, seed: int = 0) -> np.ndarray:
    """Rows that are noisy, sometimes mirrored copies of a few smooth pictures."""
    rng = np.random.default_rng(seed)
    grid = np.linspace(0, np.pi, 24)
    waves = rng.normal(size=(kinds, 5, 5))
    base = np.einsum("kab,ya,xb->kyx", waves, np.cos(np.outer(grid, range(5))), np.cos(np.outer(grid, range(5))))
    picked = base[rng.integers(0, kinds, n)]
    picked[::3] = picked[::3, :, ::-1]
    return d.normalised((picked + rng.normal(0, noise, picked.shape)).reshape(n, -1).astype(np.float32))


def test_the_shortcuts_give_what_the_full_product_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(d, "BLOCK", 97)  # so that there are blocks, and parts of blocks
    rows = faces(500)
    wanted = brute(rows, 0.92)
    found = d.near(rows, 0.92)
    assert len(wanted) > 100
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == sorted(wanted)
    assert found.similarity == pytest.approx([wanted[pair] for pair in sorted(wanted)], abs=1e-5)
    assert 0 < found.mirrored.sum() < len(wanted)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 40), st.integers(0, 2**32 - 1), st.floats(0.5, 1))
def test_any_pictures_at_any_threshold(n: int, seed: int, threshold: float) -> None:
    rows = faces(n, seed=seed) if n else np.zeros((0, 576), np.float32)
    found = d.near(rows, threshold)
    got = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    sure, possible = (set(brute(rows, threshold + off)) if n else set() for off in (1e-5, -1e-5))
    assert sure <= got <= possible


def test_a_mirror_image_is_a_duplicate_and_a_constant_picture_is_none() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (48, 48), np.uint8)
    rows = np.stack([d.small(p) for p in (picture, picture[:, ::-1], np.full((48, 48), 7, np.uint8), np.full((48, 48), 9, np.uint8))])
    found = d.near(rows)
    assert (found.first.tolist(), found.second.tolist(), found.mirrored.tolist()) == ([0], [1], [True])
    assert not rows[2].any()


def test_a_picture_is_the_same_larger_brighter_and_in_colour() -> None:
    smooth = np.outer(np.linspace(0, 200, 24), np.linspace(0.2, 1, 24)).astype(np.uint8)
    large = np.kron(smooth, np.ones((5, 5), np.uint8))
    assert d.small(smooth) @ d.small(large) == pytest.approx(1, abs=1e-5)
    assert d.small(smooth) @ d.small(smooth // 2 + 50) == pytest.approx(1, abs=1e-3)
    assert d.small(smooth) @ d.small(np.repeat(smooth[..., None], 3, axis=2)) == pytest.approx(1, abs=1e-5)


def test_wrong_shapes_and_thresholds_are_named() -> None:
    with pytest.raises(UsageError, match=r"\(3, 100\), wanted \(n, 576\)"):
        d.near(np.zeros((3, 100), np.float32))
    with pytest.raises(UsageError, match="threshold is"):
        d.near(np.zeros((3, 576), np.float32), 0.3)


def test_hashes_find_the_first_of_each() -> None:
    assert d.exact("abacb").tolist() == [0, 1, 0, 3, 1]
    grey = np.arange(48, dtype=np.uint8).reshape(6, 8)
    assert d.pixel_hash(grey) == d.pixel_hash(np.repeat(grey[..., None], 3, axis=2))
    assert len({d.pixel_hash(p) for p in (grey, grey.T, grey + 1, np.dstack([grey, grey, grey + 1]))}) == 4


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14))
def test_groups_are_the_connected_components(edges: list[tuple[int, int]]) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    csgraph = pytest.importorskip("scipy.sparse.csgraph")
    first, second = np.array(edges, np.int64).reshape(-1, 2).T
    got = d.groups(12, first, second)
    wanted = csgraph.connected_components(sparse.coo_matrix((np.ones(len(edges)), (first, second)), (12, 12)), directed=False)[1]
    assert [np.flatnonzero(wanted == wanted[i])[0] for i in range(12)] == got.tolist()


def test_groups_come_without_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    csgraph = pytest.importorskip("scipy.sparse.csgraph")
    monkeypatch.setattr(d, "BLOCK", 97)
    rows = faces(500, kinds=60, noise=0.8)
    hashes = [f"{i}" for i in range(500)]
    hashes[400] = hashes[7]
    pairs = [*brute(rows, 0.92), (7, 400)]
    first, second = np.array([pair for pair in pairs if pair == (7, 400) or 400 not in pair]).T  # of equal pixels the first one stands
    wanted = csgraph.connected_components(sparse.coo_matrix((np.ones(len(first)), (first, second)), (500, 500)), directed=False)[1]
    got = d.alike(hashes, rows)
    assert 60 < len(set(got.tolist())) < 450
    assert [np.flatnonzero(wanted == wanted[i])[0] for i in range(500)] == got.tolist()
    assert d.alike(["", "", "x", "x"], np.zeros((4, 576), np.float32)).tolist() == [0, 1, 2, 2]
    assert d.alike([], np.zeros((0, 576), np.float32)).tolist() == []


def test_frames_of_one_sitting_are_not_all_compared_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 3,000 noisy copies of one picture nearly all 4.5 million pairs look alike: two products for a picture are enough."""
    rows = faces(3000, kinds=1, noise=0.2)
    compared = 0
    confirmed = d._confirmed

    def counted(pictures: np.ndarray, first: np.ndarray, second: np.ndarray, threshold: float) -> d.Pairs:
        nonlocal compared
        compared += len(first)
        return confirmed(pictures, first, second, threshold)

    monkeypatch.setattr(d, "_confirmed", counted)
    assert set(d.alike([str(i) for i in range(3000)], rows).tolist()) == {0}
    assert compared < 2 * 3000


def planted() -> d.Copies:
    """0 = 1 (same pixels), 0 ~ 4, 4 ~ 5 (so 5 is not directly like 0); 2 and 3 alone."""
    near = d.Pairs(np.array([0, 4]), np.array([4, 5]), np.ones(2, np.float32), np.zeros(2, bool))
    return d.Copies(np.array([0, 0, 2, 3, 4, 5]), near)


def test_what_lies_on_another_side_counts_directly_only() -> None:
    beside = planted().beside(np.array([0, 1, 0, 1, 0, 1]), 2)
    assert beside.tolist() == [[True, True], [True, False], [False, False], [False, False], [True, True], [True, False]]
    assert d.across(6, np.array([0, 0, 4]), np.array([1, 4, 5]), ["a", "b", "a", "b", "a", "b"]).tolist() == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert planted().groups().tolist() == [0, 0, 2, 3, 0, 0]


def test_of_duplicates_the_dearest_stays_and_chains_do_not_pull() -> None:
    assert planted().spare(np.arange(6)).tolist() == [-1, 0, -1, -1, 0, -1]  # 5 is like 4, which goes, and unlike 0
    assert planted().spare(np.array([4, 1, 0, 5, 2, 3])).tolist() == [4, 4, -1, -1, -1, 4]


def test_pictures_that_could_not_be_read_are_no_duplicates() -> None:
    found = d.copies(["", "", "x", "x"], np.zeros((4, 576), np.float32))
    assert found.same.tolist() == [0, 1, 2, 2]


@pytest.mark.shared_data
def test_fer2013_has_the_duplicates_on_record(shared_data: Path) -> None:
    """Test rows with a copy in Training: every one as on record. (All 35,887 rows agree too; that takes longer.)"""
    with np.load(shared_data / "fer2013_duplicates.npz") as file:
        wanted, nearest = file["duplicate"], file["nearest_row"]
    with np.load(shared_data / "fer2013.npz") as file:
        blob, offsets, index, usage = (file[name] for name in ("webp", "offsets", "image_index", "usage"))
    test = np.flatnonzero(usage == 2)[:700]
    at = np.concatenate([np.unique(nearest[test]), test])  # with the nearest Training row of each
    pictures = [cv2.imdecode(blob[offsets[k] : offsets[k + 1]], cv2.IMREAD_GRAYSCALE) for k in index[at]]
    found = d.copies([d.pixel_hash(p) for p in pictures], np.stack([d.small(p) for p in pictures]))
    has = found.beside((usage[at] > 0).astype(np.int64), 2)[-len(test) :, 0]
    assert wanted[test].sum() > 80
    assert has.tolist() == wanted[test].tolist()
