"""Label sets, mappings, captions, colours, anchors: against the numbers of the requirements, typed here anew."""

import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UnknownName, UsageError
from mien.labels import (
    ANCHORS,
    CAPTIONS,
    EMOTIONS,
    LABEL_SETS,
    PALETTES,
    SYNONYMS,
    anchors,
    canonical,
    convert,
    from_seven,
    label_set,
    to_seven,
)

ADFES = """
happy 5.88 5.27 .60 .67
pride 5.78 5.28 .69 .71
surprise 3.88 4.31 .56 .62
contempt 3.58 4.06 .67 .63
embarrassment 2.72 2.95 .65 .79
disgust 2.51 4.24 .71 .75
anger 2.45 4.72 .66 .68
fear 2.37 3.87 .68 1.10
sad 2.28 3.14 .60 .83
"""
LEGACY = """
anger 1.5 6.72
contempt 1.5 3.75
disgust 3.5 2.5
fear 2 6.2
happy 6.6 4.2
neutral 4 4
sad 1.5 1.5
surprise 6 6
uncertain 3 4
"""


def table(text: str) -> dict[str, list[float]]:
    return {words[0]: [float(word) for word in words[1:]] for words in map(str.split, text.strip().splitlines())}


def test_the_native_set_is_alphabetical_and_complete():
    assert list(EMOTIONS) == sorted(EMOTIONS)
    assert " ".join(EMOTIONS) == "anger contempt disgust fear happy neutral sad surprise uncertain"


def test_label_sets_have_the_code_order_of_their_data_sets():
    assert list(LABEL_SETS) == ["mien9", "fer7", "ferplus8", "kaggle9", "affectnet8", "rafdb7"]
    assert " ".join(label_set("fer7")) == "anger disgust fear happy sad surprise neutral"
    assert " ".join(label_set("ferplus8")) == "neutral happy surprise sad anger disgust fear contempt"
    assert " ".join(label_set("affectnet8")) == "neutral happy sad surprise fear disgust anger contempt"
    assert " ".join(label_set("rafdb7")) == "surprise fear disgust happy sad anger neutral"
    assert label_set("mien9") == label_set("kaggle9") == EMOTIONS
    assert all(set(labels) <= set(EMOTIONS) for labels in LABEL_SETS.values())


def test_unknown_names_answer_with_the_names_there_are():
    with pytest.raises(UnknownName, match="affectnet8, fer7, ferplus8, kaggle9, mien9"):
        label_set("fer8")
    with pytest.raises(UnknownName, match="adfes2011, crowd, legacy"):
        anchors("none")


def test_captions_in_both_languages():
    assert [CAPTIONS["ru"][name] for name in EMOTIONS] == (
        ["гнев", "презрение", "отвращение", "страх", "радость", "безразличие", "грусть", "удивление", "неопределенность"]
    )
    assert [CAPTIONS["en"][name] for name in EMOTIONS] == list(EMOTIONS)
    assert set(CAPTIONS["en"]) == set(CAPTIONS["ru"]) == {*EMOTIONS, "unsure", "no face"}
    assert CAPTIONS["en"]["no face"] == "No face found"


def test_tableau_palette_of_r1():
    wanted = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22"]
    assert [PALETTES["tableau"][name] for name in EMOTIONS] == wanted


# Machado, Oliveira & Fernandes 2009, full dichromacy, on linear RGB.
SEEN_BY = {
    "all": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of linear sRGB."""
    xyz = np.clip(linear, 0, 1) @ np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]).T
    ratio = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.parametrize("viewer", SEEN_BY)
def test_default_palette_stays_apart_for_colour_blind_viewers(viewer):
    srgb = np.array([[int(PALETTES["tol"][name][i : i + 2], 16) / 255 for i in (1, 3, 5)] for name in EMOTIONS])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    colours = lab(linear @ SEEN_BY[viewer].T)
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=2)[~np.eye(len(EMOTIONS), dtype=bool)]
    assert apart.min() > 9  # 2.3 is just noticeable side by side


def test_colours_are_colours():
    for palette in PALETTES.values():
        assert set(palette) == set(EMOTIONS)
        assert len(set(palette.values())) == len(EMOTIONS)
        for colour in palette.values():
            colorsys.rgb_to_hsv(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))


def test_adfes2011_is_the_published_table():
    found = ANCHORS["adfes2011"]
    for name, (valence, arousal, sd_v, sd_a) in table(ADFES).items():
        assert [to_seven(x) for x in found.points[name]] == pytest.approx([valence, arousal], abs=1e-5)
        assert [3 * x for x in found.spread[name]] == pytest.approx([sd_v, sd_a], abs=1e-9)
    assert found.points["neutral"] == (0, 0)
    assert set(found.points) == {*table(ADFES), "neutral"}  # uncertain has none


def test_legacy_is_the_table_of_r0_and_r2():
    found = ANCHORS["legacy"].points
    assert {name: [round(to_seven(x), 5) for x in point] for name, point in found.items()} == table(LEGACY)


@given(st.floats(-1, 1))
def test_scale_of_seven(value):
    assert to_seven(value) == pytest.approx(4 + 3 * value)
    assert from_seven(to_seven(value)) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", ANCHORS)
def test_a_certain_emotion_lies_on_its_anchor_and_is_the_nearest_to_it(name):
    known = [emotion for emotion in EMOTIONS if emotion in ANCHORS[name].points]
    probs = np.eye(len(EMOTIONS), dtype=np.float32)[[EMOTIONS.index(emotion) for emotion in known]]
    affect = ANCHORS[name].expected(probs)
    assert affect.dtype == np.float32
    assert affect.tolist() == [pytest.approx(ANCHORS[name].points[emotion], abs=1e-6) for emotion in known]
    assert ANCHORS[name].nearest(affect) == known


def test_what_is_missing_is_near_to_nothing():
    missing = np.array([[np.nan, np.nan], [0.5, np.nan], [0, 0]], np.float32)
    assert ANCHORS["adfes2011"].nearest(missing) == ["", "", "neutral"]
    assert np.isnan(ANCHORS["adfes2011"].nearness(missing)[:2]).all()


@pytest.mark.parametrize("name", ANCHORS)
def test_only_miens_emotions_are_near(name):
    found = ANCHORS[name]
    pride = np.array([[(5.78 - 4) / 3, (5.28 - 4) / 3], [(2.72 - 4) / 3, (2.95 - 4) / 3]])  # and embarrassment, of adfes2011
    names, near = found.among(), found.nearness(pride, 0.5)
    assert set(names) <= set(EMOTIONS)
    assert near.sum(axis=1).tolist() == pytest.approx([1, 1], abs=1e-6)
    assert [names[k] for k in near.argmax(axis=1)] == found.nearest(pride)
    away = np.array([[np.hypot(*(pride[i] - found.points[label])) for label in names] for i in range(2)])
    by_hand = np.exp(-(away**2) / 0.5)
    np.testing.assert_allclose(near, by_hand / by_hand.sum(axis=1, keepdims=True), rtol=1e-5)
    assert found.among(("happy", "pride", "none")) == tuple(label for label in found.points if label in ("happy", "pride"))


def test_an_emotion_without_anchor_takes_no_part():
    half = np.zeros((2, 9), np.float32)
    half[0, [EMOTIONS.index("happy"), EMOTIONS.index("uncertain")]] = 0.5
    half[1, EMOTIONS.index("uncertain")] = 1
    affect = ANCHORS["adfes2011"].expected(half)
    assert affect[0].tolist() == pytest.approx(ANCHORS["adfes2011"].points["happy"], abs=1e-6)
    assert np.isnan(affect[1]).all()


def probabilities(k: int) -> st.SearchStrategy[np.ndarray]:
    weights = st.lists(st.floats(0.01, 1), min_size=k, max_size=k)
    return st.lists(weights, max_size=4).map(
        lambda rows: np.array([[x / sum(row) for x in row] for row in rows], np.float32).reshape(-1, k)
    )


@given(probabilities(9))
def test_expected_affect_lies_between_the_anchors(probs):
    for found in ANCHORS.values():
        affect, corners = found.expected(probs), np.array(list(found.points.values()))
        assert affect.shape == (len(probs), 2)
        assert (affect >= corners.min(axis=0) - 1e-5).all()
        assert (affect <= corners.max(axis=0) + 1e-5).all()


@given(probabilities(9), st.sampled_from(list(LABEL_SETS)))
def test_converted_probabilities_keep_their_proportions(probs, name):
    labels = LABEL_SETS[name]
    out = convert(probs, EMOTIONS, labels)
    assert out.shape == (len(probs), len(labels))
    assert out.sum(axis=1).tolist() == pytest.approx([1] * len(out), abs=1e-5)
    for row, given_row in zip(out, probs, strict=True):
        picked = np.array([given_row[EMOTIONS.index(label)] for label in labels])
        assert row == pytest.approx(picked / picked.sum(), abs=1e-5)


@given(probabilities(7))
def test_conversion_to_more_labels_and_back_changes_nothing(probs):
    fer7 = LABEL_SETS["fer7"]
    there = convert(probs, fer7, EMOTIONS)
    assert not there[:, [EMOTIONS.index("contempt"), EMOTIONS.index("uncertain")]].any()
    assert convert(there, EMOTIONS, fer7) == pytest.approx(probs, abs=1e-6)


def test_conversion_without_common_ground_is_even():
    assert convert(np.ones((1, 1), np.float32), ("contempt",), LABEL_SETS["fer7"]) == pytest.approx(1 / 7)
    assert convert(np.zeros((0, 9), np.float32), EMOTIONS, LABEL_SETS["fer7"]).shape == (0, 7)


def test_what_is_no_number_stays_none():
    probs = np.full((2, 9), np.nan, np.float32)
    probs[1] = 1 / 9
    out = convert(probs, EMOTIONS, LABEL_SETS["fer7"])
    assert np.isnan(out[0]).all()
    assert out[1] == pytest.approx(1 / 7)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Angry", "anger"),
        ("0_Angry", "anger"),
        ("3-happy", "happy"),
        (" Sadness ", "sad"),
        ("06.Surprised", "surprise"),
        ("dance", None),
        ("None", None),  # AffectNet's class for none of the eight, neutral among them
        ("8_none", None),
        ("", None),
    ],
)
def test_spellings_of_data_sets(written, name):
    assert canonical(written) == name


def test_every_synonym_leads_to_an_emotion_and_every_emotion_to_itself():
    assert set(SYNONYMS.values()) == set(EMOTIONS)
    assert all(canonical(name.upper()) == name for name in EMOTIONS)


@pytest.mark.parametrize("ask", ["nearest", "nearness"])
def test_what_has_no_nearest_anchor_is_told(ask):
    near = getattr(ANCHORS["adfes2011"], ask)
    for labels in (("uncertain",), ()):
        with pytest.raises(UsageError, match=r"^labels: found \(.*\), none with an anchor in adfes2011; wanted some of: anger, .*pride"):
            near(np.array([[0.1, 0.2]]), labels=labels)
    for affect in ([0.1, 0.2], [[0.1, 0.2, 0.3]], 0.5):
        with pytest.raises(UsageError, match=r"^valence and arousal: found shape \(.*\), wanted \(n, 2\)$"):
            near(np.array(affect))
    for affect in ([[0.1, 0.2], [0.3]], [["a", "b"]]):
        with pytest.raises(UsageError, match=r"^valence and arousal: found list \[.*\], wanted numbers of shape \(n, 2\)$"):
            near(affect)
    assert len(near(np.zeros((0, 2)))) == 0


@pytest.mark.parametrize("shape", [(2, 4), (2, 2), (3,), ()])
def test_probabilities_of_another_shape_are_refused(shape):
    labels = ("happy", "sad", "fear")
    for call in (lambda probs: convert(probs, labels, ("happy", "sad")), lambda probs: ANCHORS["adfes2011"].expected(probs, labels)):
        with pytest.raises(UsageError, match=r"^probabilities: found shape \(.*\), wanted \(n, 3\), one for each of: happy, sad, fear$"):
            call(np.zeros(shape, np.float32))


@pytest.mark.parametrize("probs", [[[1], [1, 2]], [["a", "b"]], None], ids=str)
def test_probabilities_that_are_no_numbers_are_refused(probs):
    labels = ("happy", "sad")
    for call in (lambda probs: convert(probs, labels, ("sad",)), lambda probs: ANCHORS["crowd"].expected(probs, labels)):
        with pytest.raises(UsageError, match=r"^probabilities: found .*wanted .*\(n, 2\), one for each of: happy, sad$"):
            call(probs)


def test_probabilities_may_be_lists():
    assert convert([[0.25, 0.75, 0.0]], ("happy", "sad", "fear"), ("sad", "happy")).tolist() == [[0.75, 0.25]]
    assert ANCHORS["legacy"].expected([[1.0]], ("happy",)) == pytest.approx(np.array([[2.6 / 3, 0.2 / 3]]), abs=1e-6)
