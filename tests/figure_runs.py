"""Runs made in a moment, their weights by NumPy's generator and so the same anywhere: what figures must cope with."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from networks import SkipCNN
from sample_files import embedded_digits

from netcore.core.context import SceneContext
from netcore.core.run import Run, load_run
from netcore.core.run_writer import RunWriter
from netcore.core.sample import Sample
from netcore.models.architecture import Architecture
from netcore.models.build import build_model
from netcore.tracing.network import TorchNetwork
from netcore.training.recorder import record_run

PLAIN = {
    "made-mlp": (Architecture(hidden=(16, 16), activation="sigmoid"), (1, 28, 28), 10),
    "made-cnn": (Architecture(conv=((8,), (12,)), hidden=(24,), batch_norm=True, dropout=0.3), (1, 28, 28), 10),
}
ODD = {
    "rgb": (Architecture(conv=((6,), (8,), (8,)), hidden=(12,), batch_norm=True, dropout=0.2), (3, 64, 64), 2),
    "hundred": (Architecture(conv=((5, 5),), activation="tanh"), (1, 28, 28), 100),
    "colour-mlp": (Architecture(hidden=(40,), activation="tanh"), (3, 32, 32), 10),
}
MADE = PLAIN | ODD
RATES = {"rgb": (0.001,), "hundred": (0.01, 0.01, 0.003, 0.0002)}
LONG = ("aeroplane with a very long name", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry")
ANSWERS = 200  # images evaluated


def make_run(folder: Path, name: str, images: int = 40) -> Run:
    """A run of a network with random weights and one pretended epoch: with history, examples and an evaluation."""
    architecture, shape, count = MADE[name]
    module = build_model(architecture, shape, count).eval()
    writer = RunWriter.create(
        folder / name,
        model={"kind": "recipe", "architecture": asdict(architecture)},
        input={"shape": list(shape), "mean": [0.5] * shape[0], "std": [0.25] * shape[0]},
        classes=_classes(name, count),
        layers=_layers(module, shape),
        parameters=sum(p.numel() for p in module.parameters()),
        data={"name": "made-up", "train": 1000, "held_out": images},
    )
    rng = np.random.default_rng(1)
    weights = {name: _weights(name, value.numpy(), rng) for name, value in module.state_dict().items()}
    for step in (0, 10):
        writer.add_snapshot({k: (v * (1 + step / 20)).astype(v.dtype) for k, v in weights.items()}, step / 10, step)
    pixels, labels = _images(shape, count, images, rng)
    writer.add_examples(pixels, labels, np.arange(images))
    _add_evaluation(writer, count, rng)
    if architecture.dropout:
        accuracy = [round(float(a), 3) for a in rng.normal(0.7, 0.02, 8)]
        told = {"data": "made-up", "count": ANSWERS, "accuracy": accuracy, "without_dropout": 0.74}
        writer.info["stability"] = told
    row = {"epoch": 1, "step": 10, "train_loss": 1.2, "val_loss": 1.3, "train_accuracy": 0.5, "val_accuracy": 0.4}
    rates = RATES.get(name, (0.1, 0.05))
    rows = [row | {"epoch": e, "step": 10 * e, "learning_rate": rate} for e, rate in enumerate(rates, 1)]
    writer.info["history"] = {"epochs": rows, "steps": []}
    writer.save()
    return writer.run


def make_recorded_run(folder: Path) -> Run:
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


def first_example_context(run: Run) -> SceneContext:
    """Its first example, where it has some, as a case."""
    if not run.info.get("examples"):
        return SceneContext(run, None, "last", TorchNetwork)
    examples = run.examples()
    sample = Sample(examples.images[0], int(examples.labels[0]), "example 0")
    return SceneContext(run, sample, "last", TorchNetwork)


def _classes(name: str, count: int) -> list[str]:
    if name in PLAIN:
        return [str(k) for k in range(count)]
    if count == 10:
        return list(LONG)
    return [f"class {k}" for k in range(count)] if count > 2 else ["cat", "dog"]


def _weights(name: str, like: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random values as a fresh network has them, by the name of the parameter."""
    if name.endswith("num_batches_tracked"):
        return like
    if name.endswith("running_mean") or (name.endswith("bias") and "norm" in name):
        return np.zeros_like(like)
    if like.ndim == 1 and not name.endswith("bias"):  # scales and variances of a normalisation
        return np.ones_like(like)
    spread = 0.05 if like.ndim == 1 else np.sqrt(2 / np.prod(like.shape[1:]))
    return rng.normal(0, spread, like.shape).astype(like.dtype)


def _images(shape: tuple[int, ...], classes: int, count: int, rng: np.random.Generator) -> tuple:
    labels = np.arange(count) % classes
    if shape != (1, 28, 28) or classes != 10:
        return rng.integers(0, 256, (count, *shape), dtype=np.uint8), labels
    images, _ = embedded_digits(count)  # by class
    return images[:, None].reshape(classes, -1, *shape).swapaxes(0, 1).reshape(-1, *shape), labels


def _add_evaluation(writer: RunWriter, classes: int, rng: np.random.Generator) -> None:
    """Pretended answers, about two thirds of them right."""
    logits = rng.normal(0, 2, (ANSWERS, classes)).astype(np.float32)
    truth = (logits + rng.normal(0, 1, logits.shape)).argmax(1)
    writer.add_evaluation("made-up", {"count": ANSWERS}, logits=logits, labels=truth)


def _layers(module: torch.nn.Module, shape: tuple[int, ...]) -> list[dict[str, object]]:
    x, rows = torch.zeros(1, *shape), []
    for name, layer in module.named_children():
        y = layer(x)
        size = sum(p.numel() for p in layer.parameters())
        kind = type(layer).__name__
        rows.append({"name": name, "kind": kind, "input": [*x.shape[1:]], "output": [*y.shape[1:]], "parameters": size})
        x = y
    return rows
