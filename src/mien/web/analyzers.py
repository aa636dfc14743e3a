"""Loaded models of a server: those that a request may name, each loaded once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from mien.errors import UnknownName
from mien.labels import ANCHORS
from mien.loaded import LoadedAnalyzers
from mien.models import registry as models
from mien.models.detectors import registry as detectors
from mien.options import AnalyzeOptions
from mien.pipeline import Analyzer


class Analyzers:
    """Analyzers by what a request asks for. Thread-safe.

    Only names that are listed can be asked for, and what the server itself was started with: a path in a request would read any file
    of this machine.
    """

    def __init__(self, options: AnalyzeOptions) -> None:
        self._base = options
        self._loaded = LoadedAnalyzers()

    def model_names(self) -> list[str]:
        """Of recognisers, the one that is used if none is named first."""
        return _first(self._base.model, models.names())

    def detector_names(self) -> list[str]:
        """Of detectors, the one that is used if none is named first."""
        return _first(self._base.detector, detectors.names())

    def affect_names(self) -> list[str]:
        """Where valence and arousal may come from, the server's own choice first."""
        return _first(self._base.affect, ("model", "none", *ANCHORS))

    def get(self, *, model: str | None = None, detector: str | None = None, affect: str | None = None) -> Analyzer:
        """The Analyzer for these names, None or empty for the server's own. Raises UnknownName, WeightsMissing."""
        asked = (("model", model, self.model_names), ("detector", detector, self.detector_names), ("affect", affect, self.affect_names))
        for kind, name, known in asked:
            if name and name not in known():
                raise UnknownName(kind, name, known())
        base = self._base
        return self._loaded.get(
            dataclasses.replace(base, model=model or base.model, detector=detector or base.detector, affect=affect or base.affect)
        )


def _first(own: str, names: Iterable[str]) -> list[str]:
    return [own, *(name for name in names if name != own)]
