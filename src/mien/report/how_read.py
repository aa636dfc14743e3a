"""How the numbers of a run were made, as the last section of its page: every setting, or what its table alone tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien.options import AnalyzeOptions
from mien.provenance import Provenance, without_folders
from mien.report.numerals import Numerals
from mien.report.sections import NONE, Words, listed, table, text
from mien.timeline import Timeline

Options = Mapping[str, Any]
"""As Provenance.flat gives them: of runs of mien's, or of whatever a program of the user's has recorded."""
LARGEST = 1e12
"""Numbers beyond it are written as they are told: no setting of mien's has them."""
RUNTIMES = {":openvino": "OpenVINO", ":onnxruntime": "ONNX Runtime"}
"""Behind a model's name: what runs it, see mien.models.recogniser.RUNTIMES."""


def _always(options: Options) -> bool:
    return True


def _follows(options: Options) -> bool:
    return options.get("track.follow") is not False


def _smooths(options: Options) -> bool:
    return _follows(options) and options.get("track.smooth") != "none"


def _is_euro(options: Options) -> bool:
    return _follows(options) and options.get("track.smooth") == "euro"


@dataclass(frozen=True, slots=True)
class Setting:
    """One option, and how the page says what it is."""

    name: str
    """In the options; `how_NAME` is what the page calls it."""
    form: str = ""
    """`how_FORM` is what its numbers are written into, with a pair of braces for each; empty: the number alone."""
    said: tuple[tuple[Any, str], ...] = ()
    """Values that are said by a word, `how_WORD`."""
    counts: Callable[[Options], bool] = _always
    """Whether it does anything beside the other options."""

    def value(self, options: Options, write: Numerals) -> str:
        """What it is, as plain text."""
        value = options[self.name]
        if word := next((word for known, word in self.said if known == value), ""):
            return write.words[f"how_{word}"]
        numbers, form = value if isinstance(value, list) else [value], write.words[f"how_{self.form}"] if self.form else "{}"
        if form.count("{}") == len(numbers) and all(isinstance(one, (int, float)) and abs(one) < LARGEST for one in numbers):
            return form.format(*map(write.plain, numbers))
        return NONE if value is None else str(without_folders(value))


FACES = (
    Setting("model"),
    Setting("detector"),
    Setting("min_score", said=((None, "by_detector"),)),
    Setting("affect", said=(("model", "by_model"), ("none", "none"))),
    Setting("turn", "degrees", ((0, "no"),)),
)
FRAMES = (
    Setting("as_video", "frames_a_second", counts=lambda options: options.get("as_video") is not None),
    Setting("every", "one_each", ((None, "all"),), lambda options: options.get("every") is not None),
    Setting("stride", "one_in", ((1, "all"),), lambda options: options.get("every") is None),
    Setting("start", "s", ((None, "beginning"),)),
    Setting("stop", "s", ((None, "end"),)),
)
TIME = (
    Setting("track.follow", said=((True, "yes"), (False, "no"))),
    Setting("track.detect_every", "one_in", ((1, "all"),), _follows),
    Setting("track.smooth", said=(("euro", "euro"), ("ema", "ema"), ("none", "no")), counts=_follows),
    Setting("track.smooth_seconds", "s", counts=_smooths),
    Setting("track.smooth_speed", "hz", counts=_is_euro),
    Setting("track.hold_margin", "times", counts=_smooths),
    Setting("track.hold_seconds", "s", counts=_smooths),
    Setting("track.forget_seconds", "s", counts=_follows),
    Setting("track.reentry_seconds", "s", ((0, "never"),), _follows),
    Setting("track.baseline", "span", ((None, "none"),), _follows),
)
UNSURE = (
    Setting("unsure.min_score", said=((0, "off"),)),
    Setting("unsure.min_size", "px", ((0, "off"),)),
    Setting("unsure.max_cut", said=((1, "off"),)),
    Setting("unsure.min_sharpness", said=((0, "off"),)),
    Setting("unsure.max_yaw", "degrees", ((180, "off"),)),
    Setting("unsure.max_pitch", "degrees", ((180, "off"),)),
    Setting("unsure.min_confidence", said=((0, "off"),)),
)


@dataclass(frozen=True, slots=True)
class Told:
    """One setting of a run, in words, as plain text."""

    name: str
    value: str
    usual: str
    """What it is by default; empty where it is no other."""


def told(timeline: Timeline, how: Provenance, write: Numerals, *, timed: bool) -> dict[str, list[Told]]:
    """The settings of a run that are known, by what the page calls their group.

    timeline: the run's, whose rows say how its model is called. timed: whether there is a clock, without which nothing happens over time.
    """
    options, defaults = how.flat(), Provenance.of(AnalyzeOptions()).flat()
    in_table = _by_rows(timeline, write.words)
    groups = {"how_faces": FACES} | ({"how_frames": FRAMES, "how_time": TIME} if timed else {}) | {"how_unsure": UNSURE}
    found = {}
    for caption, settings in groups.items():
        rows = []
        for one in settings:
            if one.name not in options or not one.counts(options):
                continue
            usual = one.value(defaults, write)
            value = _said(one.value(options, write), in_table.get(one.name, ""), usual, write.words)
            rows.append(Told(write.words[f"how_{one.name}"], value, usual if options[one.name] != defaults[one.name] else ""))
        found[write.words[caption]] = rows
    return found


def section(
    timeline: Timeline, how: Provenance | None, write: Numerals, *, timed: bool, baseline: tuple[float, float] | None = None
) -> str:
    """The section, which opens at a click.

    how: what is known beside the table. timed: whether there is a clock, without which nothing happens over time. baseline: of the page,
    in seconds, where it has one.
    """
    words = write.words
    tables = [_of_table(timeline, write, timed=timed)] if how is None else _of_run(timeline, how, write, timed=timed, baseline=baseline)
    note = words["how_note_table" if how is None else "how_note"]
    inside = f'<p class="note">{note}</p><div class="columns">{"".join(tables)}</div>'
    return f'<section id="how-read"><details><summary><h2>{words["how_read"]}</h2></summary>{inside}</details></section>'


def _of_run(timeline: Timeline, how: Provenance, write: Numerals, *, timed: bool, baseline: tuple[float, float] | None) -> list[str]:
    """A table of each group of settings."""
    if baseline is not None:
        how = Provenance(how.flat() | {"track.baseline": list(baseline)}, how.version)
    tables = []
    for caption, settings in told(timeline, how, write, timed=timed).items():
        rows = [(write.words["how_version"], text(how.version))] if caption == write.words["how_faces"] else []
        rows += [(one.name, _marked(one, write.words)) for one in settings]
        tables += [_table(caption, rows, write.words)] if rows else []
    return tables


def _marked(setting: Told, words: Words) -> str:
    """In HTML; in bold, with the default behind it, where it is another."""
    said = text(setting.value)
    return f"<b>{said}</b> ({words['how_default'].format(value=text(setting.usual))})" if setting.usual else said


def _said(option: str, in_table: str, usual: str, words: Words) -> str:
    """What an option is, as the rows call it where they do; with the option's own text where that is what the default is called too."""
    runtime = next((suffix for suffix in RUNTIMES if option.endswith(suffix)), "")
    option = option.removesuffix(runtime)
    said = in_table or option
    if said == usual != option:  # another file, whose card has the name of the model by default
        said = f"{said} ({option})"
    return words["how_run_by"].format(name=said, runtime=RUNTIMES[runtime]) if runtime else said


def _of_table(timeline: Timeline, write: Numerals, *, timed: bool) -> str:
    """What the columns alone tell."""
    words = write.words
    rows = [("how_version", words["how_not_told"])]
    rows += [(f"how_{name}", text(said)) for name, said in _by_rows(timeline, words).items()]
    if timed:
        rows.append(("how_track.follow", words["how_yes" if (timeline["person"] >= 0).any() else "how_no"]))
        rows.append(("how_smoothed", words["how_in_raw" if "raw_valence" in timeline else "how_no"]))
        if "delta_valence" in timeline:
            rows.append(("how_track.baseline", words["how_in_delta"]))
    return _table(words["how_in_table"], [(words[name], said) for name, said in rows], words)


def _by_rows(timeline: Timeline, words: Words) -> dict[str, str]:
    """Option -> what the rows say of it, as plain text: the models, and where valence and arousal come from. Not what none of them says."""
    models = sorted(set(timeline["model"].tolist()) - {""})
    origins = [_origin(one, words) for one in sorted(set(timeline["affect_from"].tolist()) - {""})]
    return {name: listed(said, words) for name, said in (("model", models), ("affect", origins)) if said}


def _origin(affect_from: str, words: Words) -> str:
    """A cell of the column in words: `model:` and what the model learnt from, or an anchor set."""
    kind, _, learnt = affect_from.partition(":")
    if kind == "model" and learnt:
        return words["how_by_model_of"].format(name=learnt)
    return words["how_by_anchors"].format(name=affect_from)


def _table(caption: str, rows: Sequence[tuple[str, str]], words: Words) -> str:
    return table(caption, [words["how_setting"], words["how_value"]], rows)
