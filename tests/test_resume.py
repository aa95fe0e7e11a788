"""Interrupted trainings: nothing is lost, and `--resume` goes on to the very weights of an uninterrupted one."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import toy_runs

from netcore.core.errors import NetcoreError
from netcore.core.run import list_runs, load_run
from netcore.core.run_writer import RunWriter
from netcore.datasets.loading import load_dataset
from netcore.training import trainer as training
from netcore.training.plan import resume_plan
from netcore.training.run_dir import STAGING_DIR
from netcore.training.train import train


class Killed(BaseException):
    """What no handler of the trainer catches, as SIGKILL is."""


def begin(folder, *, epochs=4, **more):
    given = {
        "data": "embedded",
        "epochs": epochs,
        "dropout": 0.2,
        "augment": {"shift": 1.0},
        "optimizer": "adam",
    } | more
    return train("mlp-16-16", output_dir=folder, device="cpu", batch_size=20, **given)


def digests(run):
    return {s.step: s.sha256 for s in run.snapshots}


def losses(run):
    return [(row["step"], row["train_loss"], row["val_loss"], row["learning_rate"]) for row in run.history["epochs"]]


CALLS = ((RunWriter, "add_snapshot"), (RunWriter, "append"), (training, "save_checkpoint"))


@pytest.fixture(scope="module", autouse=True)
def few_digits():
    with pytest.MonkeyPatch.context() as patch:
        toy_runs.train_on_few(patch.setattr)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return {
        schedule: begin(tmp_path_factory.mktemp("whole"), schedule=schedule) for schedule in ("plateau", "onecycle")
    }


WRITES = [(owner, call, when, "plateau") for owner, call in CALLS for when in ("before", "after")]


@pytest.mark.parametrize(("owner", "call", "when", "schedule"), [*WRITES, (*CALLS[1], "after", "onecycle")])
def test_resume_after_kill_same_weights(tmp_path, monkeypatch, whole, owner, call, when, schedule):
    """Killed before or after any write, it resumes to the same weights."""
    real, calls = getattr(owner, call), []

    def deadly(*args, **kwargs):
        calls.append(1)
        last = len(calls) == {"add_snapshot": 7, "append": 3, "save_checkpoint": 3}[call]
        if last and when == "before":
            raise Killed
        real(*args, **kwargs)
        if last:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, deadly)
        with pytest.raises(Killed):
            begin(tmp_path, schedule=schedule)
    left = load_run(tmp_path / "mlp-16-16")
    assert left.info["status"] == "training"
    assert all(left.weights(s) for s in left.snapshots)
    run = begin(tmp_path, schedule=schedule, resume=True)
    assert digests(run) == digests(whole[schedule])
    assert losses(run) == losses(whole[schedule])
    assert [r["step"] for r in run.history["steps"]] == [r["step"] for r in whole[schedule].history["steps"]]
    assert run.info["status"] == "complete"


STOPPED = {"data": "embedded", "epochs": 4, "dropout": 0.2, "batch_size": 20, "device": "cpu"}


@pytest.fixture(scope="module")
def uninterrupted_run(tmp_path_factory):
    return train("mlp-16-16", output_dir=tmp_path_factory.mktemp("unstopped"), **STOPPED)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGINT, signal.SIGKILL))]
)
def test_resume_after_signal(tmp_path, uninterrupted_run, number):
    args = ["--data", "embedded", "--epochs", "4", "--dropout", "0.2", "--batch-size", "20", "--device", "cpu"]
    slow = f"import sys, time; sys.path.insert(0, {str(Path(__file__).parent)!r}); import toy_runs; "
    slow += "from netcore.training import trainer as t; from netcore.cli.main import main; toy_runs.train_on_few(); "
    slow += "save = t.save_checkpoint; t.save_checkpoint = lambda *a: (save(*a), time.sleep(0.3)); sys.exit(main())"
    command = [sys.executable, "-c", slow, "train", "mlp-16-16", *args, "--output-dir", str(tmp_path)]
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, preexec_fn=toy_runs.restore_interrupt, **pipes)
    predicted = ""
    for line in process.stderr:
        predicted += line
        if "epoch 2/" in line:
            process.send_signal(number)
            break
    predicted += process.communicate(timeout=60)[1]
    left = load_run(tmp_path / "mlp-16-16")
    done = left.history["epochs"][-1]["epoch"]
    assert 2 <= done < 4
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    if number != signal.SIGKILL:
        assert "stopped after epoch" in predicted
        assert "Traceback" not in predicted
        assert left.info["status"] == "interrupted"
    assert digests(train("mlp-16-16", output_dir=tmp_path, resume=True, **STOPPED)) == digests(uninterrupted_run)


def test_retraining_keeps_earlier_run(tmp_path, monkeypatch):
    old = begin(tmp_path, epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoint", _killing_at(3, training.save_checkpoint))
        with pytest.raises(Killed):
            begin(tmp_path, epochs=3, seed=1)
    assert digests(load_run(tmp_path / "mlp-16-16")) == digests(old)
    assert [run.name for run in list_runs(tmp_path)] == ["mlp-16-16"]
    new = begin(tmp_path, epochs=3, seed=1, resume=True)
    assert new.path == old.path
    assert digests(new) == digests(begin(tmp_path, name="whole", epochs=3, seed=1))
    assert [file.suffix for file in (tmp_path / STAGING_DIR).iterdir()] == [".lock"] * 2


def test_killed_swap_restores_run(tmp_path):
    old = begin(tmp_path, epochs=1)
    (tmp_path / STAGING_DIR).mkdir(exist_ok=True)
    old.path.rename(tmp_path / STAGING_DIR / "mlp-16-16.old")  # killed here
    with pytest.raises(NetcoreError, match="already complete"):
        begin(tmp_path, epochs=1, resume=True)
    assert digests(load_run(tmp_path / "mlp-16-16")) == digests(old)


def _killing_at(number, real):
    calls = []

    def deadly(*args, **kwargs):
        calls.append(1)
        if len(calls) == number:
            raise Killed
        return real(*args, **kwargs)

    return deadly


def test_train_without_resume_starts_over(tmp_path, monkeypatch, whole):
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoint", _killing_at(3, training.save_checkpoint))
        with pytest.raises(Killed):
            begin(tmp_path, seed=9)
    assert digests(begin(tmp_path, schedule="plateau")) == digests(whole["plateau"])


def test_resume_rejects_other_settings(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoint", _killing_at(3, training.save_checkpoint))
        with pytest.raises(Killed):
            begin(tmp_path)
    with pytest.raises(NetcoreError, match=r"started with other settings \(learning_rate\)"):
        begin(tmp_path, learning_rate=0.5, resume=True)
    begin(tmp_path, resume=True)
    with pytest.raises(NetcoreError, match="already complete"):
        begin(tmp_path, resume=True)


def test_resume_takes_stored_settings(tmp_path, monkeypatch, whole):
    """With the name alone it resumes to the same weights; settings given must still be the same."""
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoint", _killing_at(3, training.save_checkpoint))
        with pytest.raises(Killed):
            begin(tmp_path, schedule="plateau", name="mine")
    where = {"name": "mine", "output_dir": tmp_path, "device": "cpu", "resume": True}
    with pytest.raises(NetcoreError, match="started with recipe mlp-16-16, not mlp-1024"):
        train("mlp-1024", **where)
    with pytest.raises(NetcoreError, match=r"other settings \(epochs\)"):
        train("mlp-16-16", epochs=9, **where)
    run = train("mlp-16-16", **where)
    assert digests(run) == digests(whole["plateau"])
    assert run.info["changed"] == whole["plateau"].info["changed"]


def test_resume_finds_stored_data(tmp_path, monkeypatch):
    """Embedded digits that stood in for MNIST, and the folder of the data files."""
    monkeypatch.setattr("netcore.training.plan.load_with_fallback", lambda *a: load_dataset("embedded"))
    monkeypatch.setattr("netcore.training.plan.load_dataset", load_dataset)
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoint", _killing_at(2, training.save_checkpoint))
        with pytest.raises(Killed):
            train("mlp-16-16", output_dir=tmp_path, device="cpu", batch_size=200, optimizer="adam", data_dir=tmp_path)
    left = load_run(tmp_path / "mlp-16-16").info
    assert (left["data"]["name"], left["data"]["asked"], left["data"]["folder"]) == ("embedded", "mnist", str(tmp_path))
    assert left["settings"]["epochs"] > 20  # scaled once
    plan = resume_plan(left, None, None, {}, lambda text: None)
    assert plan.recipe.settings == left["settings"] | {"architecture": plan.recipe.architecture.settings}
    assert plan.data_info["sha256"] == left["data"]["sha256"]


def test_resume_without_interrupted_training(tmp_path):
    with pytest.raises(NetcoreError, match="not contain an interrupted training: train without --resume"):
        begin(tmp_path, resume=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"\x80\x04cos\nsystem\n(S'echo'\ntR."])
def test_resume_rejects_damaged_checkpoint(tmp_path, monkeypatch, content):
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoint", _killing_at(3, training.save_checkpoint))
        with pytest.raises(Killed):
            begin(tmp_path)
    (tmp_path / "mlp-16-16" / "checkpoint.pt").write_bytes(content)
    with pytest.raises(NetcoreError, match=r"checkpoint\.pt is damaged"):
        begin(tmp_path, resume=True)


def test_train_keeps_foreign_folder(tmp_path):
    (tmp_path / "mlp-16-16").mkdir()
    (tmp_path / "mlp-16-16" / "thesis.txt").write_text("years of work")
    with pytest.raises(NetcoreError, match="is not a run folder"):
        begin(tmp_path)
    assert (tmp_path / "mlp-16-16" / "thesis.txt").read_text() == "years of work"


DAMAGE = {
    "half": lambda text: text[:-100],
    "of something else": lambda text: '{"status": "complete", "machine": "vm"}',
    "of a later version": lambda text: text.replace('"schema": 1', '"schema": 99'),
    "missing": None,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_train_keeps_unreadable_folder(tmp_path, damage):
    """Without netcore's own readable run.json, a folder is not replaced, whatever else it contains."""
    run = toy_runs.make_untrained_run(tmp_path / "vm")
    file = run.path / "run.json"
    text = file.read_text()
    file.unlink()
    if DAMAGE[damage]:
        file.write_text(DAMAGE[damage](text))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(NetcoreError, match="choose another --name, or move it"):
        begin(tmp_path, name="vm")
    assert {path: path.read_bytes() for path in before} == before


def test_train_keeps_target_of_link(tmp_path):
    run = toy_runs.make_untrained_run(tmp_path / "elsewhere" / "mine")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "vm").symlink_to(run.path)
    with pytest.raises(NetcoreError, match="is a symbolic link"):
        begin(tmp_path / "runs", name="vm")
    assert load_run(run.path).weights(run.snapshot())


@pytest.mark.parametrize("is_retraining", [False, True])
@pytest.mark.parametrize("kind", [Killed, KeyboardInterrupt, NetcoreError])
def test_new_start_keeps_interrupted_run(tmp_path, monkeypatch, kind, is_retraining):
    """Started again without --resume, the interrupted run is there until the new one has finished an epoch."""
    if is_retraining:
        begin(tmp_path, epochs=1)
    old = interrupt(tmp_path, monkeypatch, at=3)
    place = tmp_path / STAGING_DIR / old.name if is_retraining else old.path

    def end(*args):
        raise kind("before the first epoch ends")

    with monkeypatch.context() as patch:
        patch.setattr(training, "train_epoch", end)
        if kind is Killed:  # no handler of the folder either
            patch.setattr("netcore.training.run_dir._restore_interrupted", lambda *args: None)
        with pytest.raises(kind):
            begin(tmp_path, seed=9)
    run = begin(tmp_path, resume=True)
    assert run.history["epochs"][:2] == old.history["epochs"][:2], "resumed where the interrupted one ended"
    assert not list(place.parent.glob("*.interrupted"))


def test_new_start_replaces_interrupted_run(tmp_path, monkeypatch):
    interrupt(tmp_path, monkeypatch, at=3)
    new = interrupt(tmp_path, monkeypatch, at=3, seed=9)
    assert new.info["seed"] == 9
    assert not list((tmp_path / STAGING_DIR).glob("*.interrupted"))


def interrupt(folder, monkeypatch, at, **settings):
    """Train until the checkpoint with this number; return the interrupted run."""
    with monkeypatch.context() as patch:
        patch.setattr(training, "save_checkpoint", _killing_at(at + 1, training.save_checkpoint))
        with pytest.raises(Killed):
            begin(folder, **settings)
    staging = folder / STAGING_DIR / "mlp-16-16"
    return load_run(staging if staging.exists() else folder / "mlp-16-16")


def test_train_rejects_unwritable_output(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NetcoreError, match=r"cannot write .*file"):
        begin(tmp_path / "file" / "runs")


def test_resume_after_full_disk(tmp_path, monkeypatch, whole):
    with monkeypatch.context() as patch:
        replace, calls = os.replace, []

        def full(source, target):
            calls.append(1)
            if len(calls) > 12:
                raise OSError(errno.ENOSPC, "No space left on device", str(target))
            replace(source, target)

        patch.setattr("netcore.core.files.os.replace", full)
        with pytest.raises(NetcoreError, match="No space left on device"):
            begin(tmp_path, schedule="plateau")
    assert not list(tmp_path.rglob("*.partial*"))
    assert digests(begin(tmp_path, schedule="plateau", resume=True)) == digests(whole["plateau"])


def test_train_locks_run_name(tmp_path):
    from netcore.training.run_dir import open_run_dir

    with open_run_dir(tmp_path, "mlp-16-16"), pytest.raises(NetcoreError, match="being trained by another process"):
        begin(tmp_path)


def test_run_lock_outlives_its_holder(tmp_path):
    """A process that opened the lock before its holder ends must still meet one that opens it after."""
    from netcore.training.run_dir import open_run_dir

    inodes = []
    for _ in range(2):
        with open_run_dir(tmp_path, "mlp-16-16"):
            (lock,) = (tmp_path / STAGING_DIR).glob(".*.lock")
            inodes.append(lock.stat().st_ino)
        assert lock.exists()
    assert inodes[0] == inodes[1]
