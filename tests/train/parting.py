"""The command `mien`, noting how many threads of the connection between processes there are before and after it is ended.

Run as a program by a test, since Lightning starts the other processes by the same command line.
"""

import os
from pathlib import Path

import torch

from mien.cli.main import run

end = torch.distributed.destroy_process_group


def connected() -> int:
    """Threads that carry the connection; Linux tells them by name."""
    return sum("gloo" in (task / "comm").read_text() for task in Path("/proc/self/task").iterdir())


def noted() -> None:
    before = connected()
    end()
    with Path(os.environ["PARTED"]).open("a") as file:
        file.write(f"{before > 0} {connected()}\n")


torch.distributed.destroy_process_group = noted  # type: ignore[assignment]
run()
