import subprocess
import sys
import threading
import time
from collections.abc import Generator
from itertools import count
from pathlib import Path

import pytest
from tests.io.interrupted import interrupted

from mien.io.frames_ahead import in_background


def counting(made: list[int], most: int = 100) -> Generator[int, None, None]:
    try:
        for number in range(most):
            made.append(number)
            yield number
    finally:
        made.append(-1)


def settled(made: list[int]) -> int:
    """How many were made once the thread waits."""
    before = -1
    while before != len(made):
        before = len(made)
        threading.Event().wait(0.05)
    return before


@pytest.mark.parametrize("ahead", [0, 1, 3, 1000])
def test_all_items_in_their_order(ahead: int) -> None:
    made: list[int] = []
    assert list(in_background(lambda: counting(made), ahead=ahead)) == list(range(100))
    assert made == [*range(100), -1]


def test_no_more_than_so_many_are_made_ahead() -> None:
    made: list[int] = []
    items = in_background(lambda: counting(made), ahead=3)
    assert made == []
    assert next(items) == 0
    assert settled(made) == 1 + 3 + 1  # taken, waiting, in hand
    heavy: list[int] = []
    items = in_background(lambda: counting(heavy), ahead=50, weigh=lambda _: 10, most=20)
    assert next(items) == 0
    assert settled(heavy) == 1 + 2 + 1


def test_what_is_heavier_than_all_still_comes() -> None:
    assert list(in_background(lambda: counting([], 3), ahead=5, weigh=lambda _: 100, most=1)) == [0, 1, 2]


def test_closing_closes_the_generator_and_ends_the_thread() -> None:
    made: list[int] = []
    items = in_background(lambda: counting(made), ahead=2, name="mien-test")
    next(items)
    assert [thread for thread in threading.enumerate() if thread.name == "mien-test"]
    items.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "mien-test"]
    assert made[-1] == -1


@pytest.mark.parametrize("ahead", [0, 2])
def test_an_error_comes_where_the_next_item_would(ahead: int) -> None:
    def failing() -> Generator[int, None, None]:
        yield 1
        yield 2
        raise ZeroDivisionError("broken")

    items = in_background(failing, ahead=ahead)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ZeroDivisionError, match="broken"):
        next(items)


def test_the_thread_itself_may_collect_an_iterator_that_nobody_holds():
    go, ended = threading.Event(), []

    def work():
        yield 1
        go.wait(10)
        try:
            made.close()  # what the garbage collector does, in whatever thread it happens to run
            ended.append("closed")
        except RuntimeError as error:
            ended.append(str(error))

    made = in_background(work, ahead=2)
    assert next(made) == 1
    go.set()
    for _ in range(1000):
        if ended:
            break
        time.sleep(0.01)
    assert ended == ["closed"]


def test_a_ctrl_c_at_any_step_of_taking_an_item_leaves_nothing_locked() -> None:
    for step in count():
        items = in_background(lambda: counting([]), ahead=2, name="mien-test")
        next(items)
        done = not interrupted(lambda items=items: next(items), step) and step > 0  # type: ignore[misc]
        closing = threading.Thread(target=items.close, daemon=True)
        closing.start()
        closing.join(5)
        assert not closing.is_alive(), f"waits for ever after step {step}"
        assert not [thread for thread in threading.enumerate() if thread.name == "mien-test"]
        if done:
            break
    assert step > 4


BEGUN = """
import sys
import time
from mien.io.frames_ahead import in_background

class Native:
    def __del__(self):
        print("was left")

def work():
    native = Native()
    while True:
        time.sleep(0.01)
        yield 1

items = in_background(work, ahead=1000, name="mien-test")
next(items)
if sys.argv[1:]:
    items = [items]
    items.append(items)
print("begun")
"""


@pytest.mark.parametrize("words", [[], ["in a cycle"]])
def test_the_end_of_the_interpreter_stops_the_thread(words: list[str]) -> None:
    """A daemon thread that is in OpenCV or ONNX Runtime then aborts the process; one that was stopped has left its work."""
    done = subprocess.run([sys.executable, "-c", BEGUN, *words], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split("\n")[:2], done.stderr) == (0, ["begun", "was left"], "")


def test_an_analysis_that_was_begun_does_not_abort_the_process(examples: Path) -> None:
    program = "import sys, mien; it = iter(mien.analyze(sys.argv[1:] * 50)); next(it); cycle = [it]; cycle.append(cycle)"
    done = subprocess.run(
        [sys.executable, "-c", program, str(examples / "group.jpg")], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
