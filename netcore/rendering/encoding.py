"""Encode frames to several formats in a thread beside the drawing."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from queue import Queue
from types import TracebackType

import numpy as np

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write
from netcore.core.step import Step
from netcore.rendering.formats import EncodedFile
from netcore.rendering.frame_buffer import EncodingCancelled
from netcore.rendering.frame_writer import Clip
from netcore.viz.theme import DARK, Theme

LAST_FRAME_SECONDS = 2.0  # minimum duration of the last frame
QUEUE_SIZE = 8  # frames that may wait for the encoders


def encode(
    frames: Iterable[tuple[np.ndarray, int]],
    targets: Mapping[str, Path],
    fps: float,
    max_mb: float | None = None,
    hold: float = LAST_FRAME_SECONDS,
    steps: Sequence[Step] = (),
    theme: Theme = DARK,
    title: str = "",
    description: str = "",
) -> dict[str, EncodedFile]:
    """Write a stream of frames to files.

    Parameters
    ----------
    frames : iterable of (ndarray, int)
        uint8 (H, W, 3), C-contiguous, not changed afterwards, and its number of repeats.
    targets : mapping of str to Path
        File by the name of its format; a still is the last frame.
    fps : float
        Frames per second.
    max_mb : float, optional
        Most megabytes (10⁶ bytes) of a GIF, WebP or APNG. Without it 5 are aimed at and 10 are the limit.
    hold : float
        Minimum duration of the last frame in seconds.
    steps : sequence of Step
        Where players stop and seek; of a clip without any, none.
    theme : Theme
        Theme in which the frames are drawn: that of a page or storyboard.
    title, description : str
        Title of the scene, and what can be seen, as text.

    Raises
    ------
    NetcoreError
        If a format cannot take the rate or size, or a file cannot be written: none is. If a file is too large: the
        others are written.
    """
    with EncodeSession(targets, fps, max_mb, hold, steps, theme, title, description) as encoding:
        for rgb, repeat in frames:
            encoding.write(rgb, repeat)
    for error in encoding.refusals.values():
        raise error
    return encoding.results


class EncodeSession:
    """Context in which `write` appends frames to all files; afterwards `results` describes them.

    A thread encodes beside the drawing, at most `QUEUE_SIZE` frames behind. After an exception nothing is written and
    the earlier files remain. `refusals` are the errors of files that are too large: their earlier files remain too.
    Parameters and errors as in `encode`.
    """

    def __init__(
        self,
        targets: Mapping[str, Path],
        fps: float,
        max_mb: float | None = None,
        hold: float = LAST_FRAME_SECONDS,
        steps: Sequence[Step] = (),
        theme: Theme = DARK,
        title: str = "",
        description: str = "",
    ) -> None:
        self.results: dict[str, EncodedFile] = {}
        self.refusals: dict[str, NetcoreError] = {}
        self._targets = {name: Path(path) for name, path in targets.items()}
        self._clip = Clip(0, 0, fps, steps=tuple(steps), theme=theme, title=title, description=description)
        self._limits = max_mb, hold
        self._queue: Queue[tuple[np.ndarray, int] | None] = Queue(QUEUE_SIZE)
        self._failure: BaseException | None = None
        self._files: dict[str, ExitStack] = {}

    def __enter__(self) -> "EncodeSession":
        from netcore.rendering.frame_encoder import FrameEncoder

        partial = {}
        with ExitStack() as opening:
            for name, path in self._targets.items():
                self._files[name] = opening.enter_context(ExitStack())
                partial[name] = self._files[name].enter_context(atomic_write(path))
                partial[name].touch()  # an unwritable folder is reported before the drawing
            opening.pop_all()
        self._encoders = FrameEncoder(partial, self._clip, *self._limits)
        self._thread = threading.Thread(target=self._work, name="encoder", daemon=True)
        self._thread.start()
        return self

    def write(self, rgb: np.ndarray, repeat: int = 1) -> None:
        """Append uint8 (H, W, 3), shown for `repeat` frames; wait if the queue is full."""
        if self._failure:
            raise self._failure
        if repeat > 0:
            self._queue.put((rgb, repeat))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._encoders.cancelled = error is not None
            self._queue.put(None)
            self._thread.join()
        except BaseException:  # Ctrl-C while the last file is being made
            self._encoders.cancelled = True
            self._thread.join()
            self._close(EncodingCancelled())
            raise
        self._close(self._failure or (EncodingCancelled() if error else None))

    def _close(self, failure: BaseException | None) -> None:
        """Rename the files into place, or remove those that are refused, or all and raise what failed."""
        problems: list[BaseException] = []
        for name, file in self._files.items():
            try:
                with file:
                    if error := failure or self.refusals.get(name):
                        raise error
            except BaseException as problem:
                problems.append(problem)
        for found in problems:
            if not isinstance(found, EncodingCancelled) and found not in self.refusals.values():
                raise found

    def _work(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                if not self._encoders.cancelled:
                    self._encoders.add(*item)
            found = {} if self._encoders.cancelled else self._encoders.finish()
            for name, result in found.items():
                if isinstance(result, NetcoreError):
                    self.refusals[name] = result
                else:
                    self.results[name] = replace(result, path=self._targets[name])
        except BaseException as failure:
            self._failure = failure
            while item is not None:  # the drawing may be waiting for room
                item = self._queue.get()
        finally:
            self._encoders.close()
