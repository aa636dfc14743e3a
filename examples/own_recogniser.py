"""A recogniser of one's own: anything with a `crop` that turns crops, uint8 (n, S, S, 3) RGB, into mien.Emotions."""

from pathlib import Path

import numpy as np

import mien


class Baseline:
    """Gives every face the shares that raters gave to many: what any real model has to beat."""

    crop = mien.CropSpec(size=48)

    def __call__(self, crops):
        return mien.Emotions(("neutral", "happy", "other"), np.tile([0.4, 0.3, 0.3], (len(crops), 1)))


mien.register_recogniser("baseline", lambda threads: Baseline())

for row in mien.analyze(Path(__file__).with_name("group.jpg"), model="baseline").rows():
    print(row["face"], row["emotion"], row["emotion_p"])
