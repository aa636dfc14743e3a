"""What libraries in C write to stderr."""

import io
import os
import subprocess
import sys
import threading

import pytest

from mien.io.remarks import withheld


def test_lines_of_one_library_are_withheld_and_others_come_late(capfd):
    with withheld("OpenCV") as told:
        os.write(2, b"OpenCV: no camera\nanother library\nOpenCV: really\n")
        assert told == []
    assert told == ["OpenCV: no camera", "OpenCV: really"]
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "another library\nafter\n"


def test_it_is_put_back_after_an_error(capfd):
    try:
        with withheld("OpenCV"):
            raise ZeroDivisionError
    except ZeroDivisionError:
        os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_without_stderr_nothing_is_withheld():
    program = "import os; os.close(2)\nfrom mien.io.remarks import withheld\nwith withheld('OpenCV') as told: print('here', told)"
    run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert run.stdout == "here []\n"


def lowest() -> int:
    """The lowest number of a file that is free."""
    number = os.dup(0)
    os.close(number)
    return number


@pytest.mark.parametrize("flush", ["closed", "full"])
def test_a_stderr_of_the_program_that_cannot_be_flushed_is_in_nobodys_way(monkeypatch, capfd, flush):
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    stderr = Full() if flush == "full" else closed
    monkeypatch.setattr("sys.stderr", stderr)
    free = lowest()
    with withheld("OpenCV") as told:
        os.write(2, b"OpenCV: no camera\nanother\n")
    assert lowest() == free
    assert told == ["OpenCV: no camera"]
    assert capfd.readouterr().err == "another\n"


def test_without_room_for_a_file_nothing_is_withheld(monkeypatch, capfd, tmp_path):
    free = lowest()
    with monkeypatch.context() as patch:  # pytest needs the folder again
        patch.setattr("tempfile.tempdir", str(tmp_path / "none"))
        with withheld("OpenCV") as told:
            os.write(2, b"OpenCV: no camera\n")
    assert lowest() == free
    assert told == []
    assert capfd.readouterr().err == "OpenCV: no camera\n"


def test_where_nobody_reads_the_others_any_more_the_lines_are_told():
    reading, writing = os.pipe()
    os.close(reading)
    kept = os.dup(2)
    os.dup2(writing, 2)
    os.close(writing)
    try:
        with withheld("OpenCV") as told:
            os.write(2, b"another\nOpenCV: no camera\n")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    assert told == ["OpenCV: no camera"]


def test_two_threads_take_turns(capfd):
    begun, told = threading.Event(), []

    def other() -> None:
        begun.set()
        with withheld("OpenCV") as heard:
            os.write(2, b"OpenCV: the other\n")
        told.append(heard)

    thread = threading.Thread(target=other)
    with withheld("OpenCV") as heard:
        thread.start()
        assert begun.wait(20)
        thread.join(0.1)
        os.write(2, b"OpenCV: the first\n")
    thread.join()
    os.write(2, b"after\n")
    assert (heard, told) == (["OpenCV: the first"], [["OpenCV: the other"]])
    assert capfd.readouterr().err == "after\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_process_that_is_forked_in_another_threads_turn_has_its_own():
    program = """
import os, signal, threading
from mien.io.remarks import withheld

inside, ended = threading.Event(), threading.Event()

def other():
    with withheld("OpenCV"):
        inside.set()
        ended.wait()

thread = threading.Thread(target=other)
thread.start()
inside.wait()
child = os.fork()
if not child:
    signal.alarm(20)  # or it would outlive the test where it fails
    with withheld("OpenCV") as told:
        os.write(2, b"OpenCV: no camera\\n")
    os._exit(told != ["OpenCV: no camera"])
ended.set()
thread.join()
print(os.waitpid(child, 0)[1])
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert run.stdout == "0\n"
