"""Maps of one layer over images, or over training."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.history import snapshots_until
from netcore.analysis.image_sequence import class_examples
from netcore.analysis.map_layers import MapLayer
from netcore.analysis.regions import evenly_spaced
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_count, format_number, format_percent
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, PIXEL, ArrayMobject
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.components.layer_film import LayerFilm, cut
from netcore.viz.film.components.map_screen import LINE, image_rgb, map_limit
from netcore.viz.film.components.tiles import ring, row_numbers, tile_frames
from netcore.viz.film.components.time_axis import TimedImages, TimedText, run_time_line
from netcore.viz.film.components.time_chart import TimeChart
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.time_axis import TimeAxis
from netcore.viz.wording import format_prediction

MAX_SNAPSHOTS = 24
MAX_ERRORS = 2
SECONDS = 8.0  # for all snapshots
CHANGE_SECONDS, REST_SECONDS = 0.4, 0.9  # per image


class MapSequenceFilm(LayerFilm):
    """A film that can also show one layer over images or training."""

    def over_images(self, layer: MapLayer) -> None:
        """One image of each class, then errors: the maps, and the mean of the followed one as a bar."""
        context, block = self.context, layer.block
        samples = class_examples(context, self.max_classes, MAX_ERRORS)
        traces = [context.trace(sample=sample) for sample in samples]
        n, classes = len(traces), sum(t.prediction == t.label for t in traces)
        maps = np.stack([block.unit_values(t.value(block.output)) for t in traces])
        times = np.linspace(0, 1, n) if n > 1 else np.zeros(1)
        tiles_area, chart = self.screen.grid.rows([0.55, 0.45], 0.15)
        timed = self._timed_maps(layer, maps, times, traces, tiles_area)
        words = [cut(format_prediction(t.classes, t.prediction, t.confidence, t.label), 45) for t in traces]
        names = [cut(t.classes[t.prediction if t.label is None else t.label], 12) for t in traces]
        means = np.abs(maps[:, layer.unit]).mean((1, 2))
        bars = MeanBars(self, chart, means, names)
        goal = ring(self.theme, timed[0].corners()[layer.position])
        numbers = row_numbers(self.theme, timed[0].corners(), layer.chosen)
        groups = [
            (range(classes), "One image of each class: {title}"),
            (range(classes, n), "Then {n} that it gets wrong"),
        ]
        for k, (group, text) in enumerate(groups):
            if not len(group):
                continue
            with self.step(text, name=f"images-{k + 1}", title=cut(block.title), n=format_count(len(group), "image")):
                if k == 0:
                    self.show_all(
                        timed, layer, maps, [goal, *numbers, *bars.fixed], words, times, ", below: its mean value"
                    )
                for i in group:
                    moves = [*run_time_line(self.timed, self.timed[0].time, times[i], CHANGE_SECONDS), *bars.grow(i)]
                    self.play(*moves)
                    self.wait(REST_SECONDS)
        self._compare(layer, means, names)

    def _compare(self, layer: MapLayer, means: NDArray[np.floating], names: list[str]) -> None:
        """Say for which of the images the followed map is strongest and weakest."""
        high, low = int(means.argmax()), int(means.argmin())
        self.takeaway(
            "Map {u} is strongest for this {a}: mean {x}", "weakest for this {b}: {y}",
            u=layer.unit + 1, a=names[high], x=means[high], b=names[low], y=means[low],
        )  # fmt: skip

    def over_training(self, layer: MapLayer) -> None:
        """The maps at the snapshots, on the scale of the last."""
        context, block = self.context, layer.block
        every = snapshots_until(context)
        if len(every) < 2:
            raise RequirementError(
                f"--over training needs two snapshots or more; run '{context.run_name}' has fewer: train it again"
            )
        snapshots = evenly_spaced(list(every), MAX_SNAPSHOTS)
        traces = [context.trace(at=s) for s in snapshots]
        maps = np.stack([block.unit_values(t.value(block.output)) for t in traces])
        axis = TimeAxis(snapshots)
        tiles_area, chart = self.screen.grid.rows([0.56, 0.44], 0.15)
        timed = self._timed_maps(layer, maps, axis.times, traces, tiles_area)
        k = traces[-1].prediction if traces[-1].label is None else traces[-1].label
        at = np.array([t.probabilities[k] for t in traces])
        title = f"probability of {cut(traces[0].classes[k], 12)}"
        graph = TimeChart(self.theme, chart, axis, title, axis.steps, at, at, format_percent, 0.0, 1.0)
        kernels = self._kernels(layer, traces, axis)
        goal = ring(self.theme, timed[0].corners()[layer.position])
        numbers = row_numbers(self.theme, timed[0].corners(), layer.chosen)
        first, last = (s.label for s in (snapshots[0], snapshots[-1]))
        count = f"all {len(maps[0])}" if len(layer.chosen) == len(maps[0]) else f"{len(layer.chosen)} of {len(maps[0])}"
        values = {"first": first[:1].upper() + first[1:], "count": count, "title": cut(block.title)}
        with self.step("{first}: {count} maps of {title}", name="start", **values):
            fixed = [goal, *numbers, *graph.mobjects, *(kernels[1:] if kernels else [])]
            self.show_all([*timed, *kernels[:1], *graph.timed], layer, maps, fixed, [], axis.times)
        with self.step("{n} snapshots, on the scale of {last}", name="training", n=len(snapshots), last=last):
            self.play(*run_time_line(self.timed, 0.0, 1.0, SECONDS))
        ends = [format_percent(float(p)) for p in (at[0], at[-1])]
        weights = [traces[k][block.main.node].weight for k in (0, -1)]
        turned = "" if not kernels else "kernel {u} at both ends: cosine {c}"
        ends_of = [w[layer.unit] for w in weights if w is not None] if kernels else [np.ones(1), np.ones(1)]
        self.takeaway(
            "{what}: {a} → {b}", turned, what=title[:1].upper() + title[1:], a=ends[0], b=ends[1],
            u=layer.unit + 1, c=cosine(*ends_of),
        )  # fmt: skip

    # ---- parts

    def _timed_maps(
        self, layer: MapLayer, maps: NDArray[np.floating], times: NDArray[np.float64], traces: list[Trace], area: Area
    ) -> list[TimedImages]:
        """Tiles (T, N, H, W) and the images in the rail, one for each time."""
        shown = maps[:, layer.chosen]
        limit, signed = map_limit(maps[-1] if self._fixed_scale else maps)
        signed = signed or bool((maps < 0).any())
        frames = tile_frames(area, len(layer.chosen), layer.size, pixel=self.screen.pixel)
        shade = self.theme.signed_colors if signed else self.theme.activation_colors
        faint = self.theme.rgb("faint")
        tiles = TimedImages(times, shade(shown / limit), frames, shown, limit, outline=faint)
        images = np.stack([image_rgb(self.theme, t.pixels) for t in traces])[:, None]
        values = np.stack([t.pixels.mean(0) for t in traces])[:, None]
        image = TimedImages(times, images, self.screen.image_frame(), values, 255.0, outline=faint)
        return [tiles, image]

    @property
    def _fixed_scale(self) -> bool:
        return getattr(self, "over", "") == "training"

    def _kernels(self, layer: MapLayer, traces: list[Trace], axis: TimeAxis) -> list[ArrayMobject]:
        """The kernel of the followed map at each time, and what it is; nothing if there is none."""
        weights = [t[layer.block.main.node].weight for t in traces]
        if layer.terms is None or any(w is None for w in weights):
            return []
        kernels = np.stack([w[layer.unit].mean(0) for w in weights if w is not None])
        scale = float(np.abs(kernels).max()) or 1.0
        area, theme = self.screen.detail_area, self.theme
        frame = Area(area.left, area.bottom + LINE, area.right, area.top).fit(kernels.shape[2], kernels.shape[1]).frame
        timed = TimedImages(
            axis.times,
            theme.signed_colors(kernels / scale)[:, None],
            frame,
            kernels[:, None],
            scale,
            outline=theme.rgb("faint"),
        )
        one = layer.terms.weights.shape[0] == 1
        words = [
            f"kernel {layer.unit + 1}" + ("" if one else ", mean"),
            f"−{format_number(scale)} to {format_number(scale)}",
        ]
        spots = [(area.center[0], self.screen.heads[1][1]), (area.center[0], area.bottom + LINE / 2 - 2 * PIXEL)]
        return [timed, *(text_line(w, LABEL, theme.rgb("muted"), at=at) for w, at in zip(words, spots, strict=True))]

    def show_all(
        self, timed: list[Any], layer: MapLayer, maps: NDArray[np.floating], fixed: list[ArrayMobject],
        words: list[str], times: NDArray[np.float64], note: str = "",
    ) -> None:  # fmt: skip
        """Everything appears."""
        limit, signed = timed[0].vmax, bool((maps < 0).any())
        self.timed: list[Any] = list(timed)
        if words:
            at = (self.screen.main.left, self.screen.main.bottom + LINE / 2 - 2 * PIXEL)
            self.timed.append(TimedText(times, words, LABEL, self.theme.rgb("foreground"), at, (-1, 0)))
        head = text_line("image", LABEL, self.theme.rgb("muted"), at=(self.screen.heads[0][0], self.screen.heads[1][0]))
        known = set(map(id, self.timed))
        rest = [m for m in fixed if id(m) not in known]
        self.play(
            fade_in([*self.timed, head, *rest], run_time=0.6),
            self.screen.head(layer.block.title, f"ringed: map {layer.unit + 1}" + note),
            self.screen.scale(limit, signed),
        )


def cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return the cosine of the angle between two arrays."""
    return float((a * b).sum() / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))


class MeanBars:
    """One upright bar for each image, grown when its turn comes.

    Parameters
    ----------
    film : LayerFilm
    area : Area
    values : ndarray, shape (N,)
    names : sequence of str
        Below the bars.
    """

    def __init__(self, film: LayerFilm, area: Area, values: NDArray[np.floating], names: list[str]) -> None:
        theme = film.theme
        self.values, self.limit = values, float(values.max()) or 1.0
        plot = Area(area.left, area.bottom + LINE, area.right, area.top - LINE)
        cells = plot.columns([1] * len(values), 0.15)
        base = np.concatenate([c.corners for c in cells])
        self.full, flat = base, base.copy()
        flat[:, 1, 1] = base[:, 0, 1]
        self.bars = Rectangles(flat, fill=[*theme.rgb("muted"), 1.0])
        self.fixed: list[ArrayMobject] = [self.bars]
        for cell, name in zip(cells, names, strict=True):
            text = ellipsize_line(name, cell.width + 0.1, LABEL)
            self.fixed.append(
                text_line(text, LABEL, theme.rgb("foreground"), at=(cell.center[0], area.bottom + LINE / 2))
            )
        self.numbers = [
            text_line(
                format_number(float(v)), LABEL, theme.rgb("foreground"), at=(c.center[0], self._top(v, c) + LINE / 2)
            )
            for v, c in zip(values, cells, strict=True)
        ]

    def _top(self, value: float, cell: Area) -> float:
        return cell.bottom + float(value) / self.limit * cell.height

    def grow(self, i: int) -> list[Animate]:
        """Return the animations in which bar `i` grows, those before it being grown."""
        goal = self.full.copy()
        height = goal[:, 1, 1] - goal[:, 0, 1]
        goal[:, 1, 1] = goal[:, 0, 1] + height * np.where(np.arange(len(goal)) <= i, self.values / self.limit, 0)
        return [Animate(self.bars, points=goal.reshape(-1, 2), run_time=CHANGE_SECONDS), *fade_in([self.numbers[i]])]
