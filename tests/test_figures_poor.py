"""Every figure draws what there is of a poor run, or is refused in one line."""

import warnings
from pathlib import Path

import figure_runs
import pytest
from figure_checks import problems
from poor_runs import POOR

from netcore.errors import NetcoreError
from netcore.render.catalogue import FOLDERS, read
from netcore.render.frames import load
from netcore.render.needs import check
from netcore.stage.plot import new_figure, style
from netcore.stage.theme import DARK

FIGURES = sorted(FOLDERS[1].glob("[!_]*.py"), key=lambda path: path.stem)


@pytest.fixture(scope="module")
def poor_case(tmp_path_factory):
    """`poor_case(kind, name)`: a case of a made run, spoilt."""
    kept = {}

    def make(kind, name):
        if (kind, name) not in kept:
            run = figure_runs.made_run(tmp_path_factory.mktemp(kind), name)
            POOR[kind](run)
            run.save()
            kept[kind, name] = figure_runs.case_of(run)
        return kept[kind, name]

    return make


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", POOR)
def test_draws_what_there_is(path: Path, kind: str, poor_case) -> None:
    scene = read(path)
    only_cnn = {"convolution", "stability"} & {*scene.needs}
    case = poor_case(kind, "made-cnn" if only_cnn else "made-mlp")
    refused = case._run.name
    with style(DARK), warnings.catch_warnings():
        warnings.simplefilter("error")
        fig = new_figure(DARK, (800, 450))
        try:
            check(scene.name, scene.needs, case._run)
            update = load(path).draw(fig, case)
            for t in (0.0, 0.4, 1.0) if update else (None,):
                if update:
                    update(t)
                assert problems(fig) == [], f"t = {t}"
        except NetcoreError as error:
            refused = str(error)
    assert case._run.name in refused
    assert "\n" not in refused
