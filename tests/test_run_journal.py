"""The journal of a training: each row costs its own length, and a kill at any moment loses no finished one."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import toy_runs

from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.core.run_journal import JOURNAL
from netcore.core.run_writer import RunWriter
from netcore.rendering.run_cache import cached_run

WEIGHTS = {"hidden1.weight": np.zeros((4, 784), np.float32)}


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    """The writer of a run that is being trained, three epochs so far."""
    writer = RunWriter(toy_runs.make_untrained_run(tmp_path / "toy"))
    writer.save()
    for epoch in (2, 3, 4):
        add_epoch(writer, epoch)
    return writer


def add_epoch(writer: RunWriter, epoch: int) -> None:
    writer.add_history("steps", [{"step": 10 * epoch, "loss": 1 / epoch}])
    writer.add_history("epochs", [{"epoch": epoch, "step": 10 * epoch, "train_loss": 1 / epoch}])
    writer.add_snapshot(WEIGHTS, epoch, 10 * epoch)
    writer.append(best=10 * epoch, last=10 * epoch, seconds=epoch / 2)


def written(writer: RunWriter) -> dict:
    return json.loads(json.dumps(writer.info))


def test_appended_rows_are_read(writer: RunWriter) -> None:
    assert json.loads((writer.run.path / "run.json").read_text())["history"]["epochs"][-1]["epoch"] == 1
    run = load_run(writer.run.path)
    assert run.info == written(writer)
    assert [s.step for s in run.snapshots] == [0, 10, 20, 30, 40]
    assert run.history["epochs"][-1] == {"epoch": 4, "step": 40, "train_loss": 0.25}
    assert run.snapshot("best").step == 40


def test_append_writes_its_own_length(writer: RunWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of the 300th epoch is as long as that of the third, and no other byte of the description is written."""
    sizes, names = [], []
    write, replace = os.write, os.replace
    monkeypatch.setattr(os, "write", lambda file, data: (sizes.append(len(data)), write(file, data))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (names.append(Path(b).suffix), replace(a, b))[1])
    for epoch in range(5, 300):
        add_epoch(writer, epoch)
    assert set(names) == {".safetensors"}
    assert len(sizes) == 295
    assert max(sizes) < 400
    assert load_run(writer.run.path).info == written(writer)


def test_save_makes_run_json_whole(writer: RunWriter) -> None:
    info = written(writer)
    writer.save()
    assert not (writer.run.path / JOURNAL).exists()
    assert json.loads((writer.run.path / "run.json").read_text()) == info


def test_unfinished_line_is_ignored(writer: RunWriter) -> None:
    """A journal cut at any byte gives the run as it was after the last whole line."""
    file = writer.run.path / JOURNAL
    data = file.read_bytes()
    steps = {}
    for size in range(0, len(data) + 1, 7):
        file.write_bytes(data[:size])
        whole = data[:size].count(b"\n") - 1  # rows after the first line
        steps.setdefault(max(whole, 0), set()).add(load_run(writer.run.path).snapshots[-1].step)
    file.write_bytes(data)
    assert steps == {0: {10}, 1: {20}, 2: {30}}
    assert load_run(writer.run.path).snapshots[-1].step == 40


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_kill_loses_no_finished_row(tmp_path: Path, number: int) -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            writer = RunWriter(toy_runs.make_untrained_run(tmp_path / "toy"))
            for epoch in range(2, 5000):
                add_epoch(writer, epoch)
                os.write(write, b".")
        finally:
            os._exit(1)
    os.close(write)
    for _ in range(40):
        os.read(read, 1)
    os.kill(pid, number)
    os.waitpid(pid, 0)
    rest = len(os.read(read, 65536))
    os.close(read)
    run = load_run(tmp_path / "toy")
    assert run.history["epochs"][-1]["epoch"] in (41 + rest, 42 + rest)
    assert all(len(run.weights(s)) for s in run.snapshots)


DAMAGE = {
    "no JSON": (b"{nothing}\n", "line 2: Expecting property name"),
    "no object": (b"[1]\n", "line 2: it must be an object, got"),
    "an unknown key": (b'{"layers": []}\n', "line 2: it must have no 'layers'"),
    "another history": (b'{"history": {"days": []}}\n', "line 2: it must have no 'days'"),
    "a step that is none": (
        b'{"history": {"epochs": [{"epoch": 1, "step": "x"}]}}\n',
        r"epochs\[0\] must be an object",
    ),
    "a snapshot without file": (b'{"snapshots": [{"epoch": 1, "step": 9}]}\n', r"snapshots\[0\] has no file"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_line_is_told(writer: RunWriter, damage: str) -> None:
    file, (line, message) = writer.run.path / JOURNAL, DAMAGE[damage]
    file.write_bytes(file.read_bytes().split(b"\n")[0] + b"\n" + line)
    with pytest.raises(NetcoreError, match=rf"journal\.jsonl is damaged \(.*{message}"):
        load_run(writer.run.path)


def test_foreign_journal_is_void(writer: RunWriter) -> None:
    """An evaluation writes run.json whole while a training continues, which then writes it whole too."""
    journal = (writer.run.path / JOURNAL).read_bytes()
    other = RunWriter(load_run(writer.run.path))
    other.info["seconds"] = 9.5
    other.save()
    (writer.run.path / JOURNAL).write_bytes(journal)  # as if it was killed before it removed it
    assert load_run(writer.run.path).info == written(other)
    add_epoch(writer, 5)
    add_epoch(writer, 6)
    assert load_run(writer.run.path).info == written(writer)


def test_append_without_journal_writes_all(writer: RunWriter) -> None:
    (writer.run.path / JOURNAL).unlink()
    add_epoch(writer, 5)
    assert load_run(writer.run.path).info == written(writer)


def test_append_after_full_disk(writer: RunWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[:20]))
        with pytest.raises(NetcoreError, match=r"cannot write .*No space left on device"):
            add_epoch(writer, 5)
    assert load_run(writer.run.path).snapshots[-1].step == 40
    add_epoch(writer, 6)
    assert load_run(writer.run.path).info == written(writer)
    assert [row["epoch"] for row in load_run(writer.run.path).history["epochs"]] == [1, 2, 3, 4, 5, 6]


def test_repeated_step_replaces_its_rows(writer: RunWriter) -> None:
    writer.add_history("epochs", [{"epoch": 3, "step": 30, "train_loss": 9.0}])
    writer.add_snapshot(WEIGHTS, 3, 30, "again")
    writer.append()
    run = load_run(writer.run.path)
    assert [row["train_loss"] for row in run.history["epochs"]] == [1.0, 0.5, 9.0, 0.25]
    assert [s.label for s in run.snapshots] == ["untrained", "epoch 1", "epoch 2", "again", "epoch 4"]
    assert run.info == written(writer)


def test_cached_run_sees_new_rows(writer: RunWriter) -> None:
    before = cached_run(writer.run.path)
    assert cached_run(writer.run.path) is before
    add_epoch(writer, 5)
    assert cached_run(writer.run.path).snapshots[-1].step == 50
