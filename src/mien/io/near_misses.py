"""What is nearly a picture: other libraries' values, other layouts and ranges; and what makes a picture of it, for errors and notices."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import Any

import numpy as np

from mien.types import Image

CHANNELS = (1, 3, 4)
"""Grey, RGB, RGBA."""
NAMES = "OSTU"
"""Kinds of numpy's dtypes that hold names: objects, bytes and texts."""
SEVERAL = "several inputs are given to analyze or stream, as one list"


def shape_of(value: Any) -> tuple[int, ...] | None:
    """The shape of an array, a tensor, a table or a column of any library; None for what has none."""
    try:
        return tuple(value.shape)
    except (AttributeError, TypeError):  # no shape, or one of its own kind
        return None


def told(value: Any) -> str:
    """What a value is, for a message."""
    name, shape = type(value).__name__, shape_of(value)
    if isinstance(value, Number):
        return f"{name} {value}"
    return name if shape is None else f"{name} of shape {shape}"


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
