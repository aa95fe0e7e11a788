"""Every scene on every kind of network: drawn, or refused in one line with a remedy."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from figure_runs import first_example_context
from matplotlib.figure import Figure
from networks import SHAPES, ZOO

from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.run import Run, load_run
from netcore.rendering import scenes as catalogue
from netcore.rendering.frames import figure_frames, film_frames
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import Scene, load_film, load_scene
from netcore.training.recorder import record_run
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import DARK

SIZE = (320, 180)
TABLE = Path(__file__).parents[1] / "docs" / "networks.json"
STRUCTURE = (  # scenes whose picture depends on the structure of the network
    "activation-strength", "activations-by-digit", "cnn-forward-propagation", "dashboard", "feature-map-grid",
    "feature-maps",
    "filter-grid", "forward-propagation", "model-graph", "neuron-weights", "points-map", "prediction-pipeline",
)  # fmt: skip
# Regular expressions of remedies: another scene, a command, or a change of the network.
REMEDY = re.compile(r"use ([a-z]+-[a-z-]+|confidence|nn\.\w+)|netcore [a-z]+|record|pass |import it|--\w+")
FAST = ("lstm",)  # all: test-long


@cache
def make_zoo_run(name: str, folder: Path) -> Run:
    """A recorded run of a network of the zoo, with random weights."""
    torch.manual_seed(0)
    module = ZOO[name]().eval()
    images = np.random.default_rng(0).integers(0, 256, (12, *SHAPES[name]), dtype=np.uint8)
    with record_run(module, (images, np.arange(12) % 10), folder / name) as recorder:
        recorder.snapshot(0)
        recorder.snapshot(10, loss=2.0, accuracy=0.2)
    return load_run(folder / name)


@pytest.fixture(scope="module")
def zoo_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zoo")


def draw_or_refuse(scene: Scene, run: Run) -> str:
    """Draw the last frame; return the refusal, or an empty string."""
    try:
        check_requirements(scene.name, scene.needs, run)
        context = first_example_context(run)
        if scene.kind == "figure":
            list(figure_frames(_still(load_scene(scene.path).draw), context, DARK, SIZE, 1, {}))
        else:
            film_frames(
                load_film(scene.path, scene.class_name),
                FilmSettings(context, DARK, SIZE, 1, {}),
                lambda rgb, repeat: None,
            )
    except RequirementError as error:
        return str(error)
    return ""


def _still(draw: Callable[..., object]) -> Callable[..., None]:
    """A figure that is drawn as it is at its end."""

    def still(fig: Figure, context: SceneContext) -> None:
        update = draw(fig, context)
        if callable(update):
            update(1.0)

    return still


def all_scenes() -> list[Scene]:
    return sorted(catalogue.all_scenes(), key=lambda scene: scene.name)


@pytest.mark.parametrize("name", FAST)
def test_scenes_draw_or_refuse(name: str, zoo_dir: Path) -> None:
    check_scenes(make_zoo_run(name, zoo_dir), [scene for scene in all_scenes() if scene.name in STRUCTURE])


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_all_scenes_draw_or_refuse(name: str, zoo_dir: Path) -> None:
    check_scenes(make_zoo_run(name, zoo_dir), all_scenes())


@pytest.mark.slow
@pytest.mark.parametrize("name", json.loads(TABLE.read_text(encoding="utf-8"))["model-graph"])
def test_networks_table_is_true(name: str, zoo_dir: Path) -> None:
    """What docs/own-networks.md says of a network is what happens."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    run = make_zoo_run(name, zoo_dir)
    drawn = {scene.name: not draw_or_refuse(scene, run) for scene in all_scenes() if scene.name in table}
    assert drawn == {scene: not row[name] for scene, row in table.items()}


def check_scenes(run: Run, found: list[Scene]) -> None:
    """Each scene is drawn, or refused in one line with a remedy."""
    for scene in found:
        refusal = draw_or_refuse(scene, run)
        assert "\n" not in refusal
        assert not refusal or REMEDY.search(refusal), refusal
