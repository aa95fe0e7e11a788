"""Plays a film and records what stood on screen at the end of each of its steps, for the tests of films."""

from itertools import combinations
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from netcore.core.context import SceneContext
from netcore.core.run import Run
from netcore.core.sample import Sample
from netcore.core.step import Step
from netcore.rendering.frames import film_frames
from netcore.viz.film.base_mobject import ArrayMobject
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import BarMobject, Neurons, PixelImages
from netcore.viz.film.settings import FilmSettings
from netcore.viz.film.text import TextLine
from netcore.viz.theme import DARK, Theme


class VisibleMobject(NamedTuple):
    """A visible mobject: itself, its text (or ""), its box (4,) left, bottom, right, top, and those of its parts."""

    mobject: ArrayMobject
    text: str
    box: np.ndarray
    parts: list[np.ndarray]


class Playback(NamedTuple):
    """film: as it is at its end; moments: what was seen at the end of each step; frames: (rgb, repeat) each."""

    film: Any
    moments: list[list[VisibleMobject]]
    frames: list[tuple[np.ndarray, int]]
    steps: list[Step]

    @property
    def texts(self) -> set[str]:
        """All that was ever written."""
        return {seen.text for moment in self.moments for seen in moment if seen.text}


def play_film(
    film: type[Film],
    context: SceneContext,
    theme: Theme = DARK,
    fps: int = 4,
    size: tuple[int, int] = (854, 480),
    draw: bool = True,
    **options: Any,
) -> Playback:
    """Render a film at few frames per second and look at it after each step; without `draw` no frame is painted."""
    made: list[Any] = []
    moments: list[list[VisibleMobject]] = []
    frames: list[tuple[np.ndarray, int]] = []
    steps: list[Step] = []

    class Watched(film):  # type: ignore[misc, valid-type]
        def setup(self) -> None:
            super().setup()
            self.skip_all = not draw
            made.append(self)

        def on_step_end(self, step: Step) -> None:
            super().on_step_end(step)
            steps.append(step)
            everything = self.camera.get_mobjects_to_display(self.mobjects)
            visible = [m for m in everything if isinstance(m, ArrayMobject) and m.opacity > 0.02]
            texts = [m.text if isinstance(m, TextLine) else "" for m in visible]
            boxes = [m.bounding_box() for m in visible]  # kept: mobjects move on
            found = zip(visible, texts, boxes, strict=True)
            moments.append([VisibleMobject(m, text, box, _parts(m, box)) for m, text, box in found])

    settings = FilmSettings(context, theme, size, fps, options)
    film_frames(Watched, settings, lambda rgb, repeat: frames.append((rgb, repeat)))
    return Playback(made[0], moments, frames, steps)


def check_layout(played: Playback) -> None:
    """Nothing leaves the frame; no text touches another text or lies on a picture, on neurons or on bars."""
    width, height = played.film.width / 2, played.film.height / 2
    for step, moment in zip(played.steps, played.moments, strict=True):
        for seen in moment:
            x0, y0, x1, y1 = seen.box
            assert x0 >= -width, f"{seen.text or seen.mobject} is cut at the left in {step.name}"
            assert x1 <= width, f"{seen.text or seen.mobject} is cut at the right in {step.name}"
            assert y0 >= -height, f"{seen.text or seen.mobject} is cut at the foot in {step.name}"
            assert y1 <= height, f"{seen.text or seen.mobject} is cut at the top in {step.name}"
        for a, b in combinations(moment, 2):
            solid = [isinstance(s.mobject, (TextLine, PixelImages, Neurons, BarMobject)) for s in (a, b)]
            if all(solid) and (a.text or b.text):
                met = any(_meet(x, y) for x in a.parts for y in b.parts)
                assert not met, f"'{a.text or a.mobject}' lies on '{b.text or b.mobject}' in {step.name}"


def smallest_text(played: Playback) -> float:
    """Size in pixels that the smallest text has where the film is shown 800 pixels wide."""
    sizes = [seen.mobject.size for moment in played.moments for seen in moment if isinstance(seen.mobject, TextLine)]
    return min(sizes) * 800 / 854


def _parts(mobject: ArrayMobject, box: np.ndarray) -> list[np.ndarray]:
    """Boxes of what a mobject covers: of each neuron, bar or image, else its own."""
    if isinstance(mobject, PixelImages):
        frames = mobject.corners()
        corners = np.concatenate([frames, frames[:, 1:2] + frames[:, 2:3] - frames[:, :1]], axis=1)
        return list(np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1))
    if isinstance(mobject, BarMobject):
        return list(mobject.points[:, :2].reshape(-1, 4).copy())
    if isinstance(mobject, Neurons):
        return list(np.column_stack([mobject.centers - mobject.radius, mobject.centers + mobject.radius]))
    return [box]


def _meet(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def module_context(
    run: Run, module: Any, pixels: np.ndarray, classes: list[str], label: int | None, **keys: Any
) -> SceneContext:
    """A case of any module; the run only lends its name."""
    from netcore.tracing.tracer import trace_module

    trace = trace_module(module.eval(), pixels, classes=classes, label=label, **keys)
    network = SimpleNamespace(trace=lambda *_: trace)
    return SceneContext(run, Sample(pixels, label, "test"), "best", lambda *_: network)
