"""A call that is interrupted at one of its steps, as a Ctrl-C may do it."""

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any
from weakref import WeakSet

BY_THE_WAY = {WeakSet()._remove.__code__}
"""What is called of a weak reference: a thread that has ended goes out of a set of threads."""


def interrupted(call: Callable[[], object], step: int) -> bool:
    """Whether the call got as far as the step, before which a KeyboardInterrupt was raised in it.

    Steps are the instructions of all functions in Python that are called, the standard library's too: an interrupt may come between a
    lock that was taken and the `with` that would let it go. What Python calls by the way, of garbage or of weak references to what is
    gone, is not of the call: an interrupt there is said on stderr, and lost. Begin with step 0, which comes nowhere: Python 3.12 and 3.13
    tell the steps of a function only where they were asked for in a call before.
    """
    at = 0
    before = sys.gettrace()

    def trace(frame: FrameType, event: str, value: Any) -> Any:
        nonlocal at
        if frame.f_code in BY_THE_WAY:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            at += 1
            if at == step:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    collects = gc.isenabled()
    gc.disable()  # or Hypothesis' callback would be called
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()
    return False
