"""Talk on stderr and tables on stdout."""

import io
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from mien.cli.render import BLOCK, RunTalk, TerminalSink, print_table, progress_counter, say
from mien.errors import SourceMissing
from mien.testing import make_result
from mien.types import Frame

FRAME = Frame(np.zeros((480, 640, 3), np.uint8))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def stderr_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Called in the test itself: pytest's capture sets the streams anew after the fixtures."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return screen


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("mien: a\nb\x1b[2Jc\r.jpg: no such file")
    assert capsys.readouterr().err == "mien: a?b?[2Jc?.jpg: no such file\n"


def test_a_narrow_encoding_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii"))
    say("лицо")
    assert raw.getvalue() == rb"\u043b\u0438\u0446\u043e" + b"\n"


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_counter(10, "pictures") as progress:
        progress(5)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = stderr_is_a_terminal(monkeypatch)
    with progress_counter(10, "pictures") as progress:
        progress(10)
    assert "10/10" in re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert "pictures" in terminal.getvalue()


def test_the_bar_of_a_run_gives_way_to_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = stderr_is_a_terminal(monkeypatch)
    talk = RunTalk(total=3)
    talk.done(make_result())
    talk.done(make_result())
    talk.fail("c.jpg", SourceMissing("c.jpg: no such file"))
    talk.close()
    talk.summary("x.csv")
    text = terminal.getvalue()
    assert "/3 pictures" in re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "mien: c.jpg: no such file\n" in text
    last = text.rpartition("\x1b[2K")[2]
    assert last.startswith("2 pictures, 4 faces, 1 failed (c.jpg) in ")
    assert last.endswith("/s) -> x.csv\n")


def test_a_failure_is_named_even_where_its_error_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    RunTalk().fail("c.jpg", SourceMissing("gone"))
    assert capsys.readouterr().err == "mien: c.jpg: gone\n"


@pytest.mark.parametrize("name", ["http://a.test/x.jpg?…", "http://a.test/x.jpg?token=geheim", "cannot be read"])
def test_a_url_is_named_once_and_without_its_query(capsys: pytest.CaptureFixture[str], name: str) -> None:
    talk = RunTalk()
    talk.fail("http://a.test/x.jpg?token=geheim", SourceMissing(f"{name}: gone" if name.startswith("http") else "gone"))
    talk.summary("")
    first, last = capsys.readouterr().err.splitlines()
    assert first == "mien: http://a.test/x.jpg?…: gone"
    assert last == "0 pictures, 0 faces, 1 failed (http://a.test/x.jpg?…)"


def test_long_tables_come_in_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    with TerminalSink() as sink:
        for _ in range(BLOCK + 1):
            sink.write(FRAME, make_result(["happy"]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == BLOCK + 1 + 2
    assert [line.startswith("source") for line in (lines[0], lines[BLOCK + 1])] == [True, True]


def test_a_table_shows_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "size"), [("[red]a[/red]\x1b[31m", "1"), ("x" * 300, "2")], right=("size",))
    out = capsys.readouterr().out
    assert "[red]a[/red]?[31m" in out
    assert "x" * 300 in out


def test_frames_of_videos_have_time_and_person(capsys: pytest.CaptureFixture[str]) -> None:
    one = make_result(["happy"], source="clip.mp4")
    followed = replace(one, time=61.25, faces=replace(one.faces, ids=np.array([3])))
    with TerminalSink() as sink:
        sink.write(Frame(FRAME.image, source="a.jpg"), make_result(["sad"], source="a.jpg"))
        sink.write(Frame(FRAME.image, 1, 61.25, "clip.mp4", stream=True), followed)
    head, picture, frame = capsys.readouterr().out.splitlines()
    assert head.split() == ["source", "time", "person", "face", "emotion", "second", "unsure"]
    assert picture.split()[:3] == ["a.jpg", "0", "sad"]
    assert frame.split()[:5] == ["clip.mp4", "1:01.25", "3", "0", "happy"]
    with TerminalSink() as sink:
        sink.write(Frame(FRAME.image, source="a.jpg"), make_result(["sad"], source="a.jpg"))
    assert capsys.readouterr().out.split()[:5] == ["source", "face", "emotion", "second", "unsure"]
