"""One neuron of the first layer at work."""

from collections.abc import Iterator

import numpy as np

from netcore.analysis.answer_path import ActivationCall, activation_call
from netcore.analysis.dense_layers import DenseLayer
from netcore.analysis.hand_computation import add_texts
from netcore.core.formatting import format_sum, format_value
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, SUM_LINE, ArrayMobject
from netcore.viz.film.components.activation_curve import ActivationCurve
from netcore.viz.film.components.dense_story import curve_formula, received_text
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.pictures import NumberPatch, color_ramp, is_vector, link_boxes, pixel_marks
from netcore.viz.film.components.sum_bars import SumBars, falling_pixels
from netcore.viz.film.components.sum_line import SumLine, Term, write_sum
from netcore.viz.film.components.weighted_image import STRIP, WeightedImage, neuron_symbol
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.text import text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.dense_areas import DenseAreas
from netcore.viz.theme import Theme

LABELS = 0.85  # height of the words and the color scale below a picture
Play = list[Animate]


class OneNeuron:
    """Mobjects and plays of one neuron; each method yields the plays of one step.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    layer : DenseLayer
        The first.
    unit : int
        Index of the neuron.
    areas : DenseAreas
    line : SumLine

    Attributes
    ----------
    picture : WeightedImage
    bars : SumBars
        Of the positive products, the negative ones, the bias.
    curve : ActivationCurve or None
    texts : list of str
        Positive products, negative products, bias.
    z_text, a_text : str
    activation : float
    """

    def __init__(
        self, theme: Theme, trace: Trace, layer: DenseLayer, unit: int, areas: DenseAreas, line: SumLine
    ) -> None:
        self.theme, self.trace, self.layer, self.unit = theme, trace, layer, unit
        self.areas, self.line = areas, line
        self.is_vector = is_vector(trace.input.shape)
        self.noun = "value" if self.is_vector or len(trace.input) > 1 else "pixel"
        self.picture = WeightedImage(theme, trace, layer.weight[unit])
        products = self.picture.products
        self.parts = [products[products > 0].sum(), products[products < 0].sum(), float(layer.bias[unit])]
        self.texts, self.z_text = format_sum(self.parts)
        self.call: ActivationCall = activation_call(trace, layer)
        self.activation = float(layer.output[unit])
        self.a_text = format_value(self.activation)
        labels = [
            f"blue {self.noun}s",
            f"orange {self.noun}s, taken off",
            "bias, learned too",
            f"sum of neuron {unit + 1:,}",
        ]
        self.products_text = add_texts(self.texts[:2])
        self.has_bias = self.parts[2] != 0
        self.bars = SumBars(theme, self._beside(), self.parts, [*self.texts, self.z_text], labels)
        self.in_text = received_text(self.call, layer, unit, self.z_text)
        self.curve = self._make_curve()
        x, y = areas.circle.center
        self.circle, self.circle_name = neuron_symbol(theme, (x, y), f"neuron {unit + 1:,}")
        self._extra: list[ArrayMobject] = []
        self._weights_scale: list[ArrayMobject] = []
        self._links: list[ArrayMobject] = []

    def _beside(self) -> Area:
        return self.areas.middle()[1]

    def _make_curve(self) -> ActivationCurve | None:
        function = self.call.function
        if function is None:
            return None
        z = float(self.call.sums[self.unit])
        return ActivationCurve(self.theme, self._beside(), function, z, self.activation, (self.in_text, self.a_text))

    # ---- the image

    def show_image(self) -> Iterator[Play]:
        """Show the image, and a few of its pixels in numbers."""
        picture, (left, right) = self.picture, self.areas.halves(LABELS)
        picture.place(picture.image, left)
        self.image_words = picture.caption(left, "image", f"{self.noun}s", channels=False)
        yield fade_in([picture.image, *self.image_words], run_time=0.04)
        if not self.is_vector:
            room = Area(right.left, right.bottom, self.areas.stage.right, right.top)  # the neuron's place is free
            patch = NumberPatch(self.theme, self.trace, room.fit(1, 1).inset(0.35))
            rows, columns = patch.row + np.array([0, patch.size - 1]), patch.column + np.array([0, patch.size - 1])
            index = np.ravel_multi_index((rows, columns), self.trace.input.shape[1:])
            boxes = picture.pixel_box(left, index, channels=False).reshape(-1, 2)
            box = np.array([boxes.min(0), boxes.max(0)])
            mark, links = pixel_marks(self.theme, box), link_boxes(self.theme, box, patch.frame.points[:2, :2])
            self._extra = [mark, links, *patch.everything()]
            yield fade_in([mark])
            yield [Animate(links, start={"progress": 0.0}, progress=1.0, run_time=0.4), *fade_in(patch.everything())]

    def unroll(self) -> Iterator[Play]:
        """Lay the rows of pixels into one column."""
        picture, (left, right) = self.picture, self.areas.halves(LABELS)
        self.strip = picture.strip(right, picture.channel_colors())
        goal = self.strip.points.copy()
        self.strip.points = np.pad(picture.rows_in(left, False).reshape(-1, 2), ((0, 0), (0, 1)))
        yield fade_out(self._extra)
        box = Area(right.left, right.bottom, right.left + STRIP, right.top)
        muted, count = self.theme.rgb("muted"), int(np.prod(picture.shape))
        ends = [(1, box.top - 0.12), (count, box.bottom + 0.12)]
        self._extra = [
            Rectangles(box.corners, line=[*self.theme.rgb("faint"), 1.0], z_index=1),
            *(text_line(f"{n:,}", LABEL, muted, at=(box.right + 0.2, y), align=(-1, 0)) for n, y in ends),
        ]
        yield [Animate(self.strip, points=goal, lag_ratio=2.0, run_time=2.2), *fade_in(self._extra)]
        rows = picture.row_boxes(left, right)
        links: list[ArrayMobject] = [pixel_marks(self.theme, rows), link_boxes(self.theme, *rows)]
        room = Area(box.right + 0.9, right.bottom, self.areas.stage.right, right.top)  # the neuron's place is free
        links += picture.enlarged_row(room)
        self._extra += links
        yield fade_in(links)

    # ---- weights and products

    def lay_weights(self) -> Iterator[Play]:
        """Lead a line from every input to the neuron, and fold the weights back into a picture."""
        picture, (_, right) = self.picture, self.areas.halves(LABELS)
        x, y = self.circle.centers[0]
        lines = picture.hairlines(right, (float(x) - self.circle.radius, float(y)))
        colors = self.theme.signed_colors(picture.weights / picture.scales[0])
        rows = picture.strip(right, colors)
        if self.is_vector:
            self.strip = picture.strip(right, picture.channel_colors())
            yield [*fade_out(self._extra), *fade_in([self.strip])]
            self._extra = []
        yield [
            *fade_out(self._extra[1:]),
            *fade_in([self.circle, self.circle_name]),
            Animate(lines, progress=1.0, run_time=0.8, delay=0.2),
        ]
        yield [*fade_in([rows], run_time=0.5), *fade_out([lines], delay=0.3)]
        folded = np.pad(picture.rows_in(right, True).reshape(-1, 2), ((0, 0), (0, 1)))
        yield [*fade_out([self.strip, *self._extra[:1]]), Animate(rows, points=folded, lag_ratio=1.0, run_time=1.4)]
        picture.place(picture.weight_picture, right)
        self._weights_scale = picture.caption(right, "weights", f"weights of neuron {self.unit + 1:,}")
        shown = fade_in([picture.weight_picture, *self._weights_scale])
        yield [*shown, *fade_out([rows], delay=0.3)]
        left, box = self.areas.halves(LABELS)[0], picture.box(right)
        pair = [picture.pixel_box(area, picture.pixel, k > 0)[0] for k, area in enumerate((left, right))]
        marks, link = pixel_marks(self.theme, pair), link_boxes(self.theme, *pair)
        tip, middle = float(x) - self.circle.radius, float(y)
        funnel = link_boxes(
            self.theme, [(box.left, box.bottom), (box.right, box.top)], [(tip, middle)] * 2, role="muted"
        )
        self._links = [marks, link, funnel]
        yield fade_in(self._links)

    def multiply(self) -> Iterator[Play]:
        """Bring image and weights onto each other; one pixel in numbers."""
        picture, areas = self.picture, self.areas
        first, second, third = areas.pictures(LABELS)
        frames = [picture.frames(first), picture.frames(second, channels=True)]
        copies = [self._copy(picture.image), self._copy(picture.weight_picture)]
        words = picture.caption(first, "image", f"{self.noun}s", channels=False)
        scale = picture.caption(second, "weights", f"weights of neuron {self.unit + 1:,}")
        yield [
            Animate(picture.image, points=frames[0].reshape(-1, 2), run_time=0.8),
            Animate(picture.weight_picture, points=frames[1].reshape(-1, 2), run_time=0.8),
            *fade_out([*self.image_words, *self._weights_scale, *self._links]),
            *fade_in([*words, *scale], delay=0.5),
        ]
        for copy, source in zip(copies, (picture.image, picture.weight_picture), strict=True):
            copy.points = source.points.copy()
        goal = picture.frames(third, channels=True).reshape(-1, 2)
        single = picture.frames(third).reshape(-1, 2)
        move = [Animate(copies[1], points=goal, run_time=0.8)]
        if len(copies[1].rgb) == 1:
            yield [
                *move,
                Animate(copies[0], points=single, start={"opacity": 0.6}, opacity=0.0, run_time=0.8, remover=True),
            ]
        else:
            yield move
        picture.place(picture.product_picture, third)
        self._product_words = picture.caption(third, "products", f"{self.noun} × weight")
        yield [
            Animate(copies[1], rgb=picture.product_picture.rgb, run_time=1.0),
            *fade_in(self._product_words, delay=0.5),
        ]
        weight, value, product = picture.texts
        places = (first, False), (second, True), (third, True)
        boxes = [picture.pixel_box(area, picture.pixel, channels)[0] for area, channels in places]
        mark = pixel_marks(self.theme, boxes)
        signs = [] if areas.is_tall else self._signs((first, second, third))
        terms = self.line.change(
            value, "×", weight, "=", (product, "positive" if not product.startswith("−") else "negative"),
            origins={0: boxes[0].mean(0), 2: boxes[1].mean(0), 4: boxes[2].mean(0)},
            delay=0.3,
        )  # fmt: skip
        yield [*fade_in([picture.product_picture]), *fade_out([copies[1]], delay=0.3), *fade_in([mark, *signs]), *terms]
        self._extra = [mark, *signs, *words, *scale]

    def _signs(self, places: tuple[Area, Area, Area]) -> list[ArrayMobject]:
        """Return × and = between the three pictures."""
        boxes = [self.picture.box(place, k > 0) for k, place in enumerate(places)]
        ink = self.theme.rgb("foreground")
        return [
            text_line(sign, SUM_LINE, ink, at=((a.right + b.left) / 2, a.center[1]))
            for sign, a, b in zip("×=", boxes, boxes[1:], strict=False)
        ]

    def _copy(self, picture: PixelImages) -> PixelImages:
        return PixelImages(picture.rgb.copy(), picture.corners().copy(), outline=self.theme.rgb("faint"))

    # ---- the sum and the function

    def add_up(self) -> Iterator[Play]:
        """Let the products fall into bars."""
        picture, areas, (left, _) = self.picture, self.areas, self.areas.middle()
        left = Area(left.left, left.bottom + LABELS, left.right, left.top)
        self._products_at = left
        thumb = picture.frames(areas.thumbnail(picture.ratio)).reshape(-1, 2)
        words = picture.caption(left, "products", f"{self.noun} × weight")
        yield [
            *fade_out([*self._extra, *self._product_words, picture.weight_picture]),
            Animate(picture.image, points=thumb, run_time=0.8),
            Animate(picture.product_picture, points=picture.frames(left, True).reshape(-1, 2), run_time=0.8),
            *fade_in(words, delay=0.5),
            *self.line.show_formula("z = scripts(sum)_i w_i x_i + b"),
        ]
        self._product_words = words
        bars, products = self.bars, picture.products.ravel()
        yield fade_in([bars.zero, bars.bars])
        corners = picture.pixel_box(left, np.arange(len(products)))
        for k, sign in enumerate((1, -1)):
            chosen = np.where(sign * products > 0, products, 0.0)
            squares, order = falling_pixels(self.theme, corners, chosen, picture.scales[1])
            fall = []
            if len(order):
                goal = np.tile(bars.tip(k), (2 * len(order), 1))
                fall = [Animate(squares, points=goal, lag_ratio=0.6, run_time=0.9, remover=True)]
            yield [*fall, *bars.grow(k, delay=0.4)]
        yield self.line.change(
            *write_sum(self.texts[:2], self.products_text), origins={k: bars.tip(k) for k in range(2)}
        )
        if not self.has_bias:
            yield from self.add_bias()

    def add_bias(self) -> Iterator[Play]:
        """Add the bias to the sum of the products."""
        bars = self.bars
        yield bars.grow(2)
        role = "negative" if self.texts[2].startswith("−") else "positive"
        terms = write_sum([self.products_text, self.texts[2]], self.z_text, ["foreground", role])
        yield [*bars.grow(3), *self.line.change(*terms, origins={1: bars.tip(2)})]
        if not self.call.names:
            yield self._fill_circle()

    def activate(self) -> Iterator[Play]:
        """Run the sum along the curve of the activation function."""
        bars, curve = self.bars, self.curve
        symbol = {"Sigmoid": "σ", "Tanh": "tanh"}.get(self.call.names[-1], self.call.names[-1])
        if curve is None:
            yield [*self.line.change(f"{' → '.join(self.call.names)}({self.z_text})", "=", self.a_text)]
            yield self._fill_circle()
            return
        yield [*fade_out(bars.everything()), *fade_in([curve.axes, *curve.labels], delay=0.3)]
        yield [Animate(curve.curve, start={"progress": 0.0}, progress=1.0, lag_ratio=20.0, run_time=0.8)]
        terms: list[Term] = [f"{symbol}({self.in_text})", "=", self.a_text]
        before = (
            [f"{' → '.join(self.call.names[:-1])}: {self.z_text} → {self.in_text},"]
            if self.in_text != self.z_text
            else []
        )
        formula = "" if before else curve_formula(self.call, self.in_text, self.a_text)
        written = self.line.show_formula(formula) if formula else self.line.change(*before, *terms)
        yield [*fade_in([curve.dot, curve.guides]), *written]
        yield from curve.run()
        yield self._fill_circle()

    def activation_ends(self) -> tuple[str, str, bool]:
        """Return the ends of the scale of activations, and whether it is signed."""
        scale = format_value(self.scale)
        return (f"−{scale}" if self.signed else "0"), scale, self.signed

    scale: float = 1.0
    signed: bool = False

    def _fill_circle(self) -> Play:
        theme, share = self.theme, np.array([self.activation / self.scale])
        rgb = theme.signed_colors(share) if self.signed else theme.activation_colors(share)
        x, y = self.circle.centers[0]
        low, high, signed = self.activation_ends()
        at = (float(x), float(y) - self.circle.radius - 0.35)
        self._circle_scale = color_ramp(theme, at, low, high, signed, width=0.5)
        return [Animate(self.circle, fill=rgb, run_time=0.5), *fade_in(self._circle_scale, delay=0.3)]

    def leave(self) -> Play:
        """Return the animations in which all but the image, the products and the neuron disappears."""
        curve = [] if self.curve is None else self.curve.everything()
        return [
            *fade_out([*self._product_words, *curve, *self._circle_scale, self.circle_name]),
            *(fade_out(self.bars.everything()) if self.curve is None else []),
            *self.line.change(),
        ]
