"""Figures of weights over time: what they read of many snapshots, and how much of it they hold."""

import weakref
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest
from figure_checks import draw_figure

from netcore.core.context import SceneContext
from netcore.core.run import Run, Snapshot, load_run
from netcore.core.run_files import Arrays
from netcore.core.run_writer import RunWriter
from netcore.rendering.context import make_context

SNAPSHOTS = 200
SHAPES = {"conv1": (8, 1, 3, 3), "conv2": (8, 8, 3, 3), "hidden1": (6, 392), "output": (10, 6)}
DENSE = {"hidden1": (6, 784), "hidden2": (8, 6), "output": (10, 8)}
READ = {  # figure: the layers' shapes, what it reads of a snapshot that is not the last
    "weight_distribution": (SHAPES, set(SHAPES)),
    "filter_grid": (SHAPES, {"conv1"}),
    "neuron_weights": (DENSE, {"hidden1"}),
}


def make_long_run(path: Path, shapes: dict[str, tuple[int, ...]]) -> Run:
    """A run of many snapshots, each with other weights and with biases that no figure shows."""
    kinds = {4: "Conv2d", 2: "Linear"}
    layers = [
        {"name": name, "kind": kinds[len(shape)], "output": [shape[0], 28, 28] if len(shape) == 4 else [shape[0]]}
        for name, shape in shapes.items()
    ]
    writer = RunWriter.create(
        path, name=path.name, classes=[str(k) for k in range(10)], input={"shape": [1, 28, 28]}, layers=layers
    )
    rng = np.random.default_rng(0)
    for step in range(SNAPSHOTS):
        weights = {f"{name}.weight": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        writer.add_snapshot(weights | {f"{name}.bias": np.zeros(10, np.float32) for name in shapes}, step, step)
    writer.save()
    return load_run(path)


@pytest.mark.parametrize("figure", READ)
def test_weights_figure_reads_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: str) -> None:
    shapes, layers = READ[figure]
    context: SceneContext = make_context(make_long_run(tmp_path / "long", shapes))
    read: dict[int, set[str]] = {}
    alive: set[int] = set()
    most: list[int] = []
    original = Run.weights

    def weights(run: Run, snapshot: Snapshot, names: Collection[str] | None = None) -> Arrays:
        found = original(run, snapshot, names)
        read.setdefault(snapshot.step, set()).update(found)
        for array in found.values():
            alive.add(id(array))
            weakref.finalize(array, alive.discard, id(array))
        most.append(len(alive))
        return found

    monkeypatch.setattr(Run, "weights", weights)
    drawn = draw_figure(figure, context)
    assert max(read.pop(SNAPSHOTS - 1)) in {f"{name}.weight" for name in shapes}, "no bias"
    assert 30 < len(read) < 60, "those that the frames show"
    assert set().union(*read.values()) == {f"{name}.weight" for name in layers}
    assert max(most) <= 4 * len(shapes), "of the first, the last and the present snapshot"
    drawn.update(0.5)
