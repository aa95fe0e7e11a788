"""Convolution

What one kernel of {network} sees: a window of what it reads, products, sum and bias, the next window, the edge, then
the whole map, where it is largest and smallest, and another kernel on the same window.
Predicted {prediction} ({confidence}); true class: {label}.
"""

from netcore.analysis.convolution import OutputTerms
from netcore.analysis.kernel_examples import kernel_examples
from netcore.analysis.printed_window import print_window
from netcore.core.errors import RequirementError
from netcore.viz.film.animation import Animate
from netcore.viz.film.components import convolution_wording as wording
from netcore.viz.film.components.convolution_screen import ConvolutionScreen
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.kernel_summary import KernelSummary
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.film import Film

NEEDS = ("convolution",)


class Convolution(Film):
    """One kernel of a convolution on one image.

    Attributes
    ----------
    layer : str
        Name of the convolution (``conv1``, ``conv2``), or ``first``.
    max_units : int
        Maximum number of the other maps that the last picture shows.
    """

    layer: str = "first"
    max_units: int = 62

    def construct(self) -> None:
        """Play all steps."""
        self.trace, context = self.context.trace(), self.context
        try:
            images = context.examples().images
        except RequirementError:
            images = None
        self.examples = kernel_examples(self.trace, self.layer, images)
        self.screen = ConvolutionScreen(self.theme, self.trace, self.examples, self.stage)
        self.sums = SumLine(self.theme, self.sum_line_box)
        self.has_bias = self.examples.layer.bias is not None
        self.names = [self.screen.part_name(k) for k in range(len(self.examples.base.channels))]
        digits = len(self.trace.pixels) == 1 and all(name.isdigit() for name in self.trace.classes)
        self.thing = "ink" if digits else "light"
        self.printed = print_window(self.examples.base, self.examples.position)
        self.show_kernel()
        self.lay_on_window()
        self.add_up()
        self.add_bias()
        self.step_right()
        self.reach_edge()
        self.fill_map()
        self.show_extremes()
        self.change_kernel()
        self.conclude()

    # ---- one output value

    def show_kernel(self) -> None:
        """One kernel alone, in numbers."""
        e, side = self.examples, self.stage.part(0.2, 0.02, 0.8, 0.98)
        self.large = self.screen.kernel_table(e.base, side)
        bias = " and a bias" if self.has_bias else ""
        with self.step("Kernel {k} of {m}: {n}{bias}", name="kernel", k=e.unit + 1, m=len(e.layer.output),
                       n=wording.weight_words(e), bias=bias):  # fmt: skip
            notes = ["weights: numbers that training sets, blue above 0, orange below 0"]
            notes += [f"     bias: {self.printed.bias}"] * self.has_bias
            self.add(*self.large.mobjects)
            self.play(self.sums.change(*((note, "muted") for note in notes)))

    def lay_on_window(self) -> None:
        """The kernel beside a window of what it reads."""
        e, screen = self.examples, self.screen
        n, dilation = e.base.weights[0].size, e.window[1][1]
        words = f"{n} pixel" if screen.is_image else f"{n} value"
        words += "s" * (n != 1) + (f" of {screen.part}" if screen.part in self.names and not screen.is_image else "")
        gaps = f", gaps of {dilation - 1}" if dilation > 1 else ""
        with self.step("Laid on a window{gaps}: {words}", name="window", gaps=gaps, words=words):
            frames = [table.points.copy() for table in self.large.tables]
            self.play(fade_out(self.large.mobjects), screen.kernel.appear(frames), screen.picture.appear(delay=0.5))
            self.play(
                screen.open_window(e.base),
                self.sums.change(("framed: the window; the lines lead to its values", "muted")),
            )

    def add_up(self) -> None:
        """Products, and their sum over all input maps."""
        printed, screen, e = self.printed, self.screen, self.examples
        only = f" ({screen.part})" if screen.part else ""
        many = len(printed.products) > 1
        text = "Multiply each pair, add{only}: {v}" if many else "Multiply{only}: {v}"
        with self.step(text, name="products", only=only, v=printed.partial):
            self.play(screen.multiply(e.base, printed))
            terms = wording.product_terms(printed, wording.rounding_note(e.base, printed, e.position))
            centers = list(screen.centers) if len(terms) > len(printed.products) > 1 else []
            self.play(self.sums.change(*terms, origins=dict(enumerate(centers))))
        n = len(self.names)
        if n > 1:
            words = f"{n} colors" if screen.is_image else f"{n:,} maps"
            with self.step("The same for {words}, added: {v}", name="channels", words=words, v=printed.subtotal):
                self.play(self.sums.change(*wording.channel_terms(printed, self.names)))

    def add_bias(self) -> None:
        """Sum and bias give one value of the map."""
        printed, screen = self.printed, self.screen
        text = "Plus the bias {b}: the output {v}" if self.has_bias else "No bias: the output is {v}"
        with self.step(text, name="output", b=printed.bias, v=printed.total):
            terms = wording.bias_terms(printed, self.has_bias)
            self.play(screen.make_room(), self.sums.change(*terms, wording.BLANK))
            self.play(screen.land(self.examples.base), fade_in([screen.spot]))

    # ---- every output value

    def step_right(self) -> None:
        """The window's next place gives the next value."""
        terms, screen = self.examples.following, self.screen
        if terms is None:
            return
        with self.step(wording.step_caption(self.examples), name="stride"):
            self.play(screen.move_to(terms))
            self.play(screen.show_table(screen.value_table(terms)), self.change_sum(terms))
            self.play(screen.land(terms))

    def reach_edge(self) -> None:
        """The first window, with the padding under it."""
        terms, screen = self.examples.corner, self.screen
        with self.step(wording.padding_caption(self.examples), name="padding"):
            self.play(screen.move_to(terms), screen.show_lines(0.0), screen.show_rim())
            self.play(screen.show_table(screen.value_table(terms)), self.change_sum(terms))
            self.play(screen.land(terms))

    def fill_map(self) -> None:
        """All windows give the map."""
        e, screen = self.examples, self.screen
        words, m = wording.weight_words(e), e.values.size
        with self.step("The same {n} at {m} places: a map", name="map", n=words, m=m):
            note = self.sums.change(*wording.zeros_note(e, self.printed.bias))
            for play in screen.sweep():
                self.play(play, note)
                note = []

    # ---- what it answers to

    def show_extremes(self) -> None:
        """The windows of the largest and the smallest value."""
        e, screen, thing = self.examples, self.screen, self.thing
        for word, terms, seen in (("Largest", e.largest, e.at_largest), ("Smallest", e.smallest, e.at_smallest)):
            printed = print_window(terms, e.position)
            text = "{word} {place}: {v}" if seen else "The {word} value of the map: {v}"
            place = wording.feature_place(seen, thing) if seen else ""
            word = word if seen else word.lower()
            with self.step(text, name=word.lower(), word=word, place=place, v=printed.total):
                self.play(screen.move_to(terms), screen.show_marks())
                self.play(screen.show_table(screen.value_table(terms)), self.change_sum(terms))

    def change_kernel(self) -> None:
        """Another kernel on the same window, and its map."""
        e, screen = self.examples, self.screen
        if e.other is None:
            return
        k, totals = e.other.unit + 1, [print_window(terms, e.position).total for terms in (e.other, e.smallest)]
        with self.step("{text}", name="other-kernel", text=wording.other_caption(k - 1, totals[0], e.unit, totals[1])):
            self.play(screen.show_kernel(e.other), self.sums.change())
            self.grid, moves = screen.second_map()
            self.play(moves, self.change_sum(e.other))
        seen = e.features.name(e.other.unit)
        text = "Map {k} is larger {place}" if seen else "Another kernel, another map"
        with self.step(text, name="other-map", k=k, place=wording.feature_place(seen, self.thing) if seen else ""):
            self.play(self.sums.change(*wording.lowest_note(e)), self.grid.fill(1.5))
            self.play(screen.uncover())

    def conclude(self) -> None:
        """Both kernels, their maps, all other maps."""
        e, screen = self.examples, self.screen
        summary = KernelSummary(screen, self.stage, self.max_units)
        kernels = [e.unit, *([e.other.unit] if e.other else [])]
        named = [f"Kernel {k + 1}: {wording.answers_to(e.features.name(k), self.thing)}" for k in kernels
                 if e.features.name(k)]  # fmt: skip
        low, high = (float(v) for v in (e.values.min(), e.values.max()))
        second = "{named}" if named else "Kernel {k}: from {low} to {high} on this image"
        bias = " and a bias" if self.has_bias else ""
        self.takeaway(
            "{n}{bias}, used at {m} places", second, screen.clear(), self.sums.change(),
            summary.gather(self.grid if e.other else None),
            n=wording.weight_words(e), bias=bias, m=e.values.size, named=". ".join(named), k=e.unit + 1,
            low=low, high=high,
        )  # fmt: skip

    def change_sum(self, terms: OutputTerms) -> list[Animate]:
        """Replace the sum by that of another window."""
        printed = print_window(terms, self.examples.position)
        note = wording.rounding_note(terms, printed, self.examples.position)
        return self.sums.change(*wording.window_sum(printed, self.names, self.has_bias, note))
