import threading
import time
from itertools import count

from tests.io.interrupted import interrupted

from mien.io.handover import Handover


def test_items_in_their_order_up_to_the_end() -> None:
    way: Handover[int | None] = Handover(2)
    got: list[int | None] = []
    taking = threading.Thread(target=lambda: got.extend(way.items()))
    taking.start()
    for item in (*range(100), None):  # None is an item as any other
        assert way.put(item)
    way.end()
    taking.join(10)
    assert got == [*range(100), None]
    assert list(way.items()) == [] if way.end() is None else False  # an end may be told more than once


def test_so_many_may_wait() -> None:
    way: Handover[str] = Handover(2)
    assert [way.put(item, seconds=0.01) for item in "abc"] == [True, True, False]
    items = way.items()
    assert next(items) == "a"
    assert way.put("d", seconds=0.01)
    began = time.monotonic()
    way.end()  # waits for no room
    assert time.monotonic() - began < 1
    assert list(items) == ["b", "d"]


def test_a_ctrl_c_at_any_step_of_a_put_leaves_it_whole() -> None:
    for step in count():
        way: Handover[int] = Handover(4)
        got: list[int] = []
        taking = threading.Thread(target=lambda way=way, got=got: got.extend(way.items()), daemon=True)  # type: ignore[misc]
        taking.start()
        done = not interrupted(lambda way=way: way.put(0), step) and step > 0  # type: ignore[misc]
        ending = threading.Thread(target=way.end, daemon=True)
        ending.start()
        ending.join(5)
        taking.join(5)
        assert [ending.is_alive(), taking.is_alive()] == [False, False], f"waits for ever after step {step}"
        assert got in ([], [0])
        if done:
            break
    assert step > 4
