"""The one animation that films need: numbers of a mobject go from what they are to what they shall be."""

from typing import Any

import numpy as np
from manim import Animation, Mobject, smooth

from netcore.viz.film.base_mobject import ArrayMobject


class Animate(Animation):
    """Move numbers of one mobject from what they are to their targets.

    Parameters
    ----------
    mobject : Drawn
    start : dict, numbers set when the play begins, before anything moves
    after : float, seconds that it waits first
    run_time : float, seconds that the move takes, `after` not counted
    lag : float, how far elements follow one another along the first axis: 0 all at once, 1 the last starts at half time
    order : (N,) in [0, 1], each element's place in that order; by default from first to last
    remove : bool, take the mobject off the screen at the end
    **targets : the numbers at the end, by attribute
    """

    def __init__(
        self, mobject: ArrayMobject, *, start: dict[str, Any] | None = None, after: float = 0.0, run_time: float = 1.0,
        lag: float = 0.0, order: Any = None, remove: bool = False, rate_func: Any = smooth, **targets: Any,
    ) -> None:  # fmt: skip
        super().__init__(mobject, run_time=after + run_time, rate_func=rate_func, remover=remove, introducer=not remove)
        self.start, self.targets = start or {}, targets
        self.after, self.lag = after / (after + run_time), lag
        self.order = None if order is None else np.asarray(order, float)

    def create_starting_mobject(self) -> Mobject:
        return self.mobject

    def begin(self) -> None:
        m = self.mobject
        for name, value in self.start.items():
            setattr(m, name, _like(getattr(m, name), value))
        self.origins = {name: np.array(getattr(m, name), dtype=float) for name in self.targets}
        self.goals = {name: _like(origin, self.targets[name]) for name, origin in self.origins.items()}
        super().begin()

    def interpolate(self, alpha: float) -> None:
        t = min(max((alpha - self.after) / (1 - self.after), 0.0), 1.0)
        for name, origin in self.origins.items():
            goal = self.goals[name]
            if t == 1.0:
                value = goal.copy()
            else:
                share = self._share(t, origin)
                value = origin * (1 - share) + goal * share
            setattr(self.mobject, name, float(value) if value.ndim == 0 else value)

    def _share(self, t: float, origin: np.ndarray) -> Any:
        """How far each element has gone, shaped to multiply `origin`."""
        if not self.lag or origin.ndim == 0:
            return self.rate_func(t)
        n = len(origin)
        order = np.arange(n) / max(n - 1, 1) if self.order is None else np.repeat(self.order, n // len(self.order))
        each = np.clip(t * (1 + self.lag) - self.lag * order, 0, 1)
        return np.array([self.rate_func(u) for u in each]).reshape((n,) + (1,) * (origin.ndim - 1))

    def reach(self) -> np.ndarray:
        """Box (4,) of everything that the mobject covers on its way."""
        m, now = self.mobject, {name: getattr(self.mobject, name) for name in self.targets}
        boxes = []
        for state in (self.origins, self.goals):
            vars(m).update({k: v for k, v in state.items() if k == "points"})
            boxes.append(m.box())
        vars(m).update(now)
        low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
        return np.concatenate([low, high])


def _like(array: Any, value: Any) -> np.ndarray:
    """`value` as a float array of the shape of `array`; points may be given flat, (N, 2)."""
    shape, value = np.shape(array), np.asarray(value, dtype=float)
    if len(shape) == 2 and shape[1] == 3 and value.ndim > 1 and value.shape[-1] == 2:
        value = np.pad(value.reshape(-1, 2), ((0, 0), (0, 1)))
    return np.broadcast_to(value, shape).copy()
