"""Settings as TOML: Python's own reader is the oracle."""

import dataclasses
import math
import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from mien.train.config import TrainConfig, changed, from_values, read_config
from mien.train.tune.toml import as_toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(SCALARS | st.lists(SCALARS, max_size=3), lambda inner: st.dictionaries(TEXTS, inner, max_size=4))
TABLES = st.dictionaries(TEXTS, VALUES, max_size=5)


@settings(max_examples=40)
@given(TABLES)
def test_anything_comes_back(values):
    assert tomllib.loads(as_toml(values, head="a\nb")) == values


def test_what_is_none_is_left_out_and_nan_stays():
    found = tomllib.loads(as_toml({"a": None, "b": math.nan, "c": {"d": None}, "e": [{"f": 1}]}))
    assert math.isnan(found["b"])
    assert (found["c"], found["e"], sorted(found)) == ({}, [{"f": 1}], ["b", "c", "e"])


def test_a_config_comes_back(tmp_path):
    config = changed(
        TrainConfig(), {"name": 'a "b"', "head.kind": "r0", "settings.widths": [8, 16], "rate": 1e-5, "freeze.unfreeze_last": 3}
    )
    (tmp_path / "best.toml").write_text(as_toml(config), "utf-8")
    assert read_config(tmp_path / "best.toml") == config
    assert from_values(tomllib.loads(as_toml(TrainConfig()))) == TrainConfig()
    assert dataclasses.asdict(config)["head"]["kind"] == "r0"
