"""Manim's internals are touched by one module."""

import ast
from pathlib import Path

import numpy as np
import pytest
from manim import Square

import netcore
from netcore.viz.film.base_mobject import PIXEL
from netcore.viz.film.manim_adapter import bounding_box, overlaps
from netcore.viz.film.mobjects import Neurons

PACKAGE = Path(netcore.__file__).parent
ADAPTER = PACKAGE / "viz" / "film" / "manim_adapter.py"
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
    assert users == {ADAPTER}


def test_bounding_box_of_both_kinds() -> None:
    np.testing.assert_allclose(bounding_box(Square(2.0)), [-1, -1, 1, 1])
    column = Neurons(np.array([[0.0, 1.0], [0.0, -1.0]]), 0.25, np.zeros(3), np.ones(3))
    left, bottom, right, top = bounding_box(column)
    assert (left, right) == (-right, -left)
    assert top >= 1.25
    assert bottom == -top


def test_overlaps_within_a_pixel() -> None:
    box = np.array([0.0, 0.0, 1.0, 1.0])
    assert overlaps(box, box + 0.5)
    assert overlaps(box, box + np.array([1 + PIXEL / 2, 0, 1 + PIXEL / 2, 0]))
    assert not overlaps(box, box + np.array([1 + 2 * PIXEL, 0, 1 + 2 * PIXEL, 0]))
