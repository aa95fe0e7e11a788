"""Pooling

What a pooling of {network} keeps of one map: one window in numbers, all windows, what is lost; then the image moves by
one pixel, and every layer's relative change is computed.
Predicted {prediction} ({confidence}); true class: {label}.
"""

from dataclasses import replace

import numpy as np

from netcore.analysis.followed_maps import shown_tiles
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.image_shift import layer_changes, pooling_changes, shift_image
from netcore.analysis.pooling_examples import pooling_example
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_percent
from netcore.viz.film.animation import Animate
from netcore.viz.film.components import pooling_wording as wording
from netcore.viz.film.components.change_bars import ChangeBars
from netcore.viz.film.components.cnn_wording import class_name, image_words
from netcore.viz.film.components.convolution_tables import GAP
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.feature_maps import abs_max
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.components.pooling_pictures import difference_grid, picture_grid
from netcore.viz.film.components.pooling_screen import PoolingScreen
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.film import Film

NEEDS = ("pooled-maps",)


class Pooling(Film):
    """One pooling on one image, and on the image moved by one pixel.

    Attributes
    ----------
    layer : str
        Name of the pooling (``pool1``, ``pool2``), or ``first``.
    max_units : int
        Maximum number of maps whose changes are shown.
    """

    layer: str = "first"
    max_units: int = 12

    def construct(self) -> None:
        """Play all steps."""
        context = self.context
        self.trace = context.trace()
        try:
            images = context.examples().images
        except RequirementError:
            images = None
        self.example = pooling_example(self.trace, self.layer, images)
        self.name = f"map {self.example.unit + 1}"
        self.screen = PoolingScreen(self.theme, self.example, self.name, self.stage)
        self.sums = SumLine(self.theme, self.sum_line_box)
        self.show_map()
        self.open_window()
        self.slide()
        self.lose()
        self.shift()
        self.compare()
        self.conclude()

    # ---- what is kept

    def show_map(self) -> None:
        """The map that is pooled, and the image."""
        e, screen = self.example, self.screen
        with self.step(wording.map_caption(e, self.name), name="map"):
            self.image = picture_grid(self.theme, self.trace.pixels, screen.image_place, "the image", True, gap=0.0)
            self.add(*screen.map.mobjects)
            self.play(self.image.appear(), self.sums.change(*wording.before_terms(e)))

    def open_window(self) -> None:
        """One window, and what is kept of it."""
        e, screen = self.example, self.screen
        a, b = e.size
        with self.step("One window (framed): {whole}{a} × {b} values", name="window", a=a, b=b,
                       whole="all " if e.is_global else ""):  # fmt: skip
            self.play(screen.open_window(), self.sums.change())
        with self.step(wording.keep_caption(e), name="kept"):
            blank = [wording.BLANK] * (e.y[0].size > 1)
            self.play(screen.keep(), self.sums.change(*wording.kept_terms(e, e.place), *blank))
            self.play(self.image.leave())
            self.play(screen.show_empty())
            self.play(screen.land(e.place))

    def slide(self) -> None:
        """The next window, then all."""
        e, screen = self.example, self.screen
        (h, w), (a, b), n = e.x.shape[1:], e.y.shape[1:], len(e.rows) * len(e.columns)
        following = (e.place[0], e.place[1] + 1)
        if following[1] < len(e.columns):
            with self.step(wording.next_caption(e), name="next"):
                self.play(screen.go_to(following), self.sums.change(*wording.kept_terms(e, following)))
                self.play(screen.land(following))
        values = {"n": n, "s": "s" * (n != 1), "h": h, "w": w, "a": a, "b": b}
        with self.step("{n} window{s}: {h} × {w} becomes {a} × {b}", name="all", **values):
            self.play(self.sums.change(*wording.size_terms(e, screen.winners is not None)))
            for play in screen.sweep(following if following[1] < len(e.columns) else e.place):
                self.play(play)

    def lose(self) -> None:
        """What is known after the pooling, and what is not."""
        with self.step(wording.lost_caption(self.example), name="lost"):
            words = "what can be known: each window filled with its kept value"
            self.play(self.screen.forget(), self.sums.change((words, "muted")))

    # ---- a shift by one pixel

    def shift(self) -> None:
        """Both images run through the network; the maps' changes take the place of the maps."""
        trace = self.trace
        moved = shift_image(trace.pixels)
        self.second = self.context.trace(sample=replace(self.context.sample, pixels=moved.pixels))
        note = "the edge is repeated;" if moved.repeats else "nothing leaves the image;"
        words = image_words(trace).split(" ")
        who = f"the {words[1]}" if len(words) == 2 and words[1] != "image" else "the image"
        with self.step("Now {who} moves 1 pixel {side}", name="shift", who=who, side=moved.direction):
            self.play(self.screen.clear(), self.sums.change((note, "muted"), (wording.COLORS[0][:-1], "muted")))
            first, second, third = self.stage.divide([1, 1, 1], GAP)
            before = picture_grid(self.theme, trace.pixels, first, "the image")
            after = picture_grid(self.theme, moved.pixels, second, f"moved 1 pixel {moved.direction}")
            self.difference = difference_grid(self.theme, trace.pixels, moved.pixels, third)
            self.play(before.appear())
            goal = after.maps.points[:, :2].copy()
            start = before.maps.points.copy()
            self.play(fade_in([after.maps, after.title]), Animate(after.maps, start={"points": start}, points=goal))
            self.play(self.difference.appear())
            self.pictures = [before, after]

    def compare(self) -> None:
        """Changes of all maps before and after the pooling, on one scale."""
        e, wide = self.example, self.stage.width > self.stage.height
        node = self.second.value(e.node)
        pairs = [(e.x, self.second.value(e.source)), (e.y, node.reshape(e.y.shape))]
        images, *places = (self.stage.columns if wide else self.stage.rows)([1, 1.9, 1.9], GAP)
        halves = (images.rows if wide else images.columns)([1, 1], GAP / 2)
        vmax, index = abs_max(pairs[0][1] - pairs[0][0]), shown_tiles(e.x, e.unit, self.max_units)
        self.changes: list[MapGrid] = []
        for k, ((before, after), place) in enumerate(zip(pairs, places, strict=True)):
            word = ("before", "after")[k]
            title = wording.changes_title(word, self.name, len(index))
            grid = MapGrid(self.theme, after - before, place, index.tolist(), title, vmax=vmax, signed=True)
            total, changes = (float(np.abs(v.astype(float)).sum()) for v in (before, after - before))
            share, terms = changes / total if total else 0.0, wording.change_terms(total, changes, len(before))
            self.shares = [*getattr(self, "shares", []), share]
            with self.step("{w} pooling the maps change by {p}", name=f"changes-{word}", w=word.capitalize(),
                           p=wording.percent(share)):  # fmt: skip
                if k == 0:
                    self.play(
                        self.difference.leave(), [p.move(half) for p, half in zip(self.pictures, halves, strict=True)]
                    )
                self.play(grid.appear(), self.sums.change(wording.COLORS, *terms))
                self.changes.append(grid)

    def conclude(self) -> None:
        """The changes of all layers, beside the window."""
        e, trace = self.example, self.trace
        rows = layer_changes(trace, self.second, (e.source, e.node))
        marked = ["pixels" if n == "input" else graph_of_trace(trace)[n].title for n in (e.source, e.node)]
        left, right = self.stage.divide([1, 2.2], 2 * GAP)
        area = self.stage.part(0.06, 0, 0.94, 1)
        title = "change when the image moves by 1 pixel; bold: this pooling"
        bars = ChangeBars(self.theme, area, rows, marked, title)
        answers = [(class_name(t, t.prediction), format_percent(t.confidence)) for t in (trace, self.second)]
        pools = pooling_changes(trace, self.second) or [(self.shares[0], self.shares[1])]
        with self.step(wording.layers_caption(pools), name="layers"):
            gone = [*self.pictures, *self.changes]
            self.play([part.leave() for part in gone], self.sums.change())
            self.play(bars.grow(), self.sums.change(*wording.answer_terms(answers)))
        small = ChangeBars(self.theme, right, rows, marked, title)
        self.screen.stand_in(left)
        moved = "1 pixel's shift: maps change {a}, pooled {b}"
        self.takeaway(
            "{kept}", moved, fade_out(bars.texts), travel(bars.bars, small.bars.points[:, :2]),
            fade_in(small.texts, 0.6), self.sums.change(), self.screen.remember(),
            kept=wording.takeaway_line(e), a=wording.percent(self.shares[0]), b=wording.percent(self.shares[1]),
        )  # fmt: skip
