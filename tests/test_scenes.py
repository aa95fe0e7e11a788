"""The catalogue: every scene file says what it must, and is read without being imported."""

import ast
import string
import subprocess
import sys
from pathlib import Path

import pytest
import toy_runs

from netcore.analysis.graph_builder import graph_of_run
from netcore.cli.render import command
from netcore.core.errors import NetcoreError, RequirementError
from netcore.rendering.context import caption_values
from netcore.rendering.requirements import REQUIREMENTS, check_requirements
from netcore.rendering.scene_options import RESERVED_NAMES
from netcore.rendering.scenes import SCENE_DIRS, find_scene, scene_files

ALL = sorted(scene_files())
FACTS = {"run", "network", "snapshot", "label", "prediction", "confidence", "data"}


@pytest.mark.parametrize("name", ALL)
def test_scene_metadata_complete(name: str) -> None:
    scene = find_scene(name)
    assert scene.kind + "s" == scene.path.parent.name
    assert not scene.is_user_scene
    assert 3 <= len(scene.title) <= 60
    assert len(scene.caption) > 20, "the docstring's rest is the caption"
    assert scene.caption.format(**dict.fromkeys(FACTS, "x"))
    assert {f for _, f, _, _ in string.Formatter().parse(scene.caption) if f} <= FACTS
    assert set(scene.needs) <= set(REQUIREMENTS)
    for option in scene.options:
        assert option.help, f"--{option.name} is not described in the docstring"
        assert option.convert(option.default) == option.default
        if option.default is not None:
            assert option.convert(str(option.default)) == option.default


@pytest.mark.parametrize("name", ALL)
def test_scene_imports(name: str) -> None:
    """No scene imports torch, torchvision or another scene."""
    tree = ast.parse(scene_files()[name].read_text())
    modules = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert not [m for m in modules if m.split(".")[0] in ("torch", "torchvision", "scenes")]


def test_scenes_found_without_import() -> None:
    files = [f for folder in SCENE_DIRS for f in folder.glob("[!_]*.py")]
    assert len(files) == len(ALL) >= 4
    code = "import sys; from netcore.rendering.scenes import all_scenes as scenes; scenes(); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "netcore.rendering.scenes" in loaded
    assert "scenes." not in loaded, "a scene was imported"


def test_user_figure_options_from_signature(tmp_path: Path) -> None:
    scene = find_scene(toy_runs.write_figure(tmp_path))
    assert (scene.name, scene.kind, scene.is_user_scene, scene.animated) == ("weights-line", "figure", True, True)
    assert scene.title == "A line of weights"
    many, style, grid, seconds = scene.options
    assert (many.type, many.default, many.help) == ("int", 20, "How many weights.")
    assert (style.type, style.choices, style.help) == ("str", ("solid", "dashed"), "The line's look.")
    assert (grid.type, grid.convert("yes"), seconds.convert("2")) == ("bool", True, 2.0)


def test_user_film_options_from_attributes(tmp_path: Path) -> None:
    scene = find_scene(toy_runs.write_film(tmp_path, "small"))
    assert (scene.kind, scene.animated, scene.options[0].name, scene.options[0].help) == (
        "film",
        True,
        "length",
        "Seconds.",
    )


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"many": "x"}, "--many must be an integer, got 'x'"),
        ({"style": "soild"}, "did you mean 'solid'"),
        ({"grid": "maybe"}, "--grid must be true or false"),
        ({"mayn": 3}, "did you mean 'many'"),
    ],
)
def test_scene_options_reject_bad_values(tmp_path: Path, given: dict, line: str) -> None:
    with pytest.raises(NetcoreError, match=line):
        find_scene(toy_runs.write_figure(tmp_path)).resolve_options(given)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('"""T"""\nx = (', "is not a scene"),
        ('"""T"""\nx = 1', "neither a Manim Scene"),
        ("def draw(fig, context): pass", "no docstring"),
        ('"""T"""\ndef draw(fig, context, *, many): pass', "needs a type"),
        ('"""T"""\ndef draw(fig, context, *, many: list = 1): pass', "needs a type"),
        ('"""T"""\ndef draw(fig, context, *, many: int = f()): pass', "plain value"),
        ('"""T"""\ndef draw(fig, context, *, fps: int = 1): pass', "reserved by netcore"),
    ],
)
def test_read_scene_rejects_invalid_files(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(NetcoreError, match=line):
        find_scene(toy_runs.write_figure(tmp_path, text=text))


def test_find_scene_suggests_nearest_name() -> None:
    with pytest.raises(NetcoreError, match="no scene 'filtergrid': did you mean 'filter-grid'"):
        find_scene("filtergrid")
    with pytest.raises(NetcoreError, match=r"no scene file nowhere\.py"):
        find_scene("nowhere.py")


def test_reserved_names_cover_render_options() -> None:
    assert {p.name for p in command.params} <= RESERVED_NAMES


def test_requirements_refuse_unsuitable_runs(tmp_path: Path) -> None:
    run = toy_runs.make_untrained_run(tmp_path / "toy")
    check_requirements("x", ("mlp", "dense", "hidden", "dense-first", "snapshots", "history", "examples"), run)
    for need in ("convolution", "pooling", "dropout", "evaluation", "evaluations", "stability"):
        with pytest.raises(RequirementError, match=r"scene 'x' needs .*; run 'toy' has"):
            check_requirements("x", (need,), run)
    with pytest.raises(NetcoreError, match="no need 'convolutoin': did you mean 'convolution'"):
        check_requirements("x", ("convolutoin",), run)
    run.info["snapshots"] = run.info["snapshots"][:1]
    with pytest.raises(RequirementError, match="two snapshots"):
        check_requirements("x", ("snapshots",), run)


def test_caption_values_match_trace(mlp_run, cnn_run, make_context) -> None:
    context = make_context(mlp_run, digit=7)
    told = caption_values(context, {"prediction"})
    trace = context.trace()
    assert told["network"] == "784-16-16-10"
    assert told["label"] == "7"
    assert told["prediction"] == trace.classes[int(trace.logits.argmax())]
    assert told["confidence"] == f"{100 * trace.probabilities.max():.1f} %"
    assert graph_of_run(cnn_run).summary == "a network of 2 convolutions and 2 dense layers"
    fresh = make_context(mlp_run)
    caption_values(fresh, {"run"})
    assert not any(read == "examples" or read.startswith("snapshot:") for read in fresh.reads)
