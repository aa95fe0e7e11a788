"""Animations that show, hide and move mobjects."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import ArrayMobject

FADE_SECONDS, TRAVEL_SECONDS = 0.3, 0.8


def fade_in(mobjects: Iterable[ArrayMobject], delay: float = 0.0, run_time: float = FADE_SECONDS) -> list[Animate]:
    """Return the animations that show mobjects, after a delay in seconds."""
    return [Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=run_time, delay=delay) for m in mobjects]


def fade_out(mobjects: Iterable[ArrayMobject], delay: float = 0.0, run_time: float = FADE_SECONDS) -> list[Animate]:
    """Return the animations that hide mobjects and take them off the scene."""
    return [Animate(m, opacity=0.0, run_time=run_time, delay=delay, remover=True) for m in mobjects]


def travel(
    mobject: ArrayMobject, points: ArrayLike, run_time: float = TRAVEL_SECONDS, delay: float = 0.0
) -> list[Animate]:
    """Return the animation that moves a mobject to other points (N, 2)."""
    return [Animate(mobject, points=np.asarray(points).reshape(-1, 2), run_time=run_time, delay=delay)]
