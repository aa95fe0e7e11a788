"""Forward propagation in a CNN

One image through {network}: convolutions compute one feature map per kernel, pooling reduces their size, and
flattening, dense layers and softmax turn them into class probabilities. The most active maps and neurons of each layer
are shown.
Predicted {prediction} ({confidence}); true class: {label}.
"""

import numpy as np

from netcore.analysis.blocks import Block
from netcore.analysis.cnn_blocks import cnn_blocks, input_maps
from netcore.analysis.units import select
from netcore.core.formatting import format_shape
from netcore.viz.colors import map_colors
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import BODY, NOTE, TITLE, ArrayMobject, as_points
from netcore.viz.film.components.classifier import EDGE, HIGH, ClassifierView, corners
from netcore.viz.film.components.dense import source_order
from netcore.viz.film.components.feature_maps import DOT, GAP, SIDE, FeatureMapGroup, FeatureMaps, color_scale
from netcore.viz.film.components.kernels import kernel_images
from netcore.viz.film.components.layer_annotation import (
    LayerAnnotation,
    flatten_caption,
    layer_caption,
    parameter_text,
)
from netcore.viz.film.components.legend import edge_legend
from netcore.viz.film.components.overview import STRIP_Y, NetworkOverview
from netcore.viz.film.edges import Edges
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.grid_layout import grid_frames, max_pixel_size, row_bands, window_lines

NEEDS = ("maps",)

LEFT, MIDDLE, RIGHT = (-4.4, -0.35), (0.0, -0.35), (4.4, -0.35)  # what is read, the operation, what it makes
COLUMN = 3.6  # where the values line up that the maps become
QUICK = 4.2  # seconds for all blocks after the first


class CnnForwardPropagation(Film):
    """Forward propagation of one image through a convolutional network.

    Attributes
    ----------
    max_maps : int
        Maximum number of feature maps per layer: those of the highest mean activation.
    max_features : int
        Maximum number of values shown after flattening: the largest.
    max_units : int
        Maximum number of neurons per hidden layer: the most active.
    max_classes : int
        Maximum number of classes: the most probable, the true one always included.
    max_blocks : int
        Maximum number of blocks; neighbouring layers are merged if the network has more.
    """

    max_maps: int = 8
    max_features: int = 16
    max_units: int = 10
    max_classes: int = 10
    max_blocks: int = 8

    def construct(self):
        trace, theme = self.context.trace(), self.theme
        self.trace, self.cnn = trace, cnn_blocks(trace, self.max_blocks)
        self.blocks = self.cnn.maps.blocks
        units = select(self.cnn.maps, [trace], self.max_maps)
        self.chosen = [units[block.name].index for block in self.blocks]
        self.end = ClassifierView(
            theme,
            trace,
            trace.value(self.cnn.vector.output).ravel(),
            self.cnn.dense,
            self.max_features,
            self.max_units,
            self.max_classes,
        )
        self.whole = NetworkOverview(theme, self.cnn, self.end, trace.pixels.shape)
        self.source: FeatureMapGroup  # what is read, at the left
        self.target: FeatureMapGroup | None = None  # what is made of it, at the right
        self.done: list[FeatureMaps] = []  # in the strip
        self.words: list[ArrayMobject] = []  # of the operation, gone when the next one comes
        self.marks: list[ArrayMobject] = []  # on the maps, likewise
        self.counts: list[ArrayMobject] = []
        c, h, w = trace.pixels.shape
        image = "Image" if trace.label is None else f"Image of “{trace.classes[trace.label]}”"
        count = f"{h} × {w} = {h * w:,} pixels" if c == 1 else f"{c} × {h} × {w} = {c * h * w:,} numbers"
        with self.step("{image}: {count}", name="image", image=image, count=count):
            self.show_image()
        if self.cnn.summary:
            with self.step("{summary}", name="summary", summary=self.cnn.summary):
                pass
        for k, block in enumerate(self.blocks):
            text = layer_caption(block, len(self.read_maps(block)), k == 0)
            with self.step("{text}", name=f"block-{k + 1}", text=text):
                self.go_through(k)
        shown, maps = len(self.end.index[0]), self.blocks[-1].map_shape[0]
        with self.step("{text}", name="vector", text=flatten_caption(self.cnn.vector, maps, shown)):
            self.flatten()
        sizes = self.end.sizes
        for k in range(1, len(sizes)):
            text = (
                "One logit per class"
                if k == len(sizes) - 1
                else f"Each neuron: weighted sum of {sizes[k - 1]:,} values"
            )
            with self.step("{text}", name=f"dense-{k}", text=text):
                self.propagate(k)
        with self.step("Softmax: probabilities of {n} classes, sum 100 %", n=sizes[-1]):
            self.softmax()
        with self.step("Most active units per layer; {n} parameters", n=self.cnn.parameters):
            self.show_overview()

    def rgb(self, role: str) -> np.ndarray:
        return self.theme.rgb(role)

    def show(self, mobjects: list, run_time: float = 0.3, delay: float = 0.0) -> list:
        return [Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=run_time, delay=delay) for m in mobjects]

    def hide(self, mobjects: list, run_time: float = 0.2) -> list:
        return [Animate(m, opacity=0.0, run_time=run_time, remover=True) for m in mobjects]

    # ---- the picture

    def show_image(self):
        trace = self.trace
        shape = trace.pixels.shape
        c = shape[0]
        values = trace.pixels.mean(axis=0, keepdims=True)
        self.source = FeatureMapGroup(self.theme, values, np.array([0]), MIDDLE)
        rgb = trace.pixels.transpose(1, 2, 0)[None] / 255 if c == 3 else self.theme.activation_colors(values / 255)
        self.source.maps.rgb = rgb
        at = (MIDDLE[0], self.source.top)
        self.source.texts = [text_line(format_shape(shape), BODY, self.rgb("foreground"), bold=True, at=at)]
        self.source.scale = []
        self.add(*self.source.everything)

    # ---- one block of maps

    def go_through(self, k: int):
        block, first = self.blocks[k], k == 0
        pace = 1.0 if first else min(0.95, QUICK / (len(self.blocks) - 1))
        detailed = first and self.is_detailed(block)
        moves = self.advance(0.45 * pace)
        values = self.trace.value(block.steps[0][1]) if detailed else self.values(block)
        target = self.target = FeatureMapGroup(
            self.theme, values, self.chosen[k], RIGHT, None if first else self.source.unit
        )
        sign = LayerAnnotation(self.theme, block.heading[0], block.heading[1:], parameter_text(block), MIDDLE)
        self.words = sign.everything
        weight = self.trace[block.main.node].weight if block.kind == "convolution" else None
        if first and weight is not None and weight.shape[1] == 1 and len(weight) == len(values):
            self.words += kernel_images(self.theme, weight[:, 0], self.chosen[0], MIDDLE, target.bottom)
        target.maps.progress = 0.0
        self.play(
            moves,
            self.show(self.words, 0.2, delay=0.2 * pace),
            self.show(target.everything, 0.2, delay=0.25 * pace),
            self.windows(block, 0.45 * pace),
        )
        self.sweep(block, (0.9 if first else 0.55) * pace)
        if detailed:
            self.refine(block, sign)
        else:
            self.wait(0.15 * pace)

    def values(self, block: Block) -> np.ndarray:
        """Maps of a block, (C, H, W)."""
        return block.unit_values(self.trace.value(block.output))

    def read_maps(self, block: Block) -> np.ndarray:
        """Maps that a block reads, (C, H, W)."""
        return input_maps(self.trace, self.cnn.maps, block)

    def is_detailed(self, block: Block) -> bool:
        """Whether the steps of a block are shown one by one: a convolution first, maps of one shape after each."""
        shapes = {self.trace.value(node).shape for _, node in block.steps}
        starts = block.kind == "convolution" and block.steps[0][0] == block.main.title
        return starts and len(block.steps) > 1 and shapes == {block.map_shape}

    def advance(self, run_time: float) -> list:
        """What was made becomes what is read; what was read goes up into the strip."""
        out = []
        if self.target is not None:
            out += self.into_strip(self.source, run_time)
            self.source = self.target
        source = self.source
        shift = np.subtract([*LEFT, 0], [*source.center, 0])
        source.center, source.unit = LEFT, max_pixel_size(len(source.chosen), source.size, SIDE, GAP)
        out.append(Animate(source.maps, points=self.squares().reshape(-1, 2), run_time=run_time))
        out += [Animate(m, points=m.points + shift, run_time=run_time) for m in source.texts[:2] + source.scale]
        for m in source.texts[2:]:  # the dots
            out.append(Animate(m, points=corners(source.dots(), DOT), run_time=run_time))
        out += self.hide(self.words + self.marks, 0.15)
        self.words, self.marks = [], []
        return out

    def squares(self) -> np.ndarray:
        """Frames of the maps that are read."""
        return grid_frames(len(self.source.chosen), self.source.size, LEFT, self.source.unit, GAP)

    def into_strip(self, volume: FeatureMapGroup, run_time: float) -> list:
        frames = self.whole.strip(len(self.done), len(volume.chosen), volume.size)
        self.done.append(volume.maps)
        move = Animate(volume.maps, points=frames.reshape(-1, 2), run_time=run_time)
        return [move, *self.hide(volume.texts + volume.scale)]

    def windows(self, block: Block, delay: float) -> list:
        """Lines that part what is read into the windows of a pooling."""
        if block.kind != "pooling" or not block.window:
            return []
        lines = window_lines(self.squares(), self.source.size, block.window.stride[0])
        if not len(lines[0]):
            return []
        self.marks.append(Edges(*lines, [*self.rgb("background"), 0.75], 1.0))
        return self.show(self.marks, 0.2, delay)

    def sweep(self, block: Block, run_time: float):
        """Row by row the maps are made of what the window reads."""
        yellow, made = self.rgb("emphasis"), self.target.maps.corners()
        h, last = self.read_maps(block).shape[1], block.map_shape[1] - 1
        boxes = [(row_bands(made, last + 1, 0, 1), row_bands(made, last + 1, last, 1), 0.0)]
        if (window := block.window) and "Transpose" not in block.main.kind:
            kernel, step, padding = (sizes[0] for sizes in (window.reach, window.stride, window.padding))
            rows = [(max(0, step * r - padding), min(h, step * r - padding + kernel)) for r in (0, last)]
            begin, end = (row_bands(self.squares(), h, a, b - a) for a, b in rows)
            boxes.append((begin, end, 0.16))
        moves = [Animate(self.target.maps, progress=1.0, run_time=run_time, rate_func=linear)]
        for begin, end, fill in boxes:
            mark = Rectangles(begin, [*yellow, fill], [*yellow, 1.0], 1.3)
            moves.append(Animate(mark, points=end.reshape(-1, 2), run_time=run_time, rate_func=linear))
            self.marks.append(mark)
        self.play(moves)

    def refine(self, block: Block, sign: LayerAnnotation):
        """What follows the convolution, step by step, on the same maps."""
        target = self.target
        for (_, node), word in zip(block.steps[1:], sign.words, strict=True):
            values = self.trace.value(node)[target.chosen]
            rgb, scale, signed = map_colors(self.theme, values)
            old, target.scale = target.scale, target.legend(scale, signed)
            target.maps.values, target.maps.scale = values, scale
            self.play(
                [Animate(word, rgb=self.rgb("emphasis"), run_time=0.3)] if word in sign.everything else [],
                self.hide(old + self.marks),
                self.show(target.scale, 0.2, delay=0.3),
                Animate(target.maps, rgb=rgb, run_time=0.45, delay=0.15),
            )
            self.wait(0.15)
            self.marks, word.rgb = [], self.rgb("foreground")

    # ---- from maps to a column

    def flatten(self):
        """The entries shown leave their maps, line up, and take their place before the dense layers."""
        end, vector = self.end, self.cnn.vector
        moves = self.advance(0.45)
        self.words = LayerAnnotation(self.theme, vector.heading[0], vector.heading[1:], "", MIDDLE).everything
        self.words.append(
            text_line(f"{end.sizes[0]:,}", BODY, self.rgb("foreground"), bold=True, at=(COLUMN, self.source.top))
        )
        self.play(
            moves,
            self.show(self.words, 0.2, delay=0.25),
        )
        begin = end.leaving(self.source)
        marks = Rectangles(begin[:, [2, 1]], line=[*self.rgb("emphasis"), 1.0], width=1.3)
        self.counts.append(end.count(0, COLUMN, " values"))
        self.stand(np.full(len(end.sizes), COLUMN))
        end.cells.points = as_points(begin)
        order = np.linspace(0, 1, len(begin))
        own_rgb, end.cells.rgb = end.cells.rgb, self.in_scale(end.cells.values)
        self.words += color_scale(self.theme, RIGHT[0] + SIDE / 2, self.source.top, end.cells.scale, end.signed)
        self.play(self.show([marks], 0.25))
        place = end.cell_frames(COLUMN).reshape(-1, 2)
        self.play(
            Animate(end.cells, points=place, rgb=own_rgb, order=order, lag_ratio=1.0, run_time=0.9),
            self.show(self.words[-3:], 0.2, delay=0.7),
            Animate(marks, opacity=0.0, run_time=0.3, delay=0.4, remover=True),
            self.show(self.first_dots() + self.counts, 0.2, delay=0.7),
        )
        own: list = [end.cells, *self.first_dots()]
        shift = [self.xs()[0] - COLUMN, 0, 0]
        self.stand(self.xs(), but=own)
        others = [m for m in end.ellipses if m not in own]
        self.play(
            self.into_strip(self.source, 0.5),
            self.hide(self.words),
            [Animate(m, points=m.points + shift, run_time=0.5) for m in own + self.counts],
            self.show(end.columns + others + end.names, 0.3, delay=0.3),
        )
        self.words = []

    def in_scale(self, values: np.ndarray) -> np.ndarray:
        """Colours (N, 1, 1, 3) of values on the scale of the maps that they come from."""
        maps = self.source.maps
        shade = self.theme.signed_colors if (maps.values < 0).any() else self.theme.activation_colors
        return shade(values / maps.scale)[:, None, None]

    def xs(self) -> np.ndarray:
        """Positions of the dense columns while they are worked on."""
        end = self.end
        first = self.counts[0].width / 2 - EDGE
        return np.linspace(first, end.out_x, len(end.sizes)) if end.dense else np.array([end.out_x])

    def stand(self, xs: np.ndarray, but: list = ()):
        """Set the dense columns at `xs` at once."""
        for m, points in self.end.place(xs):
            if m not in but:
                m.points = as_points(points)

    def first_dots(self) -> list:
        """The dots in the column that the maps become."""
        return self.end.ellipses[:1] if 0 in self.end.dotted else []

    # ---- dense layers

    def propagate(self, k: int):
        end, xs = self.end, self.xs()
        edges, last = end.edges[k - 1], k == len(end.dense)
        middle, room = (xs[k - 1] + xs[k]) / 2, xs[k] - xs[k - 1] - 0.2
        total = end.parameters(k)
        choices = [f"{total:,} parameters", f"{total:,}", f"{total / 1e6:.1f} M"]
        note = next((text for text in choices if line_width(text, NOTE) < room), choices[-1])
        before = self.words
        self.words = [
            text_line(end.title(k), BODY, self.rgb("foreground"), bold=True, at=(middle, HIGH + 0.72)),
            text_line(note, NOTE, self.rgb("muted"), at=(middle, HIGH + 0.4)),
        ]
        new = [end.count(k, xs[k], " logits" if last else " neurons", xs[1] - xs[0])]
        if k == 1:
            new += edge_legend(self.theme, EDGE - 2.7, HIGH + 0.92)
        self.counts += new
        pace = min(1.0, 2.4 / len(end.dense))
        self.play(
            self.hide(before),
            [Animate(m, opacity=0.4, run_time=0.4) for m in end.edges[max(k - 2, 0) : k - 1]],
            self.show(self.words + new, delay=0.1),
            Animate(
                edges, start={"progress": 0.0}, progress=1.0, lag_ratio=0.6, run_time=0.8 * pace, delay=0.1,
                order=source_order(len(end.index[k - 1]), len(end.index[k])),
            ),
        )  # fmt: skip
        fill = end.shade(k)
        self.play(Animate(end.columns[k - 1], fill=fill, ring=self.rgb("muted"), lag_ratio=0.5, run_time=0.4 * pace))

    # ---- the answer

    def softmax(self):
        end = self.end
        p = self.trace.probabilities[end.index[-1]]
        for column in end.columns[-1:]:
            column.values = p
        self.play(
            self.hide(self.words),
            Animate(end.bars, values=p, run_time=0.7, delay=0.2),
            [Animate(m, fill=self.theme.activation_colors(p), run_time=0.7, delay=0.2) for m in end.columns[-1:]],
            self.show(end.percents, delay=0.6),
        )
        self.wait(0.2)

    def show_overview(self):
        """The strip comes down: every block at once, to scale, and the answer."""
        end, whole = self.end, self.whole
        words, role = end.prediction()
        color = self.rgb(role)
        row = int(np.flatnonzero(end.index[-1] == self.trace.prediction)[0])
        fill = end.bars.fill.copy()
        fill[row] = color
        special: dict = {}
        if end.dense:
            ring, rgba = end.columns[-1].ring.copy(), end.edges[-1].rgba.copy()
            ring[row] = color
            rgba[np.arange(len(rgba)) // len(end.index[-2]) != row, 3] *= 0.3
            special = {id(end.columns[-1]): {"ring": ring}, id(end.edges[-1]): {"rgba": rgba}}
        moves = [
            Animate(m, points=points + whole.lift[:2], run_time=0.6, **special.get(id(m), {}))
            for m, points in ((m, p.reshape(-1, 2)) for m, p in end.place(whole.dense_xs))
        ]
        moves += [Animate(m, points=m.points + whole.lift, run_time=0.6) for m in end.names + end.percents]
        moves.append(Animate(end.bars, points=end.bars.points + whole.lift, fill=fill, run_time=0.6))
        for i, maps in enumerate(self.done):
            frames = whole.columns(i, len(maps.rgb), maps.rgb.shape[1:3])
            moves.append(Animate(maps, points=frames.reshape(-1, 2), run_time=0.6, delay=0.5))
        self.answer = text_line(words, TITLE, color, bold=True, at=(EDGE, STRIP_Y), align=(1, 0))
        self.play(
            self.hide(self.counts),
            moves,
            self.show([self.answer], 0.4, delay=0.7),
            self.show(whole.labels(), delay=0.8),
        )


def linear(t: float) -> float:
    return t
