"""Choose the images that an animation goes through."""

from collections.abc import Iterable

import numpy as np

from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.sample import Sample


def sample_sequence(context: SceneContext, digits: str = "", images: int = 20, seed: int = 0) -> list[Sample]:
    """Images of those classes, one of each and then the next ones, in the order that `seed` gives; the case's own last.

    Raises
    ------
    NetcoreError
        If a class does not exist, or less than one image is asked for.
    """
    if images < 1:
        raise NetcoreError(f"--images must be at least 1, got {images}")
    wanted = _classes(digits, context.classes)
    examples = context.examples()
    found = _samples(context, _in_turn(examples.labels, wanted, np.random.default_rng(seed)))
    own = [] if digits and context.sample.label not in wanted else [context.sample]
    feed = found[: images - len(own)] + own
    if not feed:
        raise RequirementError(f"run '{context.run_name}' has no example image of {digits}")
    return feed


def other_samples(context: SceneContext, count: int) -> list[Sample]:
    """The first `count` examples, without the chosen image."""
    return _samples(context, range(len(context.examples().labels)))[: max(0, count)]


def _samples(context: SceneContext, places: Iterable[int]) -> list[Sample]:
    examples, chosen = context.examples(), context.sample.pixels
    found = [Sample(examples.images[k], int(examples.labels[k])) for k in places]
    return [sample for sample in found if not np.array_equal(sample.pixels, chosen)]


def _in_turn(labels: np.ndarray, wanted: list[int], rng: np.random.Generator) -> list[int]:
    """Positions of the images of `wanted` classes: round by round one of each, in random order."""
    order = rng.permutation(len(labels))
    queues = [[int(k) for k in order if labels[k] == c] for c in wanted]
    rounds = [[queue[i] for queue in queues if i < len(queue)] for i in range(max(map(len, queues), default=0))]
    return [int(k) for found in rounds for k in rng.permutation(found)]


def _classes(text: str, names: list[str]) -> list[int]:
    """Positions of the classes that ``0-4,7`` names; all where it is empty."""
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
