"""The facts that a scene is given: a run, a chosen image, and traces on demand."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from netcore.errors import Refused
from netcore.run import Arrays, Evaluation, Examples, Run, Snapshot
from netcore.trace import Trace

Tracer = Callable[[Run, Snapshot, np.ndarray, int | None, bool], Trace]
Passer = Callable[[Run, Snapshot, np.ndarray, tuple[str, ...]], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Picture:
    """One image to look at: uint8 (C, H, W), its class where known, and where it came from (for the caption)."""

    pixels: np.ndarray
    label: int | None = None
    source: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of shape, label and pixels."""
        head = f"{self.pixels.shape}{self.label}".encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()


@dataclass
class Case:
    """What a scene draws. Everything it hands out is entered in `reads`, which is what freshness is judged by.

    Parameters
    ----------
    _run : Run
        Read only through the properties, which record what was read.
    chosen : Picture, optional
        The image chosen by ``--digit``, ``--index`` or ``--image``; None where the run has none to choose from.
    at : str
        The snapshot chosen by ``--at``.
    tracer : callable
        Computes a trace; given by the renderer, so that nothing here imports torch.
    passer : callable, optional
        Computes outputs of many images at once; without it they are traced one by one.
    """

    _run: Run
    chosen: Picture | None
    at: str
    tracer: Tracer
    passer: Passer | None = None
    reads: set[str] = field(default_factory=set)
    _traces: dict[Any, Trace] = field(default_factory=dict, repr=False)

    @property
    def picture(self) -> Picture:
        """The chosen image; Refused where there is none."""
        if self.chosen is None:
            raise Refused(f"run '{self._run.name}' has no example images: give one with --image FILE")
        return self.chosen

    # ---- the run

    @property
    def run_name(self) -> str:
        """Name of the run's folder."""
        return self._run.name

    @property
    def display_name(self) -> str:
        """Name of the recipe, or of the run if it has none."""
        self.reads.add("recipe")
        return self._run.title

    @property
    def classes(self) -> list[str]:
        """Names of the K classes."""
        self.reads.add("classes")
        return self._run.classes

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of an image, (C, H, W)."""
        self.reads.add("input")
        return self._run.input_shape

    @property
    def time_unit(self) -> str:
        """Unit of training time, ``"epoch"`` or ``"step"``."""
        self.reads.add("unit")
        return self._run.unit

    @property
    def dataset_name(self) -> str | None:
        """Name of the data set used for training, None if not recorded."""
        name: str | None = self._data.get("name")
        return name

    @property
    def held_out_count(self) -> int:
        """Number of held-out images, 0 if not recorded."""
        return int(self._data.get("held_out") or 0)

    @property
    def held_out_is_test_set(self) -> bool:
        """Whether the held-out images are the data set's test set."""
        return self._data.get("held_out_is") == "test set"

    @property
    def _data(self) -> dict[str, Any]:
        self.reads.add("data")
        return self._run.info.get("data") or {}

    @property
    def parameter_count(self) -> int:
        """Number of trainable parameters, 0 if not recorded."""
        self.reads.add("parameters")
        return int(self._run.info.get("parameters") or 0)

    @property
    def layers(self) -> list[dict[str, Any]]:
        """One mapping per layer in order: name, kind, input, output, parameters."""
        self.reads.add("layers")
        return self._run.layers

    # ---- snapshots

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots, step 0 first."""
        self.reads.add("snapshots")
        return self._run.snapshots

    @property
    def best_snapshot(self) -> Snapshot | None:
        """Snapshot of the best epoch, None if no best is recorded or its snapshot is gone."""
        self.reads.add("best")
        best = self._run.info.get("best")
        return next((s for s in self.snapshots if s.step == best), None)

    def snapshot(self, at: str | None = None) -> Snapshot:
        """The chosen snapshot, or another by its word (``first``, ``epoch:3``)."""
        at = at or self.at
        self.reads.add(f"snapshot:{at}")
        return self._run.snapshot(at)

    def weights(self, at: str | Snapshot | None = None) -> Arrays:
        """Parameters and buffers by name."""
        return self._run.weights(at if isinstance(at, Snapshot) else self.snapshot(at))

    def layer_weights(self, at: str | Snapshot | None = None, ndim: int | None = None) -> Arrays:
        """Weights of the layers in order, by layer name.

        Parameters
        ----------
        at : str or Snapshot, optional
            The chosen snapshot by default.
        ndim : int, optional
            4 gives kernels (out, in, h, w) alone, 2 matrices (out, in); both by default. Vectors, such as the scales
            of a normalization, are never included.
        """
        weights = self.weights(at)
        keys = {layer["name"]: layer.get("weight") or f"{layer['name']}.weight" for layer in self.layers}
        others = sorted(k for k in weights.keys() - set(keys.values()) if k.endswith(".weight"))
        keys |= {k.removesuffix(".weight"): k for k in others}
        found = {name: weights[key] for name, key in keys.items() if key in weights}
        return {name: w for name, w in found.items() if (w.ndim >= 2 if ndim is None else w.ndim == ndim)}

    def trace(self, at: str | Snapshot | None = None, picture: Picture | None = None, backward: bool = False) -> Trace:
        """Values of one pass of `picture` (the chosen one) through a snapshot (the chosen one); kept once computed."""
        snapshot = at if isinstance(at, Snapshot) else self.snapshot(at)
        picture = picture or self.picture
        key = (snapshot.sha256, picture.digest, backward)
        if key not in self._traces:
            self._traces[key] = self.tracer(self._run, snapshot, picture.pixels, picture.label, backward)
        return self._traces[key]

    def passes(
        self, images: np.ndarray, nodes: tuple[str, ...] = (), at: str | Snapshot | None = None
    ) -> dict[str, np.ndarray]:
        """Outputs of many images uint8 (N, C, H, W): ``logits`` (N, K) and the named nodes' (N, …)."""
        snapshot = at if isinstance(at, Snapshot) else self.snapshot(at)
        if self.passer is not None:
            return self.passer(self._run, snapshot, images, nodes)
        traces = [self.tracer(self._run, snapshot, pixels, None, False) for pixels in images]
        found = {name: np.stack([t.value(name) for t in traces]) for name in nodes}
        return found | {"logits": np.stack([t.logits for t in traces])}

    @property
    def history(self) -> dict[str, list[dict[str, Any]]]:
        self.reads.add("history")
        return self._run.history

    @property
    def stability(self) -> dict[str, Any]:
        """Repeated passes with dropout on: ``accuracy`` (a list), ``data``, ``count`` and ``without_dropout``."""
        found = self._run.info.get("stability")
        if not found:
            raise Refused(f"run '{self._run.name}' has no stability test: netcore evaluate {self._run.name}")
        self.reads.add("stability")
        return dict(found)

    def examples(self) -> Examples:
        """The run's example images."""
        self.reads.add("examples")
        return self._run.examples()

    @property
    def evaluations(self) -> tuple[str, ...]:
        """Names of the data sets with labels that the run was evaluated on."""
        self.reads.add("evaluations")
        return self._run.evaluations

    @property
    def unlabelled(self) -> tuple[str, ...]:
        """Names of the data sets without labels that the run has answered."""
        self.reads.add("unlabelled")
        return self._run.unlabelled

    def evaluation(self, name: str | None = None) -> Evaluation:
        """Logits and labels on a data set (the first evaluated where `name` is None)."""
        if not (self._run.evaluations or (name and self._run.unlabelled)):
            raise Refused(f"run '{self._run.name}' has no evaluation: netcore evaluate {self._run.name}")
        self.reads.add(f"evaluation:{name or self._run.evaluations[0]}")
        return self._run.evaluation(name)


def digest_of(run: Run, read: str) -> str:
    """Digest of one thing that a scene may read, cheaply: by what `run.json` says, no weights are read.

    `read` is ``snapshot:WORD``, ``evaluation:NAME``, or a key of `run.json` (``snapshots``, ``recipe``, ``data``, …).
    """
    what, _, word = read.partition(":")
    if what == "snapshot":
        return run.snapshot(word).sha256
    if what == "evaluation":
        value: Any = dict(run.answers_entry(word))
    else:
        value = run.info.get(what)
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
