"""What every figure must hold to: no text overlaps another, leaves the canvas, is too small, or too faint."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from netcore.core.context import SceneContext
from netcore.rendering.scenes import SCENE_DIRS, load_scene
from netcore.viz.mpl.image_grid import ImageGrid
from netcore.viz.mpl.style import FIGURE_WIDTH, SMALL, new_figure, theme_style
from netcore.viz.theme import DARK, Theme

CONTRAST, GRAPHICS = 4.5, 3.0  # WCAG 2.2 AA: texts, and marks that are no letters


class DrawnFigure(NamedTuple):
    """A drawn figure, what moves it, and the grids on it in the order in which they were made."""

    fig: Figure
    update: Any
    grids: list[ImageGrid]


def draw_figure(
    name: str, context: SceneContext, theme: Theme = DARK, size: tuple[int, int] = (800, 450), **options: Any
) -> DrawnFigure:
    """Draw one of netcore's figures."""
    made: list[ImageGrid] = []
    original = ImageGrid.__init__

    def noticed(self: ImageGrid, *args: Any, **settings: Any) -> None:
        original(self, *args, **settings)
        made.append(self)

    with theme_style(theme), patch.object(ImageGrid, "__init__", noticed):
        fig = new_figure(theme, size)
        update = load_scene(SCENE_DIRS[1] / f"{name}.py").draw(fig, context, **options)
    return DrawnFigure(fig, update, made)


def drawn_texts(fig: Figure, draw: Callable[[], None] | None = None) -> list[Text]:
    """The texts that a draw of the figure would paint, empty ones left out; they are not painted."""
    seen: dict[Text, None] = {}

    def notice(self: Text, renderer: object) -> None:
        if self.get_visible() and self.get_text().strip():
            seen[self] = None

    with patch.object(Text, "draw", notice):
        (draw or fig.draw_without_rendering)()
    return list(seen)


def painted_strings(fig: Figure) -> list[str]:
    """The strings that a figure paints."""
    return [text.get_text() for text in drawn_texts(fig)]


class TextSpot(NamedTuple):
    """A painted text: its middle and its ends in pixels from the figure's top left corner, its colour as #rrggbb."""

    text: str
    x: float
    y: float
    left: float
    right: float
    color: str
    bold: bool


def text_spots(fig: Figure) -> list[TextSpot]:
    """All texts that a figure paints, from the top to the bottom and from the left to the right."""
    found, high = [], fig.bbox.height
    for text in drawn_texts(fig):
        box, weight = text.get_window_extent(), text.get_fontweight()
        x, y = (box.x0 + box.x1) / 2, high - (box.y0 + box.y1) / 2
        found.append(TextSpot(text.get_text(), x, y, box.x0, box.x1, to_hex(text.get_color()), weight == "bold"))
    return sorted(found, key=lambda spot: (spot.y, spot.x))


def artist_center(artist: Artist) -> tuple[float, float]:
    """The middle of an artist (axes, a bar, a text) in pixels from the figure's top left corner."""
    box, high = artist.get_window_extent(), artist.get_figure(root=True).bbox.height
    return (box.x0 + box.x1) / 2, high - (box.y0 + box.y1) / 2


def texts_in_row(fig: Figure, y: float, left: float = 0, right: float = np.inf, slack: float = 6) -> list[str]:
    """Texts whose middle is at height y, within `slack` pixels, and between `left` and `right`; left to right."""
    found = [s for s in text_spots(fig) if abs(s.y - y) <= slack and left <= s.x <= right]
    return [s.text for s in sorted(found, key=lambda s: s.x)]


def texts_in_column(fig: Figure, x: float, top: float = 0, bottom: float = np.inf, slack: float = 6) -> list[str]:
    """Texts whose middle is x to the right, within `slack` pixels, and between `top` and `bottom`; top to bottom."""
    found = [s for s in text_spots(fig) if abs(s.x - x) <= slack and top <= s.y <= bottom]
    return [s.text for s in sorted(found, key=lambda s: s.y)]


def tile_center(grid: ImageGrid, i: int) -> tuple[float, float, float]:
    """Middle of an image of a grid (x, y) and its lower edge, in pixels from the figure's top left corner."""
    fig = grid.ax.get_figure(root=True)
    place, scale = grid.image_box(i), fig.bbox.width / FIGURE_WIDTH
    return (place.x + place.w / 2) * scale, (place.y + place.h / 2) * scale, (place.y + place.h) * scale


def caption_below(fig: Figure, grid: ImageGrid, i: int, lines: int = 2) -> list[str]:
    """The lines written under an image of a grid, at most so many."""
    x, _, foot = tile_center(grid, i)
    line = 18 * fig.bbox.width / FIGURE_WIDTH
    return texts_in_column(fig, x, foot, foot + (lines + 0.3) * line)


def title_above(fig: Figure, ax: Axes) -> str:
    """The bold text that stands over axes, nearest to them."""
    box, high = ax.get_window_extent(), fig.bbox.height
    above = [s for s in text_spots(fig) if s.bold and s.y < high - box.y1 and s.left < box.x1 and s.right > box.x0 - 80]
    return max(above, key=lambda s: (round(s.y), -abs(s.left - box.x0))).text


def legend_colors(fig: Figure) -> dict[str, str]:
    """Names of a legend with their colours #rrggbb; the dot before a name must have the name's colour."""
    found, every = {}, text_spots(fig)
    for dot in (s for s in every if s.text == "●"):
        beside = [s for s in every if abs(s.y - dot.y) < 6 and 0 < s.left - dot.right < 20 and s.text != "●"]
        name = min(beside, key=lambda s: s.left)
        assert name.color == dot.color, name.text
        found[name.text] = name.color
    return found


def color_bar_of(fig: Figure, label: str) -> tuple[tuple[float, float], list[str]]:
    """Limits of the colour bar over which `label` stands, and the texts at its ticks from left to right."""
    head = next(s for s in text_spots(fig) if s.text == label)
    near = [ax for ax in fig.axes if 0 < artist_center(ax)[1] - head.y < 40 and ax.get_window_extent().x0 <= head.x]
    bar = max(near, key=lambda ax: ax.get_window_extent().x0)
    ticks = [t for t in bar.get_xticklabels() if t.get_text()]
    return bar.get_xlim(), [t.get_text() for t in sorted(ticks, key=lambda t: artist_center(t)[0])]


def is_nearer(color: Any, one: str, other: str) -> bool:
    """Whether a colour is nearer to one of two than to the other, in RGB."""
    distance = [np.linalg.norm(np.array(to_rgb(color)) - to_rgb(c)) for c in (one, other)]
    return bool(distance[0] < distance[1])


def layout_problems(fig: Figure, contrast: bool = True) -> list[str]:
    """Everything that is wrong with a figure's texts, one line each; empty where all is well."""
    texts = drawn_texts(fig, fig.canvas.draw)  # the picture without texts, for the contrast
    boxes = [text.get_window_extent() for text in texts]
    found = [f"leaves the canvas: {t.get_text()!r}" for t, b in zip(texts, boxes, strict=True) if not _inside(b, fig)]
    found += [f"{t.get_fontsize():g} units high: {t.get_text()!r}" for t in texts if t.get_fontsize() < SMALL]
    cores = [_core(box) for box in boxes]
    for (i, a), (j, b) in combinations(enumerate(cores), 2):
        if a.overlaps(b):
            found.append(f"overlap: {texts[i].get_text()!r} and {texts[j].get_text()!r}")
    return found + (list(_faint(fig, texts, boxes)) if contrast else [])


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance of colours (…, 3) in [0, 1], by WCAG 2.2."""
    rgb = np.asarray(rgb, dtype=float)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast_ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Contrast of two colours, from 1 to 21, by WCAG 2.2."""
    high, low = np.maximum(luminance(a), luminance(b)), np.minimum(luminance(a), luminance(b))
    return (high + 0.05) / (low + 0.05)


def _inside(box: Bbox, fig: Figure) -> bool:
    slack = fig.bbox.width / FIGURE_WIDTH
    return (
        box.x0 >= -slack and box.y0 >= -slack and box.x1 <= fig.bbox.width + slack and box.y1 <= fig.bbox.height + slack
    )


def _core(box: Bbox) -> Bbox:
    """The box of a text without the leading that its font adds above and below the letters."""
    dx, dy = 0.5, 0.14 * box.height
    return Bbox.from_extents(box.x0 + dx, box.y0 + dy, box.x1 - dx, box.y1 - dy)


def _faint(fig: Figure, texts: list[Text], boxes: list[Bbox]) -> Iterator[str]:
    """Texts whose colour stands out too little from what lies under them."""
    sample = np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3] / 255  # row 0 at the bottom, as in the boxes
    for text, box in zip(texts, boxes, strict=True):
        x0, y0, x1, y1 = (max(0, round(v)) for v in box.extents)
        under = sample[y0 : y1 + 1, x0 : x1 + 1].reshape(-1, 3)
        if not len(under):
            continue
        alpha = 1.0 if text.get_alpha() is None else text.get_alpha()
        color = np.array(to_rgb(text.get_color())) * alpha + np.median(under, axis=0) * (1 - alpha)
        found = float(np.quantile(contrast_ratio(color, under), 0.25))
        if found < (CONTRAST if any(c.isalnum() for c in text.get_text()) else GRAPHICS):
            yield f"contrast {found:.1f}: {text.get_text()!r}"
