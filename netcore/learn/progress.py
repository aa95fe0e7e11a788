"""What the user sees of a training: loss, accuracy, images a second, time left; on stderr."""

from typing import Any


class Silent:
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
