"""Analyse the pictures in examples/, print the table and say where the annotated pictures lie: `make demo`.

The same as `mien analyze examples/*.jpg --va -o demo-out/`, and the table too.
"""

import os
import sys
from functools import partial
from pathlib import Path

import mien
from mien.cli.render import TerminalSink
from mien.sinks.registry import Sinks, open_sinks

ROOT = Path(__file__).parents[1]
OUT = "demo-out"


def main() -> int:
    os.chdir(ROOT)
    pictures = sorted(str(path) for path in Path("examples").glob("*.jpg"))
    drawer = partial(mien.draw, style=mien.Style(show_affect=True))
    files = open_sinks([f"{OUT}/", f"{OUT}/results.csv"], drawer=drawer, inputs=pictures)
    with Sinks([files, TerminalSink(affect=True)]) as sinks:
        for pair in mien.analyze(pictures).pairs():
            sinks.write(pair.frame, pair.result)
    print(f"\nannotated pictures: {ROOT / OUT}{os.sep}\nthe whole table:    {ROOT / OUT / 'results.csv'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
