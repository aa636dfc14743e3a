"""`mien serve` as a process: who is let in by its options, and how it ends."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.cli.serve import _listen
from mien.interrupt import HANGUP

Start = Callable[..., subprocess.Popen[bytes]]
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


def address_of(process: subprocess.Popen[bytes]) -> str:
    """The address that it prints when it listens; asked for until it answers."""
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    found = re.match(r"mien: serving (\S+) \(API: (\S+)api/docs\); Ctrl-C ends it\n", line)
    assert found, line
    assert found[1].startswith(found[2])
    return found[1]


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@needs_signals
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, *HANGUP])
def test_it_serves_until_it_is_told_to_end(start: Start, end: signal.Signals) -> None:
    process = start("serve", "--port", "0")
    address = address_of(process)
    assert address.startswith("http://127.0.0.1:")
    assert status(address) == 200
    assert status(f"{address}api/health") == 200
    process.send_signal(end)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err.decode()) == (0, b"", "mien: ended; what was uploaded and its results are erased\n")


@needs_signals
def test_the_rule_of_r3_with_scores_that_it_is_not_made_for_is_told(start: Start) -> None:
    process = start("serve", "--port", "0", "--unsure-rules", "r3")
    assert process.stderr is not None
    assert b"the rule of r3 for MTCNN's scores; those of yunet may all be lower" in process.stderr.readline()
    address_of(process)


@needs_signals
def test_a_server_that_others_can_reach_makes_its_own_token(start: Start) -> None:
    process = start("serve", "--port", "0", "--host", "0.0.0.0", "--quiet")
    address = address_of(process)  # though it is quiet, or nobody could get in
    found = re.fullmatch(r"(http://(?:localhost|[\d.]+):\d+/)\?token=(\S{32})", address)
    assert found
    here = re.sub(r"//[^:]+", "//127.0.0.1", found[1])
    assert status(here) == 401
    asked = urllib.request.Request(f"{here}api/about", headers={"Authorization": f"Bearer {found[2]}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200


@needs_signals
def test_the_address_that_it_prints_lets_in_whatever_signs_the_token_has(start: Start) -> None:
    address = address_of(start("serve", "--port", "0", "--token", "a+b&c%41#d/?=~"))
    assert status(address.partition("?")[0]) == 401
    cookies = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with cookies.open(address, timeout=30) as answer:  # by the redirect with the cookie
        assert answer.status == 200


@needs_signals
def test_a_quiet_server_says_nothing_that_is_known(start: Start) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start("serve", "--port", str(port), "--quiet")
    end = time.monotonic() + 30
    while True:
        try:
            assert status(f"http://127.0.0.1:{port}/api/health") == 200
            break
        except urllib.error.URLError:
            assert time.monotonic() < end, "it never answered"
            time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == (b"", b"")
    assert address_of(start("serve", "--port", "0", "--quiet"))  # a port that it chose itself nobody knows


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="what SO_REUSEADDR does on Windows, this does elsewhere")
def test_on_windows_no_other_program_listens_at_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(socket, "SO_REUSEADDR", socket.SO_REUSEPORT)
    monkeypatch.setattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_KEEPALIVE, raising=False)  # one that lets nobody in
    with _listen("127.0.0.1", 0) as listening, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(listening.getsockname())


def test_a_port_that_is_taken_is_told(mien) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = mien("serve", "--port", port, "--model", "fake", "--detector", "fake")
    assert said.code == 2
    assert said.err.startswith(f"mien: --host 127.0.0.1 --port {port}: cannot listen there (")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--certificate", "x.pem"], "--certificate and --key belong together; give both"),
        (["--certificate", "no.pem", "--key", "no.key"], "no.pem: no such file; wanted a PEM file"),
        (["--token", ""], "token: wanted ASCII letters, digits and signs without spaces; --no-token lets everybody in"),
        (["--token", "two words"], "token: wanted ASCII letters"),
        (["--token", "x", "--no-token"], "--no-token and a token (--token, $MIEN_TOKEN) contradict each other"),
        (["--keep-minutes", "0"], "keep_minutes is 0.0; wanted a finite number above 0"),
        (["--keep-minutes", "inf"], "keep_minutes is inf; wanted a finite number above 0"),
        (["--keep-minutes", "1e9"], "keep_minutes is 1e+09; wanted 5,256,000, ten years, at most"),
        (["--max-picture-mb", "inf"], "max_picture_mb is inf; wanted a finite number above 0"),
        (["--max-upload-mb", "nan"], "max_upload_mb is nan; wanted a finite number above 0"),
        (["--language", "xx"], "language is 'xx'; wanted one of en, ru"),
        (["--model", "nonsense"], "unknown model 'nonsense'"),
        (["--host", "203.0.113.7"], "--host 203.0.113.7 --port 8000: cannot listen there ("),
    ],
)
def test_wrong_options_are_told_on_one_line(mien, words: list[str], told: str) -> None:
    said = mien("serve", *(words if "--model" in words else [*words, "--model", "fake", "--detector", "fake"]))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"mien: {told}")
    assert said.err.count("\n") == 1


def test_a_file_that_is_no_certificate_is_told(mien, tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("nonsense")
    said = mien("serve", "--certificate", tmp_path / "a.pem", "--key", tmp_path / "a.pem", "--model", "fake", "--detector", "fake")
    assert said.code == 2
    assert said.err.startswith(f"mien: {tmp_path / 'a.pem'}: not a certificate with its key (")


def test_without_the_extra_the_command_that_installs_it_is_named(mien, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = mien("serve")
    assert (said.code, said.err) == (1, 'mien: the web app needs FastAPI and more: pip install ".[web]" in a checkout of mien\n')


@pytest.mark.parametrize("words", [[], ["--open"]])
def test_the_page_is_opened_only_when_asked(mien, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    import uvicorn

    opened = threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda address: opened.set())
    monkeypatch.setattr("mien.cli.serve.OPEN_SECONDS", 0)
    monkeypatch.setattr(uvicorn.Server, "run", lambda self, sockets: opened.wait(0.2))
    said = mien("serve", "--port", "0", "--model", "fake", "--detector", "fake", *words)
    assert said.code == 0
    assert opened.is_set() == bool(words)
