"""R0's class form: one object for a model, a detector and a drawer, and one method that does the work.

>>> mien.Inference("base", "yunet", "mien", show_state_mode="inline").go("photo.jpg", "out/")  # doctest: +SKIP
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from mien.drawers import drawer as drawer_by_name
from mien.errors import UsageError
from mien.labels import anchors, to_seven
from mien.options import AnalyzeOptions
from mien.pipeline import Analyzed, Analyzer
from mien.sinks.registry import open_sink
from mien.types import Detector, Drawer, Emotions, Image, Recogniser, Result
from mien.vision import boxes as bx
from mien.vision.align import CropSpec

log = logging.getLogger("mien")

MODES = ("img", "img_batch")
"""Kinds of input this version knows. R0 had `video`, `video_rec` and `online` (a camera) too; those come with video."""
SHOWS = ("cv2", "inline")
QUIT_KEYS = (27, ord("q"))
"""Esc and q."""


class Inference:
    """Faces and the expressions they show, in the form of project R0.

    model_obj: name of a model, a recogniser, or an Analyzer (which then brings its detector too).
    face_det_obj: name of a detector, or any callable detector; None takes the default or the Analyzer's own.
    draw_box_obj: name of a drawer, or any callable drawer; None draws nothing on the picture.
    IMG_SIZE (R0's spelling): side of the crop in pixels for a model_obj that has no `crop` of its own; a model with a card says it itself.
    show_state_mode: `cv2` shows a window (Esc, q or the mouse closes it, and all further ones of a batch); where OpenCV has none, the
    system's picture viewer shows a single picture; without a screen nothing is shown and a line is logged. `inline`
    displays in the notebook. inference_mode: `img`, one picture, or `img_batch`, a folder, pattern or list.

    Raises UsageError for a mode that there is not, UnknownName or WeightsMissing when a part cannot be had.
    """

    def __init__(
        self,
        model_obj: str | Recogniser | Analyzer = "base",
        face_det_obj: str | Detector | None = None,
        draw_box_obj: str | Drawer | None = "mien",
        IMG_SIZE: int | None = None,  # noqa: N803
        show_state_mode: str = "cv2",
        inference_mode: str = "img",
    ) -> None:
        if inference_mode not in MODES:
            raise UsageError(f"inference_mode is {inference_mode!r}; in this version there are: {', '.join(MODES)}")
        if show_state_mode not in SHOWS:
            raise UsageError(f"show_state_mode is {show_state_mode!r}; there are: {', '.join(SHOWS)}")
        self.inference_mode, self.show_state_mode = inference_mode, show_state_mode
        self.analyzer = _analyzer(model_obj, face_det_obj, IMG_SIZE)
        self.drawer = drawer_by_name(draw_box_obj) if isinstance(draw_box_obj, str) else draw_box_obj or _plain

    def go(self, path_to_data: Any, path_save_data: str | os.PathLike[str] | None = None) -> Result | list[Result]:
        """Analyse, show, and save where a path is given.

        path_to_data: whatever mien.analyze takes. path_save_data: where annotated pictures go, a folder (made if need be;
        pictures keep their names) or for `img` the name of a .jpg or .png file; None saves nothing. An input is never
        overwritten. Gives a Result, or for `img_batch` a list of them, in which an input that cannot be read is logged and
        left out. Raises SourceError when nothing could be read and SinkError when a picture cannot be saved.
        """
        batch = self.inference_mode == "img_batch"
        show = _show_inline if self.show_state_mode == "inline" else _window(several=batch)
        inputs = list(path_to_data) if isinstance(path_to_data, (list, tuple)) else [path_to_data]
        results: list[Result] = []
        with contextlib.ExitStack() as stack:
            sink = None
            if path_save_data is not None:
                sink = stack.enter_context(open_sink(path_save_data, drawer=self.drawer, inputs=inputs, table=False))
            for pair in self.analyzer.analyze(inputs).pairs():
                if results and not batch:
                    raise UsageError(
                        f"inference_mode 'img' is for one picture, {path_to_data!r} has several; use inference_mode='img_batch'"
                    )
                if sink is not None:
                    sink.write(pair.frame, pair.result)
                show(self.drawer, pair)
                results.append(pair.result)
        if not batch and not results:
            raise UsageError(f"inference_mode 'img' wants a picture, {path_to_data!r} holds none")
        return results if batch else results[0]

    def predict(self, image: Any, *, va: bool = False) -> str | list[str | float] | None:
        """The expression shown by the largest face of a picture: its name, or with `va` [name, valence, arousal] on 1..7.

        image: uint8 (H, W, 3) RGB, a PIL image, or whatever mien.io.images.from_array takes. Valence and arousal are the
        model's own, or the expected ones under `adfes2011` for a model without. None when no face is found.
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


def _analyzer(model: str | Recogniser | Analyzer, detector: str | Detector | None, size: int | None) -> Analyzer:
    if isinstance(model, Analyzer):
        if detector is None:
            return model
        options, recogniser = model.options, model.recogniser
    elif isinstance(model, str):
        options, recogniser = AnalyzeOptions(model=model), None
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


def _show_inline(drawer: Drawer, pair: Analyzed) -> None:
    """Display in the notebook this runs in; a log line outside of one."""
    ipython = sys.modules.get("IPython")  # where a notebook runs, it is loaded
    if ipython is None or ipython.get_ipython() is None:
        log.info("show_state_mode 'inline' shows pictures in notebooks; this is none")
        return
    from PIL import Image as Pillow

    import_module("IPython.display").display(Pillow.fromarray(drawer(pair.frame.image, pair.result)))


def _window(*, several: bool) -> Callable[[Drawer, Analyzed], None]:
    """A function that shows pictures one after the other on the screen, if there is one."""
    open_still = _has_screen()
    if not open_still:
        log.info("there is no screen: pictures are not shown")

    def show(drawer: Drawer, pair: Analyzed) -> None:
        nonlocal open_still
        if not open_still:
            return
        import cv2

        image = drawer(pair.frame.image, pair.result)
        try:
            cv2.imshow("mien", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            quit_asked = _key() in QUIT_KEYS
        except cv2.error:  # opencv-python-headless has no windows
            open_still = False
            if several:
                log.info("this OpenCV has no windows: the pictures of a batch are not shown, save them with path_save_data")
            else:
                _show_by_system(image)
            return
        if quit_asked or not several:
            open_still = False
            cv2.destroyAllWindows()

    return show


def _key() -> int:
    """Wait for a key; a window that is closed with the mouse, for whose keys waitKey(0) would wait for ever, counts as Esc."""
    import cv2

    while True:
        key = int(cv2.waitKey(50))
        if key >= 0:
            return key & 0xFF
        try:
            closed = cv2.getWindowProperty("mien", cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # under Qt, once there is no window at all
            closed = True
        if closed:
            return QUIT_KEYS[0]


def _has_screen() -> bool:
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _show_by_system(image: Image) -> None:
    from PIL import Image as Pillow
    from PIL import ImageShow

    if not ImageShow.show(Pillow.fromarray(image), title="mien"):
        log.info("there is no picture viewer: the picture is not shown, save it with path_save_data")
