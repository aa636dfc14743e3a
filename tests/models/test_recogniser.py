"""What a recogniser makes of raw outputs, by its card."""

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.labels import EMOTIONS, LABEL_SETS
from mien.models.card import Head, ModelCard
from mien.models.recogniser import blended, head_probs, softmax, tempered
from mien.vision.align import CropSpec


def card(votes: Head) -> ModelCard:
    outputs = {"votes": votes, "fer7": Head("logits", LABEL_SETS["fer7"], 1.3)}
    return ModelCard("test", "test.onnx", "0" * 64, 1, CropSpec(), outputs, {"votes": 0.4, "fer7": 0.6}, blend_temperature=0.8)


def said(votes: Head, raw: dict[str, np.ndarray]) -> np.ndarray:
    return blended(card(votes), raw)


def test_offsets_of_the_blend_stand_in_for_those_of_the_output():
    rng = np.random.default_rng(0)
    raw = {"votes": rng.normal(0, 2, (20, 9)).astype(np.float32), "fer7": rng.normal(0, 2, (20, 7)).astype(np.float32)}
    own, other = (tuple(rng.normal(0, 1, 9).tolist()) for _ in range(2))
    np.testing.assert_allclose(
        said(Head("logits", EMOTIONS, 1.4, own, other), raw), said(Head("logits", EMOTIONS, 1.4, other), raw), rtol=1e-5
    )
    np.testing.assert_allclose(
        said(Head("logits", EMOTIONS, 1.4, (), other), raw), said(Head("logits", EMOTIONS, 1.4, other), raw), rtol=1e-5
    )
    assert np.abs(said(Head("logits", EMOTIONS, 1.4, own), raw) - said(Head("logits", EMOTIONS, 1.4, own, other), raw)).max() > 0.1


def test_a_blend_is_the_weighted_mean_of_its_outputs_by_hand():
    raw = {"votes": np.zeros((1, 9), np.float32), "fer7": np.log(np.array([[8, 1, 1, 1, 1, 1, 1]], np.float32)) * 1.3}
    one = said(Head("logits", EMOTIONS), raw)[0] ** 0.8
    one = one / one.sum()  # without the card's blend_temperature again
    # The votes say 1/9 for each; fer7 shares out 7/9 and gives anger 8/14 of that.
    np.testing.assert_allclose(one[EMOTIONS.index("anger")], 0.4 / 9 + 0.6 * 7 / 9 * 8 / 14, rtol=1e-5)
    np.testing.assert_allclose(one[EMOTIONS.index("contempt")], 1 / 9, rtol=1e-5)


def test_a_temperature_of_each_row_by_hand():
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]])) * 2
    found = tempered(logits, 2.0, (0.5, 0.0, -0.5, 0.1))
    for row, p, slope in zip(found, logits, (0.5, -0.5), strict=True):
        own = np.exp(slope * 0.7 - slope * 0.1 + 0.1 * (0.7 - 0.5))
        expected = np.exp(p / 2 / own) / np.exp(p / 2 / own).sum()
        np.testing.assert_allclose(row, expected, rtol=1e-5)
    np.testing.assert_allclose(tempered(logits, 2.0), [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]], rtol=1e-5)


@given(st.integers(0, 2**32 - 1), st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_slopes_keep_the_order_of_the_labels(seed: int, slopes: list[float]):
    logits = np.random.default_rng(seed).normal(0, 3, (8, 5))
    found = tempered(logits, 1.3, tuple(slopes))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    ranked = np.take_along_axis(found, logits.argsort(axis=1), axis=1)
    assert (np.diff(ranked, axis=1) >= 0).all()


def test_slopes_are_for_an_output_that_answers_alone():
    raw = {"fer7": np.random.default_rng(1).normal(0, 2, (20, 7)).astype(np.float32)}
    plain, sloped = (Head("logits", LABEL_SETS["fer7"], 1.3, temperature_slopes=slopes) for slopes in ((), (0.4, 0, 0, -0.4, 0, 0, 0, 0.1)))
    alone = ModelCard("test", "test.onnx", "0" * 64, 1, CropSpec(), {"fer7": sloped}, {"fer7": 1.0})
    np.testing.assert_allclose(blended(alone, raw), head_probs(sloped, raw["fer7"]), rtol=1e-5)
    assert np.abs(head_probs(sloped, raw["fer7"]) - head_probs(plain, raw["fer7"])).max() > 0.02
    raw["votes"] = np.zeros((20, 9), np.float32)
    beside = [
        dataclasses.replace(card(Head("logits", EMOTIONS)), outputs={"votes": Head("logits", EMOTIONS), "fer7": head})
        for head in (plain, sloped)
    ]
    np.testing.assert_array_equal(blended(beside[0], raw), blended(beside[1], raw))


def test_what_is_certainly_not_shown_stays_so():
    probs = np.array([[1, 0, 0], [0.5, 0.5, 0]], np.float32)
    one = ModelCard("test", "test.onnx", "0" * 64, 1, CropSpec(), {"out": Head("probs", ("happy", "sad", "anger"))}, {"out": 1.0})
    np.testing.assert_array_equal(blended(one, {"out": probs}), probs)
    np.testing.assert_allclose(softmax(np.log(probs[1:, :2])), [[0.5, 0.5]], rtol=1e-6)
