"""The CSV files of a study's plan."""

import os
import threading
from pathlib import Path

import pytest

from mien.errors import SourceMissing, SourceUnreadable, UsageError
from mien.study.plan import Recording, Visit, read_parts, read_plan, read_visits, recordings_of
from mien.study.reaction import Part


def written(folder: Path, text: str, name: str = "plan.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plan_says_whose_recording_is_where(tmp_path: Path) -> None:
    plan = written(tmp_path, "\ufeffFile, viewer ,start,group,note\nin/a.mp4,Анна,2.5,men,x\n\nb.mp4,,,,\n")
    found = read_plan(plan, start=1)
    assert found == [Recording(str(tmp_path / "in/a.mp4"), "Анна", 2.5, "men"), Recording(str(tmp_path / "b.mp4"), "b", 1, "")]


def test_a_plan_with_semicolons_as_spreadsheets_of_some_countries_write_it(tmp_path: Path) -> None:
    found = read_plan(written(tmp_path, "file;viewer;start\na.mp4;Anna, the first;2,5\n"))
    assert found == [Recording(str(tmp_path / "a.mp4"), "Anna, the first", 2.5, "")]
    found = read_plan(written(tmp_path, "file;viewer;start;group\n1,2;1,3;2,5;1,4\n"))
    assert found == [Recording(str(tmp_path / "1,2"), "1,3", 2.5, "1,4")]  # names have no decimal comma


@pytest.mark.parametrize("text", ["sep=;\r\nfile;start\r\na.mp4;2,5\r\n", "sep=,\nFile,Start\na.mp4,2.5\n", "file\tstart\na.mp4\t2,5\n"])
def test_what_excel_saves(tmp_path: Path, text: str) -> None:
    plan = tmp_path / "plan.csv"
    plan.write_bytes(text.encode())
    assert read_plan(plan) == [Recording(str(tmp_path / "a.mp4"), "a", 2.5, "")]
    plan.write_bytes(text.encode().replace(b"2,5", b"soon").replace(b"2.5", b"soon"))
    with pytest.raises(UsageError, match=f"line {text.count(chr(10))}: start is 'soon'"):
        read_plan(plan)


def test_names_that_differ_in_case_alone_are_one(tmp_path: Path) -> None:
    found = read_plan(written(tmp_path, "file,group\na.mp4,Men\nb.mp4,men\nc.mp4,women\nd.mp4,MEN\n"))
    assert [one.group for one in found] == ["Men", "Men", "women", "Men"]
    visits = read_visits(written(tmp_path, "file,side,period\na.mp4,Entering,monday\nb.mp4,LEAVING,Monday\n"))
    assert [(one.leaving, one.period) for one in visits] == [(False, "monday"), (True, "monday")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_plan_from_a_pipe_names_files_of_the_current_folder(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("file,start\nin/a.mp4,2\n",))
    writer.start()
    assert read_plan(pipe) == [Recording(str(Path("in/a.mp4")), "a", 2, "")]
    writer.join()


def test_parts_and_visits(tmp_path: Path) -> None:
    assert read_parts(written(tmp_path, 'part,start,end\n"joke, first",1,2.5\n')) == [Part("joke, first", 1, 2.5)]
    visits = read_visits(written(tmp_path, "file,side,period\na.mp4,entering,monday\nb.mp4,leaving,\n"))
    assert visits == [Visit(str(tmp_path / "a.mp4"), False, "monday"), Visit(str(tmp_path / "b.mp4"), True)]


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (read_plan, "viewer\na\n", "has no column file; wanted file, viewer, start, group"),
        (read_plan, "file\n", "has no lines below its head"),
        (read_plan, "file,start\na.mp4,soon\n", "line 2: start is 'soon'; wanted seconds"),
        (read_plan, 'file,start\na.mp4,"1,200"\n', "line 2: start is '1,200'; wanted seconds"),
        (read_plan, "file,start\na.mp4\n", "line 2: 1 cells under 2 columns"),
        (read_plan, "file,viewer\n,a\n", "line 2: no file"),
        (read_visits, "file,side\na.mp4,in\n", "line 2: side is 'in'; wanted entering or leaving"),
        (read_parts, "part,start,end\n,1,2\n", "line 2: a part without a name"),
    ],
)
def test_what_is_no_plan_is_told_with_its_line(tmp_path: Path, read, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(written(tmp_path, text))


def test_a_plan_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"none\.csv: no such file"):
        read_plan(tmp_path / "none.csv")
    with pytest.raises(SourceMissing, match="no such file"):
        read_plan(tmp_path)
    (tmp_path / "x.csv").write_bytes(b"file\n\xff\xfe.mp4\n")
    with pytest.raises(SourceUnreadable, match="is no CSV in UTF-8"):
        read_plan(tmp_path / "x.csv")


def test_viewers_are_called_like_their_files() -> None:
    assert [one.viewer for one in recordings_of(["a/x.mp4", "b.csv"])] == ["x", "b"]
    with pytest.raises(UsageError, match=r"a/x\.mp4 and b/x\.mov: two viewers called x"):
        recordings_of(["a/x.mp4", "b/x.mov"])
