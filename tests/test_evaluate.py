"""Metrics against values worked out by other means; evaluation, comparison and submission of runs."""

import csv
import json
import math

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from data_files import write_idx_set, write_table
from scipy.special import softmax
from scipy.stats import binomtest

from netcore.analysis.metrics import classification_metrics, expected_calibration_error, wilson_interval
from netcore.cli.compare import command as compare_command
from netcore.cli.evaluate import command as evaluate_command
from netcore.cli.results import command as results_command
from netcore.cli.submit import command as submit_command
from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.datasets.loading import load_dataset
from netcore.models.build import build_model
from netcore.training.evaluation import eval_splits, evaluate
from netcore.training.kaggle_submission import format_submission, write_submission
from netcore.training.mc_dropout import has_dropout
from netcore.training.recipes import get_recipe
from netcore.training.train import train


@pytest.fixture(scope="module")
def trained_runs(tmp_path_factory):
    """Two seeds of a small network with dropout, and one without."""
    folder = tmp_path_factory.mktemp("runs")
    settings = {"data": "embedded", "output_dir": folder, "device": "cpu", "epochs": 2, "optimizer": "adam"}
    for seed in (1, 2):
        train("mlp-16-16", name=f"drop-{seed}", dropout=0.3, seed=seed, hidden=(32,), **settings)
    train("mlp-16-16", name="plain", **settings)
    return folder


# ---- metrics


@pytest.mark.parametrize(("right", "count"), [(0, 10), (7, 10), (10, 10), (970, 1000), (1, 1)])
def test_wilson_interval_matches_scipy(right, count):
    theirs = binomtest(right, count).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right, count) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_classification_metrics_match_hand_count():
    truth = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 1])
    got = classification_metrics(np.eye(4)[predicted] * 3, truth, ["a", "b", "c", "d"])
    assert (got["count"], got["right"], got["accuracy"]) == (6, 3, 0.5)
    assert got["confusion"] == [[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    a, b, c, d = got["classes"]
    assert (a["precision"], a["recall"], a["support"]) == (2 / 3, 2 / 3, 3)
    assert (b["precision"], b["recall"], b["support"]) == (1 / 3, 1 / 2, 2)
    assert b["f1"] == pytest.approx(2 * (1 / 3) * (1 / 2) / (1 / 3 + 1 / 2))
    assert (c["precision"], c["recall"], c["f1"]) == (0, 0, 0)
    assert (d["support"], d["f1"]) == (0, 0)


def test_calibration_error_matches_hand_calculation():
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.45, 0.55]])
    labels = np.array([0, 1, 0, 0])
    # 0.95 lies in the last of 15 bins, 0.6 = 9/15 in the ninth, 0.55 in the ninth: (0.5333, 0.6]
    by_hand = 2 / 4 * abs(1 / 2 - 0.95) + 2 / 4 * abs(1 / 2 - (0.6 + 0.55) / 2)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(by_hand)


def test_calibration_error_matches_plain_loop():
    random = np.random.default_rng(3)
    probabilities = softmax(random.normal(size=(500, 10)) * 3, axis=1)
    labels = random.integers(0, 10, 500)
    total = 0.0
    for k in range(15):
        inside = [i for i in range(500) if k / 15 < probabilities[i].max() <= (k + 1) / 15]
        if inside:
            right = sum(probabilities[i].argmax() == labels[i] for i in inside) / len(inside)
            total += len(inside) / 500 * abs(right - sum(probabilities[i].max() for i in inside) / len(inside))
    assert expected_calibration_error(probabilities, labels) == pytest.approx(total)


def test_metrics_of_one_certain_prediction():
    got = classification_metrics(np.array([[1000.0, -1000.0]]), np.array([0]), ["a", "b"])
    assert got["accuracy"] == 1
    assert got["calibration_error"] == pytest.approx(0, abs=1e-12)
    assert all(math.isfinite(x) for x in got["interval"])


# ---- runs


def test_training_stores_evaluation(trained_runs):
    run = load_run("drop-1", trained_runs)
    entry = run.info["evaluations"]["embedded"]
    stored = run.evaluation("embedded")
    assert entry["accuracy"] == (stored.logits.argmax(1) == stored.labels).mean()
    assert stored.labels.dtype == np.uint8
    assert np.array(entry["confusion"]).sum() == 1000
    best = next(r for r in run.history["epochs"] if r["step"] == run.info["best"])
    assert entry["accuracy"] == pytest.approx(best["val_accuracy"])


def test_evaluation_stores_errors_and_samples(trained_runs):
    """Stored errors are the most confident ones; samples are of every class."""
    stored = load_run("drop-1", trained_runs).evaluation("embedded")
    index, test = stored.extra["mistake_index"], load_dataset("embedded").test
    sure = softmax(stored.logits.astype(float), axis=1)
    assert (sure[index].argmax(1) != stored.labels[index]).all()
    assert (np.diff(sure[index].max(1)) <= 0).all()
    np.testing.assert_array_equal(stored.extra["mistake_images"][:, 0], test.images[index])
    assert np.bincount(stored.extra["sample_labels"]).tolist() == [10] * 10


def test_mc_dropout_matches_train_mode(trained_runs):
    run = load_run("drop-1", trained_runs)
    stable = run.info["stability"]
    assert len(stable["accuracy"]) == 2  # as many as epochs
    assert stable["without_dropout"] == pytest.approx(run.info["evaluations"]["embedded"]["accuracy"])
    module = build_model(
        get_recipe("mlp-16-16").architecture.__class__(hidden=(32,), activation="sigmoid", dropout=0.3)
    )
    module.load_state_dict({k: torch.from_numpy(v) for k, v in run.weights(run.snapshot("best")).items()})
    test = load_dataset("embedded").test
    images, labels = torch.from_numpy(test.channels_first).float() / 255, torch.from_numpy(test.labels)
    torch.manual_seed(0)
    module.train()
    with torch.no_grad():
        plain = [(module(images).argmax(1) == labels).float().mean().item() for _ in range(60)]
    again = evaluate(run, ["embedded"], dropout_passes=60, device="cpu")[0]["stability"]
    assert again["mean"] == pytest.approx(np.mean(plain), abs=4 * np.std(plain) / math.sqrt(60) * 1.5)
    assert again["deviation"] == pytest.approx(np.std(again["accuracy"], ddof=1))
    assert 0.5 < again["deviation"] / np.std(plain, ddof=1) < 2
    assert evaluate(run, ["embedded"], dropout_passes=60, device="cpu")[0]["stability"] == again  # seeded


def test_has_dropout_ignores_zero_rate(cnn_run):
    stable = cnn_run.info["stability"]
    assert 0 < stable["mean"] <= 1
    assert len(stable["accuracy"]) == 1
    assert stable["deviation"] is None  # one pass tells of no spread
    assert not has_dropout(torch.nn.Sequential(torch.nn.Dropout(0.0)))


def test_mc_dropout_of_non_sequential(trained_runs):
    from netcore.training.mc_dropout import _correct_with_dropout

    class Doubled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.Linear(784, 10))

        def forward(self, x):
            return 2 * self.inner(x)

    run, test = load_run("plain", trained_runs), load_dataset("embedded").test
    images, labels = torch.from_numpy(test.channels_first[:50]), torch.from_numpy(test.labels[:50])
    with torch.no_grad():
        assert len(_correct_with_dropout(run, Doubled().eval(), images, labels, 3)) == 3


def test_eval_splits_restore_validation_part(tmp_path):
    run = train(
        "mlp-16-16", data="embedded", output_dir=tmp_path, epochs=1, validation=0.2, device="cpu", optimizer="adam"
    )
    assert list(run.info["evaluations"]) == ["embedded", "embedded-validation"]
    test, held = eval_splits(run, load_dataset("embedded"))
    assert (len(test), len(held)) == (1000, 800)
    assert held.sha256 == run.info["data"]["sha256"]["held_out"]
    again = evaluate(run, ["embedded"], device="cpu")[1]
    assert again["accuracy"] == pytest.approx(run.history["epochs"][-1]["val_accuracy"])


def test_evaluate_adds_dataset_and_warns(trained_runs, tmp_path, monkeypatch):
    """A data set derived from the training data gets a warning."""
    test = load_dataset("embedded").test
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), test.images, test.labels)
    predicted = []
    run = load_run("plain", trained_runs)
    entry = evaluate(run, ["mnist"], data_dir=tmp_path, log=predicted.append, device="cpu")[0]
    assert entry["accuracy"] == run.info["evaluations"]["embedded"]["accuracy"]
    assert any("no independent test" in line for line in predicted)
    assert load_run("plain", trained_runs).evaluations == ("embedded", "mnist")


def test_evaluate_rejects_other_classes_sizes(trained_runs, tmp_path):
    random = np.random.default_rng(0)
    write_idx_set(tmp_path, "KMNIST", ("train", "t10k"), random.integers(0, 9, (10, 28, 28)), np.arange(10))
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), random.integers(0, 9, (10, 16, 16)), np.arange(10))
    run = load_run("plain", trained_runs)
    with pytest.raises(NetcoreError, match="classes of kmnist must be those of run 'plain'"):
        evaluate(run, ["kmnist"], data_dir=tmp_path)
    with pytest.raises(NetcoreError, match="images are 1×16×16, but run 'plain' takes 1×28×28"):
        evaluate(run, ["mnist"], data_dir=tmp_path)


@pytest.mark.parametrize("count", [0, 1])
def test_evaluate_on_tiny_test_sets(trained_runs, tmp_path, count):
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), np.zeros((count, 28, 28)), np.zeros(count))
    run = load_run("plain", trained_runs)
    if count:
        assert evaluate(run, ["mnist"], data_dir=tmp_path)[0]["count"] == 1
    else:
        with pytest.raises(NetcoreError, match="mnist has no images"):
            evaluate(run, ["mnist"], data_dir=tmp_path)


def test_evaluate_command_table_and_json(trained_runs):
    out = CliRunner().invoke(evaluate_command, ["drop-1", "--runs-dir", str(trained_runs)], catch_exceptions=False)
    assert "precision" in out.stdout
    assert "dropout active, 2 passes" in out.stdout
    args = ["drop-1", "--runs-dir", str(trained_runs), "--json", "--no-stability"]
    rows = json.loads(CliRunner().invoke(evaluate_command, args, catch_exceptions=False).stdout)
    assert rows[0]["name"] == "embedded"
    assert "stability" not in rows[0]


# ---- comparison and results


def test_compare_shows_settings_and_results(trained_runs):
    args = ["drop-1", "plain", "--runs-dir", str(trained_runs)]
    out = CliRunner().invoke(compare_command, args, catch_exceptions=False).stdout
    lines = {line.split("  ")[0].strip(): line for line in out.splitlines()}
    assert "32" in lines["hidden"]
    assert "16, 16" in lines["hidden"]
    assert "seed" in lines
    assert "activation" not in lines
    assert "%" in lines["accuracy on embedded"]
    rows = json.loads(CliRunner().invoke(compare_command, [*args, "--json"], catch_exceptions=False).stdout)
    assert rows[0]["settings"]["dropout"] == 0.3
    with pytest.raises(NetcoreError, match="at least two runs"):
        CliRunner().invoke(compare_command, args[:1] + args[2:], catch_exceptions=False)


def test_results_mean_and_deviation(trained_runs, tmp_path):
    page = tmp_path / "results.md"
    CliRunner().invoke(results_command, ["--runs-dir", str(trained_runs), "-o", str(page)], catch_exceptions=False)
    text = page.read_text()
    shares = [load_run(f"drop-{seed}", trained_runs).history["epochs"][-1]["val_accuracy"] for seed in (1, 2)]
    row = next(line for line in text.splitlines() if "dropout 0.3" in line)
    assert f"{50 * sum(shares):.2f} ± {100 * abs(shares[0] - shares[1]) / math.sqrt(2):.2f} %" in row
    assert row.split(" | ")[2] == "2"
    assert "85.73 %" in text
    assert "netcore train mlp-16-16 --name drop-2" in text


# ---- submission


@pytest.mark.parametrize("name", ["test.csv", "test.csv.gz"])
def test_submission_has_kaggle_format(trained_runs, tmp_path, name):
    images = load_dataset("embedded").test.images[:40]
    write_table(tmp_path / name, images)
    args = ["plain", "--runs-dir", str(trained_runs), "--test", str(tmp_path / name), "-o", str(tmp_path / "out.csv")]
    result = CliRunner().invoke(submit_command, args, catch_exceptions=False)
    assert "40 rows, Kaggle's own file has 28,000" in result.stderr
    rows = list(csv.reader((tmp_path / "out.csv").open()))
    assert rows[0] == ["ImageId", "Label"]
    assert [int(r[0]) for r in rows[1:]] == list(range(1, 41))
    run = load_run("plain", trained_runs)
    stored = run.evaluation("embedded").logits[:40]
    assert [int(r[1]) for r in rows[1:]] == stored.argmax(1).tolist()
    answers = run.evaluation("kaggle-test")
    assert np.allclose(answers.logits, stored, atol=1e-4)
    assert len(answers.labels) == 0
    assert run.unlabeled == ("kaggle-test",)
    assert "kaggle-test" not in run.evaluations


def test_submission_of_few_rows(trained_runs, tmp_path):
    run = load_run("plain", trained_runs)
    write_table(tmp_path / "one.csv", np.zeros((1, 28, 28), int))
    assert len(write_submission(run, tmp_path / "one.csv", tmp_path / "out.csv")) == 1
    write_table(tmp_path / "none.csv", np.zeros((0, 28, 28), int))
    with pytest.raises(NetcoreError, match=r"none\.csv has no rows"):
        write_submission(run, tmp_path / "none.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().count("\n") == 2  # the earlier file stays
    with pytest.raises(NetcoreError, match="one digit per row, 3 in all"):
        format_submission(np.array([1, 2]), 3)
