"""Appearing, leaving and moving of several mobjects at once."""

from collections.abc import Iterable

import numpy as np

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import ArrayMobject

APPEAR_SECONDS, TRAVEL_SECONDS = 0.3, 0.8


def appear(mobjects: Iterable[ArrayMobject], run_time: float = APPEAR_SECONDS, delay: float = 0.0) -> list[Animate]:
    """Return animations that fade mobjects in."""
    return [Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=run_time, delay=delay) for m in mobjects]


def leave(mobjects: Iterable[ArrayMobject], run_time: float = APPEAR_SECONDS) -> list[Animate]:
    """Return animations that fade mobjects out and remove them."""
    return [Animate(m, opacity=0.0, run_time=run_time, remover=True) for m in mobjects]


def travel(
    mobject: ArrayMobject, points: np.ndarray, run_time: float = TRAVEL_SECONDS, delay: float = 0.0
) -> list[Animate]:
    """Return the animation that moves a mobject to other points (N, 2)."""
    return [Animate(mobject, points=np.asarray(points).reshape(-1, 2), run_time=run_time, delay=delay)]
