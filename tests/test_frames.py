"""Frames of figures are those of a full redraw; films hand their frames on and touch no folder."""

import logging
import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import rc_context, rcParams
from matplotlib.colors import to_rgb
from sampling import sampled

from netcore.core.errors import NetcoreError
from netcore.rendering.encoding import encode
from netcore.rendering.frames import figure_frames, figure_still, film_frames, save_figure
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import all_scenes, load_film, load_scene, read_scene
from netcore.viz.film.settings import FilmSettings
from netcore.viz.mpl.glyph_cache import cache_glyphs
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import DARK, LIGHT

SIZE = (400, 226)
CASE = SimpleNamespace(scale=0.8)


def lines(fig, context, *, seconds=1.0):
    """A line below a legend and below the frame, its title and one tick label changing with it."""
    ax = fig.add_axes((0.1, 0.2, 0.5, 0.6))
    x = np.linspace(0, 1, 50)
    (line,) = ax.plot(x, 0 * x, color=fig.theme.positive, lw=4, label="moving")
    ax.plot(x, x, color=fig.theme.negative, lw=4, zorder=2.5, label="above")
    ax.set(ylim=(-1, 1), xlim=(0, 1), xticks=[0, 0.5, 1])
    ax.legend(loc="center")
    title = ax.set_title("")
    caption = fig.text(0.7, 0.5, "")
    fig.text(0.6, 0.05, "static")

    def update(t):
        line.set_ydata(context.scale * np.sin(7 * x + 6 * t))
        title.set_text(f"t = {t:.1f}")
        caption.set_text(f"{100 * t:.0f} %")
        ax.set_xticks([0, 0.5, 1], ["zero", "half", f"{t:.1f}"])
        return [line, title, caption, ax.xaxis]

    return update


def twins(fig, context, *, seconds=1.0):
    """Bars under a second pair of axes, an inset over them, an image without axes."""
    ax = fig.add_axes((0.1, 0.2, 0.4, 0.6))
    bars = ax.bar(range(5), np.ones(5), color=fig.theme.positive)
    ax.set_ylim(0, 2)
    ax.twinx().plot(range(5), [2, 1, 2, 1, 2], color=fig.theme.negative, lw=5)
    inset = ax.inset_axes((0.5, 0.5, 0.4, 0.4))
    (dot,) = inset.plot([0], [0], "o", color=fig.theme.emphasis)
    inset.set(xlim=(-1, 1), ylim=(-1, 1))
    image = fig.add_axes((0.6, 0.2, 0.3, 0.6))
    image.axis("off")
    shown = image.imshow(np.zeros((8, 8)), cmap="gray", vmin=0, vmax=1, animated=True)
    badge = ax.annotate("late", (0.5, 0.5), visible=False)

    def update(t):
        for k, bar in enumerate(bars):
            bar.set_height(1 + np.sin(k + 6 * t))
        dot.set_data([np.cos(6 * t)], [np.sin(6 * t)])
        shown.set_data(np.arange(64).reshape(8, 8) / 64 * t)
        badge.set_visible(t > 0.7)
        return [*bars, dot, shown, *([badge] if 0.7 < t < 0.9 else [])]  # named for a while only

    return update


def settled(fig, context, *, seconds=1.0):
    """Under constrained layout; moves in steps."""
    fig.set_layout_engine("constrained")
    ax = fig.subplots()
    ax.set_xlabel("x")
    (line,) = ax.plot([0, 1], [0, 0])
    ax.set_ylim(0, 3)

    def update(t):
        line.set_ydata([0, int(3 * t)])
        return [line]

    return update


def still(fig, context, *, word: str = "still"):
    fig.text(0.5, 0.5, word)


@pytest.mark.parametrize("draw", [lines, twins, settled])
def test_blitting_matches_full_redraw(draw) -> None:
    fast = list(figure_frames(draw, CASE, LIGHT, SIZE, 11))
    full = list(figure_frames(draw, CASE, LIGHT, SIZE, 11, blit=False))
    assert [r for _, r in fast] == [r for _, r in full]
    assert sum(r for _, r in fast) == 11
    for (a, _), (b, _) in zip(fast, full, strict=True):
        assert np.array_equal(a, b)
        assert (a.shape, a.dtype, a.flags.c_contiguous) == ((SIZE[1], SIZE[0], 3), np.uint8, True)


def test_figure_frames_merge_repeats() -> None:
    found = list(figure_frames(settled, CASE, DARK, SIZE, 10, {"seconds": 3.0}))
    assert [r for _, r in found] == [10, 10, 9, 1]  # 3 t reaches 1, 2 and, at the end, 3
    assert len({rgb.tobytes() for rgb, _ in found}) == 4


def test_glyph_cache_same_pixels() -> None:
    pictures = []
    for kept in (False, True):
        with theme_style(DARK):
            fig = new_figure(DARK, (531, 300))
            for i, text in enumerate(["0.51 · 0.99", "Wörter, AVTo", "$\\sum_j e^{z_j}$", "two\nlines", "turned"]):
                for j in range(3):
                    settings = {"fontweight": "bold" if j == 1 else "normal", "rotation": 30 * (i == 4)}
                    fig.text(
                        0.05 + 0.303 * j,
                        0.9 - 0.171 * i,
                        text,
                        fontsize=11 + 1.3 * j,
                        color=DARK.foreground,
                        **settings,
                    )
            renderer = fig.canvas.get_renderer()
            fig.draw(cache_glyphs(renderer) if kept else renderer)
            pictures.append(np.asarray(fig.canvas.buffer_rgba()).copy())
    assert len(np.unique(pictures[0])) > 50
    assert np.array_equal(*pictures)


def test_unfinished_figure_frames_restore_settings() -> None:
    before = dict(rcParams)
    frames = figure_frames(lines, CASE, DARK, SIZE, 10)
    next(frames)
    assert dict(rcParams) == before
    with rc_context({"axes.facecolor": "red"}):
        del frames
        assert rcParams["axes.facecolor"] == "red"


def test_still_is_one_frame() -> None:
    ((rgb, repeat),) = figure_frames(still, CASE, LIGHT, SIZE, 25, {"word": "words"})
    assert repeat == 1
    assert np.array_equal(rgb[0, 0], (np.array(to_rgb(LIGHT.background)) * 255).round())
    ((other, _),) = figure_frames(still, CASE, LIGHT, SIZE, 25)
    assert not np.array_equal(rgb, other)


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_save_figure_reproducible(tmp_path: Path, suffix: str) -> None:
    files = [tmp_path / f"{k}.{suffix}" for k in range(2)]
    for file in files:
        save_figure(twins, CASE, DARK, SIZE, {}, file)
    a, b = (file.read_bytes() for file in files)
    assert a == b
    if suffix == "svg":
        assert re.search(rb'width="800(\.\d+)?pt"', a)  # 800 units, whatever the pixels


def test_figure_still_is_last_moment() -> None:
    last, _ = list(figure_frames(twins, CASE, DARK, SIZE, 2))[-1]
    assert np.array_equal(figure_still(twins, CASE, DARK, SIZE), last)


# ---- films

FILM = '''"""A square that moves"""
from manim import LEFT, RIGHT, Square, Text, linear
from netcore.viz.film.film import Film

class Moving(Film):
    """…"""

    way: float = 2.0
    still: bool = False
    broken: bool = False

    def construct(self):
        square = Square(1, fill_opacity=1, stroke_width=0, color=self.theme.positive).shift(LEFT * self.way)
        self.add(square, Text("netcore", font="DejaVu Sans").shift(RIGHT * 4))
        if self.still:
            return
        self.play(square.animate(rate_func=linear, run_time=1).shift(RIGHT * 2 * self.way))
        if self.broken:
            raise ZeroDivisionError("in the film")
        self.wait(2)
'''


@pytest.fixture(scope="module")
def moving_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "moving.py"
    path.write_text(FILM)
    return path


def frames_of(film: Path, size=SIZE, fps=10, theme=DARK, **options):
    found = []
    settings = FilmSettings(CASE, theme, size, fps, {"hold": 0.0, **options})
    scene = read_scene(film)
    film_frames(load_film(scene.path, scene.class_name), settings, lambda rgb, repeat: found.append((rgb, repeat)))
    return found


def columns(rgb: np.ndarray) -> tuple[float, float]:
    """First and last column of the square, as shares of the width."""
    blue = np.array(to_rgb(DARK.positive)) * 255
    hit = np.flatnonzero((np.abs(rgb - blue) < 3).all(2).any(0))
    return hit[0] / rgb.shape[1], (hit[-1] + 1) / rgb.shape[1]


def test_film_frames_positions_and_repeats(
    moving_film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    monkeypatch.chdir(tmp_path)
    found = frames_of(moving_film)
    assert not list(tmp_path.iterdir())  # no media folder
    assert capfd.readouterr() == ("", "")
    assert sum(r for _, r in found) == 30
    assert found[-1][1] >= 20  # the wait, drawn once
    assert all(rgb.shape == (SIZE[1], SIZE[0], 3) and rgb.flags.c_contiguous for rgb, _ in found)
    left, right = columns(found[-1][0])
    assert (left, right) == pytest.approx((0.5 + 1.5 / (128 / 9), 0.5 + 2.5 / (128 / 9)), abs=0.006)
    starts = [columns(rgb)[0] for rgb, _ in found]
    assert all(a < b for a, b in pairwise(starts))


def test_film_options_and_theme(moving_film: Path) -> None:
    narrow = frames_of(moving_film, way=1.0)
    assert columns(narrow[-1][0])[0] == pytest.approx(0.5 + 0.5 / (128 / 9), abs=0.006)
    light = frames_of(moving_film, theme=LIGHT)
    assert tuple(light[0][0][0, 0]) == (255, 255, 255)


@pytest.mark.parametrize("size", [(300, 300), (500, 200)])
def test_film_frames_other_aspect_ratios(moving_film: Path, size: tuple[int, int]) -> None:
    (rgb, _), *_ = frames_of(moving_film, size, still=True)
    assert rgb.shape == (size[1], size[0], 3)
    left, right = columns(rgb)
    unit = min(size[0] / (128 / 9), size[1] / 8)  # pixels
    assert (right - left) * size[0] == pytest.approx(unit, abs=2)
    assert 0 < left < right < 1


def test_film_without_animation_is_still(moving_film: Path) -> None:
    found = frames_of(moving_film, still=True)
    assert [r for _, r in found] == [1]
    assert columns(found[0][0])[0] < 0.5


def test_film_frames_reproducible(moving_film: Path) -> None:
    one, two = frames_of(moving_film), frames_of(moving_film)
    assert all(np.array_equal(a, b) and r == s for (a, r), (b, s) in zip(one, two, strict=True))


def test_film_error_restores_settings(moving_film: Path, tmp_path: Path) -> None:
    from manim import config

    before = config.pixel_width, config.frame_rate, config.media_dir, logging.getLogger("manim").level
    with pytest.raises(ZeroDivisionError, match="in the film"):
        frames_of(moving_film, broken=True)
    assert (config.pixel_width, config.frame_rate, config.media_dir, logging.getLogger("manim").level) == before


def test_film_to_file(moving_film: Path, tmp_path: Path) -> None:
    found = encode(frames_of(moving_film), {"gif": tmp_path / "m.gif", "mp4": tmp_path / "m.mp4"}, 10)
    assert found["gif"].frames == found["mp4"].frames == 30


# ---- scene files


def test_load_scene_error_names_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("import no_such_module\n")
    with pytest.raises(NetcoreError, match=r"bad\.py cannot be loaded: ModuleNotFoundError: .*no_such_module"):
        load_scene(path)


def test_read_scene_needs_film_or_draw(tmp_path: Path) -> None:
    path = tmp_path / "none.py"
    path.write_text("from netcore.viz.film.film import Film\n")
    with pytest.raises(NetcoreError, match=r"none\.py holds neither a Manim Scene nor .*from netcore import Film"):
        read_scene(path)


def test_load_scene_same_file_name(tmp_path: Path) -> None:
    for k in (1, 2):
        (tmp_path / str(k)).mkdir()
        (tmp_path / str(k) / "scene.py").write_text(f"NUMBER = {k}\n")
    assert [load_scene(tmp_path / str(k) / "scene.py").NUMBER for k in (1, 2)] == [1, 2]


# ---- the scenes there are

ANIMATED = [scene for scene in all_scenes() if scene.kind == "figure" and scene.animated]


@pytest.mark.parametrize("scene", sampled(ANIMATED, every=5))
def test_animated_figures_blit_correctly(scene, request, make_context) -> None:
    kind = "cnn" if {"convolution", "maps"} & {*scene.needs} else "mlp"
    context = make_context(request.getfixturevalue(f"{kind}_run"))
    check_requirements(scene.name, scene.needs, context._run)
    draw, options = load_scene(scene.path).draw, {"seconds": 0.4}
    fast = list(figure_frames(draw, context, DARK, (480, 270), 12, options))
    full = list(figure_frames(draw, context, DARK, (480, 270), 12, options, blit=False))
    assert [r for _, r in fast] == [r for _, r in full]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(fast, full, strict=True))
