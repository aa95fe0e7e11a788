"""Loss and accuracy through training, and the losses of single images."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.snapshot_predictions import Curve, SnapshotPredictions
from netcore.core.formatting import format_percent, format_value
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.plot import Plot
from netcore.viz.film.components.time_chart import DOT, TimeChart
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons, Rectangles
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.time_axis import TimeAxis
from netcore.viz.theme import Theme

HEADER = 0.42  # height of the line above the charts
ROOM = 2.6  # of the labels beside the losses of images
SPACING = 0.42  # least distance of two labels
AXIS_ROOM = 0.8  # below the losses of images: names of classes
REST = 0.35  # opacity of the curve after the cursor
SMALL_DOT = 2.6 * PIXEL
RING = 2 * DOT  # radius of the circle around a point
LABEL_OFFSET, LABEL_MARGIN = 0.3, 0.03  # of the name of a line, from the line and from a curve
LABEL_GAP = 0.1  # between a line and the name that interrupts it
SHORTEST = 0.3  # piece of an interrupted line
CLASS_SHARE = 0.5  # of the distance of two classes: width of the dots of one


class LearningCurves:
    """Mean loss above accuracy, over one axis of training steps.

    Parameters
    ----------
    theme : Theme
    area : Area
    axis : TimeAxis
    found : SnapshotPredictions
    curves : pair of Curve
        Loss and accuracy, see `recorded_curves`.
    """

    def __init__(
        self, theme: Theme, area: Area, axis: TimeAxis, found: SnapshotPredictions, curves: tuple[Curve, Curve]
    ) -> None:
        self.theme, self.axis = theme, axis
        loss, accuracy = curves
        self.even = float(np.log(found.logits.shape[2]))
        self.high = float(np.ceil(2.2 * max(loss[1].max(), found.loss.max(), self.even))) / 2
        upper, lower = Area(area.left, area.bottom, area.right, area.top - HEADER).rows([0.46, 0.54], 0.25)
        text = ellipsize_line(found.words, area.width, LABEL)
        self.header = text_line(text, LABEL, theme.rgb("muted"), at=(area.left, area.top - HEADER / 2), align=(-1, 0))
        margin = max(line_width(text, LABEL) for text in (format_percent(1.0), format_value(self.high))) + 0.12
        words = "mean loss (low is good)", "accuracy (share correct)"
        self.loss = TimeChart(
            theme, upper, axis, words[0], *loss, found.loss, format_value, 0.0, self.high, False, margin
        )
        self.accuracy = TimeChart(
            theme, lower, axis, words[1], *accuracy, found.accuracy, format_percent, 0.0, 1.0, True, margin
        )
        self.even_line: list[ArrayMobject] = self._even_line()

    def _even_line(self) -> list[ArrayMobject]:
        """A line at an even guess, interrupted by its name."""
        line, label = self.loss.line_at(self.even), self._even_label()
        (left, low), (right, high), box = *line.points[:2, :2], label.bounding_box()
        if box[1] > high or box[3] < low:
            return [line, label]
        spans = [(left, box[0] - LABEL_GAP), (box[2] + LABEL_GAP, right)]
        corners = [[[a, low], [b, high]] for a, b in spans if b > a + SHORTEST]
        return [Rectangles(corners, fill=[*self.theme.rgb("muted"), 1.0]), label]

    def _even_label(self) -> TextLine:
        """Name the line at its height, or near it, where the curve leaves room for it."""
        plot, y = self.loss.plot, float(self.loss.height_of(self.even))
        points = self.loss.curve.points
        for side, up in ((1, 0), (-1, 0), (1, 1), (1, -1), (-1, -1), (-1, 1)):
            label = text_line(
                f"even guess: {format_value(self.even)}", LABEL, self.theme.rgb("muted"),
                at=(plot.right - 0.15 if side > 0 else plot.left + 0.15, y + up * LABEL_OFFSET), align=(side, 0),
            )  # fmt: skip
            box = label.bounding_box() + np.array([-1, -1, 1, 1]) * LABEL_MARGIN
            xs = np.linspace(box[0], box[2], 50)
            curve = np.column_stack([xs, np.interp(xs, points[:, 0], points[:, 1])])
            if not (_inside(curve, box) or _inside(self.loss.cursor.spots, box + np.array([-1, -1, 1, 1]) * RING)):
                return label
        return label

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All of it."""
        return [self.header, *self.loss.mobjects, *self.accuracy.mobjects, *self.even_line]

    @property
    def timed(self) -> list[ArrayMobject]:
        """What follows the time."""
        return [*self.loss.timed, *self.accuracy.timed]

    def show_rest(self) -> None:
        """Show faintly what comes after the cursor, from now on."""
        for chart in (self.loss, self.accuracy):
            chart.curve.rest = REST

    def half_line(self) -> list[ArrayMobject]:
        """Return a line at an accuracy of one half, with its value."""
        chart = self.accuracy
        at = chart.plot.left - 0.12, float(chart.height_of(0.5))
        return [chart.line_at(0.5), text_line(chart.form(0.5), LABEL, self.theme.rgb("muted"), at=at, align=(1, 0))]

    def rings(self, k: int) -> Neurons:
        """Return circles around the points of a snapshot."""
        spots = [chart.cursor.spots[k] for chart in (self.loss, self.accuracy)]
        ground, emphasis = self.theme.rgb("background"), self.theme.rgb("emphasis")
        return Neurons(spots, RING, ground, emphasis, width=2.0, z_index=-1)

    def ends(self) -> list[ArrayMobject]:
        """Return texts of the first and the last values, in place of those at the cursor."""
        out: list[ArrayMobject] = []
        for chart in (self.loss, self.accuracy):
            first, last = (chart.form(float(chart.at_snapshots[k])) for k in (0, -1))
            box = chart.words.bounding_box()
            at = (chart.plot.right + 0.1, (box[1] + box[3]) / 2)
            out.append(text_line(f"{first} → {last}", NUMBER, self.theme.rgb("foreground"), at=at, align=(1, 0)))
        return out


def _inside(points: NDArray[np.float64], box: NDArray[np.float64]) -> bool:
    """Whether one of some points (N, 2) is inside a box."""
    return bool(((points > box[:2]) & (points < box[2:])).all(1).any())


class LossDots:
    """Losses of many images as dots on one axis, with their mean, an even guess and one image named beside it.

    Parameters
    ----------
    theme : Theme
    area : Area
    losses : ndarray, shape (N,)
        In any order: dots of a class are side by side, around its tick.
    labels : ndarray of int, shape (N,)
    classes : sequence of str
    even : float
        Loss of an even guess.
    own : tuple of (float, int, int or None)
        Of one image: loss, true class, and place among the N, None if it is not one of them.
    own_name : str
    """

    def __init__(
        self, theme: Theme, area: Area, losses: NDArray[np.float64], labels: NDArray[np.int_], classes: Sequence[str],
        even: float, own: tuple[float, int, int | None], own_name: str,
    ) -> None:  # fmt: skip
        own_loss, true, place = own
        mean = float(losses.mean())
        high = max(float(np.ceil(2.2 * max(mean, even, own_loss))) / 2, float(np.quantile(losses, 0.95)))
        box = Area(area.left + 0.85, area.bottom + AXIS_ROOM, area.right - ROOM, area.top - 0.6)
        self.plot = plot = Plot(theme, box, (0.0, 1.0), (0.0, high))
        self.above = int((losses > high).sum())
        step = max(0.5, float(np.ceil(high / 6)))
        self.axes: list[ArrayMobject] = [
            plot.axes(), *plot.y_ticks({v: f"{v:g}" for v in np.arange(0, high + 1e-9, step)}),
            plot.y_title("loss of each image (low is good)"),
        ]  # fmt: skip
        x, ticks = class_places(labels, true, place)
        own_x = ticks[true] if place is None else float(x[place])
        self.axes += _class_axis(plot, {at: classes[k] for k, at in ticks.items()})
        self.goals = plot.at(x, np.minimum(losses, high))
        muted = theme.rgb("muted")
        self.dots = Neurons(self.goals, SMALL_DOT, muted, muted, losses, width=0)
        ink, emphasis = theme.rgb("foreground"), theme.rgb("emphasis")
        self.own = Neurons(
            plot.at(own_x, own_loss), 1.5 * SMALL_DOT, ink, theme.rgb("background"), [own_loss], width=1, z_index=2
        )
        rows = [(even, f"even guess: {format_value(even)}", muted), (mean, f"mean: {format_value(mean)}", emphasis),
                (own_loss, f"{own_name}: {format_value(own_loss)}", ink)]  # fmt: skip
        ys = spread_places([float(plot.at(0, v)[0, 1]) for v, _, _ in rows], SPACING, box.bottom, box.top)
        right = box.right + 0.3
        self.even_line, self.mean_line, self.own_line = (
            [
                Edges([plot.at(0.0 if k < 2 else own_x, v)[0], (box.right, plot.at(0, v)[0, 1])],
                      [(box.right, plot.at(0, v)[0, 1]), (right - 0.08, y)], [*rgb, 1.0], 1.5, z_index=1 - (k == 0)),
                text_line(text, LABEL, rgb, at=(right, y), align=(-1, 0)),
            ]
            for k, ((v, text, rgb), y) in enumerate(zip(rows, ys, strict=True))
        )  # fmt: skip

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All of it."""
        return [*self.axes, self.dots, self.own, *self.even_line, *self.mean_line, *self.own_line]

    def drop(self, run_time: float = 1.2) -> Animate:
        """Return the animation in which the dots fall to their losses, one after another."""
        start = self.goals.copy()
        start[:, 1] = self.plot.area.top
        return Animate(
            self.dots,
            start={"points": self.dots.points_at(start), "opacity": 1.0},
            points=self.dots.points_at(self.goals),
            run_time=run_time,
            lag_ratio=1.0,
        )

    def gather(self, spot: NDArray[np.float64], run_time: float = 0.8) -> Animate:
        """Return the animation in which the dots meet at one point and leave."""
        goal = self.dots.points_at(np.repeat(np.reshape(spot, (1, 2)), len(self.goals), 0))
        return Animate(self.dots, points=goal, opacity=0.0, run_time=run_time, remover=True)


def _class_axis(plot: Plot, middles: Mapping[float, str]) -> list[ArrayMobject]:
    """Name the classes along the horizontal axis if all names fit, and give it a title."""
    title = text_line("true class", LABEL, plot.theme.rgb("muted"), at=(plot.area.center[0], plot.area.bottom - 0.62))
    widths = [line_width(name, LABEL) + 0.1 for name in middles.values()]
    gaps = np.diff([0.0, *middles, 1.0])[1:-1] * plot.area.width
    fits = all(gap > (a + b) / 2 for gap, a, b in zip(gaps, widths, widths[1:], strict=False))
    return [title, *(plot.x_ticks(middles) if fits and max(widths) < plot.area.width / 3 else [])]


def class_places(labels: NDArray[np.int_], true: int, own: int | None) -> tuple[NDArray[np.float64], dict[int, float]]:
    """Return horizontal places in [0, 1] of images, beside one another around their class, and those of the classes.

    Parameters
    ----------
    labels : ndarray of int, shape (N,)
    true : int
        A class that has a place even without images.
    own : int or None
        An image that is in the middle of its class.

    Examples
    --------
    >>> x, ticks = class_places(np.array([0, 1, 1]), 1, None)
    >>> x.round(2).tolist(), ticks
    ([0.25, 0.69, 0.81], {0: 0.25, 1: 0.75})
    """
    present = np.union1d(labels, [true])
    ticks = {int(k): (i + 0.5) / len(present) for i, k in enumerate(present)}
    x = np.empty(len(labels))
    for k, tick in ticks.items():
        index = np.flatnonzero(labels == k)
        if own is not None and k == labels[own]:
            others = index[index != own]
            index = np.insert(others, len(others) // 2, own)
        x[index] = tick + CLASS_SHARE / len(present) * ((np.arange(len(index)) + 0.5) / max(len(index), 1) - 0.5)
    return x, ticks


def spread_places(places: Sequence[float], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Move places apart until neighbours have a distance of `gap`, in the same order, within limits if they fit.

    Examples
    --------
    >>> spread_places([1.0, 1.1, 3.0], 0.5, 0.0, 4.0).round(2).tolist()
    [0.8, 1.3, 3.0]
    """
    order = np.argsort(places, kind="stable")
    at = np.array(places, dtype=float)[order]
    for _ in range(10 * len(at)):
        for k in range(len(at) - 1):
            missing = gap - (at[k + 1] - at[k])
            if missing > 1e-9:
                at[k] -= missing / 2
                at[k + 1] += missing / 2
        at += max(0.0, low - at[0])
        at -= max(0.0, at[-1] - high)
    out = np.empty_like(at)
    out[order] = at
    return out
