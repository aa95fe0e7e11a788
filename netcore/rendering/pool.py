"""Worker processes that draw tasks in parallel, with a time limit."""

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
from typing import Any, TypeVar

from netcore.rendering.draw_task import FrameCallback
from netcore.rendering.request import RenderTask
from netcore.rendering.worker import task_to_json

TIMEOUT_SECONDS = 300.0  # for one task
GRACE_SECONDS = 2.0  # from SIGTERM to SIGKILL
STDERR_TAIL = 400  # characters of a crashed worker's standard error that are shown
# {"files", "reads", "alt"}, {"refused": line}, with "lacking" too, or {"failed": line, "traceback": text}
WorkerReply = dict[str, Any]
DrawFunction = Callable[[RenderTask, Path, float, FrameCallback], WorkerReply]  # task, folder, timeout in seconds

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerProcess:
    """A drawing process, started with its first task and reused for the next."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.stopped = False
        self._errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - lives as long as the worker

    def draw(self, task: RenderTask, folder: Path, timeout: float, on_frames: FrameCallback) -> WorkerReply:
        """Draw a task into `folder`; the process is killed after `timeout` seconds."""
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
                reply: WorkerReply = json.loads(line)
                if "frames" not in reply:
                    return reply
                on_frames(reply["frames"])
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
        """End this process; the other workers continue."""
        self.stopped = True
        if self.process is not None:
            _end(self.process)


def _end(process: "subprocess.Popen[str]") -> None:
    """Ask a process to end, so that it removes its temporary files; kill it if it hangs."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def worker_pool(workers: int) -> Iterator[DrawFunction]:
    """Provide a function that draws a task in the next free process; all processes end with the context."""
    processes = [WorkerProcess() for _ in range(workers)]
    free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
    for worker in processes:
        free.put(worker)

    def draw(task: RenderTask, folder: Path, timeout: float, on_frames: FrameCallback) -> WorkerReply:
        worker = free.get()
        try:
            return worker.draw(task, folder, timeout, on_frames)
        finally:
            free.put(worker)

    try:
        yield draw
    finally:
        for worker in processes:
            worker.stop()


def map_concurrently(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> list[Result]:
    """Apply a function to items in `jobs` threads; results in order. Ctrl-C drops items that have not started."""
    pool = ThreadPoolExecutor(jobs)
    try:
        return list(pool.map(function, items))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
