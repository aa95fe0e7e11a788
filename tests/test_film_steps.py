"""Steps of films: captions, times, parts, plans; films of other files and of plain Manim."""

from pathlib import Path

import numpy as np
import pytest
from film_checks import play_film
from manim import Create, Scene, Square, Text
from matplotlib.colors import to_rgb

from netcore.core.errors import NetcoreError
from netcore.core.step import Step, cut_steps, key_frames, select_steps
from netcore.rendering.frames import film_frames, film_steps
from netcore.rendering.scenes import read_scene
from netcore.viz.film.animation import Animate
from netcore.viz.film.captions import caption_lines, format_caption, step_name
from netcore.viz.film.film import Film
from netcore.viz.film.manim_adapter import settled_frames
from netcore.viz.film.mobjects import Neurons
from netcore.viz.film.settings import FilmSettings
from netcore.viz.film.text import TextLine
from netcore.viz.theme import DARK, LIGHT

FPS = 10


class Three(Film):
    """Three steps: one that shows, one that plays, one that waits; then the takeaway."""

    def construct(self):
        self.neuron = Neurons([(0, 0)], 0.5, (0, 0, 0), (1, 1, 1))
        with self.step("A {what}: {n} values", what="neuron", n=1024, notes="A circle stands for it."):
            self.add(self.neuron)
        with self.step("Its activation", name="activation"):
            self.play(Animate(self.neuron, fill=np.ones((1, 3)), run_time=3.0))
        with self.step("It rests"):
            self.wait(0.3)
        self.takeaway("One neuron, {x} units", "no more", x=0.5)


@pytest.fixture(scope="module")
def context(mlp_run, make_context):
    return make_context(mlp_run)


@pytest.fixture(scope="module")
def three(context):
    return play_film(Three, context, fps=FPS, size=(320, 180))


def frames_of(film, context, **keys):
    found: list[tuple[np.ndarray, int]] = []
    options = keys.pop("options", {})
    settings = FilmSettings(context, keys.pop("theme", DARK), (320, 180), FPS, options, keys.pop("transparent", False))
    film_frames(film, settings, lambda rgb, repeat: found.append((rgb, repeat)), **keys)
    return found


def shown(frames) -> list[np.ndarray]:
    """Every frame, repeats included."""
    return [rgb for rgb, repeat in frames for _ in range(repeat)]


def test_steps_of_film(three):
    steps = three.film.film_steps
    assert [s.name for s in steps] == ["a-values", "activation", "it-rests", "takeaway"]
    assert [s.caption for s in steps][::3] == ["A neuron: 1,024 values", "One neuron, 0.50 units. no more"]
    assert steps[0].notes == "A circle stands for it."
    assert steps[0].start == 0
    assert [s.end for s in steps[:-1]] == [s.start for s in steps[1:]]
    assert steps[-1].end == sum(repeat for _, repeat in three.frames)


def test_step_times(three):
    first, second, third, last = three.film.film_steps
    assert first.end == round((0.8 + len(first.caption) / 15) * FPS), "the reading time of a step that plays nothing"
    assert second.settled - second.start == 30
    assert second.end - second.settled == 5, "half a second, where reading is over"
    assert third.settled - third.start == 4 + 3, "the caption changes before a wait"
    assert last.end - last.settled >= 20, "the last picture stands two seconds more"


def test_step_caption_in_first_frame(three):
    first = [seen.text for seen in three.moments[0]]
    assert "A neuron: 1,024 values" in first
    row = three.frames[0][0][int(180 * 0.88) : int(180 * 0.96)]
    assert (row.max(axis=(1, 2)) > 150).any()


@pytest.mark.parametrize("pace", ["slow", "fast"])
def test_step_pace(context, pace):
    factor = {"slow": 1.5, "fast": 0.67}[pace]
    steps = Three.plan(context, fps=100, options={"pace": pace})
    usual = Three.plan(context, fps=100)
    for step, other in zip(steps, usual, strict=True):
        assert step.end - step.start == pytest.approx((other.end - other.start) * factor, abs=5)


def test_step_without_captions(context, three):
    played = play_film(Three, context, fps=FPS, size=(320, 180), captions=False)
    assert played.film.film_steps == three.film.film_steps
    assert not any("neuron" in seen.text for moment in played.moments for seen in moment)


def test_plan_equals_film(context, three):
    assert list(Three.plan(context, fps=FPS)) == three.film.film_steps


def test_step_alone_equals_whole(context, three):
    whole = shown(three.frames)
    steps = three.film.film_steps
    for k, step in enumerate(steps):
        last = None if k == len(steps) - 1 else k
        part = shown(frames_of(Three, context, part=(k, last)))
        assert len(part) == step.end - step.start
        np.testing.assert_array_equal(part[-1], whole[step.end - 1])
        (still,) = shown(frames_of(Three, context, part=(k, last), still=True))
        np.testing.assert_array_equal(still, whole[step.end - 1])


def test_settled_frames_match_film(context, three):
    whole = shown(three.frames)
    found = list(settled_frames(Three, FilmSettings(context, DARK, (320, 180), FPS)))
    assert [step.name for step, _ in found] == [step.name for step in three.film.film_steps]
    for step, rgb in found:
        np.testing.assert_array_equal(rgb, whole[step.settled])


def test_select_steps_by_word():
    steps = [
        Step(name, name, "", 10 * k, 10 * k + 5, 10 * k + 10) for k, name in enumerate(("input", "relu", "answer"))
    ]
    assert cut_steps(steps, *select_steps(steps, "2-3"))[0].start == 0
    assert select_steps(steps, "answer") == (2, 2)
    assert key_frames(cut_steps(steps, 0, 1)) == {0, 5, 10, 15}
    for words in ("0", "4", "3-2", "rely"):
        with pytest.raises(NetcoreError):
            select_steps(steps, words)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("with self.step('a'):\n with self.step('b'):\n  pass", "begins inside"),
        ("with self.step('a'):\n pass\nself.wait(1)", "inside a step"),
        ("self.wait(1)\nwith self.step('a'):\n pass", "inside a step"),
    ],
)
def test_step_errors(context, body, message):
    space: dict = {"Film": Film}
    indented = "\n".join("  " + line for line in body.split("\n"))
    exec(f"class Wrong(Film):\n def construct(self):\n{indented}", space)
    with pytest.raises(NetcoreError, match=message):
        space["Wrong"].plan(context)


def test_film_without_steps(context):
    class Plain(Film):
        def construct(self):
            self.play(Animate(Neurons([(0, 0)], 0.5, (1, 1, 1), (1, 1, 1)), opacity=1.0, run_time=1.0))

    (step,) = Plain.plan(context, fps=FPS)
    assert (step.start, step.settled, step.end) == (0, 10, 30)
    assert sum(repeat for _, repeat in frames_of(Plain, context)) == 30


def test_caption_formats():
    assert format_caption("{a} {b} {c} {d:.3f}", a=-1234, b="x", c=0.25, d=-0.5) == "−1,234 x 0.25 −0.500"
    assert step_name("ReLU: {n} are 0", ["relu-are-0"]) == "relu-are-0-2"
    lines = caption_lines("a caption that is too long for one line of this width", (0, 0), 6.0, (1, 1, 1))
    assert len(lines) == 2
    assert all(line.width <= 6 for line in lines)
    assert lines[0].bounding_box()[1] > lines[1].bounding_box()[3]


# ---- other files


def test_options_of_base_classes(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(
        '"""Mine"""\nfrom netcore.scenes.films.forward_propagation import ForwardPropagation\n\n\n'
        'class Mine(ForwardPropagation):\n    """Mine."""\n\n    loud: bool = False\n    max_units: int = 4\n'
    )
    scene = read_scene(path)
    options = {o.name: o.default for o in scene.options}
    assert scene.kind == "film"
    assert options | {"loud": False, "max_units": 4, "pace": "normal", "captions": True, "hold": 2.0} == options


def test_film_from_package_root(tmp_path: Path):
    path = tmp_path / "root.py"
    path.write_text('"""Root"""\nimport netcore\n\n\nclass Mine(netcore.Film):\n    """Mine."""\n')
    assert "pace" in {o.name for o in read_scene(path).options}


class PlainScene(Scene):
    """A scene of Manim alone."""

    def construct(self):
        self.play(Create(Square()), run_time=0.5)
        self.add(Text("x"))
        self.wait(0.5)


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_plain_manim_scene(context, theme):
    assert film_steps(PlainScene, FilmSettings(context, theme, (320, 180), FPS)) == ()
    frames = frames_of(PlainScene, context, theme=theme)
    last = frames[-1][0]
    np.testing.assert_allclose(last[0, 0] / 255, to_rgb(theme.background), atol=0.01)
    distance = np.abs(last - np.array(to_rgb(theme.foreground)) * 255).max(axis=2)
    assert distance.min() < 5, "lines in the theme's colour"
    assert Square().get_color() == PlainSquare, "Manim's own colours come back"


PlainSquare = Square().get_color()


def test_transparent_film(context):
    rgba = frames_of(Three, context, transparent=True, part=(0, 0), still=True)[0][0]
    assert rgba.shape == (180, 320, 4)
    assert rgba[90, 20, 3] == 0
    assert rgba[90, 160].tolist() == [0, 0, 0, 255], "the neuron, opaque"
    text = rgba[..., 3] > 250
    assert np.abs(rgba[text][:, :3].max(axis=1) - DARK.rgb("foreground").max() * 255).min() <= 2


def test_caption_leaves_with_step(three):
    texts = [{seen.mobject.text for seen in moment if isinstance(seen.mobject, TextLine)} for moment in three.moments]
    assert "A neuron: 1,024 values" not in texts[1]
