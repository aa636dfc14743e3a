"""Answers come in the order of the inputs, whichever worker is first, and whichever dies."""

import random
from collections import Counter

import pytest

from mien.cluster.answers import AHEAD, Died, Slot, answers
from mien.cluster.work import Answer
from mien.errors import MienError, UsageError
from mien.io.events import Notice


class Shuffled:
    """Workers who finish in any order; one whose block holds a name of `fatal` dies."""

    size = 3

    def __init__(self, fatal: set[str] = frozenset(), *, deaths: int = 99, seed: int = 0, answer: Answer | None = None) -> None:  # type: ignore[assignment]
        self.fatal, self.deaths, self.answer = fatal, deaths, answer
        self.at_work: list[Slot] = []
        self.most = 0
        self.read = Counter[str]()
        self._chance = random.Random(seed)

    def put(self, slot: Slot) -> None:
        self.at_work.append(slot)
        self.most = max(self.most, len(self.at_work))

    def get(self) -> tuple[Slot, Answer | Died]:
        slot = self.at_work.pop(self._chance.randrange(len(self.at_work)))
        self.read.update(slot.names)
        if self.fatal.intersection(slot.names) and self.deaths:
            self.deaths -= 1
            return slot, Died("signal SIGKILL")
        return slot, self.answer or Answer(notices=tuple(Notice(name, "was read") for name in slot.names))


def told(found: list[Answer]) -> list[str]:
    return [name for answer in found for name in ([notice.source for notice in answer.notices] + [source for source, _ in answer.failures])]


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_that_of_the_inputs(seed: int) -> None:
    blocks = [tuple(f"{i}.{j}" for j in range(1 + i % 4)) for i in range(60)]
    workers = Shuffled({"5.1", "5.0", "40.0", "59.3"}, seed=seed)
    found = list(answers(iter(blocks), workers))
    assert told(found) == [name for block in blocks for name in block]
    failures = [failure for answer in found for failure in answer.failures]
    assert [source for source, _ in failures] == ["5.0", "5.1", "40.0", "59.3"]
    assert failures[0][1] == "5.0: ended the process that read it, twice (signal SIGKILL)"
    assert workers.read["5.0"] == 3  # in its block, then twice alone
    assert workers.read["40.0"] == 2
    assert workers.read["7.0"] == 1
    assert workers.most <= AHEAD * workers.size + 4


def test_one_death_is_forgiven() -> None:
    """Memory may have run out for another's sake."""
    workers = Shuffled({"a"}, deaths=1)
    assert [answer.failures for answer in answers([("a",), ("b",)], workers)] == [(), ()]


def test_blocks_are_taken_as_they_are_needed() -> None:
    taken = []

    def blocks():
        for i in range(1000):
            taken.append(i)
            yield (str(i),)

    found = answers(blocks(), Shuffled())
    next(found)
    assert len(taken) <= AHEAD * Shuffled.size + 1


def test_of_nothing_there_are_no_answers() -> None:
    assert list(answers([], Shuffled())) == []


def test_another_mien_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a machine of the cluster has mien 0\.0\.9, this one "):
        list(answers([("a",)], Shuffled(answer=Answer(version="0.0.9"))))
    with pytest.raises(MienError, match="a worker: unknown model"):
        list(answers([("a",)], Shuffled(answer=Answer(refused="unknown model 'x'"))))
