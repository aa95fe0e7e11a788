"""Run folders: what is written is read back, and an interrupted write leaves a run that can be read."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import toy_runs

from netcore.core.run import Run, load_run
from netcore.core.run_writer import RunWriter


class Killed(BaseException):
    """What nothing catches, as SIGKILL is."""


def kill(*args: object, **kwargs: object) -> None:
    raise Killed


def scores(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"logits": rng.normal(size=(30, 10)).astype(np.float32), "labels": rng.integers(0, 10, 30)}


def stored_logits(run: Run) -> np.ndarray:
    return load_run(run.path).evaluation("Own Digits").logits


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run evaluated once, by the scores of seed 0."""
    run = toy_runs.make_untrained_run(tmp_path / "toy")
    writer = RunWriter(run)
    writer.add_evaluation("Own Digits", {"accuracy": 0.5}, **scores(0))
    writer.save()
    return run


def test_evaluation_file_bears_digest(run: Run) -> None:
    entry = load_run(run.path).evaluation_entry("Own Digits")
    assert entry["file"] == f"evaluation/own-digits-{entry['sha256'][:12]}.npz"
    assert entry["accuracy"] == 0.5
    np.testing.assert_array_equal(stored_logits(run), scores(0)["logits"])


def test_evaluation_killed_before_run_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RunWriter(load_run(run.path))
    writer.add_evaluation("Own Digits", {"accuracy": 0.9}, **scores(1))
    monkeypatch.setattr(json, "dumps", kill)
    with pytest.raises(Killed):
        writer.save()
    np.testing.assert_array_equal(stored_logits(run), scores(0)["logits"])
    assert load_run(run.path).evaluation_entry("Own Digits")["accuracy"] == 0.5


def test_evaluation_killed_before_removal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RunWriter(load_run(run.path))
    writer.add_evaluation("Own Digits", {"accuracy": 0.9}, **scores(1))
    replaced = run.path / run.evaluation_entry("Own Digits")["file"]
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, **_: kill() if path == replaced else None)
        with pytest.raises(Killed):
            writer.save()
    assert replaced.exists()
    np.testing.assert_array_equal(stored_logits(run), scores(1)["logits"])


@pytest.mark.parametrize("call", range(4))
def test_evaluation_survives_real_kill(run: Run, call: int) -> None:
    """A process that dies at any rename or removal leaves logits and metrics of one evaluation."""
    pid = os.fork()
    if pid == 0:
        calls = iter(range(10))

        def dying(real: Callable[..., object]) -> Callable[..., object]:
            return lambda *args: os._exit(9) if next(calls) == call else real(*args)

        os.replace, os.unlink = dying(os.replace), dying(os.unlink)
        writer = RunWriter(load_run(run.path))
        writer.add_evaluation("Own Digits", {"accuracy": 0.9}, **scores(1))
        writer.save()
        os._exit(0)
    os.waitpid(pid, 0)
    is_new = load_run(run.path).evaluation_entry("Own Digits")["accuracy"] == 0.9
    np.testing.assert_array_equal(stored_logits(run), scores(1 if is_new else 0)["logits"])


def test_save_removes_abandoned_evaluations(run: Run) -> None:
    """What killed commands left is removed after a day; what may be another command's, and the user's files, stay."""
    folder = run.path / "evaluation"
    names = ("own-digits-0123456789ab.npz", "own-digits-ba9876543210.npz", "mine.npz")
    for name in names:
        (folder / name).touch()
    for name in (names[0], names[2]):
        os.utime(folder / name, (0, 0))
    writer = RunWriter(load_run(run.path))
    writer.add_evaluation("Own Digits", {}, **scores(1))
    named = writer.info["evaluations"]["Own Digits"]["file"]
    writer.save()
    assert {file.name for file in folder.iterdir()} == {names[1], names[2], Path(named).name}


def test_save_removes_replaced_evaluation(run: Run) -> None:
    for seed in (1, 1, 0):
        writer = RunWriter(load_run(run.path))
        writer.add_evaluation("Own Digits", {}, **scores(seed))
        writer.save()
        assert len(list((run.path / "evaluation").iterdir())) == 1
        np.testing.assert_array_equal(stored_logits(run), scores(seed)["logits"])


def test_save_replaces_evaluation_without_digest(run: Run) -> None:
    """Earlier versions wrote `evaluation/<name>.npz`."""
    writer = RunWriter(run)
    entry = run.info["evaluations"]["Own Digits"]
    shutil.move(run.path / entry["file"], run.path / "evaluation/own-digits.npz")
    entry["file"] = "evaluation/own-digits.npz"
    writer.save()
    np.testing.assert_array_equal(stored_logits(run), scores(0)["logits"])
    writer.add_evaluation("Own Digits", {}, **scores(1))
    writer.save()
    assert not (run.path / "evaluation/own-digits.npz").exists()
    np.testing.assert_array_equal(stored_logits(run), scores(1)["logits"])


def test_unlabeled_evaluation_read_back(run: Run) -> None:
    RunWriter(run).add_evaluation("kaggle-test", {"count": 30}, labeled=False, **scores(2))
    assert run.unlabeled == ("kaggle-test",)
    np.testing.assert_array_equal(run.evaluation("kaggle-test").logits, scores(2)["logits"])


def test_snapshot_replaces_same_step(run: Run) -> None:
    weights = toy_runs.random_weights(np.random.default_rng(7))
    found = RunWriter(run).add_snapshot(weights, epoch=1, step=10, name="pruned")
    assert [(s.step, s.label) for s in run.snapshots] == [(0, "untrained"), (10, "pruned")]
    for name, values in run.weights(found).items():
        np.testing.assert_array_equal(values, weights[name])


def test_equal_content_gives_equal_digests(tmp_path: Path) -> None:
    weights = toy_runs.random_weights(np.random.default_rng(7))
    writers = [RunWriter.create(tmp_path / name) for name in ("one", "two")]
    assert writers[0].add_snapshot(weights, 0, 0) == writers[1].add_snapshot(dict(reversed(weights.items())), 0, 0)
    entries = [writer.add_evaluation("digits", {}, **scores(0)) for writer in writers]
    assert entries[0] == entries[1]
