"""How far two raters agree who name the same things: people, or a person and mien."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.errors import UsageError
from mien.evaluate.metrics import confusion_matrix, kappa_of


def kappa(one: Sequence[str], other: Sequence[str]) -> float:
    """Cohen's kappa (1960) of two raters' names for the same things, in the same order: 1 for all alike, 0 for what chance gives.

    one, other: as many names, in lists, arrays or columns of pandas. Chance is that each rater gives every name as often as he did, but
    without a look. NaN without names, and where both gave one name alone. It does not know that neighbouring samples of a video are
    alike: take intervals over clips or people. Raises UsageError for other lengths, and for what is no text, such as an empty cell.

    >>> from mien.evaluate.agreement import kappa
    >>> kappa(["happy", "sad", "sad", "happy"], ["happy", "sad", "happy", "happy"])
    0.5
    """
    pairs = [list(one), list(other)]
    if len(pairs[0]) != len(pairs[1]):
        raise UsageError(f"kappa: found {len(pairs[0])} and {len(pairs[1])} names; wanted one of each rater for every thing")
    if strange := [name for names in pairs for name in names if not isinstance(name, str)]:
        raise UsageError(f"kappa: found {strange[0]!r} among the names; leave out what one of the two has not named, or give it a name")
    place = {name: i for i, name in enumerate(dict.fromkeys(pairs[0] + pairs[1]))}
    first, second = (np.array([place[name] for name in names], np.int64) for names in pairs)
    counts = confusion_matrix(first, second, len(place))
    return kappa_of(counts, counts.sum(axis=1))
