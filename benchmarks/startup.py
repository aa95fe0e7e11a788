"""The command line: how long one waits for it."""

import os
import shutil
import subprocess
import sys
from functools import partial

from measure import FOLDER, Row, medians, run_of

NETCORE = [sys.executable, "-m", "netcore"]
PROJECT = """
[[render]]
scene = "training-history"
run = "{run}"
[[render]]
scene = "neuron-weights"
run = "{run}"
formats = ["png", "gif"]
[[render]]
scene = "forward-propagation"
run = "{run}"
"""


def command(*words: str) -> None:
    """Run netcore in the benchmark's own project."""
    subprocess.run([*NETCORE, *words], cwd=FOLDER, check=True, capture_output=True, env=os.environ | {"COLUMNS": "100"})


def rows() -> list[Row]:
    """Seconds, process start included."""
    (FOLDER / "netcore.toml").write_text(PROJECT.format(run=run_of("mlp-16-16").name))
    shutil.rmtree(FOLDER / "renders", ignore_errors=True)
    command("render")
    found = medians({"--help": partial(command, "--help"), "render": partial(command, "render")}, rounds=7)
    bare = medians({"python": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)}, rounds=7)["python"]
    beside = f"{bare:.2f} s of it Python's own start"
    return [
        Row(f"`netcore {word}`{note}", f"{found[word]:.2f} s", beside, f"≤ {limit:g} s", found[word] <= limit)
        for word, note, limit in (("--help", "", 0.2), ("render", ", four files, all fresh", 0.5))
    ]
