"""The surest mistakes

Images that {run} ({network}) gets wrong, the surest mistakes first: what it says, and what it is.
"""

import numpy as np
from scipy.special import softmax

from netcore.core.formatting import format_count, format_subset
from netcore.stage.answers import answers
from netcore.stage.gallery import caption, gallery
from netcore.stage.plot import LABEL, heading, write

NEEDS = ("examples",)
ORDER = 36


def draw(fig, case, *, images: int = 24):
    """Draw the mistakes with both classes below.

    Parameters
    ----------
    images : int
        At most so many.
    """
    theme, classes = fig.theme, case.classes
    pixels, labels, shares, total, source = _seen(case)
    said, sure = shares.argmax(1), shares.max(1)
    wrong = np.flatnonzero(said != labels)
    chosen = wrong[np.argsort(-sure[wrong], kind="stable")][:images]
    body, note = heading(fig, f"The surest mistakes of {case.display_name}", f"no mistake on {source}")
    if not len(chosen):
        write(fig, body.x, body.y + 20, "No image among these is misclassified.", fontsize=LABEL)
        return
    captions = [caption(classes, said[i], labels[i], sure[i], 1) for i in chosen]
    count = len(gallery(fig, body, pixels[chosen], captions, [theme.wrong] * len(chosen)).tiles())
    note.set_text(f"{format_subset(count, total, 'mistake')} on {source}, the surest first")


def _seen(case) -> tuple:
    """Images, labels, probabilities, how many mistakes there are in all, and on what."""
    if case.evaluations:
        stored = case.evaluation()
        if "mistake_images" in stored.extra:
            found, index = answers(case), stored.extra["mistake_index"]
            total = int((~found.right).sum())
            return stored.extra["mistake_images"], found.labels[index], found.probabilities[index], total, found.words
    examples = case.examples()
    shares = softmax(case.passes(examples.images)["logits"].astype(float), axis=1)
    total = int((shares.argmax(1) != examples.labels).sum())
    return examples.images, examples.labels, shares, total, format_count(len(examples.labels), "example image")
