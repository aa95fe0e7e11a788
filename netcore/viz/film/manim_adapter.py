"""The only module that touches Manim's internals."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

import numpy as np
from manim import Animation, Camera, Mobject, Scene, tempconfig
from manim.scene.scene_file_writer import SceneFileWriter
from numpy.typing import NDArray

from netcore.core.context import SceneContext
from netcore.viz.colors import drop_alpha
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import PIXEL, ArrayMobject
from netcore.viz.theme import Theme

Sink = Callable[[NDArray[np.uint8], int], None]
FRAME = (128 / 9, 8.0)  # Manim's units; a picture of another shape shows more than these, never less


# ---- drawing


class ArrayCamera(Camera):
    """Manim's camera, which lets an `ArrayMobject` paint itself and draws everything else as ever."""

    def capture_mobjects(self, mobjects: Iterable[Mobject], **kwargs: Any) -> None:
        """Paint mobjects in their order onto the pixels."""
        ordered = self.get_mobjects_to_display(mobjects, **kwargs)
        context = self.get_cairo_context(self.pixel_array)
        for drawn, group in groupby(ordered, lambda m: isinstance(m, ArrayMobject)):
            if not drawn:
                super().capture_mobjects(list(group), include_submobjects=False)
                continue
            for mobject in group:
                if isinstance(mobject, ArrayMobject) and mobject.opacity > 0:
                    context.new_path()
                    mobject.paint(context)


class ArrayScene(Scene):
    """A scene drawn by `ArrayCamera`, in which only what moves, and what overlaps it, is drawn again each frame."""

    def __init__(self, renderer: Any = None, camera_class: type[Camera] = ArrayCamera, **keys: Any) -> None:
        super().__init__(renderer, camera_class=camera_class, **keys)

    @property
    def cairo_camera(self) -> Camera:
        """The scene's camera, which is never Manim's OpenGL camera."""
        camera = self.renderer.camera
        assert isinstance(camera, Camera)
        return camera

    def get_moving_and_static_mobjects(self, animations: Iterable[Animation]) -> tuple[list[Mobject], list[Mobject]]:
        """Split what is on screen into what moves or overlaps something that moves, and the rest.

        Manim takes everything that comes later in the drawing order as moving; here boxes decide.
        """
        animations = list(animations)
        if not all(isinstance(a, Animate) for a in animations):
            return super().get_moving_and_static_mobjects(animations)
        changes = {id(a.mobject): a for a in animations if isinstance(a, Animate)}
        moving: list[Mobject] = []
        static: list[Mobject] = []
        boxes: list[NDArray[np.float64]] = []
        for m in self.cairo_camera.get_mobjects_to_display(self.mobjects):
            box = changes[id(m)].reach() if id(m) in changes else bounding_box(m)
            if id(m) in changes or any(overlaps(box, other) for other in boxes):
                moving.append(m)
                boxes.append(box)
            else:
                static.append(m)
        return moving, static


def bounding_box(mobject: Mobject) -> NDArray[np.float64]:
    """Return left, bottom, right and top of a mobject in scene units: (4,)."""
    if isinstance(mobject, ArrayMobject):
        return mobject.box()
    corners = mobject.get_left()[0], mobject.get_bottom()[1], mobject.get_right()[0], mobject.get_top()[1]
    return np.array(corners)


def overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two boxes (left, bottom, right, top) come within a pixel of each other."""
    return bool(a[0] < b[2] + PIXEL and b[0] < a[2] + PIXEL and a[1] < b[3] + PIXEL and b[1] < a[3] + PIXEL)


# ---- frames


class FrameForwarder(SceneFileWriter):
    """Hands frames to a function instead of writing Manim's video files; equal neighbours come as one."""

    def __init__(self, settings: Any, sink: Sink) -> None:
        super().__init__(settings)
        self._sink = sink
        self._waiting: tuple[NDArray[np.uint8], int] | None = None

    def write_frame(self, pixels: NDArray[Any], *, repeat: int = 1) -> None:  # type: ignore[override]  # annotated as int64
        """Take RGBA pixels (H, W, 4), shown for `repeat` frames."""
        if self._waiting is not None and np.array_equal(self._waiting[0], pixels):
            self._waiting = self._waiting[0], self._waiting[1] + repeat
        elif repeat > 0:
            self.flush()
            self._waiting = pixels, repeat

    def flush(self) -> None:
        """Hand on the frame that may still have been repeated."""
        if self._waiting is not None:
            self._sink(drop_alpha(self._waiting[0]), self._waiting[1])
        self._waiting = None


def play_film(
    film_class: type[Scene],
    context: SceneContext,
    theme: Theme,
    size: tuple[int, int],
    fps: float,
    options: Mapping[str, Any] | None,
    sink: Sink,
) -> None:
    """Play a film in this process and hand each frame to `sink`, without Manim's video files.

    Parameters
    ----------
    film_class : type
        A subclass of `netcore.viz.film.film.Film`.
    context : SceneContext
    theme : Theme
    size : tuple of int
        (width, height) in pixels.
    fps : float
        Frames per second.
    options : mapping or None
        Values for the film's class attributes.
    sink : callable
        Takes uint8 (H, W, 3), new for each call, and for how many frames it is shown. No two in a row are equal.
    """
    with tempfile.TemporaryDirectory(prefix="netcore-") as folder, tempconfig(_settings(theme, size, fps, folder)):
        scene = film_class()
        for name, value in {"context": context, "theme": theme, **(options or {})}.items():
            setattr(scene, name, value)
        writer = FrameForwarder(scene.renderer.file_writer.settings, sink)
        scene.renderer.file_writer = writer
        scene.render()
        if not scene.renderer.num_plays:  # a film that only adds things is one picture
            writer.write_frame(scene.renderer.get_frame())
        writer.flush()


def _settings(theme: Theme, size: tuple[int, int], fps: float, folder: str) -> dict[str, Any]:
    """Manim's configuration: nothing is written but, in `folder`, text set as pictures."""
    width, height = size
    return {
        "pixel_width": width,
        "pixel_height": height,
        "frame_width": max(FRAME[0], FRAME[1] * width / height),
        "frame_height": max(FRAME[1], FRAME[0] * height / width),
        "frame_rate": fps,
        "background_color": theme.background,
        "media_dir": folder,
        "dry_run": True,
        "disable_caching": True,
        "progress_bar": "none",
        "verbosity": "ERROR",
        "seed": 0,
    }
