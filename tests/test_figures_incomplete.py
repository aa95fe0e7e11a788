"""Every figure draws what there is of a poor run, or is refused in one line."""

import warnings
from pathlib import Path

import figure_runs
import pytest
from figure_checks import layout_problems
from incomplete_runs import POOR, REFUSED
from sampling import sampled_pairs

from netcore.core.errors import NetcoreError
from netcore.core.run_writer import RunWriter
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import SCENE_DIRS, load_scene, read_scene
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import DARK

FIGURES = sorted(SCENE_DIRS[1].glob("[!_]*.py"), key=lambda path: path.stem)


@pytest.fixture(scope="module")
def incomplete_context(tmp_path_factory):
    """`poor_case(kind, name)`: a case of a made run, spoilt."""
    kept = {}

    def make(kind, name):
        if (kind, name) not in kept:
            run = figure_runs.make_run(tmp_path_factory.mktemp(kind), name)
            POOR[kind](run)
            RunWriter(run).save()
            kept[kind, name] = figure_runs.first_example_context(run)
        return kept[kind, name]

    return make


@pytest.mark.parametrize(("path", "kind"), sampled_pairs(FIGURES, list(POOR), every=26))
def test_figure_on_incomplete_runs(path: Path, kind: str, incomplete_context) -> None:
    """A figure draws what an incomplete run has, or is refused in one line if the table says so."""
    scene = read_scene(path)
    only_cnn = {"convolution", "maps", "stability"} & {*scene.needs}
    context = incomplete_context(kind, "made-cnn" if only_cnn else "made-mlp")
    with theme_style(DARK), warnings.catch_warnings():
        warnings.simplefilter("error")
        fig = new_figure(DARK, (800, 450))
        if scene.name in REFUSED.get(kind, ()):
            with pytest.raises(NetcoreError, match=context._run.name) as refusal:
                list(_draw(scene, fig, context))
            assert "\n" not in str(refusal.value)
            return
        for t in _draw(scene, fig, context):
            assert layout_problems(fig, contrast=t != 0) == [], f"t = {t}"


def test_refused_table_names_exist() -> None:
    names = {read_scene(path).name for path in FIGURES}
    assert set(REFUSED) <= set(POOR)
    assert set().union(*REFUSED.values()) <= names


def _draw(scene, fig, context):
    """Draw a figure and its moments, one after the other."""
    check_requirements(scene.name, scene.needs, context._run)
    update = load_scene(scene.path).draw(fig, context)
    for t in (0.0, 1.0) if update else (None,):
        if update:
            update(t)
        yield t
