"""torchvision, also beside a torch for which its wheel was not built.

timm imports torchvision. Its wheel from PyPI is linked against the CUDA build of torch; beside the CPU build the compiled part
does not load, and then `import torchvision` fails with "operator torchvision::nms does not exist", because it describes two
operators of that part which are not there. Declared without a kernel they can be described, and all that timm uses works. Whoever
calls them gets torchvision's own error.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import torch

from mien.errors import ExtraMissing, install

_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []
"""The library object: torch forgets the declarations when it goes away."""


def import_torchvision() -> ModuleType:
    """The module. Raises ExtraMissing when it is not installed."""
    try:
        return _imported("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _declared:
            raise
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(name + _BOXES)
    _declared.append(library)
    return _imported("torchvision")


def import_timm() -> ModuleType:
    """timm, with torchvision before it. Raises ExtraMissing when one of them is not installed."""
    import_torchvision()
    return _imported("timm")


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ExtraMissing(f"this architecture needs {name}: {install('train')}") from None
