"""Requirements of scenes, checked against `run.json`."""

from collections.abc import Callable

from netcore.analysis.blocks import Block
from netcore.analysis.graph_builder import graph_of_run
from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.renamed import renamed_need
from netcore.core.run import Run

WEIGHTED = ("dense", "convolution", "attention", "recurrent", "embedding")  # kinds of blocks


def _weighted(run: Run) -> list[Block]:
    """Layers with weights, in order."""
    return [block for block in graph_of_run(run) if block.kind in WEIGHTED]


def _has_operation(run: Run, kind: str) -> bool:
    return any(op.kind.startswith(kind) for op in graph_of_run(run).operations)


def _has_maps(run: Run) -> bool:
    graph = graph_of_run(run)
    return bool(graph.map_blocks()) and any(op.role == "convolution" for op in graph.operations)


def _pools_maps(run: Run) -> bool:
    """Whether maps are pooled, by windows or each as a whole."""
    operations = graph_of_run(run).operations
    return any(
        ("Pool" in op.kind or op.kind in ("mean", "amax")) and op.input_axes == ("channel", "row", "column")
        for op in operations
    )


def _is_mlp(run: Run) -> bool:
    """Whether the network is a sequence of dense layers on vectors and nothing else."""
    blocks = graph_of_run(run).value_blocks()
    return bool(blocks) and all(b.kind == "dense" and b.is_vector and len(b.inputs) == 1 for b in blocks)


def _starts_dense(run: Run) -> bool:
    return [block.kind for block in _weighted(run)[:1]] == ["dense"] and _weighted(run)[0].is_vector


def _dropout(run: Run) -> bool:
    return bool(run.info.get("stability")) or any("dropout" in op.kind.lower() for op in graph_of_run(run).operations)


Requirement = tuple[str, Callable[[Run], bool], str]  # requirement, its check, text if the run fails it
# Fields such as {evaluate} are filled by `_advice`: what helps depends on the origin of the run.
REQUIREMENTS: dict[str, Requirement] = {
    "convolution": ("a convolution", lambda r: _has_operation(r, "Conv2d"), "has none: use {instead}"),
    "maps": ("feature maps of convolutions", _has_maps, "has none: use model-graph"),
    "mlp": ("a network of dense layers alone", _is_mlp, "has other layers: use {other}"),
    "dense": (
        "a dense layer",
        lambda r: any(block.kind == "dense" for block in _weighted(r)),
        "has none: use model-graph",
    ),
    "hidden": ("a hidden layer", lambda r: len(_weighted(r)) > 1, "has none: use model-graph"),
    "dense-first": (
        "a dense first layer",
        _starts_dense,
        "starts with another layer: use {first}",
    ),
    "pooling": ("a max-pooling layer", lambda r: _has_operation(r, "MaxPool"), "has none: use model-graph"),
    "pooled-maps": ("a pooling of feature maps", _pools_maps, "has none: use {no_pooling}"),
    "dropout": ("dropout layers", _dropout, "has none: use confidence"),
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
    instead = "forward-propagation" if _is_mlp(run) else "model-graph"
    scenes = {
        "other": "cnn-forward-propagation" if _has_maps(run) else "prediction-pipeline",
        "instead": instead,
        "no_pooling": "cnn-forward-propagation" if _has_maps(run) else instead,
        "first": "filter-grid" if _has_operation(run, "Conv2d") else "model-graph",
    }
    submit = f", or netcore submit {run.name}" if run.input_shape == (1, 28, 28) and len(run.classes) == 10 else ""
    if model.get("kind") != "graph":
        evaluate = f"netcore evaluate {run.name}"
        return scenes | {"snapshots": "train it again", "history": "train it", "evaluate": evaluate, "submit": submit}
    imported = "factory" in model
    recorded = "record its training with netcore.record_run"
    return scenes | {
        "snapshots": "import it again with more --weights" if imported else "call rec.snapshot more often",
        "history": recorded if imported else "pass loss and accuracy to rec.snapshot",
        "evaluate": f"netcore evaluate {run.name} --data folder:FOLDER with one subfolder of images per class",
        "submit": submit,
    }
