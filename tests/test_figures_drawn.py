"""Every figure draws every run that has what it needs, in both themes, and its texts neither overlap nor leave it."""

from collections import Counter
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import figure_runs
import numpy as np
import pytest
from figure_checks import layout_problems, painted_strings
from matplotlib.text import Text
from sampling import sampled, sampled_pairs

from netcore.core.errors import RequirementError
from netcore.rendering.frames import save_figure
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import SCENE_DIRS, load_scene, read_scene
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import THEMES

FIGURES = sorted(SCENE_DIRS[1].glob("[!_]*.py"), key=lambda path: path.stem)
RUNS = ("mlp", "cnn", "own", *figure_runs.ODD)
REFUSED = {  # figures that a run lacks something for; all others must be drawn
    "mlp": {"feature-map-grid", "filter-grid", "stability"},
    "cnn": {"neuron-weights"},
    "own": {"neuron-weights", "stability"},
    "rgb": {"neuron-weights"},
    "hundred": {"neuron-weights", "stability"},
    "colour-mlp": {"feature-map-grid", "filter-grid", "stability"},
}


@pytest.fixture(scope="module")
def context_of(tmp_path_factory, request, make_context):
    folder, kept = tmp_path_factory.mktemp("runs"), {}

    def context(name):
        if name not in kept:
            if name == "own":
                kept[name] = figure_runs.first_example_context(figure_runs.make_recorded_run(folder))
            elif name in figure_runs.MADE:
                kept[name] = figure_runs.first_example_context(figure_runs.make_run(folder, name))
            else:
                kept[name] = make_context(request.getfixturevalue(f"{name}_run"))
        return kept[name]

    return context


@pytest.mark.parametrize(("path", "name"), sampled_pairs(FIGURES, RUNS, every=9))
def test_figure_layout_on_all_runs(path: Path, name: str, context_of) -> None:
    """No text overlaps, leaves the canvas, is too small or too faint."""
    context, scene = context_of(name), read_scene(path)
    if scene.name in REFUSED.get(name, ()):
        with pytest.raises(RequirementError, match=scene.name):
            check_requirements(scene.name, scene.needs, context._run)
        return
    check_requirements(scene.name, scene.needs, context._run)
    draw = load_scene(path).draw
    for theme, size in zip(THEMES.values(), ((800, 450), (640, 480)), strict=True):
        with theme_style(theme):
            fig = new_figure(theme, size)
            update = draw(fig, context)
            assert (update is not None) == scene.animated
            moments = (0.0, 0.4, 1.0) if theme.name == "dark" else (1.0,)
            for t in moments if update else (None,):
                if update:
                    update(t)
                assert layout_problems(fig) == [], f"{theme.name}, t = {t}"
            words = " ".join(text.get_text() for text in fig.findobj(Text))
            assert scene.name == "data-set" or context.display_name in words, "the run is not named"


@pytest.mark.parametrize("path", sampled([f for f in FIGURES if read_scene(f).animated], every=2))
def test_figure_update_is_stateless(path: Path, context_of) -> None:
    """A moment looks the same whichever was drawn before it."""
    context = context_of("cnn" if {"convolution", "maps"} & {*read_scene(path).needs} else "mlp")
    with theme_style(THEMES["dark"]):
        fig = new_figure(THEMES["dark"], (480, 270))
        update = load_scene(path).draw(fig, context)
        pictures = []
        for t in (0.5, 1.0, 0.0, 0.5):
            changed = update(t)
            assert changed
            assert all(artist.figure is fig for artist in changed)
            fig.canvas.draw()
            pictures.append(np.asarray(fig.canvas.buffer_rgba()).copy())
    assert np.array_equal(pictures[0], pictures[3])
    assert not np.array_equal(pictures[1], pictures[2])


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_figure_documented(path: Path) -> None:
    scene = read_scene(path)
    assert scene.title
    assert not scene.title.endswith(".")
    assert "{run}" in scene.caption
    assert all(option.help for option in scene.options), [o.name for o in scene.options if not o.help]


@pytest.mark.parametrize("path", sampled(FIGURES, every=4))
def test_figure_svg_keeps_text(path: Path, context_of, tmp_path: Path) -> None:
    context, draw = context_of(_made_run(path)), load_scene(path).draw
    theme, size = THEMES["light"], (640, 360)
    save_figure(draw, context, theme, size, {}, tmp_path / "out.svg")
    with theme_style(theme):
        fig = new_figure(theme, size)
        update = draw(fig, context)
        if update:
            update(1.0)
        texts = (text for text in painted_strings(fig) if "$" not in text)
        expected = Counter(text.replace("--", "- -") for text in texts)  # as an XML comment may hold them
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    svg = ElementTree.parse(tmp_path / "out.svg", parser).getroot()
    assert [round(float(svg.get(side)[:-2])) for side in ("width", "height")] == [800, 450]
    found = Counter(unescape(e.text.strip()) for e in svg.iter(ElementTree.Comment))
    assert expected - found == Counter()


@pytest.mark.parametrize(("path", "kind"), sampled_pairs(FIGURES, ["pdf"], every=4))
def test_figure_pdf_has_one_page(path: Path, kind: str, context_of, tmp_path: Path) -> None:
    file = tmp_path / f"out.{kind}"
    save_figure(load_scene(path).draw, context_of(_made_run(path)), THEMES["light"], (640, 360), {}, file)
    pdf = file.read_bytes()
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page ") == 1


def _made_run(path: Path) -> str:
    return "made-cnn" if {"convolution", "maps", "stability"} & {*read_scene(path).needs} else "made-mlp"
