"""Predictions

What {run} ({network}, {snapshot}) says of images held out from training, and how sure it is: right answers are framed
in green, wrong ones in red.
"""

import numpy as np
from scipy.special import softmax

from netcore.core.formatting import format_count
from netcore.stage.gallery import caption, gallery
from netcore.stage.plot import heading, legend

NEEDS = ("examples",)
ORDER = 30


def draw(fig, case, *, images: int = 24):
    """Draw the images with the answers below.

    Parameters
    ----------
    images : int
        How many example images.
    """
    theme, examples, classes = fig.theme, case.examples(), case.classes
    pixels, labels = examples.images[:images], examples.labels[:images]
    shares = softmax(case.passes(pixels)["logits"].astype(float), axis=1)
    said = shares.argmax(1)
    right = said == labels
    body, note = heading(fig, f"What {case.display_name} says", aside=200)
    legend(fig, {"right": theme.right, "wrong": theme.wrong})
    captions = [caption(classes, k, t, p) for k, t, p in zip(said, labels, shares.max(1), strict=True)]
    colours = list(np.where(right, theme.right, theme.wrong))
    count = len(gallery(fig, body, pixels, captions, colours).tiles())
    note.set_text(f"{right[:count].sum()} of {format_count(count, 'example image')} right · {case.snapshot().label}")
