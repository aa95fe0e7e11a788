"""The images that go through a network one after another, and what it answers to them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from netcore.case import Case, Picture
from netcore.errors import NetcoreError, Refused, unknown
from netcore.stage.columns import columns
from netcore.trace import Trace


@dataclass(frozen=True)
class Feed:
    """Answers on all N images, known beforehand so that scales stay.

    probabilities : (N, K).
    labels : (N,), -1 where the true class is not known.
    layers : names of the layers whose activations are measured, the last one gives the scores.
    activity : (2, layers, N), mean and largest magnitude.
    weights : (K, features) into the scores, or None.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    layers: tuple[str, ...]
    activity: np.ndarray
    weights: np.ndarray | None


def pictures(case: Case, digits: str = "", images: int = 20, seed: int = 0) -> list[Picture]:
    """Images of those classes, one of each and then the next ones, in the order that `seed` gives; the case's own last.

    Raises
    ------
    NetcoreError
        If a class does not exist, or less than one image is asked for.
    """
    if images < 1:
        raise NetcoreError(f"--images {images}: choose 1 or more")
    wanted = _classes(digits, case.classes)
    examples = case.examples()
    found = _pictures(case, _in_turn(examples.labels, wanted, np.random.default_rng(seed)))
    own = [] if digits and case.picture.label not in wanted else [case.picture]
    feed = found[: images - len(own)] + own
    if not feed:
        raise Refused(f"run '{case.run_name}' has no example image of {digits}")
    return feed


def other_examples(case: Case, count: int) -> list[Picture]:
    """The first `count` examples, without the chosen image."""
    return _pictures(case, range(len(case.examples().labels)))[: max(0, count)]


def _pictures(case: Case, places: Iterable[int]) -> list[Picture]:
    examples, chosen = case.examples(), case.picture.pixels
    found = [Picture(examples.images[k], int(examples.labels[k])) for k in places]
    return [picture for picture in found if not np.array_equal(picture.pixels, chosen)]


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
                raise NetcoreError(f"no class between {first} and {last}: say {last}-{first}")
            out += range(names.index(first), names.index(last) + 1)
        else:
            raise unknown("class", part, names)
    return out or list(range(len(names)))


def answers_to(case: Case, feed: list[Picture]) -> Feed:
    """Put all images through the network at once."""
    trace = case.trace(picture=feed[-1])
    layers = columns(trace)[1:]
    found = case.passes(np.stack([p.pixels for p in feed]), tuple(c.node for c in layers))
    flat = [np.abs(found[c.node].reshape(len(feed), -1)) for c in layers]
    labels = np.array([-1 if p.label is None else p.label for p in feed])
    return Feed(
        softmax(found["logits"].astype(float), axis=1),
        labels,
        tuple(c.output_name for c in layers),
        np.stack([[v.mean(1) for v in flat], [v.max(1) for v in flat]]),
        _last_weights(trace),
    )


def _last_weights(trace: Trace) -> np.ndarray | None:
    """Weights into the scores, (K, features): those of the last layer that has a row a class."""
    for layer in reversed(trace.layers):
        if layer.weight is not None and layer.weight.ndim > 1:
            return layer.weight.reshape(len(layer.weight), -1) if len(layer.weight) == len(trace.logits) else None
    return None
