"""Trains an embedded model anew from the data, and before it every run that it begins with and every model that teaches it.

    python tools/rebuild_model.py tiny fer2013.npz

Runs go to ./runs, models to runs/NAME/NAME.onnx with card and golden crops. Hours on a CPU; stopped, the same command goes on. All
settings and seeds are in the presets. fer2013_duplicates.npz is wanted beside the data. Where a run begins with pretrained weights
they are made first, by tools/face_weights.py, which wants npm.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from mien.train.config import presets, read_config

RUNS = Path("runs")


def needed(name: str) -> list[str]:
    """Presets in the order in which they are trained, `name` last."""
    config = read_config(name)
    before = [Path(run).name for run in (config.start, *config.teachers, *config.partners, *config.soup) if run]
    order = [step for other in before if other in presets() for step in needed(other)]
    return list(dict.fromkeys([*order, name]))


def training(name: str, data: Path) -> list[list[str]]:
    """The commands that train a preset."""
    commands, config = [], read_config(name)
    if (weights := config.settings.weights) and not Path(weights).exists():
        commands.append([sys.executable, str(Path(__file__).with_name("face_weights.py")), config.net, str(data), weights])
    commands.append([sys.executable, "-m", "mien", "train", name, "--data", str(data), "--out", str(RUNS)])
    commands[-1] += ["--resume"] if (RUNS / name / "last.pt").exists() else []
    return commands


def main(words: list[str] | None = None, run=subprocess.run) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="tiny, base or large")
    parser.add_argument("data", type=Path, help="FER-2013 with the FER+ votes: fer2013.npz")
    said = parser.parse_args(words)
    for name in needed(said.name):
        for command in training(name, said.data):
            print("$", " ".join(command[1:]), flush=True)
            done = run(command, check=False)
            if done.returncode:
                return done.returncode
    print(f"{RUNS / said.name / said.name}.onnx")
    return 0


if __name__ == "__main__":
    sys.exit(main())
