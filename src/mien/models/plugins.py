"""Third-party parts: an entry point of the group `mien.plugins` is a function that registers what it brings.

[project.entry-points."mien.plugins"]
my_parts = "my_package:register"          # def register() -> None: calls mien.register_detector(...) and the like
"""

from __future__ import annotations

from importlib import metadata

GROUP = "mien.plugins"
_loaded = False


def load_plugins() -> None:
    """Call every entry point of the group once a process. Called before an unknown name is refused or names are listed."""
    global _loaded
    if not _loaded:
        _loaded = True
        for entry in metadata.entry_points(group=GROUP):
            entry.load()()
