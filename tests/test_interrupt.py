"""Signals that end the work: heard once, then what they were before."""

import signal
import threading
from collections.abc import Iterator

import pytest

from mien.interrupt import ENDING, HANGUP, Terminated, heard, held, noted, terminable


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    """Ctrl-C as Python has it, whatever the shell that started the tests made of it."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_is_told_and_the_second_acts() -> None:
    told: list[int] = []
    with heard(lambda: told.append(1), *ENDING):
        signal.raise_signal(signal.SIGTERM)
        assert told == [1]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert told == [1]
    assert [signal.getsignal(number) for number in ENDING] == [signal.default_int_handler] * len(ENDING)


def test_noted_and_passed_on() -> None:
    with noted() as asked:
        assert not asked()
        with held() as back:
            signal.raise_signal(signal.SIGINT)
        assert (asked(), back()) == (False, True)  # it never came through
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            assert asked()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell has it for what runs in its background
    with noted() as asked:
        signal.raise_signal(signal.SIGINT)
        assert not asked()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_held_back() -> None:
    with held() as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_request_to_terminate_is_like_a_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, terminable():
        signal.raise_signal(signal.SIGTERM)
    assert caught.type is Terminated
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


def test_other_threads_hear_none() -> None:
    def run() -> None:
        with held() as asked:
            assert not asked()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        seen.append(True)

    seen: list[bool] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen


@pytest.mark.skipif(not HANGUP, reason="there is no such signal here")
def test_the_end_of_the_terminal_ends_the_work_unless_it_was_to_outlive_it() -> None:
    with pytest.raises(Terminated), terminable():
        signal.raise_signal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup has it
    with terminable():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
