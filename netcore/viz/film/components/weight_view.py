"""Weights, image and products of one unit side by side, through training."""

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.first_layer import FirstUnit
from netcore.analysis.unit_functions import print_sum
from netcore.core.formatting import format_number, format_sum
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.cnn_wording import spell
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.map_screen import centered_scale, image_rgb
from netcore.viz.film.components.number_cells import NumberCells
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.sum_terms import label_term
from netcore.viz.film.components.tiles import Tiles, ring
from netcore.viz.film.components.time_axis import TimedImages
from netcore.viz.film.components.weight_wording import FUNCTIONS
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.image_frames import pixel_boxes
from netcore.viz.theme import Theme

LINE = 25 * PIXEL
QUANTILE = 0.995  # of the sizes of the last weights: the value of the full colour
NEW_SCALE = 1.5  # ratio of scales from which on the change is shown


class WeightView:
    """Three pictures: weights of a unit, the image, the products of both.

    Parameters
    ----------
    theme : Theme
    area : Area
    unit : FirstUnit
    trace : Trace
        Of the image.
    times : ndarray, shape (T,)
        Places of the snapshots on the axis of time.
    name : str
        Above the weights.

    Attributes
    ----------
    weights, products : Tiles
        At the first snapshot, each on its own scale.
    later_weights, later_products : TimedImages
        At every snapshot, on the scale of the last.
    """

    def __init__(
        self, theme: Theme, area: Area, unit: FirstUnit, trace: Trace, times: NDArray[np.float64], name: str
    ) -> None:
        self.theme, self.unit = theme, unit
        areas = area.columns([1, 1, 1], 0.35)
        inner = [Area(a.left, a.bottom + LINE, a.right, a.top - LINE) for a in areas]
        count, shape = unit.own.shape[1], unit.own.shape[1:]
        self.frames = picture_frames(inner[0], shape, count)
        self.product_frames = picture_frames(inner[2], shape, count)
        faint = theme.rgb("faint")
        self.image = PixelImages(
            image_rgb(theme, trace.pixels), picture_frames(inner[1], trace.pixels.shape), outline=faint
        )
        self.scales = [_limits(unit.own), _limits(unit.products)]
        self.rescales = self.scales[0][1] / self.scales[0][0] >= NEW_SCALE
        if not self.rescales:
            self.scales = [(max(pair), max(pair)) for pair in self.scales]
        self.weights, self.products = (
            Tiles(theme.signed_colors(v[0] / pair[0]), frames, v[0], pair[0], outline=faint)
            for v, pair, frames in self._parts
        )
        self.later_weights, self.later_products = (
            TimedImages(times, theme.signed_colors(v / pair[1]), frames, v, pair[1], outline=faint)
            for v, pair, frames in self._parts
        )
        pictures = self.frames, self.image.corners(), self.product_frames
        ends = [(float(f[..., 1].min()), float(f[..., 1].max())) for f in pictures]
        words = [name, f"image: {trace.classes[trace.label]}" if trace.label is not None else "image", "weight × pixel"]
        self.heads = [
            text_line(ellipsize_line(w, a.width, LABEL), LABEL, theme.rgb("muted"), at=(a.center[0], high + LINE / 2))
            for w, a, (_, high) in zip(words, areas, ends, strict=True)
        ]
        self.head_width = areas[0].width
        self.feet = [(a.center[0], low - LINE / 2 - 2 * PIXEL) for a, (low, _) in zip(areas, ends, strict=True)]
        self.legends: list[list[ArrayMobject]] = [[], []]
        self.cells: list[ArrayMobject] = []
        self.window = ring(theme, self.image.corners()[0], trace.pixels.shape[-2:], unit.rows, unit.columns)

    @property
    def _parts(self) -> list[tuple[NDArray[np.floating], tuple[float, float], NDArray[np.float64]]]:
        u = self.unit
        return [(u.own, self.scales[0], self.frames), (u.products, self.scales[1], self.product_frames)]

    def show_scale(self, which: int, end: int, delay: float = 0.0) -> list[Animate]:
        """Show the scale of the weights (0) or products (1) at the first (0) or last (1) snapshot."""
        old, at = self.legends[which], self.feet[2 * which]
        self.legends[which] = centered_scale(self.theme, self.scales[which][end], True, at)
        return [*fade_out(old), *fade_in(self.legends[which], delay=delay + (0.3 if old else 0.0))]

    def rename(self, text: str) -> list[Animate]:
        """Return the animations that replace the line above the weights."""
        old, at = self.heads[0], self.heads[0].points[:2, :2].mean(0)
        text = ellipsize_line(text, self.head_width, LABEL)
        self.heads[0] = text_line(text, LABEL, self.theme.rgb("muted"), at=at)
        return [*fade_out([old]), *fade_in([self.heads[0]], delay=0.3)]

    @property
    def _moving(self) -> list[ArrayMobject]:
        window = [self.window] if self.unit.is_kernel else []
        return [self.image, *window, *self.heads, self.weights, self.products]

    def move_to(self, other: "WeightView") -> list[Animate]:
        """Return the animations that move all that is shown to its places in another layout."""
        hidden = [*self.cells, *(m for legend in self.legends for m in legend)]
        self.cells, self.legends = [], [[], []]
        self.home = [m.points.copy() for m in self._moving]
        moves = [m for a, b in zip(self._moving, other._moving, strict=True) for m in travel(a, b.points[:, :2])]
        return [*fade_out(hidden), *moves, *other.show_scale(0, -1, 0.5), *other.show_scale(1, -1, 0.5)]

    def move_back(self, other: "WeightView") -> list[Animate]:
        """Return the animations that bring the image and the weights of the other layout back to their own places."""
        hidden = [other.later_products, *(m for legend in other.legends for m in legend)]
        pairs = zip(self._moving[:-2], self.home[:-2], strict=True)
        moves = [m for mobject, goal in pairs for m in travel(mobject, goal[:, :2])]
        weights = travel(other.later_weights, self.later_weights.points[:, :2])
        return [*fade_out(hidden), *moves, *weights, *self.show_scale(0, -1, 0.5)]

    def mark_extremes(self) -> tuple[list[ArrayMobject], list[Term]]:
        """Return rings around the largest and the smallest weight at the first snapshot, and both in words."""
        own, marks = self.unit.own[0], []
        words: list[Term] = []
        for find, word, role in ((np.argmax, "framed: largest", "positive"), (np.argmin, "and smallest", "negative")):
            c, row, column = np.unravel_index(int(find(own)), own.shape)
            marks.append(ring(self.theme, self.frames[c], own.shape[1:], [row], [column], "foreground", 2.0))
            words.append((f"{word} {format_number(float(own[c, row, column]))}", role))
        return [*marks], words

    def spread(self) -> Animate:
        """Return the animation in which the pixels of the image, or of the window, become the places of the weights."""
        count = len(self.unit.own[0])
        start = np.repeat(self.image.corners() if not self.unit.is_kernel else frame_of(self.window), count, 0)
        begin, goal = np.pad(start.reshape(-1, 2), ((0, 0), (0, 1))), self.weights.points[:, :2].copy()
        return Animate(self.weights, start={"points": begin, "opacity": 0.0}, points=goal, opacity=1.0)

    def frame_pixels(self, mask: NDArray[np.bool_]) -> Rectangles:
        """Return frames around the weights of some pixels (h, w)."""
        boxes = pixel_boxes(self.frames[:1], np.flatnonzero(mask), mask.shape)
        return Rectangles(boxes, line=[*self.theme.rgb("emphasis"), 1.0], width=1.0, z_index=2)

    def sum_texts(self) -> list[str]:
        """Return the sum at each snapshot, at both ends as the sum line has it."""
        inner = [format_number(float(z), 3) for z in self.unit.sums[1:-1]]
        return [f"sum {text}" for text in (self.total(0), *inner, self.total(-1))]

    def slide(self, products: Tiles) -> tuple[list[Animate], list[Animate], PixelImages]:
        """Return two rounds of animations, and the copy that leaves: pixels move onto weights, products move on."""
        start = self.image.corners() if not self.unit.is_kernel else frame_of(self.window)
        rgb = self.theme.activation_colors(self.unit.inputs / max(float(np.abs(self.unit.inputs).max()), 1e-9))
        copy = PixelImages(rgb, np.repeat(start, len(rgb), 0), opacity=0.7)
        first = [Animate(copy, points=self.frames.reshape(-1, 2), run_time=0.8)]
        begin = self.frames.reshape(-1, 2)
        points = np.pad(begin, ((0, 0), (0, 1)))
        goal = self.product_frames.reshape(-1, 2)
        second = [Animate(products, start={"points": points, "opacity": 1.0}, points=goal, run_time=0.8)]
        return first, second, copy

    def number_products(self, k: int) -> list[Animate]:
        """Put numbers on the products of a kernel of one input map at snapshot `k`."""
        values = self.unit.products[k]
        if len(values) > 1 or values.size > 25:
            return []
        frame, digits = self.product_frames[0], len(self.total(k).partition(".")[2])
        area = Area(frame[0, 0], frame[2, 1], frame[1, 0], frame[0, 1])
        terms = [*values[0].ravel().tolist(), float(self.unit.bias[k, self.unit.unit])]
        texts = format_sum(terms, fewest=digits, most=digits + 2)[0][:-1]
        rgb = self.theme.signed_colors(values[0] / self.scales[1][0 if k == 0 else 1])
        self.cells = [NumberCells(self.theme, rgb, texts, area, values[0])]
        return fade_in(self.cells)

    def sum_terms(self, k: int) -> list[Term]:
        """Return the terms of the sum at an end, 0 or -1: what raises it, what lowers it, the bias, the functions.

        At the first end, words follow that say what the bias and the last function are.
        """
        (texts, total, functions), bias = self._printed(k), self.unit.bias[k, self.unit.unit]
        out: list[Term] = [(f"sum of blue {texts[0]}", "positive")]
        if (self.unit.products[k] < 0).any():
            out.append((f"− of orange {texts[1].removeprefix('−')}", "negative"))
        terms = [
            *out,
            *([label_term("bias", texts[2])[0]] if bias else []),
            f"= {total}",
            *map(spell_function, functions),
        ]
        known = FUNCTIONS.get(self.unit.after[k][-1].term, "") if functions else ""
        words = "; ".join(w for w in ("bias: learned too" if bias else "", known) if w)
        return [*terms, (f"({words})", "muted")] if words and k == 0 else terms

    def total(self, k: int) -> str:
        """Return the sum at an end, 0 or -1, as the sum line prints it."""
        return self._printed(k)[1]

    @property
    def ends(self) -> tuple[str, str]:
        """The sums at both ends, as the sum line prints them."""
        return self.total(0), self.total(-1)

    def _printed(self, k: int) -> tuple[list[str], str, list[str]]:
        products, bias = self.unit.products[k], float(self.unit.bias[k, self.unit.unit])
        return print_sum([products[products > 0].sum(), products[products < 0].sum(), bias], self.unit.after[k])


def spell_function(text: str) -> str:
    """Spell a printed function's short name out: ``"→ Batch norm: × 5.79 + 0.02 = 2.96"``."""
    arrow, name, *rest = text.split(" ")
    return " ".join([arrow, spell(name.removesuffix(":")) + ":" * name.endswith(":"), *rest])


def picture_frames(area: Area, shape: tuple[int, ...], count: int = 1) -> NDArray[np.float64]:
    """Return frames (count, 3, 2) of pictures of the size `shape`[-2:], one below another."""
    return np.concatenate([cell.fit(shape[-1], shape[-2]).frame for cell in area.rows([1] * count, 0.1)])


def _limits(values: NDArray[np.floating]) -> tuple[float, float]:
    """Values of the full colour at the first and at the last snapshot."""
    last = float(np.quantile(np.abs(values[-1]), QUANTILE)) or float(np.abs(values[-1]).max())
    return float(np.abs(values[0]).max()) or 1.0, last or 1.0


def frame_of(mark: Rectangles) -> NDArray[np.float64]:
    """Return the frame (1, 3, 2) of a ring."""
    (x0, y0), (x1, y1) = mark.points[:2, :2]
    return np.array([[[x0, y1], [x1, y1], [x0, y0]]])
