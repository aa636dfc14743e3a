"""For all tests of reading."""

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_garbage() -> None:
    """Of tests before, whose threads would still run: since Python 3.14 what refers to itself may wait long to be collected."""
    gc.collect()
