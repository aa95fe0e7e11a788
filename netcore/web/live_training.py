"""Watch a training: losses, accuracy, weights and activations as they change."""

import base64
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netcore.training.controls import TrainingControls
from netcore.training.epoch import DeviceDataset
from netcore.training.progress import NullProgress

PICTURE_SECONDS = 1.0  # between two looks at the network
MAX_IMAGES = 16  # weights or maps of a layer that are shown
MAX_POINTS = 4_000  # of the loss by step
MAX_COLUMNS = 32  # of neurons


class LiveTraining(NullProgress):
    """Passes a training's progress on, and keeps it for pages.

    Parameters
    ----------
    inner : NullProgress
        The report on the terminal.
    title : str
        Name of the run.

    Attributes
    ----------
    controls : TrainingControls
        What pages ask of the training.
    """

    def __init__(self, inner: NullProgress, title: str) -> None:
        self.inner, self.title, self.controls = inner, title, TrainingControls()
        self.lock = threading.Lock()
        self.state = "starting"
        self.epochs = self.steps = 0
        self.losses: list[tuple[int, float]] = []
        self.rows: list[dict[str, Any]] = []
        self.pictures: dict[str, Any] = {"number": 0, "layers": [], "image": None, "probabilities": []}
        self._looked = 0.0

    def log(self, text: str) -> None:
        """Print one line."""
        self.inner.log(text)

    def on_start(self, epochs: int, steps: int, images: int, done: int) -> None:
        """Note the size of the training."""
        with self.lock:
            self.state, self.epochs, self.steps = "training", epochs, steps
        self.inner.on_start(epochs, steps, images, done)

    def on_step(self, epoch: int, step: int, loss: float) -> None:
        """Note the loss."""
        with self.lock:
            self.losses.append(((epoch - 1) * self.steps + step, loss))
            if len(self.losses) > MAX_POINTS:
                self.losses = self.losses[::2]
        self.inner.on_step(epoch, step, loss)

    def on_network(self, module: nn.Module, held_out: DeviceDataset, classes: Sequence[str]) -> None:
        """Take pictures of weights and activations, at most one per second."""
        now = time.monotonic()
        if now - self._looked >= PICTURE_SECONDS:
            self._looked = now
            found = take_pictures(module, held_out.images[:1], int(held_out.labels[0]), classes)
            with self.lock:
                self.pictures = found | {"number": self.pictures["number"] + 1}

    def on_epoch(self, row: Mapping[str, Any]) -> None:
        """Note the row of the history."""
        with self.lock:
            self.rows.append(dict(row))
        self.inner.on_epoch(row)

    def on_end(self) -> None:
        """Note the end."""
        with self.lock:
            self.state = "ended"
        self.inner.on_end()

    def status(self, after: int) -> dict[str, Any]:
        """Return the progress; of the losses those after step `after`."""
        with self.lock:
            losses = [pair for pair in self.losses if pair[0] > after]
            epochs = [{key: row[key] for key in ("epoch", "step", "val_loss", "val_accuracy")} for row in self.rows]
            return {
                "run": self.title, "state": self.state, "paused": self.controls.paused, "epochs": self.epochs,
                "steps_per_epoch": self.steps, "losses": losses, "history": epochs,
                "learning_rate_factor": self.controls.learning_rate_factor, "pictures": self.pictures["number"],
            }  # fmt: skip


@torch.inference_mode()
def take_pictures(module: nn.Module, image: torch.Tensor, label: int, classes: Sequence[str]) -> dict[str, Any]:
    """Return the first layer's weights, and each layer's activations for one image, as shades.

    Parameters
    ----------
    module : nn.Module
        A sequence of layers; left as it is.
    image : Tensor of uint8, shape (1, C, H, W)
    label : int
    classes : sequence of str
    """
    was_training = module.training
    module.eval()
    x, outputs = image.float() / 255, {}
    for name, layer in module.named_children():
        x = outputs[name] = layer(x)
    module.train(was_training)
    layers, weighted = [_weights(module, tuple(image.shape[1:]))], ""
    for name, layer in module.named_children():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            weighted = name
        elif name.startswith("act") or name.endswith("_act"):
            layers.append(_activations(f"{weighted} after {type(layer).__name__}", outputs[name]))
    shares = torch.softmax(x[0].float().cpu().double(), 0).numpy()
    return {
        "layers": layers,
        "image": _shades("Input", image.cpu().numpy()[0].astype(np.float32), 1),
        "label": classes[label],
        "classes": list(classes),
        "probabilities": shares.tolist(),
    }


def _weights(module: nn.Module, shape: tuple[int, ...]) -> dict[str, Any]:
    name, layer = next((n, m) for n, m in module.named_children() if isinstance(m, nn.Conv2d | nn.Linear))
    weight = layer.weight.detach().float().cpu().numpy()
    images = weight[:, 0] if weight.ndim == 4 else weight.reshape(len(weight), *shape)[:, 0]
    part = "" if shape[0] == 1 else ", first channel"
    return _shades(f"Weights of {name}{part}", images, MAX_IMAGES)


def _activations(title: str, value: torch.Tensor) -> dict[str, Any]:
    array = value[0].float().cpu().numpy()
    if array.ndim == 1:
        columns = max(c for c in range(1, min(MAX_COLUMNS, len(array)) + 1) if len(array) % c == 0)
        return _shades(f"{title}: {len(array)} neurons", array.reshape(1, -1, columns), 1)
    return _shades(f"{title}: maps", array, MAX_IMAGES)


def _shades(title: str, images: NDArray[np.floating], most: int) -> dict[str, Any]:
    """Describe images (N, H, W), as bytes in [-127, 127] of the largest magnitude."""
    shown = images[:most]
    limit = float(np.abs(shown).max())
    values = np.round(shown * (127 / limit if limit > 0 else 0)).astype(np.int8)
    part = "" if len(images) <= most else f", {most} of {len(images)}"
    return {
        "title": f"{title}{part}", "count": len(shown), "rows": shown.shape[1], "columns": shown.shape[2],
        "limit": limit, "signed": bool((shown < 0).any()), "values": base64.b64encode(values.tobytes()).decode(),
    }  # fmt: skip
