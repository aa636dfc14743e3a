"""Pictures and clips in the notebook this runs in; a line in the log outside of one."""

from __future__ import annotations

import base64
import logging
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from mien.sinks.pictures import encoded
from mien.types import Image

log = logging.getLogger("mien")

MOST_BYTES = 50_000_000
"""Of a clip that is put into a notebook: all of it becomes part of the notebook's file."""


def in_notebook() -> bool:
    """Whether there is a notebook or an IPython shell to display in; if not, a line in the log says so."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", None)  # where a notebook runs, it is loaded, and as a whole
    if shell is not None and shell() is not None:
        return True
    log.info("show_state_mode 'inline' shows in notebooks; this is none")
    return False


class Display:
    """A place in the output of the cell, for pictures one after the other."""

    def __init__(self) -> None:
        self._module: Any = import_module("IPython.display")
        self._handle: Any = None

    def add(self, image: Image) -> None:
        """Show a picture, uint8 (H, W, 3) RGB, below those before."""
        self._module.display(self._picture(image))

    def replace(self, image: Image) -> None:
        """Show a picture instead of the one before."""
        if self._handle is None:
            self._handle = self._module.display(self._picture(image), display_id=True)
        else:
            self._handle.update(self._picture(image))

    def clip(self, path: Path) -> None:
        """Show an .mp4 file with buttons to play it; it becomes part of the notebook."""
        size = path.stat().st_size
        if size > MOST_BYTES:
            log.warning("%s is not shown: %d MB are too many to become part of a notebook", path, size // 1_000_000)
            return
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        self._module.display(self._module.HTML(f'<video controls style="max-width:100%" src="data:video/mp4;base64,{data}"></video>'))

    def _picture(self, image: Image) -> Any:
        return self._module.Image(data=encoded(image, ".jpg"), format="jpeg")
