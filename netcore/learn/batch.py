"""Many images through a snapshot at once: what statistics over images need, much faster than a trace of each."""

from collections.abc import Sequence

import numpy as np
import torch

from netcore.learn.models import load_model
from netcore.learn.record import evaluating, normalise
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
    for start in range(0, len(images), CHUNK):
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + CHUNK]))
        x = normalise(pixels, given.get("mean", (0.0,)), given.get("std", (1.0,))).to(like)
        watcher = Watcher(module, x)
        with evaluating(module), torch.no_grad():
            if nodes:
                with watcher.watching():
                    logits = module(x)
            else:
                logits = module(x)
        found = {node.name: node.output for node in watcher.nodes}
        kept = {name: found[name] if len(x) > 1 else found[name][None] for name in nodes}
        parts.append(kept | {"logits": logits.float().cpu().numpy()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
