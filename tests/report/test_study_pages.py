"""The pages of studies: both languages say the same things, and nothing is left of the other; both scales show the same values."""

import csv
import pickle
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, product
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UnknownName, UsageError
from mien.report.reaction import reaction_page
from mien.report.study_charts import Mark, Mean, time_chart
from mien.report.study_words import _LANGUAGES, study_words
from mien.report.visits import visits_page
from mien.report.words import words
from mien.report.writing import SPACE, Published, Writing
from mien.study.outputs import write_visits
from mien.study.reaction import react
from mien.study.reaction_result import LeftOut, Moment, Part, Reaction, ReactionSettings
from mien.study.statistics import Estimate
from mien.study.viewer import MEASURES, REASONS, NotOneViewer, Reason, Viewer
from mien.study.visitors import VisitorSettings, Visits, compare, people_in, published
from mien.testing import planted_timeline
from mien.timeline import Timeline
from tests.report.tables import Elements

MADE = datetime(2026, 5, 4, tzinfo=UTC)
AS_THEY_ARE = {
    *("mien", "p", "n", "moments.csv", "groups.csv", "reach.csv", "UTC"),
    *("Efron", "Tibshirani", "Maris", "Oostenveld", "Westfall", "Young", "Janssen", "Yates", "Searle", "Speed", "Milliken"),
    *("reentry", "mien", "analyze"),
}
"""Latin words of a Russian page: names, files and signs."""


def said(html: str) -> list[str]:
    """All that a reader or a screen reader is told."""
    page = Elements(re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    return [*page.words, *(value for _, name, value in page.attributes if value and name in ("aria-label", "title", "alt"))]


def viewer(i: int) -> Viewer:
    steps = [(0.0, "neutral"), (8.0, "happy"), (12.0, "neutral")]
    return Viewer(f"в{i}", planted_timeline([steps], seconds=20, fps=5, noise=0.3, source=f"{i}", seed=i), group="аб"[i % 2])


def left_out() -> list[Viewer]:
    """One for each reason there is, but for `never_sure`, which is one where nobody need be seen, and `copy`, which files can be."""
    both = Timeline.from_rows([*viewer(1).timeline.rows(), *viewer(2).timeline.rows()])
    mixed = [row | {"person": None} for row in planted_timeline([[(0, "happy")], [(0, "sad")]], seconds=20, fps=5).rows()]
    tables = [
        both,
        Timeline.from_rows([row | {"time_s": None} for row in viewer(1).timeline.rows()]),
        Timeline.from_rows([]),
        Timeline.from_rows(mixed),
        planted_timeline([[(0, "")]], seconds=20, fps=5),
        planted_timeline([[(0, "neutral"), (6, "")]], seconds=20, fps=5),
        planted_timeline([[(0, ""), (5, "neutral")]], seconds=20, fps=5),
        planted_timeline([[(0, "neutral"), (6, "")], [(0, ""), (7, "neutral"), (12, "")]], seconds=20, fps=5),
        Timeline.from_rows([row for row in viewer(1).timeline.rows() for _ in range(2)]),
    ]
    return [*(Viewer(f"н{i}", table) for i, table in enumerate(tables)), Viewer("поздно", viewer(1).timeline, start=99)]


@pytest.fixture(scope="module")
def film() -> Reaction:
    """All that a page of a film can have."""
    settings = ReactionSettings(rounds=200, baseline=(0, 4), duration=20)
    found = react([*map(viewer, range(8)), *left_out()], [Part("шутка", 8, 12)], settings)
    unsure = Viewer("не", Timeline.from_rows([row | {"unsure": True} for row in viewer(1).timeline.rows()]))
    loose = react([viewer(1), unsure], settings=replace(settings, least_coverage=0))
    copy = LeftOut("двойник", Reason("copy", {"of": "в0"}))
    return replace(found, left_out=(*found.left_out, *loose.left_out, copy))


@pytest.fixture(scope="module")
def short() -> Reaction:
    """Two viewers, no baseline, no moments."""
    return react([viewer(0), viewer(1)], settings=ReactionSettings(rounds=100))


@pytest.fixture(scope="module")
def visits() -> Visits:
    """Two periods, people without one, and one of too few people."""
    parts = []
    for k, (period, n) in enumerate((("день", 8), ("вечер", 8), ("", 8), ("ночь", 2))):
        for leaving in (False, True):
            people = [[(0.0, ""), (i, "happy" if leaving and i % 4 else "neutral"), (i + 0.8, "")] for i in range(n)]
            table = planted_timeline([*people, [(0.0, "sad"), (0.2, "")]], seconds=n, fps=5, noise=0.3, seed=2 * k + leaving)
            parts.append(people_in(table, leaving=leaving, period=period))
    return compare(parts, VisitorSettings(rounds=200))


def test_both_languages_say_the_same_things():
    assert set(_LANGUAGES["en"]) == set(_LANGUAGES["ru"])
    for key, sentence in _LANGUAGES["en"].items():
        assert set(re.findall(r"{\w*}", sentence)) == set(re.findall(r"{\w*}", _LANGUAGES["ru"][key])), key
    assert not set(_LANGUAGES["en"]) & set(words("en"))  # one place for each sentence
    with pytest.raises(UnknownName, match="there are: en, ru"):
        study_words("xx")


def test_no_english_is_left_on_a_russian_page(film: Reaction, short: Reaction, visits: Visits):
    pages = [
        reaction_page(film, title="Ролик", models=["модель", "другая"], failed=["х/плохой"], language="ru", made=MADE),
        reaction_page(short, title="Ролик", language="ru", made=MADE),
        visits_page(visits, title="Кафе", models=["модель", "другая"], failed=2, language="ru", made=MADE),
    ]
    for html in pages:
        told = " ".join(said(html))
        assert set(re.findall(r"[A-Za-z]+(?:\.csv)?", told)) <= AS_THEY_ARE
        assert '<html lang="ru">' in html
        assert "{" not in told
    assert all(name in " ".join(said(pages[0])) for name in ("радость", "безразличие", "грусть", "удивление", "весь фильм"))
    assert "В расчёты они не вошли" in pages[2]
    assert "без периода" in pages[2]
    assert all("разными моделями (модель, другая)" in html for html in (pages[0], pages[2]))


def test_every_reason_for_leaving_a_viewer_out_is_told_in_the_language_of_the_page(film: Reaction):
    assert sorted(one.reason.key for one in film.left_out) == sorted(REASONS)
    for language, half in product(("en", "ru"), (film.left_out[::2], film.left_out[1::2])):  # of many the page names the first ones alone
        told = " ".join(said(reaction_page(replace(film, left_out=half), title="t", language=language)))
        for one in half:
            assert f"{one.name} ({study_words(language)[f'why_{one.reason.key}'].format(**one.reason.numbers)})" in told
    assert "н5 (a sure face in 30 % of the film; wanted 50 %)" in " ".join(said(reaction_page(film, title="t")))


def test_a_table_of_no_viewer_is_the_same_error_in_another_process():
    error = NotOneViewer("a", Reason("no_rows"))
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, UsageError)
    assert str(again) == str(error) == "a: its table has no rows; wanted one video of one viewer"
    assert again.reason == error.reason


def signed(value: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def test_both_scales_show_the_same_values(film: Reaction, visits: Visits):
    part = next(one for one in film.parts if one.part.name == "шутка")
    level, change = float(part.level.mean[0]), float(part.change.mean[0])
    unit, seven = (" ".join(said(reaction_page(film, title="t", affect_scale=one))) for one in ("unit", "seven"))
    assert f"{signed(level)} [" in unit
    assert f"{signed(change)} [" in unit
    assert f"{4 + 3 * level:.3f} [" in seven
    assert f"{signed(3 * change)} [" in seven
    assert f"{part.level.mean[6]:.3f} [" in unit  # a probability is on no scale
    assert f"{part.level.mean[6]:.3f} [" in seven
    assert "valence, −1..1" in unit
    assert "valence, 1..7" in seven
    assert "−1..1" not in seven
    apart = published(visits).periods[0].difference
    told = " ".join(said(visits_page(visits, title="t", affect_scale="seven")))
    mean, low, high = (signed(3 * value, 2) for value in (apart.mean[0], apart.low[0], apart.high[0]))
    assert f"{mean} [{low},\u00a0{high}]" in told


def test_an_interval_shows_whether_it_holds_0_and_what_rounds_to_0_has_no_sign():
    found = Estimate(*(np.full(11, value) for value in (-0.0006, -0.0041, 0.0029)), np.full(11, 20))
    nothing = Estimate(*(np.full(11, value) for value in (-0.0004, -0.0011, 0.0004)), np.full(11, 20))
    write = Writing.of("en", "unit")
    for k in (0, 6):
        assert write.difference(found, k) == "−0.001 [−0.004,\u00a0+0.003]"
        assert write.difference(nothing, k) == "0.000 [−0.001,\u00a00.000]"
    assert write.value(-0.0004, 0) == "0.000"
    assert Writing.of("ru", "unit").difference(found, 6) == "−0,001 [−0,004;\u00a0+0,003]"


@pytest.mark.parametrize(
    ("start", "end", "english", "russian"),
    [
        (12, 16.5, "12.0–16.5\u00a0s", "12,0–16,5\u00a0с"),
        (33, 42.58, "33.00–42.58\u00a0s", "33,00–42,58\u00a0с"),
        (58, 62.5, "0:58.0–1:02.5", "0:58,0–1:02,5"),
        (3599.5, 3605, "59:59.5–1:00:05.0", "59:59,5–1:00:05,0"),
    ],
)
def test_times_of_the_film(start: float, end: float, english: str, russian: str):
    assert [Writing.of(language, "unit").times(start, end) for language in ("en", "ru")] == [english, russian]


def test_the_page_of_visitors_has_the_decimals_of_its_table_and_bounds_of_p(visits: Visits, tmp_path: Path):
    """All of a mean and its interval as the finest of the three: what was rounded to hundredths is not told to thousandths."""
    write_visits(visits, tmp_path, about={})
    with (tmp_path / "visitors.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["period"] in ("", "all")]
    assert len(rows) == len(MEASURES)
    for language, sign in (("en", ".,"), ("ru", ",;")):
        told = " ".join(" ".join(said(visits_page(visits, title="t", language=language))).split())
        for row in rows:
            for side in ("entering", "leaving", "difference"):
                cells = [row[side], row[f"{side}_low"], row[f"{side}_high"]]
                digits = max(len(cell.partition(".")[2].rstrip("0")) for cell in cells)
                plus = "+" if side == "difference" or row["measure"] in ("valence", "arousal") else ""
                mean, low, high = (
                    f"{float(cell):{plus if float(cell) else ''}.{digits}f}".replace("-", "−").replace(".", sign[0]) for cell in cells
                )
                assert f"{mean} [{low}{sign[1]} {high}]" in told.replace(SPACE, " ")
            assert f"≤ {float(row['p']):g}".replace(".", sign[0]) in told.replace(SPACE, " ")
        assert not re.search(r"1[.,]000", told)


@pytest.mark.parametrize(
    ("p", "english", "russian"),
    [(1, "≤ 1", "≤ 1"), (0.05, "≤ 0.05", "≤ 0,05"), (0.001, "≤ 0.001", "≤ 0,001"), (2e-4, "&lt; 0.001", "&lt; 0,001")],
)
def test_a_published_p_is_a_bound(p: float, english: str, russian: str):
    for language, wanted in (("en", english), ("ru", russian)):
        write = Published.of(language, "unit")
        assert write.p(p).replace(SPACE, " ") == wanted
        assert write.test(p).replace(SPACE, " ") == f"p {wanted}"


def test_russian_numbers_have_commas_and_none_has_a_hyphen(film: Reaction, visits: Visits):
    for language, decimal, wrong in (("en", r"\d\.\d", r"\d,\d(?!\d\d)|\d,\d{4}"), ("ru", r"\d,\d", r"\d\.\d")):
        for html in (
            reaction_page(film, title="t", language=language, made=MADE),
            reaction_page(film, title="t", language=language, affect_scale="seven", made=MADE),
            visits_page(visits, title="t", language=language, made=MADE),
        ):
            told = " ".join(one for one in said(html) if not one.startswith("mien 0"))  # its version
            assert len(re.findall(decimal, told)) > 50
            assert re.findall(rf".{{9}}(?:{wrong}).{{9}}", told.replace("2.1,", "")) == []
            assert re.findall(r"(?<![\d\w])-\d", told) == []


def moment(measure: str, start: float, end: float, departure: float, p: float = 0.001) -> Moment:
    return Moment(measure, start, end, departure, departure, p)


def test_moments_are_counted_and_listed_by_when_they_are(film: Reaction):
    unsure, *others = [name for name in MEASURES[2:] if name != "p_happy"]
    laugh = [moment("valence", 12, 16, 0.28), moment("p_happy", 12, 16, 0.27), *(moment(name, 12, 16, -0.03) for name in others)]
    laugh.append(moment("arousal", 13, 14, 0.1))
    laugh.append(moment(unsure, 12.5, 19, -0.05, p=0.12))
    sad = [moment("valence", 5, 8, -0.2), moment("p_sad", 17, 19, 0.0004, p=0.15), moment("p_sad", 0, 2, 0.0004, p=0.4)]
    html = reaction_page(replace(film, moments=(*laugh, *sad)), title="t")
    assert shared_of(html) == "2"
    section = section_of_moments(html)
    assert "12.0–16.0\u00a0s ▲ valence\u00a0+0.280, happy\u00a0+0.270, arousal\u00a0+0.100 (13.0–14.0\u00a0s) ▼ " in section
    assert "5.0–8.0\u00a0s ▼ valence\u00a0−0.200" in section
    assert "17.0–19.0\u00a0s ▲ sad\u00a00.000 0.150" in section
    assert "0.0–2.0" not in section  # p above .2
    assert f"{unsure.removeprefix('p_')}\u00a0−0.050" in section  # in the laugh, less sure
    assert "0.120" not in section
    assert " shown." not in section
    assert (html.count('class="moment up"'), html.count('class="moment down"')) == (3, 8)  # of the sure ones
    assert '<i class="shade up"></i>▲ shared moment, upwards' in html
    many = [moment("p_happy", k, k + 0.5, 0.1) for k in range(14)]
    html = reaction_page(replace(film, moments=tuple(many)), title="t")
    assert shared_of(html) == "14"
    assert "12 of 14 shown." in section_of_moments(html)
    assert len(re.findall(r"\d\.0–\d+\.5", section_of_moments(html))) == 12


def shared_of(html: str) -> str:
    told = said(html)
    return told[told.index("shared moments") - 1]


def section_of_moments(html: str) -> str:
    told = said(html)
    return re.sub(" +", " ", " ".join(told[told.index("Moments that the viewers shared") : told.index("Each expression over the film")]))


def test_what_was_not_tested_is_not_said_to_have_found_nothing(short: Reaction):
    for found, why in (
        (short, "not tested (fewer than 3 viewers)"),
        (react([*map(viewer, range(4))], settings=ReactionSettings(rounds=100, step=20)), "not tested (the film is a single step)"),
    ):
        html = reaction_page(found, title="t")
        told = said(html)
        at = told.index("shared moments")
        assert told[at - 1 : at + 2] == ["–", "shared moments", why]
        assert f"Moments: {why}." in told
        assert not any("p ≤" in one or "None has a p" in one for one in told)
        assert 'class="shade' not in html
        assert "turned in a circle" not in html


def test_the_page_says_how_many_turns_were_made(film: Reaction):
    told = " ".join(said(reaction_page(replace(film, turns=film.settings.rounds), title="t")))
    assert "by a random time, 200 times. Parts" in told
    told = " ".join(said(reaction_page(replace(film, turns=123), title="t")))
    assert "by a random time, 123 times (200 were asked for, which" in told


def test_the_pages_say_both_tests_of_differences(film: Reaction, visits: Visits):
    for language, both in (("en", "no less than Welch's t gives"), ("ru", "не меньше, чем даёт критерий Уэлча")):
        told = " ".join(said(reaction_page(film, title="t", language=language)))
        assert told.count(both) == 2  # beside the table, and how it was worked out
        assert both in " ".join(said(visits_page(visits, title="t", language=language)))
    alone = " ".join(said(reaction_page(replace(film, contrasts=()), title="t")))
    assert "Welch" not in alone


def test_each_group_has_its_curves_up_to_four_of_them(film: Reaction):
    html = reaction_page(film, title="t")
    told = " ".join(said(html))
    assert "а (4)" in told
    assert "б (4)" in told
    assert " largest of " not in told
    assert [html.count(f'<g class="group{k}">') for k in range(3)] == [13, 13, 0]  # eleven charts, and two keys
    values = film.groups[1].level.mean[0]
    own = [one.values[0] for one in film.curves if one.group == film.groups[1].name]
    assert values == pytest.approx(np.mean(own, axis=0))
    chart = html[html.index("Groups compared") :].split('<g class="group1">')[2]  # behind its key
    points = re.search(r'<polyline points="([^"]*)"', chart)
    assert points
    drawn_y = np.array([float(point.split(",")[1]) for point in points[1].split()])
    assert np.corrcoef(drawn_y, values)[0, 1] < -0.9999  # pixels from the top
    more = [replace(film.groups[0], name=f"г{k}") for k in range(2, 7)]
    curves = [replace(film.curves[0], group=f"г{k}") for k in range(2, 7) for _ in range(k)]
    html = reaction_page(replace(film, groups=tuple(more), curves=tuple(curves)), title="t")
    assert "Drawn are the 4 largest of 5 groups" in html
    assert re.findall(r"г\d \(\d\)", html[html.index("Groups compared") :])[:4] == [f"г{k} ({k})" for k in range(3, 7)]


def test_the_difference_within_periods_is_called_that_and_explained_where_it_stands(visits: Visits):
    whole = published(visits).periods[0]
    apart = whole.leaving.mean[0] - whole.entering.mean[0]
    told = " ".join(said(visits_page(visits, title="t")))
    glance = told[: told.index("Leaving against entering")]
    assert "difference in valence within periods" in glance
    assert f"It need not be the one mean less the other ({signed(apart)} here)" in glance
    assert "difference within periods" in told[len(glance) :]
    told = " ".join(said(visits_page(replace(visits, periods=(whole,), within=False), title="t")))
    assert "within" not in told
    assert "difference in valence, leaving less entering" in told


@pytest.mark.parametrize(("seconds", "marks"), [(5.0, ["0", "0.5", "5"]), (96.0, ["0:00", "0:10", "1:30"]), (7200.0, ["0:00", "1:00:00"])])
def test_times_along_a_chart_are_written_alike(seconds: float, marks: list[str]):
    edges = [0.0, seconds / 2, seconds]
    curve = Mean("x", *(np.array([0.1, 0.2]) for _ in range(3)))
    chart = time_chart(np.array(edges), [curve], "x", Writing.of("en", "unit"))
    labels = re.findall(r'text-anchor="middle" class="axis">([^<]+)<', chart)
    assert set(marks) <= set(labels)
    assert "time of the film, s" in labels if seconds < 60 else "time of the film" in labels


def drawn(chart: str, kind: str) -> list[dict[str, str]]:
    """The bars of a class, in order."""
    return [dict(re.findall(r'(\w+)="([^"]*)"', one)) for one in re.findall(r"<rect[^>]*>", chart) if f'class="{kind}"' in one]


def test_a_chart_shows_where_parts_end_and_which_way_moments_went():
    curve = Mean("x", *(np.array([0.1, 0.2, 0.2, 0.1]) for _ in range(3)))
    parts = [Part("joke", 2, 4), Part("a name as long as the whole film", 6, 7), Part("inside", 2.5, 3), Part("late", 7, 8)]
    marks = [Mark(0, 2, up=True), Mark(2, 4, up=False)]
    chart = time_chart(np.array([0.0, 2, 4, 6, 8]), [curve], "x", Writing.of("en", "unit"), marks=marks, parts=parts)
    at = [66 + (1080 - 66 - 24) * second / 8 for second in range(9)]  # svg.LEFT and RIGHT
    bars = {(round(float(one["x"])), round(float(one["width"]) + 2), one["y"]) for one in drawn(chart, "span")}
    wide = round(at[1] - at[0])
    assert bars == {
        (round(at[2]), round(at[4] - at[2]), "16"),
        (round(at[6]), wide, "16"),
        (round(at[7]), wide, "16"),
        (round((at[2] + at[3]) / 2), round(wide / 2), "40"),  # in a lane of its own
    }
    assert "<title>joke, 2.0–4.0\u00a0s</title>" in chart
    assert "<title>a name as long as the whole film, 6.0–7.0\u00a0s</title>" in chart
    assert ">a name as long …</text>" in chart
    assert [round(float(one["x"])) for kind in ("moment up", "moment down") for one in drawn(chart, kind)] == [round(at[0]), round(at[2])]
    ends = {round(float(x)) for x in re.findall(r'<line x1="([\d.]+)"[^>]*class="part"', chart)}
    assert ends == {round(at[second]) for second in (2, 4, 6, 7, 8)} | {round((at[2] + at[3]) / 2), round(at[3])}


def test_reach_is_told_in_people_with_its_interval():
    def film(*, laugh: bool) -> Viewer:
        steps = [(0.0, "neutral"), *([(4.0, "happy"), (7.0, "neutral")] if laugh else [])]
        name = f"{'l' if laugh else 'c'}{next(number)}"
        return Viewer(name, planted_timeline([steps], seconds=10, fps=5, noise=0.1, source=f"{name}.mp4"))

    number = count()
    laughed = react([film(laugh=i < 3) for i in range(4)], [Part("joke", 3, 8)], ReactionSettings(rounds=100))
    told = " ".join(said(reaction_page(laughed, title="x", made=MADE)))
    assert f"75{SPACE}% [30,{SPACE}95]" in told  # Wilson's interval of 3 of 4
    calm = react([film(laugh=False) for _ in range(4)], settings=ReactionSettings(rounds=100))
    assert "No expression but neutral reached anybody." in " ".join(said(reaction_page(calm, title="x", made=MADE)))


def test_reach_says_of_how_many_where_some_show_it_at_rest():
    def film(i: int) -> Viewer:
        steps = [(0.0, "happy" if i < 2 else "neutral"), (4.0, "happy"), (7.0, "neutral")]
        return Viewer(f"v{i}", planted_timeline([steps], seconds=10, fps=5, noise=0.1, source=f"{i}.mp4"))

    found = react([film(i) for i in range(6)], settings=ReactionSettings(rounds=100, baseline=(0, 3)))
    told = " ".join(said(reaction_page(found, title="x", made=MADE)))
    assert re.search(rf"whole film .* 6 .*100{SPACE}% \[51,{SPACE}100\] +of 4", told)  # Wilson's interval of 4 of 4
    assert "in the baseline already does not count for it" in told
    without = " ".join(said(reaction_page(react([film(i) for i in range(6)], settings=ReactionSettings(rounds=100)), title="x")))
    assert f"100{SPACE}% [61,{SPACE}100]" in without
    assert "in the baseline already" not in without


def who_saw(film: Reaction, *spans: tuple[float, float], groups: str = "аб", language: str = "en") -> str:
    """What the page says of viewers who saw these shares of the film, in groups by turns."""
    curves, steps = [], len(film.edges) - 1
    for i, (start, end) in enumerate(spans):
        values = np.full((len(MEASURES), steps), np.nan)
        values[:, round(start * steps) : round(end * steps)] = 0.1
        curves.append(replace(film.curves[0], values=values, seen=end - start, group=groups[i % len(groups)]))
    return " ".join(said(reaction_page(replace(film, curves=tuple(curves)), title="t", language=language)))


def test_it_is_told_where_viewers_saw_unlike_much(film: Reaction):
    groups = "shares of the film (on average from б 70\u00a0% to а 95\u00a0%). Means over the whole film are over what 3 or more"
    assert groups in who_saw(film, *((0, end) for end in (0.9, 0.6, 1.0, 0.8)))
    many = who_saw(film, *((0, end) for end in (1.0, 0.5, 0.8)), *((0, end) for end in (0.9, 0.6, 0.7)), groups="абвгде")
    assert "(on average from б 50\u00a0% to а 100\u00a0%)" in many
    viewers = "2 of 5 viewers could be seen for less than 80\u00a0% of the film. Means over the whole film are over what 3 or more of"
    assert f"{viewers} the viewers saw, and as if all had seen that." in who_saw(film, *((0, end) for end in (0.7, 0.7, 0.9, 0.9, 0.85)))
    assert "whole film are over what" not in who_saw(film, *((0, end) for end in (0.9, 0.85, 0.9, 0.9)))
    assert "whole film are over what" not in who_saw(film, (0, 0.75), *((0, 0.9),) * 5)  # one of six


def test_means_are_as_if_seen_only_where_something_was_put_in(film: Reaction):
    told = who_saw(film, (0, 1), *((0, 0.6),) * 4)  # nobody missed what three saw
    assert "Means over the whole film are over what 3 or more of the viewers saw." in told
    assert "as if all had seen that" not in told
    assert "could be seen for less than" not in who_saw(film, (0, 0.6))  # one viewer has no others


def test_viewers_who_saw_nothing_in_common_are_told_as_such(film: Reaction):
    halves = *((0.0, 0.5),) * 3, *((0.5, 1.0),) * 3
    told = who_saw(film, *halves, groups="а")
    assert "Some viewers saw nothing in common with others that 3 or more saw" in told
    assert "as if all had seen that" not in told
    assert "saw nothing in common" not in who_saw(film, *halves, (0, 1), groups="а")  # no step has fewer than three
    assert "такой круг зрителей" in who_saw(film, *halves, groups="а", language="ru")


def test_no_heading_of_a_table_is_empty(film: Reaction, short: Reaction, visits: Visits):
    for html in (reaction_page(film, title="t"), reaction_page(short, title="t"), visits_page(visits, title="t")):
        assert "<th" in html
        assert not re.findall(r"<th[^>]*></th>", html)
        widths = [{len(re.findall(r"<t[hd]", line)) for line in re.findall(r"<tr.*?</tr>", one)} for one in html.split("<table")[1:]]
        assert all(len(of) == 1 for of in widths)  # each cell is still under its heading
