"""Many renders at once, each in a worker process with a time-out."""

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from netcore.rendering.request import RenderTask
from netcore.rendering.worker import task_to_json

TIMEOUT_SECONDS = 300.0  # seconds that one pass may take
GRACE_SECONDS = 2.0  # seconds that a process has to end by itself
STDERR_TAIL = 400  # characters of a crashed worker's standard error that are shown
WorkerReply = dict[str, Any]  # {"files", "reads", "alt"}, {"refused": line} or {"failed": line, "traceback": text}


class WorkerProcess:
    """One drawing process, started at its first job and kept for the next."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.stopped = False
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - lives as long as the worker

    def draw(self, task: RenderTask, folder: Path, timeout: float, count: Callable[[int], None]) -> WorkerReply:
        """Have a job drawn into `folder`; the process is killed when `timeout` seconds are over."""
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
                process.stdin.write(task_to_json(task, folder) + "\n")
                process.stdin.flush()
            for line in process.stdout:
                told = json.loads(line)
                if "frames" not in told:
                    return told
                count(told["frames"])
        finally:
            timer.cancel()
        process.wait()
        if late.is_set():
            return {"failed": f"took longer than {timeout:g} s: stopped (--timeout allows more)"}
        return {"failed": f"the drawing process ended with status {process.returncode}{self._last_words()}"}

    def _started(self) -> "subprocess.Popen[str]":
        if self.stopped:
            raise KeyboardInterrupt
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "netcore.rendering.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
            )
        return self.process

    def _last_words(self) -> str:
        self._errors.seek(0)
        words = " ".join(self._errors.read()[-STDERR_TAIL:].split())
        return f": {words}" if words else ""

    def stop(self) -> None:
        """End the process, this one alone."""
        self.stopped = True
        if self.process is not None:
            _end(self.process)


def _end(process: "subprocess.Popen[str]") -> None:
    """Ask a process to end, so that it removes its temporary files; kill it where it hangs."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def worker_pool(workers: int) -> Iterator[Callable[..., WorkerReply]]:
    """Give a function that draws a job in the next free of `workers` processes; they end with the context."""
    all_of_them = [WorkerProcess() for _ in range(workers)]
    free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
    for worker in all_of_them:
        free.put(worker)

    def draw(task: RenderTask, folder: Path, timeout: float, count: Callable[[int], None]) -> WorkerReply:
        worker = free.get()
        try:
            return worker.draw(task, folder, timeout, count)
        finally:
            free.put(worker)

    try:
        yield draw
    finally:
        for worker in all_of_them:
            worker.stop()


def map_concurrently(do: Callable[[Any], Any], things: Sequence[Any], jobs: int) -> list[Any]:
    """Do something with each thing, some at once, in order; Ctrl-C drops those that have not begun."""
    pool = ThreadPoolExecutor(jobs)
    try:
        return list(pool.map(do, things))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
