"""Forward propagation

A picture goes through {network}, layer by layer, with the network's real numbers: the pixels become inputs, each edge
carries weight × activation (blue raises a neuron's sum, orange lowers it), each neuron shows its activation, and softmax
turns the scores into probabilities. The answer is {prediction} with {confidence}; the true class is {label}.
"""

import numpy as np

from netcore.stage.facts import some_of
from netcore.stage.film import (
    BODY, HUGE, NOTE, PX, TITLE, Bars, Boxes, Change, Edges, Film, Line, Neurons, Pixels, formula, label, shorten,
    text_width,
)  # fmt: skip
from netcore.stage.layout import between, column, pixel_boxes, row_frames, spread, strip_frames, upright
from netcore.stage.network import Dense, mlp_stages, strongest, unit

NEEDS = ("mlp",)

RADIUS = 0.15  # of a neuron, at most
PITCH = 0.5  # of neurons in a column, at most
LOW, HIGH = -2.45, 2.4  # between which the network stands, where the frame is 8 high
THUMB = (-6.81, 0.1, 2.0)  # left, bottom and side of the picture beside the network
STRIP = (-4.42, -4.26)  # left and right side of the unrolled pixels
FIRST, RIGHT = -3.2, 6.81  # the input column, the right margin
BAR = 1.9  # length of a full bar
PERCENT = 1.0  # room of the percentages


class ForwardPropagation(Film):
    """One picture's way through a network of dense layers.

    Attributes
    ----------
    shown : int
        Neurons shown in a layer, at most: the most active ones.
    outputs : int
        Classes shown, at most: the most probable ones, the true one always among them.
    hold : float
        Seconds that the last frame stands.
    """

    shown: int = 16
    outputs: int = 10
    hold: float = 2.0

    def construct(self):
        self.trace = self.case.trace()
        self.stages = mlp_stages(self.trace)
        self.choose()
        self.place()
        self.show_picture()
        self.unroll()
        self.show_network()
        for stage in self.stages:
            self.propagate(stage)
        self.softmax()
        self.verdict()
        self.wait(self.hold)

    # ---- what is shown, and where

    def choose(self):
        """Indices shown of each layer, the inputs first."""
        trace, last = self.trace, self.stages[-1]
        keep = [trace.prediction] + ([trace.label] if trace.label is not None else [])
        self.index = [strongest(stage.inputs, self.shown) for stage in self.stages]
        self.index.append(strongest(trace.probabilities, max(self.outputs, len(keep)), keep))
        self.sizes = [len(stage.inputs) for stage in self.stages] + [len(last.output)]

    def place(self):
        names = [self.trace.classes[k] for k in self.index[-1]]
        self.names = [shorten(name, 1.7, BODY) for name in names]
        self.name_width = max(text_width(name, BODY) for name in self.names)
        self.bars_left = RIGHT - PERCENT - BAR
        last = self.bars_left - 0.2 - self.name_width - 0.2 - RADIUS
        xs = spread(len(self.sizes), FIRST, last)
        scale = self.height / 8
        self.low, self.high = LOW * scale, HIGH * scale
        rows = [
            column(len(i), x, self.low, self.high, len(i) < n, PITCH)
            for i, x, n in zip(self.index, xs, self.sizes, strict=True)
        ]
        self.centres = [centres for centres, _ in rows]
        self.dots = [dots for _, dots in rows]
        steps = [abs(np.diff(c[:, 1])).min() for c in self.centres if len(c) > 1]
        self.radius = min([RADIUS] + [0.42 * s for s in steps])

    # ---- the picture

    def show_picture(self):
        theme, trace = self.theme, self.trace
        c, h, w = trace.pixels.shape
        self.rgb = trace.pixels.transpose(1, 2, 0) / 255 if c == 3 else theme.activation(trace.pixels.mean(0) / 255)
        side = 4.9
        size = np.array([w, h]) * side / max(h, w)
        self.large = upright(-size[0] / 2, 0.05 - size[1] / 2, *size)
        self.picture = Pixels(self.rgb, self.large, outline=theme.rgb("faint"))
        named = f"A picture of “{trace.classes[trace.label]}”" if trace.label is not None else "A picture"
        count = f"{h} × {w} = {h * w:,} pixels" if c == 1 else f"{c} × {h} × {w} = {c * h * w:,} numbers"
        self.play(
            self.head(),
            self.say(f"{named}: {count}"),
            Change(self.picture, start={"opacity": 0.0}, opacity=1.0, run_time=0.5),
        )
        self.wait(0.7)

    def unroll(self):
        """Each row turns by a quarter and takes its place in one long column."""
        theme, trace = self.theme, self.trace
        c, h, w = trace.pixels.shape
        channels = [self.rgb * (np.arange(3) == k) for k in range(3)] if c == 3 else [self.rgb]
        rows = np.concatenate([channel[:, None] for channel in channels])  # (C·H, 1, W, 3)
        frames = np.concatenate([row_frames(self.large, h)] * len(channels))
        self.strip = Pixels(rows, frames)
        target = strip_frames(*STRIP, self.low, self.high, len(rows))
        left, bottom, side = THUMB
        size = np.array([w, h]) * side / max(h, w)
        self.thumb = upright(left + (side - size[0]) / 2, bottom, *size)
        self.play(
            self.say(f"Row by row, the pixels unroll into one column of {self.sizes[0]:,} inputs"),
            Change(self.picture, opacity=0.25, run_time=0.3),
            Change(self.strip, points=target, lag=2.0, run_time=1.5),
        )
        self.play(Change(self.picture, points=self.thumb, opacity=1.0, run_time=0.6))

    # ---- the network

    def show_network(self):
        theme = self.theme
        ground, muted, faint = (theme.rgb(role) for role in ("ground", "muted", "faint"))
        self.columns = [Neurons(c, self.radius, ground, faint if k else muted) for k, c in enumerate(self.centres)]
        first = self.columns[0]
        first.values = self.stages[0].inputs[self.index[0]]
        n, (low, high) = self.sizes[0], (self.low, self.high)
        ys = high - (self.index[0] + 0.5) / n * (high - low)
        ends = self.centres[0] - [self.radius + 0.04, 0]
        leads = Edges(np.column_stack([np.full(len(ys), STRIP[1]), ys]), ends, [*muted, 0.8], 1.0)
        marks = Boxes(
            pixel_boxes(self.thumb, self.index[0], self.trace.pixels.shape[1:]),
            line=[*theme.rgb("emphasis"), 1.0],
            width=1.3,
        )
        self.ellipses = [Neurons(d, 1.6 * PX, muted, muted, width=0) for d in self.dots if len(d)]
        self.labels = self.layer_labels()
        classes = [
            label(name, BODY, theme.rgb("ink"), at=(c[0] + self.radius + 0.2, c[1]), align=(-1, 0))
            for name, c in zip(self.names, self.centres[-1], strict=True)
        ]
        hidden = {"opacity": 0.0}
        shown = len(self.index[0])
        self.play(
            self.say(
                f"The {shown} strongest of the {n:,} inputs are shown" if shown < n else f"All {n:,} inputs are shown"
            ),
            Change(marks, start=hidden, opacity=1.0, run_time=0.3),
            Change(leads, start={"progress": 0.0}, progress=1.0, run_time=0.5, after=0.2),
            Change(first, start=hidden, opacity=1.0, fill=self.shade(first.values), run_time=0.5, after=0.4, lag=0.5),
            [Change(m, start=hidden, opacity=1.0, run_time=0.3, after=0.6) for m in self.columns[1:] + self.ellipses],
            [
                Change(m, start=hidden, opacity=1.0, run_time=0.3, after=0.6)
                for m in self.labels + classes + self.legend()
            ],
        )

    def layer_labels(self) -> list[Line]:
        theme, out = self.theme, []
        last = len(self.sizes) - 1
        for k, (index, n, c) in enumerate(zip(self.index, self.sizes, self.centres, strict=True)):
            name = "input" if k == 0 else "output" if k == last else "hidden" if last == 2 else f"hidden {k}"
            x = c[0, 0]
            out.append(label(name, NOTE, theme.rgb("ink"), at=(x, self.low - 0.3)))
            out.append(label(some_of(len(index), n), NOTE, theme.rgb("muted"), at=(x, self.low - 0.6)))
        return out

    def legend(self) -> list:
        """What the colours of edges mean."""
        theme, (left, bottom, _) = self.theme, THUMB
        out: list = [label("weight × activation", NOTE, theme.rgb("muted"), at=(left, bottom - 0.5), align=(-1, 0))]
        for k, (role, word) in enumerate((("positive", "raises the sum"), ("negative", "lowers the sum"))):
            y = bottom - 0.85 - 0.33 * k
            out.append(Edges([(left, y)], [(left + 0.45, y)], [*theme.rgb(role), 1.0], 3.0))
            out.append(label(word, NOTE, theme.rgb("muted"), at=(left + 0.6, y), align=(-1, 0)))
        return out

    def shade(self, values: np.ndarray, functions: tuple[str, ...] = ()) -> np.ndarray:
        """Fill of neurons (N, 3): from ground to ink, or by sign where some are negative."""
        t = unit(values, functions)
        return self.theme.signed(t) if (t < 0).any() else self.theme.activation(t)

    # ---- the layers

    def edges(self, stage: Dense) -> Edges:
        """All shown edges into a layer, with what they really carry."""
        k, theme = stage.number, self.theme
        values = stage.contributions(self.index[k], self.index[k - 1]).ravel()
        strength = np.abs(values) / max(np.abs(values).max(), 1e-12)
        colours = np.where(values[:, None] < 0, theme.rgb("negative"), theme.rgb("positive"))
        rgba = np.column_stack([colours, 0.06 + 0.94 * strength])
        rgba[values == 0, 3] = 0.0
        starts, ends = between(self.centres[k - 1], self.centres[k], self.radius + 0.03)
        return Edges(starts, ends, rgba, 0.5 + 3.0 * strength, values=values)

    def propagate(self, stage: Dense):
        k, theme = stage.number, self.theme
        last = stage is self.stages[-1]
        edges, neurons = self.edges(stage), self.columns[k]
        pace = min(1.0, 3.2 / len(self.stages))
        middle = (self.centres[k - 1][0, 0] + self.centres[k][0, 0]) / 2
        total = self.show_formula(stage.sum_formula + (f" quad {stage.activation_formula}" if not last else ""), middle)
        into = stage.weight.shape[1]
        words = (
            {
                True: f"Output layer: one score z for each of the {len(stage.z):,} classes",
                k == 1: f"Each neuron adds up {into:,} times weight × activation, and its bias",
            }.get(True)
            if k == 1 or last
            else f"Hidden layer {k}: the same again, from {into:,} activations"
        )
        dim = [Change(self.now, opacity=0.35, run_time=0.4)] if k > 1 else []
        self.play(
            self.say(words),
            total,
            dim,
            Change(
                edges,
                start={"progress": 0.0},
                progress=1.0,
                order=np.tile(np.linspace(0, 1, len(self.index[k - 1])), len(self.index[k])),
                lag=0.6,
                run_time=pace,
            ),
        )
        neurons.values = (stage.z if last else stage.output)[self.index[k]]
        fill = self.shade(neurons.values, () if last else stage.functions)
        self.play(Change(neurons, fill=fill, ring=theme.rgb("muted"), lag=0.5, run_time=0.6 * pace))
        self.now = edges

    def show_formula(self, source: str, x: float) -> list:
        """Show a formula over the place that it speaks of, in place of the one before."""
        new = formula(source, TITLE, self.theme.rgb("ink"), at=(x, self.high + 0.55))
        room = self.width / 2 - 0.3 - new.width / 2
        new.move_to((np.clip(x, -room, room), new.get_center()[1], 0))
        old = getattr(self, "formula", None)
        self.formula = new
        out = [Change(old, opacity=0.0, run_time=0.2, remove=True)] if old is not None else []
        return out + [
            Change(new, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, after=0.2 if old is not None else 0.0)
        ]

    # ---- the answer

    def softmax(self):
        theme, p = self.theme, self.trace.probabilities[self.index[-1]]
        ys = self.centres[-1][:, 1]
        pitch = abs(np.diff(ys)).min() if len(ys) > 1 else PITCH
        thick = min(0.26, 0.6 * pitch)
        corners = np.stack(
            [
                np.column_stack([np.full(len(ys), x), ys + s * thick / 2])
                for x, s in ((self.bars_left, -1), (self.bars_left + BAR, 1))
            ],
            axis=1,
        )
        self.bars = Bars(corners, 0.0, theme.rgb("muted"), theme.rgb("faint"))
        self.percents = [
            label(percent(v), BODY, theme.rgb("ink"), at=(RIGHT, y), align=(1, 0)) for v, y in zip(p, ys, strict=True)
        ]
        neurons = self.columns[-1]
        neurons.values = p
        shown = len(self.index[-1])
        count = f"the {shown:,}" if shown == self.sizes[-1] else f"all {self.sizes[-1]:,}"
        self.play(
            self.say(f"Softmax turns {count} scores into probabilities that add up to 100 %"),
            self.show_formula("p_k = e^(z_k) / (sum_j e^(z_j))", self.bars_left),
            Change(self.bars, values=p, run_time=0.9, after=0.2),
            Change(neurons, fill=theme.activation(p), run_time=0.9, after=0.2),
            [Change(m, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, after=0.8) for m in self.percents],
        )

    def verdict(self):
        theme, trace = self.theme, self.trace
        winner, label_ = trace.prediction, trace.label
        name, sure = trace.classes[winner], percent(trace.probabilities[winner])
        row = int(np.flatnonzero(self.index[-1] == winner)[0])
        role = "emphasis" if label_ is None else "right" if winner == label_ else "wrong"
        colour = theme.rgb(role)
        words = {"emphasis": "", "right": " — right", "wrong": f" — wrong, it is {trace.classes[label_ or 0]}"}[role]
        fill, ring = self.bars.fill.copy(), self.columns[-1].ring.copy()
        fill[row], ring[row] = colour, colour
        big = label(
            f"{shorten(name, 2)}  {sure}{words}", TITLE, colour, bold=True, at=(RIGHT, self.high + 0.55), align=(1, 0)
        )
        rgba = self.now.rgba.copy()
        into = np.arange(len(rgba)) // len(self.index[-2]) == row
        rgba[~into, 3] *= 0.2
        self.play(
            self.say(f"The answer is the most probable class: {name}"),
            Change(self.formula, opacity=0.0, run_time=0.2, remove=True),
            Change(self.bars, fill=fill, run_time=0.5),
            Change(self.columns[-1], ring=ring, run_time=0.5),
            Change(self.now, rgba=rgba, run_time=0.5),
            Change(big, start={"opacity": 0.0}, opacity=1.0, run_time=0.5, after=0.2),
        )


def percent(p: float) -> str:
    """A probability as text; what is not quite certain is never called 100 %."""
    return "> 99.9 %" if 0.9995 <= p < 1 else f"{100 * p:.1f} %"
