"""Workers on the machines of a Ray cluster.

Ray's tasks, not Ray Data: there a file that kills the process that reads it is tried for ever, or ends the whole work; here it is found
out, named, and left.
"""

from __future__ import annotations

import logging
import os
import socket
from types import TracebackType
from typing import Any, Self

from mien.cluster.answers import Died, Slot
from mien.cluster.work import Answer, Order, read_block
from mien.errors import ExtraMissing, UsageError, install

ANSWER_SECONDS = 5.0
"""That a cluster has to answer."""
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # which would be sent to Ray's makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Of Ray's, where nobody has set them otherwise."""


class RayWorkers:
    """A `mien.cluster.answers.Workers` on a cluster, whose machines have the same mien, and see the same files under the same names.

    address: `ray://head:10001`, `head:6379`, `auto` on one of its machines, or `local` for a cluster of this machine alone.
    order: how inputs are read; each worker takes as many cores as `order.options.threads`, one if 0.

    Raises ExtraMissing without Ray, UsageError for a cluster that cannot be reached.
    """

    def __init__(self, order: Order, address: str) -> None:
        self._ray = _ray()
        _reach(address)
        try:
            self._ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except Exception as error:  # it raises what it likes: ConnectionError, ValueError, RuntimeError ...
            told = " ".join(str(error).split())
            raise UsageError(f"--cluster {address}: {told[:300] or type(error).__name__}") from error
        threads = max(order.options.threads, 1)
        self.size = max(int(self._ray.cluster_resources().get("CPU", 0)) // threads, 1)
        self._task = self._ray.remote(num_cpus=threads, max_retries=0)(read_block)
        self._order = self._ray.put(order)
        self._coming: dict[Any, Slot] = {}

    def put(self, slot: Slot, /) -> None:
        """Have a block read, now or when a worker is free."""
        self._coming[self._task.remote(self._order, slot.names)] = slot

    def get(self) -> tuple[Slot, Answer | Died]:
        """Wait for a block that was read, or whose worker, or machine, died."""
        (ready, *_), _ = self._ray.wait(list(self._coming))
        slot = self._coming.pop(ready)
        try:
            answer: Answer = self._ray.get(ready)
        except self._ray.exceptions.RayError as error:
            why = getattr(error, "cause", None) or error
            return slot, Died(f"{type(why).__name__}: {str(why).strip().partition(chr(10))[0]}".removesuffix(": "))
        return slot, answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        self._ray.shutdown()


def _reach(address: str) -> None:
    """Raise UsageError for the address of a machine that does not answer, for which Ray waits two minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # `auto`, `local`, and what Ray has other words for
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"--cluster {address}: does not answer ({getattr(error, 'strerror', None) or error})") from None


def _ray() -> Any:
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)  # Ray reads them while it is imported
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise ExtraMissing(f"a cluster needs Ray: {install('cluster')}") from None
    return ray
