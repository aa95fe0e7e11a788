"""Make a run of an edited network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netcore.analysis.unit_edits import Edit, apply_edits
from netcore.core.errors import NetcoreError
from netcore.core.run import Run, load_run
from netcore.core.run_writer import RunWriter
from netcore.training.run_dir import open_run_dir, run_status

COPIED = (
    "recipe", "model", "settings", "changed", "parameters", "layers", "input", "classes", "data", "versions",
    "platform", "revision", "unit",
)  # fmt: skip


def make_edited_run(
    run: Run, edits: Sequence[Edit], name: str, output_dir: str | Path = "runs", at: str = "best"
) -> Run:
    """Change the weights of a snapshot, and write the network as a new run.

    The new run has one snapshot, the examples of `run`, and an evaluation on them; its run.json records the edits.

    Parameters
    ----------
    run : Run
        Not changed.
    edits : sequence of Edit
        At least one.
    name : str
        Name of the new run.
    output_dir : str or Path
        Folder of the new run.
    at : str
        Snapshot, as in `Run.snapshot`.

    Returns
    -------
    Run

    Raises
    ------
    NetcoreError
        If an edit names no layer or unit of the network, weights cannot express it, or a run of this name exists.
    """
    if not edits:
        raise NetcoreError("nothing to edit: use --off, --bias, --scale, --prune, --noise or --temperature")
    snapshot = run.snapshot(at)
    weights = apply_edits(run.layers, run.weights(snapshot), edits)
    if run_status(Path(output_dir) / name):
        raise NetcoreError(f"run '{name}' exists: choose another --name")
    with open_run_dir(Path(output_dir), name) as path:
        info = {key: run.info[key] for key in COPIED if key in run.info}
        writer = RunWriter.create(path, name=name, **info, **_provenance(run, at, edits))
        _copy_model(run, writer)
        writer.add_snapshot(weights, epoch=snapshot.epoch, step=snapshot.step, name=f"{snapshot.label}, edited")
        writer.info["best"] = writer.info["last"] = snapshot.step
        if run.info.get("examples"):
            examples = run.examples()
            writer.add_examples(examples.images, examples.labels, examples.index)
            _evaluate_examples(writer, run)
        writer.save()
    return load_run(Path(output_dir) / name)


def _provenance(run: Run, at: str, edits: Sequence[Edit]) -> dict[str, Any]:
    rows = [{key: value for key, value in vars(edit).items() if value not in ("", None)} for edit in edits]
    return {"status": "complete", "edited": {"run": run.name, "at": at, "edits": rows}}


def _copy_model(run: Run, writer: RunWriter) -> None:
    """Copy the stored graph of an imported network."""
    model = dict(run.info.get("model") or {})
    if model.get("kind") == "graph":
        model["graph"] = writer.add_text(model["graph"]["file"], run.read(model["graph"]).decode())
        if "constants" in model:
            model["constants"] = writer.add_arrays(model["constants"]["file"], **run.read_arrays(model["constants"]))
    writer.info["model"] = model


def _evaluate_examples(writer: RunWriter, run: Run) -> None:
    import torch

    from netcore.datasets.base import Dataset
    from netcore.training.evaluation import evaluate_splits

    examples = run.examples()
    data = Dataset("examples", examples.images, examples.labels, tuple(run.classes))
    evaluate_splits(writer, [data], torch.device("cpu"), at="last", dropout_passes=0)
