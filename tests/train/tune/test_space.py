"""Search spaces: what may stand in them, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import SourceMissing, UnknownName, UsageError
from mien.train.config import TrainConfig
from mien.train.tune.sampler import distributions
from mien.train.tune.space import Choices, Numbers, direction, fitted, parse_space, presets, read_space


def test_the_preset_r0_is_what_r0_searched():
    space = fitted(read_space("r0"), TrainConfig())
    assert dict(space.dimensions) == {
        "head.units": Numbers(256, 608, 32),
        "head.activation": Choices(("relu", "tanh")),
        "head.layers": Numbers(1, 3),
    }
    assert dict(space.fixed) == {"head.kind": "r0"}
    assert (space.metric, space.trials, space.epochs) == ("val_loss", 20, 6)
    assert direction(space.metric) == "minimize"
    told = distributions(space)
    assert (told["head.units"].low, told["head.units"].high, told["head.units"].step) == (256, 608, 32)
    assert told["head.activation"].choices == ("relu", "tanh")


def test_every_preset_fits_the_settings():
    assert "r0" in presets()
    for name in presets():
        assert fitted(read_space(name), TrainConfig()).dimensions


def test_names_may_be_quoted_or_nested():
    quoted = parse_space('[space]\n"head.units" = {low = 8, high = 16}\n[fixed]\n"head.kind" = "r0"', "a.toml")
    nested = parse_space('[space]\nhead.units = {low = 8, high = 16}\n[fixed.head]\nkind = "r0"', "a.toml")
    assert quoted == nested
    assert quoted.name == "a"


def test_whole_ends_of_a_number_that_is_none_become_numbers():
    space = fitted(
        parse_space("[space]\nrate = {low = 1, high = 2}\nhead.dropout = {low = 0, high = 1}\nbatch = {low = 2, high = 4}", "x"),
        TrainConfig(),
    )
    assert [one.whole for one in space.dimensions.values()] == [False, False, True]


def test_lists_can_be_choices():
    space = fitted(parse_space("[space]\nsettings.widths = {choices = [[8, 16], [16, 32]]}", "x"), TrainConfig())
    assert space.dimensions["settings.widths"] == Choices(((8, 16), (16, 32)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[space", "not valid TOML"),
        ("trials = 3", "wanted a table"),
        ("[space]", "wanted a table"),
        ("[space]\nrate = 3", "rate: found 3; wanted"),
        ("[space]\nrate = {low = 1}", "wanted { low"),
        ("[space]\nrate = {low = 1, high = 2, setp = 1}", "wanted { low"),
        ("[space]\nrate = {low = 2, high = 1}", "wanted low <= high"),
        ("[space]\nrate = {low = nan, high = 1.0}", "wanted low <= high"),
        ("[space]\nrate = {low = 0.0, high = 1.0, log = true}", "wanted low > 0"),
        ("[space]\nrate = {low = 1, high = 9, log = true, step = 2}", "no step"),
        ("[space]\nrate = {low = 1, high = 8, step = 2}", "no number of steps of 2"),
        ("[space]\nrate = {low = 1, high = 9, step = 0}", "above 0"),
        ("[space]\nrate = {low = true, high = 2}", "wanted { low"),
        ("[space]\nnet = {choices = []}", "wanted at least one"),
        ('[space]\nnet = {choices = ["a", "a"]}', "twice"),
        ('[space]\nnet = {choices = ["a"]}\n[fixed]\nnet = "b"', "in one of them"),
        ("spaces = 1\n[space]\nrate = {low = 1, high = 2}", "unknown spaces"),
        ("trials = 0\n[space]\nrate = {low = 1, high = 2}", "trials 0"),
        ("epochs = 1.5\n[space]\nrate = {low = 1, high = 2}", "epochs 1.5"),
        ('metric = "val_beauty"\n[space]\nrate = {low = 1, high = 2}', "does not say whether"),
    ],
)
def test_what_makes_no_sense_is_refused(text, says):
    with pytest.raises(UsageError, match=says.replace("{", r"\{")):
        parse_space(text, "s.toml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("head.unit = {low = 1, high = 2}", "head.units"),
        ("heads.units = {low = 1, high = 2}", "unknown setting"),
        ("head = {choices = [1]}", "head.choices"),
        ("head.units = {low = 1.5, high = 2.5}", "a whole number"),
        ("net = {low = 1, high = 2}", "a word"),
        ("head.layers = {choices = [1, 'two']}", "a whole number"),
        ("optimiser = {choices = ['adam', 'magic']}", "magic"),
    ],
)
def test_what_does_not_fit_the_settings_is_refused(text, says):
    with pytest.raises(UsageError, match=says) as told:
        fitted(parse_space(f"[space]\n{text}", "s.toml"), TrainConfig())
    assert "s" in str(told.value)


def test_spaces_that_are_not_there(tmp_path):
    with pytest.raises(UnknownName, match="r0"):
        read_space("r7")
    with pytest.raises(SourceMissing, match="r0"):
        read_space(tmp_path / "none.toml")
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(UsageError, match="is a folder; wanted a TOML file with a search space, or one of: r0"):
        read_space(folder)


def test_a_space_that_is_not_utf_8(tmp_path):
    (tmp_path / "s.toml").write_bytes(b"metric = '\xff'\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_space(tmp_path / "s.toml")


def test_a_byte_order_mark_is_no_part_of_a_space(tmp_path):
    """As Notepad writes it."""
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbfmetric = 'val_loss'\r\n[space]\r\nrate = { low = 0.1, high = 0.2 }\r\n")
    assert list(read_space(tmp_path / "s.toml").dimensions) == ["rate"]


def test_values_out_of_range_are_refused_before_the_first_trial():
    space = parse_space('[space]\n"head.dropout" = { low = 0.1, high = 2.0 }\n', "x")
    with pytest.raises(UsageError, match=r"x: head\.dropout is 2; wanted 0\.\.1"):
        fitted(space, TrainConfig())


def test_directions():
    assert [direction(name) for name in ("val_loss", "val_rmse_valence", "val_mae_arousal")] == ["minimize"] * 3
    assert [direction(name) for name in ("val_accuracy", "val_macro_f1", "val_ccc_valence", "val_balanced", "val_score")] == [
        "maximize"
    ] * 5


@settings(max_examples=40)
@given(low=st.integers(1, 10**6), steps=st.integers(0, 50), step=st.integers(1, 1000))
def test_any_grid_of_whole_numbers_is_read_as_it_is_written(low, steps, step):
    high = low + steps * step
    space = fitted(parse_space(f"[space]\nhead.units = {{low = {low}, high = {high}, step = {step}}}", "x"), TrainConfig())
    told = distributions(space)["head.units"]
    assert (told.low, told.high, told.step) == (low, high, step)


@settings(max_examples=40)
@given(ends=st.tuples(*[st.floats(1e-9, 1e9)] * 2), log=st.booleans())
def test_any_range_of_numbers_is_read_as_it_is_written(ends, log):
    low, high = sorted(ends)
    space = fitted(parse_space(f"[space]\nrate = {{low = {low!r}, high = {high!r}, log = {str(log).lower()}}}", "x"), TrainConfig())
    told = distributions(space)["rate"]
    assert (told.low, told.high, told.log) == (low, high, log)


@settings(max_examples=40)
@given(st.lists(st.text(), min_size=1, unique=True))
def test_any_words_can_be_choices(words):
    import json

    text = json.dumps(words, ensure_ascii=True)
    if "\\ud" in text:  # JSON writes rare characters as pairs, which TOML does not know
        return
    space = parse_space(f"[space]\nname = {{choices = {text}}}", "x")
    assert space.dimensions["name"] == Choices(tuple(words))
