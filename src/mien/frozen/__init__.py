"""mien in programs that PyInstaller makes, which asks here for what to take along."""

from __future__ import annotations

from pathlib import Path


def hook_dirs() -> list[str]:
    """Where the hooks lie, as PyInstaller's entry point `hook-dirs` wants it."""
    return [str(Path(__file__).parent)]
