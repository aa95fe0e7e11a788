"""Recording one's own training: three lines, a complete run, and nothing of the user's disturbed."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import Branching, Functional, SkipCNN, TwoImages, resnet, tanh_mlp
from torch import nn

import netcore
from netcore.core.errors import NetcoreError
from netcore.core.run import list_runs, load_run
from netcore.models.exported_model import ExportedModel
from netcore.models.loading import load_model
from netcore.tracing.tracer import trace


def images_of(count=40, shape=(1, 28, 28), classes=10, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, *shape), dtype=np.uint8), np.arange(count) % classes


def train(model, rec, steps=4):
    """A loop as people write it."""
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    images, labels = images_of(64, seed=1)
    x, y = torch.from_numpy(images) / 255, torch.from_numpy(labels)
    rec.snapshot(0)
    for step in range(1, steps + 1):
        model.train()
        optimizer.zero_grad()
        out = model(x)
        loss = nn.functional.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        rec.snapshot(step, loss=loss, accuracy=(out.argmax(1) == y).float().mean())


def scores(model, images, mean=0.0, std=1.0):
    with torch.no_grad():
        return model.eval()((torch.from_numpy(images) / 255 - mean) / std).numpy()


def test_record_run_in_three_lines(tmp_path):
    torch.manual_seed(0)
    model, (images, labels) = SkipCNN(), images_of()
    with netcore.record_run(model, examples=(images, labels), folder=tmp_path / "runs/mine") as rec:
        train(model, rec)
    run = netcore.load_run("mine", tmp_path / "runs")
    assert [s.label for s in run.snapshots] == ["untrained", "step 1", "step 2", "step 3", "step 4"]
    assert run.info["status"] == "complete"
    assert run.info["parameters"] == sum(p.numel() for p in model.parameters())
    assert run.input_shape == (1, 28, 28)
    assert run.classes == [str(n) for n in range(10)]
    assert [layer["kind"] for layer in run.layers] == [
        "Conv2d", "ReLU", "Conv2d", "BatchNorm2d", "add", "ReLU", "AdaptiveAvgPool2d", "Flatten", "Linear",
    ]  # fmt: skip
    assert run.layers[4]["inputs"] == ["body.1", "relu"]
    assert (run.layers[0]["input"], run.layers[0]["output"]) == ([1, 28, 28], [8, 28, 28])
    assert run.time_unit == "step"
    rows = run.history["epochs"]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert rows[0].keys() == {"epoch", "step", "train_loss", "train_accuracy"}
    assert run.info["best"] == max(rows, key=lambda row: row["train_accuracy"])["step"]
    assert run.examples().images.shape == (40, 1, 28, 28)
    expected = scores(model, images)
    found = run.evaluation()
    np.testing.assert_array_equal(found.labels, labels)
    if run.info["best"] == 4:
        np.testing.assert_allclose(found.logits, expected, atol=1e-5)
    traced = trace(run, run.snapshot("last"), images[3], int(labels[3]), True)
    np.testing.assert_allclose(traced.logits, expected[3], atol=1e-5)
    assert isinstance(load_model(run, run.snapshot()), ExportedModel)  # none of the user's code
    assert not list(tmp_path.glob("**/*.p*"))  # .pt, .pkl, .pth, .pickle


def test_record_run_example_of_docs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[1] / "docs/own-networks.md").read_text(encoding="utf-8")
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], {})
    run = netcore.load_run("mine")
    assert [s.step for s in run.snapshots] == [0, 20, 40, 60, 80, 100]
    assert run.info["status"] == "complete"


@pytest.mark.parametrize(
    ("make", "shape", "classes"),
    [
        (tanh_mlp, (1, 28, 28), 10),
        (Functional, (1, 28, 28), 10),
        (resnet, (3, 32, 32), 10),
        (lambda: SkipCNN(2), (1, 20, 24), 2),
        (lambda: SkipCNN(100, 3), (3, 64, 64), 100),
    ],
)
def test_record_run_of_various_networks(tmp_path, make, shape, classes):
    model, (images, labels) = make(), images_of(30, shape, classes)
    labels[-1] = classes - 1
    with netcore.record_run(model, (images, labels), tmp_path / "own", mean=0.5, std=0.25) as rec:
        rec.snapshot(0)
    run = netcore.load_run(tmp_path / "own")
    expected = scores(model, images, 0.5, 0.25)
    np.testing.assert_allclose(trace(run, run.snapshot(), images[0]).logits, expected[0], atol=1e-4)
    np.testing.assert_allclose(run.evaluation().logits, expected, atol=1e-4)
    right = float((expected.argmax(1) == labels).mean())
    assert run.info["evaluations"]["own images"]["accuracy"] == pytest.approx(right)
    assert len(run.classes) == classes


def test_record_run_leaves_training_unchanged(tmp_path):
    def weights(record):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Dropout(0.5))
        if record:
            with netcore.record_run(model, images_of(), tmp_path / "own") as rec:
                train(model, rec)
                assert model.training
        else:
            train(model, type("", (), {"snapshot": lambda *a, **k: None})())
        return model[1].weight

    assert torch.equal(weights(True), weights(False))


def test_record_run_snapshot_metadata(tmp_path):
    """Epochs, names and metrics of snapshots; metrics that are not finite are left out."""
    model = tanh_mlp()
    with netcore.record_run(model, images_of(), tmp_path / "own", classes=[f"c{n}" for n in range(10)]) as rec:
        rec.snapshot(0, epoch=0, val_accuracy=0.1)
        rec.snapshot(50, epoch=0.5)
        rec.snapshot(100, epoch=1, loss=float("nan"), val_accuracy=0.5, learning_rate=0.1)
        rec.snapshot(200, epoch=2, val_accuracy=torch.tensor(0.4), name="the end")
        rec.snapshot(200, epoch=2, val_accuracy=torch.tensor(0.3), name="the end")  # again: replaced
    run = rec.run
    assert [s.label for s in run.snapshots] == ["untrained", "step 50", "epoch 1", "the end"]
    assert run.history["epochs"] == [
        {"epoch": 1.0, "step": 100, "val_accuracy": 0.5, "learning_rate": 0.1},
        {"epoch": 2.0, "step": 200, "val_accuracy": pytest.approx(0.3)},
    ]
    assert (run.info["best"], run.info["last"], run.time_unit) == (100, 200, "epoch")
    assert run.classes[0] == "c0"
    assert run.snapshot("epoch:1").step == 100


class Lost(OSError):
    pass


@pytest.mark.parametrize("error", [Lost(2, "the user's own"), KeyboardInterrupt(), ValueError("mine")])
def test_record_run_survives_exception(tmp_path, error):
    """The run stays readable and the exception propagates."""
    model = tanh_mlp()

    def fail():
        with netcore.record_run(model, images_of(), tmp_path / "runs/own") as rec:
            rec.snapshot(0)
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    run = netcore.load_run(tmp_path / "runs/own")
    assert run.info["status"] == "interrupted"
    assert trace(run, run.snapshot(), images_of()[0][0]).logits.shape == (10,)
    with netcore.record_run(model, images_of(), tmp_path / "runs/own") as rec:  # the next one takes its place
        rec.snapshot(5)
    assert [s.step for s in rec.run.snapshots] == [5]
    assert [r.name for r in list_runs(tmp_path / "runs")] == ["own"]


def test_record_run_keeps_previous_run(tmp_path):
    def record(step, fail=False):
        with netcore.record_run(tanh_mlp(), images_of(), tmp_path / "own") as rec:
            rec.snapshot(step)
            if fail:
                raise RuntimeError

    record(1)
    with pytest.raises(RuntimeError):
        record(2, fail=True)
    assert [s.step for s in netcore.load_run(tmp_path / "own").snapshots] == [1]
    record(3)
    assert [s.step for s in netcore.load_run(tmp_path / "own").snapshots] == [3]


def test_record_run_readable_while_recording(tmp_path):
    with netcore.record_run(tanh_mlp(), images_of(), tmp_path / "own") as rec:
        for step in (0, 10):
            rec.snapshot(step)
            found = load_run(tmp_path / "own").info
            assert (found["status"], found["last"]) == ("training", step)


@pytest.mark.parametrize("kind", ["tensor", "greyscale", "floats", "normalised"])
def test_record_run_example_formats(tmp_path, kind):
    images, labels = images_of()
    floats = torch.from_numpy(images).float() / 255
    given, more = {
        "tensor": (torch.from_numpy(images), {}),
        "greyscale": (images[:, 0], {}),
        "floats": (floats, {}),
        "normalised": ((floats - 0.13) / 0.31, {"mean": 0.13, "std": [0.31]}),
    }[kind]
    with netcore.record_run(tanh_mlp(), (given, torch.from_numpy(labels)), tmp_path / "own", **more) as rec:
        rec.snapshot(0)
    kept = rec.run.examples()
    np.testing.assert_array_equal(kept.images, images[kept.index])


# ---- what is refused


def bare(shape=(4, 1, 28, 28)):
    return np.zeros(shape, np.uint8)


@pytest.mark.parametrize(
    ("model", "examples", "more", "message"),
    [
        (TwoImages(), (bare(), [0] * 4), {}, r"takes 2 inputs \(left, right\)"),
        (Branching(), (bare(), [0] * 4), {}, "control flow that depends on the image"),
        (print, (bare(), [0] * 4), {}, "must be a torch.nn.Module, got builtin"),
        (tanh_mlp(), (bare((4, 3, 32, 32)), [0] * 4), {}, "cannot take an image of 3×32×32"),
        (nn.Flatten(0), (bare(), [0] * 4), {}, r"must return logits of shape \(1, K\)"),
        (tanh_mlp(), (bare(), [0] * 3), {}, "4 images but 3 labels"),
        (tanh_mlp(), (bare(), [0, 1, 2, 10]), {}, "label 10 is out of range"),
        (tanh_mlp(), (bare(), [0, 1, 2, -1]), {}, "label -1 is out of range"),
        (tanh_mlp(), (bare((0, 1, 28, 28)), []), {}, "must have the shape"),
        (tanh_mlp(), (bare((784,)), [0]), {}, r"must have the shape \(N, C, H, W\) or \(N, H, W\)"),
        (tanh_mlp(), (bare().astype(int), [0] * 4), {}, "must be uint8, or floats"),
        (tanh_mlp(), (bare() - 1.5, [0] * 4), {}, "pass the mean= and std="),
        (tanh_mlp(), (bare() + np.nan, [0] * 4), {}, "example images must be"),
        (tanh_mlp(), (bare(), [0] * 4), {"mean": [0.1, 0.2]}, "mean must have one number per channel, 1 in all, got 2"),
        (tanh_mlp(), (bare(), [0] * 4), {"std": 0}, "std above 0"),
        (tanh_mlp(), (bare(), [0] * 4), {"classes": "abc"}, "gives 10 scores, but there are 3 class names"),
        (tanh_mlp(), (bare(), [0] * 4), {"classes": "aabcdefghi"}, "'a' is there twice"),
    ],
)
def test_record_run_rejects_bad_input(tmp_path, model, examples, more, message):
    """One line says what is wrong, and nothing is left behind."""
    with (
        pytest.raises(NetcoreError, match=message) as caught,
        netcore.record_run(model, examples, tmp_path / "runs/own", **more),
    ):
        raise AssertionError("the block must not begin")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs/own").exists()


def test_record_run_rejects_nan_weights(tmp_path):
    model = tanh_mlp()

    def fail():
        with netcore.record_run(model, images_of(), tmp_path / "own") as rec:
            rec.snapshot(0)
            model[1].weight.data[0, 0] = torch.nan
            rec.snapshot(7)

    with pytest.raises(NetcoreError, match=r"1.weight contains NaN or infinite values at step 7"):
        fail()
    run = netcore.load_run(tmp_path / "own")
    assert ([s.step for s in run.snapshots], run.info["status"]) == ([0], "interrupted")


def test_record_run_needs_snapshot_and_folder(tmp_path):
    with (
        pytest.raises(NetcoreError, match=r"no snapshot: call rec.snapshot"),
        netcore.record_run(tanh_mlp(), images_of(), tmp_path / "own"),
    ):
        pass
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("precious")
    with (
        pytest.raises(NetcoreError, match="is not a run folder"),
        netcore.record_run(tanh_mlp(), images_of(), tmp_path / "notes"),
    ):
        pass
    assert (tmp_path / "notes/mine.txt").read_text() == "precious"
    with (
        pytest.raises(NetcoreError, match="step must be an integer"),
        netcore.record_run(tanh_mlp(), images_of(), tmp_path / "own") as rec,
    ):
        rec.snapshot(-1)


def test_load_model_rejects_changed_network(tmp_path, monkeypatch):
    with netcore.record_run(tanh_mlp(), images_of(), tmp_path / "own") as rec:
        rec.snapshot(0)
    (tmp_path / "own/network.json").write_text("{}")
    monkeypatch.setattr("netcore.models.loading._last", {})  # as in another process
    run = netcore.load_run(tmp_path / "own")
    with pytest.raises(NetcoreError, match=r"network.json is damaged: sha256"):
        trace(run, run.snapshot(), images_of()[0][0])
