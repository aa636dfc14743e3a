"""What a command ends with."""

NOTHING_DONE, WRONG_USAGE, SOME_FAILED, INTERRUPTED, PIPE_CLOSED, TERMINATED = 1, 2, 3, 130, 141, 143
FAULT_FOUND = 1
"""Of a check that did its work: something is wrong with what it checked."""
