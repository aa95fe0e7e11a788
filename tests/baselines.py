"""The pictures that figures and films are compared with: `python tests/baselines.py [NAME…]` accepts new ones.

Look at what it wrote before you commit it. Each scene has a picture in each theme, `baselines/<theme>/<scene>.png`, a
film its storyboard: the dark one of a dense network where the scene can show one, the light one of a convolutional
network. Their weights come from NumPy's generator, so that all machines draw the same.
"""

import sys
import tempfile
from functools import cache
from pathlib import Path

import figure_runs
import numpy as np
from clip_reader import read_frames
from PIL import Image

from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.rendering.frames import figure_frames
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import Scene, all_scenes, load_film, load_scene
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import THEMES

HERE = Path(__file__).parent / "baselines"
SIZE = (480, 270)
CELL, COLUMNS = (320, 180), 4  # of a film's storyboard
RUNS = {"dark": ("made-mlp", "made-cnn"), "light": ("made-cnn", "made-mlp")}  # the first that has what the scene needs
STEP = 24  # of 255: a pixel that is further off in some channel differs
SHARE = 0.0003  # of all pixels that may differ
_folder = tempfile.TemporaryDirectory(prefix="netcore-baselines-")  # the runs; gone at the end


def scenes() -> list[Scene]:
    """All scenes."""
    return sorted(all_scenes(), key=lambda scene: scene.name)


def baseline_path(scene: Scene, theme: str) -> Path:
    """Where the picture lies."""
    return HERE / theme / f"{scene.name}.png"


def sample(scene: Scene, theme: str) -> np.ndarray:
    """A figure's last moment, or the last pictures of a film's steps, as they are drawn now: uint8 (H, W, 3)."""
    context = _case(scene, theme)
    if scene.kind == "figure":
        ((rgb, _),) = figure_frames(_still(load_scene(scene.path).draw), context, THEMES[theme], SIZE, 1, {})
        return rgb
    from netcore.viz.film.manim_adapter import settled_frames

    film, settings = load_film(scene.path, scene.class_name), FilmSettings(context, THEMES[theme], CELL, 25)
    cells = [rgb for _, rgb in settled_frames(film, settings)]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % COLUMNS)
    return np.vstack([np.hstack(cells[k : k + COLUMNS]) for k in range(0, len(cells), COLUMNS)])


def read_image(path: Path) -> np.ndarray:
    """A stored picture, uint8 (H, W, 3)."""
    return read_frames(path)[0]


def differing_share(a: np.ndarray, b: np.ndarray, cell: tuple[int, int] | None = None) -> float:
    """Share of the pixels that differ; with cells of a size (width, height), in the cell that differs most."""
    if a.shape != b.shape:
        return 1.0
    differs = np.abs(a.astype(int) - b).max(2) > STEP
    if cell is None:
        return float(differs.mean())
    rows, columns = differs.shape[0] // cell[1], differs.shape[1] // cell[0]
    return float(differs.reshape(rows, cell[1], columns, cell[0]).mean(axis=(1, 3)).max())


def cell_size(scene: Scene) -> tuple[int, int] | None:
    """Size of the cells that are compared one by one, of a film's storyboard."""
    return CELL if scene.kind == "film" else None


def write_image(path: Path, rgb: np.ndarray) -> None:
    """Store a picture, small: in 256 colours where that makes no difference."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = Image.fromarray(rgb)
    few = whole.quantize(256, dither=Image.Dither.NONE)
    same = differing_share(np.asarray(few.convert("RGB")), rgb) == 0
    (few if same else whole).save(path, optimize=True)


def accept_baselines(names: list[str]) -> None:
    """Write the pictures that differ from what is stored, or are not stored, and remove those of no scene."""
    there = {scene.name: scene for scene in scenes()}
    if wrong := set(names) - set(there):
        sys.exit(f"no scene {', '.join(sorted(wrong))}")
    known = {baseline_path(scene, theme) for scene in there.values() for theme in THEMES}
    for path in set(HERE.glob("*/*.png")) - known:
        path.unlink()
        print(f"{path.relative_to(HERE)}: removed")
    for name in names or there:
        for theme in THEMES:
            path, now = baseline_path(there[name], theme), sample(there[name], theme)
            share = differing_share(read_image(path), now, cell_size(there[name])) if path.exists() else 1.0
            if share > SHARE:
                write_image(path, now)
                print(f"{path.relative_to(HERE)}: {share:.1%} differed" if share < 1 else f"{path.relative_to(HERE)}")


def _still(draw):
    """The figure as if it did not move, at its last moment."""

    def still(fig, context, **options):
        update = draw(fig, context, **options)
        if update is not None:
            update(1.0)

    return still


def _case(scene: Scene, theme: str) -> SceneContext:
    for name in RUNS[theme]:
        context = _made(name)
        try:
            check_requirements(scene.name, scene.needs, context._run)
            return context
        except RequirementError:
            continue
    raise LookupError(f"{scene.name} can show neither run")


@cache
def _made(name: str) -> SceneContext:
    return figure_runs.first_example_context(figure_runs.make_run(Path(_folder.name), name))


if __name__ == "__main__":
    accept_baselines(sys.argv[1:])
