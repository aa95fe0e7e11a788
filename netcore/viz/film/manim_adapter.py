"""The only module that touches Manim's internals."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np
from manim import Camera, Mobject

from netcore.viz.film.base_mobject import PIXEL, ArrayMobject


class ArrayCamera(Camera):
    """Manim's camera, which lets a `Drawn` paint itself and draws everything else as ever."""

    def capture_mobjects(self, mobjects: Iterable[Mobject], **kwargs: Any) -> None:
        ordered = self.get_mobjects_to_display(mobjects, **kwargs)
        context = self.get_cairo_context(self.pixel_array)
        for drawn, group in groupby(ordered, lambda m: isinstance(m, ArrayMobject)):
            if not drawn:
                super().capture_mobjects(list(group), include_submobjects=False)
                continue
            for mobject in group:
                if mobject.opacity > 0:
                    context.new_path()
                    mobject.paint(context)


def _box(m: Mobject) -> np.ndarray:
    return np.array([m.get_left()[0], m.get_bottom()[1], m.get_right()[0], m.get_top()[1]])


def _meet(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(a[0] < b[2] + PIXEL and b[0] < a[2] + PIXEL and a[1] < b[3] + PIXEL and b[1] < a[3] + PIXEL)
