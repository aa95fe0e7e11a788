"""Worker process: reads calls as pickles, writes progress and results.

A separate process, so that a library that hangs or crashes does not end the command. `netcore.rendering.pool` starts it
as ``python -m netcore.rendering.worker``, which works from scripts and notebooks too: there a spawned copy of the
caller would run its file again. It is reused for the next call.
"""

import contextlib
import os
import pickle
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from queue import Queue
from typing import IO, Any

from netcore.rendering.job import FOLDERS, progress_to

PROGRESS_INTERVAL_S = 0.1
LENGTH_BYTES = 8

Send = Callable[[str, Any], None]  # one message to the pool: "progress", "result" or "error", and its value


def write_message(stream: IO[bytes], message: object) -> None:
    """Write an object to a pipe as a pickle, its length before it."""
    data = pickle.dumps(message)
    stream.write(len(data).to_bytes(LENGTH_BYTES, "little") + data)
    stream.flush()


def read_message(stream: IO[bytes]) -> Any:  # noqa: ANN401 - what the other end wrote
    """Read an object that `write_message` wrote.

    Raises
    ------
    EOFError
        If the pipe was closed.
    """
    size = stream.read(LENGTH_BYTES)
    data = stream.read(int.from_bytes(size, "little"))
    if len(size) < LENGTH_BYTES:
        raise EOFError
    return pickle.loads(data)


def handle_call(call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]], send: Send) -> None:
    """Call a function; send its progress and at last its result or error."""
    last = time.monotonic()

    def report(frames: int) -> None:
        nonlocal last
        if time.monotonic() - last > PROGRESS_INTERVAL_S:
            last = time.monotonic()
            send("progress", frames)

    function, args, settings = call
    try:
        with progress_to(report):
            result = function(*args, **settings)
        send("result", result)
    except Exception as error:
        error.add_note(traceback.format_exc())  # a pickle drops the traceback
        try:
            send("error", pickle.loads(pickle.dumps(error)))
        except Exception:
            send("error", RuntimeError(f"{type(error).__name__}: {error}"))


@contextlib.contextmanager
def _reserved_stdout() -> Iterator[IO[bytes]]:
    """Reserve standard output for messages: what libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        yield out


def main() -> None:
    """Handle the calls on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the pool decides
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # unwinds, so that temporary folders are removed
    calls: Queue[Any] = Queue()

    def read() -> None:
        with (
            contextlib.suppress(EOFError),
            os.fdopen(os.dup(0), "rb") as stdin,
        ):  # sys.stdin's lock would block the exit
            while True:
                calls.put(read_message(stdin))
        for folder in list(FOLDERS):  # the pool is gone: leave nothing half written
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    with _reserved_stdout() as out:
        while True:
            handle_call(calls.get(), lambda kind, value: write_message(out, (kind, value)))


if __name__ == "__main__":
    main()
