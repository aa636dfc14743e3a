"""What a training shows while it lasts: a block on a terminal, lines in a pipe."""

import io
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from mien.train.braille import characters, dots
from mien.train.curves import as_columns
from mien.train.terminal import TerminalCurves, duration, head, line
from tests.train.runs import rows, screen

SHOW = """
import sys
from mien.train.terminal import TerminalCurves
from tests.train.runs import rows
curves = TerminalCurves(int(sys.argv[1]), sys.stderr)
for k, row in enumerate(rows(int(sys.argv[2]))):
    if k == 2:
        curves.say("looked at 12 pictures")
    curves(row)
"""
BRAILLE = range(0x2801, 0x2900)


def environment(**more):
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR", "TTY_COMPATIBLE")}
    return kept | {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "utf-8"} | more


def on_a_terminal(columns, lines, *, epochs=30, done=12, **more):
    """What the training writes to a pseudo-terminal of a size."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (lines, columns))
    command = [sys.executable, "-c", SHOW, str(epochs), str(done)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more)) as process:
        os.close(theirs)
        output = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so at the end
                break
            if not part:
                break
            output += part
    os.close(ours)
    assert process.returncode == 0, output.decode()
    return output.decode()


def is_drawn(text):
    return any(ord(character) in BRAILLE for character in text)


def test_a_pipe_gets_a_line_an_epoch_without_escapes():
    command = [sys.executable, "-c", SHOW, "30", "12"]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment(FORCE_COLOR="1"), timeout=60, check=True
    )
    lines = done.stderr.splitlines()
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    assert done.stderr.isascii()
    assert lines.pop(2) == "looked at 12 pictures"
    assert lines == [line(as_columns(rows(k)), 30) for k in range(1, 13)]
    last = rows(12)[-1]
    assert lines[-1].startswith("epoch 12 of 30, best 12 (")
    for value in (
        f"train {last['train_loss']:.4f}",
        f"validation {100 * last['val_accuracy']:.1f} %",
        f"arousal {last['val_ccc_arousal']:.4f}",
    ):
        assert value in lines[-1]


def test_a_terminal_has_one_block_with_both_charts_beside_each_other():
    output = on_a_terminal(100, 30)
    first, top, titles, *rest = screen(output, 100)
    last = rows(12)[-1]
    assert first == "looked at 12 pictures"
    assert top == head(as_columns(rows(12)), 30)
    assert titles.startswith(f"Loss ╌ train {last['train_loss']:.4f} ─ val {last['val_loss']:.4f}")
    assert f"Accuracy ╌ train {100 * last['train_accuracy']:.1f} % ─ val {100 * last['val_accuracy']:.1f} %" in titles
    assert len(rest) == 8 + 1 + 1  # the chart, the epochs, and the line below the block
    assert all(is_drawn(text) for text in (rest[0], rest[7]))
    assert rest[8].split() == ["1", "30", "1", "30"]
    assert rest[9] == ""
    assert all(len(text) < 100 for text in (top, titles, *rest))
    assert "\x1b[36m" in output  # training's colour
    assert "\x1b[1;33m" in output


def test_charts_stand_over_each_other_where_it_is_narrow():
    shown = screen(on_a_terminal(50, 30), 50)
    assert sum("Loss" in text for text in shown) == sum("Accuracy" in text for text in shown) == 1
    assert len(shown) == 1 + 1 + 2 * 10 + 1
    assert all(len(text) < 50 for text in shown)


def test_a_low_terminal_has_lower_charts_and_never_more_lines_than_it_has():
    for height in (8, 12, 16):
        shown = screen(on_a_terminal(50, height), 50)
        block = shown[1:]
        assert is_drawn("".join(block)) == (height > 10)
        if height > 10:
            assert len(block) <= height


def test_a_very_narrow_or_dumb_terminal_gets_lines():
    for output in (on_a_terminal(24, 30), on_a_terminal(80, 30, TERM="dumb"), on_a_terminal(80, 30, PYTHONIOENCODING="ascii")):
        assert not is_drawn(output)
        assert "\x1b" not in output
        assert output.count("epoch ") == 12


def test_no_color_is_honoured_and_lines_can_still_be_told_apart():
    output = on_a_terminal(100, 30, NO_COLOR="1")
    colours = [code for code in ("3", "9", "4") for digit in range(8) if f"\x1b[{code}{digit}m" in output or f";{code}{digit}m" in output]
    assert colours == []
    assert is_drawn("".join(screen(output, 100)))
    flat = [(k / 9, 0.5) for k in range(10)]
    assert dots(flat, columns=10, rows=1, dotted=True).sum() == dots(flat, columns=10, rows=1).sum() / 2


def test_a_resumed_training_goes_on_with_the_earlier_curve():
    for first in (0, 1):
        stream = io.StringIO()
        curves = TerminalCurves(30, stream, before=as_columns(rows(5)))
        curves(rows(6, first=first)[-1])
        assert stream.getvalue() == line(as_columns(rows(6)), 30) + "\n"
        curves(rows(7, first=first)[-1])
        assert stream.getvalue().splitlines()[1].startswith("epoch 7 of 30")


def test_what_is_told_may_hold_anything():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    TerminalCurves(3, stream).say("Gesicht_ä\x1b[2J.png")
    assert stream.buffer.getvalue() == b"Gesicht_\\xe4?[2J.png\n"


def test_the_head_counts_down():
    metrics = as_columns([{"epoch": k, "rate": 0.1, "seconds": 100.0 if k == 1 else 30.0} for k in range(1, 8)])
    assert head(metrics, 10) == "epoch 7 of 10, rate 0.1, 30 s an epoch, 90 s left"
    assert head(metrics, 7) == "epoch 7 of 7, rate 0.1, 30 s an epoch"
    assert head(as_columns([{"epoch": 1}]), 2) == "epoch 1 of 2"
    assert head(as_columns([{"epoch": 1, "val_loss": 2.0}, {"epoch": 2, "val_loss": 3.0}]), 2) == "epoch 2 of 2, best 1 (2.0000)"


def test_times_in_words():
    assert [duration(s) for s in (0.42, 41, 99, 100, 3600, 11_100)] == ["0.4 s", "41 s", "99 s", "2 min", "60 min", "3 h 05 min"]


# Braille


def test_dots_and_characters_are_those_of_unicode():
    """Of the standard's chart: dots 1 to 8 are the bits of the code, dots 4, 5, 6 and 8 are on the right."""
    found = np.zeros((4, 2), bool)
    found[0, 0] = True
    assert characters(found) == ["⠁"]
    assert [characters(np.eye(8, dtype=bool)[k].reshape(4, 2))[0] for k in range(8)] == list("⠁⠈⠂⠐⠄⠠⡀⢀")
    assert characters(np.ones((8, 4), bool)) == ["⣿⣿", "⣿⣿"]
    assert characters(np.zeros((4, 2), bool)) == ["\u2800"]


def test_a_line_goes_through_its_points_without_a_gap():
    rng = np.random.default_rng(0)
    points = [(k / 9, float(up)) for k, up in enumerate(rng.random(10))]
    found = dots(points, columns=20, rows=6)
    assert found.shape == (24, 40)
    assert found.any(axis=0).all()
    for across, up in points:
        assert found[round((1 - up) * 23), round(across * 39)]
    for column in range(39):  # neighbours touch
        here, there = np.flatnonzero(found[:, column]), np.flatnonzero(found[:, column + 1])
        assert np.abs(here[:, None] - there).min() <= 1


def test_missing_values_break_the_line():
    found = dots([(0, 0.5), (0.5, math.nan), (1, 0.5)], columns=5, rows=1)
    assert found.sum() == 2
    assert not dots([], columns=5, rows=1).any()
    assert dots([(0.5, 0.5)], columns=3, rows=1, dotted=True).sum() == 1
