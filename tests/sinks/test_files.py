"""Files that one run alone writes."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mien.errors import SinkError
from mien.sinks.files import Claim, prepare
from mien.sinks.registry import Sinks, open_sink
from mien.testing import make_result
from mien.types import Frame

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the locks of Unix; test_locks.py has those of Windows")
FRAME = Frame(np.zeros((480, 640, 3), np.uint8), source="a.mp4", time=0.0, stream=True)


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet", "x.mp4", "x/"])
def test_what_another_run_writes_is_left_alone(tmp_path: Path, name: str) -> None:
    target = f"{tmp_path}/{name}"
    late, first = open_sink(target), open_sink(target)  # before either has a frame
    with first:
        first.admit(FRAME)
        first.write(FRAME, make_result())
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        other = tmp_path / "other.csv"
        sinks = Sinks([open_sink(other), late])
        with pytest.raises(SinkError, match=r"another run is writing it; wait for its end, or name another file$"), sinks:
            sinks.write(FRAME, make_result())
        assert not other.exists()
        with pytest.raises(SinkError, match="another run is writing it"):
            open_sink(target).admit(FRAME)
        if name != "x.mp4":  # which grows in a thread of its own
            assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    with open_sink(target) as again:
        again.write(FRAME, make_result())
    assert {path.name for path in tmp_path.rglob("*")} <= {name.rstrip("/"), "results.csv", "a.mp4"}


def test_a_claim_leaves_no_trace(tmp_path: Path) -> None:
    new, old, link = tmp_path / "deep" / "new", tmp_path / "old", tmp_path / "link"
    old.touch()
    link.symlink_to(tmp_path / "real")
    claims = [Claim(path) for path in (new, old, link)]
    assert [claim.take() for claim in claims] == [False, True, False]
    assert new.exists()
    for claim in claims:
        claim.drop()
        claim.drop()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "link", "old"]
    assert link.is_symlink()


def test_a_claim_keeps_what_was_written(tmp_path: Path) -> None:
    claim = Claim(tmp_path / "x")
    claim.take()
    (tmp_path / "x").write_text("rows")
    claim.drop()
    assert (tmp_path / "x").read_text() == "rows"
    assert prepare(tmp_path / "x")


def test_a_file_that_was_renamed_while_it_was_waited_for_is_another_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment between opening and locking: the other run has given its file the name that it is for."""
    import fcntl

    part, whole = tmp_path / "x.part", tmp_path / "x"
    part.write_text("theirs")
    lock = fcntl.flock

    def late(file: object, how: int) -> None:
        if not whole.exists():
            part.rename(whole)
        lock(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", late)
    claim = Claim(part)
    claim.take()
    assert (part.read_text(), whole.read_text()) == ("", "theirs")
    claim.drop()


def test_where_nothing_can_be_locked_nobody_is_kept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", unsupported)
    one, two = Claim(tmp_path / "x"), Claim(tmp_path / "x")
    assert (one.take(), two.take()) == (False, True)
    assert not one.alone
    assert not two.alone
    one.drop()
    two.drop()
