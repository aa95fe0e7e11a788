"""Animations that show and hide several mobjects."""

from collections.abc import Iterable

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import ArrayMobject

FADE_SECONDS = 0.3


def fade_in(mobjects: Iterable[ArrayMobject], delay: float = 0.0, run_time: float = FADE_SECONDS) -> list[Animate]:
    """Return the animations that show mobjects, after a delay in seconds."""
    return [Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=run_time, delay=delay) for m in mobjects]


def fade_out(mobjects: Iterable[ArrayMobject], delay: float = 0.0, run_time: float = FADE_SECONDS) -> list[Animate]:
    """Return the animations that hide mobjects and take them off the scene."""
    return [Animate(m, opacity=0.0, run_time=run_time, delay=delay, remover=True) for m in mobjects]
