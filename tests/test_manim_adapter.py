"""Manim's internals are touched by one package."""

import ast
from pathlib import Path

import numpy as np
import pytest
from manim import Square

import netcore
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import CAPTION, PIXEL
from netcore.viz.film.components.number_cells import NumberCells
from netcore.viz.film.edges import Edges
from netcore.viz.film.manim_adapter import (
    ArrayRenderer,
    ArrayScene,
    bounding_box,
    play_film,
)
from netcore.viz.film.mobjects import Neurons
from netcore.viz.film.pixel_region import NO_PIXELS, WHOLE_FRAME, Region, overlaps, pixel_region
from netcore.viz.film.settings import FilmSettings
from netcore.viz.film.text import text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import DARK

PACKAGE = Path(netcore.__file__).parent
ADAPTER = PACKAGE / "viz" / "film" / "manim_adapter"
SCENES = PACKAGE / "scenes" if (PACKAGE / "scenes").is_dir() else PACKAGE.parent / "scenes"
FILES = [file for folder in (PACKAGE, SCENES) for file in sorted(folder.rglob("*.py"))]
INTERNAL_NAMES = {"Camera", "CairoRenderer", "OpenGLRenderer", "SceneFileWriter", "tempconfig", "logger"}
INTERNAL_ATTRIBUTES = {"renderer", "file_writer", "num_plays", "get_frame", "get_mobjects_to_display"}


def internals(source: str) -> list[str]:
    """Names of Manim's submodules, internal classes and internal attributes that a source uses."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("manim.")]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "manim":
            found += [node.module] if "." in node.module else [a.name for a in node.names if a.name in INTERNAL_NAMES]
        elif isinstance(node, ast.Attribute) and node.attr in INTERNAL_ATTRIBUTES:
            found.append(node.attr)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "import manim.renderer",
        "from manim.camera.camera import Camera",
        "from manim import Camera",
        "x.renderer.camera",
    ],
)
def test_internals_are_recognised(source: str) -> None:
    assert internals(source)


def test_manim_internals_in_adapter_only() -> None:
    users = {file for file in FILES if internals(file.read_text(encoding="utf-8"))}
    assert {file.parent for file in users} == {ADAPTER}


def test_bounding_box_of_both_kinds() -> None:
    np.testing.assert_allclose(bounding_box(Square(2.0)), [-1, -1, 1, 1])
    column = Neurons(np.array([[0.0, 1.0], [0.0, -1.0]]), 0.25, np.zeros(3), np.ones(3))
    left, bottom, right, top = bounding_box(column)
    assert (left, right) == (-right, -left)
    assert top >= 1.25
    assert bottom == -top


class Moving(ArrayScene):
    """Neurons that travel one by one over lines, an image of numbers that grows, and a line of text that fades."""

    def construct(self) -> None:
        rng = np.random.default_rng(0)
        self.set_background("#101418")
        ends = rng.uniform(-3, 3, (2, 40, 2))
        lines = Edges(ends[0], ends[1], (0.3, 0.5, 0.9, 0.8), 3.0)
        column = Neurons(rng.uniform(-3, 3, (12, 2)), 0.2, rng.random((12, 3)), np.ones(3))
        cells = NumberCells(DARK, rng.random((2, 2, 3)), ["0.12", "−0.34", "1", "0"], Area(3.5, -1.5, 3, 3))
        text = text_line("a line of text", CAPTION, at=(0, -3.4))
        self.add(lines, column)
        small = Area(-5, 1, 0.5, 0.5).frame.reshape(-1, 2)
        self.play(
            Animate(column, points=column.points_at(rng.uniform(-3, 3, (12, 2))), lag_ratio=0.7),
            Animate(cells, start={"points": small}, points=cells.points.copy()),
            Animate(text, start={"opacity": 0}, opacity=1.0),
            run_time=1,
        )
        self.play(Animate(lines, widths=np.full(40, 0.5)), Animate(text, opacity=0.0), run_time=1)


@pytest.mark.parametrize("transparent", [False, True])
def test_drawing_of_changes_matches_whole_frames(monkeypatch: pytest.MonkeyPatch, transparent: bool) -> None:
    """Only the pixels near what changes are drawn again and handed on."""
    settings = FilmSettings(None, DARK, (480, 270), 12, {}, transparent)

    def play() -> list[tuple[np.ndarray, int]]:
        found: list[tuple[np.ndarray, int]] = []
        play_film(Moving, settings, lambda rgb, repeat: found.append((rgb, repeat)))
        return found

    changes = play()
    monkeypatch.setattr(ArrayRenderer, "_covered", lambda renderer, scene: WHOLE_FRAME)
    whole = play()
    assert len(changes) > 15
    assert [repeat for _, repeat in changes] == [repeat for _, repeat in whole]
    assert max(np.abs(a.astype(int) - b).max() for (a, _), (b, _) in zip(changes, whole, strict=True)) <= 1


def test_pixel_region_of_box() -> None:
    sizes = (160, 90), (16, 9)
    assert pixel_region(*sizes, np.array([-1.0, -0.5, 0.0, 0.5])) == Region(68, 38, 83, 53)
    assert pixel_region(*sizes, np.array([9.0, 0.0, 10.0, 1.0])) == NO_PIXELS
    assert NO_PIXELS.union(Region(1, 2, 3, 4)) == Region(1, 2, 3, 4)
    assert Region(1, 2, 3, 4).union(Region(0, 3, 2, 9)) == Region(0, 2, 3, 9)


def test_overlaps_within_a_pixel() -> None:
    box = np.array([0.0, 0.0, 1.0, 1.0])
    assert overlaps(box, box + 0.5)
    assert overlaps(box, box + np.array([1 + PIXEL / 2, 0, 1 + PIXEL / 2, 0]))
    assert not overlaps(box, box + np.array([1 + 2 * PIXEL, 0, 1 + 2 * PIXEL, 0]))
