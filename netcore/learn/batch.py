"""Many images through a snapshot at once: what statistics over images need, much faster than a trace of each."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from netcore.errors import NetcoreError
from netcore.learn.models import load_model
from netcore.learn.record import as_logits, batch_axes, evaluating, normalise, output_kind_of
from netcore.learn.watch import Watcher
from netcore.run import Run, Snapshot

CHUNK = 128  # images at a time


def passes(run: Run, snapshot: Snapshot, images: np.ndarray, nodes: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Compute ``logits`` (N, K) and the outputs of the named nodes (N, …), float32.

    Parameters
    ----------
    run : Run
    snapshot : Snapshot
    images : uint8 (N, C, H, W)
    nodes : sequence of str
        Names of nodes, as `netcore.learn.record.trace` has them.
    """
    module = load_model(run, snapshot)
    given = run.info["input"]
    parts: list[dict[str, np.ndarray]] = []
    like = next(module.parameters(), torch.zeros(()))
    alone: dict[str, tuple[int | None, tuple[int, ...]]] = {}
    for start in range(0, len(images), CHUNK):
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + CHUNK]))
        x = normalise(pixels, given.get("mean", (0.0,)), given.get("std", (1.0,))).to(like)
        kind = output_kind_of(module, x[:1])
        alone = alone or (_alone(module, x[:1]) if nodes else {})
        watcher = Watcher(module, x)
        with evaluating(module), torch.no_grad():
            if nodes:
                with watcher.watching():
                    output = module(x)
            else:
                output = module(x)
        found = {name: value for node in watcher.nodes for name, value in node.values()}
        kept = {name: _batch_first(name, found[name], len(x), *alone[name]) for name in nodes}
        parts.append(kept | {"logits": as_logits(output, kind).cpu().numpy()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _alone(module: nn.Module, x: Tensor) -> dict[str, tuple[int | None, tuple[int, ...]]]:
    """Batch axis and shape of every output for one image."""
    watcher = Watcher(module, x)
    with evaluating(module), torch.no_grad(), watcher.watching():
        module(x)
    axes = batch_axes(module, x, watcher.nodes)
    return {name: (axes[name], value.shape) for node in watcher.nodes for name, value in node.values()}


def _batch_first(name: str, values: np.ndarray, count: int, axis: int | None, shape: tuple[int, ...]) -> np.ndarray:
    """Give the values of `count` images (N, …), each as a trace has it."""
    if axis is not None:
        return np.moveaxis(values, axis, 0)
    if values.shape == (count * shape[0], *shape[1:]):  # folded into the first axis, images outermost
        return values.reshape(count, *shape)
    raise NetcoreError(f"the values of '{name}' cannot be computed for many images at once")
