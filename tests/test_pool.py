"""Worker processes: what hangs, crashes, fails or is interrupted harms nothing else and leaves nothing half written."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import toy_runs

from netcore.core.files import file_sha256
from netcore.core.step import Step
from netcore.rendering import draw_task
from netcore.rendering.api import render
from netcore.rendering.pool import WorkerProcess
from netcore.rendering.provenance import read_sidecar, write_sidecar
from netcore.rendering.request import Request, make_tasks
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import find_scene
from netcore.rendering.worker import drawn_files, task_from_json, task_to_json

SMALL = {"size": (64, 36), "fps": 10}


@pytest.fixture
def project_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    toy_runs.make_untrained_run(tmp_path / "runs" / "toy")
    return tmp_path


def process_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_render_task_json_round_trip(project_dir: Path) -> None:
    scene = toy_runs.write_figure(project_dir)
    (task,) = make_tasks(
        Request(str(scene), "toy", selector=SampleSelector(digit="3"), formats=("gif", "png"), options={"many": 3})
    )
    line = task_to_json(task, project_dir)
    assert "\n" not in line
    same, folder = task_from_json(line)
    assert folder == project_dir
    assert same.run.path == task.run.path
    assert {k: v for k, v in vars(same).items() if k != "run"} == {k: v for k, v in vars(task).items() if k != "run"}


def test_steps_reach_sidecar(project_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (Step("one", "First", "In words.", 0, 1, 2), Step("two", "Second", "", 2, 3, 4))
    monkeypatch.setattr(draw_task, "film_steps", lambda *_: steps)
    film = str(toy_runs.write_film(project_dir, "good"))
    (task,) = make_tasks(Request(film, "toy", formats=("gif", "png"), **SMALL))
    drawn = draw_task.draw_task(task, project_dir)
    assert (drawn.files["gif"].frames, drawn.files["gif"].steps, drawn.files["png"].steps) == (4, steps, ())
    reply = json.loads(json.dumps({"files": {name: asdict(file) for name, file in drawn.files.items()}}))
    assert drawn_files(reply) == drawn.files
    task.targets["gif"].parent.mkdir(parents=True)
    write_sidecar(task, "gif", drawn.reads, drawn.files["gif"], drawn.alt)
    told = read_sidecar(task.targets["gif"])
    assert told is not None
    assert told["steps"] == [
        {"name": "one", "caption": "First", "notes": "In words.", "start": 0.0, "settled": 0.1, "end": 0.2},
        {"name": "two", "caption": "Second", "notes": "", "start": 0.2, "settled": 0.3, "end": 0.4},
    ]


def test_pool_reports_failed_films(project_dir: Path) -> None:
    good = toy_runs.write_film(project_dir, "good")
    bad = toy_runs.write_film(project_dir, "bad", "numbers = {}\n        numbers['seven']")
    gone = toy_runs.write_film(project_dir, "gone", "import os; print('last words', flush=True); os._exit(3)")
    done = render([str(bad), str(gone), str(good)], "toy", **SMALL)
    assert [r.state for r in done] == ["failed", "failed", "drawn"]
    assert done[0].message == "bad of toy failed: KeyError: 'seven' (bad.py, line 22: numbers['seven'])"
    assert "in construct" in done[0].traceback
    assert done[1].message == "gone of toy failed: the drawing process ended with status 3: last words"
    assert (done[2].frames, done[2].seconds) == (20, 2.0), "0.4 s and a last frame that stands for 2 s"
    assert sorted(p.name for p in (project_dir / "renders" / "toy").iterdir()) == ["good.gif", "good.gif.json"]


def test_worker_reused_and_replaced_after_timeout(project_dir: Path) -> None:
    note = project_dir / "pid"
    hang = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(600)"
    worker = WorkerProcess()

    def draw(name: str, body: str = "pass", timeout: float = 60.0) -> dict:
        (task,) = make_tasks(Request(str(toy_runs.write_film(project_dir, name, body)), "toy", size=(64, 36), fps=10))
        (project_dir / name).mkdir()
        return worker.draw(task, project_dir / name, timeout, lambda frames: None)

    try:
        for name in ("one", "two"):
            told = draw(name)
            assert (project_dir / name / "out.gif").stat().st_size == told["files"]["gif"]["bytes"]
        start = time.monotonic()
        assert draw("hangs", hang, 3.0) == {"failed": "took longer than 3 s: stopped (--timeout allows more)"}
        assert time.monotonic() - start < 20
        pid = int(note.read_text())
        assert not process_alive(pid)
        assert "files" in draw("three")
        assert worker.process is not None
        assert worker.process.pid != pid
    finally:
        worker.stop()
    assert worker.process.returncode is not None


def test_render_timeout_leaves_no_files(project_dir: Path) -> None:
    (done,) = render(
        str(toy_runs.write_film(project_dir, "hangs", "import time; time.sleep(600)")), "toy", timeout=0.5, **SMALL
    )
    assert done.state == "failed"
    assert done.message == "hangs of toy failed: took longer than 0.5 s: stopped (--timeout allows more)"
    assert not toy_runs.partial_files(project_dir)
    assert not done.target.exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("    while True:\n        pass\n", "took longer than 3 s: stopped (--timeout allows more)"),
        ("    import os\n    os._exit(0)\n", "the drawing process ended with status 0"),
        ("    import os\n    os.abort()\n", "the drawing process ended with status -6"),
    ],
    ids=["hangs", "exits", "crashes"],
)
def test_single_figure_is_guarded(project_dir: Path, body: str, message: str) -> None:
    scene = toy_runs.write_figure(project_dir, "bad", toy_runs.STILL + body)
    (done,) = render(str(scene), "toy", timeout=3.0, **SMALL)
    assert done.state == "failed"
    assert done.message.startswith(f"bad of toy failed: {message}")
    assert not toy_runs.partial_files(project_dir)
    assert not done.target.exists()


def start_render(*args: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "netcore", "render", *args, "--run", "toy", "--size", "64x36", "--fps", "10"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.05)


@pytest.mark.parametrize("to_all", [False, True], ids=["to netcore", "to the group, as Ctrl-C does"])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_film_keeps_earlier_render(project_dir: Path, end: int, to_all: bool) -> None:
    target = project_dir / "renders" / "toy" / "slow.gif"
    target.parent.mkdir(parents=True)
    target.write_bytes(b"earlier")
    begun = project_dir / "begun"
    body = f"import os, pathlib, time; pathlib.Path({str(begun)!r}).write_text(str(os.getpid())); time.sleep(60)"
    process = start_render(str(toy_runs.write_film(project_dir, "slow", "self.wait(0.2)\n        " + body)))
    wait_for(begun)
    assert toy_runs.partial_files(project_dir)
    (os.killpg if to_all else os.kill)(process.pid, end)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors.strip() == "netcore: interrupted"
    assert target.read_bytes() == b"earlier"
    assert not toy_runs.partial_files(project_dir)
    assert not process_alive(int(begun.read_text()))


def test_interrupted_figure_leaves_no_files(project_dir: Path) -> None:
    begun = project_dir / "begun"
    text = toy_runs.STILL + f"    import pathlib, time\n    pathlib.Path({str(begun)!r}).touch()\n    time.sleep(60)\n"
    process = start_render(str(toy_runs.write_figure(project_dir, "slow", text)))
    wait_for(begun)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.strip()) == (130, "netcore: interrupted")
    assert not list((project_dir / "renders").rglob("*.*"))


def test_killed_command_cleans_up(project_dir: Path) -> None:
    begun = project_dir / "begun"
    body = f"import os, pathlib, time; pathlib.Path({str(begun)!r}).write_text(str(os.getpid())); time.sleep(60)"
    process = start_render(str(toy_runs.write_film(project_dir, "slow", body)))
    wait_for(begun)
    process.kill()
    process.communicate(timeout=20)
    until = time.monotonic() + 10
    while toy_runs.partial_files(project_dir) and time.monotonic() < until:
        time.sleep(0.05)
    assert not toy_runs.partial_files(project_dir)


def test_concurrent_commands_leave_valid_render(project_dir: Path) -> None:
    scene = str(toy_runs.write_film(project_dir, "both"))
    two = [start_render(scene, "--force") for _ in range(2)]
    for process in two:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    target = project_dir / "renders" / "toy" / "both.gif"
    told = read_sidecar(target)
    assert told is not None
    assert told["sha256"] == file_sha256(target)
    assert not toy_runs.partial_files(project_dir)


def test_render_films_in_parallel(project_dir: Path) -> None:
    names = [str(toy_runs.write_film(project_dir, f"film_{n}")) for n in range(3)]
    done = render(names, "toy", jobs=2, **SMALL)
    assert [r.state for r in done] == ["drawn"] * 3
    assert [r.target.name for r in done] == ["film-0.gif", "film-1.gif", "film-2.gif"]
    assert all(find_scene(name).is_user_scene for name in names)
