"""Drawers by name: what turns a picture and its Result into an annotated picture. All register the same way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import UnknownName, UsageError
from mien.models.plugins import load_plugins
from mien.types import Drawer, Faces, Image, Result, check_kind

if TYPE_CHECKING:
    from mien.vision.style import Style

_drawers: dict[str, Drawer] = {}


def register(name: str, drawer: Drawer) -> None:
    """Make a drawer known by name. An existing name is replaced.

    drawer: called with an image, uint8 (H, W, 3) RGB, and its Result; gives a new image, of any size. Raises UsageError
    for an empty name, or what cannot be called.
    """
    if not name:
        raise UsageError("drawer name '': wanted one that is not empty")
    check_kind(f"drawer {name!r}", drawer, Callable, "a callable that gives a picture")  # type: ignore[arg-type]
    _drawers[name] = drawer


def drawer(name: str = "mien") -> Drawer:
    """A drawer by name; UnknownName lists the names there are."""
    if name not in _drawers:
        load_plugins()
    if name not in _drawers:
        raise UnknownName("drawer", name, _drawers)
    return _drawers[name]


def styled(style: Style, name: str = "mien", *, anonymize: bool = False) -> Drawer:
    """mien's own drawer in a style, or another one by name; on pictures with hidden faces if asked for. Raises UnknownName, and UsageError
    for a style that is none.

    anonymize: over a video people who are followed are hidden also where they were not found, see Result.covers.
    """
    from mien.vision.draw import anonymize as hide
    from mien.vision.draw import draw
    from mien.vision.style import Style

    check_kind("style", style, Style, 'a mien.Style, such as mien.Style(preset="r2")')
    plain: Drawer = partial(draw, style=style) if name == "mien" else drawer(name)

    def hiding(image: Image, result: Result) -> Image:
        boxes = result.faces.boxes if result.covers is None else result.covers
        return plain(hide(image, Faces.without_points(boxes, np.ones(len(boxes)))), result)

    return hiding if anonymize else plain


def names() -> list[str]:
    """Names of all drawers there are."""
    load_plugins()
    return sorted(_drawers)


def _mien(image: Image, result: Result, /) -> Image:
    """mien's own drawer with its defaults."""
    from mien.vision.draw import draw

    return draw(image, result)


register("mien", _mien)
