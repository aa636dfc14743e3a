"""Which tables are of the same recording, whatever they are called: copies, and a recording beside the table that was made of it."""

from __future__ import annotations

import hashlib

import numpy as np

from mien.study.viewer import MEASURES, unsmoothed
from mien.timeline import Timeline

DECIMALS = 6
"""What is compared: programs that save a table again write numbers with 15 digits, not all 17."""


def faces_hash(timeline: Timeline) -> str:
    """A hash of the faces of a table and their times, in whatever order its rows are: so many numbers are never alike by chance. "" without
    faces."""
    own = timeline.where(timeline.has_face)
    if not len(own):
        return ""
    numbers = np.stack([own["time_s"], *(unsmoothed(own, measure) for measure in MEASURES)])
    told = np.nan_to_num(np.round(numbers, DECIMALS), nan=np.inf) + 0.0  # there are two zeros and many NaN
    return hashlib.sha256(told[:, np.lexsort(told)].tobytes()).hexdigest()
