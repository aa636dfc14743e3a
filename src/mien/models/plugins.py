"""Third-party parts: an entry point of the group `mien.plugins` is a function that registers what it brings.

[project.entry-points."mien.plugins"]
my_parts = "my_package:register"          # def register() -> None: calls mien.register_detector(...) and the like
"""

from __future__ import annotations

import logging
import threading
from importlib import metadata

log = logging.getLogger("mien")

GROUP = "mien.plugins"
_lock = threading.RLock()
_loading = _loaded = False


def load_plugins() -> None:
    """Call every entry point of the group once a process. Called before an unknown name is refused or names are listed.

    One that fails is logged and left out; the others, and mien's own parts, work without it.
    """
    global _loading, _loaded
    with _lock:
        if _loaded or _loading:  # a plug-in may itself ask for names
            return
        _loading = True
        try:
            for entry in metadata.entry_points(group=GROUP):
                _load(entry)
            _loaded = True
        finally:
            _loading = False


def _load(entry: metadata.EntryPoint) -> None:
    try:
        entry.load()()
    except Exception as error:  # a stranger's code raises what it likes, and a broken plug-in must not stop the rest
        package = entry.dist.name if entry.dist is not None else "an unknown package"
        what = " ".join(f"{type(error).__name__}: {error}".split())  # on one line
        log.warning("plug-in %s of %s is left out: %s; update or remove it", entry.name, package, what)
