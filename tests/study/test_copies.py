"""Tables of one recording under several names."""

import csv
import io

import numpy as np

from mien.study.copies import faces_hash
from mien.testing import planted_timeline
from mien.timeline import Timeline


def table(seed: int, source: str = "a.mp4") -> Timeline:
    return planted_timeline([[(0, "neutral"), (3, ""), (5, "happy")]], seconds=10, fps=10, noise=0.3, source=source, seed=seed)


def test_a_copy_is_known_by_its_faces_whatever_its_source_is_called():
    assert faces_hash(table(0, "a.mp4")) == faces_hash(table(0, "c.mp4")) != faces_hash(table(1, "a.mp4"))


def test_a_copy_that_another_program_saved_with_fewer_digits_is_one():
    text = io.StringIO()
    rows = list(table(0).rows())
    out = csv.DictWriter(text, rows[0])
    out.writeheader()
    out.writerows({name: f"{cell:.15g}" if isinstance(cell, float) else cell for name, cell in row.items()} for row in rows)
    text.seek(0)
    assert faces_hash(Timeline.from_rows(csv.DictReader(text))) == faces_hash(table(0))


def test_a_copy_whose_rows_were_sorted_by_something_else_is_one():
    by_valence = table(0).where(np.argsort(table(0)["valence"]))
    two = planted_timeline([[(0, "neutral")], [(0, "happy")]], seconds=5, fps=5, noise=0.3)  # two faces at each time
    assert faces_hash(by_valence) == faces_hash(table(0))
    assert faces_hash(two.where(np.argsort(two["person"], kind="stable"))) == faces_hash(two)
    has, valence = table(0).has_face, table(0)["valence"].copy()
    valence[has] = valence[has][::-1]
    assert faces_hash(Timeline(table(0).columns | {"valence": valence})) != faces_hash(table(0))  # the same numbers, but of other faces


def test_the_same_faces_at_other_times_and_tables_without_faces_are_no_copies():
    late = Timeline(table(0).columns | {"time_s": table(0)["time_s"] + np.float64(0.1)})
    empty = planted_timeline([[(0, "")]], seconds=5, fps=10)
    assert faces_hash(late) != faces_hash(table(0))
    assert faces_hash(empty) == ""


def test_columns_that_a_table_lacks_do_not_hide_a_copy():
    bare = [row | {"valence": None, "arousal": None} for row in table(0).rows()]
    assert faces_hash(Timeline.from_rows(bare)) == faces_hash(Timeline.from_rows(bare)) != faces_hash(table(0))
