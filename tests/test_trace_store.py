"""Results kept with a run: what is read back is what was computed, and reading needs no torch."""

import json
import os
import pickle
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import figure_runs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netcore.core import cached_network
from netcore.core.cached_network import CachedNetwork
from netcore.core.errors import NetcoreError
from netcore.core.network import OptimizerStep
from netcore.core.run import Run, list_runs
from netcore.core.sample import Sample
from netcore.core.trace import LayerTrace, Trace
from netcore.core.trace_store import TraceStore
from netcore.rendering.api import render
from netcore.rendering.context import make_context
from netcore.rendering.request import Request, make_tasks
from netcore.rendering.status import render_status
from netcore.tracing.network import TorchNetwork

ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]), hnp.array_shapes(min_dims=0, max_side=4)
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda v: st.lists(v, max_size=3) | st.lists(v, max_size=3).map(tuple) | st.dictionaries(st.text(), v, max_size=3),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    """Whether two values are of the same types and equal, NaN equal to NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (Trace, LayerTrace, OptimizerStep)):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b or (a != a and b != b))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return figure_runs.make_run(tmp_path_factory.mktemp("runs"), "made-cnn")


class Counting(TorchNetwork):
    """Counts what is computed."""

    computed = 0

    def __getattribute__(self, name: str) -> Any:
        if name in ("trace", "predict", "step"):
            Counting.computed += 1
        return super().__getattribute__(name)


@pytest.fixture
def network(run: Run, tmp_path: Path) -> CachedNetwork:
    """A network without entries."""
    for file in (run.path / "cache").glob("*"):
        file.unlink()
    Counting.computed = 0
    return opened(run)


def opened(run: Run, at: str = "last") -> CachedNetwork:
    """A network as another process would open it."""
    snapshot = run.snapshot(at)
    return CachedNetwork(run, snapshot, lambda: Counting(run, snapshot))


# ---- the store


@given(value=VALUES)
@settings(max_examples=60, deadline=None)
def test_store_returns_saved_value(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = TraceStore(tmp_path_factory.mktemp("store"))
    store.save("key", value)
    found = store.load("key")
    assert same(found, value)
    assert store.load("other") is None


@given(place=st.integers(min_value=0), byte=st.integers(1, 255), cut=st.booleans())
@settings(max_examples=150, deadline=None)
def test_store_damage_is_no_value(place: int, byte: int, cut: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = TraceStore(tmp_path_factory.mktemp("store"))
    value = {"a": np.arange(12, dtype=np.float32), "b": ("text", 1.5)}
    store.save("key", value)
    (file,) = store.folder.glob("*")
    data = bytearray(file.read_bytes())
    if cut:
        data = data[: place % len(data)]
    else:
        data[place % len(data)] ^= byte
    file.write_bytes(data)
    found = store.load("key")
    assert found is None or same(found, value)  # a byte that says nothing, such as the time of an archive's member
    assert file.exists() == (found is not None)


def test_store_ignores_other_archives(tmp_path: Path) -> None:
    store = TraceStore(tmp_path)
    for values in ({"array": "7"}, {"LayerTrace": {}}, {"what": {}}, {"known": "w"}, {"a": 1, "b": 2}):
        np.savez(tmp_path / "key.npz", values=np.frombuffer(json.dumps(values).encode(), np.uint8))
        assert store.load("key") is None


def test_store_refuses_pickles(tmp_path: Path) -> None:
    store = TraceStore(tmp_path)
    for value in (np.array([print], dtype=object), print, {1: 2}, {"a": {1, 2}}):
        store.save("key", value)
        assert not list(tmp_path.iterdir())
    np.savez(tmp_path / "key.npz", values=np.array([print], dtype=object))
    assert store.load("key") is None


def test_store_evicts_longest_unread(tmp_path: Path) -> None:
    store = TraceStore(tmp_path, max_bytes=20_000)
    for i in range(4):
        store.save(f"key{i}", np.full(500, i, float))
        os.utime(tmp_path / f"key{i}.npz", (i, i))
    assert store.load("key0") is not None  # read now, so key1 is the oldest
    store.save("key4", np.full(500, 4.0))
    assert sorted(file.stem for file in tmp_path.iterdir()) == ["key0", "key2", "key3", "key4"]
    store.save("key5", np.zeros(10_000))
    assert [file.stem for file in tmp_path.iterdir()] == []


def test_store_skips_large_value(tmp_path: Path) -> None:
    TraceStore(tmp_path, max_entry_bytes=1000).save("key", np.zeros(200))
    assert not list(tmp_path.iterdir())


def test_store_without_folder_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the folder's place, which root cannot write either")
    store = TraceStore(tmp_path / "cache")
    store.save("key", 1)
    assert store.load("key") is None


# ---- the network


@pytest.mark.parametrize("backward", [False, True])
def test_cached_trace_equals_computed(network: CachedNetwork, run: Run, backward: bool) -> None:
    sample = figure_runs.first_example_context(run).sample
    expected = TorchNetwork(run, network.snapshot).trace(sample, backward)
    assert same(network.trace(sample, backward), expected)
    assert same(opened(run).trace(sample, backward), expected)
    assert Counting.computed == 1
    assert not same(opened(run).trace(sample, not backward), expected)


def test_cached_trace_stores_no_weights(network: CachedNetwork, run: Run) -> None:
    trace = network.trace(figure_runs.first_example_context(run).sample)
    (file,) = (run.path / "cache").iterdir()
    with np.load(file) as archive:
        shapes = {array.shape for array in archive.values()}
    assert not shapes & {
        layer.weight.shape for layer in trace.layers if layer.weight is not None and layer.weight.ndim > 1
    }


def test_cached_results_by_content(network: CachedNetwork, run: Run) -> None:
    images = run.examples().images[:5]
    bias = {"hidden1.bias": np.full(24, 0.7, np.float32)}
    asked: list[dict[str, Any]] = [
        {"images": images},
        {"images": images[:4]},
        {"images": images, "nodes": ("conv1",)},
        {"images": images, "weights": bias},
        {"images": images, "weights": {"hidden1.bias": bias["hidden1.bias"] + 1}},
        {"images": images, "mask": {"conv1": [0]}},
        {"images": images, "mask": {"conv1": [1]}},
        {"images": images, "mask": {"hidden1": [1]}},
    ]
    direct = TorchNetwork(run, network.snapshot)
    for _ in range(2):
        for keys in asked:
            assert same(opened(run).predict(**keys), direct.predict(**keys))
    assert Counting.computed == len(asked)
    assert not same(opened(run, "first").predict(images), direct.predict(images))
    other = Run(run.path, run.info | {"input": run.info["input"] | {"mean": [0.1]}})
    assert not same(opened(other).predict(images), direct.predict(images))


def test_cached_altered_trace_equals_computed(network: CachedNetwork, run: Run) -> None:
    sample = figure_runs.first_example_context(run).sample
    weight = run.weights(network.snapshot)["conv1.weight"]
    altered: dict[str, Any] = {"weights": {"conv1.weight": weight * 2}, "mask": {"conv2": np.array([3, 1])}}
    expected = TorchNetwork(run, network.snapshot).trace(sample, **altered)
    for _ in range(2):
        assert same(opened(run).trace(sample, **altered), expected)
    assert Counting.computed == 1


def test_cached_step_equals_computed(network: CachedNetwork, run: Run) -> None:
    examples, read = run.examples(), []
    expected = TorchNetwork(run, network.snapshot).step(examples.images[:4], examples.labels[:4])
    for _ in range(2):
        cached = replace(opened(run), record=read.append)
        assert same(cached.step(examples.images[:4], examples.labels[:4]), expected)
    assert Counting.computed == 1
    assert read == ["settings", "settings"]


def test_cached_labels_follow_the_snapshot(network: CachedNetwork, run: Run) -> None:
    network.trace(sample := Sample(run.examples().images[0]))
    renamed = CachedNetwork(run, replace(network.snapshot, step=99, epoch=9.0), network.open_network)
    assert (renamed.trace(sample).snapshot, renamed.trace(sample).step) == ("epoch 9", 99)
    assert Counting.computed == 1


def test_changed_code_computes_again(network: CachedNetwork, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    images = run.examples().images[:2]
    network.predict(images)
    monkeypatch.setattr(cached_network, "code_digest", lambda: "other code")
    opened(run).predict(images)
    assert Counting.computed == 2


def test_damaged_entry_is_computed_again(network: CachedNetwork, run: Run) -> None:
    expected = network.predict(images := run.examples().images[:2])
    (file,) = (run.path / "cache").iterdir()
    file.write_bytes(file.read_bytes()[:-30])
    assert same(opened(run).predict(images), expected)
    assert same(opened(run).predict(images), expected)
    assert Counting.computed == 2


def test_damaged_snapshot_is_reported(tmp_path: Path) -> None:
    run = figure_runs.make_run(tmp_path, "made-cnn")
    sample = Sample(run.examples().images[0])
    opened(run).trace(sample)
    file = run.path / run.snapshot("last").file
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(NetcoreError, match="is damaged"):
        opened(run).trace(sample)


def test_cached_code_covers_tracing() -> None:
    """All modules that a pass can load are in the digest of the code."""
    code = "import sys, netcore.tracing.network; print(*(m for m in sys.modules if m.startswith('netcore.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {name.split(".")[1] for name in done.stdout.split()} <= set(cached_network.CODE)


# ---- rendering

DRAW = """
import json, pickle, sys
from netcore.rendering.job import draw_job

last = []
for task, folder in pickle.load(sys.stdin.buffer):
    folder.mkdir()
    last.append(sorted(draw_job(task, folder).files))
print(json.dumps([last, "torch" in sys.modules]))
"""


@pytest.mark.slow
def test_second_render_loads_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jobs, drawn, settings = [], {}, {"formats": ("png",), "size": (320, 180)}
    scenes = {"forward-propagation": "made-mlp", "prediction-pipeline": "made-cnn"}
    for name in ("made-mlp", "made-cnn"):
        figure_runs.make_run(tmp_path / "runs", name)
    for scene, run in scenes.items():
        (task,) = make_tasks(Request(scene, run, **settings))
        (first,) = render(scene, run, **settings)
        assert first.state == "drawn", first.message
        jobs.append((task, tmp_path / scene))
        drawn[scene] = Path(task.targets["png"]).read_bytes()
    done = subprocess.run([sys.executable, "-c", DRAW], input=pickle.dumps(jobs), capture_output=True, check=True)
    told, torch_loaded = json.loads(done.stdout.splitlines()[-1])
    assert told == [["png"]] * 2
    assert not torch_loaded
    for scene, content in drawn.items():
        assert (tmp_path / scene / "out.png").read_bytes() == content
    states = render_status(tmp_path / "netcore.toml")
    assert [status.state for status in states] == ["fresh"] * 2
    assert [run.name for run in list_runs("runs")] == ["made-cnn", "made-mlp"]


def test_render_without_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = figure_runs.make_run(tmp_path / "runs", "made-cnn")
    (run.path / "cache").write_text("a file in the folder's place")
    context = make_context(run)
    expected = TorchNetwork(run, context.snapshot()).trace(context.sample)
    assert same(context.trace(), expected)
    assert (run.path / "cache").is_file()
