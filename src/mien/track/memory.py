"""What is remembered of people from frame to frame: of their sure faces apart from what was shown last."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Past(Protocol):
    """What is known of one person from the faces so far. Never changed, since both memories may hold the same one."""

    @property
    def time(self) -> float:
        """Seconds of the source: when the person was seen last."""
        ...


P = TypeVar("P", bound=Past)


class Memory(Generic[P]):
    """Two memories of each person, so that what is said of a sure face comes from sure faces alone.

    A sure face goes on from the last sure one, whatever the unsure ones between showed: a blurred second does not tint the one after it.
    Yet it counts for the time since the last face of any kind (`lasted`), not for all that was unsure: one sure frame among blurred ones
    would else stand for the whole blur. An unsure face goes on from what was shown last, sure or not, so that it is shown as calmly as
    ever, and is remembered as that alone.

    forget: seconds without such a face after which a person starts anew.
    """

    def __init__(self, forget: float) -> None:
        self.forget = forget
        self._sure: dict[int, P] = {}
        self._shown: dict[int, P] = {}

    def __len__(self) -> int:
        return len(self._shown)

    def of(self, person: int, time: float, *, unsure: bool) -> P | None:
        """What a face of a person at a time goes on from; None where it starts anew."""
        past = (self._shown if unsure else self._sure).get(person)
        return past if past is not None and time - past.time <= self.forget else None

    def lasted(self, person: int, time: float) -> float:
        """Seconds, at least 0, for which a face at a time counts: since the person was shown last; 0 for whoever never was."""
        past = self._shown.get(person)
        return 0.0 if past is None else max(time - past.time, 0.0)

    def keep(self, person: int, past: P, *, unsure: bool) -> None:
        """Remember what is known of a person with this face."""
        self._shown[person] = past
        if not unsure:
            self._sure[person] = past

    def tidy(self, time: float, people: int) -> None:
        """Drop who is gone, now and then; people: how many are in the frame."""
        if len(self._shown) > 2 * people + 16:
            self._sure, self._shown = (
                {person: past for person, past in kept.items() if time - past.time <= self.forget} for kept in (self._sure, self._shown)
            )
