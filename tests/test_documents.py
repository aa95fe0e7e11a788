"""The examples of the documents run."""

import re
from pathlib import Path

import numpy as np
import pytest

from netcore.rendering.frames import figure_still, film_steps
from netcore.rendering.scenes import load_film, load_scene, read_scene
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import DARK

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def example(tmp_path):
    """`example(name)`: the first Python block of a document, as a scene file."""

    def write(name: str) -> Path:
        code = re.search(r"```python\n(.*?)```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
        assert code is not None
        path = tmp_path / "example.py"
        path.write_text(code[1], encoding="utf-8")
        return path

    return write


def test_film_document_example(example, mlp_run, make_context) -> None:
    scene = read_scene(example("write-a-film"))
    assert "largest" in {option.name for option in scene.options}
    film = load_film(scene.path, scene.class_name)
    steps = film_steps(film, FilmSettings(make_context(mlp_run), DARK, (320, 180), 10, {"largest": 3}))
    assert [step.caption for step in steps[:2]] == ["3 scores of 10", "The largest is the answer"]


def test_figure_document_example(example, mlp_run, make_context) -> None:
    scene = read_scene(example("write-a-figure"))
    rgb = figure_still(load_scene(scene.path).draw, make_context(mlp_run), DARK, (480, 270), {"bins": 10})
    assert len(np.unique(rgb.reshape(-1, 3), axis=0)) > 5
