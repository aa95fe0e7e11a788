"""An animated figure to a GIF: beside Matplotlib's own `FuncAnimation.save` with its `PillowWriter`."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from encoding import psnr
from matplotlib.animation import FuncAnimation, PillowWriter
from measure import FOLDER, Row, at_least, case_of, ratio, run_of, times

from netcore.core.context import SceneContext
from netcore.rendering.encoding import encode
from netcore.rendering.frames import figure_frames
from netcore.rendering.scenes import find_scene, load_scene
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import DARK

SIZE, FPS, SECONDS = (854, 480), 25, 3.0
SCENES = {"training-history": True, "neuron-weights": False}  # whether the figures wanted are asked of it; in the
# second all of a few hundred small images change at once, where no encoder saves much


def ours(draw: Any, context: SceneContext, path: Path) -> None:
    """As `netcore render` does it."""
    frames = figure_frames(draw, context, DARK, SIZE, FPS, {"seconds": SECONDS})
    encode(frames, {"gif": path}, FPS, hold=0)


def matplotlib(draw: Any, context: SceneContext, path: Path) -> None:
    """The same moments of the same figure, as Matplotlib's documentation has it."""
    count = round(SECONDS * FPS)
    with theme_style(DARK):
        fig = new_figure(DARK, SIZE)
        update = draw(fig, context, seconds=SECONDS)
        animation = FuncAnimation(fig, lambda i: update(i / (count - 1)), frames=count, init_func=lambda: None)
        animation.save(path, PillowWriter(fps=FPS), dpi=fig.dpi)


def rows() -> list[Row]:
    """Speed, size and truth for each figure."""
    out = []
    for scene, asked in SCENES.items():
        draw = load_scene(find_scene(scene).path).draw
        context = case_of(run_of("mlp-16-16", epochs=8))
        paths = {way.__name__: FOLDER / f"{scene}-{way.__name__}.gif" for way in (ours, matplotlib)}
        ways = {way.__name__: partial(way, draw, context, paths[way.__name__]) for way in (ours, matplotlib)}
        ours(draw, context, paths["ours"])  # fonts are found once
        found = times(ways, rounds=3)
        frames = [rgb for rgb, _ in figure_frames(draw, context, DARK, SIZE, FPS, {"seconds": SECONDS})]
        sizes = {name: path.stat().st_size for name, path in paths.items()}
        truth = {name: psnr(path.read_bytes(), frames) for name, path in paths.items()}
        what = f"{scene} to GIF, {round(SECONDS * FPS)} frames, {SIZE[0]}×{SIZE[1]}"
        rate = {name: SECONDS * FPS / sorted(found[name])[1] for name in ways}
        told = [
            Row(
                f"{what}: faster than FuncAnimation.save",
                beside=f"{rate['ours']:.0f} and {rate['matplotlib']:.1f} frames per second",
                **at_least(ratio(found, "matplotlib", "ours"), 8),
            ),
            Row(
                f"{what}: smaller",
                beside=f"{sizes['ours'] / 1000:,.0f} and {sizes['matplotlib'] / 1000:,.0f} kB",
                **at_least(sizes["matplotlib"] / sizes["ours"], 4),
            ),
            Row(
                f"{what}: PSNR",
                reached=f"{truth['ours']:.1f} dB",
                beside=f"{truth['matplotlib']:.1f} dB",
                wanted="no lower",
                met=truth["ours"] >= truth["matplotlib"],
            ),
        ]
        out += told if asked else [replace(row, wanted="", met=None) for row in told]
    return out
