"""From a scene to its frames: figures blitted by Matplotlib, films drawn by Manim in this process."""

import inspect
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write
from netcore.rendering.formats import get_format
from netcore.rendering.scenes import load_scene
from netcore.viz.theme import Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from netcore.viz.mpl.blitting import Update


Sink = Callable[[np.ndarray, int], None]
Draw = Callable[..., Any]
SECONDS = 6.0  # of an animated figure that does not say
FRAME = (128 / 9, 8.0)  # Manim's units; a picture of another shape shows more than these, never less


# ---- figures


def figure_frames(
    draw: Draw,
    context: SceneContext,
    theme: Theme,
    size: tuple[int, int],
    fps: float,
    options: Mapping[str, Any] | None = None,
    blit: bool = True,
) -> Iterator[tuple[np.ndarray, int]]:
    """Draw a figure's frames, t going from 0 to 1 over its seconds; a still gives one frame.

    Parameters
    ----------
    draw : callable
        ``draw(fig, context, **options)``, which returns None or ``update(t)``.
    size : tuple of int
        (width, height) in pixels.
    fps : float
        Frames a second; how many seconds is the option ``seconds`` of `draw`.
    blit : bool
        Whether to redraw only what changes. The pixels are the same; this is for tests and timing.

    Yields
    ------
    (ndarray, int)
        uint8 (H, W, 3) and how many frames long it stands; no two in a row are alike.
    """
    from netcore.viz.mpl.blitting import Blitter, canvas_rgb, freeze_layout
    from netcore.viz.mpl.style import theme_style

    with theme_style(theme):  # never across a yield: whoever leaves off half-way must not keep Matplotlib's settings
        fig, update = _drawn(draw, context, theme, size, options)
        blitter = Blitter(fig, update) if blit and update else None
        if blitter is None:
            freeze_layout(fig, update)

    def at(t: float) -> np.ndarray:
        with theme_style(theme):
            if blitter:
                return blitter.at(t)
            if update:
                update(t)
            fig.canvas.draw()
            return canvas_rgb(fig)

    count = max(2, round(_seconds(draw, options) * fps)) if update else 1
    waiting, repeat = at(0.0), 1
    for i in range(1, count):
        rgb = at(i / (count - 1))
        if np.array_equal(waiting, rgb):
            repeat += 1
            continue
        yield waiting, repeat
        waiting, repeat = rgb, 1
    yield waiting, repeat


def figure_still(
    draw: Draw, context: SceneContext, theme: Theme, size: tuple[int, int], options: Mapping[str, Any] | None = None
) -> np.ndarray:
    """Draw a still, of an animated figure its last moment: uint8 (H, W, 3)."""
    from netcore.viz.mpl.blitting import canvas_rgb, freeze_layout
    from netcore.viz.mpl.style import theme_style

    with theme_style(theme):
        fig, update = _drawn(draw, context, theme, size, options)
        freeze_layout(fig, update)
        fig.canvas.draw()
        return canvas_rgb(fig)


def save_figure(
    draw: Draw,
    context: SceneContext,
    theme: Theme,
    size: tuple[int, int],
    options: Mapping[str, Any] | None,
    target: Path,
) -> None:
    """Write a still (of an animated figure its last moment) in a vector format, by the suffix of `target`."""
    from netcore.viz.mpl.blitting import freeze_layout
    from netcore.viz.mpl.style import theme_style

    kind = get_format(target.suffix.lstrip("."))
    with theme_style(theme), atomic_write(target) as partial:
        fig, update = _drawn(draw, context, theme, size, options)
        freeze_layout(fig, update)
        fig.savefig(partial, format=kind.name, dpi=fig.dpi, facecolor=theme.background, metadata=kind.metadata)


def _drawn(
    draw: Draw, context: SceneContext, theme: Theme, size: tuple[int, int], options: Mapping[str, Any] | None
) -> "tuple[Figure, Update | None]":
    from netcore.viz.mpl.style import new_figure

    fig = new_figure(theme, size)
    return fig, draw(fig, context, **(options or {}))


def _seconds(draw: Draw, options: Mapping[str, Any] | None) -> float:
    declared = inspect.signature(draw).parameters.get("seconds")
    return float((options or {}).get("seconds", declared.default if declared else SECONDS))


# ---- films


def film_frames(
    film: type | Path,
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
    film : type or Path
        A subclass of `netcore.viz.film.film.Film`, or the scene file that holds one.
    size : tuple of int
        (width, height) in pixels.
    options : mapping
        Values for the film's class attributes.
    sink : callable
        Takes uint8 (H, W, 3), new for each call, and how many frames long it stands. No two in a row are alike.
    """
    from manim import tempconfig

    width, height = size
    with tempfile.TemporaryDirectory(prefix="netcore-") as folder:
        settings = {
            "pixel_width": width,
            "pixel_height": height,
            "frame_width": max(FRAME[0], FRAME[1] * width / height),
            "frame_height": max(FRAME[1], FRAME[0] * height / width),
            "frame_rate": fps,
            "background_color": theme.background,
            "media_dir": folder,  # of text set as pictures; nothing else is written
            "dry_run": True,
            "disable_caching": True,
            "progress_bar": "none",
            "verbosity": "ERROR",
            "seed": 0,
        }
        with tempconfig(settings):
            scene = _film_class(film)()
            scene.context, scene.theme = context, theme
            for name, value in (options or {}).items():
                setattr(scene, name, value)
            writer = _writer(scene, sink)
            scene.render()
            if not scene.renderer.num_plays:  # a film that only adds things is one picture
                writer.write_frame(scene.renderer.get_frame())
            writer.flush()


def _film_class(film: type | Path) -> type:
    from netcore.viz.film.film import Film

    if isinstance(film, type):
        return film
    module = load_scene(Path(film))
    own = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__]
    found = [c for c in own if issubclass(c, Film)]
    if not found:
        raise NetcoreError(f"{film} does not contain a subclass of Film")
    return found[-1]


def _writer(scene: Any, sink: Sink) -> Any:
    """Put a writer in the place of Manim's that hands frames on; made here, since Manim is imported late."""
    from manim.scene.scene_file_writer import SceneFileWriter

    from netcore.viz.colors import drop_alpha

    class FrameWriter(SceneFileWriter):
        waiting: tuple[np.ndarray, int] | None = None

        def write_frame(self, pixels: np.ndarray, *, repeat: int = 1) -> None:
            if self.waiting is not None and np.array_equal(self.waiting[0], pixels):
                self.waiting = self.waiting[0], self.waiting[1] + repeat
            elif repeat > 0:
                self.flush()
                self.waiting = pixels, repeat

        def flush(self) -> None:
            if self.waiting is not None:
                sink(drop_alpha(self.waiting[0]), self.waiting[1])
            self.waiting = None

    scene.renderer.file_writer = FrameWriter(scene.renderer.file_writer.settings)
    return scene.renderer.file_writer
