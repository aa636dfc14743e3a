"""Pictures that are there twice: the same bytes, the same pixels, or look-alikes, mirrored or not.

Look-alikes are told by normalised correlation of the grey pictures at 24x24, at least 0.92: judged by eye on FER-2013, below
that are mostly different pictures of one person, above it one picture re-cropped, re-compressed or watermarked. Where all pictures
are framed alike, in a laboratory or before a webcam, look-alikes are also different expressions of one person: mien.data.detail
tells which of them are near duplicates. That is for dropping pictures and for judging labels; to keep look-alikes on one side of
a split the broad criterion is harmless, and safer.

All pairs of n pictures are compared, yet neither all products nor all of their 576 values are computed:

- a picture is an even part (equal to its mirror image) and an odd part (its negative). With e and o for the products of the even
  and of the odd parts, two pictures correlate by `e + o` and one with the mirror image of the other by `e - o`: the mirrored
  comparison costs nothing.
- each part is turned into the coordinate system of its principal components, and only the first of them are multiplied. What the
  rest can add is bounded by the product of the lengths left over (Cauchy and Schwarz), so that a pair whose bound lies under the
  threshold is out for certain. The few others are computed in full: the answer is that of the full product.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import UsageError
from mien.types import Bools, Floats, Image, Ints

SIDE = 24
"""Pictures are compared at SIDE x SIDE pixels."""
THRESHOLD = 0.92
BLOCK = 2048
"""Rows and columns of one product: 16 MB in float32."""
KEPT = 48
"""Principal components of the even and of the odd part that are multiplied."""
SAMPLE = 8192
"""Pictures that the components are taken from."""
ROUNDING = 1e-4
"""More than float32 products of unit vectors are ever off by."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of pictures that look alike, each pair once, `first` < `second`, in the order of `first`, then `second`."""

    first: Ints
    """int64 (m,): position of one picture."""
    second: Ints
    """int64 (m,): position of the other."""
    similarity: Floats
    """float32 (m,): normalised correlation, the higher of the plain and the mirrored one."""
    mirrored: Bools
    """bool (m,): whether the mirrored one is the higher."""

    def __len__(self) -> int:
        return len(self.first)

    def where(self, mask: Bools | slice) -> Pairs:
        """The pairs of a mask or slice."""
        return Pairs(self.first[mask], self.second[mask], self.similarity[mask], self.mirrored[mask])

    @classmethod
    def none(cls) -> Pairs:
        """No pairs."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, np.zeros(0, np.float32), np.zeros(0, np.bool_))


def small(picture: Image) -> Floats:
    """A picture as `near` compares it: float32 (576,), grey, 24x24 by area, mean 0, length 1; all 0 for a constant picture.

    picture: uint8 (H, W) grey or (H, W, 3) RGB.
    """
    import cv2

    values = np.asarray(cv2.resize(_grey(picture).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)).ravel()
    return np.asarray(normalised(values[None])[0])


def normalised(rows: Floats) -> Floats:
    """Each row less its mean, divided by its length, float32 (n, d); a row of equal values becomes 0."""
    centred = rows - rows.mean(axis=1, keepdims=True, dtype=np.float64)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(np.where(length > 1e-3, centred / np.where(length > 1e-3, length, 1), 0), np.float32)


def _grey(picture: Image) -> Image:
    if picture.ndim == 2:
        return picture
    from mien.vision.align import grey

    return grey(np.ascontiguousarray(picture))


def near(
    pictures: Floats,
    threshold: float = THRESHOLD,
    *,
    among: Ints | None = None,
    progress: Callable[[int], None] | None = None,
) -> Pairs:
    """All pairs of pictures that correlate by `threshold` or more, mirrored or not.

    pictures: float32 (n, 576), rows of `small`; may be mapped from a file. among: int64, ascending: compare the pictures at these
    positions only. progress is called with the number of pictures done. Time grows with n squared (36,000 pictures take seconds, a
    million an hour or so), memory with n.
    Raises UsageError for another shape, or a threshold outside 0.5..1.
    """
    if pictures.ndim != 2 or pictures.shape[1] != SIDE * SIDE:
        raise UsageError(f"pictures: found shape {pictures.shape}, wanted (n, {SIDE * SIDE}), rows of duplicates.small")
    if not 0.5 <= threshold <= 1:
        raise UsageError(f"threshold is {threshold}; wanted 0.5 to 1: duplicates of FER-2013 start at {THRESHOLD}")
    found = [Pairs.none(), *_near_blocks(pictures, _alive(pictures, among), threshold, progress or (lambda done: None))]
    first, second = (np.concatenate([getattr(p, name) for p in found]) for name in ("first", "second"))
    order = np.lexsort((second, first))
    similarity, flipped = (np.concatenate([getattr(p, name) for p in found])[order] for name in ("similarity", "mirrored"))
    return Pairs(first[order], second[order], similarity, flipped)


def _alive(pictures: Floats, among: Ints | None) -> Ints:
    """Positions of the pictures that are not constant: a constant one is like none."""
    at = np.arange(len(pictures)) if among is None else among
    alive = [np.any(pictures[at[i : i + BLOCK]], axis=1) for i in range(0, len(at), BLOCK)]
    return np.asarray(at[np.concatenate([np.zeros(0, np.bool_), *alive])])


def _near_blocks(pictures: Floats, at: Ints, threshold: float, progress: Callable[[int], None]) -> Iterator[Pairs]:
    for first, second in _candidates(pictures, at, threshold, progress):
        yield _confirmed(pictures, first, second, threshold)


def _candidates(pictures: Floats, at: Ints, threshold: float, progress: Callable[[int], None]) -> Iterator[tuple[Ints, Ints]]:
    """Pairs whose bound reaches the threshold, up to BLOCK at a time: first and second, int64 (m,), positions."""
    even, odd = _coordinates(pictures, at)
    for i in range(0, len(at), BLOCK):
        rows = slice(i, i + BLOCK)
        for j in range(i, len(at), BLOCK):
            columns = slice(j, j + BLOCK)
            bound = even[rows] @ even[columns].T
            rest = odd[rows] @ odd[columns].T
            bound += np.abs(rest, out=rest)
            reach = bound >= threshold - ROUNDING
            a, b = np.nonzero(np.triu(reach, 1) if i == j else reach)
            for start in range(0, len(a), BLOCK):
                part = slice(start, start + BLOCK)
                yield at[a[part] + i], at[b[part] + j]
        progress(min(i + BLOCK, len(at)))


def _confirmed(pictures: Floats, first: Ints, second: Ints, threshold: float) -> Pairs:
    """Those candidates that are pairs."""
    one, other = pictures[first], pictures[second]
    plain = np.einsum("nd,nd->n", one, other)
    flipped = np.einsum("nd,nd->n", one, other.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(-1, SIDE * SIDE))
    similarity = np.minimum(np.maximum(plain, flipped), 1)
    good = similarity >= threshold
    return Pairs(first[good], second[good], np.asarray(similarity[good], np.float32), (flipped > plain)[good])


def _halves(pictures: Floats) -> tuple[Floats, Floats]:
    """Even and odd part, float32 (n, 288) each: products of pictures are products of the even parts plus those of the odd parts."""
    square = pictures.reshape(-1, SIDE, SIDE)
    left, right = square[:, :, : SIDE // 2], square[:, :, : SIDE // 2 - 1 : -1]
    half = np.float32(np.sqrt(0.5))
    size = SIDE * SIDE // 2
    return ((left + right) * half).reshape(-1, size), ((left - right) * half).reshape(-1, size)


def _coordinates(pictures: Floats, at: Ints) -> tuple[Floats, Floats]:
    """Of the pictures at some positions the coordinates along the principal axes, float32 (n, KEPT + 2) even, (n, KEPT) odd.

    The even ones end in the lengths of what is left of both parts: of the odd part's product the absolute value is taken, and a
    bound must only add.
    """
    even, odd = np.zeros((len(at), KEPT + 2), np.float32), np.zeros((len(at), KEPT), np.float32)
    axes = [_axes(part) for part in _halves(pictures[at[:: max(1, len(at) // SAMPLE)]])]
    for start in range(0, len(at), BLOCK):
        rows = slice(start, start + BLOCK)
        for k, (part, out) in enumerate(zip(_halves(pictures[at[rows]]), (even, odd), strict=True)):
            out[rows, :KEPT] = part @ axes[k]
            left = np.einsum("nd,nd->n", part, part) - np.einsum("nd,nd->n", out[rows, :KEPT], out[rows, :KEPT])
            even[rows, KEPT + k] = np.sqrt(np.maximum(left, 0))
    return even, odd


def _axes(part: Floats) -> Floats:
    """Principal axes, the longest first, float32 (d, KEPT)."""
    wide = part.astype(np.float64)
    return np.asarray(np.linalg.eigh(wide.T @ wide)[1][:, ::-1][:, :KEPT], np.float32)


def exact(hashes: Iterable[str]) -> Ints:
    """Position of the first picture with the same hash, int64 (n,): its own for a picture that is there once.

    For hashes of the files' bytes (Manifest has them) or of the decoded pixels (`pixel_hash`).
    """
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(value, i) for i, value in enumerate(hashes)], np.int64)


def pixel_hash(picture: Image) -> str:
    """sha256 of a picture's size and pixels: equal for a PNG and a lossless WebP of the same picture; grey RGB equals grey."""
    plane = picture
    if picture.ndim == 3 and (picture == picture[..., :1]).all():
        plane = np.ascontiguousarray(picture[..., 0])
    return hashlib.sha256(f"{plane.shape}".encode() + np.ascontiguousarray(plane).tobytes()).hexdigest()


def groups(n: int, first: Ints, second: Ints) -> Ints:
    """Group of each of n pictures, int64 (n,): the lowest position among all that are tied to it, directly or by others."""
    return _joined(np.arange(n), first, second)


def _joined(label: Ints, first: Ints, second: Ints) -> Ints:
    """Groups, named as `groups` does, with those joined that further pairs tie together."""
    label = label.copy()
    while len(first):
        low = np.minimum(label[first], label[second])
        np.minimum.at(label, label[first], low)
        np.minimum.at(label, label[second], low)
        while not np.array_equal(label, higher := label[label]):
            label = higher
        apart = label[first] != label[second]
        first, second = first[apart], second[apart]
    return label


def across(n: int, first: Ints, second: Ints, side: Sequence[str] | Ints) -> Bools:
    """Pictures with a duplicate on another side (of train and test, say), bool (n,).

    first, second: int64 (m,), pairs of duplicates; side: n names or numbers. Only direct pairs count: that a copy of a copy lies on
    the other side does not.
    """
    sides = np.asarray(side)
    apart = sides[first] != sides[second]
    out = np.zeros(n, np.bool_)
    out[first[apart]] = out[second[apart]] = True
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Duplicates among n pictures: those with the same pixels, and pairs that look alike among the first of each such set."""

    same: Ints
    """int64 (n,): position of the first picture with the same pixels."""
    near: Pairs
    """Between pictures that are the first with their pixels."""

    def beside(self, of: Ints, kinds: int) -> Bools:
        """Which kinds of pictures the duplicates of each picture are, bool (n, kinds).

        of: int64 (n,), the kind of each picture (its split, its label), 0..kinds - 1 or -1. A picture is no duplicate of itself.
        """
        n = len(self.same)
        there = np.zeros((n, kinds), np.int64)
        known = of >= 0
        np.add.at(there, (self.same[known], of[known]), 1)
        reached = np.zeros((n, kinds), np.bool_)
        np.logical_or.at(reached, self.near.first, there[self.near.second] > 0)
        np.logical_or.at(reached, self.near.second, there[self.near.first] > 0)
        others = there[self.same]
        others[np.flatnonzero(known), of[known]] -= 1
        return np.asarray(reached[self.same] | (others > 0))

    def groups(self) -> Ints:
        """Group of each picture, int64 (n,): same pixels or nearly the same, directly or by others between."""
        label = groups(len(self.same), self.near.first, self.near.second)
        return np.asarray(label[self.same])

    def spare(self, order: Ints) -> Ints:
        """What each picture is a duplicate of that comes before it in `order`, int64 (n,); -1 for a picture that stays.

        order: int64 (n,), all positions, the dearest first. A picture goes when a picture that stays is its duplicate directly, so
        that a chain of likenesses does not take unlike pictures.
        """
        n = len(self.same)
        out = np.full(n, -1, np.int64)
        head = np.full(n, -1, np.int64)  # of each set of the same pixels the picture that stays, under the set's first position
        near: dict[int, list[int]] = {}
        for a, b in zip(self.near.first.tolist(), self.near.second.tolist(), strict=True):
            near.setdefault(a, []).append(b)
            near.setdefault(b, []).append(a)
        for i in order.tolist():
            own = int(self.same[i])
            stays = next((int(head[k]) for k in (own, *near.get(own, ())) if head[k] >= 0), -1)
            if stays < 0:
                head[own] = i
            out[i] = stays
        return out


def copies(
    hashes: Sequence[str], pictures: Floats, threshold: float = THRESHOLD, *, progress: Callable[[int], None] | None = None
) -> Copies:
    """Pictures with the same pixels among n, and those that look alike; `detail.near_duplicates` leaves of the latter what is one picture.

    hashes: their pixel_hash, "" for one that could not be read; pictures: float32 (n, 576), rows of `small`.
    """
    same = _same(hashes)
    return Copies(same, near(pictures, threshold, among=_firsts(same), progress=progress))


def alike(hashes: Sequence[str], pictures: Floats, threshold: float = THRESHOLD, *, progress: Callable[[int], None] | None = None) -> Ints:
    """Group of each picture, int64 (n,): what `copies(...).groups()` gives, without its pairs.

    Of n frames of one sitting nearly all n^2 / 2 pairs look alike. Whoever needs the groups alone is spared most of them: what is in
    one group already is not compared in full. hashes, pictures: as `copies` takes them.
    """
    same = _same(hashes)
    label = np.arange(len(same))
    for first, second in _candidates(pictures, _alive(pictures, _firsts(same)), threshold, progress or (lambda done: None)):
        apart = label[first] != label[second]
        if apart.any():
            found = _confirmed(pictures, first[apart], second[apart], threshold)
            label = _joined(label, found.first, found.second)
    return np.asarray(label[same])


def _same(hashes: Sequence[str]) -> Ints:
    """Position of the first picture with the same pixels, int64 (n,); one that could not be read is like none."""
    return exact(value or f"#{i}" for i, value in enumerate(hashes))


def _firsts(same: Ints) -> Ints:
    return np.flatnonzero(same == np.arange(len(same)))
