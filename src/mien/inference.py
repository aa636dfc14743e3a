"""R0's class form: one object for a model, a detector and a drawer, and one method that does the work.

>>> mien.Inference("base", "yunet", "mien", show_state_mode="inline").go("photo.jpg", "out/")  # doctest: +SKIP
"""

from __future__ import annotations

import dataclasses
import logging
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast, overload

from mien.drawers import drawer as drawer_by_name
from mien.errors import UsageError
from mien.io.camera import open_live
from mien.io.events import Failure
from mien.io.near_misses import shown
from mien.io.newest import Rate
from mien.io.pace import RARE_SECONDS, Pace
from mien.labels import anchors, to_seven
from mien.notebook import Display, in_notebook
from mien.options import AnalyzeOptions
from mien.pipeline import Analyzed, Analyzer
from mien.sinks.registry import open_sink
from mien.sinks.sink import PictureNotWritten, Sink
from mien.types import Detector, Drawer, Emotions, Image, Recogniser, Result
from mien.vision import boxes as bx
from mien.vision.align import CropSpec
from mien.watch import show, watch
from mien.window import Window, open_window

log = logging.getLogger("mien")

MODES = ("img", "img_batch", "video", "video_rec", "online")
"""A picture; several; a video to look at; a video to save; a camera or stream."""
SHOWS = ("cv2", "inline")

Found = TypeVar("Found")
"""What `go` gives: a Result in mode `img`, else a list of them."""
Several: TypeAlias = Literal["img_batch", "video", "video_rec", "online"]


Model: TypeAlias = str | os.PathLike[str] | Recogniser | Analyzer


class Inference(Generic[Found]):
    """Faces and the expressions they show, in the form of project R0.

    model_obj: name or path of a model, a recogniser, or an Analyzer (which then brings its detector too).
    face_det_obj: name of a detector, or any callable detector; None takes the default or the Analyzer's own.
    draw_box_obj: name of a drawer, or any callable drawer; None draws nothing on the picture.
    IMG_SIZE (R0's spelling): side of the crop in pixels for a model_obj that has no `crop` of its own; a model with a card says it itself.
    show_state_mode: `cv2` shows a window: Esc, q or its button closes it, any other key turns to the next picture; without a
    screen nothing is shown and a line is logged. `inline` displays in the notebook. inference_mode: `img`, one picture;
    `img_batch`, a folder, pattern or list; `video`, shown at its own pace; `video_rec`, saved; `online`, a camera or stream.

    Raises UsageError for a mode that there is not, UnknownName or WeightsMissing when a part cannot be had.
    """

    @overload
    def __init__(
        self: Inference[Result],
        model_obj: Model = ...,
        face_det_obj: str | Detector | None = ...,
        draw_box_obj: str | Drawer | None = ...,
        IMG_SIZE: int | None = ...,  # noqa: N803
        show_state_mode: str = ...,
        inference_mode: Literal["img"] = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Inference[list[Result]],
        model_obj: Model = ...,
        face_det_obj: str | Detector | None = ...,
        draw_box_obj: str | Drawer | None = ...,
        IMG_SIZE: int | None = ...,  # noqa: N803
        show_state_mode: str = ...,
        *,
        inference_mode: Several,
    ) -> None: ...
    @overload
    def __init__(
        self: Inference[list[Result]],
        model_obj: Model,
        face_det_obj: str | Detector | None,
        draw_box_obj: str | Drawer | None,
        IMG_SIZE: int | None,  # noqa: N803
        show_state_mode: str,
        inference_mode: Several,
        /,
    ) -> None: ...
    @overload
    def __init__(
        self: Inference[Result | list[Result]],
        model_obj: Model = ...,
        face_det_obj: str | Detector | None = ...,
        draw_box_obj: str | Drawer | None = ...,
        IMG_SIZE: int | None = ...,  # noqa: N803
        show_state_mode: str = ...,
        inference_mode: str = ...,
    ) -> None: ...
    def __init__(
        self,
        model_obj: Model = "base",
        face_det_obj: str | Detector | None = None,
        draw_box_obj: str | Drawer | None = "mien",
        IMG_SIZE: int | None = None,  # noqa: N803
        show_state_mode: str = "cv2",
        inference_mode: str = "img",
    ) -> None:
        if inference_mode not in MODES:
            raise UsageError(f"inference_mode is {inference_mode!r}; there are: {', '.join(MODES)}")
        if show_state_mode not in SHOWS:
            raise UsageError(f"show_state_mode is {show_state_mode!r}; there are: {', '.join(SHOWS)}")
        self.inference_mode, self.show_state_mode = inference_mode, show_state_mode
        self.analyzer = _analyzer(model_obj, face_det_obj, IMG_SIZE)
        self.drawer = drawer_by_name(draw_box_obj) if isinstance(draw_box_obj, str) else draw_box_obj or _plain

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.inference_mode!r} of {self.analyzer!r}>"

    def go(self, path_to_data: Any, path_save_data: str | os.PathLike[str] | None = None) -> Found:
        """Analyse, show, and save where a path is given.

        path_to_data: whatever mien.analyze takes; for `online` the number of a camera, a URL or a video that is played as if it
        were a camera. path_save_data: where annotated pictures or videos go, a folder (made if need be; they keep their
        names), or the name of a .jpg or .png file for `img` and of an .mp4 file for videos and cameras; None saves nothing,
        which `video_rec` refuses. An input is never overwritten.

        Gives a Result for `img`, else a list of them: one a picture or frame. An input that cannot be read is logged and left
        out; of several annotated pictures one that cannot be written is logged, and the others are. `online` ends with Esc, q,
        Ctrl-C or the interrupt button of a notebook, and its list grows with every frame: for hours there is `mien live`.
        Raises SourceError when nothing could be read and SinkError when something cannot be saved.
        """
        modes: dict[str, Callable[[Any, Sink | None], list[Result]]] = {
            "img": self._pictures,
            "img_batch": self._pictures,
            "video": self._video,
            "video_rec": self._video,
            "online": self._online,
        }
        inputs = list(path_to_data) if isinstance(path_to_data, (list, tuple)) else [path_to_data]
        with ExitStack() as stack:
            if path_save_data is None and self.inference_mode == "video_rec":
                raise UsageError("inference_mode 'video_rec' saves a video; name where, as path_save_data='out.mp4'")
            sink = None
            if path_save_data is not None:
                sink = stack.enter_context(open_sink(path_save_data, drawer=self.drawer, inputs=inputs, table=False))
            results = modes[self.inference_mode](path_to_data if self.inference_mode == "online" else inputs, sink)
        if self.inference_mode == "video_rec" and self.show_state_mode == "inline" and in_notebook() and path_save_data is not None:
            self._show_clips(Path(path_save_data))
        return cast("Found", results[0] if self.inference_mode == "img" else results)

    def _pictures(self, inputs: list[Any], sink: Sink | None) -> list[Result]:
        single = self.inference_mode == "img"
        results: list[Result] = []
        with ExitStack() as stack:
            turn = self._page(stack, single=single)
            for pair in self.analyzer.analyze(inputs).pairs():
                if single and (results or pair.frame.stream):
                    found, other = ("is a video", "video") if pair.frame.stream else ("has several", "img_batch")
                    raise UsageError(f"inference_mode 'img' is for one picture, {_named(inputs)} {found}; use inference_mode={other!r}")
                if sink is not None:
                    try:
                        sink.write(pair.frame, pair.result)
                    except PictureNotWritten as error:
                        if single:
                            raise
                        log.warning("%s", error)
                turn(pair)
                results.append(pair.result)
        if single and not results:
            raise UsageError(f"inference_mode 'img' wants a picture, {_named(inputs)} holds none")
        return results

    def _page(self, stack: ExitStack, *, single: bool) -> Callable[[Analyzed], None]:
        """A function that shows pictures, each until a key is pressed."""
        if self.show_state_mode == "inline":
            display = Display() if in_notebook() else None
            return lambda pair: None if display is None else display.add(self.drawer(pair.frame.image, pair.result))
        window = self._window(stack)

        def turn(pair: Analyzed) -> None:
            if window is not None and not window.closed:
                show(window, pair, self.drawer)
                window.wait()
                if single:
                    window.close()

        return turn

    def _video(self, inputs: list[Any], sink: Sink | None) -> list[Result]:
        results: list[Result] = []
        with ExitStack() as stack:
            shows = self.inference_mode == "video"
            window = self._window(stack) if shows and self.show_state_mode == "cv2" else None
            clip = _Clip(stack, self.drawer) if shows and self.show_state_mode == "inline" and in_notebook() else None
            pace, rate = Pace(RARE_SECONDS), Rate()
            pairs = stack.enter_context(closing(self.analyzer.analyze(inputs).pairs()))  # type: ignore[type-var]
            for pair in pairs:
                if not pair.frame.stream:
                    raise UsageError(
                        f"inference_mode {self.inference_mode!r} is for videos, {pair.result.source} is a picture; use inference_mode='img'"
                    )
                for each in (sink, clip.sink if clip else None):
                    if each is not None:
                        each.write(pair.frame, pair.result)
                results.append(pair.result)
                if window is not None:
                    rate.tick()
                    show(window, pair, self.drawer, rate=rate.value)
                    _wait(window, pace.due(pair.frame.time, time.monotonic()))
                    if window.closed:
                        break
            if clip is not None:
                clip.show()
        return results

    def _online(self, source: Any, sink: Sink | None) -> list[Result]:
        results: list[Result] = []
        with ExitStack() as stack:
            window = self._window(stack) if self.show_state_mode == "cv2" else None
            display = Display() if self.show_state_mode == "inline" and in_notebook() else None
            live = stack.enter_context(open_live(source))
            try:
                for item in watch(self.analyzer, live, sink=sink, window=window, drawer=self.drawer):
                    if isinstance(item, Analyzed):
                        results.append(item.result)
                        if display is not None:
                            display.replace(self.drawer(item.frame.image, item.result))
                    elif isinstance(item, Failure):
                        if not results:
                            raise item.error
                        log.warning("%s", item.error)
                    else:
                        log.warning("%s: %s", item.source, item.message)
            except KeyboardInterrupt:  # how a camera is ended in a notebook and without a window
                log.info("%s: interrupted", live.source)
        return results

    def _window(self, stack: ExitStack) -> Window | None:
        window = open_window()
        return window if window is None else stack.enter_context(window)

    def _show_clips(self, saved: Path) -> None:
        """The .mp4 file, or those in the folder."""
        display = Display()
        for path in [saved] if saved.is_file() else sorted(saved.glob("*.mp4")):
            display.clip(path)

    @overload
    def predict(self, image: Any, *, va: Literal[False] = ...) -> str | None: ...
    @overload
    def predict(self, image: Any, *, va: Literal[True]) -> list[Any] | None: ...
    @overload
    def predict(self, image: Any, *, va: bool) -> str | list[Any] | None: ...
    def predict(self, image: Any, *, va: bool = False) -> str | list[Any] | None:
        """The expression shown by the largest face of a picture: its name, or with `va` [name, valence, arousal] on 1..7.

        image: path of a picture, uint8 (H, W, 3) RGB, a PIL image, or whatever mien.io.images.from_array takes. Valence and
        arousal are the model's own, or the expected ones under `adfes2011` for a model without. None when no face is found.
        Raises SourceError when the file cannot be read.
        """
        result = self.analyzer.image(image)
        if not len(result):
            return None
        largest = int(bx.area(result.faces.boxes).argmax())
        name = result.emotions.top[largest]
        if not va:
            return name
        valence, arousal = _affect(result.emotions)[largest]
        return [name, to_seven(float(valence)), to_seven(float(arousal))]


def _affect(emotions: Emotions) -> Any:
    return emotions.affect if emotions.affect is not None else anchors("adfes2011").expected(emotions.probs, emotions.labels)


class _WithCrop:
    """A recogniser that is a plain function, with the crop that IMG_SIZE asks for."""

    def __init__(self, recognise: Callable[[Image], Emotions], size: int) -> None:
        self.crop = CropSpec(size=size, colour="rgb")
        self.name = getattr(recognise, "__name__", type(recognise).__name__)
        self._recognise = recognise

    def __call__(self, crops: Image, /) -> Emotions:
        return self._recognise(crops)


def _analyzer(model: Model, detector: str | Detector | None, size: int | None) -> Analyzer:
    if isinstance(model, Analyzer):
        if detector is None:
            return model
        options, recogniser = model.options, model.recogniser
    elif isinstance(model, str | os.PathLike):
        options, recogniser = AnalyzeOptions(model=os.fspath(model)), None
    elif callable(model):
        options, recogniser = AnalyzeOptions(), model if hasattr(model, "crop") else _WithCrop(model, size or CropSpec().size)
    else:
        raise UsageError(f"model_obj is {type(model).__name__}; wanted a model's name, a recogniser or an Analyzer")
    if isinstance(detector, str):
        options, detector = dataclasses.replace(options, detector=detector), None
    made = Analyzer(options, detector=detector, recogniser=recogniser)
    if size is not None and size != made.recogniser.crop.size:
        log.warning("IMG_SIZE %d is not used: model %r wants crops of %d px", size, made.model, made.recogniser.crop.size)
    return made


def _plain(image: Image, result: Result, /) -> Image:
    """The drawer that draws nothing."""
    return image


def _named(inputs: list[Any]) -> str:
    return shown(inputs[0] if len(inputs) == 1 else inputs)


def _wait(window: Window, until: float) -> None:
    """Hold a frame until a time of the monotonic clock, so that a fast machine does not play a video faster than it is; or until the
    window is closed."""
    while not window.closed and time.monotonic() < until:
        window.poll()
        time.sleep(0.005)


class _Clip:
    """A clip for the notebook, in a file that is gone with the stack."""

    def __init__(self, stack: ExitStack, drawer: Drawer) -> None:
        self._path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mien-"))) / "clip.mp4"
        self.sink = open_sink(self._path, drawer=drawer)

    def show(self) -> None:
        """Finish it and show it."""
        self.sink.close()
        if self._path.exists():
            Display().clip(self._path)
