"""A snapshot at which a network still learns from an image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.history import snapshots_until
from netcore.analysis.regions import evenly_spaced
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.probabilities import class_probabilities
from netcore.core.run import Examples, LabeledImages, Snapshot
from netcore.core.sample import Sample

UNSURE = 0.2, 0.7  # probability of the true class at which its delta and those of the others can be seen
SURE = 0.95  # above it at all snapshots, another image is taken
MIN_ACCURACY = 0.5  # of the examples
MAX_SNAPSHOTS = 60
MAX_TRIED = 8  # snapshots whose accuracy is computed where none is in the range above
FIRST = "the first snapshot that is right on half of the examples and unsure of this image"
NEAREST = "of the snapshots that are right on half of the examples, the one most unsure of this image"
UNSURE_ONLY = "the snapshot most unsure of this image; none is right on half of the examples"
LEAST_SURE = "all snapshots are sure of the image asked for: this is the example with the highest loss"
LEAST_DELTA = 0.005  # of the true class: smaller ones cannot be read as numbers of four digits


@dataclass(frozen=True)
class LearningMoment:
    """Snapshot and image.

    Attributes
    ----------
    snapshot : Snapshot
    sample : Sample
    replaced : bool
        Whether the image is another one than asked for, of which all snapshots are sure.
    reason : str
        Why this snapshot.
    """

    snapshot: Snapshot
    sample: Sample
    replaced: bool
    reason: str


def find_moment(context: SceneContext) -> LearningMoment:
    """Find the first snapshot that classifies half of the examples correctly and is still unsure of the image.

    Its true class must be among the two most probable ones. Where there is no such snapshot, the one is taken whose
    probability is nearest to one half, if possible one that is right on half of the examples; where all are sure, the
    example of which the chosen snapshot is least sure.

    Raises
    ------
    RequirementError
        If the class of the image is not known, or the network is sure of all examples.
    """
    sample = context.sample
    if sample.label is None:
        raise RequirementError("the true class of the image must be known, got none: use --digit or --index")
    snapshots = evenly_spaced(list(snapshots_until(context)), MAX_SNAPSHOTS)
    logits = [context.network(s).predict(sample.pixels[None])["logits"][0] for s in snapshots]
    p = class_probabilities(np.stack(logits))
    share, rank = p[:, sample.label], (p > p[:, [sample.label]]).sum(1)
    able = _Accuracies(context, snapshots, context.examples())
    unsure = np.flatnonzero((share >= UNSURE[0]) & (share <= UNSURE[1]) & (rank < 2))
    for k in unsure.tolist():
        if able[k] >= MIN_ACCURACY:
            return LearningMoment(snapshots[k], sample, False, FIRST)
    nearest = [int(k) for k in np.argsort(np.abs(share - 0.5), kind="stable") if share[k] <= SURE]
    for k in nearest[:MAX_TRIED]:
        if able[k] >= MIN_ACCURACY:
            return LearningMoment(snapshots[k], sample, False, NEAREST)
    if nearest:
        return LearningMoment(snapshots[nearest[0]], sample, False, UNSURE_ONLY)
    return _least_sure(context)


class _Accuracies:
    """Accuracy of snapshots on the examples, computed when it is asked for."""

    def __init__(self, context: SceneContext, snapshots: Sequence[Snapshot], examples: Examples) -> None:
        self.context, self.snapshots, self.examples = context, snapshots, examples

    def __getitem__(self, k: int) -> float:
        logits = self.context.network(self.snapshots[k]).predict(self.examples.images)["logits"]
        return float((logits.argmax(1) == self.examples.labels).mean())


def _least_sure(context: SceneContext) -> LearningMoment:
    """The example with the highest loss at the chosen snapshot, of the asked class if that is not sure too."""
    examples, sample = context.examples(), context.sample
    p = class_probabilities(context.network().predict(examples.images)["logits"])
    share = p[np.arange(len(p)), examples.labels]
    same = np.flatnonzero(examples.labels == sample.label)
    candidates = same if len(same) and share[same].min() <= SURE else np.arange(len(p))
    k = int(candidates[share[candidates].argmin()])
    if 1.0 - share[k] < LEAST_DELTA:
        raise RequirementError(
            f"run '{context.run_name}' is sure of every example at {context.snapshot().label}, which leaves no "
            "gradient to see: use --at with an earlier snapshot"
        )
    return LearningMoment(context.snapshot(), Sample(examples.images[k], int(examples.labels[k])), True, LEAST_SURE)


def pick_batch(context: SceneContext, own: Sample, limit: int) -> LabeledImages:
    """Choose images of one training step, `own` the first; they are the training images if those are at hand."""
    images = context.images("train")
    count = min(limit, len(images.labels))
    order = np.random.default_rng(0).permutation(len(images.labels))
    others = [k for k in order[: count + 1] if not np.array_equal(images.images[k], own.pixels)][: count - 1]
    pixels: NDArray[np.uint8] = np.concatenate([own.pixels[None], images.images[others]])
    return LabeledImages(images.part, pixels, np.array([own.label, *images.labels[others]], np.int64))
