"""Requirements of scenes, checked against `run.json`."""

from collections.abc import Callable

from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.renamed import renamed_need
from netcore.core.run import Run


def _kinds(run: Run) -> list[str]:
    return [layer["kind"] for layer in run.layers]


def _weighted(run: Run) -> list[str]:
    """Return the kinds of the dense and convolutional layers, in order."""
    return [k for k in _kinds(run) if k.startswith(("Linear", "Conv"))]


def _mlp(run: Run) -> bool:
    return set(_weighted(run)) == {"Linear"}


def _dropout(run: Run) -> bool:
    return bool(run.info.get("stability")) or any("dropout" in kind.lower() for kind in _kinds(run))


Requirement = tuple[str, Callable[[Run], bool], str]  # requirement, its check, text if the run fails it
# Fields such as {evaluate} are filled by `_advice`: what helps depends on the origin of the run.
REQUIREMENTS: dict[str, Requirement] = {
    "convolution": ("a convolution", lambda r: "Conv2d" in _kinds(r), "has none"),
    "mlp": ("a network of dense layers alone", _mlp, "has other layers"),
    "dense": ("a dense layer", lambda r: "Linear" in _kinds(r), "has none"),
    "hidden": ("a hidden layer", lambda r: len(_weighted(r)) > 1, "has none"),
    "dense-first": (
        "a dense first layer",
        lambda r: _weighted(r)[:1] == ["Linear"],
        "starts with a convolution: use filter-grid",
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
    """Raise an error if a run lacks what a scene needs.

    Parameters
    ----------
    scene : str
        Name of the scene.
    needs : tuple of str
        Keys of `REQUIREMENTS`, from the scene's NEEDS.
    run : Run

    Raises
    ------
    RequirementError
        If the run lacks one of them.
    NetcoreError
        If one is not a key of `REQUIREMENTS` (the nearest is offered).
    """
    for word in needs:
        if word not in REQUIREMENTS:
            raise NetcoreError(f"scene '{scene}': {renamed_need(word) or unknown_name('need', word, REQUIREMENTS)}")
        what, has, instead = REQUIREMENTS[word]
        if not has(run):
            raise RequirementError(f"scene '{scene}' needs {what}; run '{run.name}' {instead.format(**_advice(run))}")


def _advice(run: Run) -> dict[str, str]:
    """Return advice by field name, for a run that lacks something; it depends on the origin of the run."""
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
        "evaluate": f"netcore evaluate {run.name} --data folder:FOLDER with one subfolder of images per class",
        "submit": submit,
    }
