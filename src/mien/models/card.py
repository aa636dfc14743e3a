"""A model's card: everything that mien must know about an ONNX file, so that nothing is guessed from a name or a shape."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from mien.errors import CardInvalid, MienError, SourceMissing, UsageError
from mien.io.names import printable
from mien.labels import LABEL_SETS, anchors
from mien.types import check_kind
from mien.vision.align import CropSpec

KINDS = ("logits", "probs", "affect")


@dataclass(frozen=True, slots=True)
class Head:
    """One output of a model."""

    kind: str
    """`logits` or `probs` over `labels`, or `affect`: valence and arousal, -1..1."""
    labels: tuple[str, ...] = ()
    """Names of the columns; empty for affect."""
    temperature: float = 1.0
    """Logits are divided by it before the softmax (Guo et al. 2017); fitted on validation data."""
    offsets: tuple[float, ...] = ()
    """Added to the logits before that, one a label: raises classes that are rare in training data (Menon et al. 2021)."""
    blend_offsets: tuple[float, ...] = ()
    """The same for its part in the probabilities that are reported, where rare classes may count for more; empty: `offsets` there too."""
    temperature_slopes: tuple[float, ...] = ()
    """How the temperature of a face changes with what it is taken for: see `mien.models.recogniser.tempered`. One a label and one for the
    confidence; empty: one temperature for all faces, as it is for the output's part in a blend with others."""

    def __post_init__(self) -> None:
        for name in ("offsets", "blend_offsets"):
            if (found := getattr(self, name)) and (len(found) != len(self.labels) or self.kind != "logits"):
                raise CardInvalid(
                    f"output has {len(found)} {name} for {len(self.labels)} labels of kind {self.kind}; wanted logits, one a label"
                )
        if self.kind not in KINDS:
            raise CardInvalid(f"output kind {self.kind!r} is unknown; there are: {', '.join(KINDS)}")
        if (self.kind == "affect") == bool(self.labels):
            raise CardInvalid(f"output of kind {self.kind!r} has labels {self.labels}; logits and probs need some, affect none")
        if not self.temperature > 0:
            raise CardInvalid(f"temperature is {self.temperature}; wanted a number above 0")
        if self.temperature_slopes and (len(self.temperature_slopes) != len(self.labels) + 1 or self.kind != "logits"):
            raise CardInvalid(
                f"output has {len(self.temperature_slopes)} temperature_slopes for {len(self.labels)} labels of kind {self.kind}; "
                "wanted logits, one a label and one more"
            )


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is, what it wants and what it gives. Read from and written to JSON."""

    name: str
    file: str
    """Name of the ONNX file beside the card (or in mien's weights folder)."""
    sha256: str
    bytes: int
    crop: CropSpec
    """How faces are cut out for it; the input is uint8 (n, size, size, 1 or 3), or (n, frames, size, size, 1 or 3)."""
    outputs: dict[str, Head]
    """Outputs by the names they have in the ONNX graph."""
    blend: dict[str, float]
    """Share of each output with labels in the probabilities that are reported; the shares sum to 1. Empty when no output has labels."""
    blend_temperature: float = 1.0
    """The blended probabilities are raised to the power 1 / this and normalised again; fitted on validation data."""
    answers: dict[str, str] = field(default_factory=dict)
    """Label set -> output that answers for it when the model is judged on that set; the others get the blend."""
    affect_from: str = ""
    """Where valence and arousal come from, as written in the table: `model:` and what the model learnt them from."""
    anchors: str = "crowd"
    """Anchor set by which a model of valence and arousal alone names emotions, of mien's those that have an anchor: the reported
    probabilities are their nearness (see mien.labels.Anchors.nearness), with `blend_temperature`."""
    frames: int = 0
    """Length of the sequences of crops it reads; 0: single crops."""
    frame_seconds: float = 0.0
    """Seconds from one crop of a sequence to the next, as it was trained; 0 for single crops."""
    task: str = "expression"
    licences: dict[str, str] = field(default_factory=dict)
    """Of `code`, `weights` and `data`."""
    source: dict[str, Any] = field(default_factory=dict)
    """Data, command, commit, seed: how to make the model again."""
    features: tuple[str, ...] = ()
    """Tensors of the ONNX graph that its last dense layers read, what the network sees in a face before it names anything. Empty: they are
    looked for in the graph, see mien.models.features."""
    metrics: dict[str, Any] = field(default_factory=dict)
    """{data set: {figure: value}}, each measured on the exported file."""
    note: str = ""

    def __post_init__(self) -> None:
        self._check_kinds()
        if self.name != printable(self.name):
            raise CardInvalid(f"card {printable(self.name)!r}: its name holds characters that cannot be printed; wanted plain text")
        if not self.file:
            raise self._refused("file is empty; wanted the name of the ONNX file beside the card")
        if self.task != "expression":
            raise self._refused(f"task {self.task!r} is unknown; there is: expression")
        self._check_frames()
        self._check_blend()
        self._check_answers()

    def _check_kinds(self) -> None:
        for name, (kind, wanted) in _KINDS.items():
            _check(name, getattr(self, name), kind, wanted)
        for name, (kind, wanted) in _VALUES.items():
            for key, value in getattr(self, name).items():
                _check(f"{name}: {key}", value, kind, wanted)
        for tensor in self.features:
            _check("features", tensor, str, "the name of a tensor")

    def _check_frames(self) -> None:
        single, sequence = self.frames == 0 and not self.frame_seconds > 0, self.frames >= 2 and self.frame_seconds > 0
        if not single and not sequence:
            found = f"frames {self.frames} and frame_seconds {self.frame_seconds:g}"
            raise self._refused(f"found {found}; wanted 0 and 0, or 2 frames or more and the seconds between them")

    def _check_blend(self) -> None:
        """Shares of outputs with labels that sum to 1, or none where no output has labels: valence and arousal alone, named by anchors."""
        if not self.blend_temperature > 0 or any(share < 0 for share in self.blend.values()):
            raise self._refused(f"blend_temperature {self.blend_temperature} must be above 0 and no share below: {self.blend}")
        labelled = self._labelled()
        whole = set(self.blend) <= {*labelled} and abs(sum(self.blend.values()) - 1) <= 1e-6  # NaN is not
        if not (whole if self.blend else self.outputs and not labelled):
            raise self._refused(f"blend {self.blend} must give outputs with labels shares that sum to 1")
        if not self.blend:
            anchors(self.anchors)
            return
        widest = max((self.outputs[name].labels for name in self.blend), key=len)
        for name in self.blend:
            if not set(self.outputs[name].labels) <= set(widest):
                raise self._refused(f"labels of {name!r} are not among those of the widest output, {widest}")

    def _check_answers(self) -> None:
        labelled = self._labelled()
        for asked, name in self.answers.items():
            if name not in labelled:
                raise self._refused(f"answers: {name!r} for {asked}; outputs with labels are: {', '.join(labelled)}")

    def _labelled(self) -> list[str]:
        """Names of the outputs with labels."""
        return [name for name, head in self.outputs.items() if head.labels]

    def _refused(self, why: str) -> CardInvalid:
        return CardInvalid(f"card {self.name!r}: {why}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the reported probabilities: those of the blended output that has most, or mien's that have an anchor."""
        return max((self.outputs[name].labels for name in self.blend), key=len, default=()) or anchors(self.anchors).among()

    def to_json(self) -> str:
        """The card as indented JSON; `from_json` gives back an equal card."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, where: str = "card") -> ModelCard:
        """A card from JSON; CardInvalid says what is wrong with it. `labels` may name a label set."""
        try:
            values = dict(_object("a card", json.loads(text)))
            crop = dict(_object("crop", values["crop"]))
            if "template" in crop:
                crop["template"] = tuple(_numbers("crop: template", point) for point in _list("crop: template", crop["template"]))
            heads = {name: _head(f"output {name!r}", head) for name, head in _object("outputs", values["outputs"]).items()}
            for what, given, kind in (("", values, cls), ("crop: ", crop, CropSpec)):
                if unknown := sorted(given.keys() - {own.name for own in dataclasses.fields(kind)}):
                    raise CardInvalid(f"{what}{', '.join(unknown)}: not known; see the docs, 'Cards'")
            named = [name for name, head in heads.items() if head.labels]
            values |= {"crop": _crop(crop), "outputs": heads, "features": tuple(_list("features", values.get("features", [])))}
            values.setdefault("blend", {named[0]: 1.0} if len(named) == 1 else {})
            for own in dataclasses.fields(cls):
                if own.name not in values and own.default is own.default_factory is dataclasses.MISSING:
                    raise KeyError(own.name)
            return cls(**values)
        except MienError as error:
            raise CardInvalid(f"{where}: not a model card: {error}") from None
        except KeyError as error:
            raise CardInvalid(f"{where}: not a model card: has no {error.args[0]!r}; see the docs, 'Cards'") from None
        except (ValueError, OverflowError, RecursionError) as error:
            raise CardInvalid(f"{where}: not a model card: {type(error).__name__}: {error}; see the docs, 'Cards'") from None

    @classmethod
    def read(cls, path: Path) -> ModelCard:
        """A card from a JSON file."""
        if not path.exists():
            raise SourceMissing(f"{path}: no such file; a model is an .onnx file with a card of the same name ending in .json")
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CardInvalid(f"{path}: not a model card: {error}") from None
        return cls.from_json(text, where=str(path))


_KINDS: dict[str, tuple[type, str]] = {
    **dict.fromkeys(("name", "file", "sha256", "affect_from", "anchors", "task", "note"), (str, "text")),
    **dict.fromkeys(("bytes", "frames"), (Integral, "a whole number")),
    **dict.fromkeys(("blend_temperature", "frame_seconds"), (Real, "a number")),
    **dict.fromkeys(("outputs", "blend", "answers", "licences", "source", "metrics"), (dict, "an object of values by name")),
    "crop": (CropSpec, "a CropSpec"),
    "features": (tuple, "a tuple of names of tensors"),
}
_VALUES: dict[str, tuple[type, str]] = {
    "outputs": (Head, "a Head"),
    "blend": (Real, "a number"),
    "answers": (str, "the name of an output"),
}
"""Of the fields that are such objects, what their values are."""


def _check(name: str, value: object, kind: type, wanted: str) -> None:
    """As check_kind, with the error of cards."""
    try:
        check_kind(name, value, kind, wanted)
    except UsageError as error:
        raise CardInvalid(str(error)) from None


def _object(name: str, value: Any) -> dict[str, Any]:
    _check(name, value, dict, "an object of values by name")
    return value  # type: ignore[no-any-return]


def _list(name: str, value: Any) -> list[Any]:
    _check(name, value, list, "a list")
    return value  # type: ignore[no-any-return]


def _number(name: str, value: Any) -> float:
    _check(name, value, Real, "a number")
    if not math.isfinite(value):
        raise CardInvalid(f"{name}: found {value}, wanted a number")
    return float(value)


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    return tuple(_number(name, one) for one in _list(name, value))


def _head(name: str, value: Any) -> Head:
    """An output as the card's JSON has it."""
    given = _object(name, value)
    labels = given.get("labels", [])
    if isinstance(labels, str):
        if labels not in LABEL_SETS:
            raise CardInvalid(f"{name} names the label set {labels!r}; there are: {', '.join(LABEL_SETS)}")
        labels = list(LABEL_SETS[labels])
    for label in _list(f"{name}: labels", labels):
        _check(f"{name}: labels", label, str, "text")
    rows = (_numbers(f"{name}: {key}", given.get(key, [])) for key in ("offsets", "blend_offsets", "temperature_slopes"))
    return Head(given["kind"], tuple(labels), _number(f"{name}: temperature", given.get("temperature", 1.0)), *rows)


def _crop(given: dict[str, Any]) -> CropSpec:
    try:
        return CropSpec(**given)
    except UsageError as error:
        raise CardInvalid(f"crop: {error}") from None
