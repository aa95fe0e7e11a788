"""The animation of films: interpolation of a mobject's arrays."""

from collections.abc import Callable, Mapping

import numpy as np
from manim import Animation, smooth
from numpy.typing import ArrayLike

from netcore.viz.film.base_mobject import ArrayMobject


class Animate(Animation):
    """Interpolate attributes of a mobject from their present values to targets.

    Parameters
    ----------
    mobject : ArrayMobject
    start : dict, optional
        Attributes that are set at the beginning of the play.
    delay : float
        Delay in seconds.
    run_time : float
        Duration in seconds, without the delay.
    lag_ratio : float
        Delay of the last element along the first axis relative to the first, as a fraction of the duration.
    order : array_like, shape (N,), optional
        Position of each element in that sequence, in [0, 1]; default: by index.
    remover : bool
        Whether the mobject is removed from the scene at the end.
    rate_func : callable
        Easing of [0, 1], as in Manim.
    **targets : array_like
        Attributes at the end.
    """

    mobject: ArrayMobject  # type: ignore[assignment]  # Manim's stub has its OpenGL mobject

    def __init__(
        self,
        mobject: ArrayMobject,
        *,
        start: Mapping[str, ArrayLike] | None = None,
        delay: float = 0.0,
        run_time: float = 1.0,
        lag_ratio: float = 0.0,
        order: ArrayLike | None = None,
        remover: bool = False,
        rate_func: Callable[[float], float] = smooth,
        **targets: ArrayLike,
    ) -> None:
        super().__init__(
            mobject, run_time=delay + run_time, rate_func=rate_func, remover=remover, introducer=not remover
        )
        self.start, self.targets = start or {}, targets
        self.delay, self.lag_ratio = delay / (delay + run_time), lag_ratio
        self.order = None if order is None else np.asarray(order, float)

    def create_starting_mobject(self) -> ArrayMobject:
        """Return the mobject itself: arrays are never copied."""
        return self.mobject

    def begin(self) -> None:
        """Set the start values and store origins and goals."""
        m = self.mobject
        for name, value in self.start.items():
            setattr(m, name, _like(getattr(m, name), value))
        self.origins = {name: np.array(getattr(m, name), dtype=float) for name in self.targets}
        self.goals = {name: _like(origin, self.targets[name]) for name, origin in self.origins.items()}
        super().begin()

    def interpolate(self, alpha: float) -> None:
        """Set the attributes at the fraction `alpha` of the play."""
        t = min(max((alpha - self.delay) / (1 - self.delay), 0.0), 1.0)
        for name, origin in self.origins.items():
            goal = self.goals[name]
            if t == 1.0:
                value = goal.copy()
            else:
                share = self._share(t, origin, self.mobject.points_each if name == "points" else 1)
                value = origin * (1 - share) + goal * share
            setattr(self.mobject, name, float(value) if value.ndim == 0 else value)

    def _share(self, t: float, origin: np.ndarray, each: int) -> float | np.ndarray:
        """Return the progress of each element, which has `each` rows of `origin`, shaped to multiply it."""
        if not self.lag_ratio or origin.ndim == 0:
            return self.rate_func(t)
        n = len(origin)
        elements = n // each
        order = np.arange(elements) / max(elements - 1, 1) if self.order is None else self.order
        order = np.repeat(order, n // len(order))
        progress = np.clip(t * (1 + self.lag_ratio) - self.lag_ratio * order, 0, 1)
        return np.array([self.rate_func(u) for u in progress]).reshape((n,) + (1,) * (origin.ndim - 1))

    def reach(self) -> np.ndarray:
        """Return left, bottom, right and top of all that the mobject covers during the play: (4,)."""
        m, now = self.mobject, {name: getattr(self.mobject, name) for name in self.targets}
        boxes = []
        for state in (self.origins, self.goals):
            vars(m).update({k: v for k, v in state.items() if k == "points"})
            boxes.append(m.bounding_box())
        vars(m).update(now)
        low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        return np.concatenate([low, high])


def _like(array: ArrayLike, value: ArrayLike) -> np.ndarray:
    """Broadcast `value` to the shape of `array`; points may be two-dimensional, (N, 2)."""
    shape, value = np.shape(array), np.asarray(value, dtype=float)
    if len(shape) == 2 and shape[1] == 3 and value.ndim > 1 and value.shape[-1] == 2:
        value = np.pad(value.reshape(-1, 2), ((0, 0), (0, 1)))
    return np.broadcast_to(value, shape).copy()
