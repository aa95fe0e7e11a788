"""What a scene can ask of a run, judged by `run.json` alone."""

from collections.abc import Callable

from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.renamed import renamed_need
from netcore.core.run import Run


def _kinds(run: Run) -> list[str]:
    return [layer["kind"] for layer in run.layers]


def _weighted(run: Run) -> list[str]:
    """Kinds of the layers that weigh their inputs, in order."""
    return [k for k in _kinds(run) if k.startswith(("Linear", "Conv"))]


def _mlp(run: Run) -> bool:
    return set(_weighted(run)) == {"Linear"}


def _dropout(run: Run) -> bool:
    return bool(run.info.get("stability")) or any("dropout" in kind.lower() for kind in _kinds(run))


Requirement = tuple[str, Callable[[Run], bool], str]  # what is needed, whether the run has it, what it has instead
# What helps depends on where the run comes from: see `_advice`.
REQUIREMENTS: dict[str, Requirement] = {
    "convolution": ("a convolution", lambda r: "Conv2d" in _kinds(r), "has none"),
    "mlp": ("a network of dense layers alone", _mlp, "has others"),
    "dense": ("a dense layer", lambda r: "Linear" in _kinds(r), "has none"),
    "hidden": ("a hidden layer", lambda r: len(_weighted(r)) > 1, "has none"),
    "dense-first": (
        "a dense first layer",
        lambda r: _weighted(r)[:1] == ["Linear"],
        "begins with a convolution: try filter-grid",
    ),
    "pooling": ("a max-pooling layer", lambda r: "MaxPool2d" in _kinds(r), "has none"),
    "dropout": ("dropout layers", _dropout, "has none"),
    "snapshots": ("two snapshots or more", lambda r: len(r.info["snapshots"]) > 1, "has fewer: {snapshots}"),
    "history": ("a training history", lambda r: bool(r.history["epochs"]), "has none: {history}"),
    "examples": ("example images", lambda r: bool(r.info.get("examples")), "has none"),
    "evaluation": ("an evaluation", lambda r: bool(r.evaluations), "has none: {evaluate}"),
    "predictions": (
        "predictions on a data set",
        lambda r: bool(r.evaluations or r.unlabeled),
        "has none: {evaluate}{submit}",
    ),
    "evaluations": (
        "evaluations on two data sets",
        lambda r: len(r.evaluations) > 1,
        "has fewer: {evaluate}",
    ),
    "stability": ("a stability test", lambda r: bool(r.info.get("stability")), "has none: {evaluate}"),
}


def check_requirements(scene: str, needs: tuple[str, ...], run: Run) -> None:
    """Refuse, in one line, to draw a scene of a run that lacks what it needs.

    Parameters
    ----------
    scene : str
        The scene's name.
    needs : tuple of str
        Words of `NEEDS`.
    run : Run

    Raises
    ------
    Refused
        If the run lacks one of them.
    NetcoreError
        If one is no word of `NEEDS` (the nearest is offered).
    """
    for word in needs:
        if word not in REQUIREMENTS:
            raise NetcoreError(f"scene '{scene}': {renamed_need(word) or unknown_name('need', word, REQUIREMENTS)}")
        what, has, instead = REQUIREMENTS[word]
        if not has(run):
            raise RequirementError(f"scene '{scene}' needs {what}; run '{run.name}' {instead.format(**_advice(run))}")


def _advice(run: Run) -> dict[str, str]:
    """What can be done about a run that lacks something, by where the run comes from."""
    model = run.info.get("model") or {}
    submit = f", or netcore submit {run.name}" if run.input_shape == (1, 28, 28) and len(run.classes) == 10 else ""
    if model.get("kind") != "graph":
        evaluate = f"netcore evaluate {run.name}"
        return {"snapshots": "train it again", "history": "train it", "evaluate": evaluate, "submit": submit}
    imported = "factory" in model
    recorded = "record its training with netcore.record_run"
    return {
        "snapshots": "import it again with more --weights" if imported else "call rec.snapshot more often",
        "history": recorded if imported else "pass loss and accuracy to rec.snapshot",
        "evaluate": f"netcore evaluate {run.name} --data folder:FOLDER, which holds a folder of images for each class",
        "submit": submit,
    }
