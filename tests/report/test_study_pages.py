"""The pages of studies: both languages say the same things, and nothing is left of the other; both scales show the same values."""

import pickle
import re
from datetime import UTC, datetime

import numpy as np
import pytest

from mien.errors import UnknownName, UsageError
from mien.report.reaction import reaction_page
from mien.report.study_charts import Mean, time_chart
from mien.report.study_words import _LANGUAGES, study_words
from mien.report.visits import visits_page
from mien.report.words import words
from mien.study.reaction import Part, Reaction, ReactionSettings, react
from mien.study.viewer import REASONS, NotOneViewer, Reason, Viewer
from mien.study.visitors import VisitorSettings, Visits, compare, people_in
from mien.testing import planted_timeline
from mien.timeline import Timeline
from tests.report.tables import Elements

MADE = datetime(2026, 5, 4, tzinfo=UTC)
AS_THEY_ARE = {
    *("mien", "p", "n", "moments.csv", "groups.csv", "UTC"),
    *("Efron", "Tibshirani", "Maris", "Oostenveld", "Westfall", "Young", "Janssen"),
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
    """One for each reason there is."""
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
    ]
    return [Viewer(f"н{i}", table) for i, table in enumerate(tables)]


@pytest.fixture(scope="module")
def film() -> Reaction:
    """All that a page of a film can have."""
    settings = ReactionSettings(rounds=200, baseline=(0, 4), duration=20)
    return react([*map(viewer, range(8)), *left_out()], [Part("шутка", 8, 12)], settings)


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
    for language in ("en", "ru"):
        told = " ".join(said(reaction_page(film, title="t", language=language)))
        for one in film.left_out:
            assert f"{one.name} ({study_words(language)[f'why_{one.reason.key}'].format(**one.reason.numbers)})" in told
    assert "н5 (a sure face in 30 % of the film; wanted 50 %)" in " ".join(said(reaction_page(film, title="t")))


def test_a_table_of_no_viewer_is_the_same_error_in_another_process():
    error = NotOneViewer("a", Reason("no_rows"))
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, UsageError)
    assert str(again) == str(error) == "a: its table has no rows; wanted one video of one viewer"
    assert again.reason == error.reason


def test_both_scales_show_the_same_values(film: Reaction, visits: Visits):
    part = next(one for one in film.parts if one.part.name == "шутка")
    level, change = float(part.level.mean[0]), float(part.change.mean[0])
    unit, seven = (" ".join(said(reaction_page(film, title="t", affect_scale=one))) for one in ("unit", "seven"))
    assert f"{level:+.2f} [" in unit
    assert f"{change:+.2f} [" in unit
    assert f"{4 + 3 * level:.2f} [" in seven
    assert f"{3 * change:+.2f} [" in seven
    assert f"{part.level.mean[6]:.2f} [" in unit  # a probability is on no scale
    assert f"{part.level.mean[6]:.2f} [" in seven
    assert "valence, −1..1" in unit
    assert "valence, 1..7" in seven
    assert "−1..1" not in seven
    apart = visits.periods[0].difference
    told = " ".join(said(visits_page(visits, title="t", affect_scale="seven")))
    assert f"{3 * apart.mean[0]:+.2f} [{3 * apart.low[0]:+.2f},\u00a0{3 * apart.high[0]:+.2f}]" in told


@pytest.mark.parametrize(("seconds", "marks"), [(5.0, ["0", "0.5", "5"]), (96.0, ["0:00", "0:10", "1:30"]), (7200.0, ["0:00", "1:00:00"])])
def test_times_along_a_chart_are_written_alike(seconds: float, marks: list[str]):
    edges = [0.0, seconds / 2, seconds]
    curve = Mean("x", *(np.array([0.1, 0.2]) for _ in range(3)))
    chart = time_chart(np.array(edges), [curve], "x", study_words("en"))
    labels = re.findall(r'text-anchor="middle" class="axis">([^<]+)<', chart)
    assert set(marks) <= set(labels)
    assert "time of the film, s" in labels if seconds < 60 else "time of the film" in labels
