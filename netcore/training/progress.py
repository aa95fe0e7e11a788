"""What the user sees of a training: loss, accuracy, images a second, time left; on stderr."""

import sys
import time
from typing import Any, TextIO

from netcore.core.formatting import format_percent

MAX_LINES = 20  # lines of a whole training where stderr is no terminal, about


class NullProgress:
    """Sees everything and says nothing; the others build on it."""

    def say(self, text: str) -> None:
        """One line for the user."""

    def begin(self, epochs: int, steps: int, images: int, done: int) -> None:
        """Before the first step: epochs in all, steps and images an epoch, epochs done before."""

    def step(self, epoch: int, step: int, loss: float) -> None:
        """After `step` steps of `epoch`; `loss` is the mean of the last ones."""

    def epoch(self, row: dict[str, Any]) -> None:
        """After an epoch: its row of the history."""

    def end(self) -> None:
        """Whatever happened, this comes last."""


class LogProgress(NullProgress):
    """Plain lines, for a log."""

    def __init__(self, title: str = "", stream: TextIO | None = None) -> None:
        self.title, self.stream = title, stream or sys.stderr
        self.epochs = self.steps = self.images = self.done = 0
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        print(f"netcore: {text}", file=self.stream, flush=True)

    def begin(self, epochs: int, steps: int, images: int, done: int) -> None:
        self.epochs, self.steps, self.images, self.done = epochs, steps, images, done
        self.started = time.monotonic()

    def epoch(self, row: dict[str, Any]) -> None:
        n = row["epoch"]
        if n == self.epochs or n == self.done + 1 or n % max(1, self.epochs // MAX_LINES) == 0:
            done, left = self.pace(n, 0)
            print(
                f"{self.title} epoch {n}/{self.epochs}  loss {row['train_loss']:.4f}, held out {row['val_loss']:.4f}  "
                f"accuracy {format_percent(row['val_accuracy'], 2)}  {done:,.0f} images/s  {_clock(left)} left",
                file=self.stream,
                flush=True,
            )

    def pace(self, epoch: int, step: int) -> tuple[float, float]:
        """Images a second and seconds left, `epoch` epochs and `step` steps into the training."""
        passed = max(time.monotonic() - self.started, 1e-6)
        done = epoch - self.done + step / self.steps
        return done * self.images / passed, (self.epochs - self.done - done) * passed / max(done, 1e-6)


class ProgressBar(LogProgress):
    """A bar that is drawn in place, for a terminal."""

    def begin(self, epochs: int, steps: int, images: int, done: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().begin(epochs, steps, images, done)
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TextColumn("{task.fields[facts]}"))
        self.bar = Progress(*columns, console=Console(file=self.stream), auto_refresh=False, expand=True)
        self.task = self.bar.add_task(self.title, total=epochs * steps, completed=done * steps, facts="")
        self.accuracy = ""
        self.bar.start()

    def say(self, text: str) -> None:
        if hasattr(self, "bar"):
            self.bar.console.print(f"netcore: {text}", highlight=False, markup=False)
        else:
            super().say(text)

    def step(self, epoch: int, step: int, loss: float) -> None:
        rate, left = self.pace(epoch - 1, step)
        facts = (
            f"epoch {epoch}/{self.epochs}  loss {loss:.4f}  {self.accuracy}{rate:,.0f} images/s  {_clock(left)} left"
        )
        self.bar.update(self.task, completed=(epoch - 1) * self.steps + step, facts=facts)
        self.bar.refresh()

    def epoch(self, row: dict[str, Any]) -> None:
        self.accuracy = f"accuracy {format_percent(row['val_accuracy'], 2)}  "
        if row["epoch"] == self.epochs:
            self.step(row["epoch"], self.steps, row["train_loss"])

    def end(self) -> None:
        self.bar.stop()


def stderr_progress(title: str) -> LogProgress:
    """A bar on a terminal, lines elsewhere."""
    return ProgressBar(title) if sys.stderr.isatty() else LogProgress(title)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
