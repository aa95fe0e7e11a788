"""The lab's server: 50 visitors who draw at once, on loopback, a CNN.

Each visitor sends a drawing 20 times a second as long as the answer to the last one has arrived, as the page does; the
visitors run in a process of their own on the same machine. NETCORE_VISITOR_SECONDS shortens it for a trial.
"""

import asyncio
import json
import os
import subprocess
import sys
import time

import numpy as np
from measure import FOLDER, Row, run_of

VISITORS = 50
SECONDS = float(os.environ.get("NETCORE_VISITOR_SECONDS", "60"))
INTERVAL = 0.05  # seconds between two drawings of a visitor
LIMIT_MS = 200


async def visit(address: str, images: np.ndarray, number: int, until: float) -> tuple[list[float], int]:
    """Draw until the time is over: the milliseconds of each answer, and the number of errors."""
    from websockets.asyncio.client import connect

    times: list[float] = []
    await asyncio.sleep(INTERVAL * number / VISITORS)
    async with connect(address) as socket:
        while (start := time.perf_counter()) < until:
            await socket.send(images[(number + len(times)) % len(images)].tobytes())
            rows = json.loads(await socket.recv())["probabilities"]
            times.append(1000 * (time.perf_counter() - start))
            if not abs(sum(rows[0]) - 1) < 1e-6:
                return times, 1
            await asyncio.sleep(max(0, INTERVAL - (time.perf_counter() - start)))
    return times, 0


async def visits(address: str, images: np.ndarray) -> tuple[np.ndarray, int]:
    """All visitors at once."""
    until = time.perf_counter() + SECONDS
    work = (visit(address, images, i, until) for i in range(VISITORS))
    found = await asyncio.gather(*work, return_exceptions=True)
    done = [f for f in found if not isinstance(f, BaseException)]
    errors = len(found) - len(done) + sum(count for _, count in done)
    return np.concatenate([times for times, _ in done] or [[]]), errors


def processor_seconds(process: int) -> float:
    """Processor time of a process so far; 0 where /proc is missing."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows() -> list[Row]:
    """Answers a second, the 95th percentile of their times, errors."""
    run = run_of("cnn-2conv")
    feedback = FOLDER / "feedback.sqlite"
    command = [sys.executable, "-m", "netcore", "serve", str(run.path), "--port", "0", "--feedback", str(feedback)]
    before = os.getloadavg()[0]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=FOLDER) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            address = line.split("/ ")[0].replace("http", "ws") + "/api/draw"
            spent = processor_seconds(server.pid)
            times, errors = asyncio.run(visits(address, run.examples().images))
            spent = processor_seconds(server.pid) - spent
        finally:
            server.terminate()
    middle, late = np.percentile(times, [50, 95])
    what = f"{VISITORS} visitors for {SECONDS:g} s, up to {1 / INTERVAL:g} drawings a second each"
    others = f"; load of other work on the machine before: {before:.1f}"
    return [
        Row(f"{what}: 95th percentile", f"{late:.0f} ms", f"median {middle:.0f} ms{others}", f"≤ {LIMIT_MS} ms",
            bool(late <= LIMIT_MS)),
        Row(f"{what}: answers", f"{len(times) / SECONDS:.0f} a second", f"{len(times):,} in all"),
        Row(f"{what}: the server's processor time per answer", f"{1000 * spent / max(1, len(times)):.2f} ms"),
        Row(f"{what}: errors", str(errors), "", "0", errors == 0),
    ]  # fmt: skip
