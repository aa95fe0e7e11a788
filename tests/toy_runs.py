"""Small stand-ins for tests of rendering: a run without training, a figure and films of a few lines."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from netcore.core.run import Run
from netcore.core.run_writer import RunWriter

FIGURE = '''"""A line of weights

The first weights of {run} ({network}) at {snapshot}.
"""

from typing import Literal

NEEDS = ("dense",)
ANIMATED = True


def draw(
    fig,
    context,
    *,
    many: int = 20,
    style: Literal["solid", "dashed"] = "solid",
    grid: bool = False,
    seconds: float = 0.4,
):
    """Draw them.

    Parameters
    ----------
    many : int
        How many weights.
    style : str
        The line's look.
    """
    values = context.weights()["hidden1.weight"].ravel()[:many]
    axes = fig.add_subplot()
    axes.set_ylim(values.min(), values.max())
    line = axes.plot(values, color=fig.theme.positive, linestyle=style)[0]

    def update(t):
        line.set_ydata(values * t)
        return [line]

    return update
'''

STILL = '''"""A still

Nothing moves here.
"""


def draw(fig, context):
    fig.text(0.5, 0.5, context.run_name, color=fig.theme.foreground)
'''

FILM = '''"""A small film

A frame that stands.
"""

from netcore.viz.film.film import Film


class Small(Film):
    """Small.

    Attributes
    ----------
    length : float
        Seconds.
    """

    length: float = 0.4

    def construct(self):
        {body}
        self.wait(self.length)
'''


def write_film(folder: Path, name: str, body: str = "pass") -> Path:
    """A film file whose `construct` begins with `body`."""
    path = folder / f"{name}.py"
    path.write_text(FILM.replace("{body}", body))
    return path


def write_figure(folder: Path, name: str = "weights_line", text: str = FIGURE) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def make_untrained_run(path: Path, seed: int = 0) -> Run:
    """A run of a 784-4-10 network with random weights: two snapshots, a short history, two examples a class."""
    rng = np.random.default_rng(seed)
    architecture = {"conv": [], "hidden": [4], "activation": "relu", "batch_norm": False, "dense_norm": False}
    layers = [
        {"name": "flatten", "kind": "Flatten", "input": [1, 28, 28], "output": [784], "parameters": 0},
        {"name": "hidden1", "kind": "Linear", "input": [784], "output": [4], "parameters": 3140},
        {"name": "hidden1_act", "kind": "ReLU", "input": [4], "output": [4], "parameters": 0},
        {"name": "output", "kind": "Linear", "input": [4], "output": [10], "parameters": 50},
    ]
    writer = RunWriter.create(
        path,
        name=path.name,
        recipe="toy",
        model={"kind": "recipe", "architecture": architecture | {"block_dropout": 0.0, "dropout": 0.0}},
        input={"shape": [1, 28, 28], "mean": [0.0], "std": [1.0]},
        classes=[str(k) for k in range(10)],
        layers=layers,
        data={"name": "toy"},
        best=10,
    )
    for step in (0, 10):
        writer.add_snapshot(random_weights(rng), epoch=step // 10, step=step)
    writer.info["history"]["epochs"] = [{"epoch": 1, "step": 10, "train_loss": 1.0, "train_accuracy": 0.5}]
    images = rng.integers(0, 256, (20, 1, 28, 28), dtype=np.uint8)
    labels = np.arange(20) % 10
    writer.add_examples(images, labels, np.arange(20))
    writer.save()
    return writer.run


def random_weights(rng: np.random.Generator) -> dict[str, np.ndarray]:
    shapes = {"hidden1.weight": (4, 784), "hidden1.bias": (4,), "output.weight": (10, 4), "output.bias": (10,)}
    return {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def train_on_few(patch: Callable[[object, str, object], None] = setattr) -> None:
    """Let trainings have a tenth of the embedded digits: what interrupts them is tested, not what they learn."""
    from netcore.datasets.base import sample_per_class
    from netcore.datasets.loading import load_dataset
    from netcore.training import plan

    whole = load_dataset("embedded")
    parts = {name: getattr(whole, name) for name in ("train", "test")}
    few = replace(whole, **{name: part.subset(sample_per_class(part, 40)) for name, part in parts.items()})
    patch(plan, "load_dataset", lambda *given: few)
    patch(plan, "load_with_fallback", lambda *given: few)


def restore_interrupt() -> None:
    """Let a process that is started react to SIGINT: one started in the background inherits that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ignore_interrupt() -> None:
    """Let a process ignore SIGINT, as a shell does with what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def partial_files(folder: Path) -> list[Path]:
    """What an unfinished render would leave."""
    return [p for p in folder.rglob("*") if ".partial" in p.name]
