"""Camera, renderer and scene: only what changes is drawn again."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np
from manim import Animation, Camera, ManimColor, Mobject, Scene
from manim.renderer.cairo_renderer import CairoRenderer
from manim.utils.exceptions import EndSceneEarlyException
from numpy.typing import NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import ArrayMobject
from netcore.viz.film.manim_adapter.frame_forwarder import FrameForwarder
from netcore.viz.film.pixel_region import NO_PIXELS, WHOLE_FRAME, Region, overlaps, pixel_region


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

    def _covered(self, scene: "ArrayScene") -> Region:
        """Return the pixels that what changes in this play covers now."""
        if scene.changing is None:
            return WHOLE_FRAME
        camera, region = self.camera, NO_PIXELS
        pixels, frame = (camera.pixel_width, camera.pixel_height), (camera.frame_width, camera.frame_height)
        for mobject in scene.changing:
            if mobject.opacity > 0:
                region = region.union(pixel_region(pixels, frame, mobject.bounding_box()))
        return region

    def _update_region(self, scene: "ArrayScene", region: Region) -> None:
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
