"""Most confident misclassifications

Images that {run} ({network}) misclassifies, highest confidence first, with predicted class, confidence and true class.
"""

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.predictions import stored_predictions
from netcore.core.context import SceneContext
from netcore.core.formatting import format_count, format_subset
from netcore.core.probabilities import class_probabilities
from netcore.viz.mpl.captioned_grid import captioned_grid
from netcore.viz.mpl.style import LABEL, ThemedFigure
from netcore.viz.mpl.text import add_heading, add_text, ellipsize
from netcore.viz.wording import prediction_lines

NEEDS = ("examples",)
ORDER = 36


def draw(fig: ThemedFigure, context: SceneContext, *, images: int = 24) -> None:
    """Draw the images with predicted and true class below.

    Parameters
    ----------
    images : int
        Maximum number of images.
    """
    theme, classes = fig.theme, context.classes
    pixels, labels, shares, total, source = _seen(context)
    predicted, confidence = shares.argmax(1), shares.max(1)
    wrong = np.flatnonzero(predicted != labels)
    chosen = wrong[np.argsort(-confidence[wrong], kind="stable")][:images]
    body, note = add_heading(fig, f"Most confident misclassifications of {context.display_name}", source)
    if not len(chosen):
        add_text(fig, body.x, body.y + 20, "No image is misclassified.", fontsize=LABEL)
        return
    captions = [prediction_lines(classes, predicted[i], confidence[i], labels[i]) for i in chosen]
    count = len(captioned_grid(fig, body, pixels[chosen], captions, [theme.incorrect] * len(chosen)).images())
    note.set_text(ellipsize(fig, f"{format_subset(count, total)} misclassified · {source}", body.w))


def _seen(context: SceneContext) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.floating], int, str]:
    """Return images, labels, probabilities, the total number of misclassified images, and their source as text."""
    if context.evaluations:
        stored = context.evaluation()
        if "mistake_images" in stored.extra:
            found, index = stored_predictions(context), stored.extra["mistake_index"]
            total = int((~found.correct).sum())
            return (
                stored.extra["mistake_images"],
                found.labels[index],
                found.probabilities[index],
                total,
                found.description,
            )
    examples = context.examples()
    shares = class_probabilities(context.predict_batch(examples.images)["logits"])
    total = int((shares.argmax(1) != examples.labels).sum())
    return examples.images, examples.labels, shares, total, format_count(len(examples.labels), "example image")
