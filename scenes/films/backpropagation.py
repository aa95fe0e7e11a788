"""Backpropagation

Which weights of {network} are to blame for its loss on one image, and by how much: probability minus target at the
outputs, activation × delta at each weight, deltas that flow back layer by layer, and one real training step.
True class: {label}.
"""

from decimal import Decimal

import numpy as np

from netcore.analysis.answer_path import activation_call
from netcore.core.formatting import format_number, format_percent, format_value
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.gradient_film import GradientFilm
from netcore.viz.film.components.tangent_curve import TangentCurve

NEEDS = ("dense", "examples")

TERMS = 2  # of a sum that are shown one by one


class Backpropagation(GradientFilm):
    """From the loss of one image back to all weights, and one training step."""

    def construct(self):
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

    def forward(self):
        trace, view = self.trace, self.view
        p = float(trace.probabilities[trace.label])
        who = f"The least sure: a {self.name}" if self.moment.replaced else f"A {self.name}"
        with self.step(
            "{who}, {when}: {p} for it", name="forward", who=who, when=trace.snapshot, p=format_percent(p)
        ):
            self.add(view.picture)
            self.play_all(view.forward())
            self.play(self.line.change("loss = −ln", format_number(p, 4), "=", (self.loss, "emphasis")))

    def wish(self):
        view = self.view
        with self.step("Wish of each output: probability − target", name="wish"):
            self.play(view.dim_forward(), self.line.change())
            self.play(view.bars.show_wishes(), view.delta(view.last, delay=0.8), view.change_legend("delta"))
            delta = view.bars.deltas[view.bars.target]
            terms = f"delta of {self.name}:", f"{1 + Decimal(delta.replace('−', '-'))} − 1 =", (delta, "positive")
            self.play(self.line.change(*terms, f"     all {len(self.trace.classes):,} add up to {view.bars.total}"))

    def one_weight(self):
        nudge, view = self.nudge, self.view
        digits = 5 if abs(nudge.measured) < 0.005 * nudge.loss else 4
        before, after = (format_number(v, digits) for v in (nudge.loss, nudge.loss_after))
        fall = format_number(-nudge.measured, 3)
        word = "Raise" if nudge.change > 0 else "Lower"
        name = clip_names([self.trace.classes[nudge.unit]], 10)[0]
        edge = view.one_edge(nudge.unit, nudge.source)
        text = "{word} one weight by {h}: the loss falls by {d}"
        with self.step(text, name="nudge", word=word, h=f"{abs(nudge.change):g}", d=fall):
            self.play(fade_in([edge]), view.tag(view.last - 1, nudge.source, f"{nudge.source + 1:,}"))
            weight = f"weight {nudge.source + 1:,} → {name}: {nudge.before:.3f} → {nudge.after:.3f}".replace("-", "−")
            self.play(self.line.change((weight, "emphasis"), f"     loss: {before} → {after}"))
        a, delta, product = nudge.texts
        row = view.columns.row(view.last, nudge.unit)
        role = "positive" if nudge.gradient < 0 else "negative"
        origins = {0: view.columns.point(view.last - 1, nudge.source), 2: view.bars.place(row)}
        with self.step("No trial needed: activation × delta", name="gradient"):
            h, change = f"{nudge.change:+g}".replace("-", "−").lstrip("+"), format_number(nudge.predicted, 3)
            more = f"     × {h} = {change}, measured", format_number(nudge.measured, 3)
            self.play(self.line.change(a, "×", (delta, role), "=", (product, "emphasis"), origins=origins))
            self.play(self.line.extend(*more))
        count = self.found[-1].gradient.size
        with self.step("The same for all {n} output weights", name="output-weights", n=count):
            self.play(self.line.change("gradient = activation × delta"), fade_out([edge]), view.drop_tags())
            self.play(view.gradient_flow(view.last))
            self.play(view.change_legend("delta", view.drawn_extremes(view.last), "gradient"))

    # ---- hidden layers

    def one_neuron(self):
        view, unit, (derivative, slope, delta) = self.view, self.unit, self.product
        k, found = view.last - 1, self.found[-2]
        decimals = len(derivative.partition(".")[2])
        n = len(self.trace.classes)
        with self.step("Neuron {u} answers for {n} outputs", name="neuron", u=unit + 1, n=n):
            terms, origins = view.backward_sum(view.last, unit, decimals, TERMS)
            self.play(view.delta_flow(view.last, unit), view.tag(k, unit, f"{unit + 1:,}"))
            self.play(view.change_legend("delta", view.drawn_extremes(view.last), "weight × delta"))
            self.play(self.line.change(*terms, origins=origins))
        call = activation_call(self.trace, found.layer)
        area = self.view.areas.main
        with self.step("× its slope {s}: delta {d}", name="slope", s=slope, d=delta):
            product = self.line.change(derivative, "×", (slope, "emphasis"), "=", delta)
            if call.function is None or len(call.names) > 1:
                self.play(product, view.delta(k, rows=view.columns.row(k, unit)))
            else:
                z, a = float(call.sums[unit]), float(found.layer.output[unit])
                curve = TangentCurve(self.theme, area, call.function, z, a, float(found.slopes[unit]), slope)
                self.play(self.clear_stage())
                self.play_all(curve.appear())
                self.play(product)
                self.body = curve.mobjects

    def layers_back(self):
        view, found = self.view, self.found
        sizes = [one.mean_size for one in found]
        smaller = all(a < b for a, b in zip(sizes, sizes[1:], strict=False))
        text = "Layer by layer back" + (": smaller at each" if smaller and len(found) > 1 else "")
        if len(found) == 1:
            return
        with self.step(text, name="layers"):
            self.play(self.line.change(), self.restore(), view.drop_tags())
            for k in range(view.last, 1, -1):
                self.play(view.delta_flow(k, run_time=0.6), view.delta(k - 1, delay=0.4))
                self.play(view.tag_deltas(k - 1), view.fade_flow(k, 0.5))
            self.play(view.change_legend("delta"))
            words = [format_value(s) for s in sizes]
            shown = words if len(words) <= 5 else [*words[:2], "…", *words[-2:]]
            self.play(self.line.change("mean size of the deltas:", "  ←  ".join(shown)))

    def first_layer(self):
        """One picture of gradients a neuron: the image itself, in the colour of its delta."""
        found, view = self.found[0], self.view
        unit = int(np.abs(found.delta).argmax())
        with self.step("First layer: delta × pixel draws the {c}", name="first-layer", c=self.name):
            self.play(self.line.change(), self.clear_stage())
            self.show_input_gradients(found, unit)

    def conclude(self):
        """Blame, the step, and why batches."""
        nudge, effect = self.nudge, self.effect
        a, delta, product = nudge.texts
        name = clip_names([self.trace.classes[nudge.unit]], 8)[0]
        worse = int((effect.after > effect.before).sum())
        second = "One step: loss {a} → {b}" + ("; {n} others got worse" if worse else "")
        values = {"u": nudge.source + 1, "c": name, "x": a, "y": delta, "z": product, "n": worse}
        loss, after = self.loss, format_number(effect.trace.loss, 4)
        self.takeaway(
            "Weight {u} → {c}: {x} × {y} = {z}", second, self.line.change(), a=loss, b=after, **values
        )
