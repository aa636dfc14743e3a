"""Cards: what they refuse, and that they survive JSON."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import CardInvalid, SourceMissing
from mien.labels import ANCHORS, EMOTIONS, LABEL_SETS
from mien.models.card import Head, ModelCard
from mien.models.locate import BUNDLED
from mien.vision.align import CropSpec

WEIGHTS = BUNDLED


def card(**changes) -> ModelCard:
    fields = {
        "name": "test",
        "file": "test.onnx",
        "sha256": "0" * 64,
        "bytes": 10,
        "crop": CropSpec(),
        "outputs": {
            "votes": Head("logits", EMOTIONS, 1.2, (0.5,) * 9, (0.25,) * 9),
            "fer7": Head("logits", LABEL_SETS["fer7"], 1.3, temperature_slopes=(0.1,) * 8),
            "affect": Head("affect"),
        },
        "blend": {"votes": 0.6, "fer7": 0.4},
    }
    return ModelCard(**(fields | changes))


text = st.text(max_size=20)
crops = st.builds(CropSpec, size=st.integers(8, 224), margin=st.floats(-0.3, 2), colour=st.sampled_from(["grey", "rgb"]))
cards = st.builds(
    card,
    name=text.filter(str.isprintable),
    crop=crops,
    blend_temperature=st.floats(0.5, 2),
    note=text,
    source=st.dictionaries(text, st.integers() | text, max_size=3),
    features=st.lists(text, max_size=2).map(tuple),
    metrics=st.dictionaries(text, st.dictionaries(text, st.floats(0, 1), max_size=2), max_size=2),
)


@given(cards)
def test_a_card_survives_json(one):
    again = ModelCard.from_json(one.to_json())
    assert again == one
    assert again.to_json() == one.to_json()


def test_labels_are_those_of_the_widest_blended_output():
    assert card().labels == EMOTIONS
    assert card(blend={"fer7": 1.0}).labels == LABEL_SETS["fer7"]


def test_labels_of_valence_and_arousal_alone_are_miens_that_have_an_anchor():
    own = {name: card(outputs={"affect": Head("affect")}, blend={}, anchors=name).labels for name in ANCHORS}
    assert set(own["adfes2011"]) == set(own["crowd"]) == set(EMOTIONS) - {"uncertain"}  # no pride, no embarrassment
    assert set(own["legacy"]) == set(EMOTIONS)


def test_a_card_may_name_a_label_set_and_leave_out_what_is_plain():
    minimal = {
        "name": "plain",
        "file": "plain.onnx",
        "sha256": "0" * 64,
        "bytes": 1,
        "crop": {"size": 64, "colour": "rgb"},
        "outputs": {"out": {"kind": "probs", "labels": "ferplus8"}},
    }
    one = ModelCard.from_json(json.dumps(minimal))
    assert one.labels == LABEL_SETS["ferplus8"]
    assert one.blend == {"out": 1.0}
    assert one.crop == CropSpec(size=64, colour="rgb")
    assert one.outputs["out"].temperature == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"blend": {}},
        {"blend": {"votes": 0.5}},
        {"blend": {"nobody": 1.0}},
        {"blend": {"affect": 1.0}},
        {"blend": {"votes": math.nan, "fer7": 0.4}},
        {"answers": {"fer7": "nobody"}},
        {"answers": {"fer7": "affect"}},
        {"file": ""},
        {"task": "age"},
        {"outputs": {"a": Head("probs", ("happy", "sad")), "b": Head("probs", ("happy", "bored"))}, "blend": {"a": 0.5, "b": 0.5}},
    ],
)
def test_cards_that_contradict_themselves_are_refused(changes):
    with pytest.raises(CardInvalid, match="'test'"):
        card(**changes)


@pytest.mark.parametrize(
    "fields",
    [
        ("scores", EMOTIONS),
        ("logits", ()),
        ("affect", EMOTIONS),
        ("logits", EMOTIONS, 0.0),
        ("logits", EMOTIONS, 1.0, (1.0, 2.0)),
        ("logits", EMOTIONS, 1.0, (), (1.0, 2.0)),
        ("probs", EMOTIONS, 1.0, (), (1.0,) * 9),
        ("logits", EMOTIONS, 1.0, (), (), (1.0,) * 9),
        ("probs", EMOTIONS, 1.0, (), (), (1.0,) * 10),
    ],
)
def test_outputs_that_make_no_sense_are_refused(fields):
    with pytest.raises(CardInvalid):
        Head(*fields)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:50],
        lambda text: "[]",
        lambda text: "3",
        lambda text: text.replace('"crop"', '"corp"'),
        lambda text: text.replace('"sha256"', '"sha512"'),
        lambda text: text.replace('"grey"', '"bgr"'),
        lambda text: text.replace('"kind": "logits"', '"kind": "guess"'),
        lambda text: text.replace('"votes": {', '"votes": {"labels": "nine", "x": ', 1),
        lambda text: "[" * 100_000,
        lambda text: text.replace('"margin": 0.0', f'"margin": 1{"0" * 400}'),
    ],
)
def test_what_is_no_card_is_one_clear_line(damage):
    with pytest.raises(CardInvalid, match=r"^mine\.json: not a model card: ") as caught:
        ModelCard.from_json(damage(card().to_json()), where="mine.json")
    assert "\n" not in str(caught.value)


def test_reading(tmp_path: Path):
    path = tmp_path / "test.json"
    with pytest.raises(SourceMissing, match="no such file"):
        ModelCard.read(path)
    path.write_text(card(note="для проверки").to_json(), "utf-8")
    assert ModelCard.read(path) == card(note="для проверки")


def test_cards_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        card().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("path", sorted(BUNDLED.glob("*.json")), ids=lambda path: path.stem)
def test_every_shipped_card_says_what_it_must(path):
    import hashlib

    shipped = ModelCard.read(path)
    assert shipped.name == path.stem
    assert {"code", "weights", "data"} <= set(shipped.licences)
    assert shipped.source
    assert shipped.metrics
    assert shipped.note
    weights = WEIGHTS / shipped.file
    assert weights.stat().st_size == shipped.bytes
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == shipped.sha256
    assert ModelCard.from_json(shipped.to_json()) == shipped


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda card: card | {"foo": 1}, "not a model card: foo: not known; see the docs"),
        (lambda card: card | {"crop": card["crop"] | {"sise": 3}}, "not a model card: crop: sise: not known"),
        (lambda card: {name: value for name, value in card.items() if name != "outputs"}, "not a model card: has no 'outputs'"),
        (
            lambda card: card | {"outputs": {"x": {"kind": "logits", "labels": "nope"}}},
            "not a model card: output 'x' names the label set 'nope'; there are: .*fer7",
        ),
    ],
)
def test_what_is_wrong_with_a_card_is_said_in_its_own_words(change, says: str) -> None:
    card = json.loads(ModelCard.read(BUNDLED / "tiny.json").to_json())
    with pytest.raises(CardInvalid, match=says):
        ModelCard.from_json(json.dumps(change(card)))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bytes": "1153201"}, "bytes: found str '1153201', wanted a whole number"),
        ({"bytes": 1.5}, "bytes: found float 1.5, wanted a whole number"),
        ({"file": 5}, "file: found int 5, wanted text"),
        ({"file": None}, "file: found NoneType None, wanted text"),
        ({"sha256": None}, "sha256: found NoneType None, wanted text"),
        ({"name": 7}, "name: found int 7, wanted text"),
        ({"name": None}, "name: found NoneType None, wanted text"),
        ({"name": ["a"]}, "name: found list ['a'], wanted text"),
        ({"affect_from": 3}, "affect_from: found int 3, wanted text"),
        ({"note": 5}, "note: found int 5, wanted text"),
        ({"anchors": None}, "anchors: found NoneType None, wanted text"),
        ({"metrics": [1, 2]}, "metrics: found list [1, 2], wanted an object of values by name"),
        ({"licences": ["MIT"]}, "licences: found list ['MIT'], wanted an object of values by name"),
        ({"source": "here"}, "source: found str 'here', wanted an object of values by name"),
        ({"answers": ["fer7"]}, "answers: found list ['fer7'], wanted an object of values by name"),
        ({"answers": {"fer7": 3}}, "answers: fer7: found int 3, wanted the name of an output"),
        ({"answers": {"fer7": "nope"}}, "card 'tiny': answers: 'nope' for fer7; outputs with labels are: votes, fer7"),
        ({"blend": ["a"]}, "blend: found list ['a'], wanted an object of values by name"),
        ({"blend": {"votes": "all"}}, "blend: votes: found str 'all', wanted a number"),
        ({"features": "mean_2"}, "features: found str 'mean_2', wanted a list"),
        ({"features": [2]}, "features: found int 2, wanted the name of a tensor"),
        ({"frames": "3"}, "frames: found str '3', wanted a whole number"),
        ({"crop": [48]}, "crop: found list [48], wanted an object of values by name"),
        ({"crop": {"size": "48"}}, "crop: size: found str '48', wanted a whole number"),
        ({"crop": {"template": 5}}, "crop: template: found int 5, wanted a list"),
        ({"crop": {"template": [["a", 1]]}}, "crop: template: found str 'a', wanted a number"),
        ({"outputs": ["a"]}, "outputs: found list ['a'], wanted an object of values by name"),
        ({"outputs": {"a": 5}}, "output 'a': found int 5, wanted an object of values by name"),
        ({"outputs": {"a": {"kind": "logits", "labels": 5}}}, "output 'a': labels: found int 5, wanted a list"),
        ({"outputs": {"a": {"kind": "logits", "labels": [1, 2]}}}, "output 'a': labels: found int 1, wanted text"),
        (
            {"outputs": {"a": {"kind": "logits", "labels": "fer7", "temperature": "warm"}}},
            "output 'a': temperature: found str 'warm', wanted a number",
        ),
        ({"outputs": {"a": {"kind": "logits", "labels": "fer7", "offsets": 1}}}, "output 'a': offsets: found int 1, wanted a list"),
        ({"outputs": {"a": {"kind": "affect"}}, "blend": {}, "answers": {}, "anchors": "x"}, "unknown anchor set 'x'; there are: "),
    ],
)
def test_a_field_of_another_kind_is_named_with_what_was_wanted(change: dict[str, object], says: str) -> None:
    given = json.loads(ModelCard.read(BUNDLED / "tiny.json").to_json()) | change
    with pytest.raises(CardInvalid) as caught:
        ModelCard.from_json(json.dumps(given), where="mine.json")
    assert str(caught.value).startswith(f"mine.json: not a model card: {says}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["name", "file", "sha256", "bytes", "crop", "outputs"])
def test_a_field_that_is_missing_is_named(name: str) -> None:
    given = json.loads(ModelCard.read(BUNDLED / "tiny.json").to_json())
    del given[name]
    with pytest.raises(CardInvalid, match=rf"^card: not a model card: has no '{name}'; see the docs, 'Cards'$"):
        ModelCard.from_json(json.dumps(given))


def test_a_card_made_in_python_is_held_to_the_same() -> None:
    with pytest.raises(CardInvalid, match=r"^outputs: votes: found tuple .*, wanted a Head$"):
        card(outputs={"votes": ("logits", EMOTIONS)})
