"""What is nearly a picture: other libraries' values, other layouts and ranges; and what makes a picture of it, for errors and notices."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np

from mien.types import Image

CHANNELS = (1, 3, 4)
"""Grey, RGB, RGBA."""
NAMES = "OSTU"
"""Kinds of numpy's dtypes that hold names: objects, bytes and texts."""
ENCODED = (bytes, bytearray, memoryview)
"""What a file's bytes may come as."""
MOST_SHOWN = 200
"""Characters of one text or object in a line about inputs."""
SEVERAL = "several inputs are given to analyze or stream, as one list"


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of an array, a tensor, a table or a column of any library; None for what has none."""
    try:
        return tuple(value.shape)
    except (AttributeError, TypeError):  # no shape, or one of its own kind
        return None


def told(value: Any) -> str:
    """What a value is, for a message: never what it holds."""
    name, shape = type(value).__name__, shape_of(value)
    if isinstance(value, Number):
        return f"{name} {value}"
    if isinstance(value, ENCODED):
        return f"{len(value):,} {name}" if name == "bytes" else f"{name} of {len(value):,} bytes"
    return name if shape is None else f"{name} of shape {shape}"


class _Inputs(reprlib.Repr):
    """Inputs in a line: of pictures what they are, of a long list its beginning, of a long text both ends."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = MOST_SHOWN

    def repr1(self, x: Any, level: int) -> str:
        """One value, or a list of them."""
        return told(x) if isinstance(x, ENCODED) or shape_of(x) is not None else super().repr1(x, level)


def shown(inputs: Any) -> str:
    """Inputs for the line that a notebook or a debugger prints, and may store: without their pixels and bytes.

    >>> shown(["a.jpg", b"0123", *"bcdefgh"])
    "['a.jpg', 4 bytes, 'b', 'c', 'd', 'e', ...]"
    """
    return _Inputs().repr(inputs)


def hint(value: Any) -> str:
    """How a value that is no picture becomes one, or several; empty where that is not known."""
    shape = shape_of(value)
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if isinstance(value, list | tuple | set):
        return SEVERAL
    if isinstance(value, Mapping):
        return "of a dict give the values: list(d.values()), or d['path']"
    if not shape:
        return ""
    if len(shape) == 1:
        return SEVERAL
    if hasattr(value, "columns"):
        return "of a table give a column: df['path']"
    tensor = hasattr(value, "permute")  # of PyTorch
    turn = (".permute(1, 2, 0)" if tensor else ".transpose(1, 2, 0)") if _channels_first(shape[-3:]) else ""
    if len(shape) == 4:
        return f"a batch: give [{f'one{turn}.numpy()' if tensor else f'numpy.asarray(one){turn}'} for one in batch]"
    return f"give tensor{turn}.numpy()" if tensor else f"give numpy.asarray(it){turn}"


def _of_array(array: np.ndarray[Any, Any]) -> str:
    if array.dtype.kind in NAMES:
        return SEVERAL
    if array.ndim == 4:
        turned = "[one.transpose(1, 2, 0) for one in batch]" if _channels_first(array.shape[1:]) else "list(batch)"
        return f"a batch: give {turned} to analyze"
    if _channels_first(array.shape):
        return "channels first: give array.transpose(1, 2, 0)"
    if array.dtype.kind == "b":
        return "use array.astype(np.uint8) * 255"
    return "use array.astype(np.uint8) where values are 0..255" if array.dtype.kind in "iu" and array.dtype != np.uint8 else ""


def _channels_first(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in CHANNELS and shape[2] not in CHANNELS


def dark_note(image: Image) -> str:
    """A line on a picture, uint8 (H, W, 3), that is black but for values of 1, else empty.

    For nearly all a row in the middle tells that they are not, in some microseconds. All 0 is taken for meant: a lens cap, a fade, a
    picture to warm up with.
    """
    if image[len(image) // 2].max() > 1 or image.max() != 1:
        return ""
    return (
        "no value is above 1 of 255, so that it is black: divided by 255 twice? "
        "Wanted 0..255 as uint8, 0..65535 as uint16 or 0..1 as floats"
    )
