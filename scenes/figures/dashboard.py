"""Dashboard

What {run} ({network}, {snapshot}) does with images, one after another: the image and the answer, the probabilities, the
most active neurons or maps with what they add to one another, all answers so far, how strongly the layers respond, the
weights into the predicted class, and the confidence over time. Animated, image after image.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from netcore.case import Picture
from netcore.errors import NetcoreError, Refused, unknown
from netcore.stage.bars import Bars
from netcore.stage.colours import mix, spread
from netcore.stage.columns import columns
from netcore.stage.mosaic import crisp, image_grid, shown
from netcore.stage.plot import (
    LABEL,
    MARGIN,
    TITLE,
    Box,
    add_axes,
    fit,
    number,
    page,
    percent,
    subtitle,
    width,
    write,
)
from netcore.stage.timeline import frame_of
from netcore.stage.wiring import Wiring
from netcore.trace import Trace

NEEDS = ("examples",)
ANIMATED = True
WINDOW = 50  # predictions that the confidence goes back
LINES = (0.9, 0.5)  # of confidence
BINS = 31
TOP = 26.0  # units of a panel's title


def draw(fig, case, *, digits: str = "", images: int = 20, seed: int = 0, seconds: float = 12.0):
    """Draw the seven panels.

    Parameters
    ----------
    digits : str
        Classes of the images: 0-9, or 3,5,8, or names; all unless given.
    images : int
        How many images go through; the chosen one comes last.
    seed : int
        Of the order of the images.
    seconds : float
        Duration of the animation.
    """
    feed = pictures(case, digits, images, seed)
    facts = _facts(case, feed)
    trace = case.trace(picture=feed[-1])
    body, note = _heading(fig, f"{case.run.title} at work")
    upper, lower = body.rows(1.72, 1, gap=14)
    a, b, c, d = upper.columns(1.06, 1.34, 3.05, 1.3, gap=16)
    e, f, g = lower.columns(1.25, 1, 1.1, gap=24)
    panels = [
        _Input(fig, a, trace),
        _Probabilities(fig, b, trace),
        _Network(fig, c, trace),
        _Confusion(fig, d, case.classes),
        _Activity(fig, e, facts),
        _Weights(fig, f, case.classes, facts.weights),
        _Confidence(fig, g),
    ]

    def update(t: float) -> list:
        i = frame_of(t, len(feed))
        note.set_text(f"image {i + 1} of {len(feed)} · {trace.snapshot}")
        now = case.trace(picture=feed[i])
        return [note, *(artist for panel in panels for artist in panel.show(now, facts, i))]

    update(1.0)
    return update


# ---- what is shown


@dataclass(frozen=True)
class Facts:
    """Answers on all N images, known beforehand so that scales stay.

    probabilities : (N, K).
    labels : (N,), -1 where the true class is not known.
    layers : names of the layers whose activations are measured, the last one gives the scores.
    activity : (2, layers, N), mean and largest magnitude.
    weights : (K, features) into the scores, or None.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    layers: tuple[str, ...]
    activity: np.ndarray
    weights: np.ndarray | None


def pictures(case, digits: str = "", images: int = 20, seed: int = 0) -> list[Picture]:
    """Images of those classes in the order that `seed` gives, the case's own one last.

    Raises
    ------
    NetcoreError
        If a class does not exist, or less than one image is asked for.
    """
    if images < 1:
        raise NetcoreError(f"--images {images}: choose 1 or more")
    wanted = _classes(digits, case.classes)
    examples = case.examples()
    places = np.flatnonzero(np.isin(examples.labels, wanted))
    found = [
        Picture(examples.images[k], int(examples.labels[k]))
        for k in np.random.default_rng(seed).permutation(places)
        if not np.array_equal(examples.images[k], case.picture.pixels)
    ]
    own = [] if digits and case.picture.label not in wanted else [case.picture]
    feed = found[: images - len(own)] + own
    if not feed:
        raise Refused(f"run '{case.run.name}' has no example image of {digits}")
    return feed


def _classes(text: str, names: list[str]) -> list[int]:
    """Positions of the classes that ``0-4,7`` names; all where it is empty."""
    out: list[int] = []
    for part in (word.strip() for word in text.split(",") if word.strip()):
        first, dash, last = part.partition("-")
        if part in names:
            out.append(names.index(part))
        elif dash and first in names and last in names:
            out += range(names.index(first), names.index(last) + 1)
        else:
            raise unknown("class", part, names)
    return out or list(range(len(names)))


def _facts(case, feed: list[Picture]) -> Facts:
    trace = case.trace(picture=feed[-1])
    layers = columns(trace)[1:]
    found = case.passes(np.stack([p.pixels for p in feed]), tuple(c.node for c in layers))
    flat = [np.abs(found[c.node].reshape(len(feed), -1)) for c in layers]
    labels = np.array([-1 if p.label is None else p.label for p in feed])
    return Facts(
        softmax(found["logits"].astype(float), axis=1),
        labels,
        tuple(c.name for c in layers),
        np.stack([[v.mean(1) for v in flat], [v.max(1) for v in flat]]),
        _last_weights(trace),
    )


def _last_weights(trace: Trace) -> np.ndarray | None:
    """Weights into the scores, (K, features): those of the last layer that has a row a class."""
    for layer in reversed(trace.layers):
        if layer.weight is not None and layer.weight.ndim > 1:
            return layer.weight.reshape(len(layer.weight), -1) if len(layer.weight) == len(trace.logits) else None
    return None


# ---- the panels


def _heading(fig, title: str) -> tuple[Box, object]:
    whole = page(fig)
    title = fit(fig, title, 0.6 * whole.w, TITLE, "bold")
    write(fig, MARGIN, 12, title, fontsize=TITLE, fontweight="bold")
    note = write(fig, whole.w - MARGIN, 17, "", ha="right", color=fig.theme.muted)
    return whole.inset(MARGIN, 46, MARGIN, 12), note


class _Input:
    """The image, its true class, the answer and how sure it is."""

    def __init__(self, fig, box: Box, trace: Trace) -> None:
        subtitle(fig, box, "Input")
        self.fig, self.box, self.theme = fig, box, fig.theme
        place = box.inset(top=TOP, bottom=84)
        self.image = image_grid(fig, place, shown(trace.pixels)[None], columns=1, frame=True)
        low = self.image.place(0)
        y = low.y + low.h + 12
        self.texts = [write(fig, box.x, y + 22 * i, "", fontsize=LABEL) for i in range(3)]
        self.texts[1].set_fontweight("bold")

    def show(self, trace: Trace, facts: Facts, i: int) -> list:
        label, said = trace.label, trace.prediction
        role = "emphasis" if label is None else "right" if said == label else "wrong"
        words = (
            "true class not known" if label is None else f"true: {trace.classes[label]}",
            f"says: {trace.classes[said]}",
            f"{percent(float(trace.probabilities.max()))} sure",
        )
        for text, line in zip(self.texts, words, strict=True):
            text.set_text(fit(self.fig, line, self.box.w, LABEL, "bold"))
        self.texts[1].set_color(getattr(self.theme, role))
        return [self.image.set(shown(trace.pixels)[None]), *self.texts]


class _Answer(Bars):
    """Probabilities with the predicted class in one colour, right or wrong."""

    def _colour(self, trace: Trace | None, k: int) -> tuple[str, bool]:
        said = trace is not None and k == trace.prediction
        return (self.theme.right if said else self.theme.positive), said


class _Probabilities:
    def __init__(self, fig, box: Box, trace: Trace) -> None:
        subtitle(fig, box, "Probabilities")
        self.bars = _Answer(fig, box.inset(top=TOP - 2), trace.classes)

    def show(self, trace: Trace, facts: Facts, i: int) -> list:
        return self.bars.show(trace)


class _Network:
    def __init__(self, fig, box: Box, trace: Trace) -> None:
        subtitle(fig, box, "Network")
        theme, right = fig.theme, box.x + box.w
        for words, role in (("lowers", "negative"), ("raises", "positive")):
            write(fig, right, box.y + 0.8, words, ha="right", color=getattr(theme, role))
            right -= width(fig, words) + 10
        self.wiring = Wiring(fig, box.inset(top=TOP + 4), trace)

    def show(self, trace: Trace, facts: Facts, i: int) -> list:
        return self.wiring.show(trace)


class _Confusion:
    """Counts of all answers so far, by true and predicted class; the newest is outlined."""

    def __init__(self, fig, box: Box, classes: list[str]) -> None:
        subtitle(fig, box, "Confusion")
        self.theme, count = fig.theme, len(classes)
        write(fig, box.x + box.w, box.y + TOP - 2, "predicted →", ha="right", color=fig.theme.muted)
        side = min(box.w - 18, box.h - TOP - 66)
        place = Box(box.x + box.w - side, box.y + TOP + 20, side, side)
        write(fig, box.x + 6, place.y + side / 2, "true", color=fig.theme.muted, rotation=90, va="center", ha="center")
        self.ax = add_axes(fig, place)
        self.image = crisp(self.ax, np.zeros((count, count, 3), np.uint8))
        (self.newest,) = self.ax.plot([], [], color=fig.theme.emphasis, linewidth=1.6, clip_on=False)
        self.accuracy = write(fig, box.x + box.w, place.y + side + 8, "", ha="right", fontsize=LABEL, fontweight="bold")

    def show(self, trace: Trace, facts: Facts, i: int) -> list:
        labels, said = facts.labels[: i + 1], facts.probabilities[: i + 1].argmax(1)
        known = labels >= 0
        count = facts.probabilities.shape[1]
        self.counts = np.zeros((count, count), int)
        np.add.at(self.counts, (labels[known], said[known]), 1)
        right, of = int(np.trace(self.counts)), int(known.sum())
        self.accuracy.set_text(f"{right} of {of}: {percent(right / of)}" if of else "")
        self.image.set_data(self._colours())
        y, x = (labels[-1], said[-1]) if known[-1] else (np.nan, np.nan)
        self.newest.set_data(x + np.array([-0.5, 0.5, 0.5, -0.5, -0.5]), y + np.array([-0.5, -0.5, 0.5, 0.5, -0.5]))
        return [self.image, self.newest, self.accuracy]

    def _colours(self) -> np.ndarray:
        """Colours uint8 (K, K, 3): right ones on the diagonal, wrong ones beside it, stronger with their number."""
        share = np.sqrt(self.counts / max(1, self.counts.max()))[..., None]
        ends = np.where(np.eye(len(share), dtype=bool)[..., None], self.theme.rgb("right"), self.theme.rgb("wrong"))
        panel = np.array(mix(self.theme, "ground", "faint", 0.5))
        return np.round(255 * (panel * (1 - share) + ends * share)).astype(np.uint8)


class _Activity:
    """Mean and largest magnitude of each layer's outputs."""

    def __init__(self, fig, box: Box, facts: Facts) -> None:
        theme, rows = fig.theme, np.arange(len(facts.layers))
        subtitle(fig, box, "Activation")
        right = box.x + box.w
        for words, colour in (("max", theme.muted), ("mean", theme.positive)):
            write(fig, right, box.y + 0.8, words, ha="right", color=colour)
            right -= width(fig, words) + 10
        names = min(0.36 * box.w, max(width(fig, name) for name in facts.layers))
        inner = box.inset(left=names + 8, top=TOP, right=84)
        self.top = max(float(facts.activity.max()), 1e-9)
        self.ax = add_axes(fig, inner, xlim=(0, self.top), ylim=(len(rows) - 0.5, -0.5))
        self.ax.axis("off")
        self.largest = self.ax.barh(rows, 0 * rows, height=0.62, color=mix(theme, "ground", "muted", 0.55)).patches
        self.mean = self.ax.barh(rows, 0 * rows, height=0.62, color=theme.positive).patches
        self.ax.axvline(0, color=theme.muted, linewidth=1)
        step = inner.h / len(rows)
        ys = [inner.y + (row + 0.5) * step for row in rows]
        for y, name in zip(ys, facts.layers, strict=True):
            write(fig, box.x + names, y, fit(fig, name, names), ha="right", va="center_baseline")
        self.texts = [write(fig, box.x + box.w, y, "", ha="right", va="center_baseline", color=theme.muted) for y in ys]

    def show(self, trace: Trace, facts: Facts, i: int) -> list:
        for mean, largest, a, b, text in zip(
            *facts.activity[:, :, i], self.mean, self.largest, self.texts, strict=True
        ):
            a.set_width(mean)
            b.set_width(largest)
            text.set_text(f"{number(mean)} · {number(largest)}")
        return [*self.largest, *self.mean, *self.texts]


class _Weights:
    """Histogram of the weights into the predicted class."""

    def __init__(self, fig, box: Box, classes: list[str], weights: np.ndarray | None) -> None:
        theme = fig.theme
        self.fig, self.classes, self.room = fig, classes, box.w
        self.title = write(fig, box.x, box.y, "", fontsize=LABEL, fontweight="bold")
        if weights is None:
            self.counts = None
            return
        limit = spread(weights)
        self.edges = np.linspace(-limit, limit, BINS + 1)
        self.counts = np.stack([np.histogram(row, self.edges)[0] for row in weights])
        self.ax = add_axes(fig, box.inset(top=TOP, bottom=20), xlim=(-limit, limit), yticks=[])
        self.ax.set_ylim(0, 1.08 * self.counts.max())
        self.ax.spines["left"].set_visible(False)
        self.ax.set_xticks([-limit, 0, limit], [number(-limit), "0", number(limit)])
        self.ax.tick_params(length=0, pad=5)
        for text, side in zip(self.ax.get_xticklabels(), ("left", "center", "right"), strict=True):
            text.set_horizontalalignment(side)
        self.bars = self.ax.stairs(self.counts[0], self.edges, fill=True, color=theme.positive)
        self.ax.axvline(0, color=theme.emphasis, linewidth=1.6)

    def show(self, trace: Trace, facts: Facts, i: int) -> list:
        words = f"Weights into {self.classes[trace.prediction]}"
        self.title.set_text(fit(self.fig, words, self.room, LABEL, "bold"))
        if self.counts is None:
            return [self.title]
        self.bars.set_data(self.counts[trace.prediction])
        return [self.title, self.bars]


class _Confidence:
    """Confidence of the last predictions, right and wrong told apart, with two lines to judge it by."""

    def __init__(self, fig, box: Box) -> None:
        theme = fig.theme
        subtitle(fig, box, "Confidence", f"last {WINDOW}")
        self.ax = add_axes(fig, box.inset(left=44, top=TOP + 4, right=6, bottom=8), xlim=(-1, WINDOW), ylim=(0, 1.04))
        self.ax.set_yticks(LINES, [f"{100 * y:.0f} %" for y in LINES])
        self.ax.set_xticks([])
        self.ax.tick_params(length=0, pad=6)
        self.ax.spines["left"].set_visible(False)
        for y, role in zip(LINES, ("right", "negative"), strict=True):
            self.ax.axhline(y, color=getattr(theme, role), linewidth=1.2, linestyle=(0, (4, 3)))
        (self.line,) = self.ax.plot([], [], color=theme.positive, linewidth=1.5)
        self.dots = [
            self.ax.plot([], [], "o", color=getattr(theme, role), markersize=5, clip_on=False)[0]
            for role in ("right", "wrong", "emphasis")
        ]

    def show(self, trace: Trace, facts: Facts, i: int) -> list:
        start = max(0, i + 1 - WINDOW)
        shares = facts.probabilities[start : i + 1]
        y, labels = shares.max(1), facts.labels[start : i + 1]
        x, right = np.arange(len(y)), shares.argmax(1) == labels
        self.line.set_data(x, y)
        for dots, which in zip(self.dots, (right, ~right & (labels >= 0), labels < 0), strict=True):
            dots.set_data(x[which], y[which])
        return [self.line, *self.dots]


class _Facts:
    """Everything that the panels show, for all N images: pixels, labels (−1: not known), answers, outputs of stages."""

    def __init__(self, case, images: int, digits: str) -> None:
        self.trace: Trace = case.trace()
        self.classes = case.classes
        examples = case.examples()
        allowed = np.isin(examples.labels, _numbers(digits, len(self.classes)))
        chosen = np.flatnonzero(allowed)[: max(0, images - 1)]
        self.pixels = np.concatenate([examples.images[chosen], case.picture.pixels[None]])
        own = -1 if case.picture.label is None else case.picture.label
        self.labels = np.append(examples.labels[chosen], own)
        every = [s for s in stages(self.trace, None)]
        self.maps = some_stages([s for s in every if len(self.trace.value(s.node).shape) == 3], 3)
        self.vectors = [s for s in every if self.trace.value(s.node).ndim == 1]
        self.layers = some_stages([s for s in every if s.kinds != ("Flatten",)], 5)
        nodes = {s.node for s in (*self.maps, *self.vectors, *self.layers)}
        self.values = case.passes(self.pixels, tuple(sorted(nodes)))
        self.shares = softmax(self.values["logits"].astype(float), axis=1)
        self.said = self.shares.argmax(1)
        self.right = self.said == self.labels
        matrices = weights_by_layer(case.run, case.weights(), 2)
        self.last = next((w for w in reversed(matrices.values()) if len(w) == len(self.classes)), None)


def _numbers(words: str, count: int) -> list[int]:
    """Class numbers of ``0-9`` or ``3,5,7-9``; all of nothing."""
    if not words:
        return list(range(count))
    found: list[int] = []
    for part in words.replace(" ", "").split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not match or int(match[2] or match[1]) >= count:
            raise NetcoreError(f"--digits takes class numbers from 0 to {count - 1}, like 0-3 or 3,5; not '{words}'")
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return found


class _Image:
    """1: the image, what it is and what the network says."""

    def __init__(self, fig, box: Box, facts: _Facts) -> None:
        self.facts, self.theme, self.fig, self.room = facts, fig.theme, fig, box.w
        subtitle(fig, box, "Image")
        self.mosaic = image_grid(fig, box.inset(top=28, bottom=66), shown(facts.pixels[0])[None], frame=True)
        below = self.mosaic.place(0)
        tops = (below.y + below.h + 8 + 20 * i for i in range(3))
        self.lines = [write(fig, box.x, y, "") for y in tops]

    def show(self, i: int) -> list:
        facts, theme = self.facts, self.theme
        label, said = facts.labels[i], facts.said[i]
        colour = theme.emphasis if label < 0 else theme.right if facts.right[i] else theme.wrong
        true = facts.classes[label] if label >= 0 else "?"
        words = (f"it is {true}", f"says {facts.classes[said]}", f"{percent(facts.shares[i, said])} sure")
        for line, text, c in zip(self.lines, words, (theme.ink, colour, theme.muted), strict=True):
            line.set(text=fit(self.fig, text, self.room), color=c)
        return [self.mosaic.set(shown(facts.pixels[i])[None]), *self.lines]


class _Probabilities:
    """2: bars of the probabilities, the predicted one in the colour of right, the others in blue."""

    def __init__(self, fig, box: Box, facts: _Facts) -> None:
        self.facts, self.theme = facts, fig.theme
        self.order = np.arange(len(facts.classes))
        if len(self.order) > OUTPUTS:
            self.order = strongest(facts.shares.mean(0), OUTPUTS)
        subtitle(fig, box, "Probability")
        names = min(0.5 * box.w, max(width(fig, facts.classes[k]) for k in self.order))
        inner = box.inset(top=26, left=names + 6)
        ax = add_axes(fig, inner, xlim=(0, 1), ylim=(len(self.order) - 0.5, -0.5))
        ax.axis("off")
        ax.axvline(0, color=fig.theme.muted, linewidth=1)
        ax.axvline(1, color=fig.theme.faint, linewidth=1)
        for row, k in enumerate(self.order):
            y = inner.y + (row + 0.5) * inner.h / len(self.order)
            name = fit(fig, facts.classes[k], names)
            write(fig, box.x + names, y, name, ha="right", va="center_baseline", color=fig.theme.muted)
        self.bars = ax.barh(range(len(self.order)), np.zeros(len(self.order)), height=0.66).patches

    def show(self, i: int) -> list:
        for bar, k in zip(self.bars, self.order, strict=True):
            bar.set_width(self.facts.shares[i, k])
            bar.set_facecolor(self.theme.right if k == self.facts.said[i] else self.theme.positive)
        return list(self.bars)


class _Network:
    """3: columns of neurons (of maps, where the network has maps) and the strongest connections."""

    def __init__(self, fig, box: Box, facts: _Facts) -> None:
        self.facts, theme = facts, fig.theme
        subtitle(fig, box, "Network", "the most active; edges: weight × activation")
        names = 14 + min(70, max(width(fig, name) for name in facts.classes))
        inner = box.inset(top=28, bottom=20, left=4, right=names)
        self.vectors = [s for s in facts.vectors if not (facts.maps and s.kinds == ("Flatten",))][-4:]
        count = len(facts.maps) + len(self.vectors)
        places = inner.columns(*[1] * count, gap=12) if count > 1 else [inner]
        self.maps = [self._maps(fig, place, stage) for place, stage in zip(places, facts.maps, strict=False)]
        ax = add_axes(fig, page(fig), xlim=(0, UNITS), ylim=(page(fig).h, 0))
        ax.axis("off")
        columns = []
        for place, stage in zip(places[len(facts.maps) :], self.vectors, strict=True):
            values = np.abs(facts.values[stage.node]).mean(0)
            last = stage is self.vectors[-1]
            most = OUTPUTS if last else INPUTS if stage.kinds == ("Flatten",) else HIDDEN
            chosen = strongest(facts.shares.mean(0) if last else values, most)
            x = place.x + place.w - 6 if last else place.x + (6 if not columns and not facts.maps else place.w / 2)
            columns.append(column(inner, x, chosen, len(values)))
            words = f"{len(chosen)} of {len(values):,}" if len(chosen) < len(values) else f"{len(values):,}"
            write(
                fig,
                x,
                inner.y + inner.h + 4,
                words,
                ha="right" if last else "left" if len(columns) == 1 and not facts.maps else "center",
                color=theme.muted,
            )
        weights = [facts.trace[stage.nodes[0]].weight for stage in self.vectors[1:]]
        self.neurons = Neurons(ax, theme, columns, weights if all(w is not None for w in weights) else [])
        for y, k in zip(columns[-1].y, columns[-1].chosen, strict=True):
            write(
                fig,
                columns[-1].x + 12,
                y,
                fit(fig, facts.classes[k], names - 14),
                va="center_baseline",
                color=theme.muted,
            )

    def _maps(self, fig, box: Box, stage) -> tuple:
        values = self.facts.values[stage.node]  # (N, C, H, W)
        chosen = strongest(values.std((2, 3)).mean(0), 4)
        settings = {"cmap": sequential(fig.theme), "high": max(float(values.max()), 1e-9), "frame": True, "gap": 4}
        mosaic = image_grid(fig, box, values[0, chosen], columns=1, **settings)
        words = f"{len(chosen)} of {values.shape[1]}" if len(chosen) < values.shape[1] else f"{len(chosen)}"
        write(fig, box.x, box.y + box.h + 4, words, color=fig.theme.muted)
        return mosaic, values, chosen

    def show(self, i: int) -> list:
        moved = [mosaic.set(values[i, chosen]) for mosaic, values, chosen in self.maps]
        values = [self.facts.values[stage.node][i] for stage in self.vectors[:-1]]
        return [*moved, *self.neurons.show([*values, self.facts.shares[i]])]


class _Confusion:
    """4: confusion matrix of the images so far, with the accuracy."""

    def __init__(self, fig, box: Box, facts: _Facts) -> None:
        from netcore.stage.colours import confusion_colours

        self.facts, self.theme, self.paint = facts, fig.theme, confusion_colours
        subtitle(fig, box, "Confusion")
        count = len(facts.classes)
        labelled = count <= 10 and max(width(fig, name) for name in facts.classes) < 12
        room = box.inset(top=28, bottom=24 + 18 * labelled, left=16 * labelled)
        side = min(room.w, room.h)
        inner = Box(room.x, room.y, side, side)
        self.image = crisp(add_axes(fig, inner), np.zeros((count, count, 3), np.uint8))
        for k, name in enumerate(facts.classes if labelled else []):
            place = (k + 0.5) * side / count
            write(fig, inner.x - 5, inner.y + place, name, ha="right", va="center_baseline", color=fig.theme.muted)
            write(fig, inner.x + place, inner.y + side + 3, name, ha="center", color=fig.theme.muted)
        self.text = write(fig, box.x, inner.y + side + 4 + 18 * labelled, "")

    def show(self, i: int) -> list:
        known = np.flatnonzero(self.facts.labels[: i + 1] >= 0)
        counts = np.zeros((len(self.facts.classes),) * 2)
        np.add.at(counts, (self.facts.labels[known], self.facts.said[known]), 1)
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        self.image.set_data(np.round(self.paint(self.theme, share) * 255).astype(np.uint8))
        right = int(self.facts.right[known].sum())
        self.text.set_text(f"{percent(right / len(known))} of {len(known)}" if len(known) else "")
        return [self.image, self.text]


class _Layers:
    """5: mean and largest activation of each layer."""

    def __init__(self, fig, box: Box, facts: _Facts) -> None:
        flat = [np.abs(facts.values[s.node]).reshape(len(facts.labels), -1) for s in facts.layers]
        self.measures = np.stack([[f.mean(1), f.max(1)] for f in flat])  # (layers, 2, N)
        subtitle(fig, box, "Activation", "mean, largest")
        names = min(70, max(width(fig, stage.name) for stage in facts.layers))
        inner = box.inset(top=28, left=names + 6, right=70)
        rows = range(len(facts.layers))
        ax = add_axes(fig, inner, xlim=(0, self.measures.max()), ylim=(len(rows) - 0.5, -0.5))
        ax.axis("off")
        nothing = np.zeros(len(rows))
        largest = ax.barh(rows, nothing, height=0.7, color=fig.theme.positive, alpha=0.35).patches
        mean = ax.barh(rows, nothing, height=0.7, color=fig.theme.positive).patches
        self.bars, self.texts = (mean, largest), []
        for row, stage in enumerate(facts.layers):
            y = inner.y + (row + 0.5) * inner.h / len(rows)
            name = fit(fig, stage.name, names)
            write(fig, box.x + names, y, name, ha="right", va="center_baseline", color=fig.theme.muted)
            self.texts.append(write(fig, box.x + box.w, y, "", ha="right", va="center_baseline"))

    def show(self, i: int) -> list:
        for bars, values in zip(self.bars, self.measures[..., i].T, strict=True):
            for bar, value in zip(bars, values, strict=True):
                bar.set_width(value)
        for text, (mean, largest) in zip(self.texts, self.measures[..., i], strict=True):
            text.set_text(f"{number(mean)}, {number(largest)}")
        return [*self.bars[1], *self.bars[0], *self.texts]


class _Weights:
    """6: histogram of the weights into the predicted output, zero marked."""

    def __init__(self, fig, box: Box, facts: _Facts) -> None:
        self.facts, self.fig, self.room = facts, fig, box.w
        subtitle(fig, box, "Weights into")
        self.text = write(
            fig, box.x + width(fig, "Weights into", 15, "bold") + 8, box.y + 0.8, "", color=fig.theme.muted
        )
        ax = chart(fig, box.inset(top=24), left=0, grid=None)
        ax.set_yticks([])
        if facts.last is None:
            self.bars = None
            return
        limit = float(np.abs(facts.last).max()) or 1.0
        self.edges = np.linspace(-limit, limit, 31)
        self.counts = [np.histogram(row, self.edges)[0] for row in facts.last]
        self.bars = ax.stairs(self.counts[0], self.edges, fill=True, color=fig.theme.positive)
        ax.axvline(0, color=fig.theme.emphasis, linewidth=2)
        ax.set(xlim=(-limit, limit), ylim=(0, 1.05 * max(c.max() for c in self.counts)))
        ax.set_xticks([-limit, 0, limit], [number(-limit), "0", number(limit)])
        for text, side in zip(ax.get_xticklabels(), ("left", "center", "right"), strict=True):
            text.set_horizontalalignment(side)

    def show(self, i: int) -> list:
        if self.bars is None:
            return []
        k = int(self.facts.said[i])
        self.bars.set_data(self.counts[k])
        self.text.set_text(fit(self.fig, self.facts.classes[k], self.room - 110))
        return [self.bars, self.text]


class _Confidence:
    """7: confidence of the last predictions, with the lines at 90 % and 50 %."""

    def __init__(self, fig, box: Box, facts: _Facts) -> None:
        self.facts, theme = facts, fig.theme
        ax = chart(fig, box, "Confidence", f"last {min(LAST, len(facts.labels))} images", left=50, grid=None)
        for level, colour in ((0.9, theme.right), (0.5, theme.emphasis)):
            ax.axhline(level, color=colour, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.set(xlim=(-1, min(LAST, len(facts.labels))), ylim=(0, 1.04), xticks=[])
        percents(ax.yaxis)
        ax.set_yticks([0, 0.5, 0.9])
        (self.line,) = ax.plot([], [], color=theme.faint, linewidth=1.5)
        self.dots = ax.scatter([], [], s=22, linewidths=0, zorder=3, clip_on=False)
        known = np.where(facts.right[:, None], theme.rgb("right"), theme.rgb("wrong"))
        self.colours = np.where(facts.labels[:, None] < 0, theme.rgb("emphasis"), known)

    def show(self, i: int) -> list:
        shown = np.arange(max(0, i + 1 - LAST), i + 1)
        sure = self.facts.shares.max(1)[shown]
        self.line.set_data(np.arange(len(shown)), sure)
        self.dots.set_offsets(np.column_stack([np.arange(len(shown)), sure]))
        self.dots.set_facecolors(self.colours[shown])
        return [self.line, self.dots]
