"""Dashboard

{run} ({network}, {snapshot}) on a sequence of images, misclassified ones among them: the image and its prediction, the
class probabilities, the most active neurons (or the most variable feature maps) with their contributions, the confusion
matrix so far and the accuracy on all images, activation magnitude by layer, the weights into the predicted class, and
the confidence of each prediction.
"""

from matplotlib.artist import Artist
from matplotlib.text import Text

from netcore.analysis.image_sequence import sample_sequence
from netcore.analysis.predictions import predict_samples, whole_accuracy
from netcore.core.context import SceneContext
from netcore.viz.mpl.blitting import Update
from netcore.viz.mpl.boxes import Box, figure_box
from netcore.viz.mpl.dashboard_panels import (
    ActivityPanel,
    ConfidencePanel,
    ConfusionPanel,
    DashboardPanel,
    InputPanel,
    NetworkPanel,
    ProbabilityPanel,
    WeightPanel,
)
from netcore.viz.mpl.style import MARGIN, TITLE, ThemedFigure
from netcore.viz.mpl.text import add_text, ellipsize, text_width
from netcore.viz.mpl.timeline import frame_index

NEEDS = ("examples",)
ORDER = 70
ANIMATED = True
MISTAKES = 5  # of so many images, one is misclassified at least, as far as there are some


def draw(
    fig: ThemedFigure,
    context: SceneContext,
    *,
    digits: str = "",
    images: int = 12,
    seed: int = 0,
    seconds: float = 24.0,
) -> Update:
    """Draw the seven panels.

    Parameters
    ----------
    digits : str
        Classes of the images: 0-9, or 3,5,8, or names; default: all.
    images : int
        Number of images, one of five misclassified at least; the chosen one comes last.
    seed : int
        Seed of the order of the images.
    seconds : float
        Duration of the animation; by default 2 s an image.
    """
    feed = sample_sequence(context, digits, images, seed, images // MISTAKES)
    facts = predict_samples(context, feed)
    trace = context.trace(sample=feed[-1])
    title = f"Dashboard of {context.run_name}"
    body, note = _heading(fig, title)
    upper, lower = body.rows(1.72, 1, gap=14)
    a, b, c, d = upper.columns(1.22, 1.36, 2.95, 1.25, gap=16)
    e, f, g = lower.columns(1.25, 1, 1.1, gap=24)
    network = NetworkPanel(fig, c, trace)
    panels: list[DashboardPanel] = [
        InputPanel(fig, a, trace),
        ProbabilityPanel(fig, b, trace),
        network,
        ConfusionPanel(fig, d, context.classes, *whole_accuracy(context)),
        ActivityPanel(fig, e, facts),
        WeightPanel(fig, f, context.classes, facts.output_weights),
        ConfidencePanel(fig, g, len(feed)),
    ]

    last = f"image {len(feed)} of {len(feed)} · {trace.snapshot}"
    chosen = f"{network.diagram.selection} · " if network.diagram.selection else ""
    if text_width(fig, chosen + last) > body.w - 10 - text_width(fig, title, TITLE, "bold"):
        chosen = ""

    def update(t: float) -> list[Artist]:
        i = frame_index(t, len(feed))
        note.set_text(f"{chosen}image {i + 1} of {len(feed)} · {trace.snapshot}")
        now = context.trace(sample=feed[i])
        return [note, *(artist for panel in panels for artist in panel.update(now, facts, i))]

    update(1.0)
    return update


def _heading(fig: ThemedFigure, title: str) -> tuple[Box, Text]:
    whole = figure_box(fig)
    title = ellipsize(fig, title, 0.6 * whole.w, TITLE, "bold")
    add_text(fig, MARGIN, 12, title, fontsize=TITLE, fontweight="bold")
    note = add_text(fig, whole.w - MARGIN, 17, "", ha="right", color=fig.theme.muted)
    return whole.inset(MARGIN, 46, MARGIN, 12), note
