"""Report the progress of a training on stderr."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from netcore.core.formatting import format_percent

if TYPE_CHECKING:
    from torch import nn

    from netcore.training.epoch import DeviceDataset

MAX_LINES = 20  # of a log, approximately
LINE_SECONDS = 15.0  # between two lines inside an epoch


class NullProgress:
    """Report nothing; base class of the other reports."""

    def log(self, text: str) -> None:
        """Print one line."""

    def on_start(self, epochs: int, steps: int, images: int, done: int) -> None:
        """Start before the first step.

        Parameters
        ----------
        epochs : int
            Number of epochs.
        steps, images : int
            Optimiser steps and images per epoch.
        done : int
            Epochs done by an interrupted training.
        """

    def on_step(self, epoch: int, step: int, loss: float) -> None:
        """Report `step` steps of `epoch`, and the mean loss since the last report."""

    def on_network(self, module: "nn.Module", held_out: "DeviceDataset", classes: Sequence[str]) -> None:
        """Report the network where `on_step` reports the loss; it must stay as it is."""

    def on_epoch(self, row: Mapping[str, Any]) -> None:
        """Report an epoch by its row of the history."""

    def on_end(self) -> None:
        """End after the last step, an error or an interruption."""


class LogProgress(NullProgress):
    """Print plain lines."""

    def __init__(self, title: str = "", stream: TextIO | None = None) -> None:
        self.title, self.stream = title, stream or sys.stderr
        self.epochs = self.steps = self.images = self.done = 0
        self.started = self._printed = time.monotonic()

    def log(self, text: str) -> None:
        """Print one line."""
        print(f"netcore: {text}", file=self.stream, flush=True)

    def on_start(self, epochs: int, steps: int, images: int, done: int) -> None:
        """Start the clock."""
        self.epochs, self.steps, self.images, self.done = epochs, steps, images, done
        self.started = self._printed = time.monotonic()

    def on_step(self, epoch: int, step: int, loss: float) -> None:
        """Print a line inside of an epoch if there was none for `LINE_SECONDS`."""
        if time.monotonic() - self._printed > LINE_SECONDS and step < self.steps:
            done = f"epoch {epoch}/{self.epochs}  {step:,} of {self.steps:,} steps  loss {loss:.4f}"
            self._print(done, self.throughput(epoch - 1, step))

    def on_epoch(self, row: Mapping[str, Any]) -> None:
        """Print the first, the last and about `MAX_LINES` epochs."""
        epoch = row["epoch"]
        if epoch in (self.done + 1, self.epochs) or epoch % max(1, self.epochs // MAX_LINES) == 0:
            done = f"epoch {epoch}/{self.epochs}  loss {row['train_loss']:.4f}, held out {row['val_loss']:.4f}  "
            self._print(f"{done}accuracy {format_percent(row['val_accuracy'], 2)}", self.throughput(epoch, 0))

    def _print(self, done: str, throughput: tuple[float, float]) -> None:
        rate, seconds = throughput
        print(f"{self.title} {done}  {rate:,.0f} images/s  {_clock(seconds)} left", file=self.stream, flush=True)
        self._printed = time.monotonic()

    def throughput(self, epoch: int, step: int) -> tuple[float, float]:
        """Return images per second and remaining seconds after `epoch` epochs and `step` steps."""
        seconds = max(time.monotonic() - self.started, 1e-6)
        done = epoch - self.done + step / self.steps
        return done * self.images / seconds, (self.epochs - self.done - done) * seconds / max(done, 1e-6)


class ProgressBar(LogProgress):
    """Draw a bar in place, on a terminal."""

    def on_start(self, epochs: int, steps: int, images: int, done: int) -> None:
        """Draw the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().on_start(epochs, steps, images, done)
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TextColumn("{task.fields[details]}"))
        self.bar = Progress(*columns, console=Console(file=self.stream), auto_refresh=False, expand=True)
        self.task = self.bar.add_task(self.title, total=epochs * steps, completed=done * steps, details="")
        self.accuracy = ""
        self.bar.start()

    def log(self, text: str) -> None:
        """Print one line above the bar."""
        if hasattr(self, "bar"):
            self.bar.console.print(f"netcore: {text}", markup=False, highlight=False)
        else:
            super().log(text)

    def on_step(self, epoch: int, step: int, loss: float) -> None:
        """Move the bar."""
        rate, seconds = self.throughput(epoch - 1, step)
        details = (
            f"epoch {epoch}/{self.epochs}  loss {loss:.4f}  {self.accuracy}{rate:,.0f} images/s  {_clock(seconds)} left"
        )
        self.bar.update(self.task, completed=(epoch - 1) * self.steps + step, details=details)
        self.bar.refresh()

    def on_epoch(self, row: Mapping[str, Any]) -> None:
        """Show the accuracy, and complete the bar after the last epoch."""
        self.accuracy = f"accuracy {format_percent(row['val_accuracy'], 2)}  "
        if row["epoch"] == self.epochs:
            self.on_step(row["epoch"], self.steps, row["train_loss"])

    def on_end(self) -> None:
        """Leave the bar as it is."""
        self.bar.stop()


def stderr_progress(title: str) -> LogProgress:
    """Return a progress bar for a terminal, else plain lines."""
    return ProgressBar(title) if sys.stderr.isatty() else LogProgress(title)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
