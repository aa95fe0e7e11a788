"""What may be wrong with a run: each function here takes one thing away from a run, or spoils it."""

from collections.abc import Callable

import numpy as np

from netcore.core.run import Run
from netcore.core.run_writer import RunWriter


def no_evaluation(run: Run) -> None:
    run.info["evaluations"] = {}


def no_examples(run: Run) -> None:
    del run.info["examples"]


def no_history(run: Run) -> None:
    run.info["history"] = {"epochs": [], "steps": []}


def nothing_but_weights(run: Run) -> None:
    no_evaluation(run)
    no_examples(run)
    no_history(run)
    one_snapshot(run)
    run.info.pop("stability", None)


def one_snapshot(run: Run) -> None:
    run.info["snapshots"] = run.info["snapshots"][-1:]


def one_example(run: Run) -> None:
    examples = run.examples()
    images, labels = examples.images[:1], examples.labels[:1]
    RunWriter(run).add_examples(images, labels, np.arange(1))


def one_answer(run: Run) -> None:
    stored = run.evaluation()
    _answers(run, stored.logits[:1], stored.labels[:1])


def empty_class(run: Run) -> None:
    """No image of one class, and none taken for it."""
    examples, stored, gone = run.examples(), run.evaluation(), 3 % len(run.classes)
    keep = examples.labels != gone
    images, labels = examples.images[keep], examples.labels[keep]
    RunWriter(run).add_examples(images, labels, np.flatnonzero(keep))
    logits = stored.logits.copy()
    logits[:, gone] = -50
    keep = stored.labels != gone
    _answers(run, logits[keep], stored.labels[keep])


def constant_activations(run: Run) -> None:
    """All weights are zero, so that nothing depends on the image and all classes are equally likely."""
    for snapshot in run.snapshots:
        weights = run.weights(snapshot)
        RunWriter(run).add_snapshot(
            {name: np.zeros_like(w) for name, w in weights.items()}, snapshot.epoch, snapshot.step
        )
    stored = run.evaluation()
    _answers(run, np.zeros_like(stored.logits), stored.labels)


def black_images(run: Run) -> None:
    examples = run.examples()
    arrays = {"images": np.zeros_like(examples.images), "labels": examples.labels, "index": examples.index}
    run.info["examples"] = RunWriter(run).add_arrays("examples.npz", **arrays)


def all_right(run: Run) -> None:
    stored = run.evaluation()
    _answers(run, 20 * np.eye(len(run.classes), dtype=np.float32)[stored.labels], stored.labels)


def all_wrong(run: Run) -> None:
    stored, classes = run.evaluation(), len(run.classes)
    _answers(run, 20 * np.eye(classes, dtype=np.float32)[(stored.labels + 1) % classes], stored.labels)


def no_labels(run: Run) -> None:
    stored = run.evaluation()
    _answers(run, stored.logits, stored.labels[:0])


def nan_answers(run: Run) -> None:
    stored = run.evaluation()
    logits = stored.logits.copy()
    logits[5, 1] = np.nan
    _answers(run, logits, stored.labels)


def nan_weights(run: Run) -> None:
    """As after a training that diverged: the last snapshot holds NaN."""
    last = run.snapshots[-1]
    weights = {name: np.full_like(w, np.nan) if w.dtype.kind == "f" else w for name, w in run.weights(last).items()}
    RunWriter(run).add_snapshot(weights, last.epoch, last.step)


def nan_history(run: Run) -> None:
    rows = run.info["history"]["epochs"]
    rows[-1] |= {"train_loss": float("nan"), "val_loss": None}
    rows.append(rows[-1] | {"epoch": len(rows) + 1, "train_loss": float("inf"), "val_accuracy": None})


def _answers(run: Run, logits: np.ndarray, labels: np.ndarray) -> None:
    run.info["evaluations"] = {}
    RunWriter(run).add_evaluation("made-up", {"count": len(logits)}, logits=logits, labels=labels)


POOR: dict[str, Callable[[Run], None]] = {
    name: spoil for name, spoil in globals().items() if callable(spoil) and getattr(spoil, "__module__", "") == __name__
}
POOR.pop("_answers")


# Which figures are refused on which run; all others must be drawn.
_EVALUATED = {"confidence", "confusion-matrix", "cross-dataset", "per-class"}
_ILLUSTRATED = {
    "activation-strength", "activations-by-digit", "dashboard", "data-set", "feature-map-grid", "misclassified",
    "points-map", "prediction-pipeline", "predictions", "robustness", "saliency", "sample-data",
}  # fmt: skip
REFUSED = {
    "no_evaluation": _EVALUATED | {"prediction-distribution"},
    "no_examples": _ILLUSTRATED | {"confusion-matrix"},
    "no_history": {"training-history"},
    "nothing_but_weights": _EVALUATED | _ILLUSTRATED | {"prediction-distribution", "stability", "training-history"},
    "no_labels": _EVALUATED,
    "nan_answers": _EVALUATED | {"prediction-distribution", "data-set", "misclassified", "sample-data"},
    "nan_weights": _ILLUSTRATED - {"data-set", "sample-data"}
    | {"filter-grid", "model-graph", "neuron-weights", "weight-distribution"},
}
