"""Freshness of many renders: what a command reads, it reads once."""

import hashlib
import io
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import toy_runs

from netcore.rendering import run_cache
from netcore.rendering.api import render_all
from netcore.rendering.config import read_config
from netcore.rendering.draw_task import DrawnFile
from netcore.rendering.provenance import write_sidecar
from netcore.rendering.request import make_tasks
from netcore.rendering.status import render_status

pytestmark = pytest.mark.usefixtures("draw_in_process")

RUNS, EACH = 40, 3  # more runs than the cache keeps, in turn


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with many renders, which nobody drew: their sidecars say that they are up to date."""
    base = tmp_path_factory.mktemp("project")
    scene = toy_runs.write_figure(base, "still", toy_runs.STILL)
    toy_runs.make_untrained_run(base / "runs" / "run0")
    for number in range(1, RUNS):
        (base / "runs" / f"run{number}").mkdir()
        shutil.copy(base / "runs" / "run0" / "run.json", base / "runs" / f"run{number}")
    entries = [
        f'[[render]]\nscene = "{scene}"\nrun = "run{number}"\nindex = {index}\n'
        for index in range(EACH)
        for number in range(RUNS)
    ]
    (base / "netcore.toml").write_text("".join(entries))
    for request in read_config(base / "netcore.toml", str(base / "runs"), str(base / "renders")):
        (task,) = make_tasks(request)
        target = task.targets["png"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"a picture")
        file = DrawnFile(1, 0.0, 9, 64, 36, hashlib.sha256(b"a picture").hexdigest())
        write_sidecar(task, "png", ["classes", "history"], file, "A still.")
    return base


def status_states(project: Path) -> list[str]:
    found = render_status(project / "netcore.toml", str(project / "runs"), str(project / "renders"))
    return [status.state for status in found]


def render_states(project: Path) -> list[str]:
    requests = read_config(project / "netcore.toml", str(project / "runs"), str(project / "renders"))
    return [result.state for result in render_all(requests)]


@pytest.mark.parametrize("states", [status_states, render_states])
def test_each_file_is_read_once(
    project: Path, monkeypatch: pytest.MonkeyPatch, states: Callable[[Path], list[str]]
) -> None:
    run_cache._recent_run.cache_clear()
    opened: Counter[Path] = Counter()
    original = io.open

    def count(file: object, *args: object, **kwargs: object) -> object:
        opened[Path(str(file))] += 1
        return original(file, *args, **kwargs)

    monkeypatch.setattr(io, "open", count)
    assert states(project) == ["fresh"] * RUNS * EACH
    assert sum(path.name == "run.json" for path in opened) == RUNS
    assert sum(path.name.endswith(".png.json") for path in opened) == RUNS * EACH
    scene = project / "still.py"  # read as a scene, and for its imports
    assert {path: times for path, times in opened.items() if times > 1 and path != scene} == {}
    assert opened[scene] <= 2


def test_facts_of_runs_are_computed_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from netcore.rendering import provenance

    asked: list[tuple[str, str]] = []
    original = provenance.read_digest
    monkeypatch.setattr(
        provenance, "read_digest", lambda run, word: (asked.append((run.name, word)), original(run, word))[1]
    )
    assert status_states(project) == ["fresh"] * RUNS * EACH
    assert len(asked) == len(set(asked)) > RUNS


def test_changed_run_is_read_again(project: Path) -> None:
    file = project / "runs" / "run7" / "run.json"
    original = file.read_text()
    try:
        file.write_text(original.replace('"train_loss": 1.0', '"train_loss": 2.0'))
        assert status_states(project).count("stale") == EACH
    finally:
        file.write_text(original)
    assert "stale" not in status_states(project)
