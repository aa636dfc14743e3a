"""Claims on Windows: a lock beside the file, which nobody has open but its writer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.errors import SinkError
from mien.sinks.files import Claim, prepare
from mien.sinks.locks import lock_of
from mien.sinks.registry import open_sink
from mien.sinks.video import Mp4Sink
from mien.testing import make_result
from mien.types import Frame
from tests.windows import as_windows, is_open

FRAMES = [Frame(np.full((480, 640, 3), 40 * i, np.uint8), source="a.mp4", index=i, time=i / 25, stream=True) for i in range(5)]


@pytest.fixture(autouse=True)
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any claim is taken."""
    as_windows(monkeypatch, "mien.sinks.locks")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_claim_makes_its_file_once_and_lets_it_be_opened_renamed_and_deleted(tmp_path: Path) -> None:
    path = tmp_path / "x.mp4.part"
    claim = Claim(path)
    assert [claim.take(), claim.take()] == [False, False]
    assert path.exists()  # it was deleted and made again with each frame, while the encoder opened it
    assert not is_open(path)
    with pytest.raises(SinkError, match="another run is writing it"):
        prepare(tmp_path / "X.MP4.part")
    assert path.exists()
    path.rename(tmp_path / "x.mp4")
    claim.drop()
    assert names(tmp_path) == {"x.mp4"}
    with pytest.raises(SinkError, match="cannot be written"):
        Claim(tmp_path / "x.mp4" / "below").take()


def test_where_no_lock_can_be_made_the_file_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Callable[..., object] = Path.open

    def refusing(path: Path, mode: str = "r", **settings: object) -> object:
        if path.suffix == ".lock":  # a folder in which nothing new may be made, or a path that just fits
            raise PermissionError(13, "Permission denied")
        return opened(path, mode, **settings)

    monkeypatch.setattr(Path, "open", refusing)
    (tmp_path / "x.csv").touch()
    assert prepare(tmp_path / "x.csv") is True
    assert prepare(tmp_path / "y.csv") is False
    assert names(tmp_path) == {"x.csv"}
    sink = open_sink(f"{tmp_path}/x.csv")
    with sink:
        sink.admit(FRAMES[0])
        sink.write(FRAMES[0], make_result())
    assert (tmp_path / "x.csv").stat().st_size


def test_names_that_are_two_files_have_two_locks(tmp_path: Path) -> None:
    one, other = Claim(tmp_path / "Straße.csv"), Claim(tmp_path / "Strasse.csv")
    one.take()
    other.take()
    assert lock_of(tmp_path / "É.csv") == lock_of(tmp_path / "é.csv") != lock_of(tmp_path / "e\u0301.csv")
    one.drop()
    other.drop()
    assert names(tmp_path) == set()


def test_an_empty_file_goes_and_one_that_is_open_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    assert prepare(path) is False
    assert names(tmp_path) == set()
    claim = Claim(path)
    claim.take()
    with path.open("rb"):
        claim.drop()
    assert names(tmp_path) == {"x.csv"}


def test_a_lock_that_a_killed_run_left_is_in_nobodys_way(tmp_path: Path) -> None:
    lock_of(tmp_path / "x.csv").touch()
    assert prepare(tmp_path / "x.csv") is False
    assert names(tmp_path) == set()


def test_a_file_that_cannot_be_written_leaves_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Callable[..., object] = Path.open

    def refusing(path: Path, mode: str = "r", **settings: object) -> object:
        if path.name == "x.csv":
            raise PermissionError(13, "Permission denied")
        return opened(path, mode, **settings)

    monkeypatch.setattr(Path, "open", refusing)
    with pytest.raises(SinkError, match=r"x\.csv: cannot be written \(Permission denied\)"):
        prepare(tmp_path / "x.csv")
    assert names(tmp_path) == set()


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet", "x.mp4", "x/"])
def test_what_another_run_writes_is_left_alone(tmp_path: Path, name: str) -> None:
    target = f"{tmp_path}/{name}"
    late, first = open_sink(target), open_sink(target)  # before either has a frame
    with first:
        first.admit(FRAMES[0])
        first.write(FRAMES[0], make_result())
        with pytest.raises(SinkError, match="another run is writing it"):
            late.admit(FRAMES[0])
        for frame in FRAMES[1:]:
            first.admit(frame)
            first.write(frame, make_result())
    late.close()
    assert {path.name for path in tmp_path.rglob("*")} <= {name.rstrip("/"), "results.csv", "a.mp4"}
    assert all(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())


def test_the_file_of_a_video_stays_while_its_encoder_opens_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[str] = []
    unlink = Path.unlink

    def noted(path: Path, missing_ok: bool = False) -> None:
        gone.append(path.name)
        unlink(path, missing_ok)

    sink = Mp4Sink(tmp_path / "x.mp4", drawer=lambda image, result: image)
    monkeypatch.setattr(Path, "unlink", noted)
    for frame in FRAMES:
        sink.admit(frame)
        sink.write(frame, make_result())
        assert gone == []
    sink.close()
    assert names(tmp_path) == {"x.mp4"}
    assert (tmp_path / "x.mp4").stat().st_size > 500
