"""Valence and arousal labels: each rule against a plain loop, Isomap against scikit-learn, the shipped map against a new fit."""

import json
import math
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.manifold import Isomap

from mien.cli.main import main
from mien.data.affect import SHOWN, STEPS, WARNING, fill, fit_rows, isomap, jitter, open_rows, pulled, rated, scaled, shifted, votes, where
from mien.data.manifest import Manifest
from mien.data.ratings import C25_CODES, fit_anchors, out_of_fold, read_ratings
from mien.data.scatter import isomap_pictures, scatter, span_of
from mien.errors import DataError, ExtraMissing, SourceMissing, UnknownName, UsageError
from mien.evaluate.metrics import concordance
from mien.labels import ANCHORS, EMOTIONS

points = arrays(np.float64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.floats(-100, 100, width=32))


def faces(per_class: int = 30, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Pictures 48x48 of a bright spot that wanders, its size another in each class."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :48]
    pictures, labels = [], []
    for k, label in enumerate(("happy", "sad", "uncertain")):
        for cx, cy in rng.uniform(14, 34, (per_class, 2)):
            pictures.append(255 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (6 + 2 * k) ** 2)))
            labels.append(label)
    return np.array(pictures).astype(np.uint8), labels


# jitter


def test_jitter_is_the_anchor_and_uniform_noise_on_the_seven_scale():
    made = jitter(["happy"] * 4000, seed=3) * 3 + 4
    gap = made - (5.88, 5.27)
    assert made.dtype == np.float32
    assert np.abs(gap).max() <= 0.22 + 1e-6
    assert gap.min() < -0.215
    assert gap.max() > 0.215
    assert gap.std(axis=0) == pytest.approx(0.22 / math.sqrt(3), rel=0.05)
    assert abs(np.corrcoef(gap.T)[0, 1]) < 0.05
    assert np.array_equal(jitter(["sad", "fear"], seed=1), jitter(["sad", "fear"], seed=1))
    assert not np.array_equal(jitter(["sad", "fear"], seed=1), jitter(["sad", "fear"], seed=2))


def test_jitter_stays_on_the_scale_and_knows_what_has_no_anchor():
    made = jitter(["anger", "uncertain", ""] * 50, anchor_set="legacy", width=4)
    assert np.nanmax(np.abs(made)) == 1
    assert np.isnan(made[2::3]).all()
    assert np.isfinite(made[1::3]).all()  # legacy has an anchor for uncertain
    assert np.isnan(jitter(["uncertain"])).all()
    assert jitter([]).shape == (0, 2)
    assert np.allclose(jitter(EMOTIONS, width=0), where(EMOTIONS, "adfes2011"), equal_nan=True, atol=1e-6)
    with pytest.raises(UsageError):
        jitter(["sad"], width=-1)
    with pytest.raises(UnknownName, match="crowd"):
        jitter(["sad"], anchor_set="none")


# votes


def test_votes_are_the_expected_anchor():
    shares = np.zeros((4, 9), np.float32)
    shares[0, EMOTIONS.index("happy")] = 1
    shares[1, [EMOTIONS.index("anger"), EMOTIONS.index("neutral")]] = 0.25, 0.75
    shares[2, [EMOTIONS.index("sad"), EMOTIONS.index("uncertain")]] = 0.5
    shares[3] = np.nan
    found = votes(shares, anchor_set="adfes2011")
    assert found[0] * 3 + 4 == pytest.approx((5.88, 5.27), abs=1e-5)
    assert found[1] * 3 + 4 == pytest.approx((0.25 * 2.45 + 0.75 * 4, 0.25 * 4.72 + 0.75 * 4), abs=1e-5)
    assert found[2] * 3 + 4 == pytest.approx((2.28, 3.14), abs=1e-5)
    assert np.isnan(found[3]).all()
    assert votes(shares)[0] == pytest.approx(ANCHORS["crowd"].points["happy"])


# isomap, step by step


@settings(max_examples=40)
@given(points)
def test_shifted_is_zero_at_the_smallest_and_keeps_distances(rows):
    found = shifted(rows)
    assert found.min(axis=0).tolist() == [0, 0]
    assert np.allclose(np.diff(found, axis=0), np.diff(rows, axis=0))


@settings(max_examples=40)
@given(points)
def test_scaled_has_the_mean_four_and_keeps_ratios(rows):
    base = shifted(rows)
    if (base.mean(axis=0) <= 1e-6).any():
        return
    found = scaled(base)
    assert found.mean(axis=0) == pytest.approx([4, 4])
    assert found.min() >= 0
    assert np.allclose(found * base.mean(axis=0), base * 4)


def test_scaled_refuses_an_axis_without_extent():
    with pytest.raises(DataError, match="one point"):
        scaled(np.array([[0.0, 1], [0, 2]]))


def by_loop(rows: list[list[float]], labels: list[str], centres: dict[str, tuple[float, float]], steps: int) -> list[list[float]]:
    """Requirement 2.10's six steps as it says them: x += (centre_c - x) * 0.25 * d / mean_c(d)."""
    now = [list(row) for row in rows]
    for _ in range(steps):
        distances = [math.dist(row, centres[label]) for row, label in zip(now, labels, strict=True)]
        for i, label in enumerate(labels):
            of_class = [d for d, other in zip(distances, labels, strict=True) if other == label]
            mean = sum(of_class) / len(of_class)
            if mean > 0:
                now[i] = [x + (c - x) * 0.25 * distances[i] / mean for x, c in zip(now[i], centres[label], strict=True)]
    return now


@settings(max_examples=30)
@given(
    arrays(np.float64, (12, 2), elements=st.floats(-3, 11, width=32)),
    st.lists(st.sampled_from(["happy", "sad", "fear"]), min_size=12, max_size=12),
)
def test_pulls_are_those_of_a_plain_loop(rows, labels):
    centres = {label: tuple(4 + 3 * np.array(ANCHORS["adfes2011"].points[label])) for label in ("happy", "sad", "fear")}
    classes = np.unique(labels, return_inverse=True)[1]
    now = rows
    for step in range(1, STEPS + 1):
        now = pulled(now, np.array([centres[label] for label in labels]), classes)
        assert np.allclose(now, by_loop(rows.tolist(), labels, centres, step), rtol=1e-6, atol=1e-9)


def test_pulling_by_hand():
    """Two points of a class, 1 and 3 from the centre: the mean is 2, so they go 1/8 and 3/8 of their way."""
    centre = np.array([[4.0, 4.0]] * 3)
    found = pulled(np.array([[3.0, 4.0], [4.0, 7.0], [9.0, 9.0]]), np.vstack([centre[:2], [[np.nan] * 2]]), np.array([0, 0, 1]))
    assert found[:2] == pytest.approx(np.array([[3.125, 4.0], [4.0, 5.875]]))
    assert np.isnan(found[2]).all()
    assert pulled(centre, centre, np.zeros(3, np.int64)) == pytest.approx(centre)  # all on the anchor: no share of no distance


def test_isomap_is_scikit_learns_and_then_the_rule():
    pictures, labels = faces()
    found = isomap(pictures, labels, per_class=20)
    assert np.array_equal(found.fitted, fit_rows(labels, per_class=20, seed=0))
    assert [labels[i] for i in found.fitted] == ["happy"] * 20 + ["sad"] * 20 + ["uncertain"] * 20
    flat = pictures.reshape(len(pictures), -1) / 255
    oracle = Isomap(n_components=2).fit(flat[found.fitted]).transform(flat)
    for axis in (0, 1):
        candidates = [scaled(shifted(sign * oracle[:, [axis, axis]]))[:, 0] for sign in (1, -1)]
        assert min(np.abs(found.stages[0][:, axis] - candidate).max() for candidate in candidates) < 0.05
    assert found.stages[0].min(axis=0) == pytest.approx([0, 0])
    assert found.stages[0].mean(axis=0) == pytest.approx([4, 4])
    centres = {label: tuple(4 + 3 * np.array(ANCHORS["adfes2011"].points[label])) for label in ("happy", "sad")}
    with_anchor = [label != "uncertain" for label in labels]
    start = found.stages[0][with_anchor].tolist()
    for step in range(1, 7):
        loop = by_loop(start, [label for label in labels if label != "uncertain"], centres, step)
        assert np.allclose(found.stages[step][with_anchor], loop)
        assert np.isnan(found.stages[step][np.logical_not(with_anchor)]).all()
    assert sorted(found.stages) == list(range(7))
    assert np.allclose(found.affect[with_anchor], np.clip((found.stages[6][with_anchor] - 4) / 3, -1, 1), atol=1e-6)
    legacy = isomap(pictures, labels, per_class=20, anchor_set="legacy")
    assert np.isfinite(legacy.affect).all()
    assert np.abs(legacy.affect).max() <= 1


def test_isomap_repeats_itself_and_reads_in_batches(monkeypatch):
    pictures, labels = faces(20)
    before = np.random.get_state()[1].copy()
    first = isomap(pictures, labels, seed=4)
    assert np.array_equal(np.random.get_state()[1], before)
    monkeypatch.setattr("mien.data.affect.BATCH", 7)
    asked: list[int] = []
    done: list[int] = []

    def read(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return pictures[rows]

    second = isomap(read, labels, seed=4, progress=done.append)
    assert np.allclose(first.stages[6], second.stages[6], equal_nan=True, atol=1e-4)
    assert max(asked[1:]) == 7
    assert done[-1] == 60


def test_isomap_refuses(monkeypatch):
    pictures, labels = faces(20)
    with pytest.raises(DataError, match="5 neighbours"):
        isomap(pictures[:4], labels[:4])
    with pytest.raises(UsageError, match="48"):
        isomap(pictures[:, ::2], labels)
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(ExtraMissing, match=r'pip install "\.\[data\]"'):
        isomap(pictures, labels)


def test_a_graph_in_parts_is_told_of():
    near = np.zeros((30, 48, 48), np.uint8)
    rng = np.random.default_rng(0)
    near[:15, :8] = rng.integers(0, 40, (15, 8, 48))
    near[15:] = 255
    near[15:, :8] = rng.integers(200, 255, (15, 8, 48))
    found = isomap(near, ["happy"] * 15 + ["sad"] * 15)
    assert "connected components" in " ".join(found.notes)
    assert np.isfinite(found.affect).all()


def test_pictures_after_steps_one_four_and_six():
    pictures, labels = faces(20)
    found = isomap(pictures, labels)
    drawn = isomap_pictures(found)
    assert sorted(drawn) == list(SHOWN) == [1, 4, 6]
    assert len({picture.shape for picture in drawn.values()}) == 1
    assert len({picture.tobytes() for picture in drawn.values()}) == 3
    assert "not measured affect" in WARNING
    for picture in drawn.values():
        assert (picture == (239, 201, 61)).all(axis=2).sum() > 50  # happy's colour
        assert (picture == (54, 54, 54)).all(axis=2)[-688:-48, 57:696].sum() < 20  # uncertain has no anchor: 20 dots are not shown


def test_a_point_is_drawn_where_it_lies():
    span = (np.array([1.0, 1.0]), np.array([7.0, 7.0]))
    nowhere = np.full((9, 2), np.nan)
    at = np.array([[7.0, 7.0], [1.0, 1.0], [20.0, 4.0], [np.nan, 4.0]])
    canvas = scatter(at, ["happy"] * 4, nowhere, span=span)
    rows, columns = np.nonzero((canvas == (239, 201, 61)).all(axis=2)[:, :700])
    assert (rows[0], columns[rows == rows.min()].max()) == pytest.approx((12, 696), abs=3)
    assert (rows[-1], columns[rows == rows.max()].min()) == pytest.approx((652, 56), abs=3)
    low, high = span_of(np.full((3, 2), np.nan))
    assert (low.tolist(), high.tolist()) == ([1, 1], [7, 7])


# what a manifest has stays


def small_manifest() -> Manifest:
    shares = np.full((4, 9), np.nan, np.float32)
    shares[1:3] = np.eye(9, dtype=np.float32)[[6, 4]]
    given = {"valence": [0.1, np.nan, np.nan, 0.2], "arousal": [-0.1, np.nan, np.nan, np.nan], "affect_from": ["rated", "", "", ""]}
    return Manifest({"id": [*"abcd"], "label": ["happy", "sad", "happy", "uncertain"], "shares": shares, **given})


def test_real_labels_stay():
    manifest = small_manifest()
    rows = open_rows(manifest)
    assert rows.tolist() == [1, 2]
    made, count = fill(manifest, rows, jitter(["sad", "uncertain"], width=0), "jitter:adfes2011")
    assert count == 1  # the other has no anchor
    assert list(made["affect_from"]) == ["rated", "jitter:adfes2011", "", ""]
    assert made["valence"].tolist()[:2] == pytest.approx([0.1, (2.28 - 4) / 3])
    assert made["valence"][3] == pytest.approx(0.2)
    assert np.isnan(manifest["valence"][1])  # the one given is left alone
    assert open_rows(manifest, replace=True).tolist() == [0, 1, 2, 3]


def test_votes_never_stand_beside_a_rating(tmp_path: Path):
    """Rated in one axis, in the other, in both, in neither; all have votes."""
    shares = np.tile(np.eye(9, dtype=np.float32)[4], (4, 1))
    given = {"valence": [0.1, np.nan, 0.3, np.nan], "arousal": [np.nan, -0.2, 0.4, np.nan], "affect_from": [*["rated"] * 3, ""]}
    manifest = Manifest({"id": [*"abcd"], "shares": shares, **given})
    assert rated(manifest).tolist() == [True, True, True, False]
    manifest.write(tmp_path / "in.parquet")
    assert run("votes", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet") == 0
    found = Manifest.read(tmp_path / "out.parquet")
    assert found["affect_from"].tolist() == [*["rated"] * 3, "votes:crowd"]
    happy = ANCHORS["crowd"].points["happy"]
    np.testing.assert_allclose(found["valence"], [0.1, np.nan, 0.3, happy[0]], atol=1e-6)
    np.testing.assert_allclose(found["arousal"], [np.nan, -0.2, 0.4, happy[1]], atol=1e-6)


def run(*words: object) -> int:
    return main(["data", "affect", *map(str, words)])


def test_commands_write_a_manifest(tmp_path: Path, capsys):
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    small_manifest().write(source)
    assert run("votes", source, "-o", out) == 0
    assert "2 pictures labelled (votes:crowd), 2 kept what they had" in capsys.readouterr().err
    found = Manifest.read(out)
    assert list(found["affect_from"]) == ["rated", "votes:crowd", "votes:crowd", ""]
    assert found["valence"][2] == pytest.approx(ANCHORS["crowd"].points["happy"][0], abs=1e-6)
    assert run("jitter", source, "-o", out, "--anchors", "legacy", "--replace", "--width", 0) == 0
    found = Manifest.read(out)
    assert set(found["affect_from"]) == {"jitter:legacy"}
    assert found["arousal"].tolist() == pytest.approx([0.2 / 3, -2.5 / 3, 0.2 / 3, 0], abs=1e-6)
    assert run("votes", out, "-o", tmp_path / "again.parquet") == 1
    assert "all 4 pictures have valence or arousal already" in capsys.readouterr().err
    assert not (tmp_path / "again.parquet").exists()
    assert run("jitter", source, "-o", out, "--anchors", "nope") == 2


def test_isomap_command(tmp_path: Path, capsys):
    pictures, labels = faces(12)
    paths = [tmp_path / "pictures" / f"{i}.png" for i in range(len(labels))]
    paths[0].parent.mkdir()
    for path, picture in zip(paths, pictures, strict=True):
        cv2.imwrite(str(path), picture)
    Manifest({"id": list(map(str, range(36))), "path": list(map(str, paths)), "label": labels}).write(tmp_path / "in.parquet")
    assert run("isomap", tmp_path / "in.parquet", "-o", tmp_path / "out.parquet") == 0
    assert WARNING in capsys.readouterr().err
    found = Manifest.read(tmp_path / "out.parquet")
    assert np.allclose(np.stack([found["valence"], found["arousal"]], 1), isomap(pictures, labels).affect, equal_nan=True, atol=1e-5)
    assert set(found["affect_from"]) == {"isomap:adfes2011", ""}
    for step in SHOWN:
        assert cv2.imread(str(tmp_path / f"out-isomap-step{step}.png")) is not None


# the map from votes to ratings


def write_ratings(path: Path, *, n: int = 60, blank: bool = False) -> dict[str, tuple[float, float]]:
    """AffectNetC25's files with ratings that follow a known map exactly; gives the map."""
    rng = np.random.default_rng(0)
    known = {label: tuple(rng.uniform(-0.9, 0.9, 2)) for label in C25_CODES}
    with zipfile.ZipFile(path, "w") as archive:
        for part in (1, 2):
            codes = rng.integers(0, 8, (n // 2, 5))
            names = [f"{part}_{i}.jpg" for i in range(n // 2)]
            for kind, axis in (("expression", None), ("valence", 0), ("arousal", 1)):
                lines = ["index,filename," + ",".join(f"participant{k}" for k in range(5))]
                for i, name in enumerate(names):
                    cells = codes[i] if axis is None else [round(known[C25_CODES[c]][axis], 9) for c in codes[i]]
                    texts = ["" if blank and i == 0 and k == 4 else str(cell) for k, cell in enumerate(cells)]
                    lines.append(f"{i},{name}," + ",".join(texts))
                archive.writestr(f"any/{kind}_set{part}_C25.csv", "\n".join(lines))
    return known


def test_a_known_map_is_found_again(tmp_path: Path, capsys):
    for blank in (False, True):
        known = write_ratings(tmp_path / "r.zip", blank=blank)
        ratings = read_ratings(tmp_path / "r.zip")
        assert len(ratings) == 60
        assert ratings.shares.sum(axis=1) == pytest.approx(1)
        for label, point in fit_anchors(ratings).points.items():
            assert point == pytest.approx(known[label], abs=1e-6)
        assert out_of_fold(ratings) == pytest.approx(ratings.affect, abs=1e-6)
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        archive.extractall(tmp_path / "folder")
    assert read_ratings(tmp_path / "folder").shares.tolist() == ratings.shares.tolist()
    assert run("fit", tmp_path / "r.zip", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["weights"]["happy"] == pytest.approx(known["happy"], abs=1e-6)
    assert said["agreement"]["fitted (5-fold)"]["arousal"]["ccc"] == pytest.approx(1)


def test_ratings_that_are_none(tmp_path: Path):
    with pytest.raises(SourceMissing):
        read_ratings(tmp_path / "gone.zip")
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(DataError, match="not a zip"):
        read_ratings(tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "half.zip", "w") as archive:
        archive.writestr("expression_set1_C25.csv", "index,filename,participant0\n1,a.jpg,3\n")
    with pytest.raises(DataError, match=r"lacks valence_set\*.csv, arousal_set\*.csv"):
        read_ratings(tmp_path / "half.zip")
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        archive.writestr("expression_set1_C25.csv", "index,filename,participant0\n1,a.jpg,happy\n")
    with pytest.raises(DataError, match="wanted a number"):
        read_ratings(tmp_path / "odd.zip")
    known = write_ratings(tmp_path / "r.zip")
    assert len(known) == 8
    with pytest.raises(UsageError, match="folds"):
        out_of_fold(read_ratings(tmp_path / "r.zip"), folds=61)


@pytest.mark.shared_data
def test_the_shipped_map_is_the_fit_on_affectnetc25(shared_data: Path):
    ratings = read_ratings(shared_data / "affectnetc25_labels_only.zip")
    assert len(ratings) == 1600
    fitted, shipped = fit_anchors(ratings).points, ANCHORS["crowd"].points
    assert set(fitted) == set(shipped)
    for label, point in fitted.items():
        assert point == pytest.approx(shipped[label], abs=5e-4)
    guess = out_of_fold(ratings)
    agreement = [concordance(guess[:, k], ratings.affect[:, k]) for k in (0, 1)]
    assert agreement == pytest.approx([0.94, 0.78], abs=0.005)
    adfes = ANCHORS["adfes2011"].expected(ratings.shares.astype(np.float32), ratings.labels)
    assert concordance(adfes[:, 0], ratings.affect[:, 0]) == pytest.approx(0.93, abs=0.005)
    assert concordance(adfes[:, 1], ratings.affect[:, 1]) == pytest.approx(0.04, abs=0.005)
