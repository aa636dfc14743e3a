"""The CSV files of a study's plan."""

import os
import threading
from pathlib import Path

import pytest

from mien.errors import SourceMissing, SourceUnreadable, UsageError
from mien.study.plan import Recording, Visit, read_parts, read_plan, read_visits, recordings_of
from mien.study.reaction_result import Part


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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_plan_in_an_encoding_that_spreadsheets_save(tmp_path: Path, encoding: str) -> None:
    plan = tmp_path / "plan.txt"
    mark = "\ufeff" if encoding.startswith("utf-16-") else ""
    plan.write_bytes((mark + "file\tviewer\tstart\r\na.mp4\tАнна\t2,5\r\n").encode(encoding))
    assert read_plan(plan) == [Recording(str(tmp_path / "a.mp4"), "Анна", 2.5, "")]
    plan.write_bytes("file;viewer\na.mp4;Анна\n".encode("cp1251"))
    with pytest.raises(SourceUnreadable, match="spreadsheets call it CSV UTF-8"):
        read_plan(plan)


def test_a_plan_says_by_how_much_each_recording_is_turned(tmp_path: Path) -> None:
    found = read_plan(written(tmp_path, "file,turn\na.mp4,180\nb.mp4,\nc.mp4,0\nd.mp4,270.0\n"), turn=90)
    assert [one.turn for one in found] == [180, 90, 0, 270]
    visits = read_visits(written(tmp_path, "file,side,turn\na.mp4,leaving,180\nb.mp4,entering,NA\n"))
    assert [one.turn for one in visits] == [180, 0]
    assert recordings_of(["a.mp4"], turn=270) == [Recording("a.mp4", "a", turn=270)]
    with pytest.raises(UsageError, match=r"plan\.csv, line 3: turn is '45'; wanted 0, 90, 180 or 270, degrees clockwise"):
        read_plan(written(tmp_path, "file,turn\na.mp4,180\nb.mp4,45\n"))
    with pytest.raises(UsageError, match="line 2: turn is 'left'; wanted"):
        read_visits(written(tmp_path, "file,side,turn\na.mp4,leaving,left\n"))


def test_cells_that_r_left_empty(tmp_path: Path) -> None:
    """As write.csv has them; a control group may be called none all the same."""
    found = read_plan(written(tmp_path, '"file","viewer","start","group"\n"x/a.mp4",NA,NA,NA\n"b.mp4","Null",2,"none"\n'), start=1)
    assert found == [Recording(str(tmp_path / "x/a.mp4"), "a", 1, ""), Recording(str(tmp_path / "b.mp4"), "Null", 2, "none")]
    assert read_visits(written(tmp_path, "file,side,period\na.mp4,leaving,NA\n")) == [Visit(str(tmp_path / "a.mp4"), True)]
    with pytest.raises(UsageError, match="line 2: a part without a name"):
        read_parts(written(tmp_path, "part,start,end\nNA,1,2\n"))


def test_people_and_groups_called_na_and_nan_keep_their_names(tmp_path: Path) -> None:
    told: list[str] = []
    text = "file,viewer,group\na.mp4,Nan,Na\nb.mp4,Na,null\nc.mp4,NULL,n/a\nd.mp4,NA,<NA>\ne.mp4,nan,NA\n"
    found = read_plan(written(tmp_path, text), tell=told.append)
    assert [(one.viewer, one.group) for one in found] == [("Nan", "Na"), ("Na", "null"), ("NULL", "n/a"), ("d", ""), ("e", "")]
    said = "4 cells of names (NA, <NA>, nan) taken as empty; spell a name otherwise that is one"
    assert told == [f"{tmp_path / 'plan.csv'}: {said}"]
    read_visits(written(tmp_path, "file,side,period\na.mp4,leaving,#N/A\n"), tell=told.append)
    assert told[1:] == [f"{tmp_path / 'plan.csv'}: 1 cell of names (#N/A) taken as empty; spell a name otherwise that is one"]
    read_plan(written(tmp_path, "file,viewer,group,start,note\na.mp4,,,NA,NA\n"), tell=told.append)
    assert len(told) == 2


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
@pytest.mark.skipif(os.sep != "/", reason="elsewhere both part folders")
def test_a_plan_that_windows_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "we\\ird"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/v1.csv").touch()
    (folder / "plan.csv").write_text("viewer,file\na,sub\\v1.csv\nb,none\\v2.csv\n", "utf-8")
    assert [one.file for one in read_plan(folder / "plan.csv")] == [str(folder / "sub/v1.csv"), str(folder / "none\\v2.csv")]


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
        (read_plan, "file,viewer\na.mp4,a\nb\0.mp4,b\n", "line 3: has a NUL character; save the table again as CSV UTF-8"),
        (read_visits, "file,side\na.mp4,in\n", "line 2: side is 'in'; wanted entering or leaving"),
        (read_parts, "part,start,end\n,1,2\n", "line 2: a part without a name"),
        (read_plan, "file,viewer\na.mp4,x\nb.mp4,y\nc.mp4,x\n", r"plan\.csv, lines 2 and 4: two viewers called x; wanted names that"),
        (read_plan, "file\nx/a.mp4\ny/a.mov\n", "lines 2 and 3: two viewers called a"),
        (read_parts, "part,start,end\nx,1,2\nx,2,3\n", r"plan\.csv, lines 2 and 3: two parts called x"),
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
    with pytest.raises(SourceUnreadable, match=r"cannot be read as CSV \(no text in UTF-8; save it again as that"):
        read_plan(tmp_path / "x.csv")


def test_viewers_are_called_like_their_files() -> None:
    assert [one.viewer for one in recordings_of(["a/x.mp4", "b.csv"])] == ["x", "b"]
    with pytest.raises(UsageError, match=r"a/x\.mp4 and b/x\.mov: two viewers called x"):
        recordings_of(["a/x.mp4", "b/x.mov"])


@pytest.mark.parametrize(
    ("name", "viewer"),
    [("Anna 2.1", "Anna 2.1"), ("Mr. Smith", "Mr. Smith"), ("x/a.b.MP4", "a.b"), ("https://anna:pw@example.org/b.mp4?x=1", "b")],
)
def test_only_endings_of_files_are_cut_from_a_viewers_name(tmp_path: Path, name: str, viewer: str) -> None:
    assert recordings_of([name])[0].viewer == viewer
    if "://" not in name:
        (one,) = read_plan(written(tmp_path, f"file\n{name}\n"))
        assert (one.viewer, one.named) == (viewer, False)


def test_a_pattern_is_the_recordings_that_match(tmp_path: Path) -> None:
    """The shells of Windows expand none."""
    for name in ("9.mp4", "10.mp4", "notes.txt", "[a].csv"):
        (tmp_path / name).touch()
    found = recordings_of([f"{tmp_path}/*.mp4", f"{tmp_path}/[a].csv", f"{tmp_path}/none*.mp4"])
    assert [one.file for one in found] == [f"{tmp_path}/{name}" for name in ("9.mp4", "10.mp4", "[a].csv", "none*.mp4")]


@pytest.mark.parametrize("start", [float("nan"), float("inf")])
def test_a_start_that_is_no_time(start: float) -> None:
    with pytest.raises(UsageError, match=rf"^a\.mp4: start is {start}; wanted seconds, as 12\.5"):
        recordings_of(["a.mp4"], start=start)
