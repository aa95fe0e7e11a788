"""Shared fixtures: two small trained runs, made once for all test processes, and cases of them."""

import gc
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from netcore.core.context import SceneContext
from netcore.core.run import Run, load_run
from netcore.core.sample import Sample
from netcore.rendering import execution
from netcore.rendering.job import progress_to

os.environ["OMP_NUM_THREADS"] = "1"  # the test processes share the cores; read when torch is imported
os.environ["OMP_WAIT_POLICY"] = "passive"
gc.disable()  # until all tests are imported


def pytest_collection_finish() -> None:
    """Collect garbage seldom, without what the imports made: to walk its million objects takes half a second."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 20)


def pytest_sessionfinish() -> None:
    """Let go of everything, or libraries complain of leaks."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def shared_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all test processes; caches lie there too, so that tests neither see nor touch the user's."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    os.environ["NETCORE_CACHE"] = str(folder / "cache")
    os.environ.pop("NETCORE_DATA", None)
    return folder


def _trained(folder: Path, name: str, recipe: str, **settings: object) -> Run:
    from filelock import FileLock

    with FileLock(folder / f"{name}.lock"):
        if not (folder / "runs" / name / "run.json").exists():
            from netcore.training.train import train

            train(recipe, name=name, data="embedded", output_dir=folder / "runs", device="cpu", **settings)
    return load_run(folder / "runs" / name)


@pytest.fixture(scope="session")
def mlp_run(shared_dir: Path) -> Run:
    """784-16-16-10, sigmoid, three short epochs: about 85 % right."""
    return _trained(shared_dir, "mlp-16-16", "mlp-16-16", epochs=3, optimizer="adam", learning_rate=0.01)


@pytest.fixture(scope="session")
def cnn_run(shared_dir: Path) -> Run:
    """Two convolutions, one epoch."""
    return _trained(shared_dir, "cnn-2conv", "cnn-2conv", epochs=1)


@pytest.fixture(scope="session")
def make_context() -> Callable[..., SceneContext]:
    """`make_case(run, digit=7, at="best")`: a case of the run's first example of a digit."""

    def make(run: Run, digit: int = 7, at: str = "best") -> SceneContext:
        def open_network(*given: object) -> object:
            from netcore.tracing.network import TorchNetwork

            return TorchNetwork(*given)

        examples = run.examples()
        first = int((examples.labels == digit).argmax())
        return SceneContext(run, Sample(examples.images[first], digit, f"digit {digit}"), at, open_network)

    return make


class InProcessPool(Executor):
    """Executor that runs calls in this process, one at a time: a worker process takes longer to start than to draw."""

    def __init__(self, workers: int, timeout: float, on_progress: Callable[..., None]) -> None:
        self._on_progress, self._turn = on_progress, Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._turn, progress_to(lambda frames: self._on_progress(args, frames)):
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)
        return future


@pytest.fixture
def draw_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw in the test's own process; `test_pool.py` is about the processes."""
    monkeypatch.setattr(execution, "WorkerPool", InProcessPool)
