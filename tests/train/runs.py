"""Made run folders: metrics of a training that looks like one, and what a terminal shows."""

import json
import math
import re
from pathlib import Path

EPOCHS = 26


def rows(n: int = EPOCHS, *, first: int = 0, labels: bool = True, affect: bool = True) -> list[dict[str, float]]:
    """Metrics of n epochs: losses fall, accuracies rise, validation is the best in epoch 20 of 26 (counted from 1)."""
    found = []
    for k in range(n):
        t = k / 25
        row = {"epoch": k + first, "rate": 0.1 * math.exp(-5 * t), "seconds": 41.0 + k % 3, "train_loss": 0.6 + 2 * math.exp(-2 * t)}
        row |= {"val_loss": 0.95 + 1.8 * math.exp(-3 * t) + 0.4 * max(0.0, t - 0.7)}
        if labels:
            row |= {"train_accuracy": 0.7 - 0.5 * math.exp(-2.4 * t), "val_accuracy": 0.67 - 0.3 * (t - 0.76) ** 2, "val_macro_f1": 0.6}
        if affect:
            row |= {"val_ccc_valence": 0.7 - 0.5 * math.exp(-3 * t), "val_ccc_arousal": 0.5 - 0.4 * math.exp(-2 * t)}
        found.append(row)
    return found


def write_run(folder: Path, metrics: list[dict[str, float]], **files: object) -> Path:
    """A run folder with metrics.jsonl and JSON files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in metrics), "utf-8")
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value), "utf-8")
    return folder


def screen(output: str, columns: int) -> list[str]:
    """What a terminal shows after some output: lines without colours. Only the control sequences that are known here may occur."""
    lines, y, x = [""], 0, 0
    for match in re.finditer(r"\x1b\[([\d;]*)([A-Za-z])|(.)", output, re.DOTALL):
        number, command, character = match.groups()
        if command == "A":
            y -= int(number or 1)
            assert y >= 0, "the cursor left the screen"
        elif command == "K":
            lines[y] = ""
        elif command is not None:
            assert command == "m", f"unknown control sequence {match.group()!r}"
        elif character == "\r":
            x = 0
        else:
            if character == "\n" or x == columns:
                y, x = y + 1, 0 if character != "\n" else x
                lines += [""] * (y == len(lines))
            if character != "\n":
                lines[y] = lines[y].ljust(x)[:x] + character + lines[y][x + 1 :]
                x += 1
    return [line.rstrip() for line in lines]
