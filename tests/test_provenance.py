"""How a run read, as its session, page and Parquet table say it."""

import json
import math
from pathlib import Path

import pytest

import mien
from mien.options import AnalyzeOptions
from mien.provenance import Provenance, plain, without_folders
from mien.track.options import TrackOptions
from mien.unsure import UnsureRules


def test_it_says_what_is_looked_for_and_how_the_source_is_read():
    options = AnalyzeOptions(detector="mtcnn", unsure=UnsureRules(min_size=40), track=TrackOptions(smooth="ema", baseline=(0, 3)))
    how = Provenance.of(options, mien.VideoSpan(every=0.5, start=1), turn=180)
    assert how.version == mien.__version__
    assert [how.options[name] for name in ("detector", "every", "stride", "start", "stop", "turn")] == ["mtcnn", 0.5, 1, 1, None, 180]
    flat = how.flat()
    assert (flat["unsure.min_size"], flat["track.smooth"], flat["track.baseline"]) == (40, "ema", [0, 3])
    assert not any(isinstance(value, dict) for value in flat.values())


def test_json_brings_it_back():
    how = Provenance.of(AnalyzeOptions(track=TrackOptions(baseline=(0.5, 3)), unsure=UnsureRules(min_size=math.inf)), turn=90)
    assert Provenance.from_dict(json.loads(json.dumps(how.as_dict(), allow_nan=False))) == how


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("base", "base"),
        ("base:openvino", "base:openvino"),
        ("m.onnx", "m.onnx"),
        ("/home/me/m.onnx", "m.onnx"),
        ("../me/m.json:openvino", "m.json:openvino"),
        (r"C:\Users\me\m.onnx:openvino", "m.onnx:openvino"),
        (r"\\host\share\m.onnx", "m.onnx"),
        ("/mnt/me:1/m:2.onnx", "m:2.onnx"),
        ("/home/me/base", "./base"),  # a folder with one card: not the model that is called so
        ("/home/me/base/:openvino", "./base:openvino"),
        ("./base", "./base"),
        ("haar:/home/me/f.xml:tiled", "haar:f.xml:tiled"),
        (r"haar:C:\me\f.xml", "haar:f.xml"),
        ("mtcnn:r3:tiled", "mtcnn:r3:tiled"),
        ("/моя\n/m\udcff.onnx", "m\udcff.onnx"),
        ("/home/me/::", "::"),
        ("/", ""),
        ("", ""),
    ],
)
def test_a_file_is_told_by_its_name_and_not_by_where_it_lies(option, named):
    assert without_folders(option) == named
    how = Provenance({"model": option, "track": {"own": [option, 3, None]}}, "1")
    assert how.as_dict()["options"] == {"model": named, "track": {"own": [named, 3, None]}}
    assert how.flat() == {"model": option, "track.own": [option, 3, None]}  # for the run that goes on with the table


@pytest.mark.parametrize("told", [None, [], "x", {}, {"options": {}}, {"options": [], "version": "1"}, {"options": {}, "version": 1}])
def test_anything_else_is_none(told):
    assert Provenance.from_dict(told) is None


def test_options_of_any_kind_become_those_of_json():
    found = plain({"path": Path("/x"), "nan": math.nan, "set": {1}, 2: AnalyzeOptions(threads=3), "type": int})
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["path"], found["nan"], found["set"], found["2"]["threads"], found["type"]) == ("/x", None, [1], 3, "<class 'int'>")
