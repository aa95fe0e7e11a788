"""A network whose results are cached with the run."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.files import path_inside
from netcore.core.network import Mask, Network, OptimizerStep, Weights
from netcore.core.run import Run, Snapshot
from netcore.core.run_files import Arrays
from netcore.core.sample import Sample
from netcore.core.trace import Trace
from netcore.core.trace_store import TraceStore

CACHE_DIR = "cache"  # inside the run folder
PACKAGE = Path(__file__).resolve().parents[1]
# All that tracing can import, see [tool.importlinter] in pyproject.toml; a superset costs one more computation.
CODE = ("core", "models", "tracing")


@dataclass(frozen=True)
class CachedNetwork:
    """The network of a run with the weights of a snapshot; computes what its store does not have.

    Parameters
    ----------
    run : Run
    snapshot : Snapshot
    open_network : callable
        Opens the network that computes; called when there is something to compute.
    record : callable
        Notes the keys of `run.json` that are read.
    """

    run: Run
    snapshot: Snapshot
    open_network: Callable[[], Network]
    record: Callable[[str], None] = field(default=lambda key: None)

    def trace(
        self, image: Sample, backward: bool = False, weights: Weights | None = None, mask: Mask | None = None
    ) -> Trace:
        """Compute all values of one pass, or read them."""

        def known() -> Arrays:
            return self._weights | {k: np.asarray(v) for k, v in (weights or {}).items()}

        def compute() -> Trace:
            return self.open_network().trace(image, backward, weights, mask)

        asked = ("trace", image.digest, backward, _digests(weights), _indices(mask))
        found: Trace = self._kept(asked, compute, known)
        # Labels are no part of the key: the same weights may be the best of a run and its last.
        return replace(
            found,
            pixels=image.pixels,
            classes=tuple(self.run.classes),
            snapshot=self.snapshot.label,
            step=self.snapshot.step,
        )

    def predict(
        self,
        images: NDArray[np.uint8],
        nodes: Sequence[str] = (),
        weights: Weights | None = None,
        mask: Mask | None = None,
    ) -> Arrays:
        """Compute outputs of many images at once, or read them."""

        def compute() -> Arrays:
            return self.open_network().predict(images, nodes, weights, mask)

        found: Arrays = self._kept(
            ("predict", _digest(images), list(nodes), _digests(weights), _indices(mask)), compute
        )
        return found

    def step(self, images: NDArray[np.uint8], labels: ArrayLike) -> OptimizerStep:
        """Take one step of the run's optimiser on a copy, or read its result."""
        self.record("settings")

        def compute() -> dict[str, Any]:
            return dict(vars(self.open_network().step(images, labels)))

        settings = self.run.info.get("settings")
        return OptimizerStep(**self._kept(("step", _digest(images), _digest(labels), settings), compute))

    def gradient_products(self, images: NDArray[np.uint8], labels: ArrayLike) -> NDArray[np.float64]:
        """Compute the inner products of the images' gradients, or read them."""

        def compute() -> NDArray[np.float64]:
            return self.open_network().gradient_products(images, labels)

        found: NDArray[np.float64] = self._kept(("gradient products", _digest(images), _digest(labels)), compute)
        return found

    def _kept(self, asked: Sequence[Any], compute: Callable[[], Any], known: Callable[[], Arrays] = dict) -> Any:
        key = self._key(asked)
        found = self._store.load(key, known)
        if found is None:
            found = compute()
            self._store.save(key, found, known)
        return found

    def _key(self, asked: Sequence[Any]) -> str:
        """SHA-256 of all that decides a result."""
        info = self.run.info
        network = [info.get("model"), info["input"], len(self.run.classes), self.snapshot.sha256]
        return hashlib.sha256(json.dumps([code_digest(), network, asked], sort_keys=True).encode()).hexdigest()

    @cached_property
    def _store(self) -> TraceStore:
        return TraceStore(path_inside(self.run.path, CACHE_DIR))

    @cached_property
    def _weights(self) -> Arrays:
        return self.run.weights(self.snapshot)


@cache
def code_digest() -> str:
    """SHA-256 of the code that computes passes: the packages `CODE`, and the version of torch."""
    out = hashlib.sha256(version("torch").encode())
    for file in sorted(file for name in CODE for file in (PACKAGE / name).rglob("*.py")):
        out.update(file.relative_to(PACKAGE).as_posix().encode() + file.read_bytes())
    return out.hexdigest()


def _digest(values: ArrayLike) -> str:
    """SHA-256 of an array's type, shape and values."""
    array = np.asarray(values, order="C")
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + array.tobytes()).hexdigest()


def _digests(weights: Weights | None) -> dict[str, str]:
    return {name: _digest(values) for name, values in (weights or {}).items()}


def _indices(mask: Mask | None) -> Mapping[str, Any]:
    return {name: np.asarray(units).tolist() for name, units in (mask or {}).items()}
