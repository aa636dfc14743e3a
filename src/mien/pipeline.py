"""From sources to results: Frame -> Faces -> crops -> Emotions -> Result."""

from __future__ import annotations

import dataclasses
import logging
import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Unpack, overload

import numpy as np

from mien.errors import SourceError, UsageError
from mien.io.frames_ahead import in_background
from mien.io.near_misses import shown, told
from mien.io.reading import Reading, check_reading
from mien.io.sources import Event, Failure, Notice, open_source, read_picture
from mien.labels import anchors
from mien.models.card import ModelCard
from mien.models.detectors.registry import detector as detector_by_name
from mien.models.features import Features
from mien.models.landmarks import crop_points
from mien.models.recogniser import OnnxRecogniser
from mien.models.registry import recogniser as recogniser_by_name
from mien.models.sequences import SequenceReader
from mien.options import OPTION_NAMES, AnalyzeOptions, Changes, refuse_unknown
from mien.part_checks import checked_emotions, checked_faces
from mien.profile import Profile
from mien.track.baseline import BaselineGate
from mien.track.follow import Follower
from mien.types import Detector, Emotions, Faces, Floats, Frame, Image, Recogniser, Result, check_kind
from mien.unsure import judged
from mien.vision.align import CropSpec, align
from mien.vision.quality import cut_off

if TYPE_CHECKING:
    import pandas

log = logging.getLogger("mien")

SHOWN = 8
"""Pictures that a notebook shows of an analysis."""
MANY_BYTES = 100_000_000
"""Pictures of so many bytes are not held for one another."""

Inputs = Any
"""A path, folder, glob, URL, `-`, array, PIL image, bytes or file object, or an iterable of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Analyzed:
    """A picture with what was found in it; lives only as long as the caller keeps it."""

    frame: Frame
    result: Result


class Analyzer:
    """Loaded models, ready for any number of pictures. Thread-safe.

    `profile` counts where its time goes. detector, recogniser: any callable of the protocols in mien.types instead of those
    that the options name; `detector` may be a name too.

    Raises UnknownName or WeightsMissing when a part cannot be had.

    >>> analyzer = Analyzer()
    >>> analyzer.image(np.zeros((120, 160, 3), np.uint8)).faces.boxes.shape
    (0, 4)
    """

    def __init__(
        self,
        options: AnalyzeOptions | None = None,
        *,
        detector: str | Detector | None = None,
        recogniser: Recogniser | None = None,
        **changes: Unpack[Changes],
    ) -> None:
        base = AnalyzeOptions() if options is None else options
        check_kind("options", base, AnalyzeOptions, "an AnalyzeOptions")
        given: dict[str, Any] = {**changes}
        refuse_unknown(given, OPTION_NAMES)
        if isinstance(detector, str):
            given["detector"], detector = detector, None
        if detector is not None:
            check_kind("detector", detector, Callable, "a name or a callable")  # type: ignore[arg-type]
        if recogniser is not None:
            check_kind("recogniser", recogniser, Callable, "a callable; the name of one is given as model=")  # type: ignore[arg-type]
        self.options = dataclasses.replace(base, **given)
        self._own: dict[str, Any] = {"detector": detector, "recogniser": recogniser}
        self.detector = detector or detector_by_name(self.options.detector, threads=self.options.threads)
        self.recogniser = recogniser or recogniser_by_name(self.options.model, threads=self.options.threads)
        if not isinstance(getattr(self.recogniser, "crop", None), CropSpec):
            raise UsageError("recogniser: has no `crop`; wanted a mien.CropSpec there, which says how faces are cut out for it")
        card = getattr(self.recogniser, "card", None)
        self._sequences: ModelCard | None = card if card is not None and card.frames else None
        if self._sequences and not self.options.track.follow:
            raise UsageError(f"{self._of_sequences()}, for which people are followed; leave following on, or take another model")
        self.profile = Profile()
        self.model = card.name if card is not None else getattr(self.recogniser, "name", type(self.recogniser).__name__)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by its options: the other process loads its own models. Raises UsageError for a part that cannot go along."""
        for name, part in self._own.items():
            try:
                pickle.dumps(part)
            except Exception as error:  # anybody's object raises what it likes
                found = getattr(part, "__qualname__", type(part).__qualname__)
                raise UsageError(
                    f"{name} {found} cannot be pickled ({error}); give it by a registered name, or make the Analyzer in each process"
                ) from error
        return partial(type(self), self.options, **self._own), ()

    def image(self, image: Any) -> Result:
        """Faces and emotions of one picture.

        image: uint8 (H, W, 3) RGB, or whatever mien.io.images.from_array takes; the path of a picture, or the bytes of an encoded one.
        What there is to know about it (a truncated file, say) is logged. Raises UsageError, and SourceError for a file.
        """
        return self.frames([_picture(image)])[0]

    def features(self, image: Any) -> tuple[Result, Floats]:
        """Faces and emotions of one picture, and what the network sees in each face before it names anything, float32 (n, width).

        image: as of `image`. The features are a row a face of the result, in its order: 768 numbers of `base`, 1,024 of `large`, 256 of
        `tiny`, for a classifier of your own or to compare expressions. They tell people apart to some degree, so treat them as you would
        the photo. One run of the network, by onnxruntime, gives both; it is loaded anew for this at the first call.

        Raises as `image` does; UsageError for a recogniser of your own and for a model that reads sequences, ModelError where the network
        has none, and ExtraMissing for a model whose card does not name its `features`, without onnx.

        >>> result, features = Analyzer().features(np.zeros((120, 160, 3), np.uint8))
        >>> len(result), features.shape
        (0, (0, 768))
        """
        see, frame = self._features, _picture(image)
        faces = self._detect(frame.image)
        crops = self._crops(frame, faces)
        with self.profile.stage("recognise"):
            emotions, features = see.read(crops)
            emotions = checked_emotions(emotions, self.recogniser, len(faces))
        return self._result(frame, faces, crops, emotions), features

    @cached_property
    def _features(self) -> Features:
        if self._sequences:
            raise UsageError(f"features: {self._of_sequences()}; wanted a model of single faces")
        if not isinstance(self.recogniser, OnnxRecogniser):
            raise UsageError(f"features: recogniser {self.model!r} is code and has no network to look into; wanted a model with a card")
        return Features(self.recogniser, threads=self.options.threads)

    def frames(self, frames: Sequence[Frame]) -> list[Result]:
        """Results of some pictures, each by itself; all their crops go through the recogniser together.

        Raises UsageError when the model reads sequences: `run` gives those of a video, camera or stream.
        """
        for frame in frames:
            if not isinstance(frame, Frame):
                raise _no_event(frame, "mien.Frame")
        if self._sequences:
            raise UsageError(f"{self._of_sequences()}; wanted a video, camera or stream, not single pictures")
        return self._recognise(frames, [self._detect(frame.image) for frame in frames])

    def stream(self, inputs: Inputs, **reading: Unpack[Reading]) -> Generator[Analyzed | Failure | Notice, None, None]:
        """Results of any mix of inputs, in their order, with memory flat; what cannot be read comes as a Failure.

        reading: keyword arguments of mien.io.sources.open_source, such as `recursive`, `limits`, `allow_private` or `span`.
        """
        _check(reading)
        return self.run(open_source(inputs, **reading))

    def run(self, events: Iterable[Event], *, batch: int | None = None) -> Generator[Analyzed | Failure | Notice, None, None]:
        """Results of the frames that a source yields, in their order; Failures and Notices are passed on.

        Over the frames of a video, camera or stream people are followed and smoothed as `options.track` says. batch: frames
        whose crops are recognised together, `options.batch` if None; 1 gives each result as soon as its frame is there. With more,
        the source is read and faces are looked for in a thread of its own, some frames ahead: one core detects, another recognises.

        Raises UsageError at the call for another `batch`, and later for an event of another kind.
        """
        return self._run(events, self.options.batch if batch is None else dataclasses.replace(self.options, batch=batch).batch)

    def _run(self, events: Iterable[Event], most: int) -> Generator[Analyzed | Failure | Notice, None, None]:
        """most: frames whose crops are recognised together, see `run`."""
        follower = Follower(self.options.track)
        reader = SequenceReader(self.recogniser, self._sequences) if self._sequences else None
        searched = in_background(
            partial(self._searched, events, follower), ahead=most - 1, weigh=_weight, most=MANY_BYTES, name="mien-detect"
        )
        waiting: list[tuple[Frame, Faces, Floats | None]] = []
        with closing(searched):
            for item, faces, covers in searched:
                if reader and isinstance(item, Frame) and not item.stream:
                    item = Failure(item.source, SourceError(f"{item.source}: a single picture; {self._of_sequences()}: give videos"))
                if not isinstance(item, Frame):
                    yield from self._flush(waiting, follower, reader)
                    yield item
                    continue
                waiting.append((item, faces, covers))
                if len(waiting) >= most or sum(frame.image.nbytes for frame, *_ in waiting) > MANY_BYTES:
                    yield from self._flush(waiting, follower, reader)
            yield from self._flush(waiting, follower, reader)

    def analyze(self, inputs: Inputs, **reading: Unpack[Reading]) -> Analysis:
        """Results of any mix of inputs, lazily: iterate, or ask for `rows()`. reading: as in `stream`."""
        _check(reading)
        return Analysis(self, inputs, **reading)

    def _timed(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events, with the time that was spent waiting for them counted."""
        source = iter(events)
        while True:
            with self.profile.stage("read"):
                try:
                    item = next(source)
                except StopIteration:
                    return
            yield item

    def _searched(self, events: Iterable[Event], follower: Follower) -> Generator[tuple[Event, Faces, Floats | None], None, None]:
        """The events, each frame with its faces and with what is to be hidden in it, see Result.covers."""
        for item in self._timed(events):
            if not isinstance(item, Frame | Failure | Notice):
                raise _no_event(item, "mien.Frame, Failure or Notice")
            yield item, *(self._found(item, follower) if isinstance(item, Frame) else (Faces.none(), None))

    def _found(self, frame: Frame, follower: Follower) -> tuple[Faces, Floats | None]:
        """The faces of a frame; in a stream with the number of the person, and between detections where they should be by now."""
        if not frame.stream or not self.options.track.follow:
            return self._detect(frame.image), None
        faces = self._detect(frame.image) if follower.due(frame) else None
        with self.profile.stage("track"):
            return follower.track(frame, faces), follower.covers(frame)

    def _flush(
        self, waiting: list[tuple[Frame, Faces, Floats | None]], follower: Follower, reader: SequenceReader | None
    ) -> Iterator[Analyzed]:
        frames, found, covered = [frame for frame, *_ in waiting], [faces for _, faces, _ in waiting], [covers for *_, covers in waiting]
        waiting.clear()
        results = (
            self._recognise(frames, found) if reader is None else [self._followed(reader, *one) for one in zip(frames, found, strict=True)]
        )
        for frame, result, covers in zip(frames, results, covered, strict=True):
            if frame.stream:
                with self.profile.stage("smooth"):
                    result = dataclasses.replace(follower.smooth(result), covers=covers)
            yield Analyzed(frame, result)

    def _detect(self, image: Image) -> Faces:
        with self.profile.stage("detect"):
            faces = checked_faces(self.detector(image), self.detector)
        if self.options.min_score is not None:
            faces = faces[faces.scores >= self.options.min_score]
        return faces

    def _recognise(self, frames: Sequence[Frame], found: Sequence[Faces]) -> list[Result]:
        """Results of frames whose faces are known; all their crops go through the recogniser together."""
        if not frames:
            return []
        with self.profile.stage("align"):
            crops = [
                align(frame.image, crop_points(faces, self.detector), self.recogniser.crop)
                for frame, faces in zip(frames, found, strict=True)
            ]
        with self.profile.stage("recognise"):
            every = checked_emotions(self.recogniser(np.concatenate(crops)), self.recogniser, sum(map(len, found)))
        ends = np.cumsum([len(faces) for faces in found]).tolist()
        return [
            self._result(frame, faces, own, every[end - len(faces) : end])
            for frame, faces, own, end in zip(frames, found, crops, ends, strict=True)
        ]

    def _crops(self, frame: Frame, faces: Faces) -> Image:
        with self.profile.stage("align"):
            return align(frame.image, crop_points(faces, self.detector), self.recogniser.crop)

    def _followed(self, reader: SequenceReader, frame: Frame, faces: Faces) -> Result:
        """The result of a frame for a model of sequences: of the people of whom a whole sequence was seen."""
        crops = self._crops(frame, faces)
        with self.profile.stage("recognise"):
            whole, emotions = reader.read(frame, faces, crops)
            emotions = checked_emotions(emotions, self.recogniser, len(emotions))
        return self._result(frame, faces[whole], crops[whole], emotions)

    def _result(self, frame: Frame, faces: Faces, crops: Image, emotions: Emotions) -> Result:
        with self.profile.stage("judge"):
            cut = cut_off(crop_points(faces, self.detector), self.recogniser.crop, frame.size)
            emotions = judged(self._affect(emotions), faces, crops, self.options.unsure, cut=cut)
        return Result(frame.source, frame.index, frame.time, frame.size, faces, emotions, self.model)

    def __repr__(self) -> str:
        own = self._own["detector"]
        detector = self.options.detector if own is None else getattr(own, "__name__", type(own).__name__)
        return f"<{type(self).__name__} {self.model}, {detector}>"

    def _of_sequences(self) -> str:
        card = self._sequences
        assert card is not None
        return f"model {card.name!r} reads sequences of {card.frames} crops, {card.frame_seconds:g} seconds apart"

    def _affect(self, emotions: Emotions) -> Emotions:
        source = self.options.affect
        if source == "model":
            return emotions
        if source == "none":
            return dataclasses.replace(emotions, affect=None, affect_from="")
        return dataclasses.replace(emotions, affect=anchors(source).expected(emotions.probs, emotions.labels), affect_from=source)


class Analysis(Iterable[Result]):
    """The results of a run. A loop, and so `list()`, reads the inputs anew with flat memory; `results` keeps what it read, and so do
    `rows()`, indexing and `to_pandas()`. An iterator of inputs or a file object can be read once: by a loop, or by what keeps; again is a
    UsageError.

    How many results there are is known when all were read: before that `len()` is a TypeError, so that a progress bar around a loop, which
    asks for the length, does not have all of them read first.

    Inputs that cannot be read are logged and kept in `failures`; when nothing could be read at all, the first of them is raised.
    """

    def __init__(self, analyzer: Analyzer, inputs: Inputs, **reading: Unpack[Reading]) -> None:
        self._analyzer, self._inputs, self._reading = analyzer, inputs, reading
        self._spent = False
        """Whether the inputs were an iterator or a file object, and it was begun."""
        self._count: int | None = None
        self._shown: list[Analyzed] = []
        self.failures: list[Failure] = []

    def pairs(self) -> Iterator[Analyzed]:
        """Pictures with their results."""
        if self._spent:
            raise UsageError(
                "inputs: an iterator or a file object, which can be read only once, and was begun; ask for .results first, or give a list"
            )
        self._spent = isinstance(self._inputs, Iterator) or hasattr(self._inputs, "read")
        self.failures = []
        any_read = False
        first: Failure | None = None
        """A failure of which is not known yet whether it is all there is: then it is raised, and need not be logged as well."""
        for item in self._analyzer.stream(self._inputs, **self._reading):
            if first is not None:
                log.warning("%s", first.error)
                first = None
            if isinstance(item, Analyzed):
                any_read = True
                yield item
            elif isinstance(item, Failure):
                self.failures.append(item)
                if len(self.failures) == 1 and not any_read:
                    first = item
                else:
                    log.warning("%s", item.error)
            else:
                log.warning("%s: %s", item.source, item.message)
        if not any_read and self.failures:
            raise self.failures[0].error

    def __iter__(self) -> Iterator[Result]:
        if "results" in self.__dict__:
            yield from self.results
            return
        count = 0
        for result in self._with_baseline(pair.result for pair in self.pairs()):
            count += 1
            yield result
        self._count = count

    def _with_baseline(self, results: Iterable[Result]) -> Iterator[Result]:
        """The results, with the differences from each person's baseline where the options ask for one."""
        if self._analyzer.options.track.baseline is None:
            yield from results
            return
        gate = BaselineGate(self._analyzer.options.track.baseline)
        for result in results:
            yield from gate.push(result)
        yield from gate.finish()

    @cached_property
    def results(self) -> list[Result]:
        """All results; some of the pictures are kept with them, small, for notebooks."""
        from mien.sinks.inline import Sample

        sample = Sample(SHOWN)
        results = list(self._with_baseline(pair.result for pair in sample.passing(self.pairs())))
        self._shown = sample.pairs
        return results

    def __len__(self) -> int:
        if "results" in self.__dict__:
            return len(self.results)
        if self._count is None:
            raise TypeError("the number of results is known when all were read: ask len(analysis.results), or after a whole loop")
        return self._count

    def __bool__(self) -> bool:
        return True  # and not the length's, which is not known at first

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        return self.results[index]

    def rows(self) -> list[dict[str, Any]]:
        """The whole table, one dict a face (see mien.table.COLUMNS)."""
        return [row for result in self.results for row in result.rows()]

    def to_pandas(self) -> pandas.DataFrame:
        """The whole table as a DataFrame, see mien.Timeline.to_pandas. Raises ExtraMissing without pandas, before anything is read."""
        from mien.timeline import Timeline, load_pandas

        load_pandas()
        return Timeline.from_results(self.results).to_pandas()

    def _repr_html_(self) -> str | None:
        from mien.sinks.inline import html

        if self._spent and "results" not in self.__dict__:  # by a loop, which kept nothing
            return None
        results = self.results
        return html(self._shown, results)

    def __repr__(self) -> str:
        return f"<Analysis of {shown(self._inputs)}: iterate it, or use .rows(), .results, .failures>"


def _check(reading: Reading) -> None:
    """Raise UsageError for keyword arguments that are not known, or of another kind."""
    refuse_unknown(reading, Reading.__annotations__)
    check_reading(reading)


def _picture(image: Any) -> Frame:
    """A picture as `Analyzer.image` takes it; what there is to know about it is logged."""
    frame, note = read_picture(image)
    if note:
        log.warning("%s: %s", frame.source or "picture", note)
    return frame


def _no_event(item: object, wanted: str) -> UsageError:
    return UsageError(
        f"frames: found {told(item)}, wanted {wanted}; paths and arrays are for analyzer.analyze and stream, and a frame of a video of "
        "your own is mien.Frame(array, index, seconds, name, stream=True)"
    )


def _weight(searched: tuple[Event, Faces, Floats | None]) -> int:
    """Bytes of the picture."""
    item = searched[0]
    return item.image.nbytes if isinstance(item, Frame) else 0
