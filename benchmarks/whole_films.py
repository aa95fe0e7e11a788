"""Whole films as GIF from a cold start, 800 pixels wide, 20 frames per second, their traces stored.

Drawing and encoding alone: frames per second at 854×480 and 25 frames per second, in a process that has drawn the film.
The whole process: time, beside `import torch, manim` and a seventh of the clip; memory of its largest process.
The picture: size, mean and lowest signal-to-noise ratio (PSNR) of the GIF's frames beside those that were drawn.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from measure import FOLDER, Row, at_least, case_of, run_of
from PIL import Image

from netcore.core.errors import RequirementError
from netcore.core.run import Run
from netcore.rendering.encoding import EncodeSession
from netcore.rendering.frames import film_frames
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import Scene, all_scenes, load_film
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import DARK

SIZE, FPS = (800, 450), 20
RUNS = ("mlp-16-16", "cnn-2conv")
MEMORY = {"mlp-16-16": 300, "cnn-2conv": 350}  # megabytes that are wanted
MOST_MB, LEAST_PSNR, LEAST_RATE = 5.0, 47.0, 150
SHARE = 7  # the clip's length by this is the time allowed beyond the imports
OTHER = (  # the closest existing tool, which fails on Manim 0.22: measured once at 854×480, on another day
    ("ManimML 0.0.24 on Manim 0.17.3, a dense network 16-16-16-10", "9.8 frames per second", "135 frames in 13.8 s"),
    ("ManimML 0.0.24 on Manim 0.17.3, three convolutions", "25 frames per second", "3,300 frames in 131 s"),
)
MEASURED = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "netcore", *sys.argv[1:]], check=True, capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def seconds_and_memory(*words: str) -> tuple[float, float]:
    """Run netcore once; return seconds and megabytes of its largest process."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", MEASURED, *words], cwd=FOLDER, check=True, capture_output=True)
    return time.perf_counter() - start, float(done.stdout)


def signal_to_noise(path: Path, scene: Scene, run: Run) -> list[float]:
    """PSNR in dB of each distinct frame of a GIF, beside the frame that was drawn."""
    found: list[float] = []
    with Image.open(path) as image:

        def compare(rgb: np.ndarray, repeat: int) -> None:
            image.seek(len(found))
            error = (np.asarray(image.convert("RGB")).astype(float) - rgb) ** 2
            found.append(10 * np.log10(255**2 / max(error.mean(), 1e-3)))

        settings = FilmSettings(case_of(run), DARK, SIZE, FPS, scene.resolve_options({}))
        film_frames(load_film(scene.path, scene.class_name), settings, compare)
    return found


def frames_per_second(scene: Scene, run: Run) -> float:
    """Frames of a film, repeats included, by the time of drawing and encoding them; the second time counts."""
    context, film = case_of(run), load_film(scene.path, scene.class_name)
    settings = FilmSettings(context, DARK, (854, 480), 25, scene.resolve_options({}))
    for _ in range(2):
        start = time.perf_counter()
        with EncodeSession({"gif": FOLDER / "again.gif"}, settings.fps, hold=0) as encoding:
            film_frames(film, settings, encoding.write)
        spent = time.perf_counter() - start
    return encoding.results["gif"].frames / spent


def film_rows(scene: Scene, run: Run, imports: float) -> list[Row]:
    """The rows of one film."""
    path = FOLDER / f"{scene.name}.gif"
    words = ["render", scene.name, "--run", str(run.path), "-f", "gif", "-o", str(path), "--force"]
    words += ["--size", f"{SIZE[0]}x{SIZE[1]}", "--fps", str(FPS), "--max-mb", "10"]
    seconds_and_memory(*words)  # what must be computed is stored with the run
    (spent, memory) = seconds_and_memory(*words)
    with Image.open(path) as image:
        length = sum(image.seek(k) or image.info["duration"] for k in range(image.n_frames)) / 1000
    rate = frames_per_second(scene, run)
    noise, size = signal_to_noise(path, scene, run), path.stat().st_size / 1e6
    allowed, most = imports + length / SHARE, MEMORY[run.name.rsplit("-", 1)[0]]
    return [
        Row(f"{scene.name}: {length:.0f} s", f"{spent:.1f} s", "", f"≤ {allowed:.1f} s", spent <= allowed),
        Row(f"{scene.name}: drawn and encoded", **at_least(rate, LEAST_RATE, "frames per second")),
        Row(f"{scene.name}: memory", f"{memory:.0f} MB", "", f"≤ {most} MB", memory <= most),
        Row(f"{scene.name}: size", f"{size:.2f} MB", "", f"≤ {MOST_MB:g} MB", size <= MOST_MB),
        Row(
            f"{scene.name}: PSNR",
            f"{np.mean(noise):.1f} dB",
            f"lowest {min(noise):.1f} dB",
            f"≥ {LEAST_PSNR:g} dB",
            bool(np.mean(noise) >= LEAST_PSNR),
        ),
    ]


def import_seconds() -> float:
    """Time of `import torch, manim` in a process of its own."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, manim"], check=True)
    return time.perf_counter() - start


def rows() -> list[Row]:
    """Each film on the first network that has what it needs."""
    imports = statistics.median(import_seconds() for _ in range(4))
    found = [Row("`import torch, manim`", f"{imports:.1f} s", "median of four")]
    for scene in (s for s in all_scenes() if s.kind == "film"):
        for run in map(run_of, RUNS):
            try:
                check_requirements(scene.name, scene.needs, run)
            except RequirementError:
                continue
            found += film_rows(scene, run, imports)
            break
    return found + [Row(what, reached, f"{beside}; no values of a network") for what, reached, beside in OTHER]
