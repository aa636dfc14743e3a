"""Models that are loaded once: `analyze`, and what it and a server keep for the next call."""

from __future__ import annotations

import os
import threading
from typing import Any, Unpack, cast

from mien.io.reading import Reading, check_reading
from mien.models.detectors.registry import edition as detector_edition
from mien.models.registry import edition as recogniser_edition
from mien.options import AnalyzeOptions, Keywords, refuse_unknown
from mien.pipeline import Analysis, Analyzer, Inputs

KEPT_ANALYZERS = 4
"""Sets of loaded models that `analyze` and a server keep."""


def analyze(inputs: Inputs, **options: Unpack[Keywords]) -> Analysis:
    """Find the faces in pictures and read the expressions they show.

    inputs: a path, folder, glob, URL, array (uint8 (H, W, 3) RGB), PIL image, bytes or file object of an encoded picture or
    video, or an iterable of them, see mien.io.sources.open_source. options: the fields of AnalyzeOptions; `detector` and
    `recogniser` may also be callables of your own, see mien.types; `recursive`, `limits`, `span` and the like are passed on to
    mien.io.sources.open_source. Models are loaded at the first call and kept for the next.

    Raises UsageError at the call for an unknown option or one of another kind, UnknownName and WeightsMissing when a part cannot
    be had; SourceError later, when nothing could be read.

    >>> for row in mien.analyze("examples/astronaut.jpg").rows():  # doctest: +SKIP
    ...     print(row["emotion"], row["emotion_p"])
    happy 0.99
    """
    given: dict[str, Any] = {**options}
    refuse_unknown(given, Keywords.__annotations__)
    reading = cast("Reading", {name: given.pop(name) for name in Reading.__annotations__.keys() & given.keys()})
    check_reading(reading)  # before models are loaded
    return _shared(**given).analyze(inputs, **reading)


class LoadedAnalyzers:
    """Analyzers by their options, each loaded once; the last KEPT_ANALYZERS that were asked for stay. Thread-safe.

    One whose detector or recogniser was registered anew, or whose files were replaced, is loaded anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[AnalyzeOptions, _Place] = {}

    def get(self, options: AnalyzeOptions) -> Analyzer:
        """The Analyzer of these options; who asks for the same meanwhile waits until it is loaded. Raises as Analyzer does."""
        edition = detector_edition(options.detector), recogniser_edition(options.model)
        with self._lock:
            place = self._places.pop(options, None)
            if place is None or place.edition != edition:
                place = _Place(edition)
            while len(self._places) >= KEPT_ANALYZERS:
                self._places.pop(next(iter(self._places)))
            self._places[options] = place  # last in the order, so the longest unused goes first
        return place.analyzer(options)

    def renew_locks(self) -> None:
        """In a forked process, where whoever held one may not be."""
        self._lock = threading.Lock()
        for place in self._places.values():
            place.lock = threading.RLock()


class _Place:
    """Room for an Analyzer of one edition of its parts."""

    def __init__(self, edition: tuple[object, ...]) -> None:
        self.edition = edition
        self.lock = threading.RLock()  # a part that is being loaded may ask for another Analyzer
        self._analyzer: Analyzer | None = None

    def analyzer(self, options: AnalyzeOptions) -> Analyzer:
        """The one that is here, or is loaded now."""
        with self.lock:
            self._analyzer = self._analyzer or Analyzer(options)
            return self._analyzer


_loaded = LoadedAnalyzers()
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_loaded.renew_locks)


def _shared(**options: Any) -> Analyzer:
    if "recogniser" in options or not isinstance(options.get("detector", ""), str | None):
        return Analyzer(**options)
    return _loaded.get(AnalyzeOptions(**options))
