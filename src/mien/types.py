"""The values that walk through the stages: Frame -> Faces -> Emotions -> Result.

Conventions, fixed once for the whole package:

- image: uint8 (H, W, 3), RGB, upright (EXIF applied). BGR exists only at the edge of a file or camera.
- box: float32 x1, y1, x2, y2 in pixels; may lie partly outside the picture.
- points: float32 (5, 2) x, y in pixels: the subject's right eye, left eye, nose tip, right and left mouth corner
  (so the right eye is on the picture's left). NaN where the detector gives none.
- time: float seconds from the source's own timestamps, never index / fps. 0.0 for a picture.
- probabilities: 0..1, they sum to 1. valence, arousal: -1..1.
- no face is length 0, never None; a missing number is NaN.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    from mien.vision.align import CropSpec

Image: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Float = TypeVar("Float", np.float32, np.float64)
Which: TypeAlias = int | np.integer[Any] | slice | Bools | Ints | Sequence[int]
"""Which of n faces: one by its position (no truth value), from the end where that is below 0, or a slice, a mask, positions."""


def check_image(image: Any) -> Image:
    """Return `image` if it is a uint8 (H, W, 3) array with at least one pixel, else raise UsageError."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise UsageError(
            f"image: found {found}, wanted a uint8 array of shape (height, width, 3), RGB; "
            "mien.from_array makes one of other arrays and of PIL images"
        )
    return image


def check_kind(name: str, value: object, kind: type | tuple[type, ...], wanted: str) -> None:
    """Raise UsageError if `value` is not of a kind. name: of the argument; wanted: the kind in words."""
    if not isinstance(value, kind):
        raise UsageError(f"{name}: found {type(value).__name__} {' '.join(reprlib.repr(value).split())}, wanted {wanted}")


def check_numbers(of: object, names: Sequence[str] = (), *, whole: Sequence[str] = (), optional: Sequence[str] = ()) -> None:
    """Raise UsageError if one of these attributes is no number. whole: those that have no fraction; optional: numbers, or None."""
    for name in (*names, *whole):
        kind, wanted = (Integral, "a whole number") if name in whole else (Real, "a number")
        check_kind(name, getattr(of, name), kind, wanted)
    for name in optional:
        if (value := getattr(of, name)) is not None:
            check_kind(name, value, Real, "a number, or None")


def check_floats(name: str, value: Any, dtype: type[Float], wanted: str) -> NDArray[Float]:
    """Return numbers as an array of floats in rows. Raises UsageError for words, and for rows of different lengths.

    name: of the argument; wanted: what it is to be, in words.
    """
    try:
        return np.asarray(value, dtype=dtype, order="C")
    except (ValueError, TypeError):
        raise UsageError(f"{name}: found {type(value).__name__} {' '.join(reprlib.repr(value).split())}, wanted {wanted}") from None


def _float32(name: str, value: Any, shape: tuple[int | None, ...]) -> Floats:
    wanted = ", ".join("n" if want is None else str(want) for want in shape)
    array = check_floats(name, value, np.float32, f"numbers of shape ({wanted})")
    if array.ndim != len(shape) or any(want is not None and got != want for got, want in zip(array.shape, shape, strict=True)):
        raise UsageError(f"{name}: found shape {array.shape}, wanted ({wanted})")
    return array


def _names(value: Any) -> tuple[str, ...]:
    """Labels as a tuple. A word is none: it would be taken for its letters."""
    names = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (None,)
    if not all(isinstance(name, str) for name in names):
        found = f"{type(value).__name__} {' '.join(reprlib.repr(value).split())}"
        raise UsageError(f"labels: found {found}, wanted names of emotions, such as ('happy', 'sad')")
    if len(set(names)) < len(names):
        raise UsageError(f"labels: found {', '.join(names)}; wanted names that differ")
    return names


def _of_kinds(name: str, value: Any, kinds: str, dtype: type, wanted: str, n: int) -> NDArray[Any]:
    """A value for each of n faces as an array (n,). kinds: letters of the numpy dtypes that are taken; wanted: the values in words."""
    array = np.asarray(value)
    if array.shape != (n,):
        raise UsageError(f"{name}: found shape {array.shape}, wanted ({n},)")
    if n and array.dtype.kind not in kinds:
        raise UsageError(f"{name}: found {array.dtype} {' '.join(reprlib.repr(array.tolist()).split())}, wanted {wanted}")
    with np.errstate(invalid="ignore"):  # NaN becomes some number, and is told below
        values: NDArray[Any] = array.astype(dtype, copy=False)
    if array.dtype.kind == "f" and (values != array).any():  # of floats those are taken that are whole
        raise UsageError(f"{name}: found {array[values != array][0]:g}, wanted {wanted}")
    return values


def _index(which: Which, n: int) -> slice | Bools | Ints:
    """What arrays of n faces are indexed by. One face stays a row of its own, so that it becomes a list of its position. A list becomes an
    array; an empty one, which NumPy takes for floats, one of positions. Raises IndexError past the end, by which loops end, and UsageError
    for a single True or False, which Python takes for 1 or 0."""
    if isinstance(which, (bool, np.bool_)):  # as `scores[0] > .5` is
        raise UsageError(f"faces: found a single {which}; wanted a mask of {n}, positions, or a slice")
    if isinstance(which, (int, np.integer)):
        if not -n <= which < n:
            raise IndexError(f"face {which} of {n}; the first is 0")
        return np.array([which], np.int64)
    return np.asarray(which, None if len(which) else np.int64) if isinstance(which, Sequence) else which


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One upright picture and where it comes from. Raises UsageError for a picture of another kind than `check_image` takes."""

    image: Image
    index: int = 0
    """Number of the frame in its source, from 0."""
    time: float = 0.0
    """Seconds from the source's own timestamps."""
    source: str = ""
    """Path, URL or name of the input, as the user wrote it where possible."""
    stream: bool = False
    """Whether it is one of a video, camera or stream, over which people are followed."""

    if TYPE_CHECKING:  # what is taken is more than what the fields then are; OpenCV's arrays are typed as of integers or floats

        def __init__(
            self, image: NDArray[Any], index: float = 0, time: float | Fraction = 0.0, source: str | os.PathLike[str] = "",
            stream: bool = False,
        ) -> None: ...  # fmt: skip

    def __post_init__(self) -> None:
        check_image(self.image)
        check_numbers(self, ("time",))  # a Fraction from PyAV, a NumPy float: all become what the rest reckons with
        object.__setattr__(self, "time", float(self.time))
        index: object = self.index
        if not (isinstance(index, (float, np.floating)) and index.is_integer()):  # as OpenCV's CAP_PROP_POS_FRAMES is
            check_numbers(self, whole=("index",))
        object.__setattr__(self, "index", int(self.index))
        check_kind("source", self.source, (str, os.PathLike), "a name or a path")
        object.__setattr__(self, "source", os.fsdecode(self.source))

    def __repr__(self) -> str:
        of, at = f" of {self.source}" if self.source else "", f"{self.time:g} s, " if self.stream or self.time else ""
        return f"<Frame {self.index}{of}, {at}{self.size[0]}x{self.size[1]}>"

    @property
    def size(self) -> tuple[int, int]:
        """Width, height in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces found in one picture, best score first. A loop over them, and `faces[0]`, give `Faces` of length 1.

    Lists and arrays of other numbers become what the fields say. Raises UsageError for shapes that do not go together.
    """

    boxes: Floats
    """float32 (n, 4): x1, y1, x2, y2 in pixels."""
    scores: Floats
    """float32 (n,): the detector's confidence, 0..1."""
    points: Floats
    """float32 (n, 5, 2): landmarks in pixels, NaN where the detector gives none."""
    ids: Ints | None = None
    """int64 (n,): a person's number over time, where a tracker gave one."""

    if TYPE_CHECKING:  # what is taken is more than what the fields then are

        def __init__(self, boxes: ArrayLike, scores: ArrayLike, points: ArrayLike, ids: ArrayLike | None = None) -> None: ...

    def __post_init__(self) -> None:
        boxes = _float32("boxes", self.boxes, (None, 4))
        n = len(boxes)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "scores", _float32("scores", self.scores, (n,)))
        object.__setattr__(self, "points", _float32("points", self.points, (n, 5, 2)))
        if self.ids is not None:
            object.__setattr__(self, "ids", _of_kinds("ids", self.ids, "iuf", np.int64, "whole numbers", n))

    @classmethod
    def none(cls) -> Faces:
        """No faces."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))

    @classmethod
    def without_points(cls, boxes: Any, scores: Any) -> Faces:
        """Faces of a detector that gives no landmarks."""
        boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        return cls(boxes, scores, np.full((len(boxes), 5, 2), np.nan, np.float32))

    def __len__(self) -> int:
        return len(self.boxes)

    def __iter__(self) -> Iterator[Faces]:
        """Each face, as `Faces` of length 1."""
        return (self[i] for i in range(len(self)))

    def __getitem__(self, which: Which) -> Faces:
        """Faces at a position, slice, mask or list of positions; IndexError past the end."""
        at = _index(which, len(self))
        return Faces(self.boxes[at], self.scores[at], self.points[at], None if self.ids is None else self.ids[at])


@dataclass(frozen=True, slots=True, eq=False)
class Emotions:
    """What n faces show: probabilities, and valence and arousal where the model gives them. A loop over them, and `emotions[0]`, give
    `Emotions` of length 1.

    Lists and arrays of other numbers become what the fields say. Raises UsageError for shapes that do not go together, and labels that
    are no names.
    """

    labels: tuple[str, ...]
    """K names, in the order of the columns of `probs`."""
    probs: Floats
    """float32 (n, K): probabilities, each row sums to 1."""
    affect: Floats | None = None
    """float32 (n, 2): valence and arousal, -1..1."""
    affect_from: str = ""
    """Where valence and arousal come from: `model:votes`, or an anchor set's name."""
    unsure: Bools = None  # type: ignore[assignment]  # all False, of which n is not known here
    """bool (n,): too little to go on; see `reasons`."""
    reasons: tuple[tuple[str, ...], ...] = ()
    """n tuples of reason codes, empty for a sure face."""
    heads: dict[str, Floats] = field(default_factory=dict)
    """Further outputs of the model by name, such as `fer7`: float32 (n, 7) for one trained on FER-2013's labels."""
    held: Ints | None = None
    """int64 (n,): the label that stands, as a position in `labels`, where hysteresis over time chose it; else the most probable."""

    if TYPE_CHECKING:  # what is taken is more than what the fields then are

        def __init__(
            self, labels: Sequence[str], probs: ArrayLike, affect: ArrayLike | None = None, affect_from: str = "",
            unsure: ArrayLike | None = None, reasons: tuple[tuple[str, ...], ...] = (), heads: dict[str, Floats] = ...,
            held: ArrayLike | None = None,
        ) -> None: ...  # fmt: skip

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", _names(self.labels))
        probs = _float32("probs", self.probs, (None, len(self.labels)))
        n = len(probs)
        object.__setattr__(self, "probs", probs)
        if self.affect is not None:
            object.__setattr__(self, "affect", _float32("affect", self.affect, (n, 2)))
        if self.unsure is None:
            object.__setattr__(self, "unsure", np.zeros(n, np.bool_))
        else:
            object.__setattr__(self, "unsure", _of_kinds("unsure", self.unsure, "biu", np.bool_, "True or False", n))
        if not self.reasons:
            object.__setattr__(self, "reasons", ((),) * n)
        elif len(self.reasons) != n:
            raise UsageError(f"reasons: found {len(self.reasons)}, wanted {n}")
        if self.held is not None:
            held = _of_kinds("held", self.held, "iu", np.int64, "positions in labels", n)
            if n and not 0 <= held.min() <= held.max() < len(self.labels):
                raise UsageError(f"held: found {held.min()} to {held.max()}, wanted positions in labels, 0 to {len(self.labels) - 1}")
            object.__setattr__(self, "held", held)

    def __len__(self) -> int:
        return len(self.probs)

    def __iter__(self) -> Iterator[Emotions]:
        """Those of each face, as `Emotions` of length 1."""
        return (self[i] for i in range(len(self)))

    def __getitem__(self, which: Which) -> Emotions:
        """Those of the faces at a position, slice, mask or list of positions; IndexError past the end."""
        at = _index(which, len(self))
        return Emotions(
            self.labels, self.probs[at], None if self.affect is None else self.affect[at], self.affect_from, self.unsure[at],
            tuple(self.reasons[i] for i in np.arange(len(self))[at].tolist()), {name: values[at] for name, values in self.heads.items()},
            None if self.held is None else self.held[at],
        )  # fmt: skip

    @property
    def top(self) -> list[str]:
        """The label of each face: the one that is held, or else the most probable."""
        return [self.labels[k] for k in (self.probs.argmax(axis=1) if self.held is None else self.held)]

    def ranked(self, face: int) -> list[tuple[str, float]]:
        """Labels with probabilities of one face: its label, then the others, most probable first (ties in the order of the labels)."""
        order = np.argsort(-self.probs[face], kind="stable")
        if self.held is not None:
            order = np.concatenate([[self.held[face]], order[order != self.held[face]]])
        return [(self.labels[k], float(self.probs[face, k])) for k in order]


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """All that mien says about one frame. Holds no pixels: the picture stays with the Frame."""

    source: str
    index: int
    time: float
    size: tuple[int, int]
    """Width, height of the upright picture in pixels."""
    faces: Faces
    emotions: Emotions
    """In a video smoothed over time, if smoothing is on."""
    model: str = ""
    raw: Emotions | None = None
    """What the frame alone gave, where `emotions` is smoothed."""
    delta: Floats | None = None
    """float32 (n, K + 2): probabilities, valence and arousal minus the person's own baseline; NaN for a person without one."""
    covers: Floats | None = None
    """float32 (m, 4): in a video boxes to hide so that nobody who is followed is seen: around the faces, in their order, as large as they
    were lately, and where people should be who were not found in this frame. None where nobody is followed."""

    def __len__(self) -> int:
        return len(self.faces)

    def rows(self) -> list[dict[str, Any]]:
        """One dict a face, or one with an empty `face` for a picture without any, in `mien.table.COLUMNS` order."""
        from mien.table import rows

        return rows(self)

    def _repr_html_(self) -> str:
        from mien.table import html

        return html(self)


class Detector(Protocol):
    """Anything called with an image that gives Faces."""

    def __call__(self, image: Image, /) -> Faces:
        """Faces of one uint8 (H, W, 3) RGB picture, best first."""
        ...


class Recogniser(Protocol):
    """Anything called with crops, uint8 (n, S, S, 3) RGB made by `crop`, that gives Emotions of length n."""

    @property
    def crop(self) -> CropSpec:
        """How faces are to be cut out for it."""
        ...

    def __call__(self, crops: Image, /) -> Emotions:
        """Emotions of n crops."""
        ...


Drawer: TypeAlias = Callable[[Image, Result], Image]
"""Anything called with an image and its Result that gives a new image, uint8 (H, W, 3) RGB of any size; a video brings it to its own."""
