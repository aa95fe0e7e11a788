"""What all benchmarks share: a row of the table, fair timing, networks to draw."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import netcore.models  # noqa: F401  before torch: it sets how threads wait
from netcore.core.context import SceneContext
from netcore.core.run import Run

ROUNDS = 5
_folder = TemporaryDirectory(prefix="netcore-bench-")  # runs and clips; gone at the end
FOLDER = Path(_folder.name)


@dataclass(frozen=True)
class Row:
    """One line of the table: what was done, the figure reached, what it is beside, and the figure wanted."""

    what: str
    reached: str
    beside: str = ""
    wanted: str = ""
    met: bool | None = None  # None: nothing is asked


def times(ways: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds of each way in each round. The ways take turns, so that a slow moment of the machine hits all of them."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            start = time.perf_counter()
            way()
            found[name].append(time.perf_counter() - start)
    return found


def medians(ways: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each way."""
    return {name: median(seconds) for name, seconds in times(ways, rounds).items()}


def ratio(found: Mapping[str, list[float]], a: str, b: str) -> float:
    """How many times as long `a` takes as `b`: the median of the rounds' ratios."""
    return median(x / y for x, y in zip(found[a], found[b], strict=True))


def at_most(value: float, limit: float) -> dict[str, Any]:
    """The columns of a ratio that should not be more than `limit`."""
    return {"reached": f"{value:.2f} ×", "wanted": f"≤ {limit:g} ×", "met": value <= limit}


def at_least(value: float, limit: float, unit: str = "×") -> dict[str, Any]:
    """The columns of a figure that should not be less than `limit`."""
    digits = 0 if value >= 100 else 1
    return {"reached": f"{value:.{digits}f} {unit}", "wanted": f"≥ {limit:g} {unit}", "met": value >= limit}


@cache
def run_of(recipe: str, **changes: Any) -> Run:
    """Train a recipe on the embedded digits, for a moment only: the drawing costs the same."""
    from netcore.training.train import train

    changes = {"epochs": 1} | changes
    name = "-".join([recipe, *map(str, changes.values())])
    return train(recipe, name=name, data="embedded", output_dir=FOLDER / "runs", device="cpu", **changes)


def case_of(run: Run) -> SceneContext:
    """The case that `netcore render SCENE --run RUN` draws."""
    from netcore.rendering.context import make_context
    from netcore.rendering.sample_selector import SampleSelector

    return make_context(run, SampleSelector(), "best")
