"""Context of a scene: one run, one image, traces on demand."""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from netcore.core.errors import RequirementError
from netcore.core.network import Network, OpenNetwork
from netcore.core.run import Evaluation, Examples, LabeledImages, Run, Snapshot
from netcore.core.run_files import Arrays
from netcore.core.sample import Sample
from netcore.core.trace import Trace

LoadImages = Callable[[Run, str], LabeledImages | None]


def no_images(run: Run, part: str) -> LabeledImages | None:
    """Find no images of a run's data set."""
    return None


@dataclass
class SceneContext:
    """What a scene draws. Everything it hands out is entered in `reads`, which is what freshness is judged by.

    Parameters
    ----------
    _run : Run
        Read only through the properties, which record what was read.
    sample_or_none : Picture, optional
        The image chosen by ``--digit``, ``--index`` or ``--image``; None where the run has none to choose from.
    at : str
        The snapshot chosen by ``--at``.
    open_network : callable
        Opens the network of a snapshot; given by the renderer, so that nothing here imports torch.
    load_images : callable, optional
        Loads a part of the data set used for training, None if it is not on this machine.
    """

    _run: Run
    sample_or_none: Sample | None
    at: str
    open_network: OpenNetwork
    load_images: LoadImages = no_images
    reads: set[str] = field(default_factory=set)
    _traces: dict[Any, Trace] = field(default_factory=dict, repr=False)

    @property
    def sample(self) -> Sample:
        """The chosen image; RequirementError if there is none."""
        if self.sample_or_none is None:
            raise RequirementError(f"run '{self._run.name}' has no example images: use --image FILE")
        return self.sample_or_none

    # ---- the run

    @property
    def run_name(self) -> str:
        """Name of the run's folder."""
        return self._run.name

    @property
    def display_name(self) -> str:
        """Name of the recipe, or of the run if it has none."""
        self.reads.add("recipe")
        return self._run.display_name

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
        return self._run.time_unit

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

    @property
    def batch_size(self) -> int | None:
        """Number of images per training step, None if not recorded."""
        self.reads.add("settings")
        return (self._run.info.get("settings") or {}).get("batch_size")

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

    def weights(self, at: str | Snapshot | None = None, names: Collection[str] | None = None) -> Arrays:
        """Parameters and buffers by name, all of them or those of `names`."""
        return self._run.weights(at if isinstance(at, Snapshot) else self.snapshot(at), names)

    def layer_weights(
        self, at: str | Snapshot | None = None, ndim: int | None = None, only: Collection[str] | None = None
    ) -> Arrays:
        """Weights of the layers in order, by layer name.

        Parameters
        ----------
        at : str or Snapshot, optional
            The chosen snapshot by default.
        ndim : int, optional
            4 gives kernels (out, in, h, w) alone, 2 matrices (out, in); both by default. Vectors, such as the scales
            of a normalization, are never included.
        only : collection of str, optional
            Names of layers: weights of others are not read.
        """
        snapshot = at if isinstance(at, Snapshot) else self.snapshot(at)
        shapes = self._run.weight_shapes(snapshot)
        keys = {layer["name"]: layer.get("weight") or f"{layer['name']}.weight" for layer in self.layers}
        others = sorted(k for k in shapes.keys() - set(keys.values()) if k.endswith(".weight"))
        keys |= {k.removesuffix(".weight"): k for k in others}
        ndims = {name: len(shapes[key]) for name, key in keys.items() if key in shapes}
        wanted = {
            name: keys[name]
            for name, n in ndims.items()
            if (n >= 2 if ndim is None else n == ndim) and (only is None or name in only)
        }
        weights = self._run.weights(snapshot, set(wanted.values()))
        return {name: weights[key] for name, key in wanted.items()}

    def network(self, at: str | Snapshot | None = None) -> Network:
        """The network with the weights of a snapshot (the chosen one): passes, also altered ones."""
        snapshot = at if isinstance(at, Snapshot) else self.snapshot(at)
        return self.open_network(self._run, snapshot, self.reads.add)

    def trace(self, at: str | Snapshot | None = None, sample: Sample | None = None, backward: bool = False) -> Trace:
        """Values of one pass of `sample` (the chosen one) through a snapshot (the chosen one); kept once computed."""
        snapshot = at if isinstance(at, Snapshot) else self.snapshot(at)
        sample = sample or self.sample
        key = (snapshot.sha256, sample.digest, backward)
        if key not in self._traces:
            self._traces[key] = self.network(snapshot).trace(sample, backward)
        return self._traces[key]

    def predict_batch(
        self, images: NDArray[Any], nodes: tuple[str, ...] = (), at: str | Snapshot | None = None
    ) -> dict[str, NDArray[Any]]:
        """Outputs of many images uint8 (N, C, H, W): ``logits`` (N, K) and the named nodes' (N, …)."""
        return self.network(at).predict(images, nodes)

    @property
    def history(self) -> dict[str, list[dict[str, Any]]]:
        """Training history: rows per epoch (``epochs``) and per training step (``steps``)."""
        self.reads.add("history")
        return self._run.history

    @property
    def mc_dropout(self) -> dict[str, Any]:
        """Repeated passes with dropout on: ``accuracy`` (a list), ``data``, ``count`` and ``without_dropout``."""
        found = self._run.info.get("stability")
        if not found:
            raise RequirementError(
                f"run '{self._run.name}' has no stability test: use netcore evaluate {self._run.name}"
            )
        self.reads.add("stability")
        return dict(found)

    def examples(self) -> Examples:
        """The run's example images."""
        self.reads.add("examples")
        return self._run.examples()

    def images(self, part: Literal["train", "held_out"] = "held_out") -> LabeledImages:
        """Images of a part of the data set used for training, or the examples if it is not on this machine.

        Parameters
        ----------
        part : {"train", "held_out"}
            ``part`` of the result is this, or ``"examples"``.
        """
        self.reads.add(f"images:{part}")
        found = self.load_images(self._run, part)
        if found is not None:
            return found
        examples = self.examples()
        return LabeledImages("examples", examples.images, examples.labels)

    @property
    def evaluations(self) -> tuple[str, ...]:
        """Names of the data sets with labels that the run was evaluated on."""
        self.reads.add("evaluations")
        return self._run.evaluations

    @property
    def unlabeled(self) -> tuple[str, ...]:
        """Names of the data sets without labels that the run has answered."""
        self.reads.add("unlabelled")
        return self._run.unlabeled

    def evaluation(self, name: str | None = None) -> Evaluation:
        """Logits and labels on a data set (the first evaluated where `name` is None)."""
        if not (self._run.evaluations or (name and self._run.unlabeled)):
            raise RequirementError(f"run '{self._run.name}' has no evaluation: use netcore evaluate {self._run.name}")
        self.reads.add(f"evaluation:{name or self._run.evaluations[0]}")
        return self._run.evaluation(name)


def read_digest(run: Run, read: str) -> str:
    """Digest of one thing that a scene may read, cheaply: by what `run.json` says, no weights are read.

    `read` is ``snapshot:WORD``, ``evaluation:NAME``, ``images:PART``, or a key of `run.json` (``recipe``,
    ``data``, …).
    """
    what, _, word = read.partition(":")
    if what == "snapshot":
        return run.snapshot(word).sha256
    if what == "images":
        value: Any = [run.info.get("data"), run.info.get("settings")]
    elif what == "evaluation":
        value = dict(run.evaluation_entry(word))
    else:
        value = run.info.get(what)
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
