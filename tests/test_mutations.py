"""Damaged and forged files: every reader takes them, or refuses them in one line.

`make fuzz` runs these for longer, by other seeds each time.
"""

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_runs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from netcore.core.context import read_digest
from netcore.core.errors import NetcoreError
from netcore.core.files import file_sha256
from netcore.core.plain_text import parse_json
from netcore.core.run import Run, load_run
from netcore.core.run_journal import CONTINUES, JOURNAL
from netcore.core.run_writer import RunWriter
from netcore.publish.results_table import results_rows
from netcore.publish.run_comparison import run_results, run_settings
from netcore.rendering.config import read_config
from netcore.rendering.draw_task import DrawnFile
from netcore.rendering.provenance import read_sidecar, sidecar_path, write_sidecar
from netcore.rendering.request import Request, make_tasks
from netcore.rendering.requirements import REQUIREMENTS
from netcore.rendering.status import render_status

CASES = int(
    os.environ.get("NETCORE_FUZZ", "0")
)  # of each reader; 0 for the few of the suite, which are always the same
JSON_VALUES = [
    None, True, -1, 0, 3, 10**30, 1e300, 0.5, "", "x", "../../x", "/dev/zero", "a\x1b[31m$\\frac{1$", "\ud800", [], [1],
    [[]], {}, {"file": "/etc/passwd", "sha256": "0" * 64}, {"node": 10**6}, ["input"], {"input": 0}, [28, 28],
]  # fmt: skip
TOML_VALUES = [
    "1", "-1", "0", "1e400", "nan", "true", '""', '"x"', '"../../x.png"', "[1]", "[]", "{}", "{a = 1}", "[[1], [2]]",
    "1979-05-27", '"$\\u001b"', '"best"', '"64x36"', '"16x16"', '["png", 3]', "99999999999999999999999",
]  # fmt: skip


def fuzz(cases: int) -> Callable[[Callable], Callable]:
    """Run a test with that many seeds, the same each time unless NETCORE_FUZZ asks for more."""

    def decorate(test: Callable) -> Callable:
        quiet = settings(
            max_examples=CASES or cases, deadline=None, database=None, derandomize=not CASES,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        return quiet(given(seed=st.integers(0, 2**32))(test))

    return decorate


def accept(read: Callable, *arguments: Any) -> None:
    """Check that a reader returns, or raises an error of one line that can be printed."""
    message = "accepted"
    try:
        read(*arguments)
    except NetcoreError as error:
        message = str(error)
    assert message.strip()
    assert "\x1b" not in message
    message.encode()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a JSON value with each of its keys."""
    for key in range(len(value)) if isinstance(value, list) else list(value):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from places(value[key])


def mutate_json(value: Any, rng: random.Random) -> Any:
    """Change one or two values of a JSON document, remove them, or put others beside them."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.randint(1, 2)):
        if not (found := list(places(value))):
            break
        container, key = rng.choice(found)
        kind = rng.random()
        if kind < 0.2:
            del container[key]
        elif kind < 0.3 and isinstance(container, list):
            container.insert(key, container[key])
        elif kind < 0.4:
            container[key] = rng.choice(found)[0]
            if _is_circular(value):
                container[key] = None
        else:
            container[key] = rng.choice(JSON_VALUES)
    return value


def _is_circular(value: Any) -> bool:
    try:
        json.dumps(value)
    except ValueError:
        return True
    return False


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, repeat or insert a few bytes."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randrange(len(out) + 1), rng.choice([1, 2, 8, 100])
        kind = rng.randrange(5)
        if kind == 0:
            out[at : at + 1] = rng.randbytes(1)
        elif kind == 1:
            del out[at:]
        elif kind == 2:
            out[at:at] = rng.randbytes(size)
        elif kind == 3:
            out[at : at + size] = rng.choice([b"\0", b"\xff", b"9"]) * size
        else:
            del out[at : at + size]
    return bytes(out)


# ---- runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run of a recipe, which has everything, and a render."""
    base = tmp_path_factory.mktemp("mutated")
    run = toy_runs.make_untrained_run(base / "runs" / "toy")
    writer, rng = RunWriter(run), np.random.default_rng(0)
    row = {"epoch": 1, "step": 10, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}
    facts = {
        "status": "complete", "recipe": "mlp-16-16", "seconds": 1.0, "images_per_second": 10, "device_name": "cpu",
        "data": {"name": "toy", "train": 20, "held_out": 20, "held_out_is": "test set"}, "parameters": 3190,
        "settings": {"epochs": 1, "architecture": run.info["model"]["architecture"]}, "changed": {"hidden": [4]},
        "stability": {"accuracy": [0.5], "mean": 0.5, "deviation": None, "without_dropout": 0.5},
        "history": {"epochs": [row], "steps": [{"step": 1, "loss": 2.0}]},
    }  # fmt: skip
    writer.info.update(facts)
    metrics = {
        "snapshot": "epoch 1", "count": 20, "right": 10, "accuracy": 0.5, "interval": [0.3, 0.7],
        "calibration_error": 0.1, "confusion": np.eye(10, dtype=int).tolist(), "images_per_second": 10,
        "classes": [{"name": str(k), "precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 2} for k in range(10)],
    }  # fmt: skip
    images = rng.integers(0, 256, (3, 1, 28, 28), dtype=np.uint8)
    writer.add_evaluation(
        "toy", metrics, logits=rng.normal(size=(20, 10)).astype(np.float32), labels=np.arange(20) % 10,
        mistake_images=images, mistake_index=np.arange(3), sample_images=images, sample_index=np.arange(3),
        sample_labels=np.arange(3),
    )  # fmt: skip
    writer.save()
    return base


def use_run(path: Path) -> None:
    """Read all that lists, tables and scenes read of a run."""
    run = load_run(path)
    repr((run.display_name, run.classes, run.input_shape, run.layers, run.snapshots, run.time_unit))
    for word in ("best", "last", "first", "epoch:1"):
        accept(run.snapshot, word)
    for needs in REQUIREMENTS.values():
        accept(needs[1], run)
    for word in (*run.info, "snapshot:best", "evaluation:toy", "images:train"):
        accept(read_digest, run, word)
    for read in (run_settings, run_results, lambda run: results_rows([run], ["mlp-16-16"])):
        accept(read, run)


def use_arrays(run: Run) -> None:
    """Read the files of a run."""
    examples = run.examples()
    assert examples.images.shape[1:] == run.input_shape
    for name in run.evaluations:
        assert run.evaluation(name).logits.shape[1] == len(run.classes)
    run.weights(run.snapshot("best"))


@fuzz(200)
def test_run_json_of_other_values(folder: Path, seed: int) -> None:
    rng, file = random.Random(seed), folder / "runs" / "toy" / "run.json"
    original = file.read_text()
    try:
        file.write_text(json.dumps(mutate_json(json.loads(original), rng)))
        accept(use_run, file.parent)
        accept(lambda: use_arrays(load_run(file.parent)))
    finally:
        file.write_text(original)


@fuzz(150)
def test_run_json_of_other_bytes(folder: Path, seed: int) -> None:
    file = folder / "runs" / "toy" / "run.json"
    original = file.read_bytes()
    try:
        file.write_bytes(mutate_bytes(original, random.Random(seed)))
        accept(use_run, file.parent)
    finally:
        file.write_bytes(original)


@fuzz(150)
def test_journal_of_other_values(folder: Path, seed: int) -> None:
    """Of a training that continues: the rows are values of run.json, on lines of their own."""
    rng, run = random.Random(seed), load_run(folder / "runs" / "toy")
    row = {"epoch": 2, "step": 20, "train_loss": 0.5, "val_accuracy": 0.5}
    added = {
        "snapshots": [{"epoch": 2, "step": 20} | {key: run.info["snapshots"][-1][key] for key in ("file", "sha256")}],
        "history": {"epochs": [row], "steps": [{"step": 20, "loss": 0.5}]}, "best": 20, "last": 20, "seconds": 2.0,
    }  # fmt: skip
    journal, head = run.path / JOURNAL, hashlib.sha256((run.path / "run.json").read_bytes()).hexdigest()
    lines = [{CONTINUES: head}, added, mutate_json(added, rng) if seed else {}]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    try:
        journal.write_bytes(mutate_bytes(data, rng) if seed % 2 else data)
        accept(use_run, run.path)
        accept(lambda: use_arrays(load_run(run.path)))
        assert seed or load_run(run.path).info["last"] == 20
    finally:
        journal.unlink()


@fuzz(120)
def test_files_of_other_bytes(folder: Path, seed: int) -> None:
    """With the right digest, as someone who forges a run would give it."""
    rng, run = random.Random(seed), load_run(folder / "runs" / "toy")
    entry = rng.choice([run.info["examples"], run.info["evaluations"]["toy"], run.info["snapshots"][-1]])
    file = run.path / entry["file"]
    original = file.read_bytes()
    try:
        data = mutate_bytes(original, rng)
        file.write_bytes(data)
        entry["sha256"] = hashlib.sha256(data).hexdigest()
        accept(use_arrays, run)
    finally:
        file.write_bytes(original)


@fuzz(80)
def test_arrays_of_other_shapes(folder: Path, seed: int) -> None:
    rng, run = random.Random(seed), load_run(folder / "runs" / "toy")
    where = rng.choice([run.info["examples"], run.info["evaluations"]["toy"]])
    arrays = run.read_arrays(where)
    name = rng.choice(sorted(arrays))
    kind = rng.randrange(4)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[name] = arrays[name][: rng.randrange(3)]
    elif kind == 2:
        arrays[name] = arrays[name].astype(rng.choice(["f4", "i1", "U3", "?", "c8"]))
    else:
        arrays[name] = np.full(rng.choice([(), (0,), (3,), (3, 10), (3, 3, 28, 28)]), rng.choice([-1, 99, np.nan]))
    where |= RunWriter(run).add_arrays("forged.npz", **arrays)
    accept(use_arrays, run)


# ---- stored networks


GRAPH = {
    "version": 2,
    "state": {
        "0.weight": {"shape": [2, 1, 3, 3], "dtype": "float32", "parameter": True},
        "2.weight": {"shape": [10, 72], "dtype": "float32", "parameter": True},
        "2.bias": {"shape": [10], "dtype": "float32", "parameter": True},
    },
    "modules": {"": "Sequential", "0": "Conv2d", "1": "Flatten", "2": "Linear"},
    "nodes": [
        {"op": "aten.conv2d.default", "args": [{"input": 0}, {"state": "0.weight"}, None], "kwargs": {}, "name": "0"},
        {"op": "aten.dropout.default", "args": [{"node": 0}, 0.5, False], "kwargs": {}, "module": "0", "kind": "x"},
        {"op": "aten.sym_size.int", "args": [{"node": 1}, 0], "kwargs": {}},
        {"op": "operator.mul", "args": [{"node": 2}, 72], "kwargs": {}},
        {"op": "aten.view.default", "args": [{"node": 1}, [{"node": 2}, -1]], "kwargs": {}},
        {"op": "aten.linear.default", "args": [{"node": 4}, {"state": "2.weight"}, {"state": "2.bias"}], "kwargs": {}},
    ],
    "layers": [{"module": "0", "kind": "Conv2d", "first": 0, "last": 1, "outputs": [1], "settings": {}}],
    "output": {"node": 5},
}


@fuzz(60)
def test_stored_network_of_other_values(seed: int) -> None:
    from netcore.models.exported_model import ExportedModel
    from netcore.models.size_check import check_graph

    changed = mutate_json(GRAPH, random.Random(seed)) if seed else GRAPH

    def read() -> None:
        graph = parse_json(json.dumps(changed))
        check_graph(graph, {}, (1, 8, 8), 10)
        ExportedModel(graph, {})

    if seed:
        accept(read)
    else:
        read()


# ---- sidecars and settings


@pytest.fixture(scope="module")
def sidecar(folder: Path) -> Path:
    """A sidecar and its render, which was not drawn."""
    scene, target = toy_runs.write_figure(folder, "still", toy_runs.STILL), folder / "renders" / "still.png"
    (task,) = make_tasks(Request(str(scene), str(folder / "runs" / "toy"), output=str(target)))
    target.parent.mkdir()
    target.write_bytes(b"a picture")
    write_sidecar(task, "png", ["classes"], DrawnFile(1, 0.0, 9, 64, 36, file_sha256(target)), "A still.")
    return sidecar_path(target)


@fuzz(60)
def test_sidecar_of_other_values(folder: Path, sidecar: Path, seed: int) -> None:
    original = sidecar.read_text()
    try:
        sidecar.write_text(json.dumps(mutate_json(json.loads(original), random.Random(seed))))
        accept(read_sidecar, sidecar.with_suffix(""))
        accept(render_status, folder / "none.toml", str(folder / "runs"), str(folder / "renders"))
    finally:
        sidecar.write_text(original)


@fuzz(150)
def test_settings_of_other_values(folder: Path, seed: int) -> None:
    rng, file = random.Random(seed), folder / "mutated.toml"
    keys = ["at", "formats", "quality", "size", "fps", "theme", "max_mb", "output", "digit", "index", "image", "many"]
    lines = [f"{key} = {rng.choice(TOML_VALUES)}" for key in rng.sample(keys, rng.randint(0, 3))]
    scene = f'"{toy_runs.write_figure(folder)}"' if rng.random() < 0.9 else rng.choice(TOML_VALUES)
    head = rng.choice(["[[render]]"] * 9 + ["[render]", "render = [1]", "render = 1"])
    file.write_text("\n".join([head, f"scene = {scene}", f'run = "{folder / "runs" / "toy"}"', *lines]))

    def read() -> None:
        for request in read_config(file, allow_outside=True):
            for task in make_tasks(request):
                task.selector.select(task.run)

    accept(read)


@fuzz(100)
def test_settings_of_other_bytes(folder: Path, seed: int) -> None:
    file = folder / "mutated.toml"
    text = f'[[render]]\nscene = "{toy_runs.write_figure(folder)}"\nrun = "toy"\nsize = "64x36"\n'
    file.write_bytes(mutate_bytes(text.encode(), random.Random(seed)))
    accept(read_config, file)


# ---- images, data sets, weights


@fuzz(100)
def test_images_of_other_bytes(folder: Path, seed: int) -> None:
    from netcore.core.sample import read_sample

    rng = random.Random(seed)
    suffix = rng.choice(["png", "jpg", "gif", "webp", "bmp", "tif"])
    file = folder / f"image.{suffix}"
    if not file.exists():
        Image.fromarray(np.pad(np.full((8, 5), 200, np.uint8), 12)).save(file)
    original = file.read_bytes()
    try:
        file.write_bytes(mutate_bytes(original, rng))
        accept(read_sample, file)
    finally:
        file.write_bytes(original)


@fuzz(100)
def test_idx_files_of_other_bytes(folder: Path, seed: int) -> None:
    from netcore.datasets.mnist_family import read_idx

    head = b"\0\0\x08\x03" + np.array([2, 3, 3], ">i4").tobytes()
    file = folder / "images-idx3-ubyte"
    file.write_bytes(mutate_bytes(head + bytes(18), random.Random(seed)))
    accept(read_idx, file)


@fuzz(50)
def test_weight_files_of_other_bytes(folder: Path, seed: int) -> None:
    import torch
    from safetensors.torch import save_file
    from torch import nn

    from netcore.models.optimizers import make_optimizer
    from netcore.training.checkpoint import load_checkpoint, save_checkpoint
    from netcore.training.import_model import read_weights

    rng, module = random.Random(seed), nn.Linear(2, 3)
    optimizer = make_optimizer("adam", module.parameters(), 0.1, torch.device("cpu"))
    save_checkpoint(folder, module, optimizer, 1)
    save_file(module.state_dict(), folder / "w.safetensors")
    torch.save(module.state_dict(), folder / "w.pt")
    odd = rng.choice([None, [1], {"model": 3}, {"model": module.state_dict(), "optimizer": {}, "epoch": "x"}, 7])
    for name in ("checkpoint.pt", "w.safetensors", "w.pt"):
        if odd is not None and name.endswith("pt"):
            torch.save(odd, folder / name)
        else:
            (folder / name).write_bytes(mutate_bytes((folder / name).read_bytes(), rng))
    accept(load_checkpoint, folder, module, optimizer, torch.device("cpu"))
    for name in ("w.safetensors", "w.pt"):
        accept(read_weights, folder / name)


def test_mutated_values_are_reached(folder: Path) -> None:
    """The mutations change what they should: a run as it is has all that is read of it."""
    use_run(folder / "runs" / "toy")
    use_arrays(load_run(folder / "runs" / "toy"))
    shutil.rmtree(folder / "cache", ignore_errors=True)
    rng, info = random.Random(0), json.loads((folder / "runs" / "toy" / "run.json").read_text())
    refused = 0
    for _ in range(50):
        (folder / "other").mkdir(exist_ok=True)
        (folder / "other" / "run.json").write_text(json.dumps(mutate_json(info, rng)))
        try:
            load_run(folder / "other")
        except NetcoreError:
            refused += 1
    assert 10 < refused < 50
