"""What is remembered of people."""

from dataclasses import dataclass

from mien.track.memory import Memory


@dataclass(frozen=True)
class Seen:
    time: float


def test_a_sure_face_goes_on_from_the_last_sure_one_and_an_unsure_one_from_the_last():
    memory: Memory[Seen] = Memory(forget=2.0)
    assert memory.of(0, 0.0, unsure=False) is memory.of(0, 0.0, unsure=True) is None
    memory.keep(0, Seen(0.0), unsure=True)
    assert memory.of(0, 1.0, unsure=False) is None
    assert memory.of(0, 1.0, unsure=True) == Seen(0.0)
    memory.keep(0, Seen(1.0), unsure=False)
    memory.keep(0, Seen(2.0), unsure=True)
    assert memory.of(0, 3.0, unsure=False) == Seen(1.0)
    assert memory.of(0, 3.0, unsure=True) == Seen(2.0)
    assert memory.of(0, 3.1, unsure=False) is None  # unsure for longer than it is remembered, though never away
    assert memory.of(0, 3.1, unsure=True) == Seen(2.0)
    assert memory.of(1, 3.0, unsure=True) is None
    assert memory.lasted(0, 3.0) == 1.0
    assert memory.lasted(0, 1.5) == memory.lasted(1, 3.0) == 0.0
    memory.keep(0, Seen(3.2), unsure=False)
    assert memory.of(0, 3.3, unsure=True) == Seen(3.2)


def test_who_is_gone_is_dropped_from_both():
    memory: Memory[Seen] = Memory(forget=2.0)
    for person in range(1000):
        memory.keep(person, Seen(person / 10), unsure=person % 2 == 0)
        memory.tidy(person / 10, 1)
    assert len(memory) < 60
    assert len(memory._sure) < 60
