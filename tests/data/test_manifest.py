"""The manifest and its Parquet file, with pyarrow as the judge."""

import io
import json
import pickle
import signal
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from mien.data import stores
from mien.data.manifest import COLUMNS, Manifest
from mien.data.rowgroups import RowGroups
from mien.data.stores import InMemory, InParquet
from mien.errors import DataError, SinkError, SourceMissing, UsageError
from mien.io.events import Failure
from mien.labels import EMOTIONS
from tests.windows import as_windows, is_open

RNG = np.random.default_rng(0)


def png(value: int, size: int = 8) -> bytes:
    return bytes(cv2.imencode(".png", np.full((size, size, 3), value, np.uint8))[1])


def noise(n: int, size: int) -> list[bytes]:
    return [bytes(cv2.imencode(".png", RNG.integers(0, 256, (size, size, 3), np.uint8))[1]) for _ in range(n)]


def made(n: int = 5) -> Manifest:
    shares = np.full((n, 9), np.nan)
    shares[::2] = RNG.dirichlet(np.ones(9), len(shares[::2]))
    return Manifest(
        {
            "id": [f"set/é {i}.png" for i in range(n)], "label": [("happy", "", "sad")[i % 3] for i in range(n)], "shares": shares,
            "valence": [np.nan if i % 2 else i / 10 for i in range(n)], "width": [8] * n, "split": [("train", "")[i % 2] for i in range(n)],
            "note": ["кириллица"] * n,
        },
        [InMemory([png(10 * i) for i in range(n)])],
    )  # fmt: skip


def same(a: Manifest, b: Manifest) -> None:
    for name in COLUMNS:
        left, right = a[name], b[name]
        assert left.dtype == right.dtype, name
        np.testing.assert_array_equal(left, right, name)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    one = made()
    told: list[int] = []
    one.write(tmp_path / "a" / "set.parquet", progress=told.append)
    assert told[-1] == 5
    two = Manifest.read(tmp_path / "a" / "set.parquet")
    same(one, two)
    assert [two.bytes_of(i) for i in range(5)] == [one.bytes_of(i) for i in range(5)]
    assert two.picture(3)[0, 0].tolist() == [30, 30, 30]
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["set.parquet"]


def test_an_empty_manifest_is_one(tmp_path: Path) -> None:
    Manifest({"id": []}).write(tmp_path / "none.parquet")
    back = Manifest.read(tmp_path / "none.parquet")
    assert len(back) == 0
    assert back.counts() == {}
    assert list(back.pictures()) == []
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


def test_pyarrow_reads_the_same(tmp_path: Path) -> None:
    one = made()
    one.write(tmp_path / "set.parquet")
    table = pq.read_table(tmp_path / "set.parquet")
    assert table.column("id").to_pylist() == one["id"].tolist()
    assert table.column("valence").to_pylist() == [pytest.approx(0), None, pytest.approx(0.2), None, pytest.approx(0.4)]
    shares = table.column("shares").to_pylist()
    assert shares[1] is None
    assert sum(shares[0]) == pytest.approx(1, abs=1e-5)
    image = table.column("image").to_pylist()
    assert image[2] == {"bytes": png(20), "path": None}
    assert np.asarray(Pillow.open(io.BytesIO(image[4]["bytes"])))[0, 0].tolist() == [40, 40, 40]


def test_hugging_face_is_told_that_the_column_holds_pictures(tmp_path: Path) -> None:
    made().write(tmp_path / "set.parquet")
    schema = pq.read_schema(tmp_path / "set.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    assert features["image"] == {"_type": "Image"}
    assert [field.name for field in schema.field("image").type] == ["bytes", "path"]
    for name in set(schema.names) - {"image", "shares"}:  # `datasets` compares these with the file's own types
        assert features[name]["dtype"] == str(schema.field(name).type).replace("float", "float32").replace("float3232", "float32")


def test_pyarrow_writes_and_mien_reads(tmp_path: Path) -> None:
    one = made()
    one.write(tmp_path / "set.parquet")
    pq.write_table(pq.read_table(tmp_path / "set.parquet"), tmp_path / "other.parquet", row_group_size=2, compression="snappy")
    two = Manifest.read(tmp_path / "other.parquet")
    same(one, two)
    assert [two.bytes_of(i) for i in (4, 0, 3)] == [png(40), png(0), png(30)]


def test_missing_columns_are_empty(tmp_path: Path) -> None:
    made().write(tmp_path / "set.parquet")
    pq.write_table(pq.read_table(tmp_path / "set.parquet", columns=["id", "image"]), tmp_path / "few.parquet")
    few = Manifest.read(tmp_path / "few.parquet")
    assert few.counts() == {"": 5}
    assert np.isnan(few["valence"]).all()
    assert few.bytes_of(1) == png(10)


def test_files_stay_files_unless_they_are_to_go_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.png").write_bytes(png(7))
    monkeypatch.chdir(tmp_path)
    linked = Manifest({"id": ["x"], "path": ["x.png"]})
    linked.write("linked.parquet")
    assert Manifest.read("linked.parquet")["path"].tolist() == [str(tmp_path / "x.png")]
    linked.write("inside.parquet", inside=True)
    (tmp_path / "x.png").unlink()
    inside = Manifest.read("inside.parquet")
    assert inside["path"].tolist() == [""]
    assert inside.bytes_of(0) == png(7)
    ((_, failure),) = Manifest.read("linked.parquet").pictures()
    assert isinstance(failure, Failure)
    assert isinstance(failure.error, SourceMissing)


def test_a_relative_path_starts_at_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.png").write_bytes(png(9))
    image = pa.array([{"bytes": None, "path": "x.png"}], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    pq.write_table(pa.table({"id": ["x"], "image": image}), tmp_path / "deep" / "set.parquet")
    assert Manifest.read(tmp_path / "deep" / "set.parquet").bytes_of(0) == png(9)


def test_corrupt_pictures_are_failures_in_their_places() -> None:
    pictures = [png(1), b"no picture", png(3)[:20], None, png(5)]
    manifest = Manifest({"id": list("abcde")}, [InMemory(pictures)])
    found = dict(manifest.pictures())
    assert [position for position, picture in found.items() if isinstance(picture, Failure)] == [1, 2, 3]
    assert [f.source for f in found.values() if isinstance(f, Failure)] == ["b", "c", "d"]
    assert [position for position, _ in manifest.pictures([4, 0], ahead=0)] == [4, 0]


def test_rows_are_chosen_and_put_together(tmp_path: Path) -> None:
    made().write(tmp_path / "set.parquet")
    one, two = Manifest.read(tmp_path / "set.parquet"), made(2).with_columns(id=["p", "q"])
    part = one.where(one["label"] == "happy").where([1, 0])
    assert part["id"].tolist() == ["set/é 3.png", "set/é 0.png"]
    assert [part.bytes_of(i) for i in range(2)] == [png(30), png(0)]
    both = Manifest.concat([part, two, one.where(slice(4, None))])
    assert [both.bytes_of(i) for i in range(5)] == [png(30), png(0), png(0), png(10), png(40)]
    assert both.counts() == {"happy": 3, "": 2}
    both.write(tmp_path / "both.parquet")
    same(both, Manifest.read(tmp_path / "both.parquet"))
    assert len(Manifest.concat([])) == 0


def test_a_manifest_may_replace_the_one_it_reads_from(tmp_path: Path) -> None:
    made().write(tmp_path / "set.parquet")
    one = Manifest.read(tmp_path / "set.parquet")
    one.where([4, 2]).write(tmp_path / "set.parquet")
    assert one.bytes_of(1) == png(10)  # still from the file as it was
    assert [Manifest.read(tmp_path / "set.parquet").bytes_of(i) for i in range(2)] == [png(40), png(20)]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    made().write(tmp_path / "set.parquet")
    before = (tmp_path / "set.parquet").read_bytes()
    broken = Manifest({"id": ["a", "b"], "path": ["", str(tmp_path / "gone.png")]}, [InMemory([png(1)])], store=[0, -1], row=[0, 0])
    with pytest.raises(SourceMissing, match=r"gone\.png"):
        broken.write(tmp_path / "set.parquet", inside=True)
    with pytest.raises(DataError, match="'a' is there more than once"):
        made(2).with_columns(id=["a", "a"]).write(tmp_path / "set.parquet")
    with pytest.raises(SinkError, match="cannot be written"):
        made(2).write(tmp_path / "set.parquet" / "x.parquet")
    assert (tmp_path / "set.parquet").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("before", [b"", b"what was there"])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path, before: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """A limit of the file's size cuts a write in its middle, as a disk that fills up does; arro3 would make a panic of it."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "set.parquet"
    if before:
        path.write_bytes(before)
    manifest = Manifest({"id": [str(i) for i in range(40)]}, [InMemory(noise(40, 40))])
    limits, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))
        with pytest.raises(SinkError, match=r"set\.parquet: cannot be written \(File too large\)$"):
            manifest.write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([before] if before else [])
    assert capfd.readouterr().err == ""


def test_what_is_no_manifest_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="mien data import"):
        Manifest.read(tmp_path / "none.parquet")
    made().write(tmp_path / "set.parquet")
    whole = (tmp_path / "set.parquet").read_bytes()
    for data in (b"", b"PAR1", whole[:-1], whole[: len(whole) // 2], b"x" * 100, whole[:-12] + b"\xff" * 4 + whole[-8:]):
        (tmp_path / "bad.parquet").write_bytes(data)
        with pytest.raises(DataError, match=r"not a whole Parquet file|cannot be read"):
            Manifest.read(tmp_path / "bad.parquet")
    pq.write_table(pq.read_table(tmp_path / "set.parquet", columns=["label"]), tmp_path / "few.parquet")
    with pytest.raises(DataError, match="found columns label; wanted a manifest"):
        Manifest.read(tmp_path / "few.parquet")
    table = pq.read_table(tmp_path / "set.parquet")
    at = table.schema.get_field_index("label")
    pq.write_table(table.set_column(at, "label", [["glad"] * 5]), tmp_path / "odd.parquet")
    with pytest.raises(DataError, match=r"odd\.parquet: manifest: label 'glad' is none of anger"):
        Manifest.read(tmp_path / "odd.parquet")


def test_columns_must_fit() -> None:
    for columns, said in (
        ({"label": ["happy"]}, "wanted id"),
        ({"id": ["a"], "lable": ["happy"]}, "no column lable"),
        ({"id": ["a"], "label": ["happy", "sad"]}, r"shape \(2,\), wanted \(1,\)"),
        ({"id": ["a"], "split": ["Training"]}, "split 'Training' is none of train, val, test"),
        ({"id": ["a"], "shares": [[1.0]]}, r"wanted \(1, 9\)"),
    ):
        with pytest.raises(UsageError, match=said):
            Manifest(columns)
    with pytest.raises(UsageError, match="no column 'x'; there are: id"):
        made()["x"]


def test_row_groups_are_small_and_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the metadata touches no picture; a picture costs its row group, and what is held has a limit."""
    monkeypatch.setattr("mien.data.manifest_file.PICTURES", 600_000)
    monkeypatch.setattr(stores, "HELD", 1_500_000)
    pictures = noise(100, 128)
    Manifest({"id": [str(i) for i in range(100)]}, [InMemory(pictures)]).write(tmp_path / "set.parquet")
    parts = RowGroups(tmp_path / "set.parquet")
    assert len(parts.rows) > 5
    assert pq.ParquetFile(tmp_path / "set.parquet").num_row_groups == len(parts.rows)
    read: list[int] = []
    monkeypatch.setattr(parts, "_file", Counted(parts._file, read))
    list(parts.read([("id",), ("image", "path")]))
    assert sum(read) < (tmp_path / "set.parquet").stat().st_size / 8
    store = InParquet(tmp_path / "set.parquet", parts)
    read.clear()
    assert store(57) == pictures[57]
    assert sum(read) < 1_000_000
    read.clear()
    assert store(57) == pictures[57]
    assert read == []
    assert [store(i) for i in range(100)] == pictures
    assert sum(len(p) for group in store._held.values() for p in group if p) <= 1_500_000
    assert pickle.loads(pickle.dumps(store))(99) == pictures[99]


class Counted:
    """A file that notes how many bytes are read."""

    def __init__(self, file: object, read: list[int]) -> None:
        self._file, self._read = file, read

    def seek(self, *where: int) -> int:
        return self._file.seek(*where)  # type: ignore[attr-defined, no-any-return]

    def readinto(self, buffer: object) -> int:
        self._read.append(self._file.readinto(buffer))  # type: ignore[attr-defined]
        return self._read[-1]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(max_size=5), st.sampled_from(["", *EMOTIONS]), st.none() | st.floats(-1, 1, width=32), st.booleans(),
            st.none() | st.binary(max_size=30),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_any_rows_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, float | None, bool, bytes | None]]
) -> None:
    n = len(rows)
    shares = np.array([np.full(9, 1 / 9 if row[3] else np.nan) for row in rows]).reshape(n, 9)
    valence = [np.nan if row[2] is None else row[2] for row in rows]
    ids = [f"{i}{row[0]}" for i, row in enumerate(rows)]
    columns = {"id": ids, "subject": [row[0] for row in rows], "label": [row[1] for row in rows], "valence": valence, "shares": shares}
    one = Manifest(columns, [InMemory([row[4] for row in rows])])
    path = tmp_path_factory.mktemp("rows") / "set.parquet"
    one.write(path)
    two = Manifest.read(path)
    same(one, two)
    assert [two.kept_inside(i) for i in range(n)] == [row[4] for row in rows]
    assert pq.read_table(path).column("image").to_pylist() == [{"bytes": row[4], "path": None} for row in rows]


B = pa.struct([("x", pa.int64()), ("y", pa.struct([("z", pa.string()), ("w", pa.list_(pa.int64()))]))])
C = pa.list_(pa.struct([("k", pa.int64()), ("l", pa.binary())]))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_columns_of_any_parquet_file(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Chosen columns and row groups, against pyarrow."""
    n = data.draw(st.integers(1, 50))
    table = pa.table(
        {
            "a": pa.array(range(n), pa.int16()),
            "b": pa.array([{"x": i, "y": {"z": str(i), "w": [i, None]}} if i % 3 else None for i in range(n)], B),
            "c": pa.array([[{"k": i, "l": bytes([i])}] * (i % 4) for i in range(n)], C),
            **{f"d{i}": pa.array([bool(k % 2) for k in range(n)]) for i in range(20)},
        }
    )
    path = tmp_path_factory.mktemp("any") / "x.parquet"
    pq.write_table(table, path, row_group_size=data.draw(st.integers(1, 50)), version=data.draw(st.sampled_from(["1.0", "2.6"])))
    parts, judge = RowGroups(path), pq.ParquetFile(path)
    assert parts.rows == [judge.metadata.row_group(i).num_rows for i in range(judge.num_row_groups)]
    names = data.draw(st.lists(st.sampled_from(parts.columns), min_size=1, unique=True))
    dotted = [".".join(name) for name in names]
    group = data.draw(st.none() | st.integers(0, len(parts.rows) - 1))
    wanted = judge.read(columns=dotted) if group is None else judge.read_row_group(group, columns=dotted)
    assert [row for batch in parts.read(names, group) for row in pa.record_batch(batch).to_pylist()] == wanted.to_pylist()


def test_windows_lets_a_manifest_be_replaced_by_one_made_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It replaces no file that is open. Who asks for the old one's pictures then is told, and gets none of the new one's."""
    as_windows(monkeypatch, "mien.data.rowgroups", "mien.io.whole")
    path, pictures = tmp_path / "set.parquet", noise(6, 32)
    Manifest({"id": list("abcdef")}, [InMemory(pictures)]).write(path)
    found = Manifest.read(path)
    assert found.bytes_of(2) == pictures[2]
    assert not is_open(path)
    fresh = Manifest.read(path)
    found.where([5, 0]).write(path)
    assert [Manifest.read(path).bytes_of(i) for i in (0, 1)] == [pictures[5], pictures[0]]
    with pytest.raises(DataError, match=r"set\.parquet: was replaced while it was in use; begin again$"):
        fresh.bytes_of(0)
    assert not is_open(path)
