"""Frames of a scene: Matplotlib figures and Manim films."""

import inspect
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
    from netcore.viz.mpl.blitting import Update
    from netcore.viz.mpl.style import ThemedFigure

Sink = Callable[[np.ndarray, int], None]
Draw = Callable[..., Any]
SECONDS = 6.0  # default duration of an animated figure


# ---- figures


def figure_frames(
    draw: Draw,
    context: SceneContext,
    theme: Theme,
    size: tuple[int, int],
    fps: float,
    options: Mapping[str, Any] | None = None,
    blit: bool = True,
    transparent: bool = False,
) -> Iterator[tuple[np.ndarray, int]]:
    """Draw a figure's frames, t going from 0 to 1 over its seconds; a still gives one frame.

    Parameters
    ----------
    draw : callable
        ``draw(fig, context, **options)``, which returns None or ``update(t)``.
    size : tuple of int
        (width, height) in pixels.
    fps : float
        Frames per second; how many seconds is the option ``seconds`` of `draw`.
    blit : bool
        Whether to redraw only what changes. The pixels are the same; this is for tests and timing.
    transparent : bool
        Whether to leave out the background.

    Yields
    ------
    (ndarray, int)
        uint8 (H, W, 3), or (H, W, 4) if transparent, and its number of frames; no two in a row are alike.
    """
    from netcore.viz.mpl.blitting import Blitter, canvas_pixels, freeze_layout
    from netcore.viz.mpl.style import theme_style

    with theme_style(theme):  # never across a yield: whoever leaves off half-way must not keep Matplotlib's settings
        fig, update = _drawn(draw, context, theme, size, options, transparent)
        blitter = Blitter(fig, update) if blit and update else None
        if blitter is None:
            freeze_layout(fig, update)

    def at(t: float) -> np.ndarray:
        with theme_style(theme):
            if blitter:
                return blitter.render(t)
            if update:
                update(t)
            fig.canvas.draw()
            return canvas_pixels(fig)

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
    draw: Draw,
    context: SceneContext,
    theme: Theme,
    size: tuple[int, int],
    options: Mapping[str, Any] | None = None,
    transparent: bool = False,
) -> np.ndarray:
    """Draw a still, of an animated figure its last moment: uint8 (H, W, 3), or (H, W, 4) if transparent."""
    from netcore.viz.mpl.blitting import canvas_pixels, freeze_layout
    from netcore.viz.mpl.style import theme_style

    with theme_style(theme):
        fig, update = _drawn(draw, context, theme, size, options, transparent)
        freeze_layout(fig, update)
        fig.canvas.draw()
        return canvas_pixels(fig)


def save_figure(
    draw: Draw,
    context: SceneContext,
    theme: Theme,
    size: tuple[int, int],
    options: Mapping[str, Any] | None,
    target: Path,
    transparent: bool = False,
) -> None:
    """Write a still (of an animated figure its last moment) in a vector format, by the suffix of `target`."""
    from netcore.viz.mpl.blitting import freeze_layout
    from netcore.viz.mpl.style import theme_style

    kind = get_format(target.suffix.lstrip("."))
    with theme_style(theme), atomic_write(target) as partial:
        fig, update = _drawn(draw, context, theme, size, options, transparent)
        freeze_layout(fig, update)
        fig.savefig(partial, format=kind.name, dpi=fig.dpi, facecolor=theme.background, metadata=kind.metadata)


def _drawn(
    draw: Draw,
    context: SceneContext,
    theme: Theme,
    size: tuple[int, int],
    options: Mapping[str, Any] | None,
    transparent: bool,
) -> "tuple[ThemedFigure, Update | None]":
    from netcore.viz.mpl.style import new_figure

    fig = new_figure(theme, size, transparent)
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
        Takes uint8 (H, W, 3), new for each call, and its number of frames. No two in a row are alike.
    """
    from netcore.viz.film.manim_adapter import play_film

    play_film(find_film_class(film), context, theme, size, fps, options, sink)


def find_film_class(film: type | Path) -> type:
    """Return the class of a film; of a scene file the last subclass of `Film` that it defines.

    Raises
    ------
    NetcoreError
        If the file defines none.
    """
    from netcore.viz.film.film import Film

    if isinstance(film, type):
        return film
    module = load_scene(Path(film))
    own = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__]
    found = [c for c in own if issubclass(c, Film)]
    if not found:
        raise NetcoreError(f"{film} does not contain a subclass of Film")
    return found[-1]
