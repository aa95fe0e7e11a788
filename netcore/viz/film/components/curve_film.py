"""Steps that show an activation function on the sums of a layer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis import linear_collapse
from netcore.analysis.activations import Function
from netcore.analysis.dense_layers import DenseLayer
from netcore.core.formatting import format_count, format_number, format_percent
from netcore.viz.colors import image_colors
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.plot import BAR_HEIGHT, Plot
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import PixelImages, Rectangles
from netcore.viz.film.pixel_region import overlaps
from netcore.viz.film.text import TextLine, text_line
from netcore.viz.layout.area import Area

MEANINGS = {
    "Sigmoid": "The sigmoid puts each between 0 and 1",
    "Tanh": "Tanh puts each between −1 and 1",
    "ReLU": "ReLU makes negative sums 0",
}
FEW = 24  # dots that a viewer can count
LIFT = 0.3  # of a label above its dots
CLEAR = 0.12  # from a label's end to the middle of its dots


class CurveFilm(Film):
    """A film whose first steps show the sums of a layer as dots, and the function that is applied to them."""

    def show_curve(self, layer: DenseLayer, function: Function, all_sums: NDArray[np.float64], sums: SumLine) -> None:
        """Play the steps; what is on screen at the end is `old`.

        Parameters
        ----------
        layer : DenseLayer
        function : callable
            Applied to its sums.
        all_sums : ndarray, shape (N, O)
            The layer's sums for all example images.
        sums : SumLine
        """
        self.sums, self.old = sums, list[ArrayMobject]()
        self.layer, self.function, self.all_sums = layer, function, all_sums
        self.hidden, self.bar_labels = list[ArrayMobject](), list[ArrayMobject]()
        self.z = layer.z.astype(np.float64)
        self.show_sums()
        self.apply_function()
        self.mark_flat_parts()
        self.take_out()

    def show_sums(self) -> None:
        """The sums of one layer as dots on an axis."""
        theme, z = self.theme, self.z
        limit = max(5.0, float(np.abs(z).max()), float(np.quantile(np.abs(self.all_sums), 0.995))) * 1.05
        out = self.function(np.linspace(-limit, limit, 500))
        low, high = min(float(out.min()), 0.0), max(float(out.max()), float(self.function(z).max()))
        self.plot = Plot(theme, self.stage.part(0.17, 0.12, 0.89, 0.84), (-limit, limit), (low, high * 1.04))
        self.dots = self.plot.dots(z, np.zeros(len(z)), theme.rgb("muted"))
        self.one = int(np.argmax(self.function(z)))
        self.dots.width_px, self.dots.z_index = 1.0, 1  # distinct where they overlap, above the curve
        self.dots.ring[:] = theme.rgb("background")
        self.dots.fill[self.one] = theme.rgb("emphasis")
        self.crowds = self.plot.crowds(z) if len(z) <= FEW else []
        self.counts = [self.label(f"×{n}", x, 0.0) for x, n in self.crowds]
        for label, rise in zip(self.counts, clear_rises([m.bounding_box() for m in self.counts]), strict=True):
            label.points[:, 1] += rise
        step = float(np.ceil(limit / 4))
        ticks = {v: f"{v:g}".replace("-", "−") for v in np.arange(-3 * step, 3.5 * step, step) if abs(v) < limit}
        self.ticks, self.cross = ticks, self.plot.axes()
        self.axes = [self.cross, *self.plot.x_ticks(ticks), self.plot.x_title("sum z (pre-activation)")]
        least, most = (format_number(v, 3) for v in (z.min(), z.max()))
        pixels = self.context.trace().pixels
        self.picture = self.image(pixels, self.stage.part(0, 0.56, 0.1, 0.76))
        with self.step("{n} sums, from {low} to {high}", name="sums", n=len(z), low=least, high=most):
            self.add(*self.axes, self.picture)
            note = f"a dot: a neuron of {self.layer.block.title} for this image; yellow: neuron {self.one + 1}"
            if sizes := {n for _, n in self.crowds}:
                n = str(sizes.pop()) if len(sizes) == 1 else "n"
                note += f"; ×{n}: {n} in one place"
            self.play(fade_in([self.dots, *self.counts]), self.sums.change(note))

    def apply_function(self) -> None:
        """The curve is drawn, and each dot rises to it."""
        kind = self.layer.functions[-1]
        self.curve = self.plot.curve(self.function, self.theme.rgb("foreground"))
        top = self.plot.y[1] / 1.04
        self.labels = [*self.plot.y_ticks({0.0: "0", top: format_number(top)}), self.plot.y_title("activation")]
        place = self.plot.at(self.z, self.function(self.z))
        a, b = format_number(self.z[self.one], 3), format_number(float(self.function(self.z)[self.one]), 3)
        with self.step(MEANINGS.get(kind, f"{kind} bends the sums"), name="function"):
            self.play(Animate(self.curve, start={"progress": 0.0}, progress=1.0, run_time=1.0), fade_in(self.labels))
            self.play(
                Animate(self.dots, points=self.dots.points_at(place), run_time=1.2),
                self.place_counts(self.function),
                self.sums.change(f"yellow: {kind} of {a}", "→", b),
            )

    def mark_flat_parts(self) -> None:
        """Where the function is nearly flat: of this image's sums, and of all examples'."""
        plot = self.plot
        ranges = linear_collapse.flat_ranges(self.function, *plot.x)
        if not ranges:
            return
        bands, self.plain = plot.bands(ranges), self.dots.fill.copy()
        flat = np.abs(linear_collapse.slope(self.function, self.z)) < linear_collapse.FLAT_SLOPE
        inside = [int((flat & (self.z >= a) & (self.z <= b)).sum()) for a, b in ranges]
        middle = 0.55 * plot.y[1] + 0.45 * plot.y[0]
        self.flat_counts = [
            self.label(format_count(n, "dot"), (a + b) / 2, middle) for n, (a, b) in zip(inside, ranges, strict=True)
        ]
        with self.step("In the grey the curve is nearly flat", name="flat"):
            words = (
                "there a change of the sum hardly changes the activation:",
                f"slope under {linear_collapse.FLAT_SLOPE} for {int(flat.sum())} of {len(self.z)} neurons",
            )
            fill = self.plain.copy()
            fill[flat & (np.arange(len(flat)) != self.one)] = self.theme.rgb("foreground")
            dots = Animate(self.dots, fill=fill, run_time=0.3)  # the counted ones are bright
            self.play(fade_in([bands, *self.flat_counts]), dots, self.sums.change(*words))
        self.show_all(bands)

    def show_all(self, bands: Rectangles) -> None:
        """The sums of all images as bars on an axis of their own, in place of the curve and the dots."""
        self.histogram = self.plot.histogram(self.all_sums)
        share = float((np.abs(linear_collapse.slope(self.function, self.all_sums)) < linear_collapse.FLAT_SLOPE).mean())
        images, part = len(self.all_sums), format_percent(share, 0)
        with self.step("{n} images: {share} of all sums are in the grey", name="all-images", n=images, share=part):
            self.hidden, self.bar_labels = [self.curve, self.dots, *self.counts, self.picture], self.label_bars()
            self.play(fade_out([*self.flat_counts, *self.hidden, *self.labels]), self.sums.change(*self.explain_bars()))
            self.play(fade_in([self.histogram, *self.bar_labels]))
        self.labels, self.old = self.bar_labels, [bands, self.histogram]

    def label_bars(self) -> list[ArrayMobject]:
        """Return the vertical axis of the bars: how many sums a bar has."""
        low, high = self.plot.y
        highest = int(self.plot.count_values(self.all_sums)[0].max())
        ticks = {low: "0", low + BAR_HEIGHT * (high - low): f"{highest:,}"}
        return [*self.plot.y_ticks(ticks), self.plot.y_title("sums in each bar")]

    def explain_bars(self) -> list[str]:
        """Say what the bars count, and what those at the ends hold."""
        beyond = int((np.abs(self.all_sums) > self.plot.x[1]).sum())
        words = [f"bars: {self.all_sums.size:,} sums of all images"]
        return [*words, f"(end bars: with {beyond:,} beyond the axis)"] if beyond else words

    def take_out(self) -> None:
        """The curve becomes the line y = x, and the dots ride along."""
        self.plot.y = self.plot.x
        points = self.plot.at(*[np.linspace(*self.plot.x, len(self.curve.points))] * 2)
        place, axes = self.plot.at(self.z, self.z), self.plot.axes()
        labels = [*self.plot.y_ticks(self.ticks), self.plot.y_title("activation")]
        with self.step("Take the function out: only sums remain", name="taken-out"):
            if self.hidden:
                self.dots.fill = self.plain
                self.play(fade_out([*self.old, *self.labels]), fade_in(self.hidden))
                self.labels = []
            self.play(
                fade_out([self.cross, *self.labels]), fade_in([axes, *labels]),
                Animate(self.curve, points=points, run_time=1.2), self.sums.change("activation = z"),
                Animate(self.dots, points=self.dots.points_at(place), run_time=1.2), self.place_counts(lambda z: z),
            )  # fmt: skip
        self.old = [axes, *labels, *self.axes[1:], self.curve, self.dots, *self.counts, self.picture]

    def image(self, pixels: NDArray[np.uint8], area: Area) -> PixelImages:
        """One picture with an outline."""
        frame = area.fit(*pixels.shape[:0:-1]).frame
        return PixelImages(image_colors(self.theme, pixels), frame, outline=self.theme.rgb("faint"))

    def label(self, text: str, x: float, y: float) -> TextLine:
        """Write a text above a point of the plot."""
        at = self.plot.at(x, y)[0] + [0.0, LIFT]
        return text_line(text, LABEL, self.theme.rgb("foreground"), at=at)

    def place_counts(self, function: Function) -> list[Animate]:
        """Move the labels of the dots to the upper left of a function's curve, with the dots."""
        xs = np.array([x for x, _ in self.crowds])
        now = np.array([m.points[:2, :2].mean(0) for m in self.counts]).reshape(-1, 2)
        shifts = [max(LIFT, m.width / 2 + CLEAR) for m in self.counts]
        rises = self.plot.at(xs, function(xs)) - now + np.array([[-s, 0.75 * LIFT] for s in shifts]).reshape(-1, 2)
        boxes = [m.bounding_box() + np.tile(rise, 2) for m, rise in zip(self.counts, rises, strict=True)]
        rises[:, 1] += clear_rises(boxes)
        return [
            Animate(m, points=m.points[:, :2] + rise, run_time=1.2) for m, rise in zip(self.counts, rises, strict=True)
        ]


def clear_rises(boxes: Sequence[NDArray[np.float64]]) -> list[float]:
    """Return by how much each box (left, bottom, right, top) must rise to keep clear of those before it."""
    rises: list[float] = []
    placed: list[NDArray[np.float64]] = []
    for start in boxes:
        box, rise = start, 0.0
        while any(overlaps(box, other) for other in placed):
            box, rise = box + np.array([0.0, LIFT, 0.0, LIFT]), rise + LIFT
        rises.append(rise)
        placed.append(box)
    return rises
