import base64
import gzip
import json

import numpy as np
import pytest

from mien.report import embed
from mien.report.embed import every_nth_frame, pack, safe_json
from mien.timeline import Timeline
from tests.report.tables import csv_file, row, timeline, two_people


def unpacked(packed):
    return gzip.decompress(base64.b64decode(packed.text))


def test_json_cannot_end_its_element_and_says_the_same():
    value = {"</script><script>alert(1)</script>": ["<!--", "&amp;", "\u2028", float("nan"), np.float64(0.5), np.int64(3), (1, None)]}
    text = safe_json(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"</script><script>alert(1)</script>": ["<!--", "&amp;", "\u2028", None, 0.5, 3, [1, None]]}


def test_the_rows_are_the_bytes_of_miens_own_csv(tmp_path):
    rows = [*two_people('a, "b".mp4'), row("лицо\n.jpg", 0, 0.0, "sad", score=None)]
    path = csv_file(tmp_path / "t.csv", rows)
    packed = pack(Timeline.read(path))
    assert unpacked(packed) == path.read_bytes()
    assert (packed.rows, packed.every) == (len(rows), 1)


def test_raw_and_delta_columns_come_along(tmp_path):
    rows = [r | {"raw_p_happy": 0.25, "delta_valence": -0.5} for r in two_people(frames=5)]
    path = csv_file(tmp_path / "t.csv", rows, raw=True, delta=True)
    assert unpacked(pack(Timeline.read(path))) == path.read_bytes()


def test_the_same_rows_give_the_same_text():
    assert pack(timeline(two_people())).text == pack(timeline(two_people())).text


def test_what_does_not_fit_is_thinned_by_frames_and_told():
    table = timeline(two_people(frames=3000))
    whole = pack(table)
    packed = pack(table, most=len(whole.text) // 3)
    assert packed.every >= 3
    assert len(packed.text) <= len(whole.text) // 3
    lines = unpacked(packed).decode().splitlines()
    wanted = [line for line in unpacked(whole).decode().splitlines()[1:] if int(line.split(",")[1]) % packed.every == 0]
    assert lines[1:] == wanted
    assert packed.rows == len(wanted)


def test_every_nth_frame_of_each_video_and_every_nth_picture():
    rows = [row("a.mp4", n, n / 10, "sad", person=0) for n in (0, 2, 4, 6)]
    rows += [row(f"{k}.jpg", 0, 0.0, "sad", face=face) for k in range(4) for face in (0, 1)]
    assert every_nth_frame(timeline(rows), 2).tolist() == [True, False, True, False, True, True, False, False, True, True, False, False]


@pytest.mark.parametrize("long", [0, 3000], ids=["clips", "clips and a long video"])
def test_where_thinning_cannot_help_it_is_given_up_at_once(long: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each clip keeps its first frame, so that 1500 of them never fit; what is left then are the first frames."""
    rows = [row("long.mp4", n, n / 10, "sad", person=0) for n in range(long)]
    rows += [row(f"{k}.mp4", n, n / 10, "sad", person=0) for k in range(1500) for n in (0, 1)]
    packings, whole = [], embed._packed
    monkeypatch.setattr(embed, "_packed", lambda table: packings.append(len(table)) or whole(table))
    packed = pack(timeline(rows), most=2000)
    assert [line.split(",")[1] for line in unpacked(packed).decode().splitlines()[1:]] == ["0"] * (1500 + (long > 0))
    assert packed.rows == 1500 + (long > 0)
    assert packed.every == (long or 2)
    assert len(packings) <= 3


def test_one_long_video_among_clips_is_thinned_until_all_fits() -> None:
    rows = [row("long.mp4", n, n / 10, "sad", person=0) for n in range(3000)]
    rows += [row(f"{k}.mp4", n, n / 10, "sad", person=0) for k in range(50) for n in (0, 1)]
    table = timeline(rows)
    most = len(pack(table).text) // 10
    packed = pack(table, most=most)
    assert most / 4 < len(packed.text) <= most
    numbers = [int(line.split(",")[1]) for line in unpacked(packed).decode().splitlines()[1:]]
    assert numbers == [*range(0, 3000, packed.every), *[0] * 50]
