"""The surest mistakes

Images that {run} ({network}) gets wrong, the surest mistakes first: what it says, and what it is.
"""

import numpy as np
from scipy.special import softmax

from netcore.analysis.predictions import stored_predictions
from netcore.core.formatting import format_count, format_subset
from netcore.viz.mpl.captioned_grid import captioned_grid, prediction_caption
from netcore.viz.mpl.style import LABEL
from netcore.viz.mpl.text import add_heading, add_text

NEEDS = ("examples",)
ORDER = 36


def draw(fig, context, *, images: int = 24):
    """Draw the mistakes with both classes below.

    Parameters
    ----------
    images : int
        At most so many.
    """
    theme, classes = fig.theme, context.classes
    pixels, labels, shares, total, source = _seen(context)
    predicted, sure = shares.argmax(1), shares.max(1)
    wrong = np.flatnonzero(predicted != labels)
    chosen = wrong[np.argsort(-sure[wrong], kind="stable")][:images]
    body, note = add_heading(fig, f"The surest mistakes of {context.display_name}", f"no mistake on {source}")
    if not len(chosen):
        add_text(fig, body.x, body.y + 20, "No image among these is misclassified.", fontsize=LABEL)
        return
    captions = [prediction_caption(classes, predicted[i], labels[i], sure[i], 1) for i in chosen]
    count = len(captioned_grid(fig, body, pixels[chosen], captions, [theme.incorrect] * len(chosen)).tiles())
    note.set_text(f"{format_subset(count, total, 'mistake')} on {source}, the surest first")


def _seen(context) -> tuple:
    """Images, labels, probabilities, how many mistakes there are in all, and on what."""
    if context.evaluations:
        stored = context.evaluation()
        if "mistake_images" in stored.extra:
            found, index = stored_predictions(context), stored.extra["mistake_index"]
            total = int((~found.right).sum())
            return stored.extra["mistake_images"], found.labels[index], found.probabilities[index], total, found.words
    examples = context.examples()
    shares = softmax(context.predict_batch(examples.images)["logits"].astype(float), axis=1)
    total = int((shares.argmax(1) != examples.labels).sum())
    return examples.images, examples.labels, shares, total, format_count(len(examples.labels), "example image")
