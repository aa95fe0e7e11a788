"""Predictions

Predictions and confidence of {run} ({network}, {snapshot}) on images held out from training. Green frames: correct, red
frames: misclassified.
"""

import numpy as np

from netcore.core.context import SceneContext
from netcore.core.formatting import format_count
from netcore.core.probabilities import class_probabilities
from netcore.viz.mpl.captioned_grid import captioned_grid
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_color_legend, add_heading
from netcore.viz.wording import prediction_lines

NEEDS = ("examples",)
ORDER = 30


def draw(fig: ThemedFigure, context: SceneContext, *, images: int = 24) -> None:
    """Draw the images with the predictions below.

    Parameters
    ----------
    images : int
        Number of example images.
    """
    theme, examples, classes = fig.theme, context.examples(), context.classes
    pixels, labels = examples.images[:images], examples.labels[:images]
    shares = class_probabilities(context.predict_batch(pixels)["logits"])
    predicted = shares.argmax(1)
    right = predicted == labels
    body, note = add_heading(fig, f"Predictions of {context.display_name}", legend_width=250)
    add_color_legend(fig, {"correct": theme.correct, "misclassified": theme.incorrect})
    captions = [prediction_lines(classes, k, p, t) for k, t, p in zip(predicted, labels, shares.max(1), strict=True)]
    colors = list(np.where(right, theme.correct, theme.incorrect))
    count = len(captioned_grid(fig, body, pixels, captions, colors).images())
    correct = f"{right[:count].sum()} of {format_count(count, 'example image')} correct"
    note.set_text(f"{correct} · {context.snapshot().label}")
