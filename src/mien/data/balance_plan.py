"""R0's rule for balancing: how many of a class are kept and how many made, and the settings and figures that go with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mien.data.encode import ENCODINGS
from mien.errors import UsageError


class Share(NamedTuple):
    """How many of a class are kept and how many made."""

    kept: int
    generated: int


def plan(counts: Mapping[str, int], smote_value: int = 5000, modify_coef: float = 1.0) -> dict[str, Share]:
    """R0's rule for classes of n usable pictures: min(n, smote_value) are kept, int(max(smote_value - n, 0) * modify_coef) are made.

    >>> plan({"happy": 7215, "disgust": 436}, smote_value=5000, modify_coef=0.5)
    {'happy': Share(kept=5000, generated=0), 'disgust': Share(kept=436, generated=2282)}
    """
    if smote_value < 0 or modify_coef < 0 or any(n < 0 for n in counts.values()):
        raise UsageError(f"balance: smote_value {smote_value}, modify_coef {modify_coef} and counts must be 0 or more")
    return {label: Share(min(n, smote_value), int(max(smote_value - n, 0) * modify_coef)) for label, n in counts.items()}


@dataclass(frozen=True, slots=True)
class BalanceOptions:
    """Settings of `balance`; the defaults are R0's."""

    smote_value: int = 5000
    """Pictures a class is cut to or filled up to."""
    modify_coef: float = 1.0
    """Share of what lacks that is made."""
    train_part: float = 0.15
    """Share of the pictures without a split that is held out, as split `val`. (R0's name; it is the part that training does not see.)"""
    image_size: int = 224
    """Pictures are brought to this square before they are augmented and written; 0 leaves each its own size."""
    copies: bool = True
    """Whether the kept pictures are written too; else the manifest names them where they are, and only new ones take room."""
    tries: int = 20
    """A picture whose augmentations fail the face check so often in a row is given up; this is what makes it end."""
    suffix: str = ".jpg"
    """Of the files: .jpg, .png or .webp."""
    quality: int = 95
    """1..100, of JPEG and WebP."""
    seed: int = 0

    def __post_init__(self) -> None:
        plan({}, self.smote_value, self.modify_coef)
        if not 0 <= self.train_part < 1:
            raise UsageError(f"train_part {self.train_part}: wanted the share of the originals that is held out, from 0 to below 1")
        if self.image_size < 0 or 0 < self.image_size < 8 or self.tries < 1:
            raise UsageError(f"image_size {self.image_size}, tries {self.tries}: wanted a size of 0 or at least 8, and at least one try")
        if self.suffix not in ENCODINGS:
            raise UsageError(f"suffix {self.suffix!r}: pictures are written as {', '.join(ENCODINGS)}")


@dataclass(slots=True)
class ClassReport:
    """What became of one class."""

    found: int = 0
    """Pictures there were to train on."""
    usable: int = 0
    """Those with exactly one face; n of the rule."""
    kept: int = 0
    held_out: int = 0
    """Of the kept."""
    wanted: int = 0
    """To be made, by the rule."""
    generated: int = 0
    """Made."""
    tries: int = 0
    """Augmented pictures looked at."""
    given_up: int = 0
    """Originals that gave nothing usable any more."""

    @property
    def missing(self) -> int:
        """How many could not be made."""
        return self.wanted - self.generated
