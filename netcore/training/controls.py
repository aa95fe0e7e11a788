"""Act on a training while it runs."""

import threading
from collections.abc import Iterator

CHECK_SECONDS = 0.5  # between two looks while paused, so that Ctrl-C is handled


class TrainingControls:
    """What others ask of a training: its thread looks after each step.

    Attributes
    ----------
    learning_rate_factor : float
        The scheduled learning rate is multiplied by it.
    paused : bool
    """

    def __init__(self) -> None:
        self.learning_rate_factor = 1.0
        self.paused = False
        self._stop = self._snapshot = False
        self._changed = threading.Condition()

    def change(
        self,
        *,
        learning_rate_factor: float | None = None,
        paused: bool | None = None,
        stop: bool = False,
        snapshot: bool = False,
    ) -> None:
        """Ask for a change; what is left out stays as it is.

        Parameters
        ----------
        learning_rate_factor : float, optional
        paused : bool, optional
        stop : bool
            End as Ctrl-C does: the run is kept up to its last epoch, and can be resumed.
        snapshot : bool
            Store the weights after the current step.
        """
        with self._changed:
            if learning_rate_factor is not None:
                self.learning_rate_factor = learning_rate_factor
            if paused is not None:
                self.paused = paused
            self._stop |= stop
            self._snapshot |= snapshot
            self._changed.notify_all()

    def requests(self) -> Iterator[None]:
        """Yield for each snapshot that is asked for; end when the training is not paused.

        Raises
        ------
        KeyboardInterrupt
            If the training must stop.
        """
        while True:
            with self._changed:
                if self._stop:
                    raise KeyboardInterrupt
                wanted, self._snapshot = self._snapshot, False
                if not wanted and not self.paused:
                    return
                if not wanted:
                    self._changed.wait(CHECK_SECONDS)
            if wanted:
                yield
