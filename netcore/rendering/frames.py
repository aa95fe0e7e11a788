"""Frames of a scene: Matplotlib figures and Manim films."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netcore.core.context import SceneContext
from netcore.core.files import atomic_write
from netcore.core.step import Step
from netcore.rendering.formats import get_format
from netcore.viz.theme import Theme

if TYPE_CHECKING:
    from netcore.viz.film.settings import FilmSettings
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


def film_steps(film: type, settings: "FilmSettings") -> tuple[Step, ...]:
    """Play a film without drawing and return its steps; a Manim scene that is not a `Film` has none."""
    from netcore.viz.film.manim_adapter import plan_film

    return plan_film(film, settings)


def film_frames(
    film: type,
    settings: "FilmSettings",
    sink: Sink,
    part: tuple[int, int | None] | None = None,
    still: bool = False,
) -> None:
    """Play a film in this process and hand each frame to `sink`, without Manim's video files.

    Parameters
    ----------
    film : type
        A subclass of `netcore.viz.film.film.Film` or another Manim scene.
    settings : FilmSettings
    sink : callable
        Takes uint8 (H, W, 3), new for each call, and its number of frames. No two in a row are alike.
    part : tuple, optional
        First and last step that are drawn, counted from 0; None instead of the last: to the end.
    still : bool
        Whether only the last frame is drawn.
    """
    from netcore.viz.film.manim_adapter import play_film

    play_film(film, settings, sink, part, still)
