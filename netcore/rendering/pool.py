"""Executor of worker processes, each call with a time limit."""

import contextlib
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from netcore.rendering.worker import read_message, write_message

TIMEOUT_SECONDS = 300.0  # for one task
GRACE_SECONDS = 2.0  # from SIGTERM to SIGKILL
STDERR_TAIL = 400  # characters of a crashed worker's standard error that are shown

Item = TypeVar("Item")
Result = TypeVar("Result")
P = ParamSpec("P")
Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class WorkerError(Exception):
    """A worker process crashed or reached its time limit; its call has no result."""


class WorkerProcess:
    """A process for calls, started with the first one and reused for the next."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - lives as long as the worker

    def run(self, call: Call, timeout: float, on_progress: Callable[[int], None]) -> Any:  # noqa: ANN401 - the call's
        """Call a function in the process and return its result; the process is killed after `timeout` seconds.

        Raises
        ------
        WorkerError
            If the process ended without a result.
        Exception
            Whatever the function raises.
        """
        process = self._started()
        late = threading.Event()

        def kill() -> None:
            late.set()
            _end(process)

        timer = threading.Timer(timeout, kill)
        timer.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                write_message(process.stdin, call)
            with contextlib.suppress(EOFError):
                while True:
                    kind, value = read_message(process.stdout)
                    if kind == "result":
                        return value
                    if kind == "error":
                        raise value
                    on_progress(value)
        finally:
            timer.cancel()
        process.wait()
        if late.is_set():
            raise WorkerError(f"took longer than {timeout:g} s: stopped (--timeout allows more)")
        raise WorkerError(f"the drawing process ended with status {process.returncode}{self._last_words()}")

    def _started(self) -> "subprocess.Popen[bytes]":
        if self.stopped:
            raise KeyboardInterrupt
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "netcore.rendering.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        return self.process

    def _last_words(self) -> str:
        self._errors.seek(0)
        words = " ".join(self._errors.read()[-STDERR_TAIL:].split())
        return f": {words}" if words else ""

    def stop(self) -> None:
        """End this process; the other workers continue."""
        self.stopped = True
        if self.process is not None:
            _end(self.process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a process to end, so that it removes its temporary files; kill it if it hangs."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class WorkerPool(Executor):
    """Executor of worker processes, in which a call that hangs or crashes fails alone.

    Functions, arguments and results must be picklable.

    Parameters
    ----------
    workers : int
        Number of processes.
    timeout : float
        Time limit of each call in seconds.
    on_progress : callable
        Called with the arguments of a call and the progress that it reports.
    """

    def __init__(
        self,
        workers: int,
        timeout: float = TIMEOUT_SECONDS,
        on_progress: Callable[[tuple[Any, ...], int], None] = lambda args, progress: None,
    ) -> None:
        self._timeout, self._on_progress = timeout, on_progress
        self._workers = [WorkerProcess() for _ in range(workers)]
        self._free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        for worker in self._workers:
            self._free.put(worker)
        self._threads = ThreadPoolExecutor(workers)

    def submit(self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> "Future[Result]":
        """Call a function in the next free process."""
        return self._threads.submit(self._run, (fn, args, kwargs))

    def _run(self, call: Call) -> Any:  # noqa: ANN401 - the call's result
        worker = self._free.get()
        try:
            return worker.run(call, self._timeout, lambda progress: self._on_progress(call[1], progress))
        finally:
            self._free.put(worker)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes once no call is left; with `cancel_futures` at once, running calls too."""
        if cancel_futures:
            self._stop()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            self._stop()

    def _stop(self) -> None:
        for worker in self._workers:
            worker.stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self.shutdown(cancel_futures=error is not None)
        return None


def map_concurrently(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> list[Result]:
    """Apply a function to items in `jobs` threads; results in order. Ctrl-C drops items that have not started."""
    pool = ThreadPoolExecutor(jobs)
    try:
        return list(pool.map(function, items))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
