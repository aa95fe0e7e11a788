"""Training history

Loss and accuracy of {run} ({network}) by epoch, on the training images (mean over the epoch, during training) and on
held-out images (at the end of the epoch; band: 95 % confidence interval), and the learning rate if it changes. Rings:
the best epoch, whose weights are the snapshot "best".
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from netcore.analysis.history import epoch_columns, held_out_text
from netcore.analysis.metrics import wilson_interval
from netcore.core.context import SceneContext
from netcore.core.formatting import format_number, format_percent
from netcore.viz.mpl.axes import add_chart, format_axis_percent
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_color_legend, add_heading, add_subtitle
from netcore.viz.theme import Theme

NEEDS = ("history",)
ORDER = 10
ANIMATED = True
Curve = tuple[Line2D, NDArray[Any], NDArray[Any]]  # with its x and y
Curves = dict[str, NDArray[Any]]


def draw(
    fig: ThemedFigure, context: SceneContext, *, log_scale: bool = False, batch_loss: bool = True, seconds: float = 6.0
) -> Update:
    """Draw the curves; the animation draws them from left to right.

    Parameters
    ----------
    log_scale : bool
        Whether the loss has a logarithmic scale.
    batch_loss : bool
        Whether the loss of single batches is drawn, as a thin line.
    seconds : float
        Duration of the animation.
    """
    theme = fig.theme
    epoch, step, rate = epoch_columns(context, "epoch", "step", "learning_rate")
    curves = {
        key: epoch_columns(context, key)[0] for key in ("train_loss", "val_loss", "train_accuracy", "val_accuracy")
    }
    best = _best_row(context, step)
    body, note = _heading(fig, context, best is not None)
    rates = _batches(context, epoch, step, "learning_rate") or _steps(epoch, rate)
    varies = len(set(rates[1][np.isfinite(rates[1])].tolist())) > 1
    upper, lower = body.rows(1, 0.62, gap=10) if varies else (body, None)
    left, right = upper.columns(1, 1, gap=28)
    x = "" if varies else context.time_unit
    of = context.held_out_count
    of = of if np.isfinite(curves["val_accuracy"]).sum() > 1 else 0
    shares = "band: 95 % confidence interval" if of else "share of correct predictions"
    accuracy = add_chart(fig, right, "Accuracy", shares, x=x, left=54)
    thin = _batches(context, epoch, step) if batch_loss else None
    loss = add_chart(fig, left, " ", x=x)

    charts = ((loss, "loss"), (accuracy, "accuracy"))
    moving = _all_lines(charts, epoch, curves, thin, theme)
    band = _Band(accuracy, epoch, curves["val_accuracy"], of, theme.negative)
    _scales(loss, accuracy, epoch, curves | {"band": band.ends.ravel()}, log_scale)
    add_subtitle(fig, left, "Loss", _loss_note(thin, loss.get_ylim()[1]))
    rings = [] if best is None else [_ring(ax, epoch, curves, name, best, theme.emphasis) for ax, name in charts]
    if lower is not None:
        moving.append(_rate(fig, lower, context.time_unit, epoch[-1], *rates))

    def update(t: float) -> list[Artist]:
        now = t * epoch[-1]
        for line, x, y in moving:
            line.set_data(*_until(now, x, y))
            line.set_markevery(list(range(int((x <= now + 1e-9).sum()))))  # the tip on the way to the next is no value
        note.set_text(_words(context, int(np.searchsorted(epoch, now + 1e-9, side="right")) - 1, epoch, curves))
        for ring in rings:
            ring.set_visible(best is not None and epoch[best] <= now + 1e-9)
        return [*(line for line, _, _ in moving), *band.update(now), *rings, note]

    update(1.0)
    return update


def _heading(fig: ThemedFigure, context: SceneContext, has_best: bool) -> tuple[Box, Text]:
    """Title, legend and the line of words; give the place below them, and that line."""
    legend = {"training": fig.theme.positive, "held out": fig.theme.negative}
    legend |= {f"best {context.time_unit}": fig.theme.emphasis} if has_best else {}
    body, note = add_heading(fig, f"Training history of {context.run_name}", legend_width=330 if has_best else 210)
    add_color_legend(fig, legend)
    return body, note


def _all_lines(
    charts: Iterable[tuple[Axes, str]],
    epoch: NDArray[Any],
    curves: Curves,
    thin: tuple[NDArray[Any], NDArray[Any]] | None,
    theme: Theme,
) -> list[Curve]:
    """The loss of batches in its chart, and the curves of all charts, on training and held-out images."""
    out = []
    for ax, name in charts:
        if thin and name == "loss":
            (line,) = ax.plot(*thin, color=theme.positive, alpha=0.3, linewidth=0.8, zorder=1)
            out.append((line, *thin))
        for part, color in (("train", theme.positive), ("val", theme.negative)):
            out.append(_line(ax, epoch, curves[f"{part}_{name}"], color))
    return out


def _best_row(context: SceneContext, step: NDArray[Any]) -> int | None:
    """Row of the history at the best snapshot, None if it has none."""
    best = context.best_snapshot
    rows = np.flatnonzero(step == best.step) if best is not None else np.array([], int)
    return int(rows[0]) if len(rows) and len(step) > 1 else None


def _ring(ax: Axes, epoch: NDArray[Any], curves: dict[str, NDArray[Any]], name: str, row: int, color: str) -> Artist:
    """A ring around the best epoch's value on held-out images, on training images if there are none."""
    values = [curves[f"{part}_{name}"][row] for part in ("val", "train")]
    known = [value for value in values if np.isfinite(value)]
    settings: dict[str, Any] = {
        "markerfacecolor": "none",
        "markeredgecolor": color,
        "markeredgewidth": 2,
        "markersize": 13,
    }
    (ring,) = ax.plot([epoch[row]] * len(known[:1]), known[:1], "o", clip_on=False, zorder=5, **settings)
    return ring


def _loss_note(thin: tuple[NDArray[Any], NDArray[Any]] | None, top: float) -> str:
    """Unit of the loss, what the thin line is, and its largest value if that is above the axis."""
    if not thin:
        return "cross-entropy, nats"
    largest = float(np.nanmax(thin[1]))
    return f"nats · thin: batches{f', up to {format_number(largest)}' if largest > top else ''}"


class _Band:
    """The 95 % interval of the accuracy on `of` held-out images, as wide as the curve is long; none of none."""

    def __init__(self, ax: Axes, x: NDArray[Any], share: NDArray[Any], of: int, color: str) -> None:
        known = np.isfinite(share)
        self.x = x[known]
        ends = [wilson_interval(round(s * of), of) for s in share[known]] if of else []
        self.ends = np.array(ends).reshape(-1, 2).T
        self.fill = ax.fill_between([], [], [], color=color, alpha=0.2, linewidth=0) if of else None

    def update(self, now: float) -> list[Artist]:
        if self.fill is None:
            return []
        (x, low), (_, high) = (_until(now, self.x, end) for end in self.ends)
        self.fill.set_data(x, low, high)
        return [self.fill]


def _until(now: float, x: NDArray[Any], y: NDArray[Any]) -> tuple[list[float], list[float]]:
    """A curve, as far as it is drawn."""
    upto = int(np.searchsorted(x, now + 1e-9, side="right"))
    end = [np.interp(now, x, y)] if 0 < upto < len(x) else []
    return [*x[:upto], *[now] * len(end)], [*y[:upto], *end]


def _steps(epoch: NDArray[Any], rate: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Corners of a line that holds each epoch's rate from its beginning to its end."""
    return np.repeat([0, *epoch], 2)[1:-1], np.repeat(rate, 2)


def _rate(fig: ThemedFigure, box: Box, unit: str, end: float, epoch: NDArray[Any], rate: NDArray[Any]) -> Curve:
    """The learning rate; the smallest and the largest are labelled."""
    ax = add_chart(fig, box, "Learning rate", x=unit, left=66)
    low, high = np.nanmin(rate), np.nanmax(rate)
    if 20 * low < high < 1000 * low:  # a decay by steps; what ends near 0 is seen better as it is
        ax.set_yscale("log")
        ax.minorticks_off()
        ax.set_ylim(low / 1.5, high * 1.5)
    else:
        ax.set_ylim(low - 0.15 * (high - low), high + 0.15 * (high - low))
    ax.set_yticks([low, high], [format_number(low), format_number(high)])
    ax.set_xlim(0, end or 1)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    line, x, y = _line(ax, epoch, rate, fig.theme.emphasis)
    line.set_marker("")
    return line, x, y


def _line(ax: Axes, x: NDArray[Any], y: NDArray[Any], color: str) -> Curve:
    """A curve with its data; single epochs are marked where there are few."""
    known = np.isfinite(y)
    marker = "o" if known.sum() <= 12 else ""
    (line,) = ax.plot(x[known], y[known], color=color, marker=marker, markersize=5, clip_on=False)
    return line, x[known], y[known]


def _batches(
    context: SceneContext, epoch: NDArray[Any], step: NDArray[Any], key: str = "loss"
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Fractional epochs, and losses or learning rates of single batches, where at least three were logged."""
    rows = [r for r in context.history.get("steps", []) if np.isfinite(r.get(key, np.nan))]
    if len(rows) < 3 or not np.isfinite(step).all():
        return None
    return np.interp([r["step"] for r in rows], [0, *step], [0, *epoch]), np.array([r[key] for r in rows])


def _scales(loss: Axes, accuracy: Axes, epoch: NDArray[Any], curves: Curves, log: bool) -> None:
    known = np.concatenate([curves["train_loss"], curves["val_loss"]])
    known = known[np.isfinite(known)]
    if log and (known > 0).all():
        loss.set_yscale("log")
    elif known.size:
        loss.set_ylim(0, 1.12 * known.max())
    known = np.concatenate([curves["train_accuracy"], curves["val_accuracy"], curves["band"]])
    known = known[np.isfinite(known)]
    if known.size:
        low = known.min() - 0.08 * (1 - known.min())
        accuracy.set_ylim(max(0, low), 1)
    format_axis_percent(accuracy.yaxis)
    for ax in (loss, accuracy):
        ax.set_xlim(0, epoch[-1] or 1)
        ax.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def _words(context: SceneContext, row: int, epoch: NDArray[Any], curves: Curves) -> str:
    if row < 0:
        return f"before the end of {context.time_unit} {epoch[0]:g} of {epoch[-1]:g}"
    parts = [f"{context.time_unit} {epoch[row]:g} of {epoch[-1]:g}"]
    if np.isfinite(value := curves["train_loss"][row]):
        parts.append(f"training loss {format_number(value)} (epoch mean)")
    if np.isfinite(value := curves["val_accuracy"][row]):
        parts.append(f"accuracy {format_percent(value)} on {held_out_text(context)}")
    return " · ".join(parts)
