"""Select the images of an animation."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.sample import Sample


def sample_sequence(
    context: SceneContext, digits: str = "", images: int = 20, seed: int = 0, mistakes: int = 0
) -> list[Sample]:
    """Select images class by class in random order, the context's own sample last.

    Parameters
    ----------
    context : SceneContext
    digits : str
        Names of classes: "0-4,7". Default: all.
    images : int
        Number of images.
    seed : int
    mistakes : int
        Minimum number of misclassified images, as far as there are some; they are spread over the sequence.

    Raises
    ------
    NetcoreError
        If a class does not exist, or `images` is below 1.
    """
    if images < 1:
        raise NetcoreError(f"--images must be at least 1, got {images}")
    wanted = _classes(digits, context.classes)
    examples = context.examples()
    order = _in_turn(examples.labels, wanted, np.random.default_rng(seed))
    own = [] if digits and context.sample.label not in wanted else [context.sample]
    wrong = _misclassified(context, order)[: min(mistakes, images - len(own))] if mistakes else []
    found = _samples(context, [k for k in order if k not in wrong])
    samples = _spread(found, _samples(context, wrong), images - len(own)) + own
    if not samples:
        raise RequirementError(f"run '{context.run_name}' has no example image of {digits}")
    return samples


def other_samples(context: SceneContext, count: int) -> list[Sample]:
    """Return the first `count` examples, without the selected one."""
    return _samples(context, range(len(context.examples().labels)))[: max(0, count)]


def class_examples(context: SceneContext, classes: int, errors: int) -> list[Sample]:
    """Return one correctly predicted example of each class, then misclassified ones, the most confident first.

    Parameters
    ----------
    context : SceneContext
    classes : int
        Maximum number of classes.
    errors : int
        Maximum number of misclassified examples.
    """
    examples = context.examples()
    logits = context.predict_batch(examples.images)["logits"]
    right = logits.argmax(1) == examples.labels
    firsts = [np.flatnonzero(right & (examples.labels == k))[:1] for k in range(len(context.classes))]
    wrong = np.flatnonzero(~right)
    margin = logits.max(1) - logits[np.arange(len(logits)), examples.labels]
    worst = wrong[np.argsort(-margin[wrong], kind="stable")][:errors]
    chosen = [int(k) for k in np.concatenate(firsts)[:classes]] + [int(k) for k in worst]
    return [Sample(examples.images[k], int(examples.labels[k])) for k in chosen]


def _samples(context: SceneContext, indices: Iterable[int]) -> list[Sample]:
    examples, selected = context.examples(), context.sample.pixels
    found = [Sample(examples.images[k], int(examples.labels[k])) for k in indices]
    return [sample for sample in found if not np.array_equal(sample.pixels, selected)]


def _misclassified(context: SceneContext, order: list[int]) -> list[int]:
    examples = context.examples()
    predicted = context.predict_batch(examples.images)["logits"].argmax(1)
    return [k for k in order if predicted[k] != examples.labels[k]]


def _spread(items: list[Sample], among: list[Sample], count: int) -> list[Sample]:
    """Return `count` items, those of `among` at even distances."""
    out = items[: max(0, count - len(among))]
    for k, item in enumerate(among):
        out.insert(round((k + 0.5) * count / len(among)), item)
    return out


def _in_turn(labels: NDArray[np.integer], wanted: list[int], rng: np.random.Generator) -> list[int]:
    """Positions of images of these classes, one of each per round, in random order."""
    order = rng.permutation(len(labels))
    queues = [[int(k) for k in order if labels[k] == c] for c in wanted]
    rounds = [[queue[i] for queue in queues if i < len(queue)] for i in range(max(map(len, queues), default=0))]
    return [int(k) for found in rounds for k in rng.permutation(found)]


def _classes(text: str, names: list[str]) -> list[int]:
    """Positions of the classes "0-4,7"; all if the text is empty."""
    out: list[int] = []
    for part in (word.strip() for word in text.split(",") if word.strip()):
        first, dash, last = part.partition("-")
        if part in names:
            out.append(names.index(part))
        elif dash and first in names and last in names:
            if names.index(first) > names.index(last):
                raise NetcoreError(f"no class between {first} and {last}: use {last}-{first}")
            out += range(names.index(first), names.index(last) + 1)
        else:
            raise unknown_name("class", part, names)
    return out or list(range(len(names)))
