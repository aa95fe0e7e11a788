"""Steps that compute one value of a feature map by hand."""

import numpy as np

from netcore.analysis.blocks import Graph
from netcore.analysis.cnn_stages import Stage, cnn_stages
from netcore.analysis.followed_maps import FollowedMaps, follow_maps
from netcore.analysis.normalization import map_scale_shift
from netcore.analysis.printed_window import PrintedWindow, print_window
from netcore.core.errors import RequirementError
from netcore.core.trace import Trace
from netcore.viz.colors import image_colors
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.cnn_wording import affine_terms, spell
from netcore.viz.film.components.convolution_wording import rounding_note, window_sum
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.number_table import NumberTable, soft_colors
from netcore.viz.film.components.pool_window import PoolWindow
from netcore.viz.film.components.sum_line import SumLine, Term
from netcore.viz.film.components.sums import format_fixed
from netcore.viz.film.components.tiles import ring
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import text_line
from netcore.viz.layout.area import Area

MAX_TAPS = 25  # of a kernel whose weights are printed
COLORS = ("red", "green", "blue")


class PixelFilm(Film):
    """A film that can compute one value of the first convolution by hand, up to the pooling after it."""

    def show_pixel(self, trace: Trace, graph: Graph, sums: SumLine) -> list[ArrayMobject]:
        """Play the steps if the network begins with a convolution of few taps.

        Parameters
        ----------
        trace : Trace
        graph : Graph
            Of the trace.
        sums : SumLine
            Where sums are written.

        Returns
        -------
        list of ArrayMobject
            What is on screen at the end, to be removed; nothing if there was no step.
        """
        self.trace, self.sums = trace, sums
        if not any(op.role == "convolution" for op in graph.operations):
            return []
        try:
            stages = cnn_stages(self.trace).stages
        except RequirementError:
            return []
        path = follow_maps(self.trace, stages)
        if path.first.terms.weights[0].size > MAX_TAPS:
            return []
        at = next(i for i, stage in enumerate(stages) if stage.kind == "first")
        shown = self._window(stages[at], path)
        at = self._functions(stages, path, at + 1)
        if at < len(stages) and stages[at].kind == "pooling" and path.places[at]:
            shown = self._pool(stages[at], path, at, shown)
        return shown

    @property
    def columns(self) -> list[Area]:
        """Places of the image, of the factors, and of the products."""
        return self.stage.columns([0.7, 1.7, 1.8], gap=0.3)

    def _window(self, stage: Stage, path: FollowedMaps) -> list[ArrayMobject]:
        """Pixels and weights of one window, their products, and the sum."""
        terms, theme = path.first.terms, self.theme
        position = int(np.abs(terms.partial_sums).argmax())
        printed = print_window(terms, position)
        _, middle, right = self.columns
        above, below = middle.rows([1, 1], gap=0.15)
        columns, n = terms.weights.shape[2], terms.weights[0].size
        word = "pixel" if stage.reads is self.trace.input else "value"
        of = f" of {self._channel(terms.channels, position)}" if len(terms.channels) > 1 else ""
        texts = [[format_fixed(float(v), 2) for v in a[position].ravel()] for a in (terms.inputs, terms.weights)]
        tables = [
            NumberTable(theme, above, f"{word}s x{of}", texts[0], columns),
            NumberTable(theme, below, f"weights w of kernel {terms.unit + 1}", texts[1], columns),
        ]
        image = self._image(stage, path)
        shown = [*image, *(m for table in tables for m in table.mobjects)]
        with self.step("One output pixel: {n} {word}{s}, {n} weight{s}", name="pixel-factors", n=n, word=word,
                       s="s" * (n != 1)):  # fmt: skip
            self.add(*image)
            self.play(fade_in([m for table in tables for m in table.mobjects]), self.sums.change("y = Σ w x + b"))
        values = terms.products[position].ravel()
        fill = soft_colors(theme, values)
        products = NumberTable(
            theme, right.part(0, 0, 0.8, 1), "products w × x (blue +, orange −)", printed.products, columns, fill, 0.8
        )
        template = "Multiply and add, plus bias: {v}" if path.first.has_bias else "Multiply and add, no bias: {v}"
        with self.step(template, name="pixel-sum", v=printed.total):
            self.play(fade_in(products.mobjects), self.sums.change(*self._sum(printed, path)))
        return [*shown, *products.mobjects]

    def _sum(self, printed: PrintedWindow, path: FollowedMaps) -> list[Term]:
        names = [self._channel(path.first.terms.channels, k) for k in range(len(path.first.terms.channels))]
        position = int(np.abs(path.first.terms.partial_sums).argmax())
        return window_sum(printed, names, path.first.has_bias, rounding_note(path.first.terms, printed, position))

    def _channel(self, channels: np.ndarray, position: int) -> str:
        k = int(channels[position])
        return COLORS[k] if len(self.trace.input) == len(COLORS) else f"map {k + 1}"

    def _image(self, stage: Stage, path: FollowedMaps) -> list[ArrayMobject]:
        """The image, the window on it, and what is computed."""
        left = self.columns[0]
        _, h, w = self.trace.pixels.shape
        place = left.part(0, 0.08, 1, 0.6).fit(w, h, (0, 1))
        image = PixelImages(image_colors(self.theme, self.trace.pixels), place.frame, outline=self.theme.rgb("faint"))
        terms = path.first.terms
        same = stage.reads.shape[1:] == (h, w)
        marks = [ring(self.theme, place.frame[0], (h, w), terms.rows, terms.columns)] if same else []
        words = [stage.block.title, f"map {terms.unit + 1}", f"row {terms.row + 1}", f"column {terms.column + 1}"]
        ink = self.theme.rgb("foreground")
        texts = [
            text_line(word, LABEL, ink, at=(left.center[0], place.bottom - 0.4 - 0.36 * k))
            for k, word in enumerate(words)
        ]
        return [image, *marks, *texts]

    def _functions(self, stages: tuple[Stage, ...], path: FollowedMaps, at: int) -> int:
        """Normalization and activation of the value; return the stage after them."""
        words: list[str] = []
        terms: list[Term] = []
        chain = format_fixed(path.first.terms.total, 2)
        while at < len(stages) and stages[at].kind in ("norm", "activation"):
            stage, place = stages[at], path.places[at]
            if place is None:
                break
            spot = (path.units[at], *place)
            words.append(f"{spell(stage.title)}: {format_fixed(float(stage.values[spot]), 2)}")
            chain += f" → {format_fixed(float(stage.values[spot]), 2)}"
            if stage.kind == "norm":
                affine = map_scale_shift(self.trace, self.trace[stage.output], path.units[at])
                terms = affine_terms(affine, stage, spot)
            at += 1
        if words:
            with self.step("{text}", name="pixel-functions", text=", ".join(words)):
                self.play(self.sums.change(*(terms or [chain])))
        return at

    def _pool(self, stage: Stage, path: FollowedMaps, at: int, shown: list[ArrayMobject]) -> list[ArrayMobject]:
        """What the pooling keeps of the value and its neighbours."""
        place = path.places[at]
        assert place is not None
        middle = self.columns[1]
        window = PoolWindow(self.theme, stage, path.units[at], place, middle)
        image = [m for m in shown if isinstance(m, PixelImages)][:1]
        kept = "the largest" if window.is_max else "the mean"
        with self.step("{title}: {kept} of {n}", name="pixel-pooling", title=spell(stage.title), kept=kept,
                       n=window.values.size):  # fmt: skip
            self.play(fade_out([m for m in shown if m not in image]), self.sums.change(*window.terms()))
            self.play([a for table in (window.cells, window.kept) for a in table.appear()])
        return [*image, *window.cells.mobjects, *window.kept.mobjects]
