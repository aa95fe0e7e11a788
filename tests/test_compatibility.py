"""Runs, sidecars, scene files and settings of earlier versions: read as they are, or refused with the new name."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.rendering.api import render
from netcore.rendering.status import render_status
from netcore.tracing.tracer import trace
from netcore.training.train import train

pytestmark = pytest.mark.usefixtures("draw_in_process")

DATA = Path(__file__).parent / "data"
RUNS = ("recipe", "recorded", "imported")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the earlier files, as current folder."""
    shutil.copytree(DATA, tmp_path / "project")
    for file in (tmp_path / "project").glob("*.py.txt"):
        file.rename(file.with_suffix(""))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.mark.parametrize("name", RUNS)
def test_earlier_run_gives_same_logits(name: str) -> None:
    run = load_run(DATA / "runs" / name)
    examples = run.examples()
    found = [trace(run, run.snapshot(), image).logits for image in examples.images]
    with np.load(DATA / "logits.npz") as expected:
        np.testing.assert_allclose(found, expected[name], atol=1e-5)
    stored = run.evaluation()
    assert stored.logits.shape == (len(stored.labels), len(run.classes))
    for snapshot in run.snapshots:
        assert run.weights(snapshot), snapshot.label


@pytest.mark.parametrize("name", [RUNS[0], *(pytest.param(name, marks=pytest.mark.slow) for name in RUNS[1:])])
def test_earlier_run_is_drawn(name: str, project: Path) -> None:
    (done,) = render("model-graph", name, size=(320, 180), formats="svg")
    assert done.state == "drawn", done.message
    assert "<svg" in done.target.read_text(encoding="utf-8")


def test_earlier_interrupted_training_resumes(project: Path, tmp_path: Path) -> None:
    settings = {"data": "embedded", "hidden": (2,), "device": "cpu", "batch_size": 400, "dropout": 0.1, "epochs": 3}
    assert (project / "runs/.training/recipe/checkpoint.pt").is_file()
    resumed = train("mlp-16-16", name="recipe", output_dir="runs", resume=True, **settings)
    unstopped = train("mlp-16-16", name="recipe", output_dir=tmp_path / "unstopped", **settings)
    assert [row["epoch"] for row in resumed.history["epochs"]] == [1, 2, 3]
    for name, array in unstopped.weights(unstopped.snapshot("last")).items():
        np.testing.assert_allclose(resumed.weights(resumed.snapshot("last"))[name], array, atol=1e-5)
    assert [file.suffix for file in (project / "runs/.training").iterdir()] == [".lock"]


def test_earlier_sidecar_is_stale(project: Path) -> None:
    (project / "netcore.toml").unlink()
    (found,) = render_status(project / "netcore.toml")
    assert Path(found.target).name == "training-history.png"
    assert found.state == "stale"
    assert found.reason


# ---- names that have been replaced


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("own_figure.py", ["stage.plot", "netcore.viz.mpl", "add_heading"]),
        ("own_film.py", ["stage.film", "netcore.viz.film", "TextLine"]),
    ],
)
def test_earlier_own_scene_names_replacement(file: str, words: list[str], project: Path) -> None:
    with pytest.raises(NetcoreError) as refusal:
        render(str(project / file), "recipe", formats="png")
    assert "\n" not in str(refusal.value)
    assert all(word in str(refusal.value) for word in words), refusal.value
