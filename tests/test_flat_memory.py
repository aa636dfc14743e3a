"""A long video costs no more memory and no more time a frame than a short one (the hour itself is in `make bench`)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("av", reason="PyAV is not installed: pip install '.[video]'")

RUN = """
import json, os, sys
from fractions import Fraction
from pathlib import Path
import av, numpy as np
import mien
from mien.sinks.registry import open_sinks
from mien.table import columns
from mien.testing import FakeDetector, FakeRecogniser, planted_picture

folder, frames, block = Path(sys.argv[1]), 1500, 250
picture, _ = planted_picture([((40, 30, 90, 80), "happy")], size=(160, 120))
with av.open(str(folder / "long.mp4"), "w") as out:
    stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "10"})
    stream.width, stream.height, stream.pix_fmt, stream.time_base = 160, 120, "yuv420p", Fraction(1, 25)
    for i in range(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(picture, i % 7, axis=1)), format="rgb24")
        frame.pts = i
        out.mux(stream.encode(frame))
    out.mux(stream.encode())
analyzer = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
rss, rows = [], 0
targets = [str(folder / "out.csv"), str(folder / "out.mp4")]
with open_sinks(targets, inputs=[str(folder / "long.mp4")], columns=columns(raw=True)) as sinks:
    for i, item in enumerate(analyzer.stream(str(folder / "long.mp4")), 1):
        sinks.write(item.frame, item.result)
        rows += len(item.result)
        if i % block == 0:
            rss.append(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
print(json.dumps({"rss": rss, "faces": rows, "frames": i}))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_memory_stays_flat(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["frames"] == 1500
    assert found["faces"] > 1400
    growth = found["rss"][-1] - found["rss"][1]  # MB over 1,000 frames, once everything is loaded and every buffer full
    assert growth < 1, found["rss"]
