"""Every figure: a still, and its animation beside a plain redraw.

Stills are 1280×720 pixels, with all that they compute; animations are 854×480. Then whole reports, and the dashboard.
"""

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from measure import FOLDER, Row, at_least, case_of, run_of

from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError
from netcore.core.run import Run
from netcore.publish.report import make_report
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import Scene, all_scenes, find_scene, load_scene
from netcore.rendering.window import LiveWindow, NoDisplayError, Player
from netcore.viz.mpl.blitting import Blitter, canvas_pixels
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import DARK

STILL, CLIP = (1280, 720), (854, 480)
RUNS = ("mlp-16-16", "cnn-2conv")
FRAMES, PLAIN = 100, 20  # of the animation; of those that are drawn wholly
LIVE = 150  # images that the dashboard is fed


def rows() -> list[Row]:
    """One row a figure, of the first run that has what it needs; then the reports and the dashboard."""
    runs = [run_of(recipe, epochs=4) for recipe in RUNS]
    figures = [scene for scene in all_scenes() if scene.kind == "figure"]
    told = [_figure(scene, _fitting(scene, runs)) for scene in sorted(figures, key=lambda s: s.order)]
    return [*told, *(_report(run) for run in runs), *(_live(run) for run in runs), *_window(runs[0])]


def _fitting(scene: Scene, runs: list[Run]) -> Run:
    for run in runs:
        try:
            check_requirements(scene.name, scene.needs, run)
        except RequirementError:
            continue
        return run
    raise LookupError(scene.name)


def _figure(scene: Scene, run: Run) -> Row:
    draw, what, seconds = load_scene(scene.path).draw, f"{scene.name} of {run.info['recipe']}", []
    for _ in range(4):  # the first one imports what the figure needs
        context, start = case_of(run), time.perf_counter()
        with theme_style(DARK):
            fig = new_figure(DARK, STILL)
            draw(fig, context)
            fig.canvas.draw()
        seconds.append(time.perf_counter() - start)
    reached = f"{1000 * median(seconds[1:]):.0f} ms per still"
    if not scene.animated:
        return Row(what, reached)
    rates = _rates(draw, context)
    beside = f"plain redraw {rates['plain']:.0f} frames per second: {rates['ours'] / rates['plain']:.1f} × as fast"
    return Row(what, f"{reached}, {rates['ours']:.0f} frames per second", beside)


def _rates(draw: Any, context: SceneContext) -> dict[str, float]:
    """Frames per second once the figure stands: what changes redrawn, and all of it."""
    rates = {}
    with theme_style(DARK):
        fig = new_figure(DARK, CLIP)
        blitter = Blitter(fig, draw(fig, context))
        start = time.perf_counter()
        for t in np.linspace(0, 1, FRAMES):
            blitter.render(t)
        rates["ours"] = FRAMES / (time.perf_counter() - start)
        fig = new_figure(DARK, CLIP)
        update = draw(fig, context)
        start = time.perf_counter()
        for t in np.linspace(0, 1, PLAIN):
            update(t)
            fig.canvas.draw()
            canvas_pixels(fig)
        rates["plain"] = PLAIN / (time.perf_counter() - start)
    return rates


def _report(run: Run) -> Row:
    """All figures of a run from nothing, by two processes, with their start and the page."""
    start = time.perf_counter()
    done = make_report(run, output=Path(FOLDER / f"report-{run.name}"), jobs=2)
    seconds = time.perf_counter() - start
    beside = f"{sum(r.state == 'drawn' for r in done.rendered)} figures, 2 processes"
    return Row(f"`netcore report` of {run.info['recipe']}", f"{seconds:.1f} s", beside, "≤ 20 s", seconds <= 20)


def _live(run: Run) -> Row:
    """The dashboard as its window shows it: each image goes through the network, then what changed is drawn."""
    with theme_style(DARK):
        fig = new_figure(DARK, STILL)
        blitter = Blitter(fig, load_scene(find_scene("dashboard").path).draw(fig, case_of(run), images=LIVE))
        start = time.perf_counter()
        for i in range(LIVE):
            blitter.render((i + 0.5) / LIVE)
        rate = LIVE / (time.perf_counter() - start)
    what = f"dashboard of {run.info['recipe']}, {STILL[0]}×{STILL[1]}, images fed one by one"
    return Row(what, **at_least(rate, 25, "updates per second"))


def _window(run: Run) -> list[Row]:
    """The same in a window, with what its toolkit takes; nothing where there is no display (`xvfb-run` makes one)."""
    draw, player = load_scene(find_scene("dashboard").path).draw, Player(LIVE)
    try:
        window = LiveWindow(draw, case_of(run), DARK, STILL, {"images": LIVE}, player, 1.0, "benchmark")
    except NoDisplayError:
        return []
    window.manager.show()
    window.canvas.flush_events()
    start = time.perf_counter()
    while player.tick():
        window.show()
        window.canvas.flush_events()
    rate = LIVE / (time.perf_counter() - start)
    window.manager.destroy()
    what = f"dashboard of {run.info['recipe']} in a window of {window.fig.bbox.width:.0f}×{window.fig.bbox.height:.0f}"
    return [Row(what, **at_least(rate, 25, "updates per second"))]
