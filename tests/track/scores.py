"""How well people are told apart over time: IDF1 (Ristani et al. 2016), and the counts of CLEAR MOT (Bernardin & Stiefelhagen 2008)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mien.track.assign import assign
from mien.types import Faces
from mien.vision.boxes import overlap

MATCH = 0.5
"""Least overlap (IoU) of a found with a true face."""


@dataclass(frozen=True, slots=True)
class TrackScore:
    """What a tracker did on frames with known people."""

    frames: int
    faces: int
    """True faces of all frames."""
    found: int
    """True faces with a box."""
    false: int
    """Boxes on no true face."""
    switches: int
    """Times a person's number changed."""
    people: int
    numbers: int
    """Numbers that were given out."""
    id_true: int
    """True faces with a box that has the one number that stands for the person over the whole run (IDTP)."""

    @property
    def missed(self) -> int:
        """True faces without a box."""
        return self.faces - self.found

    @property
    def idf1(self) -> float:
        """F1 of the numbers: 1 if every person has one number of their own all the time; NaN without faces and boxes."""
        both = self.faces + self.found + self.false
        return 2 * self.id_true / both if both else float("nan")

    @property
    def mota(self) -> float:
        """1 minus misses, false boxes and switches as a share of the true faces; may be negative; NaN without faces."""
        return 1 - (self.missed + self.false + self.switches) / self.faces if self.faces else float("nan")


def score_tracks(pairs: Iterable[tuple[Faces, Faces]], *, match: float = MATCH) -> TrackScore:
    """Compare what a tracker gave with the truth.

    pairs: for each frame of one source, in order, the true faces and those given; `ids` of both are people. match: least IoU.
    In each frame pairs of the last one stay together while they still overlap enough, then those that overlap most are matched.
    """
    frames = faces = found = false = switches = 0
    last: dict[int, int] = {}
    together: Counter[tuple[int, int]] = Counter()
    people: set[int] = set()
    numbers: set[int] = set()
    for true, given in pairs:
        assert true.ids is not None
        assert given.ids is not None
        true_ids, given_ids = true.ids.tolist(), given.ids.tolist()
        shared = overlap(true.boxes, given.boxes).astype(np.float64)
        enough = shared >= match
        together.update((true_ids[i], given_ids[j]) for i, j in np.argwhere(enough))
        # A pair that stays together is worth more than any overlap.
        stays = np.array([[last.get(i) == j for j in given_ids] for i in true_ids], np.bool_).reshape(shared.shape)
        rows, columns = assign(-np.where(enough, shared + 2 * stays + 1e-3, 0))
        hits = [(true_ids[i], given_ids[j]) for i, j in zip(rows, columns, strict=True) if enough[i, j]]
        switches += sum(i in last and last[i] != j for i, j in hits)
        last.update(hits)
        frames, faces, found, false = frames + 1, faces + len(true), found + len(hits), false + len(given) - len(hits)
        people.update(true_ids)
        numbers.update(given_ids)
    return TrackScore(frames, faces, found, false, switches, len(people), len(numbers), _whole_run(together))


def _whole_run(together: Counter[tuple[int, int]]) -> int:
    """Most faces that carry the right number when each person is given one number for the whole run."""
    rows = {person: i for i, person in enumerate(sorted({person for person, _ in together}))}
    columns = {number: j for j, number in enumerate(sorted({number for _, number in together}))}
    counts = np.zeros((len(rows), len(columns)))
    for (person, number), n in together.items():
        counts[rows[person], columns[number]] = n
    return int(counts[assign(-counts)].sum())
