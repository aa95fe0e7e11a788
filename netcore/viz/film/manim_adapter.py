"""The only module that touches Manim's internals."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import manimpango
import matplotlib
import numpy as np
from manim import Animation, Camera, ManimColor, Mobject, Scene, Text, VMobject, tempconfig
from manim.renderer.cairo_renderer import CairoRenderer
from manim.scene.scene_file_writer import SceneFileWriter
from manim.utils.exceptions import EndSceneEarlyException
from numpy.typing import NDArray

from netcore.core.step import Step
from netcore.viz.colors import drop_alpha, straight_alpha
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import PIXEL, ArrayMobject
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import FONT

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
                    mobject.draw(context)


class ArrayRenderer(CairoRenderer):
    """Manim's renderer, which counts frames by one formula, whether they are drawn or skipped."""

    def play(self, scene: Scene, *args: Any, **kwargs: Any) -> None:
        """Play animations; where the scene is `skipping`, only set their end."""
        assert isinstance(scene, ArrayScene)
        self.skip_animations = self._original_skipping_status
        self.update_skipping_status()
        scene.compile_animation_data(*args, **kwargs)
        assert scene.animations is not None
        frames = frame_count(scene.duration, self.camera.frame_rate)
        skipped = self.skip_animations or scene.skipping
        if not scene.skipping:
            self.file_writer.add_partial_movie_file(None if skipped else f"uncached_{self.num_plays:05}")
            self.file_writer.begin_animation(not skipped, animation_index=self.num_plays)
        if skipped:
            self._skip(scene)
        else:
            self._draw(scene, frames)
        if not scene.skipping:
            self.file_writer.end_animation(not skipped)
        scene.frames += frames
        self.time = scene.frames / self.camera.frame_rate
        self.num_plays += 1

    def _skip(self, scene: "ArrayScene") -> None:
        for animation in scene.animations or ():
            animation._setup_scene(scene)
            animation.begin()
        _finish(scene)

    def _draw(self, scene: "ArrayScene", frames: int) -> None:
        scene.begin_animations()
        self.save_static_frame_data(scene, scene.static_mobjects)
        frozen = scene.is_current_animation_frozen_frame()
        covered = WHOLE_FRAME
        for frame in range(1 if frozen else frames):
            if not frozen:
                scene.update_to_time(frame / self.camera.frame_rate)
            before, covered = covered, self._covered(scene)
            region = WHOLE_FRAME if not frame else before.union(covered)
            self._update_region(scene, region)
            repeat = frames if frozen else 1
            if isinstance(self.file_writer, FrameForwarder):
                self.file_writer.write_frame(self.camera.pixel_array, repeat=repeat, region=region)
            else:  # Manim's own
                self.file_writer.write_frame(self.get_frame(), repeat=repeat)
        if not frozen:
            _finish(scene)
        self.static_image = None

    def _covered(self, scene: "ArrayScene") -> "Region":
        """Return the pixels that what changes in this play covers now."""
        if scene.changing is None:
            return WHOLE_FRAME
        camera, region = self.camera, NO_PIXELS
        for mobject in scene.changing:
            if mobject.opacity > 0:
                region = region.union(pixel_region(camera, mobject.bounding_box()))
        return region

    def _update_region(self, scene: "ArrayScene", region: "Region") -> None:
        """Draw what moves, and what overlaps it, within some pixels over what does not change."""
        if region == WHOLE_FRAME or self.static_image is None:
            self.update_frame(scene, scene.moving_mobjects)
            return
        pixels = self.camera.pixel_array
        pixels[region.slices] = self.static_image[region.slices]
        context = self.camera.get_cairo_context(pixels)
        matrix = context.get_matrix()
        context.identity_matrix()
        context.rectangle(region.left, region.top, region.right - region.left, region.bottom - region.top)
        context.clip()
        context.set_matrix(matrix)
        self.camera.capture_mobjects(scene.moving_mobjects)
        context.reset_clip()


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels, from `left` and `top` to before `right` and `bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def union(self, other: "Region") -> "Region":
        """Return the smallest rectangle that holds both."""
        if other == NO_PIXELS or self == NO_PIXELS:
            return other if self == NO_PIXELS else self
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Region(left, top, max(self.right, other.right), max(self.bottom, other.bottom))


NO_PIXELS = Region(0, 0, 0, 0)
WHOLE_FRAME = Region(0, 0, 2**31, 2**31)
MARGIN = 2  # pixels around a box for antialiasing


def pixel_region(camera: Camera, box: NDArray[np.float64]) -> Region:
    """Return the pixels that a box (left, bottom, right, top) in scene units touches."""
    across, down = camera.pixel_width / camera.frame_width, camera.pixel_height / camera.frame_height
    left, right = (box[[0, 2]] + camera.frame_width / 2) * across
    bottom, top = (camera.frame_height / 2 - box[[1, 3]]) * down
    low = np.floor([left, top]) - MARGIN
    high = np.ceil([right, bottom]) + MARGIN + 1
    ends = np.clip([*low, *high], 0, [camera.pixel_width, camera.pixel_height] * 2).astype(int)
    return Region(*ends.tolist()) if (ends[:2] < ends[2:]).all() else NO_PIXELS


def _finish(scene: Scene) -> None:
    for animation in scene.animations or ():
        animation.finish()
        animation.clean_up_from_scene(scene)
    scene.update_mobjects(0)


def frame_count(seconds: float, fps: float) -> int:
    """Return how many frames a play or wait takes: the nearest whole number, one at least."""
    return max(1, int(seconds * fps + 0.5 + 1e-6))


class ArrayScene(Scene):
    """A scene drawn by `ArrayCamera`, in which only what moves, and what overlaps it, is drawn again each frame.

    Attributes
    ----------
    skipping : bool
        Whether plays only set their end and draw nothing.
    skip_all : bool
        Whether that holds for the whole scene: a plan, or a still.
    transparent : bool
        Whether nothing is drawn behind the mobjects.
    part : tuple of int or None
        First and last step that are drawn; None: all.
    frames : int
        Frames so far, skipped ones included.
    changing : list of ArrayMobject or None
        What changes during the present play; None: not known.
    """

    def __init__(self, renderer: Any = None, camera_class: type[Camera] = ArrayCamera, **keys: Any) -> None:
        skip = bool(keys.get("skip_animations"))
        renderer = renderer or ArrayRenderer(camera_class=camera_class, skip_animations=skip)
        super().__init__(renderer, camera_class=camera_class, **keys)
        self.skipping = self.skip_all = self.transparent = False
        self.changing: list[ArrayMobject] | None = None
        self.part: tuple[int, int | None] | None = None
        self.frames = 0

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return float(self.cairo_camera.frame_rate)

    def end_early(self) -> None:
        """End the scene here."""
        raise EndSceneEarlyException

    def set_background(self, color: str) -> None:
        """Fill the frame before anything is drawn on it; a transparent scene has none."""
        camera = self.cairo_camera
        camera.background_color = ManimColor("#000000" if self.transparent else color)
        camera.background_opacity = 0.0 if self.transparent else 1.0
        camera.reset()

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
        self.changing = None
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
        self.changing = [a.mobject for a in animations if isinstance(a, Animate)]
        return moving, static


def bounding_box(mobject: Mobject) -> NDArray[np.float64]:
    """Return left, bottom, right and top of a mobject in scene units: (4,)."""
    if isinstance(mobject, ArrayMobject):
        return mobject.bounding_box()
    corners = mobject.get_left()[0], mobject.get_bottom()[1], mobject.get_right()[0], mobject.get_top()[1]
    return np.array(corners)


def overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two boxes (left, bottom, right, top) come within a pixel of each other."""
    return bool(a[0] < b[2] + PIXEL and b[0] < a[2] + PIXEL and a[1] < b[3] + PIXEL and b[1] < a[3] + PIXEL)


# ---- frames


class FrameForwarder(SceneFileWriter):
    """Hands frames to a function instead of writing Manim's video files; equal neighbours come as one."""

    def __init__(self, settings: Any, sink: Sink, transparent: bool = False) -> None:
        super().__init__(settings)
        self._sink, self._convert = sink, straight_alpha if transparent else drop_alpha
        self._shown: NDArray[np.uint8] | None = None  # the newest frame as Cairo has it
        self._frame: NDArray[np.uint8] | None = None  # the same as it is handed on
        self._repeat = 0

    def write_frame(self, pixels: NDArray[Any], *, repeat: int = 1, region: Region = WHOLE_FRAME) -> None:
        """Take RGBA pixels (H, W, 4), shown for `repeat` frames.

        They are not kept, and outside of `region` equal those before.
        """
        part, new = region.slices, np.ascontiguousarray(pixels[region.slices])
        if self._shown is None or self._frame is None:
            self._shown, self._frame = pixels.copy(), self._convert(pixels)
        elif not np.array_equal(self._shown[part].view(np.uint32), new.view(np.uint32)):
            self.flush()
            self._shown[part] = new
            self._frame = self._frame.copy()
            self._frame[part] = self._convert(new)
        self._repeat += repeat

    def flush(self) -> None:
        """Hand on the frame that may still have been repeated."""
        if self._frame is not None and self._repeat:
            self._sink(self._frame, self._repeat)
        self._repeat = 0


def plan_film(film_class: type[Scene], settings: FilmSettings) -> tuple[Step, ...]:
    """Play a film without drawing, and return its steps; none for a Manim scene that is no film."""
    if not issubclass(film_class, ArrayScene):
        return ()
    with _scene(film_class, settings, lambda rgb, repeat: None) as scene:
        scene.skipping = scene.skip_all = True
        scene.render()
        return tuple(scene.film_steps)


def play_film(
    film_class: type[Scene],
    settings: FilmSettings,
    sink: Sink,
    part: tuple[int, int | None] | None = None,
    still: bool = False,
) -> None:
    """Play a film in this process and hand each frame to `sink`, without Manim's video files.

    Parameters
    ----------
    film_class : type
        A Manim scene; all but its frames needs a subclass of `netcore.viz.film.film.Film`.
    settings : FilmSettings
    sink : callable
        Takes uint8 (H, W, 3), with alpha (H, W, 4) if transparent, new for each call, and for how many frames it is
        shown. No two in a row are equal.
    part : tuple, optional
        First and last step that are drawn, counted from 0; None instead of the last: to the end.
    still : bool
        Whether only the last frame is drawn.
    """
    with _scene(film_class, settings, sink) as scene:
        writer = scene.renderer.file_writer
        if isinstance(scene, ArrayScene):
            scene.part, scene.skip_all = part, still
        scene.render()
        if still or not scene.renderer.num_plays:  # a film that only adds things is one picture
            scene.renderer.static_image = None
            scene.renderer.update_frame(scene)
            writer.write_frame(scene.renderer.get_frame())
        writer.flush()


def settled_frames(film_class: type[ArrayScene], settings: FilmSettings) -> Iterator[tuple[Step, NDArray[np.uint8]]]:
    """Yield each step of a film with its final picture, uint8 (H, W, 3); nothing else is drawn."""
    found: list[tuple[Step, NDArray[np.uint8]]] = []

    class Captured(film_class):  # type: ignore[misc, valid-type]  # a class that is only known now
        def on_step_end(self, step: Step) -> None:
            super().on_step_end(step)
            self.renderer.static_image = None
            self.renderer.update_frame(self)
            found.append((step, drop_alpha(self.renderer.get_frame())))

    with _scene(Captured, settings, lambda rgb, repeat: None) as scene:
        scene.skip_all = True
        scene.render()
    yield from found


@contextmanager
def _scene(film_class: type[Scene], settings: FilmSettings, sink: Sink) -> Iterator[Any]:
    """Make a scene whose frames go to `sink`, in Manim's configuration and the theme's colours and font."""
    theme = settings.theme
    with tempfile.TemporaryDirectory(prefix="netcore-") as folder, tempconfig(_config(settings, folder)):
        scene = film_class()
        for name, value in {"context": settings.context, "theme": theme, **settings.options}.items():
            setattr(scene, name, value)
        scene.renderer.file_writer = FrameForwarder(scene.renderer.file_writer.settings, sink, settings.transparent)
        if isinstance(scene, ArrayScene):
            scene.transparent = settings.transparent
            yield scene
            return
        manimpango.register_font(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf")
        VMobject.set_default(color=theme.foreground)
        Text.set_default(color=theme.foreground, font=FONT)
        try:
            yield scene
        finally:
            VMobject.set_default()
            Text.set_default()


def _config(settings: FilmSettings, folder: str) -> dict[str, Any]:
    """Manim's configuration: nothing is written but, in `folder`, text set as pictures."""
    width, height = settings.size
    return {
        "pixel_width": width,
        "pixel_height": height,
        "frame_width": max(FRAME[0], FRAME[1] * width / height),
        "frame_height": max(FRAME[1], FRAME[0] * height / width),
        "frame_rate": settings.fps,
        "background_color": settings.theme.background,
        "background_opacity": 0.0 if settings.transparent else 1.0,
        "media_dir": folder,
        "dry_run": True,
        "disable_caching": True,
        "progress_bar": "none",
        "verbosity": "ERROR",
        "seed": 0,
    }
