"""Of what is held back until it is known whether it is needed there is never more than a little."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mien.io import skipping
from mien.io.skipping import Skipped, needed


@dataclass
class Packet:
    """What `needed` looks at of PyAV's."""

    pts: int
    size: int = 10
    is_keyframe: bool = False
    is_discard: bool = False
    is_corrupt: bool = False


def groups(count: int, length: int) -> list[Packet]:
    return [Packet(i, is_keyframe=i % length == 0) for i in range(count * length)]


def held(packets: list[Packet], earliest: float) -> tuple[int, list[Packet | Skipped]]:
    """How many packets were taken, and neither given out nor left out, at most; and all that came out."""
    taken = most = 0

    def counted() -> Iterator[Packet]:
        nonlocal taken
        for packet in packets:
            taken += 1
            yield packet

    out, done = [], 0
    for item in needed(counted(), lambda: earliest):  # type: ignore[arg-type]
        done += item.frames if isinstance(item, Skipped) else 1
        most = max(most, taken - done)
        out.append(item)
    return most, out


@pytest.mark.parametrize(("packets", "size", "at_once"), [(6, 10**9, 6), (10**9, 45, 5)])
def test_a_long_group_is_let_through_and_not_held(monkeypatch: pytest.MonkeyPatch, packets: int, size: int, at_once: int) -> None:
    monkeypatch.setattr(skipping, "MOST_PACKETS", packets)
    monkeypatch.setattr(skipping, "MOST_BYTES", size)
    given = groups(2, 30)
    most, out = held(given, earliest=30)
    assert most == at_once - 1  # of so many the first was given out
    assert out == given


def test_short_groups_before_the_first_that_is_needed_are_left_out() -> None:
    given = groups(5, 4)
    assert held(given, earliest=9)[1] == [Skipped(8, 8), *given[8:]]
    assert held(given, earliest=-1)[1] == given
