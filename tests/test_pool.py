"""Worker processes: what hangs, crashes, fails or is interrupted harms nothing else and leaves nothing half written."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import toy_runs

from netcore.core.files import file_sha256
from netcore.rendering.api import render
from netcore.rendering.draw_task import DrawResult
from netcore.rendering.job import draw_job
from netcore.rendering.pool import WorkerError, WorkerPool, WorkerProcess
from netcore.rendering.provenance import read_sidecar
from netcore.rendering.request import Request, make_tasks
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import find_scene

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


def test_tasks_and_results_are_picklable(project_dir: Path) -> None:
    scene = toy_runs.write_figure(project_dir)
    (task,) = make_tasks(
        Request(str(scene), "toy", selector=SampleSelector(digit="3"), options={"many": 3}, size=(64, 36))
    )
    same = pickle.loads(pickle.dumps(task))
    assert (same.run.path, same.run.info) == (task.run.path, task.run.info)
    assert {k: v for k, v in vars(same).items() if k != "run"} == {k: v for k, v in vars(task).items() if k != "run"}
    result = draw_job(same, project_dir)
    assert pickle.loads(pickle.dumps(result)) == result


TALE = """\"\"\"A tale

It has steps.
\"\"\"

from netcore import Film


class Tale(Film):
    \"\"\"Tale.\"\"\"

    def construct(self):
        for n in (1, 2):
            with self.step("Part {n}", notes="In words." if n == 1 else "", name=f"part-{n}", n=n):
                self.wait(0.2)
"""


def test_steps_reach_sidecar_and_files(project_dir: Path, draw_in_process: None) -> None:
    (project_dir / "tale.py").write_text(TALE)
    formats = ["gif", "vtt", "storyboard", "png"]
    done = {r.target.name: r for r in render("tale.py", "toy", formats=formats, **SMALL)}
    assert {name: r.state for name, r in done.items()} == dict.fromkeys(
        ("tale.gif", "tale.vtt", "tale-storyboard.png", "tale.png"), "drawn"
    )
    told = {name: read_sidecar(r.target) for name, r in done.items()}
    steps = told["tale.gif"]["steps"]
    assert [(s["name"], s["caption"], s["notes"]) for s in steps] == [
        ("part-1", "Part 1", "In words."),
        ("part-2", "Part 2", ""),
    ]
    assert (steps[0]["start"], steps[0]["end"]) == (0.0, steps[1]["start"])
    assert steps[1]["end"] == told["tale.gif"]["seconds"]
    assert told["tale.vtt"]["steps"] == steps
    assert told["tale.png"]["steps"] == told["tale-storyboard.png"]["steps"] == []
    assert "Part 1" in done["tale.vtt"].target.read_text()
    assert {r.state for r in render("tale.py", "toy", formats=formats, **SMALL)} == {"fresh"}


@pytest.mark.slow
def test_pool_reports_failed_films(project_dir: Path) -> None:
    good = toy_runs.write_film(project_dir, "good")
    bad = toy_runs.write_film(project_dir, "bad", "numbers = {}\n        numbers['seven']")
    gone = toy_runs.write_film(project_dir, "gone", "import os; print('last words', flush=True); os._exit(3)")
    done = render([str(bad), str(gone), str(good)], "toy", **SMALL)
    assert [r.state for r in done] == ["failed", "failed", "drawn"]
    assert done[0].message == "bad of toy failed: KeyError: 'seven' (bad.py, line 22: numbers['seven'])"
    assert "in construct" in done[0].traceback
    assert done[1].message == "gone of toy failed: the drawing process ended with status 3: last words"
    assert done[2].seconds == done[2].frames / 10 > 2.0, "0.4 s and a last frame that stands for 2 s"
    assert sorted(p.name for p in (project_dir / "renders" / "toy").iterdir()) == ["good.gif", "good.gif.json"]


def test_worker_reused_and_replaced_after_timeout(project_dir: Path) -> None:
    note = project_dir / "pid"
    hang = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(600)"
    worker = WorkerProcess()

    def draw(name: str, body: str = "pass", timeout: float = 60.0) -> DrawResult:
        (task,) = make_tasks(Request(str(toy_runs.write_film(project_dir, name, body)), "toy", size=(64, 36), fps=10))
        (project_dir / name).mkdir()
        return worker.run((draw_job, (task, project_dir / name), {}), timeout, lambda frames: None)

    try:
        for name in ("one", "two"):
            told = draw(name)
            assert (project_dir / name / "out.gif").stat().st_size == told.files["gif"].bytes
        start = time.monotonic()
        with pytest.raises(WorkerError, match=r"took longer than 3 s: stopped \(--timeout allows more\)"):
            draw("hangs", hang, 3.0)
        assert time.monotonic() - start < 20
        pid = int(note.read_text())
        assert not process_alive(pid)
        assert draw("three").files
        assert worker.process is not None
        assert worker.process.pid != pid
    finally:
        worker.stop()
    assert worker.process.returncode is not None


def test_pool_is_an_executor() -> None:
    """Any picklable function runs in it; what crashes, hangs or raises fails alone."""
    with WorkerPool(2, timeout=20) as pool:
        crash, error = pool.submit(os._exit, 3), pool.submit(int, "seven")
        sums = list(pool.map(pow, (2, 3, 4), (5, 2, 1)))
        other = pool.submit(os.getpid)
    assert sums == [32, 9, 4]
    assert other.result() != os.getpid()
    with pytest.raises(WorkerError, match="status 3"):
        crash.result()
    with pytest.raises(ValueError, match="seven") as raised:
        error.result()
    assert "handle_call" in raised.value.__notes__[0], "the worker's traceback"


def test_pool_time_limit_per_call() -> None:
    start = time.monotonic()
    with WorkerPool(1, timeout=3) as pool:
        late, next_one = pool.submit(time.sleep, 600), pool.submit(pow, 2, 3)
    assert next_one.result() == 8
    with pytest.raises(WorkerError, match="took longer than 3 s"):
        late.result()
    assert time.monotonic() - start < 60


def test_render_on_given_executor(project_dir: Path) -> None:
    names = [str(toy_runs.write_figure(project_dir, name, toy_runs.STILL)) for name in ("one", "two")]
    with ThreadPoolExecutor(1) as executor:
        done = render(names, "toy", executor=executor, **SMALL)
    assert [(r.state, r.target.name) for r in done] == [("drawn", "one.png"), ("drawn", "two.png")]


def test_too_large_format_leaves_others(project_dir: Path, draw_in_process: None) -> None:
    scene = str(toy_runs.write_figure(project_dir))
    settings = {"formats": ["gif", "mp4", "webp"], "size": (320, 180), "fps": 10}
    gif, mp4, webp = render(scene, "toy", max_mb=0.003, **settings)
    assert [r.state for r in (gif, mp4, webp)] == ["refused", "drawn", "refused"]
    assert "gif must be at most 0.003 MB" in gif.message
    assert not gif.target.exists()
    assert mp4.target.is_file()
    assert sorted(p.name for p in mp4.target.parent.iterdir()) == ["weights-line.mp4", "weights-line.mp4.json"]


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
    limit = 3.0 if "while" in body else 60.0  # a process takes seconds to start on a busy machine
    (done,) = render(str(scene), "toy", timeout=limit, **SMALL)
    assert done.state == "failed"
    assert done.message.startswith(f"bad of toy failed: {message}")
    assert not toy_runs.partial_files(project_dir)
    assert not done.target.exists()


SELDOM = (signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)


def start_render(*args: str, setup: Callable[[], None] = toy_runs.restore_interrupt) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "netcore", "render", *args, "--run", "toy", "--size", "64x36", "--fps", "10"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=setup,
    )


def wait_for(path: Path) -> None:
    """Wait until a file has been written, not only opened."""
    until = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("end", "to_all"),  # to the whole group, as Ctrl-C does; another test ends a command by SIGTERM
    [(signal.SIGINT, True), *(pytest.param(*case, marks=pytest.mark.slow) for case in SELDOM)],
)
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


@pytest.mark.slow
@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN], ids=["here", "in the background"])
def test_interrupted_figure_leaves_no_files(project_dir: Path, handler: object) -> None:
    """Also if the tests run in the background, where SIGINT is inherited as ignored."""
    begun = project_dir / "begun"
    text = (
        toy_runs.STILL
        + f"    import pathlib, time\n    pathlib.Path({str(begun)!r}).write_text('begun')\n    time.sleep(60)\n"
    )
    before = signal.signal(signal.SIGINT, handler)
    try:
        process = start_render(str(toy_runs.write_figure(project_dir, "slow", text)))
    finally:
        signal.signal(signal.SIGINT, before)
    wait_for(begun)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.strip()) == (130, "netcore: interrupted")
    assert not list((project_dir / "renders").rglob("*.*"))


def test_background_command_stops_at_sigterm(project_dir: Path) -> None:
    """Started with SIGINT ignored, it still ends with SIGTERM, its workers and files with it."""
    begun = project_dir / "begun"
    body = f"import os, pathlib, time; pathlib.Path({str(begun)!r}).write_text(str(os.getpid())); time.sleep(60)"
    process = start_render(str(toy_runs.write_film(project_dir, "slow", body)), setup=toy_runs.ignore_interrupt)
    wait_for(begun)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.strip()) == (130, "netcore: interrupted")
    assert not toy_runs.partial_files(project_dir)
    assert not process_alive(int(begun.read_text()))


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_render_films_in_parallel(project_dir: Path) -> None:
    names = [str(toy_runs.write_film(project_dir, f"film_{n}")) for n in range(3)]
    done = render(names, "toy", jobs=2, **SMALL)
    assert [r.state for r in done] == ["drawn"] * 3
    assert [r.target.name for r in done] == ["film-0.gif", "film-1.gif", "film-2.gif"]
    assert all(find_scene(name).is_user_scene for name in names)
