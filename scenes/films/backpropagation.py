"""Backpropagation

Which weights of {network} are to blame for its loss on one image, and by how much: probability minus target at the
outputs, activation × delta at each weight, deltas that flow back layer by layer, and one real training step.
True class: {label}.
"""

from decimal import Decimal
from itertools import pairwise

import numpy as np

from netcore.analysis.answer_path import activation_call
from netcore.core.formatting import format_number, format_percent
from netcore.viz.film.captions import MAX_CHARACTERS
from netcore.viz.film.components.dense_story import VOWELS, clip_names
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.gradient_wording import format_losses
from netcore.viz.film.components.map_gradient_film import MapGradientFilm
from netcore.viz.film.components.tangent_curve import TangentCurve

NEEDS = ("dense", "examples")

TERMS = 1  # of a sum that are shown one by one


class Backpropagation(MapGradientFilm):
    """From the loss of one image back to all weights, and one training step."""

    def construct(self) -> None:
        """From the loss back to all weights, then a training step."""
        self.open_gradients()
        self.forward()
        self.wish()
        self.one_weight()
        if len(self.found) > 1:
            self.one_neuron()
        self.layers_back()
        if self.blocks:
            self.maps_back()
        else:
            self.first_layer()
        self.training_step()
        self.conclude()

    # ---- outputs

    def forward(self) -> None:
        """The image's way to its probabilities, and its loss."""
        trace, view = self.trace, self.view
        p = float(trace.probabilities[trace.label])
        article = "an" if self.name[0] in VOWELS else "a"
        who = f"Least sure, {article} {self.name}" if self.moment.replaced else f"{article.capitalize()} {self.name}"
        values = {"who": who, "when": trace.snapshot, "p": format_percent(p)}
        text, best = "{who}, {when}: {p} for it", trace.prediction
        (other,) = clip_names([trace.classes[best]], 8)
        more = f", {format_percent(float(trace.probabilities[best]))} for {other}"
        if best != trace.label and len(text.format(**values) + more) <= MAX_CHARACTERS:
            text, values["more"] = text + "{more}", more
        with self.step(text, name="forward", notes=self.moment.reason.capitalize(), **values):
            self.add(view.picture)
            self.play_all(view.forward())
            self.play(self.line.change("loss = −ln", format_number(p, 4), "=", (self.loss, "emphasis")))

    def wish(self) -> None:
        """Probability − target at each output."""
        view = self.view
        with self.step("Delta of an output = probability − target", name="wish"):
            self.play(view.dim_forward(), self.line.change())
            self.play(view.bars.show_wishes(), view.delta(view.last, delay=0.8), view.change_legend("delta"))
            p, delta = format_number(float(self.trace.probabilities[self.trace.label]), 4), view.bars.deltas
            is_plain = "×" not in p  # else a power of ten: the printed delta is rounded
            text = str(Decimal(p) - 1).replace("-", "−") if is_plain else delta[view.bars.target]
            words = f"target: 1 for {self.name}, 0 for all others; delta of {self.name}: {p} − 1"
            self.play(self.line.change(words, "=" if is_plain else "≈", (text, "positive")))

    def one_weight(self) -> None:
        """One weight is changed, then its gradient computed, then those of all output weights."""
        nudge, view = self.nudge, self.view
        before, after = format_losses(nudge.loss, nudge.loss_after)
        fall = format_number(-nudge.measured, 3)
        word = "Raise" if nudge.change > 0 else "Lower"
        name = clip_names([self.trace.classes[nudge.unit]], 10)[0]
        edge = view.one_edge(nudge.unit, nudge.source)
        text = "{word} one weight by {h}: loss falls by {d}"
        with self.step(text, name="nudge", word=word, h=f"{abs(nudge.change):g}", d=fall):
            self.play(fade_in([edge]), view.tag(view.last - 1, nudge.source, f"{nudge.source + 1:,}"))
            weight = f"weight {nudge.source + 1:,} → {name}: {nudge.before:.3f} → {nudge.after:.3f}".replace("-", "−")
            self.play(self.line.change((weight, "emphasis"), f"     loss: {before} → {after}"))
        a, delta, product = nudge.texts
        row = view.columns.row(view.last, nudge.unit)
        role = "positive" if nudge.gradient < 0 else "negative"
        origins = {0: view.columns.point(view.last - 1, nudge.source), 2: view.bars.place(row)}
        with self.step("No trial needed: gradient = activation × delta", name="gradient"):
            h, change = f"{nudge.change:+g}".replace("-", "−").lstrip("+"), format_number(nudge.predicted, 3)
            more = f"     loss: {h} × gradient = {change},", f"measured {format_number(nudge.measured, 3)}"
            self.play(view.drop_tags(), view.tag(view.last - 1, nudge.source, f"{nudge.source + 1:,}: {a}"))
            self.play(self.line.change(a, "×", (delta, role), "=", (product, "emphasis"), origins=origins))
            self.play(self.line.extend(*more))
        count = self.found[-1].gradient.size
        with self.step("The same for all {n} output weights", name="output-weights", n=count):
            self.play(
                self.line.change("gradient = activation × delta"), fade_out([edge]), view.drop_tags(), view.unmark()
            )
            self.play(view.gradient_flow(view.last))
            self.play(view.change_legend("delta", "gradient", view.gradient_samples(view.last)))

    # ---- hidden layers

    def one_neuron(self) -> None:
        """A hidden neuron's delta: the sum of what comes back, times its slope."""
        view, unit, (derivative, slope, delta) = self.view, self.unit, self.product
        k, found = view.last - 1, self.found[-2]
        decimals = len(derivative.partition(".")[2])
        n = len(self.trace.classes)
        text = "Neuron {u}: sum of weight × delta of {n} outputs"
        with self.step(text, name="neuron", u=unit + 1, n=n):
            terms, origins = view.backward_sum(view.last, unit, decimals, TERMS)
            self.play(view.delta_flow(view.last, unit), view.tag(k, unit, f"{unit + 1:,}"))
            self.play(view.change_legend("delta", "weight × delta", view.gradient_samples(view.last)))
            self.play(self.line.change(*terms, origins=origins))
        call = activation_call(self.trace, found.layer)
        idle = int(((found.delta == 0) & (found.by_output != 0)).sum())
        slope = slope.rstrip("0").rstrip(".") if float(slope) in (0.0, 1.0) else slope
        with self.step("× its slope {s}: delta {d}", name="slope", s=slope, d=delta):
            note = [(f"     slope 0 at {idle:,} of {len(found.delta):,}: delta 0", "muted")] * (idle > 0)
            product = self.line.change(derivative, "×", (slope, "emphasis"), "=", delta, *note)
            z, a, rise = (float(v[unit]) for v in (call.sums, found.layer.output, found.slopes))
            if call.function is None or len(call.names) > 1 or not np.isfinite(rise):
                self.play(product, view.delta(k, rows=view.columns.row(k, unit)))
            else:
                title = f"neuron {unit + 1:,} · slope: rise of activation / of sum"
                curve = TangentCurve(self.theme, self.area, call.function, z, a, rise, slope, title)
                self.play(self.clear_stage())
                self.play_all(curve.appear())
                self.play(product)
                self.body = curve.mobjects

    def layers_back(self) -> None:
        """Deltas flow back, layer by layer."""
        view, found = self.view, self.found
        sizes = [one.mean_size for one in found]
        smaller = all(a < b for a, b in pairwise(sizes))
        text = "Back through dense layers" if self.blocks else "Layer by layer back"
        text += ": smaller at each" if smaller and len(found) > 2 else ""
        if len(found) == 1:
            return
        with self.step(text, name="layers"):
            self.play(self.line.change(), self.restore(), view.drop_tags(), view.unmark())
            for k in range(view.last, 1, -1):
                self.play(view.delta_flow(k, run_time=0.6), view.delta(k - 1, delay=0.4))
                self.play(view.tag_deltas(k - 1), view.fade_flow(k, 0.5))
            self.play(view.change_legend("delta", "line: weight × delta", view.gradient_samples(view.last), False))
            names = [*(f"hidden {k}:" if len(found) > 2 else "hidden:" for k in range(1, len(found))), "output:"]
            words = [f"{name} {format_number(s)}" for name, s in zip(names, sizes, strict=True)]
            shown = words if len(words) <= 4 else [*words[:2], "…", words[-1]]
            self.play(self.line.change(("mean size of the deltas:", "muted"), "   ←   ".join(shown)))

    def first_layer(self) -> None:
        """One picture of gradients a neuron: the image itself, in the colour of its delta."""
        found = self.found[0]
        unit = int(np.abs(found.delta).argmax())
        name = self.name if len(self.name) < 8 else "image"
        with self.step("First layer: delta × {x} draws the {c}", name="first-layer", x=self.noun, c=name):
            self.play(self.line.change(), self.clear_stage())
            self.show_input_gradients(found, unit)

    def conclude(self) -> None:
        """Sum up one gradient and what the batch changed, or the step if there was no batch."""
        nudge, effect, view = self.nudge, self.effect, self.view
        a, delta, product = nudge.texts
        start, sums = f"Weight {nudge.source + 1:,} → ", f": {a} × {delta} = {product}"
        (name,) = clip_names([self.trace.classes[nudge.unit]], min(8, MAX_CHARACTERS - len(start + sums)))
        first = start + name + sums
        second = "One step: loss {} → {}".format(*format_losses(self.trace.loss or 0.0, effect.trace.loss or 0.0))
        if self.moral and len(self.moral) <= MAX_CHARACTERS:
            second = self.moral
        gone = self.clear_stage()
        view.recall_deltas()
        if self.kernel_body:
            first = f"A kernel weight: {self.kernel.deltas.size:,} products, sum {self.kernel_sum}"
        back = self.put_up(self.kernel_body) if self.kernel_body else self.restore()
        self.takeaway("{one}", "{two}", self.line.change(), gone, back, one=first, two=second)
