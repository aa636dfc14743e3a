import numpy as np

from mien.errors import SourceMissing
from mien.sinks.first_seen import FirstSeenSink
from mien.sinks.sink import Sink
from mien.testing import make_result
from mien.types import Frame, Result

FRAME, RESULT = Frame(np.zeros((480, 640, 3), np.uint8)), make_result(["happy"])


class Told(Sink):
    """Keeps what it is told."""

    what = "told"

    def __init__(self) -> None:
        self.calls: list[str] = ["made"]

    def admit(self, frame: Frame, /) -> None:
        self.calls.append("admit")

    def write(self, frame: Frame, result: Result, /) -> None:
        self.calls.append("write")

    def failed(self, source: str, error: object, /) -> None:
        self.calls.append("failed")

    def close(self, *, finished: bool = True) -> None:
        self.calls.append(f"close {finished}")


def test_nothing_is_made_without_a_result() -> None:
    made: list[Told] = []
    sink = FirstSeenSink(lambda: made.append(Told()) or made[-1])  # type: ignore[func-returns-value]
    sink.admit(FRAME)
    sink.failed("a.jpg", SourceMissing("a.jpg: no such file"))
    assert sink.what == ""
    sink.close()
    assert made == []


def test_from_the_first_result_on_it_is_the_other() -> None:
    made: list[Told] = []
    sink = FirstSeenSink(lambda: made.append(Told()) or made[-1])  # type: ignore[func-returns-value]
    for _ in range(2):
        sink.admit(FRAME)
        sink.write(FRAME, RESULT)
    sink.failed("a.jpg", SourceMissing("a.jpg: no such file"))
    assert sink.what == "told"
    sink.close(finished=False)
    assert [one.calls for one in made] == [["made", "write", "admit", "write", "failed", "close False"]]
