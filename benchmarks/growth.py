"""Growth: what thousands of renders, snapshots and runs cost, and weights of many megabytes.

Each row is a process of its own, from a cold start: its processor time, and its memory at the peak.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from measure import FOLDER, Row, at_least, ratio, times

from netcore.core.run_writer import RunWriter

RENDERS, MAX_SECONDS, MAX_MB = (10, 500, 2_000), 0.4, 43.0  # wanted of the last, beside the first
RECORDED = (100, 500, 2_000)
SHOWN = (20, 60, 200)
FILES = (1, 3, 10)
PUBLIC = ("resnet50", "vgg16")  # torchvision's, with random weights
RUNS, MAX_MS = (100, 1_000, 5_000), 1.0  # wanted of each more
EPOCHS = 2_000

# The peak of a process that was started is its parent's, if that is larger: it is read inside.
MEASURED = """
import atexit, runpy, sys
def peak():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    sys.__stdout__.write("PEAK " + line.split()[1])
atexit.register(peak)
kind, name, *sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, "")
exec(name, {"__name__": "__main__"}) if kind == "-c" else runpy.run_module(name, run_name="__main__", alter_sys=True)
"""
RECORD = """
import sys, time, torch, numpy as np, netcore
from torch import nn
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Linear(8, 10))
seconds = []
with netcore.record_run(model, (np.zeros((10, 1, 8, 8), np.uint8), np.arange(10)), "mine") as rec:
    for step in range(int(sys.argv[1])):
        start = time.process_time()
        rec.snapshot(step, loss=1.0, accuracy=0.5)
        seconds.append(time.process_time() - start)
print(sum(seconds), np.median(seconds[-50:]))
"""
TRAIN = """
import sys, time, numpy as np
from pathlib import Path
from PIL import Image
from netcore.training.progress import NullProgress
from netcore.training.train import train
rng = np.random.default_rng(0)
for label in range(10):
    folder = Path("digits", str(label))
    folder.mkdir(parents=True)
    for n in range(8):
        Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / f"{n}.png")
times = []
class Watch(NullProgress):
    def on_epoch(self, row):
        times.append(time.process_time())
train("mlp-16-16", data="folder:digits", device="cpu", epochs=int(sys.argv[1]), progress=Watch())
print((times[101] - times[1]) / 100, (times[-1] - times[-101]) / 100)
"""
NETWORKS = """
from torch import nn
from torchvision import models
def vgg16():
    return models.vgg16(weights=None)
def resnet50():
    return models.resnet50(weights=None)
def make(width=2048):
    return nn.Sequential(nn.Conv2d(3, 64, 3, 2, 1), nn.AdaptiveAvgPool2d(7), nn.Flatten(),
                         nn.Linear(3136, width), nn.ReLU(), nn.Linear(width, width), nn.Linear(width, 10))
def tiny():
    return make(8)
"""
DRAW = """
from netcore.core.run import load_run
from netcore.rendering.context import make_context
from netcore.rendering.scenes import SCENE_DIRS, load_scene
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import DARK
with theme_style(DARK):
    context = make_context(load_run("runs/long"))
    load_scene(SCENE_DIRS[1] / "weight_distribution.py").draw(new_figure(DARK, (800, 450)), context)
"""
SAVE = """
import sys, networks, torch
for name in sys.argv[1:]:
    torch.save(getattr(networks, name)().state_dict(), name + ".pt")
"""


def rows() -> list[Row]:
    """Every cost at three sizes, for its curve."""
    return [*_renders(), *_recording(), _epochs(), *_figures(), *_imports(), *_runs(), _training_step()]


def cold(*words: str, folder: Path) -> tuple[float, float, str]:
    """Run Python with `words` in a folder; return processor seconds, megabytes at the peak, and what it printed."""
    output = FOLDER / "output.txt"
    with output.open("w") as stream, (FOLDER / "errors.txt").open("w") as errors:
        process = subprocess.Popen([sys.executable, "-c", MEASURED, *words], cwd=folder, stdout=stream, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 2):  # 2: a mistyped name
        sys.exit(f"{' '.join(words)}: {(FOLDER / 'errors.txt').read_text()}")
    printed, _, kilobytes = output.read_text().rpartition("PEAK ")
    return used.ru_utime + used.ru_stime, int(kilobytes) / 1024, printed


def _renders() -> list[Row]:
    found = []
    for count in RENDERS:
        folder = _project(FOLDER / f"renders-{count}", count)
        seconds, megabytes, _ = cold("-m", "netcore", "status", "--check", folder=folder)
        found.append((seconds, megabytes))
    rows = [
        Row(f"`netcore status`, {count:,} renders, all fresh", f"{seconds:.2f} s", f"{megabytes:.0f} MB")
        for count, (seconds, megabytes) in zip(RENDERS, found, strict=True)
    ]
    more, memory = (last - first for first, last in zip(found[0], found[-1], strict=True))
    wanted, met = f"≤ {MAX_SECONDS:g} s, {MAX_MB:g} MB", more <= MAX_SECONDS and memory <= MAX_MB
    return [*rows, Row(f"the last beside the first: {RENDERS[-1]:,}", f"{more:.2f} s", f"{memory:.0f} MB", wanted, met)]


def _project(folder: Path, count: int) -> Path:
    """A project whose renders nobody drew; their sidecars say that they are fresh."""
    from netcore.rendering.config import read_config
    from netcore.rendering.draw_task import DrawnFile
    from netcore.rendering.provenance import write_sidecar
    from netcore.rendering.request import make_tasks

    for n in range(10):
        _small_run(folder / "runs" / f"run{n}")
    entry = '[[render]]\nscene = "training-history"\nrun = "run{}"\noutput = "drawn/{}.png"\n'
    (folder / "netcore.toml").write_text("".join(entry.format(n % 10, n) for n in range(count)))
    (folder / "drawn").mkdir()
    file = DrawnFile(1, 0.0, 9, 1280, 720, hashlib.sha256(b"a picture").hexdigest())
    for n, request in enumerate(read_config(folder / "netcore.toml", str(folder / "runs"), allow_outside=True)):
        (task,) = make_tasks(request)
        target = folder / "drawn" / f"{n}.png"
        target.write_bytes(b"a picture")
        write_sidecar(_moved(task, target), "png", ["history"], file, "A picture.")
    return folder


def _moved(task: object, target: Path) -> object:
    from dataclasses import replace

    return replace(task, targets={"png": target})  # type: ignore[type-var]


def _small_run(path: Path) -> dict:
    """Write a run of a 784-4-10 network with the history of twenty epochs; return what describes it."""
    rng = np.random.default_rng(0)
    shapes = {"hidden1": (4, 784), "output": (10, 4)}
    layers = [
        {"name": name, "kind": "Linear", "input": [shape[1]], "output": [shape[0]], "parameters": shape[0] * shape[1]}
        for name, shape in shapes.items()
    ]
    writer = RunWriter.create(
        path, name=path.name, classes=[str(k) for k in range(10)], input={"shape": [1, 28, 28]}, layers=layers
    )
    weights = {f"{name}.weight": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    writer.add_snapshot(weights, 0, 0)
    row = {"train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "learning_rate": 0.1}
    writer.add_history("epochs", [{"epoch": k, "step": 100 * k} | row for k in range(1, 21)])
    writer.add_history("steps", [{"step": k, "loss": 1.0, "learning_rate": 0.1} for k in range(1, 401)])
    writer.add_examples(np.zeros((20, 1, 28, 28), np.uint8), np.arange(20) % 10, np.arange(20))
    writer.save()
    return writer.info


def _recording() -> list[Row]:
    rows = []
    for count in RECORDED:
        folder = FOLDER / f"recorded-{count}"
        folder.mkdir()
        _, _, printed = cold("-c", RECORD, str(count), folder=folder)
        total, last = map(float, printed.split())
        met = last <= 0.005 if count == RECORDED[-1] else None
        wanted = "" if met is None else "≤ 5 ms, however many"
        rows.append(
            Row(f"`rec.snapshot`, the last of {count:,}", f"{last * 1000:.2f} ms", f"{total:.2f} s in all", wanted, met)
        )
    return rows


def _figures() -> list[Row]:
    """A run of `cnn-2conv`'s size; its snapshots are one file under many names."""
    rng, rows = np.random.default_rng(0), []
    for count in SHOWN:
        folder = FOLDER / f"shown-{count}"
        info = _small_run(folder / "runs" / "long")
        writer = RunWriter.create(folder / "runs" / "long", **info)
        sizes = {"hidden1.weight": (1_300, 784), "output.weight": (10, 1_300)}
        writer.add_snapshot({k: rng.normal(size=v).astype(np.float32) for k, v in sizes.items()}, 0, 0)
        first = writer.info["snapshots"][0]
        writer.info["snapshots"] = [first | {"epoch": n, "step": n} for n in range(count)]
        writer.save()
        seconds, megabytes, _ = cold("-c", DRAW, folder=folder)
        rows.append(Row(f"weight-distribution, {count} snapshots of 4 MB", f"{megabytes:.0f} MB", f"{seconds:.1f} s"))
    return rows


def _epochs() -> Row:
    """A training of 64 images: what it records costs more than its steps."""
    folder = FOLDER / "epochs"
    folder.mkdir()
    _, megabytes, printed = cold("-c", TRAIN, str(EPOCHS), folder=folder)
    first, last = (1000 * float(word) for word in printed.split()[-2:])
    what = f"`netcore train`, {EPOCHS:,} epochs of 2 steps: each of the last 100"
    beside = f"each of the first 100: {first:.1f} ms; {megabytes:.0f} MB"
    return Row(what, f"{last:.1f} ms", beside, "≤ 1.5 × the first", last <= 1.5 * first)


def _imports() -> list[Row]:
    folder, rows = FOLDER / "imports", []
    folder.mkdir()
    (folder / "networks.py").write_text(NETWORKS)
    cold("-c", SAVE, "make", "tiny", *PUBLIC, folder=folder)

    def import_(name: str, files: int, side: int) -> tuple[float, float]:
        words = ("import", f"networks:{name}", "--weights", *[f"{name}.pt"] * files, "--name", f"{name}-{files}-{side}")
        return cold("-m", "netcore", *words, "--input-shape", f"3x{side}x{side}", folder=folder)[:2]

    def row(name: str, files: int, side: int, base: float) -> Row:
        size = (folder / f"{name}.pt").stat().st_size / 1024**2
        seconds, megabytes = import_(name, files, side)
        share = (megabytes - base) / size
        kind = f" of `{name}`" if name in PUBLIC else ""
        return Row(
            f"`netcore import`{kind}, weight files of {size:.0f} MB: {files}",
            f"{share:.1f} × the weights",
            f"{megabytes:,.0f} MB, of a small network {base:.0f} MB; {seconds:.1f} s",
            "≤ 2.5 ×",
            share <= 2.5,
        )

    bases = {side: import_("tiny", 1, side)[1] for side in (32, 224)}
    rows += [row("make", count, 32, bases[32]) for count in FILES]
    rows += [row(name, 1, 224, bases[224]) for name in PUBLIC]
    return [*rows, *_large_film(folder)]


def _large_film(folder: Path) -> list[Row]:
    """A step of the CNN film, and the film that refuses a CNN."""
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "noise.png")
    rows = []
    for scene, result in (("cnn-forward-propagation", "drawn"), ("forward-propagation", "refused")):
        words = ("render", scene, "--run", "vgg16-1-224", "--image", "noise.png", "--step", "1", "-f", "png")
        seconds, _, _ = cold("-m", "netcore", *words, folder=folder)
        rows.append(Row(f"{scene} of `vgg16`, its first step: {result}", f"{seconds:.1f} s"))
    return rows


def _runs() -> list[Row]:
    rows, found = [], []
    for count in RUNS:
        folder = FOLDER / f"runs-{count}"
        text = json.dumps(_small_run(folder / "runs" / "run0"), indent=1)
        for n in range(1, count):
            (folder / "runs" / f"run{n}").mkdir()
            (folder / "runs" / f"run{n}" / "run.json").write_text(text)
        seconds, megabytes, _ = cold("-m", "netcore", "runs", folder=folder)
        found.append(seconds)
        rows.append(Row(f"`netcore runs`, {count:,} runs", f"{seconds:.2f} s", f"{megabytes:.0f} MB"))
        seconds, megabytes, _ = cold("-m", "netcore", "render", "model-graph", "--run", "rum7", folder=folder)
        rows.append(Row(f"a mistyped name, {count:,} runs", f"{seconds:.2f} s", f"{megabytes:.0f} MB"))
    each = 1000 * (found[-1] - found[0]) / (RUNS[-1] - RUNS[0])
    size = f"a run.json of {len(text) / 1024:.0f} kB each"
    return [*rows, Row("`netcore runs`: each more", f"{each:.2f} ms", size, f"≤ {MAX_MS:g} ms", each <= MAX_MS)]


def _training_step() -> Row:
    """Steps of the smallest recipe beside the plainest loop: batches of floats in memory, the same optimiser."""
    import torch

    from netcore.models.build import build_model
    from netcore.models.optimizers import make_optimizer
    from netcore.training.epoch import DeviceDataset, train_epoch
    from netcore.training.recipes import RECIPES

    recipe, rng = RECIPES["mlp-16-16"], np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (4_000, 1, 28, 28), dtype=np.uint8))
    labels = torch.from_numpy(rng.integers(0, 10, 4_000))
    cpu, rate = torch.device("cpu"), recipe.learning_rate
    modules = [build_model(recipe.architecture) for _ in range(2)]
    optimizers = [make_optimizer(recipe.optimizer, module.parameters(), rate, cpu) for module in modules]

    def plain() -> None:
        modules[0].train()
        order = torch.randperm(len(images))
        batches = (images[order].float().div(255).split(recipe.batch_size), labels[order].split(recipe.batch_size))
        for x, y in zip(*batches, strict=True):
            optimizers[0].zero_grad()
            torch.nn.functional.cross_entropy(modules[0](x), y).backward()
            optimizers[0].step()

    def ours() -> None:
        data = DeviceDataset(images, labels)
        train_epoch(modules[1], optimizers[1], data, recipe, 1, lambda step: rate, lambda step, losses: None)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times({"plain": plain, "ours": ours}, 2)
        found = times({"plain": plain, "ours": ours}, 15)
    finally:
        torch.set_num_threads(threads)
    seconds = float(np.median(found["ours"])) / 125
    what = "`mlp-16-16`, batch 32, one thread: speed beside a plain loop over floats in memory"
    return Row(what, beside=f"{seconds * 1e6:.0f} µs a step", **at_least(ratio(found, "plain", "ours"), 0.95))
