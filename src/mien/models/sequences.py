"""What a model of sequences reads in people who are followed through a stream."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.models.card import ModelCard
from mien.types import Emotions, Faces, Frame, Image, Recogniser

ROUNDING = 1e-6
"""Seconds by which a frame's time may be off."""
MOST_GAP = 2.5
"""Longest pause between two crops of a sequence, in steps from frame to frame: one frame may lack the face, two may not."""


class SequenceReader:
    """What a model of sequences reads in the people of a stream, frame after frame.

    Of each person the last `card.frames` crops are kept, `card.frame_seconds` apart as in the training. Nobody is read before that many
    of them were seen, nor right after a pause: a still that is repeated is not a sequence. In the frames between two crops the last
    answer stands. All of it starts anew with another source, or when time goes back.
    """

    def __init__(self, recogniser: Recogniser, card: ModelCard) -> None:
        self._recogniser, self._frames, self._step = recogniser, card.frames, card.frame_seconds
        self._begin("")

    def _begin(self, source: str) -> None:
        self._source, self._time, self._step_number = source, -math.inf, -1
        self._crops: dict[int, deque[tuple[float, Image]]] = {}
        self._answers: dict[int, Emotions] = {}

    def read(self, frame: Frame, faces: Faces, crops: Image) -> tuple[NDArray[np.intp], Emotions]:
        """Which of the faces can be read by now, and what they show.

        faces: of the frame, with people's numbers. crops: uint8 (n, S, S, 3), theirs.
        """
        assert faces.ids is not None
        if frame.source != self._source or frame.time < self._time:
            self._begin(frame.source)
        self._time = frame.time
        people = faces.ids.tolist()
        for gone in [person for person, kept in self._crops.items() if frame.time - kept[-1][0] > MOST_GAP * self._step]:
            del self._crops[gone]
            self._answers.pop(gone, None)
        number = math.floor((frame.time + ROUNDING) / self._step)
        if number != self._step_number:  # the first frame at or after a multiple of the step, as mien.io.video takes them
            self._step_number = number
            for person, crop in zip(people, crops, strict=True):
                self._crops.setdefault(person, deque(maxlen=self._frames)).append((frame.time, crop))
            self._ask([person for person in people if len(self._crops[person]) == self._frames])
        shown = [i for i, person in enumerate(people) if person in self._answers]
        none = self._recogniser(np.zeros((0, self._frames, *crops.shape[1:]), np.uint8))
        return np.array(shown, np.intp), joined([none, *(self._answers[people[i]] for i in shown)])

    def _ask(self, people: list[int]) -> None:
        """New answers of people with a whole sequence."""
        if people:
            every = self._recogniser(np.array([[crop for _, crop in self._crops[person]] for person in people]))
            self._answers |= {person: every[i : i + 1] for i, person in enumerate(people)}


def joined(parts: Sequence[Emotions]) -> Emotions:
    """One after the other, those of one model."""
    first = parts[0]
    affect = None if first.affect is None else np.concatenate([part.affect for part in parts if part.affect is not None])
    heads = {name: np.concatenate([part.heads[name] for part in parts]) for name in first.heads}
    return Emotions(first.labels, np.concatenate([part.probs for part in parts]), affect, first.affect_from, heads=heads)
