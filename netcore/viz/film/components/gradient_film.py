"""Base class of the film on backpropagation, with its training steps."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from netcore.analysis.backpropagation import (
    LayerGradient,
    choose_neuron,
    layer_gradients,
    nudge_weight,
    print_product,
)
from netcore.analysis.blocks import Graph
from netcore.analysis.cnn_blocks import CnnBlocks, cnn_blocks
from netcore.analysis.dense_layers import ADVICE, mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.learning_moment import LearningMoment, find_moment, pick_batch
from netcore.analysis.training_effect import (
    BatchGradients,
    StepEffect,
    predicted_change,
    scale_step,
    step_length,
    take_step,
)
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_number, format_subset, format_value
from netcore.core.network import Network, OptimizerStep
from netcore.core.run import LabeledImages
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.backward_view import BackwardView
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.gradient_fan import GradientFan
from netcore.viz.film.components.gradient_wording import (
    balance_terms,
    batch_words,
    better_worse,
    change_words,
    format_losses,
    images_of,
    step_words,
)
from netcore.viz.film.components.labelled_bars import LabelledBars
from netcore.viz.film.components.map_grid import MapGrid
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.film import Film
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.dense_areas import DenseAreas

BATCH = 32  # images of the batch, at most
LARGE, LARGE_BATCH = 5_000_000, 8  # parameters above which the batch is smaller
PIXELS = 40  # brightest ones, of which one is shown in numbers
MAX_ROW = 0.7  # height of a class's row
MAX_MAPS = 16  # of a layer


class GradientFilm(Film):
    """A film that shows gradients of one image; `open_gradients` comes first."""

    def open_gradients(self) -> None:
        """Choose snapshot and image, read the gradients, choose what is followed, and lay out the stage."""
        self.moment: LearningMoment = find_moment(self.context)
        self.network: Network = self.context.network(self.moment.snapshot)
        self.trace: Trace = self.network.trace(self.moment.sample, backward=True)
        self.graph: Graph = graph_of_trace(self.trace)
        self.blocks: CnnBlocks | None = cnn_blocks(self.trace) if self.graph.map_blocks() else None
        layers = self.blocks.dense if self.blocks else mlp_layers(self.trace, self.graph)
        if not layers:
            raise RequirementError(f"the scores must come from a dense layer, got none: {ADVICE}")
        self.found: list[LayerGradient] = layer_gradients(self.trace, layers)
        self.line = SumLine(self.theme, self.sum_line_box)
        self.nudge = nudge_weight(self.network, self.moment.sample, self.trace, self.found[-1])
        last = len(self.found)
        keep = {last: [self.nudge.unit], last - 1: [self.nudge.source]}
        if last > 1:
            self.unit, self.product = choose_neuron(self.found[-2])
            keep[last - 1].append(self.unit)
        source = "values" if self.blocks else "inputs"
        limits = self.max_units, self.max_classes
        self.view = BackwardView(self.theme, self.trace, self.found, DenseAreas(self.stage), *limits, keep, source)
        assert self.trace.label is not None
        self.name = clip_names([self.trace.classes[self.trace.label]], 12)[0]
        self.loss = format_number(self.trace.loss or 0.0, 4)
        scaled = self.trace.pixels.astype(np.float32) / 255
        self.noun = "pixel" if np.allclose(self.trace.input, scaled, atol=1e-3) else "input"
        self.away = False  # whether the network has left the stage
        self.body: list[ArrayMobject] = []  # what is shown in its place
        self.kernel_body: list[ArrayMobject] = []  # what was shown of a kernel
        self.moral = ""  # what the comparison of a step on one image with one on many says

    @property
    def snapshot_label(self) -> str:
        """Label of the snapshot that is shown."""
        return self.moment.snapshot.label

    def play_all(self, plays: Iterable[list[Animate]]) -> None:
        """Play lists of animations one after another."""
        for animations in plays:
            if animations:
                self.play(*animations)

    def clear_stage(self) -> list[Animate]:
        """Return the animations in which network, or what is shown in its place, leaves."""
        gone = fade_out(self.body) if self.away else self.view.leave()
        self.away, self.body = True, []
        return gone

    def put_up(self, mobjects: Iterable[ArrayMobject], delay: float = 0.0) -> list[Animate]:
        """Return the animations in which something appears in place of the network."""
        new = list(mobjects)
        self.body = [*self.body, *new]
        return fade_in(new, delay)

    def restore(self) -> list[Animate]:
        """Return the animations in which the network comes back."""
        if not self.away:
            return []
        gone, self.away, self.body = fade_out(self.body), False, []
        return [*gone, *self.view.come_back()]

    def gradient_grid(self, values: ArrayLike, index: Iterable[int], title: str, area: Area, note: str = "") -> MapGrid:
        """Make tiles of gradients (N, H, W) in the colours of what the loss asks for; the scale shows gradients."""
        wishes, chosen = -np.asarray(values, float), list(index)
        limit = float(np.abs(wishes).max()) or 1.0
        return MapGrid(self.theme, wishes, area, chosen, title, note, vmax=limit, signed=True, ends=(limit, -limit))

    @property
    def area(self) -> Area:
        """Where pictures are shown in place of the network."""
        return self.view.areas.main

    # ---- pictures of gradients

    def show_input_gradients(self, found: LayerGradient, unit: int) -> None:
        """Show the gradients of neurons of the first layer as pictures, the largest delta first."""
        shape = self.trace.input.shape
        order = [unit, *(int(k) for k in np.argsort(-np.abs(found.delta), kind="stable") if k != unit)]
        count = max(1, MAX_MAPS // shape[0])
        shown = order[: min(count, self.max_units)]
        values = found.gradient[shown].reshape(-1, *shape[1:])
        title = (
            f"gradients of {format_subset(len(shown), len(found.delta), 'neuron')}, largest first: neuron {unit + 1:,}"
        )
        grid = self.gradient_grid(values, range(len(values)), title, self.area, "weight should fall or rise")
        self.play(self.put_up(grid.mobjects))
        x = np.asarray(found.layer.inputs, float)
        bright = np.argsort(-np.abs(x), kind="stable")[:PIXELS]
        gray = [k for k in bright if 0 < abs(x[k]) < 0.99 * abs(x[bright[0]])] or bright[:1]
        _, texts = print_product([(float(found.delta[unit]), float(x[k])) for k in gray])
        words = f"neuron {unit + 1:,}: delta {texts[0]} × {self.noun} {texts[1]} ="
        self.play(self.line.change(words, (texts[2], "emphasis")))
        self.grid = grid

    # ---- training steps

    def training_step(self) -> None:
        """One step on this image, on many others, and one on a batch."""
        one = LabeledImages("examples", self.moment.sample.pixels[None], np.array([self.trace.label]))
        images = self.context.images("held_out")
        self.effect: StepEffect = take_step(self.network, self.moment.sample, one, images)
        effect, view = self.effect, self.view
        step = effect.step
        before, after = format_losses(self.trace.loss or 0.0, effect.trace.loss or 0.0)
        who = f"of {step.optimizer}" if step.recorded else "of plain SGD"
        with self.step("One step {who}: loss {a} → {b}", name="step", who=who, a=before, b=after):
            self.play(self.line.change(), self.restore(), view.drop_tags())
            changes = [step.weights[one.weight].reshape(one.gradient.shape) - one.layer.weight for one in self.found]
            self.play(view.change_flows(changes))
            self.play(view.change_legend("delta", "change of weight, of %", view.change_samples()))
            p, index = effect.trace.probabilities, view.index[-1]
            self.play(view.bars.change(p[index], 1.0 - float(p[index].sum())))
            measured = (effect.trace.loss or 0.0) - (self.trace.loss or 0.0)
            text = change_words(predicted_change(self.trace, step), measured)
            self.play(self.line.change(step_words(self.trace, step), "     " + text))
        self.others(effect)
        self.batch(images)

    def others(self, effect: StepEffect) -> None:
        """Which other images got better by the step on this one."""
        text = f"{len(effect.before):,} {images_of(effect.images.part)}: {better_worse(effect)}"
        with self.step("{text}", name="others", text=text):
            self.play(self.line.change(), self.clear_stage())
            self.play(self.put_up(self.class_shares(effect)))
            self.play(self.line.change(*balance_terms(effect)))

    def class_shares(self, effect: StepEffect) -> list[ArrayMobject]:
        """Make bars of the share of each class's images that got better."""
        share, classes, area = effect.share_better(len(self.trace.classes)), self.trace.classes, self.area
        known = np.flatnonzero(np.isfinite(share))  # classes of which there are images
        shown = [k for k in self.view.index[-1] if k in known] or known[: self.max_classes].tolist()
        names = [clip_names([classes[k]], 12)[0] for k in shown]
        bottom = max(area.bottom, area.top - 0.5 - MAX_ROW * len(shown))
        box = Area(area.left, bottom, area.right, area.top - 0.5)
        bars = LabelledBars(self.theme, box, names, [float(share[k]) for k in shown])
        head = ellipsize_line("share of each class with a lower loss after the step", area.width, LABEL)
        self.class_bars = bars.bars
        title = text_line(head, LABEL, self.theme.rgb("muted"), at=(area.center[0], area.top - 0.2))
        return [title, bars.bars, *bars.texts]

    def batch(self, images: LabeledImages) -> None:
        """Gradients of a batch, their mean, and the losses after a step on all of them."""
        limit = LARGE_BATCH if self.graph.parameters() > LARGE else min(self.context.batch_size or BATCH, BATCH)
        chosen = pick_batch(self.context, self.moment.sample, limit)
        if len(chosen.labels) < 2:
            return
        self.batch_images = chosen
        found = BatchGradients(self.network.gradient_products(chosen.images, chosen.labels))
        self.gradients = found
        n, lengths = len(chosen.labels), [format_value(v) for v in (found.lengths[0], found.length_of_mean)]
        text = "This gradient: length {a}; mean of {n}: {b}"
        with self.step(text, name="batch", n=n, a=lengths[0], b=lengths[1]):
            self.play(self.line.change(), self.clear_stage())
            fan = GradientFan(self.theme, self.area, found, images_of(chosen.part))
            self.play_all(fan.appear())
            self.body = fan.mobjects
            self.fan = fan
            words = f"length: √ of the sum of {self.graph.parameters():,} squares;"
            self.play(self.line.change(words, "what points apart cancels"))
        self.batch_step(images)

    def batch_step(self, images: LabeledImages) -> None:
        """A step on the batch, made as long as that on one image: only the directions differ."""
        weights = self.context.weights(self.moment.snapshot)

        def scale(step: OptimizerStep) -> OptimizerStep:
            self.factor = step_length(weights, self.effect.step) / max(step_length(weights, step), 1e-12)
            return scale_step(weights, step, self.factor)

        effect = take_step(self.network, self.moment.sample, self.batch_images, images, scale)
        self.batch_effect: StepEffect = effect
        text, self.moral = batch_words(self.effect, effect, len(self.batch_images.labels))
        with self.step("{text}", name="batch-step", text=text):
            losses = [float(v.mean()) for v in (effect.before, effect.after, self.effect.after)]
            before, after, alone = format_losses(*losses)
            self.play(self.line.change(), self.clear_stage())
            self.play(self.put_up(self.class_shares(effect)))
            length = f"step × {format_number(self.factor)}: as long as one image's;"
            self.play(self.line.change(length, f"mean loss {before} → {after}, one image's: {alone}"))


def digits_of(value: float) -> int:
    """Digits after the decimal point with which a value has three that count."""
    return max(2, 2 - int(np.floor(np.log10(abs(value))))) if value else 2
