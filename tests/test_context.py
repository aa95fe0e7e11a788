"""What a scene is given: properties that record what was read of `run.json`."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import figure_runs
import pytest
from sampling import sampled

import netcore
from netcore.core.context import SceneContext, read_digest
from netcore.core.errors import RequirementError
from netcore.core.run import Run
from netcore.rendering.context import default_context
from netcore.rendering.provenance import ALWAYS
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import SCENE_DIRS, load_scene, read_scene
from netcore.viz.film.film import Film
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import DARK

PACKAGE = Path(netcore.__file__).parent
DRAWING = sorted([*(PACKAGE / "stage").rglob("*.py"), *(PACKAGE.parent / "scenes").rglob("*.py")])
FIGURES = sorted(SCENE_DIRS[1].glob("[!_]*.py"), key=lambda path: path.stem)
COVERED = {"snapshots": "snapshot:", "best": "snapshot:best", "evaluations": "evaluation:", "unlabelled": "evaluation:"}


class Recorder(dict[str, Any]):
    """Content of `run.json` that notes which keys are read."""

    def __init__(self, info: dict[str, Any]) -> None:
        super().__init__(info)
        self.keys_read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.keys_read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_read.add(key)
        return super().get(key, default)


def recorded(context: SceneContext) -> tuple[SceneContext, Recorder]:
    """A copy of a case whose run notes the keys that are read."""
    info = Recorder(context._run.info)
    run = Run(context._run.path, info)
    return SceneContext(run, context.sample_or_none, context.at, context.open_network), info


def unrecorded(context: SceneContext, info: Recorder) -> set[str]:
    """Keys that were read, but are in neither `reads` nor the keys hashed for every scene."""
    words = {*context.reads, *ALWAYS}
    missing = info.keys_read - words
    return {key for key in missing if not any(word.startswith(COVERED.get(key, "?")) for word in words)}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[SceneContext]:
    folder = tmp_path_factory.mktemp("runs")
    made = [figure_runs.make_run(folder, name) for name in figure_runs.MADE]
    return [figure_runs.first_example_context(run) for run in [*made, figure_runs.make_recorded_run(folder)]]


@pytest.mark.parametrize("path", DRAWING, ids=lambda path: path.stem)
def test_drawing_sees_no_run(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("run", "_run"), f"{path.name}:{node.lineno}"
        if isinstance(node, ast.ImportFrom):
            assert "Run" not in [name.name for name in node.names], f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("path", sampled(FIGURES, every=3))
def test_figure_records_every_key_read(path: Path, cases: list[SceneContext]) -> None:
    scene, drawn = read_scene(path), 0
    for original in cases:
        context, info = recorded(original)
        try:
            check_requirements(scene.name, scene.needs, original._run)
            with theme_style(DARK):
                load_scene(path).draw(new_figure(DARK, (800, 450)), context)
        except RequirementError:
            continue
        assert not unrecorded(context, info)
        drawn += 1
        if drawn == 2:
            return
    assert drawn or "evaluations" in scene.needs, "no run of this test has what the figure needs"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("display_name", "recipe"),
        ("classes", "classes"),
        ("input_shape", "input"),
        ("time_unit", "unit"),
        ("dataset_name", "data"),
        ("held_out_count", "data"),
        ("held_out_is_test_set", "data"),
        ("parameter_count", "parameters"),
        ("layers", "layers"),
        ("best_snapshot", "best"),
    ],
)
def test_property_records_its_key(name: str, key: str, cases: list[SceneContext]) -> None:
    context, info = recorded(cases[0])
    getattr(context, name)
    assert key in context.reads
    before = read_digest(context._run, key)
    info[key] = "something else"
    assert read_digest(context._run, key) != before


def test_digest_covers_evaluated_snapshot(cases: list[SceneContext]) -> None:
    context, info = recorded(cases[0])
    name = context.evaluations[0]
    before = read_digest(context._run, f"evaluation:{name}")
    info["evaluations"] = {name: info["evaluations"][name] | {"snapshot": "epoch 99"}}
    assert read_digest(context._run, f"evaluation:{name}") != before
    assert context.evaluation(name).snapshot == "epoch 99"


def test_package_lists_public_names() -> None:
    assert {"default_context", "Film", "render", "load_run", "record_run"} <= set(dir(netcore))
    assert netcore.default_context is default_context
    assert netcore.Film is Film


def test_import_netcore_loads_no_numpy() -> None:
    code = "import sys, netcore; dir(netcore); print('numpy' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
