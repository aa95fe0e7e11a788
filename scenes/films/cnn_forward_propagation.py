"""Forward propagation in a CNN

What happens to an image on its way through {network}: one window of the first convolution in numbers, one map followed
through normalization, activation and pooling, the partial sums of the next convolution, and the dense layers up to the
class probabilities. Predicted {prediction} ({confidence}); true class: {label}.
"""

from netcore.analysis.cnn_stages import Stage
from netcore.viz.film.components import cnn_wording as wording
from netcore.viz.film.components.head_film import HeadFilm
from netcore.viz.film.components.image_tile import input_grid, kernel_grid, window_colors
from netcore.viz.film.components.kernel_window import KernelWindow
from netcore.viz.film.components.map_film import GAP
from netcore.viz.film.components.partial_sums import PartialSums
from netcore.viz.film.components.pool_window import PoolWindow
from netcore.viz.film.components.sums import format_fixed

NEEDS = ("maps",)


class CnnForwardPropagation(HeadFilm):
    """Forward propagation of one image through a convolutional network."""

    def construct(self) -> None:
        """From the picture through all stages to the answer."""
        self.open_maps()
        self.show_image()
        queue: list[int] = []
        for i, stage in enumerate(self.stages):
            kinds = [s.kind for s in self.stages[:i]]
            if stage.kind == "brief" or ("partial" in kinds and stage.kind in ("norm", "activation")):
                queue.append(i)
                continue
            self.show_brief(queue)
            queue = [i] if stage.kind == "partial" else []
            getattr(self, f"show_{stage.kind}")(i, stage)
        self.show_brief(queue)
        self.show_vector()
        self.show_dense()
        self.show_answer()

    # ---- picture and first convolution

    def show_image(self) -> None:
        """The picture, at the size that the stage allows."""
        trace = self.trace
        _, h, w = trace.pixels.shape
        image = wording.image_words(trace)
        self.grid = input_grid(self.theme, trace, self.main)
        with self.step("{image}: {h} × {w} pixels", name="image", image=image, h=h, w=w):
            self.play(self.grid.appear())

    def show_before(self, i: int, stage: Stage) -> None:
        """What comes before the first convolution."""
        with self.step("{title} comes first", name=f"before-{i + 1}", title=wording.spell(stage.title)):
            self.exchange(i, self.main)

    def show_first(self, i: int, stage: Stage) -> None:
        """One window of the first convolution in numbers, its map, all maps."""
        example, unit = self.path.first, self.path.units[i]
        picture, tables = self.main.divide([1, 2.1], GAP)
        colors, ends = window_colors(self.theme, self.trace, stage, example)
        words, n = "pixels" if i == 0 and len(stage.reads) == 1 else "values", example.terms.weights.size
        aligned = picture.bottom == tables.bottom and len(stage.reads) == 1  # titles and scales in one row each
        tables = self.grid.rows_of(picture, tables) if aligned else tables
        window = KernelWindow(self.theme, example, tables, colors, ends, f"kernel {unit + 1}", words)
        with self.step("A kernel: {n} weights on {n} {words}", name="kernel", n=n, words=words):
            self.play(self.take_leaving(), self.grid.move(picture))
            self.play(window.open(self.grid.maps))
        _, row, column = example.place
        value = format_fixed(example.terms.total, example.decimals)
        terms, origins = window.sum_terms()
        place = self.grid.place_of_one(window.kernel.boxes[0]) if aligned else window.result
        made = self.make_grid(i, place, [unit])
        template = "Products + bias = one output: {v}" if example.has_bias else "Products, no bias: one output {v}"
        with self.step(template, name="products", v=value):
            self.play(window.multiply())
            self.play(self.sums.change(*terms, origins=origins))
            self.play(made.show_pixel(row, column), self.point(made, row, column))
        with self.step("The same weights everywhere: one map", name="one-map"):
            terms = wording.map_terms(stage, example, self.trace[stage.output])
            self.play(window.hold_kernel(), self.sums.change(*terms))
            for play in window.sweep(self.grid.maps, made.maps):
                self.play(play)
        text = "{n} kernels: {n} maps; enlarged: number {unit}"
        with self.step(text, name="all-maps", n=stage.channels, unit=unit + 1):
            left, right = self.main.divide([1, 1], GAP)
            grid = self.make_grid(i, right)
            kernels = kernel_grid(self.theme, self.trace[stage.output].weight, left, grid.index)
            note = self.sums.change(("parameters: the numbers learned in training", "muted"))
            self.play(self.retire(), window.held.leave(), self.gather(made, grid, row, column), note)
            self.play([k.appear() for k in kernels], grid.appear(), grid.fill(1.2), made.leave(), self.count(stage))
            self.grid, self.leaving = grid, [animation for k in kernels for animation in k.leave()]

    # ---- on the same maps

    def show_norm(self, i: int, stage: Stage) -> None:
        """Normalisation: one place before and after."""
        place = self.path.places[i]
        a, b, arrow = self.values_at(i)
        with self.step(
            "{title} rescales each map" + arrow, name=f"norm-{i + 1}", title=wording.spell(stage.title), a=a, b=b
        ):
            self.widen(place)
            self.play(self.grid.change(stage.values), self.sums.change(*self.norm_terms(i)), self.count(stage))

    def show_activation(self, i: int, stage: Stage) -> None:
        """The activation function: one place before and after."""
        text = wording.effect_caption(stage, self.values_at(i)[:2])
        with self.step("{text}", name=f"activation-{i + 1}", text=text):
            self.widen(self.path.places[i])
            terms = wording.zero_count(stage.values)
            self.play(self.grid.change(stage.values), self.sums.change(*terms), self.count(stage))

    # ---- pooling, and the next convolution

    def show_pooling(self, i: int, stage: Stage) -> None:
        """One window of the pooling in numbers, then all maps."""
        left, middle, right = self.main.divide([1.3, 0.8, 1.3], GAP)
        place = self.path.places[i] or stage.strongest(self.path.units[i])
        window = PoolWindow(self.theme, stage, self.path.units[i], place, middle)
        after = self.make_grid(i, right)
        with self.step("{text}", name="pooling", text=window.caption):
            self.play(self.take_leaving(), self.grid.move(left), self.hide_mark(), self.sums.change())
            self.play(window.open(self.grid), self.count(stage))
            self.play(window.keep(), self.sums.change(*window.terms()))
            self.play(after.appear(), after.fill(1.2), self.point(after, *place))
        self.pass_on(after, window.leave())

    def show_partial(self, i: int, stage: Stage) -> None:
        """One output of the next convolution: a part of the sum from each map."""
        example = self.path.partial
        assert example is not None
        unit, row, column = example.place
        left, right = self.main.divide([1.2, 1], GAP)
        made = self.make_grid(i, right.part(0, 0, 1, 0.86), [unit])
        n = len(example.terms.channels)
        caption = "{title}: each output reads {n} map" + "s" * (n > 1)
        with self.step(caption, name="partial-sums", title=stage.block.short.capitalize(), n=n):
            place = self.path.places[i - 1]
            held = place is not None and place[0] in example.terms.rows and place[1] in example.terms.columns
            moves = self.grid.move(left)
            mark = self.carry_mark(place if held else None)
            self.play(self.take_leaving(), moves, mark, self.sums.change())
            sums = PartialSums(self.theme, example, self.grid, made, right.part(0, 0.86, 1, 1))
            terms, origins = sums.sum_terms()
            value = format_fixed(float(stage.reads[(self.path.units[i - 1], *place)]), 2) if place else ""
            title = self.grid.retitle(f"{self.grid.label}; small square: {value}") if held else []
            self.play(sums.open(), title, made.show_pixel(row, column, delay=1.3), self.count(stage))
            self.play(self.sums.change(*terms, origins=origins))
        self.made, self.leaving = made, [*sums.leave(), *self.sums.change()]

    # ---- in brief

    def show_brief(self, queue: list[int]) -> None:
        """Several stages, one step for each group of them."""
        groups = wording.group_stages(self.stages, queue)
        for group in [part for g in groups for part in wording.split_group(self.stages, g)]:
            stages = [self.stages[i] for i in group]
            caption = self.trace_value(group) or wording.brief_caption(
                stages, [s.title for s in self.stages[: group[0]]]
            )
            with self.step("{text}", name=f"stage-{group[0] + 1}", text=caption):
                self.leaving = [*self.leaving, *self.sums.change()]
                for i in group:
                    self.play_brief(i, min(1.0, 3.0 / len(group)))

    def trace_value(self, group: list[int]) -> str:
        """Caption with the value followed before and after some stages; empty where none is followed."""
        first, places = (
            group[0],
            [(u, *p) if p else None for u, p in zip(self.path.units, self.path.places, strict=True)],
        )
        stages = [self.stages[i] for i in group]
        if stages[0].kind == "partial":
            title = stages[0].block.short.capitalize()
            return f"{title}: {stages[0].channels:,} maps; enlarged: map {self.path.units[first] + 1}"
        return wording.followed_caption(stages, [places[i] for i in (first - 1, *group)])
