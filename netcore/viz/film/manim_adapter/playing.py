"""Films played: their steps, their frames, the last picture of each step."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import manimpango
import matplotlib
import numpy as np
from manim import Scene, Text, VMobject, tempconfig
from numpy.typing import NDArray

from netcore.core.step import Step
from netcore.viz.colors import drop_alpha
from netcore.viz.film.manim_adapter.frame_forwarder import FrameForwarder, Sink
from netcore.viz.film.manim_adapter.scene import ArrayScene
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import FONT

FRAME = (128 / 9, 8.0)  # Manim's units; a picture of another shape shows more than these, never less


def plan_film(film_class: type[Scene], settings: FilmSettings) -> tuple[Step, ...]:
    """Play a film without drawing and return its steps; a Manim scene that is not a film has none."""
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
