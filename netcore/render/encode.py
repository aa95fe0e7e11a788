"""Frames to files: one pass over a clip writes every wanted format, beside the drawing."""

import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np

from netcore.errors import NetcoreError
from netcore.files import replacing
from netcore.render.reel import Cancelled

MOVING = ("gif", "mp4", "webm", "webp", "apng")
VECTOR = ("svg", "pdf")
STILL = ("png", *VECTOR)
FORMATS = ("gif", "mp4", "webm", "webp", "apng", "png")
GIF_RATES = (10, 20, 25, 50)  # delays are whole hundredths of a second, and browsers slow down those below two
HOLD = 2.0  # seconds that the last frame stands
AHEAD = 8  # frames that may wait for the encoders


@dataclass(frozen=True)
class Encoded:
    """One written file: frames shown (repeats included), seconds, bytes, pixels, and a line where it is rather large.

    The poster counts as one frame of no duration.
    """

    path: Path
    frames: int
    seconds: float
    bytes: int
    width: int
    height: int
    warning: str = ""


def check(formats: Iterable[str], size: tuple[int, int], fps: float) -> None:
    """Refuse what cannot be encoded, before anything is drawn.

    Parameters
    ----------
    formats : iterable of str
        Of `FORMATS`.
    size : tuple of int
        (width, height) in pixels.
    fps : float
        Frames a second.

    Raises
    ------
    NetcoreError
        For a frame rate that a GIF cannot play, or an odd side for H.264; the nearest possible one is offered.
    """
    formats, (width, height) = set(formats), size
    if "gif" in formats and fps not in GIF_RATES:
        near = min(GIF_RATES, key=lambda rate: (abs(rate - fps), -rate))
        raise NetcoreError(
            f"a GIF cannot play {fps:g} frames a second exactly: say --fps {near}, or choose mp4 or webp"
        )
    if "mp4" in formats and (width % 2 or height % 2):
        even = f"{width - width % 2}x{height - height % 2}"
        raise NetcoreError(f"H.264 (mp4) needs even sides, not {width}x{height}: say --size {even}")


def encode(
    frames: Iterable[tuple[np.ndarray, int]],
    targets: Mapping[str, Path],
    fps: float,
    max_mb: float | None = None,
    hold: float = HOLD,
) -> dict[str, Encoded]:
    """Write a stream of frames to files, all of them or none.

    Parameters
    ----------
    frames : iterable of (ndarray, int)
        uint8 (H, W, 3), C-contiguous, not changed afterwards, and how many frames long it stands.
    targets : mapping of str to Path
        File by format (`FORMATS`); ``png`` is the last frame.
    fps : float
        Frames a second.
    max_mb : float, optional
        Most megabytes (10⁶ bytes) of a GIF, WebP or APNG. Without it 5 are aimed at and 10 are the limit.
    hold : float
        Seconds that the last frame stands at least.

    Raises
    ------
    NetcoreError
        Where a format cannot take the rate or size, a file is too large, or cannot be written.
    """
    with Encoding(targets, fps, max_mb, hold) as encoding:
        for rgb, repeat in frames:
            encoding.write(rgb, repeat)
    return encoding.results


class Encoding:
    """The files being written, as a context: `write` frames in it; `results` are there once it was left in peace.

    A thread encodes beside the drawing, at most `AHEAD` frames behind. Left by an exception, nothing is written and
    the earlier files stay. Parameters and errors as in `encode`.
    """

    def __init__(
        self, targets: Mapping[str, Path], fps: float, max_mb: float | None = None, hold: float = HOLD
    ) -> None:
        self.results: dict[str, Encoded] = {}
        self._targets = {name: Path(path) for name, path in targets.items()}
        self._settings = fps, max_mb, hold
        self._queue: Queue[tuple[np.ndarray, int] | None] = Queue(AHEAD)
        self._failure: BaseException | None = None
        self._files = ExitStack()

    def __enter__(self) -> "Encoding":
        from netcore.render.encoders import Encoders  # PyAV is not needed before

        with ExitStack() as files:
            partial = {name: files.enter_context(replacing(path)) for name, path in self._targets.items()}
            for path in partial.values():
                path.touch()  # a folder that cannot be written is told before the drawing
            self._files = files.pop_all()
        self._encoders = Encoders(partial, *self._settings)
        self._thread = threading.Thread(target=self._work, name="encoder", daemon=True)
        self._thread.start()
        return self

    def write(self, rgb: np.ndarray, repeat: int = 1) -> None:
        """Append uint8 (H, W, 3), standing for `repeat` frames; waits while the encoders are behind."""
        if self._failure:
            raise self._failure
        if repeat > 0:
            self._queue.put((rgb, repeat))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            self._encoders.cancelled = error is not None
            self._queue.put(None)
            self._thread.join()
        except BaseException:  # Ctrl-C while the last file is being made
            self._encoders.cancelled = True
            self._thread.join()
            self._close(Cancelled())
            raise
        self._close(self._failure or (Cancelled() if error else None))

    def _close(self, failure: BaseException | None) -> None:
        """Rename the files into place, or remove them and raise what failed."""
        with suppress(Cancelled), self._files:
            if failure:
                raise failure

    def _work(self) -> None:
        try:
            while (item := self._queue.get()) is not None:
                if not self._encoders.cancelled:
                    self._encoders.add(*item)
            found = {} if self._encoders.cancelled else self._encoders.finish()
            self.results = {name: replace(e, path=self._targets[name]) for name, e in found.items()}
        except BaseException as failure:
            self._failure = failure
            while item is not None:  # the drawing may be waiting for room
                item = self._queue.get()
        finally:
            self._encoders.close()
