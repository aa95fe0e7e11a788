"""Predictions

What {run} ({network}, {snapshot}) says of images held out from training, and how sure it is: right answers are framed
in green, wrong ones in red.
"""

import numpy as np
from scipy.special import softmax

from netcore.core.formatting import format_count
from netcore.viz.mpl.captioned_grid import captioned_grid, prediction_caption
from netcore.viz.mpl.text import add_color_legend, add_heading

NEEDS = ("examples",)
ORDER = 30


def draw(fig, context, *, images: int = 24):
    """Draw the images with the answers below.

    Parameters
    ----------
    images : int
        How many example images.
    """
    theme, examples, classes = fig.theme, context.examples(), context.classes
    pixels, labels = examples.images[:images], examples.labels[:images]
    shares = softmax(context.predict_batch(pixels)["logits"].astype(float), axis=1)
    predicted = shares.argmax(1)
    right = predicted == labels
    body, note = add_heading(fig, f"What {context.display_name} says", aside=200)
    add_color_legend(fig, {"right": theme.correct, "wrong": theme.incorrect})
    captions = [prediction_caption(classes, k, t, p) for k, t, p in zip(predicted, labels, shares.max(1), strict=True)]
    colors = list(np.where(right, theme.correct, theme.incorrect))
    count = len(captioned_grid(fig, body, pixels, captions, colors).tiles())
    note.set_text(f"{right[:count].sum()} of {format_count(count, 'example image')} right · {context.snapshot().label}")
