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
    run : Run
    chosen : Picture, optional
        The image chosen by ``--digit``, ``--index`` or ``--image``; None where the run has none to choose from.
    at : str
        The snapshot chosen by ``--at``.
    tracer : callable
        Computes a trace; given by the renderer, so that nothing here imports torch.
    passer : callable, optional
        Computes outputs of many images at once; without it they are traced one by one.
    """

    run: Run
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
            raise Refused(f"run '{self.run.name}' has no example images: give one with --image FILE")
        return self.chosen

    @property
    def classes(self) -> list[str]:
        return self.run.classes

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """All snapshots, step 0 first."""
        self.reads.add("snapshots")
        return self.run.snapshots

    def snapshot(self, at: str | None = None) -> Snapshot:
        """The chosen snapshot, or another by its word (``first``, ``epoch:3``)."""
        at = at or self.at
        self.reads.add(f"snapshot:{at}")
        return self.run.snapshot(at)

    def weights(self, at: str | Snapshot | None = None) -> Arrays:
        """Parameters and buffers by name."""
        return self.run.weights(at if isinstance(at, Snapshot) else self.snapshot(at))

    def trace(self, at: str | Snapshot | None = None, picture: Picture | None = None, backward: bool = False) -> Trace:
        """Values of one pass of `picture` (the chosen one) through a snapshot (the chosen one); kept once computed."""
        snapshot = at if isinstance(at, Snapshot) else self.snapshot(at)
        picture = picture or self.picture
        key = (snapshot.sha256, picture.digest, backward)
        if key not in self._traces:
            self._traces[key] = self.tracer(self.run, snapshot, picture.pixels, picture.label, backward)
        return self._traces[key]

    def passes(
        self, images: np.ndarray, nodes: tuple[str, ...] = (), at: str | Snapshot | None = None
    ) -> dict[str, np.ndarray]:
        """Outputs of many images uint8 (N, C, H, W): ``logits`` (N, K) and the named nodes' (N, …)."""
        snapshot = at if isinstance(at, Snapshot) else self.snapshot(at)
        if self.passer is not None:
            return self.passer(self.run, snapshot, images, nodes)
        traces = [self.tracer(self.run, snapshot, pixels, None, False) for pixels in images]
        found = {name: np.stack([t.value(name) for t in traces]) for name in nodes}
        return found | {"logits": np.stack([t.logits for t in traces])}

    @property
    def history(self) -> dict[str, list[dict[str, Any]]]:
        self.reads.add("history")
        return self.run.history

    @property
    def stability(self) -> dict[str, Any]:
        """Repeated passes with dropout on: ``accuracy`` (a list), ``data``, ``count`` and ``without_dropout``."""
        found = self.run.info.get("stability")
        if not found:
            raise Refused(f"run '{self.run.name}' has no stability test: netcore evaluate {self.run.name}")
        self.reads.add("stability")
        return dict(found)

    def examples(self) -> Examples:
        """The run's example images."""
        self.reads.add("examples")
        return self.run.examples()

    @property
    def evaluations(self) -> tuple[str, ...]:
        """Names of the data sets with labels that the run was evaluated on."""
        self.reads.add("evaluations")
        return self.run.evaluations

    @property
    def unlabelled(self) -> tuple[str, ...]:
        """Names of the data sets without labels that the run has answered."""
        self.reads.add("unlabelled")
        return self.run.unlabelled

    def evaluation(self, name: str | None = None) -> Evaluation:
        """Logits and labels on a data set (the first evaluated where `name` is None)."""
        if not (self.run.evaluations or (name and self.run.unlabelled)):
            raise Refused(f"run '{self.run.name}' has no evaluation: netcore evaluate {self.run.name}")
        self.reads.add(f"evaluation:{name or self.run.evaluations[0]}")
        return self.run.evaluation(name)


def digest_of(run: Run, read: str) -> str:
    """Digest of one thing that a scene may read, cheaply: by what `run.json` says, no weights are read.

    `read` is ``snapshots``, ``snapshot:WORD``, ``history``, ``examples``, ``stability``, ``evaluations``,
    ``unlabelled`` or ``evaluation:NAME``.
    """
    what, _, word = read.partition(":")
    if what == "snapshot":
        return run.snapshot(word).sha256
    if what == "evaluation":
        return str(run.answers_entry(word).get("sha256", "none"))
    value: Any = run.info.get(what)
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
