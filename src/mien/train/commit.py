"""The commit this code is of, for records that must say how they came about."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit() -> str:
    """The commit of the tree this runs from, with `+` when it has changes; empty outside a checkout."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, encoding="utf-8", check=True, cwd=Path(__file__).parent).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
