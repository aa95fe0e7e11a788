"""The first file of one's own scene: it renders as it is, and nothing is overwritten."""

from pathlib import Path

import numpy as np
import pytest

from netcore.cli.main import main
from netcore.rendering.frames import figure_still, film_steps
from netcore.rendering.new_scene import TEMPLATES, write_new_scene
from netcore.rendering.scenes import load_film, load_scene, read_scene
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import DARK

pytestmark = pytest.mark.usefixtures("draw_in_process")


def test_new_film_shows_probabilities(tmp_path, mlp_run, make_context):
    scene = read_scene(write_new_scene("ten-scores", "film", tmp_path))
    assert (scene.name, scene.kind, scene.title, scene.class_name) == ("ten-scores", "film", "Ten scores", "TenScores")
    assert "most" in {option.name for option in scene.options}
    context = make_context(mlp_run)
    steps = film_steps(load_film(scene.path, scene.class_name), FilmSettings(context, DARK, (320, 180), 10, {}))
    trace = context.trace()
    assert len(steps) == 3
    assert steps[-1].caption.startswith(f"Predicted {trace.classes[trace.prediction]}: ")


def test_new_figure_is_drawn(tmp_path, mlp_run, make_context):
    scene = read_scene(write_new_scene("first_bars.py", "figure", tmp_path / "own.py"))
    assert (scene.path.name, scene.kind, scene.title) == ("own.py", "figure", "First bars")
    rgb = figure_still(load_scene(scene.path).draw, make_context(mlp_run), DARK, (480, 270), {"most": 2})
    assert len(np.unique(rgb.reshape(-1, 3), axis=0)) > 20


def test_new_scene_names_next_command(tmp_path, mlp_run, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    assert main(["new-scene", "ten-scores", "--figure"]) == 0
    assert "next: netcore render ten_scores.py --run RUN" in capsys.readouterr().err.splitlines()[-1]
    (tmp_path / "runs" / "mine").symlink_to(mlp_run.path)
    assert main(["new-scene", "mine", "--film", "-o", "films"]) == 0
    command = capsys.readouterr().err.splitlines()[-1].partition("next: netcore ")[2].split()
    assert command == ["render", "films/mine.py", "--run", mlp_run.name]
    assert main(["render", "ten_scores.py", "--run", "mine", "--size", "160x90"]) == 0
    assert list(Path("renders").rglob("ten-scores.png"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["taken", "--film"], "taken.py exists"),
        (["class", "--film"], "cannot name a scene"),
        (["../x", "--film"], "cannot name a scene"),
        (["feature-maps", "--figure"], "a scene of netcore already"),
        (["fine"], "--film or --figure"),
    ],
)
def test_new_scene_refusals(tmp_path, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    Path("taken.py").write_text("mine")
    assert main(["new-scene", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert [f.name for f in tmp_path.iterdir()] == ["taken.py"]
    assert Path("taken.py").read_text() == "mine"


def test_templates_have_their_titles():
    for path in TEMPLATES.glob("[!_]*.py"):
        assert path.read_text(encoding="utf-8").startswith(f'"""New {path.stem}.\n')
