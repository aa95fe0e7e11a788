"""Training end to end on the embedded digits: what a run holds, and that it is the same every time."""

import io
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from data_files import write_idx_set

from netcore.cli.train import command
from netcore.core.cached_network import CachedNetwork
from netcore.core.errors import NetcoreError
from netcore.core.run import list_runs, load_run
from netcore.core.sample import Sample
from netcore.datasets.base import sample_per_class
from netcore.datasets.loading import load_dataset
from netcore.models.build import build_model
from netcore.tracing.example_traces import store_example_traces
from netcore.tracing.network import TorchNetwork
from netcore.training import progress
from netcore.training import trainer as training
from netcore.training.plan import make_plan
from netcore.training.recipes import get_recipe
from netcore.training.train import train


def digests(run):
    return {s.step: s.sha256 for s in run.snapshots}


def quick(folder, **settings):
    given = {"data": "embedded", "epochs": 2, "learning_rate": 0.01, "optimizer": "adam"} | settings
    return train("mlp-16-16", output_dir=folder, device="cpu", **given)


def test_trained_run_is_complete(mlp_run, cnn_run):
    for run, parameters in ((mlp_run, 13_002), (cnn_run, 1_026_058)):
        assert run.snapshots[0].label == "untrained"
        assert run.info["status"] == "complete"
        assert run.info["parameters"] == parameters == sum(layer["parameters"] for layer in run.layers)
        assert run.layers[-1]["output"] == [10]
        assert run.evaluation().logits.shape == (1000, 10)
        assert run.info["last"] == run.snapshots[-1].step
        assert set(run.info) >= {"versions", "revision", "device", "seed", "seconds", "images_per_second", "platform"}
    assert [layer["output"] for layer in cnn_run.layers if layer["kind"] == "MaxPool2d"] == [[32, 14, 14], [64, 7, 7]]


def test_trained_run_examples(mlp_run):
    examples = mlp_run.examples()
    assert examples.labels[:20].tolist() == [*range(10), *range(10)]
    assert np.bincount(examples.labels).tolist() == [50] * 10
    test = load_dataset("embedded").test
    np.testing.assert_array_equal(test.images[examples.index], examples.images[:, 0])
    np.testing.assert_array_equal(test.labels[examples.index], examples.labels)


@pytest.mark.parametrize("name", ["mlp_run", "cnn_run"])
def test_trained_run_holds_traces(request, name):
    run = request.getfixturevalue(name)
    examples, snapshot = run.examples(), run.snapshot("best")

    def refuse():
        raise AssertionError("computed again")

    stored = CachedNetwork(run, snapshot, refuse)
    for k in (0, 7):
        sample = Sample(examples.images[k], int(examples.labels[k]))
        trace = stored.trace(sample)
        expected = TorchNetwork(run, snapshot).trace(sample)
        np.testing.assert_array_equal(trace.logits, expected.logits)
    assert sum(f.stat().st_size for f in (run.path / "cache").iterdir()) < 10e6


def test_store_example_traces_of_damaged_run(mlp_run, tmp_path):
    copy = shutil.copytree(mlp_run.path, tmp_path / "copy")
    (copy / "examples.npz").write_bytes(b"")
    assert store_example_traces(load_run(copy)) == 0


def test_sample_per_class_rare_classes():
    test = load_dataset("embedded").test
    few = test.subset(np.concatenate([np.flatnonzero(test.labels == 1)[:5], np.flatnonzero(test.labels == 4)[:2]]))
    assert few.labels[sample_per_class(few, 3)].tolist() == [1, 4, 1, 4, 1]


def test_snapshot_steps(mlp_run):
    """Log-spaced steps at first, then one snapshot per epoch."""
    assert [s.step for s in mlp_run.snapshots] == [0, 1, 3, 10, 30, 100, 125, 250, 375]
    assert [s.epoch for s in mlp_run.snapshots][-3:] == [1, 2, 3]


def test_snapshots_thinned_over_epochs(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "MAX_SNAPSHOTS", 4)
    run = quick(tmp_path, epochs=9, batch_size=500)
    assert [s.epoch for s in run.snapshots if s.epoch >= 1] == [1, 4, 6, 9]
    assert len(run.history["epochs"]) == 9
    assert run.info["best"] in {s.step for s in run.snapshots}


def test_best_snapshot_matches_history(mlp_run):
    best = mlp_run.snapshot("best")
    row = next(r for r in mlp_run.history["epochs"] if r["step"] == best.step)
    assert row["val_accuracy"] == max(r["val_accuracy"] for r in mlp_run.history["epochs"])
    module = build_model(get_recipe("mlp-16-16").architecture)
    module.load_state_dict({k: torch.from_numpy(v) for k, v in mlp_run.weights(best).items()})
    test = load_dataset("embedded").test
    logits = module(torch.from_numpy(test.channels_first).float() / 255).detach().numpy()
    assert (logits.argmax(1) == test.labels).mean() == pytest.approx(row["val_accuracy"])
    np.testing.assert_allclose(mlp_run.evaluation().logits, logits, atol=1e-5)


def test_history_matches_plain_pytorch(tmp_path):
    """One epoch, done again with nothing but torch, from the untrained snapshot and the recorded order."""
    from netcore.training.seeds import cpu_generator

    run = quick(tmp_path, epochs=1, optimizer="sgd", batch_size=50)
    module = build_model(get_recipe("mlp-16-16").architecture)
    module.load_state_dict({k: torch.from_numpy(v) for k, v in run.weights(run.snapshot("first")).items()})
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    data = load_dataset("embedded").train
    order = torch.randperm(4000, generator=cpu_generator(42, 1, "order")).numpy()
    losses = []
    for start in range(0, 4000, 50):
        chosen = order[start : start + 50]
        images = torch.from_numpy(data.images[chosen]).float().unsqueeze(1) / 255
        loss = torch.nn.functional.cross_entropy(module(images), torch.from_numpy(data.labels[chosen]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert run.history["epochs"][0]["train_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert run.history["steps"][0]["loss"] == pytest.approx(losses[0], rel=1e-5)
    for name, value in run.weights(run.snapshot("last")).items():
        np.testing.assert_allclose(module.state_dict()[name].numpy(), value, atol=1e-5)


def test_train_seed_determines_weights(tmp_path):
    wishes = {"dropout": 0.2, "augment": {"rotate": 10.0}, "epochs": 2}
    first = digests(quick(tmp_path, name="a", **wishes))
    torch.manual_seed(5)  # the state of the program around it does not matter
    assert digests(quick(tmp_path, name="b", **wishes)) == first
    other = digests(quick(tmp_path, name="c", seed=7, **wishes))
    assert not set(other.values()) & set(first.values())


def test_train_keeps_torch_global_state(tmp_path):
    torch.manual_seed(1)
    threads, expected = torch.get_num_threads(), torch.rand(3, generator=torch.Generator().manual_seed(1))
    quick(tmp_path, epochs=1)
    assert torch.get_num_threads() == threads
    torch.testing.assert_close(torch.rand(3), expected)


def test_plan_scales_epochs_on_embedded():
    told = []
    plan = make_plan("mlp-16-16", "embedded", None, {}, told.append)
    assert plan.recipe.epochs * 125 == 20 * 1875
    assert "epochs" in plan.data_info
    assert plan.data_info["sha256"]["train"] == plan.train.sha256
    assert make_plan("mlp-16-16", "embedded", None, {"epochs": 4}, told.append).recipe.epochs == 4


def test_plan_validation_split():
    plan = make_plan("cnn-5conv", "embedded", None, {}, print)
    assert (len(plan.train), len(plan.held_out)) == (3400, 600)
    assert plan.data_info["held_out_is"] == "15 % of the training set, stratified"


def test_run_records_changed_settings(tmp_path):
    run = quick(tmp_path, hidden=(24,), epochs=1, learning_rate=0.02)
    assert run.info["changed"] == {
        "epochs": 1,
        "learning_rate": 0.02,
        "optimizer": "adam",
        "hidden": [24],
        "data": "embedded",
    }
    assert run.info["settings"]["learning_rate"] == 0.02


def test_train_without_saving(tmp_path):
    run = quick(tmp_path, save=False)
    assert run.history["epochs"]
    assert not list(tmp_path.iterdir())


def test_train_last_batch_of_one(tmp_path):
    run = quick(tmp_path, epochs=1, batch_size=3999, dense_norm=True)
    assert run.snapshots[-1].step == 1


def test_train_stops_at_nan_loss(tmp_path):
    """The step is named and the last finite snapshot stays."""
    with pytest.raises(NetcoreError, match=r"the loss became (nan|inf) at step \d+.*are kept.*--learning-rate"):
        quick(tmp_path, optimizer="sgd", activation="relu", learning_rate=1e30)
    run = load_run(tmp_path / "mlp-16-16")
    assert run.info["status"] == "diverged"
    run.weights(run.snapshot("last"))  # refuses NaN


def test_train_command(tmp_path):
    digits = load_dataset("embedded").test.subset(np.arange(120) * 8)
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), digits.images, digits.labels)
    args = ["mlp-16-16", "--data-dir", str(tmp_path), "--epochs", "1", "--hidden-size", "32,32"]
    args += ["--output-dir", str(tmp_path), "--no-viz"]  # the report has its own tests
    args += ["--activation", "tanh", "--schedule", "onecycle", "--batch-norm", "--augment", "--dropout", "0.1"]
    result = CliRunner().invoke(command, args, catch_exceptions=False)
    assert "% of 120 correct (95 % interval" in result.stdout
    assert "epoch 1/1" in result.stderr
    folder = tmp_path / "mlp-16-16"
    made = f"netcore: run 'mlp-16-16' is in {folder}; next: netcore render forward-propagation --run mlp-16-16"
    assert result.stderr.splitlines()[-1] == f"{made} --runs-dir {tmp_path}"
    info = json.loads((tmp_path / "mlp-16-16" / "run.json").read_text())
    assert info["model"]["architecture"]["hidden"] == [32, 32]
    assert {layer["kind"] for layer in info["layers"]} >= {"Tanh", "BatchNorm1d", "Dropout"}
    assert info["settings"]["augment"]["rotate"] == 10


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "/"])
def test_train_rejects_bad_run_name(tmp_path, name):
    with pytest.raises(NetcoreError, match="the name of a run must not"):
        quick(tmp_path, name=name)
    assert not list_runs(tmp_path)


def test_log_progress_inside_an_epoch(monkeypatch):
    """Without a terminal a long epoch prints its steps, seconds apart."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    log = progress.LogProgress("mine", stream)
    log.on_start(2, 1000, 64_000, 0)
    for step in range(100, 1000, 100):
        now[0] += 6.0
        log.on_step(1, step, 0.5)
    lines = stream.getvalue().splitlines()
    assert [line.split("  ")[1] for line in lines] == [f"{n} of 1,000 steps" for n in (300, 600, 900)]
    assert lines[0].startswith("mine epoch 1/2")
    assert "1,067 images/s" in lines[0]  # 300 of 1,000 steps of 64,000 images in 18 s


def test_train_rejects_missing_device(tmp_path):
    with pytest.raises(NetcoreError, match="no device 'cuda:99'"):
        train("mlp-16-16", data="embedded", output_dir=tmp_path, device="cuda:99")


LEAN = """
import sys
from importlib.machinery import PathFinder

ABSENT = {"manim", "matplotlib", "platformdirs", "mlxtend", "pandas", "av", "imageio"}


class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in ABSENT else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
from netcore.cli.main import main

folder = sys.argv[1]
failed = main(["train", "cnn-2conv", "--epochs", "1", "--data-dir", folder, "--output-dir", folder])
sys.exit(failed or main(["evaluate", "cnn-2conv", "--data-dir", folder, "--runs-dir", folder]))
"""


@pytest.mark.slow
def test_train_without_drawing_packages(tmp_path):
    digits = load_dataset("embedded").test.subset(np.arange(60) * 16)
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), digits.images, digits.labels)
    done = subprocess.run([sys.executable, "-c", LEAN, str(tmp_path)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert load_run("cnn-2conv", tmp_path).info["status"] == "complete"
