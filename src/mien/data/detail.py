"""Which look-alikes are one picture: those whose fine detail agrees once the one is laid over the other.

At 24x24 (mien.data.duplicates) two expressions of one person look alike where all pictures are framed alike, in a laboratory or before
a webcam: there 0.92 ties an angry face to the same person's sad one. What tells them apart is detail that 24x24 has not. Where a
copy was cropped anew its detail is out of place, so that the pictures are aligned first.

Measured on candidates at 24x24 (36 pairs of a set seen by eye):

- FER-2013: pairs below 0.6 are different people, from 0.68 on they are one picture (cropped anew, saved anew, watermarked); the median of
  all candidates is 0.96, and of copies with contradicting labels 0.95.
- one person under another label: JAFFE median 0.78, 95 % below 0.90, one pair of 834 above 0.95; CK+ at most 0.93.
- CK+, one label: two people at most 0.68, one person in one sequence at least 0.72.

No single bar keeps the latter and finds the former, and the labels help: a look-alike with another label is more likely another
expression than a copy that somebody labelled otherwise. So the bar is higher there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from mien.data.duplicates import Copies, Pairs
from mien.io.prefetch import prefetched
from mien.types import Bools, Floats, Image, Ints

SIDE = 48
"""Detail is that of the pictures at SIDE x SIDE."""
SAME_LABEL, OTHER_LABEL = 0.7, 0.95
"""Correlation of the detail from which look-alikes are one picture: where their labels agree or one has none, and where they differ."""
SIGMA = 1.5
"""Detail is what a Gaussian of so many pixels takes away: structures finer than about a tenth of the picture."""
STEPS, PRECISION, SMOOTHING = 30, 1e-4, 3
"""Of the alignment (ECC, affine): iterations at most, gain at which it ends, side of the Gaussian that it looks through."""
RIM = 2
"""Pixels at the border that are not compared: there the Gaussian knows only one side, and a warp has half a pixel."""
OVERLAP = 0.4
"""An alignment that leaves less in common, as a share of the picture, has gone astray."""
CHUNK = 256
"""Pairs that a thread takes at a time."""


def near_duplicates(
    alike: Copies, faces: Image, sides: Ints, labels: Ints, *, threads: int = 0, progress: Callable[[int], None] | None = None
) -> Copies:
    """Of the look-alikes among n pictures those that are one picture; pictures with the same pixels stay tied, whatever their labels.

    faces: uint8 (n, 48, 48), grey; may be mapped from a file. sides: int64 (n,), the shorter side of each picture in pixels, before it
    was brought to 48. labels: int64 (n,), -1 for none; those of all pictures with the same pixels count. threads: 0 takes all cores.
    progress is called with the number of pictures done.
    """
    near = alike.near
    bars = np.where(_labels_differ(alike.same, near, labels), OTHER_LABEL, SAME_LABEL)
    starts = range(0, len(near), CHUNK)
    jobs = (partial(_one_picture, near.where(_chunk(start)), faces, sides, bars[_chunk(start)]) for start in starts)
    good = [np.zeros(0, np.bool_)]
    for start, part in zip(starts, prefetched(jobs, ahead=threads or os.cpu_count() or 1), strict=True):
        good.append(part)
        if progress:
            progress(int(near.first[start + len(part) - 1]) + 1)  # pairs come in the order of their first picture
    return replace(alike, near=near.where(np.concatenate(good)))


def detail_correlation(one: Floats, other: Floats, *, enough: float = 1.0) -> float:
    """How alike the fine detail of two pictures is, -1..1: where they lie, or where that is less than `enough`, once they are aligned.

    one, other: float32 (48, 48), grey, 0..255. 0 where a picture has no detail. What cannot be aligned is compared as it lies.
    """
    plain = _correlation(_detail(one), _detail(other), np.ones(one.shape, np.bool_))
    if plain >= enough:
        return plain
    laid, valid = _laid_over(one, other)
    return plain if laid is None else _correlation(_detail(one), _detail(laid), valid)


def _chunk(start: int) -> slice:
    return slice(start, start + CHUNK)


def _labels_differ(same: Ints, near: Pairs, labels: Ints) -> Bools:
    """Pairs among whose pictures, those with the same pixels included, there are two labels, bool (m,)."""
    known = np.flatnonzero(labels >= 0)
    low, high = np.full(len(same), np.iinfo(np.int64).max), np.full(len(same), -1, np.int64)
    np.minimum.at(low, same[known], labels[known])
    np.maximum.at(high, same[known], labels[known])
    told = (high[near.first] >= 0) & (high[near.second] >= 0)
    several = np.minimum(low[near.first], low[near.second]) != np.maximum(high[near.first], high[near.second])
    return np.asarray(told & several)


def _one_picture(pairs: Pairs, faces: Image, sides: Ints, bars: Floats) -> Bools:
    out = np.zeros(len(pairs), np.bool_)
    for k, (a, b) in enumerate(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)):
        side = int(min(sides[a], sides[b]))
        one, other = (_at_side(faces[i], side) for i in (a, b))
        if pairs.mirrored[k]:
            other = np.ascontiguousarray(other[:, ::-1])
        out[k] = detail_correlation(one, other, enough=float(bars[k])) >= bars[k]
    return out


def _at_side(face: Image, side: int) -> Floats:
    """A picture with no finer detail than one of `side` x `side` pixels has, float32 (48, 48): a small copy has lost the rest."""
    import cv2

    plane = face.astype(np.float32)
    if side >= SIDE:
        return plane
    coarse = cv2.resize(plane, (max(side, 1), max(side, 1)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


def _detail(plane: Floats) -> Floats:
    import cv2

    return np.asarray(plane - cv2.GaussianBlur(plane, (0, 0), SIGMA), np.float32)


def _correlation(one: Floats, other: Floats, valid: Bools) -> float:
    """Normalised correlation over the valid pixels that are not at the rim; 0 where there is nothing to correlate."""
    inner = (slice(RIM, -RIM), slice(RIM, -RIM))
    a, b = (plane[inner][valid[inner]] for plane in (one, other))
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 1e-3 else 0.0


def _laid_over(one: Floats, other: Floats) -> tuple[Floats | None, Bools]:
    """The other picture laid over the one, float32 (48, 48), and where it covers it; None where no alignment is found."""
    import cv2

    start, until = np.eye(2, 3, dtype=np.float32), (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, STEPS, PRECISION)
    nothing = np.zeros(one.shape, np.bool_)
    try:
        _, warp = cv2.findTransformECC(one, other, start, cv2.MOTION_AFFINE, until, None, SMOOTHING)
    except cv2.error:  # it does not converge, or a picture is of one grey value
        return None, nothing
    how, size = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, one.shape[::-1]
    valid = cv2.warpAffine(np.ones_like(other), warp, size, flags=how) > 0.99
    if valid.mean() < OVERLAP:
        return None, nothing
    return np.asarray(cv2.warpAffine(other, warp, size, flags=how), np.float32), np.asarray(valid)
