"""What a recogniser makes of raw outputs, by its card."""

import numpy as np

from mien.labels import EMOTIONS, LABEL_SETS
from mien.models.card import Head, ModelCard
from mien.models.recogniser import blended, head_probs
from mien.vision.align import CropSpec


def card(votes: Head) -> ModelCard:
    outputs = {"votes": votes, "fer7": Head("logits", LABEL_SETS["fer7"], 1.3)}
    return ModelCard("test", "test.onnx", "0" * 64, 1, CropSpec(), outputs, {"votes": 0.4, "fer7": 0.6}, blend_temperature=0.8)


def said(votes: Head, raw: dict[str, np.ndarray]) -> np.ndarray:
    one = card(votes)
    return blended(one, {name: head_probs(head, raw[name]) for name, head in one.outputs.items()})


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
