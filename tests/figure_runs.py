"""Small untrained runs of unusual shapes, made in a moment: what figures must cope with."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from networks import SkipCNN

from netcore.case import Case, Picture
from netcore.learn.batch import passes
from netcore.learn.models import build
from netcore.learn.own import record_run
from netcore.learn.recipes import Architecture
from netcore.learn.record import trace
from netcore.run import Run, create_run, load_run

ODD = {
    "rgb": (Architecture(conv=((6,), (8,), (8,)), hidden=(12,), batch_norm=True, dropout=0.2), (3, 64, 64), 2),
    "hundred": (Architecture(conv=((5, 5),), activation="tanh"), (1, 28, 28), 100),
    "colour-mlp": (Architecture(hidden=(40,), activation="tanh"), (3, 32, 32), 10),
}
LONG = ("aeroplane with a very long name", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry")


def odd_run(folder: Path, name: str, images: int = 40) -> Run:
    """A run of an untrained network and one pretended step of training, with a history, examples and an evaluation."""
    architecture, shape, count = ODD[name]
    torch.manual_seed(1)
    module = build(architecture, shape, count).eval()
    classes = list(LONG) if count == 10 else [f"class {k}" if count > 2 else ("cat", "dog")[k] for k in range(count)]
    run = create_run(
        folder / name,
        model={"kind": "recipe", "architecture": asdict(architecture)},
        input={"shape": list(shape), "mean": [0.5] * shape[0], "std": [0.25] * shape[0]},
        classes=classes,
        layers=_layers(module, shape),
        parameters=sum(p.numel() for p in module.parameters()),
        data={"name": "made-up", "train": 1000, "held_out": images},
    )
    rng = np.random.default_rng(1)
    for step in (0, 10):
        weights = {k: v.numpy() * (1 + step / 20) for k, v in module.state_dict().items()}
        run.add_snapshot(weights, step / 10, step)
    pixels = rng.integers(0, 256, (images, *shape), dtype=np.uint8)
    labels = np.arange(images) % count
    run.info["examples"] = run.add_arrays("examples.npz", images=pixels, labels=labels, index=np.arange(images))
    logits = rng.normal(0, 2, (200, count)).astype(np.float32)
    truth = (logits + rng.normal(0, 1, logits.shape)).argmax(1)
    entry = run.add_arrays("evaluation/made-up.npz", logits=logits, labels=truth)
    run.info["evaluations"] = {"made-up": entry | {"count": 200}}
    row = {"epoch": 1, "step": 10, "train_loss": 1.2, "val_loss": 1.3, "train_accuracy": 0.5, "val_accuracy": 0.4}
    rates = {"rgb": (0.001,), "hundred": (0.01, 0.01, 0.003, 0.0002), "colour-mlp": (0.1, 0.05)}[name]
    rows = [row | {"epoch": e, "step": 10 * e, "learning_rate": rate} for e, rate in enumerate(rates, 1)]
    run.info["history"] = {"epochs": rows, "steps": []}
    run.save()
    return run


def own_run(folder: Path) -> Run:
    """Somebody's own network, recorded in their own loop: a skip connection, colours, long names."""
    torch.manual_seed(2)
    model = SkipCNN(channels=3).eval()
    images = np.random.default_rng(2).integers(0, 256, (40, 3, 20, 24), dtype=np.uint8)
    with record_run(model, (images, np.arange(40) % 10), folder / "own", classes=LONG) as recorder:
        recorder.snapshot(0)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.5)
        recorder.snapshot(25, loss=2.1, accuracy=0.2)
    return load_run(folder / "own")


def odd_case(run: Run) -> Case:
    """Its first example, as a case."""
    examples = run.examples()
    return Case(run, Picture(examples.images[0], int(examples.labels[0]), "example 0"), "last", trace, passes)


def _layers(module: torch.nn.Module, shape: tuple[int, ...]) -> list[dict[str, object]]:
    x, rows = torch.zeros(1, *shape), []
    for name, layer in module.named_children():
        y = layer(x)
        size = sum(p.numel() for p in layer.parameters())
        kind = type(layer).__name__
        rows.append({"name": name, "kind": kind, "input": [*x.shape[1:]], "output": [*y.shape[1:]], "parameters": size})
        x = y
    return rows
