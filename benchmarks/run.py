"""Run the benchmarks and write their tables: `python benchmarks/run.py [NAME…]`.

Each module beside this one that has a function `rows` is one benchmark, and one table under its docstring's first line.
They go to standard output and, where all benchmarks ran, to `docs/benchmarks.md`.
"""

import importlib
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Made by `make bench` on {machine}.

Ratios are of things timed in turn in one run, medians of several rounds; start-up is not counted unless it says so.

"""
LIBRARIES = ("torch", "manim", "matplotlib", "av", "numpy", "pillow")


def machine() -> str:
    """The conditions: processor, cores, load, versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    start = time.perf_counter()
    sum(range(100_000_000))
    speed = f"Python adds 10^8 integers in {time.perf_counter() - start:.1f} s"  # shared machines vary
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return f"{cpu}, {cores} cores{load}; {speed}; {platform.system()}, Python {platform.python_version()}, {versions}"


def table(rows: list) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | reached | beside | wanted | |", "|---|---|---|---|---|"]
    marks = {True: "yes", False: "**no**", None: ""}
    lines += [f"| {r.what} | {r.reached} | {r.beside} | {r.wanted} | {marks[r.met]} |" for r in rows]
    return "\n".join(lines) + "\n"


def main(names: list[str]) -> None:
    """Run the benchmarks named, or all."""
    sys.path.insert(0, str(HERE))
    there = [path.stem for path in sorted(HERE.glob("*.py")) if path.stem not in ("run", "measure")]
    wrong = set(names) - set(there)
    if wrong:
        sys.exit(f"no benchmark {', '.join(sorted(wrong))}: there are {', '.join(there)}")
    parts = [HEAD.format(machine=machine())]
    print(parts[0], end="", flush=True)
    for name in names or there:
        start, module = time.perf_counter(), importlib.import_module(name)
        parts.append(f"## {(module.__doc__ or name).splitlines()[0].rstrip('.')}\n\n{table(module.rows())}\n")
        print(parts[-1], end="", flush=True)  # at once: an interrupted run has shown what it measured
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    if not names:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text("".join(parts).rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
