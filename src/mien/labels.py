"""Emotions: label sets and how they map, captions, colours, and where emotions lie in valence and arousal.

Everything here is data. Valence and arousal are on -1..1 inside mien; the 1..7 scale of the literature (4 = neutral)
is `4 + 3 * x`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import UnknownName, UsageError
from mien.types import Floats, check_floats

EMOTIONS: tuple[str, ...] = ("anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise", "uncertain")
"""mien's native set, alphabetical. `uncertain` is a class that raters chose (FER+ "unknown" and "not a face"); it is not
the same as `unsure`, mien's own doubt about a face, which has a column of its own."""

LABEL_SETS: dict[str, tuple[str, ...]] = {
    "mien9": EMOTIONS,
    "fer7": ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    "ferplus8": ("neutral", "happy", "surprise", "sad", "anger", "disgust", "fear", "contempt"),
    "kaggle9": EMOTIONS,
    "affectnet8": ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt"),
    "rafdb7": ("surprise", "fear", "disgust", "happy", "sad", "anger", "neutral"),
}
"""Code order of each data set: FER-2013 (Goodfellow 2013), FER+ (Barsoum 2016), Kaggle's nine-class set, AffectNet
(Mollahosseini 2017), RAF-DB's basic emotions (Li 2017). Spelled with mien's names."""
FIRST_CODES: dict[str, int] = {"rafdb7": 1}
"""The code of the first label, where it is not 0."""

SYNONYMS: dict[str, str] = {
    "angry": "anger", "anger": "anger", "annoyed": "anger",
    "contempt": "contempt", "contemptuous": "contempt",
    "disgust": "disgust", "disgusted": "disgust",
    "fear": "fear", "fearful": "fear", "afraid": "fear", "scared": "fear",
    "happy": "happy", "happiness": "happy", "joy": "happy", "joyful": "happy",
    "neutral": "neutral", "neutrality": "neutral", "calm": "neutral",
    "sad": "sad", "sadness": "sad",
    "surprise": "surprise", "surprised": "surprise",
    "uncertain": "uncertain", "unknown": "uncertain", "not-a-face": "uncertain", "nf": "uncertain",
}  # fmt: skip
"""Spellings met in data sets, lower case, to mien's names."""

CAPTIONS: dict[str, dict[str, str]] = {
    "en": {name: name for name in EMOTIONS} | {"unsure": "unsure", "no face": "No face found"},
    "ru": dict(
        zip(
            EMOTIONS,
            ("гнев", "презрение", "отвращение", "страх", "радость", "безразличие", "грусть", "удивление", "неопределенность"),
            strict=True,
        )
    )
    | {"unsure": "ненадёжно", "no face": "Лицо не найдено"},
}
"""What is written on pictures, by language."""

PALETTES: dict[str, dict[str, str]] = {
    # The hues of Paul Tol's qualitative schemes, moved by a search until every two of the nine are at least 17.8 CIEDE2000
    # apart, for normal sight and for full protanopia, deuteranopia and tritanopia (Machado et al. 2009). Tol's own nine: 5.3.
    "tol": dict(
        zip(
            EMOTIONS,
            ("#F97084", "#5C3001", "#5B7F41", "#B42586", "#EFC93D", "#D4DAD4", "#358AF1", "#72DBFD", "#363636"),
            strict=True,
        )
    ),
    # matplotlib's tableau colours in alphabetical order (R1).
    "tableau": dict(
        zip(
            EMOTIONS,
            ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22"),
            strict=True,
        )
    ),
}
UNSURE_COLOUR = "#ff0000"
"""Box of a face mien is not sure about (R3)."""


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Where each emotion lies in valence and arousal."""

    name: str
    source: str
    points: dict[str, tuple[float, float]]
    """Emotion -> valence, arousal on -1..1. An emotion without an anchor is missing."""
    spread: dict[str, tuple[float, float]]
    """Emotion -> standard deviations between raters, on -1..1 units; may be empty."""

    def expected(self, probs: ArrayLike, labels: Sequence[str] = EMOTIONS) -> Floats:
        """Expected valence and arousal, float32 (n, 2), under probabilities (n, K) over `labels`.

        The share of labels without an anchor is spread over the others in proportion. With no share left: NaN. Raises UsageError for
        probabilities of another shape.
        """
        shares = _shares(probs, labels)
        has = np.array([label in self.points for label in labels])
        where = np.array([self.points.get(label, (0.0, 0.0)) for label in labels], np.float64)
        mass = shares * has
        total = mass.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(total > 0, mass @ where / total, np.nan), np.float32)

    def among(self, labels: Sequence[str] = EMOTIONS) -> tuple[str, ...]:
        """Those of `labels` that have an anchor, in the order of `points`."""
        return tuple(name for name in self.points if name in labels)

    def nearness(self, affect: ArrayLike, temperature: float = 1.0, labels: Sequence[str] = EMOTIONS) -> Floats:
        """How near each anchor is, float32 (n, K) in the order of `among(labels)`: softmax(-distance^2 / temperature), rows sum to 1.

        The largest is that of the nearest anchor. Rows of valence and arousal (n, 2) that are NaN give NaN. Raises UsageError as `nearest`.
        """
        closeness = -(self._away(affect, labels) ** 2).sum(axis=2) / temperature
        share = np.exp(closeness - closeness.max(axis=1, keepdims=True))
        return np.asarray(share / share.sum(axis=1, keepdims=True), np.float32)

    def nearest(self, affect: ArrayLike, labels: Sequence[str] = EMOTIONS) -> list[str]:
        """The emotion among `labels` whose anchor lies nearest to each valence, arousal (n, 2); ties go to the first, NaN gives "".

        Raises UsageError for numbers of another shape, and where none of the labels has an anchor.
        """
        names, distance = self.among(labels), np.linalg.norm(self._away(affect, labels), axis=2)
        return ["" if np.isnan(row).any() else names[row.argmin()] for row in distance]

    def _away(self, affect: ArrayLike, labels: Sequence[str]) -> NDArray[np.float64]:
        """From the anchors of `among(labels)` to each valence, arousal (n, 2): (n, K, 2)."""
        names, found = self.among(labels), check_floats("valence and arousal", affect, np.float64, "numbers of shape (n, 2)")
        if not names:
            raise UsageError(f"labels: found {tuple(labels)}, none with an anchor in {self.name}; wanted some of: {', '.join(self.points)}")
        if found.ndim != 2 or found.shape[1] != 2:
            raise UsageError(f"valence and arousal: found shape {found.shape}, wanted (n, 2)")
        return np.asarray(found[:, None] - np.array([self.points[name] for name in names])[None])


def _anchors(name: str, source: str, points: dict[str, tuple[float, float]], spread: dict[str, tuple[float, float]]) -> Anchors:
    """Anchors from numbers on the 1..7 scale."""
    return Anchors(
        name,
        source,
        {k: (round(from_seven(v), 6), round(from_seven(a), 6)) for k, (v, a) in points.items()},
        {k: (v / 3, a / 3) for k, (v, a) in spread.items()},
    )


Level = TypeVar("Level", float, NDArray[np.float32], NDArray[np.float64])
"""A valence or arousal, or an array of them."""


def to_seven(value: Level) -> Level:
    """-1..1 to 1..7 (4 = neutral)."""
    return 4 + 3 * value


def from_seven(value: float) -> float:
    """1..7 (4 = neutral) to -1..1."""
    return (value - 4) / 3


ANCHORS: dict[str, Anchors] = {
    "adfes2011": _anchors(
        "adfes2011",
        "van der Schalk, Hawk, Fischer & Doosje 2011, Emotion 11(4), Table 3; neutral is 4, 4 by definition",
        {
            "anger": (2.45, 4.72), "contempt": (3.58, 4.06), "disgust": (2.51, 4.24), "fear": (2.37, 3.87),
            "happy": (5.88, 5.27), "neutral": (4.0, 4.0), "sad": (2.28, 3.14), "surprise": (3.88, 4.31),
            "pride": (5.78, 5.28), "embarrassment": (2.72, 2.95),
        },
        {
            "happy": (0.60, 0.67), "pride": (0.69, 0.71), "surprise": (0.56, 0.62), "contempt": (0.67, 0.63),
            "embarrassment": (0.65, 0.79), "disgust": (0.71, 0.75), "anger": (0.66, 0.68), "fear": (0.68, 1.10), "sad": (0.60, 0.83),
        },
    ),
    "legacy": _anchors(
        "legacy",
        "the table used by R0 and R2, of unknown origin; kept for comparison with their results",
        {
            "anger": (1.5, 6.72), "contempt": (1.5, 3.75), "disgust": (3.5, 2.5), "fear": (2.0, 6.2), "happy": (6.6, 4.2),
            "neutral": (4.0, 4.0), "sad": (1.5, 1.5), "surprise": (6.0, 6.0), "uncertain": (3.0, 4.0),
        },
        {},
    ),
    "crowd": Anchors(
        "crowd",
        "least squares from vote shares to mean rated valence and arousal, 1,600 AffectNet pictures with 25 raters each "
        "(AffectNetC25); 5-fold CCC 0.94 valence, 0.78 arousal",
        {
            "anger": (-0.5099, 0.3185), "contempt": (-0.1352, -0.5070), "disgust": (-0.5663, 0.2644), "fear": (-0.6941, 0.2264),
            "happy": (0.4955, 0.0594), "neutral": (0.0465, -0.7987), "sad": (-0.5462, 0.1121), "surprise": (-0.0238, 0.3642),
        },
        {},
    ),
}  # fmt: skip


def label_set(name: str) -> tuple[str, ...]:
    """The labels of a set by name; UnknownName lists the names there are."""
    if name not in LABEL_SETS:
        raise UnknownName("label set", name, LABEL_SETS)
    return LABEL_SETS[name]


def anchors(name: str) -> Anchors:
    """An anchor set by name; UnknownName lists the names there are."""
    if name not in ANCHORS:
        raise UnknownName("anchor set", name, ANCHORS)
    return ANCHORS[name]


def canonical(name: str) -> str | None:
    """mien's name for a spelling met in a data set, such as a folder's name; None if it is none of them.

    Case, and a leading number as in `0_Angry` or `3-happy`, do not matter.
    """
    return SYNONYMS.get(name.strip().lower().lstrip("0123456789").lstrip(" _-."))


def convert(probs: ArrayLike, labels: Sequence[str], to: Sequence[str]) -> Floats:
    """Probabilities (n, K) over `labels` as probabilities (n, L) over `to`: the missing are dropped, the rest sum to 1.

    Where all of the share is of missing ones: 1 / L each. A row with NaN among what is left is NaN.
    Raises UsageError for probabilities of another shape.
    """
    shares = _shares(probs, labels)
    out = np.zeros((len(shares), len(to)), np.float64)
    for k, label in enumerate(labels):
        if label in to:
            out[:, list(to).index(label)] += shares[:, k]
    total = out.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total == 0, 1 / len(to), out / np.where(total == 0, 1, total)), np.float32)


def _shares(probs: ArrayLike, labels: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities (n, K) over K labels, else UsageError."""
    wanted = f"(n, {len(labels)}), one for each of: {', '.join(labels)}"
    shares = check_floats("probabilities", probs, np.float64, f"numbers of shape {wanted}")
    if shares.ndim != 2 or shares.shape[1] != len(labels):
        raise UsageError(f"probabilities: found shape {shares.shape}, wanted {wanted}")
    return shares
