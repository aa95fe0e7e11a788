"""What a run answers on a data set, stored in the run."""

from typing import Any

import torch
from torch import nn

from netcore.learn.data import DataSet
from netcore.learn.loop import logits_of
from netcore.run import Run


def evaluate(run: Run, module: nn.Module, data: DataSet, device: torch.device) -> dict[str, Any]:
    """Compute the logits on `data` and enter them in the run (in memory; `run.save` makes it last)."""
    module.eval()
    images = torch.from_numpy(data.channels_first).to(device)
    logits = logits_of(module, images).cpu().numpy()
    entry: dict[str, Any] = dict(
        run.add_arrays(f"evaluation/{data.name}.npz", logits=logits, labels=data.labels.astype("uint8"))
    )
    entry["count"] = len(data)
    entry["accuracy"] = float((logits.argmax(1) == data.labels).mean())
    run.info.setdefault("evaluations", {})[data.name] = entry
    return entry
